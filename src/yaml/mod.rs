//! YAML in and out: guarded reading into plain JSON values, one canonical writer, and the places of values for reports.
//!
//! The object model is `serde_json::Value`, because Kubernetes' own is JSON; its maps are sorted, and only the writer
//! decides on key order. Reading refuses whatever two YAML readers could understand differently in structure
//! (duplicate keys, keys that are no text, tags) and bounds what hostile input costs. What [`to_string`] writes is read
//! back as the same value by every YAML 1.1 and 1.2 reader that manifests meet.

mod limits;
mod error;
mod guard;
mod number;
mod integers;
mod plain;
mod value;
mod read;
mod order;
mod write;
mod span;

pub use self::error::{Position, Problem, ReadError};
pub use self::limits::Limits;
pub use self::read::{Document, read_all, read_one};
pub use self::span::{Place, SpanIndex};
pub use self::write::{to_stream, to_string, to_string_with_header};
