//! Why a workload can't have a scaler of some kind.

use serde_json::Value;

use super::case::Case;
use super::model::ScalerKind;
use crate::diag::{Code, code, first_of};
use crate::workload::Scaler;

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
        let is_scaled = case.accepted().is_some_and(|plan| plan.scaler.is_some());
        let kept = if is_scaled {
            ": the accepted scaler stays; `scaling: {mode: none}` takes it away"
        } else {
            ""
        };
        return Some((code::NOT_SCALABLE, format!("{detail}{kept}")));
    }
    if kind == ScalerKind::Keda && case.settings.cluster.keda.is_none() {
        return Some((
            code::ADDON_MISSING,
            "`spec.cluster.addons.keda` is not named".to_owned(),
        ));
    }
    let foreign: Vec<&str> = workload
        .foreign_scalers()
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
    if let Some(unclear) = foreign.and_then(|theirs| unclear(case, theirs)) {
        return Some((code::LEFT_ALONE, unclear));
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

/// Why it can't be told which metric of a scaler a target of ours would be, or how it would keep what it has.
fn unclear(case: &Case<'_>, theirs: &Scaler) -> Option<String> {
    let name = &theirs.id.name;
    if theirs.is_annotated {
        return Some(format!(
            "the HPA `{name}` is of `autoscaling/v1` and has metrics or behaviour in annotations, which another version does not read: write it as `autoscaling/v2`"
        ));
    }
    let [cpu, memory] = theirs.utilization_targets;
    let wanted = &case.wanted.spec.scaling.targets;
    for (resource, count, is_ours) in [("CPU", cpu, true), ("memory", memory, !wanted.memory.is_open())] {
        if count > 1 && is_ours {
            return Some(format!(
                "`{name}` has {count} targets of {resource} utilization: which of them history speaks of can't be told, so it stays as it is"
            ));
        }
    }
    unclear_trigger(case, theirs)
}

/// A trigger of the policy that can't stand beside those of an owner's ScaledObject, or for one of them.
fn unclear_trigger(case: &Case<'_>, theirs: &Scaler) -> Option<String> {
    let triggers: Vec<&Value> = theirs.spec["triggers"].as_array().into_iter().flatten().collect();
    let (scaler, wanted) = (&theirs.id.name, &case.wanted.spec.scaling.triggers);
    wanted.iter().find_map(|(name, ours)| {
        let is_named = |trigger: &&&Value| trigger["name"] == **name;
        let of_type = || triggers.iter().filter(|trigger| trigger["type"] == ours.kind.as_str());
        if of_type().any(|trigger| is_named(&trigger)) {
            return None;
        }
        if let Some(other) = triggers.iter().find(is_named) {
            let kind = other["type"].as_str().unwrap_or_default();
            return Some(format!(
                "`{scaler}` has a trigger `{name}` of type `{kind}`, and KEDA refuses a second one of that name: give the policy's another"
            ));
        }
        let unnamed = of_type().filter(|trigger| trigger.get("name").is_none()).count();
        (unnamed > 0 && of_type().count() > 1).then(|| {
            format!(
                "`{scaler}` has several triggers of type `{}` without the name `{name}`: which of them it is can't be told; name them",
                ours.kind
            )
        })
    })
}

pub(super) fn kind_of(kind: &str) -> ScalerKind {
    if kind == "ScaledObject" {
        ScalerKind::Keda
    } else {
        ScalerKind::Hpa
    }
}

pub(super) fn mode_of(kind: ScalerKind) -> &'static str {
    match kind {
        ScalerKind::Hpa => "hpa",
        ScalerKind::Keda => "keda",
    }
}

pub(super) fn name_of(kind: ScalerKind) -> &'static str {
    match kind {
        ScalerKind::Hpa => "an HPA",
        ScalerKind::Keda => "a ScaledObject",
    }
}
