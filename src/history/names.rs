//! How exports name what we know: columns of tables, tags of Datadog, dimensions of CloudWatch, and the metrics of both
//! with the units that their documentation gives them.
//!
//! The metrics stand apart from [`by_metric_name`](super::signal::by_metric_name), since a Prometheus that was fed by
//! another agent may hold such a name in another unit.

use super::opencost;
use super::signal::{Metric, Signal};
use super::unit::Unit;

/// Labels of ours, and other spellings of their columns, tags and dimensions, in lower case.
pub(super) const LABELS: &[(&str, &[&str])] = &[
    (
        "namespace",
        &[
            "namespace",
            "ns",
            "kube_namespace",
            "kubernetes_namespace",
            "namespace_name",
            "kubernetes.namespace_name",
        ],
    ),
    (
        "pod",
        &[
            "pod",
            "pod_name",
            "podname",
            "kube_pod",
            "kubernetes_pod_name",
            "kubernetes.pod_name",
        ],
    ),
    (
        "container",
        &[
            "container",
            "container_name",
            "containername",
            "kube_container_name",
            "kubernetes.container_name",
        ],
    ),
    ("workload", &["workload", "workload_name", "k8_object_name"]),
    ("workload_type", &["workload_type", "workload_kind", "k8_object_type"]),
    ("deployment", &["deployment", "kube_deployment"]),
    ("statefulset", &["statefulset", "kube_stateful_set"]),
    ("daemonset", &["daemonset", "kube_daemon_set"]),
    ("cronjob", &["cronjob", "kube_cronjob"]),
    ("rollout", &["rollout", "kube_argo_rollout"]),
    ("destination_workload", &["destination_workload"]),
    ("horizontalpodautoscaler", &["horizontalpodautoscaler", "hpa"]),
    ("resource", &["resource"]),
    ("reason", &["reason"]),
    ("cpu", &["cpu"]),
    ("id", &["id", "container_id"]),
    (
        "cluster",
        &["cluster", "cluster_name", "clustername", "kube_cluster_name"],
    ),
];

/// Our label behind a tag or dimension.
pub(super) fn label_of(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    LABELS
        .iter()
        .find(|(_, spellings)| spellings.contains(&name.as_str()))
        .map(|&(label, _)| label)
}

/// Metrics by name: what they measure, and the unit of their numbers where it is not the signal's own.
const METRICS: &[(&str, Signal, Option<&str>)] = &[
    // Datadog: the kubelet's, the containers' and those of kube-state-metrics
    ("kubernetes.cpu.usage.total", Signal::Cpu, Some("nanocores")),
    ("kubernetes.cpu.requests", Signal::CpuRequest, None),
    ("kubernetes.cpu.limits", Signal::CpuLimit, None),
    ("kubernetes.memory.working_set", Signal::Memory, None),
    ("kubernetes.memory.requests", Signal::MemoryRequest, None),
    ("kubernetes.memory.limits", Signal::MemoryLimit, None),
    ("kubernetes.containers.restarts", Signal::Restarts, None),
    ("container.cpu.usage", Signal::Cpu, Some("nanocores")),
    ("container.cpu.limit", Signal::CpuLimit, Some("nanocores")),
    ("container.memory.working_set", Signal::Memory, None),
    ("container.memory.limit", Signal::MemoryLimit, None),
    ("kubernetes_state.container.cpu_requested", Signal::CpuRequest, None),
    ("kubernetes_state.container.cpu_limit", Signal::CpuLimit, None),
    (
        "kubernetes_state.container.memory_requested",
        Signal::MemoryRequest,
        None,
    ),
    ("kubernetes_state.container.memory_limit", Signal::MemoryLimit, None),
    ("kubernetes_state.container.restarts", Signal::Restarts, None),
    ("kubernetes_state.deployment.replicas", Signal::Replicas, None),
    ("kubernetes_state.statefulset.replicas", Signal::Replicas, None),
    ("kubernetes_state.hpa.min_replicas", Signal::HpaMin, None),
    ("kubernetes_state.hpa.max_replicas", Signal::HpaMax, None),
    // OpenCost and Kubecost
    (opencost::CPU, Signal::Cpu, None),
    (opencost::MEMORY, Signal::Memory, None),
    // CloudWatch Container Insights, its metrics and the fields of its performance log events
    ("container_cpu_usage_total", Signal::Cpu, Some("millicores")),
    ("container_cpu_request", Signal::CpuRequest, Some("millicores")),
    ("container_cpu_limit", Signal::CpuLimit, Some("millicores")),
    ("container_memory_working_set", Signal::Memory, None),
    ("container_memory_request", Signal::MemoryRequest, None),
    ("container_memory_limit", Signal::MemoryLimit, None),
    ("pod_cpu_usage_total", Signal::Cpu, Some("millicores")),
    ("pod_cpu_request", Signal::CpuRequest, Some("millicores")),
    ("pod_cpu_limit", Signal::CpuLimit, Some("millicores")),
    ("pod_memory_working_set", Signal::Memory, None),
    ("pod_memory_request", Signal::MemoryRequest, None),
    ("pod_memory_limit", Signal::MemoryLimit, None),
    ("pod_number_of_container_restarts", Signal::Restarts, None),
];

/// A metric of Datadog or CloudWatch, and its unit where that is not the signal's own.
pub(super) fn metric_of(name: &str) -> Option<(Metric, Option<Unit>)> {
    let &(_, signal, unit) = METRICS.iter().find(|(known, ..)| *known == name)?;
    Some((Metric::gauge(signal), unit.and_then(Unit::from_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_named_once_and_every_unit_fits() {
        for (place, &(name, signal, unit)) in METRICS.iter().enumerate() {
            assert!(
                METRICS[..place].iter().all(|(known, ..)| *known != name),
                "{name} twice"
            );
            let fits = unit.is_none_or(|unit| Unit::from_id(unit).is_some_and(|unit| unit.fits(signal)));
            assert!(fits, "{name}");
        }
        for (label, spellings) in LABELS {
            assert_eq!(label_of(label), Some(*label));
            assert!(spellings.iter().all(|name| label_of(name) == Some(label)), "{label}");
        }
    }
}
