//! The lines of a profile: `Kind/name container record week payload checksum`, `-` for no container and no week.
//!
//! A blank is smaller than every character of a name, so sorting lines as text sorts them by workload, container,
//! record and week, and all lines of a workload stand together.

use super::calendar::{WEEK_S, Week};
use super::checksum::seal;
use super::coarse::Coarse;
use super::days::{Counters, Days};
use super::demand::{Columns, DemandWeek};
use super::huffman::{packed, unpacked};
use super::ordered::krr::KrrState;
use super::ordered::vpa::VpaState;
use super::pack::{PayloadError, Unpacker, put_difference, put_varint};
use super::sketch::{Sketch, integer};
use super::state::State;
use super::timeline::Timeline;
use super::usage::{SignalHistory, WorkloadHistory};
use crate::history::FINE_MS;
use crate::history::identity::Identity;
use crate::history::owners::WorkloadKey;
use crate::history::samples::{is_kind, is_name};
use crate::history::signal::Signal;
use std::collections::BTreeMap;

/// What a line holds, behind the signal's id and a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Sketch,
    Demand,
    State,
    Days,
    /// That samples are averages over long intervals.
    Averages,
    /// Weights that another program kept.
    Coarse,
    /// What the recommender of the VPA keeps.
    Vpa,
    /// What krr asks for.
    Krr,
    /// Exact totals by instant: only in shards.
    Exact,
    /// Readings of counters: only in shards.
    Counters,
    /// Where the samples of each series lie: only in shards.
    Stretches,
}

const RECORDS: [(Record, &str); 11] = [
    (Record::Sketch, "sketch"),
    (Record::Demand, "demand"),
    (Record::State, "state"),
    (Record::Days, "days"),
    (Record::Averages, "averages"),
    (Record::Coarse, "coarse"),
    (Record::Vpa, "vpa"),
    (Record::Krr, "krr"),
    (Record::Exact, "exact"),
    (Record::Counters, "counters"),
    (Record::Stretches, "stretches"),
];
const IDENTITY: &str = "identity";

impl Record {
    fn id(self) -> &'static str {
        RECORDS
            .iter()
            .find(|(record, _)| *record == self)
            .map_or("", |(_, id)| id)
    }

    fn has_week(self) -> bool {
        matches!(self, Self::Sketch | Self::Demand | Self::Exact)
    }
}

/// All lines of a workload, each with its checksum and without its line end, in no order.
pub(super) fn encode_workload(key: &WorkloadKey, workload: &WorkloadHistory) -> Vec<String> {
    let mut lines = Vec::new();
    let identity: Vec<_> = workload.identity.iter().map(|identity| identity.id()).collect();
    if !identity.is_empty() {
        lines.push(format!("{key} - {IDENTITY} - {}", identity.join(" ")));
    }
    for ((container, signal), history) in &workload.signals {
        let container = if container.is_empty() { "-" } else { container };
        let mut line = |record: Record, week: Option<Week>, payload: String| {
            let week = week.map_or_else(|| "-".to_owned(), |week| week.to_string());
            lines.push(format!("{key} {container} {signal}.{} {week} {payload}", record.id()));
        };
        for (&week, sketch) in &history.sketches {
            line(Record::Sketch, Some(week), sketch.encode());
        }
        for (&week, demand) in &history.demand {
            line(Record::Demand, Some(week), demand.encode());
        }
        if !history.state.is_empty() {
            line(Record::State, None, history.state.encode());
        }
        if !history.days.is_empty() {
            line(Record::Days, None, history.days.encode());
        }
        if let Some(seconds) = history.averaged_s {
            line(Record::Averages, None, seconds.to_string());
        }
        if let Some(coarse) = &history.coarse {
            line(Record::Coarse, None, coarse.encode());
        }
        if let Some(vpa) = &history.ordered.vpa {
            line(Record::Vpa, None, vpa.encode());
        }
        if let Some(krr) = &history.ordered.krr {
            line(Record::Krr, None, krr.encode());
        }
        for block in history
            .exact
            .timeline
            .points()
            .chunk_by(|a, b| Week::of_end(a.end_s()) == Week::of_end(b.end_s()))
        {
            let week = Week::of_end(block[0].end_s());
            line(Record::Exact, Some(week), Timeline::encode(block, week.start_s()));
        }
        if !history.exact.counters.is_empty() {
            line(Record::Counters, None, history.exact.counters.encode());
        }
        if !history.exact.stretches.is_empty() {
            line(Record::Stretches, None, encode_stretches(&history.exact.stretches));
        }
    }
    lines.iter_mut().for_each(seal);
    lines
}

