//! `ScaledObject` of `keda.sh/v1alpha1`.
//!
//! Source: `kedacore/keda`, `apis/keda/v1alpha1/scaledobject_types.go`, 2.21.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerBehavior;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::TargetRef;

/// apiVersion of the kind.
pub const API_VERSION: &str = "keda.sh/v1alpha1";

/// Kind.
pub const KIND: &str = "ScaledObject";

/// The longest name: KEDA makes an HPA `keda-hpa-NAME`, whose name also becomes a label value of at most 63 characters.
pub const LONGEST_NAME: usize = 63 - "keda-hpa-".len();

/// `spec` of a ScaledObject.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaledObjectSpec {
    /// The workload.
    pub scale_target_ref: TargetRef,
    /// Lowest replicas; 0 where nothing is to do.
    pub min_replica_count: u32,
    /// Highest replicas.
    pub max_replica_count: u32,
    /// Replicas while idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_replica_count: Option<u32>,
    /// Seconds between polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<u64>,
    /// Seconds from the last activity to zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<u64>,
    /// What to do when a trigger fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// What is passed on to the HPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced: Option<Advanced>,
    /// What it scales on. The metric names of the HPA carry the position, so the order is kept stable.
    pub triggers: Vec<Trigger>,
}

/// What is passed on to the HPA.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advanced {
    /// The HPA that KEDA makes.
    pub horizontal_pod_autoscaler_config: HorizontalPodAutoscalerConfig,
}

/// The HPA that KEDA makes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalPodAutoscalerConfig {
    /// How fast.
    pub behavior: HorizontalPodAutoscalerBehavior,
}

/// One trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// KEDA's name of the scaler.
    #[serde(rename = "type")]
    pub kind: String,
    /// A name of its own, unique in the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How the HPA reads the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<&'static str>,
    /// What the scaler needs; all values are text.
    pub metadata: BTreeMap<String, String>,
    /// `TriggerAuthentication`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
    /// Whether KEDA caches the value between polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_cached_metrics: Option<bool>,
}

/// What to do when a trigger fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// After more failures in a row than this.
    pub failure_threshold: u32,
    /// So many replicas.
    pub replicas: u32,
}

/// A `TriggerAuthentication`, or one of the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationRef {
    /// Its name.
    pub name: String,
    /// Its kind; absent: `TriggerAuthentication`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The name of a new ScaledObject: a longer one than KEDA can use is cut and told apart by a digest.
pub fn scaled_object_name(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let digest = Sha256::digest(name);
    let start: String = name.chars().take(LONGEST_NAME - 9).collect();
    format!(
        "{}-{:02x}{:02x}{:02x}{:02x}",
        start.trim_end_matches(['-', '.']),
        digest[0],
        digest[1],
        digest[2],
        digest[3]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_what_keda_can_use() {
        let longest = "a".repeat(54);
        assert_eq!(scaled_object_name(&longest), longest);
        let long = format!("{}-{}", "a".repeat(44), "b".repeat(20));
        let cut = scaled_object_name(&long);
        // 44 letters, the dash and digest; the dash at the cut goes
        assert_eq!(cut.len(), 44 + 1 + 8, "{cut}");
        assert!(cut.starts_with(&"a".repeat(44)));
        assert_ne!(
            cut,
            scaled_object_name(&format!("{long}c")),
            "names cut alike stay apart"
        );
        assert_eq!(scaled_object_name(&cut), cut);
    }
}
