//! What the formats deliver: samples by series, with the labels that say whose they are.

use super::note::Note;
use super::number::Reading;
use super::pairs::{ArrayScratch, Edges, InFile};
use super::signal::{Meaning, Metric, Signal, by_metric_name, is_ignorable};
use super::spool::{Block, Room};
use crate::diag::{Code, code};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// A name that many series have in common is held once.
pub type Name = Arc<str>;

/// A workload as labels name it; the kind may be missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `Deployment`, `StatefulSet`, …
    pub kind: Option<Name>,
    /// Its name.
    pub name: Name,
}

/// Whose samples these are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// What is measured and how the numbers tell it.
    pub metric: Metric,
    /// Kubernetes namespace.
    pub namespace: Name,
    /// The workload where labels name it.
    pub workload: Option<Named>,
    /// The pod; empty for a series of a whole workload.
    pub pod: Name,
    /// The container; empty for a signal of a workload.
    pub container: Name,
    /// What else tells apart counters that must be differenced one by one: the cpu, the container's id.
    pub counter: Name,
}

impl SeriesKey {
    /// Of what it is.
    pub(super) fn words(&self) -> String {
        let whose = whose(&self.namespace, self.workload.as_ref(), &self.pod, &self.container);
        format!("`{}` of {whose}", self.metric.signal)
    }
}

