//! Exported decimal text to integers, the same from every format.
//!
//! The integer of `x` with `d` digits is the largest `u` with `u / 10^d <= x`. For the shortest text of a double, which
//! is what exporters print, that is the text cut after `d` digits behind the point. Text that is not shortest can stand
//! for the next double up; there the digits cut off begin with `99`, and such text takes the slow path.

/// What a number in an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A usable amount.
    Value(u64),
    /// `NaN`, an infinity, `null` or nothing: the exporter has no value here.
    Absent,
    /// Below zero; no signal of ours can be.
    Negative,
    /// More than any of our units can mean.
    TooLarge,
}

/// The greatest amount taken: far past any cluster in nano-cores and bytes, and sums of many stay in 64 bits.
const MOST: u64 = 1 << 60;

/// Reads `text` as an amount with `digits` decimals kept; `None` when it is no number at all.
pub fn amount(text: &[u8], digits: u32) -> Option<Reading> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if is_absent(unsigned) {
        return Some(Reading::Absent);
    }
    let reading = plain(unsigned, digits).or_else(|| slow(unsigned, digits))?;
    Some(match reading {
        Reading::Value(value) if negative && (value > 0 || !is_zero(unsigned)) => Reading::Negative,
        Reading::TooLarge if negative => Reading::Negative,
        other => other,
    })
}

fn is_absent(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"", b"nan", b"inf", b"infinity", b"null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_zero(text: &[u8]) -> bool {
    text.iter()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
        .all(|byte| matches!(byte, b'0' | b'.'))
}

/// Digits, a point, digits. `None` for anything else and where cutting would not be exact.
fn plain(text: &[u8], digits: u32) -> Option<Reading> {
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or(&[]));
    if whole.is_empty() || (point < text.len() && fraction.is_empty()) {
        return None;
    }
    let kept = fraction.len().min(digits as usize);
    let (fraction, cut) = fraction.split_at(kept);
    if cut.starts_with(b"99") || !cut.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value = 0u64;
    for &byte in whole.iter().chain(fraction) {
        if !byte.is_ascii_digit() {
            return None;
        }
        // past 2^60 only the fact matters, and every digit must still be one
        value = value.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    }
    for _ in kept..digits as usize {
        value = value.saturating_mul(10);
    }
    Some(if value > MOST {
        Reading::TooLarge
    } else {
        Reading::Value(value)
    })
}

/// Exponents and inexact cuts, by the definition: the largest integer whose quotient is not above the double.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the range is checked first; single operations of IEEE 754 give the same result everywhere"
)]
fn slow(text: &[u8], digits: u32) -> Option<Reading> {
    let grammar = text.first().is_some_and(u8::is_ascii_digit)
        && text.iter().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(byte));
    let number: f64 = std::str::from_utf8(text).ok().filter(|_| grammar)?.parse().ok()?;
    let unit = 10u64.pow(digits) as f64;
    let scaled = (number * unit).floor();
    if scaled > MOST as f64 {
        return Some(Reading::TooLarge);
    }
    let mut value = scaled as u64;
    if (value + 1) as f64 / unit <= number {
        value += 1;
    } else if value as f64 / unit > number {
        value -= 1;
    }
    Some(Reading::Value(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_cut_not_rounded() {
        for (text, digits, reading) in [
            ("0.0005691903766665973", 9, Reading::Value(569_190)),
            ("0.9999999989", 9, Reading::Value(999_999_998)),
            ("0.99999999899", 9, Reading::Value(999_999_998)),
            ("12", 9, Reading::Value(12_000_000_000)),
            ("1e-09", 9, Reading::Value(1)),
            ("1.5e3", 0, Reading::Value(1500)),
            ("155668339", 0, Reading::Value(155_668_339)),
            ("39196738.064516", 0, Reading::Value(39_196_738)),
            ("5.9E-05", 9, Reading::Value(59_000)),
            ("0", 9, Reading::Value(0)),
            ("-0", 9, Reading::Value(0)),
            ("-0.0", 9, Reading::Value(0)),
            ("-1e-12", 9, Reading::Negative),
            ("-3", 0, Reading::Negative),
            ("NaN", 9, Reading::Absent),
            ("+Inf", 9, Reading::Absent),
            ("-Inf", 9, Reading::Absent),
            ("null", 9, Reading::Absent),
            ("", 9, Reading::Absent),
            ("1e+22", 0, Reading::TooLarge),
            ("99999999999999999999999999", 0, Reading::TooLarge),
        ] {
            assert_eq!(
                amount(text.as_bytes(), digits),
                Some(reading),
                "{text} with {digits} digits"
            );
        }
    }

    #[test]
    fn text_longer_than_the_double_needs_stands_for_the_double() {
        // %.20f of 0.3 is 0.29999999999999998890: the double is 0.3, so 300_000_000 / 1e9 is not above it
        assert_eq!(amount(b"0.29999999999999998890", 9), Some(Reading::Value(300_000_000)));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["abc", "1,5", ".5", "1.2.3", "0x10", "1e", "--1", "1 ", "١"] {
            assert_eq!(amount(text.as_bytes(), 9), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn cutting_the_shortest_text_agrees_with_the_definition(number in 0.0f64..1e6) {
            let text = number.to_string();
            prop_assert_eq!(amount(text.as_bytes(), 9), slow(text.as_bytes(), 9));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[-+0-9.eEInfNa]{0,24}") {
            let _ = amount(text.as_bytes(), 9);
        }
    }
}
