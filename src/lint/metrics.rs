//! What scalers look at: a share of a request needs the request, zero needs a signal that exists without pods.

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, finding, items};
use crate::catalog::fields::Field;
use crate::diag::{Code, Diagnostic, code};
use crate::workload::{Scaler, Workload};

/// A utilization target over a container without the request.
pub(super) struct UtilizationWithoutRequest;

impl Rule for UtilizationWithoutRequest {
    fn code(&self) -> Code {
        code::UTILIZATION_WITHOUT_REQUEST
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads() {
            let is_filled = scene.workloads.is_filled(workload);
            for scaler in workload.scalers.iter().filter(|_| !is_filled) {
                found.extend(
                    targets(scaler)
                        .into_iter()
                        .filter_map(|target| lacking(workload, scaler, &target)),
                );
            }
        }
        found
    }
}

/// A utilization target: where it stands, what it looks at, and the one container it is about.
struct Target<'a> {
    pointer: String,
    resource: &'a str,
    container: Option<&'a str>,
}

fn targets(scaler: &Scaler) -> Vec<Target<'_>> {
    let metrics = items(&scaler.spec, "/metrics")
        .iter()
        .enumerate()
        .filter_map(|(at, metric)| {
            let source = metric.get("resource").or_else(|| metric.get("containerResource"))?;
            (source["target"]["type"] == "Utilization").then_some(())?;
            Some(Target {
                pointer: format!("/spec/metrics/{at}"),
                resource: source["name"].as_str()?,
                container: source.get("container").and_then(Value::as_str),
            })
        });
    let triggers = items(&scaler.spec, "/triggers")
        .iter()
        .enumerate()
        .filter_map(|(at, trigger)| {
            let resource = trigger["type"]
                .as_str()
                .filter(|kind| matches!(*kind, "cpu" | "memory"))?;
            (trigger["metricType"] != "AverageValue").then_some(())?;
            Some(Target {
                pointer: format!("/spec/triggers/{at}"),
                resource,
                container: trigger.pointer("/metadata/containerName").and_then(Value::as_str),
            })
        });
    metrics.chain(triggers).collect()
}

fn lacking(workload: &Workload, scaler: &Scaler, target: &Target<'_>) -> Option<Diagnostic> {
    let (name, problem) = match (
        workload.unmeasured(target.resource, target.container)?,
        target.container,
    ) {
        (Some(container), _) => (container.name.as_str(), format!("has no {} request", target.resource)),
        (None, name) => (name.unwrap_or_default(), "is not in the pod template".to_owned()),
    };
    let headline = format!(
        "the {} target is a share of the request, and container `{name}` {problem}",
        target.resource
    );
    Some(
        finding(
            code::UTILIZATION_WITHOUT_REQUEST,
            (&scaler.id, scaler.is_ours),
            &target.pointer,
            headline,
        )
        .of(workload.key())
        .because("one container without the request makes the metric of all pods invalid, and nothing is scaled")
        .help("set the request, or let the metric look at one container that has it (`ContainerResource`)"),
    )
}

/// An HPA that goes to zero, or starts there, and has nothing to wake it.
pub(super) struct ScaleToZeroWithoutSignal;

impl Rule for ScaleToZeroWithoutSignal {
    fn code(&self) -> Code {
        code::SCALE_TO_ZERO_WITHOUT_SIGNAL
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads() {
            for hpa in workload
                .scalers
                .iter()
                .filter(|scaler| scaler.id.kind == "HorizontalPodAutoscaler")
            {
                let at = |pointer: &str, headline: String| {
                    finding(
                        code::SCALE_TO_ZERO_WITHOUT_SIGNAL,
                        (&hpa.id, hpa.is_ours),
                        pointer,
                        headline,
                    )
                    .of(workload.key())
                    .help("set `minReplicas: 1`, or use a KEDA ScaledObject, which goes to zero on every version")
                };
                let has_signal = items(&hpa.spec, "/metrics")
                    .iter()
                    .any(|metric| matches!(metric["type"].as_str(), Some("Object" | "External")));
                if hpa.min_replicas == 0 && !has_signal {
                    let headline = "`minReplicas: 0` without an Object or External metric".to_owned();
                    found.push(
                        at("/spec/minReplicas", headline)
                            .because("without pods there is no usage that could bring them back"),
                    );
                } else if let Some(cluster) = scene.cluster
                    && hpa.min_replicas == 0
                    && !cluster.has(Field::HpaScaleToZero)
                {
                    let headline = format!(
                        "`minReplicas: 0` is not on by default in Kubernetes {}",
                        cluster.kubernetes
                    );
                    found.push(at("/spec/minReplicas", headline));
                } else if workload.replicas == Some(0) {
                    let headline = format!(
                        "`{}` starts with `replicas: 0`, where an HPA does nothing",
                        workload.id.name
                    );
                    found.push(at("", headline));
                }
            }
        }
        found
    }
}
