//! Typed forms of the objects we generate that `k8s-openapi` lacks: only the fields we write, and no empty ones.

pub mod keda_v1alpha1;
pub mod vpa_v1;

use serde::Serialize;

/// The metadata of an object we make: plain, so that nothing of another object comes along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; left out where the workload's manifest names none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub labels: std::collections::BTreeMap<String, String>,
}

/// The workload that an object is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// apiVersion: without it the group is looked up as core, where no workload is.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}
