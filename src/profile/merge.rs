//! Merging profiles of parts of the same input. Shards merge exactly; finished profiles merge where they do not know
//! the same time, since quantised totals do not add.

use super::build::GRID_MIN_S;
use super::calendar::{Week, cell_end};
use super::coarse::Coarse;
use super::collected::combine_of;
use super::demand::DemandWeek;
use super::finish::finish;
use super::parts::{Part, distinct, once};
use super::usage::{Exact, Profile, Scope, SignalHistory, Source, WorkloadHistory};
use crate::diag::{code, first_of};
use crate::history::clean::{gcd, needs_grid};
use crate::history::note::Note;
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What merging gives.
#[derive(Clone, Debug)]
pub struct Merged {
    /// One of each scope.
    pub profiles: Vec<Profile>,
    /// What was given twice.
    pub notes: Vec<Note>,
}

/// Merges profiles, those of the same scope with each other; the order of the parts does not matter.
///
/// With `keep_exact` shards merge to a shard; otherwise the result is finished.
pub fn merge(parts: Vec<Profile>, keep_exact: bool) -> Result<Vec<Profile>, Note> {
    let unnamed = parts.into_iter().map(|profile| Part {
        name: String::new(),
        profile,
    });
    Ok(merge_parts(unnamed.collect(), keep_exact)?.profiles)
}

/// The same of parts with names, by which it is told what was given twice and what does not fit.
pub fn merge_parts(parts: Vec<Part>, keep_exact: bool) -> Result<Merged, Note> {
    let mut by_scope: BTreeMap<Scope, Vec<Part>> = BTreeMap::new();
    for part in parts {
        by_scope.entry(part.profile.scope.clone()).or_default().push(part);
    }
    let mut merged = Merged {
        profiles: Vec::new(),
        notes: Vec::new(),
    };
    for parts in by_scope.into_values() {
        merged.profiles.push(merge_scope(parts, keep_exact, &mut merged.notes)?);
    }
    Ok(merged)
}

fn merge_scope(mut parts: Vec<Part>, keep_exact: bool, notes: &mut Vec<Note>) -> Result<Profile, Note> {
    // one order for all: which of two that say the same stays, and what is told, does not depend on how they were given
    parts.sort_by_cached_key(|part| {
        let profile = &part.profile;
        (
            profile.window.map(|window| (window.start, window.end)),
            Reverse(profile.sources.len()),
            Reverse(profile.has_states()),
            part.name.clone(),
            super::written::Written::of(profile).digest,
        )
    });
    let parts = distinct(parts, notes);
    check_form(&parts)?;
    let is_shard = parts[0].profile.shard;
    let mut parts = once(parts, notes).into_iter();
    let Part { name, profile } = parts.next().expect("broken invariant: a scope has a part");
    let (mut held, mut merged) = (Held::default(), profile);
    held.note(&name, &merged);
    let mut lost = BTreeSet::new();
    for Part { name, profile } in parts {
        held.note(&name, &profile);
        lost.extend(merged.states_lost(&profile));
        if is_shard {
            without_states(&lost, Note::error).map_or(Ok(()), Err)?;
        }
        merged = merge_two(merged, profile, &held)?;
    }
    notes.extend(without_states(&lost, Note::warning));
    if is_shard {
        count_series(&mut merged);
    }
    Ok(if keep_exact { merged } else { finish(merged) })
}

/// What is kept of samples in their order is of one run: it does not add up.
fn without_states(lost: &BTreeSet<String>, note: fn(code::Code, String) -> Note) -> Option<Note> {
    let first = lost.first()?;
    let and_more = match lost.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let message =
        format!("{first} is in several parts{and_more}, and what `--with-state` keeps of samples does not add up");
    let help = "make the parts so that each holds all samples of its workloads, or all in one run; or make them without `--with-state`";
    Some(note(code::MERGE_STATES, message).help(help))
}

