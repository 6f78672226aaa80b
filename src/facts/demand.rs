//! Demand of all pods together over time. A step without a sample is unknown and simply absent.

use crate::units::{Percent, Timestamp};

/// One known step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandCell {
    /// End of the step.
    pub end: Timestamp,
    /// Length of the step in seconds.
    pub step_s: u32,
    /// All pods together.
    pub total: u64,
    /// Pods with a value.
    pub active: u32,
}

impl DemandCell {
    /// Unix seconds at which it begins.
    pub fn start_s(&self) -> i64 {
        self.end.unix() - i64::from(self.step_s)
    }
}

const HOUR_S: i64 = 3600;

/// Known steps in ascending time.
///
/// Four weeks in steps of five minutes are 8064 steps, and a plan holds those of all its workloads at a time: when each one
/// ends is kept once for steps that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    stretches: Vec<Stretch>,
    /// Of each step all pods together.
    totals: Vec<u64>,
    /// Of each step the pods with a value.
    active: Vec<u32>,
}

/// Steps of one length, each beginning where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// Unix seconds at which the first one begins.
    start_s: i64,
    step_s: u32,
    count: usize,
}

impl Stretch {
    fn start_s(&self, place: usize) -> i64 {
        self.start_s + i64::from(self.step_s) * i64::try_from(place).unwrap_or(0)
    }
}

/// Steps that begin in one span of time.
pub(super) struct Span<'d> {
    /// Of the span, counted from 1970.
    pub(super) number: i64,
    step_s: u32,
    pub(super) totals: &'d [u64],
}

impl Span<'_> {
    /// Seconds that are known.
    pub(super) fn known_s(&self) -> u64 {
        u64::from(self.step_s) * self.totals.len() as u64
    }
}

impl FromIterator<DemandCell> for Demand {
    fn from_iter<I: IntoIterator<Item = DemandCell>>(cells: I) -> Self {
        let mut demand = Self::default();
        cells.into_iter().for_each(|cell| demand.push(cell));
        demand
    }
}

impl Demand {
    /// Nothing known, with room for so many steps.
    pub fn with_capacity(steps: usize) -> Self {
        Self {
            stretches: Vec::new(),
            totals: Vec::with_capacity(steps),
            active: Vec::with_capacity(steps),
        }
    }

    /// Appends a step that is later than all others.
    pub fn push(&mut self, cell: DemandCell) {
        let start_s = cell.start_s();
        match self.stretches.last_mut() {
            Some(last) if last.step_s == cell.step_s && last.start_s(last.count) == start_s => last.count += 1,
            _ => self.stretches.push(Stretch {
                start_s,
                step_s: cell.step_s,
                count: 1,
            }),
        }
        self.totals.push(cell.total);
        self.active.push(cell.active);
    }

    /// The steps.
    pub fn cells(&self) -> impl Iterator<Item = DemandCell> {
        self.stretches().flat_map(|(stretch, totals, active)| {
            let columns = totals.iter().zip(active).enumerate();
            columns.filter_map(move |(place, (&total, &active))| {
                Some(DemandCell {
                    end: Timestamp::from_unix(stretch.start_s(place + 1))?,
                    step_s: stretch.step_s,
                    total,
                    active,
                })
            })
        })
    }

    /// Each with the totals of its steps and the pods.
    fn stretches(&self) -> impl Iterator<Item = (Stretch, &[u64], &[u32])> {
        let mut at = 0;
        self.stretches.iter().map(move |stretch| {
            let steps = at..at + stretch.count;
            at = steps.end;
            (*stretch, &self.totals[steps.clone()], &self.active[steps])
        })
    }

