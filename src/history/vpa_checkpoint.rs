//! Checkpoints of the Vertical Pod Autoscaler, as `kubectl get vpacheckpoints -o json` (or `yaml`) lists them.
//!
//! A checkpoint is what the recommender restarts from: per container one histogram of CPU samples and one of the highest
//! memory of each day. It is history of a coarse kind: buckets 5 % apart, weights that were decayed and scaled (the largest
//! is 10000), no time, no pods, no totals. So it is kept apart from samples all the way to the plan.
//!
//! Whose a container is, its VPA tells: the object of that name in the same files, or among the manifests.

use super::note::Note;
use super::owners::WorkloadKey;
use super::samples::{is_kind, is_name, kind_spelling};
use super::signal::Signal;
use super::time::from_text;
use super::{Format, Input, Read, has};
use crate::diag::code;
use crate::yaml;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// Buckets of both histograms. The recommender makes them from 0.01 cores to 1000 and from 10 MB to 1 TB, each 5 % wider
/// than the one before (kubernetes/autoscaler, `pkg/recommender/model/aggregations_config.go`).
const BUCKETS: usize = 176;
/// End of the first bucket: 0.01 cores in nano-cores, and 10 MB in bytes.
const FIRST_END: u128 = 10_000_000;
/// The form of checkpoints that these buckets belong to; another one has others.
const VERSION: &str = "v3";

/// One histogram of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Kubernetes namespace.
    pub namespace: String,
    /// Name of the VPA.
    pub vpa: String,
    /// The container.
    pub container: String,
    /// CPU or memory.
    pub signal: Signal,
    /// First sample that the recommender saw, Unix seconds.
    pub first_s: i64,
    /// Last sample.
    pub last_s: i64,
    /// CPU samples that it saw in between.
    pub samples: u64,
    /// By the greatest amount a bucket stands for, in nano-cores or bytes.
    pub weights: BTreeMap<u64, u64>,
}

/// What a VPA is for, by its namespace (none where a manifest states none) and name.
pub type Targets = BTreeMap<(Option<String>, String), BTreeSet<WorkloadKey>>;

/// All checkpoints of one or more files.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    /// In the order they came.
    pub all: Vec<Checkpoint>,
    /// Of the VPAs beside them.
    pub targets: Targets,
}

impl Checkpoints {
    /// Adds those of another file.
    pub fn merge(&mut self, other: Self) {
        self.all.extend(other.all);
        for (vpa, targets) in other.targets {
            self.targets.entry(vpa).or_default().extend(targets);
        }
    }
}

/// The workload of a VPA; `None` where the object is no VPA or names none.
pub(super) fn target_of(vpa: &Value) -> Option<((Option<String>, String), WorkloadKey)> {
    let text = |pointer: &str| vpa.pointer(pointer).and_then(Value::as_str);
    let is_vpa = text("/kind") == Some("VerticalPodAutoscaler");
    let (kind, name) = (text("/spec/targetRef/kind")?, text("/spec/targetRef/name")?);
    if !is_vpa || !is_kind(kind) || !is_name(name) {
        return None;
    }
    let of = (
        text("/metadata/namespace").map(str::to_owned),
        text("/metadata/name")?.to_owned(),
    );
    Some((of, WorkloadKey::new(kind_spelling(kind), name)))
}

/// Lists of checkpoints and VPAs.
pub struct VpaCheckpoint;

impl Format for VpaCheckpoint {
    fn id(&self) -> &'static str {
        "vpa-checkpoint"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let is_object = ["apiVersion", "autoscaling.k8s.io", "VerticalPodAutoscaler"];
        is_object.iter().all(|mark| has(head, mark))
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let malformed = |what: String| vec![Note::error(code::EXPORT_MALFORMED, what).in_file(input.name)];
        let limits = yaml::Limits::STREAM;
        let mut bytes = Vec::new();
        text.take(limits.bytes as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| malformed(format!("cannot read on: {error}")))?;
        let documents = yaml::read_all(&bytes, &limits).map_err(|error| malformed(error.to_string()))?;
        let mut read = Read::of(input);
        for document in &documents {
            object(input, &document.value, "", &mut read);
        }
        let only_targets = read.checkpoints.all.is_empty() && !read.checkpoints.targets.is_empty();
        if only_targets && read.faults.is_empty() {
            let message = "holds VPAs and no checkpoint: they tell whose checkpoints of other files are, \
                and what they recommend is a result and no history";
            let help = "list both: kubectl get vpa,vpacheckpoints -A -o json";
            let note = Note::warning(code::NOT_A_HISTORY, message).in_file(input.name);
            read.notes.push(note.help(help));
            input.name.clone_into(&mut read.name);
            return Ok(read);
        }
        read.finish(input)
    }
}

/// Takes an object, or the items of a list; items of a list of one kind need not repeat it.
fn object(input: &Input<'_>, value: &Value, of_list: &str, read: &mut Read) {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or(of_list);
    if let Some(items) = value.get("items").and_then(Value::as_array) {
        let of_items = kind.strip_suffix("List").unwrap_or_default();
        for item in items {
            object(input, item, of_items, read);
        }
        return;
    }
    match kind {
        "VerticalPodAutoscaler" => {
            if let Some((vpa, target)) = target_of(value) {
                read.checkpoints.targets.entry(vpa).or_default().insert(target);
            }
        }
        "VerticalPodAutoscalerCheckpoint" => {
            if let Err(note) = checkpoint(input, value, read) {
                read.fault(input, note);
            }
        }
        _ => {}
    }
}