/// All shards or none, and of one step.
fn check_form(parts: &[Part]) -> Result<(), Note> {
    let shards = parts.iter().filter(|part| part.profile.shard).count();
    let first = &parts[0];
    let differs = |of: fn(&Profile) -> u32| parts.iter().find(|part| of(&part.profile) != of(&first.profile));
    if let Some(other) = differs(|profile| profile.shard.into()) {
        let message = format!(
            "{shards} of {} profiles of namespace `{}` are shards",
            parts.len(),
            first.profile.scope.namespace
        );
        let (part, whole) = if other.profile.shard {
            (other, first)
        } else {
            (first, other)
        };
        let names = [part, whole].map(|part| format!("`{}`", part.name));
        let message = if part.name.is_empty() {
            message
        } else {
            format!("{message}: {} is one, {} is not", names[0], names[1])
        };
        return Err(Note::error(code::MERGE_MIXED, message).help("make all parts with --shard, or none"));
    }
    if let Some(other) = differs(|profile| profile.step_s) {
        let message = format!(
            "the parts have steps of {}{} and {}{}",
            first.profile.step(),
            in_words(&first.name),
            other.profile.step(),
            in_words(&other.name)
        );
        return Err(Note::error(code::MERGE_STEP, message).help("make all parts with the same --step"));
    }
    Ok(())
}

fn in_words(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" (`{name}`)")
    }
}

/// Which parts know a signal of a container, and from when to when, for what is told where they clash.
#[derive(Default)]
struct Held {
    names: Vec<String>,
    spans: BTreeMap<(WorkloadKey, String, Signal), Vec<Span>>,
}

#[derive(Clone, Copy)]
struct Span {
    part: usize,
    first_s: i64,
    last_s: i64,
}

impl Held {
    fn note(&mut self, name: &str, part: &Profile) {
        let place = self.names.len();
        self.names.push(name.to_owned());
        for (key, workload) in &part.workloads {
            for (container, signal) in workload.signals.keys() {
                let Some(source) = part.sources.get(signal) else {
                    continue;
                };
                let span = Span {
                    part: place,
                    first_s: source.first.unix(),
                    last_s: source.last.unix(),
                };
                let of = (key.clone(), container.clone(), *signal);
                self.spans.entry(of).or_default().push(span);
            }
        }
    }

    /// The files of the parts that may know a signal at an instant.
    fn files(&self, of: &(WorkloadKey, String, Signal), at_s: i64, step_s: i64) -> Vec<String> {
        let spans = self.spans.get(of).into_iter().flatten();
        let knows = |span: &&Span| span.first_s - step_s < at_s && at_s < span.last_s + step_s;
        let mut names: Vec<&str> = spans.filter(knows).map(|span| &*self.names[span.part]).collect();
        names.dedup();
        let named = names.into_iter().filter(|name| !name.is_empty());
        named.map(|name| format!("`{name}`")).collect()
    }
}

/// Shards know which series they hold, so a series cut by time is counted once.
fn count_series(profile: &mut Profile) {
    for (signal, source) in &mut profile.sources {
        let histories = profile.workloads.values().flat_map(|workload| &workload.signals);
        let of_signal = histories.filter(|((_, other), _)| other == signal);
        let held: u64 = of_signal.map(|(_, history)| history.exact.stretches.len() as u64).sum();
        // rows that were counted elsewhere don't tell their series
        source.series = if held > 0 { held } else { source.series };
    }
}

fn merge_two(mut one: Profile, other: Profile, held: &Held) -> Result<Profile, Note> {
    for (signal, source) in other.sources {
        let joined = match one.sources.get(&signal) {
            Some(known) => join_sources(signal, known, &source, one.shard)?,
            None => source,
        };
        one.sources.insert(signal, joined);
    }
    one.window = match (one.window, other.window) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    };
    for (key, theirs) in other.workloads {
        let ours = one.workloads.entry(key.clone()).or_default();
        merge_workload(&key, ours, theirs, &one.sources, i64::from(one.step_s), held)?;
    }
    Ok(one)
}

fn join_sources(signal: Signal, one: &Source, other: &Source, shards: bool) -> Result<Source, Note> {
    let off = |grid: u64| grid != 0 && grid < GRID_MIN_S;
    let between = one.first.unix().abs_diff(other.first.unix());
    let grid_s = if !needs_grid(signal) {
        0
    } else if off(one.grid_s) || off(other.grid_s) {
        1
    } else {
        gcd(gcd(one.grid_s, other.grid_s), between)
    };
    if shards && off(grid_s) && !(off(one.grid_s) && off(other.grid_s)) {
        let message = format!("samples of `{signal}` lie on different grids in the parts, so their totals do not add");
        return Err(Note::error(code::MERGE_GRIDS, message)
            .help("export all parts with one step and starts a whole number of steps apart"));
    }
    // finished profiles have forgotten which series they share
    let series = if shards {
        one.series + other.series
    } else {
        one.series.max(other.series)
    };
    Ok(Source {
        series,
        grid_s,
        ..one.and(other)
    })
}

