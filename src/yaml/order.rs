//! The order of keys, and which strings become `|` blocks: a value seen through [`Ordered`] serializes canonically.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};
use serde_saphyr::LitStr;

/// Where a map stands, which decides on its first keys.
#[derive(Clone, Copy)]
enum Role {
    Metadata,
    ListItem,
    Other,
}

/// A value that serializes with its keys in reading order: what an object is, then the rest sorted.
pub(super) struct Ordered<'v> {
    value: &'v Value,
    role: Role,
}

impl<'v> Ordered<'v> {
    pub(super) const fn new(value: &'v Value) -> Self {
        Self {
            value,
            role: Role::Other,
        }
    }
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(map) => serialize_map(map, self.role, serializer),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Ordered {
                        value,
                        role: Role::ListItem,
                    })?;
                }
                list.end()
            }
            Value::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn serialize_map<S: Serializer>(map: &Map<String, Value>, role: Role, serializer: S) -> Result<S::Ok, S::Error> {
    let first = first_keys(map, role);
    let mut entries = serializer.serialize_map(Some(map.len()))?;
    let leading = first.iter().filter_map(|key| map.get_key_value(*key));
    // `Map` is sorted: `preserve_order` of serde_json stays off
    let rest = map.iter().filter(|(key, _)| !first.contains(&key.as_str()));
    for (key, value) in leading.chain(rest) {
        let role = if key == "metadata" { Role::Metadata } else { Role::Other };
        entries.serialize_entry(key, &Ordered { value, role })?;
    }
    entries.end()
}

fn first_keys(map: &Map<String, Value>, role: Role) -> &'static [&'static str] {
    let is_object = map.contains_key("apiVersion") && map.contains_key("kind");
    match role {
        _ if is_object => &["apiVersion", "kind", "metadata"],
        Role::Metadata => &["name", "namespace"],
        Role::ListItem => &["name"],
        Role::Other => &[],
    }
}

/// Whether a text of several lines may be a literal block. Everything else is left to the emitter's quotes: a first line
/// that starts with a blank or tab needs an indentation indicator that go-yaml misreads, blanks at line ends are cut by
/// editors, and the breaks of YAML 1.1 (NEL, LS, PS) are lines in some readers and text in others.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(['\n', ' '])
        && text.lines().all(|line| !line.ends_with(' '))
        && text.chars().all(|char| char == '\n' || is_printable(char))
}

/// Printable in YAML 1.1 and not a line break, tab or byte order mark.
fn is_printable(char: char) -> bool {
    matches!(char,
        ' '..='~' | '\u{A0}'..='\u{2027}' | '\u{202A}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}'
        | '\u{10000}'..='\u{10FFFF}')
}
