//! What a series measures, and how names in exports tell it.

use crate::units::{Bytes, NanoCores};
use std::fmt;

/// A measured quantity of a container or a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// CPU used by a container, nano-cores.
    Cpu,
    /// CPU limit in force, nano-cores.
    CpuLimit,
    /// CPU request in force, nano-cores.
    CpuRequest,
    /// Upper bound of the HPA in force.
    HpaMax,
    /// Lower bound of the HPA in force.
    HpaMin,
    /// Upper bound of the HPA that KEDA keeps.
    KedaMax,
    /// Lower bound of the HPA that KEDA keeps.
    KedaMin,
    /// Time to answer, microseconds.
    Latency,
    /// Working set of a container, bytes.
    Memory,
    /// Memory limit in force, bytes.
    MemoryLimit,
    /// Memory request in force, bytes.
    MemoryRequest,
    /// OOM kills of a container.
    Oom,
    /// Work waiting, micro-items.
    Queue,
    /// Requests, micro-requests per second.
    Rate,
    /// Replicas.
    Replicas,
    /// Restarts of a container.
    Restarts,
    /// From scheduled to Ready, microseconds.
    Startup,
    /// Share of CPU periods in which the container was throttled, millionths.
    Throttling,
}

/// What the profile keeps of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A sketch and a demand line a week; series add up.
    Demand,
    /// A sketch and a demand line a week; the worst series counts.
    Worst,
    /// A sketch a week.
    Distribution,
    /// The value in force over time.
    State,
    /// Increases per day.
    Count,
}

/// Digits behind the point that a signal's integer unit keeps: 9 for nano-cores, 6 for millionths, 0 for bytes.
const TABLE: [(Signal, &str, Form, bool, u32); 18] = {
    use Signal as S;
    const CONTAINER: bool = true;
    const WORKLOAD: bool = false;
    [
        (S::Cpu, "cpu", Form::Demand, CONTAINER, 9),
        (S::CpuLimit, "cpu_limit", Form::State, CONTAINER, 9),
        (S::CpuRequest, "cpu_request", Form::State, CONTAINER, 9),
        (S::HpaMax, "hpa_max", Form::State, WORKLOAD, 0),
        (S::HpaMin, "hpa_min", Form::State, WORKLOAD, 0),
        (S::KedaMax, "keda_max", Form::State, WORKLOAD, 0),
        (S::KedaMin, "keda_min", Form::State, WORKLOAD, 0),
        (S::Latency, "latency", Form::Worst, WORKLOAD, 6),
        (S::Memory, "memory", Form::Demand, CONTAINER, 0),
        (S::MemoryLimit, "memory_limit", Form::State, CONTAINER, 0),
        (S::MemoryRequest, "memory_request", Form::State, CONTAINER, 0),
        (S::Oom, "oom", Form::Count, CONTAINER, 0),
        (S::Queue, "queue", Form::Demand, WORKLOAD, 6),
        (S::Rate, "rate", Form::Demand, WORKLOAD, 6),
        (S::Replicas, "replicas", Form::State, WORKLOAD, 0),
        (S::Restarts, "restarts", Form::Count, CONTAINER, 0),
        (S::Startup, "startup", Form::Distribution, WORKLOAD, 6),
        (S::Throttling, "throttling", Form::Distribution, CONTAINER, 6),
    ]
};

impl Signal {
    /// Every signal, in the order of its id.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The signal with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == id).map(|row| row.0)
    }

    /// Its name on the command line and in profile lines.
    pub fn id(self) -> &'static str {
        self.row().1
    }

    /// What is kept of it.
    pub fn form(self) -> Form {
        self.row().2
    }

    /// Whether it belongs to one container; otherwise to the workload.
    pub fn is_of_container(self) -> bool {
        self.row().3
    }

    /// Decimal digits that the integer unit keeps behind the point of the exported number.
    pub fn digits(self) -> u32 {
        self.row().4
    }

    fn row(self) -> &'static (Self, &'static str, Form, bool, u32) {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("broken invariant: the table names every signal")
    }

    /// A value in the unit of this signal, for people.
    pub fn display(self, value: u64) -> String {
        match self {
            Self::Cpu | Self::CpuLimit | Self::CpuRequest => NanoCores::new(value).to_string(),
            Self::Memory | Self::MemoryLimit | Self::MemoryRequest => Bytes::new(value).to_string(),
            _ => match 10u64.pow(self.digits()) {
                1 => value.to_string(),
                unit => format!("{}.{:06}", value / unit, value % unit)
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .into(),
            },
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// How the numbers of a metric become the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// The number is the value.
    Gauge,
    /// The number only grows; the value is its rate per second.
    Rate,
    /// The number is 1 once the thing has happened.
    Flag,
}

/// A signal and how it is read off a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// What is measured.
    pub signal: Signal,
    /// How the numbers tell it.
    pub meaning: Meaning,
}

impl Metric {
    /// A metric whose numbers are the value.
    pub fn gauge(signal: Signal) -> Self {
        Self {
            signal,
            meaning: Meaning::Gauge,
        }
    }
}

