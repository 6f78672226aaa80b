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
use crate::diag::code;
use crate::history::clean::{gcd, needs_grid};
use crate::history::identity::Identity;
use crate::history::note::Note;
use crate::history::rows::{RowKey, Rows, SignalRows};
use crate::history::samples::no_room;
use crate::history::signal::{Form, Signal};
use crate::units::Timestamp;
use crate::units::level::Level;
use std::collections::BTreeMap;

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
        end_s: instant.end_s,
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
    let first = ends().min();
    let grid = first.map_or(0, |first| ends().fold(0, |grid, end| gcd(grid, end.abs_diff(first))));
    Source {
        series: pods().max().unwrap_or(1),
        samples: if counted > 0 { counted } else { pods().sum() },
        first: first.map_or(window.start, instant),
        last: ends().max().map_or(window.end, instant),
        grid_s: if needs_grid(signal) { grid_of(grid) } else { 0 },
        fingerprint: rows.fingerprint,
    }
}

/// Instants closer than any grid are cells of samples that were on none, or single seconds.
fn grid_of(distance_s: u64) -> u64 {
    if distance_s == 0 || distance_s >= GRID_MIN_S {
        distance_s
    } else {
        1
    }
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
