//! A profile's history of a workload, turned into facts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{ContainerFacts, Demand, DemandCell, Facts, Replicas, Rough, RoughSource, WeekUsage};
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use crate::profile::coarse::CoarseSource;
use crate::profile::{Profile, SignalHistory, WorkloadHistory};
use crate::units::{Bytes, Millicores, Percent, Seconds, Timestamp};

/// What Flagger appends to the name of the workload that serves.
const FLAGGER_PRIMARY: &str = "-primary";

/// Facts of one workload from the profiles of its environment, one a cluster. `None` where none of them knows it.
///
/// `namespace` empty: the profiles of the only namespace that knows a workload of this kind and name.
pub fn of(profiles: &[Profile], namespace: &str, kind: &str, name: &str) -> Option<Facts> {
    keys(kind, name).iter().find_map(|key| find(profiles, namespace, key))
}

/// The names that the history of a workload may have, the first that is known being its own.
pub fn keys(kind: &str, name: &str) -> [WorkloadKey; 2] {
    // Flagger sends the traffic to the copy, so the copy's usage is the workload's
    let serving = format!("{name}{FLAGGER_PRIMARY}");
    [WorkloadKey::new(kind, serving), WorkloadKey::new(kind, name)]
}

fn find(profiles: &[Profile], namespace: &str, key: &WorkloadKey) -> Option<Facts> {
    let known: Vec<(&Profile, &WorkloadHistory)> = profiles
        .iter()
        .filter(|profile| namespace.is_empty() || profile.scope.namespace == namespace)
        .filter_map(|profile| profile.workloads.get(key).map(|history| (profile, history)))
        .collect();
    let (first, _) = known.first()?;
    if known
        .iter()
        .any(|(profile, _)| profile.scope.namespace != first.scope.namespace)
    {
        return None;
    }
    let is_job = matches!(key.kind.as_str(), "Job" | "CronJob");
    Some(merge(&known, is_job))
}

/// Facts over clusters: usage kept apart, times and shares of the worst.
fn merge(known: &[(&Profile, &WorkloadHistory)], is_job: bool) -> Facts {
    let mut facts = Facts {
        window_end: known.iter().filter_map(|(profile, _)| profile.window_end()).max(),
        ..Facts::default()
    };
    let spans: Vec<(Seconds, Percent)> = known.iter().map(|(profile, history)| span(profile, history)).collect();
    facts.recorded = spans.iter().map(|(recorded, _)| *recorded).min().unwrap_or_default();
    facts.coverage = spans.iter().map(|(_, coverage)| *coverage).min().unwrap_or_default();
    for (profile, history) in known {
        for name in history.containers() {
            let container = facts.containers.entry(name.to_owned()).or_default();
            add_container(container, profile, history, name, is_job);
        }
        let at = profile.window_end();
        let in_force = |signal| at.is_some_and(|at| history.in_force("", signal, at).is_some());
        facts.has_scaler_in_force |= in_force(Signal::HpaMin) || in_force(Signal::KedaMin) || in_force(Signal::HpaMax);
        facts.oom_kills += history
            .containers()
            .iter()
            .filter_map(|name| history.signal(name, Signal::Oom))
            .map(|signal| signal.days.total())
            .sum::<u64>();
        facts.startup = facts.startup.max(startup(history));
        let replicas = replicas(profile, history);
        facts.replicas.last_day_p95 = facts.replicas.last_day_p95.max(replicas.last_day_p95);
        // clusters are never added: the one with most pods decides
        if replicas.highest > facts.replicas.highest {
            facts.replicas.seen = replicas.seen;
        }
        facts.replicas.highest = facts.replicas.highest.max(replicas.highest);
    }
    facts
}

/// From the first to the last sample of the signal that is known best, and the known share of that time.
fn span(profile: &Profile, history: &WorkloadHistory) -> (Seconds, Percent) {
    let candidates = history
        .containers()
        .into_iter()
        .flat_map(|name| [(name, Signal::Cpu), (name, Signal::Memory)]);
    candidates
        .filter_map(|(name, signal)| {
            let (recorded, coverage) = span_of(profile, history, name, signal)?;
            Some((signal == Signal::Cpu, recorded, coverage))
        })
        .max()
        .map_or((Seconds::ZERO, Percent::ZERO), |(_, recorded, coverage)| {
            (recorded, coverage)
        })
}

