//! What is worth telling about an export: one value with its place, as an error, a warning or a remark.

use crate::diag::{Code, Diagnostic, Place, Severity, code};
use std::collections::BTreeMap;

/// One thing to tell, with the file and the row (or line) it was met at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// Which fault.
    pub code: Code,
    /// What, in one line.
    pub message: String,
    /// The file as the user named it.
    pub file: Option<String>,
    /// Row or line in the file, from 1.
    pub row: Option<u64>,
    /// What to do about it; empty when nothing needs doing.
    pub help: String,
}

impl Note {
    fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            file: None,
            row: None,
            help: String::new(),
        }
    }

    /// Nothing can be written before this is put right.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// The store could not answer; `why` stands behind "the query failed".
    pub(super) fn query_failed(why: &str) -> Self {
        Self::error(code::EXPORT_FAILED, format!("the query failed{why}")).help("correct the query and export again")
    }

    /// Something was left out or assumed.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// What was detected, so that no choice is silent.
    pub fn info(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// The same, met in this file.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// The same, met at this row.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

impl From<Note> for Diagnostic {
    /// An export has no source line worth showing (it may be a gigabyte long), so its place is file and row alone.
    fn from(note: Note) -> Self {
        let mut diagnostic = match note.severity {
            Severity::Error => Self::error(note.code, note.message),
            Severity::Warning => Self::warning(note.code, note.message),
            Severity::Note => Self::note(note.code, note.message),
        };
        if let Some(file) = note.file {
            let object = note.row.map_or_else(|| file.clone(), |row| format!("{file}:{row}"));
            diagnostic = diagnostic.at(Place::Object {
                object,
                pointer: String::new(),
            });
        }
        if note.help.is_empty() {
            diagnostic
        } else {
            diagnostic.help(note.help)
        }
    }
}

/// Rows of one file that share a fault: counted, the first one named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    faults: BTreeMap<Code, (u64, u64, String)>,
}

impl Tally {
    /// Counts one more `code` at `row`; `example` is asked for only the first time.
    pub(crate) fn add(&mut self, code: Code, row: u64, example: impl FnOnce() -> String) {
        let fault = self.faults.entry(code).or_insert_with(|| (0, row, example()));
        fault.0 += 1;
    }

    /// One warning per fault. `describe` gives the words for a code, to follow the count.
    pub(crate) fn into_notes(self, file: &str, describe: impl Fn(Code) -> &'static str) -> Vec<Note> {
        self.faults
            .into_iter()
            .map(|(code, (count, row, example))| {
                let plural = if count == 1 { "sample" } else { "samples" };
                let message = format!("{count} {plural} {}, the first: {example}", describe(code));
                Note::warning(code, message).in_file(file).at_row(row)
            })
            .collect()
    }
}
