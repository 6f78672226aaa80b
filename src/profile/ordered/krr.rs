//! What krr's strategy `simple` asks a store for: of each pod the quantile of CPU and the highest memory, of these the most.
//!
//! krr asks for the last 336 hours, here those up to the last sample of the container; for the rate over its step, here the
//! samples as they were exported, so that a state is krr's own where the export has krr's step (75 s).
//!
//! `--cpu_percentile` reaches the query as a share with two decimals, so that there are 101 of them, and all are kept:
//! rounded up to millicores, which is what krr does last. Quantiles are linear between two samples, in floats, in the
//! order of Prometheus' `quantile_over_time`, whose last bit decides where a quantile is a whole millicore.
//! krr reads floats, and a profile holds nano-cores: they differ where a quantile lies less than one above a millicore.
//!
//! Sources: robusta-dev/krr, `strategies/simple.py`, `metrics/cpu.py`, `core/runner.py`; Prometheus, `promql/quantile.go`.

use crate::history::samples::Sample;
use crate::history::signal::Signal;
use crate::profile::huffman::{packed, unpacked};
use crate::profile::pack::{PayloadError, Unpacker, put_difference};
use crate::profile::sketch::integer;

/// What krr looks back over.
const HISTORY_MS: i64 = 336 * 3_600_000;
/// From 0.00 to 1.00.
const SHARES: usize = 101;

/// A state while samples come.
#[derive(Debug)]
pub(super) struct Krr {
    signal: Signal,
    /// The last sample of all pods, as far as it is known.
    until_ms: Option<i64>,
    sorted: Vec<u64>,
    state: Option<KrrState>,
}

impl Krr {
    pub(super) fn new(signal: Signal, until_ms: Option<i64>) -> Self {
        Self {
            signal,
            until_ms,
            sorted: Vec::new(),
            state: None,
        }
    }

    /// Takes a pod.
    pub(super) fn add(&mut self, samples: &[Sample]) {
        let since_ms = self.until_ms.map_or(i64::MIN, |until_ms| until_ms - HISTORY_MS);
        let samples = &samples[samples.partition_point(|sample| sample.at_ms <= since_ms)..];
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return;
        };
        let values = samples.iter().map(|sample| sample.value);
        let usage = if self.signal == Signal::Cpu {
            self.sorted.clear();
            self.sorted.extend(values);
            self.sorted.sort_unstable();
            KrrUsage::Cpu((0..SHARES).map(|share| millicores(&self.sorted, share)).collect())
        } else {
            KrrUsage::Memory(values.max().unwrap_or_default())
        };
        let pod = KrrState {
            first_ms: first.at_ms,
            last_ms: last.at_ms,
            points: samples.len() as u64,
            usage,
        };
        self.state = Some(match self.state.take() {
            Some(known) => known.and(pod),
            None => pod,
        });
    }

    /// `None` where no sample came.
    pub(super) fn state(self) -> Option<KrrState> {
        self.state
    }
}

/// A quantile of nano-cores, ascending and not none, in millicores.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Prometheus and krr do; samples are fewer than 2^53, and cores less than 2^34"
)]
fn millicores(sorted: &[u64], share: usize) -> u64 {
    let cores = |place: usize| sorted[place.min(sorted.len() - 1)] as f64 / 1e9;
    let rank = share as f64 / 100.0 * (sorted.len() - 1) as f64;
    let (lower, weight) = (rank.floor() as usize, rank - rank.floor());
    let quantile = cores(lower) * (1.0 - weight) + cores(lower + 1) * weight;
    (quantile * 1000.0).ceil() as u64
}

/// The state of one resource of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrrState {
    /// First sample that counts, in milliseconds since the epoch.
    pub first_ms: i64,
    /// Last sample.
    pub last_ms: i64,
    /// Samples of all pods.
    pub points: u64,
    /// What they were.
    pub usage: KrrUsage,
}

/// The most that any pod used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KrrUsage {
    /// Millicores by percentile, from 0 to 100: what krr recommends, its least request aside.
    Cpu(Vec<u64>),
    /// Bytes: what krr adds its buffer to.
    Memory(u64),
}

impl KrrUsage {
    /// Millicores that krr recommends for `--cpu_percentile`; `None` of memory.
    pub fn millicores(&self, percentile: u8) -> Option<u64> {
        match self {
            Self::Cpu(millicores) => millicores.get(usize::from(percentile)).copied(),
            Self::Memory(_) => None,
        }
    }
}

impl KrrState {
    fn and(self, pod: Self) -> Self {
        let usage = match (self.usage, pod.usage) {
            (KrrUsage::Cpu(one), KrrUsage::Cpu(other)) => {
                KrrUsage::Cpu(one.into_iter().zip(other).map(|(one, other)| one.max(other)).collect())
            }
            (KrrUsage::Memory(one), KrrUsage::Memory(other)) => KrrUsage::Memory(one.max(other)),
            _ => unreachable!("one signal has one kind of usage"),
        };
        Self {
            first_ms: self.first_ms.min(pod.first_ms),
            last_ms: self.last_ms.max(pod.last_ms),
            points: self.points + pod.points,
            usage,
        }
    }

