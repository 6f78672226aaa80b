//! How the items of two lists belong together, and whether their order counts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::quantities::ends_with;
use crate::krm::merge_keys::{key_field, keyed_list};

/// What tells an item of a list apart: names and values of its key fields.
pub(super) type Key = Vec<(String, String)>;

/// How two lists are compared.
pub(super) enum Rule {
    /// By the keys of their items.
    Keyed {
        /// Keys of the items before.
        before: Vec<Key>,
        /// Keys of the items after.
        after: Vec<Key>,
        /// Whether the order of the items counts.
        ordered: bool,
    },
    /// As sets.
    Set,
    /// As sequences.
    Sequence,
}

/// Lists whose order says nothing and whose items have no keys.
static SETS: &[&[&str]] = &[
    &["tolerations"],
    &["nodeSelectorTerms"],
    &["matchExpressions"],
    &["matchFields"],
    &["matchExpressions", "values"],
    &["matchFields", "values"],
    &["preferredDuringSchedulingIgnoredDuringExecution"],
    &["requiredDuringSchedulingIgnoredDuringExecution"],
    &["capabilities", "add"],
    &["capabilities", "drop"],
    &["accessModes"],
    &["matchLabelKeys"],
    &["rules", "verbs"],
    &["rules", "resources"],
    &["rules", "apiGroups"],
    &["finalizers"],
];
/// Keyed lists whose order decides what runs.
static ORDERED: &[&[&str]] = &[&["spec", "initContainers"]];
/// Lists that the API replaces as a whole, and people read by key.
static SHOWN_BY_KEY: &[(&[&str], &[&str])] = &[
    (&["spec", "volumeClaimTemplates"], &["metadata.name"]),
    (
        &["spec", "metrics"],
        &[
            "type",
            "resource.name",
            "containerResource.name",
            "containerResource.container",
            "pods.metric.name",
            "object.metric.name",
            "object.describedObject.name",
            "external.metric.name",
        ],
    ),
    (&["scaleUp", "policies"], &["type", "periodSeconds"]),
    (&["scaleDown", "policies"], &["type", "periodSeconds"]),
];
/// Fields by which items of a list that no table knows are told apart, if all have one and all differ.
static GUESSES: [&str; 4] = ["name", "key", "id", "type"];

/// The rule for two lists at this path of map keys.
pub(super) fn rule(keys: &[String], before: &[Value], after: &[Value]) -> Rule {
    if is_set(keys) {
        return Rule::Set;
    }
    let path: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (fields, ordered) = if let Some(list) = keyed_list(&path) {
        (list.keys.to_vec(), is_ordered(keys, before, after))
    } else if let Some((_, fields)) = SHOWN_BY_KEY.iter().find(|(suffix, _)| ends_with(keys, suffix)) {
        (fields.to_vec(), false)
    } else if let Some(guess) = guess(before, after) {
        // KEDA adds up or compares all its triggers; of other lists we can't know.
        (vec![guess], !ends_with(keys, &["spec", "triggers"]))
    } else {
        return Rule::Sequence;
    };
    match (keys_of(&fields, before), keys_of(&fields, after)) {
        (Some(before), Some(after)) => Rule::Keyed { before, after, ordered },
        _ => Rule::Sequence,
    }
}

pub(super) fn is_set(keys: &[String]) -> bool {
    SETS.iter().any(|suffix| ends_with(keys, suffix))
}

/// Init containers run in their order; `$(VAR)` sees only the variables before it.
fn is_ordered(keys: &[String], before: &[Value], after: &[Value]) -> bool {
    let refers = |item: &Value| {
        let value = item.get("value").and_then(Value::as_str);
        value.is_some_and(|value| value.contains("$("))
    };
    ORDERED.iter().any(|suffix| ends_with(keys, suffix))
        || (ends_with(keys, &["env"]) && before.iter().chain(after).any(refers))
}

fn guess(before: &[Value], after: &[Value]) -> Option<&'static str> {
    GUESSES
        .into_iter()
        .find(|guess| keys_of(&[guess], before).is_some() && keys_of(&[guess], after).is_some())
}

/// The key of each item; `None` unless every item has one and all differ.
fn keys_of(fields: &[&str], items: &[Value]) -> Option<Vec<Key>> {
    let keys: Vec<Key> = items.iter().map(|item| key_of(fields, item)).collect::<Option<_>>()?;
    let distinct: BTreeSet<&Key> = keys.iter().collect();
    (distinct.len() == keys.len()).then_some(keys)
}

/// Plain fields must all be there; of fields further down (`metric.name`), those that are.
fn key_of(fields: &[&str], item: &Value) -> Option<Key> {
    let mut key = Key::new();
    for field in fields {
        if let Some((parents, name)) = field.rsplit_once('.') {
            let parent = item.pointer(&format!("/{}", parents.replace('.', "/")));
            let value = parent.and_then(|parent| key_field(parent, name));
            key.extend(value.map(|value| ((*field).to_owned(), value)));
        } else {
            key.push(((*field).to_owned(), key_field(item, field)?));
        }
    }
    (!key.is_empty()).then_some(key)
}

/// What names an item that has no key: its scalars, or the whole as JSON.
pub(super) fn identity(item: &Value) -> Key {
    let scalars: Key = item.as_object().map_or_else(Key::new, |map| {
        map.keys()
            .filter_map(|name| Some((name.clone(), key_field(item, name)?)))
            .collect()
    });
    if scalars.is_empty() {
        let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        return vec![(String::new(), text)];
    }
    scalars
}

/// The scalars that two items share; empty where they have nothing in common.
pub(super) fn shared_identity(before: &Value, after: &Value) -> Key {
    let (Value::Object(_), Value::Object(_)) = (before, after) else {
        return Key::new();
    };
    let after = identity(after);
    let shared = identity(before).into_iter().filter(|field| after.contains(field));
    shared.filter(|(name, _)| !name.is_empty()).collect()
}

/// The value with all its sets in one order, as text: equal for what means the same.
pub(super) fn canonical_text(keys: &[String], value: &Value) -> String {
    canonical(&mut keys.to_vec(), value).to_string()
}

fn canonical(keys: &mut Vec<String>, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
                keys.push(key.clone());
                let child = canonical(keys, value);
                keys.pop();
                (key.clone(), child)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(keys, item)).collect();
            if is_set(keys) {
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Array(items)
        }
        scalar => scalar.clone(),
    }
}
