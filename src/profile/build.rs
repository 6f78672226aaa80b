//! From clean series to profiles: whose each series is, then per workload, container and signal its exact form.

use super::calendar::{Day, WEEK_S, Week, cell_end};
use super::finish::finish_workload;
use super::pack::Packer;
use super::sketch::Tally;
use super::timeline::{Combine, Joining};
use super::usage::{Exact, Profile, Scope, SignalHistory, Source, Window, WorkloadHistory};
use super::written::{Lines, Written};
use crate::diag::code;
use crate::history::Read;
use crate::history::clean::{Doubles, Grid, Recorded, Series, SeriesName, clean, needs_grid};
use crate::history::identity::{Identity, Resolver};
use crate::history::note::Note;
use crate::history::owners::{Declared, Owners, WorkloadKey};
use crate::history::samples::{Sample, Samples};
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
    pub profiles: Vec<Written>,
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
    let (recorded, cleaned) = clean(samples, options.cluster.is_some())?;
    notes.extend(cleaned);
    let built = build(&recorded, owners, declared, options)?;
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
///
/// All series are read twice: once to learn what each holds, then workload by workload, so that no more than one workload
/// a thread is in memory.
pub fn build(recorded: &Recorded, owners: Owners, declared: Declared, options: &Options) -> Result<Built, Vec<Note>> {
    let (surveys, doubles) = survey_all(recorded).map_err(|note| vec![note])?;
    let mut notes = doubles.into_notes();
    let seen = || (0..recorded.len()).filter(|&place| surveys[place].count > 0);
    let resolver = Resolver::new(owners, declared, seen().map(|place| recorded.name(place)));
    let (groups, unresolved) = group(recorded, seen(), &resolver)?;
    notes.extend(unresolved_note(recorded, &surveys, &unresolved));
    let grids = grids(&groups, &surveys, options.step_s, &mut notes);
    let grid_of = |group: &Group| grids.get(&(group.namespace.as_str(), group.signal)).copied();
    let mut heads: BTreeMap<&str, Profile> = BTreeMap::new();
    for (group, members) in &groups {
        let head = heads
            .entry(&group.namespace)
            .or_insert_with(|| empty_profile(&group.namespace, options));
        for &place in members {
            note_source(head, group.signal, &surveys[place], grid_of(group).unwrap_or(0));
        }
    }
    let workloads: Vec<&[(Group, Vec<usize>)]> = groups
        .chunk_by(|(one, _), (next, _)| (&one.namespace, &one.workload) == (&next.namespace, &next.workload))
        .collect();
    let written: Vec<(&str, Lines)> = workloads
        .into_par_iter()
        .map_init(Packer::new, |packer, groups| {
            let (first, _) = &groups[0];
            let head = &heads[first.namespace.as_str()];
            let workload = workload(recorded, groups, &grid_of, options, head.newest_week())?;
            Ok((
                first.namespace.as_str(),
                Lines::of(head, &first.workload, &workload, packer),
            ))
        })
        .collect::<Result<_, Note>>()
        .map_err(|note| vec![note])?;
    let mut of_namespace: BTreeMap<&str, Vec<Lines>> = BTreeMap::new();
    for (namespace, lines) in written {
        of_namespace.entry(namespace).or_default().push(lines);
    }
    let heads = heads.iter().map(|(&namespace, head)| (namespace, head.clone()));
    let written = heads.map(|(namespace, head)| Written::new(head, of_namespace.remove(namespace).unwrap_or_default()));
    Ok(Built {
        profiles: written.collect(),
        notes,
    })
}

/// What a series holds, in short.
#[derive(Clone, Copy, Debug)]
struct Survey {
    count: u64,
    first_ms: i64,
    last_ms: i64,
    sum: u128,
    grid: Grid,
    fingerprint: u128,
}

