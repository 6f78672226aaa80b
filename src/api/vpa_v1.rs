//! `VerticalPodAutoscaler` of `autoscaling.k8s.io/v1`.
//!
//! Source: `kubernetes/autoscaler`, `vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1/types.go`, 1.7.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TargetRef;

/// apiVersion of the kind.
pub const API_VERSION: &str = "autoscaling.k8s.io/v1";

/// Kind.
pub const KIND: &str = "VerticalPodAutoscaler";

/// The container name that stands for all containers without a policy of their own.
pub const OTHER_CONTAINERS: &str = "*";

/// `spec` of a `VerticalPodAutoscaler`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerticalPodAutoscalerSpec {
    /// The workload.
    pub target_ref: TargetRef,
    /// What it may do; absent means that it evicts, so we always write it.
    pub update_policy: UpdatePolicy,
    /// Bounds by container.
    pub resource_policy: ResourcePolicy,
}

/// What a VPA may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdatePolicy {
    /// `Off`, `Initial`, `Recreate` or `InPlaceOrRecreate`.
    pub update_mode: &'static str,
}

/// Bounds by container.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcePolicy {
    /// One for each container, `*` for the rest.
    pub container_policies: Vec<ContainerPolicy>,
}

/// Bounds of one container.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPolicy {
    /// Name, or `*`.
    pub container_name: String,
    /// `cpu`, `memory` or both.
    pub controlled_resources: Vec<&'static str>,
    /// `RequestsOnly`: the default would scale limits in proportion.
    pub controlled_values: &'static str,
    /// Lowest values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub min_allowed: BTreeMap<String, String>,
    /// Highest values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub max_allowed: BTreeMap<String, String>,
}
