//! What happens to a pod: VPA, termination, what runs in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::setting::Setting;
use crate::units::{Bytes, Millicores, Seconds};

/// VerticalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vpa {
    /// Whether one is rendered, and what it may do. Absent: what was accepted stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<VpaMode>,
    /// Which resources it looks at. Absent: those that nothing else scales on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<VpaResources>,
    /// Lowest values it may set.
    #[serde(default)]
    pub min_allowed: Amounts,
    /// Highest values it may set.
    #[serde(default)]
    pub max_allowed: Amounts,
}

/// What a VPA may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VpaMode {
    /// None is rendered.
    None,
    /// It recommends (`Off`).
    Recommend,
    /// It sets requests of new pods.
    Initial,
    /// It evicts pods to set requests.
    Recreate,
    /// It resizes in place, and evicts where that fails.
    InPlaceOrRecreate,
}

/// Which resources a VPA looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VpaResources {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// CPU and memory.
    Both,
}

/// An amount of CPU and of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amounts {
    /// CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Millicores>,
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

/// How pods end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Termination {
    /// Whether the values here are rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TerminationMode>,
    /// `terminationGracePeriodSeconds`.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub grace_period: Setting<Seconds>,
    /// A pause before the stop signal, so that load balancers take the pod out (`lifecycle.sleep`, from 1.30).
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub pre_stop_sleep: Setting<Seconds>,
}

/// Whether the end of pods is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TerminationMode {
    /// What is stated is rendered, and what was accepted stays.
    Auto,
    /// Pods end as the manifest says.
    None,
}

/// What runs inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runtime {
    /// Whether its memory shows what it needs. Absent: a hint from image, environment and arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<RuntimeKind>,
}

/// Runtimes whose memory does or does not show what they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// Memory follows need.
    Generic,
    /// The heap follows the limit: memory is never lowered.
    Jvm,
    /// Filled by design: memory is never lowered.
    Cache,
    /// Filled by design: memory is never lowered.
    Database,
}
