//! The fast path through a matrix: pairs in exactly the form that Prometheus writes, `[1791158400,"0.0123"],`, eight
//! digits at once. Whatever is in any other form is left to the strict reader, on the same bytes; a test holds the two
//! to the same answer on every input.

use super::samples::Sample;

/// Bytes that must lie ahead of a pair for this path: more than the longest pair it takes.
const WINDOW: usize = 80;
/// Fractions stay under three times eight digits.
const FRACTION_END: usize = 24;
/// Seconds from 2001, when they got ten digits, to the end of what is taken as a time.
const SECONDS: std::ops::Range<u64> = 1_000_000_000..4_102_444_800;
/// Whole parts of at most so many digits stay far below 64 bits with nine decimals.
const WHOLE_MAX: usize = 8;
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

type Window = [u8; WINDOW];

/// Takes pairs with the comma behind them from the start of `text`, as long as they are plain and there is text enough
/// ahead. Gives the length of what was taken.
pub(super) fn pairs(text: &[u8], digits: u32, out: &mut Vec<Sample>) -> usize {
    let mut taken = 0;
    while let Some(window) = text[taken..].first_chunk::<WINDOW>()
        && let Some((sample, length)) = pair(window, digits as usize)
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

/// One pair and its comma, with their length; `None` for every other form.
#[inline]
fn pair(text: &Window, digits: usize) -> Option<(Sample, usize)> {
    if text[0] != b'[' {
        return None;
    }
    let (at_ms, behind_time) = time(text)?;
    if Eight::at(text, behind_time)?.0 & 0xffff != u64::from(u16::from_le_bytes(*b",\"")) {
        return None;
    }
    let (value, end) = amount(text, behind_time + 2, digits)?;
    let close = u64::from(u32::from_le_bytes(*b"\"],\0"));
    (Eight::at(text, end)?.0 & 0x00ff_ffff == close).then_some((Sample { at_ms, value }, end + 3))
}

/// Ten digits of seconds behind the bracket, and at most three of a fraction: milliseconds, and where they end.
#[inline]
fn time(text: &Window) -> Option<(i64, usize)> {
    let (most, least) = (Eight::at(text, 1)?, Eight::at(text, 3)?);
    if most.run() < 8 || least.run() < 8 {
        return None;
    }
    let seconds = most.number(2) * POWERS[8] + least.number(8);
    if !SECONDS.contains(&seconds) {
        return None;
    }
    let mut ms = seconds * 1000;
    if text[11] != b'.' {
        return Some((ms.cast_signed(), 11));
    }
    let fraction = Eight::at(text, 12)?;
    let digits = fraction.run();
    if !(1..=3).contains(&digits) {
        return None;
    }
    ms += fraction.number(digits) * POWERS[3 - digits];
    Some((ms.cast_signed(), 12 + digits))
}

/// Digits, perhaps a point and digits: the amount with `kept` decimals, and where it ends.
#[inline]
fn amount(text: &Window, start: usize, kept: usize) -> Option<(u64, usize)> {
    let first = Eight::at(text, start)?;
    let whole = first.run();
    let (mut value, mut end) = (first.number(whole), start + whole);
    if whole == WHOLE_MAX {
        // amounts of bytes have up to twelve digits, and no decimals are kept of them
        let rest = Eight::at(text, end)?;
        let more = rest.run();
        if more > 4 || (more > 0 && kept > 0) {
            return None;
        }
        value = value * POWERS[more] + rest.number(more);
        end += more;
    } else if whole == 0 {
        return None;
    }
    value *= POWERS[kept];
    if *text.get(end)? != b'.' {
        return Some((value, end));
    }
    let start = end + 1;
    let (fraction, next) = (Eight::at(text, start)?, Eight::at(text, start + 8)?);
    let mut run = fraction.run();
    if run == 8 {
        run += next.run();
        if run == 16 {
            run += Eight::at(text, start + 16)?.run();
        }
    }
    if run == 0 || run == FRACTION_END {
        return None;
    }
    // a text that is not the shortest of its number may stand for the next one up
    if run > kept + 1 && Eight::at(text, start + kept)?.0 & 0xffff == u64::from(u16::from_le_bytes(*b"99")) {
        return None;
    }
    value += match (kept, run) {
        (0, _) => 0,
        (9, 9..) => fraction.number(8) * 10 + next.number(1),
        (9, 8) => fraction.number(8) * 10,
        _ => {
            let length = run.min(kept);
            fraction.number(length) * POWERS[kept - length]
        }
    };
    Some((value, start + run))
}

/// Eight bytes as one number, the first in the lowest place.
#[derive(Clone, Copy)]
struct Eight(u64);

impl Eight {
    #[inline]
    fn at(text: &Window, place: usize) -> Option<Self> {
        Some(Self(u64::from_le_bytes(*text.get(place..)?.first_chunk()?)))
    }

    /// How many digits it begins with.
    #[inline]
    fn run(self) -> usize {
        // a digit is 0x30 to 0x39: its high half is 3, and stays so when 6 is added; higher bytes have other high halves
        let high = self.0 & 0xf0f0_f0f0_f0f0_f0f0;
        let plus_six = (self.0 & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
        let other = (high ^ 0x3030_3030_3030_3030) | (plus_six ^ 0x3030_3030_3030_3030);
        other.trailing_zeros() as usize / 8
    }

    /// The number that its first `length` bytes write, all of them digits; at most 8.
    #[inline]
    fn number(self, length: usize) -> u64 {
        if length == 0 {
            return 0;
        }
        // leading zeros take the places that are missing; then neighbours join: pairs, fours, eight
        let digits = (self.0 & 0x0f0f_0f0f_0f0f_0f0f) << (64 - 8 * length);
        let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
        (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str, digits: u32) -> (Vec<(i64, u64)>, usize) {
        let mut out = Vec::new();
        let padded = format!("{text}{}", " ".repeat(WINDOW));
        let length = pairs(padded.as_bytes(), digits, &mut out);
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
            r#"[1791158400,"0.1234567899900"],"#,
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
            assert_eq!(Eight::at(&text, 0).unwrap().run(), expected, "{byte:#x}");
        }
        let eight = Eight(u64::from_le_bytes(*b"98765432"));
        for (length, number) in [(0, 0), (1, 9), (4, 9876), (7, 9_876_543), (8, 98_765_432)] {
            assert_eq!(eight.number(length), number);
        }
    }
}
