//! `OptimizationPlan`: what was decided and accepted, as it is committed and reviewed.
//!
//! A plan says everything that rendering needs beside the manifests, versions and placement included: builds apply it
//! and decide nothing. A workload whose decision did not change keeps its bytes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Amount, FieldName, Resource};
use crate::diag::{Code, code};
use crate::krm::Reason;
use crate::policy::wire::{
    AuthenticationRef, Behavior, DescribedObject, Fallback, Metadata, MetricType, Mode, RuntimeKind, Taint,
    WhenUnsatisfiable,
};
use crate::units::{Bytes, IntOrPercent, Millicores, Percent, Quantity, Seconds, Timestamp};

/// Kind of a plan.
pub const KIND: &str = "OptimizationPlan";

/// What was decided for an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptimizationPlan {
    /// `trimtab.dev/v1alpha1`.
    pub api_version: String,
    /// `OptimizationPlan`.
    pub kind: String,
    /// Name of the policy it was made for.
    pub metadata: Metadata,
    /// The decisions.
    pub spec: PlanSpec,
}

/// `spec` of an OptimizationPlan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanSpec {
    /// Environment it is for.
    pub environment: String,
    /// Constants and algorithms it was made with.
    pub decision_version: String,
    /// End of the profile's window: the plan's "now".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_end: Option<Timestamp>,
    /// SHA-256 of what it was made from.
    pub digests: Digests,
    /// How many workloads there are: a file that was cut or merged wrongly is told by it. Absent: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Digest of environment, decision version, window end and digests: an edit of one does not fit it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
    /// Decisions by workload: `Deployment/shop/api`.
    #[serde(default)]
    pub workloads: BTreeMap<String, WorkloadPlan>,
}

/// SHA-256 of the canonical form of a plan's inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Digests {
    /// Of the policy's `spec`.
    pub policy: String,
    /// Of the profiles, in the order of their names; empty where there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub profile: String,
}

/// How a decision came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Decided on this profile.
    #[default]
    Planned,
    /// The accepted decision, which could not be confirmed or was not to be changed.
    Kept,
    /// Nothing is decided, nothing is rendered.
    Refused,
}

/// What was decided for one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadPlan {
    /// apiVersion of the workload, as scalers must name it.
    pub api_version: String,
    /// Where its pod template is, if elsewhere (`workloadRef` of a Rollout): `apps/v1/Deployment/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_in: Option<String>,
    /// Its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Whether it is rendered: only `enforce` is.
    pub mode: Mode,
    /// How it came about.
    pub status: Status,
    /// What its class or rules protect it by.
    #[serde(default, skip_serializing_if = "Safeguards::is_empty")]
    pub safeguards: Safeguards,
    /// Requests and limits by container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, ContainerPlan>,
    /// `spec.replicas`; absent: as it is in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Removable<u32>>,
    /// Horizontal scaler; absent: none of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaler: Option<ScalerPlan>,
    /// PodDisruptionBudget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<DisruptionPlan>,
    /// Topology spread, by topology key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<String, SpreadPlan>,
    /// Placement on interruptible nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotPlan>,
    /// VerticalPodAutoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpa: Option<VpaPlan>,
    /// Objects of ours that the policy takes away: a host that feeds back its files deletes them.
    #[serde(default, skip_serializing_if = "RemovedObjects::is_empty")]
    pub removed: RemovedObjects,
    /// `terminationGracePeriodSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Decision<Seconds>>,
    /// `lifecycle.preStop.sleep` of the main container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_stop_sleep: Option<Decision<Seconds>>,
    /// Container the scaler, the sleep and the stated requests are for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub main_container: String,
    /// What the manifest said, by field (`api/requests/cpu`, `replicas`), when it was decided: an edit of its owner is
    /// told by it. Absent: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<BTreeMap<String, Quantity>>,
    /// Containers of which the manifest said no amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<String>,
    /// Containers that were renamed, by their earlier names: what history has under those counts for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
    /// What its owner wrote of the fields in which the manifest has a value of ours: a host that edits in place has written
    /// that one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overwritten: BTreeMap<String, Theirs>,
    /// What its owner raised in the manifest after a plan: a floor of what is derived.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub raised: BTreeMap<String, Raised>,
    /// What its owner lowered in the manifest after a plan: written again as it was, it is no raise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lowered: BTreeMap<String, Lowered>,
    /// What it was decided from: on the same and the same profile nothing changes.
    #[serde(default, skip_serializing_if = "MadeFrom::is_empty")]
    pub made_from: MadeFrom,
    /// End of the window of history it was decided on: until there is a newer one, planning starts from the values
    /// before again. Absent where nothing was decided from history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Timestamp>,
    /// Digest of everything else said here: an entry that was edited does not fit its seal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
    /// End of the window of the last plan that restarted its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted: Option<Timestamp>,
    /// Decided, and held back by a guardrail of the policy, by its name: `restart.minInterval`. Not rendered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, Waiting>,
    /// Refusals and remarks, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<String, Finding>,
}

