//! What trimtab does to objects, as data: the outer layer's files and patches, the diff's reasons and `explain` are all
//! made from the same edits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldPath, ObjectId};

/// Why a value is what it is: a registered code and the inputs that lead to it, as text with units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// A registered code, such as `percentile`.
    pub code: String,
    /// Named inputs of the decision: `{p95: 310m, margin: 15%}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// One change of one object, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The object that changes.
    pub id: ObjectId,
    /// How it changes.
    pub change: Change,
    /// Why.
    pub reason: Reason,
}

/// How an object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The object is there with these fields: made if absent (plain metadata, no annotations of other objects), else
    /// exactly the owned fields are set, maps field by field, lists as a whole.
    Upsert {
        /// A whole object: apiVersion, kind, metadata and the fields that are ours.
        owned: Value,
    },
    /// One field of an existing object gets a value; maps on the way are made.
    Set {
        /// Which field.
        path: FieldPath,
        /// Its new value.
        value: Value,
    },
    /// The object goes; nothing happens where it is absent.
    Delete,
    /// One field of an existing object goes; nothing happens where it is absent.
    Remove {
        /// Which field.
        path: FieldPath,
    },
}
