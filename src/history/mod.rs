//! Usage exports in, one file per format; samples out.
//!
//! [`read`] takes one export as a stream and gives its samples by series. What the samples mean (which workload a pod
//! belonged to, overlaps, counters) is settled once all files are read: [`clean`] and [`identity`].

pub mod signal;
pub mod number;
pub mod unit;
pub mod time;
pub mod note;
mod compressed;
mod names;
pub mod json;
mod scan;
pub mod spool;
pub mod samples;
mod columns;
mod pairs;
pub mod matrix;
pub mod vmrange;
pub mod exposition;
mod rolled;
pub mod datadog;
pub mod cloudwatch;
pub mod opencost;
mod table;
pub mod vpa_checkpoint;
pub mod long_csv;
pub mod rows;
pub mod bucketed;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod engines;
mod foreign;
pub mod clean;
pub mod owners;
pub mod identity;
pub mod live;

use self::note::Note;
pub use self::rolled::FINE_MS;
use self::samples::{Expected, Labels, Samples};
use self::signal::{Metric, Signal, by_metric_name};
use self::spool::{Room, Stored};
use self::unit::Unit;
use crate::diag::code;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

/// One export format.
pub trait Format: Sync {
    /// Kebab-case id used in messages and docs.
    fn id(&self) -> &'static str;
    /// Whether a file that begins like this is meant for this format.
    fn recognises(&self, head: &[u8]) -> bool;
    /// Reads all samples; errors are everything that makes the file unusable.
    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>>;
}

/// Every format, in the order they are tried.
pub static FORMATS: &[&dyn Format] = &[
    &vpa_checkpoint::VpaCheckpoint,
    #[cfg(feature = "parquet")]
    &parquet::Parquet,
    &exposition::Exposition,
    &bucketed::Bucketed,
    &datadog::Datadog,
    &cloudwatch::CloudWatch,
    &opencost::OpenCost,
    &vmrange::VmRange,
    &matrix::Matrix,
    &long_csv::LongCsv,
];

/// What is known of an input before it is read.
#[derive(Clone, Debug, Default)]
pub struct Input<'a> {
    /// As the user named it.
    pub name: &'a str,
    /// What it should hold.
    pub expected: Expected,
    /// Column names by role, for tables.
    pub columns: BTreeMap<String, String>,
    /// Names of the columns of tables that have no header line; empty where they have one.
    pub header: Vec<String>,
    /// Units of the values of tables, one for each measure; what has none is in cores, bytes, seconds, ratios.
    pub units: Vec<Unit>,
    /// Labels that every series gets where it has none of that name.
    pub constants: Labels,
    /// Where samples wait until all files are read.
    pub room: Room,
    /// The file itself, where it is plain text that can be read again. Then what is in the usual form stays there, and is
    /// trusted to be in that form throughout; an error, of this file or of [`build`](crate::profile::build), may mean just
    /// that it is not: whoever gives it tries again without.
    pub again: Option<Arc<dyn Stored>>,
}

impl Input<'_> {
    pub(crate) fn with_constants<'l>(&self, labels: &'l Labels) -> std::borrow::Cow<'l, Labels> {
        if self.constants.0.is_empty() {
            return std::borrow::Cow::Borrowed(labels);
        }
        let mut all = labels.clone();
        all.0.extend(
            self.constants
                .0
                .iter()
                .filter(|(name, _)| labels.get(name).is_none())
                .cloned(),
        );
        std::borrow::Cow::Owned(all)
    }
}

/// The earliest and latest sample of a file, with their rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Milliseconds and row.
    pub first: Option<(i64, u64)>,
    /// Milliseconds and row.
    pub last: Option<(i64, u64)>,
}

impl Extent {
    pub(crate) fn note(&mut self, at_ms: i64, row: u64) {
        if self.first.is_none_or(|(first, _)| at_ms < first) {
            self.first = Some((at_ms, row));
        }
        if self.last.is_none_or(|(last, _)| at_ms > last) {
            self.last = Some((at_ms, row));
        }
    }
}

/// What one file gave.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The file as the user named it.
    pub name: String,
    /// The samples.
    pub samples: Samples,
    /// What others have counted and added up already.
    pub rows: rows::Rows,
    /// What the Vertical Pod Autoscaler kept.
    pub checkpoints: vpa_checkpoint::Checkpoints,
    /// What VictoriaMetrics counted in ranges.
    pub ranges: vmrange::Ranges,
    /// Warnings and remarks.
    pub notes: Vec<Note>,
    /// When.
    pub extent: Extent,
    faults: Vec<Note>,
    told_by_file: Option<Signal>,
}

impl Read {
    /// Nothing yet of an input.
    fn of(input: &Input<'_>) -> Self {
        Self {
            samples: Samples::in_room(input.room.clone()),
            ..Self::default()
        }
    }

