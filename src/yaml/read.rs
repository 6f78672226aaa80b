//! Text to documents.

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::error::{Position, Problem, ReadError};
use super::guard;
use super::integers;
use super::limits::Limits;
use super::plain;
use super::value::{Context, ValueSeed};

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its value; never null.
    pub value: Value,
    /// Its number in the stream from 0, empty documents counted: what [`super::SpanIndex`] asks for.
    pub index: usize,
}

/// All documents of a YAML stream or a JSON text; empty ones are dropped.
///
/// A text that starts like JSON is first read as JSON. YAML would take most of it, but not tabs for indentation, `\/` in
/// all readers, or a character as a pair of escapes (`\ud83d\ude00`), which JSON writers do emit. What is not JSON after
/// all (`{a: 1}`) is read as the YAML it may be.
pub fn read_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, ReadError> {
    let text = guard::decode(bytes, limits)?;
    if text.trim_start().starts_with(['{', '['])
        && let Some(value) = read_json(text, limits)?
    {
        return Ok(vec![Document { value, index: 0 }]);
    }
    let text = &guard::without_inner_marks(text);
    guard::check(text, limits)?;
    if let Some(documents) = plain::read(text, limits) {
        return Ok(documents);
    }
    read_yaml(text, limits).map_err(|error| guard::name_mark(text, error))
}

/// The one document of a text; none or several are errors.
pub fn read_one(bytes: &[u8], limits: &Limits) -> Result<Value, ReadError> {
    let mut documents = read_all(bytes, limits)?;
    match documents.len() {
        1 => Ok(documents.remove(0).value),
        0 => Err(Problem::Empty.at(None)),
        several => Err(Problem::Several(several).at(None)),
    }
}

/// `None` where the text is not JSON.
fn read_json(text: &str, limits: &Limits) -> Result<Option<Value>, ReadError> {
    let context = Context::new(text, limits);
    let mut json = serde_json::Deserializer::from_str(text);
    let value = ValueSeed(&context)
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    match value {
        Ok(_) if context.has_large_float() => integers::check_json(text).map(|()| value.ok()),
        Ok(value) => Ok(Some(value)),
        Err(error) => match context.problem() {
            Some(problem) => Err(problem.at(Some(Position {
                line: error.line(),
                column: error.column(),
            }))),
            None => out_of_range(text, &error).map_or(Ok(None), Err),
        },
    }
}

/// A number that no float holds, in a text that is JSON beside it: as YAML it would be read as text.
fn out_of_range(text: &str, error: &serde_json::Error) -> Option<ReadError> {
    let is_meant = error.to_string().starts_with("number out of range")
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let (line, column) = (error.line(), error.column());
    is_meant.then(|| Problem::HugeNumber.at(Some(Position { line, column })))
}

pub(super) fn read_yaml(text: &str, limits: &Limits) -> Result<Vec<Document>, ReadError> {
    let mut documents = Vec::new();
    let mut has_large_float = false;
    for (index, yaml) in serde_yaml::Deserializer::from_str(text).enumerate() {
        if index >= limits.documents {
            return Err(Problem::TooManyDocuments {
                limit: limits.documents,
            }
            .at(None));
        }
        let context = Context::new(text, limits);
        let value = ValueSeed(&context)
            .deserialize(yaml)
            .map_err(|error| yaml_error(&error, context.problem(), limits))?;
        has_large_float |= context.has_large_float();
        if !value.is_null() {
            documents.push(Document { value, index });
        }
    }
    if has_large_float {
        integers::check_yaml(text)?;
    }
    Ok(documents)
}

fn yaml_error(error: &serde_yaml::Error, ours: Option<Problem>, limits: &Limits) -> ReadError {
    let location = error.location();
    let position = location.map(|location| Position {
        line: location.line(),
        column: location.column(),
    });
    ours.unwrap_or_else(|| their_problem(&error.to_string(), limits))
        .at(position)
}

/// The reader's own bounds come as text only; everything else it says is about syntax.
fn their_problem(message: &str, limits: &Limits) -> Problem {
    if message.contains("recursion limit exceeded") {
        Problem::TooDeep
    } else if message.contains("repetition limit exceeded") {
        Problem::TooManyNodes { limit: limits.nodes }
    } else {
        Problem::Syntax {
            message: without_place(message),
        }
    }
}

/// The reader's own words without the place it appends, which a [`ReadError`] states in front.
fn without_place(message: &str) -> String {
    message
        .split_once(" at line ")
        .map_or(message, |(what, _)| what)
        .to_owned()
}
