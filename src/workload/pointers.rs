//! Objects that point at workloads: HPAs, ScaledObjects, PodDisruptionBudgets, VerticalPodAutoscalers.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::{Selector, SelectorExt};
use serde_json::Value;

use super::model::{Budget, Scaler, Vpa};
use crate::krm::{MANAGED_BY, ObjectId, at};
use crate::units::{IntOrPercent, Percent};

/// Kind and name of what an object points at, in its own namespace.
pub(super) type Target = (String, String);

/// Whether trimtab made the object.
fn is_ours(object: &Value) -> bool {
    let (key, value) = MANAGED_BY;
    at(object, "/metadata/labels")
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
    let mode = at(object, "/spec/updatePolicy/updateMode")
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
    let reference = at(object, "/spec")?.get(field)?;
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

/// A utilization target: the share, and the one container it looks at.
type Utilization = (Option<Percent>, Option<String>);

/// The utilization targets of an HPA's metrics for a resource: a share of the request, not an amount.
fn targets_of_metrics(spec: &Value, resource: &str) -> Vec<Utilization> {
    let metrics = spec["metrics"].as_array().into_iter().flatten();
    let target = |metric: &Value| {
        let source = metric.get("resource").or_else(|| metric.get("containerResource"))?;
        let share = at(source, "/target/averageUtilization")
            // of `autoscaling/v2beta1`
            .or_else(|| source.get("targetAverageUtilization"))?;
        let container = source.get("container").and_then(Value::as_str).map(str::to_owned);
        (source["name"] == resource).then(|| (whole_percent(Some(share)), container))
    };
    metrics.filter_map(target).collect()
}

/// The utilization targets of a ScaledObject's triggers for a resource.
fn targets_of_triggers(spec: &Value, resource: &str) -> Vec<Utilization> {
    let triggers = spec["triggers"].as_array().into_iter().flatten();
    let is_target = |trigger: &&Value| trigger["type"] == resource && trigger["metricType"] != "AverageValue";
    let target = |trigger: &Value| {
        let container = at(trigger, "/metadata/containerName").and_then(Value::as_str);
        (
            whole_percent(at(trigger, "/metadata/value")),
            container.map(str::to_owned),
        )
    };
    triggers.filter(is_target).map(target).collect()
}

/// The share that a scaler adds pods at, and the container it looks at where there is one such target only.
fn the_one(targets: &[Utilization]) -> Utilization {
    let share = targets.iter().find_map(|(share, _)| *share);
    let container = match targets {
        [(_, container)] => container.clone(),
        _ => None,
    };
    (share, container)
}

/// Where an HPA of `autoscaling/v1` keeps its further metrics and its behaviour (conversion of the API server).
const V1_ANNOTATIONS: [&str; 2] = [
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/behavior",
];

fn hpa(id: &ObjectId, object: &Value) -> Scaler {
    let spec = &object["spec"];
    let count_of = |key: &str| spec[key].as_array().map_or(0, Vec::len);
    let (cpu, memory) = (targets_of_metrics(spec, "cpu"), targets_of_metrics(spec, "memory"));
    let (target, cpu_container) = the_one(&cpu);
    let target = target.or_else(|| whole_percent(spec.get("targetCPUUtilizationPercentage")));
    // the API's default where nothing is named: 80 % of the CPU request
    let is_default = target.is_none() && count_of("metrics") == 0;
    let annotations = at(object, "/metadata/annotations");
    let has = |key: &&str| annotations.is_some_and(|annotations| annotations.get(*key).is_some());
    Scaler {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        min_replicas: count(spec.get("minReplicas")).unwrap_or(1),
        max_replicas: count(spec.get("maxReplicas")),
        cpu_target: if is_default {
            Some(Percent::from_percent(80))
        } else {
            target
        },
        memory_target: the_one(&memory).0,
        cpu_container,
        other_metrics: count_of("metrics").saturating_sub(cpu.len() + memory.len()),
        utilization_targets: [cpu.len(), memory.len()],
        is_annotated: id.version == "v1" && V1_ANNOTATIONS.iter().any(has),
    }
}

fn scaled_object(id: &ObjectId, object: &Value) -> Scaler {
    let spec = &object["spec"];
    let (cpu, memory) = (targets_of_triggers(spec, "cpu"), targets_of_triggers(spec, "memory"));
    let (cpu_target, cpu_container) = the_one(&cpu);
    let all = spec["triggers"].as_array().map_or(0, Vec::len);
    Scaler {
        id: id.clone(),
        spec: object["spec"].clone(),
        is_ours: is_ours(object),
        min_replicas: count(spec.get("minReplicaCount")).unwrap_or(0),
        max_replicas: Some(count(spec.get("maxReplicaCount")).unwrap_or(100)),
        cpu_target,
        memory_target: the_one(&memory).0,
        cpu_container,
        other_metrics: all.saturating_sub(cpu.len() + memory.len()),
        utilization_targets: [cpu.len(), memory.len()],
        is_annotated: false,
    }
}

/// A budget and the selector of its pods; `None` for other objects, and for a selector that can't be read.
pub(super) fn budget(id: &ObjectId, object: &Value) -> Option<(Selector, Budget)> {
    if (id.group.as_str(), id.kind.as_str()) != ("policy", "PodDisruptionBudget") {
        return None;
    }
    // an absent selector selects nothing, an empty one everything, in v1beta1 nothing (Deprecated API Migration Guide)
    let selector = at(object, "/spec/selector")?;
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
