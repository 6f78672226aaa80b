//! Which workloads of two states of profiles are one under two names: told by weeks of the very same samples.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use crate::profile::calendar::Week;
use crate::profile::{Profile, WorkloadHistory};

/// A workload of one of several profiles.
pub(super) type Place<'p> = (usize, &'p WorkloadKey);

/// A week of a container's signal, by how many samples it has, the least, the greatest and their sum.
type Mark<'h> = (&'h str, Signal, Week, u64, [Option<u64>; 2], u128);

/// Those of `gone` that are one of `new` by now. Where several are alike, which is which can't be told: then none is.
pub(super) fn pairs<'p>(
    (before, gone): (&'p [Profile], &[Place<'p>]),
    (after, new): (&'p [Profile], &[Place<'p>]),
) -> BTreeMap<Place<'p>, Place<'p>> {
    let history = |profiles: &'p [Profile], (at, key): Place<'p>| profiles[at].workloads.get(key);
    let mut known: BTreeMap<Mark<'p>, Vec<Place<'p>>> = BTreeMap::new();
    for &place in new {
        for mark in history(after, place).into_iter().flat_map(marks) {
            known.entry(mark).or_default().push(place);
        }
    }
    let mut found: BTreeMap<Place<'p>, BTreeSet<Place<'p>>> = BTreeMap::new();
    for &place in gone {
        let marks = history(before, place).into_iter().flat_map(marks);
        let alike = marks.flat_map(|mark| known.get(&mark).into_iter().flatten().copied());
        found.insert(place, alike.collect());
    }
    let mut claims: BTreeMap<Place<'p>, usize> = BTreeMap::new();
    for &alike in found.values().flatten() {
        *claims.entry(alike).or_default() += 1;
    }
    let only = |alike: BTreeSet<Place<'p>>| alike.first().copied().filter(|_| alike.len() == 1);
    let pairs = found.into_iter().filter_map(|(was, alike)| Some((was, only(alike)?)));
    pairs.filter(|(_, is)| claims.get(is) == Some(&1)).collect()
}

fn marks(history: &WorkloadHistory) -> impl Iterator<Item = Mark<'_>> {
    let usage = history.signals.iter();
    let usage = usage.filter(|((_, signal), _)| matches!(signal, Signal::Cpu | Signal::Memory));
    usage.flat_map(|((container, signal), kept)| {
        kept.sketches.iter().map(|(week, sketch)| {
            let ends = [sketch.min(), sketch.max()];
            (container.as_str(), *signal, *week, sketch.count(), ends, sketch.sum())
        })
    })
}
