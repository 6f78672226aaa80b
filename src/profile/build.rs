//! From clean series to profiles: whose each series is, then per workload, container and signal its exact form.

use super::calendar::{Day, WEEK_S, Week, cell_end};
use super::days::Counters;
use super::finish::{finish, finish_signal};
use super::sketch::Sketch;
use super::timeline::{Combine, Timeline};
use super::usage::{Exact, Profile, Scope, SignalHistory, Source, Window};
use crate::diag::code;
use crate::history::Read;
use crate::history::clean::{Series, clean, grid_ms, needs_grid};
use crate::history::identity::{Identity, Resolver};
use crate::history::note::Note;
use crate::history::owners::{Declared, Owners, WorkloadKey};
use crate::history::samples::Samples;
use crate::history::signal::{Form, Signal};
use crate::units::{Seconds, Timestamp};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The finest grid that counts as one; raw scrapes of several pods have a common distance of a second or less.
pub(super) const GRID_MIN_S: u64 = 15;
/// How many unresolved pods are named.
const LARGEST: usize = 5;

/// What a profile is made for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Environment that was recorded.
    pub environment: Option<String>,
    /// Cluster that was recorded.
    pub cluster: Option<String>,
    /// Length of a cell in seconds; divides an hour.
    pub step_s: u32,
    /// Keep the exact form, for merging with other parts.
    pub shard: bool,
}

/// Profiles by namespace, with what there is to tell.
#[derive(Clone, Debug)]
pub struct Built {
    /// In the order of their namespaces.
    pub profiles: Vec<Profile>,
    /// Warnings and remarks.
    pub notes: Vec<Note>,
}

/// Samples further apart than this are worth a look: 13 months. A damaged file carries times of other years.
const SPAN_MAX_MS: i64 = 400 * 86_400_000;

/// Builds profiles from what was read: the whole way from files' samples to namespaces' profiles.
pub fn assemble(reads: Vec<Read>, owners: Owners, declared: Declared, options: &Options) -> Result<Built, Vec<Note>> {
    let mut notes: Vec<Note> = span_note(&reads).into_iter().collect();
    let mut samples = Samples::default();
    for read in reads {
        notes.extend(read.notes);
        samples.merge(read.samples);
    }
    let (series, cleaned) = clean(samples, options.cluster.is_some())?;
    notes.extend(cleaned);
    let resolver = Resolver::new(owners, declared, &series);
    let built = build(&series, &resolver, options)?;
    notes.extend(built.notes);
    Ok(Built { notes, ..built })
}

fn span_note(reads: &[Read]) -> Option<Note> {
    let extreme = |read: &Read, at: Option<(i64, u64)>| at.map(|(ms, row)| (ms, read.name.clone(), row));
    let (first, first_file, _) = reads.iter().filter_map(|read| extreme(read, read.extent.first)).min()?;
    let (last, file, row) = reads.iter().filter_map(|read| extreme(read, read.extent.last)).max()?;
    if last - first <= SPAN_MAX_MS {
        return None;
    }
    let instant = |ms: i64| Timestamp::from_unix(ms.div_euclid(1000)).map_or_else(String::new, |at| at.to_string());
    let (first, last) = (instant(first), instant(last));
    let message = format!("the samples run from {first} (in `{first_file}`) to {last}, more than a year apart");
    let help = "a damaged file carries times of other years: compare its first and last rows";
    Some(
        Note::warning(code::TIME_SPAN, message)
            .in_file(&file)
            .at_row(row)
            .help(help),
    )
}

