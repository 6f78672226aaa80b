//! Rows that an engine counted and added up, as shards of profiles: from there on they are merged and finished like
//! shards that were made from samples.

use super::build::{Built, GRID_MIN_S, Options};
use super::calendar::{WEEK_S, Week, cell_end};
use super::collected::combine_of;
use super::merge::merge;
use super::object;
use super::opened::ProfileStream;
use super::sketch::Sketch;
use super::timeline::{Point, Timeline};
use super::usage::{Exact, Profile, Scope, SignalHistory, Source, Window};
use super::written::Written;
use crate::diag::{code, counted};
use crate::history::clean::{gcd, needs_grid};
use crate::history::identity::Identity;
use crate::history::note::Note;
use crate::history::rows::{Instant, RowKey, Rows, SignalRows};
use crate::history::samples::no_room;
use crate::history::signal::{Form, Signal};
use crate::units::level::Level;
use crate::units::{Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of all files, those of a file that was given twice once.
pub(super) fn joined(files: Vec<(String, Rows)>, step_s: u32, notes: &mut Vec<Note>) -> Rows {
    let mut known: BTreeMap<u128, String> = BTreeMap::new();
    let mut named: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    let mut all = Rows::default();
    for (name, rows) in files {
        if rows.is_empty() {
            continue;
        }
        if let Some(other) = known.get(&rows.fingerprint()) {
            let message = format!("holds the same rows as `{other}`; they count once");
            notes.push(Note::warning(code::ROWS_REPEATED, message).in_file(&name));
            continue;
        }
        let with_instants = rows.signals.iter().filter(|(_, rows)| !rows.instants.is_empty());
        let places: BTreeSet<Place> = with_instants.map(|(key, _)| place(key)).collect();
        for place in places {
            named.entry(place).or_default().push(name.clone());
        }
        known.insert(rows.fingerprint(), name);
        all.merge(rows);
    }
    for (place, files) in named {
        notes.extend(doubtful_totals(&all, &place, &files, step_s));
    }
    all
}

/// A signal of a namespace.
type Place = (String, Signal);

fn place(key: &RowKey) -> Place {
    (key.namespace.clone(), key.signal)
}

/// Totals that are too low, since an engine adds up what shares an instant and nothing else. The rows tell it by their
/// instants alone: these are on no grid, or on one that crosses the profile's cells.
fn doubtful_totals(all: &Rows, of: &Place, files: &[String], step_s: u32) -> Option<Note> {
    let members: Vec<(&RowKey, &SignalRows)> = all.signals.iter().filter(|(key, _)| place(key) == *of).collect();
    let (file, others) = files.split_first()?;
    let and_others = if others.is_empty() {
        String::new()
    } else {
        format!(", with {} more", counted(others.len() as u64, "file"))
    };
    let whose = format!("instants of `{}` in `{}`{and_others}", of.1, of.0);
    let note = off_grid(&members, &whose).or_else(|| crossing(&members, &whose, step_s.into()));
    note.filter(|_| needs_grid(of.1)).map(|note| note.in_file(file))
}

fn off_grid(members: &[(&RowKey, &SignalRows)], whose: &str) -> Option<Note> {
    let is_off = |(_, rows): &&(&RowKey, &SignalRows)| is_off_grid(distance(&rows.instants));
    let mut off = members.iter().filter(is_off);
    let (first, _) = off.next()?;
    let RowKey {
        workload, container, ..
    } = first;
    let more = match off.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{whose} are on no common grid ({workload} container `{container}`{more}): where each pod was scraped at its own \
         instant, a total is that of one pod, far too low"
    );
    let help = "count again with the query that `trimtab profile --print-sql ENGINE --off-grid` prints";
    Some(Note::warning(code::SAMPLES_OFF_GRID, message).help(help))
}

fn crossing(members: &[(&RowKey, &SignalRows)], whose: &str, step_s: u64) -> Option<Note> {
    let distance = distance_of_all(members.iter().map(|(_, rows)| rows.instants.as_slice()));
    let fits =
        distance == 0 || is_off_grid(distance) || step_s.is_multiple_of(distance) || distance.is_multiple_of(step_s);
    let message = format!(
        "{whose} lie {} apart, which neither divides the profile's step of {} nor is divided by it: cells that \
         `--off-grid` made count for two steps or for none",
        Seconds::new(distance),
        Seconds::new(step_s)
    );
    let help = "give `--step` as it was given to `--print-sql`, or one that this divides";
    (!fits).then(|| Note::warning(code::SAMPLES_OFF_GRID, message).help(help))
}

fn is_off_grid(distance_s: u64) -> bool {
    distance_s > 0 && distance_s < GRID_MIN_S
}

