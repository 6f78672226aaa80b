//! How pods come and go: `spec.replicas` beside a scaler, grace period, the pause before the stop signal.

use super::case::{Case, reason};
use super::field::FieldName;
use super::lapse;
use super::model::{Decision, Removable, ScalerPlan, WorkloadPlan};
use super::owner;
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::wire::{ReplicasMode, ScalingMode, TerminationMode};
use crate::units::Seconds;
use crate::workload::{Container, Scaler};

/// Decides `spec.replicas`; `None`: as it is in the manifest.
///
/// Removing it under client-side apply scales to 1 for a moment, keeping it resets the count at every sync. So it is
/// kept at what was in force until history shows the scaler in force, and dropped then.
pub fn replicas(case: &Case<'_>, scaler: Option<&ScalerPlan>) -> Option<Removable<u32>> {
    let wanted = &case.wanted.spec.replicas;
    let before = case
        .base()
        .and_then(|plan| plan.replicas.as_ref())
        .and_then(|r| r.value)
        .or(case.workload.replicas);
    // zero is its owner's switch: a count decided before it was parked would start it
    let is_parked = case.workload.replicas == Some(0) && wanted.count.value.is_none();
    if !case.workload.is_scalable_kind() || case.workload.is_behind_rollout || is_parked {
        return None;
    }
    let Some(scaler) = scaler else {
        return fixed(case, before);
    };
    let drop = |why| {
        Some(Removable {
            value: None,
            before,
            reason: reason(why, []),
        })
    };
    let was_dropped = |plan: &WorkloadPlan| {
        let dropped = plan.replicas.clone().filter(|count| count.value.is_none());
        dropped.filter(was_stated)
    };
    if wanted.mode.is_none()
        && let Some(kept) = lapse::keep(
            case,
            was_dropped,
            "`replicas.mode` is not stated any more",
            "`mode: keep`",
        )
    {
        return Some(lapse::unstated(kept));
    }
    match wanted.mode.unwrap_or(ReplicasMode::Handoff) {
        ReplicasMode::Keep => None,
        ReplicasMode::Remove => drop(code::STATED),
        ReplicasMode::Handoff if scaler.in_force => case.workload.replicas.and_then(|_| drop(code::HANDOFF)),
        ReplicasMode::Handoff => {
            case.workload.replicas?;
            let accepted = case.unconfirmed().and_then(|plan| plan.replicas.as_ref()?.value);
            let running = accepted.unwrap_or_else(|| case.replicas_before());
            let value = running.max(scaler.min_replicas.value).min(scaler.max_replicas.value);
            let decided = Removable {
                value: Some(value),
                before,
                reason: reason(code::HANDOFF, [("inForce", running.to_string())]),
            };
            let written = case.workload.replicas.map(|count| count.min(scaler.max_replicas.value));
            Some(owner::lift_removable(case, &FieldName::Replicas, written, decided))
        }
    }
}

/// Without a scaler of ours: the stated or bounded count, or, where an accepted scaler goes, what was in force. Beside a
/// scaler of somebody else there is no count of ours: each apply would undo what that one did.
fn fixed(case: &Case<'_>, before: Option<u32>) -> Option<Removable<u32>> {
    let wanted = &case.wanted.spec.replicas;
    if let Some(theirs) = case.workload.foreign_scalers().next() {
        return beside(case, theirs, before);
    }
    if let Some(value) = wanted.count.value {
        return Some(Removable {
            value: Some(value),
            before,
            reason: reason(code::STATED, []),
        });
    }
    let had = case
        .accepted()
        .and_then(|plan| plan.scaler.as_ref())
        .filter(|scaler| !scaler.adopted);
    if let (Some(scaler), Some(ScalingMode::None)) = (had, case.wanted.spec.scaling.mode) {
        let running = case.replicas_before().max(scaler.min_replicas.value);
        return Some(Removable {
            value: Some(running),
            before,
            reason: reason(code::HANDOFF, [("inForce", running.to_string())]),
        });
    }
    // without `replicas` the API server takes 1
    let (count, is_moved) = wanted.count.resolve(before.unwrap_or(1));
    if is_moved {
        return Some(Removable {
            value: Some(count),
            before,
            reason: reason(code::BOUNDED, []),
        });
    }
    let accepted = case
        .accepted()
        .and_then(|plan| plan.replicas.clone())
        .filter(|replicas| replicas.value.is_some())?;
    if !was_stated(&accepted) {
        return Some(owner::lift_removable(
            case,
            &FieldName::Replicas,
            case.workload.replicas,
            accepted,
        ));
    }
    if case.wanted.spec.replicas.mode == Some(ReplicasMode::Keep) {
        return None;
    }
    let gone = "`replicas.count` is not stated any more";
    lapse::keep(case, |_| Some(lapse::unstated(accepted)), gone, "`mode: keep`")
}

/// Whether the policy stated it, in the accepted plan or in one before that it was kept from.
fn was_stated(count: &Removable<u32>) -> bool {
    let codes = [code::STATED, code::KEPT];
    codes.iter().any(|code| count.reason.code == code.as_str())
}

