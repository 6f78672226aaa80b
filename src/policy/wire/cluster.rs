//! The cluster: versions, addons, where spot nodes are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form;
use crate::units::Seconds;

/// The cluster the manifests are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Lowest Kubernetes version it must run on: decides which fields may be used. Text: `"1.33"`.
    #[serde(deserialize_with = "form::kubernetes_version")]
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub kubernetes: String,
    /// Whose nodes: decides spot labels, taints and notice time.
    #[serde(default)]
    pub provider: Provider,
    /// Zones that nodes are in.
    #[serde(default = "three", deserialize_with = "form::zones")]
    #[schemars(range(min = 1, max = 10))]
    pub zones: u32,
    /// Addons by version; one that is absent is never rendered for.
    #[serde(default)]
    pub addons: Addons,
    /// How spot nodes are marked where the provider is `custom`, or marked otherwise than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotNodes>,
}

fn three() -> u32 {
    3
}

/// Whose nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// EKS managed node groups.
    Aws,
    /// Karpenter on any cloud, and EKS Auto Mode.
    Karpenter,
    /// GKE.
    Gcp,
    /// AKS.
    Azure,
    /// Nothing is assumed: `cluster.spot` spells it.
    #[default]
    Custom,
}

/// Addons of the cluster, by version as text (`"2.18"`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addons {
    /// KEDA.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::addon_version"
    )]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub keda: Option<String>,
    /// Vertical Pod Autoscaler.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::addon_version"
    )]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub vpa: Option<String>,
    /// Prometheus operator.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::addon_version"
    )]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub prometheus_operator: Option<String>,
    /// Argo Rollouts.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::addon_version"
    )]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub argo_rollouts: Option<String>,
}

/// How spot nodes are marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpotNodes {
    /// Labels that spot nodes carry; all of them must match.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints that spot nodes carry, by key.
    #[serde(default)]
    pub taints: BTreeMap<String, Taint>,
    /// How long before reclaim a pod is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Seconds>,
}

/// Value and effect of a taint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// Value; empty for a taint without one.
    #[serde(default)]
    pub value: String,
    /// Effect.
    #[serde(default)]
    pub effect: TaintEffect,
}

/// Effect of a taint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// New pods are kept away.
    #[default]
    NoSchedule,
    /// New pods are kept away if possible.
    PreferNoSchedule,
    /// Running pods are evicted too.
    NoExecute,
}
