//! The fast path through a matrix: pairs in exactly the form that Prometheus writes, `[1791158400,"0.0123"],`, eight
//! digits at once. Whatever is in any other form is left to the strict reader, on the same bytes; a test holds the two
//! to the same answer on every input.

#![expect(
    clippy::inline_always,
    reason = "a place that is known beforehand makes a path half as long"
)]

use super::samples::Sample;

/// Bytes that must lie ahead of a pair for this path: more than the longest pair it takes.
const WINDOW: usize = 80;
/// Fractions stay under three times eight digits.
const FRACTION_END: usize = 24;
/// Seconds from 2001, when they got ten digits, to the end of what is taken as a time.
const SECONDS: std::ops::Range<u64> = 1_000_000_000..4_102_444_800;
const POWERS: [u64; 10] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];

/// Digits behind those that are kept which may round up.
const NEARLY_NEXT: &[u8] = b"99";
/// Of an amount below ten: doubles are closer together there, by far, than what such digits leave to the next amount.
const NEARLY_NEXT_BELOW_TEN: &[u8] = b"9999";

type Window = [u8; WINDOW];

/// Takes pairs with the comma behind them from the start of `text`, as long as they are plain and there is text enough
/// ahead. `digits` are the decimals that the signal keeps. Gives the length of what was taken.
pub(super) fn pairs(text: &[u8], digits: u32, times: &mut Times, out: &mut Vec<Sample>) -> usize {
    match digits {
        0 => pairs_of::<0>(text, times, out),
        6 => pairs_of::<6>(text, times, out),
        9 => pairs_of::<9>(text, times, out),
        _ => 0,
    }
}

fn pairs_of<const KEPT: usize>(text: &[u8], times: &mut Times, out: &mut Vec<Sample>) -> usize {
    let mut taken = 0;
    while let Some(window) = text[taken..].first_chunk::<WINDOW>()
        && let Some((sample, length)) = pair::<KEPT>(window, times, out)
    {
        out.push(sample);
        taken += length;
    }
    taken
}

/// The time of the pair that `text` begins with, in milliseconds, if it is plain; of its value nothing is looked at.
pub(super) fn time_of_pair(text: &[u8]) -> Option<i64> {
    let mut window = [0; WINDOW];
    let length = text.len().min(WINDOW);
    window[..length].copy_from_slice(&text[..length]);
    let (at_ms, end) = time(&window).filter(|_| window[0] == b'[')?;
    (window[end] == b',').then_some(at_ms)
}

/// How a pair begins, up to its value, and the time that this writes.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// The bracket and seven digits.
    front: u64,
    /// The last six digits and what is between them and the value.
    back: u64,
    at_ms: i64,
}

/// How the pairs of a series began, ascending: those of the next series mostly begin alike, and are known by their bytes.
#[derive(Debug, Default)]
pub(super) struct Times {
    known: Vec<Start>,
    /// Where the next pair is expected. The pair before is the known one before.
    next: usize,
    /// How many were found between others.
    between: usize,
    /// Whether a pair was not behind the one before it.
    has_turned: bool,
}

impl Times {
    /// What is kept: a month of two minutes.
    const MAX: usize = 32 * 1024;
    /// Behind all that is known.
    const NOWHERE: usize = usize::MAX;

    /// Before the pairs of another array.
    pub(super) fn begin(&mut self) {
        self.leave();
        self.has_turned = false;
    }

    /// Where a pair was read by others.
    pub(super) fn leave(&mut self) {
        self.next = Self::NOWHERE;
    }

    /// Whether a pair since [`Self::begin`] was not behind all samples before it.
    pub(super) fn has_turned(&self) -> bool {
        self.has_turned
    }

    #[inline]
    fn expected(&self) -> Option<&Start> {
        self.known.get(self.next)
    }

    /// Finds the place of a start, or makes one for it.
    fn note(&mut self, start: Start) {
        let is_behind = self.known.last().is_none_or(|last| last.at_ms < start.at_ms);
        let found = if is_behind {
            Err(self.known.len())
        } else {
            self.known.binary_search_by_key(&start.at_ms, |known| known.at_ms)
        };
        self.next = 1 + found.unwrap_or_else(|place| self.insert(place, start));
    }

