//! The fast path through a matrix: pairs in exactly the form that Prometheus writes, `[1791158400,"0.0123"],`, sixteen
//! bytes at once. Whatever is in any other form is left to the strict reader, on the same bytes; a test holds the two
//! to the same answer on every input.

#![expect(
    clippy::inline_always,
    reason = "a place that is known beforehand makes a path half as long"
)]

use super::number::Reading;
use super::samples::Sample;
use wide::bytemuck::cast;
use wide::{i8x16, i16x8, u8x16};

/// Bytes that must lie ahead of a pair for this path: more than the longest pair it takes.
const WINDOW: usize = 80;
/// Pairs that places are made for beforehand, which is cheaper than one by one; gaps are about as far apart.
const AT_ONCE: usize = 64;
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
const NEARLY_NEXT: u64 = u16::from_le_bytes(*b"99") as u64;
/// Of an amount below ten: doubles are closer together there, by far, than what such digits leave to the next amount.
const NEARLY_NEXT_BELOW_TEN: u64 = u32::from_le_bytes(*b"9999") as u64;

type Window = [u8; WINDOW];

/// Takes pairs that another one follows from the start of `text`, as long as they are plain and there is text enough
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
    loop {
        taken += expected_pairs::<KEPT>(&text[taken..], times, out);
        let pair = text[taken..].first_chunk();
        let Some((sample, length)) = pair.and_then(|text| other_pair::<KEPT>(text, times, out)) else {
            return taken;
        };
        out.push(sample);
        taken += length;
    }
}

/// The same as long as each pair has the time that is expected.
fn expected_pairs<const KEPT: usize>(text: &[u8], times: &mut Times, out: &mut Vec<Sample>) -> usize {
    let (mut rest, mut count) = (text, 0);
    for starts in times.expected().chunks(AT_ONCE) {
        let known = out.len();
        out.resize(known + starts.len(), Sample { at_ms: 0, value: 0 });
        let mut taken = 0;
        for (start, place) in starts.iter().zip(&mut out[known..]) {
            let window = rest.first_chunk().filter(|window| start.begins(window));
            let Some((value, length)) = window.and_then(|window| value_at::<KEPT>(window, VALUE)) else {
                break;
            };
            let at_ms = start.at_ms;
            *place = Sample { at_ms, value };
            rest = &rest[length..];
            taken += 1;
        }
        out.truncate(known + taken);
        count += taken;
        if taken < starts.len() {
            break;
        }
    }
    times.next = times.next.saturating_add(count);
    text.len() - rest.len()
}

/// Bytes before a bare value that its window begins with: an amount is read from its end.
const BEFORE: usize = 16;

/// Takes bare values that another one follows, with the comma between, from a place in `text` on, as long as they are
/// plain and there is text enough around. Gives the length of what was taken.
pub(super) fn values(text: &[u8], from: usize, digits: u32, out: &mut Vec<Reading>) -> usize {
    match digits {
        0 => values_of::<0>(text, from, out),
        6 => values_of::<6>(text, from, out),
        9 => values_of::<9>(text, from, out),
        _ => 0,
    }
}

fn values_of<const KEPT: usize>(text: &[u8], from: usize, out: &mut Vec<Reading>) -> usize {
    let mut at = from;
    while let Some(start) = at.checked_sub(BEFORE)
        && let Some(window) = text[start..].first_chunk()
        // JSON has no number that begins like this
        && !(window[BEFORE] == b'0' && window[BEFORE + 1].is_ascii_digit())
        && let Some((value, end)) = amount::<KEPT>(window, BEFORE)
        && window[end] == b','
        && window[end + 1].is_ascii_digit()
    {
        out.push(Reading::Value(value));
        at = start + end + 1;
    }
    at - from
}

