//! What the workloads of an environment request together, before a plan and after it: what a pod requests, times the
//! lowest replica count.
//!
//! Kinds that have no replica count (DaemonSets, CronJobs, Jobs) are left out. What is not rendered stays as it was.

use serde_json::{Value, json};

use crate::plan::model::{OptimizationPlan, WorkloadPlan};
use crate::plan::rename::as_named_in;
use crate::units::{Bytes, Millicores};
use crate::workload::{Container, Workload, Workloads};

/// Before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// As accepted before; where nothing was, as the plan found it.
    pub before: Requested,
    /// With this plan.
    pub after: Requested,
}

/// A sum over workloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// CPU requests.
    pub cpu: Millicores,
    /// Memory requests.
    pub memory: Bytes,
    /// Pods.
    pub replicas: u64,
}

impl Capacity {
    /// Of a plan, the accepted plan it follows and the manifests it is for.
    pub fn of(plan: &OptimizationPlan, accepted: Option<&OptimizationPlan>, workloads: &Workloads) -> Self {
        let mut sum = Self::default();
        for (key, planned) in &plan.spec.workloads {
            let countable = |workload: &&Workload| workload.is_scalable_kind() && !workload.is_behind_rollout;
            let Some(workload) = workloads.by_key.get(key).filter(countable) else {
                continue;
            };
            let accepted = accepted.and_then(|accepted| accepted.spec.workloads.get(key));
            let before = match accepted.filter(|accepted| accepted.is_rendered()) {
                Some(accepted) => with_plan(workload, &as_named_in(accepted, planned)),
                None => found(workload, planned),
            };
            let after = if planned.is_rendered() {
                with_plan(workload, planned)
            } else {
                before
            };
            sum.before.add(before);
            sum.after.add(after);
        }
        sum
    }

    /// `requested at the lowest replica counts: 12.4 → 9.8 cores, 34.1 → 30.2 GiB, 41 replicas`
    pub(super) fn words(&self) -> String {
        let Self { before, after } = self;
        let both = |before: String, after: String, unit: &str| {
            if before == after {
                format!("{after} {unit}")
            } else {
                format!("{before} → {after} {unit}")
            }
        };
        let parts = [
            both(cores(before.cpu), cores(after.cpu), "cores"),
            both(gibibytes(before.memory), gibibytes(after.memory), "GiB"),
            both(before.replicas.to_string(), after.replicas.to_string(), "replicas"),
        ];
        format!("requested at the lowest replica counts: {}", parts.join(", "))
    }

    pub(super) fn to_json(self) -> Value {
        let side = |side: Requested| json!({"cpu": side.cpu, "memory": side.memory, "replicas": side.replicas});
        json!({"before": side(self.before), "after": side(self.after)})
    }
}

impl Requested {
    fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
        self.replicas = self.replicas.saturating_add(other.replicas);
    }

    fn of(pods: u32, containers: impl Iterator<Item = (Option<Millicores>, Option<Bytes>)>) -> Self {
        let mut sum = Self {
            replicas: u64::from(pods),
            ..Self::default()
        };
        for (cpu, memory) in containers {
            sum.cpu += cpu.unwrap_or_default() * u64::from(pods);
            sum.memory += memory.unwrap_or_default() * u64::from(pods);
        }
        sum
    }
}

/// A container that has only a limit requests as much (Kubernetes defaulting).
fn written(container: &Container) -> (Option<Millicores>, Option<Bytes>) {
    let cpu = container.cpu_request.or(container.cpu_limit);
    (cpu, container.memory_request.or(container.memory_limit))
}

/// With a plan applied.
fn with_plan(workload: &Workload, plan: &WorkloadPlan) -> Requested {
    let containers = workload.containers.iter().map(|container| {
        let (cpu, memory) = written(container);
        let decided = plan.containers.get(&container.name).map(|decided| &decided.requests);
        let decided_cpu = decided.and_then(|requests| Some(requests.cpu.as_ref()?.value));
        let decided_memory = decided.and_then(|requests| Some(requests.memory.as_ref()?.value));
        (decided_cpu.or(cpu), decided_memory.or(memory))
    });
    let scaled = plan.scaler.as_ref().map(|scaler| scaler.min_replicas.value);
    // a scaler of others moves whatever count is written beside it
    let scaled = scaled.or_else(|| foreign_minimum(workload));
    let stated = || plan.replicas.as_ref().and_then(|replicas| replicas.value);
    Requested::of(scaled.or_else(stated).unwrap_or_else(|| pods(workload)), containers)
}

/// As the plan found it.
fn found(workload: &Workload, plan: &WorkloadPlan) -> Requested {
    let containers = workload.containers.iter().map(|container| {
        let (cpu, memory) = written(container);
        let decided = plan.containers.get(&container.name).map(|decided| &decided.requests);
        let cpu_before = decided.and_then(|requests| requests.cpu.as_ref()?.before);
        let memory_before = decided.and_then(|requests| requests.memory.as_ref()?.before);
        (cpu_before.or(cpu), memory_before.or(memory))
    });
    Requested::of(pods(workload), containers)
}

/// The lowest count that the manifests allow; the API's default is 1.
fn pods(workload: &Workload) -> u32 {
    foreign_minimum(workload).or(workload.replicas).unwrap_or(1)
}

fn foreign_minimum(workload: &Workload) -> Option<u32> {
    let scaler = workload.foreign_scalers().next();
    scaler.map(|scaler| scaler.min_replicas)
}

/// `12.4`, to the hundredth, rounded up as requests are.
fn cores(cpu: Millicores) -> String {
    decimal(u128::from(cpu.get()).div_ceil(10))
}

/// `30.25`, to the hundredth, rounded up.
fn gibibytes(memory: Bytes) -> String {
    decimal((u128::from(memory.get()) * 100).div_ceil(1 << 30))
}

/// Hundredths without trailing zeros.
fn decimal(hundredths: u128) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
