//! Objects that point at workloads: HPAs, ScaledObjects, PodDisruptionBudgets, VerticalPodAutoscalers.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::{Selector, SelectorExt};
use serde_json::Value;

use super::model::{Budget, Scaler, Vpa};
use crate::krm::{MANAGED_BY, ObjectId};
use crate::units::{IntOrPercent, Percent};

/// Kind and name of what an object points at, in its own namespace.
pub(super) type Target = (String, String);

/// Whether trimtab made the object.
fn is_ours(object: &Value) -> bool {
    let (key, value) = MANAGED_BY;
    object
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get(key))
        .and_then(Value::as_str)
        == Some(value)
}

/// An HPA or ScaledObject, and its target; `None` for other objects.
pub(super) fn scaler(id: &ObjectId, object: &Value) -> Option<(Target, Scaler)> {
    match (id.group.as_str(), id.kind.as_str()) {
        ("autoscaling", "HorizontalPodAutoscaler") => Some((target(object, "scaleTargetRef")?, hpa(id, object))),
        ("keda.sh", "ScaledObject") => Some((target(object, "scaleTargetRef")?, scaled_object(id, object))),
        _ => None,
    }
}

/// A VPA, and its target; `None` for other objects.
pub(super) fn vpa(id: &ObjectId, object: &Value) -> Option<(Target, Vpa)> {
    if (id.group.as_str(), id.kind.as_str()) != ("autoscaling.k8s.io", "VerticalPodAutoscaler") {
        return None;
    }
    let mode = object
        .pointer("/spec/updatePolicy/updateMode")
        .and_then(Value::as_str)
        .unwrap_or("Recreate");
    let vpa = Vpa {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        update_mode: mode.to_owned(),
    };
    Some((target(object, "targetRef")?, vpa))
}

fn target(object: &Value, field: &str) -> Option<Target> {
    let reference = object.pointer("/spec")?.get(field)?;
    let kind = reference.get("kind").and_then(Value::as_str).unwrap_or("Deployment");
    Some((kind.to_owned(), reference.get("name")?.as_str()?.to_owned()))
}

fn count(value: Option<&Value>) -> Option<u32> {
    value
        .and_then(Value::as_u64)
        .and_then(|count| u32::try_from(count).ok())
}

fn whole_percent(value: Option<&Value>) -> Option<Percent> {
    let percent = match value? {
        Value::String(text) => text.parse().ok()?,
        number => u32::try_from(number.as_u64()?).ok()?,
    };
    Some(Percent::from_percent(percent))
}

fn hpa(id: &ObjectId, object: &Value) -> Scaler {
    let spec = &object["spec"];
    let metrics: Vec<&Value> = spec["metrics"].as_array().into_iter().flatten().collect();
    let utilization = |resource: &str| {
        metrics.iter().find_map(|metric| {
            let source = metric.get("resource").or_else(|| metric.get("containerResource"))?;
            let is_it = source.get("name").and_then(Value::as_str) == Some(resource);
            is_it
                .then(|| whole_percent(source.pointer("/target/averageUtilization")))
                .flatten()
        })
    };
    let (cpu, memory) = (utilization("cpu"), utilization("memory"));
    let cpu = cpu.or_else(|| whole_percent(spec.get("targetCPUUtilizationPercentage")));
    // the API's default where nothing is named: 80 % of the CPU request
    let cpu = if cpu.is_none() && metrics.is_empty() {
        Some(Percent::from_percent(80))
    } else {
        cpu
    };
    let known = usize::from(utilization("cpu").is_some()) + usize::from(memory.is_some());
    Scaler {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        min_replicas: count(spec.get("minReplicas")).unwrap_or(1),
        max_replicas: count(spec.get("maxReplicas")),
        cpu_target: cpu,
        memory_target: memory,
        cpu_container: metrics.iter().find_map(|metric| {
            let source = metric
                .get("containerResource")
                .filter(|source| source["name"] == "cpu")?;
            Some(source.get("container")?.as_str()?.to_owned())
        }),
        other_metrics: metrics.len().saturating_sub(known),
    }
}

fn scaled_object(id: &ObjectId, object: &Value) -> Scaler {
    let spec = &object["spec"];
    let triggers: Vec<&Value> = spec["triggers"].as_array().into_iter().flatten().collect();
    let utilization = |kind: &str| {
        let trigger = triggers
            .iter()
            .find(|trigger| trigger["type"] == kind && trigger["metricType"] != "AverageValue")?;
        whole_percent(trigger.pointer("/metadata/value"))
    };
    let (cpu, memory) = (utilization("cpu"), utilization("memory"));
    let known = usize::from(cpu.is_some()) + usize::from(memory.is_some());
    Scaler {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        min_replicas: count(spec.get("minReplicaCount")).unwrap_or(0),
        max_replicas: Some(count(spec.get("maxReplicaCount")).unwrap_or(100)),
        cpu_target: cpu,
        memory_target: memory,
        cpu_container: triggers
            .iter()
            .filter(|trigger| trigger["type"] == "cpu")
            .find_map(|trigger| Some(trigger.pointer("/metadata/containerName")?.as_str()?.to_owned())),
        other_metrics: triggers.len() - known,
    }
}

/// A budget and the selector of its pods; `None` for other objects, and for a selector that can't be read.
pub(super) fn budget(id: &ObjectId, object: &Value) -> Option<(Selector, Budget)> {
    if (id.group.as_str(), id.kind.as_str()) != ("policy", "PodDisruptionBudget") {
        return None;
    }
    // an absent selector selects nothing, an empty one everything, in v1beta1 nothing (Deprecated API Migration Guide)
    let selector = object.pointer("/spec/selector")?;
    let is_empty = |key: &str| selector.get(key).is_none_or(is_blank);
    if id.version == "v1beta1" && is_empty("matchLabels") && is_empty("matchExpressions") {
        return None;
    }
    let selector: LabelSelector = serde_json::from_value(selector.clone()).ok()?;
    let share = |key: &str| {
        object["spec"]
            .get(key)
            .and_then(|v| serde_json::from_value::<IntOrPercent>(v.clone()).ok())
    };
    let budget = Budget {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        min_available: share("minAvailable"),
        max_unavailable: share("maxUnavailable"),
        is_shared: false,
    };
    Some((Selector::try_from(selector).ok()?, budget))
}

/// Whether a map or list holds nothing.
fn is_blank(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.is_null()
}

/// Whether an object is of a kind that trimtab makes and was made by somebody else.
pub(super) fn is_foreign(id: &ObjectId, object: &Value) -> bool {
    let is_such = matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("autoscaling", "HorizontalPodAutoscaler")
            | ("keda.sh", "ScaledObject")
            | ("policy", "PodDisruptionBudget")
            | ("autoscaling.k8s.io", "VerticalPodAutoscaler")
    );
    is_such && !is_ours(object)
}

/// Whether a selector selects pods with these labels.
pub(super) fn selects(selector: &Selector, labels: &BTreeMap<String, String>) -> bool {
    selector.matches(labels)
}
