//! Which object before is which object after.
//!
//! First by identity: group, kind, namespace (`default` and none are one) and name; the version is a field. Then, of the
//! `ConfigMaps` and Secrets left over, those whose names differ in kustomize's hash suffix alone. References to such a
//! name are the same on both sides, so that one changed key is one difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;

use super::mask::Masker;
use super::noise::{self, Noise};
use crate::krm::{Object, ObjectId};

/// Why a set of objects can't be compared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DiffError {
    /// Two objects of one identity: which of them counts would be a guess.
    #[error("`{id}` is there twice in {side}; an object of a build has one definition")]
    Duplicate {
        /// The identity.
        id: String,
        /// Which side.
        side: Side,
    },
    /// Not an object.
    #[error("document {position} of {side} is no Kubernetes object: it has no apiVersion, kind or name")]
    NoObject {
        /// Its position, from 1.
        position: usize,
        /// Which side.
        side: Side,
    },
}

/// A side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before.
    Base,
    /// After.
    Head,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Base => "the base",
            Self::Head => "the head",
        })
    }
}

/// An object, masked and without noise.
pub(super) struct Entry<'a> {
    pub(super) id: ObjectId,
    /// As it was read. Never shown.
    pub(super) raw: &'a Value,
    pub(super) object: Value,
    pub(super) noise: Noise,
    /// How many references in it were rewritten.
    pub(super) references: usize,
}

/// An object on one side or both.
pub(super) struct Pair<'a> {
    pub(super) before: Option<Entry<'a>>,
    pub(super) after: Option<Entry<'a>>,
    /// Objects that name it, if its name changed.
    pub(super) referenced_by: Vec<ObjectId>,
}

pub(super) struct Pairing<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
}

type Key = (String, String, String, String);
type Entries<'a> = BTreeMap<Key, Entry<'a>>;

pub(super) fn pair<'a>(
    before: &'a [Object],
    after: &'a [Object],
    masker: &mut Masker,
) -> Result<Pairing<'a>, DiffError> {
    let mut before = entries(before, Side::Base, masker)?;
    let mut after = entries(after, Side::Head, masker)?;
    let renames = renames(&before, &after);
    rewrite(&mut before, renames.iter().map(|rename| (&rename.before, rename)));
    let users = rewrite(&mut after, renames.iter().map(|rename| (&rename.after, rename)));

    let mut pairs = Vec::new();
    for rename in &renames {
        pairs.push(Pair {
            before: before.remove(&rename.before),
            after: after.remove(&rename.after),
            referenced_by: users.get(&rename.after).cloned().unwrap_or_default(),
        });
    }
    for (key, entry) in before {
        pairs.push(Pair {
            before: Some(entry),
            after: after.remove(&key),
            referenced_by: Vec::new(),
        });
    }
    pairs.extend(after.into_values().map(|entry| Pair {
        before: None,
        after: Some(entry),
        referenced_by: Vec::new(),
    }));
    Ok(Pairing { pairs })
}

fn entries<'a>(objects: &'a [Object], side: Side, masker: &mut Masker) -> Result<Entries<'a>, DiffError> {
    let mut entries = Entries::new();
    let mut unnamed: BTreeMap<String, Vec<(&Value, ObjectId)>> = BTreeMap::new();
    for (n, object) in objects.iter().flat_map(flatten).enumerate() {
        let position = n + 1;
        if let Some(id) = ObjectId::of(object) {
            let name = id.to_string();
            if entries.insert(key(&id), entry(id, object, masker)).is_some() {
                return Err(DiffError::Duplicate { id: name, side });
            }
        } else {
            let id = generated(object).ok_or(DiffError::NoObject { position, side })?;
            unnamed.entry(id.to_string()).or_default().push((object, id));
        }
    }
    for mut objects in unnamed.into_values() {
        // Several objects of one generateName have no order but that of their content.
        objects.sort_by_cached_key(|(object, _)| object.to_string());
        for (n, (object, mut id)) in objects.into_iter().enumerate() {
            if n > 0 {
                id.name.push_str(&(n + 1).to_string());
            }
            entries.insert(key(&id), entry(id, object, masker));
        }
    }
    Ok(entries)
}

fn entry<'a>(id: ObjectId, raw: &'a Value, masker: &mut Masker) -> Entry<'a> {
    let mut object = masker.object(raw);
    let noise = noise::strip(&mut object);
    Entry {
        id,
        raw,
        object,
        noise,
        references: 0,
    }
}

