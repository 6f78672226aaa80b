//! Replica counts under scalers.

use super::Rule;
use super::scene::{Scene, count, finding, is_ours};
use crate::diag::{Code, Diagnostic, Severity, code};

/// `spec.replicas` beside a scaler.
pub(super) struct ReplicasUnderScaler;

impl Rule for ReplicasUnderScaler {
    fn code(&self) -> Code {
        code::REPLICAS_UNDER_SCALER
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let counted = scene
            .workloads()
            .filter(|workload| workload.replicas.is_some_and(|count| count > 0));
        let found = counted.filter_map(|workload| {
            let scaler = workload.scalers.first()?;
            let headline = format!(
                "`replicas: {}` stands beside `{}`",
                workload.replicas.unwrap_or_default(),
                scaler.id
            );
            let mut note = finding(
                code::REPLICAS_UNDER_SCALER,
                (&workload.id, false),
                "/spec/replicas",
                headline,
            )
            .of(workload.key())
            .because("every apply sets the count back, and the scaler undoes it")
            .help("`replicas: {mode: handoff}`, the default, keeps it until the usage history shows the scaler at work and drops it then; where nobody plans it, take the field out");
            // a handoff goes through this state on purpose
            note.severity = Severity::Note;
            Some(note)
        });
        found.collect()
    }
}

/// Bounds the wrong way round, or both the same.
pub(super) struct ReplicaBounds;

impl Rule for ReplicaBounds {
    fn code(&self) -> Code {
        code::REPLICA_BOUNDS
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let hpas = scene.of_kind("autoscaling", "HorizontalPodAutoscaler");
        let hpas = hpas.map(|found| (found, ["minReplicas", "maxReplicas"], (1, None)));
        let scaled_objects = scene.of_kind("keda.sh", "ScaledObject");
        let scaled_objects =
            scaled_objects.map(|found| (found, ["minReplicaCount", "maxReplicaCount"], (0, Some(100))));
        let mut found = Vec::new();
        for ((id, object), [min_key, max_key], (default_min, default_max)) in hpas.chain(scaled_objects) {
            let (min_at, max_at) = (format!("/spec/{min_key}"), format!("/spec/{max_key}"));
            let min = count(object, &min_at).unwrap_or(default_min);
            let Some(max) = count(object, &max_at).or(default_max) else {
                continue;
            };
            let at = |pointer: &str, headline: String| {
                finding(code::REPLICA_BOUNDS, (id, is_ours(object)), pointer, headline)
            };
            if max == 0 {
                found.push(at(&max_at, format!("`{max_key}: 0` is refused")).help("at least 1"));
            } else if min > max {
                let headline = format!("`{min_key}` {min} is above `{max_key}` {max}");
                found.push(at(&min_at, headline).help("lower the one or raise the other"));
            } else if min == max {
                let mut note = at(&min_at, format!("`{min_key}` and `{max_key}` are both {max}"))
                    .help("let them differ, or take the scaler out and write `replicas`");
                note.severity = Severity::Note;
                found.push(note);
            }
        }
        found
    }
}
