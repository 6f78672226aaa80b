//! Objects of ours that go: only where the policy says `mode: none`, or a scaler for one of the owner; never because
//! something could not be decided.

use super::case::{Case, reason};
use super::model::{RemovedObjects, ScalerPlan, WorkloadPlan};
use crate::diag::code;
use crate::krm::Reason;
use crate::policy::wire::{DisruptionMode, ScalingMode, VpaMode};

/// Which objects of ours the policy takes away: those that were accepted before or are in the manifests. It is said
/// again in every later plan, as a host may have missed the one before. `scaler` is the one that is planned.
pub(super) fn decide(case: &Case<'_>, scaler: Option<&ScalerPlan>) -> RemovedObjects {
    let (spec, workload) = (&case.wanted.spec, case.workload);
    let accepted = |was_there: fn(&WorkloadPlan) -> bool| case.accepted().is_some_and(was_there);
    RemovedObjects {
        scaler: removed(
            unwanted_scaler(case, scaler),
            accepted(|plan| plan.removed.scaler.is_some() || plan.scaler.as_ref().is_some_and(|plan| !plan.adopted))
                || workload.scalers.iter().any(|scaler| scaler.is_ours),
        ),
        disruption: removed(
            (spec.disruption.mode == Some(DisruptionMode::None)).then(|| case.said("/disruption/mode")),
            accepted(|plan| {
                plan.removed.disruption.is_some() || plan.disruption.as_ref().is_some_and(|plan| !plan.adopted)
            }) || workload.budgets.iter().any(|budget| budget.is_ours),
        ),
        vpa: removed(
            (spec.vpa.mode == Some(VpaMode::None)).then(|| case.said("/vpa/mode")),
            accepted(|plan| plan.removed.vpa.is_some() || plan.vpa.as_ref().is_some_and(|plan| !plan.adopted))
                || workload.vpas.iter().any(|vpa| vpa.is_ours),
        ),
    }
}

/// Why no scaler of ours is wanted: the policy says so, or one of the owner is there and none is planned beside it.
fn unwanted_scaler(case: &Case<'_>, planned: Option<&ScalerPlan>) -> Option<Reason> {
    if case.wanted.spec.scaling.mode == Some(ScalingMode::None) {
        return Some(case.said("/scaling/mode"));
    }
    let is_theirs = planned.is_none() && case.workload.foreign_scalers().next().is_some();
    is_theirs.then(|| reason(code::TWO_SCALERS, []))
}

fn removed(unwanted: Option<Reason>, was_there: bool) -> Option<Reason> {
    unwanted.filter(|_| was_there)
}
