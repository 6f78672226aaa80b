//! The difference between an object before and after our edits, as a patch of a kustomize layer around it.
//!
//! A patch must give exactly what [`apply`](super::apply()) gives, list order included, in every kustomize we support.
//! What each form does was tried with kustomize 5.0.1, 5.4.3 and 5.8.2, which agree in all of it:
//!
//! - A strategic merge moves the list items it names to the front of the list, in the patch's order. So all items up to
//!   the last changed one are named, in their own order.
//! - `$patch: replace` as an item replaces a list that the schema merges; in any other list it stays there as an item.
//! - It merges items of one key into one, in every list that the schema merges, whether the patch names it or not: of two
//!   `hostAliases` of one `ip` the first is lost. It drops an empty `metadata.namespace`.
//! - A null removes and is no error where nothing was; a map left without fields stays as `{}`.
//! - Lists of custom resources are replaced as a whole. To change one container of a Rollout takes a JSON patch, which
//!   knows positions only: a `test` of the item's name makes the build fail when the items have moved.

use serde_json::{Map, Value, json};

use super::merge_keys::{KeyedList, keyed_list};
use super::{Object, ObjectId};

/// A patch in the form that is exact for its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// A partial object: strategic merge for built-in kinds, merge for custom resources. Names its own target.
    Merge(Value),
    /// JSON patch operations, which need a target.
    Json6902(Value),
}

/// The schema by which kustomize merges the lists of built-in kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// The one inside kustomize.
    #[default]
    BuiltIn,
    /// One that a kustomization of the tree names under `openapi:`. It replaces the built-in one for the whole build, so
    /// that a Deployment may be as unknown as any custom resource.
    Custom,
}

/// What leads from `before` to `after`; `None` where they are equal or have no identity.
pub fn patch(before: &Object, after: &Object, schema: Schema) -> Option<Patch> {
    let id = ObjectId::of(before)?;
    if before == after {
        return None;
    }
    let merged = merge_patch(&id, before, after, Lists::of(&id, schema)).map(Patch::Merge);
    merged.or_else(|| by_operations(before, after))
}

/// What leads from `before` to `after` as a JSON patch; `None` where they are equal.
pub fn by_operations(before: &Object, after: &Object) -> Option<Patch> {
    (before != after).then(|| Patch::Json6902(json_patch(before, after)))
}

/// Containers that a merge patch names and its object lacks, by name. Such an item is no change: merged in, it is one
/// container more, without an image.
pub fn added_containers(object: &Object, patch: &Value) -> Vec<String> {
    let Value::Object(fields) = patch else {
        return Vec::new();
    };
    let mut added = Vec::new();
    for (key, patch) in fields {
        let object = &object[key.as_str()];
        match patch {
            Value::Array(items) if matches!(key.as_str(), "containers" | "initContainers") => {
                let is_there = |name: &Value| {
                    let known = object.as_array().map_or(&[][..], Vec::as_slice);
                    known.iter().any(|container| container["name"] == *name)
                };
                let names = items.iter().map(|item| &item["name"]).filter(|name| !is_there(name));
                added.extend(names.filter_map(|name| Some(name.as_str()?.to_owned())));
            }
            Value::Object(_) => added.extend(added_containers(object, patch)),
            _ => {}
        }
    }
    added
}

fn merge_patch(id: &ObjectId, before: &Object, after: &Object, lists: Lists) -> Option<Value> {
    if ObjectId::of(after).as_ref() != Some(id) || !is_kept_by_a_merge(before, lists) {
        return None;
    }
    let Value::Object(mut patch) = (Merge { lists }).map(before, after, &[])? else {
        return None;
    };
    patch.insert("apiVersion".into(), id.api_version().into());
    patch.insert("kind".into(), id.kind.as_str().into());
    let metadata = patch.entry("metadata").or_insert_with(|| json!({}));
    metadata["name"] = id.name.as_str().into();
    if !id.namespace.is_empty() {
        metadata["namespace"] = id.namespace.as_str().into();
    }
    Some(patch.into())
}

/// What kustomize does with the lists of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    /// A built-in kind: the lists of the table are merged, others replaced.
    Schema,
    /// All are replaced.
    Replaced,
    /// A built-in kind whose lists are not in our table.
    Unknown,
}

