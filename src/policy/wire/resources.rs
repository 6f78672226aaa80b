//! Requests and limits, and how they are derived.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::setting::Setting;
use crate::units::{Bytes, Millicores, Percent};

/// Requests of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requests {
    /// How a value left to history is derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// CPU.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub cpu: Setting<Millicores>,
    /// Memory.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub memory: Setting<Bytes>,
    /// Parameters of the strategy `percentile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<PercentileParameters>,
}

/// How a request left to history is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// A percentile of usage per pod plus a margin.
    Percentile,
    /// The Vertical Pod Autoscaler's rule on the profile's sketch (approximate).
    Vpa,
    /// Requests stay as they are: what was accepted stays, else the manifest's.
    Keep,
    /// Requests are the manifest's own: what was accepted goes, with the limits that followed it.
    None,
}

impl Strategy {
    /// Whether values left to history come from it.
    pub fn derives(self) -> bool {
        matches!(self, Self::Percentile | Self::Vpa)
    }
}

/// Parameters of the strategy `percentile`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PercentileParameters {
    /// For CPU.
    #[serde(default)]
    pub cpu: PercentileRule,
    /// For memory.
    #[serde(default)]
    pub memory: PercentileRule,
}

/// Quantile and margin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PercentileRule {
    /// Share of samples at or below the value; `100%` is the maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<Percent>,
    /// Added on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Percent>,
}

/// Limits of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// CPU.
    #[serde(default)]
    pub cpu: Limit<Millicores>,
    /// Memory.
    #[serde(default)]
    pub memory: Limit<Bytes>,
}

/// A limit: how it follows the request, or its stated value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    bound(deserialize = "T: Deserialize<'de>")
)]
pub struct Limit<T> {
    /// How it follows. Default: keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<LimitMode>,
    /// Stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<T>,
}

impl<T> Default for Limit<T> {
    fn default() -> Self {
        Self {
            mode: None,
            value: None,
        }
    }
}

/// How a limit follows its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitMode {
    /// As it is; raised in the manifest's own proportion only where the request would reach it. Never lowered.
    Keep,
    /// In the proportion limit : request that the manifest has.
    Ratio,
    /// Equal to the request.
    Equal,
    /// No limit.
    None,
}

impl LimitMode {
    /// As a policy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Ratio => "ratio",
            Self::Equal => "equal",
            Self::None => "none",
        }
    }
}

/// A container besides the main one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Its requests.
    #[serde(default)]
    pub requests: Requests,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}
