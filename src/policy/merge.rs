//! Layers of the policy language merged from general to specific, with a note of which layer set what.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A value built from layers, and for each field (JSON pointer) the layer that set it last.
#[derive(Clone, Debug, Default)]
pub struct Layered {
    /// The merged value.
    pub value: Value,
    /// Pointer of each leaf to the name of the layer it came from.
    pub origins: BTreeMap<String, String>,
}

impl Layered {
    /// Starts empty.
    pub fn new() -> Self {
        Self {
            value: Value::Object(Map::new()),
            origins: BTreeMap::new(),
        }
    }

    /// Puts a layer on top: maps field by field; what states, bounds or picks a mode of one thing replaces it whole.
    pub fn add(&mut self, layer: &Value, name: &str) {
        merge(&mut self.value, layer, "", name, &mut self.origins);
    }
}

fn merge(below: &mut Value, above: &Value, pointer: &str, name: &str, origins: &mut BTreeMap<String, String>) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) if !is_one_thing(below, above) => {
            for (key, value) in above {
                let pointer = format!("{pointer}/{}", escape(key));
                merge(
                    below.entry(key.clone()).or_insert(Value::Null),
                    value,
                    &pointer,
                    name,
                    origins,
                );
            }
        }
        (below, above) => {
            origins.retain(|known, _| !is_at_or_below(known, pointer));
            *below = above.clone();
            note_leaves(above, pointer, name, origins);
        }
    }
}

/// `{value: 3}` over `{min: 1, max: 5}` is another setting of one thing, not a mixture of both.
fn is_one_thing(below: &Map<String, Value>, above: &Map<String, Value>) -> bool {
    let all = |map: &Map<String, Value>| {
        !map.is_empty()
            && map
                .keys()
                .all(|key| matches!(key.as_str(), "value" | "min" | "max" | "mode"))
    };
    all(below) && all(above)
}

fn note_leaves(value: &Value, pointer: &str, name: &str, origins: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                note_leaves(value, &format!("{pointer}/{}", escape(key)), name, origins);
            }
        }
        _ => {
            origins.insert(pointer.to_owned(), name.to_owned());
        }
    }
}

pub(super) fn is_at_or_below(known: &str, pointer: &str) -> bool {
    known
        .strip_prefix(pointer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A key as a token of a JSON pointer (RFC 6901).
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The JSON pointer that these keys make.
pub fn pointer(keys: &[&str]) -> String {
    let escaped: Vec<String> = keys.iter().map(|key| escape(key)).collect();
    format!("/{}", escaped.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stated_value_replaces_bounds_and_bounds_replace_a_stated_value() {
        let mut layered = Layered::new();
        layered.add(
            &json!({"scaling": {"targets": {"cpu": {"min": "50%", "max": "80%"}}}}),
            "class web",
        );
        layered.add(&json!({"scaling": {"targets": {"cpu": {"value": "70%"}}}}), "rule api");
        assert_eq!(
            layered.value,
            json!({"scaling": {"targets": {"cpu": {"value": "70%"}}}})
        );
        assert_eq!(layered.origins["/scaling/targets/cpu/value"], "rule api");
        assert!(!layered.origins.contains_key("/scaling/targets/cpu/min"));
        layered.add(&json!({"scaling": {"targets": {"cpu": {"max": "60%"}}}}), "rule later");
        assert_eq!(layered.value, json!({"scaling": {"targets": {"cpu": {"max": "60%"}}}}));
    }

    #[test]
    fn siblings_of_a_set_field_stay() {
        let mut layered = Layered::new();
        layered.add(&json!({"spot": {"mode": "prefer"}, "spread": {"mode": "zone"}}), "a");
        layered.add(&json!({"spot": {"mode": "never"}}), "b");
        assert_eq!(
            layered.value,
            json!({"spot": {"mode": "never"}, "spread": {"mode": "zone"}})
        );
        assert_eq!(layered.origins["/spread/mode"], "a");
        assert_eq!(layered.origins["/spot/mode"], "b");
    }
}
