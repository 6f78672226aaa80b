//! API versions that are gone.

use super::Rule;
use super::scene::{Scene, finding, is_ours};
use crate::diag::{Code, Diagnostic, code};

/// An object of a version that no cluster takes any more.
pub(super) struct ApiRemoved;

/// Group, version, kind, the minor version of Kubernetes 1 without it, and what to write.
/// Source: Kubernetes documentation, "Deprecated API Migration Guide".
const REMOVED: [(&str, &str, &str, u32, &str); 11] = [
    (
        "autoscaling",
        "v2beta1",
        "HorizontalPodAutoscaler",
        25,
        "autoscaling/v2",
    ),
    (
        "autoscaling",
        "v2beta2",
        "HorizontalPodAutoscaler",
        26,
        "autoscaling/v2",
    ),
    ("policy", "v1beta1", "PodDisruptionBudget", 25, "policy/v1"),
    ("batch", "v1beta1", "CronJob", 25, "batch/v1"),
    ("extensions", "v1beta1", "Deployment", 16, "apps/v1"),
    ("extensions", "v1beta1", "DaemonSet", 16, "apps/v1"),
    ("apps", "v1beta1", "Deployment", 16, "apps/v1"),
    ("apps", "v1beta1", "StatefulSet", 16, "apps/v1"),
    ("apps", "v1beta2", "Deployment", 16, "apps/v1"),
    ("apps", "v1beta2", "StatefulSet", 16, "apps/v1"),
    ("apps", "v1beta2", "DaemonSet", 16, "apps/v1"),
];

impl Rule for ApiRemoved {
    fn code(&self) -> Code {
        code::API_REMOVED
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (id, object) in &scene.objects {
            let removed = REMOVED.iter().find(|(group, version, kind, _, _)| {
                (*group, *version, *kind) == (&*id.group, &*id.version, &*id.kind)
            });
            let Some((group, version, kind, minor, instead)) = removed else {
                continue;
            };
            if scene.cluster.is_some_and(|cluster| cluster.kubernetes.minor < *minor) {
                continue;
            }
            let headline = format!("`{group}/{version}` is not served since Kubernetes 1.{minor}");
            let mut diagnostic = finding(code::API_REMOVED, (id, is_ours(object)), "/apiVersion", headline)
                .help(format!("write `apiVersion: {instead}`"));
            if *kind == "PodDisruptionBudget" {
                diagnostic = diagnostic.because("an empty selector meant no pod there, and means every pod now");
            }
            found.push(diagnostic);
        }
        found
    }
}