fn survey_all(recorded: &Recorded) -> Result<(Vec<Survey>, Doubles), Note> {
    let surveyed: Vec<(Survey, Doubles)> = (0..recorded.len())
        .into_par_iter()
        .map(|place| {
            let mut doubles = Doubles::default();
            Ok((survey(&recorded.load(place, &mut doubles)?), doubles))
        })
        .collect::<Result<_, Note>>()?;
    let (mut surveys, mut all) = (Vec::with_capacity(surveyed.len()), Doubles::default());
    for (survey, doubles) in surveyed {
        surveys.push(survey);
        all = all.and(doubles);
    }
    Ok((surveys, all))
}

fn survey(series: &Series) -> Survey {
    let digest = digest(&series.name);
    let (mut sum, mut fingerprint) = (0u128, 0u128);
    for sample in &series.samples {
        sum += u128::from(sample.value);
        fingerprint = fingerprint.wrapping_add(sample_hash(digest, sample.at_ms, sample.value));
    }
    let at = |sample: Option<&Sample>| sample.map_or(0, |sample| sample.at_ms);
    Survey {
        count: series.samples.len() as u64,
        first_ms: at(series.samples.first()),
        last_ms: at(series.samples.last()),
        sum,
        grid: Grid::of(&series.samples),
        fingerprint,
    }
}

