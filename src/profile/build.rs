//! From clean series to profiles: whose each series is, then per workload, container and signal its exact form.

use super::calendar::cell_end;
use super::collected::{Collected, Weeks};
use super::finish::finish_workload;
use super::ordered::{Keeping, WithState};
use super::survey::{Survey, Surveys, end_s};
use super::usage::{Profile, Scope, Source, Window, WorkloadHistory};
use super::written::{Lines, Written};
use crate::diag::code;
use crate::history::Read;
use crate::history::clean::{Doubles, Recorded, clean, needs_grid};
use crate::history::identity::{Identity, Resolver};
use crate::history::note::Note;
use crate::history::owners::{Declared, Owners, WorkloadKey};
use crate::history::samples::{Samples, Scratch, Times, no_room};
use crate::history::signal::Signal;
use crate::history::spool::Room;
use crate::history::vpa_checkpoint::Checkpoints;
use crate::units::{Seconds, Timestamp};
use rayon::prelude::*;
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
    /// Keep what other programs would of the samples.
    pub with_state: WithState,
    /// Where the lines of workloads wait until all are made.
    pub room: Room,
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
    let (mut samples, mut all_rows) = (Samples::default(), Vec::new());
    let mut checkpoints = Checkpoints::default();
    let mut ranges = Vec::new();
    for read in reads {
        checkpoints.merge(read.checkpoints);
        if !read.ranges.is_empty() {
            ranges.push((read.name.clone(), read.ranges));
        }
        notes.extend(read.notes);
        samples.merge(read.samples);
        all_rows.push((read.name, read.rows));
    }
    let (recorded, cleaned) = clean(samples, options.cluster.is_some())?;
    notes.extend(cleaned);
    let rows = super::rows::joined(all_rows, options.step_s, &mut notes);
    let mut coarse = super::coarse::shards(&checkpoints, &declared, options)?;
    coarse.extend(super::coarse::of_ranges(
        ranges, &owners, &declared, options, &mut notes,
    )?);
    let built = if rows.is_empty() && coarse.is_empty() {
        build(&recorded, owners, declared, options)?
    } else {
        let shard = Options {
            shard: true,
            ..options.clone()
        };
        let built = build(&recorded, owners, declared, &shard)?;
        super::rows::with(built, &rows, coarse, options)?
    };
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
/// Every series is read once, workload by workload, so that no more than one workload a thread is in memory. What must be
/// known of all of them before, the heads, is expected from what little is known already; where it turns out otherwise,
/// all is done again with what was found.
pub fn build(recorded: &Recorded, owners: Owners, declared: Declared, options: &Options) -> Result<Built, Vec<Note>> {
    let all = || 0..recorded.len();
    let resolver = Resolver::new(owners, declared, all().map(|place| recorded.name(place)));
    let (groups, unresolved) = group(recorded, &resolver)?;
    let mut heads = Heads::of(&expected(recorded, &groups), options);
    let (pass, found) = loop {
        let pass = pass(recorded, &groups, &unresolved, &heads, options).map_err(|note| vec![note])?;
        let found = Heads::of(&pass.surveys, options);
        if found.leads_to_the_same(&heads) {
            break (pass, found);
        }
        heads = found;
    };
    let mut notes = pass.doubles.into_notes();
    notes.extend(unresolved_note(recorded, &pass.surveys, &pass.strangers));
    notes.extend(found.off_grid_notes(options.step_s));
    let mut of_namespace: BTreeMap<&str, Vec<Lines>> = BTreeMap::new();
    for (namespace, lines) in pass.workloads {
        of_namespace.entry(namespace).or_default().push(lines);
    }
    let written = found.0.into_iter().map(|(namespace, head)| {
        let workloads = of_namespace.remove(namespace).unwrap_or_default();
        Written::new(head.profile, workloads)
    });
    Ok(Built {
        profiles: written.collect(),
        notes,
    })
}

