//! The VPA of a plan beside what the owner has by now.

use super::{because, left_out};
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::plan::model::{ControlledResources, UpdateMode};
use crate::render::Planned;

/// What two VPAs on the same pods do is not defined: with one of the owner beside the plan's, the owner's stays alone.
pub(super) fn second(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let name = plan.vpa.as_ref()?.name.clone();
    let mut foreign = subject.workload.foreign_vpas();
    let other = &foreign.find(|vpa| vpa.id.name != name)?.id;
    let headline = format!("`{other}` sizes it too, so the VPA `{name}` of the plan is left out");
    plan.vpa = None;
    plan.removed.vpa = Some(because(code::LEFT_ALONE));
    Some(left_out(
        code::LEFT_ALONE,
        headline,
        "what two VPAs on the same pods do is not defined",
        "keep one, or let the plan adopt it",
    ))
}

/// A VPA that acts moves the request that a scaler of the owner divides by, and both never come to rest.
pub(super) fn beside_scaler(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let vpa = plan.vpa.as_ref().filter(|vpa| vpa.update_mode != UpdateMode::Off)?;
    let divides = |other: &crate::workload::Scaler| {
        (other.cpu_target.is_some() && vpa.controlled != ControlledResources::Memory)
            || (other.memory_target.is_some() && vpa.controlled != ControlledResources::Cpu)
    };
    let mut foreign = subject.workload.foreign_scalers();
    let other = &foreign.find(|scaler| divides(scaler))?.id;
    let headline = format!(
        "`{other}` divides by requests that the VPA `{}` of the plan sets, so the VPA is left out",
        vpa.name
    );
    plan.vpa = None;
    plan.removed.vpa = Some(because(code::SCALER_FIGHTS_VPA));
    Some(left_out(
        code::SCALER_FIGHTS_VPA,
        headline,
        "each would undo what the other does",
        "keep one, or let them act on different resources",
    ))
}
