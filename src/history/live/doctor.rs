//! What a store lacks for a good profile, found by a few cheap queries, each with the way to mend it.

use super::answer::Row;
use super::queries::Selection;
use super::request::{Endpoint, Request};
use super::window::Window;
use crate::diag::{Diagnostic, code, counted, first_of_many};
use crate::units::{Seconds, Timestamp};

/// Asks the store, and gives the rows of its answer.
pub type Ask<'a> = dyn FnMut(&Request) -> Result<Vec<Row>, Box<Diagnostic>> + 'a;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is as it should be.
    pub good: Vec<String>,
    /// What is not.
    pub found: Vec<Diagnostic>,
}

/// Clocks that are further apart make the youngest samples lie in the future.
const SKEW_MAX: Seconds = Seconds::from_minutes(1);
/// What the presets ask of a history.
const HISTORY_MIN: Seconds = Seconds::from_days(7);
/// Instants at which a window is looked at, about.
const LOOKS: u64 = 56;

const CPU: &str = "container_cpu_usage_seconds_total";
const MEMORY: &str = "container_memory_working_set_bytes";
/// Labels that differ where one thing was recorded twice.
const RECORDERS: [&str; 5] = ["job", "prometheus", "prometheus_replica", "replica", "tenant_id"];

/// What of kube-state-metrics a profile uses, and what for.
const STATES: [(&str, &str); 5] = [
    ("kube_pod_owner", "pods are led to their workloads"),
    (
        "kube_replicaset_owner",
        "pods are led through their ReplicaSet to the Deployment",
    ),
    ("kube_pod_container_resource_requests", "requests in force are known"),
    ("kube_pod_container_resource_limits", "limits in force are known"),
    ("kube_deployment_spec_replicas", "replicas in force are known"),
];

/// Looks at a store; an error is one that ends every further question.
pub fn examine(
    window: &Window,
    selection: &Selection,
    now: Timestamp,
    ask: &mut Ask<'_>,
) -> Result<Report, Box<Diagnostic>> {
    let mut look = Look {
        window,
        selection,
        ask,
        report: Report::default(),
    };
    look.clock(now)?;
    let has_usage = look.usage(CPU)?;
    let has_memory = look.usage(MEMORY)?;
    look.states()?;
    if has_usage || has_memory {
        let metric = if has_memory { MEMORY } else { CPU };
        look.reach(metric)?;
        look.clusters(metric)?;
        look.recorders(metric)?;
        look.scrapes(metric)?;
    }
    Ok(look.report)
}

struct Look<'a, 'b> {
    window: &'a Window,
    selection: &'a Selection,
    ask: &'a mut Ask<'b>,
    report: Report,
}

impl Look<'_, '_> {
    fn good(&mut self, what: String) {
        self.report.good.push(what);
    }

    fn found(&mut self, what: Diagnostic) {
        self.report.found.push(what);
    }

    /// `metric{own, and the selection}`.
    fn selector(&self, metric: &str, own: &str) -> String {
        let own = Some(own.to_owned()).filter(|own| !own.is_empty());
        let all: Vec<String> = own.into_iter().chain(self.selection.matchers.iter().cloned()).collect();
        format!("{metric}{{{}}}", all.join(", "))
    }

    /// Rows at the end of the window.
    fn rows(&mut self, promql: String) -> Result<Vec<Row>, Box<Diagnostic>> {
        let at = Some(self.window.end);
        (self.ask)(&Request::new(promql, Endpoint::Instant { at }))
    }

    /// How many series of a metric had a sample in the last hour of the window.
    fn count(&mut self, metric: &str, own: &str) -> Result<u64, Box<Diagnostic>> {
        let selector = self.selector(metric, own);
        let rows = self.rows(format!("count(last_over_time({selector}[1h]))"))?;
        Ok(rows.first().map_or(0, Row::greatest))
    }

    fn clock(&mut self, now: Timestamp) -> Result<(), Box<Diagnostic>> {
        let rows = (self.ask)(&Request::new("vector(time())".into(), Endpoint::Instant { at: None }))?;
        let Some(theirs) = rows.first().map(|row| row.greatest().cast_signed()) else {
            return Ok(());
        };
        let apart = Seconds::new(theirs.abs_diff(now.unix()));
        if apart <= SKEW_MAX {
            self.good("the store answers, and its clock agrees with ours".into());
            return Ok(());
        }
        let which = if theirs > now.unix() { "ahead of" } else { "behind" };
        self.found(
            Diagnostic::warning(code::CLOCK_SKEW, format!("the store's clock is {apart} {which} ours"))
                .because("the default end of the window is taken from our clock")
                .help("synchronise both clocks (NTP), or state --end"),
        );
        Ok(())
    }