/// The same of bare times in milliseconds, of thirteen digits.
pub(super) fn times(text: &[u8], out: &mut Vec<Option<i64>>) -> usize {
    const DIGITS: usize = 13;
    let mut taken = 0;
    while let Some(window) = text[taken..].first_chunk()
        && others_of_16(window, 0) & 0xffff >> (15 - DIGITS) == 1 << DIGITS
        && window[DIGITS] == b','
        && window[DIGITS + 1].is_ascii_digit()
    {
        let ms = Eight::at(window, 0).all() * POWERS[5] + Eight::at(window, 8).number(5);
        if !SECONDS.contains(&(ms / 1000)) {
            break;
        }
        out.push(Some(ms.cast_signed()));
        taken += DIGITS + 1;
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

    /// How the pairs from here on are expected to begin.
    fn expected(&self) -> &[Start] {
        self.known.get(self.next..).unwrap_or_default()
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
/// How a pair ends that another one follows, with that one's bracket.
const TO_NEXT: u64 = u32::from_le_bytes(*b"\"],[") as u64;
/// Where a value begins behind whole seconds.
const VALUE: usize = 13;

impl Start {
    #[inline(always)]
    fn begins(&self, text: &Window) -> bool {
        self.front == Eight::at(text, 0).0 && self.back == Eight::at(text, VALUE - 8).0
    }
}

/// One pair and its comma where another time was expected, or seconds have a fraction, with their length; `None` for
/// every other form.
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
    let (value, length) = value_at::<KEPT>(text, start)?;
    Some((Sample { at_ms, value }, length))
}

/// The value that stands at `start`, and the length of its pair.
#[inline(always)]
fn value_at<const KEPT: usize>(text: &Window, start: usize) -> Option<(u64, usize)> {
    let (value, end) = amount::<KEPT>(text, start)?;
    (Eight::at(text, end).0 & 0xffff_ffff == TO_NEXT).then_some((value, end + 3))
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
    if KEPT == 0 {
        let length = others_of_16(text, start).trailing_zeros() as usize;
        if (LEAST_OF_12..=12).contains(&length) && text[start + length] != b'.' {
            return Some((up_to_12(text, start + length, length), start + length));
        }
    }
    if KEPT == 9 {
        // less than ten cores, as most containers use
        let others = others(text, start);
        let length = (others & !0b10).trailing_zeros() as usize;
        let is_usual = others & 0b11 == 0b10 && length >= 2 + KEPT && text[start + 1] == b'.';
        if is_usual && Eight::at(text, start + 2 + KEPT).0 & 0xffff_ffff != NEARLY_NEXT_BELOW_TEN {
            return Some((one_and_nine(text, start), start + length));
        }
    }
    any_amount::<KEPT>(text, start)
}

/// The same in any form.
#[inline(always)]
fn any_amount<const KEPT: usize>(text: &Window, start: usize) -> Option<(u64, usize)> {
    let others = others(text, start);
    let length = others.trailing_zeros() as usize;
    let whole = whole::<KEPT>(text, start, length)? * POWERS[KEPT];
    if text[start + length] != b'.' {
        return Some((whole, start + length));
    }
    let end = (others & (others - 1)).trailing_zeros() as usize;
    let digits = end - (length + 1);
    let fraction = fraction::<KEPT>(text, start + length + 1, digits, length == 1)?;
    Some((whole + fraction, start + end))
}

/// Digits in front of a point as a number: amounts of bytes have up to twelve, and no decimals are kept of them.
#[inline(always)]
fn whole<const KEPT: usize>(text: &Window, start: usize, length: usize) -> Option<u64> {
    match length {
        1..=8 => Some(Eight::at(text, start).number(length)),
        9..=12 if KEPT == 0 => Some(up_to_12(text, start + length, length)),
        _ => None,
    }
}

/// There are sixteen bytes before the end of so many digits of a value.
const LEAST_OF_12: usize = 16 - VALUE;

/// The number of the last digits before `end`, at most twelve.
#[inline(always)]
fn up_to_12(text: &Window, end: usize, length: usize) -> u64 {
    let digits = sixteen(text, end - 16) & u8x16::new(LAST[length]);
    let pairs: i16x8 = (i16x8_of(digits) * i16x8::splat(10 << 8 | 1)) >> 8;
    let [_, most, middle, least] = pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1])).to_array();
    amount_of(most) * POWERS[8] + amount_of(middle) * POWERS[4] + amount_of(least)
}

/// What text and digits have in common.
const BITS: u8 = 0x0f;

/// The bits of the last so many digits of sixteen.
static LAST: [[u8; 16]; 13] = {
    let (mut masks, mut length) = ([[0; 16]; 13], 1);
    while length < 13 {
        let mut place = 16 - length;
        while place < 16 {
            masks[length][place] = BITS;
            place += 1;
        }
        length += 1;
    }
    masks
};

/// The bits of a digit, and of nine more behind a point.
const ONE_AND_NINE: [u8; 16] = {
    let mut mask = [0; 16];
    mask[0] = BITS;
    let mut place = 2;
    while place < 11 {
        mask[place] = BITS;
        place += 1;
    }
    mask
};

/// Each two bytes as one number, the first in the lowest place.
#[inline(always)]
fn i16x8_of(bytes: u8x16) -> i16x8 {
    cast(bytes)
}

/// The billionths that a digit, a point and nine more digits write.
#[inline(always)]
fn one_and_nine(text: &Window, start: usize) -> u64 {
    let digits = sixteen(text, start) & u8x16::new(ONE_AND_NINE);
    let (one, two) = (1 << 8, 10 << 8 | 1);
    let pairs: i16x8 = (i16x8_of(digits) * i16x8::new([one, two, two, two, two, one, 0, 0])) >> 8;
    let [most, middle, least, _] = pairs.dot(i16x8::new([100, 1, 100, 1, 10, 1, 0, 0])).to_array();
    amount_of(most) * POWERS[7] + amount_of(middle) * POWERS[3] + amount_of(least)
}

