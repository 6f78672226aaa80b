//! Fields that tools rewrite at each build or that a cluster fills in: left out of the comparison, counted by rule.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Keys of labels (L) and annotations (A) that say nothing about what runs. A `*` at the end stands for the rest.
static METADATA: &[(&str, &str)] = &[
    ("labels", "helm.sh/chart"),
    ("labels", "app.kubernetes.io/version"),
    ("annotations", "checksum/*"),
    ("annotations", "config.kubernetes.io/*"),
    ("annotations", "internal.config.kubernetes.io/*"),
    ("annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ("annotations", "deployment.kubernetes.io/revision"),
];
/// Fields of `metadata` that the API server owns.
static SERVER_OWNED: &[&str] = &[
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// What was left out of one object: the rule and the place, and the value.
pub(super) type Noise = BTreeMap<(String, String), Value>;

/// Takes the noise out of an object. Every `metadata` counts, the pod template's as well as the object's own.
pub(super) fn strip(object: &mut Value) -> Noise {
    let mut noise = Noise::new();
    if let Some(root) = object.as_object_mut()
        && let Some(status) = root.remove("status")
    {
        noise.insert(("status".into(), String::new()), status);
    }
    walk(object, &mut String::new(), &mut noise);
    noise
}

fn walk(value: &mut Value, at: &mut String, noise: &mut Noise) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
                strip_metadata(metadata, at, noise);
            }
            for (key, child) in map {
                at.push('/');
                at.push_str(key);
                walk(child, at, noise);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            for (n, child) in items.iter_mut().enumerate() {
                at.push('/');
                at.push_str(&n.to_string());
                walk(child, at, noise);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

fn strip_metadata(metadata: &mut Map<String, Value>, at: &str, noise: &mut Noise) {
    for field in SERVER_OWNED {
        if let Some(value) = metadata.remove(*field) {
            noise.insert(((*field).to_owned(), at.to_owned()), value);
        }
    }
    for (field, rule) in METADATA {
        let Some(Value::Object(map)) = metadata.get_mut(*field) else {
            continue;
        };
        let keys: Vec<String> = map.keys().filter(|key| matches(rule, key)).cloned().collect();
        for key in keys {
            if let Some(value) = map.remove(&key) {
                noise.insert(((*rule).to_owned(), format!("{at}/{key}")), value);
            }
        }
        if map.is_empty() {
            metadata.remove(*field);
        }
    }
}

fn matches(rule: &str, key: &str) -> bool {
    rule.strip_suffix('*')
        .map_or(rule == key, |prefix| key.starts_with(prefix))
}

/// Counts what differs in the noise of two objects, by rule.
pub(super) fn count(before: &Noise, after: &Noise, counts: &mut BTreeMap<String, usize>) {
    let places: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for place in places {
        let (was, is) = (before.get(place), after.get(place));
        // A status or an empty timestamp that only one side has was never written by anybody.
        if was != is && was.or(is).is_some_and(|value| !value.is_null()) {
            *counts.entry(place.0.clone()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_tools_rewrite_is_left_out_of_every_metadata_and_nowhere_else() {
        let mut object = json!({
            "metadata": {"name": "a", "creationTimestamp": null, "labels": {"helm.sh/chart": "c-1", "app": "a"}},
            "spec": {"selector": {"matchLabels": {"app.kubernetes.io/version": "1"}},
                     "template": {"metadata": {"annotations": {"checksum/config": "abc"}}}},
            "status": {"replicas": 1},
        });
        let noise = strip(&mut object);
        assert_eq!(
            object,
            json!({
                "metadata": {"name": "a", "labels": {"app": "a"}},
                "spec": {"selector": {"matchLabels": {"app.kubernetes.io/version": "1"}}, "template": {"metadata": {}}},
            })
        );
        let rules: Vec<&str> = noise.keys().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, ["checksum/*", "creationTimestamp", "helm.sh/chart", "status"]);
    }
}