/// Greatest common distance in seconds; 0 of a single instant.
fn distance(instants: &[Instant]) -> u64 {
    distance_of_all(std::iter::once(instants))
}

fn distance_of_all<'r>(all: impl Iterator<Item = &'r [Instant]>) -> u64 {
    let mut ends = all.flatten().map(|instant| instant.end_s);
    let first = ends.next().unwrap_or_default();
    ends.fold(0, |distance, end| gcd(distance, end.abs_diff(first)))
}

/// What was built from samples, as shards, the rows and other shards: merged, and finished unless shards are wanted.
pub(super) fn with(built: Built, rows: &Rows, others: Vec<Profile>, options: &Options) -> Result<Built, Vec<Note>> {
    let mut parts = read_back(&built)?;
    if let Some(twice) = parts.iter().find_map(|part| given_twice(part, rows)) {
        return Err(vec![twice]);
    }
    parts.extend(shards(rows, options)?);
    parts.extend(others);
    let merged = merge(parts, options.shard).map_err(|note| vec![note])?;
    Ok(Built {
        profiles: merged.iter().map(Written::of).collect(),
        ..built
    })
}

fn read_back(built: &Built) -> Result<Vec<Profile>, Vec<Note>> {
    if built.profiles.is_empty() {
        return Ok(Vec::new());
    }
    let text = object::text(&built.profiles).map_err(|error| vec![no_room(&error.to_string())])?;
    ProfileStream::from(text)
        .read()
        .map_err(|error| vec![Note::error(code::PROFILE_MALFORMED, error.to_string())])
}

/// Samples and rows of the same thing may be the same samples: nothing tells.
fn given_twice(part: &Profile, rows: &Rows) -> Option<Note> {
    let namespace = &part.scope.namespace;
    let both = rows.signals.keys().find(|key| {
        let workload = part
            .workloads
            .get(&key.workload)
            .filter(|_| key.namespace == *namespace);
        workload.is_some_and(|workload| workload.signal(&key.container, key.signal).is_some())
    })?;
    let (signal, workload) = (both.signal, &both.workload);
    let message =
        format!("`{signal}` of {workload} in `{namespace}` is given as samples and as rows that were counted");
    let help = "nothing tells whether these are the same samples: give one of both";
    Some(Note::error(code::ROW_CONTRADICTS, message).help(help))
}

/// One shard a namespace.
fn shards(rows: &Rows, options: &Options) -> Result<Vec<Profile>, Vec<Note>> {
    let faults: Vec<Note> = rows.signals.iter().filter_map(|(key, rows)| check(key, rows)).collect();
    if !faults.is_empty() {
        return Err(faults.into_iter().take(20).collect());
    }
    let mut shards: BTreeMap<&str, Profile> = BTreeMap::new();
    for (key, rows) in &rows.signals {
        let shard = shards
            .entry(&key.namespace)
            .or_insert_with(|| empty(&key.namespace, options));
        let workload = shard.workloads.entry(key.workload.clone()).or_default();
        workload.identity.insert(Identity::Label);
        let history = history(key.signal, rows);
        workload.signals.insert((key.container.clone(), key.signal), history);
    }
    for (namespace, shard) in &mut shards {
        let of_namespace = || rows.signals.iter().filter(|(key, _)| key.namespace == *namespace);
        shard.window = window(of_namespace().map(|(_, rows)| rows), options.step_s);
        let window = shard.window.ok_or_else(|| {
            let message =
                format!("no row of namespace `{namespace}` tells an instant, so nothing tells when all this was");
            vec![Note::error(code::ROW_CONTRADICTS, message).help("give the table of instants too")]
        })?;
        for (key, rows) in of_namespace() {
            let source = source(key.signal, rows, window);
            shard
                .sources
                .entry(key.signal)
                .and_modify(|known| *known = known.joined(&source, key.signal))
                .or_insert(source);
        }
    }
    Ok(shards.into_values().collect())
}

fn empty(namespace: &str, options: &Options) -> Profile {
    Profile {
        shard: true,
        ..Profile::new(Scope::of(namespace, options), options.step_s)
    }
}

