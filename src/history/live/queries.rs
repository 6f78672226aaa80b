//! What a store is asked: the one place where the PromQL of an export is written.
//!
//! Each query says in its labels all that identity needs and nothing else, and counts what two recorders have (two scrape
//! jobs, the replicas of a highly available Prometheus) once, by the greater value: within a recorder containers' parts add
//! up (`cpu="cpu00"`, the same container before and after a restart), between recorders they don't.

use super::window::Span;
use crate::history::signal::Signal;
use crate::units::Seconds;
use serde::{Deserialize, Serialize};

/// How often a query is asked over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cadence {
    /// At each step: usage, and what scalers move.
    Step,
    /// Each hour: what changes with a roll-out. A twelfth of the samples.
    Hour,
    /// Once for all of a span: who owns whom.
    Span,
}

/// One question, before it is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The name of its files, which tells the signal too.
    pub id: String,
    /// What it measures; none for owners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// When it is asked.
    pub cadence: Cadence,
    /// PromQL with `$MATCHERS` and `$RANGE`.
    pub template: String,
}

/// Everything that decides what a query takes.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Matchers for every metric.
    pub matchers: Vec<String>,
    /// Length of a step.
    pub step: Seconds,
}

const HOUR: Seconds = Seconds::from_hours(1);
/// A rate needs two scrapes, and most fleets are scraped each half minute or minute.
const RATE_MIN: Seconds = Seconds::from_minutes(2);

/// Series of one container that different recorders have.
const RECORDED: &str = "cluster, namespace, pod, container, job, instance, prometheus, prometheus_replica, replica";

/// `id`, `signal`, cadence, PromQL. `$CONTAINER` and `$RECORDED` are lists of labels.
const TABLE: [(&str, Option<Signal>, Cadence, &str); 21] = {
    use Cadence::{Hour, Span, Step};
    use Signal as S;
    [
        (
            "cpu",
            Some(S::Cpu),
            Step,
            "max by ($CONTAINER) (sum by ($RECORDED) (rate(container_cpu_usage_seconds_total{container!=\"\", container!=\"POD\", $MATCHERS}[$RANGE])))",
        ),
        // the highest of a step and not the last: a limit must hold at each scrape
        (
            "memory",
            Some(S::Memory),
            Step,
            "max by ($CONTAINER) (max_over_time(container_memory_working_set_bytes{container!=\"\", container!=\"POD\", $MATCHERS}[$RANGE]))",
        ),
        (
            "throttling",
            Some(S::Throttling),
            Step,
            "max by ($CONTAINER) (sum by ($RECORDED) (rate(container_cpu_cfs_throttled_periods_total{container!=\"\", container!=\"POD\", $MATCHERS}[$RANGE])) / (sum by ($RECORDED) (rate(container_cpu_cfs_periods_total{container!=\"\", container!=\"POD\", $MATCHERS}[$RANGE])) > 0))",
        ),
        (
            "replicas-deployment",
            Some(S::Replicas),
            Step,
            "max by (cluster, namespace, deployment) (last_over_time(kube_deployment_spec_replicas{$MATCHERS}[$RANGE]))",
        ),
        (
            "replicas-statefulset",
            Some(S::Replicas),
            Step,
            "max by (cluster, namespace, statefulset) (last_over_time(kube_statefulset_replicas{$MATCHERS}[$RANGE]))",
        ),
        (
            "replicas-daemonset",
            Some(S::Replicas),
            Hour,
            "max by (cluster, namespace, daemonset) (last_over_time(kube_daemonset_status_desired_number_scheduled{$MATCHERS}[$RANGE]))",
        ),
        (
            "hpa_min",
            Some(S::HpaMin),
            Hour,
            "max by (cluster, namespace, horizontalpodautoscaler) (last_over_time(kube_horizontalpodautoscaler_spec_min_replicas{horizontalpodautoscaler!~\"keda-hpa-.*\", $MATCHERS}[$RANGE]))",
        ),
        (
            "hpa_max",
            Some(S::HpaMax),
            Hour,
            "max by (cluster, namespace, horizontalpodautoscaler) (last_over_time(kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler!~\"keda-hpa-.*\", $MATCHERS}[$RANGE]))",
        ),
        (
            "keda_min",
            Some(S::KedaMin),
            Hour,
            "max by (cluster, namespace, horizontalpodautoscaler) (last_over_time(kube_horizontalpodautoscaler_spec_min_replicas{horizontalpodautoscaler=~\"keda-hpa-.*\", $MATCHERS}[$RANGE]))",
        ),
        (
            "keda_max",
            Some(S::KedaMax),
            Hour,
            "max by (cluster, namespace, horizontalpodautoscaler) (last_over_time(kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler=~\"keda-hpa-.*\", $MATCHERS}[$RANGE]))",
        ),
        (
            "cpu_request",
            Some(S::CpuRequest),
            Hour,
            "max by ($CONTAINER) (last_over_time(kube_pod_container_resource_requests{resource=\"cpu\", $MATCHERS}[$RANGE]))",
        ),
        (
            "cpu_limit",
            Some(S::CpuLimit),
            Hour,
            "max by ($CONTAINER) (last_over_time(kube_pod_container_resource_limits{resource=\"cpu\", $MATCHERS}[$RANGE]))",
        ),
        (
            "memory_request",
            Some(S::MemoryRequest),
            Hour,
            "max by ($CONTAINER) (last_over_time(kube_pod_container_resource_requests{resource=\"memory\", $MATCHERS}[$RANGE]))",
        ),
        (
            "memory_limit",
            Some(S::MemoryLimit),
            Hour,
            "max by ($CONTAINER) (last_over_time(kube_pod_container_resource_limits{resource=\"memory\", $MATCHERS}[$RANGE]))",
        ),
        (
            "restarts",
            Some(S::Restarts),
            Hour,
            "max by ($CONTAINER) (last_over_time(kube_pod_container_status_restarts_total{$MATCHERS}[$RANGE]))",
        ),
        // its name and reason tell that it is a flag, not a count
        (
            "oom",
            Some(S::Oom),
            Hour,
            "max by (__name__, reason, $CONTAINER) (last_over_time(kube_pod_container_status_last_terminated_reason{reason=\"OOMKilled\", $MATCHERS}[$RANGE]))",
        ),
        (
            "kube_pod_owner",
            None,
            Span,
            "last_over_time(kube_pod_owner{$MATCHERS}[$RANGE])",
        ),
        (
            "kube_replicaset_owner",
            None,
            Span,
            "last_over_time(kube_replicaset_owner{$MATCHERS}[$RANGE])",
        ),
        (
            "kube_job_owner",
            None,
            Span,
            "last_over_time(kube_job_owner{$MATCHERS}[$RANGE])",
        ),
        (
            "kube_replicationcontroller_owner",
            None,
            Span,
            "last_over_time(kube_replicationcontroller_owner{$MATCHERS}[$RANGE])",
        ),
        (
            "kube_horizontalpodautoscaler_info",
            None,
            Span,
            "last_over_time(kube_horizontalpodautoscaler_info{$MATCHERS}[$RANGE])",
        ),
    ]
};

