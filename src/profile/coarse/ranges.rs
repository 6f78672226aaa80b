//! Counts of VictoriaMetrics in its ranges, of pods and stretches of time, as coarse blocks of containers. They add up:
//! counts of stretches that do not overlap are those of the whole.

use super::{Coarse, CoarseSource, FAULTS, Shards, by_ends};
use crate::diag::code;
use crate::history::clean::SeriesName;
use crate::history::identity::{Identity, Resolver};
use crate::history::note::Note;
use crate::history::owners::{Declared, Owners, WorkloadKey};
use crate::history::samples::Name;
use crate::history::signal::Signal;
use crate::history::vmrange::{Counts, Ranges, Stretch};
use crate::profile::Profile;
use crate::profile::build::{Options, unresolved};
use std::collections::BTreeMap;

/// Counts of one series, and the file they are from.
type Stretches = BTreeMap<Stretch, (Counts, String)>;

/// One shard a namespace, with nothing but coarse blocks.
pub(in crate::profile) fn shards(
    files: Vec<(String, Ranges)>,
    owners: &Owners,
    declared: &Declared,
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Vec<Profile>, Vec<Note>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let all = joined(files)?;
    let resolver = Resolver::new(owners.clone(), declared.clone(), all.keys());
    let (mut blocks, mut strangers): (BTreeMap<Of, Block>, u64) = (BTreeMap::new(), 0);
    let mut faults = Vec::new();
    for (series, stretches) in all {
        match resolver.resolve(&series) {
            Ok(Some((workload, identity))) => {
                let of = Of {
                    namespace: series.namespace,
                    workload,
                    container: series.container,
                    signal: series.signal,
                };
                blocks.entry(of).or_default().add(identity, stretches);
            }
            Ok(None) => strangers += 1,
            Err(note) if faults.contains(&note) => {}
            Err(note) => faults.push(note),
        }
    }
    if !faults.is_empty() {
        faults.truncate(FAULTS);
        return Err(faults);
    }
    if strangers > 0 {
        let message = format!("counts of {strangers} series belong to no known workload and are left out");
        notes.push(unresolved(message));
    }
    let mut shards = Shards {
        options,
        profiles: BTreeMap::new(),
    };
    for (of, block) in blocks {
        let Some((identity, coarse)) = block.coarse() else {
            continue;
        };
        shards.add(&of.namespace, of.workload, identity, (&of.container, of.signal), coarse);
    }
    Ok(shards.profiles.into_values().collect())
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    namespace: Name,
    workload: WorkloadKey,
    container: Name,
    signal: Signal,
}

/// All pods of a container.
#[derive(Default)]
struct Block {
    identity: Option<Identity>,
    all: Option<Stretch>,
    counts: Counts,
}

impl Block {
    fn add(&mut self, identity: Identity, stretches: Stretches) {
        self.identity = self.identity.max(Some(identity));
        for (stretch, (counts, _)) in stretches {
            self.all = Some(self.all.map_or(stretch, |known| Stretch {
                from_s: known.from_s.min(stretch.from_s),
                to_s: known.to_s.max(stretch.to_s),
            }));
            for (end, count) in counts {
                let known = self.counts.entry(end).or_insert(0);
                *known = known.saturating_add(count);
            }
        }
    }

    fn coarse(&self) -> Option<(Identity, Coarse)> {
        let Stretch { from_s, to_s } = self.all?;
        let coarse = Coarse {
            source: CoarseSource::VmRange,
            first_s: from_s,
            last_s: to_s,
            samples: self.counts.values().fold(0, |sum, count| sum.saturating_add(*count)),
            weights: by_ends(&self.counts),
        };
        Some((self.identity?, coarse))
    }
}

/// The counts of all files, those of a stretch that two have once.
fn joined(files: Vec<(String, Ranges)>) -> Result<BTreeMap<SeriesName, Stretches>, Vec<Note>> {
    let mut all: BTreeMap<SeriesName, Stretches> = BTreeMap::new();
    for (file, ranges) in files {
        for (series, stretches) in ranges {
            let known = all.entry(series).or_default();
            for (stretch, counts) in stretches {
                let (first, name) = known.entry(stretch).or_insert_with(|| (counts.clone(), file.clone()));
                if *first != counts {
                    return Err(vec![twice(&file, name, "has other counts of the same time than")]);
                }
            }
        }
    }
    for stretches in all.values() {
        let neighbours = stretches.iter().zip(stretches.iter().skip(1));
        for ((one, (_, file)), (next, (_, other))) in neighbours {
            if next.from_s < one.to_s {
                return Err(vec![twice(other, file, "counts a time that is counted in")]);
            }
        }
    }
    Ok(all)
}

fn twice(file: &str, other: &str, what: &str) -> Note {
    Note::error(code::RANGES_UNUSABLE, format!("{what} `{other}`"))
        .in_file(file)
        .help("give answers for stretches of time that do not overlap, each with its length in the label `window`")
}
