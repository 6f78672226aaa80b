//! Requests and limits of a plan beside those that the manifests have by now: nothing is rendered that the API server
//! refuses, and no metric is a share of a request that is not there.

use serde_json::Value;

use super::{left_out, without_scaler};
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::plan::codec::manifests_digest;
use crate::plan::field::Resource;
use crate::plan::model::ContainerPlan;
use crate::render::Planned;
use crate::units::{Bytes, Millicores, Quantity};
use crate::workload::containers::{self, aggregate, is_sidecar};
use crate::workload::{Container, Workload};

impl Resource {
    fn request(self, container: &Container) -> Option<u64> {
        match self {
            Self::Cpu => container.cpu_request.map(Millicores::get),
            Self::Memory => container.memory_request.map(Bytes::get),
        }
    }

    fn limit(self, container: &Container) -> Option<u64> {
        match self {
            Self::Cpu => container.cpu_limit.map(Millicores::get),
            Self::Memory => container.memory_limit.map(Bytes::get),
        }
    }

    /// What the pod as a whole may have (`spec.resources` of the pod).
    fn of_pod(self, pod_spec: &Value, list: &str) -> Option<u64> {
        let written = pod_spec.get("resources")?.get(list)?.get(self.name())?;
        let quantity = Quantity::from_json(written).ok()?;
        match self {
            Self::Cpu => Millicores::from_quantity_ceil(quantity).ok().map(Millicores::get),
            Self::Memory => Bytes::from_quantity_ceil(quantity).ok().map(Bytes::get),
        }
    }

    fn is_planned(self, plan: &ContainerPlan) -> bool {
        match self {
            Self::Cpu => plan.requests.cpu.is_some() || plan.limits.cpu.is_some(),
            Self::Memory => plan.requests.memory.is_some() || plan.limits.memory.is_some(),
        }
    }

    fn leave_out(self, plan: &mut ContainerPlan) {
        match self {
            Self::Cpu => (plan.requests.cpu, plan.limits.cpu) = (None, None),
            Self::Memory => (plan.requests.memory, plan.limits.memory) = (None, None),
        }
    }
}

/// A container as the plan makes it.
fn rendered(container: &Container, plan: Option<&ContainerPlan>) -> Container {
    let mut rendered = container.clone();
    let Some(ContainerPlan { requests, limits }) = plan else {
        return rendered;
    };
    rendered.cpu_request = requests.cpu.as_ref().map(|d| d.value).or(rendered.cpu_request);
    rendered.memory_request = requests.memory.as_ref().map(|d| d.value).or(rendered.memory_request);
    rendered.cpu_limit = limits.cpu.as_ref().map_or(rendered.cpu_limit, |d| d.value);
    rendered.memory_limit = limits.memory.as_ref().map_or(rendered.memory_limit, |d| d.value);
    rendered
}

fn all_rendered(workload: &Workload, plan: &WorkloadPlan) -> Vec<Container> {
    let containers = workload.containers.iter();
    containers
        .map(|container| rendered(container, plan.containers.get(&container.name)))
        .collect()
}

/// Takes out what the API server refuses beside the manifest's limits: request and limit of a resource go together, so
/// that both are the manifest's.
pub(super) fn refused(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for resource in [Resource::Cpu, Resource::Memory] {
        found.extend(above_own_limit(subject, plan, resource));
        found.extend(above_pod(subject, plan, resource));
    }
    plan.containers
        .retain(|_, container| *container != ContainerPlan::default());
    found
}

fn above_own_limit(subject: &Planned<'_>, plan: &mut WorkloadPlan, resource: Resource) -> Vec<Diagnostic> {
    let pod_limit = resource.of_pod(&subject.workload.pod_spec, "limits");
    let mut found = Vec::new();
    for container in all_rendered(subject.workload, plan) {
        let Some(planned) = plan.containers.get_mut(&container.name) else {
            continue;
        };
        let (request, limit) = (resource.request(&container), resource.limit(&container));
        let bounds = [
            ("its limit", request.zip(limit)),
            ("the limit of the pod", limit.or(request).zip(pod_limit)),
        ];
        let above = bounds
            .iter()
            .find(|(_, pair)| pair.is_some_and(|(amount, bound)| amount > bound));
        if let Some((bound, _)) = above.filter(|_| resource.is_planned(planned)) {
            resource.leave_out(planned);
            let (name, resource) = (&container.name, resource.name());
            found.push(kept_as_written(format!(
                "container `{name}`: the plan's {resource} would pass {bound}, so its {resource} stays as the manifest has it"
            )));
        }
    }
    found
}

