//! The table of a plan: per workload what changes, from what to what, and why; refusals and findings below.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::diff::hide_secrets;
use crate::krm::Reason;
use crate::plan::model::{
    ContainerPlan, Decision, DisruptionPlan, OptimizationPlan, Removable, ScalerKind, ScalerPlan, SpotPlan, SpreadPlan,
    Status, TriggerPlan, VpaPlan, WorkloadPlan,
};
use crate::policy::wire::Mode;

use super::words;

/// The plans of some environments as a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanTable {
    /// Environments in the order they are shown.
    pub environments: Vec<PlanEnvironment>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanEnvironment {
    /// Its name.
    pub name: String,
    /// Its workloads, by key.
    pub rows: Vec<PlanRow>,
}

/// One workload.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// `Deployment/shop/api`.
    pub workload: String,
    /// Its class.
    pub class: Option<String>,
    /// Whether it is rendered.
    pub mode: Mode,
    /// How the decision came about.
    pub status: Status,
    /// Values that change.
    pub changes: Vec<PlanChange>,
    /// How many decided values stay as they are.
    pub unchanged: usize,
    /// Refusals and findings.
    pub remarks: Vec<Remark>,
}

/// One value that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanChange {
    /// What it is: `cpu request api`.
    pub field: String,
    /// Its value before; absent: there was none.
    pub before: Option<String>,
    /// Its value after; absent: the field goes.
    pub after: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// A refusal or finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Its registered code.
    pub code: String,
    /// What was seen.
    pub detail: String,
    /// The name of the policy's `accept` entry that accepts it.
    pub accepted: Option<String>,
}

impl Remark {
    pub(super) fn text(&self) -> String {
        let accepted = self.accepted.as_ref().map(|by| format!(" (accepted: {by})"));
        format!("{}: {}{}", self.code, self.detail, accepted.unwrap_or_default())
    }
}

impl PlanTable {
    /// Plans, each with the accepted plan it follows, if there is one: it tells what is new where a decision does not.
    pub fn of<'a>(plans: impl IntoIterator<Item = (&'a OptimizationPlan, Option<&'a OptimizationPlan>)>) -> Self {
        let environments = plans.into_iter().map(|(plan, accepted)| {
            let rows = plan.spec.workloads.iter().map(|(key, workload)| {
                let accepted = accepted.and_then(|accepted| accepted.spec.workloads.get(key));
                PlanRow::of(key, workload, accepted)
            });
            PlanEnvironment {
                name: plan.spec.environment.clone(),
                rows: rows.collect(),
            }
        });
        Self {
            environments: environments.collect(),
        }
    }
}

impl PlanEnvironment {
    pub(super) fn totals(&self) -> String {
        let count = |is: &dyn Fn(&PlanRow) -> bool| self.rows.iter().filter(|row| is(row)).count();
        let changed = count(&|row| !row.changes.is_empty());
        let (kept, refused) = (
            count(&|row| row.status == Status::Kept),
            count(&|row| row.status == Status::Refused),
        );
        let workloads = words::count(self.rows.len(), "workload");
        format!("{workloads}: {changed} change, {kept} kept, {refused} refused")
    }
}

impl PlanRow {
    fn of(key: &str, plan: &WorkloadPlan, accepted: Option<&WorkloadPlan>) -> Self {
        let mut fields = Fields::default();
        for (name, container) in &plan.containers {
            fields.container(name, container);
        }
        if let Some(replicas) = &plan.replicas {
            let after = replicas.value.map(|count| count.to_string()).or_else(|| {
                let scaler = plan.scaler.as_ref()?;
                Some(format!("(owned by {} {})", kind_of(scaler), scaler.name))
            });
            let before = replicas.before.map(|count| count.to_string());
            fields.push("replicas".to_owned(), before, after, &replicas.reason);
        }
        if let Some(scaler) = &plan.scaler {
            fields.scaler(scaler, accepted.and_then(|accepted| accepted.scaler.as_ref()));
        }
        if let Some(budget) = &plan.disruption {
            fields.disruption(budget);
        }
        for (topology, spread) in &plan.spread {
            let before = accepted
                .and_then(|accepted| accepted.spread.get(topology))
                .map(spread_words);
            fields.push(
                format!("spread {topology}"),
                before,
                Some(spread_words(spread)),
                &spread.reason,
            );
        }
        if let Some(spot) = &plan.spot {
            let before = accepted.and_then(|accepted| accepted.spot.as_ref()).map(spot_words);
            fields.push("spot".to_owned(), before, Some(spot_words(spot)), &spot.reason);
        }
        if let Some(vpa) = &plan.vpa {
            let before = accepted.and_then(|accepted| accepted.vpa.as_ref()).map(vpa_words);
            fields.push(format!("VPA {}", vpa.name), before, Some(vpa_words(vpa)), &vpa.reason);
        }
        fields.decision("termination grace period", plan.grace_period.as_ref());
        fields.decision("preStop sleep", plan.pre_stop_sleep.as_ref());
        let remarks = plan.findings.iter().map(|(code, finding)| Remark {
            code: code.clone(),
            detail: finding.detail.clone(),
            accepted: finding.accepted.clone(),
        });
        Self {
            workload: key.to_owned(),
            class: plan.class.clone(),
            mode: plan.mode,
            status: plan.status,
            changes: fields.changes,
            unchanged: fields.unchanged,
            remarks: remarks.collect(),
        }
    }

