//! A mergeable count of values by [`Level`]: exact count, sum, least and greatest, quantiles within a bucket.
//!
//! Integers only, so adding sketches is associative and commutative and every split of the same samples gives the same
//! sketch. Decay is applied when a plan is made, as integer weights of whole weeks, never to what is stored.

use super::level::Level;
use super::pack::{PayloadError, Unpacker, base64, from_base64, put_varint};

/// One part in a million: the unit quantiles are asked in; 950 000 is p95.
pub const MILLION: u64 = 1_000_000;

/// Counts of values on the log-linear scale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    buckets: Vec<(Level, u64)>,
    sum: u128,
    min: u64,
    max: u64,
}

/// Values while they are counted.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    counts: Box<[u64; PLACES]>,
    sum: u128,
    min: u64,
    max: u64,
}

/// A power of two, so that no place needs to be checked.
const PLACES: usize = Level::COUNT.next_power_of_two();

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: Box::new([0; PLACES]),
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl Tally {
    /// Counts values; gives their sum.
    pub(super) fn add(&mut self, values: impl IntoIterator<Item = u64>) -> u128 {
        // what is held in places of its own stays in registers
        let (counts, mut sum, mut min, mut max) = (&mut *self.counts, 0, u64::MAX, 0);
        for value in values {
            counts[usize::from(Level::of(value).index()) % PLACES] += 1;
            sum += u128::from(value);
            min = min.min(value);
            max = max.max(value);
        }
        self.sum += sum;
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        sum
    }

    /// The sketch of what was counted; begins anew.
    pub(super) fn take(&mut self) -> Sketch {
        if self.min > self.max {
            return Sketch::default();
        }
        let first = Level::of(self.min).index();
        let counts = &mut self.counts[usize::from(first)..=usize::from(Level::of(self.max).index())];
        let levels = (u64::from(first)..).map_while(Level::from_index);
        let filled = levels.zip(counts.iter().copied()).filter(|&(_, count)| count > 0);
        let buckets = filled.collect();
        counts.fill(0);
        Sketch {
            buckets,
            sum: std::mem::take(&mut self.sum),
            min: std::mem::replace(&mut self.min, u64::MAX),
            max: std::mem::take(&mut self.max),
        }
    }
}

/// A quantile as its bucket tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    /// Never under the true value, at most 1/32 over it, never above the greatest value seen: for sizing.
    pub upper: u64,
    /// Within 1/64 of the true value: for replay and reports.
    pub midpoint: u64,
}

impl Sketch {
    /// The sketch of these values.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut tally = Tally::default();
        tally.add(values);
        tally.take()
    }

    /// From what was counted elsewhere, in ascending buckets, none of them empty.
    pub(super) fn of_buckets(buckets: Vec<(Level, u64)>, sum: u128, min: u64, max: u64) -> Self {
        Self { buckets, sum, min, max }
    }

    /// How many values went in.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|&(_, count)| count).sum()
    }

    /// Exact sum of the values.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Exact least value; `None` when empty.
    pub fn min(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.min)
    }

    /// Exact greatest value; `None` when empty.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// Whether no value went in.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The filled buckets in ascending order.
    pub fn buckets(&self) -> &[(Level, u64)] {
        &self.buckets
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other.clone();
            return;
        }
        let mut all = std::mem::take(&mut self.buckets);
        all.extend_from_slice(&other.buckets);
        all.sort_by_key(|&(level, _)| level);
        for (level, count) in all {
            match self.buckets.last_mut() {
                Some(last) if last.0 == level => last.1 += count,
                _ => self.buckets.push((level, count)),
            }
        }
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The value of nearest rank: the smallest one that at least `ppm` millionths of all values do not exceed.
    /// `None` when empty.
    pub fn quantile(&self, ppm: u64) -> Option<Quantile> {
        quantile_weighted(&[(1, self)], ppm)
    }

    /// `count sum min max buckets`, the last as base64 of varints: the index of the first bucket, then the count of each,
    /// where a zero and a number stand for so many empty ones.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::new();
        let mut next = self.buckets.first().map_or(0, |first| first.0.index());
        put_varint(&mut bytes, u64::from(next));
        for &(level, count) in &self.buckets {
            if level.index() > next {
                put_varint(&mut bytes, 0);
                put_varint(&mut bytes, u64::from(level.index() - next));
            }
            put_varint(&mut bytes, count);
            next = level.index() + 1;
        }
        format!(
            "{} {} {} {} {}",
            self.count(),
            self.sum,
            self.min,
            self.max,
            base64(&bytes)
        )
    }

    pub(crate) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let fields: Vec<&str> = payload.split(' ').collect();
        let &[count, sum, min, max, buckets] = fields.as_slice() else {
            return Err(PayloadError::new("has not the five fields `count sum min max buckets`"));
        };
        let sketch = Self {
            buckets: decode_buckets(buckets)?,
            sum: integer(sum, "sum")?,
            min: integer(min, "min")?,
            max: integer(max, "max")?,
        };
        sketch.check(integer(count, "count")?)?;
        Ok(sketch)
    }

    fn check(&self, count: u64) -> Result<(), PayloadError> {
        let mut counted = 0u64;
        for &(_, bucket) in &self.buckets {
            counted = counted
                .checked_add(bucket)
                .ok_or_else(|| PayloadError::new("counts past 64 bits"))?;
        }
        if counted != count {
            return Err(PayloadError::new(format!(
                "says {count} values, its buckets hold {counted}"
            )));
        }
        let (Some(first), Some(last)) = (self.buckets.first(), self.buckets.last()) else {
            return Err(PayloadError::new("is empty"));
        };
        if Level::of(self.min) != first.0 || Level::of(self.max) != last.0 || self.min > self.max {
            return Err(PayloadError::new("has a min or max outside its buckets"));
        }
        let bound = |edge: fn(Level) -> u64| -> u128 {
            self.buckets
                .iter()
                .map(|&(level, count)| u128::from(edge(level)) * u128::from(count))
                .sum()
        };
        if self.sum < bound(Level::lower) || self.sum > bound(Level::upper) {
            return Err(PayloadError::new("has a sum that its buckets cannot reach"));
        }
        Ok(())
    }
}

