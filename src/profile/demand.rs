//! Demand of one signal over one week, in its final form: per cell the total over pods, the greatest pod and the pods.
//!
//! Exact steps finer than the cell fold into it by the upper envelope (the greatest of each); coarser ones hold over
//! the cells they measured. A cell without a sample is unknown, never 0. Totals are [`Level`]s, maxima [`CoarseLevel`]s,
//! pods exact. Folding takes maxima and a level grows with its value, so folding quantised cells gives what quantising
//! folded cells gives: a week can be made hourly at any time.

use super::calendar::{WEEK_S, Week};
use super::huffman::{packed, unpacked};
use super::level::{CoarseLevel, Level};
use super::pack::{PayloadError, Unpacker, put_differences, put_varint, successive};
use crate::units::Seconds;
use std::collections::BTreeMap;
use std::ops::Range;

/// Weeks kept at the step of the profile; older ones are hourly.
pub const FINE_WEEKS: u32 = 4;
/// Step of older weeks, and the longest time one sample can hold for.
pub const COARSE_STEP_S: u32 = 3_600;

/// How much is read of each cell; what is not stands at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Columns {
    /// Which cells are the first and the last known one, the others left out.
    Ends,
    /// Which cells are known.
    Known,
    /// These, and all pods together.
    Totals,
    /// These, and the greatest pod.
    All,
}

/// What is known of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Position in the week, from 0: the cell ends `(slot + 1) × step` after Monday 00:00.
    pub slot: u32,
    /// All pods together: the most within the cell.
    pub total: Level,
    /// The greatest single pod within the cell. Coarse, since noise of single pods is what costs most to write; the
    /// exact greatest value of a week is in its sketch.
    pub max: CoarseLevel,
    /// Pods with a value: the most within the cell.
    pub active: u32,
}

impl Cell {
    pub(super) fn absorb(&mut self, other: Self) {
        self.total = self.total.max(other.total);
        self.max = self.max.max(other.max);
        self.active = self.active.max(other.active);
    }
}

/// One week of demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemandWeek {
    /// Length of a cell in seconds; a divisor of an hour.
    pub step_s: u32,
    /// Cells of the profile's own step that are known, also after the week was made hourly.
    pub known: u32,
    /// The known cells, ascending.
    pub cells: Vec<Cell>,
}

/// Two final lines know the same cell, so their series cannot be told apart any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// End of the first shared cell.
    pub end_s: i64,
}

impl DemandWeek {
    pub(super) fn of_cells(step_s: u32, cells: Vec<Cell>) -> Self {
        let known = u32::try_from(cells.len()).unwrap_or(u32::MAX);
        Self { step_s, known, cells }
    }

    /// The same week in hourly cells; unchanged when it is hourly.
    #[must_use]
    pub fn hourly(self) -> Self {
        let factor = COARSE_STEP_S / self.step_s;
        let mut cells: Vec<Cell> = Vec::new();
        for cell in self.cells {
            let cell = Cell {
                slot: cell.slot / factor,
                ..cell
            };
            match cells.last_mut() {
                Some(last) if last.slot == cell.slot => last.absorb(cell),
                _ => cells.push(cell),
            }
        }
        Self {
            step_s: COARSE_STEP_S,
            known: self.known,
            cells,
        }
    }

    /// Joins two parts that know different cells.
    pub fn join(self, other: Self, week: Week) -> Result<Self, Overlap> {
        if self.step_s != other.step_s {
            return self.hourly().join(other.hourly(), week);
        }
        let mut cells = self.cells;
        cells.extend(other.cells);
        cells.sort_by_key(|cell| cell.slot);
        if let Some(pair) = cells.windows(2).find(|pair| pair[0].slot == pair[1].slot) {
            return Err(Overlap {
                end_s: week.start_s() + i64::from(pair[0].slot + 1) * i64::from(self.step_s),
            });
        }
        Ok(Self {
            step_s: self.step_s,
            known: self.known + other.known,
            cells,
        })
    }

