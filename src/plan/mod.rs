//! One file per decision, then reconcile and guardrails; the `OptimizationPlan` codec.

pub mod model;

pub use model::{OptimizationPlan, WorkloadPlan};
