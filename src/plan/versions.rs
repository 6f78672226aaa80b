//! Versions are a law: what the API server of the policy's lowest version does not know is in no plan, neither in a new
//! decision nor in one that is kept or waits.

use super::model::{ScalerPlan, UpdateMode, WorkloadPlan};
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::Cluster;
use crate::workload::Workload;

/// Takes out what the cluster does not know, and notes it. Without a manifest of the workload nothing tells what an
/// adopted scaler says by itself: it stays.
pub(super) fn obey(cluster: &Cluster, workload: Option<&Workload>, plan: &mut WorkloadPlan) {
    let gone = strip(cluster, workload, plan);
    if gone.is_empty() {
        return;
    }
    let words: Vec<String> = gone
        .iter()
        .map(|field| format!("{} (since 1.{})", field.as_str(), field.since()))
        .collect();
    let detail = format!(
        "accepted before, and taken out as Kubernetes {} does not know it: {}",
        cluster.kubernetes,
        words.join(", ")
    );
    plan.add_to_finding(code::UNSUPPORTED_VERSION, &detail);
}

/// Whether the plan has a field that the cluster does not know.
pub(super) fn is_broken_by(cluster: &Cluster, workload: &Workload, plan: &WorkloadPlan) -> bool {
    !strip(cluster, Some(workload), &mut plan.clone()).is_empty()
}

fn strip(cluster: &Cluster, workload: Option<&Workload>, plan: &mut WorkloadPlan) -> Vec<Field> {
    let mut gone = Vec::new();
    let mut take = |field: Field, is_used: bool| {
        let is_unknown = is_used && !cluster.has(field);
        if is_unknown && !gone.contains(&field) {
            gone.push(field);
        }
        is_unknown
    };
    for spread in plan.spread.values_mut() {
        spread.per_revision &= !take(Field::SpreadMatchLabelKeys, spread.per_revision);
        spread.honor_taints &= !take(Field::NodeInclusionPolicy, spread.honor_taints);
    }
    if let Some(budget) = &mut plan.disruption {
        budget.always_allow_unhealthy &= !take(Field::UnhealthyPodEvictionPolicy, budget.always_allow_unhealthy);
    }
    if take(Field::PreStopSleep, plan.pre_stop_sleep.is_some()) {
        plan.pre_stop_sleep = None;
    }
    if let Some(vpa) = &mut plan.vpa
        && take(Field::InPlaceResize, vpa.update_mode == UpdateMode::InPlaceOrRecreate)
    {
        vpa.update_mode = UpdateMode::Initial;
    }
    if let Some(scaler) = &mut plan.scaler {
        of_scaler(scaler, workload, &mut take);
    }
    gone
}

fn of_scaler(scaler: &mut ScalerPlan, workload: Option<&Workload>, take: &mut impl FnMut(Field, bool) -> bool) {
    let is_adopted = scaler.adopted;
    // an adopted scaler that looks at a container by itself: the cluster took it
    let looks_at = |workload: &Workload, container: &String| {
        let mut foreign = workload.foreign_scalers();
        foreign.any(|scaler| scaler.cpu_container.as_ref() == Some(container))
    };
    let is_theirs = |one: &String| is_adopted && workload.is_none_or(|workload| looks_at(workload, one));
    for target in [&mut scaler.cpu, &mut scaler.memory].into_iter().flatten() {
        let is_ours = target.container.as_ref().is_some_and(|one| !is_theirs(one));
        if take(Field::ContainerResource, is_ours) {
            target.container = None;
        }
    }
    if let Some(behavior) = &mut scaler.behavior {
        for rules in [&mut behavior.scale_up, &mut behavior.scale_down] {
            if take(Field::HpaTolerance, rules.tolerance.is_some()) {
                rules.tolerance = None;
            }
        }
    }
}