    /// Adds what ran beside it, where the profile's own step is `fine_s`; with the number of cells that both know.
    ///
    /// There totals add by the upper edges of their levels, so demand never comes out too low, and no more of the time
    /// counts as known than surely is.
    #[must_use]
    pub fn beside(self, other: Self, fine_s: u32) -> (Self, u32) {
        if self.step_s != other.step_s {
            return self.hourly().beside(other.hourly(), fine_s);
        }
        let mut cells: BTreeMap<u32, Cell> = self.cells.into_iter().map(|cell| (cell.slot, cell)).collect();
        let mut shared = 0_u32;
        for cell in other.cells {
            let known = cells.entry(cell.slot);
            known
                .and_modify(|known| {
                    shared += 1;
                    known.total = Level::of(known.total.upper().saturating_add(cell.total.upper()));
                    known.max = known.max.max(cell.max);
                    known.active = known.active.saturating_add(cell.active);
                })
                .or_insert(cell);
        }
        let twice = shared.saturating_mul(self.step_s / fine_s.max(1));
        let known = self.known + other.known - twice.min(self.known).min(other.known);
        let (step_s, cells) = (self.step_s, cells.into_values().collect());
        (Self { step_s, known, cells }, shared)
    }

    /// End of a cell in Unix seconds.
    pub fn end_s(&self, week: Week, cell: &Cell) -> i64 {
        week.start_s() + i64::from(cell.slot + 1) * i64::from(self.step_s)
    }

    /// `step known pods.totals.maxima`, each packed on its own (they share no statistics). `pods`: runs
    /// of known and unknown cells, then the pods of each; totals as differences from what the cells before let expect;
    /// the greatest pod as its distance from the mean pod, which is small, and zero for a single pod.
    pub(crate) fn encode(&self) -> String {
        let mut pods = Vec::with_capacity(self.cells.len() + 8);
        let runs = self.runs();
        put_varint(&mut pods, runs.len() as u64);
        for (gap, length) in runs {
            put_varint(&mut pods, gap);
            put_varint(&mut pods, length);
        }
        put_differences(
            &mut pods,
            successive(self.cells.iter().map(|cell| u64::from(cell.active))),
        );
        let totals = packed(&self.totals());
        let mut maxima = Vec::with_capacity(self.cells.len() + 8);
        let off = |cell: &Cell| (mean_pod(cell.total, cell.active), u64::from(cell.max.index()));
        put_differences(&mut maxima, self.cells.iter().map(off));
        format!(
            "{} {} {}.{totals}.{}",
            self.step_s,
            self.known,
            packed(&pods),
            packed(&maxima)
        )
    }

