//! Two versions of one object, field by field.

use serde_json::{Map, Value};

use super::defaults::{is_default, with_requests_from_limits};
use super::lists::{self, Key, Rule};
use super::quantities::{canonical, ends_with, quantity};
use super::sequence;
use super::{Class, FieldChange, Folded, mask};
use crate::krm::{FieldPath, ObjectId, Segment};

/// The fields that differ, sorted by path.
pub(super) fn fields(id: &ObjectId, before: &Value, after: &Value, folded: &mut Folded) -> Vec<FieldChange> {
    let mut walk = Walk::new(id, folded);
    walk.value(Some(&without_identity(before)), Some(&without_identity(after)));
    walk.sorted()
}

/// Every field of a new object.
pub(super) fn added(id: &ObjectId, object: &Value) -> Vec<FieldChange> {
    let mut folded = Folded::default();
    let mut walk = Walk::new(id, &mut folded);
    walk.all(&without_kind(object), false);
    walk.sorted()
}

/// Every field of an object that is gone.
pub(super) fn removed(id: &ObjectId, object: &Value) -> Vec<FieldChange> {
    let mut folded = Folded::default();
    let mut walk = Walk::new(id, &mut folded);
    walk.all(&without_kind(object), true);
    walk.sorted()
}

/// Without what pairs it with the other.
fn without_identity(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["name", "namespace", "generateName"] {
            metadata.remove(key);
        }
        if metadata.is_empty() {
            object.as_object_mut().and_then(|object| object.remove("metadata"));
        }
    }
    object
}

fn without_kind(object: &Value) -> Value {
    let mut object = without_identity(object);
    if let Some(map) = object.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    object
}

struct Walk<'a> {
    id: &'a ObjectId,
    path: FieldPath,
    /// Map keys of the path alone: what tables of the API go by.
    keys: Vec<String>,
    changes: Vec<FieldChange>,
    folded: &'a mut Folded,
}

impl<'a> Walk<'a> {
    fn new(id: &'a ObjectId, folded: &'a mut Folded) -> Self {
        Self {
            id,
            path: FieldPath::default(),
            keys: Vec::new(),
            changes: Vec::new(),
            folded,
        }
    }

    fn sorted(mut self) -> Vec<FieldChange> {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        self.changes
            .sort_by_cached_key(|change| (change.path.clone(), text(&change.before), text(&change.after)));
        self.changes
    }

    fn in_key(&mut self, key: &str, inside: impl FnOnce(&mut Self)) {
        self.path.0.push(Segment::Key(key.to_owned()));
        self.keys.push(key.to_owned());
        inside(self);
        self.keys.pop();
        self.path.0.pop();
    }

    fn in_item(&mut self, key: &Key, inside: impl FnOnce(&mut Self)) {
        self.path.0.push(Segment::Item(key.clone()));
        inside(self);
        self.path.0.pop();
    }

    fn value(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let present = |value: &&Value| !value.is_null();
        match (before.filter(present), after.filter(present)) {
            (Some(before), Some(after)) if before == after => {}
            (Some(Value::Object(before)), Some(Value::Object(after))) => self.map(before, after),
            (Some(Value::Array(before)), Some(Value::Array(after))) => self.list(before, after),
            (Some(before), Some(after)) => self.scalar(before, after),
            (Some(only), None) | (None, Some(only)) if is_default(&self.id.kind, &self.keys, only) => {
                self.folded.default += 1;
            }
            (Some(only), None) => self.all(only, true),
            (None, Some(only)) => self.all(only, false),
            (None, None) => {}
        }
    }

    fn map(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        if ends_with(&self.keys, &["resources"]) {
            let (old, new) = (Value::Object(before.clone()), Value::Object(after.clone()));
            let filled_old = with_requests_from_limits(&old, &new).unwrap_or_else(|| old.clone());
            let filled_new = with_requests_from_limits(&new, &old).unwrap_or_else(|| new.clone());
            self.folded.default += usize::from(filled_old != old) + usize::from(filled_new != new);
            if let (Value::Object(before), Value::Object(after)) = (&filled_old, &filled_new) {
                self.fields(before, after);
            }
            return;
        }
        self.fields(before, after);
    }

