//! The policy as people write it. Every type here is in the published JSON Schema.
//!
//! Rules of the language: a collection is a map keyed by name, never a list; no field is ever scalar-or-map; what can be
//! stated, bounded or left to history is a [`Setting`]; versions are text. That is what lets plain kustomize layer it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setting::Setting;
use crate::units::{Bytes, Day, IntOrPercent, Millicores, Money, Percent, Quantity, Seconds};

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
    /// Environment this policy is for; profiles and plans of another are refused.
    pub environment: String,
    /// What happens with decisions. Default: observe.
    #[serde(default)]
    pub mode: Mode,
    /// Constants and algorithms are frozen per version.
    #[serde(default = "first_decision_version")]
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
    /// Namespace of workloads whose manifest names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// The cluster the manifests are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Lowest Kubernetes version it must run on: decides which fields may be used. Text: `"1.33"`.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub kubernetes: String,
    /// Whose nodes: decides spot labels, taints and notice time.
    #[serde(default)]
    pub provider: Provider,
    /// Zones that nodes are in.
    #[serde(default = "three")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub keda: Option<String>,
    /// Vertical Pod Autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub vpa: Option<String>,
    /// Prometheus operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    pub prometheus_operator: Option<String>,
    /// Argo Rollouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// The class it starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What operates the workload.
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
    /// Requests stay as they are.
    Keep,
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
    /// As it is; raised in proportion only where the request would reach it. Never lowered.
    Keep,
    /// In the proportion limit : request that it had.
    Ratio,
    /// Equal to the request.
    Equal,
    /// No limit.
    None,
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

/// Horizontal scaling.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Who scales. Absent: whoever does so far.
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

/// PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disruption {
    /// Whether one is rendered.
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
    /// Over what.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Whether pods go there. Absent: placement is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SpotMode>,
}

/// Whether pods go to interruptible nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpotMode {
    /// Never.
    Never,
    /// If there are any.
    Prefer,
    /// Only there.
    Require,
}

/// VerticalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vpa {
    /// Whether one is rendered, and what it may do.
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
    /// `terminationGracePeriodSeconds`.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub grace_period: Setting<Seconds>,
    /// A pause before the stop signal, so that load balancers take the pod out (`lifecycle.sleep`, from 1.30).
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub pre_stop_sleep: Setting<Seconds>,
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
