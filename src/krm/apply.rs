//! Edits applied to objects: the one place where a decision becomes a manifest.
//!
//! Same edits, same objects, whatever the order of edits that do not touch each other; applying twice is applying once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::merge_keys::key_field;
use super::{Change, Edit, FieldPath, Object, ObjectId, Segment};

/// An edit that does not fit the objects. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The edit changes a field of an object that is not there.
    #[error("there is no {id} whose `{path}` could be changed")]
    NoObject {
        /// The object looked for.
        id: Box<ObjectId>,
        /// The field.
        path: Box<FieldPath>,
    },
    /// The object is there more than once.
    #[error("{id} is there more than once, so it is not clear which one is meant")]
    Ambiguous {
        /// The object looked for.
        id: Box<ObjectId>,
    },
    /// The path leads through a list item that is not there.
    #[error("{id} has no item `{path}`")]
    NoItem {
        /// The object.
        id: Box<ObjectId>,
        /// The way up to and including the item.
        path: Box<FieldPath>,
    },
    /// A value that is to be changed has another shape: what stands there was meant for something, and is not replaced.
    #[error("`{path}` of {id} is not a {expected}")]
    WrongShape {
        /// The object.
        id: Box<ObjectId>,
        /// The way up to the value.
        path: Box<FieldPath>,
        /// `map`, `list` or `single value`.
        expected: &'static str,
    },
}

impl ApplyError {
    /// The object the edit was for.
    pub fn id(&self) -> &ObjectId {
        match self {
            Self::NoObject { id, .. }
            | Self::Ambiguous { id }
            | Self::NoItem { id, .. }
            | Self::WrongShape { id, .. } => id,
        }
    }
}

/// What edits made of objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Those that were there, in their order; `None` for a deleted one.
    pub existing: Vec<Option<Object>>,
    /// New ones, in the order of their edits.
    pub new: Vec<Object>,
}

impl Applied {
    /// Every object there is now: existing ones first.
    pub fn into_objects(self) -> Vec<Object> {
        self.existing.into_iter().flatten().chain(self.new).collect()
    }
}

/// The objects after the edits: existing ones in their order, new ones at the end in the order of their edits.
pub fn apply(objects: Vec<Object>, edits: &[Edit]) -> Result<Vec<Object>, ApplyError> {
    apply_each(objects, edits).map(Applied::into_objects)
}

/// As [`apply()`], with every object still at its place.
///
/// - `Upsert` makes the object, or sets the owned fields of the one with the same group, kind, namespace (`default` and
///   none are one) and name: maps field by field, lists as a whole. A null is no value and sets nothing.
/// - `Set` makes maps on its way, never list items. Setting null is removing.
/// - A map, a list and a single value never take each other's place.
/// - `Delete` takes the object away; an `Upsert` behind it makes a new one.
/// - `Remove` takes along the maps and lists that it left empty, up to the object's top level; what was empty before stays.
pub fn apply_each(objects: Vec<Object>, edits: &[Edit]) -> Result<Applied, ApplyError> {
    let mut state = State::of(objects);
    for edit in edits {
        state.change(edit)?;
    }
    Ok(state.into_applied())
}

/// Of each object that does not take its edits the first error, in the order of the edits.
pub fn misfits(objects: Vec<Object>, edits: &[Edit]) -> Vec<ApplyError> {
    let mut state = State::of(objects);
    let mut broken = BTreeSet::new();
    let mut errors = Vec::new();
    for edit in edits {
        if broken.contains(&edit.id.key()) {
            continue;
        }
        if let Err(error) = state.change(edit) {
            broken.insert(edit.id.key());
            errors.push(error);
        }
    }
    errors
}

/// Objects while edits are applied to them.
struct State {
    places: Places,
    /// Those that were there, then new ones; `None` for a deleted one.
    objects: Vec<Option<Object>>,
    /// How many were there.
    count: usize,
}

impl State {
    fn of(objects: Vec<Object>) -> Self {
        Self {
            places: Places::of(&objects),
            count: objects.len(),
            objects: objects.into_iter().map(Some).collect(),
        }
    }