/// The history of one workload from its groups, as it is written.
fn workload<'g>(
    recorded: &Recorded,
    groups: &'g [(Group, Vec<usize>)],
    grid_of: &impl Fn(&'g Group) -> Option<u64>,
    options: &Options,
    newest: Option<Week>,
) -> Result<WorkloadHistory, Note> {
    let mut workload = WorkloadHistory::default();
    for (group, members) in groups {
        workload.identity.extend(&group.identity);
        let history = history(recorded, group.signal, members, grid_of(group), options)?;
        workload
            .signals
            .insert((group.container.clone(), group.signal), history);
    }
    if !options.shard {
        finish_workload(&mut workload, options.step_s, newest);
    }
    Ok(workload)
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

/// Groups with the places of their series.
type Groups = Vec<(Group, Vec<usize>)>;

fn group(
    recorded: &Recorded,
    seen: impl Iterator<Item = usize>,
    resolver: &Resolver,
) -> Result<(Groups, Vec<usize>), Vec<Note>> {
    type Members = (Vec<Identity>, Vec<usize>);
    let mut groups: BTreeMap<(String, WorkloadKey, String, Signal), Members> = BTreeMap::new();
    let (mut unresolved, mut faults) = (Vec::new(), Vec::new());
    for place in seen {
        let one = recorded.name(place);
        match resolver.resolve(one) {
            Ok(Some((workload, identity))) => {
                let key = (one.namespace.clone(), workload, one.container.clone(), one.signal);
                let (identities, members) = groups.entry(key).or_default();
                if !identities.contains(&identity) {
                    identities.push(identity);
                }
                members.push(place);
            }
            Ok(None) => unresolved.push(place),
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
            let group = Group {
                namespace,
                workload,
                container,
                signal,
                identity,
            };
            (group, members)
        });
    Ok((groups.collect(), unresolved))
}

/// The share of usage that no workload could be found for, and the pods that are most of it.
fn unresolved_note(recorded: &Recorded, surveys: &[Survey], unresolved: &[usize]) -> Option<Note> {
    let seen = || (0..recorded.len()).filter(|&place| surveys[place].count > 0);
    let is_cpu = |place: usize| recorded.name(place).signal == Signal::Cpu;
    let by_cpu = seen().any(is_cpu);
    let weight = |place: usize| match by_cpu {
        true if is_cpu(place) => surveys[place].sum,
        true => 0,
        false => u128::from(surveys[place].count),
    };
    let mut pods: BTreeMap<String, u128> = BTreeMap::new();
    for &place in unresolved {
        let one = recorded.name(place);
        let name = one
            .workload
            .as_ref()
            .filter(|_| one.pod.is_empty())
            .map_or(&one.pod, |named| &named.name);
        *pods.entry(format!("{}/{name}", one.namespace)).or_insert(0) += weight(place);
    }
    if pods.is_empty() {
        return None;
    }
    let all: u128 = seen().map(weight).sum();
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
fn grids<'g>(
    groups: &'g Groups,
    surveys: &[Survey],
    step_s: u32,
    notes: &mut Vec<Note>,
) -> BTreeMap<(&'g str, Signal), u64> {
    let mut by_signal: BTreeMap<(&str, Signal), Grid> = BTreeMap::new();
    for (group, members) in groups.iter().filter(|(group, _)| needs_grid(group.signal)) {
        let known = by_signal.entry((&group.namespace, group.signal)).or_default();
        *known = members
            .iter()
            .fold(*known, |grid, &place| grid.and(surveys[place].grid));
    }
    let mut grids = BTreeMap::new();
    for ((namespace, signal), grid) in by_signal {
        let grid_ms = grid.distance_ms();
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

/// One signal of one container, series by series.
fn history(
    recorded: &Recorded,
    signal: Signal,
    members: &[usize],
    grid_s: Option<u64>,
    options: &Options,
) -> Result<SignalHistory, Note> {
    let form = signal.form();
    let cell_s = grid_s.filter(|&grid| grid == 1).map(|_| i64::from(options.step_s));
    let mut weeks: BTreeMap<Week, Tally> = BTreeMap::new();
    let mut joining = Joining::new(combine_of(signal));
    let mut exact = Exact::default();
    for &place in members {
        let one = recorded.load(place, &mut Doubles::default())?;
        if matches!(form, Form::Demand | Form::Worst | Form::Distribution) {
            count(&one, &mut weeks);
        }
        if matches!(form, Form::Demand | Form::Worst | Form::State) {
            joining.add(instants(&one, cell_s));
        }
        if form == Form::Count {
            let series = digest(&one.name);
            for sample in &one.samples {
                let day = Day::of(sample.at_ms.div_euclid(1000));
                exact.counters.note(series, day, sample.value);
            }
        }
        if options.shard {
            note_stretches(&mut exact, &one, i64::from(options.step_s));
        }
    }
    exact.timeline = joining.timeline();
    Ok(SignalHistory {
        sketches: weeks.into_iter().map(|(week, tally)| (week, tally.sketch())).collect(),
        exact,
        ..SignalHistory::default()
    })
}

fn count(one: &Series, weeks: &mut BTreeMap<Week, Tally>) {
    // ascending samples: a week's are neighbours
    let mut rest = one.samples.as_slice();
    while let Some(first) = rest.first() {
        let week = Week::of_end(end_s(first.at_ms));
        let last_ms = (week.start_s() + WEEK_S) * 1000;
        let (own, after) = rest.split_at(rest.partition_point(|sample| sample.at_ms <= last_ms));
        weeks
            .entry(week)
            .or_default()
            .add(own.iter().map(|sample| sample.value));
        rest = after;
    }
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

fn note_stretches(exact: &mut Exact, one: &Series, step_s: i64) {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for sample in &one.samples {
        let at = end_s(sample.at_ms);
        match stretches.last_mut() {
            Some(last) if at - last.1 <= step_s => last.1 = at,
            _ => stretches.push((at, at)),
        }
    }
    let known = exact.stretches.entry(digest(&one.name)).or_default();
    known.extend(stretches);
    known.sort_unstable();
}

/// A name for a series that does not depend on its samples.
fn digest(one: &SeriesName) -> u64 {
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

fn note_source(head: &mut Profile, signal: Signal, survey: &Survey, grid_s: u64) {
    let (first, last) = (end_s(survey.first_ms), end_s(survey.last_ms));
    let start = cell_end(first, i64::from(head.step_s)) - i64::from(head.step_s);
    let instant = |second| Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100");
    let source = Source {
        series: 1,
        samples: survey.count,
        first: instant(first),
        last: instant(last),
        grid_s,
        fingerprint: survey.fingerprint,
    };
    head.sources
        .entry(signal)
        .and_modify(|known| *known = known.and(&source))
        .or_insert(source);
    let window = Window {
        start: instant(start),
        end: instant(last),
    };
    head.window = Some(head.window.map_or(window, |known| known.and(window)));
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