impl Lists {
    fn of(id: &ObjectId, schema: Schema) -> Self {
        match (id.group.as_str(), id.version.as_str(), id.kind.as_str()) {
            _ if schema == Schema::Custom => Self::Unknown,
            ("apps", "v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "v1", "Job" | "CronJob")
            | ("batch", "v1beta1", "CronJob")
            | ("", "v1", "Pod" | "ReplicationController" | "Service") => Self::Schema,
            ("autoscaling" | "policy", _, _) => Self::Replaced,
            (group, _, _) if !group.contains('.') || group.ends_with(".k8s.io") => Self::Unknown,
            _ => Self::Replaced,
        }
    }
}

/// Whether a strategic merge leaves alone what its patch does not name.
fn is_kept_by_a_merge(object: &Object, lists: Lists) -> bool {
    object["metadata"]["namespace"] != "" && are_lists_kept(object, lists, &[])
}

fn are_lists_kept(value: &Value, lists: Lists, path: &[&str]) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .all(|(key, value)| are_lists_kept(value, lists, &[path, &[key.as_str()]].concat())),
        Value::Array(items) => {
            is_list_kept(items, lists, path) && items.iter().all(|item| are_lists_kept(item, lists, path))
        }
        _ => true,
    }
}

fn is_list_kept(items: &[Value], lists: Lists, path: &[&str]) -> bool {
    // whatever the kind, `metadata` is that of the schema
    let is_merged = lists == Lists::Schema || path.first() == Some(&"metadata");
    if path == FINALIZERS {
        return items.iter().enumerate().all(|(at, item)| !items[..at].contains(item));
    }
    !is_merged || keyed_list(path).is_none_or(|list| !list.merged_by_kustomize || list.keeps_all(items))
}

/// The one list of scalars that the schema merges.
const FINALIZERS: [&str; 2] = ["metadata", "finalizers"];

/// Makes merge patches; every function answers `None` where the form can't be exact.
struct Merge {
    lists: Lists,
}

impl Merge {
    fn value(&self, before: &Value, after: &Value, path: &[&str]) -> Option<Value> {
        match (before, after) {
            (Value::Object(_), Value::Object(_)) => self.map(before, after, path),
            (Value::Array(before), Value::Array(after)) => self.list(before, after, path),
            // kustomize refuses to merge a scalar and a map: "wrong node kind"
            (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => None,
            (_, scalar) => plain(scalar),
        }
    }

    fn map(&self, before: &Value, after: &Value, path: &[&str]) -> Option<Value> {
        let (before, after) = (before.as_object()?, after.as_object()?);
        let mut fields = Map::new();
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            fields.insert(key.clone(), Value::Null);
        }
        for (key, value) in after {
            let path = [path, &[key.as_str()]].concat();
            match before.get(key) {
                Some(old) if old == value => {}
                Some(old) => drop(fields.insert(key.clone(), self.value(old, value, &path)?)),
                None => drop(fields.insert(key.clone(), plain(value)?)),
            }
        }
        // a directive in the user's own data would be obeyed
        (!fields.contains_key("$patch")).then_some(Value::Object(fields))
    }

    fn list(&self, before: &[Value], after: &[Value], path: &[&str]) -> Option<Value> {
        if self.lists == Lists::Unknown || path.ends_with(&["finalizers"]) {
            return None;
        }
        let keyed = keyed_list(path);
        match keyed.filter(|list| list.merged_by_kustomize && self.lists == Lists::Schema) {
            Some(list) if is_merged_by_item(path) && same_items(list, before, after) => {
                self.items(list, before, after, path)
            }
            Some(_) if before.is_empty() => plain_list(after, None),
            Some(_) if after.is_empty() => None,
            Some(_) => plain_list(after, Some(json!({"$patch": "replace"}))),
            // one field of an item deep inside: a whole list in the patch would freeze what others say about it
            None if keyed.is_some_and(|list| same_items(list, before, after)) => None,
            None => plain_list(after, None),
        }
    }