    fn into_applied(mut self) -> Applied {
        let new = self.objects.split_off(self.count).into_iter().flatten().collect();
        Applied {
            existing: self.objects,
            new,
        }
    }

    fn change(&mut self, edit: &Edit) -> Result<(), ApplyError> {
        let place = self.places.find(&edit.id)?;
        let found = place.and_then(|at| self.objects[at].as_mut());
        match (&edit.change, found) {
            (Change::Delete, _) => {
                if let Some(at) = place {
                    self.objects[at] = None;
                    self.places.remove(&edit.id);
                }
            }
            (Change::Upsert { owned }, Some(object)) => {
                check_shapes(&edit.id, (object, owned), &FieldPath::default())?;
                merge(object, owned);
            }
            (Change::Upsert { owned }, None) => {
                self.places.insert(&edit.id, self.objects.len());
                self.objects.push(Some(without_nulls(owned)));
            }
            (Change::Set { path, .. } | Change::Remove { path }, None) => {
                return Err(ApplyError::NoObject {
                    id: Box::new(edit.id.clone()),
                    path: Box::new(path.clone()),
                });
            }
            (
                Change::Set {
                    path,
                    value: Value::Null,
                }
                | Change::Remove { path },
                Some(object),
            ) => {
                Field { id: &edit.id, path }.remove(object)?;
            }
            (Change::Set { path, value }, Some(object)) => {
                let field = Field { id: &edit.id, path }.make(object)?;
                if !is_alike(field, value) {
                    return Err(wrong_shape(&edit.id, path.clone(), shape_of(value)));
                }
                *field = without_nulls(value);
            }
        }
        Ok(())
    }
}

/// Group, kind, namespace and name.
type Key = (String, String, String, String);

/// Where each object is; `None` for an identity that several objects have.
struct Places(BTreeMap<Key, Option<usize>>);

impl Places {
    fn of(objects: &[Object]) -> Self {
        let mut places = BTreeMap::new();
        for (at, object) in objects.iter().enumerate() {
            if let Some(id) = ObjectId::of(object) {
                places
                    .entry(owned_key(&id))
                    .and_modify(|place| *place = None)
                    .or_insert(Some(at));
            }
        }
        Self(places)
    }

    fn insert(&mut self, id: &ObjectId, at: usize) {
        self.0.insert(owned_key(id), Some(at));
    }

    fn remove(&mut self, id: &ObjectId) {
        self.0.remove(&owned_key(id));
    }

    fn find(&self, id: &ObjectId) -> Result<Option<usize>, ApplyError> {
        match self.0.get(&owned_key(id)) {
            None => Ok(None),
            Some(None) => Err(ApplyError::Ambiguous {
                id: Box::new(id.clone()),
            }),
            Some(at) => Ok(*at),
        }
    }
}

fn owned_key(id: &ObjectId) -> Key {
    let (group, kind, namespace, name) = id.key();
    (group.to_owned(), kind.to_owned(), namespace.to_owned(), name.to_owned())
}

/// Whether one value may take the place of another.
fn is_alike(old: &Value, new: &Value) -> bool {
    old.is_null() || new.is_null() || shape_of(old) == shape_of(new)
}

fn shape_of(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map",
        Value::Array(_) => "list",
        _ => "single value",
    }
}

fn wrong_shape(id: &ObjectId, path: FieldPath, expected: &'static str) -> ApplyError {
    ApplyError::WrongShape {
        id: Box::new(id.clone()),
        path: Box::new(path),
        expected,
    }
}

/// Whether what is owned of an object has the shape of what is there, before any of it is set.
fn check_shapes(id: &ObjectId, (old, owned): (&Value, &Value), at: &FieldPath) -> Result<(), ApplyError> {
    if !is_alike(old, owned) {
        return Err(wrong_shape(id, at.clone(), shape_of(owned)));
    }
    let (Value::Object(old), Value::Object(owned)) = (old, owned) else {
        return Ok(());
    };
    let both = owned
        .iter()
        .filter_map(|(key, value)| Some((key, old.get(key)?, value)));
    for (key, old, owned) in both {
        check_shapes(id, (old, owned), &at.clone().key(key))?;
    }
    Ok(())
}