    /// Whether a metric of cAdvisor is there under the names that are asked for.
    fn usage(&mut self, metric: &str) -> Result<bool, Box<Diagnostic>> {
        let named = self.count(metric, "container!=\"\", pod!=\"\", namespace!=\"\"")?;
        if named > 0 {
            self.good(format!("{metric}: {}", counted(named, "container")));
            return Ok(true);
        }
        let any = self.count(metric, "")?;
        if any == 0 {
            self.found(
                Diagnostic::error(code::CADVISOR_MISSING, format!("no series of {metric} at {}", self.window.end))
                    .because("usage of containers is what a profile is made of")
                    .help("scrape the kubelets' /metrics/cadvisor (kube-prometheus-stack: kubelet.serviceMonitor.cAdvisor: true); if it is scraped, check --namespace-filter, --cluster and what metric relabelling drops"),
            );
            return Ok(false);
        }
        let old = self
            .count(metric, "container_name!=\"\"")?
            .max(self.count(metric, "pod_name!=\"\"")?);
        let error = if old > 0 {
            Diagnostic::error(
                code::LABELS_FOREIGN,
                format!("{metric} has the labels `pod_name` and `container_name` where `pod` and `container` are asked for"),
            )
            .because(format!("{} at {}", counted(old, "series"), self.window.end))
            .help("kubelets before 1.16 named them so: copy the labels by metric_relabel_configs (source_labels: [pod_name], target_label: pod; the same for container), or export by your own queries")
        } else {
            Diagnostic::error(
                code::LABELS_FOREIGN,
                format!("no series of {metric} has the labels `namespace`, `pod` and `container`"),
            )
            .because(format!("{} at {} without them", counted(any, "series"), self.window.end))
            .help("take out the relabelling that drops them; where the container runtime reports whole pods only, use the kubelet's own cAdvisor")
        };
        self.found(error);
        Ok(false)
    }

    fn states(&mut self) -> Result<(), Box<Diagnostic>> {
        let mut missing = Vec::new();
        for (metric, purpose) in STATES {
            if self.count(metric, "")? == 0 {
                missing.push((metric, purpose));
            }
        }
        if missing.len() == STATES.len() {
            self.found(
                Diagnostic::error(code::KUBE_STATE_METRICS_MISSING, "no series of kube-state-metrics, such as kube_pod_owner")
                    .because("without owners no pod can be led to its workload, and nothing is known of requests, limits and replicas in force")
                    .help("install kube-state-metrics and scrape it; until its history is long enough, name the manifests (--manifests DIR)"),
            );
            return Ok(());
        }
        for (metric, purpose) in &missing {
            self.found(
                Diagnostic::warning(code::KUBE_STATE_METRICS_MISSING, format!("no series of {metric}"))
                    .because(format!("by it {purpose}"))
                    .help(format!("add it to --metric-allowlist of kube-state-metrics, or take the rule out that drops it: {metric}")),
            );
        }
        if missing.is_empty() {
            self.good("kube-state-metrics: owners, requests, limits and replicas".into());
        }
        let overwritten = self.count("kube_pod_owner", "exported_pod!=\"\"")?;
        if overwritten > 0 {
            self.found(
                Diagnostic::error(
                    code::LABELS_OVERWRITTEN,
                    "`pod` and `namespace` of kube-state-metrics are those of its own pod",
                )
                .because(format!(
                    "{} of kube_pod_owner have `exported_pod`",
                    counted(overwritten, "series")
                ))
                .help("scrape kube-state-metrics with honor_labels: true (ServiceMonitor: honorLabels: true)"),
            );
        }
        Ok(())
    }

