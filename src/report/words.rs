//! Words that several outputs share.

use serde_json::{Map, Value};

use super::Totals;
use crate::diag::counted;
use crate::diff::{Change, Class, Diff, FieldChange, HIDDEN, ObjectDiff, hide_secrets};
use crate::krm::{ObjectId, Reason};

/// A value on one line: scalars bare, collections in flow form, selector terms as `zone In [a, b]`.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(map) if term(map).is_some() => term(map).unwrap_or_default(),
        Value::Object(map) if !map.is_empty() => {
            let fields: Vec<String> = map
                .iter()
                .map(|(key, child)| format!("{key}: {}", self::value(child)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// A term of a label selector or a node selector.
fn term(map: &Map<String, Value>) -> Option<String> {
    let (key, operator) = (map.get("key")?.as_str()?, map.get("operator")?.as_str()?);
    match map.get("values") {
        None if map.len() == 2 => Some(format!("{key} {operator}")),
        Some(values) if map.len() == 3 => Some(format!("{key} {operator} {}", value(values))),
        _ => None,
    }
}

/// One side of a field; text that looks like another type keeps its quotes where the other side has that type.
pub(super) fn sides(field: &FieldChange) -> (String, String) {
    let side = |side: &Option<Value>| side.as_ref().map_or_else(|| "—".to_owned(), value);
    let (before, after) = (side(&field.before), side(&field.after));
    if before != after {
        return (before, after);
    }
    let exact = |side: &Option<Value>| side.as_ref().map_or_else(|| "—".to_owned(), Value::to_string);
    match field.class {
        Class::Secret if before.contains('\n') => (HIDDEN.to_owned(), format!("{HIDDEN}, changed")),
        Class::Secret => (before, format!("{after}, changed")),
        _ => (exact(&field.before), exact(&field.after)),
    }
}

/// What a decision of several parts says, secrets hidden: `labels {…}, mode never`; one that has none takes its field away.
pub fn parts(decision: &Value) -> String {
    let shown = hide_secrets(decision);
    let is_told = |key: &str, part: &Value| !matches!(key, "reason" | "before") && part.get("reason").is_none();
    let told = shown.as_object().into_iter().flatten();
    let parts: Vec<String> = told
        .filter(|(key, part)| is_told(key, part))
        .map(|(key, part)| format!("{key} {}", value(part)))
        .collect();
    if parts.is_empty() {
        return "removed".to_owned();
    }
    parts.join(", ")
}

/// `percentile: margin 15%, p95 310m`
pub fn reason(reason: &Reason) -> String {
    let inputs: Vec<String> = reason.inputs.iter().map(|(name, value)| input(name, value)).collect();
    if inputs.is_empty() {
        return reason.code.clone();
    }
    format!("{}: {}", reason.code, inputs.join(", "))
}

/// An input of a reason. Most are a name and a value; some can't be read that way.
fn input(name: &str, value: &str) -> String {
    match name {
        // of the code `class`, whose name it repeats
        "class" => value.to_owned(),
        "carries" => format!("{value} carry the load"),
        "perPod" => format!("{value} per pod"),
        "zoneLoss" => format!("{value} so that one zone may fail"),
        "derivedFrom" => format!("derived from {value}"),
        "lowestReplicas" => format!("lowest replicas {value}"),
        "inForce" => format!("{value} in force"),
        "until" => format!("until a profile reaches {value}"),
        "growthBelow" => format!("demand stays below {value} of the step before"),
        "ownLimit" => format!("limit in the manifest {value}"),
        "ownRequest" => format!("request in the manifest {value}"),
        "capacityDecrease" => format!("falls by {value} at most"),
        "cpuDecrease" => format!("{value} so that requested CPU falls by `guardrails.capacityDecrease` at most"),
        "memoryDecrease" => format!("{value} so that requested memory falls by `guardrails.capacityDecrease` at most"),
        "podsDecrease" => format!("{value} so that the count falls by `guardrails.capacityDecrease` at most"),
        "takenAlong" => format!("goes along with a restart that does not wait for `guardrails.{value}`"),
        "zones" => format!("{value} zones"),
        "median" => format!("median demand {value}"),
        "perPodAtMost" => format!("{value} per pod at most"),
        _ => format!("{name} {value}"),
    }
}

/// `apps/Deployment shop/api`, `Service api`
pub(super) fn object(id: &ObjectId) -> String {
    let kind = if id.group.is_empty() {
        id.kind.clone()
    } else {
        format!("{}/{}", id.group, id.kind)
    };
    if id.namespace.is_empty() {
        format!("{kind} {}", id.name)
    } else {
        format!("{kind} {}/{}", id.namespace, id.name)
    }
}

/// `1 field`, `2 fields`
pub(super) fn count(n: usize, noun: &str) -> String {
    counted(n as u64, noun)
}

/// `6 changed, 15 added, 0 removed`
pub(super) fn totals(totals: Totals) -> String {
    let Totals {
        changed,
        added,
        removed,
        ..
    } = totals;
    format!("{changed} changed, {added} added, {removed} removed")
}

/// The sign of a change. It stands beside every colour.
pub(super) fn sign(change: Change) -> &'static str {
    match change {
        Change::Added => "+",
        Change::Removed => "-",
        Change::Modified | Change::Renamed => "~",
    }
}

/// `content changed: pods of Deployment/shop/api restart`
pub(super) fn renamed(object: &ObjectDiff) -> Option<String> {
    let previous = object.previous.as_ref()?;
    let users: Vec<String> = object.referenced_by.iter().map(ToString::to_string).collect();
    let used = if users.is_empty() {
        "no object here refers to it".to_owned()
    } else {
        format!("used by {}, whose pods restart", users.join(", "))
    };
    Some(format!("was {}; {used}", previous.name))
}

/// What is not shown, and why: `214 unchanged · 9 equal after normalising (2 quantities) · 3 noise fields left out (checksum/*)`.
pub(super) fn unseen(diff: &Diff) -> Vec<String> {
    let mut words = vec![format!("= {} unchanged", diff.unchanged)];
    let folded = [
        (diff.folded.quantity, "quantity"),
        (diff.folded.order, "list order"),
        (diff.folded.default, "default"),
        (diff.folded.reference, "generated name"),
    ];
    let folded: Vec<String> = folded
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, noun)| count(*n, noun))
        .collect();
    if diff.equal_after_normalising > 0 || !folded.is_empty() {
        let detail = if folded.is_empty() {
            String::new()
        } else {
            format!(" ({})", folded.join(", "))
        };
        words.push(format!(
            "≡ {} equal after normalising{detail}",
            diff.equal_after_normalising
        ));
    }
    if !diff.noise.is_empty() {
        let rules: Vec<&str> = diff.noise.keys().map(String::as_str).collect();
        words.push(format!(
            "{} left out ({})",
            count(diff.noise_fields(), "noise field"),
            rules.join(", ")
        ));
    }
    if diff.hidden_fields() > 0 {
        words.push(format!("* {} hidden", count(diff.hidden_fields(), "secret value")));
    }
    words
}
