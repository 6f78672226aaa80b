//! Strategy `vpa`: the Vertical Pod Autoscaler's target on the profile's sketch. Approximate.
//!
//! target = max(p90 × 1.15, floor / containers), floors 25m and 250 MiB a pod (recommender defaults of 1.4 and later).
//! The real one decays single samples with a half-life of a day and takes one memory peak a day; the sketch knows weeks,
//! so CPU is the newest weeks' p90 and memory the p90 of all samples or 1/1.15 of the maximum, whichever is more: a
//! daily peak is never under that.

use std::collections::BTreeMap;

use super::Derived;
use crate::diag::code;
use crate::facts::Usage;
use crate::krm::Reason;
use crate::units::{Percent, Seconds};

/// Which resource, for its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Nano-cores; floor 25m a pod.
    Cpu,
    /// Bytes; floor 250 MiB a pod.
    Memory,
}

const QUANTILE: Percent = Percent::from_percent(90);
const MARGIN: Percent = Percent::from_percent(15);
/// A day: older weeks than the newest hardly count, as in the recommender.
const HALF_LIFE: Seconds = Seconds::from_days(1);

/// The target for one of `containers` containers. `None` without samples.
pub fn derive(usage: &Usage, resource: Resource, containers: usize, show: impl Fn(u64) -> String) -> Option<Derived> {
    let p90 = usage.quantile(QUANTILE, HALF_LIFE)?;
    let base = match resource {
        Resource::Cpu => u128::from(p90),
        Resource::Memory => u128::from(p90).max(u128::from(usage.highest()?) * 100 / 115),
    };
    let floor = match resource {
        Resource::Cpu => 25_000_000_u128,
        Resource::Memory => 250 * 1024 * 1024,
    } / u128::try_from(containers.max(1)).unwrap_or(1);
    let amount = u64::try_from((base + MARGIN.of_floor(base)).max(floor)).unwrap_or(u64::MAX);
    let inputs = BTreeMap::from([
        ("p90".to_owned(), show(p90)),
        ("margin".to_owned(), MARGIN.to_string()),
        ("approximate".to_owned(), "weekly sketch".to_owned()),
    ]);
    Some(Derived {
        amount,
        reason: Reason {
            code: code::VPA_ESTIMATE.to_string(),
            inputs,
        },
    })
}
