//! Long tables: one sample a row, columns found by their names. Covers most lakes, and what a line of SQL makes of others.

use super::names::{self, LABELS};
use super::note::{Note, Tally};
use super::number::amount;
use super::samples::{LABELS_MAX, Labels, NAMELESS, Refused, Sample, Slot, describe, usable};
use super::signal::{Metric, Signal, by_file_name};
use super::table::{self, Rows, check_width, shown};
use super::time::{Epoch, TimeError, from_number, from_text};
use super::unit::Unit;
use super::{Format, Input, Read};
use crate::diag::code;
use csv::ByteRecord;
use std::collections::BTreeMap;

const DAY_MS: u64 = 86_400_000;

/// Names of the time column, the best first.
const TIMES: &[&str] = &[
    "ts",
    "timestamp",
    "time",
    "datetime",
    "date",
    "_time",
    "@timestamp",
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
const UNITS: &[&str] = &["unit", "units"];

/// One sample a row.
pub struct LongCsv;

impl Format for LongCsv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        !matches!(line.trim_ascii_start().first(), None | Some(b'<' | b'{' | b'['))
            && table::separator(line).is_some()
            && !line.contains(&0)
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let in_file = |note: Note| vec![note.in_file(input.name)];
        let (mut rows, header) = table::Table::open(input, text).map_err(in_file)?;
        let columns = Columns::find(&header, input).map_err(|note| in_file(note.at_row(1)))?;
        Table::read(input, columns, &mut rows)
    }
}

/// Reads samples from the rows of a table that is no text.
#[cfg(feature = "parquet")]
pub(super) fn read_rows(input: &Input<'_>, header: &ByteRecord, rows: &mut dyn Rows) -> Result<Read, Vec<Note>> {
    let columns = Columns::find(header, input).map_err(|note| vec![note.in_file(input.name)])?;
    Table::read(input, columns, rows)
}

/// Where the columns are.
struct Columns {
    time: usize,
    /// Another column that may be a time.
    other_time: Option<usize>,
    value: usize,
    value_name: String,
    /// What the name of the value's column tells, if it is that of a metric.
    measure: Option<(Metric, Option<Unit>)>,
    metric: Option<usize>,
    /// The unit of each row.
    unit: Option<usize>,
    count: usize,
    labels: Vec<(&'static str, usize)>,
}

impl Columns {
    fn find(header: &ByteRecord, input: &Input<'_>) -> Result<Self, Note> {
        let names = table::names(header);
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
        let mut labels = Vec::new();
        for &(label, spellings) in LABELS {
            if let Some(place) = at(label, spellings)? {
                labels.push((label, place));
            }
        }
        // a table may have its one measure in a column that is named like the metric
        let mut measures = (0..names.len()).filter(|&place| names::metric_of(&names[place]).is_some());
        let measure = measures.next().filter(|_| measures.next().is_none());
        let (value, time) = (at("value", VALUES)?.or(measure), at("time", TIMES)?);
        let (Some(value), Some(time)) = (value, time) else {
            let found = Lacking {
                names: &names,
                time,
                value,
                labels: &labels,
            };
            return Err(found.note(input));
        };
        let is_time = |place: usize| TIMES.contains(&names[place].as_str());
        Ok(Self {
            time,
            other_time: (0..names.len()).find(|&place| place != time && is_time(place)),
            value,
            measure: names::metric_of(&names[value]).or_else(|| by_signal(&names[value])),
            value_name: String::from_utf8_lossy(&header[value]).into_owned(),
            metric: at("metric", METRICS)?,
            unit: at("unit", UNITS)?,
            count: header.len(),
            labels,
        })
    }
}

/// A column that is called as a signal is and was not known by any other name.
fn by_signal(name: &str) -> Option<(Metric, Option<Unit>)> {
    Signal::from_id(name)?;
    by_file_name(name).map(|metric| (metric, None))
}

/// Whether a label could name a pod or a workload.
fn tells_whose(label: &str) -> bool {
    const OTHERS: [&str; 7] = ["namespace", "container", "resource", "reason", "cpu", "id", "cluster"];
    !OTHERS.contains(&label)
}

/// A table without a column that every sample needs: what is missing is told at once, with the flags that mend all of it.
struct Lacking<'t> {
    names: &'t [String],
    time: Option<usize>,
    value: Option<usize>,
    labels: &'t [(&'static str, usize)],
}

