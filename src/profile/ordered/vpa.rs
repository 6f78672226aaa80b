//! What the recommender of the Vertical Pod Autoscaler keeps: a histogram whose old samples count less and less.
//!
//! In: samples of one pod after the other, in time. Out: the histogram as the recommender would hold it behind the last of
//! them, in the form of a `VerticalPodAutoscalerCheckpoint` but with its weights whole, so that target and bounds come out
//! as the same integers (`strategy/recommender.rs`). For that floats are used as the recommender uses them, in its order.
//!
//! - 176 buckets, each 5 % wider than the one before: CPU from 10 millicores, memory from 10 MB (`aggregations_config.go`).
//! - A sample weighs twice as much as one a day older: its weight is multiplied by 2^(days since a midnight), which moves
//!   on when a hundred days are behind it (`decaying_histogram.go`).
//! - CPU: each sample weighs 0.1, as since version 1.4. Amounts are cut to millicores, as its Prometheus provider does.
//! - Memory: of each pod the highest sample of each 24 hours from its first one on, weight 1, dated at their end
//!   (`container.go`). What it adds for OOM kills as it watches them is in no history.
//!
//! The recommender keeps a state for each set of pod labels, and adds up those that a VPA selects when it recommends; here
//! all pods of a workload are one from the start. A state without a sample for eight days it forgets: [`VpaState::last_ms`]
//! tells. Its sources are kubernetes/autoscaler, `vertical-pod-autoscaler/pkg/recommender`, 1.8.1.

use super::exp2::exp2;
use crate::history::samples::Sample;
use crate::history::signal::Signal;
use crate::profile::calendar::Day;
use crate::profile::pack::{PayloadError, Unpacker, base64, from_base64, put_varint};
use crate::profile::sketch::integer;

const BUCKETS: usize = 176;
/// How much wider a bucket is than the one before.
const GROWTH: f64 = 1.05;
/// A bucket of less weight counts as empty.
const EPSILON: f64 = 0.0001;
/// Of a CPU sample.
const CPU_WEIGHT: f64 = 0.1;
const DAY_MS: i64 = 86_400_000;
/// How far from the reference weights may grow.
const REACH_MS: i64 = 100 * DAY_MS;

/// A bucket in the amounts that the recommender computes with: cores or bytes.
#[derive(Clone, Copy, Debug)]
struct Scale {
    signal: Signal,
    /// End of the first bucket.
    first: f64,
}

impl Scale {
    fn of(signal: Signal) -> Self {
        let first = if signal == Signal::Cpu { 0.01 } else { 1e7 };
        Self { signal, first }
    }

    /// Nano-cores in cores, whole millicores only; bytes as they are.
    #[expect(clippy::cast_precision_loss, reason = "as the recommender does")]
    fn amount(self, value: u64) -> f64 {
        match self.signal {
            Signal::Cpu => (value as f64 / 1e9 * 1000.0).trunc() / 1000.0,
            _ => value as f64,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quotient of logarithms of numbers above 1"
    )]
    fn bucket(self, amount: f64) -> usize {
        if amount < self.first {
            return 0;
        }
        let bucket = libm::log(amount * (GROWTH - 1.0) / self.first + 1.0) / libm::log(GROWTH);
        (bucket as usize).min(BUCKETS - 1)
    }

    fn start(self, bucket: usize) -> f64 {
        if bucket == 0 {
            return 0.0;
        }
        self.first * (power(GROWTH, bucket) - 1.0) / (GROWTH - 1.0)
    }
}

/// By squaring, as Go's `math.Pow` does for whole exponents: `f64::powf` has other last bits.
fn power(base: f64, exponent: usize) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest != 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

/// Weights by bucket.
#[derive(Debug)]
struct Histogram {
    scale: Scale,
    /// Midnight that weights are relative to; none before the first sample.
    reference_ms: Option<i64>,
    weights: Vec<f64>,
    total: f64,
    /// The first bucket that counts; the last of all while none does.
    first: usize,
    /// The last bucket that counts; the first of all while none does.
    last: usize,
}

