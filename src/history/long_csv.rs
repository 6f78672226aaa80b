//! Long CSV: one sample a row, columns found by their names. Covers most lakes, and what a line of SQL makes of others.

use super::note::{Note, Tally};
use super::number::amount;
use super::samples::{LABELS_MAX, Labels, Refused, Sample, Slot, describe, usable};
use super::signal::{Metric, Signal, by_file_name};
use super::time::{Epoch, TimeError, from_number, from_text};
use super::unit::Unit;
use super::{Format, Input, Read};
use crate::diag::code;
use csv::{ByteRecord, ReaderBuilder};
use std::cell::Cell;

/// The longest row; what is longer is no row.
const RECORD_MAX: u64 = 1 << 20;
/// How far the row splitter reads ahead.
const AHEAD: usize = 64 * 1024;

const DAY_MS: u64 = 86_400_000;

/// Names of the time column, the best first.
const TIMES: &[&str] = &[
    "ts",
    "timestamp",
    "time",
    "datetime",
    "date",
    "_time",
    "interval_end",
    "end",
    "__timestamp__",
];
const VALUES: &[&str] = &["value", "val", "_value", "v", "__value__"];
const METRICS: &[&str] = &[
    "metric",
    "__name__",
    "metric_name",
    "measurement",
    "_measurement",
    "name",
];
/// Columns that become labels: our label, and other spellings of its column.
const LABELS: &[(&str, &[&str])] = &[
    (
        "namespace",
        &[
            "namespace",
            "ns",
            "kube_namespace",
            "kubernetes_namespace",
            "namespace_name",
        ],
    ),
    (
        "pod",
        &["pod", "pod_name", "podname", "kube_pod", "kubernetes_pod_name"],
    ),
    (
        "container",
        &["container", "container_name", "containername", "kube_container_name"],
    ),
    ("workload", &["workload", "workload_name"]),
    ("workload_type", &["workload_type", "workload_kind"]),
    ("deployment", &["deployment", "kube_deployment"]),
    ("statefulset", &["statefulset", "kube_stateful_set"]),
    ("daemonset", &["daemonset", "kube_daemon_set"]),
    ("cronjob", &["cronjob", "kube_cronjob"]),
    ("rollout", &["rollout"]),
    ("destination_workload", &["destination_workload"]),
    ("horizontalpodautoscaler", &["horizontalpodautoscaler", "hpa"]),
    ("resource", &["resource"]),
    ("reason", &["reason"]),
    ("cpu", &["cpu"]),
    ("id", &["id", "container_id"]),
    ("cluster", &["cluster", "cluster_name", "kube_cluster_name"]),
];

/// One sample a row.
pub struct LongCsv;

impl Format for LongCsv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        !matches!(line.trim_ascii_start().first(), None | Some(b'<' | b'{' | b'['))
            && line.iter().any(|byte| b",;\t".contains(byte))
            && !line.contains(&0)
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        Table::open(input, text)
    }
}

/// Lets at most one row's worth of bytes through between two rows.
struct Bounded<'r> {
    input: &'r mut dyn std::io::Read,
    since_row: &'r Cell<u64>,
}

impl std::io::Read for Bounded<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.since_row.get() > RECORD_MAX + AHEAD as u64 {
            return Err(std::io::Error::other(format!(
                "a row is longer than {RECORD_MAX} bytes; is a quote left open?"
            )));
        }
        let read = self.input.read(out)?;
        self.since_row.set(self.since_row.get() + read as u64);
        Ok(read)
    }
}