/// What is wrong with a line, in words that finish "the line …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// Its shape.
    #[error("{0}")]
    Shape(String),
    /// Its payload.
    #[error("the payload of `{0}` {1}")]
    Payload(String, PayloadError),
}

fn shape(what: impl Into<String>) -> LineError {
    LineError::Shape(what.into())
}

/// The first four fields, and the payload.
struct Fields<'l> {
    /// Everything before the payload.
    head: &'l str,
    key: &'l str,
    container: &'l str,
    record: &'l str,
    week: &'l str,
    payload: &'l str,
}

fn fields(line: &str) -> Option<Fields<'_>> {
    let mut parts = line.splitn(5, ' ');
    let (key, container, record, week) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let payload = parts.next()?;
    let head = &line[..line.len() - payload.len() - 1];
    Some(Fields {
        head,
        key,
        container,
        record,
        week,
        payload,
    })
}

/// The `Kind/name` of a line, without checking anything.
pub(super) fn key_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

/// Reads lines back, their checksums taken off, strictly: sorted, each key once, every field in its one spelling.
#[derive(Debug)]
pub(super) struct Decoder<'l> {
    asked: Asked,
    last: Option<&'l str>,
    pub(super) workloads: BTreeMap<WorkloadKey, WorkloadHistory>,
}

/// What lines are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All that they say.
    Everything,
    /// What a plan is made from: of demand the CPU of all pods together, and this of memory.
    Plan {
        /// Of a job the totals, since how often it ran is told by its memory too; of what is joined with what is recorded
        /// under another name the known cells; else the ends.
        memory: Columns,
    },
}

impl Asked {
    /// Whether states of other programs are read: a plan is made without them.
    fn is_with_states(self) -> bool {
        self == Self::Everything
    }

    fn columns(self, signal: Signal) -> Columns {
        match self {
            Self::Everything => Columns::All,
            Self::Plan { memory } if signal != Signal::Cpu => memory,
            Self::Plan { .. } => Columns::Totals,
        }
    }
}

impl<'l> Decoder<'l> {
    pub(super) fn new(asked: Asked) -> Self {
        let (last, workloads) = (None, BTreeMap::new());
        Self { asked, last, workloads }
    }

    pub(super) fn line(&mut self, line: &'l str) -> Result<(), LineError> {
        let fields =
            fields(line).ok_or_else(|| shape("has not the five fields `Kind/name container record week payload`"))?;
        if let Some(last) = self.last
            && last >= fields.head
        {
            let fault = if last == fields.head {
                "stands twice"
            } else {
                "is out of order"
            };
            return Err(shape(format!("`{}` {fault}", fields.head)));
        }
        self.last = Some(fields.head);
        let key = parse_key(fields.key)?;
        let container = match fields.container {
            "-" => "",
            name if is_name(name) => name,
            other => return Err(shape(format!("has `{other}`, which is no container"))),
        };
        let workload = self.workloads.entry(key).or_default();
        decode(&fields, container, self.asked, workload)
    }
}

fn parse_key(key: &str) -> Result<WorkloadKey, LineError> {
    let parts = key
        .split_once('/')
        .filter(|(kind, name)| is_kind(kind) && is_name(name));
    let (kind, name) = parts.ok_or_else(|| shape(format!("has `{key}`, which is no `Kind/name`")))?;
    Ok(WorkloadKey::new(kind, name))
}

fn decode(fields: &Fields<'_>, container: &str, asked: Asked, workload: &mut WorkloadHistory) -> Result<(), LineError> {
    let unknown = || shape(format!("holds `{}`, which is no record", fields.record));
    if fields.record == IDENTITY {
        return decode_identity(fields, container, workload);
    }
    let (signal, record) = fields.record.split_once('.').ok_or_else(unknown)?;
    let signal = Signal::from_id(signal).ok_or_else(unknown)?;
    let record = RECORDS.iter().find(|(_, id)| *id == record).ok_or_else(unknown)?.0;
    if signal.is_of_container() == container.is_empty() {
        return Err(shape(format!("has `{signal}` of container `{}`", fields.container)));
    }
    let week = match (record.has_week(), fields.week) {
        (false, "-") => None,
        (true, week) => Some(Week::parse(week).ok_or_else(|| shape(format!("has `{week}`, which is no Monday")))?),
        (false, week) => return Err(shape(format!("has `{week}` where `-` belongs"))),
    };
    if matches!(record, Record::Vpa | Record::Krr) {
        if !matches!(signal, Signal::Cpu | Signal::Memory) {
            return Err(unknown());
        }
        if !asked.is_with_states() {
            return Ok(());
        }
    }
    let history = workload.signals.entry((container.to_owned(), signal)).or_default();
    decode_payload((signal, record), week, fields.payload, asked.columns(signal), history)
        .map_err(|error| LineError::Payload(fields.head.to_owned(), error))
}

