//! Allocations of `OpenCost` and Kubecost: for each container of each pod the average use over a window, mostly an hour or a
//! day. As JSON of the allocation API, and as `OpenCost`'s daily CSV.
//!
//! What is read is use: averages are marked so, and bound requests from below. Requests and costs in it are not read: the
//! manifests know the ones, price sheets the others.

use super::json::{JsonError, JsonReader};
use super::note::Note;
use super::rolled::{Rolled, Rolling, text};
use super::samples::Labels;
use super::table::{Rows, Table, check_width, names};
use super::time::from_text;
use super::{Format, Input, Read, has};
use crate::diag::code;
use csv::ByteRecord;
use std::io::Read as _;

/// The field of CPU, in cores.
pub(super) const CPU: &str = "cpuCoreUsageAverage";
/// The field of memory, in bytes.
pub(super) const MEMORY: &str = "ramByteUsageAverage";
const DAY_MS: i64 = 86_400_000;
const UNAGGREGATED: &str =
    "ask for single containers: /allocation/compute?window=14d&step=1h, without `aggregate` and `accumulate`";

/// Allocations.
pub struct OpenCost;

impl Format for OpenCost {
    fn id(&self) -> &'static str {
        "opencost"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let is_answer =
            has(head, "\"data\"") && (has(head, CPU) || has(head, "\"code\"") && has(head, "\"properties\""));
        let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let first = first.to_ascii_lowercase();
        match head.trim_ascii_start().first() {
            Some(b'{') => is_answer,
            _ => COLUMNS.iter().all(|column| has(&first, column)),
        }
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        // blank lines aside, the first byte tells CSV from JSON
        let (mut head, mut length) = ([b' '], 1);
        while length > 0 && head[0].is_ascii_whitespace() {
            length = text.read(&mut head).unwrap_or(0);
        }
        let mut whole = head[..length].chain(text);
        if head == *b"{" {
            return Rolling::read(input, &mut whole, answers);
        }
        let mut all = Rolling::new(input);
        rows(input, &mut whole, &mut all).map_err(|note| vec![note.in_file(input.name)])?;
        all.finish()
    }
}

/// One allocation: a container of a pod over a window.
#[derive(Debug, Default)]
struct Allocation {
    name: String,
    labels: Labels,
    /// Milliseconds.
    start: Option<i64>,
    end: Option<i64>,
    cpu: String,
    memory: String,
    row: u64,
}

impl Allocation {
    fn label(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.labels.0.push((name.to_owned(), value));
        }
    }

    /// Gives its values to the others.
    fn add_to(self, all: &mut Rolling<'_>) {
        let Self {
            name,
            labels,
            start,
            end,
            cpu,
            memory,
            row,
        } = self;
        // what is idle, unmounted or unallocated is nobody's; and members that are no allocations have no values
        if name.starts_with("__") || (cpu.is_empty() && memory.is_empty()) {
            return;
        }
        if labels.get("pod").is_none() || labels.get("container").is_none() {
            let message = format!("allocation `{name}` is of no single container: the answer adds several up");
            return all.fault(Note::error(code::POD_MISSING, message).help(UNAGGREGATED).at_row(row));
        }
        let (Some(start), Some(end)) = (start, end) else {
            let message = format!("allocation `{name}` names no start and end");
            return all.fault(Note::error(code::TIME_MALFORMED, message).at_row(row));
        };
        let length = u64::try_from(end - start).unwrap_or(0) / 1000;
        for (metric, value) in [(CPU, cpu), (MEMORY, memory)] {
            if value.is_empty() {
                continue;
            }
            let mut labels = labels.clone();
            labels.0.push(("__name__".to_owned(), metric.to_owned()));
            all.add(Rolled {
                labels,
                points: vec![(start, value)],
                interval: Some(length),
                row,
                ..Rolled::default()
            });
        }
    }
}

fn answers(reader: &mut JsonReader<'_>, all: &mut Rolling<'_>) -> Result<(), JsonError> {
    while reader.peek()?.is_some() {
        let (mut code, mut message) = (String::new(), String::new());
        reader.object(|reader, key| match key {
            "code" => reader.number().map(|number| number.clone_into(&mut code)),
            "message" => text(reader).map(|text| message = text),
            "data" => sets(reader, all),
            _ => reader.skip(),
        })?;
        if !matches!(code.as_str(), "" | "200") {
            all.fault(Note::query_failed(&format!(" with {code}: {}", message.trim())));
        }
    }
    Ok(())
}