/// Every query of a run, in the order they are asked.
pub fn shipped() -> Vec<Query> {
    let query = |(id, signal, cadence, text): (&str, Option<Signal>, Cadence, &str)| Query {
        id: id.to_owned(),
        signal: signal.map(|signal| signal.id().to_owned()),
        cadence,
        template: text
            .replace("$CONTAINER", "cluster, namespace, pod, container")
            .replace("$RECORDED", RECORDED),
    };
    TABLE.into_iter().map(query).collect()
}

/// The same, with cpu and memory counted by the store in ranges instead of sent: what `histogram_over_time` of
/// VictoriaMetrics gives, and how long a time it is of.
pub fn counted() -> Vec<Query> {
    let mut queries = shipped();
    for query in queries
        .iter_mut()
        .filter(|query| ["cpu", "memory"].contains(&query.id.as_str()))
    {
        let values = query.template.replace("$RANGE", "$VALUE");
        query.template = format!(
            "label_set(sum by (cluster, namespace, pod, container, vmrange) (histogram_over_time(({values})[$RANGE:$STEP])), \"window\", \"$RANGE\")"
        );
        query.cadence = Cadence::Span;
    }
    queries
}

/// A query of the user: for a signal that each team measures in its own way.
pub fn stated(signal: Signal, promql: &str) -> Query {
    Query {
        id: format!("{signal}-stated"),
        signal: Some(signal.id().to_owned()),
        cadence: Cadence::Step,
        template: promql.to_owned(),
    }
}

/// Concurrent containers by cluster and namespace, to know how much there is before it is asked for.
pub fn census(selection: &Selection) -> String {
    let text = "count by (cluster, namespace) (max by (cluster, namespace, pod, container) (container_memory_working_set_bytes{container!=\"\", container!=\"POD\", $MATCHERS}))";
    with_matchers(text, &selection.matchers)
}

impl Query {
    /// Distance of its values; that of a span's single value is the span.
    pub fn step(&self, selection: &Selection) -> Option<Seconds> {
        match self.cadence {
            Cadence::Step => Some(selection.step),
            Cadence::Hour => Some(HOUR.max(selection.step)),
            Cadence::Span => None,
        }
    }

    /// What can be cut: a value of each step, or a part of an hour or more of what is asked once.
    pub fn grain(&self, selection: &Selection) -> Seconds {
        self.step(selection).unwrap_or(HOUR)
    }