fn span_of(profile: &Profile, history: &WorkloadHistory, name: &str, signal: Signal) -> Option<(Seconds, Percent)> {
    let mut steps = fine(history, name, signal)?.demand_steps();
    let first = steps.next()?;
    let start = first.end.checked_sub(first.length)?;
    let recorded = steps.next_back().unwrap_or(first).end.since(start)?;
    let known = profile.coverage(history, name, signal).known * u64::from(profile.step_s);
    let coverage = Percent::ratio_floor(u128::from(known), u128::from(recorded.get().max(1)))?;
    Some((recorded, coverage.min(Percent::WHOLE)))
}

fn add_container(facts: &mut ContainerFacts, profile: &Profile, history: &WorkloadHistory, name: &str, is_job: bool) {
    let usage = |signal| {
        fine(history, name, signal)
            .map(|history| weeks(profile, history))
            .unwrap_or_default()
    };
    facts.cpu.clusters.push(usage(Signal::Cpu));
    facts.memory.clusters.push(usage(Signal::Memory));
    for (known, signal) in [
        (&mut facts.rough_cpu, Signal::Cpu),
        (&mut facts.rough_memory, Signal::Memory),
    ] {
        let found = history.signal(name, signal).and_then(|known| rough(profile, known));
        *known = std::mem::take(known).and(found.unwrap_or_default());
    }
    keep_worst(&mut facts.cpu_demand, demand(history, name, Signal::Cpu));
    if is_job {
        keep_worst(&mut facts.memory_demand, demand(history, name, Signal::Memory));
    }
    // of several clusters the one that is known least
    let memory_span = span_of(profile, history, name, Signal::Memory).unwrap_or_default();
    facts.memory_span = if facts.memory.clusters.len() == 1 {
        memory_span
    } else {
        facts.memory_span.min(memory_span)
    };
    let Some(at) = profile.window_end() else { return };
    let cpu = |signal| {
        let nano = history.in_force(name, signal, at)?;
        Some(Millicores::from_nano_ceil(u128::from(nano)))
    };
    facts.cpu_request = facts.cpu_request.max(cpu(Signal::CpuRequest));
    facts.cpu_limit = facts.cpu_limit.max(cpu(Signal::CpuLimit));
    facts.memory_request = facts
        .memory_request
        .max(history.in_force(name, Signal::MemoryRequest, at).map(Bytes::new));
}

fn weeks(profile: &Profile, history: &SignalHistory) -> Vec<WeekUsage> {
    let Some(newest) = profile.newest_week() else {
        return Vec::new();
    };
    history
        .sketches
        .iter()
        .map(|(week, sketch)| WeekUsage {
            age: week.age(newest),
            sketch: sketch.clone(),
        })
        .collect()
}

/// A signal whose samples tell peaks.
fn fine<'h>(history: &'h WorkloadHistory, name: &str, signal: Signal) -> Option<&'h SignalHistory> {
    history.signal(name, signal).filter(|known| known.averaged_s.is_none())
}

/// What is known of a signal where its samples hide peaks, or without samples.
fn rough(profile: &Profile, history: &SignalHistory) -> Option<Rough> {
    if let Some(seconds) = history.averaged_s {
        let length = Seconds::new(u64::from(seconds));
        let mut steps = history.demand_steps();
        let first = steps.next()?;
        let between = steps.next_back().unwrap_or(first).end.since(first.end)?;
        return Some(Rough::of(
            RoughSource::Averages(length),
            between + length,
            weeks(profile, history),
        ));
    }
    let coarse = history.coarse.as_ref()?;
    let weeks = vec![WeekUsage {
        age: 0,
        sketch: coarse.weights.clone(),
    }];
    let source = match coarse.source {
        CoarseSource::VpaCheckpoint => RoughSource::VpaCheckpoint,
        CoarseSource::VmRange => RoughSource::VmRange,
    };
    Some(Rough::of(source, coarse.recorded(), weeks))
}

