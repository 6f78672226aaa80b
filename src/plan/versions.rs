//! Versions are a law: what the API server of the policy's lowest version does not know is in no plan, neither in a new
//! decision nor in one that is kept or waits.

use super::model::{ScalerKind, ScalerPlan, UpdateMode, WorkloadPlan};
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::Cluster;

/// Takes out what the cluster does not know, and notes it.
pub(super) fn obey(cluster: &Cluster, plan: &mut WorkloadPlan) {
    let gone = strip(cluster, plan);
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
pub(super) fn is_broken_by(cluster: &Cluster, plan: &WorkloadPlan) -> bool {
    !strip(cluster, &mut plan.clone()).is_empty()
}

fn strip(cluster: &Cluster, plan: &mut WorkloadPlan) -> Vec<Field> {
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
        of_scaler(scaler, &mut take);
    }
    gone
}

fn of_scaler(scaler: &mut ScalerPlan, take: &mut impl FnMut(Field, bool) -> bool) {
    // an adopted scaler that looks at one container did so before: the cluster took it
    let is_own = !scaler.adopted && scaler.kind == ScalerKind::Hpa;
    for target in [&mut scaler.cpu, &mut scaler.memory].into_iter().flatten() {
        if take(Field::ContainerResource, is_own && target.container.is_some()) {
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