    /// Gives where it stands then.
    fn insert(&mut self, place: usize, start: Start) -> usize {
        // a few were missing, where others read them; many are another rhythm
        self.between += usize::from(place < self.known.len());
        if self.between * 8 > self.known.len() {
            self.known.clear();
            self.between = 0;
        }
        let place = place.min(self.known.len());
        if self.known.len() < Self::MAX {
            self.known.insert(place, start);
        }
        place
    }
}

/// How a time ends where its value begins.
const TO_VALUE: u64 = u16::from_le_bytes(*b",\"") as u64;
/// How a pair ends that another one follows.
const TO_NEXT: u64 = u32::from_le_bytes(*b"\"],\0") as u64;
/// Where a value begins behind whole seconds.
const VALUE: usize = 13;

/// One pair and its comma, with their length; `None` for every other form.
#[inline]
fn pair<const KEPT: usize>(text: &Window, times: &mut Times, before: &[Sample]) -> Option<(Sample, usize)> {
    let (front, back) = (Eight::at(text, 0).0, Eight::at(text, VALUE - 8).0);
    match times.expected() {
        Some(start) if start.front == front && start.back == back => {
            let at_ms = start.at_ms;
            times.next += 1;
            value_at::<KEPT>(text, VALUE, at_ms)
        }
        _ => other_pair::<KEPT>(text, times, before),
    }
}

/// The same where another time was expected, or seconds have a fraction.
#[inline(never)]
fn other_pair<const KEPT: usize>(text: &Window, times: &mut Times, before: &[Sample]) -> Option<(Sample, usize)> {
    if text[0] != b'[' {
        return None;
    }
    let (at_ms, behind) = time(text)?;
    if Eight::at(text, behind).0 & 0xffff != TO_VALUE {
        return None;
    }
    let start = behind + 2;
    if start == VALUE {
        let (front, back) = (Eight::at(text, 0).0, Eight::at(text, VALUE - 8).0);
        times.note(Start { front, back, at_ms });
    } else {
        times.leave();
    }
    times.has_turned |= before.last().is_some_and(|last| last.at_ms >= at_ms);
    value_at::<KEPT>(text, start, at_ms)
}

/// The rest of a pair.
#[inline(always)]
fn value_at<const KEPT: usize>(text: &Window, start: usize, at_ms: i64) -> Option<(Sample, usize)> {
    let (value, end) = amount::<KEPT>(text, start)?;
    (Eight::at(text, end).0 & 0x00ff_ffff == TO_NEXT).then_some((Sample { at_ms, value }, end + 3))
}

/// Ten digits of seconds behind the bracket, and at most three of a fraction: milliseconds, and where they end.
fn time(text: &Window) -> Option<(i64, usize)> {
    let (most, least) = (Eight::at(text, 1), Eight::at(text, 3));
    if !most.is_digits() || !least.is_digits() {
        return None;
    }
    let seconds = most.number(2) * POWERS[8] + least.all();
    if !SECONDS.contains(&seconds) {
        return None;
    }
    let mut ms = seconds * 1000;
    if text[11] != b'.' {
        return Some((ms.cast_signed(), 11));
    }
    let fraction = Eight::at(text, 12);
    let digits = fraction.run();
    if !(1..=3).contains(&digits) {
        return None;
    }
    ms += fraction.number(digits) * POWERS[3 - digits];
    Some((ms.cast_signed(), 12 + digits))
}

/// Digits, perhaps a point and digits: the amount with `KEPT` decimals, and where it ends.
#[inline(always)]
fn amount<const KEPT: usize>(text: &Window, start: usize) -> Option<(u64, usize)> {
    let first = Eight::at(text, start);
    let digit = first.amounts() & 0xff;
    if KEPT > 0 && digit < 10 && (first.0 >> 8) & 0xff == u64::from(b'.') {
        // less than ten cores, as most containers use
        let (fraction, length) = fraction::<KEPT>(text, start + 2, NEARLY_NEXT_BELOW_TEN)?;
        return Some((digit * POWERS[KEPT] + fraction, start + 2 + length));
    }
    let (whole, end) = whole::<KEPT>(text, start)?;
    let whole = whole * POWERS[KEPT];
    if Eight::at(text, end).0 & 0xff != u64::from(b'.') {
        return Some((whole, end));
    }
    let (fraction, length) = fraction::<KEPT>(text, end + 1, NEARLY_NEXT)?;
    Some((whole + fraction, end + 1 + length))
}