/// What one workload was decided from, beside the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MadeFrom {
    /// Digest of what its manifests said.
    pub manifests: String,
    /// Digest of what the policy said of it.
    pub policy: String,
}

/// What an owner wrote in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Theirs {
    /// This.
    Amount(Quantity),
    /// The field was not there.
    Nothing(Nothing),
}

/// A word, as a layer deletes what is `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Nothing {
    /// Nothing was there.
    Nothing,
}

impl Theirs {
    /// The amount, if there is one.
    pub fn amount(self) -> Option<Quantity> {
        match self {
            Self::Amount(amount) => Some(amount),
            Self::Nothing(_) => None,
        }
    }
}

impl From<Option<Quantity>> for Theirs {
    fn from(amount: Option<Quantity>) -> Self {
        amount.map_or(Self::Nothing(Nothing::Nothing), Self::Amount)
    }
}

/// A value that the owner of a workload raised in its manifest, or a target that asks for more as it was lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Raised {
    /// What the manifest says.
    pub value: Quantity,
    /// What it said before: taken back to it, it is no raise any more. Absent: nothing, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Quantity>,
    /// The end of a profile's window from which on history alone decides; absent: no profile was there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A value that the owner of a workload lowered in its manifest, or took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lowered {
    /// What the manifest said before.
    pub from: Quantity,
    /// The end of a profile's window from which on that is forgotten; absent: no profile was there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl MadeFrom {
    /// Whether it is not known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a class or rules protect a workload by, beside its values. It stays until the policy says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Safeguards {
    /// `observe`: nothing of it is rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What holds its memory: it is never lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeKind>,
}

impl Safeguards {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl WorkloadPlan {
    /// Whether anything of it reaches the manifests.
    pub fn is_rendered(&self) -> bool {
        self.mode == Mode::Enforce && self.status != Status::Refused
    }

    /// The plan with one more refusal or remark, that nothing has accepted.
    #[must_use]
    pub fn with_finding(mut self, code: Code, detail: impl Into<String>) -> Self {
        self.note(code, detail);
        self
    }

    /// Adds a refusal or remark, that nothing has accepted.
    pub fn note(&mut self, code: Code, detail: impl Into<String>) {
        let finding = Finding {
            detail: detail.into(),
            accepted: None,
        };
        self.findings.insert(code.to_string(), finding);
    }

    /// Adds to a refusal or remark, or makes it; what is said once is not said again.
    pub(super) fn add_to_finding(&mut self, code: Code, detail: &str) {
        let finding = self.findings.entry(code.to_string()).or_default();
        if finding.detail.is_empty() {
            detail.clone_into(&mut finding.detail);
        } else if !finding.detail.contains(detail) {
            finding.detail = format!("{}; {detail}", finding.detail);
        }
    }
}

impl WorkloadPlan {
    /// Why each of its numbers is what it is, by the number's name.
    fn reasons(&self) -> BTreeMap<String, &Reason> {
        let mut reasons = BTreeMap::new();
        for (name, container) in &self.containers {
            let amounts = container.amounts();
            reasons.extend(amounts.map(|(field, decided)| (field.of(name).key(), decided.reason())));
        }
        if let Some(scaler) = &self.scaler {
            let all = [
                (FieldName::MinReplicas.key(), Some(&scaler.min_replicas.reason)),
                (FieldName::MaxReplicas.key(), Some(&scaler.max_replicas.reason)),
                (
                    FieldName::CpuTarget.key(),
                    scaler.cpu.as_ref().map(|target| &target.target.reason),
                ),
                (
                    "scaler/memoryTarget".to_owned(),
                    scaler.memory.as_ref().map(|target| &target.target.reason),
                ),
            ];
            reasons.extend(all.into_iter().filter_map(|(field, why)| Some((field, why?))));
        }
        reasons
    }