impl Histogram {
    fn new(scale: Scale) -> Self {
        Self {
            scale,
            reference_ms: None,
            weights: vec![0.0; BUCKETS],
            total: 0.0,
            first: BUCKETS - 1,
            last: 0,
        }
    }

    fn add(&mut self, amount: f64, weight: f64, at_ms: i64) {
        let weight = weight * self.decay(at_ms);
        let bucket = self.scale.bucket(amount);
        self.weights[bucket] += weight;
        self.total += weight;
        if self.weights[bucket] >= EPSILON {
            self.first = self.first.min(bucket);
            self.last = self.last.max(bucket);
        }
    }

    fn subtract(&mut self, amount: f64, weight: f64, at_ms: i64) {
        let less = |value: f64, weight: f64| {
            let rest = value - weight;
            if rest < EPSILON { 0.0 } else { rest }
        };
        let weight = weight * self.decay(at_ms);
        let bucket = self.scale.bucket(amount);
        self.total = less(self.total, weight);
        self.weights[bucket] = less(self.weights[bucket], weight);
        self.settle_ends();
    }

    fn decay(&mut self, at_ms: i64) -> f64 {
        let reference_ms = match self.reference_ms {
            Some(reference_ms) if at_ms <= reference_ms + REACH_MS => reference_ms,
            _ => self.shift(at_ms),
        };
        exp2(days(at_ms - reference_ms))
    }

    /// Takes the midnight nearest to this instant for the reference.
    fn shift(&mut self, at_ms: i64) -> i64 {
        let new_ms = (at_ms + DAY_MS / 2).div_euclid(DAY_MS) * DAY_MS;
        if let Some(old_ms) = self.reference_ms {
            let factor = exp2(days(old_ms - new_ms));
            // what lies outside counts as empty, and is passed over there too
            if let Some(counted) = self.weights.get_mut(self.first..=self.last) {
                for weight in counted {
                    *weight *= factor;
                }
            }
            self.total *= factor;
            self.settle_ends();
        }
        self.reference_ms = Some(new_ms);
        new_ms
    }

