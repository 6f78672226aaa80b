//! A plan line that did not change keeps its bytes: reviewers see what is new and nothing else.

use std::collections::BTreeMap;

use super::model::{Decided, MetricPlan, ScalerPlan, UtilizationPlan, WorkloadPlan};
use crate::diag::code;
use crate::krm::Reason;

/// The plan, with every decision written as it was accepted where its value is the accepted one and this profile says the
/// same of it. Where it says something else, such as another value within `guardrails.minChange`, the reason says so.
pub(super) fn keep_unchanged(mut plan: WorkloadPlan, accepted: Option<&WorkloadPlan>) -> WorkloadPlan {
    let Some(accepted) = accepted else { return plan };
    for (name, container) in &mut plan.containers {
        let Some(old) = accepted.containers.get(name) else {
            continue;
        };
        settle(&mut container.requests.cpu, old.requests.cpu.as_ref());
        settle(&mut container.requests.memory, old.requests.memory.as_ref());
        settle(&mut container.limits.cpu, old.limits.cpu.as_ref());
        settle(&mut container.limits.memory, old.limits.memory.as_ref());
    }
    settle(&mut plan.replicas, accepted.replicas.as_ref());
    settle(&mut plan.grace_period, accepted.grace_period.as_ref());
    settle(&mut plan.pre_stop_sleep, accepted.pre_stop_sleep.as_ref());
    if let (Some(new), Some(old)) = (&mut plan.scaler, &accepted.scaler) {
        scaler(new, old);
    }
    if let (Some(new), Some(old)) = (&mut plan.disruption, &accepted.disruption) {
        settle(&mut new.min_available, old.min_available.as_ref());
        settle(&mut new.max_unavailable, old.max_unavailable.as_ref());
    }
    plan
}

/// An entry that says what it said keeps the window it was decided on: all of its values are those before, so it is the
/// same from where planning starts.
pub(super) fn keep_windows(
    workloads: &mut BTreeMap<String, WorkloadPlan>,
    accepted: Option<&BTreeMap<String, WorkloadPlan>>,
) {
    for (key, plan) in workloads {
        let Some(old) = accepted.and_then(|accepted| accepted.get(key)) else {
            continue;
        };
        let as_old = WorkloadPlan {
            window: old.window,
            made_from: old.made_from.clone(),
            seal: old.seal.clone(),
            ..plan.clone()
        };
        if as_old == *old {
            plan.window = old.window;
        }
    }
}

fn scaler(new: &mut ScalerPlan, old: &ScalerPlan) {
    value(&mut new.min_replicas, &old.min_replicas);
    value(&mut new.max_replicas, &old.max_replicas);
    utilization(&mut new.cpu, old.cpu.as_ref());
    utilization(&mut new.memory, old.memory.as_ref());
    metrics(&mut new.metrics, &old.metrics);
}

fn metrics(new: &mut BTreeMap<String, MetricPlan>, old: &BTreeMap<String, MetricPlan>) {
    for (name, metric) in new {
        if let Some(old) = old.get(name) {
            settle(&mut metric.average_value, old.average_value.as_ref());
            settle(&mut metric.value, old.value.as_ref());
        }
    }
}

fn utilization(new: &mut Option<UtilizationPlan>, old: Option<&UtilizationPlan>) {
    if let (Some(new), Some(old)) = (new, old) {
        value(&mut new.target, &old.target);
    }
}

fn settle<D: Decided + Clone>(new: &mut Option<D>, old: Option<&D>) {
    if let (Some(new), Some(old)) = (new, old) {
        value(new, old);
    }
}

fn value<D: Decided + Clone>(new: &mut D, old: &D) {
    if new.agrees_with(old) && says_the_same(new.reason(), old.reason()) {
        *new = old.clone();
    }
}

/// Whether two reasons for one value come to the same. What was measured, such as percentiles and counts of samples, is
/// another in every profile and no news.
fn says_the_same(new: &Reason, old: &Reason) -> bool {
    if new.code == code::KEPT.as_str() {
        // nothing is said anew, unless that it is not stated any more
        return old.code != code::STATED.as_str();
    }
    let names = |reason: &Reason| {
        let names = reason.inputs.keys().filter(|name| *name != TAKEN_ALONG);
        names.cloned().collect::<Vec<_>>()
    };
    let is_equal = |input: &&str| new.inputs.get(*input) == old.inputs.get(*input);
    new.code == old.code && names(new) == names(old) && SAID.iter().all(is_equal)
}

/// Inputs of reasons that say what was derived, and by which rule of the policy.
const SAID: [&str; 9] = [
    "capacityDecrease",
    "carries",
    "derived",
    "derivedFrom",
    "headroom",
    "margin",
    "quantile",
    "solved",
    "unbounded",
];

/// An input that tells how a step came to be made, and stays with its value.
pub(super) const TAKEN_ALONG: &str = "takenAlong";
