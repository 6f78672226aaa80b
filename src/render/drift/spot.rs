//! Placement on nodes that go with little notice, for pods that by now are not to lose one.

use super::{left_out, lowest_of_owner};
use crate::catalog::spot::notice_s;
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::plan::lifecycle::is_lengthened;
use crate::plan::model::SpotPlacement;
use crate::render::Planned;
use crate::units::Seconds;

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

/// What its owner gives the pods to end since, and an interruptible node does not.
pub(super) fn long_grace(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let written = subject.workload.grace_period.unwrap_or(super::USUAL_GRACE);
    let grace = plan.grace_period.as_ref().map_or(written, |grace| grace.value);
    if !is_lengthened(subject.plan, grace) {
        return None;
    }
    let labels = &plan.spot.as_ref()?.labels;
    let notice = notice_s(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let notice = notice.map(Seconds::new).filter(|notice| *notice < grace)?;
    let why = format!("such a node gives {notice}, and what is not done by then is killed");
    without_spot(plan, &format!("its pods may now take {grace} to end"), &why)
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
