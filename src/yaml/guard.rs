//! Cheap checks that bound what the YAML reader underneath may cost.
//!
//! That reader keeps all events of a document in memory, and each token costs time in proportion to the open `[` and `{`
//! (30 s and more for 400 kB of `{a: {a: …`). A scan over the bytes gives upper bounds of that nesting and of the nodes.
//! Only a text beyond one of them, or one that may hold a tag, goes through a second, bounded parser that counts exactly:
//! it costs a little less than the reading itself. Aliases need no pass of their own: the value under construction counts
//! what they expand to (`value.rs`), and so it does with depth.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScanError, Tag};

use super::error::{Position, Problem, ReadError};
use super::limits::Limits;

/// Types that JSON has too; any other tag is refused.
const JSON_TYPES: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];

/// Brackets that may stay open before they are counted exactly. At this nesting a token costs about 3 µs instead of
/// half a microsecond, so that hostile text below it is six times as slow and no more; JSON and shell tests inside
/// strings, which the scan cannot tell from the real thing, mostly stay below.
const SUSPECT_DEPTH: usize = 1024;

/// The text of these bytes, without its byte order mark.
pub(super) fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, ReadError> {
    if bytes.len() > limits.bytes {
        return Err(Problem::TooLarge {
            bytes: bytes.len(),
            limit: limits.bytes,
        }
        .at(None));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Problem::Utf16.at(Some(Position { line: 1, column: 1 })));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            Err(Problem::Encoding(bytes[error.valid_up_to()]).at(Some(Position::after(valid))))
        }
    }
}

const MARK: char = '\u{FEFF}';

/// The text without byte order marks at the start of its later documents: files that were joined, each with its own. YAML
/// allows one before every document and kustomize reads them so; the reader beneath knows the first one only.
pub(super) fn without_inner_marks(text: &str) -> Cow<'_, str> {
    if !text.contains("\n\u{FEFF}") {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut is_after_start = false;
    for line in text.split_inclusive('\n') {
        let bare = line.strip_prefix(MARK).filter(|_| is_after_start).unwrap_or(line);
        is_after_start = is_document_start(line.as_bytes());
        clean.push_str(bare);
    }
    Cow::Owned(clean)
}

/// A mark that begins a line elsewhere is seen in no editor, so an error behind it names the mark.
pub(super) fn name_mark(text: &str, error: ReadError) -> ReadError {
    let is_syntax = matches!(error.problem, Problem::Syntax { .. });
    let Some(found) = error.position.filter(|_| is_syntax) else {
        return error;
    };
    match text.lines().take(found.line).position(|line| line.starts_with(MARK)) {
        Some(index) => Problem::InnerMark.at(Some(Position {
            line: index + 1,
            column: 1,
        })),
        None => error,
    }
}

/// Refuses what the reader should not even start on.
pub(super) fn check(text: &str, limits: &Limits) -> Result<(), ReadError> {
    let bounds = Bounds::of(text.as_bytes());
    if let Some(offset) = bounds.control {
        let char = text[offset..].chars().next().unwrap_or_default();
        return Err(Problem::Control(char).at(Some(Position::after(&text[..offset]))));
    }
    if bounds.longest.1 > limits.scalar {
        let (start, bytes) = bounds.longest;
        let limit = limits.scalar;
        return Err(Problem::TooLong { bytes, limit }.at(Some(Position::after(&text[..start]))));
    }
    let is_suspect = bounds.depth > SUSPECT_DEPTH || bounds.nodes > limits.nodes;
    let may_hold_tags = text.contains("!!") || text.contains("!<") || text.contains("%TAG");
    if !is_suspect && !may_hold_tags {
        return Ok(());
    }
    match count_events(&with_plain_breaks(text), limits) {
        // Two parsers rarely disagree on syntax; where only a tag was looked for, the reader's word counts.
        Err(ReadError {
            problem: Problem::Syntax { .. },
            ..
        }) if !is_suspect => Ok(()),
        outcome => outcome,
    }
}

