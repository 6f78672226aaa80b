//! `OptimizationPolicy`: wire form, schema, validation, presets, matching, `Settings`.
//!
//! In: a value and where it came from. Out: [`Settings`], or every problem of the policy at once.

pub mod setting;
pub mod wire;
pub mod source;
mod strict;
pub mod schema;
pub mod merge;
pub mod presets;
pub mod cluster;
pub mod bounds;
pub mod matching;
pub mod moved;
pub(crate) mod names;
pub(crate) mod ranges;
mod contradictions;
mod rules;
pub mod settings;

pub use bounds::Bounds;
pub use cluster::{Cluster, Version};
pub use matching::Subject;
pub use setting::Setting;
pub use settings::{Matched, Settings, WorkloadSettings};
pub use source::Source;
pub use wire::OptimizationPolicy;

use serde_json::Value;

use crate::diag::{Diagnostic, code};

/// apiVersion of all our kinds.
pub const API_VERSION: &str = "trimtab.dev/v1alpha1";

/// Kind of a policy.
pub const KIND: &str = "OptimizationPolicy";

/// The newest set of constants and algorithms; older ones are honoured for ever.
pub const DECISION_VERSION: &str = "1";

/// Checks a policy and resolves it, or reports every problem in it. What is no error goes with the settings.
pub fn parse(value: &Value, source: &Source) -> Result<Settings, Vec<Diagnostic>> {
    let value = &schema::without_nulls(value);
    let policy: OptimizationPolicy = schema::read(code::POLICY_INVALID, value, source)?;
    let mut problems = rules::check(&policy, value, source);
    crate::diag::sort(&mut problems);
    if crate::diag::has_errors(&problems) {
        return Err(problems);
    }
    let mut settings = Settings::resolve(policy, value);
    settings.source = source.clone();
    settings.warnings = problems;
    Ok(settings)
}