impl Lacking<'_> {
    fn note(&self, input: &Input<'_>) -> Note {
        if self.is_wide() {
            return self.wide();
        }
        let has =
            |label: &str| self.labels.iter().any(|(known, _)| *known == label) || input.constants.get(label).is_some();
        let whose = self.labels.iter().map(|(label, _)| *label);
        let whose = whose.chain(input.constants.0.iter().map(|(label, _)| label.as_str()));
        let tells_whose = whose.into_iter().any(tells_whose);
        let rows = [
            (
                self.value.is_none(),
                format!("no value column ({})", VALUES.join(", ")),
                format!("--columns value={}", self.likely_value().unwrap_or("COLUMN")),
            ),
            (
                self.time.is_none(),
                format!("no time column ({})", TIMES.join(", ")),
                "--columns time=COLUMN".to_owned(),
            ),
            (
                !tells_whose,
                "none of a pod or workload".to_owned(),
                "--columns pod=COLUMN (or --label deployment=NAME if all is of one)".to_owned(),
            ),
            (
                !has("namespace") && input.expected.namespace.is_none(),
                "none of the namespace".to_owned(),
                "--namespace NAME".to_owned(),
            ),
            (
                !has("container"),
                "none of the container".to_owned(),
                "--label container=NAME".to_owned(),
            ),
        ];
        let lacks = rows.into_iter().filter(|(is_missing, ..)| *is_missing);
        let (what, how): (Vec<String>, Vec<String>) = lacks.map(|(_, what, how)| (what, how)).unzip();
        let message = format!("has {}; its columns are {}", what.join(", "), shown(self.names));
        Note::error(code::COLUMN_MISSING, message).help(format!("say what it does not tell: {}", how.join(" ")))
    }

    /// A column that is named like a signal, else the only one that is nothing else.
    fn likely_value(&self) -> Option<&str> {
        let all = || {
            self.names
                .iter()
                .enumerate()
                .filter(|(place, _)| Some(*place) != self.time)
        };
        let named = all().find(|(_, name)| Signal::from_id(name).is_some());
        let is_label = |place: usize| self.labels.iter().any(|(_, known)| *known == place);
        let mut others = all().filter(|(place, _)| !is_label(*place));
        let only = others.next().filter(|_| others.next().is_none());
        named.or(only).map(|(_, name)| name.as_str())
    }

    /// A time, and a column for each series.
    fn is_wide(&self) -> bool {
        self.time.is_some() && self.value.is_none() && self.labels.is_empty() && self.names.len() > 2
    }

    fn wide(&self) -> Note {
        let time = self.time.map_or("time", |place| &self.names[place]);
        let message = format!(
            "has a column for each series, and rows of a sample each are read: its columns are {}",
            shown(self.names)
        );
        Note::error(code::COLUMN_MISSING, message).help(format!(
            "turn it, in DuckDB: UNPIVOT 'FILE' ON COLUMNS(* EXCLUDE {time}) INTO NAME pod VALUE value; or export what the \
             store answers, as JSON, not what a dashboard shows"
        ))
    }
}

impl Columns {
    /// All that are looked at.
    fn places(&self) -> Vec<usize> {
        let others = [self.other_time, self.metric, self.unit].into_iter().flatten();
        let labels = self.labels.iter().map(|(_, place)| *place);
        [self.time, self.value]
            .into_iter()
            .chain(others)
            .chain(labels)
            .collect()
    }

    /// Whether there is any column that could name a pod or a workload.
    fn tell_whose(&self) -> bool {
        self.labels.iter().any(|(label, _)| tells_whose(label))
    }

    fn nameless() -> Note {
        let message = "has no column that tells a pod or a workload, so nothing tells whose the values are";
        Note::error(code::COLUMN_MISSING, message).help(
            "name it: --columns pod=COLUMN or --columns workload=COLUMN; or --label deployment=NAME if all is of one",
        )
    }
}

/// Where the samples of a series go, and the unit they are in if it is not their signal's own.
type Target = (Slot, Option<Unit>);

/// `None` for a series that is left out.
type Whose = Option<Target>;

/// Series that were met, by their label cells: the same cells need no look-up.
#[derive(Default)]
struct Known {
    /// Of this row.
    cells: Vec<u8>,
    /// Of the row before, with its target: rows of one series mostly stand together.
    last: Option<(Vec<u8>, Whose)>,
    /// Of rows before, where they stand together by time.
    all: BTreeMap<Vec<u8>, Whose>,
}

impl Known {
    /// Series that are known at once: some ten megabytes.
    const MOST: usize = 1 << 16;

    fn get(&mut self) -> Option<Whose> {
        if let Some((_, target)) = self.last.as_ref().filter(|(cells, _)| *cells == self.cells) {
            return Some(*target);
        }
        let target = *self.all.get(&self.cells)?;
        self.is_last(target);
        Some(target)
    }

