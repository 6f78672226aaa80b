//! The least that turning an export into sketches can cost: `query_range` answers, read once in blocks with a carried
//! tail, every pair straight into a dense histogram of its series and into 168 hours of the week.
//!
//!     bare-scan DECIMALS=FILE…      DECIMALS of a value are kept: 9 for CPU in nano-cores, 0 for memory in bytes
//!
//! It takes pairs in exactly the form that Prometheus writes, `[1791158400,"0.0123"],`, and gives up on any other; of digits
//! behind those that are kept it looks for the end alone. No labels, owners, workloads, gaps, doubles or totals of pods, and
//! no output but a sum and a checksum. That is what `trimtab profile`, which does all of this, is held to: its instructions
//! a sample over these. Buckets are those of the profile's sketch: 32 an octave, by leading zeros and a shift.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a program of its own, no part of the package"
)]

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut all = Totals::default();
    for argument in std::env::args().skip(1) {
        if let Err(error) = scan_named(&argument, &mut all) {
            eprintln!("bare-scan: {argument}: {error}");
            return ExitCode::FAILURE;
        }
    }
    println!(
        "{} samples, sum {}, checksum {:016x}",
        all.samples, all.sum, all.checksum
    );
    ExitCode::SUCCESS
}

fn scan_named(argument: &str, all: &mut Totals) -> io::Result<()> {
    let (decimals, path) = argument.split_once('=').ok_or_else(|| other("not DECIMALS=FILE"))?;
    let blocks = Blocks::new(File::open(path)?);
    match decimals {
        "9" => scan::<9>(blocks, all),
        "0" => scan::<0>(blocks, all),
        _ => Err(other("takes 9 or 0 decimals")),
    }
}

fn other(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}

/// What all series come to.
#[derive(Default)]
struct Totals {
    samples: u64,
    sum: u128,
    checksum: u64,
}

const BLOCK: usize = 256 * 1024;
/// Bytes from which every place of a pair can be read, eight at once: zeros stand behind the end of a file.
const WINDOW: usize = 80;

type Window = [u8; WINDOW];

/// A file, block by block; what is left of one stands before the next.
struct Blocks {
    file: File,
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    is_last: bool,
}

impl Blocks {
    fn new(file: File) -> Self {
        let bytes = vec![0; WINDOW + BLOCK + WINDOW];
        Self {
            file,
            bytes,
            at: 0,
            end: 0,
            is_last: false,
        }
    }

    /// Reads the next block, unless there is none.
    fn refill(&mut self) -> io::Result<()> {
        self.bytes.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        let room = self.bytes.len() - WINDOW;
        while self.end < room && !self.is_last {
            let read = self.file.read(&mut self.bytes[self.end..room])?;
            self.is_last = read == 0;
            self.end += read;
        }
        self.bytes[self.end..self.end + WINDOW].fill(0);
        Ok(())
    }

    /// Goes behind the next `word`; false where none follows.
    fn pass(&mut self, word: &[u8]) -> io::Result<bool> {
        loop {
            let ahead = &self.bytes[self.at..self.end];
            if let Some(place) = ahead.windows(word.len()).position(|bytes| bytes == word) {
                self.at += place + word.len();
                return Ok(true);
            }
            if self.is_last {
                return Ok(false);
            }
            self.at = (self.end + 1).saturating_sub(word.len()).max(self.at);
            self.refill()?;
        }
    }
}

fn scan<const DECIMALS: usize>(mut blocks: Blocks, all: &mut Totals) -> io::Result<()> {
    let mut series = Series::default();
    while blocks.pass(b"\"values\":[")? {
        loop {
            // a pair that begins before `limit` has its whole window
            let limit = if blocks.is_last {
                blocks.end
            } else {
                blocks.end.saturating_sub(WINDOW)
            };
            let text = &blocks.bytes[..blocks.end + WINDOW];
            let (at, stop) = pairs::<DECIMALS>(text, blocks.at, limit, &mut series);
            let is_same_place = at == blocks.at;
            blocks.at = at;
            match stop {
                Stop::LastPair => break,
                // a time may have gone on to another front
                Stop::OtherForm if !is_same_place => {}
                Stop::OtherForm => return Err(other("a pair in another form")),
                Stop::Limit if blocks.is_last => return Err(other("ends within a series")),
                Stop::Limit => blocks.refill()?,
            }
        }
        series.finish(all);
    }
    Ok(())
}

/// Why no more pairs are taken.
enum Stop {
    LastPair,
    Limit,
    OtherForm,
}