/// Builds the profile of every namespace.
pub fn build(series: &[Series], resolver: &Resolver, options: &Options) -> Result<Built, Vec<Note>> {
    let mut notes = Vec::new();
    let (groups, unresolved) = group(series, resolver)?;
    notes.extend(unresolved_note(series, &unresolved));
    let grids = grids(&groups, options.step_s, &mut notes);
    let grid_of = |group: &Group| grids.get(&(group.namespace.as_str(), group.signal)).copied();
    let mut profiles: BTreeMap<&str, Profile> = BTreeMap::new();
    for (group, members) in &groups {
        let profile = profiles
            .entry(&group.namespace)
            .or_insert_with(|| empty_profile(&group.namespace, options));
        note_source(profile, group.signal, members, grid_of(group).unwrap_or(0));
    }
    let histories: Vec<(&Group, SignalHistory)> = groups
        .par_iter()
        .map(|(group, members)| {
            let mut history = history(group.signal, members, grid_of(group), options);
            // at once, since the exact form of all groups together is large
            if !options.shard {
                let newest = profiles[group.namespace.as_str()].newest_week();
                finish_signal(group.signal, &mut history, options.step_s, newest);
            }
            (group, history)
        })
        .collect();
    for (group, history) in histories {
        let profile = profiles
            .get_mut(group.namespace.as_str())
            .expect("broken invariant: every group made its profile");
        let workload = profile.workloads.entry(group.workload.clone()).or_default();
        workload.identity.extend(&group.identity);
        workload
            .signals
            .insert((group.container.clone(), group.signal), history);
    }
    let profiles: Vec<Profile> = profiles.into_values().collect();
    let profiles = if options.shard {
        profiles
    } else {
        profiles.into_par_iter().map(finish).collect()
    };
    Ok(Built { profiles, notes })
}

fn empty_profile(namespace: &str, options: &Options) -> Profile {
    let scope = Scope {
        environment: options.environment.clone(),
        cluster: options.cluster.clone(),
        namespace: namespace.to_owned(),
    };
    Profile {
        shard: options.shard,
        ..Profile::new(scope, options.step_s)
    }
}

/// All series of one signal of one container of one workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    namespace: String,
    workload: WorkloadKey,
    container: String,
    signal: Signal,
    identity: Vec<Identity>,
}

type Groups<'s> = Vec<(Group, Vec<&'s Series>)>;

