//! What was in force over time: replicas, requests, limits, a scaler's bounds. A value holds from its first cell on,
//! until the next value or a gap; only changes are written.

use super::calendar::cell_end;
use super::demand::COARSE_STEP_S;
use super::filling::held_cells;
use super::pack::PayloadError;
use super::sketch::integer;
use super::timeline::Timeline;
use crate::units::{Seconds, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A value over neighbouring cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it starts to hold, Unix seconds (exclusive, as the start of a measured interval).
    pub start_s: i64,
    /// Where it stops to be known (inclusive).
    pub end_s: i64,
    /// The value, in the unit of its signal.
    pub value: u64,
}

/// Values in force, known from samples; what lies between runs is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    step_s: u32,
    runs: Vec<Run>,
}

impl State {
    /// From the exact samples, in cells of `step_s`; of several values in a cell the greatest.
    pub fn of_timeline(timeline: &Timeline, step_s: u32) -> Self {
        let step = i64::from(step_s);
        let held = timeline
            .commonest_distance_s()
            .unwrap_or(step)
            .clamp(step, i64::from(COARSE_STEP_S));
        let mut cells = BTreeMap::new();
        for point in timeline.points() {
            for end in held_cells(cell_end(point.end_s(), step), held, step) {
                raise(&mut cells, end, point.max);
            }
        }
        Self::of_cells(step_s, &cells)
    }

    fn of_cells(step_s: u32, cells: &BTreeMap<i64, u64>) -> Self {
        if cells.is_empty() {
            return Self::default();
        }
        let step = i64::from(step_s);
        let mut runs: Vec<Run> = Vec::new();
        for (&end_s, &value) in cells {
            match runs.last_mut() {
                Some(last) if last.end_s == end_s - step && last.value == value => last.end_s = end_s,
                _ => runs.push(Run {
                    start_s: end_s - step,
                    end_s,
                    value,
                }),
            }
        }
        Self { step_s, runs }
    }

    /// Length of a cell in seconds; 0 when nothing is known.
    pub fn step_s(&self) -> u32 {
        self.step_s
    }

    /// The runs, ascending.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The value in force at an instant; `None` where unknown.
    pub fn at(&self, at: Timestamp) -> Option<u64> {
        let at = at.unix();
        let after = self.runs.partition_point(|run| run.end_s < at);
        self.runs.get(after).filter(|run| run.start_s < at).map(|run| run.value)
    }

    /// The last value known at or before an instant, with where its knowledge ends.
    pub fn last_known(&self, at: Timestamp) -> Option<Run> {
        self.runs.iter().rfind(|run| run.start_s < at.unix()).copied()
    }

    /// Adds what another part of the same input knows; where both know a cell, the greater value holds.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other } else { self };
        }
        let step_s = self.step_s.min(other.step_s);
        let mut cells = BTreeMap::new();
        for run in self.runs.iter().chain(&other.runs) {
            let mut end = run.end_s;
            while end > run.start_s {
                raise(&mut cells, end, run.value);
                end -= i64::from(step_s);
            }
        }
        Self::of_cells(step_s, &cells)
    }

    /// `step start value×cells …`, `-` for unknown: `300 2026-11-16T00:00:00Z 3x288 -x12 4x2004`.
    pub(crate) fn encode(&self) -> String {
        let start = self.runs.first().map_or(0, |run| run.start_s);
        let instant = Timestamp::from_unix(start).expect("broken invariant: samples lie between 2000 and 2100");
        let mut out = format!("{} {instant}", self.step_s);
        let mut next = start;
        let step = i64::from(self.step_s);
        for run in &self.runs {
            if run.start_s > next {
                let _ = write!(out, " -x{}", (run.start_s - next) / step);
            }
            let _ = write!(out, " {}x{}", run.value, (run.end_s - run.start_s) / step);
            next = run.end_s;
        }
        out
    }

    pub(crate) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let mut fields = payload.split(' ');
        let step_s: u32 = integer(fields.next().unwrap_or_default(), "step")?;
        if step_s == 0 || !COARSE_STEP_S.is_multiple_of(step_s) {
            let step = Seconds::new(u64::from(step_s));
            return Err(PayloadError::new(format!(
                "has a step of {step}, which does not divide an hour"
            )));
        }
        let step = i64::from(step_s);
        let start = fields.next().unwrap_or_default();
        let instant = start
            .parse::<Timestamp>()
            .ok()
            .filter(|instant| instant.to_string() == start);
        let instant = instant.filter(|instant| instant.unix() % step == 0);
        let mut next = instant
            .ok_or_else(|| PayloadError::new(format!("starts at `{start}`, not at the edge of a cell")))?
            .unix();
        let mut state = Self {
            step_s,
            runs: Vec::new(),
        };
        let mut after_gap = true;
        for field in fields {
            let (value, cells) = field.split_once('x').unwrap_or((field, ""));
            let cells: u32 = integer(cells, "number of cells")?;
            let end_s = next + i64::from(cells) * step;
            let gap = value == "-";
            if cells == 0 || (gap && after_gap) {
                return Err(PayloadError::new(format!("has `{field}` where a change was due")));
            }
            if !gap {
                let value = integer(value, "value")?;
                if !after_gap && state.runs.last().is_some_and(|last| last.value == value) {
                    return Err(PayloadError::new(format!("has `{field}`, which changes nothing")));
                }
                state.runs.push(Run {
                    start_s: next,
                    end_s,
                    value,
                });
            }
            after_gap = gap;
            next = end_s;
        }
        if after_gap {
            return Err(PayloadError::new("does not end with a value"));
        }
        Ok(state)
    }
}