    /// From how many totals each is expected (as a power of two), the first, then how far each other one is off.
    fn totals(&self) -> Vec<u8> {
        let totals: Vec<u32> = self.cells.iter().map(|cell| cell.total.index().into()).collect();
        let first = totals.first().copied().unwrap_or(0);
        let sums = Sums::of(first, &totals);
        let distance = |log: u32| -> u32 {
            sums.means(log)
                .zip(&totals)
                .map(|(mean, &total)| mean.abs_diff(total))
                .sum()
        };
        let log = EXPECT_LOGS.into_iter().min_by_key(|&log| distance(log)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(totals.len() + 8);
        put_varint(&mut bytes, log.into());
        put_varint(&mut bytes, first.into());
        let off = |(mean, &total): (u32, &u32)| (mean.into(), total.into());
        put_differences(&mut bytes, sums.means(log).zip(&totals).skip(1).map(off));
        bytes
    }

    /// Of known cells: how many unknown ones are before it, and how many it has.
    fn runs(&self) -> Vec<(u64, u64)> {
        if let [first, .., last] = self.cells.as_slice()
            && (last.slot - first.slot) as usize == self.cells.len() - 1
        {
            return vec![(first.slot.into(), self.cells.len() as u64)];
        }
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut next = 0;
        for cell in &self.cells {
            match runs.last_mut() {
                Some(last) if cell.slot == next => last.1 += 1,
                _ => runs.push((u64::from(cell.slot - next), 1)),
            }
            next = cell.slot + 1;
        }
        runs
    }

    pub(crate) fn decode(payload: &str, columns: Columns) -> Result<Self, PayloadError> {
        let mut fields = payload.splitn(3, ' ');
        let (Some(step), Some(known), Some(cells)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(PayloadError::new("has not the three fields `step known cells`"));
        };
        let step_s: u32 = super::sketch::integer(step, "step")?;
        let known: u32 = super::sketch::integer(known, "number of known cells")?;
        if step_s == 0 || !COARSE_STEP_S.is_multiple_of(step_s) {
            let step = Seconds::new(u64::from(step_s));
            return Err(PayloadError::new(format!(
                "has a step of {step}, which does not divide an hour"
            )));
        }
        let (cells, count) = decode_cells(cells, step_s, columns)?;
        if known < count {
            let what = format!("knows {count} cells and says {known}");
            return Err(PayloadError::new(what));
        }
        Ok(Self { step_s, known, cells })
    }
}

/// The cells, and how many are known.
fn decode_cells(text: &str, step_s: u32, columns: Columns) -> Result<(Vec<Cell>, u32), PayloadError> {
    let texts: Vec<&str> = text.split('.').collect();
    let &[pods, totals, maxima] = texts.as_slice() else {
        return Err(PayloadError::new("has not the three columns `pods.totals.maxima`"));
    };
    let pods = unpacked(pods)?;
    let mut pods = Unpacker::new(&pods);
    let runs = decode_runs(&mut pods, slots_of_week(step_s))?;
    let count = runs.iter().map(|run| run.end - run.start).sum();
    let runs = if columns == Columns::Ends { ends(&runs) } else { runs };
    let at = |slot| Cell {
        slot,
        ..Cell::default()
    };
    let mut cells: Vec<Cell> = Vec::new();
    for run in runs {
        cells.extend(run.map(at));
    }
    if columns >= Columns::Totals {
        decode_totals(&mut cells, pods, &unpacked(totals)?)?;
    }
    if columns == Columns::All {
        decode_maxima(&mut cells, &unpacked(maxima)?)?;
    }
    Ok((cells, count))
}

/// The first and the last slot of runs.
fn ends(runs: &[Range<u32>]) -> Vec<Range<u32>> {
    let slots = runs
        .first()
        .zip(runs.last())
        .map(|(first, last)| (first.start, last.end - 1));
    match slots {
        Some((first, last)) if first < last => vec![first..first + 1, last..last + 1],
        _ => runs.to_vec(),
    }
}

fn decode_totals(cells: &mut [Cell], mut pods: Unpacker<'_>, totals: &[u8]) -> Result<(), PayloadError> {
    let mut totals = Unpacker::new(totals);
    let (log, first): (u32, u32) = (totals.small("length of a mean")?, totals.small("total")?);
    let is_on_scale = Level::from_index(first.into()).is_some();
    if !EXPECT_LOGS.contains(&log) || !is_on_scale {
        let what = "expects totals from something that is never written";
        return Err(PayloadError::new(what));
    }
    // the sum of the totals that the next one is expected from
    let (mut sum, mut last) = (first << log, 0);
    for at in 0..cells.len() {
        last = pods.difference(last)?;
        let active = u32::try_from(last).ok().filter(|&pods| pods > 0);
        let total = match at {
            0 => first.into(),
            _ => totals.difference((sum >> log).into())?,
        };
        let total = Level::from_index(total);
        let (Some(active), Some(total)) = (active, total) else {
            return Err(PayloadError::new("has a cell without pods or past the scale"));
        };
        let left = at.checked_sub(1 << log).map(|left| cells[left].total.index().into());
        sum = sum + u32::from(total.index()) - left.unwrap_or(first);
        (cells[at].total, cells[at].active) = (total, active);
    }
    pods.finish().and_then(|()| totals.finish())
}

fn decode_maxima(cells: &mut [Cell], maxima: &[u8]) -> Result<(), PayloadError> {
    let mut maxima = Unpacker::new(maxima);
    for cell in cells {
        let most = CoarseLevel::of(cell.total.upper());
        let max = CoarseLevel::from_index(maxima.difference(mean_pod(cell.total, cell.active))?);
        cell.max = max
            .filter(|&max| max <= most)
            .ok_or_else(|| PayloadError::new("has a pod greater than all pods together"))?;
    }
    maxima.finish()
}

/// From how many totals the next one is expected, as powers of two: one for smooth demand, more for noisy. What comes
/// closest is kept.
const EXPECT_LOGS: [u32; 3] = [0, 2, 4];
/// As many totals as the longest mean takes.
const BEFORE: usize = 16;

/// Sums of the totals before each cell, for what it is expected to be: the mean of the last `2^log` of them, rounded
/// down. The first total stands for those before it.
struct Sums(Vec<u32>);

impl Sums {
    fn of(first: u32, totals: &[u32]) -> Self {
        let mut sums: Vec<u32> = (0..).map(|count| count * first).take(BEFORE + 1).collect();
        sums.reserve(totals.len());
        let mut sum = sums[BEFORE];
        sums.extend(totals.iter().map(|total| {
            sum += total;
            sum
        }));
        Self(sums)
    }

