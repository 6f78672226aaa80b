//! What another program kept of usage in buckets and weights of its own: known apart from samples, and never added to
//! them.
//!
//! In: checkpoints of the Vertical Pod Autoscaler. Out: shards that hold nothing but coarse blocks, merged like others.

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
use crate::history::vpa_checkpoint::{Checkpoint, Checkpoints, Targets};
use crate::units::{Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The recommender forgets: memory is eight days of daily peaks, CPU halves every day.
const KEPT_S: i64 = 8 * 86_400;
/// How many faults are told.
const FAULTS: usize = 20;

/// Decayed weights of one signal of one container. The sketch counts weights, not samples, by the upper ends of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coarse {
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
        let mut buckets: BTreeMap<Level, u64> = BTreeMap::new();
        let mut sum = 0;
        for (&end, &weight) in &checkpoint.weights {
            *buckets.entry(Level::of(end)).or_insert(0) += weight;
            sum += u128::from(end) * u128::from(weight);
        }
        let ends = || checkpoint.weights.keys().copied();
        let (least, most) = (ends().min().unwrap_or(0), ends().max().unwrap_or(0));
        Self {
            first_s: checkpoint.first_s,
            last_s: checkpoint.last_s,
            samples: checkpoint.samples,
            weights: Sketch::of_buckets(buckets.into_iter().collect(), sum, least, most),
        }
    }

    /// The time that the weights are of: no longer than the recommender remembers.
    pub fn recorded(&self) -> Seconds {
        Seconds::new((self.last_s - self.first_s).clamp(0, KEPT_S).unsigned_abs())
    }

    /// Of two of the same container, the one that is as of later: they are states of the same thing.
    pub(super) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter()
            .chain(other)
            .max_by_key(|coarse| (coarse.last_s, coarse.first_s, coarse.encode()))
    }

    /// `first last samples` and the weights as a sketch has them.
    pub(super) fn encode(&self) -> String {
        let Self {
            first_s,
            last_s,
            samples,
            weights,
        } = self;
        format!("{first_s} {last_s} {samples} {}", weights.encode())
    }

    pub(super) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let mut fields = payload.splitn(4, ' ');
        let mut next = || fields.next().unwrap_or_default();
        let (first_s, last_s) = (integer(next(), "first sample")?, integer(next(), "last sample")?);
        let (samples, weights) = (integer(next(), "samples")?, Sketch::decode(next())?);
        if first_s > last_s {
            return Err(PayloadError::new("ends before it begins"));
        }
        Ok(Self {
            first_s,
            last_s,
            samples,
            weights,
        })
    }
}

/// One shard a namespace, with nothing but coarse blocks.
pub(super) fn shards(
    checkpoints: &Checkpoints,
    declared: &Declared,
    options: &Options,
) -> Result<Vec<Profile>, Vec<Note>> {
    let mut faults: BTreeMap<(&str, &str), Note> = BTreeMap::new();
    let mut shards: BTreeMap<&str, Profile> = BTreeMap::new();
    for one in &checkpoints.all {
        let key = match target(one, &checkpoints.targets, declared.vpas()) {
            Ok(key) => key,
            Err(note) => {
                faults.insert((&one.namespace, &one.vpa), note);
                continue;
            }
        };
        let shard = shards.entry(&one.namespace).or_insert_with(|| Profile {
            shard: true,
            ..Profile::new(Scope::of(&one.namespace, options), options.step_s)
        });
        let window = window(one, i64::from(options.step_s));
        shard.window = Some(shard.window.map_or(window, |known| known.and(window)));
        let workload = shard.workloads.entry(key).or_default();
        workload.identity.insert(Identity::Label);
        let history = workload.signals.entry((one.container.clone(), one.signal)).or_default();
        history.coarse = Coarse::later(history.coarse.take(), Some(Coarse::of(one)));
    }
    if faults.is_empty() {
        Ok(shards.into_values().collect())
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

fn window(one: &Checkpoint, step: i64) -> Window {
    let instant = |second| Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100");
    let first = one.first_s.max(one.last_s - KEPT_S);
    Window {
        start: instant(cell_end(first, step) - step),
        end: instant(one.last_s),
    }
}
