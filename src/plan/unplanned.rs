//! What a policy that does not say who scales (`scaling.mode`) leaves undone: its own settings of a scaler, and the CPU
//! request that a scaler of others divides by.

use super::case::{Case, is_job};
use super::obstacle;
use crate::diag::code;
use crate::policy::wire::{Behavior, Requests, Scaling};
use crate::workload::Container;

/// Notes what is stated for nobody, else what stays because somebody else's scaler needs it.
pub(super) fn report(case: &Case<'_>, main: &Container, requests: &Requests) {
    if is_job(case.workload) || !case.workload.is_scalable_kind() {
        return;
    }
    let theirs = case.foreign_scaler();
    let stated = stated(&case.wanted.spec.scaling);
    if !stated.is_empty() {
        let way = match theirs {
            Some(scaler) => {
                let kind = obstacle::kind_of(&scaler.id.kind);
                let (mode, kind) = (obstacle::mode_of(kind), obstacle::name_of(kind));
                format!(
                    "{kind} `{}` stays as it is, and `mode: {mode}` adopts it",
                    scaler.id.name
                )
            }
            None => "`mode: hpa` or `mode: keda` plans a scaler".to_owned(),
        };
        let stated = stated.join("`, `");
        let detail = format!("nothing is done with `{stated}` of `scaling`, as its `mode` is not stated: {way}");
        case.find(code::SCALING_MODE_ABSENT, detail);
        return;
    }
    let derives = requests.cpu.value.is_none() && requests.strategy.is_some_and(crate::policy::wire::Strategy::derives);
    let divides = theirs.filter(|scaler| scaler.cpu_target.is_some() && derives && main.has_request("cpu"));
    if let Some(scaler) = divides {
        let kind = obstacle::kind_of(&scaler.id.kind);
        let (mode, kind) = (obstacle::mode_of(kind), obstacle::name_of(kind));
        let detail = format!(
            "{kind} `{}` has a CPU target, so the CPU request it divides by stays as it is: `scaling: {{mode: {mode}}}` plans both together",
            scaler.id.name
        );
        case.find(code::LEFT_ALONE, detail);
    }
}

/// The keys that a scaler would follow.
fn stated(scaling: &Scaling) -> Vec<&'static str> {
    let keys = [
        ("minReplicas", !scaling.min_replicas.is_open()),
        ("maxReplicas", !scaling.max_replicas.is_open()),
        (
            "targets",
            !scaling.targets.cpu.is_open() || !scaling.targets.memory.is_open(),
        ),
        ("metrics", !scaling.metrics.is_empty()),
        ("triggers", !scaling.triggers.is_empty()),
        ("behavior", scaling.behavior != Behavior::default()),
    ];
    keys.into_iter()
        .filter(|(_, is_stated)| *is_stated)
        .map(|(key, _)| key)
        .collect()
}
