//! Why a workload can't have a scaler of some kind.

use super::case::Case;
use super::model::ScalerKind;
use crate::diag::{Code, code, first_of};

/// Why no scaler of this kind can be rendered.
pub(super) fn find(case: &Case<'_>, kind: ScalerKind) -> Option<(Code, String)> {
    let workload = case.workload;
    if !workload.is_scalable_kind() {
        return Some((
            code::NOT_SCALABLE,
            format!("a {} has no replicas to scale", workload.id.kind),
        ));
    }
    if workload.is_behind_rollout {
        return Some((
            code::NOT_SCALABLE,
            "a Rollout owns its pods: the Rollout is the target".to_owned(),
        ));
    }
    if let Some(shared) = case.shared_pods() {
        return Some((code::SHARED_PODS, shared));
    }
    if workload.replicas == Some(0) {
        return Some((code::NOT_SCALABLE, "its manifest parks it at 0 replicas".to_owned()));
    }
    if workload.is_exclusive {
        let detail = "only one pod at a time may run (Recreate strategy, or a volume for one node)";
        return Some((code::NOT_SCALABLE, detail.to_owned()));
    }
    if kind == ScalerKind::Keda && case.settings.cluster.keda.is_none() {
        return Some((
            code::ADDON_MISSING,
            "`spec.cluster.addons.keda` is not named".to_owned(),
        ));
    }
    let foreign: Vec<&str> = workload
        .scalers
        .iter()
        .filter(|scaler| !scaler.is_ours)
        .map(|scaler| scaler.id.name.as_str())
        .collect();
    if foreign.len() > 1 {
        return Some((
            code::LEFT_ALONE,
            format!("several scalers point at it: {}", first_of(&foreign)),
        ));
    }
    let foreign = case.foreign_scaler();
    if let Some(old) = foreign.filter(|scaler| scaler.id.version == "v2beta1") {
        let detail = format!(
            "the HPA `{}` is of `autoscaling/v2beta1`, which no cluster since 1.25 takes: write it as `autoscaling/v2`",
            old.id.name
        );
        return Some((code::LEFT_ALONE, detail));
    }
    let of_pod = foreign.filter(|scaler| scaler.cpu_target.is_some() && scaler.cpu_container.is_none());
    if let Some(theirs) = of_pod.filter(|_| workload.is_sized_as_pod("cpu")) {
        let detail = format!(
            "the CPU target of `{}` is a share of what the pod as a whole requests: it stays as it is",
            theirs.id.name
        );
        return Some((code::POD_LEVEL_RESOURCES, detail));
    }
    if foreign.is_none() && case.is_name_taken(kind.object()) {
        return Some((
            code::LEFT_ALONE,
            format!("rename that {}, or point it at this workload", kind.object()),
        ));
    }
    let wanted = &case.wanted.spec.scaling;
    let is_stated = wanted.min_replicas.value.is_some() && wanted.max_replicas.value.is_some();
    if case.unconfirmed().is_some_and(|plan| plan.scaler.is_none()) && !is_stated {
        let detail = "no scaler was accepted, and this profile has too little history to decide on one: a stated `minReplicas` and `maxReplicas` do";
        return Some((code::STALE, detail.to_owned()));
    }
    let found = foreign.map(|scaler| kind_of(&scaler.id.kind));
    let accepted = case
        .accepted()
        .and_then(|plan| plan.scaler.as_ref())
        .map(|scaler| scaler.kind);
    let other = found.or(accepted).filter(|other| *other != kind)?;
    Some((
        code::SCALER_CHANGE,
        format!("it has {} now; see `trimtab explain scaler-change`", name_of(other)),
    ))
}

fn kind_of(kind: &str) -> ScalerKind {
    if kind == "ScaledObject" {
        ScalerKind::Keda
    } else {
        ScalerKind::Hpa
    }
}

pub(super) fn name_of(kind: ScalerKind) -> &'static str {
    match kind {
        ScalerKind::Hpa => "an HPA",
        ScalerKind::Keda => "a ScaledObject",
    }
}
