//! Which requests a scaler divides by: its utilization target is a share of them, so a change of one moves the load at
//! which pods are added. Of the main container's CPU [`super::scale_point`] knows; here is the rest.

use super::case::Case;
use super::metrics;
use super::model::ScalerPlan;
use super::scale_point::is_beyond_tolerance;
use crate::diag::code;
use crate::policy::wire::ScalingMode;
use crate::units::{Millicores, Percent};
use crate::workload::Container;

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
    let looks_at = |watched: Option<&String>| watched.is_none_or(|watched| *watched == container.name);
    container.has_request("cpu") && watched(case, scaler).any(looks_at)
}

/// What each CPU target of a scaler that was there before is a share of: one container, or the pod's sum.
fn watched<'a>(case: &'a Case<'_>, scaler: Option<&'a ScalerPlan>) -> impl Iterator<Item = Option<&'a String>> {
    let ours = scaler.and_then(|scaler| scaler.cpu.as_ref());
    let theirs = case.workload.foreign_scalers();
    theirs
        .filter(|theirs| theirs.cpu_target.is_some())
        .map(move |theirs| ours.map_or(&theirs.cpu_container, |ours| &ours.container).as_ref())
}

/// Notes that a request which the policy states for a container beside the main one moves the load at which pods are
/// added, by more than the controller's tolerance.
pub(super) fn report_move(case: &Case<'_>, container: &Container, scaler: Option<&ScalerPlan>, request: Millicores) {
    let Some(before) = container.cpu_request else { return };
    let (before, request) = (before.get(), request.get());
    let of_pod = || {
        let requests = case.workload.containers.iter().filter_map(|one| one.cpu_request);
        requests.map(Millicores::get).sum()
    };
    let moved = |watched: Option<&String>| {
        let whole = if watched.is_some() { before } else { of_pod() };
        is_beyond_tolerance(before.abs_diff(request), whole)
    };
    if by_cpu_target(case, container, scaler) && watched(case, scaler).any(moved) {
        let (name, before, request) = (&container.name, Millicores::new(before), Millicores::new(request));
        let detail = format!(
            "container `{name}` requests {before} → {request} of CPU, and the scaler's target is a share of it: pods are added at another load"
        );
        case.find(code::SCALE_POINT_MOVED, detail);
    }
}
