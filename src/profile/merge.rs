//! Merging profiles of parts of the same input. Shards merge exactly; finished profiles merge where they do not know
//! the same time, since quantised totals do not add.

use super::build::GRID_MIN_S;
use super::calendar::{Week, cell_end};
use super::coarse::Coarse;
use super::collected::combine_of;
use super::demand::DemandWeek;
use super::finish::finish;
use super::usage::{Exact, Profile, Scope, SignalHistory, Source, WorkloadHistory};
use crate::diag::code;
use crate::history::clean::{gcd, needs_grid};
use crate::history::note::Note;
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use std::collections::BTreeMap;

/// Merges profiles, those of the same scope with each other; the order of the parts does not matter.
///
/// With `keep_exact` shards merge to a shard; otherwise the result is finished.
pub fn merge(parts: Vec<Profile>, keep_exact: bool) -> Result<Vec<Profile>, Note> {
    let mut by_scope: BTreeMap<Scope, Vec<Profile>> = BTreeMap::new();
    for part in parts {
        by_scope.entry(part.scope.clone()).or_default().push(part);
    }
    by_scope
        .into_values()
        .map(|parts| merge_scope(parts, keep_exact))
        .collect()
}

fn merge_scope(mut parts: Vec<Profile>, keep_exact: bool) -> Result<Profile, Note> {
    // a part given twice says nothing new; and one order for all makes error messages alike
    parts.sort_by_cached_key(|part| {
        (
            part.window.map(|window| (window.start, window.end)),
            super::written::Written::of(part).digest,
        )
    });
    parts.dedup();
    let shards = parts.iter().filter(|part| part.shard).count();
    if shards > 0 && shards < parts.len() {
        let message = format!(
            "{shards} of {} profiles of namespace `{}` are shards",
            parts.len(),
            parts[0].scope.namespace
        );
        return Err(Note::error(code::MERGE_MIXED, message).help("make all parts with --shard, or none"));
    }
    let mut parts = parts.into_iter();
    let mut merged = parts.next().expect("broken invariant: a scope has a part");
    for part in parts {
        merged = merge_two(merged, part)?;
    }
    if shards > 0 {
        count_series(&mut merged);
    }
    Ok(if keep_exact { merged } else { finish(merged) })
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

fn merge_two(mut one: Profile, other: Profile) -> Result<Profile, Note> {
    if one.step_s != other.step_s {
        let message = format!("the parts have steps of {} and {}", one.step(), other.step());
        return Err(Note::error(code::MERGE_STEP, message).help("make all parts with the same --step"));
    }
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
        merge_workload(&key, ours, theirs, &one.sources, i64::from(one.step_s))?;
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
) -> Result<(), Note> {
    ours.identity.extend(theirs.identity);
    for ((container, signal), history) in theirs.signals {
        let cells = sources
            .get(&signal)
            .is_some_and(|source| source.grid_s == 1)
            .then_some(step_s);
        let place = format!("{key} container `{container}` signal `{signal}`");
        let known = ours.signals.entry((container, signal)).or_default();
        merge_signal(signal, known, history, cells).map_err(|overlap| overlap.note(&place))?;
    }
    Ok(())
}

/// Two parts hold the same time, where they must not.
enum Clash {
    Final(i64),
    Shards(i64),
}

impl Clash {
    fn note(&self, place: &str) -> Note {
        let (Self::Final(at) | Self::Shards(at)) = *self;
        let instant = crate::units::Timestamp::from_unix(at).map_or_else(String::new, |instant| instant.to_string());
        match self {
            Self::Final(_) => Note::error(
                code::MERGE_OVERLAP,
                format!("{place} is known at {instant} by two profiles, and finished totals do not add"),
            )
            .help("make the parts with `trimtab profile --shard` and merge those"),
            Self::Shards(_) => Note::error(
                code::MERGE_OVERLAP,
                format!("{place} has a series whose samples at {instant} are in two shards"),
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
pub(super) fn merge_all_but_demand(ours: &mut SignalHistory, theirs: SignalHistory) -> BTreeMap<Week, DemandWeek> {
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