fn decode_payload(
    (signal, record): (Signal, Record),
    week: Option<Week>,
    payload: &str,
    columns: Columns,
    history: &mut SignalHistory,
) -> Result<(), PayloadError> {
    match (record, week) {
        (Record::Sketch, Some(week)) => drop(history.sketches.insert(week, Sketch::decode(payload)?)),
        (Record::Demand, Some(week)) => drop(history.demand.insert(week, DemandWeek::decode(payload, columns)?)),
        (Record::Exact, Some(week)) => {
            let (start, end) = (week.start_s(), week.start_s() + WEEK_S);
            history.exact.timeline.decode_into(payload, start, end)?;
        }
        (Record::State, _) => history.state = State::decode(payload)?,
        (Record::Days, _) => history.days = Days::decode(payload)?,
        (Record::Averages, _) => history.averaged_s = Some(decode_averages(payload)?),
        (Record::Coarse, _) => history.coarse = Some(Coarse::decode(payload)?),
        (Record::Vpa, _) => history.ordered.vpa = Some(VpaState::decode(payload)?),
        (Record::Krr, _) => history.ordered.krr = Some(KrrState::decode(payload, signal)?),
        (Record::Counters, _) => history.exact.counters = Counters::decode(payload)?,
        (Record::Stretches, _) => history.exact.stretches = decode_stretches(payload)?,
        (Record::Sketch | Record::Demand | Record::Exact, None) => unreachable!("records of weeks have one"),
    }
    Ok(())
}

/// Seconds, more than a sample of the usual kind stands for.
fn decode_averages(payload: &str) -> Result<u32, PayloadError> {
    let seconds = integer(payload, "seconds")?;
    if u64::from(seconds) * 1000 <= FINE_MS {
        return Err(PayloadError::new(format!(
            "marks averages over {seconds}s, which need no mark"
        )));
    }
    Ok(seconds)
}

fn decode_identity(fields: &Fields<'_>, container: &str, workload: &mut WorkloadHistory) -> Result<(), LineError> {
    if !container.is_empty() || fields.week != "-" {
        return Err(shape("has an identity of a container or week"));
    }
    for word in fields.payload.split(' ') {
        let identity =
            Identity::from_id(word).ok_or_else(|| shape(format!("has `{word}`, which tells no identity")))?;
        if workload.identity.last().is_some_and(|last| *last >= identity) {
            return Err(shape("has identities out of order"));
        }
        workload.identity.insert(identity);
    }
    Ok(())
}

fn encode_stretches(stretches: &BTreeMap<u64, Vec<(i64, i64)>>) -> String {
    let mut bytes = Vec::new();
    let mut last_series = 0;
    for (&series, stretches) in stretches {
        put_difference(&mut bytes, last_series, series);
        put_varint(&mut bytes, stretches.len() as u64);
        last_series = series;
        let mut last = 0;
        for &(first, end) in stretches {
            put_varint(&mut bytes, (first - last).cast_unsigned());
            put_varint(&mut bytes, (end - first).cast_unsigned());
            last = end;
        }
    }
    packed(&bytes)
}

fn decode_stretches(payload: &str) -> Result<BTreeMap<u64, Vec<(i64, i64)>>, PayloadError> {
    let bytes = unpacked(payload)?;
    let mut unpacker = Unpacker::new(&bytes);
    let mut all: BTreeMap<u64, Vec<(i64, i64)>> = BTreeMap::new();
    let mut series = 0;
    while !unpacker.is_empty() {
        series = unpacker.difference(series)?;
        let count: u32 = unpacker.small("number of stretches")?;
        let mut stretches = Vec::new();
        let mut last = 0i64;
        for _ in 0..count {
            let (gap, length): (u32, u32) = (unpacker.small("gap")?, unpacker.small("stretch")?);
            let first = last + i64::from(gap);
            last = first + i64::from(length);
            stretches.push((first, last));
        }
        if stretches.is_empty() || all.last_key_value().is_some_and(|(&before, _)| before >= series) {
            return Err(PayloadError::new("has series out of order or without a sample"));
        }
        all.insert(series, stretches);
    }
    if all.is_empty() {
        Err(PayloadError::new("holds no series"))
    } else {
        Ok(all)
    }
}