#[derive(Deserialize)]
struct Wire {
    metadata: Metadata,
    spec: Spec,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    vpa_object_name: String,
    container_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: Option<String>,
    cpu_histogram: Option<Histogram>,
    memory_histogram: Option<Histogram>,
    first_sample_start: Option<String>,
    last_sample_start: Option<String>,
    #[serde(default)]
    total_samples_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Histogram {
    #[serde(default)]
    bucket_weights: BTreeMap<String, u64>,
}

fn checkpoint(input: &Input<'_>, value: &Value, read: &mut Read) -> Result<(), Note> {
    let malformed = |what: String| Note::error(code::EXPORT_MALFORMED, what);
    let Wire { metadata, spec, status } =
        Wire::deserialize(value).map_err(|error| malformed(format!("a checkpoint can't be read: {error}")))?;
    let namespace = metadata.namespace.or_else(|| input.expected.namespace.clone());
    let name = metadata.name;
    let namespace = namespace.ok_or_else(|| {
        Note::error(
            code::NAMESPACE_MISSING,
            format!("checkpoint `{name}` names no namespace"),
        )
        .help("list it with `kubectl get -o json`, or give --namespace NAME if all of the file is one namespace")
    })?;
    let place = format!("checkpoint `{namespace}/{name}`");
    if ![&namespace, &spec.vpa_object_name, &spec.container_name]
        .into_iter()
        .all(|name| is_name(name))
    {
        read.samples.leave_out("with names that no Kubernetes object can have");
        return Ok(());
    }
    let empty = "of containers that the recommender has no sample of";
    let Some(status) = status else {
        read.samples.leave_out(empty);
        return Ok(());
    };
    let instant = |text: Option<String>| text.map(|text| from_text(&text).map_err(|_| text)).transpose();
    let of_time = |text: String| {
        Note::error(code::TIME_MALFORMED, format!("{place}: `{text}` is no time")).help("times are RFC 3339")
    };
    let times = (
        instant(status.first_sample_start).map_err(of_time)?,
        instant(status.last_sample_start).map_err(of_time)?,
    );
    let (Some(first_ms), Some(last_ms)) = times else {
        read.samples.leave_out(empty);
        return Ok(());
    };
    let version = status.version.unwrap_or_default();
    if version != VERSION {
        let what = format!("{place} is of version `{version}`, whose buckets are not known; `{VERSION}` is read");
        return Err(malformed(what).help("list it again after the recommender wrote it anew"));
    }
    if first_ms > last_ms {
        return Err(malformed(format!("{place} ends before it begins")));
    }
    for (signal, histogram) in [
        (Signal::Cpu, status.cpu_histogram),
        (Signal::Memory, status.memory_histogram),
    ] {
        let weights = weights(histogram).map_err(|what| malformed(format!("{place}, {signal}: {what}")))?;
        if weights.is_empty() {
            read.samples.leave_out(empty);
            continue;
        }
        read.extent.note(last_ms, 0);
        read.checkpoints.all.push(Checkpoint {
            namespace: namespace.clone(),
            vpa: spec.vpa_object_name.clone(),
            container: spec.container_name.clone(),
            signal,
            first_s: first_ms.div_euclid(1000),
            last_s: last_ms.div_euclid(1000),
            samples: status.total_samples_count,
            weights,
        });
    }
    Ok(())
}

/// Weights by the end of their bucket.
fn weights(histogram: Option<Histogram>) -> Result<BTreeMap<u64, u64>, String> {
    /// The recommender scales the largest to 10000; a sum of so many fits 64 bits with all room.
    const MOST: u64 = u32::MAX as u64;
    let ends = ends();
    let mut weights = BTreeMap::new();
    for (index, weight) in histogram.into_iter().flat_map(|histogram| histogram.bucket_weights) {
        let end = index.parse::<usize>().ok().and_then(|index| ends.get(index));
        let end = end.ok_or_else(|| format!("there is no bucket `{index}`, the last is {}", BUCKETS - 1))?;
        if weight > MOST {
            return Err(format!("a weight of {weight} in bucket {index} can't be"));
        }
        if weight > 0 {
            weights.insert(*end, weight);
        }
    }
    Ok(weights)
}

/// The ends of all buckets, which is what the recommender reads its own quantiles as: nothing in a bucket is above. Only
/// the last one is open, and stands for where it begins.
fn ends() -> [u64; BUCKETS] {
    // every end is 21/20 of the one before and a first bucket more; the parts of a unit are carried along
    const PARTS: u128 = 1 << 64;
    let mut end = 0;
    let mut ends = [0; BUCKETS];
    for place in &mut ends[..BUCKETS - 1] {
        end = end * 21 / 20 + FIRST_END * PARTS;
        *place = u64::try_from(end.div_ceil(PARTS)).unwrap_or(u64::MAX);
    }
    ends[BUCKETS - 1] = ends[BUCKETS - 2];
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_grow_by_a_twentieth() {
        let ends = ends();
        // 10; 10 + 10.5; 20.5 + 11.025; 31.525 + 11.57625 millicores
        assert_eq!(ends[..4], [10_000_000, 20_500_000, 31_525_000, 43_101_250]);
        // 0.01 (1.05^n - 1) / 0.05 cores end n buckets: 1.05^175 = e^(175 × 0.048790164) = e^8.5382787 = 5106.5
        let last_cores = ends[BUCKETS - 2] / 1_000_000_000;
        assert_eq!(last_cores, 1021);
        assert_eq!(ends[BUCKETS - 1], ends[BUCKETS - 2]);
        assert!(ends[..BUCKETS - 1].windows(2).all(|pair| pair[0] < pair[1]));
    }
}