    /// Looks at every number that has a value before; drops those for which `keep` says no, and with its bounds a scaler.
    pub(super) fn retain_numbers(&mut self, keep: &mut dyn FnMut(&mut dyn Decided) -> bool) {
        fn retain<D: Decided>(slot: &mut Option<D>, keep: &mut dyn FnMut(&mut dyn Decided) -> bool) {
            if slot.as_mut().is_some_and(|number| !keep(number)) {
                *slot = None;
            }
        }
        for container in self.containers.values_mut() {
            retain(&mut container.requests.cpu, keep);
            retain(&mut container.requests.memory, keep);
            retain(&mut container.limits.cpu, keep);
            retain(&mut container.limits.memory, keep);
        }
        self.containers
            .retain(|_, container| *container != ContainerPlan::default());
        retain(&mut self.replicas, keep);
        retain(&mut self.grace_period, keep);
        retain(&mut self.pre_stop_sleep, keep);
        if let Some(scaler) = &mut self.scaler {
            let has_bounds = keep(&mut scaler.min_replicas) & keep(&mut scaler.max_replicas);
            for target in [&mut scaler.cpu, &mut scaler.memory] {
                if target.as_mut().is_some_and(|target| !keep(&mut target.target)) {
                    *target = None;
                }
            }
            for metric in scaler.metrics.values_mut() {
                retain(&mut metric.average_value, keep);
                retain(&mut metric.value, keep);
            }
            if !has_bounds {
                self.scaler = None;
            }
        }
        if let Some(budget) = &mut self.disruption {
            retain(&mut budget.min_available, keep);
            retain(&mut budget.max_unavailable, keep);
        }
    }

    /// Whether a number of this plan that came from history is still left to history in a newer one.
    pub(super) fn stands_on_history_in(&self, newer: &Self) -> bool {
        let is_stated = |why: &Reason| why.code == code::STATED.as_str();
        let newer = newer.reasons();
        let is_left = |name: &String| newer.get(name).is_some_and(|why| !is_stated(why));
        self.reasons()
            .iter()
            .any(|(name, why)| is_from_history(why) && is_left(name))
    }
}

/// Whether a number was derived from recorded usage.
fn is_from_history(why: &Reason) -> bool {
    let derived = [
        code::PERCENTILE,
        code::REPLICAS_RECORDED,
        code::VPA_ESTIMATE,
        code::SCALE_POINT_KEPT,
        code::CAPACITY_BOUNDED,
        code::BELOW_MIN_CHANGE,
        code::MEMORY_NOT_LOWERED,
        code::LIMIT_FOLLOWS_REQUEST,
    ];
    derived.iter().any(|code| code.as_str() == why.code)
        || (why.code == code::BOUNDED.as_str() && !why.inputs.is_empty())
}

/// Objects of ours that go, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemovedObjects {
    /// The horizontal scaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaler: Option<Reason>,
    /// The PodDisruptionBudget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<Reason>,
    /// The VerticalPodAutoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpa: Option<Reason>,
}

impl RemovedObjects {
    /// Whether nothing goes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was decided and is held back, as far as it is not what is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waiting {
    /// Why, and until when.
    pub detail: String,
    /// Requests and limits by container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, ContainerPlan>,
    /// Topology spread, by topology key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<String, SpreadPlan>,
    /// Placement on interruptible nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotPlan>,
    /// `terminationGracePeriodSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Decision<Seconds>>,
    /// `lifecycle.preStop.sleep` of the main container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_stop_sleep: Option<Decision<Seconds>>,
    /// The horizontal scaler, where its target depends on a request that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaler: Option<ScalerPlan>,
    /// What is kept and would not be decided any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

impl Waiting {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let Self { detail, .. } = self;
        *self
            == Self {
                detail: detail.clone(),
                ..Self::default()
            }
    }
}

/// A refusal or remark.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// What was seen, in a sentence with numbers and units.
    pub detail: String,
    /// The name of the policy's `accept` entry that accepts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A value, the value before, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision<T> {
    /// The value.
    pub value: T,
    /// The last decision's value; absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<T>,
    /// Why.
    pub reason: Reason,
}

/// As [`Decision`], for a field that may also go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Removable<T> {
    /// The value; absent: the field is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<T>,
    /// The last decision's value; absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<T>,
    /// Why.
    pub reason: Reason,
}