    /// Whether there is more to say than that nothing changes.
    pub(super) fn is_worth_showing(&self) -> bool {
        !self.changes.is_empty() || !self.remarks.is_empty() || self.status != Status::Planned
    }

    /// The status in words, where it is not the usual one.
    pub(super) fn status_words(&self) -> Option<&'static str> {
        match self.status {
            Status::Planned => None,
            Status::Kept => Some("accepted decision kept"),
            Status::Refused => Some("refused: nothing is rendered"),
        }
    }

    /// Class, mode and status in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let mode = match self.mode {
            Mode::Observe => Some("observe: not rendered".to_owned()),
            Mode::Frozen => Some("frozen".to_owned()),
            Mode::Enforce => None,
        };
        let status = self.status_words().map(str::to_owned);
        let same = (self.unchanged > 0).then(|| format!("{} unchanged", words::count(self.unchanged, "value")));
        [self.class.clone(), mode, status, same].into_iter().flatten().collect()
    }
}

fn kind_of(scaler: &ScalerPlan) -> &'static str {
    match scaler.kind {
        ScalerKind::Hpa => "HPA",
        ScalerKind::Keda => "ScaledObject",
    }
}

#[derive(Default)]
struct Fields {
    changes: Vec<PlanChange>,
    unchanged: usize,
}

impl Fields {
    fn push(&mut self, field: String, before: Option<String>, after: Option<String>, reason: &Reason) {
        if before == after {
            self.unchanged += 1;
            return;
        }
        self.changes.push(PlanChange {
            field,
            before,
            after,
            reason: reason.clone(),
        });
    }

    fn decision<T: ToString>(&mut self, field: &str, decision: Option<&Decision<T>>) {
        if let Some(decision) = decision {
            let before = decision.before.as_ref().map(T::to_string);
            self.push(
                field.to_owned(),
                before,
                Some(decision.value.to_string()),
                &decision.reason,
            );
        }
    }

    fn removable<T: ToString>(&mut self, field: &str, removable: Option<&Removable<T>>) {
        if let Some(removable) = removable {
            let text = |value: &Option<T>| value.as_ref().map(T::to_string);
            let (before, after) = (text(&removable.before), text(&removable.value));
            self.push(field.to_owned(), before, after, &removable.reason);
        }
    }

    fn container(&mut self, name: &str, container: &ContainerPlan) {
        self.decision(&format!("cpu request {name}"), container.requests.cpu.as_ref());
        self.decision(&format!("memory request {name}"), container.requests.memory.as_ref());
        self.removable(&format!("cpu limit {name}"), container.limits.cpu.as_ref());
        self.removable(&format!("memory limit {name}"), container.limits.memory.as_ref());
    }

    fn scaler(&mut self, scaler: &ScalerPlan, accepted: Option<&ScalerPlan>) {
        let kind = kind_of(scaler);
        self.decision(&format!("{kind} min replicas"), Some(&scaler.min_replicas));
        self.decision(&format!("{kind} max replicas"), Some(&scaler.max_replicas));
        for (resource, target) in [("cpu", &scaler.cpu), ("memory", &scaler.memory)] {
            if let Some(target) = target {
                let of = target
                    .container
                    .as_ref()
                    .map(|name| format!(" of {name}"))
                    .unwrap_or_default();
                self.decision(&format!("{kind} {resource} target{of}"), Some(&target.target));
            }
        }
        for (name, metric) in &scaler.metrics {
            let field = format!("{kind} metric {name} ({})", metric.metric);
            self.decision(&format!("{field} per pod"), metric.average_value.as_ref());
            self.decision(&field, metric.value.as_ref());
        }
        let accepted = accepted.map(|accepted| &accepted.triggers);
        for (name, trigger) in &scaler.triggers {
            let before = accepted.and_then(|accepted| accepted.get(name)).map(trigger_words);
            let field = format!("{kind} trigger {name}");
            self.push(field, before, Some(trigger_words(trigger)), &trigger.reason);
        }
    }

    fn disruption(&mut self, budget: &DisruptionPlan) {
        self.decision("PDB minAvailable", budget.min_available.as_ref());
        self.decision("PDB maxUnavailable", budget.max_unavailable.as_ref());
    }
}

/// `rabbitmq mode QueueLength, value 20`, connection strings hidden.
fn trigger_words(trigger: &TriggerPlan) -> String {
    let metadata: BTreeMap<String, Value> = trigger
        .metadata
        .iter()
        .map(|(key, text)| (key.clone(), json!(text)))
        .collect();
    let shown = hide_secrets(&json!({"metadata": metadata}));
    let fields = shown.get("metadata").and_then(Value::as_object);
    let fields: Vec<String> = fields
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key} {}", words::value(value)))
        .collect();
    format!("{} {}", trigger.kind, fields.join(", ")).trim_end().to_owned()
}

fn spread_words(spread: &SpreadPlan) -> String {
    format!("maxSkew {}, {:?}", spread.max_skew, spread.when_unsatisfiable)
}

fn spot_words(spot: &SpotPlan) -> String {
    let labels: Vec<String> = spot
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mode = format!("{:?}", spot.mode).to_lowercase();
    if labels.is_empty() {
        return mode;
    }
    format!("{mode} {}", labels.join(", "))
}

fn vpa_words(vpa: &VpaPlan) -> String {
    format!("updateMode {:?}", vpa.update_mode)
}