/// NEL, LS and PS as newlines: they end a line for the reader (YAML 1.1) and in what kustomize writes, but not for the
/// counting parser (YAML 1.2), which would stop there.
fn with_plain_breaks(text: &str) -> Cow<'_, str> {
    const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
    if text.contains(BREAKS) {
        Cow::Owned(text.replace(BREAKS, "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Letters, digits and the blank.
static PLAIN: [bool; 256] = {
    let (mut plain, mut byte) = ([false; 256], 0_u8);
    loop {
        plain[byte as usize] = byte.is_ascii_alphanumeric() || byte == b' ';
        if byte == u8::MAX {
            break plain;
        }
        byte += 1;
    }
};

/// Upper bounds from a look at every byte and its neighbours.
#[derive(Default)]
struct Bounds {
    /// Open brackets that could stay open.
    depth: usize,
    /// Nodes.
    nodes: usize,
    /// Offset and length of the longest line: the reader takes it whole, a character at a time.
    longest: (usize, usize),
    /// Offset of the first character that YAML does not allow: a control (but tab and line breaks), U+FFFE, U+FFFF.
    control: Option<usize>,
}

impl Bounds {
    /// - Depth: no closing bracket is trusted (it may stand in quotes), so what counts is every `[` or `{` where a flow
    ///   collection can begin, and which is not closed at once. Only `---` closes them all: inside a collection it is an
    ///   error that ends the reading.
    /// - Nodes: each begins after one of these bytes, and a byte begins three at most (a list, a map in it, its first key).
    ///   0x85, 0xA8 and 0xA9 end the YAML 1.1 line breaks NEL, LS and PS.
    fn of(bytes: &[u8]) -> Self {
        let mut bounds = Self {
            nodes: 3,
            ..Self::default()
        };
        let mut previous = b'\n';
        let mut open = 0;
        let mut line = 0;
        for (offset, byte) in bytes.iter().copied().enumerate() {
            // most of any text
            if PLAIN[usize::from(byte)] {
                previous = byte;
                continue;
            }
            if byte == b'\n' {
                bounds.measure(line, offset);
                line = offset + 1;
            }
            match byte {
                b'[' | b'{' => {
                    let closing = byte + 2;
                    let may_begin =
                        !previous.is_ascii_alphanumeric() && !matches!(previous, b'$' | b'"' | b'\'' | b'%');
                    open += usize::from(may_begin && bytes.get(offset + 1) != Some(&closing));
                    bounds.depth = bounds.depth.max(open);
                    bounds.nodes += 3;
                }
                b'\n' | b'\r' | b',' | b':' | b'?' | 0x85 | 0xA8 | 0xA9 => bounds.nodes += 3,
                b'-' if previous == b'\n' && is_document_start(&bytes[offset..]) => {
                    open = 0;
                    bounds.nodes += 3;
                }
                b'-' => bounds.nodes += usize::from(!previous.is_ascii_alphanumeric()) * 3,
                0..=8 | 11 | 12 | 14..=31 | 127 => bounds.refuse(offset),
                // C1 controls are 0xC2 and this byte; NEL (0x85) counts as a line break above
                0x80..=0x9F if previous == 0xC2 => bounds.refuse(offset - 1),
                0xBE | 0xBF if bytes[..offset].ends_with(&[0xEF, 0xBF]) => bounds.refuse(offset - 2),
                _ => {}
            }
            previous = byte;
        }
        bounds.measure(line, bytes.len());
        bounds
    }

    fn measure(&mut self, start: usize, end: usize) {
        if end - start > self.longest.1 {
            self.longest = (start, end - start);
        }
    }

    fn refuse(&mut self, offset: usize) {
        self.control.get_or_insert(offset);
    }
}

fn is_document_start(line: &[u8]) -> bool {
    line.starts_with(b"---")
        && line
            .get(3)
            .is_none_or(|after| matches!(after, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The exact count, by a parser whose nesting is bounded.
fn count_events(text: &str, limits: &Limits) -> Result<(), ReadError> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: Limits::DEPTH,
        block_nesting_limit: Limits::DEPTH,
    };
    options.set_emit_comments(false);
    let mut nodes = 0_usize;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| scan_error(&error))?;
        nodes += usize::from(event.is_node());
        if nodes > limits.nodes {
            return Err(Problem::TooManyNodes { limit: limits.nodes }.at(Some(position(span.start))));
        }
        if let Some(tag) = tag_of(&event).filter(|tag| !is_json_type(tag)) {
            let start = span.tag_start().unwrap_or(span.start);
            return Err(Problem::Tag(tag.original()).at(Some(position(start))));
        }
    }
    Ok(())
}

fn tag_of<'e>(event: &'e Event<'_>) -> Option<&'e Tag> {
    match event {
        Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag) => {
            tag.as_deref()
        }
        _ => None,
    }
}

fn is_json_type(tag: &Tag) -> bool {
    tag.core_suffix().is_some_and(|suffix| JSON_TYPES.contains(&suffix))
}

fn scan_error(error: &ScanError) -> ReadError {
    let problem = match error.kind() {
        ErrorKind::RecursionLimitExceeded => Problem::TooDeep,
        _ => Problem::Syntax { message: error.info() },
    };
    problem.at(Some(position(*error.marker())))
}

/// The parser counts columns from 0.
pub(super) fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}
