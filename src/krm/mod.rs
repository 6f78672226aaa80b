//! Kubernetes objects as values: identity, `ResourceList` in and out, edits and how they are applied.

pub mod apply;
pub mod below;
pub mod edit;
pub mod id;
pub mod layer;
pub mod merge_keys;
pub mod patch;
pub mod path;
pub mod renamed;
pub mod resource_list;

pub use apply::{ApplyError, apply};
pub use edit::{Change, Edit, Reason};
pub use id::{DefaultNamespace, ObjectId};
pub use path::{FieldPath, Segment, at};
pub use resource_list::{ListError, ResourceList};

/// A Kubernetes object as it was read: untyped, so that nothing is lost on the way through.
pub type Object = serde_json::Value;

/// The label on every object that trimtab makes. Constant, so that a refresh touches nothing.
pub const MANAGED_BY: (&str, &str) = ("trimtab.dev/managed-by", "trimtab");
