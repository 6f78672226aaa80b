//! What the formats deliver: samples by series, with the labels that say whose they are.

use super::note::Note;
use super::number::Reading;
use super::signal::{Meaning, Metric, Signal, by_metric_name, is_ignorable};
use crate::diag::{Code, code};
use std::collections::{BTreeMap, BTreeSet};

/// The longest label set of one series, all names and values together.
pub const LABELS_MAX: usize = 64 * 1024;

/// A value at an instant, in the integer unit of its signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// The amount.
    pub value: u64,
}

/// A workload as labels name it; the kind may be missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `Deployment`, `StatefulSet`, …
    pub kind: Option<String>,
    /// Its name.
    pub name: String,
}

/// Whose samples these are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// What is measured and how the numbers tell it.
    pub metric: Metric,
    /// Kubernetes namespace.
    pub namespace: String,
    /// The workload where labels name it.
    pub workload: Option<Named>,
    /// The pod; empty for a series of a whole workload.
    pub pod: String,
    /// The container; empty for a signal of a workload.
    pub container: String,
    /// What else tells apart counters that must be differenced one by one: the cpu, the container's id.
    pub counter: String,
}

/// Labels of one series, as an export gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub Vec<(String, String)>);

impl Labels {
    /// The value of a label; an empty value is no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The first of several names for the same thing that has a value.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

const NAMESPACE: &[&str] = &[
    "exported_namespace",
    "namespace",
    "kubernetes_namespace",
    "kube_namespace",
    "destination_workload_namespace",
];
const POD: &[&str] = &["exported_pod", "pod", "pod_name", "kubernetes_pod_name"];
const CONTAINER: &[&str] = &["exported_container", "container", "container_name"];
/// Label names whose value is a workload of a known kind.
const KINDS: &[(&str, &str)] = &[
    ("deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("cronjob", "CronJob"),
    ("rollout", "Rollout"),
];
/// Pairs of labels that name a workload and its kind.
const PAIRS: &[(&str, &str)] = &[
    ("workload", "workload_type"),
    ("controller", "controllerKind"),
    ("scaletargetref_name", "scaletargetref_kind"),
];
/// Labels that name a workload without its kind. A scaler's own name comes last: most bear their target's.
const BARE: &[&str] = &["destination_workload", "destination_app", "horizontalpodautoscaler"];
/// Labels that differ when the same thing was recorded twice.
const RECORDERS: &[&str] = &["cluster", "prometheus", "prometheus_replica", "replica", "tenant_id"];

/// What the reader was told about an input.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The signal given on the command line.
    pub signal: Option<Signal>,
    /// The namespace of series that have none.
    pub namespace: Option<String>,
    /// Keep only series whose `cluster` label is this, where they have one.
    pub cluster: Option<String>,
}

/// Where the samples of a series go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

/// Samples of one or more files, by series, in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    keys: BTreeMap<SeriesKey, usize>,
    values: Vec<Vec<Sample>>,
    signals: Vec<Signal>,
    /// Values of the labels that tell recorders apart, by label.
    pub(crate) recorders: BTreeMap<&'static str, BTreeSet<String>>,
    pub(crate) left_out: BTreeMap<&'static str, u64>,
}

/// Why a series is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is of no use, and nobody expects it to be: counted under this reason.
    Useless(&'static str),
    /// The input cannot be used as it is.
    Fault(Box<Note>),
}

impl Samples {
    /// The slot for the samples of a series with these labels. `metric` is what the file's name tells.
    pub fn slot(&mut self, labels: &Labels, expected: &Expected, metric: Option<Metric>) -> Result<Slot, Refused> {
        let metric = metric_of(labels, expected, metric)?;
        if let (Some(wanted), Some(cluster)) = (&expected.cluster, labels.get("cluster"))
            && wanted != cluster
        {
            return Err(Refused::Useless("of another cluster"));
        }
        for &recorder in RECORDERS {
            if let Some(value) = labels.get(recorder) {
                self.recorders.entry(recorder).or_default().insert(value.to_owned());
            }
        }
        let key = key_of(labels, expected, metric)?;
        let next = self.values.len();
        let slot = *self.keys.entry(key).or_insert(next);
        if slot == next {
            self.values.push(Vec::new());
            self.signals.push(metric.signal);
        }
        Ok(Slot(slot))
    }

