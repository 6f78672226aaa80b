//! The policy as people write it, one file a topic below. Every type here is in the published JSON Schema.
//!
//! Rules of the language: a collection is a map keyed by name, never a list; no field is ever scalar-or-map; what can be
//! stated, bounded or left to history is a [`Setting`](super::setting::Setting); versions are text. That is what lets plain kustomize layer it.

mod form;
mod cluster;
mod guards;
mod resources;
mod scaling;
mod placement;
mod lifecycle;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Day, Money, Percent};

pub use cluster::*;
pub use guards::*;
pub use lifecycle::*;
pub use placement::*;
pub use resources::*;
pub use scaling::*;

/// What the owner wants: the functionConfig, and the one file a team writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptimizationPolicy {
    /// `trimtab.dev/v1alpha1`.
    pub api_version: String,
    /// `OptimizationPolicy`.
    pub kind: String,
    /// Name, and the annotation that makes it a function.
    pub metadata: Metadata,
    /// What is wanted.
    pub spec: PolicySpec,
}

/// The part of Kubernetes metadata that our kinds use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Name of the object.
    pub name: String,
    /// Namespace; kustomize sets it, we do not read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// `spec` of an OptimizationPolicy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Environment this policy is for, as a DNS label; profiles and plans of another are refused.
    pub environment: String,
    /// What happens with decisions. Default: observe.
    #[serde(default)]
    pub mode: Mode,
    /// Constants and algorithms are frozen per version.
    #[serde(default = "first_decision_version", deserialize_with = "form::digits")]
    #[schemars(regex(pattern = r"^[0-9]+$"))]
    pub decision_version: String,
    /// What the overlay adds to names; stripped before rules match, so that every route matches alike.
    #[serde(default)]
    pub identity: Identity,
    /// Where it runs.
    pub cluster: Cluster,
    /// A preset of everything left open. Default: balanced.
    #[serde(default)]
    pub objective: Objective,
    /// Budgets that a decision must keep.
    #[serde(default)]
    pub risk: Risk,
    /// How much history a derived value needs.
    #[serde(default)]
    pub history: History,
    /// How fast things may change.
    #[serde(default)]
    pub guardrails: Guardrails,
    /// Named settings that rules refer to. A class of a shipped name (`web`, `worker`, `batch`, `database`, `cache`,
    /// `singleton`) starts from the shipped one.
    #[serde(default)]
    pub classes: BTreeMap<String, WorkloadSpec>,
    /// Rules: which workloads, and what for them.
    #[serde(default)]
    pub workloads: BTreeMap<String, Rule>,
    /// What app teams may set by annotation `trimtab.dev/…` on their workload.
    #[serde(default)]
    pub delegate: Delegate,
    /// Findings that are known and accepted, with the reason.
    #[serde(default)]
    pub accept: BTreeMap<String, Accept>,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

fn first_decision_version() -> String {
    super::DECISION_VERSION.to_owned()
}

/// What happens with decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Report only.
    #[default]
    Observe,
    /// Render.
    Enforce,
    /// Render the accepted plan, plan nothing new: break-glass.
    Frozen,
}

/// What the overlay adds to the names that the policy's rules use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// `namePrefix` of the overlay.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_prefix: String,
    /// `nameSuffix` of the overlay.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_suffix: String,
    /// Namespace of objects whose manifest names none; absent: `default`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Workloads that were renamed or moved, by the name that history has: `Deployment/old`, or `Deployment/shop/old` where
    /// it was in another namespace. Names are those of the cluster, prefix and suffix included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<String, Moved>,
}

/// Where a workload went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moved {
    /// The workload of the manifests that the history counts for: `Deployment/new`, or `Deployment/shop/new` where two
    /// namespaces have one.
    pub to: String,
}

/// Which workloads, and what for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Which workloads; all given parts must hold. Absent: the workload of the rule's own name.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub selector: Option<Match>,
    /// Breaks a tie between rules of equal rank: the higher one wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The class it starts from: a shipped one (`web`, `worker`, `batch`, `database`, `cache`, `singleton`), or one of
    /// `spec.classes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = super::presets::class_names()))]
    pub class: Option<String>,
    /// Whether it is decided and rendered (`enforce`), only decided (`observe`), or left as accepted (`frozen`); never more
    /// than `spec.mode` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// See [`WorkloadSpec::requests`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// See [`WorkloadSpec::limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// See [`WorkloadSpec::containers`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, Container>,
    /// See [`WorkloadSpec::scaling`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// See [`WorkloadSpec::replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// See [`WorkloadSpec::disruption`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<Disruption>,
    /// See [`WorkloadSpec::spread`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// See [`WorkloadSpec::spot`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// See [`WorkloadSpec::vpa`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpa: Option<Vpa>,
    /// See [`WorkloadSpec::termination`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination: Option<Termination>,
    /// See [`WorkloadSpec::runtime`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
}

/// Which workloads a rule is for; all given parts must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Names or globs (`*-worker`), without the stated prefix and suffix; `false` takes a name out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, bool>,
    /// Labels of the workload or of its pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Kinds: `Deployment`, `StatefulSet`, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, bool>,
    /// Namespaces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, bool>,
    /// Name or glob of a container: the rule's `requests` and `limits` are for that container alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// Everything that can be wanted for a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadSpec {
    /// What happens with decisions on it, where it differs from the policy's mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// CPU and memory requests of the main container, and how they are derived.
    #[serde(default)]
    pub requests: Requests,
    /// CPU and memory limits of the main container.
    #[serde(default)]
    pub limits: Limits,
    /// Other containers, by name.
    #[serde(default)]
    pub containers: BTreeMap<String, Container>,
    /// Horizontal scaling.
    #[serde(default)]
    pub scaling: Scaling,
    /// `spec.replicas`.
    #[serde(default)]
    pub replicas: Replicas,
    /// PodDisruptionBudget.
    #[serde(default)]
    pub disruption: Disruption,
    /// Topology spread.
    #[serde(default)]
    pub spread: Spread,
    /// Interruptible nodes.
    #[serde(default)]
    pub spot: Spot,
    /// VerticalPodAutoscaler.
    #[serde(default)]
    pub vpa: Vpa,
    /// How pods end.
    #[serde(default)]
    pub termination: Termination,
    /// What runs inside.
    #[serde(default)]
    pub runtime: Runtime,
}

/// What app teams may set by annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delegate {
    /// `trimtab.dev/min-replicas`.
    #[serde(default)]
    pub min_replicas: bool,
    /// `trimtab.dev/max-replicas`.
    #[serde(default)]
    pub max_replicas: bool,
    /// `trimtab.dev/class`, for the classes that are `true`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class: BTreeMap<String, bool>,
}

/// A finding that is known and accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accept {
    /// Code of the finding.
    pub code: String,
    /// Name or glob of the workloads, without the stated prefix and suffix.
    pub workload: String,
    /// Why.
    pub reason: String,
    /// Last day it holds, `2027-03-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// Money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Per month.
    pub monthly: Money,
    /// Shares of it at which a warning is due, by a name of yours.
    #[serde(default)]
    pub warn_at: BTreeMap<String, Percent>,
}
