//! VerticalPodAutoscaler: what it may do, and to which resources.

use serde_json::Value;

use super::case::Case;
use super::lapse;
use super::model::{ControlledResources, ScalerPlan, UpdateMode, VpaPlan, WorkloadPlan};
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::Version;
use crate::policy::wire::{VpaMode, VpaResources};
use crate::workload::{Container, Vpa};

/// From this version of the addon on `InPlaceOrRecreate` is on by default.
const IN_PLACE: Version = Version { major: 1, minor: 5 };

/// Decides the VPA, given the horizontal scaler.
pub fn decide(case: &Case<'_>, scaler: Option<&ScalerPlan>) -> Option<VpaPlan> {
    let wanted = &case.wanted.spec.vpa;
    let accepted = |plan: &WorkloadPlan| plan.vpa.clone();
    let update_mode = match wanted.mode {
        None => return lapse::keep(case, accepted, "`vpa.mode` is not stated any more", "`mode: none`"),
        Some(VpaMode::None) => return None,
        Some(VpaMode::Recommend) => UpdateMode::Off,
        Some(VpaMode::Initial) => UpdateMode::Initial,
        Some(VpaMode::Recreate) => UpdateMode::Recreate,
        Some(VpaMode::InPlaceOrRecreate) => UpdateMode::InPlaceOrRecreate,
    };
    let Some(version) = case.settings.cluster.vpa else {
        let gone = "`spec.cluster.addons.vpa` is not named any more";
        if let Some(kept) = lapse::keep(case, accepted, gone, "`vpa: {mode: none}`") {
            return Some(kept);
        }
        case.find(
            code::ADDON_MISSING,
            "`spec.cluster.addons.vpa` is not named, so no VPA is rendered",
        );
        return None;
    };
    if case.workload.id.group == "batch" || case.workload.is_behind_rollout {
        return None;
    }
    let foreign: Vec<_> = case.workload.foreign_vpas().collect();
    if foreign.len() > 1 {
        case.find(code::LEFT_ALONE, "several VPAs point at it");
        return None;
    }
    if foreign.is_empty() && case.is_name_taken("VerticalPodAutoscaler") {
        return None;
    }
    let update_mode = in_place_or_less(case, update_mode, version);
    let controlled = controlled(case, scaler, update_mode, wanted.resources)?;
    Some(VpaPlan {
        name: foreign
            .first()
            .map_or_else(|| case.workload.id.name.clone(), |vpa| vpa.id.name.clone()),
        adopted: !foreign.is_empty(),
        update_mode_before: foreign.first().map(|vpa| vpa.update_mode.clone()),
        update_mode,
        controlled,
        min_allowed: wanted.min_allowed.clone(),
        max_allowed: wanted.max_allowed.clone(),
        reason: case.said("/vpa/mode"),
    })
}

/// Whether a VPA of others sets this request in the cluster: what history says of it would be a second word on it. One
/// that the policy has a mode for is ours to change.
pub(super) fn sets(case: &Case<'_>, container: &Container, resource: &str) -> bool {
    let acting = setting(case, container, resource);
    if let Some(vpa) = acting {
        let detail = format!(
            "the VPA `{}` (`{}`) sets requests of container `{}`, so none is derived: `vpa: {{mode: recommend}}`, with the addon's version under `spec.cluster.addons.vpa`, lets it recommend only",
            vpa.id.name, vpa.update_mode, container.name
        );
        case.find(code::LEFT_ALONE, detail);
    }
    acting.is_some()
}

/// A VPA of others that sets this request in the cluster and goes on doing so.
fn setting<'a>(case: &Case<'a>, container: &Container, resource: &str) -> Option<&'a Vpa> {
    let theirs: Vec<_> = case.workload.foreign_vpas().collect();
    let is_wanted = !matches!(case.wanted.spec.vpa.mode, None | Some(VpaMode::None));
    if is_wanted && case.settings.cluster.vpa.is_some() && theirs.len() == 1 {
        return None;
    }
    theirs.into_iter().find(|vpa| acts_on(vpa, container, resource))
}

/// Whether a VPA of others sets a request that a utilization target divides by, that of one container or of any of the
/// pod; that is noted, and the policy may accept it.
pub(super) fn fights(case: &Case<'_>, resource: &str, looked_at: Option<&str>) -> bool {
    let containers = case.workload.containers.iter();
    let mut divided = containers.filter(|container| looked_at.is_none_or(|name| container.name == name));
    let acting = divided.find_map(|container| setting(case, container, resource));
    let Some(vpa) = acting else { return false };
    let detail = format!(
        "the VPA `{}` (`{}`) sets the {resource} request that a {resource} target divides by: no scaler is planned beside it; `vpa: {{mode: recommend}}`, with the addon's version under `spec.cluster.addons.vpa`, lets it recommend only",
        vpa.id.name, vpa.update_mode
    );
    case.find(code::SCALER_FIGHTS_VPA, detail);
    !case.is_accepted(code::SCALER_FIGHTS_VPA)
}

/// Whether the VPA is in a mode that acts, and no policy of it takes the container or the resource out.
fn acts_on(vpa: &Vpa, container: &Container, resource: &str) -> bool {
    let policies = vpa.spec.pointer("/resourcePolicy/containerPolicies");
    let named = |name: &str| {
        let mut all = policies.and_then(Value::as_array).into_iter().flatten();
        all.find(|policy| policy["containerName"] == name)
    };
    let policy = named(&container.name).or_else(|| named("*"));
    let is_out = policy.is_some_and(|policy| {
        let controlled = policy["controlledResources"].as_array();
        policy["mode"] == "Off" || controlled.is_some_and(|all| all.iter().all(|one| one != resource))
    });
    vpa.update_mode != "Off" && !is_out
}

fn in_place_or_less(case: &Case<'_>, mode: UpdateMode, version: Version) -> UpdateMode {
    let is_ready = version >= IN_PLACE && case.settings.cluster.has(Field::InPlaceResize);
    if mode != UpdateMode::InPlaceOrRecreate || is_ready {
        return mode;
    }
    case.find(
        code::UNSUPPORTED_VERSION,
        format!(
            "`InPlaceOrRecreate` needs VPA {IN_PLACE} and Kubernetes 1.{}: `Initial` is rendered",
            Field::InPlaceResize.since()
        ),
    );
    UpdateMode::Initial
}

/// A VPA that acts must leave alone what an HPA divides by, or both fight over the request.
fn controlled(
    case: &Case<'_>,
    scaler: Option<&ScalerPlan>,
    mode: UpdateMode,
    wanted: Option<VpaResources>,
) -> Option<ControlledResources> {
    let acts = mode != UpdateMode::Off;
    let foreign = case.workload.foreign_scalers();
    let (mut on_cpu, mut on_memory) = scaler.map_or((false, false), |s| (s.cpu.is_some(), s.memory.is_some()));
    for scaler in foreign {
        on_cpu |= scaler.cpu_target.is_some();
        on_memory |= scaler.memory_target.is_some();
    }
    let asks = wanted.unwrap_or(VpaResources::Both);
    let cpu = asks != VpaResources::Memory && !(acts && on_cpu);
    let memory = asks != VpaResources::Cpu && !(acts && on_memory);
    match (cpu, memory) {
        (true, true) => Some(ControlledResources::Both),
        (true, false) => Some(ControlledResources::Cpu),
        (false, true) => Some(ControlledResources::Memory),
        (false, false) => {
            case.find(
                code::LEFT_ALONE,
                "the horizontal scaler divides by every resource the VPA would set: no VPA is rendered",
            );
            None
        }
    }
}