    fn settle_ends(&mut self) {
        while self.weights[self.first] < EPSILON && self.first < BUCKETS - 1 {
            self.first += 1;
        }
        while self.weights[self.last] < EPSILON && self.last > 0 {
            self.last -= 1;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a history is shorter than 2^53 ms")]
fn days(ms: i64) -> f64 {
    ms as f64 / DAY_MS as f64
}

/// What is seen of samples, besides their distribution.
#[derive(Clone, Copy, Debug)]
struct Seen {
    first_ms: i64,
    last_ms: i64,
    count: u64,
}

/// A state while samples come.
#[derive(Debug)]
pub(super) struct Vpa {
    histogram: Histogram,
    seen: Option<Seen>,
}

impl Vpa {
    pub(super) fn new(signal: Signal) -> Self {
        Self {
            histogram: Histogram::new(Scale::of(signal)),
            seen: None,
        }
    }

    /// Takes a pod.
    pub(super) fn add(&mut self, samples: &[Sample]) {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return;
        };
        let (first_ms, last_ms) = (first.at_ms, last.at_ms);
        let seen = self.seen.get_or_insert(Seen {
            first_ms,
            last_ms,
            count: 0,
        });
        seen.first_ms = seen.first_ms.min(first_ms);
        seen.last_ms = seen.last_ms.max(last_ms);
        seen.count += samples.len() as u64;
        let histogram = &mut self.histogram;
        let scale = histogram.scale;
        if scale.signal == Signal::Cpu {
            for sample in samples {
                histogram.add(scale.amount(sample.value), CPU_WEIGHT, sample.at_ms);
            }
        } else {
            peaks(histogram, samples);
        }
    }

    /// `None` where no sample came.
    pub(super) fn state(self) -> Option<VpaState> {
        let Self { histogram, seen } = self;
        let (seen, reference_ms) = (seen?, histogram.reference_ms?);
        let counted = histogram.weights.get(histogram.first..=histogram.last)?;
        Some(VpaState {
            first_ms: seen.first_ms,
            last_ms: seen.last_ms,
            samples: seen.count,
            reference: Day::of(reference_ms.div_euclid(1000)),
            total: Weight::of(histogram.total),
            first_bucket: histogram.first,
            weights: counted.iter().copied().map(Weight::of).collect(),
        })
    }
}

/// Adds the highest of each 24 hours, each time that one is higher than what was before it.
fn peaks(histogram: &mut Histogram, samples: &[Sample]) {
    let Some(mut end_ms) = samples.first().map(|first| first.at_ms) else {
        return;
    };
    let mut peak = 0;
    for sample in samples {
        if sample.at_ms < end_ms {
            // a day that begins with nothing in use stays at that, in the recommender too
            if peak == 0 || sample.value <= peak {
                continue;
            }
            histogram.subtract(histogram.scale.amount(peak), 1.0, end_ms);
        } else {
            end_ms += (sample.at_ms - end_ms) / DAY_MS * DAY_MS + DAY_MS;
        }
        peak = sample.value;
        histogram.add(histogram.scale.amount(peak), 1.0, end_ms);
    }
}

/// A weight, by the bits of the float that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(u64);

impl Weight {
    fn of(weight: f64) -> Self {
        Self(weight.to_bits())
    }

    /// As a number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// The state of one resource of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpaState {
    /// First sample, in milliseconds since the epoch.
    pub first_ms: i64,
    /// Last sample.
    pub last_ms: i64,
    /// How many there were.
    pub samples: u64,
    /// Midnight that a weight of 1 is of.
    pub reference: Day,
    /// Of all buckets, those too that are left out.
    pub total: Weight,
    /// The first bucket that counts.
    pub first_bucket: usize,
    /// From there to the last one that counts.
    pub weights: Vec<Weight>,
}

impl VpaState {
    /// Cores or bytes that this share of the weight lies at or below: the end of the bucket in which it is reached.
    fn percentile(&self, signal: Signal, share: f64) -> f64 {
        let threshold = share * self.total.get();
        let mut partial = 0.0;
        let last = self.weights.len().saturating_sub(1);
        let reached = self.weights[..last].iter().position(|weight| {
            partial += weight.get();
            partial >= threshold
        });
        let bucket = self.first_bucket + reached.unwrap_or(last);
        Scale::of(signal).start((bucket + 1).min(BUCKETS - 1))
    }

    /// The same in whole millicores or bytes, cut as the recommender does.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut on purpose; buckets end at 1 TB"
    )]
    pub fn amount(&self, signal: Signal, share: f64) -> u64 {
        let unit = if signal == Signal::Cpu { 1000.0 } else { 1.0 };
        (self.percentile(signal, share) * unit) as u64
    }

    /// `first last samples reference` and the weights: the total, then over and over how many buckets are empty, how many
    /// are not, and these. A weight is its 8 bytes: whoever reads them back computes what the recommender would.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = self.total.0.to_be_bytes().to_vec();
        let mut skipped = self.first_bucket;
        for run in self.weights.chunk_by(|one, next| (one.0 == 0) == (next.0 == 0)) {
            if run[0].0 == 0 {
                skipped = run.len();
                continue;
            }
            put_varint(&mut bytes, skipped as u64);
            put_varint(&mut bytes, run.len() as u64);
            bytes.extend(run.iter().flat_map(|weight| weight.0.to_be_bytes()));
        }
        let Self {
            first_ms,
            last_ms,
            samples,
            reference,
            ..
        } = self;
        format!("{first_ms} {last_ms} {samples} {reference} {}", base64(&bytes))
    }

    pub(crate) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let mut fields = payload.splitn(5, ' ');
        let mut next = || fields.next().unwrap_or_default();
        let (first_ms, last_ms) = (integer(next(), "first sample")?, integer(next(), "last sample")?);
        let samples = integer(next(), "samples")?;
        let reference = next();
        let reference = Day::parse(reference)
            .ok_or_else(|| PayloadError::new(format!("counts from `{reference}`, which is no day")))?;
        if first_ms > last_ms || samples == 0 {
            return Err(PayloadError::new("is of no time"));
        }
        let (total, first_bucket, weights) = decode_weights(&from_base64(next())?)?;
        Ok(Self {
            first_ms,
            last_ms,
            samples,
            reference,
            total,
            first_bucket,
            weights,
        })
    }
}