    /// Adds a sample.
    pub fn push(&mut self, slot: Slot, sample: Sample) {
        self.values[slot.0].push(sample);
    }

    /// Adds samples.
    pub fn extend(&mut self, slot: Slot, samples: &[Sample]) {
        self.values[slot.0].extend_from_slice(samples);
    }

    /// What a slot's samples measure.
    pub fn signal(&self, slot: Slot) -> Signal {
        self.signals[slot.0]
    }

    /// The sample that came last.
    pub fn last(&self, slot: Slot) -> Option<Sample> {
        self.values[slot.0].last().copied()
    }

    /// Counts a series that was left out.
    pub(crate) fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_insert(0) += 1;
    }

    /// Adds what another file holds.
    pub fn merge(&mut self, other: Self) {
        let mut values: Vec<Option<Vec<Sample>>> = other.values.into_iter().map(Some).collect();
        for (key, index) in other.keys {
            let theirs = values[index].take().unwrap_or_default();
            let next = self.values.len();
            let signal = key.metric.signal;
            match *self.keys.entry(key).or_insert(next) {
                slot if slot == next => {
                    self.values.push(theirs);
                    self.signals.push(signal);
                }
                slot => self.values[slot].extend(theirs),
            }
        }
        for (recorder, names) in other.recorders {
            self.recorders.entry(recorder).or_default().extend(names);
        }
        for (reason, count) in other.left_out {
            *self.left_out.entry(reason).or_insert(0) += count;
        }
    }

    /// Every series with its samples, in the order of the keys.
    pub fn into_series(self) -> impl Iterator<Item = (SeriesKey, Vec<Sample>)> {
        let mut values: Vec<Option<Vec<Sample>>> = self.values.into_iter().map(Some).collect();
        self.keys
            .into_iter()
            .map(move |(key, index)| (key, values[index].take().unwrap_or_default()))
    }
}

fn metric_of(labels: &Labels, expected: &Expected, by_file: Option<Metric>) -> Result<Metric, Refused> {
    let name = labels.get("__name__");
    let by_name = name.and_then(|name| by_metric_name(name, |label| labels.get(label)));
    if let Some(stated) = expected.signal {
        // the command line decides what is measured; a counter's name still decides how
        return Ok(by_name
            .filter(|metric| metric.signal == stated)
            .unwrap_or(Metric::gauge(stated)));
    }
    match (by_name, name) {
        (Some(metric), _) => Ok(metric),
        (None, Some(name)) if is_ignorable(name) => Err(Refused::Useless("of other resources")),
        (None, Some(name)) if by_file.is_none() => {
            let known: Vec<_> = Signal::all().map(Signal::id).collect();
            Err(Refused::Fault(Box::new(
                Note::error(code::SIGNAL_UNKNOWN, format!("metric `{name}` tells no signal"))
                    .help(format!("name it as SIGNAL=FILE; signals are {}", known.join(", "))),
            )))
        }
        _ => by_file.ok_or_else(|| {
            let known: Vec<_> = Signal::all().map(Signal::id).collect();
            Refused::Fault(Box::new(
                Note::error(
                    code::SIGNAL_UNKNOWN,
                    "neither the series nor the file's name tell what is measured",
                )
                .help(format!("name it as SIGNAL=FILE; signals are {}", known.join(", "))),
            ))
        }),
    }
}

