//! Everything that a plan decides for one workload, as named values in words.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words;
use crate::api::keda_v1alpha1::scaled_object_name;
use crate::diff::hide_secrets;
use crate::krm::Reason;
use crate::plan::model::{
    ContainerPlan, Decision, DisruptionPlan, Removable, ScalerKind, ScalerPlan, SpotPlan, SpreadPlan, TriggerPlan,
    VpaPlan, Waiting, WorkloadPlan,
};

/// One decided value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decided {
    /// What it is: `cpu request api`.
    pub field: String,
    /// Its value before, where the plan says so.
    pub before: Option<String>,
    /// The value; absent: the field goes.
    pub value: Option<String>,
    /// Why.
    pub reason: Reason,
    /// Whether it belongs to an object of ours, which goes with it.
    pub is_of_object: bool,
    /// Whether it is written into the pod template, so that a change replaces pods.
    pub is_of_template: bool,
}

/// All values of a workload, in the order they are shown.
pub(super) fn of(plan: &WorkloadPlan) -> Vec<Decided> {
    let mut values = Values::default();
    for (name, container) in &plan.containers {
        values.template(|template| template.container(name, container));
    }
    if let Some(replicas) = &plan.replicas {
        values.replicas(replicas, plan.scaler.as_ref());
    }
    if let Some(scaler) = &plan.scaler {
        values.scaler(scaler);
    }
    if let Some(budget) = &plan.disruption {
        values.disruption(budget);
    }
    values.template(|template| template.placement(plan));
    if let Some(vpa) = &plan.vpa {
        let before = vpa.update_mode_before.as_ref().map(|mode| format!("updateMode {mode}"));
        values.push(format!("VPA {}", vpa.name), before, Some(vpa_words(vpa)), &vpa.reason);
        if !vpa.adopted {
            values.of_object("VPA ");
        }
    }
    values.template(|template| {
        template.decision("termination grace period", plan.grace_period.as_ref());
        template.decision("preStop sleep", plan.pre_stop_sleep.as_ref());
    });
    let removed = &plan.removed;
    values.removed("horizontal scaler", removed.scaler.as_ref());
    values.removed("PodDisruptionBudget", removed.disruption.as_ref());
    values.removed("VerticalPodAutoscaler", removed.vpa.as_ref());
    values.0
}

/// All values that wait.
pub(super) fn of_waiting(waiting: &Waiting) -> Vec<Decided> {
    of(&WorkloadPlan {
        containers: waiting.containers.clone(),
        spread: waiting.spread.clone(),
        spot: waiting.spot.clone(),
        grace_period: waiting.grace_period.clone(),
        pre_stop_sleep: waiting.pre_stop_sleep.clone(),
        scaler: waiting.scaler.clone(),
        ..WorkloadPlan::default()
    })
}

#[derive(Default)]
struct Values(Vec<Decided>);

impl Values {
    fn push(&mut self, field: String, before: Option<String>, value: Option<String>, reason: &Reason) {
        self.0.push(Decided {
            field,
            before,
            value,
            reason: reason.clone(),
            is_of_object: false,
            is_of_template: false,
        });
    }

    /// Values of the pod template.
    fn template(&mut self, add: impl FnOnce(&mut Self)) {
        let others = self.0.len();
        add(self);
        self.0
            .iter_mut()
            .skip(others)
            .for_each(|value| value.is_of_template = true);
    }

    fn placement(&mut self, plan: &WorkloadPlan) {
        for (topology, spread) in &plan.spread {
            self.add(format!("spread {topology}"), spread_words(spread), &spread.reason);
        }
        if let Some(spot) = &plan.spot {
            self.add("spot".to_owned(), spot_words(spot), &spot.reason);
        }
    }

    /// A value of which the plan does not say what it was before.
    fn add(&mut self, field: String, value: String, reason: &Reason) {
        self.push(field, None, Some(value), reason);
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
            let (before, value) = (text(&removable.before), text(&removable.value));
            self.push(field.to_owned(), before, value, &removable.reason);
        }
    }

    /// An object of ours that the policy takes away.
    fn removed(&mut self, kind: &str, reason: Option<&Reason>) {
        if let Some(reason) = reason {
            self.push(kind.to_owned(), Some("made by trimtab".to_owned()), None, reason);
        }
    }

    fn of_object(&mut self, prefix: &str) {
        for value in self.0.iter_mut().filter(|value| value.field.starts_with(prefix)) {
            value.is_of_object = true;
        }
    }

    fn container(&mut self, name: &str, container: &ContainerPlan) {
        self.decision(&format!("cpu request {name}"), container.requests.cpu.as_ref());
        self.decision(&format!("memory request {name}"), container.requests.memory.as_ref());
        self.removable(&format!("cpu limit {name}"), container.limits.cpu.as_ref());
        self.removable(&format!("memory limit {name}"), container.limits.memory.as_ref());
    }

    fn replicas(&mut self, replicas: &Removable<u32>, scaler: Option<&ScalerPlan>) {
        let owner = || {
            let scaler = scaler?;
            Some(format!("(owned by {} {})", kind_of(scaler), object_name(scaler)))
        };
        let value = replicas.value.map(|count| count.to_string()).or_else(owner);
        let before = replicas.before.map(|count| count.to_string());
        self.push("replicas".to_owned(), before, value, &replicas.reason);
    }

    fn scaler(&mut self, scaler: &ScalerPlan) {
        let kind = kind_of(scaler);
        let name = object_name(scaler);
        if name != scaler.name {
            // what people will see in the cluster, and not find under the workload's name
            let seen = format!("{name}, its HPA keda-hpa-{name}");
            self.add(format!("{kind} name"), seen, &scaler.min_replicas.reason);
        }
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
        for (name, trigger) in &scaler.triggers {
            self.add(
                format!("{kind} trigger {name}"),
                trigger_words(trigger),
                &trigger.reason,
            );
        }
        if !scaler.adopted {
            self.of_object(kind);
        }
    }

    fn disruption(&mut self, budget: &DisruptionPlan) {
        self.decision("PDB minAvailable", budget.min_available.as_ref());
        self.decision("PDB maxUnavailable", budget.max_unavailable.as_ref());
        if !budget.adopted {
            self.of_object("PDB ");
        }
    }
}

fn kind_of(scaler: &ScalerPlan) -> &'static str {
    match scaler.kind {
        ScalerKind::Hpa => "HPA",
        ScalerKind::Keda => "ScaledObject",
    }
}

/// The name of the scaler's object: KEDA can't use every name of a workload.
fn object_name(scaler: &ScalerPlan) -> String {
    if scaler.kind == ScalerKind::Keda && !scaler.adopted {
        scaled_object_name(&scaler.name)
    } else {
        scaler.name.clone()
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