/// Takes pairs that begin before `limit`. Gives where what was taken ends.
fn pairs<const DECIMALS: usize>(text: &[u8], mut at: usize, limit: usize, series: &mut Series) -> (usize, Stop) {
    let mut hour = Hour::default();
    let mut least = series.least;
    let Some(front) = text[at..].first_chunk().and_then(Front::of) else {
        return (at, Stop::OtherForm);
    };
    let stop = loop {
        if at >= limit {
            break Stop::Limit;
        }
        let taken = text[at..].first_chunk().and_then(|text| pair::<DECIMALS>(text, &front));
        let Some((at_s, value, length, follows)) = taken else {
            break Stop::OtherForm;
        };
        at += length;
        if at_s.wrapping_sub(hour.start_s) >= 3600 {
            series.leave(&hour);
            hour = Hour {
                start_s: at_s - at_s % 3600,
                ..Hour::default()
            };
        }
        series.buckets[bucket(value) % BUCKETS] += 1;
        hour.sum += value;
        hour.most = hour.most.max(value);
        least = least.min(value);
        if !follows {
            break Stop::LastPair;
        }
    };
    series.leave(&hour);
    series.least = least;
    (at, stop)
}

/// One hour of a series while it goes on: its samples are neighbours.
#[derive(Default)]
struct Hour {
    start_s: u64,
    sum: u64,
    most: u64,
}

/// 59 octaves of 32 and the values below, rounded up.
const BUCKETS: usize = 2048;
const WEEK_HOURS: u64 = 168;

/// What is kept of one series.
struct Series {
    buckets: [u32; BUCKETS],
    sums: [u64; WEEK_HOURS as usize],
    most: [u64; WEEK_HOURS as usize],
    least: u64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            sums: [0; WEEK_HOURS as usize],
            most: [0; WEEK_HOURS as usize],
            least: u64::MAX,
        }
    }
}

impl Series {
    fn leave(&mut self, hour: &Hour) {
        let place = (hour.start_s / 3600 % WEEK_HOURS) as usize;
        self.sums[place] += hour.sum;
        self.most[place] = self.most[place].max(hour.most);
    }

    /// Adds what it is to `all`, and begins anew.
    fn finish(&mut self, all: &mut Totals) {
        let most = self.most.iter().copied().max().unwrap_or(0);
        let used = bucket(self.least.min(most)) % BUCKETS..=bucket(most) % BUCKETS;
        for (place, count) in used.clone().zip(&mut self.buckets[used]) {
            all.samples += u64::from(*count);
            all.check(place as u64 ^ u64::from(*count) << 16);
            *count = 0;
        }
        for place in 0..self.sums.len() {
            all.sum += u128::from(self.sums[place]);
            all.check(self.sums[place] ^ self.most[place].rotate_left(32));
        }
        (self.sums, self.most) = ([0; WEEK_HOURS as usize], [0; WEEK_HOURS as usize]);
        self.least = u64::MAX;
    }
}

impl Totals {
    fn check(&mut self, word: u64) {
        self.checksum = (self.checksum ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }
}

/// The bucket of the profile's sketch that holds `value`.
#[inline(always)]
fn bucket(value: u64) -> usize {
    let shift = (value | 32).ilog2() - 5;
    ((u64::from(shift) << 5) + (value >> shift)) as usize
}

const POWERS: [u64; 10] = {
    let mut powers = [1; 10];
    let mut exponent = 1;
    while exponent < 10 {
        powers[exponent] = 10 * powers[exponent - 1];
        exponent += 1;
    }
    powers
};

/// The bracket and the first two digits of a second: the pairs of a series have them in common for years.
struct Front {
    bytes: u64,
    /// What eight more zeros would make of the digits.
    seconds: u64,
}

impl Front {
    const MASK: u64 = 0x00ff_ffff;