/// What the two tables say of the same signal must fit together: one that was forgotten or given twice does not.
fn check(key: &RowKey, rows: &SignalRows) -> Option<Note> {
    let RowKey {
        namespace,
        workload,
        container,
        signal,
    } = key;
    let fault = |what: String| {
        let message = format!("`{signal}` of {workload} container `{container}` in `{namespace}` {what}");
        Some(
            Note::error(code::ROW_CONTRADICTS, message)
                .help("make both tables from the same samples, and give each once"),
        )
    };
    if !matches!(signal.form(), Form::Demand | Form::Worst) {
        return None;
    }
    match (rows.buckets.is_empty(), rows.instants.is_empty()) {
        (true, _) => return fault("has instants and no buckets".to_owned()),
        (_, true) => return fault("has buckets and no instants".to_owned()),
        _ => {}
    }
    let counted: u128 = rows.buckets.values().map(|bucket| u128::from(bucket.count)).sum();
    let pods: u128 = rows.instants.iter().map(|instant| u128::from(instant.pods)).sum();
    if pods > counted {
        return fault(format!(
            "has {counted} samples in its buckets and {pods} in its instants"
        ));
    }
    let sum: u128 = rows.buckets.values().map(|bucket| bucket.sum).sum();
    let total: u128 = rows.instants.iter().map(|instant| u128::from(instant.total)).sum();
    if signal.form() == Form::Demand && total > sum {
        return fault(format!(
            "adds up to {sum} in its buckets and to {total} in its instants"
        ));
    }
    None
}

fn history(signal: Signal, rows: &SignalRows) -> SignalHistory {
    let mut sketches: BTreeMap<Week, Sketch> = BTreeMap::new();
    for weeks in rows
        .buckets
        .iter()
        .collect::<Vec<_>>()
        .chunk_by(|one, next| one.0.0 == next.0.0)
    {
        let ((week_s, _), _) = weeks[0];
        let buckets = weeks.iter().filter_map(|&(&(_, index), bucket)| {
            let level = Level::from_index(index)?;
            Some((level, bucket.count))
        });
        let of = |pick: fn(&crate::history::rows::Bucket) -> u64| weeks.iter().map(move |(_, bucket)| pick(bucket));
        let sum = weeks.iter().map(|(_, bucket)| bucket.sum).sum();
        let (min, max) = (of(|bucket| bucket.min).min(), of(|bucket| bucket.max).max());
        let sketch = Sketch::of_buckets(buckets.collect(), sum, min.unwrap_or(0), max.unwrap_or(0));
        sketches.insert(Week::of_end(week_s + 1), sketch);
    }
    let points = rows.instants.iter().map(|instant| Point {
        end_ms: instant.end_s * 1000,
        total: instant.total,
        max: instant.max,
        active: instant.pods,
    });
    let timeline = Timeline::of_points(points.collect(), combine_of(signal));
    SignalHistory {
        sketches,
        exact: Exact {
            timeline,
            ..Exact::default()
        },
        ..SignalHistory::default()
    }
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_unix(second).expect("broken invariant: times lie between 2000 and 2100")
}

fn window<'r>(rows: impl Iterator<Item = &'r SignalRows>, step_s: u32) -> Option<Window> {
    let ends = rows.flat_map(|rows| rows.instants.iter().map(|instant| instant.end_s));
    let (first, last) = ends.fold(None, |known: Option<(i64, i64)>, end| {
        Some(known.map_or((end, end), |(first, last)| (first.min(end), last.max(end))))
    })?;
    let step = i64::from(step_s);
    Some(Window {
        start: instant(cell_end(first, step) - step),
        end: instant(last),
    })
}

/// Where a signal of one container came from. How many series there were is not in the rows: at least as many as pods at
/// one instant.
fn source(signal: Signal, rows: &SignalRows, window: Window) -> Source {
    let ends = || rows.instants.iter().map(|instant| instant.end_s);
    let counted: u64 = rows.buckets.values().map(|bucket| bucket.count).sum();
    let pods = || rows.instants.iter().map(|instant| u64::from(instant.pods));
    let grid = distance(&rows.instants);
    Source {
        series: pods().max().unwrap_or(1),
        samples: if counted > 0 { counted } else { pods().sum() },
        first: ends().min().map_or(window.start, instant),
        last: ends().max().map_or(window.end, instant),
        grid_s: if needs_grid(signal) { grid_of(grid) } else { 0 },
        fingerprint: rows.fingerprint,
    }
}

/// Instants closer than any grid are cells of samples that were on none, or single seconds.
fn grid_of(distance_s: u64) -> u64 {
    if is_off_grid(distance_s) { 1 } else { distance_s }
}

impl Source {
    /// Of two containers of one signal.
    fn joined(&self, other: &Self, signal: Signal) -> Self {
        let between = self.first.unix().abs_diff(other.first.unix());
        let grid = gcd(gcd(self.grid_s, other.grid_s), between);
        Self {
            grid_s: if needs_grid(signal) { grid_of(grid) } else { 0 },
            ..self.and(other)
        }
    }
}

// the weeks of rows are those of profiles
const _: () = assert!(WEEK_S == 7 * 86_400);
