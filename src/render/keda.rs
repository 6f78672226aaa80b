//! KEDA `ScaledObject`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::behavior::behavior;
use super::hpa::whole_percents;
use super::object::{Existing, Rendered, because_rendered, combined, id_beside, merge_list, target_ref, value_of};
use super::{Planned, Renderer};
use crate::api::keda_v1alpha1::{
    API_VERSION, Advanced, AuthenticationRef, Fallback, HorizontalPodAutoscalerConfig, KIND, ScaledObjectSpec, Trigger,
    scaled_object_name,
};
use crate::krm::{Edit, FieldPath, Reason};
use crate::plan::model::{ScalerKind, ScalerPlan, TriggerPlan, UtilizationPlan};
use crate::policy::wire::MetricType;
use crate::units::Seconds;

/// The scaler for queues, schedules and zero.
pub struct Keda;

const PAGE: &str = "\
KEDA ScaledObject (`keda.sh/v1alpha1`).

## What it does
Scales on queues, schedules and queries, down to zero where the plan says so. KEDA makes the HPA for it. CPU and memory
targets become triggers of their own.

## When it is emitted
When the plan's scaler is KEDA's. One that was there before keeps its name, its target and the triggers that the plan does
not name.

## Example
```yaml
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  minReplicaCount: 1
  maxReplicaCount: 8
  triggers:
  - type: rabbitmq
    name: queue
    metadata: {queueName: jobs, mode: QueueLength, value: \"50\"}
```

## Fields we own
`spec.minReplicaCount`, `spec.maxReplicaCount`, `spec.idleReplicaCount`, `spec.pollingInterval`, `spec.cooldownPeriod`,
`spec.fallback`, `spec.advanced.horizontalPodAutoscalerConfig.behavior` where the plan names them, the triggers of the
plan; in an object of ours everything.

## References
KEDA documentation, \"ScaledObject specification\" and \"Scalers\".
";

impl Renderer for Keda {
    fn id(&self) -> &'static str {
        "keda"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some(plan) = subject
            .plan
            .scaler
            .as_ref()
            .filter(|plan| plan.kind == ScalerKind::Keda)
        else {
            return Vec::new();
        };
        let scalers = || {
            subject
                .workload
                .scalers
                .iter()
                .map(|scaler| (&scaler.id, scaler.is_ours, &scaler.spec))
        };
        let named = id_beside(subject, API_VERSION, KIND, &plan.name);
        let existing = Existing::among(&named, scalers());
        let (id, existing) = if matches!(existing, Existing::Theirs(..)) {
            (named, existing)
        } else {
            let id = id_beside(subject, API_VERSION, KIND, &scaled_object_name(&plan.name));
            let existing = Existing::among(&id, scalers());
            (id, existing)
        };
        Rendered {
            id: existing.id_or(id),
            existing,
            spec: spec(subject, plan, existing),
            identity: &["scaleTargetRef"],
            decisions: decisions(plan),
            reason: because_rendered(existing),
        }
        .edits()
    }
}

fn spec(subject: &Planned<'_>, plan: &ScalerPlan, existing: Existing<'_>) -> Value {
    let advanced = plan.behavior.as_ref().and_then(behavior).map(|behavior| Advanced {
        horizontal_pod_autoscaler_config: HorizontalPodAutoscalerConfig { behavior },
    });
    let fallback = plan.fallback.as_ref().map(|fallback| Fallback {
        failure_threshold: fallback.failure_threshold,
        replicas: fallback.replicas,
    });
    let spec = ScaledObjectSpec {
        scale_target_ref: target_ref(subject),
        min_replica_count: plan.min_replicas.value,
        max_replica_count: plan.max_replicas.value,
        idle_replica_count: plan.idle_replicas,
        polling_interval: plan.polling_interval.map(Seconds::get),
        cooldown_period: plan.cooldown_period.map(Seconds::get),
        fallback,
        advanced,
        triggers: triggers(plan),
    };
    let mut spec = value_of(spec);
    let theirs = existing
        .foreign_spec()
        .and_then(|spec| spec.get("triggers")?.as_array());
    if let (Some(theirs), Some(Value::Array(ours))) = (theirs, spec.get("triggers")) {
        spec["triggers"] = merged(theirs, ours).into();
    }
    spec
}