/// What little is known of series before they are read.
fn expected<'g>(recorded: &Recorded, groups: &'g Groups) -> Surveys<'g> {
    let mut surveys = Surveys::default();
    for (group, members) in groups {
        for &place in members {
            surveys.note(&group.namespace, group.signal, Survey::expected(recorded.times(place)));
        }
    }
    surveys
}

/// What one reading of all series gives.
struct Pass<'g> {
    /// In the order of the groups.
    workloads: Vec<(&'g str, Lines)>,
    surveys: Surveys<'g>,
    /// Of series without a workload.
    strangers: Vec<(usize, Survey)>,
    doubles: Doubles,
}

/// What reading series gives besides their part of a workload: surveys by signal, and what was given twice.
#[derive(Default)]
struct Seen {
    surveys: Vec<(Signal, Survey)>,
    doubles: Doubles,
}

fn pass<'g>(
    recorded: &Recorded,
    groups: &'g Groups,
    unresolved: &[usize],
    heads: &Heads<'_>,
    options: &Options,
) -> Result<Pass<'g>, Note> {
    let workloads: Vec<&[(Group, Vec<usize>)]> = groups
        .chunk_by(|(one, _), (next, _)| (&one.namespace, &one.workload) == (&next.namespace, &next.workload))
        .collect();
    let read: Vec<(&str, Option<Lines>, Seen)> = workloads
        .into_par_iter()
        .map_init(Default::default, |(scratch, weeks): &mut (Scratch, Weeks), groups| {
            let (first, _) = &groups[0];
            let namespace = first.namespace.as_str();
            let Some(head) = heads.0.get(namespace) else {
                return Ok((namespace, None, Seen::default()));
            };
            let (workload, seen) = workload(recorded, groups, head, options, scratch, weeks)?;
            let lines = workload.map(|workload| Lines::of(&head.profile, &first.workload, &workload, &options.room));
            let lines = lines.transpose().map_err(|error| no_room(&error.to_string()))?;
            Ok((namespace, lines, seen))
        })
        .collect::<Result<_, Note>>()?;
    let strangers: Vec<(usize, Survey, Doubles)> = unresolved
        .par_iter()
        .map_init(Scratch::default, |scratch, &place| {
            let mut doubles = Doubles::default();
            let series = recorded.load(place, scratch, &mut doubles)?;
            let survey = Survey::of(&series, None);
            scratch.give_back(series.samples);
            Ok((place, survey, doubles))
        })
        .collect::<Result<_, Note>>()?;
    let mut pass = Pass {
        workloads: Vec::new(),
        surveys: Surveys::default(),
        strangers: Vec::new(),
        doubles: Doubles::default(),
    };
    for (namespace, lines, seen) in read {
        pass.workloads.extend(lines.map(|lines| (namespace, lines)));
        for (signal, survey) in seen.surveys {
            pass.surveys.note(namespace, signal, survey);
        }
        pass.doubles = pass.doubles.and(seen.doubles);
    }
    for (place, survey, doubles) in strangers {
        pass.strangers.push((place, survey));
        pass.doubles = pass.doubles.and(doubles);
    }
    Ok(pass)
}

/// What must be known of all series of a namespace before any of its workloads is written.
struct Heads<'g>(BTreeMap<&'g str, Head>);

struct Head {
    /// Without workloads.
    profile: Profile,
    /// Of the signals that add up by instant: greatest common distance of the samples in milliseconds.
    grids: BTreeMap<Signal, u64>,
}

impl<'g> Heads<'g> {
    fn of(surveys: &Surveys<'g>, options: &Options) -> Self {
        let mut heads: BTreeMap<&str, Head> = BTreeMap::new();
        for (&(namespace, signal), survey) in &surveys.0 {
            let head = heads.entry(namespace).or_insert_with(|| Head {
                profile: empty_profile(namespace, options),
                grids: BTreeMap::new(),
            });
            let grid = needs_grid(signal).then(|| survey.grid.distance_ms());
            let grid_s = grid.map_or(0, |grid_ms| if is_grid(grid_ms) { grid_ms / 1000 } else { 1 });
            head.grids.extend(grid.map(|grid_ms| (signal, grid_ms)));
            note_source(&mut head.profile, signal, survey, grid_s);
        }
        Self(heads)
    }

