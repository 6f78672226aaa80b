//! Reading the quantity grammar: sign, digits, fraction, suffix. Exact at any length of text.

use std::str::FromStr;

use super::quantity::{BINARY, DECIMAL, Format, NANO, NANO_EXPONENT, Quantity, QuantityError};

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::NoDigits(text.to_owned()));
        }
        let unit = Unit::of(suffix).ok_or_else(|| QuantityError::Suffix {
            text: text.to_owned(),
            suffix: suffix.to_owned(),
        })?;
        let too_large = || QuantityError::TooLarge(text.to_owned());
        let nano = nano_of(whole, fraction, unit).ok_or_else(too_large)?;
        if unit.format() == Format::BinarySi && nano > i128::from(i64::MAX) * NANO {
            return Err(too_large());
        }
        Ok(Self::from_nano(if negative { -nano } else { nano }, unit.format()))
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// What stands after the digits.
#[derive(Clone, Copy)]
enum Unit {
    Si(i32),
    Exponent(i32),
    Binary(u32),
}

impl Unit {
    fn of(suffix: &str) -> Option<Self> {
        if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
            return Some(Self::Si(*exponent));
        }
        if let Some(power) = (1_u32..)
            .zip(BINARY)
            .find_map(|(power, name)| (name == suffix).then_some(power))
        {
            return Some(Self::Binary(power));
        }
        let exponent = suffix.strip_prefix(['e', 'E'])?;
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // An exponent beyond four digits says nothing new: the value is too large, or rounds up to 1n.
        let size = digits.trim_start_matches('0').parse::<i32>().map_or(
            if digits.bytes().all(|byte| byte == b'0') {
                0
            } else {
                9999
            },
            |size| size.min(9999),
        );
        Some(Self::Exponent(if exponent.starts_with('-') { -size } else { size }))
    }

    const fn format(self) -> Format {
        match self {
            Self::Si(_) => Format::DecimalSi,
            Self::Exponent(_) => Format::DecimalExponent,
            Self::Binary(_) => Format::BinarySi,
        }
    }
}

/// The value in nano-units, rounded up; `None` beyond `i128`.
fn nano_of(whole: &str, fraction: &str, unit: Unit) -> Option<i128> {
    let fraction = fraction.trim_end_matches('0');
    let digits: String = whole.chars().chain(fraction.chars()).collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let places = i32::try_from(fraction.len()).ok()?;
    let (exponent, factor) = match unit {
        Unit::Si(exponent) | Unit::Exponent(exponent) => (exponent, 1),
        Unit::Binary(power) => (0, 1024_i128.pow(power)),
    };
    scale_up(digits, factor, exponent.checked_sub(places)? - NANO_EXPONENT)
}

/// `digits` × `factor` × 10^`exponent`, rounded up; `None` beyond `i128`.
fn scale_up(digits: &str, factor: i128, exponent: i32) -> Option<i128> {
    if let Ok(exponent) = u32::try_from(exponent) {
        let value: i128 = digits.parse().ok()?;
        return value.checked_mul(factor)?.checked_mul(10_i128.checked_pow(exponent)?);
    }
    // More decimals than nano-units hold: digit by digit, so that any length of text works.
    let dropped = usize::try_from(exponent.unsigned_abs()).ok()?;
    let kept = digits.len().saturating_sub(dropped);
    let leading: i128 = if kept == 0 { 0 } else { digits[..kept].parse().ok()? };
    let tail = &digits[kept..];
    let leading_zeros = dropped - tail.len();
    leading
        .checked_mul(factor)?
        .checked_add(fraction_up(tail, leading_zeros, factor))
}

/// 0.`000…tail` × `factor`, rounded up, by schoolbook multiplication from the right. `factor` ≤ 2^60.
fn fraction_up(tail: &str, leading_zeros: usize, factor: i128) -> i128 {
    let mut carry = 0;
    let mut is_exact = true;
    let zeros = std::iter::repeat_n(b'0', leading_zeros.min(64));
    for digit in tail.bytes().rev().chain(zeros) {
        let product = i128::from(digit - b'0') * factor + carry;
        is_exact &= product % 10 == 0;
        carry = product / 10;
    }
    carry + i128::from(!is_exact)
}
