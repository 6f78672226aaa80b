//! The lines of a profile where they are stored: all of them, or those of one workload, found by bisection without reading
//! the others.
//!
//! What a search rests on is checked: every line it looks at, those beside the workload's own too, so that a damaged key
//! hides nothing. Lines it does not look at are not checked; whoever needs that reads them all.

use super::checksum::unseal;
use super::line::{Asked, Decoder, key_of};
use super::object::{ProfileError, ProfileSpec, fault};
use crate::history::spool::Stored;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes looked at on either side of a place in a search: most lines are shorter.
const AROUND: u64 = 2 << 10;

/// Lines behind the version line, each with its indent, checksum and line end.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) stored: Arc<dyn Stored>,
    /// Where the first one starts.
    pub(super) start: u64,
    /// Bytes of all of them.
    pub(super) length: u64,
    pub(super) indent: &'static str,
    /// Number of the first one in the text.
    pub(super) first_line: u64,
}

/// One line and where it is.
struct Found {
    start: u64,
    /// Behind its line end.
    end: u64,
    text: String,
}

impl Lines {
    /// The text of a part.
    pub(super) fn text(&self, start: u64, end: u64) -> Result<String, ProfileError> {
        String::from_utf8(self.bytes(start, end)?).map_err(|error| {
            let at = start + error.utf8_error().valid_up_to() as u64;
            self.fault_at(at, &"is not UTF-8")
        })
    }

    fn bytes(&self, start: u64, end: u64) -> Result<Vec<u8>, ProfileError> {
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let read = self.stored.get(self.start + start, &mut bytes);
        read.map_err(|error| fault(format!("can't be read: {error}"), None))?;
        Ok(bytes)
    }

    /// A line without its indent and checksum, once it is found to be as it was written.
    pub(super) fn bare<'l>(&self, line: &'l str, at: u64) -> Result<&'l str, ProfileError> {
        let sealed = line
            .strip_prefix(self.indent)
            .ok_or_else(|| self.fault_at(at, &"is not indented like the data"))?;
        unseal(sealed).map_err(|error| self.fault_at(at, &error))
    }

    /// A fault of the line at this place. Lines are counted only now: most reads meet no fault.
    pub(super) fn fault_at(&self, at: u64, what: &impl ToString) -> ProfileError {
        let before = self.bytes(0, at).map(|bytes| count_ends(&bytes));
        fault(what.to_string(), before.ok().map(|before| self.first_line + before))
    }

    /// The line that this byte is in; one starts at `low`.
    fn line_at(&self, at: u64, low: u64) -> Result<Found, ProfileError> {
        let mut reach = AROUND;
        loop {
            let (from, to) = (at.saturating_sub(reach).max(low), (at + reach).min(self.length));
            let bytes = self.bytes(from, to)?;
            let (before, behind) = bytes.split_at(usize::try_from(at - from).unwrap_or(usize::MAX));
            let start = match memchr::memrchr(b'\n', before) {
                Some(end) => Some(end + 1),
                None if from == low => Some(0),
                None => None,
            };
            let end = memchr::memchr(b'\n', behind);
            if let (Some(start), Some(end)) = (start, end) {
                let end = before.len() + end;
                let start_at = from + start as u64;
                let text = String::from_utf8(bytes[start..end].to_vec());
                return Ok(Found {
                    start: start_at,
                    end: from + end as u64 + 1,
                    text: text.map_err(|_| self.fault_at(start_at, &"is not UTF-8"))?,
                });
            }
            if from == low && to == self.length {
                return Err(self.fault_at(at, &"has no end"));
            }
            reach *= 4;
        }
    }
}

impl Lines {
    /// Whether every line is there: one that was lost would be missed by a search for its workload.
    pub(super) fn miscount(&self, text: &str, spec: &ProfileSpec) -> Result<(), ProfileError> {
        let is_whole = text.is_empty() || text.ends_with('\n');
        if is_whole && count_ends(text.as_bytes()) == spec.lines {
            return Ok(());
        }
        Err(self.miscounted(text, spec))
    }

