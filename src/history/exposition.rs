//! Samples one a line with all labels: `promtool tsdb dump` (times in milliseconds) and OpenMetrics, as
//! `promtool tsdb dump-openmetrics` writes it (seconds, `# EOF` at the end).

use super::note::{Note, Tally};
use super::number::amount;
use super::samples::{LABELS_MAX, Labels, Refused, Sample, Slot, describe, usable};
use super::signal::{Metric, by_file_name};
use super::time::{TimeError, from_number};
use super::{Format, Input, Read};
use crate::diag::code;
use std::io::{BufRead, BufReader, Read as _};

/// The longest line: the longest labels, and room for a value and a time.
const LINE_MAX: u64 = LABELS_MAX as u64 + 4096;

/// One sample a line.
pub struct Exposition;

impl Format for Exposition {
    fn id(&self) -> &'static str {
        "openmetrics"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let mut lines = head.split(|&byte| byte == b'\n');
        let first = lines.find(|line| !line.starts_with(b"#") && !line.is_empty());
        let Some(line) = first else {
            return head.starts_with(b"# ");
        };
        let name = line.iter().take_while(|&&byte| is_in_name(byte)).count();
        let labels = line[name..].strip_prefix(b"{").unwrap_or_default();
        labels.first().is_some_and(|&byte| is_in_name(byte)) && labels.windows(2).any(|pair| pair == b"=\"")
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let mut lines = Lines::new(input);
        lines.all(BufReader::new(text))?;
        lines.finish()
    }
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_:".contains(&byte)
}

struct Lines<'i> {
    input: &'i Input<'i>,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
    /// Name and labels of the line before as they were written, and where its samples went.
    last: (Vec<u8>, Option<Slot>),
    /// A metric that tells no signal: a dump holds everything, so that is a fault only if nothing else came.
    unknown: Option<Note>,
    is_openmetrics: bool,
    is_ended: bool,
}

impl<'i> Lines<'i> {
    fn new(input: &'i Input<'i>) -> Self {
        Self {
            input,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
            last: (Vec::new(), None),
            unknown: None,
            is_openmetrics: false,
            is_ended: false,
        }
    }

    fn all(&mut self, mut text: impl BufRead) -> Result<(), Vec<Note>> {
        let mut line = Vec::new();
        for row in 1.. {
            line.clear();
            let read = text.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
            let read = read.map_err(|error| vec![self.malformed(row, format!("cannot read on: {error}"))])?;
            if read == 0 {
                return Ok(());
            }
            let Some(whole) = line.strip_suffix(b"\n") else {
                return Err(vec![self.unfinished(row, read as u64)]);
            };
            self.line(whole, row).map_err(|note| vec![note])?;
        }
        Ok(())
    }

    fn malformed(&self, row: u64, what: impl Into<String>) -> Note {
        Note::error(code::EXPORT_MALFORMED, what)
            .in_file(self.input.name)
            .at_row(row)
    }

    fn unfinished(&self, row: u64, length: u64) -> Note {
        if length == LINE_MAX {
            return self.malformed(row, format!("a line is longer than {LINE_MAX} bytes"));
        }
        Note::error(code::EXPORT_TRUNCATED, "the last line has no end")
            .in_file(self.input.name)
            .at_row(row)
            .help("the file was cut short; export it again")
    }