fn decode_buckets(text: &str) -> Result<Vec<(Level, u64)>, PayloadError> {
    let bytes = from_base64(text)?;
    let mut unpacker = Unpacker::new(&bytes);
    let (mut buckets, mut next) = (Vec::new(), unpacker.varint()?);
    let mut after_gap = false;
    while !unpacker.is_empty() {
        let level = Level::from_index(next).ok_or_else(|| PayloadError::new("names a bucket past the last one"))?;
        let count = unpacker.varint()?;
        if count > 0 {
            buckets.push((level, count));
            next += 1;
            after_gap = false;
            continue;
        }
        let gap = unpacker.varint()?;
        if gap == 0 || after_gap || buckets.is_empty() {
            return Err(PayloadError::new("holds an empty bucket"));
        }
        next = next.saturating_add(gap);
        after_gap = true;
    }
    if after_gap {
        return Err(PayloadError::new("ends with empty buckets"));
    }
    Ok(buckets)
}

pub(crate) fn integer<T: std::str::FromStr + ToString>(text: &str, name: &str) -> Result<T, PayloadError> {
    let parsed: Option<T> = text.parse().ok();
    // one spelling: no sign, no leading zeros
    parsed
        .filter(|value| value.to_string() == text)
        .ok_or_else(|| PayloadError::new(format!("has `{text}` as its {name}, not a plain integer")))
}

/// Nearest-rank quantile of several sketches, each value counting `weight` times; `None` when nothing counts.
pub fn quantile_weighted(parts: &[(u64, &Sketch)], ppm: u64) -> Option<Quantile> {
    let counted = || {
        parts
            .iter()
            .filter(|&&(weight, sketch)| weight > 0 && !sketch.is_empty())
    };
    let min = counted().map(|&(_, sketch)| sketch.min).min()?;
    let max = counted().map(|&(_, sketch)| sketch.max).max()?;
    let levels = |(_, sketch): &(u64, &Sketch)| Some((sketch.buckets.first()?.0, sketch.buckets.last()?.0));
    let (first, last) = counted()
        .filter_map(levels)
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    let first = first.index();
    // by level from the first one on: cheaper than putting the buckets of all parts in order
    let mut weights = vec![0_u128; usize::from(last.index() - first) + 1];
    for &(weight, sketch) in counted() {
        for &(level, count) in &sketch.buckets {
            weights[usize::from(level.index() - first)] += u128::from(count) * u128::from(weight);
        }
    }
    let total: u128 = weights.iter().sum();
    let rank = (total * u128::from(ppm.min(MILLION)))
        .div_ceil(u128::from(MILLION))
        .max(1);
    let mut reached = 0;
    let behind = weights.iter().position(|weight| {
        reached += weight;
        reached >= rank
    })?;
    let level = Level::from_index(u64::from(first) + behind as u64)?;
    Some(Quantile {
        upper: level.upper().min(max),
        midpoint: level.midpoint().clamp(min, max),
    })
}

/// `round(1024 × 2^(-i/4))`: the weight of a value that is `i` quarters of a half-life old. Written out because a
/// power function differs between platforms; after 44 quarters the weight is below one and counts nothing.
const DECAY: [u64; 45] = [
    1024, 861, 724, 609, 512, 431, 362, 304, 256, 215, 181, 152, 128, 108, 91, 76, 64, 54, 45, 38, 32, 27, 23, 19, 16,
    13, 11, 10, 8, 7, 6, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
];