    /// Of the pair that `text` begins with.
    fn of(text: &Window) -> Option<Self> {
        let is_pair = text[0] == b'[' && text[1].is_ascii_digit() && text[2].is_ascii_digit();
        let digit = |byte: u8| u64::from(byte.wrapping_sub(b'0'));
        is_pair.then(|| Self {
            bytes: eight(text, 0) & Self::MASK,
            seconds: (digit(text[1]) * 10 + digit(text[2])) * POWERS[8],
        })
    }
}

/// How a time ends where its value begins.
const TO_VALUE: u64 = u16::from_le_bytes(*b",\"") as u64;

/// A pair's second, its value, its length with what is behind it, and whether another one follows.
#[inline(always)]
fn pair<const DECIMALS: usize>(text: &Window, front: &Front) -> Option<(u64, u64, usize, bool)> {
    let seconds = eight(text, 3);
    let is_usual = eight(text, 0) & Front::MASK == front.bytes && eight(text, 11) & 0xffff == TO_VALUE;
    if !is_usual || !are_digits(seconds) {
        return None;
    }
    let at_s = front.seconds + number(seconds);
    let (value, end) = amount::<DECIMALS>(text)?;
    let behind = eight(text, end) & 0x00ff_ffff;
    let follows = behind == u64::from(u32::from_le_bytes(*b"\"],\0"));
    let ends = behind == u64::from(u32::from_le_bytes(*b"\"]]\0"));
    (follows || ends).then_some((at_s, value, end + 3, follows))
}

/// Where a value starts: behind ten digits of seconds and what is around them.
const START: usize = 13;

/// The value with so many decimals, and where its text ends.
#[inline(always)]
fn amount<const DECIMALS: usize>(text: &Window) -> Option<(u64, usize)> {
    let first = eight(text, START);
    let digit = (first & 0xff).wrapping_sub(48);
    if DECIMALS == 9 && digit < 10 && first >> 8 & 0xff == u64::from(b'.') {
        // less than ten cores, as most containers use
        return fraction(text, START + 2).map(|(fraction, end)| (digit * POWERS[9] + fraction, end));
    }
    any_amount::<DECIMALS>(text, first)
}

#[inline]
fn any_amount<const DECIMALS: usize>(text: &Window, first: u64) -> Option<(u64, usize)> {
    let (whole, end) = if are_digits(first) {
        let next = eight(text, START + 8);
        let more = digits(next);
        (
            number(first) * *POWERS.get(more)? + leading(next, more),
            START + 8 + more,
        )
    } else {
        let length = digits(first);
        (leading(first, length), START + length)
    };
    if end == START || text[end % 64] != b'.' {
        return (end > START).then_some((whole * POWERS[DECIMALS], end));
    }
    if DECIMALS == 0 {
        return quote(text, end + 1).map(|end| (whole, end));
    }
    fraction(text, end + 1).map(|(fraction, end)| (whole * POWERS[9] + fraction, end))
}

/// The first nine digits of a fraction as billionths, and where its text ends.
#[inline(always)]
fn fraction(text: &Window, start: usize) -> Option<(u64, usize)> {
    let (first, next) = (eight(text, start), eight(text, start + 8));
    let ninth = (next & 0xff).wrapping_sub(48);
    if are_digits(first) && ninth < 10 {
        return quote(text, start + 9).map(|end| (number(first) * 10 + ninth, end));
    }
    let length = digits(first);
    Some((leading(first, length) * POWERS[9 - length], start + length))
}

/// Where the next quote stands: digits that are not kept are only passed.
#[inline(always)]
fn quote(text: &Window, start: usize) -> Option<usize> {
    (0..3).map(|word| start + 8 * word).find_map(|place| {
        let others = eight(text, place) ^ 0x2222_2222_2222_2222;
        let found = others.wrapping_sub(0x0101_0101_0101_0101) & !others & HIGH_BITS;
        (found != 0).then_some(place + found.trailing_zeros() as usize / 8)
    })
}

/// Eight bytes as one number, the first in the lowest place; `place` lies below 64 wherever it matters.
#[inline(always)]
fn eight(text: &Window, place: usize) -> u64 {
    let bytes = text[place % 64..].first_chunk();
    u64::from_le_bytes(*bytes.expect("a window is longer than 72"))
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// From 10 to the first number with the high bit.
const TO_HIGH_BIT: u64 = 0x7676_7676_7676_7676;

#[inline(always)]
fn are_digits(eight: u64) -> bool {
    let amounts = eight ^ 0x3030_3030_3030_3030;
    (amounts | amounts.wrapping_add(TO_HIGH_BIT)) & HIGH_BITS == 0
}

/// How many digits it begins with.
#[inline(always)]
fn digits(eight: u64) -> usize {
    let amounts = eight ^ 0x3030_3030_3030_3030;
    // no byte may carry into the next
    let sums = (amounts & !HIGH_BITS).wrapping_add(TO_HIGH_BIT);
    ((amounts | sums) & HIGH_BITS).trailing_zeros() as usize / 8
}

/// The number that eight digits write: neighbours join to pairs, fours, eight.
#[inline(always)]
fn number(eight: u64) -> u64 {
    let pairs = ((eight & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

/// The number that the first `length` of eight bytes write.
#[inline(always)]
fn leading(eight: u64, length: usize) -> u64 {
    if length == 0 {
        0
    } else {
        number(eight << (64 - 8 * length))
    }
}
