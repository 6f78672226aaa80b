//! The samples of one series of a matrix, `[[1791158400,"0.0123"],…]`: read as they come, or left in their file until
//! they are asked for.

use super::columns::value;
use super::json::{JsonError, JsonReader};
use super::number::Reading;
use super::samples::{Sample, usable};
use super::scan::{self, Times};
use super::spool::Stored;
use super::time::{Epoch, TimeError, from_number};
use std::io::{self, Read};
use std::sync::Arc;

/// One pair: its time in milliseconds, and its value; `None` where that is no number.
pub(super) struct Pair {
    pub(super) time: Result<(i64, Epoch), TimeError>,
    pub(super) reading: Option<Reading>,
}

/// Takes a pair in any form that JSON allows.
pub(super) fn pair(reader: &mut JsonReader<'_>, digits: u32) -> Result<Pair, JsonError> {
    reader.take(b'[')?;
    let time = from_number(reader.number()?);
    reader.take(b',')?;
    let reading = value(reader, digits)?;
    reader.take(b']')?;
    Ok(Pair { time, reading })
}

/// Takes pairs in the usual form; what follows is for [`pair`].
pub(super) fn plain_pairs(reader: &mut JsonReader<'_>, digits: u32, times: &mut Times, out: &mut Vec<Sample>) {
    let length = scan::pairs(reader.ahead(), digits, times, out);
    reader.advance(length);
}

/// An array of pairs that was passed over: where it lies in its file.
#[derive(Clone, Debug)]
pub(super) struct InFile {
    file: Arc<dyn Stored>,
    start: u64,
    length: u64,
    digits: u32,
}

/// What the edges of an array tell of its times, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    pub(super) first: i64,
    pub(super) second: i64,
    pub(super) last: i64,
}

/// Room to work in, for reading many arrays.
#[derive(Debug, Default)]
pub(super) struct ArrayScratch {
    block: Vec<u8>,
    times: Times,
}

/// Arrays shorter than this are read at once.
const WORTH: usize = 4 * 1024;
/// More than the longest pair of the usual form.
const PAIR_MAX: usize = 80;
/// What follows an array of pairs in the usual form, and is nowhere in it.
const BEHIND: u8 = b'}';
/// How it ends.
const END: &[u8] = b"]]";

impl InFile {
    /// Passes over the array that `reader` stands before, if it is worth it and begins in the usual form: only looked for
    /// its end. Whether it is in the usual form throughout shows when it is read.
    pub(super) fn pass_over(
        reader: &mut JsonReader<'_>,
        file: &Arc<dyn Stored>,
        digits: u32,
    ) -> Result<Option<(Self, Edges)>, JsonError> {
        let ahead = reader.ahead();
        let (Some(first_ms), Some(second_ms)) = (nth_time(ahead, 1), nth_time(ahead, 2)) else {
            return Ok(None);
        };
        let is_short = memchr::memmem::find(&ahead[..ahead.len().min(WORTH)], END).is_some();
        if is_short {
            return Ok(None);
        }
        let start = reader.offset();
        let last: Option<[u8; PAIR_MAX]> = reader.pass_over(BEHIND)?;
        let last = last.filter(|last| last.ends_with(END));
        let last_ms = last.and_then(|last| scan::time_of_pair(&last[memchr::memrchr(b'[', &last)?..]));
        let edges = Edges {
            first: first_ms,
            second: second_ms,
            last: last_ms.ok_or_else(|| reader.error("the last pair of an array is in no usual form"))?,
        };
        let array = Self {
            file: Arc::clone(file),
            start,
            length: reader.offset() - start,
            digits,
        };
        Ok(Some((array, edges)))
    }

    /// Appends its samples. Those that need a word to the user, or do not ascend, are an error: whoever gets one reads the
    /// file anew from its start.
    pub(super) fn get(&self, scratch: &mut ArrayScratch, samples: &mut Vec<Sample>) -> io::Result<()> {
        if samples.is_empty() {
            return self.read(scratch, samples);
        }
        let mut more = Vec::new();
        self.read(scratch, &mut more)?;
        samples.append(&mut more);
        Ok(())
    }

    fn read(&self, scratch: &mut ArrayScratch, samples: &mut Vec<Sample>) -> io::Result<()> {
        let ArrayScratch { block, times } = scratch;
        times.begin();
        let range = Range {
            file: &*self.file,
            at: self.start,
            left: self.length,
        };
        let mut reader = JsonReader::with_block(range, std::mem::take(block));
        let read = reader.array(|reader| {
            plain_pairs(reader, self.digits, times, samples);
            if reader.peek()? != Some(b'[') {
                return Err(reader.error("no pair"));
            }
            let pair = pair(reader, self.digits)?;
            times.leave();
            let before_ms = samples.last().map_or(i64::MIN, |last| last.at_ms);
            match (pair.time, usable(pair.reading)) {
                (Ok((at_ms, Epoch::Seconds)), Ok(value)) if before_ms < at_ms => {
                    samples.push(Sample { at_ms, value });
                    Ok(())
                }
                _ => Err(reader.error("a pair in no usual form")),
            }
        });
        let rest = read.and_then(|()| reader.peek());
        let is_one_line = reader.line() == 1;
        *block = reader.into_block();
        // where it was passed over, lines were not counted
        let is_whole = rest.map_err(io::Error::other)?.is_none() && is_one_line;
        if is_whole && !times.has_turned() {
            Ok(())
        } else {
            Err(io::Error::other("an array in no usual form"))
        }
    }
}

/// The time of a pair that a text begins with: the bracket of the first stands at place 1, behind the array's own.
fn nth_time(text: &[u8], nth: usize) -> Option<i64> {
    let start = memchr::memchr_iter(b'[', text).nth(nth)?;
    scan::time_of_pair(&text[start..])
}

/// A part of a file as a stream.
struct Range<'f> {
    file: &'f dyn Stored,
    at: u64,
    left: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        self.file.get(self.at, &mut out[..length])?;
        self.at += length as u64;
        self.left -= length as u64;
        Ok(length)
    }
}