fn merge_workload(
    key: &WorkloadKey,
    ours: &mut WorkloadHistory,
    theirs: WorkloadHistory,
    sources: &BTreeMap<Signal, Source>,
    step_s: i64,
    held: &Held,
) -> Result<(), Note> {
    ours.identity.extend(theirs.identity);
    for ((container, signal), history) in theirs.signals {
        let cells = sources
            .get(&signal)
            .is_some_and(|source| source.grid_s == 1)
            .then_some(step_s);
        let of = (key.clone(), container.clone(), signal);
        let known = ours.signals.entry((container, signal)).or_default();
        merge_signal(signal, known, history, cells)
            .map_err(|clash| clash.note(&of, &held.files(&of, clash.at(), step_s)))?;
    }
    Ok(())
}

/// Two parts hold the same time, where they must not.
enum Clash {
    Final(i64),
    Shards(i64),
}

impl Clash {
    fn at(&self) -> i64 {
        let (Self::Final(at) | Self::Shards(at)) = *self;
        at
    }

    fn note(&self, (key, container, signal): &(WorkloadKey, String, Signal), files: &[String]) -> Note {
        let instant = crate::units::Timestamp::from_unix(self.at());
        let instant = instant.map_or_else(String::new, |instant| instant.to_string());
        let container = match container.as_str() {
            "" => String::new(),
            name => format!(" container `{name}`"),
        };
        let place = format!("{key}{container} signal `{signal}`");
        let whose = match files {
            [] => String::new(),
            files => format!(": {}", first_of(files)),
        };
        match self {
            Self::Final(_) => Note::error(
                code::MERGE_OVERLAP,
                format!("{place} is known at {instant} by two profiles, and finished totals do not add{whose}"),
            )
            .help(
                "keep the one that is to count; or make the parts with `trimtab profile --shard`, each sample in one of \
                 them, and merge those",
            ),
            Self::Shards(_) => Note::error(
                code::MERGE_OVERLAP,
                format!("{place} has a series whose samples at {instant} are in two shards{whose}"),
            )
            .help("cut shards so that each sample is in one: query_range includes both ends, so start a step later"),
        }
    }
}

fn merge_signal(
    signal: Signal,
    ours: &mut SignalHistory,
    mut theirs: SignalHistory,
    cells: Option<i64>,
) -> Result<(), Clash> {
    merge_exact(signal, &mut ours.exact, std::mem::take(&mut theirs.exact), cells)?;
    for (week, demand) in merge_all_but_demand(ours, theirs) {
        let joined = match ours.demand.remove(&week) {
            Some(known) => known
                .join(demand, week)
                .map_err(|overlap| Clash::Final(overlap.end_s))?,
            None => demand,
        };
        ours.demand.insert(week, joined);
    }
    Ok(())
}

/// What finished profiles merge exactly, whatever they know; what is left is demand.
pub(super) fn merge_all_but_demand(ours: &mut SignalHistory, mut theirs: SignalHistory) -> BTreeMap<Week, DemandWeek> {
    ours.join_ordered(&mut theirs);
    for (week, sketch) in theirs.sketches {
        ours.sketches.entry(week).or_default().merge(&sketch);
    }
    ours.state = std::mem::take(&mut ours.state).join(theirs.state);
    ours.days.merge(&theirs.days);
    ours.averaged_s = ours.averaged_s.max(theirs.averaged_s);
    ours.coarse = Coarse::later(ours.coarse.take(), theirs.coarse);
    theirs.demand
}

fn merge_exact(signal: Signal, ours: &mut Exact, theirs: Exact, cells: Option<i64>) -> Result<(), Clash> {
    for (series, stretches) in theirs.stretches {
        let known = ours.stretches.entry(series).or_default();
        known.extend(stretches);
        known.sort_unstable();
        let rounded = |at: i64| cells.map_or(at, |step| cell_end(at, step));
        if let Some(pair) = known.windows(2).find(|pair| rounded(pair[0].1) >= rounded(pair[1].0)) {
            return Err(Clash::Shards(pair[1].0));
        }
    }
    ours.timeline.merge(theirs.timeline, combine_of(signal));
    ours.counters.merge(&theirs.counters);
    Ok(())
}
