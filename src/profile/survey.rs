//! What there is to know of series besides its part of a workload: how much it holds, when, and a fingerprint.

use super::calendar::{WEEK_S, Week, cell_end};
use super::collected::Weeks;
use crate::history::clean::{Grid, Series, SeriesName, gcd};
use crate::history::samples::{Sample, Times};
use crate::history::signal::Signal;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What one or more series hold, in short.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Survey {
    /// How many of them have samples.
    pub(super) series: u64,
    pub(super) count: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) sum: u128,
    pub(super) grid: Grid,
    pub(super) fingerprint: u128,
}

impl Survey {
    /// As far as it shows before the series is read.
    pub(super) fn expected(times: Option<Times>) -> Self {
        let of = |times: Times| Self {
            series: 1,
            count: 1,
            first_ms: times.first,
            last_ms: times.last,
            grid: Grid::from(times.first, times.distance),
            ..Self::default()
        };
        times.map_or_else(Self::default, of)
    }

    /// Of a clean series; its values are counted in their weeks too, where these are given.
    pub(super) fn of(series: &Series, weeks: Option<&mut Weeks>) -> Self {
        let samples = series.samples.as_slice();
        let [Some(first), Some(last)] = [samples.first(), samples.last()] else {
            return Self::default();
        };
        let mut look = Look::of(digest(&series.name), first.at_ms);
        let sum = match weeks {
            None => samples.iter().map(|sample| u128::from(look.at(sample))).sum(),
            Some(weeks) => by_week(samples)
                .map(|(week, own)| {
                    let tally = weeks.tally(week);
                    // of its own, so that it stays in registers
                    let mut ahead = look;
                    let sum = tally.add(own.iter().map(|sample| ahead.at(sample)));
                    look = ahead;
                    sum
                })
                .sum(),
        };
        Self {
            series: 1,
            count: samples.len() as u64,
            first_ms: first.at_ms,
            last_ms: last.at_ms,
            sum,
            grid: Grid::from(first.at_ms, look.grid_ms),
            fingerprint: look.fingerprint,
        }
    }

    /// Of these and others.
    pub(super) fn and(self, other: Self) -> Self {
        if self.series == 0 || other.series == 0 {
            return if self.series == 0 { other } else { self };
        }
        Self {
            series: self.series + other.series,
            count: self.count + other.count,
            first_ms: self.first_ms.min(other.first_ms),
            last_ms: self.last_ms.max(other.last_ms),
            sum: self.sum.saturating_add(other.sum),
            grid: self.grid.and(other.grid),
            fingerprint: self.fingerprint.wrapping_add(other.fingerprint),
        }
    }

    /// Whether every sample ends a second, each another one.
    pub(super) fn is_of_whole_seconds(&self) -> bool {
        self.first_ms % 1000 == 0 && self.grid.distance_ms().is_multiple_of(1000)
    }
}

/// Surveys by namespace and signal.
#[derive(Clone, Debug, Default)]
pub(super) struct Surveys<'n>(pub(super) BTreeMap<(&'n str, Signal), Survey>);

impl<'n> Surveys<'n> {
    /// Series without samples are none.
    pub(super) fn note(&mut self, namespace: &'n str, signal: Signal, survey: Survey) {
        if survey.series > 0 {
            let known = self.0.entry((namespace, signal)).or_default();
            *known = known.and(survey);
        }
    }
}

/// What shows of samples one by one, ascending.
#[derive(Clone, Copy)]
struct Look {
    series: u64,
    before_ms: i64,
    grid_ms: u64,
    fingerprint: u128,
}

impl Look {
    fn of(series: u64, first_ms: i64) -> Self {
        Self {
            series,
            before_ms: first_ms,
            grid_ms: 0,
            fingerprint: 0,
        }
    }

    /// Looks at the next sample; gives its value.
    #[inline]
    fn at(&mut self, sample: &Sample) -> u64 {
        let hash = sample_hash(self.series, sample.at_ms, sample.value);
        self.fingerprint = self.fingerprint.wrapping_add(hash.into());
        // distances of neighbours have the same divisors as those from one origin, and most are the grid itself
        let distance_ms = sample.at_ms.wrapping_sub(self.before_ms).cast_unsigned();
        if distance_ms != self.grid_ms {
            self.grid_ms = common(self.grid_ms, distance_ms);
        }
        self.before_ms = sample.at_ms;
        sample.value
    }
}

/// Of a gap: out of the way of what all samples go.
#[cold]
#[inline(never)]
fn common(grid_ms: u64, distance_ms: u64) -> u64 {
    gcd(grid_ms, distance_ms)
}

/// Ascending samples week by week.
fn by_week(samples: &[Sample]) -> impl Iterator<Item = (Week, &[Sample])> {
    let mut rest = samples;
    std::iter::from_fn(move || {
        let week = Week::of_end(end_s(rest.first()?.at_ms));
        let last_ms = (week.start_s() + WEEK_S) * 1000;
        let own = rest.partition_point(|sample| sample.at_ms <= last_ms);
        Some((week, rest.split_off(..own)?))
    })
}

/// A sample's instant in whole seconds, never before it.
pub(super) fn end_s(at_ms: i64) -> i64 {
    cell_end(at_ms, 1000) / 1000
}

/// One number for a sample of a series, to be added up: its time and its value, each mixed with what is not theirs, multiplied,
/// and both halves folded (as in Wang Yi's `wyhash`).
#[inline]
fn sample_hash(series: u64, at_ms: i64, value: u64) -> u64 {
    let product = u128::from(at_ms.cast_unsigned() ^ series) * u128::from(value ^ 0x9e37_79b9_7f4a_7c15);
    low(product) ^ low(product >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
const fn low(value: u128) -> u64 {
    value as u64
}

/// A name for a series that does not depend on its samples.
pub(super) fn digest(one: &SeriesName) -> u64 {
    let mut hash = Sha256::new();
    let workload = one.workload.as_ref().map_or("", |named| &named.name);
    for part in [one.signal.id(), &one.namespace, workload, &one.pod, &one.container] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    u64::from_be_bytes(std::array::from_fn(|place| bytes[place]))
}