    fn add(&mut self, target: Whose) -> Whose {
        if self.all.len() == Self::MOST {
            self.all.clear();
        }
        self.all.insert(self.cells.clone(), target);
        self.is_last(target);
        target
    }

    fn is_last(&mut self, target: Whose) {
        let (cells, known) = self.last.get_or_insert_default();
        cells.clone_from(&self.cells);
        *known = target;
    }
}

struct Table<'i> {
    input: &'i Input<'i>,
    columns: Columns,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
}

impl Table<'_> {
    fn read(input: &Input<'_>, columns: Columns, rows: &mut dyn Rows) -> Result<Read, Vec<Note>> {
        let in_file = |note: Note| vec![note.in_file(input.name)];
        rows.keep(&columns.places()).map_err(in_file)?;
        let mut table = Table {
            input,
            columns,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
        };
        let mut record = ByteRecord::new();
        let mut known = Known::default();
        while let Some(row) = rows.next(&mut record).map_err(in_file)? {
            table
                .row(&record, row, &mut known)
                .map_err(|note| in_file(note.at_row(row)))?;
        }
        let Table { mut read, tally, .. } = table;
        read.notes.extend(tally.into_notes(input.name, describe));
        read.finish(input)
    }

    fn row(&mut self, record: &ByteRecord, row: u64, known: &mut Known) -> Result<(), Note> {
        if record.iter().all(<[u8]>::is_empty) {
            self.tally.add(code::ROW_BLANK, row, || "a blank row".into());
            return Ok(());
        }
        check_width(record, self.columns.count)
            .map_err(|note| note.help("decimals need a point, cells with separators need quotes"))?;
        known.cells.clear();
        for place in self
            .columns
            .metric
            .iter()
            .chain(&self.columns.unit)
            .chain(self.columns.labels.iter().map(|(_, place)| place))
        {
            known.cells.extend_from_slice(record.get(*place).unwrap_or_default());
            known.cells.push(0);
        }
        let target = match known.get() {
            Some(target) => target,
            None => known.add(self.target(record)?),
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
        let known = labels.get("__name__").map_or(self.columns.measure, names::metric_of);
        let metric = known.map(|(metric, _)| metric).or(self.by_file);
        let all = self.input.with_constants(&labels);
        match self.read.samples.slot(&all, &self.input.expected, metric) {
            Ok(slot) => {
                if known.is_none() {
                    self.read.note_signal(self.input, &labels, self.by_file);
                }
                let signal = self.read.samples.signal(slot);
                let of_row = self.unit_of_row(record, signal)?;
                let unit = self.unit(signal, of_row.or_else(|| known.and_then(|(_, unit)| unit)))?;
                Ok(Some((slot, unit)))
            }
            Err(Refused::Useless(NAMELESS)) if !self.columns.tell_whose() => Err(Columns::nameless()),
            Err(Refused::Useless(reason)) => {
                self.read.samples.leave_out(reason);
                Ok(None)
            }
            Err(Refused::Fault(note)) => Err(*note),
        }
    }

    /// The unit that a column of units tells; a blank one tells nothing.
    fn unit_of_row(&self, record: &ByteRecord, signal: Signal) -> Result<Option<Unit>, Note> {
        let cell = self
            .columns
            .unit
            .and_then(|place| record.get(place))
            .unwrap_or_default();
        let told = String::from_utf8_lossy(cell.trim_ascii());
        let is_declared = self.input.units.iter().any(|unit| unit.fits(signal));
        if told.is_empty() || is_declared || !Unit::has_units(signal) {
            return Ok(None);
        }
        let unit = Unit::spelled(&told).filter(|unit| unit.fits(signal));
        unit.map(Some).ok_or_else(|| {
            let known: Vec<_> = Unit::of(signal).map(Unit::id).collect();
            let message = format!("the row gives `{signal}` in `{told}`, which is no unit of it that is known");
            let help = format!("units are {}; or say --unit for all rows", known.join(", "));
            Note::error(code::UNIT_UNDECLARED, message).help(help)
        })
    }

    /// The unit that values of a signal are in, `None` for the signal's own.
    fn unit(&self, signal: Signal, of_metric: Option<Unit>) -> Result<Option<Unit>, Note> {
        let declared = self.input.units.iter().find(|unit| unit.fits(signal));
        if let Some(unit) = declared.copied().or(of_metric.filter(|unit| unit.fits(signal))) {
            return Ok(Some(unit));
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