    /// Whether workloads are written alike under both.
    fn leads_to_the_same(&self, other: &Self) -> bool {
        let telling = |heads: &Self| -> Vec<_> {
            let of = |(namespace, head): (&&'g str, &Head)| {
                let off_grid: Vec<Signal> = head.off_grid().collect();
                (*namespace, head.profile.window, off_grid)
            };
            heads.0.iter().map(of).collect()
        };
        telling(self) == telling(other)
    }

    fn off_grid_notes(&self, step_s: u32) -> Vec<Note> {
        let step = Seconds::new(u64::from(step_s));
        let note = |namespace: &str, signal: Signal| {
            let message = format!(
                "samples of `{signal}` in `{namespace}` are on no common grid: of each pod the greatest of {step} counts, then pods are added"
            );
            Note::warning(code::SAMPLES_OFF_GRID, message).help("export with query_range and one step for all series")
        };
        let of = |(namespace, head): (&&'g str, &'_ Head)| -> Vec<Note> {
            head.off_grid().map(|signal| note(namespace, signal)).collect()
        };
        self.0.iter().flat_map(of).collect()
    }
}

impl Head {
    fn off_grid(&self) -> impl Iterator<Item = Signal> {
        self.grids
            .iter()
            .filter(|&(_, &grid_ms)| !is_grid(grid_ms))
            .map(|(&signal, _)| signal)
    }
}

/// Whether instants with this greatest common distance are on a grid; a single instant is.
fn is_grid(distance_ms: u64) -> bool {
    distance_ms == 0 || (distance_ms >= GRID_MIN_S * 1000 && distance_ms.is_multiple_of(1000))
}

/// The history of one workload from its groups, as it is written; `None` where no series has a sample.
fn workload(
    recorded: &Recorded,
    groups: &[(Group, Vec<usize>)],
    head: &Head,
    options: &Options,
    scratch: &mut Scratch,
    weeks: &mut Weeks,
) -> Result<(Option<WorkloadHistory>, Seen), Note> {
    let (mut workload, mut seen) = (WorkloadHistory::default(), Seen::default());
    for (group, members) in groups {
        let is_off_grid = head.off_grid().any(|signal| signal == group.signal);
        let mut collected = Collected::new(group.signal, is_off_grid, instants(recorded, members), options, weeks);
        let last_ms = || {
            members
                .iter()
                .filter_map(|&place| Some(recorded.times(place)?.last))
                .max()
        };
        collected.ordered = Keeping::of(options.with_state, group.signal, last_ms);
        // in the order of their times, so that each goes on where those before end; of equal ones in that of their names
        let mut members = members.clone();
        members.sort_by_key(|&place| recorded.first_ms(place));
        let averaged_s = members.iter().filter_map(|&place| recorded.averaged_s(place)).max();
        let mut all = Survey::default();
        for place in members {
            let series = recorded.load(place, scratch, &mut seen.doubles)?;
            let survey = Survey::of(&series, collected.weeks());
            collected.add(&series, &survey);
            scratch.give_back(series.samples);
            all = all.and(survey);
        }
        seen.surveys.push((group.signal, all));
        if let Some(mut history) = collected.history() {
            history.averaged_s = averaged_s;
            workload.identity.extend(&group.identity);
            workload
                .signals
                .insert((group.container.clone(), group.signal), history);
        }
    }
    if workload.signals.is_empty() {
        return Ok((None, seen));
    }
    if !options.shard {
        finish_workload(&mut workload, options.step_s, head.profile.newest_week());
    }
    Ok((Some(workload), seen))
}