fn key_of(labels: &Labels, expected: &Expected, metric: Metric) -> Result<SeriesKey, Refused> {
    let namespace = labels.first(NAMESPACE).or(expected.namespace.as_deref());
    let Some(namespace) = namespace else {
        return Err(Refused::Fault(Box::new(
            Note::error(code::NAMESPACE_MISSING, "a series has no `namespace` label")
                .help("export it with the label, or give --namespace NAME if all of the file is one namespace"),
        )));
    };
    let workload = workload_of(labels);
    let pod = labels.first(POD).unwrap_or_default();
    if pod.is_empty() && workload.is_none() {
        return Err(Refused::Useless("without a pod or workload label"));
    }
    let container = labels.first(CONTAINER).unwrap_or_default();
    let named = workload.iter().flat_map(|named| [named.name.as_str()]);
    let objects = [namespace, pod, container]
        .into_iter()
        .chain(named)
        .filter(|name| !name.is_empty());
    let kinds = workload.iter().filter_map(|named| named.kind.as_deref());
    if !objects.into_iter().all(is_name) || !kinds.into_iter().all(is_kind) {
        return Err(Refused::Useless("with names that no Kubernetes object can have"));
    }
    if metric.signal.is_of_container() && matches!(container, "" | "POD") {
        return Err(Refused::Useless("of whole pods or their pause container"));
    }
    let counter = match metric.meaning {
        Meaning::Rate => format!(
            "{}\0{}",
            labels.get("cpu").unwrap_or("total"),
            labels.get("id").unwrap_or_default()
        ),
        _ => String::new(),
    };
    Ok(SeriesKey {
        metric,
        namespace: namespace.to_owned(),
        workload,
        pod: pod.to_owned(),
        container: if metric.signal.is_of_container() {
            container.to_owned()
        } else {
            String::new()
        },
        counter,
    })
}

fn workload_of(labels: &Labels) -> Option<Named> {
    for (name, kind) in PAIRS {
        if let Some(name) = labels.get(name) {
            return Some(Named {
                kind: labels.get(kind).map(kind_spelling),
                name: name.to_owned(),
            });
        }
    }
    for (label, kind) in KINDS {
        if let Some(name) = labels.get(label) {
            return Some(Named {
                kind: Some((*kind).to_owned()),
                name: name.to_owned(),
            });
        }
    }
    labels.first(BARE).map(|name| Named {
        kind: None,
        name: name.strip_prefix("keda-hpa-").unwrap_or(name).to_owned(),
    })
}

/// The API's spelling of a kind that recording rules write in lower case.
pub fn kind_spelling(kind: &str) -> String {
    const KINDS: [&str; 10] = [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "CronJob",
        "Job",
        "Rollout",
        "Pod",
        "DeploymentConfig",
        "ReplicationController",
    ];
    KINDS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(kind))
        .map_or_else(|| kind.to_owned(), |known| (*known).to_owned())
}

/// Whether this can be the name of a Kubernetes object or container: nothing that could break a line or a path.
pub fn is_name(text: &str) -> bool {
    text.len() <= 253
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether this can be a kind.
pub fn is_kind(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Sorts a reading into the samples or names why it is left out.
pub(crate) fn usable(reading: Option<Reading>) -> Result<u64, Code> {
    match reading {
        Some(Reading::Value(value)) => Ok(value),
        Some(Reading::Absent) => Err(code::VALUE_ABSENT),
        Some(Reading::Negative) => Err(code::VALUE_NEGATIVE),
        Some(Reading::TooLarge) => Err(code::VALUE_TOO_LARGE),
        None => Err(code::VALUE_MALFORMED),
    }
}

/// Words for the codes of left-out samples, to follow "3 samples".
pub(crate) fn describe(code: Code) -> &'static str {
    match code {
        code::VALUE_ABSENT => "without a value (NaN, Inf, null or blank) left out",
        code::VALUE_NEGATIVE => "below zero left out",
        code::VALUE_TOO_LARGE => "beyond any cluster left out",
        code::TIME_OUT_OF_RANGE => "before 2000 or after 2100 left out",
        code::TIME_COLUMNS => "with another time in another column, more than a day apart",
        code::ROW_OUT_OF_ORDER => "older than the one before in their series, sorted in",
        code::ROW_DUPLICATE => "at the same time as the one before in their series, counted once",
        code::TIME_IN_MILLISECONDS => "with times in ms, µs or ns converted to seconds",
        _ => "left out",
    }
}

/// Remarks about series that were left out of a file.
pub(crate) fn left_out_notes(samples: &Samples) -> Vec<Note> {
    let note = |(reason, count): (&&'static str, &u64)| {
        Note::info(code::SERIES_LEFT_OUT, format!("{count} series {reason} left out"))
    };
    samples.left_out.iter().map(note).collect()
}
