//! Which edit a changed field comes from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::krm::edit::Change;
use crate::krm::{Edit, FieldPath, ObjectId, Reason, Segment};

type Key = (String, String, String, String);

/// Edits by the object they change.
pub(super) struct Reasons<'a>(BTreeMap<Key, Vec<&'a Edit>>);

impl<'a> Reasons<'a> {
    pub(super) fn of(edits: &'a [Edit]) -> Self {
        let mut by_object: BTreeMap<Key, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            by_object.entry(key(&edit.id)).or_default().push(edit);
        }
        Self(by_object)
    }

    fn edits(&self, id: &ObjectId) -> &[&'a Edit] {
        self.0.get(&key(id)).map_or(&[], Vec::as_slice)
    }

    /// Why the object as a whole is there, or gone.
    pub(super) fn of_object(&self, id: &ObjectId) -> Option<Reason> {
        let made = self
            .edits(id)
            .iter()
            .find(|edit| matches!(edit.change, Change::Upsert { .. } | Change::Delete));
        made.map(|edit| edit.reason.clone())
    }

    /// Why a field has its value: the edit nearest to its path. One edit above it explains it, as does one inside it.
    pub(super) fn of_field(&self, id: &ObjectId, path: &FieldPath) -> Option<Reason> {
        let nearness = |edit: &Edit| match &edit.change {
            Change::Set { path: at, .. } | Change::Remove { path: at } => {
                let shared = shared(&at.0, &path.0);
                (shared == at.0.len() || shared == path.0.len()).then_some(1 + shared)
            }
            Change::Upsert { owned } => owns(owned, &path.0).then_some(0),
            Change::Delete => Some(0),
        };
        let near = self.edits(id).iter().filter_map(|edit| Some((nearness(edit)?, edit)));
        // The first of the nearest: `max_by_key` would take the last.
        let best = near.rev().max_by_key(|(nearness, _)| *nearness);
        best.map(|(_, edit)| edit.reason.clone())
    }
}

fn key(id: &ObjectId) -> Key {
    let (group, kind, namespace, name) = id.key();
    (group.to_owned(), kind.to_owned(), namespace.to_owned(), name.to_owned())
}

/// How many steps two paths share from the start.
fn shared(a: &[Segment], b: &[Segment]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| is_same_step(a, b)).count()
}

/// Items are the same where one names the other's keys, or more of them (`protocol` is often left out).
fn is_same_step(a: &Segment, b: &Segment) -> bool {
    match (a, b) {
        (Segment::Item(a), Segment::Item(b)) => {
            a.iter().all(|field| b.contains(field)) || b.iter().all(|field| a.contains(field))
        }
        _ => a == b,
    }
}

/// Whether an object's owned fields hold the path, up to the first list: lists are owned as a whole.
fn owns(owned: &Value, path: &[Segment]) -> bool {
    match path.split_first() {
        Some((Segment::Key(key), rest)) => owned.get(key).is_some_and(|child| owns(child, rest)),
        Some((Segment::Item(_), _)) => owned.is_array(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reason(code: &str) -> Reason {
        Reason {
            code: code.into(),
            ..Reason::default()
        }
    }

    #[test]
    fn the_nearest_edit_explains_a_field() {
        let id = ObjectId::new("apps/v1", "Deployment", "shop", "api");
        let spec = FieldPath::keys(["spec", "template", "spec"]);
        let port = spec
            .clone()
            .key("containers")
            .item("name", "api")
            .key("ports")
            .item("containerPort", "80");
        let edits = [
            Edit {
                id: id.clone(),
                change: Change::Upsert {
                    owned: json!({"spec": {"paused": false, "rules": [1]}}),
                },
                reason: reason("upsert"),
            },
            Edit {
                id: id.clone(),
                change: Change::Set {
                    path: spec.clone().key("containers").item("name", "api"),
                    value: json!({}),
                },
                reason: reason("container"),
            },
            Edit {
                id: id.clone(),
                change: Change::Set {
                    path: port.clone().key("name"),
                    value: json!("http"),
                },
                reason: reason("port"),
            },
        ];
        let reasons = Reasons::of(&edits);
        let mut full_port = port;
        full_port.0.pop();
        let full_port = FieldPath(
            [
                full_port.0,
                vec![Segment::Item(vec![
                    ("containerPort".into(), "80".into()),
                    ("protocol".into(), "TCP".into()),
                ])],
            ]
            .concat(),
        );
        let image = spec.clone().key("containers").item("name", "api").key("image");
        for (path, expected) in [
            (full_port.key("name"), Some("port")),
            (image, Some("container")),
            (spec.key("volumes"), None),
            (FieldPath::keys(["spec", "paused"]), Some("upsert")),
            (FieldPath::keys(["spec", "rules"]).item("name", "x"), Some("upsert")),
        ] {
            let found = reasons.of_field(&id, &path).map(|reason| reason.code);
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        let other = ObjectId::new("apps/v1", "Deployment", "shop", "other");
        assert_eq!(reasons.of_field(&other, &FieldPath::keys(["spec"])), None);
    }
}
