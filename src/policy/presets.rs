//! The shipped presets of `policies/`, compiled in: objectives and classes, as values of the policy language.

use serde_json::Value;

use super::wire::Objective;
use crate::yaml::{self, Limits};

/// Names and texts of the shipped classes.
pub static CLASSES: &[(&str, &str)] = &[
    ("web", include_str!("../../policies/classes/web.yaml")),
    ("worker", include_str!("../../policies/classes/worker.yaml")),
    ("batch", include_str!("../../policies/classes/batch.yaml")),
    ("database", include_str!("../../policies/classes/database.yaml")),
    ("cache", include_str!("../../policies/classes/cache.yaml")),
    ("singleton", include_str!("../../policies/classes/singleton.yaml")),
];

/// The text of an objective: `risk`, `history`, `guardrails`, and under `workload` what every workload
/// starts from, under `classes` what workloads of a shipped class start from.
pub fn objective(objective: Objective) -> Value {
    shipped(match objective {
        Objective::Cost => include_str!("../../policies/objectives/cost.yaml"),
        Objective::Balanced => include_str!("../../policies/objectives/balanced.yaml"),
        Objective::Safe => include_str!("../../policies/objectives/safe.yaml"),
    })
}

/// Names of the shipped classes.
pub fn class_names() -> Vec<&'static str> {
    CLASSES.iter().map(|(name, _)| *name).collect()
}

/// A shipped class by name.
pub fn class(name: &str) -> Option<Value> {
    CLASSES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| shipped(text))
}

fn shipped(text: &str) -> Value {
    yaml::read_one(text.as_bytes(), &Limits::STREAM)
        .expect("broken invariant: a shipped preset is YAML (tests read them all)")
}
