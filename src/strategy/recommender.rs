//! Strategy `vpa` from the state that a profile keeps (`--with-state vpa`): target and bounds as the recommender of the
//! Vertical Pod Autoscaler computes them, the same integers.
//!
//! Percentile, then 15 % on top, then confidence, then the least for a pod divided among its containers; cut to whole
//! millicores and bytes after every step. Target p90; lower bound p50 × (1 + 0.001/c)⁻²; upper bound p95 × (1 + 1/c),
//! where c is the days between the first and the last CPU sample or its samples in units of one a minute for a day,
//! whichever is less. Sources: kubernetes/autoscaler, `vertical-pod-autoscaler/pkg/recommender`, `logic/recommender.go`,
//! `logic/estimator.go`, defaults of `config/config.go`, version 1.4 and later.

use crate::history::signal::Signal;
use crate::profile::ordered::vpa::VpaState;

/// CPU and memory of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Millicores.
    pub millicores: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What the recommender says of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommended {
    /// What to request.
    pub target: Amounts,
    /// A request below it is too low.
    pub lower: Amounts,
    /// A request above it is too high.
    pub upper: Amounts,
}

/// Every amount ends here.
const MOST: f64 = 1e14;
const MARGIN: f64 = 0.15;
const DAY_MS: f64 = 86_400_000.0;
const DAY_MINUTES: f64 = 1440.0;
/// Of a pod.
const LEAST_CPU_CORES: f64 = 25.0 * 0.001;
const LEAST_MEMORY_BYTES: f64 = 250.0 * 1024.0 * 1024.0;

/// For one of `containers` containers, from what is kept of its CPU and its memory.
pub fn recommend(cpu: Option<&VpaState>, memory: Option<&VpaState>, containers: usize) -> Recommended {
    let confidence = cpu.map_or(0.0, confidence);
    let amounts = |share: f64, factor: Option<f64>| Amounts {
        millicores: amount(Signal::Cpu, cpu, share, factor, containers),
        bytes: amount(Signal::Memory, memory, share, factor, containers),
    };
    let doubt = 1.0 + 0.001 / confidence;
    Recommended {
        target: amounts(0.9, None),
        lower: amounts(0.5, Some(1.0 / (doubt * doubt))),
        upper: amounts(0.95, Some(1.0 + 1.0 / confidence)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "as the recommender does")]
fn confidence(cpu: &VpaState) -> f64 {
    let days = (cpu.last_ms - cpu.first_ms) as f64 / DAY_MS;
    days.min(cpu.samples as f64 / DAY_MINUTES)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a pod has few containers, and amounts end at 1e14"
)]
fn amount(signal: Signal, state: Option<&VpaState>, share: f64, factor: Option<f64>, containers: usize) -> u64 {
    let least = match signal {
        Signal::Cpu => whole(LEAST_CPU_CORES * 1000.0),
        _ => whole(LEAST_MEMORY_BYTES),
    };
    let base = state.map_or(0, |state| state.amount(signal, share));
    let with_margin = base + whole(base as f64 * MARGIN);
    let trusted = factor.map_or(with_margin, |factor| whole(with_margin as f64 * factor));
    trusted.max(whole(least as f64 * (1.0 / containers.max(1) as f64)))
}

/// Cut to a whole number, from nothing to the most there is; what is no number (nothing times infinity) is nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut on purpose, within bounds"
)]
fn whole(amount: f64) -> u64 {
    amount.clamp(0.0, MOST) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A single bucket, of so many samples over so long.
    fn state(first_bucket: &str, samples: u64, hours: i64) -> VpaState {
        // one run: skipped buckets, one bucket, weight 1
        let last_ms = hours * 3_600_000;
        VpaState::decode(&format!("0 {last_ms} {samples} 2026-11-16 {first_bucket}")).unwrap()
    }

    // base64 of 1.0 (3ff0000000000000), the bucket, 1, 1.0
    const BUCKET_0: &str = "P/AAAAAAAAAAAT/wAAAAAAAA";
    const BUCKET_15: &str = "P/AAAAAAAAAPAT/wAAAAAAAA";
    const BUCKET_19: &str = "P/AAAAAAAAATAT/wAAAAAAAA";

    #[test]
    fn targets_of_single_buckets_are_the_known_ones() {
        // the end of memory bucket 19 is 330659541, with 15 %: 380258472, as it is seen in the wild; of CPU bucket 15 it
        // is 236 millicores: 236 + 35 = 271
        let (cpu, memory) = (state(BUCKET_15, 14_400, 240), state(BUCKET_19, 10, 240));
        let all = recommend(Some(&cpu), Some(&memory), 1);
        let amounts = |millicores, bytes| Amounts { millicores, bytes };
        assert_eq!(all.target, amounts(271, 380_258_472));
        // ten days: the upper bound is 1.1 times that, the lower 1 / 1.0001²: 270.9 and 380182431.7
        assert_eq!((all.lower.millicores, all.upper.millicores), (270, 298));
        assert_eq!(all.lower.bytes, 380_182_431);
        assert_eq!(all.upper.bytes, 418_284_319);
    }

    #[test]
    fn the_least_of_a_pod_is_divided_among_its_containers() {
        let cpu = state(BUCKET_0, 1, 0);
        // no confidence: nothing is too high
        let all = recommend(Some(&cpu), None, 3);
        assert_eq!(
            all.target,
            Amounts {
                millicores: 11,
                bytes: 87_381_333
            }
        );
        assert_eq!(all.lower.millicores, 8);
        assert_eq!(all.upper.millicores, 100_000_000_000_000);
        assert_eq!(recommend(None, None, 1).upper.bytes, 262_144_000);
    }
}
