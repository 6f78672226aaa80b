//! An object beside the workload: made, refreshed where it is ours already, or adopted where it is not.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};

use crate::api::TargetRef;
use crate::krm::{Change, Edit, FieldPath, MANAGED_BY, ObjectId, Reason, Segment};

use super::Planned;

/// What the manifests have under the identity of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Existing<'a> {
    /// Nothing.
    Absent,
    /// An object we made before, with its identity and its `spec`.
    Ours(&'a ObjectId, &'a Value),
    /// Somebody else's object, with its identity and its `spec`.
    Theirs(&'a ObjectId, &'a Value),
}

impl<'a> Existing<'a> {
    /// Among what the workload has: identity, whether it is ours, `spec`. All of it lives in the workload's namespace,
    /// however its manifest writes that.
    pub(super) fn among(id: &ObjectId, objects: impl IntoIterator<Item = (&'a ObjectId, bool, &'a Value)>) -> Self {
        let is_it = |other: &ObjectId| (&other.group, &other.kind, &other.name) == (&id.group, &id.kind, &id.name);
        match objects.into_iter().find(|(other, _, _)| is_it(other)) {
            None => Self::Absent,
            Some((other, true, spec)) => Self::Ours(other, spec),
            Some((other, false, spec)) => Self::Theirs(other, spec),
        }
    }

    /// The identity as the object that is there writes it, else as a new one is to write it.
    pub(super) fn id_or(self, new: ObjectId) -> ObjectId {
        match self {
            Self::Absent => new,
            Self::Ours(there, _) | Self::Theirs(there, _) => ObjectId {
                namespace: there.namespace.clone(),
                ..new
            },
        }
    }

    /// The `spec` that stays beside what we set: only somebody else's does.
    pub(super) fn foreign_spec(self) -> Option<&'a Value> {
        match self {
            Self::Theirs(_, spec) => Some(spec),
            _ => None,
        }
    }
}

/// One object of the plan.
pub(super) struct Rendered<'a> {
    /// Its identity.
    pub(super) id: ObjectId,
    /// What is there under that identity.
    pub(super) existing: Existing<'a>,
    /// `spec` of an object that is ours.
    pub(super) spec: Value,
    /// Keys of `spec` that identify it and are left as they are in somebody else's object.
    pub(super) identity: &'static [&'static str],
    /// The keys of `spec` that a decision stands behind, each with its reason.
    pub(super) decisions: Vec<(FieldPath, Reason)>,
    /// Why the object is there.
    pub(super) reason: Reason,
}

impl Rendered<'_> {
    /// An upsert of the object, then each decision as an edit of its own, then what a former form of it left behind.
    pub(super) fn edits(self) -> Vec<Edit> {
        let mut spec = self.spec;
        let stale = match self.existing {
            Existing::Ours(_, old) => stale_fields(old, &spec, &FieldPath::keys(["spec"])),
            _ => Vec::new(),
        };
        if matches!(self.existing, Existing::Theirs(..)) {
            for key in self.identity {
                spec.as_object_mut().and_then(|map| map.remove(*key));
            }
        }
        let mut edits = vec![];
        for (path, reason) in self.decisions {
            if let Some(value) = take(&mut spec, &path) {
                let path = FieldPath([FieldPath::keys(["spec"]).0, path.0].concat());
                edits.push(Edit {
                    id: self.id.clone(),
                    change: Change::Set { path, value },
                    reason,
                });
            }
        }
        let owned = upserted(&self.id, matches!(self.existing, Existing::Theirs(..)), spec);
        edits.insert(
            0,
            Edit {
                id: self.id.clone(),
                change: Change::Upsert { owned },
                reason: self.reason.clone(),
            },
        );
        for path in stale {
            let reason = self.reason.clone();
            edits.push(Edit {
                id: self.id.clone(),
                change: Change::Remove { path },
                reason,
            });
        }
        edits
    }
}

/// Labels of an object that is ours are constant; somebody else's keeps its own.
fn upserted(id: &ObjectId, is_theirs: bool, spec: Value) -> Value {
    let metadata = ObjectMeta {
        name: Some(id.name.clone()),
        namespace: Some(id.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        labels: (!is_theirs).then(|| BTreeMap::from([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())])),
        ..ObjectMeta::default()
    };
    let mut owned = json!({"apiVersion": id.api_version(), "kind": id.kind, "metadata": value_of(metadata)});
    if spec.as_object().is_some_and(|map| !map.is_empty()) {
        owned["spec"] = spec;
    }
    owned
}

/// A typed form as a value.
pub(super) fn value_of(typed: impl serde::Serialize) -> Value {
    serde_json::to_value(typed).expect("broken invariant: our typed forms have text keys and no failing fields")
}