    /// Remembers what makes the file unusable: each once, and no more than a person reads.
    fn fault(&mut self, input: &Input<'_>, note: Note) {
        if self.faults.len() < 20 && !self.faults.iter().any(|known| known.message == note.message) {
            self.faults.push(note.in_file(input.name));
        }
    }

    /// Remembers that the file's name, not the series, told what is measured.
    fn note_signal(&mut self, input: &Input<'_>, labels: &Labels, by_file: Option<Metric>) {
        let named = labels
            .get("__name__")
            .and_then(|name| by_metric_name(name, |label| labels.get(label)));
        if input.expected.signal.is_none() && named.is_none() {
            self.told_by_file = by_file.map(|metric| metric.signal);
        }
    }

    fn finish(mut self, input: &Input<'_>) -> Result<Self, Vec<Note>> {
        input.name.clone_into(&mut self.name);
        self.faults.extend(self.samples.failure());
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        if let Some(signal) = self.told_by_file {
            let message = format!("read as `{signal}`, told by the file's name");
            self.notes
                .push(Note::info(code::SIGNAL_BY_FILE_NAME, message).in_file(input.name));
        }
        self.notes.extend(
            samples::left_out_notes(&self.samples)
                .into_iter()
                .map(|note| note.in_file(input.name)),
        );
        if self.extent.first.is_none() {
            self.notes.push(
                Note::warning(code::EXPORT_EMPTY, "holds no usable sample")
                    .in_file(input.name)
                    .help("the query matched nothing, or absent values alone: check its labels and its window"),
            );
        }
        Ok(self)
    }
}

/// Reads one export, plain, gzip or zstd, in whichever format it is.
pub fn read(input: &Input<'_>, mut raw: Box<dyn std::io::Read + '_>) -> Result<Read, Vec<Note>> {
    let unreadable =
        |error: std::io::Error| vec![Note::error(code::EXPORT_UNREADABLE, error.to_string()).in_file(input.name)];
    let head = take_head(&mut raw).map_err(unreadable)?;
    let whole = std::io::Cursor::new(head.clone()).chain(raw);
    let mut plain = compressed::Plain::new(&head, whole);
    let read = match take_head(&mut plain) {
        Ok(head) => {
            // Windows tools begin a text with this mark, whatever it holds
            let text = head.strip_prefix(MARK).unwrap_or(&head);
            // places in what is read are places in the file only where nothing is taken off
            let is_itself = text.len() == head.len() && !plain.is_compressed();
            let again = input.again.clone().filter(|_| is_itself);
            let (input, head) = (&Input { again, ..input.clone() }, text);
            read_plain(input, head, &mut std::io::Cursor::new(head).chain(&mut plain))
        }
        Err(error) => Err(unreadable(error)),
    };
    if read.is_err() {
        plain.check_rest();
    }
    match plain.trouble() {
        Some(trouble) => Err(vec![trouble.in_file(input.name)]),
        None => read,
    }
}

/// What is said of Parquet by a program that was built without it.
const LACKS_PARQUET: (&str, &str) = (
    "is Parquet, which this build of trimtab does not read",
    "build it with `cargo build --release --features parquet`, or write it as CSV, in DuckDB: COPY (FROM 'FILE') TO 'FILE.csv'",
);

/// A byte order mark, in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn read_plain(input: &Input<'_>, head: &[u8], text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
    if let Some(note) = foreign::foreign(head) {
        return Err(vec![note.in_file(input.name)]);
    }
    if let Some(format) = FORMATS.iter().find(|format| format.recognises(head)) {
        return format.read(input, text);
    }
    let error = |message: &str, help: &str| {
        vec![
            Note::error(code::FORMAT_UNKNOWN, message)
                .in_file(input.name)
                .help(help),
        ]
    };
    Err(match head.trim_ascii_start() {
        [] if head.len() >= BLANKS_MAX => error("begins with more than 1 MiB of blanks", "export it again"),
        [] => error("is empty", "export it again"),
        [b'<', ..] => error(
            "is HTML, not an export",
            "the store answered a login or error page: check address and credentials",
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => error("is text in UTF-16", "write it as UTF-8"),
        [b'P', b'A', b'R', b'1' | b'E', ..] => error(LACKS_PARQUET.0, LACKS_PARQUET.1),
        _ => {
            let formats: Vec<_> = FORMATS.iter().map(|format| format.id()).collect();
            error(
                "is in no format that is read",
                &format!("formats are {}, plain, gzip or zstd", formats.join(", ")),
            )
        }
    })
}

/// Whether the first bytes of a file hold this text.
fn has(head: &[u8], mark: &str) -> bool {
    memchr::memmem::find(head, mark.as_bytes()).is_some()
}

/// Blanks that a text may begin with.
const BLANKS_MAX: usize = 1 << 20;

/// The first bytes of a text, and more where those are blank.
fn take_head(text: &mut dyn std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while head.trim_ascii_start().is_empty() && head.len() < BLANKS_MAX {
        if text.take(4096).read_to_end(&mut head)? == 0 {
            break;
        }
    }
    Ok(head)
}
