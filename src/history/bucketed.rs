//! The two tables of [`rows`](super::rows), as CSV with a header line or as one JSON object a line.

use super::json::{JsonError, JsonReader};
use super::matrix::json_note;
use super::note::Note;
use super::owners::WorkloadKey;
use super::rows::{Bucket, Instant, RowKey};
use super::samples::{LABELS_MAX, is_kind, is_name, kind_spelling};
use super::signal::Signal;
use super::table::{Rows, Table, check_width, names, separator};
use super::time::{from_number, from_text};
use super::{Format, Input, Read, has};
use crate::diag::code;
use csv::ByteRecord;
use std::str::FromStr;

const OF_WHAT: [&str; 5] = ["namespace", "kind", "name", "container", "metric"];
const BUCKET: [&str; 6] = ["week", "bucket", "count", "sum", "min", "max"];
const INSTANT: [&str; 4] = ["ts", "total", "max", "pods"];

/// Rows that an engine counted and added up.
pub struct Bucketed;

impl Format for Bucketed {
    fn id(&self) -> &'static str {
        "pre-bucketed"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let line = head.trim_ascii_start().split(|&byte| byte == b'\n').next();
        let line = line.unwrap_or_default().to_ascii_lowercase();
        if line.starts_with(b"{") {
            return is_counted(&|column| has(&line, &format!("\"{column}\"")));
        }
        let Some(mark) = separator(&line) else { return false };
        let cells: Vec<&[u8]> = line.split(|&byte| byte == mark).map(<[u8]>::trim_ascii).collect();
        is_counted(&|column| {
            let quoted = format!("\"{column}\"");
            cells
                .iter()
                .any(|cell| *cell == column.as_bytes() || *cell == quoted.as_bytes())
        })
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        // blank lines aside, the first byte tells CSV from JSON
        let (mut head, mut length) = ([b' '], 1);
        while length > 0 && head[0].is_ascii_whitespace() {
            length = text.read(&mut head).unwrap_or(0);
        }
        let mut whole = std::io::Read::chain(&head[..length], text);
        let mut read = Read::of(input);
        let rows = if head == *b"{" { lines } else { table };
        rows(input, &mut whole, &mut read).map_err(|note| vec![note.in_file(input.name)])?;
        read.finish(input)
    }
}

/// Whether a table with these columns is one of the two.
pub(super) fn is_counted(is_in: &dyn Fn(&str) -> bool) -> bool {
    let all = |columns: &[&str]| columns.iter().all(|column| is_in(column));
    all(&["week", "bucket", "count"]) || all(&["ts", "total", "pods"])
}

/// Reads the rows of a table that is no text.
#[cfg(feature = "parquet")]
pub(super) fn read_rows(input: &Input<'_>, header: &ByteRecord, rows: &mut dyn Rows) -> Result<Read, Vec<Note>> {
    let mut read = Read::of(input);
    add_all(header, rows, &mut read).map_err(|note| vec![note.in_file(input.name)])?;
    read.finish(input)
}

/// Rows of CSV.
fn table(input: &Input<'_>, text: &mut dyn std::io::Read, read: &mut Read) -> Result<(), Note> {
    let (mut table, header) = Table::open(input, text)?;
    add_all(&header, &mut table, read)
}

fn add_all(header: &ByteRecord, rows: &mut dyn Rows, read: &mut Read) -> Result<(), Note> {
    let columns = names(header);
    let is_known = |name: &str| {
        OF_WHAT
            .iter()
            .chain(&BUCKET)
            .chain(&INSTANT)
            .any(|known| *known == name)
    };
    let known = (0..columns.len()).filter(|&place| is_known(&columns[place]));
    rows.keep(&known.collect::<Vec<_>>())?;
    let mut record = ByteRecord::new();
    while let Some(row) = rows.next(&mut record)? {
        check_width(&record, columns.len()).map_err(|note| note.at_row(row))?;
        let cells = columns.iter().zip(&record);
        let cells = cells.map(|(name, cell)| (name.clone(), String::from_utf8_lossy(cell).trim().to_owned()));
        add(&Cells(cells.collect()), row, read).map_err(|note| note.at_row(row))?;
    }
    Ok(())
}

/// Rows of JSON, one object each.
fn lines(input: &Input<'_>, text: &mut dyn std::io::Read, read: &mut Read) -> Result<(), Note> {
    let mut reader = JsonReader::new(text);
    let malformed = |error: JsonError| json_note(input.name, &error);
    while reader.peek().map_err(malformed)?.is_some() {
        let row = reader.line();
        let mut cells = Vec::new();
        reader
            .object(|reader, key| {
                let cell = match reader.peek()? {
                    Some(b'"') => reader.string(LABELS_MAX)?.to_owned(),
                    Some(b'n') if reader.null()? => String::new(),
                    _ => reader.number()?.to_owned(),
                };
                cells.push((key.to_ascii_lowercase(), cell));
                Ok(())
            })
            .map_err(malformed)?;
        add(&Cells(cells), row, read).map_err(|note| note.at_row(row))?;
    }
    Ok(())
}

