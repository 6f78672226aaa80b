//! Behaviour through the doors that users use: the binary, `ResourceList` on stdin, and the public types.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, run programs and may panic"
)]

mod history_formats;
mod kustomize_strings;
mod planning;
mod profile_accuracy;
mod quantities;
mod trap_strings;
mod yaml_hostile;
mod yaml_places;
mod yaml_read;
mod yaml_strings;
mod yaml_write;