/// What values that stay and values that may go have in common.
pub(super) trait Decided {
    /// Why.
    fn reason(&self) -> &Reason;

    /// Whether the value is another than before.
    fn is_change(&self) -> bool;

    /// Whether both have one value, whatever the reason.
    fn agrees_with(&self, other: &Self) -> bool
    where
        Self: Sized;

    /// Why, to be said anew.
    fn reason_mut(&mut self) -> &mut Reason;

    /// Adds an input to the reason.
    fn explain(&mut self, input: &str, value: &str) {
        self.reason_mut().inputs.insert(input.to_owned(), value.to_owned());
    }

    /// Takes the value for the value before.
    fn settle(&mut self);

    /// Takes the value before for the value; false where there was none.
    fn undo(&mut self) -> bool;

    /// Whether somebody states the value: the policy, also by a limit that it can't pass, or its owner by raising it in the
    /// manifest.
    fn is_stated(&self) -> bool {
        [code::STATED, code::CAPPED_BY_LIMIT, code::OWNER_RAISED]
            .iter()
            .any(|code| self.reason().code == code.as_str())
    }
}

impl<T: Clone + PartialEq> Decided for Decision<T> {
    fn reason(&self) -> &Reason {
        &self.reason
    }

    fn is_change(&self) -> bool {
        self.before.as_ref() != Some(&self.value)
    }

    fn reason_mut(&mut self) -> &mut Reason {
        &mut self.reason
    }

    fn settle(&mut self) {
        self.before = Some(self.value.clone());
    }

    fn undo(&mut self) -> bool {
        let Some(before) = &self.before else { return false };
        self.value = before.clone();
        true
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Clone + PartialEq> Decided for Removable<T> {
    fn reason(&self) -> &Reason {
        &self.reason
    }

    fn is_change(&self) -> bool {
        self.before != self.value
    }

    fn reason_mut(&mut self) -> &mut Reason {
        &mut self.reason
    }

    fn settle(&mut self) {
        self.before.clone_from(&self.value);
    }

    fn undo(&mut self) -> bool {
        self.value.clone_from(&self.before);
        self.before.is_some()
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Requests and limits of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerPlan {
    /// Requests; an absent one stays as it is.
    #[serde(default, skip_serializing_if = "ResourcePlan::is_empty")]
    pub requests: ResourcePlan<Decision<Millicores>, Decision<Bytes>>,
    /// Limits; an absent one stays as it is.
    #[serde(default, skip_serializing_if = "ResourcePlan::is_empty")]
    pub limits: ResourcePlan<Removable<Millicores>, Removable<Bytes>>,
}

impl ContainerPlan {
    /// Every amount that is decided, by its name: `requests/cpu`.
    pub(super) fn amounts(&self) -> impl Iterator<Item = (Amount, &dyn Decided)> {
        fn some<D: Decided>(decided: Option<&D>) -> Option<&dyn Decided> {
            decided.map(|decided| decided as &dyn Decided)
        }
        let (requests, limits) = (&self.requests, &self.limits);
        let decided = |amount| match amount {
            Amount::Request(Resource::Cpu) => some(requests.cpu.as_ref()),
            Amount::Request(Resource::Memory) => some(requests.memory.as_ref()),
            Amount::Limit(Resource::Cpu) => some(limits.cpu.as_ref()),
            Amount::Limit(Resource::Memory) => some(limits.memory.as_ref()),
        };
        let all = Amount::ALL.into_iter();
        all.filter_map(move |amount| Some((amount, decided(amount)?)))
    }
}

/// One thing for CPU, one for memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcePlan<C, M> {
    /// CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<C>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<M>,
}

impl<C, M> Default for ResourcePlan<C, M> {
    fn default() -> Self {
        Self {
            cpu: None,
            memory: None,
        }
    }
}

impl<C, M> ResourcePlan<C, M> {
    /// Whether nothing is decided.
    pub fn is_empty(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none()
    }
}

/// Which scaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScalerKind {
    /// HorizontalPodAutoscaler.
    Hpa,
    /// KEDA ScaledObject.
    Keda,
}

impl ScalerKind {
    /// The kind of its object.
    pub fn object(self) -> &'static str {
        match self {
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::Keda => "ScaledObject",
        }
    }
}

/// A horizontal scaler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalerPlan {
    /// Which.
    pub kind: ScalerKind,
    /// Name of the object; an adopted one keeps its own.
    pub name: String,
    /// Whether it was there before: then only the fields named here are set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Lowest replicas.
    pub min_replicas: Decision<u32>,
    /// Highest replicas.
    pub max_replicas: Decision<u32>,
    /// CPU target: share of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<UtilizationPlan>,
    /// Memory target: share of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<UtilizationPlan>,
    /// Further metrics, by the policy's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricPlan>,
    /// KEDA triggers, by the policy's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, TriggerPlan>,
    /// How fast; absent: the API's defaults, or what an adopted object says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
    /// KEDA: time between polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<Seconds>,
    /// KEDA: time from the last activity to zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<Seconds>,
    /// KEDA: replicas while idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_replicas: Option<u32>,
    /// KEDA: what to do when a trigger fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Whether `spec.replicas` was in the profile's last day what this scaler wanted: handoff may end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_force: bool,
}

