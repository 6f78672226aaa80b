//! What another program kept of usage in buckets and weights of its own: known apart from samples, and never added to
//! them.
//!
//! In: checkpoints of the Vertical Pod Autoscaler, counts of VictoriaMetrics in its ranges (`ranges.rs`). Out: shards that hold nothing but coarse blocks, merged like others.

use super::build::Options;
use super::calendar::cell_end;
use super::level::Level;
use super::pack::PayloadError;
use super::sketch::{Sketch, integer};
use super::usage::{Profile, Scope, Window};
use crate::diag::code;
use crate::history::identity::{Identity, ambiguous};
use crate::history::note::Note;
use crate::history::owners::{Declared, WorkloadKey};
use crate::history::signal::Signal;
use crate::history::vpa_checkpoint::{Checkpoint, Checkpoints, Targets};
use crate::units::{Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The recommender forgets: memory is eight days of daily peaks, CPU halves every day.
const KEPT_S: i64 = 8 * 86_400;
/// How many faults are told.
const FAULTS: usize = 20;
/// Begins the payload of what VictoriaMetrics counted.
const VMRANGE: &str = "vmrange ";

mod ranges;
pub(super) use ranges::shards as of_ranges;

/// Who kept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoarseSource {
    /// The recommender of the Vertical Pod Autoscaler.
    VpaCheckpoint,
    /// VictoriaMetrics, in ranges of its own.
    VmRange,
}

/// Decayed weights of one signal of one container. The sketch counts weights, not samples, by the upper ends of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coarse {
    /// Who kept it.
    pub source: CoarseSource,
    /// First sample, Unix seconds.
    pub first_s: i64,
    /// Last sample.
    pub last_s: i64,
    /// Samples that were seen in between.
    pub samples: u64,
    /// The weights.
    pub weights: Sketch,
}

impl Coarse {
    fn of(checkpoint: &Checkpoint) -> Self {
        Self {
            source: CoarseSource::VpaCheckpoint,
            first_s: checkpoint.first_s,
            last_s: checkpoint.last_s,
            samples: checkpoint.samples,
            weights: by_ends(&checkpoint.weights),
        }
    }

    /// Where the time that it is of begins: the recommender remembers no more than some days.
    fn begins_s(&self) -> i64 {
        match self.source {
            CoarseSource::VpaCheckpoint => self.first_s.max(self.last_s - KEPT_S),
            CoarseSource::VmRange => self.first_s,
        }
    }

    /// The time that the weights are of.
    pub fn recorded(&self) -> Seconds {
        Seconds::new((self.last_s - self.begins_s()).max(0).unsigned_abs())
    }

    /// Of two of the same container, the one that is as of later: they are states of the same thing.
    pub(super) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter()
            .chain(other)
            .max_by_key(|coarse| (coarse.last_s, coarse.first_s, coarse.encode()))
    }

    /// `first last samples` and the weights as a sketch has them; before that a word where it is no checkpoint.
    pub(super) fn encode(&self) -> String {
        let Self {
            source,
            first_s,
            last_s,
            samples,
            weights,
        } = self;
        let word = match source {
            CoarseSource::VpaCheckpoint => "",
            CoarseSource::VmRange => VMRANGE,
        };
        format!("{word}{first_s} {last_s} {samples} {}", weights.encode())
    }

    pub(super) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let (source, payload) = match payload.strip_prefix(VMRANGE) {
            Some(payload) => (CoarseSource::VmRange, payload),
            None => (CoarseSource::VpaCheckpoint, payload),
        };
        let mut fields = payload.splitn(4, ' ');
        let mut next = || fields.next().unwrap_or_default();
        let (first_s, last_s) = (integer(next(), "first sample")?, integer(next(), "last sample")?);
        let (samples, weights) = (integer(next(), "samples")?, Sketch::decode(next())?);
        if first_s > last_s {
            return Err(PayloadError::new("ends before it begins"));
        }
        Ok(Self {
            source,
            first_s,
            last_s,
            samples,
            weights,
        })
    }
}