/// The count beside somebody else's scaler: the manifest's, or none where the policy says so.
fn beside(case: &Case<'_>, theirs: &Scaler, before: Option<u32>) -> Option<Removable<u32>> {
    let wanted = &case.wanted.spec.replicas;
    if !wanted.count.is_open() {
        let (name, scaler) = (case.wanted.named("/replicas/count"), &theirs.id);
        let detail = format!("{name} is left out: `{scaler}` sets the count, and each apply would undo what it did");
        case.find(code::POLICY_CONFLICT, detail);
    }
    let is_dropped = wanted.mode == Some(ReplicasMode::Remove) && case.workload.replicas.is_some();
    is_dropped.then(|| Removable {
        value: None,
        before,
        reason: reason(code::STATED, []),
    })
}

/// Decides `terminationGracePeriodSeconds`. What its owner lengthens after a plan is never shortened by it: that work takes
/// so long is no matter of history.
pub fn grace_period(case: &Case<'_>) -> Option<Decision<Seconds>> {
    let decided = planned_grace(case)?;
    let Some(written) = case
        .workload
        .grace_period
        .filter(|now| *now > decided.value && case.accepted().is_some_and(|plan| is_lengthened(plan, *now)))
    else {
        return Some(decided);
    };
    let name = case.wanted.named("/termination/gracePeriod");
    let detail = format!(
        "the grace period was raised to {written} in the manifest, and {name} says {}: {written} stays until the manifest or the policy says otherwise",
        decided.value
    );
    case.find(code::OWNER_RAISED, detail);
    Some(Decision {
        value: written,
        before: decided.before,
        reason: reason(code::OWNER_RAISED, [("stated", decided.value.to_string())]),
    })
}

/// Whether the manifest says more than when it was planned, or said so then already: a bound that had nothing to do then
/// shortens no more than one that had.
pub(crate) fn is_lengthened(accepted: &WorkloadPlan, now: Seconds) -> bool {
    let Some(then) = &accepted.written else {
        return false;
    };
    if let Some(planned) = accepted.grace_period.as_ref().filter(|planned| planned.value == now) {
        // of another reason it is ours, written back by a host that edits in place
        return planned.reason.code == code::OWNER_RAISED.as_str();
    }
    let then = then.get(&FieldName::GracePeriod.key()).copied();
    owner::seconds(now) > then.unwrap_or(owner::seconds(USUAL_GRACE))
}

/// What the API server fills in.
const USUAL_GRACE: Seconds = Seconds::new(30);

fn planned_grace(case: &Case<'_>) -> Option<Decision<Seconds>> {
    let termination = &case.wanted.spec.termination;
    let setting = &termination.grace_period;
    let decided = case.base().and_then(|plan| plan.grace_period.as_ref());
    let before = decided.map(|decided| decided.value).or(case.workload.grace_period);
    if termination.mode == Some(TerminationMode::None) {
        return None;
    }
    if setting.is_open() {
        let gone = "`termination.gracePeriod` is not stated any more";
        return lapse::keep(case, |plan| plan.grace_period.clone(), gone, "`mode: none`").map(lapse::unstated);
    }
    if let Some(value) = setting.value {
        return Some(Decision {
            value,
            before,
            reason: reason(code::STATED, []),
        });
    }
    let current = case.workload.grace_period.unwrap_or(USUAL_GRACE);
    let (value, moved) = setting.resolve(current);
    moved.then(|| Decision {
        value,
        before,
        reason: reason(code::BOUNDED, []),
    })
}

/// Decides the sleep before the stop signal: only where stated, the image can do it and nothing is there.
pub fn pre_stop_sleep(case: &Case<'_>, main: &Container, grace: Option<Seconds>) -> Option<Decision<Seconds>> {
    let termination = &case.wanted.spec.termination;
    if termination.mode == Some(TerminationMode::None) {
        return None;
    }
    // bounded alone it is the least that is allowed: none is usual
    let setting = &termination.pre_stop_sleep;
    let Some(value) = setting.value.or(setting.min) else {
        let gone = "`termination.preStopSleep` is not stated any more";
        return lapse::keep(case, |plan| plan.pre_stop_sleep.clone(), gone, "`mode: none`").map(lapse::unstated);
    };
    if main.has_pre_stop {
        case.find(
            code::LEFT_ALONE,
            format!("container `{}` has a preStop hook of its own", main.name),
        );
        return None;
    }
    if !case.settings.cluster.has(Field::PreStopSleep) {
        let since = Field::PreStopSleep.since();
        case.find(
            code::UNSUPPORTED_VERSION,
            format!("{} needs 1.{since}; nothing is rendered", Field::PreStopSleep.as_str()),
        );
        return None;
    }
    let grace = grace.or(case.workload.grace_period).unwrap_or(USUAL_GRACE);
    if value.is_zero() || value >= grace {
        case.find(
            code::POLICY_CONFLICT,
            format!("a sleep of {value} does not fit in the grace period of {grace}; nothing is rendered"),
        );
        return None;
    }
    Some(Decision {
        value,
        before: None,
        reason: reason(
            if setting.value.is_some() {
                code::STATED
            } else {
                code::BOUNDED
            },
            [],
        ),
    })
}
