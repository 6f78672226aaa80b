//! What a profile says about one workload: usage per pod, demand over time, coverage, what was in force.
//!
//! In: a profile's history of a workload. Out: [`Facts`], the only form in which planning sees history.

mod demand;
mod shift;
mod usage;
mod rough;
mod from_profile;
mod renamed;

use std::collections::BTreeMap;

pub use demand::{Demand, DemandCell};
pub use from_profile::{keys, of};
pub use rough::{Rough, RoughSource};
pub use shift::Shift;
pub use usage::{Usage, WeekUsage};

use crate::units::{Bytes, Millicores, Percent, Seconds, Timestamp};

/// Everything known of one workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Time from the first to the last known sample.
    pub recorded: Seconds,
    /// Share of that time with samples.
    pub coverage: Percent,
    /// End of the profile's window: the plan's "now".
    pub window_end: Option<Timestamp>,
    /// By container as seen in the history, injected ones included.
    pub containers: BTreeMap<String, ContainerFacts>,
    /// Pods over time, whichever signal tells them best.
    pub replicas: Replicas,
    /// 95th percentile of the time a new pod takes to be ready.
    pub startup: Option<Seconds>,
    /// OOM kills in the window.
    pub oom_kills: u64,
    /// Whether a scaler was in force at the end of the window.
    pub has_scaler_in_force: bool,
}

/// Everything known of one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerFacts {
    /// CPU per pod, in nano-cores.
    pub cpu: Usage,
    /// Memory per pod, in bytes.
    pub memory: Usage,
    /// CPU of all pods together over time, in nano-cores.
    pub cpu_demand: Demand,
    /// Memory of all pods together over time, in bytes: of jobs only, to tell how often they ran.
    pub memory_demand: Demand,
    /// CPU request in force at the end of the window.
    pub cpu_request: Option<Millicores>,
    /// CPU limit in force at the end of the window.
    pub cpu_limit: Option<Millicores>,
    /// Memory request in force at the end of the window.
    pub memory_request: Option<Bytes>,
    /// CPU per pod where it is known roughly, in nano-cores.
    pub rough_cpu: Rough,
    /// Memory per pod where it is known roughly, in bytes.
    pub rough_memory: Rough,
    /// How long memory was recorded, and the share of that time with samples.
    pub memory_span: (Seconds, Percent),
}

/// Pods over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// 95th percentile over the last day of the window.
    pub last_day_p95: Option<u32>,
    /// Highest in the window.
    pub highest: Option<u32>,
    /// How often each count was seen, of the cluster with the highest.
    pub seen: BTreeMap<u32, u64>,
}

impl Replicas {
    /// The count that was enough in this share of the time.
    pub fn quantile(&self, share: Percent) -> Option<u32> {
        let all: u64 = self.seen.values().sum();
        let rank = share.of_ceil(u128::from(all)).max(1);
        let mut below = 0;
        self.seen.iter().find_map(|(count, times)| {
            below += u128::from(*times);
            (below >= rank).then_some(*count)
        })
    }
}

/// Runs of a job from which its usage is derived: with fewer the highest is a guess.
pub const LEAST_RUNS: usize = 5;

impl ContainerFacts {
    /// CPU per pod however it is known: for judging the record, not for planning.
    pub fn cpu_known(&self) -> &Usage {
        if self.cpu.is_empty() {
            &self.rough_cpu.usage
        } else {
            &self.cpu
        }
    }

    /// Memory per pod however it is known: for judging the record, not for planning.
    pub fn memory_known(&self) -> &Usage {
        if self.memory.is_empty() {
            &self.rough_memory.usage
        } else {
            &self.memory
        }
    }

    /// Whether a job was recorded often enough: by its runs, as it does not run most of the time. The first and the last
    /// run of a daily job lie a day less apart than the days they are of.
    pub fn has_runs(demand: &Demand, recorded: Seconds, minimum: Seconds) -> bool {
        demand.runs() >= LEAST_RUNS && recorded + Seconds::from_days(1) >= minimum
    }
}

impl Facts {
    /// The most runs recorded of any container.
    pub fn runs(&self) -> usize {
        let runs = |facts: &ContainerFacts| facts.cpu_demand.runs().max(facts.memory_demand.runs());
        self.containers.values().map(runs).max().unwrap_or(0)
    }

    /// Whether a job was recorded often enough to derive a value.
    pub fn has_runs(&self, minimum: Seconds) -> bool {
        let has_runs = |facts: &ContainerFacts| ContainerFacts::has_runs(&facts.cpu_demand, self.recorded, minimum);
        self.containers.values().any(has_runs)
    }

    /// Whether there is history enough to derive a value.
    pub fn is_enough(&self, minimum: Seconds, coverage: Percent) -> bool {
        self.recorded >= minimum && self.coverage >= coverage
    }
}