/// Whose a series is, as far as it is said.
pub(super) fn whose(namespace: &str, workload: Option<&Named>, pod: &str, container: &str) -> String {
    let workload = workload.map_or("", |named| &named.name);
    let mut parts = vec![namespace, workload, pod, container];
    parts.retain(|part| !part.is_empty());
    parts.join("/")
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
const RECORDERS: &[&str] = &[
    "cluster",
    "prometheus",
    "prometheus_replica",
    "replica",
    "tenant_id",
    "job",
];

/// Labels that tell apart who recorded a series, with their values.
type Recorder = Arc<[(&'static str, String)]>;

/// The same while a series is read.
type RecordedBy = Vec<(&'static str, String)>;

/// A label under several values of which one and the same series was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) values: BTreeSet<String>,
    /// The first such series, in the order of their names.
    pub(crate) series: String,
}

/// What the reader was told about an input.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The signal given on the command line.
    pub signal: Option<Signal>,
    /// The namespace of series that have none.
    pub namespace: Option<String>,
    /// Keep only series whose `cluster` label is this, where they have one.
    pub cluster: Option<String>,
    /// Labels that do not tell series apart: of one with a value only series with that value, or without the label, are
    /// taken; several values of one without are the same thing recorded several times.
    pub recorders: Vec<(String, Option<String>)>,
}

impl Expected {
    fn is_left_out(&self, labels: &Labels) -> bool {
        let differs = |(name, wanted): &(String, Option<String>)| match (wanted, labels.get(name)) {
            (Some(wanted), Some(found)) => wanted != found,
            _ => false,
        };
        self.recorders.iter().any(differs)
    }

    fn recorder(&self, labels: &Labels) -> RecordedBy {
        let is_open = |name: &&&'static str| self.recorders.iter().all(|(known, _)| known != **name);
        let open = RECORDERS.iter().filter(is_open);
        open.filter_map(|name| Some((*name, labels.get(name)?.to_owned())))
            .collect()
    }
}

/// Why a series is left out that nothing leads to a workload.
pub(super) const NAMELESS: &str = "without a pod or workload label";

/// Where the samples of a series go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

/// Samples that may wait unpacked for more of their series, all series together: rows of tables come in any order.
const LOOSE_MAX: usize = 256 * 1024;
/// And so many of each series, where there are so many series that the bound above is too few.
const LOOSE_EACH: usize = 32;
/// Fewer samples of a series take less room where they are than packed and put aside.
const PACKED_MIN: usize = 8;
/// Samples that are worth a block of their own.
const BLOCK_MIN: usize = 256;

/// Samples of one or more files, by series, in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    keys: BTreeMap<SeriesKey, usize>,
    names: BTreeSet<Name>,
    slots: Vec<Held>,
    room: Room,
    /// Samples in `loose` of all slots.
    loose: usize,
    /// The first failure to put samples aside.
    failure: Option<String>,
    /// Values of `cluster`.
    pub(crate) clusters: BTreeSet<String>,
    known_recorders: BTreeSet<Recorder>,
    /// By label.
    pub(crate) clashes: BTreeMap<&'static str, Clash>,
    pub(crate) left_out: BTreeMap<&'static str, u64>,
}

/// The samples of one series, in the order they came: first those put aside. Small, since there may be millions of series
/// of a sample each.
#[derive(Clone, Debug)]
struct Held {
    signal: Signal,
    loose: Loose,
    aside: Option<Box<Aside>>,
    /// Who recorded it last, where labels tell.
    recorder: Option<Recorder>,
    /// Length of the intervals whose averages its values are, in seconds; 0 where they are as fine as a rate.
    averaged_s: u32,
}

impl Held {
    fn of(signal: Signal) -> Self {
        Self {
            signal,
            loose: Loose::default(),
            aside: None,
            recorder: None,
            averaged_s: 0,
        }
    }

    fn parts(&self) -> &[Part] {
        self.aside.as_ref().map_or(&[], |aside| &aside.parts)
    }

    fn times(&self) -> Option<Times> {
        let aside = self.aside.as_ref().and_then(|aside| aside.times);
        both(aside, Times::of(self.loose.all()))
    }

    fn last(&self) -> Option<Sample> {
        let aside = || self.aside.as_ref().and_then(|aside| aside.last);
        self.loose.all().last().copied().or_else(aside)
    }
}

/// Samples that wait for more of their series.
#[derive(Clone, Debug)]
enum Loose {
    One(Sample),
    Many(Vec<Sample>),
}

impl Default for Loose {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Loose {
    fn all(&self) -> &[Sample] {
        match self {
            Self::One(sample) => std::slice::from_ref(sample),
            Self::Many(samples) => samples,
        }
    }

    fn extend(&mut self, more: &[Sample]) {
        match self {
            Self::Many(samples) => match (samples.is_empty(), more) {
                (true, &[only]) => *self = Self::One(only),
                _ => samples.extend_from_slice(more),
            },
            Self::One(first) => *self = Self::Many([&[*first], more].concat()),
        }
    }
}

/// What was put aside of a series.
#[derive(Clone, Debug, Default)]
struct Aside {
    parts: Vec<Part>,
    /// The sample that came last of those that were packed.
    last: Option<Sample>,
    times: Option<Times>,
}

impl Aside {
    fn extend(&mut self, more: Self) {
        self.parts.extend(more.parts);
        self.last = more.last.or(self.last);
        self.times = both(self.times, more.times);
    }
}

#[derive(Clone, Debug)]
enum Part {
    Packed(Block),
    InFile(InFile),
}

/// What is known of the times of samples before they are read, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The earliest.
    pub first: i64,
    /// The latest.
    pub last: i64,
    /// Between the first two that came and are not the same, which may be less than all others or more; 0 without such.
    pub distance: u64,
}

impl Times {
    fn of(samples: &[Sample]) -> Option<Self> {
        let times = || samples.iter().map(|sample| sample.at_ms);
        Some(Self {
            first: times().min()?,
            last: times().max()?,
            distance: samples
                .windows(2)
                .map(|pair| pair[1].at_ms.abs_diff(pair[0].at_ms))
                .find(|&distance| distance > 0)
                .unwrap_or(0),
        })
    }

    fn and(self, later: Self) -> Self {
        let between = later.first.abs_diff(self.last);
        Self {
            first: self.first.min(later.first),
            last: self.last.max(later.last),
            distance: if self.distance > 0 { self.distance } else { between },
        }
    }
}

fn both(known: Option<Times>, later: Option<Times>) -> Option<Times> {
    match (known, later) {
        (Some(known), Some(later)) => Some(known.and(later)),
        (known, later) => known.or(later),
    }
}

/// Room to work in, for reading many series.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    arrays: ArrayScratch,
    samples: Vec<Sample>,
}