fn decisions(plan: &ScalerPlan) -> Vec<(FieldPath, Reason)> {
    let named = plan
        .triggers
        .iter()
        .map(|(name, trigger)| (name.as_str(), &trigger.reason));
    let utilization = [("cpu", &plan.cpu), ("memory", &plan.memory)];
    let targets = utilization
        .into_iter()
        .filter_map(|(name, plan)| Some((name, &plan.as_ref()?.target.reason)));
    let triggers: Vec<(&str, &Reason)> = named.chain(targets).collect();
    vec![
        (FieldPath::keys(["minReplicaCount"]), plan.min_replicas.reason.clone()),
        (FieldPath::keys(["maxReplicaCount"]), plan.max_replicas.reason.clone()),
        (FieldPath::keys(["triggers"]), combined(&triggers)),
    ]
}

/// Triggers by name, then CPU and memory: a utilization target that comes or goes moves no other trigger's position,
/// which is part of its metric's name.
fn triggers(plan: &ScalerPlan) -> Vec<Trigger> {
    let named = plan.triggers.iter().map(|(name, trigger)| named_trigger(name, trigger));
    let utilization = [("cpu", &plan.cpu), ("memory", &plan.memory)];
    let resources = utilization
        .into_iter()
        .filter_map(|(kind, target)| Some(resource_trigger(kind, target.as_ref()?, &plan.triggers)));
    named.chain(resources).collect()
}

fn named_trigger(name: &str, plan: &TriggerPlan) -> Trigger {
    Trigger {
        kind: plan.kind.clone(),
        name: Some(name.to_owned()),
        metric_type: plan.metric_type.map(|kind| match kind {
            MetricType::AverageValue => "AverageValue",
            MetricType::Value => "Value",
            MetricType::Utilization => "Utilization",
        }),
        metadata: plan.metadata.clone(),
        authentication_ref: plan.authentication_ref.as_ref().map(|auth| AuthenticationRef {
            name: auth.name.clone(),
            kind: auth.kind.clone(),
        }),
        use_cached_metrics: plan.use_cached_metrics,
    }
}

fn resource_trigger(kind: &str, plan: &UtilizationPlan, named: &BTreeMap<String, TriggerPlan>) -> Trigger {
    let mut metadata = BTreeMap::from([("value".to_owned(), whole_percents(plan.target.value).to_string())]);
    if let Some(container) = &plan.container {
        metadata.insert("containerName".to_owned(), container.clone());
    }
    Trigger {
        kind: kind.to_owned(),
        // KEDA refuses a name that is there twice
        name: (!named.contains_key(kind)).then(|| kind.to_owned()),
        metric_type: Some("Utilization"),
        metadata,
        authentication_ref: None,
        use_cached_metrics: None,
    }
}

/// Their triggers with ours in the place of those that they stand for; all others stay as they are.
fn merged(theirs: &[Value], ours: &[Value]) -> Vec<Value> {
    let stands_for = |our: &Value, their: &Value| is_for(our, their, theirs);
    let ours = ours.iter().map(|our| {
        let their = theirs.iter().find(|their| stands_for(our, their));
        their.map_or_else(|| our.clone(), |their| over(their, our))
    });
    merge_list(theirs, ours.collect(), stands_for)
}

/// A trigger of ours over theirs: what ours does not say stays (its authentication), and so does the name of one that is
/// told by its resource, as a formula may use it.
fn over(their: &Value, our: &Value) -> Value {
    let mut merged = their.clone();
    for (key, value) in our.as_object().into_iter().flatten() {
        if key != "name" || !is_resource(our) {
            merged[key] = value.clone();
        }
    }
    merged
}

/// Whether a trigger of ours stands for one of theirs.
fn is_for(our: &Value, their: &Value, theirs: &[Value]) -> bool {
    let is_named = |other: &Value| other.get("name").is_some() && other.get("name") == our.get("name");
    let is_only = theirs.iter().filter(|other| is_alike(our, other)).count() == 1;
    let stands_for = if is_resource(our) {
        is_only || container(their) == container(our)
    } else {
        // an unnamed one is told by its type alone
        is_named(their) || (is_only && their.get("name").is_none())
    };
    stands_for && is_alike(our, their)
}

fn is_resource(trigger: &Value) -> bool {
    matches!(trigger["type"].as_str(), Some("cpu" | "memory"))
}

fn container(trigger: &Value) -> Option<&Value> {
    trigger.pointer("/metadata/containerName")
}

/// Whether two triggers measure one thing in one way: an amount of CPU is no share of the request.
fn is_alike(a: &Value, b: &Value) -> bool {
    let is_amount = |trigger: &Value| is_resource(trigger) && trigger["metricType"] == "AverageValue";
    a["type"] == b["type"] && is_amount(a) == is_amount(b)
}
