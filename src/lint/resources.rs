//! Requests beside limits, of containers and of the pod as a whole.

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, finding, items};
use super::spread::pod_spec_pointer;
use crate::diag::{Code, Diagnostic, code};
use crate::policy::merge::escape;
use crate::units::Quantity;
use crate::workload::Workload;
use crate::workload::containers::{aggregate, is_sidecar};

/// More requested than may be used: the API server refuses the pod, whoever wrote it.
pub(super) struct RequestAboveLimit;

impl Rule for RequestAboveLimit {
    fn code(&self) -> Code {
        code::REQUEST_ABOVE_LIMIT
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        scene.workloads().flat_map(of_workload).collect()
    }
}

fn of_workload(workload: &Workload) -> Vec<Diagnostic> {
    let spec = &workload.pod_spec;
    let mut found = Vec::new();
    for list in ["containers", "initContainers"] {
        for (at, container) in items(spec, &format!("/{list}")).iter().enumerate() {
            let name = container["name"].as_str().unwrap_or_default();
            let who = format!("container `{name}`");
            found.extend(above(workload, &format!("{list}/{at}"), &who, container));
            found.extend(above_pod(workload, &format!("{list}/{at}"), &who, container));
        }
    }
    // the findings on the pod's own come behind those of its containers, as they often follow from them
    found.extend(above(workload, "", "the pod", spec));
    found.extend(
        ["cpu", "memory"]
            .into_iter()
            .filter_map(|resource| sum_above_pod(workload, resource)),
    );
    found
}

fn amount(owner: &Value, list: &str, resource: &str) -> Option<Quantity> {
    Quantity::from_json(owner.get("resources")?.get(list)?.get(resource)?).ok()
}

/// Requests above the limits beside them.
fn above(workload: &Workload, at: &str, who: &str, owner: &Value) -> Vec<Diagnostic> {
    let requests = owner.pointer("/resources/requests").and_then(Value::as_object);
    let judged = requests.into_iter().flatten().filter_map(|(resource, _)| {
        let request = amount(owner, "requests", resource)?;
        let limit = amount(owner, "limits", resource)?;
        (request > limit).then(|| {
            let headline = format!("{who} requests {request} of {resource}, and its limit is {limit}");
            found(workload, &[at, "resources/requests", &escape(resource)], headline)
        })
    });
    judged.collect()
}

/// Limits of a container above the pod's.
fn above_pod(workload: &Workload, at: &str, who: &str, container: &Value) -> Vec<Diagnostic> {
    let judged = ["cpu", "memory"].into_iter().filter_map(|resource| {
        let limit = amount(container, "limits", resource)?;
        let of_pod = amount(&workload.pod_spec, "limits", resource)?;
        (limit > of_pod).then(|| {
            let headline = format!("{who} has a limit of {limit} {resource}, and the pod's is {of_pod}");
            found(workload, &[at, "resources/limits", resource], headline)
        })
    });
    judged.collect()
}

/// The requests of all containers above the pod's own.
fn sum_above_pod(workload: &Workload, resource: &str) -> Option<Diagnostic> {
    let spec = &workload.pod_spec;
    let of_pod = amount(spec, "requests", resource).or_else(|| amount(spec, "limits", resource))?;
    let request = |container: &Value| {
        let request = amount(container, "requests", resource).or_else(|| amount(container, "limits", resource));
        request.map_or(0, Quantity::nano)
    };
    let own = items(spec, "/containers").iter().map(request);
    let init = items(spec, "/initContainers").iter();
    let requested = aggregate(
        own.fold(0, i128::saturating_add),
        init.map(|container| (is_sidecar(container), request(container))),
    );
    (requested > of_pod.nano()).then(|| {
        let headline = format!("the containers together request more {resource} than the {of_pod} of the pod");
        found(workload, &["resources"], headline)
    })
}

fn found(workload: &Workload, keys: &[&str], headline: String) -> Diagnostic {
    let keys: Vec<&str> = keys.iter().copied().filter(|key| !key.is_empty()).collect();
    let pointer = pod_spec_pointer(workload, &keys.join("/"));
    finding(
        code::REQUEST_ABOVE_LIMIT,
        (&workload.template_id, true),
        &pointer,
        headline,
    )
    .because("the API server refuses such a pod")
    .help("lower the request or raise the limit")
}
