//! Horizontal scaling, and `spec.replicas` beside it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form;
use crate::policy::setting::Setting;
use crate::units::{Percent, Quantity, Seconds};

/// Horizontal scaling.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Who scales. Absent: whoever does so far, an accepted scaler of ours too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ScalingMode>,
    /// Lowest replicas.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub min_replicas: Setting<u32>,
    /// Highest replicas.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub max_replicas: Setting<u32>,
    /// Utilization targets, as a share of the request. CPU is left to history unless `metrics` or `triggers` scale.
    #[serde(default)]
    pub targets: Targets,
    /// Further metrics, by a name of yours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Metric>,
    /// How fast.
    #[serde(default)]
    pub behavior: Behavior,
    /// KEDA triggers, by a name of yours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, Trigger>,
    /// KEDA: seconds between polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<Seconds>,
    /// KEDA: time from the last activity to zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<Seconds>,
    /// KEDA: replicas while idle, below the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_replicas: Option<u32>,
    /// KEDA: what to do when a trigger fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// How bounds left to history are derived.
    #[serde(default)]
    pub derive: DeriveBounds,
}

/// Who scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScalingMode {
    /// Nobody: a scaler of ours goes, and `replicas` is written as it was in force.
    None,
    /// A HorizontalPodAutoscaler.
    Hpa,
    /// A KEDA ScaledObject.
    Keda,
}

/// Utilization targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Targets {
    /// CPU.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub cpu: Setting<Percent>,
    /// Memory: only where stated or bounded, as memory rarely falls when pods are added.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub memory: Setting<Percent>,
}

/// A metric that is not CPU or memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Which kind of metric.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// Name of the metric in the metrics API.
    pub metric: String,
    /// Labels that select its series.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The object it describes, for `object`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described_object: Option<DescribedObject>,
    /// Target per pod.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub average_value: Setting<Quantity>,
    /// Target of the whole.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub value: Setting<Quantity>,
}

/// Which kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Averaged over the workload's pods.
    Pods,
    /// Of one object, such as an Ingress.
    Object,
    /// Of something outside the cluster, such as a queue.
    External,
}

/// The object a metric describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DescribedObject {
    /// apiVersion of the object.
    pub api_version: String,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
}

/// How fast a scaler moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behavior {
    /// Adding pods.
    #[serde(default)]
    pub scale_up: Direction,
    /// Removing pods.
    #[serde(default)]
    pub scale_down: Direction,
}

/// One direction of scaling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Direction {
    /// Stabilization window, 0 s to 1 h.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub stabilization: Setting<Seconds>,
    /// Which policy wins where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<SelectPolicy>,
    /// How much per period, by a name of yours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, ScalingPolicy>,
    /// Dead band around the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Percent>,
}

impl Direction {
    /// Whether nothing is said of it.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// Which policy wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SelectPolicy {
    /// The one that changes most.
    Max,
    /// The one that changes least.
    Min,
    /// No scaling in this direction.
    Disabled,
}

/// So much per period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingPolicy {
    /// Pods, or percent of the pods there are.
    #[serde(rename = "type")]
    pub kind: ScalingPolicyKind,
    /// How many.
    #[serde(deserialize_with = "form::at_least_one")]
    #[schemars(range(min = 1))]
    pub value: u32,
    /// In which time, 1 s to 30 min.
    pub period: Seconds,
}

/// Unit of a scaling policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScalingPolicyKind {
    /// Pods.
    Pods,
    /// Percent of the pods there are.
    Percent,
}

/// A KEDA trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// KEDA's name of the scaler: `rabbitmq`, `cron`, `prometheus`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What one pod can take, in the scaler's own unit; written to the scaler's threshold key.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub threshold: Setting<Quantity>,
    /// KEDA's metadata for that scaler.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// TriggerAuthentication by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
    /// How the HPA that KEDA makes reads the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<MetricType>,
    /// Whether KEDA caches the value between polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_cached_metrics: Option<bool>,
}

/// A TriggerAuthentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthenticationRef {
    /// Its name.
    pub name: String,
    /// `TriggerAuthentication` or `ClusterTriggerAuthentication`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// How the HPA reads a trigger's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MetricType {
    /// Divided by the pods.
    AverageValue,
    /// As a whole.
    Value,
    /// As a share of the request (cpu and memory only).
    Utilization,
}

/// What KEDA does when a trigger fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fallback {
    /// After so many failures in a row.
    pub failure_threshold: u32,
    /// This many replicas.
    pub replicas: u32,
}

/// How bounds left to history are derived (`reference`: HPA target, min, max from history).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeriveBounds {
    /// The minimum carries the demand of this share of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantile: Option<Percent>,
    /// The maximum carries the highest recorded demand times this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_headroom: Option<Percent>,
    /// The highest utilization a pod may run at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_utilization: Option<Percent>,
}

/// `spec.replicas`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replicas {
    /// What happens with it. Default: handoff where a scaler is rendered, else keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ReplicasMode>,
    /// Stated count, where nothing scales.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub count: Setting<u32>,
}

/// What happens with `spec.replicas` under a scaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplicasMode {
    /// Kept at what was in force until history shows the scaler in force, then dropped.
    Handoff,
    /// Left as it is in the manifest.
    Keep,
    /// Dropped at once. Under client-side apply this scales to 1 for a moment.
    Remove,
}