fn group<'s>(series: &'s [Series], resolver: &Resolver) -> Result<(Groups<'s>, Vec<&'s Series>), Vec<Note>> {
    type Members<'s> = (Vec<Identity>, Vec<&'s Series>);
    let mut groups: BTreeMap<(String, WorkloadKey, String, Signal), Members<'s>> = BTreeMap::new();
    let (mut unresolved, mut faults) = (Vec::new(), Vec::new());
    for one in series {
        match resolver.resolve(one) {
            Ok(Some((workload, identity))) => {
                let key = (one.namespace.clone(), workload, one.container.clone(), one.signal);
                let (identities, members) = groups.entry(key).or_default();
                if !identities.contains(&identity) {
                    identities.push(identity);
                }
                members.push(one);
            }
            Ok(None) => unresolved.push(one),
            Err(note) if faults.contains(&note) => {}
            Err(note) => faults.push(note),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let groups = groups
        .into_iter()
        .map(|((namespace, workload, container, signal), (identity, members))| {
            (
                Group {
                    namespace,
                    workload,
                    container,
                    signal,
                    identity,
                },
                members,
            )
        });
    Ok((groups.collect(), unresolved))
}

/// The share of usage that no workload could be found for, and the pods that are most of it.
fn unresolved_note(series: &[Series], unresolved: &[&Series]) -> Option<Note> {
    let judged = |one: &&Series| one.signal == Signal::Cpu;
    let by_cpu = series.iter().any(|one| judged(&one));
    let weight = |one: &Series| -> u128 {
        if by_cpu {
            one.samples.iter().map(|sample| u128::from(sample.value)).sum()
        } else {
            one.samples.len() as u128
        }
    };
    let all: u128 = series.iter().filter(|one| !by_cpu || judged(one)).map(weight).sum();
    let mut pods: BTreeMap<String, u128> = BTreeMap::new();
    for one in unresolved {
        let counts = !by_cpu || judged(one);
        let name = one
            .workload
            .as_ref()
            .filter(|_| one.pod.is_empty())
            .map_or(&one.pod, |named| &named.name);
        *pods.entry(format!("{}/{name}", one.namespace)).or_insert(0) += if counts { weight(one) } else { 0 };
    }
    if pods.is_empty() {
        return None;
    }
    let lost: u128 = pods.values().sum();
    let share = crate::units::Percent::ratio_ceil(lost, all.max(1)).unwrap_or_default();
    let mut largest: Vec<_> = pods.iter().collect();
    largest.sort_by_key(|&(name, weight)| (std::cmp::Reverse(weight), name));
    let named: Vec<_> = largest
        .iter()
        .take(LARGEST)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let of = if by_cpu { "CPU used" } else { "samples" };
    let message = format!(
        "{} pods belong to no known workload and are left out: {share} of the {of}; the largest are {}",
        pods.len(),
        named.join(", ")
    );
    let help = "give owner files (--owners) collected over the whole window, and the manifests (--manifests)";
    Some(Note::warning(code::PODS_UNRESOLVED, message).help(help))
}

/// Per namespace and signal that adds up by instant: its grid in seconds, 1 where there is none.
fn grids<'g>(groups: &'g Groups<'_>, step_s: u32, notes: &mut Vec<Note>) -> BTreeMap<(&'g str, Signal), u64> {
    let mut by_signal: BTreeMap<(&str, Signal), Vec<&Series>> = BTreeMap::new();
    for (group, members) in groups.iter().filter(|(group, _)| needs_grid(group.signal)) {
        by_signal
            .entry((&group.namespace, group.signal))
            .or_default()
            .extend(members);
    }
    let mut grids = BTreeMap::new();
    for ((namespace, signal), members) in by_signal {
        let grid_ms = grid_ms(members.into_iter());
        let on_grid = grid_ms == 0 || (grid_ms >= GRID_MIN_S * 1000 && grid_ms.is_multiple_of(1000));
        if !on_grid {
            let step = Seconds::new(u64::from(step_s));
            let message = format!(
                "samples of `{signal}` in `{namespace}` are on no common grid: of each pod the greatest of {step} counts, then pods are added"
            );
            notes.push(
                Note::warning(code::SAMPLES_OFF_GRID, message)
                    .help("export with query_range and one step for all series"),
            );
        }
        grids.insert((namespace, signal), if on_grid { grid_ms / 1000 } else { 1 });
    }
    grids
}

pub(super) fn combine_of(signal: Signal) -> Combine {
    if signal.form() == Form::Demand {
        Combine::Sum
    } else {
        Combine::Max
    }
}

fn history(signal: Signal, members: &[&Series], grid_s: Option<u64>, options: &Options) -> SignalHistory {
    let mut history = SignalHistory::default();
    let form = signal.form();
    if matches!(form, Form::Demand | Form::Worst | Form::Distribution) {
        history.sketches = sketches(members);
    }
    if matches!(form, Form::Demand | Form::Worst | Form::State) {
        let cell_s = grid_s.filter(|&grid| grid == 1).map(|_| i64::from(options.step_s));
        let series = members.iter().map(|one| instants(one, cell_s));
        history.exact.timeline = Timeline::of_series(series, combine_of(signal));
    }
    if form == Form::Count {
        history.exact.counters = counters(members);
    }
    if options.shard {
        note_stretches(&mut history.exact, members, i64::from(options.step_s));
    }
    history
}

fn sketches(members: &[&Series]) -> BTreeMap<Week, Sketch> {
    let mut weeks: BTreeMap<Week, Vec<u64>> = BTreeMap::new();
    for one in members {
        // ascending samples: a week's are neighbours
        let mut rest = one.samples.as_slice();
        while let Some(first) = rest.first() {
            let week = Week::of_end(end_s(first.at_ms));
            let last_ms = (week.start_s() + WEEK_S) * 1000;
            let (own, after) = rest.split_at(rest.partition_point(|sample| sample.at_ms <= last_ms));
            let values = own.iter().map(|sample| sample.value);
            weeks.entry(week).or_default().extend(values);
            rest = after;
        }
    }
    weeks
        .into_iter()
        .map(|(week, values)| (week, Sketch::of(values)))
        .collect()
}