fn raise(cells: &mut BTreeMap<i64, u64>, end_s: i64, value: u64) {
    cells
        .entry(end_s)
        .and_modify(|known| *known = value.max(*known))
        .or_insert(value);
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Combine;
    use super::*;

    /// 2026-11-16T00:00:00Z
    const START: i64 = 1_794_787_200;

    fn state(samples: &[(i64, u64)]) -> State {
        let samples = samples.iter().map(|&(end, value)| (START + end, value)).collect();
        State::of_timeline(&Timeline::of(samples, Combine::Max), 300)
    }

    #[test]
    fn only_changes_and_gaps_are_written() {
        let state = state(&[(300, 3), (600, 3), (900, 4), (1800, 4), (2100, 4)]);
        assert_eq!(state.encode(), "300 2026-11-16T00:00:00Z 3x2 4x1 -x2 4x2");
        assert_eq!(State::decode(&state.encode()), Ok(state));
    }

    #[test]
    fn a_value_holds_until_the_end_of_its_cell() {
        let state = state(&[(300, 3), (600, 3), (900, 4), (1800, 4)]);
        let at = |second: i64| state.at(Timestamp::from_unix(START + second).unwrap());
        for (second, value) in [
            (0, None),
            (1, Some(3)),
            (600, Some(3)),
            (601, Some(4)),
            (901, None),
            (1501, Some(4)),
            (1801, None),
        ] {
            assert_eq!(at(second), value, "{second}");
        }
        assert_eq!(
            state
                .last_known(Timestamp::from_unix(START + 1200).unwrap())
                .unwrap()
                .end_s,
            START + 900
        );
    }

    #[test]
    fn parts_join_in_any_order() {
        let (a, b) = (
            state(&[(300, 3), (1200, 3), (1500, 3)]),
            state(&[(600, 3), (900, 3), (1200, 5)]),
        );
        assert_eq!(
            a.clone().join(b.clone()),
            state(&[(300, 3), (600, 3), (900, 3), (1200, 5), (1500, 3)])
        );
        assert_eq!(b.clone().join(a.clone()), a.join(b));
    }

    #[test]
    fn a_line_with_two_spellings_is_refused() {
        for payload in [
            "300 2026-11-16T00:00:00Z",
            "300 2026-11-16T00:00:00Z 3x1 3x1",
            "300 2026-11-16T00:00:00Z -x1 3x1",
            "300 2026-11-16T00:00:00Z 3x1 -x1",
            "300 2026-11-16T00:00:00Z 3x0",
            "300 2026-11-16T00:00:01Z 3x1",
            "300 2026-11-16T00:00:00+00:00 3x1",
            "7 2026-11-16T00:00:00Z 3x1",
        ] {
            assert!(State::decode(payload).is_err(), "{payload}");
        }
    }
}