/// Digits in front of a point: their number, and where they end.
#[inline(always)]
fn whole<const KEPT: usize>(text: &Window, start: usize) -> Option<(u64, usize)> {
    let first = Eight::at(text, start);
    if !first.is_digits() {
        let length = first.run();
        return (length > 0).then(|| (first.number(length), start + length));
    }
    // amounts of bytes have up to twelve digits, and no decimals are kept of them
    let rest = Eight::at(text, start + 8);
    let more = rest.run();
    if more == 0 {
        return Some((first.all(), start + 8));
    }
    let is_taken = more <= 4 && KEPT == 0;
    is_taken.then(|| (first.all() * POWERS[more] + rest.number(more), start + 8 + more))
}

/// Digits behind a point: the first `KEPT` as a number of so many digits, and how many there are.
#[inline(always)]
fn fraction<const KEPT: usize>(text: &Window, start: usize, nearly_next: &[u8]) -> Option<(u64, usize)> {
    let (first, next) = (Eight::at(text, start), Eight::at(text, start + 8));
    let run = if first.is_digits() {
        match next.run() {
            8 => 16 + Eight::at(text, start + 16).run(),
            more => 8 + more,
        }
    } else {
        first.run()
    };
    // a text that is not the shortest of its number may stand for the next one up
    let is_nearly_next = run >= KEPT + nearly_next.len() && text[start + KEPT..].starts_with(nearly_next);
    if run == 0 || run == FRACTION_END || is_nearly_next {
        return None;
    }
    let value = match (KEPT, run) {
        (0, _) => 0,
        (9, 9..) => first.all() * 10 + (next.amounts() & 0xff),
        _ => {
            let length = run.min(KEPT);
            first.number(length) * POWERS[KEPT - length]
        }
    };
    Some((value, run))
}

/// Eight bytes as one number, the first in the lowest place.
#[derive(Clone, Copy)]
struct Eight(u64);

impl Eight {
    /// The bytes from a place on, which lies below 64 in every form that is taken.
    #[inline]
    fn at(text: &Window, place: usize) -> Self {
        let eight = text[place % 64..].first_chunk();
        Self(u64::from_le_bytes(
            *eight.expect("broken invariant: a window is longer"),
        ))
    }

    /// Digits without what makes them text, 0 to 9; bytes that are no digits are greater.
    #[inline]
    fn amounts(self) -> u64 {
        self.0 ^ 0x3030_3030_3030_3030
    }

    /// Whether all are digits.
    #[inline]
    fn is_digits(self) -> bool {
        // from 10 on the sum has its high bit; what carries into the next byte has it before
        let amounts = self.amounts();
        (amounts | amounts.wrapping_add(TO_HIGH_BIT)) & HIGH_BITS == 0
    }

    /// How many digits it begins with.
    #[inline]
    fn run(self) -> usize {
        let amounts = self.amounts();
        // here no byte may carry into the next
        let sums = (amounts & !HIGH_BITS).wrapping_add(TO_HIGH_BIT);
        ((amounts | sums) & HIGH_BITS).trailing_zeros() as usize / 8
    }

    /// The number that its first `length` bytes write, all of them digits; at most 8.
    #[inline]
    fn number(self, length: usize) -> u64 {
        if length == 0 {
            return 0;
        }
        // leading zeros take the places that are missing
        Self(self.0 << (64 - 8 * length)).all()
    }