/// Names that stand for a signal whose numbers are its value, in the spelling of metrics and file names.
const GAUGES: &[(&str, Signal)] = &[
    ("cpu", Signal::Cpu),
    ("cpu_cores", Signal::Cpu),
    ("cpu_usage", Signal::Cpu),
    ("cpu_usage_cores", Signal::Cpu),
    ("cpu_limit", Signal::CpuLimit),
    ("cpu_limits", Signal::CpuLimit),
    ("cpu_limit_cores", Signal::CpuLimit),
    ("kube_pod_container_resource_limits_cpu_cores", Signal::CpuLimit),
    ("cpu_request", Signal::CpuRequest),
    ("cpu_requests", Signal::CpuRequest),
    ("cpu_request_cores", Signal::CpuRequest),
    ("kube_pod_container_resource_requests_cpu_cores", Signal::CpuRequest),
    ("hpa_max", Signal::HpaMax),
    ("hpa_min", Signal::HpaMin),
    ("keda_max", Signal::KedaMax),
    ("keda_min", Signal::KedaMin),
    ("kube_horizontalpodautoscaler_spec_max_replicas", Signal::HpaMax),
    ("kube_horizontalpodautoscaler_spec_min_replicas", Signal::HpaMin),
    ("latency", Signal::Latency),
    ("latency_seconds", Signal::Latency),
    ("memory", Signal::Memory),
    ("memory_bytes", Signal::Memory),
    ("memory_usage", Signal::Memory),
    ("memory_usage_bytes", Signal::Memory),
    ("memory_working_set", Signal::Memory),
    ("memory_working_set_bytes", Signal::Memory),
    ("container_memory_working_set_bytes", Signal::Memory),
    ("memory_limit", Signal::MemoryLimit),
    ("memory_limits", Signal::MemoryLimit),
    ("memory_limit_bytes", Signal::MemoryLimit),
    ("kube_pod_container_resource_limits_memory_bytes", Signal::MemoryLimit),
    ("memory_request", Signal::MemoryRequest),
    ("memory_requests", Signal::MemoryRequest),
    ("memory_request_bytes", Signal::MemoryRequest),
    (
        "kube_pod_container_resource_requests_memory_bytes",
        Signal::MemoryRequest,
    ),
    ("oom", Signal::Oom),
    ("oom_kills", Signal::Oom),
    ("container_oom_events_total", Signal::Oom),
    ("queue", Signal::Queue),
    ("queue_depth", Signal::Queue),
    ("queue_length", Signal::Queue),
    ("rate", Signal::Rate),
    ("rps", Signal::Rate),
    ("request_rate", Signal::Rate),
    ("requests_per_second", Signal::Rate),
    ("http_requests_per_second", Signal::Rate),
    ("replicas", Signal::Replicas),
    ("kube_deployment_spec_replicas", Signal::Replicas),
    ("kube_deployment_status_replicas", Signal::Replicas),
    ("kube_statefulset_replicas", Signal::Replicas),
    ("kube_statefulset_status_replicas", Signal::Replicas),
    ("kube_daemonset_status_desired_number_scheduled", Signal::Replicas),
    ("restarts", Signal::Restarts),
    ("kube_pod_container_status_restarts_total", Signal::Restarts),
    ("startup", Signal::Startup),
    ("startup_seconds", Signal::Startup),
    ("pod_startup_seconds", Signal::Startup),
    ("throttling", Signal::Throttling),
    ("cpu_throttling", Signal::Throttling),
    ("cpu_throttling_ratio", Signal::Throttling),
];

/// The metric behind a `__name__` or a CSV metric column. `label` looks up the other labels of the series.
pub fn by_metric_name<'l>(name: &str, label: impl Fn(&str) -> Option<&'l str>) -> Option<Metric> {
    // a recording rule (`level:metric:operations`) has taken the rate already
    let recorded = name.contains(':');
    let base = name
        .split(':')
        .find(|part| known(part).is_some() || is_labelled_metric(part))
        .unwrap_or(name);
    match base {
        "container_cpu_usage_seconds_total" => {
            let meaning = if recorded { Meaning::Gauge } else { Meaning::Rate };
            Some(Metric {
                signal: Signal::Cpu,
                meaning,
            })
        }
        "kube_pod_container_resource_requests" | "kube_pod_container_resource_limits" => {
            let signal = match (base.ends_with("limits"), label("resource")?) {
                (false, "cpu") => Signal::CpuRequest,
                (false, "memory") => Signal::MemoryRequest,
                (true, "cpu") => Signal::CpuLimit,
                (true, "memory") => Signal::MemoryLimit,
                _ => return None,
            };
            Some(Metric::gauge(signal))
        }
        "kube_pod_container_status_last_terminated_reason" => (label("reason")? == "OOMKilled").then_some(Metric {
            signal: Signal::Oom,
            meaning: Meaning::Flag,
        }),
        _ => {
            let signal = known(base)?;
            let keda = label("horizontalpodautoscaler").is_some_and(|scaler| scaler.starts_with("keda-hpa-"));
            Some(Metric::gauge(match signal {
                Signal::HpaMax if keda => Signal::KedaMax,
                Signal::HpaMin if keda => Signal::KedaMin,
                other => other,
            }))
        }
    }
}