/// A sketch of what is known by the ends of its buckets.
fn by_ends(weights: &BTreeMap<u64, u64>) -> Sketch {
    let mut buckets: BTreeMap<Level, u64> = BTreeMap::new();
    let mut sum = 0;
    for (&end, &weight) in weights {
        *buckets.entry(Level::of(end)).or_insert(0) += weight;
        sum += u128::from(end) * u128::from(weight);
    }
    let ends = || weights.keys().copied();
    let (least, most) = (ends().min().unwrap_or(0), ends().max().unwrap_or(0));
    Sketch::of_buckets(buckets.into_iter().collect(), sum, least, most)
}

/// Shards by namespace, with nothing but coarse blocks.
struct Shards<'o> {
    options: &'o Options,
    profiles: BTreeMap<String, Profile>,
}

impl Shards<'_> {
    fn add(&mut self, namespace: &str, workload: WorkloadKey, identity: Identity, of: (&str, Signal), coarse: Coarse) {
        let options = self.options;
        let shard = self.profiles.entry(namespace.to_owned()).or_insert_with(|| Profile {
            shard: true,
            ..Profile::new(Scope::of(namespace, options), options.step_s)
        });
        let window = window(&coarse, i64::from(options.step_s));
        shard.window = Some(shard.window.map_or(window, |known| known.and(window)));
        let workload = shard.workloads.entry(workload).or_default();
        workload.identity.insert(identity);
        let (container, signal) = of;
        let history = workload.signals.entry((container.to_owned(), signal)).or_default();
        history.coarse = Coarse::later(history.coarse.take(), Some(coarse));
    }
}

/// What was kept by others, as shards.
pub(super) fn shards(
    checkpoints: &Checkpoints,
    declared: &Declared,
    options: &Options,
) -> Result<Vec<Profile>, Vec<Note>> {
    let mut faults: BTreeMap<(&str, &str), Note> = BTreeMap::new();
    let mut shards = Shards {
        options,
        profiles: BTreeMap::new(),
    };
    for one in &checkpoints.all {
        let key = match target(one, &checkpoints.targets, declared.vpas()) {
            Ok(key) => key,
            Err(note) => {
                faults.insert((&one.namespace, &one.vpa), note);
                continue;
            }
        };
        let of = (one.container.as_str(), one.signal);
        shards.add(&one.namespace, key, Identity::Label, of, Coarse::of(one));
    }
    if faults.is_empty() {
        Ok(shards.profiles.into_values().collect())
    } else {
        Err(faults.into_values().take(FAULTS).collect())
    }
}

/// What the VPA of a checkpoint is for: the files' own word, else the manifests'.
fn target(one: &Checkpoint, of_files: &Targets, declared: &Targets) -> Result<WorkloadKey, Note> {
    let Checkpoint { namespace, vpa, .. } = one;
    let named = |namespace: Option<&String>| (namespace.cloned(), vpa.clone());
    let places = [
        (of_files, Some(namespace)),
        (of_files, None),
        (declared, Some(namespace)),
        (declared, None),
    ];
    let found: Option<&BTreeSet<WorkloadKey>> = places
        .into_iter()
        .find_map(|(targets, namespace)| targets.get(&named(namespace)));
    let mut found = found.into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(one), Some(other)) => Err(ambiguous(namespace, &format!("VPA `{vpa}`"), one, other)),
        (None, _) => {
            let message = format!("a checkpoint is of VPA `{vpa}` in `{namespace}`, and nothing tells its workload");
            let help = "list the VPAs too (kubectl get vpa,vpacheckpoints -A -o json), or give the manifests that \
                hold it (--manifests)";
            Err(Note::error(code::VPA_UNKNOWN, message).help(help))
        }
    }
}

fn window(one: &Coarse, step: i64) -> Window {
    let first_end_s = match one.source {
        CoarseSource::VpaCheckpoint => one.begins_s(),
        // what was counted ended behind the beginning
        CoarseSource::VmRange => one.begins_s() + 1,
    };
    let instant = |second| Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100");
    Window {
        start: instant(cell_end(first_end_s, step) - step),
        end: instant(one.last_s),
    }
}
