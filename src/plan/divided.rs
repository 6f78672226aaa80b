//! Which requests a scaler divides by: its utilization target is a share of them, so a change of one moves the load at
//! which pods are added. Of the main container's CPU [`super::scale_point`] knows; here is the rest.

use super::case::Case;
use super::metrics;
use super::model::ScalerPlan;
use crate::policy::wire::ScalingMode;
use crate::units::Percent;
use crate::workload::{Container, Scaler};

/// The memory target that the requests of this workload are divided by. Memory hardly falls when pods are added, so a
/// lower request could hold the scaler at its highest count for good.
pub(super) fn by_memory_target(case: &Case<'_>) -> Option<Percent> {
    let theirs = case.workload.foreign_scalers().find_map(|scaler| scaler.memory_target);
    let scaling = &case.wanted.spec.scaling;
    if theirs.is_some() || scaling.mode == Some(ScalingMode::None) {
        return theirs;
    }
    let accepted = || Some(case.accepted()?.scaler.as_ref()?.memory.as_ref()?.target.value);
    let wanted = Some(&scaling.targets.memory).filter(|target| scaling.mode.is_some() && !target.is_open());
    accepted().or_else(|| Some(wanted?.resolve(metrics::USUAL).0))
}

/// Whether the CPU target of a scaler that was there before stays one of the pod's sum, or of this container. A pod
/// without a request somewhere has no such share: there the first request moves nothing.
pub(super) fn by_cpu_target(case: &Case<'_>, container: &Container, scaler: Option<&ScalerPlan>) -> bool {
    let ours = scaler.and_then(|scaler| scaler.cpu.as_ref());
    let looks_at = |theirs: &Scaler| {
        let watched = ours.map_or(&theirs.cpu_container, |ours| &ours.container);
        watched.as_ref().is_none_or(|watched| *watched == container.name)
    };
    let mut targets = case
        .workload
        .foreign_scalers()
        .filter(|theirs| theirs.cpu_target.is_some());
    container.has_request("cpu") && targets.any(looks_at)
}