    /// How far back samples reach.
    fn reach(&mut self, metric: &str) -> Result<(), Box<Diagnostic>> {
        let window = *self.window;
        let step = Seconds::from_hours((window.length().get() / 3600).div_ceil(LOOKS).max(1));
        let selector = self.selector(metric, "container!=\"\"");
        let endpoint = Endpoint::Range {
            step,
            span: window.span(),
        };
        let rows = (self.ask)(&Request::new(
            format!("count(last_over_time({selector}[1h]))"),
            endpoint,
        ))?;
        let times: Vec<i64> = rows
            .iter()
            .flat_map(|row| row.values.iter().map(|(at, _)| *at))
            .collect();
        let Some(first) = times.iter().min().copied().and_then(Timestamp::from_unix) else {
            return Ok(());
        };
        let held = window.end.since(first).unwrap_or_default();
        let asked = window.length();
        if first.unix() > window.start.unix() + 2 * step.get().cast_signed() {
            let headline = format!("the store holds {held} of the {asked} that are asked for: from {first} on");
            let found = if held < HISTORY_MIN {
                Diagnostic::error(code::RETENTION_SHORT, headline)
                    .because(format!("history.minimum is {HISTORY_MIN} unless the policy says less"))
            } else {
                Diagnostic::warning(code::RETENTION_SHORT, headline)
                    .because("peaks of the month's end are not in a history of a week or two")
            };
            self.found(found.help(format!(
                "raise the retention (Prometheus: --storage.tsdb.retention.time={asked} or more, VictoriaMetrics: -retentionPeriod), ask the long-term store (Thanos, Mimir) instead, or ask for less (--window {})",
                whole_days(held)
            )));
            return Ok(());
        }
        let looked = window.span().points(step).max(1);
        let seen = (times.len() as u64).min(looked);
        self.good(format!(
            "{asked} of history, {}% of it with samples",
            seen * 100 / looked
        ));
        Ok(())
    }

    fn clusters(&mut self, metric: &str) -> Result<(), Box<Diagnostic>> {
        let names = self.values_of("cluster", metric)?;
        if names.len() > 1 {
            self.found(
                Diagnostic::error(
                    code::SEVERAL_CLUSTERS,
                    format!("the store holds several clusters: {}", first_of_many(&names, 5)),
                )
                .because("usage of different clusters is never added up")
                .help(format!(
                    "name one: --cluster {}",
                    names
                        .iter()
                        .find(|name| !name.starts_with('('))
                        .map_or("NAME", String::as_str)
                )),
            );
        }
        Ok(())
    }

    fn recorders(&mut self, metric: &str) -> Result<(), Box<Diagnostic>> {
        let mut is_single = true;
        for label in RECORDERS {
            let names = self.values_of(label, metric)?;
            if names.len() < 2 {
                continue;
            }
            let selector = self.selector(metric, "container!=\"\"");
            let each =
                format!("count by (cluster, namespace, pod, container, {label}) (last_over_time({selector}[5m]))");
            let twice = format!("count(count by (cluster, namespace, pod, container) ({each}) > 1)");
            let twice = self.rows(twice)?.first().map_or(0, Row::greatest);
            if twice > 0 {
                is_single = false;
                let fix = if label == "job" {
                    "one scrape job too many: take one out; here each container counts once, by the greater value"
                } else {
                    "ask a deduplicating front (Thanos: --query.replica-label, VictoriaMetrics: -dedup.minScrapeInterval); here each container counts once, by the greater value"
                };
                self.found(
                    Diagnostic::warning(
                        code::SEVERAL_RECORDERS,
                        format!(
                            "{} recorded twice, by `{label}` {}",
                            counted(twice, "container"),
                            first_of_many(&names, 5)
                        ),
                    )
                    .because("the answers are twice as large, and other tools count the usage twice")
                    .help(fix),
                );
            }
        }
        if is_single {
            self.good("each container is recorded once".into());
        }
        Ok(())
    }

    /// The values of a label, `(none)` for series without it.
    fn values_of(&mut self, label: &str, metric: &str) -> Result<Vec<String>, Box<Diagnostic>> {
        let selector = self.selector(metric, "container!=\"\"");
        let rows = self.rows(format!("count by ({label}) (last_over_time({selector}[1h]))"))?;
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| row.labels.get(label).unwrap_or("(none)").to_owned())
            .collect();
        names.sort();
        Ok(names)
    }

    fn scrapes(&mut self, metric: &str) -> Result<(), Box<Diagnostic>> {
        let step = self.selection.step;
        let selector = self.selector(metric, "container!=\"\"");
        let rows = self.rows(format!("max(count_over_time({selector}[1h]))"))?;
        let an_hour = rows.first().map_or(0, Row::greatest);
        if an_hour == 0 {
            return Ok(());
        }
        let apart = Seconds::new(3600 / an_hour);
        if apart.get() * 2 > step.get() {
            self.found(
                Diagnostic::error(
                    code::SCRAPES_SPARSE,
                    format!("a sample each {apart}, and a rate over {step} needs two"),
                )
                .because(format!(
                    "at most {} of a container in the last hour of the window",
                    counted(an_hour, "sample")
                ))
                .help("ask with a longer --step (it must divide an hour), or scrape more often"),
            );
        } else {
            self.good(format!("a sample each {apart}"));
        }
        Ok(())
    }
}

fn whole_days(held: Seconds) -> Seconds {
    if held < Seconds::from_days(1) {
        return Seconds::from_hours((held.get() / 3600).max(1));
    }
    Seconds::from_days(held.get() / Seconds::from_days(1).get())
}