    /// The number that all eight write.
    #[inline]
    fn all(self) -> u64 {
        // neighbours join: pairs, fours, eight; each product has them one place up, with the lower one ten times and so on
        let pairs = ((self.0 & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
        fours.wrapping_mul(10_000 << 32 | 1) >> 32
    }
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// From 10 to the first number with the high bit.
const TO_HIGH_BIT: u64 = 0x7676_7676_7676_7676;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str, digits: u32) -> (Vec<(i64, u64)>, usize) {
        let mut out = Vec::new();
        let padded = format!("{text}{}", " ".repeat(WINDOW));
        let length = pairs(padded.as_bytes(), digits, &mut Times::default(), &mut out);
        (out.iter().map(|sample| (sample.at_ms, sample.value)).collect(), length)
    }

    #[test]
    fn plain_pairs_are_taken_whole() {
        let text = r#"[1791158400,"0.0005691903766665973"],[1791158700.5,"12"],[1791159000.125,"3.25"],"#;
        let expected = vec![
            (1_791_158_400_000, 569_190),
            (1_791_158_700_500, 12_000_000_000),
            (1_791_159_000_125, 3_250_000_000),
        ];
        assert_eq!(taken(text, 9), (expected, text.len()));
        let text = r#"[1791158400,"155668339123"],[1791158700,"39196738.064516"],"#;
        let expected = vec![(1_791_158_400_000, 155_668_339_123), (1_791_158_700_000, 39_196_738)];
        assert_eq!(taken(text, 0), (expected, text.len()));
        // what is cut off is far from the next amount
        let text = r#"[1791158400,"0.12345678999"],[1791158700,"0.1234567899989"],"#;
        let expected = vec![(1_791_158_400_000, 123_456_789), (1_791_158_700_000, 123_456_789)];
        assert_eq!(taken(text, 9), (expected, text.len()));
        // fractions shorter, as long as, and longer than what is kept
        for (fraction, value) in [
            ("5", 500_000),
            ("123456", 123_456),
            ("12345678", 123_456),
            ("123456789", 123_456),
            ("1234561234561234", 123_456),
        ] {
            let text = format!("[1791158400,\"0.{fraction}\"],");
            assert_eq!(
                taken(&text, 6),
                (vec![(1_791_158_400_000, value)], text.len()),
                "{fraction}"
            );
        }
    }

    #[test]
    fn everything_else_is_left_where_it_is() {
        for text in [
            r#"[1791158400,"1"]"#,
            r#"[1791158400,"1"]]"#,
            r#"[999999999,"1"],"#,
            r#"[4102444800,"1"],"#,
            r#"[1791158400000,"1"],"#,
            r#"[1791158400.1234,"1"],"#,
            r#"[1791158400.,"1"],"#,
            "[1791158400,1],",
            r#"[1791158400,"-1"],"#,
            r#"[1791158400,"1e-09"],"#,
            r#"[1791158400,"NaN"],"#,
            r#"[1791158400,"1."],"#,
            r#"[1791158400,".1"],"#,
            r#"[1791158400,""],"#,
            r#"[1791158400,"0.1234567899999"],"#,
            r#"[1791158400,"12.1234567899900"],"#,
            r#"[1791158400,"1/2"],"#,
            r#"[1791158400,"1:2"],"#,
            r#"[1791158400,"0.12345678901234567890123456789"],"#,
            r#"[1791158400,"1234567890123"],"#,
            r#"[1791158400, "1"],"#,
            r#"[17911584 0,"1"],"#,
        ] {
            assert_eq!(taken(text, 9), (vec![], 0), "{text}");
        }
    }

    #[test]
    fn runs_of_digits_end_at_every_other_byte() {
        for byte in 0..=255u8 {
            let mut text = [b'7'; WINDOW];
            text[3] = byte;
            let expected = if byte.is_ascii_digit() { 8 } else { 3 };
            assert_eq!(Eight::at(&text, 0).run(), expected, "{byte:#x}");
            assert_eq!(Eight::at(&text, 0).is_digits(), expected == 8, "{byte:#x}");
        }
        let eight = Eight(u64::from_le_bytes(*b"98765432"));
        for (length, number) in [(0, 0), (1, 9), (4, 9876), (7, 9_876_543), (8, 98_765_432)] {
            assert_eq!(eight.number(length), number);
        }
    }
}
