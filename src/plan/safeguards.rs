//! What a class or a rule protects a workload by: that it is only looked at, that its memory is held by configuration.
//!
//! No value of a plan shows these, so an entry says them, and they outlive the words: a class that goes from the policy
//! must not put a database under trimtab or lower the memory of a JVM. The policy ends them by a word of its own.

use super::case::Case;
use super::model::{Safeguards, WorkloadPlan};
use crate::diag::code;
use crate::policy::WorkloadSettings;
use crate::policy::wire::{Mode, RuntimeKind};

/// What is wanted, with the safeguards of the accepted entry that the policy has no word on any more; and these.
pub(super) fn keep(wanted: &WorkloadSettings, accepted: Option<&WorkloadPlan>) -> (WorkloadSettings, Safeguards) {
    let mut wanted = wanted.clone();
    let Some(before) = accepted.map(|plan| plan.safeguards) else {
        return (wanted, Safeguards::default());
    };
    let lost = Safeguards {
        mode: before.mode.filter(|_| wanted.spec.mode.is_none()),
        runtime: before.runtime.filter(|_| wanted.spec.runtime.kind.is_none()),
    };
    wanted.spec.mode = wanted.spec.mode.or(lost.mode);
    wanted.spec.runtime.kind = wanted.spec.runtime.kind.or(lost.runtime);
    (wanted, lost)
}

/// Those that what is wanted sets.
pub(super) fn of(wanted: &WorkloadSettings) -> Safeguards {
    Safeguards {
        mode: wanted.spec.mode.filter(|mode| *mode == Mode::Observe),
        runtime: wanted.spec.runtime.kind.filter(|kind| *kind != RuntimeKind::Generic),
    }
}

/// Says which stay although nothing states them any more.
pub(super) fn say(case: &Case<'_>, lost: Safeguards) {
    if lost.mode.is_some() {
        case.find(
            code::STALE,
            "`mode: observe` is not stated any more: it is still only observed; `mode: enforce` in its rule renders it",
        );
    }
    if lost.runtime.is_some() {
        case.find(
            code::STALE,
            "`runtime.kind` is not stated any more: its memory is still not lowered; `runtime: {kind: generic}` allows it",
        );
    }
}
