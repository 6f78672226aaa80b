//! Differing fields as a reviewer reads them: the parts of a list item that is new as a whole are one line.

use serde_json::{Map, Value};

use super::words;
use crate::diff::{Class, FieldChange};
use crate::krm::{FieldPath, Reason, Segment};

/// One line: a field, or a whole new item of a list.
pub(super) struct Shown<'a> {
    /// Where.
    pub path: String,
    /// Its value before.
    pub before: String,
    /// Its value after.
    pub after: String,
    /// Why.
    pub reason: Option<&'a Reason>,
    /// The field itself, where it is one.
    pub field: Option<&'a FieldChange>,
}

/// The fields in their order.
pub(super) fn shown(fields: &[FieldChange]) -> Vec<Shown<'_>> {
    let mut lines = Vec::new();
    let mut rest = fields;
    while let Some(first) = rest.first() {
        let parts = item_of(&first.path).map_or(0, |item| {
            let is_part = |field: &&FieldChange| is_added(field, first) && field.path.0.starts_with(item);
            let parts = rest.iter().take_while(is_part).count();
            if parts > 1 && is_whole(item, &rest[..parts]) {
                parts
            } else {
                0
            }
        });
        if parts > 0 {
            lines.push(item(&rest[..parts]));
        } else {
            lines.push(one(first));
        }
        rest = &rest[parts.max(1)..];
    }
    lines
}

fn one(field: &FieldChange) -> Shown<'_> {
    let (before, after) = words::sides(field);
    Shown {
        path: field.path.to_string(),
        before,
        after,
        reason: field.reason.as_ref(),
        field: Some(field),
    }
}

/// The way to the innermost list item that a field is in.
fn item_of(path: &FieldPath) -> Option<&[Segment]> {
    let at = path.0.iter().rposition(|segment| matches!(segment, Segment::Item(_)))?;
    Some(&path.0[..=at])
}

fn is_added(field: &FieldChange, first: &FieldChange) -> bool {
    field.before.is_none()
        && field.reason == first.reason
        && matches!(field.class, Class::Value | Class::Quantity)
        && !matches!(&field.after, Some(Value::String(text)) if text.contains('\n'))
}

/// An item is new as a whole where the fields that tell it from others are.
fn is_whole(item: &[Segment], parts: &[FieldChange]) -> bool {
    let Some(Segment::Item(keys)) = item.last() else {
        return false;
    };
    keys.iter().all(|(key, _)| {
        parts
            .iter()
            .any(|part| inside(&part.path, item.len()).is_some_and(|inner| inner.join(".") == *key))
    })
}

/// The keys inside an item; `None` where a further list is on the way.
fn inside(path: &FieldPath, depth: usize) -> Option<Vec<&str>> {
    path.0[depth..]
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Item(_) => None,
        })
        .collect()
}

/// A new item: the path says what tells it from others, the value says the rest.
fn item(parts: &[FieldChange]) -> Shown<'_> {
    let way = item_of(&parts[0].path).unwrap_or_default();
    let told: Vec<&str> = match way.last() {
        Some(Segment::Item(keys)) => keys.iter().map(|(key, _)| key.as_str()).collect(),
        _ => Vec::new(),
    };
    let mut value = Value::Object(Map::new());
    for part in parts {
        let Some(keys) = inside(&part.path, way.len()) else {
            continue;
        };
        if told.contains(&keys.join(".").as_str()) {
            continue;
        }
        let mut at = &mut value;
        for key in keys {
            at = &mut at[key];
        }
        *at = part.after.clone().unwrap_or_default();
    }
    Shown {
        path: FieldPath(way.to_vec()).to_string(),
        before: "—".to_owned(),
        after: words::value(&value),
        reason: parts[0].reason.as_ref(),
        field: None,
    }
}
