//! What differs between two sets of Kubernetes objects: objects matched by identity, fields by path, quantities by value.
//!
//! In: two lists of objects as they were rendered, and the edits that lead from one to the other, for their reasons.
//! Out: a [`Diff`], sorted, the same for any order of the input. Nothing in it is secret: `mask` runs before anything
//! is compared. The two sides are treated alike, so swapping them swaps the result.
//!
//! What means the same to the API server is no difference, and is counted instead: quantities of one value, lists whose
//! order says nothing, defaults that one side spells out, labels that tools rewrite at each build. Limits: comments of
//! the YAML are not seen, and a changed object is compared with the one of its own name, so a renamed object is one
//! removed and one added (generated `ConfigMaps` and Secrets apart, see `pair`).

mod defaults;
mod lists;
mod mask;
mod noise;
mod pair;
mod quantities;
mod reasons;
mod sequence;
pub mod text;
mod walk;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::krm::{Edit, FieldPath, Object, ObjectId, Reason};

pub use pair::DiffError;

/// What a value is replaced by where it must not be seen.
pub const HIDDEN: &str = "(hidden)";

/// The differences between two sets of objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// Objects that differ, by group, kind, namespace and name.
    pub changed: Vec<ObjectDiff>,
    /// Objects that are equal as they were written.
    pub unchanged: usize,
    /// Objects that are written differently and mean the same.
    pub equal_after_normalising: usize,
    /// Fields that are written differently and mean the same, in all objects.
    pub folded: Folded,
    /// Differing fields that are not shown, by the rule that hides them: `checksum/*`.
    pub noise: BTreeMap<String, usize>,
}

/// How many fields are written differently and mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Folded {
    /// Quantities of one value: `1Gi` and `1024Mi`.
    pub quantity: usize,
    /// Lists in another order, where order says nothing.
    pub order: usize,
    /// Defaults of the API that one side spells out.
    pub default: usize,
    /// References to a generated name whose hash changed; the change itself is shown once, at the object of that name.
    pub reference: usize,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other fields.
    Modified,
    /// It has another name because its content changed (a hash suffix), so pods that use it restart.
    Renamed,
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDiff {
    /// The object: as it is after the change, or as it was if it is gone.
    pub id: ObjectId,
    /// Its former id, if it was renamed.
    pub previous: Option<ObjectId>,
    /// What happened.
    pub change: Change,
    /// What differs, by path. All fields of an added or removed object.
    pub fields: Vec<FieldChange>,
    /// Why the object as a whole is there, if an edit made it.
    pub reason: Option<Reason>,
    /// Objects that name it, if it was renamed.
    pub referenced_by: Vec<ObjectId>,
}

/// What kind of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Another value.
    Value,
    /// Another amount; both sides in canonical form.
    Quantity,
    /// The same items in another order, where order counts.
    Order,
    /// Text of several lines.
    Text,
    /// A value that is not shown, at least in part.
    Secret,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Which field.
    pub path: FieldPath,
    /// Its value before; absent: it was not written.
    pub before: Option<Value>,
    /// Its value after; absent: it is not written.
    pub after: Option<Value>,
    /// What kind of difference.
    pub class: Class,
    /// Why, if an edit of ours did it.
    pub reason: Option<Reason>,
}

impl Diff {
    /// Whether nothing differs in meaning.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Objects with this change.
    pub fn count(&self, change: Change) -> usize {
        self.changed.iter().filter(|object| object.change == change).count()
    }

    /// Differing fields whose values are not shown.
    pub fn hidden_fields(&self) -> usize {
        let fields = self.changed.iter().flat_map(|object| &object.fields);
        fields.filter(|field| field.class == Class::Secret).count()
    }

    /// Differing fields that the noise rules leave out.
    pub fn noise_fields(&self) -> usize {
        self.noise.values().sum()
    }
}

/// Compares two sets of objects; `edits` are asked for the reasons of what changed.
///
/// A `List` counts as its items. An error where an input can't be told apart: no kind, or two objects of one identity.
pub fn diff(before: &[Object], after: &[Object], edits: &[Edit]) -> Result<Diff, DiffError> {
    let mut masker = mask::Masker::default();
    let pairing = pair::pair(before, after, &mut masker)?;
    let reasons = reasons::Reasons::of(edits);
    let mut diff = Diff::default();
    for pair in pairing.pairs {
        compare(&pair, &reasons, &mut diff);
    }
    diff.changed
        .sort_by(|a, b| (a.id.key(), a.change).cmp(&(b.id.key(), b.change)));
    Ok(diff)
}

/// An object as it may be shown: every secret value in it replaced by [`HIDDEN`].
pub fn hide_secrets(object: &Object) -> Object {
    walk::reveal(&mask::Masker::default().object(object))
}

fn compare(pair: &pair::Pair, reasons: &reasons::Reasons, diff: &mut Diff) {
    let (change, id, previous, mut fields) = match (&pair.before, &pair.after) {
        (Some(before), Some(after)) => {
            if before.raw == after.raw {
                diff.unchanged += 1;
                return;
            }
            diff.folded.reference += before.references.max(after.references);
            noise::count(&before.noise, &after.noise, &mut diff.noise);
            let fields = walk::fields(&after.id, &before.object, &after.object, &mut diff.folded);
            let is_renamed = before.id.key() != after.id.key();
            if fields.is_empty() && !is_renamed {
                diff.equal_after_normalising += 1;
                return;
            }
            let previous = is_renamed.then(|| before.id.clone());
            let change = if is_renamed { Change::Renamed } else { Change::Modified };
            (change, &after.id, previous, fields)
        }
        (None, Some(after)) => (Change::Added, &after.id, None, walk::added(&after.id, &after.object)),
        (Some(before), None) => (
            Change::Removed,
            &before.id,
            None,
            walk::removed(&before.id, &before.object),
        ),
        (None, None) => return,
    };
    for field in &mut fields {
        field.reason = reasons.of_field(id, &field.path);
    }
    diff.changed.push(ObjectDiff {
        reason: reasons.of_object(id),
        id: id.clone(),
        previous,
        change,
        fields,
        referenced_by: pair.referenced_by.clone(),
    });
}
