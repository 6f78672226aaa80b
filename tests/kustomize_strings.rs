//! Strings survive real kustomizes: what we write they read back unchanged, and what they write we do.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};
use trimtab::yaml::{Limits, read_one, to_string};

use crate::trap_strings;

/// Oldest supported, a middle one, and the newest.
const VERSIONS: [&str; 3] = ["5.0.1", "5.4.3", "5.8.2"];

/// The kustomize of a version, installed by `make tools`.
fn kustomize(version: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(".tools/kustomize")
        .join(version)
        .join("kustomize");
    assert!(path.exists(), "kustomize {version} is missing: run `make tools`");
    path
}

/// What `kustomize build` makes of one resource file: its output, or its message.
fn build(version: &str, resource: &str) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("kustomization.yaml"),
        "resources: [resource.yaml]\n",
    )
    .unwrap();
    std::fs::write(directory.path().join("resource.yaml"), resource).unwrap();
    let output = Command::new(kustomize(version))
        .arg("build")
        .arg(directory.path())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Where a string stands in the object under test.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Value,
    Item,
    Key,
}

const PLACES: [Place; 3] = [Place::Value, Place::Item, Place::Key];

/// Why kustomize itself cannot carry a string there, whoever wrote it: it fails, or loses it.
fn kustomize_cannot(text: &str, place: Place) -> Option<&'static str> {
    let is_refused = |char| matches!(char, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().any(is_refused) {
        return Some("its writer leaves DEL, NEL, C1 controls, U+FFFE and U+FFFF raw, and its reader refuses them");
    }
    match place {
        Place::Key if text == "<<" => Some("it merges a quoted `<<` too, and the key is gone"),
        Place::Key if text.len() > 1_000 => Some("its reader takes keys of up to 1,024 characters"),
        _ => None,
    }
}

/// One object that holds every string as value, as item and as key, but for the places left out.
fn object(strings: &[String], is_in: impl Fn(&str, Place) -> bool + Copy) -> Value {
    let strings = |place| {
        strings
            .iter()
            .enumerate()
            .filter(move |(_, text)| is_in(text, place))
            .collect::<Vec<_>>()
    };
    let values: Map<String, Value> = strings(Place::Value)
        .into_iter()
        .map(|(n, text)| (format!("k{n:04}"), json!(text)))
        .collect();
    let items: Vec<_> = strings(Place::Item).into_iter().map(|(_, text)| text).collect();
    let keys: Map<String, Value> = strings(Place::Key)
        .into_iter()
        .map(|(_, text)| (text.clone(), json!(1)))
        .collect();
    json!({
        "apiVersion": "example.com/v1",
        "kind": "Trap",
        "metadata": {"name": "trap"},
        "spec": {"values": values, "items": items, "keys": keys},
    })
}

/// JSON in pure ASCII but for what lies beyond 16 bits: go-yaml reads no surrogate escapes.
fn ascii_json(value: &Value) -> String {
    let escape = |char: char| match u32::from(char) {
        code @ 0x7F..=0xFFFF => format!("\\u{code:04x}"),
        _ => char.to_string(),
    };
    value.to_string().chars().map(escape).collect()
}

fn assert_carried(version: &str, resource: &str, expected: &Value) {
    let output = build(version, resource).unwrap_or_else(|message| panic!("kustomize {version}: {message}"));
    let found = read_one(output.as_bytes(), &Limits::STREAM).unwrap_or_else(|error| panic!("{version}: {error}"));
    for part in ["values", "items", "keys"] {
        assert_eq!(
            found["spec"][part], expected["spec"][part],
            "{part} through kustomize {version}"
        );
    }
    assert_eq!(&found, expected);
}

#[test]
fn what_we_write_comes_back_from_kustomize_unchanged() {
    let expected = object(&trap_strings::all(), |text, place| {
        kustomize_cannot(text, place).is_none()
    });
    for version in VERSIONS {
        assert_carried(version, &to_string(&expected), &expected);
    }
}

#[test]
fn what_kustomize_writes_is_read_unchanged() {
    let expected = object(&trap_strings::all(), |text, place| {
        kustomize_cannot(text, place).is_none()
    });
    for version in VERSIONS {
        assert_carried(version, &ascii_json(&expected), &expected);
    }
}

/// An exception that no longer holds must leave the table; and it holds for kustomize's own JSON input as well, so that
/// it is not our writer's.
#[test]
fn every_exception_is_kustomizes_own() {
    let version = VERSIONS[2];
    for text in trap_strings::all() {
        for place in PLACES {
            let Some(reason) = kustomize_cannot(&text, place) else {
                continue;
            };
            let expected = object(std::slice::from_ref(&text), |_, other| other == place);
            for resource in [to_string(&expected), ascii_json(&expected)] {
                let carried = build(version, &resource).is_ok_and(|output| {
                    read_one(output.as_bytes(), &Limits::STREAM).is_ok_and(|found| found == expected)
                });
                assert!(!carried, "{text:.40?} as {place:?} is carried, although: {reason}");
            }
        }
    }
}
