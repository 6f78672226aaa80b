//! Fields that the cluster's lowest version does not know.

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, finding, is_ours, items};
use super::spread::pod_spec_pointer;
use crate::catalog::fields::Field;
use crate::diag::{Code, Diagnostic, code};
use crate::krm::ObjectId;
use crate::policy::Cluster;

/// A field of a newer version than the lowest one: the API server drops it in silence, or refuses the object.
pub(super) struct UnsupportedVersion;

impl Rule for UnsupportedVersion {
    fn code(&self) -> Code {
        code::UNSUPPORTED_VERSION
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let Some(cluster) = scene.cluster else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (id, object) in scene.of_kind("autoscaling", "HorizontalPodAutoscaler") {
            found.extend(of_object(cluster, (id, is_ours(object)), &hpa(object)));
        }
        for (id, object) in scene.of_kind("policy", "PodDisruptionBudget") {
            let pointer = "/spec/unhealthyPodEvictionPolicy";
            let is_used = object.pointer(pointer).is_some();
            let used = is_used.then(|| (Field::UnhealthyPodEvictionPolicy, pointer.to_owned()));
            found.extend(of_object(cluster, (id, is_ours(object)), used.as_slice()));
        }
        for workload in scene.workloads() {
            let used: Vec<(Field, String)> = pod_spec(&workload.pod_spec)
                .into_iter()
                .map(|(field, below)| (field, pod_spec_pointer(workload, &below)))
                .collect();
            found.extend(of_object(cluster, (&workload.template_id, false), &used));
        }
        found
    }
}

fn of_object(cluster: &Cluster, object: (&ObjectId, bool), used: &[(Field, String)]) -> Vec<Diagnostic> {
    let unknown = used.iter().filter(|(field, _)| !cluster.has(*field));
    unknown
        .map(|(field, pointer)| {
            let (name, since) = (field.as_str(), field.since());
            let headline = format!(
                "{name} needs Kubernetes 1.{since}, and the policy's lowest version is {}",
                cluster.kubernetes
            );
            finding(code::UNSUPPORTED_VERSION, object, pointer, headline)
                .because("an API server that does not know a field drops it, or refuses the object")
                .help("plan again for this version, take the field away, or raise `spec.cluster.kubernetes`")
        })
        .collect()
}

fn hpa(object: &Value) -> Vec<(Field, String)> {
    let metrics = items(object, "/spec/metrics").iter().enumerate();
    let mut used: Vec<(Field, String)> = metrics
        .filter(|(_, metric)| metric["type"] == "ContainerResource")
        .map(|(n, _)| (Field::ContainerResource, format!("/spec/metrics/{n}/type")))
        .collect();
    for side in ["scaleUp", "scaleDown"] {
        let pointer = format!("/spec/behavior/{side}/tolerance");
        if object.pointer(&pointer).is_some() {
            used.push((Field::HpaTolerance, pointer));
        }
    }
    used
}

/// Fields of a pod spec, by their pointer below it without the first slash.
fn pod_spec(spec: &Value) -> Vec<(Field, String)> {
    let mut used = Vec::new();
    for (n, constraint) in items(spec, "/topologySpreadConstraints").iter().enumerate() {
        for (key, field) in [
            ("nodeTaintsPolicy", Field::NodeInclusionPolicy),
            ("nodeAffinityPolicy", Field::NodeInclusionPolicy),
            ("matchLabelKeys", Field::SpreadMatchLabelKeys),
        ] {
            if constraint.get(key).is_some() {
                used.push((field, format!("topologySpreadConstraints/{n}/{key}")));
            }
        }
    }
    for (n, container) in items(spec, "/containers").iter().enumerate() {
        if container.pointer("/lifecycle/preStop/sleep").is_some() {
            used.push((Field::PreStopSleep, format!("containers/{n}/lifecycle/preStop/sleep")));
        }
    }
    used
}
