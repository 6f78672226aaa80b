//! `HorizontalPodAutoscaler`.

use k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricSource, CrossVersionObjectReference, ExternalMetricSource, HorizontalPodAutoscalerSpec,
    MetricIdentifier, MetricSpec, MetricTarget, ObjectMetricSource, PodsMetricSource, ResourceMetricSource,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::behavior::{behavior, int32};
use super::object::{Existing, Rendered, because_rendered, combined, id_beside, merge_list, target_ref, value_of};
use super::{Planned, Renderer};
use crate::diag::{Diagnostic, code};
use crate::krm::{Change, Edit, FieldPath, Reason};
use crate::plan::model::{MetricPlan, ScalerKind, ScalerPlan, UtilizationPlan};
use crate::policy::wire::MetricKind;
use crate::units::Percent;

/// The scaler that Kubernetes itself has.
pub struct Hpa;

const KIND: &str = "HorizontalPodAutoscaler";
const API_VERSION: &str = "autoscaling/v2";

const PAGE: &str = "\
HorizontalPodAutoscaler (`autoscaling/v2`).

## What it does
Adds and removes pods between two bounds so that each metric meets its target. CPU and memory targets are shares of the
request; with several containers they look at the main one (`ContainerResource`), as one container without a request
would make the metric of the whole pod invalid.

## When it is emitted
When the plan's scaler is an HPA. One that was there before keeps its name, its target and the metrics that the plan does
not name, further ones of the same resource included (an `AverageValue` of CPU beside its utilization); one of `autoscaling/v1` or `v2beta2` moves to `autoscaling/v2`, which every cluster since 1.23 takes.

## Example
```yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 3
  maxReplicas: 15
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 65}}
```

## Fields we own
`spec.minReplicas`, `spec.maxReplicas`, the metrics of the plan, the directions of `spec.behavior` that the plan names; in
an object of ours everything.

## References
Kubernetes documentation, \"Horizontal Pod Autoscaling\"; API reference, HorizontalPodAutoscaler v2; \"Deprecated API
Migration Guide\".
";

impl Renderer for Hpa {
    fn id(&self) -> &'static str {
        "hpa"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some((plan, existing)) = scaler(subject) else {
            return Vec::new();
        };
        if is_unreadable(existing) {
            return Vec::new();
        }
        // one that is adopted moves to this version too: v2beta2 has the same fields, v1 fewer
        let id = existing.id_or(id_beside(subject, API_VERSION, KIND, &plan.name));
        let edits = Rendered {
            id: id.clone(),
            existing,
            spec: spec(subject, plan, existing),
            identity: &["scaleTargetRef"],
            decisions: decisions(plan),
            reason: because_rendered(existing),
        }
        .edits();
        let v1_target = existing
            .foreign_spec()
            .and_then(|spec| spec.get("targetCPUUtilizationPercentage"));
        let removal = v1_target.map(|_| Edit {
            id,
            change: Change::Remove {
                path: FieldPath::keys(["spec", "targetCPUUtilizationPercentage"]),
            },
            reason: because_rendered(existing),
        });
        edits.into_iter().chain(removal).collect()
    }

    fn refusals(&self, subject: &Planned<'_>) -> Vec<Diagnostic> {
        let unreadable = scaler(subject).filter(|(_, existing)| is_unreadable(*existing));
        let refusal = |(plan, _): (&ScalerPlan, _)| {
            Diagnostic::warning(
                code::LEFT_ALONE,
                format!(
                    "the HPA `{}` is of `autoscaling/v2beta1`, which no cluster since 1.25 takes",
                    plan.name
                ),
            )
            .because("its metrics have another form, so nothing of it is changed")
            .help("rewrite it as `autoscaling/v2`")
        };
        unreadable.map(refusal).into_iter().collect()
    }
}

fn scaler<'a>(subject: &Planned<'a>) -> Option<(&'a ScalerPlan, Existing<'a>)> {
    let plan = subject
        .plan
        .scaler
        .as_ref()
        .filter(|plan| plan.kind == ScalerKind::Hpa)?;
    let scalers = subject
        .workload
        .scalers
        .iter()
        .map(|scaler| (&scaler.id, scaler.is_ours, &scaler.spec));
    Some((
        plan,
        Existing::among(&id_beside(subject, API_VERSION, KIND, &plan.name), scalers),
    ))
}

fn is_unreadable(existing: Existing<'_>) -> bool {
    matches!(existing, Existing::Theirs(id, _) if id.version == "v2beta1")
}

fn spec(subject: &Planned<'_>, plan: &ScalerPlan, existing: Existing<'_>) -> Value {
    let target = target_ref(subject);
    let metrics = metrics(plan);
    let spec = HorizontalPodAutoscalerSpec {
        scale_target_ref: CrossVersionObjectReference {
            api_version: Some(target.api_version),
            kind: target.kind,
            name: target.name,
        },
        min_replicas: Some(int32(u64::from(plan.min_replicas.value))),
        max_replicas: int32(u64::from(plan.max_replicas.value)),
        metrics: (!metrics.is_empty()).then_some(metrics),
        behavior: plan.behavior.as_ref().and_then(behavior),
    };
    let mut spec = value_of(spec);
    let theirs = existing.foreign_spec().and_then(|spec| spec.get("metrics")?.as_array());
    if let (Some(theirs), Some(Value::Array(ours))) = (theirs, spec.get("metrics")) {
        spec["metrics"] = merged(theirs, ours).into();
    }
    spec
}