impl Scratch {
    /// Takes samples that are not needed any more, for the room they have.
    pub fn give_back(&mut self, samples: Vec<Sample>) {
        self.samples = samples;
    }
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
    /// None yet; what does not fit in memory goes to `room`.
    pub fn in_room(room: Room) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// The slot for the samples of a series with these labels. `metric` is what the file's name tells.
    pub fn slot(&mut self, labels: &Labels, expected: &Expected, metric: Option<Metric>) -> Result<Slot, Refused> {
        let (key, recorder) = self.key(labels, expected, metric)?;
        let recorder = self.known(recorder);
        Ok(self.slot_recorded(key, &recorder))
    }

    /// Whose a series with these labels is, and who recorded it.
    pub(super) fn key(
        &mut self,
        labels: &Labels,
        expected: &Expected,
        metric: Option<Metric>,
    ) -> Result<(SeriesKey, RecordedBy), Refused> {
        let metric = metric_of(labels, expected, metric)?;
        if let (Some(wanted), Some(cluster)) = (&expected.cluster, labels.get("cluster"))
            && wanted != cluster
        {
            return Err(Refused::Useless("of another cluster"));
        }
        if expected.is_left_out(labels) {
            return Err(Refused::Useless("of another recorder"));
        }
        let recorder = expected.recorder(labels);
        if let Some((_, cluster)) = recorder.iter().find(|(name, _)| *name == "cluster") {
            self.clusters.insert(cluster.clone());
        }
        Ok((self.key_of(labels, expected, metric)?, recorder))
    }