/// One row, by the names of its columns.
struct Cells(Vec<(String, String)>);

impl Cells {
    fn has(&self, column: &str) -> bool {
        self.0.iter().any(|(name, _)| name == column)
    }

    fn get(&self, column: &str) -> Result<&str, Note> {
        let found = self.0.iter().find(|(name, _)| name == column);
        found.map(|(_, cell)| cell.as_str()).ok_or_else(|| {
            let wanted = if self.has("bucket") {
                BUCKET.as_slice()
            } else {
                &INSTANT
            };
            let wanted: Vec<_> = OF_WHAT.iter().chain(wanted).copied().collect();
            Note::error(code::COLUMN_MISSING, format!("has no column `{column}`"))
                .help(format!("its columns are {}", wanted.join(", ")))
        })
    }

    fn integer<T: FromStr>(&self, column: &str) -> Result<T, Note> {
        let text = self.get(column)?;
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain).ok_or_else(|| {
            Note::error(
                code::VALUE_MALFORMED,
                format!("`{text}` in column `{column}` is no whole number"),
            )
            .help("cast it in the query: counts and amounts to BIGINT, sums to DECIMAL(38, 0)")
        })
    }

    /// A whole second: Unix time, or a date or time as text.
    fn second(&self, column: &str) -> Result<i64, Note> {
        let text = self.get(column)?;
        let found = from_number(text).map(|(ms, _)| ms).or_else(|_| from_text(text));
        found
            .ok()
            .filter(|ms| ms % 1000 == 0)
            .map(|ms| ms / 1000)
            .ok_or_else(|| {
                let message = format!("`{text}` in column `{column}` is no time in whole seconds");
                Note::error(code::TIME_MALFORMED, message)
                    .help("times are Unix seconds or `YYYY-MM-DD HH:MM:SS` in UTC")
            })
    }

    fn key(&self) -> Result<RowKey, Note> {
        let metric = self.get("metric")?;
        let signal = Signal::from_id(metric).ok_or_else(|| {
            let known: Vec<_> = Signal::all().map(Signal::id).collect();
            Note::error(
                code::SIGNAL_UNKNOWN,
                format!("`{metric}` in column `metric` is no signal"),
            )
            .help(format!("signals are {}", known.join(", ")))
        })?;
        let container = match self.get("container")? {
            "-" => "",
            name => name,
        };
        let (namespace, kind, name) = (
            self.get("namespace")?,
            kind_spelling(self.get("kind")?),
            self.get("name")?,
        );
        let are_names = [namespace, name].into_iter().all(is_name) && is_kind(&kind);
        if !are_names
            || signal.is_of_container() == container.is_empty()
            || !(container.is_empty() || is_name(container))
        {
            let whose = format!("`{namespace}`, `{kind}`, `{name}`, container `{container}`");
            let needs = if signal.is_of_container() {
                "a container"
            } else {
                "a workload without container"
            };
            let message = format!("{whose} is not what `{signal}` is of: a namespace, a kind, a name, and {needs}");
            return Err(Note::error(code::ROW_CONTRADICTS, message));
        }
        Ok(RowKey {
            namespace: namespace.to_owned(),
            workload: WorkloadKey::new(kind, name),
            container: container.to_owned(),
            signal,
        })
    }
}

fn add(cells: &Cells, row: u64, read: &mut Read) -> Result<(), Note> {
    let key = cells.key()?;
    let added = if cells.has("bucket") {
        let week_s = cells.second("week")?;
        let bucket = Bucket {
            count: cells.integer("count")?,
            sum: cells.integer("sum")?,
            min: cells.integer("min")?,
            max: cells.integer("max")?,
        };
        let index = cells.integer("bucket")?;
        read.extent.note((week_s + 1) * 1000, row);
        read.rows.add_bucket(key, week_s, index, bucket)
    } else {
        let instant = Instant {
            end_s: cells.second("ts")?,
            total: cells.integer("total")?,
            max: cells.integer("max")?,
            pods: cells.integer("pods")?,
        };
        read.extent.note(instant.end_s * 1000, row);
        read.rows.add_instant(key, instant)
    };
    added.map_err(|why| {
        Note::error(code::ROW_CONTRADICTS, format!("the row contradicts itself: {why}"))
            .help("compare the query with docs/counted-rows.md")
    })
}