/// How fast old weeks lose their say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HalfLife {
    /// Half the weight after one week: the default.
    #[default]
    OneWeek,
    /// Half the weight after two weeks.
    TwoWeeks,
    /// Half the weight after four weeks.
    FourWeeks,
    /// All weeks count alike.
    Never,
}

impl HalfLife {
    /// Weight of a week that is `age` weeks older than the newest one; 1024 for the newest.
    pub fn weight(self, age: u32) -> u64 {
        let quarters_per_week = match self {
            Self::OneWeek => 4,
            Self::TwoWeeks => 2,
            Self::FourWeeks => 1,
            Self::Never => 0,
        };
        let quarters = usize::try_from(u64::from(age) * quarters_per_week).unwrap_or(usize::MAX);
        DECAY.get(quarters).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_takes_the_smallest_value_that_enough_values_do_not_exceed() {
        let sketch = Sketch::of([10, 20, 30, 40, 50]);
        // rank = ceil(q * 5): p50 -> 3rd, p80 -> 4th, p81 -> 5th, p0 -> 1st. Values under 64 are exact.
        for (ppm, value) in [(500_000, 30), (800_000, 40), (810_000, 50), (0, 10), (1_000_000, 50)] {
            assert_eq!(
                sketch.quantile(ppm),
                Some(Quantile {
                    upper: value,
                    midpoint: value
                }),
                "at {ppm} ppm"
            );
        }
        assert_eq!(Sketch::default().quantile(500_000), None);
    }

    #[test]
    fn quantiles_stay_inside_what_was_seen() {
        // 1_000_000 lies in [999_424, 1_015_807]: both edges are clamped to the one value there is.
        let sketch = Sketch::of([1_000_000]);
        assert_eq!(
            sketch.quantile(950_000),
            Some(Quantile {
                upper: 1_000_000,
                midpoint: 1_000_000
            })
        );
    }

    #[test]
    fn weights_shift_the_quantile_towards_the_newer_week() {
        let (old, new) = (Sketch::of([1; 100]), Sketch::of([2; 100]));
        let median = |weights: [u64; 2]| {
            quantile_weighted(&[(weights[0], &old), (weights[1], &new)], 500_000)
                .unwrap()
                .upper
        };
        assert_eq!(median([1, 1]), 1, "rank 100 of 200 is the last old value");
        assert_eq!(median([1, 2]), 2, "rank 150 of 300 is a new value");
        assert_eq!(median([0, 1]), 2);
        assert_eq!(quantile_weighted(&[(0, &old)], 500_000), None);
    }

    #[test]
    fn decay_halves_per_half_life() {
        for (half_life, age, weight) in [
            (HalfLife::OneWeek, 0, 1024),
            (HalfLife::OneWeek, 1, 512),
            (HalfLife::OneWeek, 11, 1),
            (HalfLife::OneWeek, 12, 0),
            (HalfLife::TwoWeeks, 1, 724),
            (HalfLife::FourWeeks, 1, 861),
            (HalfLife::Never, 500, 1024),
        ] {
            assert_eq!(half_life.weight(age), weight, "{half_life:?} at {age} weeks");
        }
    }

    #[test]
    fn the_line_form_reads_like_its_numbers() {
        // values 3, 3 and 70: bucket 3 twice, 63 empty, 70 in 67 ([70, 71]): varints 3, 2, 0 63, 1.
        let sketch = Sketch::of([3, 70, 3]);
        assert_eq!(sketch.encode(), "3 76 3 70 AwIAPwE");
        assert_eq!(Sketch::decode("3 76 3 70 AwIAPwE"), Ok(sketch));
    }

    #[test]
    fn a_line_that_contradicts_itself_is_refused() {
        for (payload, why) in [
            ("3 76 3 70", "a field is missing"),
            ("4 76 3 70 AwIAPwE", "count"),
            ("3 10 3 70 AwIAPwE", "sum below the buckets"),
            ("3 79 3 70 AwIAPwE", "sum above the buckets"),
            ("3 76 2 70 AwIAPwE", "min in another bucket"),
            ("3 76 3 72 AwIAPwE", "max in another bucket"),
            ("03 76 3 70 AwIAPwE", "a leading zero"),
            ("3 76 3 70 AwIAPwE==", "padding"),
            ("3 76 3 70 AwIAPwEAAQ", "empty buckets at the end"),
            ("3 76 3 70 AwIAPgABAQ", "a gap in two parts"),
            ("3 76 3 70 AwIAAAE", "a gap of nothing"),
            ("1 70 70 70 AwBAAQ", "a gap at the start"),
            ("0 0 0 0 ", "empty"),
        ] {
            assert!(Sketch::decode(payload).is_err(), "{why}: {payload}");
        }
    }
}
