//! Strings survive our writer, in every place a string can stand, for two independent readers.

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtab::yaml::{Limits, read_one, to_string};

use crate::trap_strings;

/// The same string as value, item, key, deep inside, and alone.
fn contexts(text: &str) -> [Value; 5] {
    [
        json!({ "k": text, "z": 1 }),
        json!([text, text]),
        json!({ text: text }),
        json!({ "a": [{ "b": { text: [text, { "name": text }] }, "c": text }, [[text]]] }),
        json!(text),
    ]
}

fn assert_survives(value: &Value) {
    let yaml = to_string(value);
    let ours = read_one(yaml.as_bytes(), &Limits::STREAM).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(&ours, value, "our reader, from\n{yaml}");
    let theirs: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(&theirs, value, "serde-saphyr, from\n{yaml}");
}

#[test]
fn every_trap_string_survives_in_every_place() {
    for text in trap_strings::all() {
        for value in contexts(&text).iter().filter(|value| !value.is_null()) {
            assert_survives(value);
        }
    }
}

#[test]
fn numbers_survive_exactly() {
    let numbers = json!([
        0,
        1,
        -1,
        u64::MAX,
        i64::MIN,
        i64::MAX,
        9_007_199_254_740_993_u64,
        1.0,
        -0.0,
        0.1,
        1e21,
        1e-7,
        5e-324,
        f64::MAX,
        1.5e300,
        123_456.789
    ]);
    assert_survives(&numbers);
    assert_survives(
        &json!({ "null": null, "true": true, "false": false, "empty": { "map": {}, "list": [], "text": "" } }),
    );
}

/// Pieces from which mean strings are made.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            " ", "  ", "\n", "\t", "\r", ":", ": ", "-", "- ", "#", " #", "'", "\"", "\\", "{", "}", "[", "]", ",", "&", "*", "!", "|",
            ">", "%", "@", "`", "?", "? ", "=", "<<", "---", "...", "~", "0", "1", "_", ".", "e", "x", "o", "y", "no", "true",
            "null", "\u{85}", "\u{2028}", "\u{feff}", "\u{a0}", "\u{0}", "\u{7f}", "\u{1f600}", "é",
        ]).prop_map(ToOwned::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9:.+-]{1,6}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nasty_random_strings_survive_in_every_place(text in nasty()) {
        for value in &contexts(&text) {
            assert_survives(value);
        }
    }
}
