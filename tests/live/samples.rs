//! The shipped history as a Prometheus would have scraped it: two days of `overlays-example/history/production`, counters and
//! gauges each minute, off the minute.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

/// The end of the two days, Unix seconds: 2021-10-20T00:00:00Z.
pub(crate) const END_S: i64 = 1_634_688_000;
pub(crate) const END: &str = "2021-10-20T00:00:00Z";
const START_S: i64 = END_S - 2 * 86_400;
/// Scrapes are not on the grid of the queries.
const OFFSET_S: i64 = 7;

/// Series: labels by name, and (milliseconds, value).
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) metric: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) values: Vec<(i64, String)>,
}

impl Series {
    fn new(metric: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            metric: metric.to_owned(),
            labels: labels.collect(),
            values: Vec::new(),
        }
    }

    /// One value at each scrape.
    fn steady(mut self, value: &str, every_s: usize) -> Self {
        let times = (START_S - 3600 + OFFSET_S..END_S + 600).step_by(every_s);
        self.values = times.map(|at| (at * 1000, value.to_owned())).collect();
        self
    }

    pub(crate) fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }
}

fn history(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("overlays-example/history/production")
        .join(name);
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if Path::new(name).extension().is_some_and(|ending| ending == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    serde_json::from_str(&text).unwrap()
}

fn result(answer: &Value) -> &[Value] {
    answer["data"]["result"].as_array().unwrap()
}

fn labels(series: &Value) -> Vec<(&str, &str)> {
    let labels = series["metric"].as_object().unwrap().iter();
    labels
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect()
}

/// The recorded value at each scrape of the two days in which one is known, by the recording's own step.
fn at_scrapes(series: &Value, step_s: i64) -> Vec<(i64, f64)> {
    let known: BTreeMap<i64, f64> = series["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_i64().unwrap(), pair[1].as_str().unwrap().parse().unwrap()))
        .collect();
    let times = (START_S - 3600 + OFFSET_S..END_S + 600).step_by(60);
    times
        .filter_map(|at| Some((at, *known.get(&(at - at.rem_euclid(step_s) + step_s))?)))
        .collect()
}

/// What two pods of the front end and their owners would give: enough to be looked at.
pub(crate) fn few() -> Vec<Series> {
    let mut all = all();
    let is_frontend = |name: &String| name.starts_with("frontend");
    all.retain(|series| series.labels.values().any(is_frontend));
    let mut pods: Vec<String> = all
        .iter()
        .filter(|series| series.metric.starts_with("container_memory") && !series.values.is_empty())
        .map(|series| series.labels["pod"].clone())
        .collect();
    pods.truncate(2);
    all.retain(|series| series.labels.get("pod").is_none_or(|pod| pods.contains(pod)));
    all
}

/// Everything that is scraped.
pub(crate) fn all() -> Vec<Series> {
    let mut all = Vec::new();
    for series in result(&history("cpu_cores.json.gz")) {
        let mut labels = labels(series);
        labels.push(("cpu", "total"));
        let mut scraped = Series::new("container_cpu_usage_seconds_total", &labels);
        let mut total = 0.0;
        for (at, cores) in at_scrapes(series, 300) {
            total += cores * 60.0;
            scraped.values.push((at * 1000, format!("{total:.9}")));
        }
        all.push(scraped);
    }
    for series in result(&history("memory_working_set_bytes.json.gz")) {
        let mut scraped = Series::new("container_memory_working_set_bytes", &labels(series));
        let values = at_scrapes(series, 900);
        scraped.values = values
            .iter()
            .map(|(at, bytes)| (at * 1000, format!("{bytes:.0}")))
            .collect();
        all.push(scraped);
        for (metric, resource, value) in [
            ("kube_pod_container_resource_requests", "cpu", "0.25"),
            ("kube_pod_container_resource_requests", "memory", "268435456"),
            ("kube_pod_container_resource_limits", "memory", "536870912"),
        ] {
            all.push(
                Series::new(metric, &labels(series))
                    .label("resource", resource)
                    .steady(value, 240),
            );
        }
    }
    for metric in ["kube_pod_owner", "kube_replicaset_owner"] {
        for series in result(&history(&format!("{metric}.json"))) {
            all.push(Series::new(metric, &labels(series)).steady("1", 240));
        }
    }
    let shop = [("namespace", "online-boutique")];
    all.push(
        Series::new("kube_deployment_spec_replicas", &shop)
            .label("deployment", "frontend")
            .steady("3", 240),
    );
    let flag = Series::new("kube_pod_container_status_last_terminated_reason", &shop);
    let pod = all
        .iter()
        .find(|series| series.metric == "container_memory_working_set_bytes")
        .unwrap()
        .clone();
    let flag = pod
        .labels
        .iter()
        .fold(flag, |flag, (name, value)| flag.label(name, value));
    all.push(flag.label("reason", "OOMKilled").steady("1", 240));
    for (metric, value) in [("min", "2"), ("max", "8")] {
        let metric = format!("kube_horizontalpodautoscaler_spec_{metric}_replicas");
        all.push(
            Series::new(&metric, &shop)
                .label("horizontalpodautoscaler", "frontend")
                .steady(value, 240),
        );
    }
    let info = Series::new("kube_horizontalpodautoscaler_info", &shop)
        .label("horizontalpodautoscaler", "frontend")
        .label("scaletargetref_kind", "Deployment")
        .label("scaletargetref_name", "frontend");
    all.push(info.steady("1", 240));
    for series in &mut all {
        let of_kubelet = series.metric.starts_with("container_");
        let job = if of_kubelet { "kubelet" } else { "kube-state-metrics" };
        series.labels.insert("job".into(), job.into());
        series.labels.insert("instance".into(), "10.0.0.1:8080".into());
    }
    all
}

/// `name{labels} value time`, times in seconds for OpenMetrics, in milliseconds for the text format.
pub(crate) fn text(all: &[Series], is_open_metrics: bool) -> String {
    let mut sorted: Vec<&Series> = all.iter().collect();
    sorted.sort_by_key(|series| &series.metric);
    let mut out = String::new();
    let mut last = "";
    for series in sorted {
        if is_open_metrics && last != series.metric {
            // `unknown`, as counters would have to end in `_total` twice
            let _ = writeln!(out, "# TYPE {} unknown", series.metric);
            last = &series.metric;
        }
        let labels: Vec<String> = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        for (at_ms, value) in &series.values {
            let _ = write!(out, "{}{{{}}} {value} ", series.metric, labels.join(","));
            let _ = if is_open_metrics {
                writeln!(out, "{}", at_ms / 1000)
            } else {
                writeln!(out, "{at_ms}")
            };
        }
    }
    if is_open_metrics {
        out.push_str("# EOF\n");
    }
    out
}