fn decode_weights(bytes: &[u8]) -> Result<(Weight, usize, Vec<Weight>), PayloadError> {
    let mut unpacker = Unpacker::new(bytes);
    let total = weight(&mut unpacker)?;
    let (mut first_bucket, mut weights) = (0, Vec::new());
    while !unpacker.is_empty() {
        let (skipped, count): (usize, usize) = (unpacker.small("empty buckets")?, unpacker.small("buckets")?);
        let is_first = weights.is_empty();
        if is_first {
            first_bucket = skipped;
        }
        let before = first_bucket + if is_first { 0 } else { weights.len() + skipped };
        if count == 0 || (skipped == 0 && !is_first) || before > BUCKETS || count > BUCKETS - before {
            return Err(PayloadError::new("has buckets in a form that is never written"));
        }
        weights.resize(before - first_bucket, Weight(0));
        for _ in 0..count {
            weights.push(weight(&mut unpacker)?);
        }
    }
    let counts = |end: Option<&Weight>| end.is_some_and(|weight| weight.get() >= EPSILON);
    if !counts(weights.first()) || !counts(weights.last()) {
        return Err(PayloadError::new("begins or ends with a bucket that does not count"));
    }
    Ok((total, first_bucket, weights))
}

fn weight(unpacker: &mut Unpacker<'_>) -> Result<Weight, PayloadError> {
    let weight = f64::from_bits(u64::from_be_bytes(unpacker.bytes()?));
    if weight.is_finite() && weight > 0.0 {
        Ok(Weight::of(weight))
    } else {
        Err(PayloadError::new("holds a weight that is none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-16T00:00:00Z
    const MIDNIGHT_MS: i64 = 1_794_787_200_000;
    const HOUR_MS: i64 = 3_600_000;

    fn state(signal: Signal, pods: &[&[(i64, u64)]]) -> VpaState {
        let mut vpa = Vpa::new(signal);
        for pod in pods {
            let sample = |&(hour, value): &(i64, u64)| Sample {
                at_ms: MIDNIGHT_MS + hour * HOUR_MS,
                value,
            };
            vpa.add(&pod.iter().map(sample).collect::<Vec<_>>());
        }
        vpa.state().unwrap()
    }

    fn weights(state: &VpaState) -> Vec<(usize, f64)> {
        let weights = (state.first_bucket..).zip(&state.weights);
        weights
            .map(|(bucket, weight)| (bucket, weight.get()))
            .filter(|(_, weight)| *weight > 0.0)
            .collect()
    }

    #[test]
    fn buckets_start_where_the_recommender_has_them() {
        let starts = |signal, unit: f64, buckets: &[usize]| -> Vec<u64> {
            let start = |&bucket| Scale::of(signal).start(bucket) * unit;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut on purpose")]
            buckets.iter().map(start).map(|start| start as u64).collect()
        };
        let millicores = starts(Signal::Cpu, 1000.0, &[0, 1, 2, 3, 4, 15, 30, 60]);
        assert_eq!(millicores, [0, 10, 20, 31, 43, 215, 664, 3535]);
        let bytes = starts(Signal::Memory, 1.0, &[1, 2, 10, 20, 24, 25]);
        let known = [
            10_000_000,
            20_499_999,
            125_778_925,
            330_659_541,
            445_019_988,
            477_270_988,
        ];
        assert_eq!(bytes, known);
    }

    #[test]
    fn cpu_is_cut_to_millicores() {
        // the second bucket starts at 20.5 millicores
        let of = |value| weights(&state(Signal::Cpu, &[&[(0, value)]]))[0].0;
        assert_eq!([20_999_999, 21_000_000, 9_999_999, 10_000_000].map(of), [1, 2, 0, 1]);
    }

    #[test]
    fn a_sample_weighs_twice_as_much_as_one_a_day_older() {
        let state = state(Signal::Cpu, &[&[(0, 5_000_000), (24, 15_000_000)]]);
        assert_eq!(weights(&state), [(0, 0.1), (1, 0.2)]);
        assert_eq!(state.reference.start_s(), MIDNIGHT_MS / 1000);
        // of 0.3 in all, a third lies in the first bucket
        assert!((state.percentile(Signal::Cpu, 0.3) - 0.01).abs() < 1e-12);
        assert!((state.percentile(Signal::Cpu, 0.5) - 0.0205).abs() < 1e-12);
    }

    #[test]
    fn the_reference_is_the_nearest_midnight_and_moves_after_a_hundred_days() {
        let evening = state(Signal::Cpu, &[&[(12, 5_000_000)]]);
        assert_eq!(evening.reference.start_s(), MIDNIGHT_MS / 1000 + 86_400);
        let long = state(
            Signal::Cpu,
            &[&[(0, 5_000_000), (24, 25_000_000), (24 * 101, 15_000_000)]],
        );
        assert_eq!(long.reference.start_s(), MIDNIGHT_MS / 1000 + 101 * 86_400);
        // what was before counts as empty now
        assert_eq!(weights(&long), [(1, 0.1)]);
    }

    #[test]
    fn memory_counts_by_the_peak_of_each_day_from_the_first_sample_on() {
        let (a, b, c) = (11_000_000, 30_000_000, 45_000_000);
        // days end at 6h: the second peak replaces the first, at noon of the next day begins another
        let one = state(Signal::Memory, &[&[(6, a), (8, b), (29, a), (30, a), (50, c)]]);
        let quarter = 2f64.powf(0.25);
        let near = |found: &[(usize, f64)], known: &[(usize, f64)]| {
            assert_eq!(found.len(), known.len(), "{found:?}");
            for ((bucket, weight), (at, right)) in found.iter().zip(known) {
                assert!(bucket == at && (weight - right).abs() < 1e-9, "{found:?}");
            }
        };
        // ends at 30h and 54h; the reference is the midnight nearest to the first of these, 24h
        near(&weights(&one), &[(2, quarter), (4, 2.0 * quarter)]);
        // a day without a sample is passed over; another pod has days of its own
        let two = state(Signal::Memory, &[&[(0, a), (71, b)], &[(0, a)]]);
        near(&weights(&two), &[(1, 2.0), (2, 4.0)]);
    }

    #[test]
    fn a_day_that_begins_with_nothing_in_use_stays_so() {
        let state = state(Signal::Memory, &[&[(0, 0), (1, 30_000_000), (24, 30_000_000)]]);
        assert_eq!(weights(&state), [(0, 1.0), (2, 2.0)]);
    }

    #[test]
    fn lines_read_back_to_the_bit() {
        let state = state(
            Signal::Cpu,
            &[
                &[(1, 5_000_000), (2, 900_000_000), (3, 15_000_000)],
                &[(7, 910_000_000)],
            ],
        );
        let text = state.encode();
        assert_eq!(VpaState::decode(&text), Ok(state));
        assert!(text.starts_with("1794790800000 1794812400000 4 2026-11-16 "), "{text}");
    }

    #[test]
    fn a_line_that_was_never_written_is_refused() {
        let one = 1f64.to_be_bytes();
        let line = |parts: &[&[u8]]| format!("1 2 3 2026-11-16 {}", base64(&parts.concat()));
        assert!(VpaState::decode(&line(&[&one, &[0, 1], &one])).is_ok());
        let faint = 1e-5f64.to_be_bytes();
        for bad in [
            line(&[&one]),
            line(&[&one, &[0, 1], &faint]),
            line(&[&one, &[0, 1], &f64::NAN.to_be_bytes()]),
            line(&[&(-1f64).to_be_bytes(), &[0, 1], &one]),
            line(&[&one, &[176, 1, 1], &one]),
            line(&[&one, &[0, 1], &one, &[0, 1], &one]),
            line(&[&one, &[0, 1], &one[1..]]),
            "2 1 3 2026-11-16 AAAA".to_owned(),
            "1 2 0 2026-11-16 AAAA".to_owned(),
            "1 2 3 2026-11-31 AAAA".to_owned(),
        ] {
            assert!(VpaState::decode(&bad).is_err(), "{bad}");
        }
    }
}
