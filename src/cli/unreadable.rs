//! A text that can't be read as YAML, as a diagnostic at its place.

use crate::diag::{Diagnostic, Place, code};
use crate::yaml::ReadError;

/// What is wrong with a text, where.
pub fn unreadable(shown: &str, bytes: &[u8], error: &ReadError) -> Diagnostic {
    let place = match error.position {
        Some(position) => Place::File {
            path: shown.to_owned(),
            line: position.line,
            column: position.column,
            width: 1,
            source: line(bytes, position.line),
        },
        None => Place::Object {
            object: shown.to_owned(),
            pointer: String::new(),
        },
    };
    Diagnostic::error(code::MALFORMED_INPUT, error.problem.to_string()).at(place)
}

/// A line of a text for people: its first 200 characters.
fn line(bytes: &[u8], number: usize) -> String {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(number.saturating_sub(1))
        .unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(4096)])
        .chars()
        .take(200)
        .collect()
}