    fn line(&mut self, line: &[u8], row: u64) -> Result<(), Note> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") {
            self.is_openmetrics |= line.starts_with(b"# TYPE ");
            self.is_ended |= line == b"# EOF";
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let form = || self.malformed(row, "a line is not `name{label=\"value\",…} value time`");
        let known = self.last.0.len();
        let is_same = known > 0 && line.starts_with(&self.last.0) && line.get(known) == Some(&b' ');
        let (labels, length) = if is_same {
            (None, known)
        } else {
            let (labels, length) = series(line).ok_or_else(form)?;
            (Some(labels), length)
        };
        let mut fields = line[length..]
            .split(|&byte| byte == b' ')
            .filter(|field| !field.is_empty());
        let (value, time) = (fields.next().ok_or_else(form)?, fields.next());
        let Some(time) = time
            .and_then(|time| std::str::from_utf8(time).ok())
            .filter(|time| *time != "#")
        else {
            return Err(self.malformed(row, "a sample has no time").help(
                "this is a scrape of now, not a history: export with /api/v1/query_range or `promtool tsdb dump`",
            ));
        };
        if let Some(labels) = labels {
            self.last = (line[..length].to_vec(), self.slot(&labels, row)?);
        }
        match self.last.1 {
            Some(_) if value.starts_with(b"{") => {
                let note = Note::error(code::NATIVE_HISTOGRAM, "holds a native histogram, not samples");
                Err(note
                    .in_file(self.input.name)
                    .at_row(row)
                    .help("leave it out of the dump: --match"))
            }
            Some(slot) => self.sample(slot, value, time, row),
            None => Ok(()),
        }
    }

    fn slot(&mut self, labels: &Labels, row: u64) -> Result<Option<Slot>, Note> {
        let all = self.input.with_constants(labels);
        match self.read.samples.slot(&all, &self.input.expected, self.by_file) {
            Ok(slot) => {
                self.read.note_signal(self.input, labels, self.by_file);
                Ok(Some(slot))
            }
            Err(Refused::Useless(reason)) => {
                self.read.samples.leave_out(reason);
                Ok(None)
            }
            Err(Refused::Fault(note)) if note.code == code::SIGNAL_UNKNOWN => {
                self.read.samples.leave_out("of metrics that tell no signal");
                let note = note.in_file(self.input.name).at_row(row);
                self.unknown.get_or_insert(note);
                Ok(None)
            }
            Err(Refused::Fault(note)) => Err(note.in_file(self.input.name).at_row(row)),
        }
    }

    fn sample(&mut self, slot: Slot, value: &[u8], time: &str, row: u64) -> Result<(), Note> {
        let at_ms = match from_number(time) {
            Ok((at_ms, _)) => at_ms,
            Err(TimeError::Range) => {
                self.tally.add(code::TIME_OUT_OF_RANGE, row, || time.to_owned());
                return Ok(());
            }
            Err(TimeError::Form) => {
                let note = Note::error(code::TIME_MALFORMED, format!("`{time}` is no time"));
                return Err(note.in_file(self.input.name).at_row(row));
            }
        };
        match usable(amount(value, self.read.samples.signal(slot).digits())) {
            Ok(value) => {
                self.read.extent.note(at_ms, row);
                self.read.samples.push(slot, Sample { at_ms, value });
                Ok(())
            }
            Err(code::VALUE_MALFORMED) => {
                let value = String::from_utf8_lossy(value);
                let note = Note::error(code::VALUE_MALFORMED, format!("`{value}` is no number"));
                Err(note.in_file(self.input.name).at_row(row))
            }
            Err(code) => {
                let value = String::from_utf8_lossy(value);
                self.tally.add(code, row, || format!("`{value}` at {time}"));
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Read, Vec<Note>> {
        if self.is_openmetrics && !self.is_ended {
            let note = Note::error(code::EXPORT_TRUNCATED, "the text does not end with `# EOF`");
            return Err(vec![
                note.in_file(self.input.name)
                    .help("the file was cut short; export it again"),
            ]);
        }
        if self.read.extent.first.is_none() {
            self.read.faults.extend(self.unknown);
        }
        self.read.notes.extend(self.tally.into_notes(self.input.name, describe));
        self.read.finish(self.input)
    }
}

/// Name and labels at the start of a line, and their length.
fn series(line: &[u8]) -> Option<(Labels, usize)> {
    let mut labels = Labels::default();
    let text = std::str::from_utf8(line).ok()?;
    let name = line.iter().take_while(|&&byte| is_in_name(byte)).count();
    if name > 0 {
        labels.0.push(("__name__".to_owned(), text[..name].to_owned()));
    }
    let Some(mut rest) = text[name..].strip_prefix('{') else {
        return (name > 0).then_some((labels, name));
    };
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, text.len() - behind.len()));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        if key.is_empty() || !key.bytes().all(is_in_name) {
            return None;
        }
        let (value, behind) = unquote(quoted)?;
        labels.0.push((key.to_owned(), value));
        rest = behind;
    }
}

/// The text up to the closing quote, its escapes (`\\`, `\"`, `\n`) undone, and what stands behind the quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(match chars.next()?.1 {
                'n' => '\n',
                other @ ('\\' | '"') => other,
                _ => return None,
            }),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_read_in_both_spellings() {
        for (line, expected, length) in [
            (
                r#"{__name__="up", pod="a\"\\\n,}="} 1 2"#,
                vec![("__name__", "up"), ("pod", "a\"\\\n,}=")],
                33,
            ),
            (
                r#"up{pod="a",b=""} 1 2"#,
                vec![("__name__", "up"), ("pod", "a"), ("b", "")],
                16,
            ),
            ("up 1 2", vec![("__name__", "up")], 2),
            ("up{} 1 2", vec![("__name__", "up")], 4),
        ] {
            let (labels, end) = series(line.as_bytes()).unwrap();
            let found: Vec<_> = labels
                .0
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!((found, end), (expected, length), "{line}");
        }
        for line in [
            r#"up{pod="a"#,
            "up{pod=a} 1",
            r#"up{="a"} 1"#,
            r#"up{pod="\x"} 1"#,
            "{",
            " 1 2",
        ] {
            assert_eq!(series(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn json_and_tables_are_left_to_their_formats() {
        for (head, is_ours) in [
            ("{__name__=\"up\"} 1 1", true),
            ("# HELP up x\n# TYPE up gauge\nup{pod=\"a\"} 1 1\n", true),
            ("{\"status\":\"success\"}", false),
            ("{\"metric\":{\"a\":\"b\"}}", false),
            ("time,value\n1,2\n", false),
            ("[1]", false),
            ("", false),
        ] {
            assert_eq!(Exposition.recognises(head.as_bytes()), is_ours, "{head}");
        }
    }
}