/// A `List` stands for its items.
fn flatten(object: &Value) -> Vec<&Value> {
    let is_list = object.get("apiVersion").and_then(Value::as_str) == Some("v1")
        && object.get("kind").and_then(Value::as_str) == Some("List");
    match object.get("items").and_then(Value::as_array) {
        Some(items) if is_list => items.iter().flat_map(flatten).collect(),
        _ => vec![object],
    }
}

/// The id of an object that gets its name from the server: `migrate-*`.
fn generated(object: &Value) -> Option<ObjectId> {
    let metadata = object.get("metadata")?;
    let prefix = metadata.get("generateName")?.as_str()?;
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
    let api_version = object.get("apiVersion")?.as_str()?;
    Some(ObjectId::new(
        api_version,
        object.get("kind")?.as_str()?,
        namespace,
        &format!("{prefix}*"),
    ))
}

fn key(id: &ObjectId) -> Key {
    let (group, kind, namespace, name) = id.key();
    (group.to_owned(), kind.to_owned(), namespace.to_owned(), name.to_owned())
}

/// A generated object whose hash changed.
struct Rename {
    before: Key,
    after: Key,
    /// What stands for both names.
    token: String,
}

/// Leftover `ConfigMaps` and Secrets with one base name, if each side has exactly one.
fn renames(before: &Entries, after: &Entries) -> Vec<Rename> {
    let left = leftover(before, after);
    let mut right = leftover(after, before);
    let mut renames = Vec::new();
    for (base, old) in left {
        let Some(new) = right.remove(&base) else { continue };
        if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
            renames.push(Rename {
                before: (*old).clone(),
                after: (*new).clone(),
                token: format!("{}-*", base.3),
            });
        }
    }
    renames
}

fn leftover<'a>(entries: &'a Entries, others: &Entries) -> BTreeMap<Key, Vec<&'a Key>> {
    let mut by_base: BTreeMap<Key, Vec<&Key>> = BTreeMap::new();
    for key in entries.keys().filter(|key| !others.contains_key(*key)) {
        let (group, kind, namespace, name) = key;
        if group.is_empty()
            && matches!(kind.as_str(), "ConfigMap" | "Secret")
            && let Some(base) = without_hash(name)
        {
            let base = (group.clone(), kind.clone(), namespace.clone(), base.to_owned());
            by_base.entry(base).or_default().push(key);
        }
    }
    by_base
}

/// The name without kustomize's hash suffix: ten characters of hex in which 0 1 3 a e are g h k m t.
fn without_hash(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == 10 && hash.bytes().all(|byte| b"2456789bcdfghkmt".contains(&byte));
    (is_hash && !base.is_empty()).then_some(base)
}

/// Puts the token in place of a generated name, wherever an object of the same namespace holds exactly that name.
/// Returns who did, by the key of the generated object.
fn rewrite<'r>(
    entries: &mut Entries,
    renames: impl Iterator<Item = (&'r Key, &'r Rename)>,
) -> BTreeMap<Key, Vec<ObjectId>> {
    let tokens: BTreeMap<(&str, &str), (&Key, &str)> = renames
        .map(|(key, rename)| ((key.2.as_str(), key.3.as_str()), (key, rename.token.as_str())))
        .collect();
    let mut users: BTreeMap<Key, Vec<ObjectId>> = BTreeMap::new();
    for (at, entry) in entries {
        let mut found = BTreeSet::new();
        let namespace = at.2.clone();
        replace(&mut entry.object, &mut |text| {
            let (key, token) = tokens.get(&(namespace.as_str(), text))?;
            found.insert((*key).clone());
            Some((*token).to_owned())
        });
        entry.references = found.iter().filter(|key| *key != at).count();
        for key in found.into_iter().filter(|key| key != at) {
            users.entry(key).or_default().push(entry.id.clone());
        }
    }
    users
}

fn replace(value: &mut Value, name_of: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, name_of)),
        Value::Array(items) => items.iter_mut().for_each(|value| replace(value, name_of)),
        Value::String(text) => {
            if let Some(name) = name_of(text) {
                *text = name;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_suffix_is_ten_characters_of_kustomizes_alphabet() {
        for (name, base) in [
            ("cfg-2c69k7b8kf", Some("cfg")),
            ("app-config-m8hh5t9gtb", Some("app-config")),
            ("cfg-2c69k7b8k", None),
            ("cfg-2c69k7b8ka", None),
            ("cfg-production", None),
            ("2c69k7b8kf", None),
        ] {
            assert_eq!(without_hash(name), base, "{name}");
        }
    }
}
