//! A plan line that did not change keeps its bytes: reviewers see what is new and nothing else.

use std::collections::BTreeMap;

use super::model::{Decided, ScalerPlan, UtilizationPlan, WorkloadPlan};

/// The plan, with every decision whose value is the accepted one written as it was accepted.
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

fn scaler(new: &mut ScalerPlan, old: &ScalerPlan) {
    value(&mut new.min_replicas, &old.min_replicas);
    value(&mut new.max_replicas, &old.max_replicas);
    utilization(&mut new.cpu, old.cpu.as_ref());
    utilization(&mut new.memory, old.memory.as_ref());
    metrics(&mut new.metrics, &old.metrics);
}

fn metrics(new: &mut BTreeMap<String, super::model::MetricPlan>, old: &BTreeMap<String, super::model::MetricPlan>) {
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
    if new.agrees_with(old) {
        *new = old.clone();
    }
}
