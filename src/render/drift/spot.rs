//! Placement on nodes that go with little notice, for pods that by now are not to lose one.

use super::{left_out, lowest_of_owner};
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::plan::model::SpotPlacement;
use crate::render::Planned;

/// A node that is taken away takes its volume's only pod with it.
pub(super) fn state(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    if !subject.workload.has_state {
        return None;
    }
    let why = "an interruption would take the volume's pod away";
    without_spot(plan, "it keeps state on volumes", why)
}

/// A node that is taken away takes the only pod with it. Counts that were decided are judged when they are; one that is
/// in no manifest is not known.
pub(super) fn alone(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let planned = plan.replicas.as_ref().and_then(|count| count.value);
    let foreign = lowest_of_owner(subject);
    let lowest = foreign.or(planned).or(subject.workload.replicas)?;
    // what its owner parked loses nothing; what a scaler may take down to nothing has a last pod
    let is_alone = lowest == 1 || foreign == Some(0);
    // work that waits in a queue is not lost
    let is_queued = subject
        .plan
        .scaler
        .as_ref()
        .is_some_and(|scaler| !scaler.triggers.is_empty());
    if plan.scaler.is_some() || is_queued || !is_alone {
        return None;
    }
    let why = "with 1 replica an interruption is an outage";
    without_spot(plan, "by now it may be down to its last replica", why)
}

fn without_spot(plan: &mut WorkloadPlan, what: &str, why: &str) -> Option<Diagnostic> {
    let spot = plan.spot.as_ref().filter(|spot| spot.mode != SpotPlacement::Never)?;
    let finding = plan.findings.get(code::SPOT_UNSAFE.as_str());
    if finding.is_some_and(|finding| finding.accepted.is_some()) {
        return None;
    }
    let labels: Vec<String> = spot
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let headline = format!(
        "{what}, so its placement on spot nodes ({}) is left out",
        labels.join(", ")
    );
    plan.spot = None;
    Some(left_out(
        code::SPOT_UNSAFE,
        headline,
        &format!("the plan was made before; {why}"),
        "accept `spot-unsafe` in the policy or leave it so",
    ))
}
