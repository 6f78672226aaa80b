//! What there is to know of one series besides its part of a workload: how much it holds, when, and a fingerprint.

use crate::history::clean::{Grid, Series, SeriesName, gcd};
use crate::history::samples::Times;
use sha2::{Digest as _, Sha256};

/// What a series holds, in short.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Survey {
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
            count: 1,
            first_ms: times.first,
            last_ms: times.last,
            grid: Grid::from(times.first, times.distance),
            ..Self::default()
        };
        times.map_or_else(Self::default, of)
    }

    pub(super) fn of(series: &Series) -> Self {
        let digest = digest(&series.name);
        let [Some(first), Some(last)] = [series.samples.first(), series.samples.last()] else {
            return Self::default();
        };
        let (mut sum, mut fingerprint) = (0u128, 0u128);
        let (mut before_ms, mut grid_ms) = (first.at_ms, 0);
        // ascending
        for sample in &series.samples {
            sum += u128::from(sample.value);
            fingerprint = fingerprint.wrapping_add(sample_hash(digest, sample.at_ms, sample.value));
            // distances of neighbours have the same divisors as those from one origin, and most are the grid itself
            let distance_ms = sample.at_ms.wrapping_sub(before_ms).cast_unsigned();
            if distance_ms != grid_ms {
                grid_ms = gcd(grid_ms, distance_ms);
            }
            before_ms = sample.at_ms;
        }
        Self {
            count: series.samples.len() as u64,
            first_ms: first.at_ms,
            last_ms: last.at_ms,
            sum,
            grid: Grid::from(first.at_ms, grid_ms),
            fingerprint,
        }
    }

    /// Whether every sample ends a second, each another one.
    pub(super) fn is_of_whole_seconds(&self) -> bool {
        self.first_ms % 1000 == 0 && self.grid.distance_ms().is_multiple_of(1000)
    }
}

/// One number for a sample of a series, to be added up: its value times a number that its time and series draw (M. N. Wegman
/// and J. L. Carter, 1981; drawn as in Wang Yi's `wyhash`). Sums of different samples are equal by chance only.
#[inline]
fn sample_hash(series: u64, at_ms: i64, value: u64) -> u128 {
    let product = u128::from(at_ms.cast_unsigned() ^ series) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
    let drawn = low(product) ^ low(product >> 64);
    u128::from(drawn) * u128::from(value ^ series)
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
