//! Objects of ours that go: only where the policy says `mode: none`, never because something could not be decided.

use super::case::{Case, reason};
use super::model::{RemovedObjects, WorkloadPlan};
use crate::diag::code;
use crate::krm::Reason;
use crate::policy::wire::{DisruptionMode, ScalingMode, VpaMode};

/// Which objects of ours the policy takes away: those that were accepted before or are in the manifests. It is said
/// again in every later plan, as a host may have missed the one before.
pub(super) fn decide(case: &Case<'_>) -> RemovedObjects {
    let (spec, workload) = (&case.wanted.spec, case.workload);
    let accepted = |was_there: fn(&WorkloadPlan) -> bool| case.accepted.is_some_and(was_there);
    RemovedObjects {
        scaler: removed(
            spec.scaling.mode == Some(ScalingMode::None),
            accepted(|plan| plan.removed.scaler.is_some() || plan.scaler.as_ref().is_some_and(|plan| !plan.adopted))
                || workload.scalers.iter().any(|scaler| scaler.is_ours),
        ),
        disruption: removed(
            spec.disruption.mode == Some(DisruptionMode::None),
            accepted(|plan| {
                plan.removed.disruption.is_some() || plan.disruption.as_ref().is_some_and(|plan| !plan.adopted)
            }) || workload.budgets.iter().any(|budget| budget.is_ours),
        ),
        vpa: removed(
            spec.vpa.mode == Some(VpaMode::None),
            accepted(|plan| plan.removed.vpa.is_some() || plan.vpa.as_ref().is_some_and(|plan| !plan.adopted))
                || workload.vpas.iter().any(|vpa| vpa.is_ours),
        ),
    }
}

fn removed(is_unwanted: bool, was_there: bool) -> Option<Reason> {
    (is_unwanted && was_there).then(|| reason(code::STATED, []))
}
