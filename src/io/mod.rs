//! The only code that touches files, environment, processes, network and clock.

pub mod files;
pub mod room;
pub mod folder;
pub mod process;
pub mod clock;
pub mod kustomization;
pub mod near_policy;
pub mod functions;
pub mod manifests;
pub mod environments;
pub mod capture;
pub mod kustomize;
pub mod git;
pub mod http;
pub mod working;
pub mod ask;

/// Columns that the environment names, if it does.
pub fn terminal_width() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width >= 40)
}