    fn fields(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        let only_after = after.keys().filter(|key| !before.contains_key(*key));
        for key in before.keys().chain(only_after) {
            self.in_key(key, |walk| walk.value(before.get(key), after.get(key)));
        }
    }

    fn scalar(&mut self, before: &Value, after: &Value) {
        let kind = &self.id.kind;
        let (old, new) = (quantity(kind, &self.keys, before), quantity(kind, &self.keys, after));
        match (old, new) {
            (Some(old), Some(new)) if old == new => self.folded.quantity += 1,
            (Some(_), Some(_)) => self.emit(Class::Quantity, Some(before), Some(after)),
            _ => self.emit(Class::Value, Some(before), Some(after)),
        }
    }

    fn list(&mut self, before: &[Value], after: &[Value]) {
        match lists::rule(&self.keys, before, after) {
            Rule::Keyed {
                before: old,
                after: new,
                ordered,
            } => self.keyed((before, &old), (after, &new), ordered),
            Rule::Set => self.set(before, after),
            Rule::Sequence => self.sequence(before, after),
        }
    }

    fn keyed(&mut self, before: (&[Value], &[Key]), after: (&[Value], &[Key]), ordered: bool) {
        let find = |(items, keys): (&'_ [Value], &[Key]), key: &Key| {
            let position = keys.iter().position(|other| other == key)?;
            items.get(position).cloned()
        };
        let only_after = after.1.iter().filter(|key| !before.1.contains(key));
        for key in before.1.iter().chain(only_after) {
            let (old, new) = (find(before, key), find(after, key));
            self.in_item(key, |walk| match (old, new) {
                // The item as a whole: half a container says nothing.
                (Some(old), None) => walk.emit(Class::Value, Some(&old), None),
                (None, Some(new)) => walk.emit(Class::Value, None, Some(&new)),
                (old, new) => walk.value(old.as_ref(), new.as_ref()),
            });
        }
        let common = |keys: &[Key], others: &[Key]| -> Vec<Key> {
            keys.iter().filter(|key| others.contains(key)).cloned().collect()
        };
        let (old, new) = (common(before.1, after.1), common(after.1, before.1));
        if old != new && ordered {
            let names = |keys: &[Key]| keys.iter().map(|key| Value::String(item_name(key))).collect();
            self.emit(Class::Order, Some(&names(&old)), Some(&names(&new)));
        } else if old != new {
            self.folded.order += 1;
        }
    }

    fn set(&mut self, before: &[Value], after: &[Value]) {
        let texts = |items: &[Value]| -> Vec<String> {
            items
                .iter()
                .map(|item| lists::canonical_text(&self.keys, item))
                .collect()
        };
        let (old, mut new) = (texts(before), texts(after));
        let mut left: Vec<Option<&Value>> = after.iter().map(Some).collect();
        let mut gone = Vec::new();
        for (item, text) in before.iter().zip(old) {
            if let Some(same) = new.iter().position(|other| *other == text) {
                new.remove(same);
                left.remove(same);
            } else {
                gone.push(item);
            }
        }
        let come: Vec<&Value> = left.into_iter().flatten().collect();
        if gone.is_empty() && come.is_empty() {
            self.folded.order += 1;
        }
        self.run(&gone, &come);
    }

