//! Plain numbers as YAML 1.1 spells them: `0644`, `1_000`, `0B11`.
//!
//! YAML 1.2 takes these for text, and so does the reader beneath ours; kustomize, kubectl and Helm take them for numbers
//! (`resolve.go` of go-yaml v3). `defaultMode: 0644` stands in many charts, and as the text "0644" no API server takes it.

use serde_json::{Number, Value};

/// The number that Go's reader sees in a plain scalar which YAML 1.2 takes for text; `None` where it is text for both.
pub(super) fn legacy(text: &str) -> Option<Value> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+')) {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| decimal(&digits))
}

fn integer(digits: &str) -> Option<Value> {
    let (is_negative, unsigned) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        _ => (false, digits),
    };
    let (radix, body) = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        Some("0b") => (2, &unsigned[2..]),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // a second sign is not part of a number, and Rust's parsers would take it
    if !body.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(body, radix).ok()?;
    if is_negative {
        return Some(Value::Number(0_i64.checked_sub_unsigned(magnitude)?.into()));
    }
    Some(Value::Number(magnitude.into()))
}

/// Floats in Go's grammar: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn decimal(digits: &str) -> Option<Value> {
    let unsigned = digits.trim_start_matches(['-', '+']);
    let is_number = digits.len() - unsigned.len() < 2
        && unsigned.contains(|digit: char| digit.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let value: f64 = is_number.then(|| digits.parse().ok())??;
    let whole = value.trunc();
    // JSON writers of Go print such a float without a point: 08 is 8
    #[expect(clippy::float_cmp, reason = "a whole number equals its own trunc")]
    let is_small_whole = whole == value && whole.abs() < 1e15;
    if is_small_whole && !unsigned.contains(['.', 'e', 'E']) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15")]
        return Some(Value::Number((whole as i64).into()));
    }
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::legacy;

    #[test]
    fn numbers_are_those_of_go() {
        // strconv.ParseInt(text without underscores, 0, 64), else ParseFloat
        let table = [
            ("0644", json!(420)),
            ("0777", json!(511)),
            ("-014", json!(-12)),
            ("00", json!(0)),
            ("1_000", json!(1000)),
            ("0_7", json!(7)),
            ("0X1F", json!(31)),
            ("0x_1", json!(1)),
            ("0B11", json!(3)),
            ("0O17", json!(15)),
            ("-0b11", json!(-3)),
            ("08", json!(8)),
            ("0_8", json!(8)),
            ("1_0.5", json!(10.5)),
            ("-9_223_372_036_854_775_808", json!(i64::MIN)),
            ("1_8446744073709551615", json!(u64::MAX)),
        ];
        for (text, expected) in table {
            assert_eq!(legacy(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            "_1",
            "1:30",
            "2001-01-01",
            "0x",
            "0xg",
            "0b12",
            "1.2.3",
            "1e",
            "--1",
            "+-1",
            "0o8x",
            "1m",
            "10Mi",
            "0-1",
            "0x-1",
            "0.0.0.0",
            "1e999",
        ] {
            assert_eq!(legacy(text), None, "{text}");
        }
    }
}
