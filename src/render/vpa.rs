//! `VerticalPodAutoscaler`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object::{Existing, Rendered, id_beside, merge_list, target_ref, value_of};
use super::{Planned, Renderer};
use crate::api::vpa_v1::{
    API_VERSION, ContainerPolicy, KIND, OTHER_CONTAINERS, ResourcePolicy, UpdatePolicy, VerticalPodAutoscalerSpec,
};
use crate::krm::Edit;
use crate::plan::model::{ControlledResources, UpdateMode, VpaPlan};
use crate::policy::wire::Amounts;
use crate::units::Quantity;

/// Requests followed by the cluster.
pub struct Vpa;

const PAGE: &str = "\
VerticalPodAutoscaler (`autoscaling.k8s.io/v1`).

## What it does
Watches what pods use and recommends requests, or sets them, as its mode says. It looks only at resources that nothing
else scales on, and never at limits (`RequestsOnly`). The bounds are the main container's; `*` speaks for the others.

## When it is emitted
When the plan has one. One that was there before keeps its name, its target, its policies for other
containers and the bounds that the plan does not name.

## Example
```yaml
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata:
  name: api
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  updatePolicy: {updateMode: \"Off\"}
  resourcePolicy:
    containerPolicies:
    - containerName: \"*\"
      controlledResources: [cpu, memory]
      controlledValues: RequestsOnly
```

## Fields we own
`spec.updatePolicy.updateMode`; of the container policies of the main container and of `*` the resources, the values
and the bounds that the plan names; in an object of ours everything.

## References
Vertical Pod Autoscaler, `docs/api.md` and `docs/features.md`.
";

impl Renderer for Vpa {
    fn id(&self) -> &'static str {
        "vpa"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some(plan) = &subject.plan.vpa else {
            return Vec::new();
        };
        let id = id_beside(subject, API_VERSION, KIND, &plan.name);
        let vpas = subject
            .workload
            .vpas
            .iter()
            .map(|vpa| (&vpa.id, vpa.is_ours, &vpa.spec));
        let existing = Existing::among(&id, vpas);
        let mut id = existing.id_or(id);
        if let Existing::Theirs(theirs, _) = existing {
            id.version.clone_from(&theirs.version);
        }
        let spec = spec(subject, plan, existing);
        let reason = plan.reason.clone();
        Rendered {
            id,
            existing,
            spec,
            identity: &["targetRef"],
            decisions: Vec::new(),
            reason,
        }
        .edits()
    }
}

fn spec(subject: &Planned<'_>, plan: &VpaPlan, existing: Existing<'_>) -> Value {
    let spec = VerticalPodAutoscalerSpec {
        target_ref: target_ref(subject),
        update_policy: UpdatePolicy {
            update_mode: update_mode(plan.update_mode),
        },
        resource_policy: ResourcePolicy {
            container_policies: container_policies(subject, plan),
        },
    };
    let mut spec = value_of(spec);
    let theirs = existing
        .foreign_spec()
        .and_then(|spec| spec.pointer("/resourcePolicy/containerPolicies")?.as_array());
    if let (Some(theirs), Some(Value::Array(ours))) = (theirs, spec.pointer("/resourcePolicy/containerPolicies")) {
        spec["resourcePolicy"]["containerPolicies"] = merged(theirs, ours).into();
    }
    spec
}

/// Their policies with ours over those of the same containers; all others stay as they are.
fn merged(theirs: &[Value], ours: &[Value]) -> Vec<Value> {
    let named = |name: &Value| theirs.iter().find(|their| their["containerName"] == *name);
    let ours = ours.iter().map(|our| {
        // without a policy of its own a container is under `*`, and one of its own takes it out of there
        let their = named(&our["containerName"]).or_else(|| named(&OTHER_CONTAINERS.into()));
        their.map_or_else(|| our.clone(), |their| over(their, our))
    });
    merge_list(theirs, ours.collect(), |a, b| a["containerName"] == b["containerName"])
}

/// A policy of ours over theirs: what ours does not say stays, except a bound that is beyond one of ours, which the API
/// server refuses.
fn over(their: &Value, our: &Value) -> Value {
    let mut policy = their.clone();
    for (key, value) in our.as_object().into_iter().flatten() {
        match (&mut policy[key], value) {
            (Value::Object(theirs), Value::Object(ours)) => theirs.extend(ours.clone()),
            (their, our) => *their = our.clone(),
        }
    }
    for (bound, opposite) in [("minAllowed", "maxAllowed"), ("maxAllowed", "minAllowed")] {
        for (resource, _) in our.get(bound).and_then(Value::as_object).into_iter().flatten() {
            if is_upside_down(&policy, resource) {
                policy[opposite]
                    .as_object_mut()
                    .and_then(|theirs| theirs.remove(resource));
            }
        }
    }
    policy
}

fn is_upside_down(policy: &Value, resource: &str) -> bool {
    let bound = |key: &str| Quantity::from_json(policy.get(key)?.get(resource)?).ok();
    bound("minAllowed")
        .zip(bound("maxAllowed"))
        .is_some_and(|(min, max)| min > max)
}

fn update_mode(mode: UpdateMode) -> &'static str {
    match mode {
        UpdateMode::Off => "Off",
        UpdateMode::Initial => "Initial",
        UpdateMode::Recreate => "Recreate",
        UpdateMode::InPlaceOrRecreate => "InPlaceOrRecreate",
    }
}

/// The main container's bounds are too large for a sidecar, and an injected one must not fall back to the defaults, which
/// scale limits and resources that something else scales on: so `*` is always there.
fn container_policies(subject: &Planned<'_>, plan: &VpaPlan) -> Vec<ContainerPolicy> {
    let policy = |name: &str, min_allowed, max_allowed| ContainerPolicy {
        container_name: name.to_owned(),
        controlled_resources: controlled(plan.controlled),
        controlled_values: "RequestsOnly",
        min_allowed,
        max_allowed,
    };
    let (lowest, highest) = (amounts(&plan.min_allowed), amounts(&plan.max_allowed));
    let main = &subject.plan.main_container;
    if main.is_empty() || (lowest.is_empty() && highest.is_empty()) {
        return vec![policy(OTHER_CONTAINERS, lowest, highest)];
    }
    vec![
        policy(main, lowest, highest),
        policy(OTHER_CONTAINERS, BTreeMap::new(), BTreeMap::new()),
    ]
}

fn controlled(resources: ControlledResources) -> Vec<&'static str> {
    match resources {
        ControlledResources::Cpu => vec!["cpu"],
        ControlledResources::Memory => vec!["memory"],
        ControlledResources::Both => vec!["cpu", "memory"],
    }
}

fn amounts(amounts: &Amounts) -> BTreeMap<String, String> {
    let cpu = amounts.cpu.map(|cpu| ("cpu".to_owned(), cpu.to_string()));
    let memory = amounts.memory.map(|memory| ("memory".to_owned(), memory.to_string()));
    cpu.into_iter().chain(memory).collect()
}
