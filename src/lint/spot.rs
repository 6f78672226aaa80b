//! What must not be on interruptible nodes alone.

use super::Rule;
use super::scene::{Scene, finding, lowest_replicas};
use super::spread::pod_spec_pointer;
use crate::diag::{Code, Diagnostic, code};
use crate::workload::affinity::{Placement, Side};

/// State, or a single pod, on nodes that go at any time.
pub(super) struct UnsafeOnSpot;

impl Rule for UnsafeOnSpot {
    fn code(&self) -> Code {
        code::SPOT_UNSAFE
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let marks = scene.spot_marks();
        let mut found = Vec::new();
        for workload in scene
            .workloads()
            .filter(|workload| !matches!(workload.id.kind.as_str(), "Job" | "CronJob" | "DaemonSet"))
        {
            let is_required = marks.iter().any(|(labels, _)| {
                !labels.is_empty()
                    && Placement {
                        pod_spec: &workload.pod_spec,
                        labels,
                    }
                    .side()
                        == Some(Side::Spot)
            });
            let why = if workload.has_state {
                "it has volumes of its own"
            } else if lowest_replicas(workload) < 2 {
                "it may run with a single pod"
            } else {
                continue;
            };
            if is_required {
                let headline = format!("`{}` runs on interruptible nodes only, and {why}", workload.id.name);
                let pointer = pod_spec_pointer(workload, "affinity");
                found.push(
                    finding(code::SPOT_UNSAFE, (&workload.template_id, false), &pointer, headline)
                        .of(workload.key())
                        .because("such a node may go at any time, and with it everything that runs there")
                        .help("place it on on-demand nodes (`spot: {mode: never}`), or prefer interruptible ones with several replicas"),
                );
            }
        }
        found
    }
}