    /// The same name is held once.
    fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return Name::clone(known);
        }
        let name = Name::from(text);
        self.names.insert(Name::clone(&name));
        name
    }

    /// The same labels of a recorder are held once.
    fn known(&mut self, recorder: RecordedBy) -> Recorder {
        if let Some(known) = self.known_recorders.get(recorder.as_slice()) {
            return known.clone();
        }
        let recorder: Recorder = recorder.into();
        self.known_recorders.insert(recorder.clone());
        recorder
    }

    /// The slot of a series by whom it was recorded, which must be the same each time.
    fn slot_recorded(&mut self, key: SeriesKey, recorder: &Recorder) -> Slot {
        let slot = self.slot_of(key);
        if recorder.is_empty() {
            return slot;
        }
        let known = self.slots[slot.0].recorder.replace(recorder.clone());
        if let Some(known) = known.filter(|known| known != recorder) {
            self.clash(slot, &known, recorder);
        }
        slot
    }

    fn clash(&mut self, slot: Slot, one: &Recorder, other: &Recorder) {
        let series = self.keys.iter().find(|(_, place)| **place == slot.0);
        let series = series.map_or_else(String::new, |(key, _)| key.words());
        for &label in RECORDERS {
            let value = |recorder: &Recorder| {
                recorder
                    .iter()
                    .find(|(name, _)| *name == label)
                    .map(|(_, value)| value.clone())
            };
            let (Some(one), Some(other)) = (value(one), value(other)) else {
                continue;
            };
            if one != other {
                let (values, series) = (BTreeSet::from([one, other]), series.clone());
                self.note_clash(label, Clash { values, series });
            }
        }
    }

    fn note_clash(&mut self, label: &'static str, clash: Clash) {
        let known = self.clashes.entry(label).or_insert_with(|| clash.clone());
        known.values.extend(clash.values);
        known.series = std::mem::take(&mut known.series).min(clash.series);
    }

    /// The slot of a series.
    pub(super) fn slot_of(&mut self, key: SeriesKey) -> Slot {
        let (next, signal) = (self.slots.len(), key.metric.signal);
        let slot = *self.keys.entry(key).or_insert(next);
        if slot == next {
            self.slots.push(Held::of(signal));
        }
        Slot(slot)
    }

    /// Notes that values of a series are averages over so many seconds, which hides what happened within.
    pub(super) fn mark_averages(&mut self, slot: Slot, seconds: u32) {
        let known = &mut self.slots[slot.0].averaged_s;
        *known = seconds.max(*known);
    }

    /// The longest interval whose averages the values of a series are, in seconds.
    pub(super) fn averaged_s(&self, slot: Slot) -> Option<u32> {
        Some(self.slots[slot.0].averaged_s).filter(|&seconds| seconds > 0)
    }

    /// Adds a sample.
    pub fn push(&mut self, slot: Slot, sample: Sample) {
        self.extend(slot, &[sample]);
    }

    /// Adds samples.
    pub fn extend(&mut self, slot: Slot, samples: &[Sample]) {
        let held = &mut self.slots[slot.0];
        if samples.len() >= BLOCK_MIN && held.loose.all().is_empty() {
            self.put(slot, samples);
            return;
        }
        held.loose.extend(samples);
        self.loose += samples.len();
        if self.loose > LOOSE_MAX.max(LOOSE_EACH * self.slots.len()) {
            self.settle();
        }
    }

    /// Puts all loose samples aside, but for series of a few.
    pub(super) fn settle(&mut self) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].loose.all().len() >= PACKED_MIN {
                self.put_loose(Slot(slot));
            }
        }
    }

    fn put_loose(&mut self, slot: Slot) {
        let loose = std::mem::take(&mut self.slots[slot.0].loose);
        self.loose -= loose.all().len();
        self.put(slot, loose.all());
    }

    fn put(&mut self, slot: Slot, samples: &[Sample]) {
        if samples.is_empty() {
            return;
        }
        let mut blocks = Vec::new();
        if let Err(error) = Block::put(samples, &self.room, &mut blocks) {
            self.failure.get_or_insert_with(|| error.to_string());
        }
        self.set_aside(
            slot,
            Aside {
                parts: blocks.into_iter().map(Part::Packed).collect(),
                last: samples.last().copied(),
                times: Times::of(samples),
            },
        );
    }

    fn set_aside(&mut self, slot: Slot, more: Aside) {
        match &mut self.slots[slot.0].aside {
            Some(aside) => aside.extend(more),
            none => *none = Some(Box::new(more)),
        }
    }

    /// Adds samples that stay in their file.
    pub(super) fn leave(&mut self, slot: Slot, array: InFile, edges: Edges) {
        self.put_loose(slot);
        let times = Times {
            first: edges.first,
            last: edges.last,
            distance: edges.second.abs_diff(edges.first),
        };
        self.set_aside(
            slot,
            Aside {
                parts: vec![Part::InFile(array)],
                last: None,
                times: Some(times),
            },
        );
    }

    /// Reads the samples of a slot back, in the order they came, into a vector of `scratch` where there is one.
    pub fn get(&self, slot: Slot, scratch: &mut Scratch) -> Result<Vec<Sample>, Note> {
        let held = &self.slots[slot.0];
        let mut samples = std::mem::take(&mut scratch.samples);
        samples.clear();
        for part in held.parts() {
            match part {
                Part::Packed(block) => block
                    .get(&mut scratch.bytes, &mut samples)
                    .map_err(|error| no_room(&error.to_string()))?,
                Part::InFile(array) => array
                    .get(&mut scratch.arrays, &mut samples)
                    .map_err(|error| Note::error(code::EXPORT_MALFORMED, error.to_string()))?,
            }
        }
        samples.extend_from_slice(held.loose.all());
        Ok(samples)
    }

    /// Whether [`Self::get`] is known to give a slot's samples in ascending time, each instant once.
    pub(super) fn ascend(&self, slot: Slot) -> bool {
        let held = &self.slots[slot.0];
        match held.loose.all() {
            [] => matches!(held.parts(), [Part::InFile(_)]),
            loose => held.parts().is_empty() && loose.len() == 1,
        }
    }

    /// What went wrong while samples were put aside.
    pub(super) fn failure(&self) -> Option<Note> {
        self.failure.as_deref().map(no_room)
    }

    /// What a slot's samples measure.
    pub fn signal(&self, slot: Slot) -> Signal {
        self.slots[slot.0].signal
    }

    /// What is known of the times of a slot's samples; `None` without any sample.
    pub fn times(&self, slot: Slot) -> Option<Times> {
        self.slots[slot.0].times()
    }

    /// The sample that came last, of those that are not left in their file.
    pub fn last(&self, slot: Slot) -> Option<Sample> {
        self.slots[slot.0].last()
    }

    /// Counts a series that was left out.
    pub(crate) fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_insert(0) += 1;
    }

    /// Adds what another file holds.
    pub fn merge(&mut self, mut other: Self) {
        if self.slots.is_empty() {
            (self.keys, self.slots) = (std::mem::take(&mut other.keys), std::mem::take(&mut other.slots));
            (self.names, self.known_recorders) = (other.names, other.known_recorders);
            (self.room, self.loose) = (other.room, other.loose);
        }
        for (key, theirs) in other.keys {
            let signal = key.metric.signal;
            let held = std::mem::replace(&mut other.slots[theirs], Held::of(signal));
            let recorder = held.recorder.unwrap_or_else(|| Arc::from([]));
            let slot = self.slot_recorded(key, &recorder);
            self.mark_averages(slot, held.averaged_s);
            if let Some(aside) = held.aside {
                self.put_loose(slot);
                self.set_aside(slot, *aside);
            }
            self.extend(slot, held.loose.all());
        }
        self.clusters.extend(other.clusters);
        for (label, clash) in other.clashes {
            self.note_clash(label, clash);
        }
        for (reason, count) in other.left_out {
            *self.left_out.entry(reason).or_insert(0) += count;
        }
        self.failure = self.failure.take().or(other.failure);
    }

    /// Every series that has samples with its slot, in the order of the keys, which are given away.
    pub(super) fn give_series(&mut self) -> impl Iterator<Item = (SeriesKey, Slot)> {
        let keys = std::mem::take(&mut self.keys);
        self.names = BTreeSet::new();
        keys.into_iter()
            .map(|(key, slot)| (key, Slot(slot)))
            .filter(|&(_, slot)| self.times(slot).is_some())
    }

    /// How many series there are, with and without samples.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn key_of(&mut self, labels: &Labels, expected: &Expected, metric: Metric) -> Result<SeriesKey, Refused> {
        let namespace = labels.first(NAMESPACE).or(expected.namespace.as_deref());
        let Some(namespace) = namespace else {
            return Err(Refused::Fault(Box::new(
                Note::error(code::NAMESPACE_MISSING, "a series has no `namespace` label")
                    .help("export it with the label, or give --namespace NAME if all of the file is one namespace"),
            )));
        };
        let workload = self.workload_of(labels);
        let pod = labels.first(POD).unwrap_or_default();
        if pod.is_empty() && workload.is_none() {
            return Err(Refused::Useless(NAMELESS));
        }
        let container = labels.first(CONTAINER).unwrap_or_default();
        let named = workload.iter().flat_map(|named| [&*named.name]);
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
        let container = if metric.signal.is_of_container() { container } else { "" };
        let cpu = labels.get("cpu").unwrap_or("total");
        let counter = match (metric.meaning, labels.get("id")) {
            (Meaning::Rate, Some(id)) => Name::from(format!("{cpu}\0{id}")),
            (Meaning::Rate, None) => self.name(&format!("{cpu}\0")),
            _ => self.name(""),
        };
        Ok(SeriesKey {
            metric,
            namespace: self.name(namespace),
            workload,
            // most pods have one series of a metric
            pod: if pod.is_empty() {
                self.name(pod)
            } else {
                Name::from(pod)
            },
            container: self.name(container),
            counter,
        })
    }

    fn workload_of(&mut self, labels: &Labels) -> Option<Named> {
        for (name, kind) in PAIRS {
            if let Some(name) = labels.get(name) {
                return Some(Named {
                    kind: labels.get(kind).map(|kind| self.name(&kind_spelling(kind))),
                    name: self.name(name),
                });
            }
        }
        for (label, kind) in KINDS {
            if let Some(name) = labels.get(label) {
                return Some(Named {
                    kind: Some(self.name(kind)),
                    name: self.name(name),
                });
            }
        }
        labels.first(BARE).map(|name| Named {
            kind: None,
            name: self.name(name.strip_prefix("keda-hpa-").unwrap_or(name)),
        })
    }
}

pub(crate) fn no_room(why: &str) -> Note {
    Note::error(
        code::EXPORT_UNREADABLE,
        format!("samples were put aside in a temporary file, and that failed: {why}"),
    )
    .help("give temporary files more room: set TMPDIR to a folder on a larger disk")
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
