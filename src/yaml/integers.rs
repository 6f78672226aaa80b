//! Integers beyond 64 bits that a reader took for floats: what is rounded is not what was written.
//!
//! JSON's reader hands every such integer out as a float, YAML's one beyond 128 bits. Only a document with a float that
//! large is looked through again.

use granit_parser::{Event, Parser, ScalarStyle};

use super::error::{Position, Problem, ReadError};
use super::guard;

/// Whether a float is so large that it may have been an integer which 64 bits do not hold.
pub(super) fn is_suspect(value: f64) -> bool {
    /// 2^63
    const LARGE: f64 = 9_223_372_036_854_775_808.0;
    value.abs() >= LARGE
}

/// Refuses the first integer of a YAML text that does not fit 64 bits.
pub(super) fn check_yaml(text: &str) -> Result<(), ReadError> {
    // what the reader took and this parser does not is not looked at
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        if let Event::Scalar(scalar, ScalarStyle::Plain, _, None) = event
            && is_too_large(&scalar)
        {
            return Err(too_large(&scalar, guard::position(span.start)));
        }
    }
    Ok(())
}

/// Refuses the first integer of a JSON text that does not fit 64 bits.
pub(super) fn check_json(text: &str) -> Result<(), ReadError> {
    let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = text.as_bytes();
    let (mut at, mut is_in_text) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => is_in_text = !is_in_text,
            b'-' | b'0'..=b'9' if !is_in_text => {
                let length = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                let number = &text[at..at + length];
                if is_too_large(number) {
                    return Err(too_large(number, Position::after(&text[..at])));
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Whether a scalar is a decimal integer, YAML 1.1's underscores included, that neither `u64` nor `i64` holds. The other
/// radixes are text for both readers from there on.
fn is_too_large(scalar: &str) -> bool {
    let digits = scalar.replace('_', "");
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(&digits);
    let is_integer = scalar.starts_with(|first: char| first != '_')
        && !unsigned.is_empty()
        && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && digits.parse::<i64>().is_err() && digits.parse::<u64>().is_err()
}

fn too_large(integer: &str, position: Position) -> ReadError {
    Problem::BigInteger(integer.to_owned()).at(Some(position))
}