    fn sequence(&mut self, before: &[Value], after: &[Value]) {
        let texts = |items: &[Value]| -> Vec<String> { items.iter().map(Value::to_string).collect() };
        let (old, new) = (texts(before), texts(after));
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            texts
        };
        if sorted(&old) == sorted(&new) {
            let (before, after) = (Value::Array(before.to_vec()), Value::Array(after.to_vec()));
            return self.emit(Class::Order, Some(&before), Some(&after));
        }
        for hunk in sequence::hunks(&old, &new) {
            let gone: Vec<&Value> = before[hunk.before].iter().collect();
            let come: Vec<&Value> = after[hunk.after].iter().collect();
            self.run(&gone, &come);
        }
    }

    /// Items that went and items that came at one place. Where they are as many and look alike, each became the other.
    fn run(&mut self, gone: &[&Value], come: &[&Value]) {
        let shared: Vec<Key> = gone
            .iter()
            .zip(come)
            .map(|(a, b)| lists::shared_identity(a, b))
            .collect();
        if gone.len() == come.len() && shared.iter().all(|key| !key.is_empty()) {
            for ((old, new), key) in gone.iter().zip(come).zip(&shared) {
                self.in_item(key, |walk| walk.value(Some(old), Some(new)));
            }
            return;
        }
        for item in gone {
            self.in_item(&lists::identity(item), |walk| walk.emit(Class::Value, Some(item), None));
        }
        for item in come {
            self.in_item(&lists::identity(item), |walk| walk.emit(Class::Value, None, Some(item)));
        }
    }

    /// Every field of what only one side has: maps and keyed lists by their fields, other lists as a whole.
    fn all(&mut self, value: &Value, is_gone: bool) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, child) in map {
                    self.in_key(key, |walk| walk.all(child, is_gone));
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => match lists::rule(&self.keys, items, &[]) {
                Rule::Keyed { before: keys, .. } => {
                    for (key, item) in keys.iter().zip(items) {
                        self.in_item(key, |walk| walk.all(item, is_gone));
                    }
                }
                Rule::Set | Rule::Sequence => self.one_sided(value, is_gone),
            },
            Value::Null => {}
            value => self.one_sided(value, is_gone),
        }
    }

    fn one_sided(&mut self, value: &Value, is_gone: bool) {
        if is_gone {
            self.emit(Class::Value, Some(value), None);
        } else {
            self.emit(Class::Value, None, Some(value));
        }
    }

    /// Notes a change, with its class made more exact and everything hidden in the form it is shown in.
    fn emit(&mut self, class: Class, before: Option<&Value>, after: Option<&Value>) {
        let sides = || before.into_iter().chain(after);
        let kind = &self.id.kind;
        let class = if sides().any(has_hidden) {
            Class::Secret
        } else if class == Class::Value && sides().any(|side| side.as_str().is_some_and(|text| text.contains('\n'))) {
            Class::Text
        } else if class == Class::Value && sides().all(|side| quantity(kind, &self.keys, side).is_some()) {
            Class::Quantity
        } else {
            class
        };
        let shown = |value: &Value| reveal(&canonical(kind, &self.keys, value));
        self.changes.push(FieldChange {
            path: reveal_path(&self.path),
            before: before.map(shown),
            after: after.map(shown),
            class,
            reason: None,
        });
    }
}

fn item_name(key: &Key) -> String {
    let values: Vec<&str> = key.iter().map(|(_, value)| value.as_str()).collect();
    values.join(",")
}

fn has_hidden(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().any(has_hidden),
        Value::Array(items) => items.iter().any(has_hidden),
        Value::String(text) => mask::has_hidden(text),
        _ => false,
    }
}

pub(super) fn reveal(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), reveal(value))).collect()),
        Value::Array(items) => items.iter().map(reveal).collect(),
        Value::String(text) => Value::String(mask::reveal(text).into_owned()),
        scalar => scalar.clone(),
    }
}

fn reveal_path(path: &FieldPath) -> FieldPath {
    let step = |segment: &Segment| match segment {
        Segment::Key(key) => Segment::Key(key.clone()),
        Segment::Item(fields) => Segment::Item(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), mask::reveal(value).into_owned()))
                .collect(),
        ),
    };
    FieldPath(path.0.iter().map(step).collect())
}