/// Demand by the upper edge of its level: never under what was recorded.
fn demand(history: &WorkloadHistory, name: &str, signal: Signal) -> Demand {
    let Some(known) = fine(history, name, signal) else {
        return Demand::default();
    };
    let mut demand = Demand::with_capacity(count(known));
    // steps are walked from within: one by one, each would ask anew which week it is in
    known.demand_steps().for_each(|step| {
        demand.push(DemandCell {
            end: step.end,
            step_s: u32::try_from(step.length.get()).unwrap_or(u32::MAX),
            total: step.total.upper(),
            active: step.active,
        });
    });
    demand
}

fn count(known: &SignalHistory) -> usize {
    known.demand.values().map(|week| week.cells.len()).sum()
}

/// Clusters are replayed apart and never added: the one with the highest demand decides.
fn keep_worst(kept: &mut Demand, other: Demand) {
    if kept.is_empty() || other.highest() > kept.highest() {
        *kept = other;
    }
}

/// 95th percentile of the time from scheduled to ready, rounded up to seconds.
fn startup(history: &WorkloadHistory) -> Option<Seconds> {
    let micro = history.signal("", Signal::Startup)?.sketch().quantile(950_000)?.upper;
    Some(Seconds::new(micro.div_ceil(1_000_000)))
}

const DAY: Seconds = Seconds::from_days(1);

/// Pods over time: the replicas the export names, else the pods that had CPU samples.
fn replicas(profile: &Profile, history: &WorkloadHistory) -> Replicas {
    let named: Vec<(Timestamp, u32)> = counts_in_force(history);
    let seen = || -> Vec<(Timestamp, u32)> {
        let containers = history.containers().into_iter();
        // over a long interval pods that follow each other are seen side by side
        let fine: Vec<&SignalHistory> = containers.filter_map(|name| fine(history, name, Signal::Cpu)).collect();
        let mut most = Vec::with_capacity(fine.iter().map(|known| count(known)).sum());
        let steps = fine.iter().flat_map(|known| known.demand_steps());
        steps.for_each(|step| most.push((step.end, step.active)));
        if fine.len() > 1 {
            // stable, since that takes the ascending run of each container as it is; of one instant the most comes first
            most.sort_by_key(|&(at, count)| (at, Reverse(count)));
            most.dedup_by_key(|(at, _)| *at);
        }
        most
    };
    let counts = if named.is_empty() { seen() } else { named };
    let since = profile.window_end().and_then(|end| end.checked_sub(DAY));
    // ascending
    let start = counts.partition_point(|(at, _)| since.is_some_and(|since| *at <= since));
    let mut last_day: Vec<u32> = counts[start..].iter().map(|(_, count)| *count).collect();
    last_day.sort_unstable();
    let rank = (last_day.len() * 95).div_ceil(100);
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    for same in counts.chunk_by(|a, b| a.1 == b.1) {
        *seen.entry(same[0].1).or_default() += same.len() as u64;
    }
    Replicas {
        last_day_p95: rank.checked_sub(1).and_then(|index| last_day.get(index)).copied(),
        highest: seen.keys().next_back().copied(),
        seen,
    }
}

/// Replicas in force, one entry an hour of each run and one at its end.
fn counts_in_force(history: &WorkloadHistory) -> Vec<(Timestamp, u32)> {
    let Some(signal) = history.signal("", Signal::Replicas) else {
        return Vec::new();
    };
    let mut counts = Vec::new();
    for run in signal.state.runs() {
        let count = u32::try_from(run.value).unwrap_or(u32::MAX);
        let mut at = run.start_s + 300;
        while at < run.end_s {
            counts.extend(Timestamp::from_unix(at).map(|at| (at, count)));
            at += 300;
        }
        counts.extend(Timestamp::from_unix(run.end_s).map(|at| (at, count)));
    }
    counts
}