/// A sample's instant in whole seconds, never before it.
fn end_s(at_ms: i64) -> i64 {
    cell_end(at_ms, 1000) / 1000
}

/// `(end, value)` of each sample, ascending; off any grid the greatest of each cell.
fn instants(one: &Series, cell_s: Option<i64>) -> Vec<(i64, u64)> {
    let mut out: Vec<(i64, u64)> = Vec::with_capacity(one.samples.len());
    for sample in &one.samples {
        let end = end_s(sample.at_ms);
        let end = cell_s.map_or(end, |cell| cell_end(end, cell));
        match out.last_mut() {
            Some(last) if last.0 == end => last.1 = last.1.max(sample.value),
            _ => out.push((end, sample.value)),
        }
    }
    out
}

fn counters(members: &[&Series]) -> Counters {
    let mut counters = Counters::default();
    for one in members {
        let series = digest(one);
        for sample in &one.samples {
            counters.note(series, Day::of(sample.at_ms.div_euclid(1000)), sample.value);
        }
    }
    counters
}

fn note_stretches(exact: &mut Exact, members: &[&Series], step_s: i64) {
    for one in members {
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for sample in &one.samples {
            let at = end_s(sample.at_ms);
            match stretches.last_mut() {
                Some(last) if at - last.1 <= step_s => last.1 = at,
                _ => stretches.push((at, at)),
            }
        }
        let known = exact.stretches.entry(digest(one)).or_default();
        known.extend(stretches);
        known.sort_unstable();
    }
}

/// A name for a series that does not depend on its samples.
fn digest(one: &Series) -> u64 {
    let mut hash = Sha256::new();
    let workload = one.workload.as_ref().map_or("", |named| &named.name);
    for part in [one.signal.id(), &one.namespace, workload, &one.pod, &one.container] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    u64::from_be_bytes(std::array::from_fn(|place| bytes[place]))
}

/// One number for a sample of a series, well mixed (the finaliser of `SplitMix64` over its parts), in both halves.
fn sample_hash(series: u64, at_ms: i64, value: u64) -> u128 {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let low = mix(series ^ mix(at_ms.cast_unsigned() ^ mix(value)));
    let high = mix(low ^ series.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15);
    (u128::from(high) << 64) | u128::from(low)
}

fn note_source(profile: &mut Profile, signal: Signal, members: &[&Series], grid_s: u64) {
    for one in members {
        let series = digest(one);
        let mut fingerprint = 0u128;
        for sample in &one.samples {
            fingerprint = fingerprint.wrapping_add(sample_hash(series, sample.at_ms, sample.value));
        }
        let (Some(first), Some(last)) = (one.samples.first(), one.samples.last()) else {
            continue;
        };
        let (first, last) = (end_s(first.at_ms), end_s(last.at_ms));
        let start = cell_end(first, i64::from(profile.step_s)) - i64::from(profile.step_s);
        let instant = |second| Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100");
        let source = Source {
            series: 1,
            samples: one.samples.len() as u64,
            first: instant(first),
            last: instant(last),
            grid_s,
            fingerprint,
        };
        profile
            .sources
            .entry(signal)
            .and_modify(|known| *known = known.and(&source))
            .or_insert(source);
        let window = Window {
            start: instant(start),
            end: instant(last),
        };
        profile.window = Some(profile.window.map_or(window, |known| known.and(window)));
    }
}

impl Window {
    /// From the earlier start to the later end.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

impl Source {
    /// Both together; their samples must be different ones.
    pub(super) fn and(self, other: &Self) -> Self {
        Self {
            series: self.series + other.series,
            samples: self.samples + other.samples,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            grid_s: self.grid_s,
            fingerprint: self.fingerprint.wrapping_add(other.fingerprint),
        }
    }
}