    /// The steps cut into hours, days or other spans of Unix time by where they begin; a gap cuts a span in parts.
    pub(super) fn spans(&self, length_s: i64) -> impl Iterator<Item = Span<'_>> {
        self.stretches().flat_map(move |(stretch, totals, _)| {
            let mut rest = totals;
            std::iter::from_fn(move || {
                let start_s = stretch.start_s(stretch.count - rest.len());
                let left_s = length_s - start_s.rem_euclid(length_s);
                let steps = left_s.unsigned_abs().div_ceil(u64::from(stretch.step_s).max(1));
                let totals = rest.split_off(..usize::try_from(steps).unwrap_or(usize::MAX).min(rest.len()))?;
                let (number, step_s) = (start_s.div_euclid(length_s), stretch.step_s);
                (!totals.is_empty()).then_some(Span { number, step_s, totals })
            })
        })
    }

    /// How many steps are known.
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// How often pods came to run: times of known steps with pods, told apart by steps without.
    pub fn runs(&self) -> usize {
        let mut last_end = None;
        let active = self.cells().filter(|cell| cell.active > 0);
        let begins = |cell: &DemandCell| {
            let before = last_end.replace(cell.end.unix());
            before.is_none_or(|before| cell.start_s() > before)
        };
        active.filter(begins).count()
    }

    /// The highest demand.
    pub fn highest(&self) -> Option<u64> {
        self.totals.iter().copied().max()
    }

    /// The demand that a share of the known steps does not exceed (nearest rank).
    pub fn quantile(&self, share: Percent) -> Option<u64> {
        nearest_rank(&mut self.totals.clone(), share)
    }

    /// The mean usage of a pod that a share of the known steps does not exceed (nearest rank).
    pub fn per_pod_quantile(&self, share: Percent) -> Option<u64> {
        let active = self.totals.iter().zip(&self.active).filter(|(_, active)| **active > 0);
        let mut means: Vec<u64> = active
            .map(|(total, active)| total.div_ceil(u64::from(*active)))
            .collect();
        nearest_rank(&mut means, share)
    }

    /// How much demand grows from one step to the next, as a share of what it was (`100%`: not at all), that all but
    /// 1 % of the steps keep under. Steps from at least the median demand count, and from at least a quarter of the
    /// highest: an idle workload that wakes up multiplies its demand without coming near any pod's limit. `None`
    /// without neighbouring steps.
    pub fn growth(&self) -> Option<Percent> {
        let median = self.quantile(Percent::from_percent(50))?;
        let least = median.max(self.highest()?.div_ceil(4)).max(1);
        // from the median up: half of them, or more where many are alike
        let mut ratios = Vec::with_capacity(self.len() / 2 + 1);
        let mut grown = |before: u64, next: u64| {
            let ratio = (before >= least).then(|| Percent::ratio_ceil(u128::from(next), u128::from(before)));
            ratios.extend(ratio.flatten().map(Percent::ppm));
        };
        let mut last = None;
        for (stretch, totals, _) in self.stretches() {
            if let Some((end_s, before)) = last
                && end_s == stretch.start_s
            {
                grown(before, totals[0]);
            }
            for &[before, next] in totals.array_windows() {
                grown(before, next);
            }
            last = totals.last().map(|total| (stretch.start_s(stretch.count), *total));
        }
        nearest_rank(&mut ratios, Percent::from_percent(99)).map(|ppm| Percent::from_ppm(ppm).max(Percent::WHOLE))
    }

    /// Highest over lowest of the 24 medians by hour of the UTC day, as a share (`150%`). `None` with fewer than two
    /// known hours, or a lowest median of zero.
    pub fn day_swing(&self) -> Option<Percent> {
        let (low, high) = self.hour_medians()?;
        Percent::ratio_floor(u128::from(high), u128::from(low))
    }

    /// Lowest and highest of the 24 medians by hour of the UTC day; `None` with fewer than two known hours.
    pub fn hour_medians(&self) -> Option<(u64, u64)> {
        let share = self.len() / 24 + 1;
        let mut hours: [Vec<u64>; 24] = std::array::from_fn(|_| Vec::with_capacity(share));
        for span in self.spans(HOUR_S) {
            let hour = usize::try_from(span.number.rem_euclid(24));
            hours[hour.expect("broken invariant: a remainder of 24 is below it")].extend_from_slice(span.totals);
        }
        let medians: Vec<u64> = hours
            .iter_mut()
            .filter_map(|totals| nearest_rank(totals, Percent::from_percent(50)))
            .collect();
        let (low, high) = (medians.iter().min()?, medians.iter().max()?);
        (medians.len() > 1).then_some((*low, *high))
    }
}

/// Nearest rank in values of any order: the smallest that at least this share of them does not exceed.
pub(super) fn nearest_rank(values: &mut [u64], share: Percent) -> Option<u64> {
    let count = u128::try_from(values.len()).ok().filter(|&count| count > 0)?;
    let rank = share.of_ceil(count).clamp(1, count);
    let (_, value, _) = values.select_nth_unstable(usize::try_from(rank - 1).ok()?);
    Some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(totals: &[u64]) -> Demand {
        let cell = |(index, total): (usize, &u64)| DemandCell {
            end: Timestamp::from_unix(1_600_000_200 + 300 * i64::try_from(index).unwrap()).unwrap(),
            step_s: 300,
            total: *total,
            active: 2,
        };
        totals.iter().enumerate().map(cell).collect()
    }

    #[test]
    fn quantiles_are_nearest_rank() {
        let demand = demand(&[50, 10, 40, 20, 30]);
        // ranks: 20 % of 5 = 1, 21 % = 1.05 -> 2, 100 % = 5
        for (percent, expected) in [(0, 10), (20, 10), (21, 20), (50, 30), (100, 50)] {
            assert_eq!(
                demand.quantile(Percent::from_percent(percent)),
                Some(expected),
                "{percent}%"
            );
        }
        assert_eq!(Demand::default().quantile(Percent::WHOLE), None);
    }

    #[test]
    fn growth_looks_at_neighbouring_steps_from_the_median_up() {
        // median 100; from >= 100: 100->150 (150 %), 150->100, 100->100
        let rising = demand(&[10, 90, 100, 150, 100, 100]);
        assert_eq!(rising.growth(), Some(Percent::from_percent(150)));
        // with the 150 gone there is a gap, and 100 -> 100 is left
        let gap: Demand = rising.cells().filter(|cell| cell.total != 150).collect();
        assert_eq!(gap.growth(), Some(Percent::WHOLE));
    }

    #[test]
    fn waking_up_is_no_growth_of_a_load() {
        // idle at 1 with spikes of 400: only steps from 100 up tell, and none of them grows
        assert_eq!(
            demand(&[1, 1, 1, 400, 200, 1, 1, 400, 400, 1]).growth(),
            Some(Percent::WHOLE)
        );
    }

    #[test]
    fn an_even_day_swings_by_nothing() {
        assert_eq!(demand(&[7; 300]).day_swing(), Some(Percent::WHOLE));
        assert_eq!(demand(&[7; 3]).day_swing(), None, "one hour alone tells nothing");
    }
}
