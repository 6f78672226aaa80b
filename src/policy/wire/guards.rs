//! What bounds a plan: objective, risk, history, guardrails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Percent, Seconds};

/// A preset of everything left open: `policies/objectives/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Little headroom.
    Cost,
    /// In between.
    #[default]
    Balanced,
    /// Much headroom.
    Safe,
}

impl Objective {
    /// As the policy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Balanced => "balanced",
            Self::Safe => "safe",
        }
    }
}

/// Budgets that a decision must keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Risk {
    /// Share of known time in which demand exceeds ready pods × CPU request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_shortfall: Option<Percent>,
    /// Share of known time in which a pod's memory exceeds its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_over_limit: Option<Percent>,
    /// Share of known time at the scaler's maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_max_replicas: Option<Percent>,
}

/// How much history a derived value needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    /// Shortest recorded time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Seconds>,
    /// Smallest share of that time with samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Percent>,
    /// Half of a sample's weight is gone after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life: Option<Seconds>,
    /// Another environment's history, for one without its own: floors only, memory never scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<BorrowedHistory>,
}

/// History borrowed from another environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BorrowedHistory {
    /// The environment it was recorded in.
    pub environment: String,
    /// This environment's demand as a share of that one's.
    pub demand: Percent,
}

/// How fast things may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrails {
    /// Largest fall of request × lowest replicas in one plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_decrease: Option<Percent>,
    /// Smaller changes are not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_change: Option<Percent>,
    /// Changes that restart pods.
    #[serde(default)]
    pub restart: RestartGuard,
    /// Workloads per plan.
    #[serde(default)]
    pub wave: Wave,
}

/// Bounds on changes that restart pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartGuard {
    /// Shortest time between two restarts of one workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<Seconds>,
    /// Whether templates of StatefulSets and DaemonSets may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful: Option<StatefulRestart>,
}

/// Whether templates of StatefulSets and DaemonSets may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatefulRestart {
    /// Never: such decisions are reported only.
    Never,
    /// As any other workload.
    Allow,
}

/// How many workloads may restart in one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wave {
    /// Workloads whose pods restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<u32>,
}
