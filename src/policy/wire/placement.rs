//! Where pods go and how many may be gone: budgets, spread, spot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form;
use crate::policy::setting::Setting;
use crate::units::IntOrPercent;

/// PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disruption {
    /// Whether one is rendered. Absent: one where a bound is stated, else what was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DisruptionMode>,
    /// Pods that must stay: a count or a share.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub min_available: Setting<IntOrPercent>,
    /// Pods that may go: a count or a share.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub max_unavailable: Setting<IntOrPercent>,
}

/// Whether a budget is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisruptionMode {
    /// One that always lets a pod go.
    Auto,
    /// None.
    None,
}

/// Topology spread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spread {
    /// Over what. Absent: what was accepted stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SpreadMode>,
    /// The constraint over zones.
    #[serde(default)]
    pub zone: SpreadConstraint,
    /// The constraint over nodes.
    #[serde(default)]
    pub host: SpreadConstraint,
}

/// Over what pods are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpreadMode {
    /// Nothing is rendered.
    None,
    /// Zones.
    Zone,
    /// Nodes.
    Host,
    /// Both.
    ZoneAndHost,
}

/// One spread constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpreadConstraint {
    /// Largest difference between two domains.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::some_at_least_one"
    )]
    #[schemars(range(min = 1))]
    pub max_skew: Option<u32>,
    /// What happens where it can't be kept. Absent: a preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_unsatisfiable: Option<WhenUnsatisfiable>,
}

/// What happens where a spread can't be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenUnsatisfiable {
    /// The pod waits.
    DoNotSchedule,
    /// The pod goes elsewhere.
    ScheduleAnyway,
}

/// Interruptible nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spot {
    /// Whether pods go there. Absent: what was accepted stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SpotMode>,
}

/// Whether pods go to interruptible nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpotMode {
    /// Placement is not ours.
    None,
    /// Never.
    Never,
    /// If there are any.
    Prefer,
    /// Only there.
    Require,
}