fn decisions(plan: &ScalerPlan) -> Vec<(FieldPath, Reason)> {
    let utilization = [("cpu", &plan.cpu), ("memory", &plan.memory)];
    let targets = utilization
        .into_iter()
        .filter_map(|(name, plan)| Some((name, &plan.as_ref()?.target.reason)));
    let further = plan.metrics.iter().filter_map(|(name, metric)| {
        let target = metric.average_value.as_ref().or(metric.value.as_ref())?;
        Some((name.as_str(), &target.reason))
    });
    let metrics: Vec<(&str, &Reason)> = targets.chain(further).collect();
    vec![
        (FieldPath::keys(["minReplicas"]), plan.min_replicas.reason.clone()),
        (FieldPath::keys(["maxReplicas"]), plan.max_replicas.reason.clone()),
        (FieldPath::keys(["metrics"]), combined(&metrics)),
    ]
}

/// CPU, memory, then the others in the order of their names.
fn metrics(plan: &ScalerPlan) -> Vec<MetricSpec> {
    let utilization = [("cpu", &plan.cpu), ("memory", &plan.memory)];
    let resources = utilization
        .into_iter()
        .filter_map(|(name, plan)| Some(resource_metric(name, plan.as_ref()?)));
    resources.chain(plan.metrics.values().map(metric)).collect()
}

fn resource_metric(resource: &str, plan: &UtilizationPlan) -> MetricSpec {
    let (name, target) = (resource.to_owned(), utilization_target(plan.target.value));
    match &plan.container {
        Some(container) => MetricSpec {
            type_: "ContainerResource".to_owned(),
            container_resource: Some(ContainerResourceMetricSource {
                container: container.clone(),
                name,
                target,
            }),
            ..MetricSpec::default()
        },
        None => MetricSpec {
            type_: "Resource".to_owned(),
            resource: Some(ResourceMetricSource { name, target }),
            ..MetricSpec::default()
        },
    }
}

fn utilization_target(share: Percent) -> MetricTarget {
    MetricTarget {
        type_: "Utilization".to_owned(),
        average_utilization: Some(int32(whole_percents(share))),
        ..MetricTarget::default()
    }
}

/// Whole percents; a plan's targets have no others.
pub(super) fn whole_percents(share: Percent) -> u64 {
    share.ppm() / Percent::from_percent(1).ppm()
}

fn metric(plan: &MetricPlan) -> MetricSpec {
    let identifier = MetricIdentifier {
        name: plan.metric.clone(),
        selector: (!plan.selector.is_empty()).then(|| LabelSelector {
            match_labels: Some(plan.selector.clone()),
            ..LabelSelector::default()
        }),
    };
    let target = value_target(plan);
    match plan.kind {
        MetricKind::Pods => MetricSpec {
            type_: "Pods".to_owned(),
            pods: Some(PodsMetricSource {
                metric: identifier,
                target,
            }),
            ..MetricSpec::default()
        },
        MetricKind::External => MetricSpec {
            type_: "External".to_owned(),
            external: Some(ExternalMetricSource {
                metric: identifier,
                target,
            }),
            ..MetricSpec::default()
        },
        MetricKind::Object => MetricSpec {
            type_: "Object".to_owned(),
            object: Some(ObjectMetricSource {
                described_object: described_object(plan),
                metric: identifier,
                target,
            }),
            ..MetricSpec::default()
        },
    }
}

fn described_object(plan: &MetricPlan) -> CrossVersionObjectReference {
    let object = plan.described_object.as_ref();
    CrossVersionObjectReference {
        api_version: object.map(|object| object.api_version.clone()),
        kind: object.map(|object| object.kind.clone()).unwrap_or_default(),
        name: object.map(|object| object.name.clone()).unwrap_or_default(),
    }
}

fn value_target(plan: &MetricPlan) -> MetricTarget {
    let average = plan
        .average_value
        .as_ref()
        .map(|decision| ApiQuantity(decision.value.to_string()));
    let value = plan
        .value
        .as_ref()
        .map(|decision| ApiQuantity(decision.value.to_string()));
    MetricTarget {
        type_: if average.is_some() { "AverageValue" } else { "Value" }.to_owned(),
        average_value: average,
        value,
        ..MetricTarget::default()
    }
}

/// Their metrics with ours in the place of those that they stand for; all others stay as they are.
fn merged(theirs: &[Value], ours: &[Value]) -> Vec<Value> {
    let container = |source: &Value| source.get("container").cloned();
    merge_list(theirs, ours.to_vec(), |our, their| {
        if let Some((resource, source)) = utilization(our) {
            // of several the one that looks where ours does
            let of_resource = || {
                theirs
                    .iter()
                    .filter_map(utilization)
                    .filter(|(name, _)| *name == resource)
            };
            let is_there = of_resource().any(|(_, other)| container(other) == container(source));
            return utilization(their)
                .is_some_and(|(name, other)| name == resource && (!is_there || container(other) == container(source)));
        }
        further(our).is_some_and(|our| further(their) == Some(our))
    })
}

/// The resource that a utilization target is a share of, and its source.
fn utilization(metric: &Value) -> Option<(&Value, &Value)> {
    let source = metric.get("resource").or_else(|| metric.get("containerResource"))?;
    let is_share = source.pointer("/target/averageUtilization").is_some();
    is_share.then_some((source.get("name")?, source))
}

/// What tells apart metrics that are not of a resource.
fn further(metric: &Value) -> Option<(&Value, &Value, Option<&Value>)> {
    let source = ["pods", "object", "external"]
        .into_iter()
        .find_map(|kind| metric.get(kind))?;
    Some((
        metric.get("type")?,
        source.get("metric")?,
        source.get("describedObject"),
    ))
}