/// Where the columns are.
struct Columns {
    time: usize,
    /// Another column that may be a time.
    other_time: Option<usize>,
    value: usize,
    value_name: String,
    metric: Option<usize>,
    count: usize,
    labels: Vec<(&'static str, usize)>,
}

impl Columns {
    fn find(header: &ByteRecord, input: &Input<'_>) -> Result<Self, Note> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .collect();
        let at = |role: &str, spellings: &[&str]| -> Result<Option<usize>, Note> {
            if let Some(stated) = input.columns.get(role) {
                let place = names.iter().position(|name| *name == stated.to_ascii_lowercase());
                return place.map(Some).ok_or_else(|| {
                    Note::error(
                        code::COLUMN_MISSING,
                        format!("has no column `{stated}`, its columns are {}", shown(&names)),
                    )
                });
            }
            Ok(spellings
                .iter()
                .find_map(|spelling| names.iter().position(|name| name == spelling)))
        };
        let missing = |role: &str, spellings: &[&str]| {
            let columns = shown(&names);
            Note::error(
                code::COLUMN_MISSING,
                format!(
                    "has no {role} column ({}), its columns are {columns}",
                    spellings.join(", ")
                ),
            )
            .help(format!("name it: --columns {role}=COLUMN"))
        };
        let mut labels = Vec::new();
        for &(label, spellings) in LABELS {
            if let Some(place) = at(label, spellings)? {
                labels.push((label, place));
            }
        }
        let value = at("value", VALUES)?.ok_or_else(|| missing("value", VALUES))?;
        let time = at("time", TIMES)?.ok_or_else(|| missing("time", TIMES))?;
        let is_time = |place: usize| TIMES.contains(&names[place].as_str());
        Ok(Self {
            time,
            other_time: (0..names.len()).find(|&place| place != time && is_time(place)),
            value,
            value_name: String::from_utf8_lossy(&header[value]).into_owned(),
            metric: at("metric", METRICS)?,
            count: header.len(),
            labels,
        })
    }
}

/// Names of columns for people: what is no table at all may have a first line of any length.
fn shown(names: &[String]) -> String {
    const NAMED: usize = 20;
    const LONGEST: usize = 40;
    let cut = |name: &String| {
        let start: String = name.chars().take(LONGEST).collect();
        if start.len() < name.len() { start + "…" } else { start }
    };
    let named: Vec<String> = names.iter().take(NAMED).map(cut).collect();
    match names.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Where the samples of a series go, and the unit they are in if it is not their signal's own.
type Target = (Slot, Option<Unit>);

struct Table<'i> {
    input: &'i Input<'i>,
    columns: Columns,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
}

impl Table<'_> {
    fn open(input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let since_row = Cell::new(0);
        let bounded = std::io::BufReader::with_capacity(
            AHEAD,
            Bounded {
                input: text,
                since_row: &since_row,
            },
        );
        let (delimiter, bounded) = delimiter(bounded).map_err(|error| vec![unreadable(input, 1, &error)])?;
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(AHEAD)
            .from_reader(bounded);
        let mut record = ByteRecord::new();
        if input.header.is_empty() {
            rows.read_byte_record(&mut record)
                .map_err(|error| vec![unreadable(input, 1, &error)])?;
        } else {
            // VictoriaMetrics writes how a time is written behind the column's name: `__timestamp__:unix_s`
            let names = input.header.iter().map(|name| name.split(':').next().unwrap_or(name));
            record = ByteRecord::from(names.collect::<Vec<_>>());
        }
        let columns = Columns::find(&record, input).map_err(|note| vec![note.in_file(input.name).at_row(1)])?;
        let mut table = Table {
            input,
            columns,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
        };
        let mut last: Option<(Vec<u8>, Option<Target>)> = None;
        loop {
            since_row.set(0);
            match rows.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(vec![unreadable(input, rows.position().line(), &error)]),
            }
            let row = record.position().map_or(0, csv::Position::line);
            table
                .row(&record, row, &mut last)
                .map_err(|note| vec![note.in_file(input.name).at_row(row)])?;
        }
        let Table { mut read, tally, .. } = table;
        read.notes.extend(tally.into_notes(input.name, describe));
        read.finish(input)
    }

    fn row(&mut self, record: &ByteRecord, row: u64, last: &mut Option<(Vec<u8>, Option<Target>)>) -> Result<(), Note> {
        if record.iter().all(<[u8]>::is_empty) {
            self.tally.add(code::ROW_BLANK, row, || "a blank row".into());
            return Ok(());
        }
        if record.len() != self.columns.count {
            let message = format!("the row has {} cells, the header {}", record.len(), self.columns.count);
            return Err(Note::error(code::EXPORT_MALFORMED, message)
                .help("decimals need a point, cells with separators need quotes"));
        }
        // rows of one series mostly stand together: the same label cells as the row before need no look-up
        let mut cells = Vec::with_capacity(128);
        for place in self
            .columns
            .metric
            .iter()
            .chain(self.columns.labels.iter().map(|(_, place)| place))
        {
            cells.extend_from_slice(record.get(*place).unwrap_or_default());
            cells.push(0);
        }
        let target = match last {
            Some((known, target)) if *known == cells => *target,
            _ => {
                let target = self.target(record)?;
                *last = Some((cells, target));
                target
            }
        };
        let Some(target) = target else { return Ok(()) };
        self.sample(record, row, target)
    }

    fn target(&mut self, record: &ByteRecord) -> Result<Option<Target>, Note> {
        let mut labels = Labels::default();
        let mut length = 0;
        let named = self.columns.metric.map(|place| ("__name__", place));
        for (label, place) in named.into_iter().chain(self.columns.labels.iter().copied()) {
            let cell = std::str::from_utf8(record.get(place).unwrap_or_default())
                .map_err(|_| Note::error(code::EXPORT_MALFORMED, format!("the cell of `{label}` is not UTF-8")))?;
            length += cell.len();
            labels.0.push((label.to_owned(), cell.trim().to_owned()));
        }
        if length > LABELS_MAX {
            return Err(Note::error(
                code::EXPORT_MALFORMED,
                format!("the labels are longer than {LABELS_MAX} bytes"),
            ));
        }
        match self
            .read
            .samples
            .slot(&self.input.with_constants(&labels), &self.input.expected, self.by_file)
        {
            Ok(slot) => {
                self.read.note_signal(self.input, &labels, self.by_file);
                let unit = self.unit(self.read.samples.signal(slot))?;
                Ok(Some((slot, unit)))
            }
            Err(Refused::Useless(reason)) => {
                self.read.samples.leave_out(reason);
                Ok(None)
            }
            Err(Refused::Fault(note)) => Err(*note),
        }
    }

    /// The unit that values of a signal are in, `None` for the signal's own.
    fn unit(&self, signal: Signal) -> Result<Option<Unit>, Note> {
        let declared = self.input.units.iter().find(|unit| unit.fits(signal));
        if let Some(unit) = declared {
            return Ok(Some(*unit));
        }
        let Some(told) = Unit::told_by(&self.columns.value_name, signal) else {
            return Ok(None);
        };
        let (column, told) = (&self.columns.value_name, told.id());
        let message = format!("the values of `{signal}` are in column `{column}`, whose name tells {told}");
        let help = format!("compare some values with what you know, then say --unit {told} or the unit they are in");
        Err(Note::error(code::UNIT_UNDECLARED, message).help(help))
    }

    fn sample(&mut self, record: &ByteRecord, row: u64, (slot, unit): Target) -> Result<(), Note> {
        let cell = |place: usize, what: &str| {
            record
                .get(place)
                .map(|cell| String::from_utf8_lossy(cell.trim_ascii()))
                .ok_or_else(|| {
                    Note::error(
                        code::EXPORT_MALFORMED,
                        format!("the row has {} cells and none for the {what}", record.len()),
                    )
                })
        };
        let time = cell(self.columns.time, "time")?;
        let at_ms = match from_number(&time) {
            Ok((at_ms, epoch)) => {
                if epoch == Epoch::Finer {
                    self.tally.add(code::TIME_IN_MILLISECONDS, row, || time.to_string());
                }
                Ok(at_ms)
            }
            Err(TimeError::Form) => from_text(&time),
            Err(TimeError::Range) => Err(TimeError::Range),
        };
        let at_ms = match at_ms {
            Ok(at_ms) => at_ms,
            Err(TimeError::Range) => {
                self.tally.add(code::TIME_OUT_OF_RANGE, row, || time.to_string());
                return Ok(());
            }
            Err(TimeError::Form) => {
                let help = "times are Unix seconds or milliseconds, RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC";
                return Err(Note::error(code::TIME_MALFORMED, format!("`{time}` is no time")).help(help));
            }
        };
        self.compare_times(record, row, at_ms)?;
        let text = cell(self.columns.value, "value")?;
        let reading = match unit {
            Some(unit) => unit.amount(text.as_bytes()),
            None => amount(text.as_bytes(), self.read.samples.signal(slot).digits()),
        };
        match usable(reading) {
            Ok(value) => {
                self.order(slot, at_ms, row, &time);
                self.read.extent.note(at_ms, row);
                self.read.samples.push(slot, Sample { at_ms, value });
            }
            Err(code::VALUE_MALFORMED) => {
                let help = "values are plain decimals such as `0.25` or `1e-3`, without a unit";
                return Err(Note::error(code::VALUE_MALFORMED, format!("`{text}` is no number")).help(help));
            }
            Err(code) => self.tally.add(code, row, || format!("`{text}` at {time}")),
        }
        Ok(())
    }

    /// A table with two times a row, one of them of another day: nobody can tell which is right but its owner.
    fn compare_times(&mut self, record: &ByteRecord, row: u64, at_ms: i64) -> Result<(), Note> {
        let other = self.columns.other_time.and_then(|place| record.get(place));
        let Some(other) = other.and_then(|cell| std::str::from_utf8(cell).ok()) else {
            return Ok(());
        };
        match from_number(other).map(|(ms, _)| ms).or_else(|_| from_text(other)) {
            Ok(other_ms) if at_ms.abs_diff(other_ms) > DAY_MS => {}
            _ => return Ok(()),
        }
        if self.input.columns.contains_key("time") {
            self.tally.add(code::TIME_COLUMNS, row, || format!("`{other}`"));
            return Ok(());
        }
        let time = String::from_utf8_lossy(record.get(self.columns.time).unwrap_or_default());
        let message = format!("the row tells two times more than a day apart, `{time}` and `{other}`");
        let help = "one of the columns is damaged: name the right one with --columns time=COLUMN";
        Err(Note::error(code::TIME_COLUMNS, message).help(help))
    }

    fn order(&mut self, slot: Slot, at_ms: i64, row: u64, time: &str) {
        match self.read.samples.last(slot) {
            Some(before) if before.at_ms > at_ms => self.tally.add(code::ROW_OUT_OF_ORDER, row, || time.to_owned()),
            Some(before) if before.at_ms == at_ms => self.tally.add(code::ROW_DUPLICATE, row, || time.to_owned()),
            _ => {}
        }
    }
}

fn unreadable(input: &Input<'_>, row: u64, error: &dyn std::fmt::Display) -> Note {
    Note::error(code::EXPORT_MALFORMED, format!("cannot read on: {error}"))
        .in_file(input.name)
        .at_row(row)
}

/// The separator of the header line, and the reader put back before it.
fn delimiter<'r>(mut text: impl std::io::BufRead + 'r) -> std::io::Result<(u8, impl std::io::Read + 'r)> {
    let head = text.fill_buf()?;
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| line.split(|&byte| byte == mark).count();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|&mark| (count(mark), mark == b','));
    Ok((delimiter.unwrap_or(b','), text))
}