/// A utilization target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UtilizationPlan {
    /// Share of the request, in whole percents.
    pub target: Decision<Percent>,
    /// The one container it looks at (`ContainerResource`); absent: the pod's sum (`Resource`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// A metric that is not CPU or memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricPlan {
    /// Which kind of metric.
    #[serde(rename = "type")]
    pub kind: crate::policy::wire::MetricKind,
    /// Name in the metrics API.
    pub metric: String,
    /// Labels that select its series.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The object it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described_object: Option<DescribedObject>,
    /// Target per pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Decision<Quantity>>,
    /// Target of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decision<Quantity>>,
}

/// A KEDA trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TriggerPlan {
    /// KEDA's name of the scaler.
    #[serde(rename = "type")]
    pub kind: String,
    /// The complete metadata, threshold included.
    pub metadata: BTreeMap<String, String>,
    /// TriggerAuthentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
    /// How the value is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<MetricType>,
    /// Whether KEDA caches the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_cached_metrics: Option<bool>,
    /// Why.
    pub reason: Reason,
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisruptionPlan {
    /// Name of the object; an adopted one keeps its own.
    pub name: String,
    /// Whether it was there before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Pods that must stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_available: Option<Decision<IntOrPercent>>,
    /// Pods that may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Decision<IntOrPercent>>,
    /// Whether unhealthy pods never block an eviction (`unhealthyPodEvictionPolicy: AlwaysAllow`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always_allow_unhealthy: bool,
}

/// A topology spread constraint over the pods of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpreadPlan {
    /// Largest difference between two domains.
    pub max_skew: u32,
    /// What happens where it can't be kept.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Whether each revision is spread by itself (`matchLabelKeys: [pod-template-hash]`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_revision: bool,
    /// Whether nodes that the pod can't use are left out (`nodeTaintsPolicy: Honor`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub honor_taints: bool,
    /// Whether a hard constraint of the manifest gives way to this soft one: the policy states it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub softens: bool,
    /// Why.
    pub reason: Reason,
}

/// Whether pods go to interruptible nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpotPlacement {
    /// Never.
    Never,
    /// If there are any.
    Prefer,
    /// Only there.
    Require,
}

/// Placement on interruptible nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpotPlan {
    /// Whether pods go there.
    pub mode: SpotPlacement,
    /// Labels of spot nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of spot nodes, tolerated unless the mode is `never`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taints: BTreeMap<String, Taint>,
    /// Why.
    pub reason: Reason,
}

/// A VerticalPodAutoscaler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VpaPlan {
    /// Name of the object; an adopted one keeps its own.
    pub name: String,
    /// Whether it was there before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// `updateMode` that an adopted one had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_mode_before: Option<String>,
    /// `updateMode`.
    pub update_mode: UpdateMode,
    /// Resources it looks at.
    pub controlled: ControlledResources,
    /// Lowest values it may set.
    #[serde(default)]
    pub min_allowed: crate::policy::wire::Amounts,
    /// Highest values it may set.
    #[serde(default)]
    pub max_allowed: crate::policy::wire::Amounts,
    /// Why.
    pub reason: Reason,
}

/// `updateMode` of a VPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UpdateMode {
    /// It recommends.
    Off,
    /// It sets requests of new pods.
    Initial,
    /// It evicts pods to set requests.
    Recreate,
    /// It resizes in place, and evicts where that fails.
    InPlaceOrRecreate,
}

/// Resources a VPA looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ControlledResources {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Both.
    Both,
}