    /// Its PromQL over a span, with one more matcher.
    pub fn promql(&self, selection: &Selection, scope: Option<String>, span: &Span) -> String {
        let value = selection.step.max(RATE_MIN);
        let range = match self.cadence {
            Cadence::Step => value,
            Cadence::Hour => self.grain(selection),
            Cadence::Span => span.length(),
        };
        let matchers: Vec<String> = selection.matchers.iter().cloned().chain(scope).collect();
        with_matchers(&self.template, &matchers)
            .replace("$RANGE", &range.to_string())
            .replace("$VALUE", &value.to_string())
            .replace("$STEP", &selection.step.to_string())
    }

    /// Whether its values are counts of a whole span.
    pub fn counts(&self) -> bool {
        self.cadence == Cadence::Span && self.signal.is_some()
    }

    /// Whether its text has a place for matchers; one of the user's own need not.
    pub fn takes_matchers(&self) -> bool {
        self.template.contains("$MATCHERS")
    }

    /// Values of one container in one step, as a share: workloads have several containers and pods.
    pub fn series_for(&self, containers: u64) -> u64 {
        let is_of_workload = self
            .signal
            .as_deref()
            .and_then(Signal::from_id)
            .is_some_and(|signal| !signal.is_of_container());
        if is_of_workload {
            (containers / 3).max(1)
        } else {
            containers.max(1)
        }
    }
}

fn with_matchers(template: &str, matchers: &[String]) -> String {
    if matchers.is_empty() {
        return template.replace(", $MATCHERS", "").replace("{$MATCHERS}", "");
    }
    template.replace("$MATCHERS", &matchers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::signal::by_file_name;

    fn selection(matchers: &[&str]) -> Selection {
        Selection {
            matchers: matchers.iter().map(|text| (*text).to_owned()).collect(),
            step: Seconds::from_minutes(5),
        }
    }

    fn day() -> Span {
        Span {
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            to: "2026-11-02T00:00:00Z".parse().unwrap(),
        }
    }

    /// Whoever runs the printed recipe by curl gives files whose names tell what they measure.
    #[test]
    fn a_file_named_after_a_query_tells_its_signal() {
        for query in shipped() {
            let Some(signal) = &query.signal else { continue };
            let name = format!("{}.1761955200.json", query.id);
            let told = by_file_name(&name).map(|metric| metric.signal.id().to_owned());
            assert_eq!(told.as_ref(), Some(signal), "{name}");
        }
    }

    #[test]
    fn every_query_is_whole_with_and_without_matchers() {
        for query in shipped() {
            for matchers in [&[][..], &["cluster=~\"a|\""]] {
                let text = query.promql(&selection(matchers), Some("namespace=\"shop\"".into()), &day());
                assert!(!text.contains('$') && text.contains("namespace=\"shop\""), "{text}");
                let bare = query.promql(&selection(matchers), None, &day());
                assert!(
                    !bare.contains("{}") && !bare.contains(", }") && !bare.contains('$'),
                    "{bare}"
                );
                let marks = |mark: char| bare.matches(mark).count();
                assert_eq!(
                    (marks('('), marks('{'), marks('[')),
                    (marks(')'), marks('}'), marks(']')),
                    "{bare}"
                );
            }
        }
    }

    #[test]
    fn counts_are_of_the_values_at_each_step_and_say_how_long_they_are_of() {
        let texts: Vec<String> = counted()
            .iter()
            .filter(|query| query.cadence == Cadence::Span && query.signal.is_some())
            .map(|query| query.promql(&selection(&["cluster=\"a\""]), None, &day()))
            .collect();
        assert_eq!(
            texts[1],
            "label_set(sum by (cluster, namespace, pod, container, vmrange) (histogram_over_time((max by (cluster, namespace, pod, \
             container) (max_over_time(container_memory_working_set_bytes{container!=\"\", container!=\"POD\", \
             cluster=\"a\"}[5m])))[1d:5m])), \"window\", \"1d\")"
        );
        assert_eq!(texts.len(), 2);
        assert!(texts[0].contains("[5m]))))[1d:5m])), \"window\""), "{}", texts[0]);
    }

    #[test]
    fn ranges_are_the_step_the_hour_and_the_span() {
        let text = |id: &str| {
            let queries = shipped();
            let query = queries.iter().find(|query| query.id == id).unwrap();
            query.promql(&selection(&[]), None, &day())
        };
        assert_eq!(
            text("memory"),
            "max by (cluster, namespace, pod, container) (max_over_time(container_memory_working_set_bytes{container!=\"\", container!=\"POD\"}[5m]))"
        );
        assert!(text("cpu_request").ends_with("{resource=\"cpu\"}[1h]))"));
        assert_eq!(text("kube_pod_owner"), "last_over_time(kube_pod_owner[1d])");
    }
}