    /// What each total was expected to be.
    fn means(&self, log: u32) -> impl Iterator<Item = u32> + Clone {
        let ends = &self.0[BEFORE..];
        let starts = &self.0[BEFORE - (1 << log)..];
        ends.iter().zip(starts).map(move |(end, start)| (end - start) >> log)
    }
}

pub(super) fn slots_of_week(step_s: u32) -> u32 {
    u32::try_from(WEEK_S).unwrap_or(0) / step_s
}

/// Runs of known slots, none of them empty.
fn decode_runs(unpacker: &mut Unpacker<'_>, slots_of_week: u32) -> Result<Vec<Range<u32>>, PayloadError> {
    let runs: u32 = unpacker.small("number of runs")?;
    let mut found = Vec::new();
    let mut next = 0u32;
    for run in 0..runs {
        let (gap, length): (u32, u32) = (unpacker.small("gap")?, unpacker.small("run")?);
        let start = next.checked_add(gap).filter(|_| length > 0 && (gap > 0 || run == 0));
        let end = start
            .and_then(|start| start.checked_add(length))
            .filter(|&end| end <= slots_of_week);
        let (Some(start), Some(end)) = (start, end) else {
            return Err(PayloadError::new("has cells out of order or past its week"));
        };
        found.push(start..end);
        next = end;
    }
    if found.is_empty() {
        Err(PayloadError::new("knows no cell"))
    } else {
        Ok(found)
    }
}

/// Of every level, since each cell asks.
static MIDPOINTS: [u64; Level::COUNT] = {
    let (mut midpoints, mut index) = ([0; Level::COUNT], 0);
    while let Some(level) = Level::from_index(index as u64) {
        midpoints[index] = level.midpoint();
        index += 1;
    }
    midpoints
};

/// Where the greatest pod is guessed to be: the level of an equal share.
fn mean_pod(total: Level, active: u32) -> u64 {
    let midpoint = MIDPOINTS[usize::from(total.index())];
    u64::from(CoarseLevel::of(midpoint / u64::from(active)).index())
}

#[cfg(test)]
mod tests {
    use super::super::timeline::{Combine, Timeline};
    use super::*;

    const MONDAY: i64 = 1_633_305_600;

    fn week_of(samples: &[(i64, u64)]) -> DemandWeek {
        let samples = samples.iter().map(|&(end, value)| (MONDAY + end, value)).collect();
        let mut weeks = DemandWeek::of_timeline(&Timeline::of(samples, Combine::Sum), 300);
        assert_eq!(weeks.len(), 1);
        weeks.pop_first().unwrap().1
    }

    fn cells(week: &DemandWeek) -> Vec<(u32, u64, u64, u32)> {
        week.cells
            .iter()
            .map(|cell| (cell.slot, cell.total.lower(), cell.max.lower(), cell.active))
            .collect()
    }

