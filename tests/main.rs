//! The public behaviour, one module per behaviour.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, run programs and may panic"
)]

mod kustomize_strings;
mod planning;
mod quantities;
mod trap_strings;
mod yaml_hostile;
mod yaml_places;
mod yaml_read;
mod yaml_strings;
mod yaml_write;
