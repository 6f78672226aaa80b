//! `trimtab` turns what workloads really used and what their owners want into reviewed Kubernetes manifests.
//!
//! ```text
//! history exports ─ history ─▶ UsageProfile ─ facts ┐
//! manifests ─────── workload ▶ Workloads ───────────┼▶ plan ─▶ OptimizationPlan ─▶ render ─▶ edits ─▶ objects / files
//! policy ────────── policy ──▶ Settings ────────────┤                              └▶ lint ─▶ diff ─▶ report
//! accepted plan ─────────────▶ last decision ───────┘
//! ```
//!
//! Every folder is a stage of that flow: a pure function from its input types to its output type and diagnostics.
//! A stage may use the stages above it in the list below, never one further down. Start reading at [`pipeline`].
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests may read fixtures"))]

// base
pub mod units;
pub mod diag;
pub mod yaml;
pub mod krm;
pub mod catalog;
pub mod api;
// ground
pub mod history;
pub mod profile;
pub mod facts;
pub mod strategy;
// brain
pub mod policy;
pub mod workload;
pub mod price;
pub mod plan;
// hands
pub mod render;
pub mod lint;
pub mod diff;
pub mod report;
pub mod pipeline;
// shells
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place that touches the world"
)]
pub mod io;
pub mod cli;