    #[test]
    fn finer_samples_fold_by_the_upper_envelope() {
        // totals per minute 10+5, 20, 12+9, then nothing until the next cell: the most is 21, the greatest pod 20
        let week = week_of(&[(60, 10), (60, 5), (120, 20), (180, 12), (180, 9), (360, 1)]);
        assert_eq!(cells(&week), [(0, 21, 20, 2), (1, 1, 1, 1)]);
    }

    #[test]
    fn coarser_samples_hold_over_the_time_they_measured() {
        // every 15 minutes: each value holds for three cells; the missing one at 1800 leaves cells 3 to 5 unknown
        let week = week_of(&[(900, 7), (2700, 8), (3600, 9), (4500, 9)]);
        let expected = [
            (0, 7),
            (1, 7),
            (2, 7),
            (6, 8),
            (7, 8),
            (8, 8),
            (9, 9),
            (10, 9),
            (11, 9),
            (12, 9),
            (13, 9),
            (14, 9),
        ];
        assert_eq!(
            cells(&week).iter().map(|cell| (cell.0, cell.1)).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(week.known, 12);
    }

    #[test]
    fn an_hourly_week_keeps_the_most_of_each_hour() {
        let week = week_of(&[(300, 5), (600, 50), (3600, 9), (3900, 4)]).hourly();
        // 8 buckets an octave: 50 is in the one from 48 to 51
        assert_eq!(cells(&week), [(0, 50, 48, 1), (1, 4, 4, 1)]);
        assert_eq!((week.step_s, week.known), (3600, 4));
    }

    #[test]
    fn what_ran_side_by_side_adds_up_where_both_are_known() {
        let (one, other) = (week_of(&[(300, 5), (600, 6)]), week_of(&[(600, 7), (900, 8)]));
        let (all, shared) = one.clone().beside(other.clone(), 300);
        assert_eq!(cells(&all), [(0, 5, 5, 1), (1, 13, 7, 2), (2, 8, 8, 1)]);
        assert_eq!((all.known, shared), (3, 1));
        // 1000 is in the level from 992 to 1007: never less than twice the value
        let large = week_of(&[(300, 1000)]);
        let (all, _) = large.clone().beside(large, 300);
        assert_eq!(all.cells[0].total, Level::of(2014));
        // an hour does not tell which of its cells were known: no more than one of the two surely
        let (all, shared) = one.beside(other.hourly(), 300);
        assert_eq!(cells(&all), [(0, 14, 8, 2)]);
        assert_eq!((all.known, shared), (2, 1));
    }

    #[test]
    fn parts_of_a_week_join_when_they_know_different_cells() {
        let week = Week::of_end(MONDAY + 1);
        let (first, second) = (week_of(&[(300, 5)]), week_of(&[(600, 6), (900, 7)]));
        assert_eq!(
            second.clone().join(first.clone(), week),
            Ok(week_of(&[(300, 5), (600, 6), (900, 7)]))
        );
        assert_eq!(first.clone().join(first, week), Err(Overlap { end_s: MONDAY + 300 }));
    }

    #[test]
    fn a_line_reads_back_and_is_strict() {
        let week = week_of(&[(300, 1000), (300, 800), (600, 5_000_000), (604_800, 0)]);
        let payload = week.encode();
        let read = |columns| DemandWeek::decode(&payload, columns).unwrap();
        assert_eq!(read(Columns::All), week);
        let totals = |cell: &Cell| (cell.slot, cell.total, cell.active);
        assert!(
            read(Columns::Totals)
                .cells
                .iter()
                .map(totals)
                .eq(week.cells.iter().map(totals))
        );
        let known = read(Columns::Known);
        assert_eq!(known.known, week.known);
        assert!(
            known
                .cells
                .iter()
                .map(|cell| cell.slot)
                .eq(week.cells.iter().map(|cell| cell.slot))
        );
        for (from, to) in [
            ("300 3", "299 3"),
            ("300 3", "300 2"),
            ("300 3", "300  3"),
            ("300 3", "0 3"),
            ("300 3 ", "300 "),
        ] {
            let broken = payload.replacen(from, to, 1);
            assert!(DemandWeek::decode(&broken, Columns::All).is_err(), "{broken}");
        }
    }
}
