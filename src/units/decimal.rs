//! Plain decimals as whole billionths: the number in front of a unit.

/// Why a text is no plain decimal that billionths can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalError {
    /// Not digits, or digits with a point and digits.
    Grammar,
    /// More than nine decimals that are not 0.
    TooFine,
    /// Beyond an i128.
    TooLarge,
}

/// `0.0316` as 31600000 billionths. No sign, no exponent, digits on both sides of a point.
pub(super) fn nano(text: &str) -> Result<i128, DecimalError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(DecimalError::Grammar);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(DecimalError::TooFine);
    }
    format!("{whole}{fraction:0<9}")
        .parse()
        .map_err(|_| DecimalError::TooLarge)
}

/// Billionths as the shortest plain decimal.
pub(super) fn shortest(nano: u128) -> String {
    let (whole, fraction) = (nano / 1_000_000_000, nano % 1_000_000_000);
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{fraction:09}").trim_end_matches('0'))
}