    /// Reads lines that start at this place.
    pub(super) fn decode<'l>(&self, text: &'l str, start: u64, asked: Asked) -> Result<Decoder<'l>, ProfileError> {
        let mut decoder = Decoder::new(asked);
        let mut at = start;
        for line in text.split_terminator('\n') {
            let decoded = decoder.line(self.bare(line, at)?);
            decoded.map_err(|error| self.fault_at(at, &error))?;
            at += line.len() as u64 + 1;
        }
        Ok(decoder)
    }

    /// What is wrong with lines that are not those of their head.
    pub(super) fn miscounted(&self, text: &str, spec: &ProfileSpec) -> ProfileError {
        let (count, lines) = (count_ends(text.as_bytes()), spec.lines);
        if !text.is_empty() && !text.ends_with('\n') {
            let what = "the last line has no end; the file was cut";
            return fault(what, self.first_line + count);
        }
        if let Err(error) = self.decode(text, 0, Asked::Everything) {
            return error;
        }
        if count == lines {
            let what = "the lines are not as long as `spec.bytes` says; lines were lost and others added";
            return fault(what, None);
        }
        let what = format!("`spec.lines` says {lines} and there are {count}; lines were lost or added");
        fault(what, None)
    }
}

/// Looks for workloads. What was looked at once is kept: searches begin alike, and workloads of a build are neighbours.
pub(super) struct Search<'l> {
    lines: &'l Lines,
    /// By their starts the ends of lines, and their keys.
    seen: BTreeMap<u64, (u64, String)>,
}

impl<'l> Search<'l> {
    pub(super) fn new(lines: &'l Lines) -> Self {
        let seen = BTreeMap::new();
        Self { lines, seen }
    }

    /// Where the lines of a workload lie; an empty part where there is none.
    pub(super) fn of(&mut self, key: &str) -> Result<(u64, u64), ProfileError> {
        let start = self.first_in(0, self.lines.length, |found| found >= key)?;
        // the line behind the last one was looked at too
        Ok((start, self.first_from(start, |found| found > key)?))
    }

    /// As [`Self::first_in`] from a place on, near which it is likely to be.
    fn first_from(&mut self, from: u64, is_behind: impl Fn(&str) -> bool) -> Result<u64, ProfileError> {
        let mut reach = AROUND;
        let mut low = from;
        while low + reach < self.lines.length {
            let (start, end, key) = self.line_at(low + reach, low)?;
            if is_behind(key) {
                return self.first_in(low, start, is_behind);
            }
            low = end;
            reach *= 2;
        }
        self.first_in(low, self.lines.length, is_behind)
    }

    /// Start of the first line in a part whose key is behind what is looked for; the end of the part where none is. The
    /// line before it was looked at.
    fn first_in(&mut self, low: u64, high: u64, is_behind: impl Fn(&str) -> bool) -> Result<u64, ProfileError> {
        let (mut low, mut high) = (low, high);
        while low < high {
            let (start, end, key) = self.line_at(u64::midpoint(low, high), low)?;
            if is_behind(key) {
                high = start;
            } else {
                low = end;
            }
        }
        Ok(low)
    }

    /// Start, end and key of the line that this byte is in, which was found to be as it was written; one starts at `low`.
    fn line_at(&mut self, at: u64, low: u64) -> Result<(u64, u64, &str), ProfileError> {
        let known = self.seen.range(..=at).next_back();
        let start = if let Some((start, _)) = known.filter(|(_, (end, _))| at < *end) {
            *start
        } else {
            let Found { start, end, text } = self.lines.line_at(at, low)?;
            let key = key_of(self.lines.bare(&text, start)?).to_owned();
            self.seen.insert(start, (end, key));
            start
        };
        let (end, key) = &self.seen[&start];
        Ok((start, *end, key))
    }
}

pub(super) fn count_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