/// Takes the value at a path of map keys out, with the maps it leaves empty.
fn take(value: &mut Value, path: &FieldPath) -> Option<Value> {
    let (first, rest) = path.0.split_first()?;
    let (Segment::Key(key), Value::Object(map)) = (first, value) else {
        return None;
    };
    if rest.is_empty() {
        return map.remove(key);
    }
    let taken = take(map.get_mut(key)?, &FieldPath(rest.to_vec()));
    if map.get(key).and_then(Value::as_object).is_some_and(Map::is_empty) {
        map.remove(key);
    }
    taken
}

/// Fields of an earlier form of our object that the new one does not have.
fn stale_fields(old: &Value, new: &Value, at: &FieldPath) -> Vec<FieldPath> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return Vec::new();
    };
    old.iter()
        .flat_map(|(key, old)| match new.get(key) {
            None => vec![at.clone().key(key)],
            Some(new) => stale_fields(old, new, &at.clone().key(key)),
        })
        .collect()
}

/// An id beside a workload: same namespace, as written in its manifest.
pub(super) fn id_beside(subject: &Planned<'_>, api_version: &str, kind: &str, name: &str) -> ObjectId {
    ObjectId::new(api_version, kind, &subject.workload.id.namespace, name)
}

/// The reference to the workload.
pub(super) fn target_ref(subject: &Planned<'_>) -> TargetRef {
    TargetRef {
        api_version: subject.plan.api_version.clone(),
        kind: subject.workload.id.kind.clone(),
        name: subject.workload.id.name.clone(),
    }
}

/// Why an object of ours is there.
pub(super) fn because_rendered(existing: Existing<'_>) -> Reason {
    let code = match existing {
        Existing::Theirs(..) => crate::diag::code::ADOPTED,
        _ => crate::diag::code::RENDERED,
    };
    Reason {
        code: code.as_str().to_owned(),
        inputs: BTreeMap::new(),
    }
}

/// One reason for a list made by several decisions: each by its name, with its code and inputs.
pub(super) fn combined(reasons: &[(&str, &Reason)]) -> Reason {
    match reasons {
        [] => Reason::default(),
        [(_, reason)] => (*reason).clone(),
        [(_, first), ..] => Reason {
            code: first.code.clone(),
            inputs: reasons
                .iter()
                .map(|(name, reason)| ((*name).to_owned(), in_words(reason)))
                .collect(),
        },
    }
}

fn in_words(reason: &Reason) -> String {
    let inputs: Vec<String> = reason
        .inputs
        .iter()
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    if inputs.is_empty() {
        reason.code.clone()
    } else {
        format!("{}: {}", reason.code, inputs.join(", "))
    }
}

/// Their list with each of our items in the place of the one it stands for, the others of ours behind it.
pub(super) fn merge_list(theirs: &[Value], ours: Vec<Value>, same: impl Fn(&Value, &Value) -> bool) -> Vec<Value> {
    let mut ours: Vec<Option<Value>> = ours.into_iter().map(Some).collect();
    let mut merged: Vec<Value> = Vec::new();
    for item in theirs {
        match ours
            .iter_mut()
            .find(|our| our.as_ref().is_some_and(|our| same(our, item)))
        {
            Some(our) => merged.extend(our.take()),
            None => merged.push(item.clone()),
        }
    }
    merged.extend(ours.into_iter().flatten());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_a_refreshed_object_no_longer_has_are_found() {
        let old =
            json!({"minReplicas": 2, "behavior": {"scaleUp": {"tolerance": "50m"}, "scaleDown": {"policies": []}}});
        let new = json!({"minReplicas": 3, "behavior": {"scaleDown": {"policies": [1]}}});
        assert_eq!(
            stale_fields(&old, &new, &FieldPath::keys(["spec"])),
            [FieldPath::keys(["spec", "behavior", "scaleUp"])]
        );
        assert!(stale_fields(&new, &new, &FieldPath::default()).is_empty());
    }

    #[test]
    fn a_taken_value_leaves_no_empty_maps() {
        let mut spec = json!({"advanced": {"config": {"behavior": 1}}, "max": 3});
        assert_eq!(
            take(&mut spec, &FieldPath::keys(["advanced", "config", "behavior"])),
            Some(json!(1))
        );
        assert_eq!(spec, json!({"max": 3}));
        assert_eq!(take(&mut spec, &FieldPath::keys(["gone"])), None);
    }

    #[test]
    fn merged_lists_keep_the_order_of_what_was_there() {
        let merged = merge_list(
            &[json!("b1"), json!("x"), json!("a1")],
            vec![json!("a2"), json!("b2"), json!("c2")],
            |a, b| a.as_str().unwrap()[..1] == b.as_str().unwrap()[..1],
        );
        assert_eq!(merged, [json!("b2"), json!("x"), json!("a2"), json!("c2")]);
    }
}