/// More at once are rare, and make room as they come.
const INSTANTS_MAX: u64 = 64 * 1024;

/// How many instants these series are expected to have together.
fn instants(recorded: &Recorded, members: &[usize]) -> usize {
    let all = members.iter().filter_map(|&place| recorded.times(place));
    let span = all.reduce(|one, next| Times {
        first: one.first.min(next.first),
        last: one.last.max(next.last),
        distance: one.distance.min(next.distance),
    });
    let count = span.map_or(0, |span| 1 + span.last.abs_diff(span.first) / span.distance.max(1));
    usize::try_from(count.min(INSTANTS_MAX)).unwrap_or(0)
}

fn empty_profile(namespace: &str, options: &Options) -> Profile {
    Profile {
        shard: options.shard,
        ..Profile::new(Scope::of(namespace, options), options.step_s)
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

fn group(recorded: &Recorded, resolver: &Resolver) -> Result<(Groups, Vec<usize>), Vec<Note>> {
    type Members = (Vec<Identity>, Vec<usize>);
    let mut groups: BTreeMap<(String, WorkloadKey, String, Signal), Members> = BTreeMap::new();
    let (mut unresolved, mut faults) = (Vec::new(), Vec::new());
    for place in 0..recorded.len() {
        let one = recorded.name(place);
        match resolver.resolve(one) {
            Ok(Some((workload, identity))) => {
                let key = (
                    one.namespace.to_string(),
                    workload,
                    one.container.to_string(),
                    one.signal,
                );
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
fn unresolved_note(recorded: &Recorded, known: &Surveys<'_>, strangers: &[(usize, Survey)]) -> Option<Note> {
    let signal_of = |place: usize| recorded.name(place).signal;
    let known = known.0.iter().map(|(&(_, signal), survey)| (signal, survey));
    let seen: Vec<(Signal, &Survey)> = strangers
        .iter()
        .map(|(place, survey)| (signal_of(*place), survey))
        .chain(known)
        .collect();
    let by_cpu = seen
        .iter()
        .any(|&(signal, survey)| signal == Signal::Cpu && survey.count > 0);
    let weight = |signal: Signal, survey: &Survey| match by_cpu {
        true if signal == Signal::Cpu => survey.sum,
        true => 0,
        false => u128::from(survey.count),
    };
    let mut pods: BTreeMap<String, u128> = BTreeMap::new();
    for (place, survey) in strangers {
        let one = recorded.name(*place);
        let name = one
            .workload
            .as_ref()
            .filter(|_| one.pod.is_empty())
            .map_or(&one.pod, |named| &named.name);
        *pods.entry(format!("{}/{name}", one.namespace)).or_insert(0) += weight(one.signal, survey);
    }
    if pods.is_empty() {
        return None;
    }
    let all: u128 = seen.iter().map(|&(signal, survey)| weight(signal, survey)).sum();
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
    Some(unresolved(message))
}

/// What belongs to no known workload is left out.
pub(super) fn unresolved(message: String) -> Note {
    let help = "give owner files (--owners) collected over the whole window, and the manifests (--manifests); where all pods of \
        the files are of one workload, name it: --label deployment=NAME";
    Note::warning(code::PODS_UNRESOLVED, message).help(help)
}

fn note_source(head: &mut Profile, signal: Signal, survey: &Survey, grid_s: u64) {
    let (first, last) = (end_s(survey.first_ms), end_s(survey.last_ms));
    let start = cell_end(first, i64::from(head.step_s)) - i64::from(head.step_s);
    let instant = |second| Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100");
    let source = Source {
        series: survey.series,
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

impl Scope {
    /// One namespace of what a profile is made for.
    pub(super) fn of(namespace: &str, options: &Options) -> Self {
        Self {
            environment: options.environment.clone(),
            cluster: options.cluster.clone(),
            namespace: namespace.to_owned(),
        }
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