fn is_labelled_metric(name: &str) -> bool {
    matches!(
        name,
        "container_cpu_usage_seconds_total"
            | "kube_pod_container_resource_requests"
            | "kube_pod_container_resource_limits"
            | "kube_pod_container_status_last_terminated_reason"
    )
}

/// Metrics of several resources that we know and have no use for, such as GPU requests: no reason to complain.
pub fn is_ignorable(name: &str) -> bool {
    name.split(':').any(is_labelled_metric)
}

fn known(name: &str) -> Option<Signal> {
    GAUGES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, signal)| signal)
}

/// The signal that a file's name tells: `cpu_cores.json`, `prod-memory-003.json.gz`. `None` when it tells none or two.
pub fn by_file_name(path: &str) -> Option<Metric> {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
    let stem = file.split('.').next().unwrap_or(&file);
    if stem.contains("container_cpu_usage_seconds_total") {
        return Some(Metric {
            signal: Signal::Cpu,
            meaning: Meaning::Rate,
        });
    }
    let words: Vec<&str> = stem.split(['-', '_', ' ']).filter(|word| !word.is_empty()).collect();
    let found = |length: usize| words.windows(length).filter_map(|window| known(&window.join("_")));
    for length in (1..=words.len()).rev() {
        let mut signals: Vec<Signal> = found(length).collect();
        signals.dedup();
        match signals.as_slice() {
            [] => {}
            // `cpu-usage` beside `limit` or `request` is neither plainly
            [signal] if length > 1 || !words.iter().any(|word| ambiguous_beside(*signal, word)) => {
                return Some(Metric::gauge(*signal));
            }
            _ => return None,
        }
    }
    None
}

fn ambiguous_beside(signal: Signal, word: &str) -> bool {
    matches!(signal, Signal::Cpu | Signal::Memory)
        && [
            "request",
            "requests",
            "limit",
            "limits",
            "seconds",
            "total",
            "throttled",
        ]
        .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_by_id_and_reads_back() {
        let ids: Vec<_> = Signal::all().map(Signal::id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(Signal::all().all(|signal| Signal::from_id(signal.id()) == Some(signal)));
    }

    #[test]
    fn metric_names_tell_signal_and_meaning() {
        let rate = Some(Metric {
            signal: Signal::Cpu,
            meaning: Meaning::Rate,
        });
        let gauge = |signal| Some(Metric::gauge(signal));
        for (name, label, expected) in [
            ("container_cpu_usage_seconds_total", None, rate),
            (
                "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate",
                None,
                gauge(Signal::Cpu),
            ),
            ("container_memory_working_set_bytes", None, gauge(Signal::Memory)),
            (
                "kube_pod_container_resource_requests",
                Some(("resource", "cpu")),
                gauge(Signal::CpuRequest),
            ),
            (
                "kube_pod_container_resource_limits",
                Some(("resource", "memory")),
                gauge(Signal::MemoryLimit),
            ),
            (
                "kube_pod_container_resource_limits",
                Some(("resource", "nvidia_com_gpu")),
                None,
            ),
            (
                "kube_pod_container_status_last_terminated_reason",
                Some(("reason", "OOMKilled")),
                Some(Metric {
                    signal: Signal::Oom,
                    meaning: Meaning::Flag,
                }),
            ),
            (
                "kube_pod_container_status_last_terminated_reason",
                Some(("reason", "Completed")),
                None,
            ),
            (
                "kube_horizontalpodautoscaler_spec_min_replicas",
                Some(("horizontalpodautoscaler", "keda-hpa-api")),
                gauge(Signal::KedaMin),
            ),
            ("up", None, None),
        ] {
            let found = by_metric_name(name, |key| {
                label.filter(|(known, _)| *known == key).map(|(_, value)| value)
            });
            assert_eq!(found, expected, "{name} {label:?}");
        }
    }

    #[test]
    fn file_names_tell_a_signal_only_when_they_tell_one() {
        let gauge = |signal| Some(Metric::gauge(signal));
        for (path, expected) in [
            ("e/cpu.json", gauge(Signal::Cpu)),
            ("cpu_cores.json", gauge(Signal::Cpu)),
            ("CPU-003.json.gz", gauge(Signal::Cpu)),
            ("memory_working_set_bytes.json", gauge(Signal::Memory)),
            ("prod-requests_per_second-2026.json", gauge(Signal::Rate)),
            ("prod-cpu-requests.json", gauge(Signal::CpuRequest)),
            ("prod-cpu-and-requests.json", None),
            ("cpu-memory.json", None),
            ("export.json", None),
            (
                "container_cpu_usage_seconds_total.json",
                Some(Metric {
                    signal: Signal::Cpu,
                    meaning: Meaning::Rate,
                }),
            ),
        ] {
            assert_eq!(by_file_name(path), expected, "{path}");
        }
    }

    #[test]
    fn values_are_shown_in_their_unit() {
        assert_eq!(Signal::Rate.display(31_333_300), "31.3333");
        assert_eq!(Signal::Replicas.display(3), "3");
    }
}