    /// Items up to the last changed one, so that their order stays.
    fn items(&self, list: &KeyedList, before: &[Value], after: &[Value], path: &[&str]) -> Option<Value> {
        let count = before.iter().zip(after).rposition(|(old, new)| old != new)? + 1;
        let item = |(old, new): (&Value, &Value)| {
            let mut fields = self.map(old, new, path)?;
            for key in list.keys {
                fields[*key] = new[*key].clone();
            }
            Some(fields)
        };
        before
            .iter()
            .zip(after)
            .take(count)
            .map(item)
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)
    }
}

/// Lists worth a patch of single items. Ports, mounts and volumes have merge rules of their own and are replaced.
fn is_merged_by_item(path: &[&str]) -> bool {
    matches!(path.last(), Some(&("containers" | "initContainers" | "env")))
}

fn same_items(list: &KeyedList, before: &[Value], after: &[Value]) -> bool {
    list.keys_of(before)
        .is_some_and(|keys| list.keys_of(after) == Some(keys))
}

fn plain_list(items: &[Value], directive: Option<Value>) -> Option<Value> {
    let items = items.iter().map(plain).collect::<Option<Vec<_>>>()?;
    Some(directive.into_iter().chain(items).collect())
}

/// A value that a merge takes over as it is: no nulls, which would remove, and no directives, which would be obeyed.
fn plain(value: &Value) -> Option<Value> {
    let is_plain = match value {
        Value::Null => false,
        Value::Object(map) => !map.contains_key("$patch") && map.values().all(|value| plain(value).is_some()),
        Value::Array(items) => items.iter().all(|item| plain(item).is_some()),
        _ => true,
    };
    is_plain.then(|| value.clone())
}

fn json_patch(before: &Object, after: &Object) -> Value {
    let mut operations = Vec::new();
    json_value(before, after, &Pointer::default(), &mut operations);
    Value::Array(operations)
}

/// A JSON pointer and the map keys on its way.
#[derive(Clone, Default)]
struct Pointer<'a> {
    text: String,
    keys: Vec<&'a str>,
}

impl<'a> Pointer<'a> {
    fn key(&self, key: &'a str) -> Self {
        let text = format!("{}/{}", self.text, key.replace('~', "~0").replace('/', "~1"));
        Self {
            text,
            keys: [&self.keys[..], &[key]].concat(),
        }
    }

    fn index(&self, index: usize) -> Self {
        Self {
            text: format!("{}/{index}", self.text),
            keys: self.keys.clone(),
        }
    }
}

fn json_value<'a>(before: &'a Value, after: &'a Value, at: &Pointer<'a>, operations: &mut Vec<Value>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => json_map(before, after, at, operations),
        (Value::Array(before), Value::Array(after)) => match keyed_list(&at.keys) {
            Some(list) if same_items(list, before, after) => {
                for (index, (old, new)) in before
                    .iter()
                    .zip(after)
                    .enumerate()
                    .filter(|(_, (old, new))| old != new)
                {
                    json_item(list, (old, new), &at.index(index), operations);
                }
            }
            _ => operations.push(json!({"op": "replace", "path": at.text, "value": after})),
        },
        // `add` on a member that is there replaces it, and still works when a later base has dropped it
        (_, after) => operations.push(json!({"op": "add", "path": at.text, "value": after})),
    }
}

fn json_item<'a>(list: &KeyedList, item: (&'a Value, &'a Value), at: &Pointer<'a>, operations: &mut Vec<Value>) {
    let (old, new) = item;
    for key in list.keys.iter().filter(|key| old.get(**key).is_some()) {
        operations.push(json!({"op": "test", "path": at.key(key).text, "value": old[*key]}));
    }
    json_value(old, new, at, operations);
}

fn json_map<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
    at: &Pointer<'a>,
    operations: &mut Vec<Value>,
) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        // `remove` fails where nothing is: added first, it works whether or not a later base still has the field
        let path = at.key(key).text;
        operations.push(json!({"op": "add", "path": path, "value": 0}));
        operations.push(json!({"op": "remove", "path": path}));
    }
    for (key, value) in after {
        match before.get(key) {
            Some(old) => json_value(old, value, &at.key(key), operations),
            None => operations.push(json!({"op": "add", "path": at.key(key).text, "value": value})),
        }
    }
}
