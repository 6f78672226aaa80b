//! What couples workloads, in a fixed order, each cut with its reason: pods that the selectors of two of them share, then
//! how many may restart in one plan.

use std::collections::{BTreeMap, BTreeSet};

use super::model::WorkloadPlan;
use super::{Inputs, one, restart, versions};
use crate::diag::first_of_many;
use crate::workload::{Group, Workload};

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
    let holders = holders(inputs, workloads);
    // many share a group: who is in it with them is found once
    let mut known: BTreeMap<(usize, usize), Group> = BTreeMap::new();
    let mut shared: Vec<(&String, &Workload, String)> = Vec::new();
    for (key, workload) in inputs.workloads.by_key.iter().filter(|(key, _)| holders.contains(*key)) {
        let groups = (workload.selects.address(), workload.selected_by.address());
        let group = known.entry(groups).or_insert_with(|| {
            let by = workload
                .selected_by
                .all()
                .iter()
                .filter(|other| holders.contains(*other));
            workload.selects.all().iter().chain(by).cloned().collect()
        });
        let count = group.count_of_others(key);
        if count > 0 {
            shared.push((key, workload, first_of_many(group.others(key), count)));
        }
    }
    for (key, workload, others) in shared {
        let accepted = inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
        if let (Some(plan), _) = one(inputs, (key, workload), accepted, Some(&others)) {
            workloads.insert(key.clone(), plan);
        }
    }
}

/// The workloads that have a budget or scaler, or are planned to.
fn holders<'a>(inputs: &Inputs<'a>, planned: &BTreeMap<String, WorkloadPlan>) -> BTreeSet<&'a String> {
    let has_planned = |plan: &WorkloadPlan| plan.scaler.is_some() || plan.disruption.is_some();
    let has_already = |workload: &Workload| {
        let has_scaler = workload.foreign_scalers().next().is_some();
        has_scaler || workload.foreign_budgets().next().is_some()
    };
    let holds =
        |(key, workload): &(&String, &Workload)| planned.get(*key).is_some_and(has_planned) || has_already(workload);
    inputs
        .workloads
        .by_key
        .iter()
        .filter(holds)
        .map(|(key, _)| key)
        .collect()
}