fn merge(target: &mut Value, owned: &Value) {
    match (target, owned) {
        (_, Value::Null) => {}
        (Value::Object(target), Value::Object(owned)) => {
            for (key, value) in owned.iter().filter(|(_, value)| !value.is_null()) {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, owned) => *target = without_nulls(owned),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

/// A field of one object, with what an error has to name.
struct Field<'a> {
    id: &'a ObjectId,
    path: &'a FieldPath,
}

impl Field<'_> {
    /// The field's place, maps made on the way; null where it was absent.
    fn make<'v>(&self, object: &'v mut Value) -> Result<&'v mut Value, ApplyError> {
        let mut value = object;
        for (depth, segment) in self.path.0.iter().enumerate() {
            value = match segment {
                Segment::Key(key) => {
                    if value.is_null() {
                        *value = Value::Object(Map::new());
                    }
                    let map = value.as_object_mut().ok_or_else(|| self.wrong_shape(depth, "map"))?;
                    map.entry(key).or_insert(Value::Null)
                }
                Segment::Item(fields) => {
                    let items = match value {
                        Value::Array(items) => items,
                        Value::Null => return Err(self.no_item(depth)),
                        _ => return Err(self.wrong_shape(depth, "list")),
                    };
                    let at = position(items, fields).ok_or_else(|| self.no_item(depth))?;
                    &mut items[at]
                }
            };
        }
        Ok(value)
    }

    fn remove(&self, object: &mut Value) -> Result<(), ApplyError> {
        self.remove_below(object, 0).map(drop)
    }

    /// Removes the rest of the path from `value`; whether that left `value` empty.
    fn remove_below(&self, value: &mut Value, depth: usize) -> Result<bool, ApplyError> {
        let is_last = depth + 1 == self.path.0.len();
        match self.path.0.get(depth) {
            None => Ok(false),
            Some(Segment::Key(key)) => {
                let map = match value {
                    Value::Object(map) => map,
                    Value::Null => return Ok(false),
                    _ => return Err(self.wrong_shape(depth, "map")),
                };
                let Some(inner) = map.get_mut(key) else {
                    return Ok(false);
                };
                // what is left of `metadata` or `spec` stays, however little it is
                if !is_last && (!self.remove_below(inner, depth + 1)? || depth == 0) {
                    return Ok(false);
                }
                map.remove(key);
                Ok(map.is_empty())
            }
            Some(Segment::Item(fields)) => {
                let items = match value {
                    Value::Array(items) => items,
                    Value::Null => return Ok(false),
                    _ => return Err(self.wrong_shape(depth, "list")),
                };
                match position(items, fields) {
                    Some(at) if is_last => {
                        items.remove(at);
                        Ok(items.is_empty())
                    }
                    // an item left without fields is still an item
                    Some(at) => self.remove_below(&mut items[at], depth + 1).map(|_| false),
                    None if is_last => Ok(false),
                    None => Err(self.no_item(depth)),
                }
            }
        }
    }

    fn no_item(&self, depth: usize) -> ApplyError {
        ApplyError::NoItem {
            id: Box::new(self.id.clone()),
            path: Box::new(FieldPath(self.path.0[..=depth].to_vec())),
        }
    }

    fn wrong_shape(&self, depth: usize, expected: &'static str) -> ApplyError {
        wrong_shape(self.id, FieldPath(self.path.0[..depth].to_vec()), expected)
    }
}

fn position(items: &[Value], fields: &[(String, String)]) -> Option<usize> {
    let is_meant = |item: &Value| {
        fields
            .iter()
            .all(|(key, value)| key_field(item, key).as_deref() == Some(value))
    };
    items.iter().position(is_meant)
}

#[cfg(test)]
mod tests;
