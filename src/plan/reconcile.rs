//! What couples workloads, in a fixed order, each cut with its reason: pods that the selectors of two of them share, then
//! how many may restart in one plan.

use std::collections::{BTreeMap, BTreeSet};

use super::model::WorkloadPlan;
use super::{Inputs, one, restart, versions};
use crate::workload::Workload;

/// Applies everything that couples workloads.
pub(super) fn reconcile(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    part_shared_pods(inputs, workloads);
    obey_versions(inputs, workloads);
    restart::bound(inputs, workloads);
    // what waits brings back accepted values
    obey_versions(inputs, workloads);
}

fn obey_versions(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    for (key, plan) in workloads {
        versions::obey(&inputs.settings.cluster, inputs.workloads.by_key.get(key), plan);
    }
}

/// Workloads that would share pods under a budget or scaler are decided again without new ones: all that selects pods of
/// others, and all whose pods are selected by one that has, or would have, a budget or scaler.
fn part_shared_pods(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    let holds = |key: &String| {
        let has_planned = |plan: &WorkloadPlan| plan.scaler.is_some() || plan.disruption.is_some();
        let has_already = |workload: &Workload| {
            let has_scaler = workload.foreign_scalers().next().is_some();
            has_scaler || workload.foreign_budgets().next().is_some()
        };
        workloads.get(key).is_some_and(has_planned) || inputs.workloads.by_key.get(key).is_some_and(has_already)
    };
    let mut shared: Vec<(&String, &Workload, Vec<String>)> = Vec::new();
    for (key, workload) in inputs.workloads.by_key.iter().filter(|(key, _)| holds(key)) {
        let by = workload.selected_by.iter().filter(|other| holds(other));
        let others: BTreeSet<&String> = workload.selects.iter().chain(by).collect();
        if !others.is_empty() {
            shared.push((key, workload, others.into_iter().cloned().collect()));
        }
    }
    for (key, workload, others) in shared {
        let accepted = inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
        if let (Some(plan), _) = one(inputs, (key, workload), accepted, &others) {
            workloads.insert(key.clone(), plan);
        }
    }
}
