//! Guarded reading of YAML and the canonical writer.
pub mod span;