    /// `first last points`, and bytes, or the millicores of each percentile as differences from the one before: below
    /// zero where a last bit raised that one over a whole millicore.
    pub(crate) fn encode(&self) -> String {
        let Self {
            first_ms,
            last_ms,
            points,
            usage,
        } = self;
        let usage = match usage {
            KrrUsage::Memory(bytes) => bytes.to_string(),
            KrrUsage::Cpu(millicores) => {
                let (mut bytes, mut before) = (Vec::new(), 0);
                for &value in millicores {
                    put_difference(&mut bytes, before, value);
                    before = value;
                }
                packed(&bytes)
            }
        };
        format!("{first_ms} {last_ms} {points} {usage}")
    }

    pub(crate) fn decode(payload: &str, signal: Signal) -> Result<Self, PayloadError> {
        let mut fields = payload.splitn(4, ' ');
        let mut next = || fields.next().unwrap_or_default();
        let (first_ms, last_ms) = (integer(next(), "first sample")?, integer(next(), "last sample")?);
        let points = integer(next(), "points")?;
        if first_ms > last_ms || points == 0 {
            return Err(PayloadError::new("is of no time"));
        }
        let usage = match signal {
            Signal::Cpu => KrrUsage::Cpu(decode_millicores(next())?),
            _ => KrrUsage::Memory(integer(next(), "bytes")?),
        };
        Ok(Self {
            first_ms,
            last_ms,
            points,
            usage,
        })
    }
}

fn decode_millicores(text: &str) -> Result<Vec<u64>, PayloadError> {
    let bytes = unpacked(text)?;
    let mut unpacker = Unpacker::new(&bytes);
    let (mut millicores, mut value) = (Vec::with_capacity(SHARES), 0);
    for _ in 0..SHARES {
        value = unpacker.difference(value)?;
        millicores.push(value);
    }
    unpacker.finish()?;
    Ok(millicores)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn pod(values: impl IntoIterator<Item = u64>) -> Vec<Sample> {
        let at = |place: i64| 1_794_787_200_000 + place * HOUR_MS;
        let samples = (0..).zip(values);
        samples
            .map(|(place, value)| Sample {
                at_ms: at(place),
                value,
            })
            .collect()
    }

    fn state(signal: Signal, until_ms: Option<i64>, pods: &[Vec<Sample>]) -> KrrState {
        let mut krr = Krr::new(signal, until_ms);
        for pod in pods {
            krr.add(pod);
        }
        krr.state().unwrap()
    }

    #[test]
    fn of_pods_the_greatest_quantile_counts() {
        // rank of p95 of 0..=100 millicores is 95; of 10 to 210 in steps of 2 it is 200; p50 is 110, p0 10
        let small = pod((0..=100).map(|milli| milli * 1_000_000));
        let large = pod((0..=100).map(|milli| (10 + 2 * milli) * 1_000_000));
        let state = state(Signal::Cpu, None, &[large, small]);
        assert_eq!(
            [0, 50, 95, 100].map(|p| state.usage.millicores(p).unwrap()),
            [10, 110, 200, 210]
        );
        assert_eq!(state.points, 202);
        assert_eq!(KrrState::decode(&state.encode(), Signal::Cpu), Ok(state));
    }

    #[test]
    fn quantiles_lie_between_samples_and_are_rounded_up() {
        // n = 4, p95: rank 2.85: 30m + 0.85 * 10m = 38.5m
        let samples = pod([40_000_000, 10_000_000, 30_000_000, 20_000_000]);
        assert_eq!(state(Signal::Cpu, None, &[samples]).usage.millicores(95), Some(39));
        // one sample: every quantile is that; 123 millicores and a nano-core are 124
        let one = state(Signal::Cpu, None, &[pod([123_000_001])]);
        assert_eq!(one.usage.millicores(95), Some(124));
        assert_eq!(
            state(Signal::Cpu, None, &[pod([123_000_000])]).usage.millicores(50),
            Some(123)
        );
    }

    #[test]
    fn a_last_bit_raises_a_quantile_as_it_does_in_krr() {
        // where 0.005 * (1 - w) + 0.005 * w is more than 0.005, computed with Python's floats, which are krr's
        let raised = [8, 40, 47, 53, 60, 83];
        let state = state(Signal::Cpu, None, &[pod([5_000_000; 288])]);
        for percentile in 0..=100 {
            let millicores = 5 + u64::from(raised.contains(&percentile));
            assert_eq!(state.usage.millicores(percentile), Some(millicores), "{percentile}");
        }
        assert_eq!(KrrState::decode(&state.encode(), Signal::Cpu), Ok(state));
    }

    #[test]
    fn only_the_last_336_hours_count() {
        let samples = pod((0..400).map(|hour| 1_000 - hour));
        let until_ms = samples.last().map(|last| last.at_ms);
        let state = state(Signal::Memory, until_ms, &[samples]);
        // those of hours 64 to 399: the one exactly 336 hours before the last is out
        assert_eq!(state.points, 336);
        assert_eq!(state.usage, KrrUsage::Memory(936));
        assert_eq!(KrrState::decode(&state.encode(), Signal::Memory), Ok(state));
    }

    #[test]
    fn a_line_that_was_never_written_is_refused() {
        let cut = packed(&[1; SHARES - 1]);
        for payload in ["", "1 2 3", "2 1 3 5", "1 2 0 5", "1 2 3 -5", "1 2 3 5 6"] {
            assert!(KrrState::decode(payload, Signal::Memory).is_err(), "{payload}");
        }
        assert!(KrrState::decode(&format!("1 2 3 {cut}"), Signal::Cpu).is_err());
    }
}