/// Of digits, which are not negative.
#[inline(always)]
fn amount_of(sum: i32) -> u64 {
    u64::from(sum.cast_unsigned())
}

/// Sixteen bytes.
#[inline(always)]
fn sixteen(text: &Window, place: usize) -> u8x16 {
    let bytes = text[place % (WINDOW - 16)..].first_chunk();
    u8x16::new(*bytes.expect("broken invariant: a window is longer"))
}

/// So many digits behind a point: the first `KEPT` as a number of so many.
#[inline(always)]
fn fraction<const KEPT: usize>(text: &Window, start: usize, digits: usize, is_below_ten: bool) -> Option<u64> {
    // a text that is not the shortest of its number may stand for the next one up
    let behind = Eight::at(text, start + KEPT).0;
    let is_nearly_next = if is_below_ten && KEPT > 0 {
        behind & 0xffff_ffff == NEARLY_NEXT_BELOW_TEN
    } else {
        behind & 0xffff == NEARLY_NEXT
    };
    if digits == 0 || is_nearly_next && digits >= KEPT {
        return None;
    }
    Some(match (KEPT, digits) {
        (0, _) => 0,
        (9, 9..) => Eight::at(text, start).all() * 10 + u64::from(text[start + 8] & BITS),
        _ => {
            let length = digits.min(KEPT);
            Eight::at(text, start).number(length) * POWERS[KEPT - length]
        }
    })
}

/// Of the 32 bytes from a place on, which are no digits: the first in the lowest bit.
#[inline(always)]
fn others(text: &Window, start: usize) -> u32 {
    others_of_16(text, start) | others_of_16(text, start + 16) << 16
}

#[inline(always)]
fn others_of_16(text: &Window, start: usize) -> u32 {
    // moved so far up that nine is the greatest signed number
    let moved: i8x16 = cast(sixteen(text, start) + u8x16::splat(0x7f - b'9'));
    !moved.simd_gt(i8x16::splat(0x7f - 10)).to_bitmask() & 0xffff
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
        let padded = format!("{text}[{}", " ".repeat(WINDOW));
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
    fn bare_columns_are_taken_up_to_their_last_plain_item() {
        let behind = " ".repeat(WINDOW);
        for (digits, text, expected, rest) in [
            (
                9,
                "0.0005691903766665973,12,3.25,7]",
                vec![569_190, 12_000_000_000, 3_250_000_000],
                "7]",
            ),
            (
                0,
                "155668339123,39196738.064516,8,-1,2]",
                vec![155_668_339_123, 39_196_738],
                "8,-1,2]",
            ),
            (0, "10,20,null,30]", vec![10], "20,null,30]"),
            (6, "0.25,1e-3,1]", vec![250_000], "1e-3,1]"),
            (9, "0,007,1]", vec![0], "007,1]"),
        ] {
            let whole = format!("{{\"values\":[      {text}{behind}");
            let from = whole.find(text).unwrap();
            let mut out = Vec::new();
            let taken = values(whole.as_bytes(), from, digits, &mut out);
            let expected: Vec<_> = expected.into_iter().map(Reading::Value).collect();
            assert_eq!((out, &text[taken..]), (expected, rest), "{text}");
            assert_eq!(
                values(text.as_bytes(), 0, digits, &mut Vec::new()),
                0,
                "nothing before it"
            );
        }
        for (text, expected, rest) in [
            (
                "1791158400000,1791158700123,1791159000000]",
                vec![1_791_158_400_000, 1_791_158_700_123],
                "1791159000000]",
            ),
            (
                "1791158400000,1791158700,1791159000000]",
                vec![1_791_158_400_000],
                "1791158700,1791159000000]",
            ),
            ("4102444800000,1]", vec![], "4102444800000,1]"),
            ("17911584000000,1]", vec![], "17911584000000,1]"),
        ] {
            let mut out = Vec::new();
            let taken = times(format!("{text}{behind}").as_bytes(), &mut out);
            assert_eq!(
                (out, &text[taken..]),
                (expected.into_iter().map(Some).collect(), rest),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_left_where_it_is() {
        for text in [
            r#"[1791158400,"1"]"#,
            r#"[1791158400,"1"]]"#,
            r#"[1791158400,"1"], "#,
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
            r#"[1791158400,"0.1234567890123456789012345678901"],"#,
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
            assert_eq!(others(&text, 0), u32::from(!byte.is_ascii_digit()) << 3, "{byte:#x}");
        }
        let eight = Eight(u64::from_le_bytes(*b"98765432"));
        for (length, number) in [(0, 0), (1, 9), (4, 9876), (7, 9_876_543), (8, 98_765_432)] {
            assert_eq!(eight.number(length), number);
        }
    }
}