/// Lists of maps by name; some versions put these into `sets` and `allocations`.
fn sets(reader: &mut JsonReader<'_>, all: &mut Rolling<'_>) -> Result<(), JsonError> {
    match reader.peek()? {
        Some(b'[') => reader.array(|reader| sets(reader, all)),
        Some(b'{') => reader.object(|reader, key| {
            let name = key.to_owned();
            match (name.as_str(), reader.peek()?) {
                ("sets" | "allocations", _) => sets(reader, all),
                (_, Some(b'{')) => allocation(reader, name).map(|allocation| allocation.add_to(all)),
                _ => reader.skip(),
            }
        }),
        _ => reader.skip(),
    }
}

fn allocation(reader: &mut JsonReader<'_>, name: String) -> Result<Allocation, JsonError> {
    let mut found = Allocation {
        name,
        row: reader.line(),
        ..Allocation::default()
    };
    // the window is the same for all; the allocation's own start and end are those of its pod
    let mut window = (None, None);
    reader.object(|reader, key| match key {
        "properties" if reader.peek()? == Some(b'{') => reader.object(|reader, key| {
            let label = match key {
                "cluster" | "namespace" | "controller" | "controllerKind" | "pod" | "container" => key.to_owned(),
                _ => return reader.skip(),
            };
            text(reader).map(|value| found.label(&label, value))
        }),
        "window" if reader.peek()? == Some(b'{') => reader.object(|reader, key| match key {
            "start" => instant(reader).map(|at| window.0 = at),
            "end" => instant(reader).map(|at| window.1 = at),
            _ => reader.skip(),
        }),
        "start" => instant(reader).map(|at| found.start = at),
        "end" => instant(reader).map(|at| found.end = at),
        CPU if !reader.null()? => reader.number().map(|number| number.clone_into(&mut found.cpu)),
        MEMORY if !reader.null()? => reader.number().map(|number| number.clone_into(&mut found.memory)),
        CPU | MEMORY => Ok(()),
        _ => reader.skip(),
    })?;
    found.start = window.0.or(found.start);
    found.end = window.1.or(found.end);
    Ok(found)
}

fn instant(reader: &mut JsonReader<'_>) -> Result<Option<i64>, JsonError> {
    text(reader).map(|text| from_text(&text).ok())
}

/// Columns that `OpenCost`'s CSV has, in lower case.
const COLUMNS: [&str; 6] = [
    "date",
    "controllerkind",
    "controllername",
    "container",
    "cpucoreusageaverage",
    "rambytesusageaverage",
];

/// Rows of the CSV: a container of a pod on a day.
fn rows(input: &Input<'_>, text: &mut dyn std::io::Read, all: &mut Rolling<'_>) -> Result<(), Note> {
    let (mut table, header) = Table::open(input, text)?;
    let columns = names(&header);
    let mut record = ByteRecord::new();
    while let Some(row) = table.next(&mut record)? {
        check_width(&record, columns.len()).map_err(|note| note.at_row(row))?;
        let mut found = Allocation {
            row,
            ..Allocation::default()
        };
        for (column, cell) in columns.iter().zip(&record) {
            let cell = String::from_utf8_lossy(cell).trim().to_owned();
            match column.as_str() {
                "date" => {
                    let day = from_text(&cell).map_err(|_| {
                        let message = format!("`{cell}` in column `Date` is no day");
                        Note::error(code::TIME_MALFORMED, message).at_row(row)
                    })?;
                    (found.start, found.end) = (Some(day), Some(day + DAY_MS));
                }
                "namespace" | "pod" | "container" => found.label(column, cell),
                "controllerkind" => found.label("controllerKind", cell),
                "controllername" => found.label("controller", cell),
                "cpucoreusageaverage" => found.cpu = cell,
                "rambytesusageaverage" => found.memory = cell,
                _ => {}
            }
        }
        found.labels.get("pod").unwrap_or_default().clone_into(&mut found.name);
        found.add_to(all);
    }
    Ok(())
}
