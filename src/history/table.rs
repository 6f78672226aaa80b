//! Rows of a table, and how they lie in text: any of the usual separators, found by its first line, in bounded memory.

use super::Input;
use super::note::Note;
use crate::diag::code;
use csv::{ByteRecord, ReaderBuilder};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Read};
use std::rc::Rc;

/// Rows of a table, each as the text of its cells, whatever the table is stored as.
pub(super) trait Rows {
    /// Says which columns will be looked at; cells of others may be left empty.
    fn keep(&mut self, places: &[usize]) -> Result<(), Note>;

    /// Reads one row; gives its place in the file, `None` behind the last.
    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, Note>;
}

/// The longest row; what is longer is no row.
const RECORD_MAX: u64 = 1 << 20;
/// How far the row splitter reads ahead.
const AHEAD: usize = 64 * 1024;

/// Lets at most one row's worth of bytes through between two rows.
struct Bounded<'r> {
    input: &'r mut dyn Read,
    since_row: Rc<Cell<u64>>,
}

impl Read for Bounded<'_> {
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

/// The rows of a text, one at a time.
pub(super) struct Table<'r> {
    rows: csv::Reader<BufReader<Bounded<'r>>>,
    since_row: Rc<Cell<u64>>,
}

impl<'r> Table<'r> {
    /// A table and its column names: its first row, unless the input was told them.
    pub(super) fn open(input: &Input<'_>, text: &'r mut dyn Read) -> Result<(Self, ByteRecord), Note> {
        let since_row = Rc::new(Cell::new(0));
        let bounded = Bounded {
            input: text,
            since_row: Rc::clone(&since_row),
        };
        let mut text = BufReader::with_capacity(AHEAD, bounded);
        let delimiter = delimiter(text.fill_buf().map_err(|error| unreadable(1, &error))?);
        let rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(AHEAD)
            .from_reader(text);
        let mut table = Self { rows, since_row };
        let mut header = ByteRecord::new();
        if input.header.is_empty() {
            table.next(&mut header)?;
        } else {
            // VictoriaMetrics writes how a time is written behind the column's name: `__timestamp__:unix_s`
            let names = input.header.iter().map(|name| name.split(':').next().unwrap_or(name));
            header = ByteRecord::from(names.collect::<Vec<_>>());
        }
        Ok((table, header))
    }
}

impl Rows for Table<'_> {
    fn keep(&mut self, _: &[usize]) -> Result<(), Note> {
        Ok(())
    }

    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, Note> {
        self.since_row.set(0);
        match self.rows.read_byte_record(record) {
            Ok(true) => Ok(Some(record.position().map_or(0, csv::Position::line))),
            Ok(false) => Ok(None),
            Err(error) => Err(unreadable(self.rows.position().line(), &error)),
        }
    }
}

/// Every row has as many cells as the header has columns.
pub(super) fn check_width(record: &ByteRecord, columns: usize) -> Result<(), Note> {
    if record.len() == columns {
        return Ok(());
    }
    let message = format!("the row has {} cells, the header {columns}", record.len());
    Err(Note::error(code::EXPORT_MALFORMED, message))
}

fn unreadable(row: u64, error: &dyn std::fmt::Display) -> Note {
    Note::error(code::EXPORT_MALFORMED, format!("cannot read on: {error}")).at_row(row)
}

/// The separator that is in the first line of a text, if any is.
pub(super) fn separator(head: &[u8]) -> Option<u8> {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| memchr::memchr_iter(mark, line).count();
    [b',', b';', b'\t']
        .into_iter()
        .filter(|&mark| count(mark) > 0)
        .max_by_key(|&mark| (count(mark), mark == b','))
}

fn delimiter(head: &[u8]) -> u8 {
    separator(head).unwrap_or(b',')
}

/// Names in a header line, plain and in lower case.
pub(super) fn names(header: &ByteRecord) -> Vec<String> {
    let plain = |name: &[u8]| String::from_utf8_lossy(name).trim().to_ascii_lowercase();
    header.iter().map(plain).collect()
}

/// Names of columns for people: what is no table at all may have a first line of any length.
pub(super) fn shown(names: &[String]) -> String {
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