/// The requests of all containers together may not pass the pod's own (Kubernetes, pod-level resources).
fn above_pod(subject: &Planned<'_>, plan: &mut WorkloadPlan, resource: Resource) -> Option<Diagnostic> {
    let pod_spec = &subject.workload.pod_spec;
    let of_pod = resource
        .of_pod(pod_spec, "requests")
        .or(resource.of_pod(pod_spec, "limits"))?;
    let requested = requested(subject, plan, resource);
    if requested <= i128::from(of_pod) || !plan.containers.values().any(|container| resource.is_planned(container)) {
        return None;
    }
    plan.containers
        .values_mut()
        .for_each(|container| resource.leave_out(container));
    let resource = resource.name();
    Some(kept_as_written(format!(
        "the plan's {resource} requests together would pass the pod's own, so they stay as the manifest has them"
    )))
}

/// What the containers request as the plan makes them, ordinary init containers as the manifest has them.
fn requested(subject: &Planned<'_>, plan: &WorkloadPlan, resource: Resource) -> i128 {
    let rendered = all_rendered(subject.workload, plan);
    let request = |container: &Container| -> i128 {
        let request = resource.request(container).or(resource.limit(container));
        request.map_or(0, i128::from)
    };
    let own = rendered.iter().filter(|container| !container.is_sidecar).map(request);
    let init = subject
        .workload
        .pod_spec
        .get("initContainers")
        .and_then(Value::as_array);
    let init = init.into_iter().flatten().map(|written| {
        let mut sidecars = rendered.iter().filter(|container| container.is_sidecar);
        let amount = match sidecars.find(|container| written["name"] == container.name) {
            Some(sidecar) => request(sidecar),
            None => request(&containers::one(written)),
        };
        (is_sidecar(written), amount)
    });
    aggregate(own.sum(), init)
}

fn kept_as_written(headline: String) -> Diagnostic {
    let why = "the API server refuses a pod whose requests exceed its limits";
    left_out(
        code::LEFT_ALONE,
        headline,
        why,
        "raise the limit in the manifest or leave it so",
    )
}

/// A target over a container that is not there, or has no request, makes the metric of all pods invalid. A scaler that
/// is adopted keeps the metric it has, another is left out.
pub(super) fn unmeasured(subject: &Planned<'_>, plan: &mut WorkloadPlan, is_filled: bool) -> Option<Diagnostic> {
    let scaler = plan.scaler.as_ref()?;
    // a request that is in no manifest may be given at admission: what planning saw unchanged it has judged
    let is_filled = is_filled || plan.made_from.manifests == manifests_digest(subject.workload);
    let workload = Workload {
        containers: all_rendered(subject.workload, plan),
        ..subject.workload.clone()
    };
    let targets = [("cpu", scaler.cpu.as_ref()), ("memory", scaler.memory.as_ref())];
    let (resource, problem) = targets.into_iter().find_map(|(resource, target)| {
        let named = target?.container.as_deref();
        let problem = match workload.unmeasured(resource, named)? {
            Some(_) if is_filled => return None,
            Some(container) => format!("container `{}` has no {resource} request", container.name),
            None => format!("container `{}` is not in the pod template", named.unwrap_or_default()),
        };
        Some((resource, problem))
    })?;
    let is_kept = scaler.adopted && subject.workload.scalers.iter().all(|scaler| scaler.id.version != "v1");
    let what = if is_kept {
        format!("the metrics of `{}` stay", scaler.name)
    } else {
        format!("the scaler `{}` of the plan is left out", scaler.name)
    };
    match plan.scaler.as_mut().filter(|_| is_kept) {
        Some(scaler) => (scaler.cpu, scaler.memory) = (None, None),
        None => without_scaler(plan),
    }
    Some(left_out(
        code::UTILIZATION_WITHOUT_REQUEST,
        format!("{problem}, which the {resource} target is a share of: {what}"),
        "a utilization metric over such a container is invalid for all pods, and nothing is scaled",
        "state the request, or correct the container's name",
    ))
}
