//! The manifest's own values, noted on the workload where no plan is committed.
//!
//! Planning on the fly over its own output would take a second step from the first one's result. So what a field was
//! and what it was set to are kept in an annotation of the workload (never of its pods): where a field still has the
//! value it was set to, the noted one counts; where a person changed it, theirs does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::{Amount, FieldName, Resource};
use super::model::{OptimizationPlan, WorkloadPlan};
use crate::krm::{Change, Edit, FieldPath, Reason};
use crate::workload::{Container, Workload, Workloads};

/// The annotation.
pub const ANNOTATION: &str = "trimtab.dev/baseline";

/// Field to what it was and what it was set to; `null` for absent.
type Notes = BTreeMap<String, (Option<String>, Option<String>)>;

/// The edits that note what a plan changes.
pub fn note(plan: &OptimizationPlan, workloads: &Workloads) -> Vec<Edit> {
    let edit = |(key, plan): (&String, &WorkloadPlan)| {
        let workload = workloads.by_key.get(key).filter(|_| plan.is_rendered())?;
        if workloads.is_repeated(workload) {
            return None;
        }
        let notes = notes(plan, workload);
        if notes.is_empty() {
            return None;
        }
        let text = serde_json::to_string(&notes).expect("broken invariant: texts can be written");
        Some(Edit {
            id: workload.id.clone(),
            change: Change::Set {
                path: FieldPath::keys(["metadata", "annotations", ANNOTATION]),
                value: Value::String(text),
            },
            reason: Reason {
                code: crate::diag::code::KEPT.to_string(),
                inputs: BTreeMap::new(),
            },
        })
    };
    plan.spec.workloads.iter().filter_map(edit).collect()
}

fn notes(plan: &WorkloadPlan, workload: &Workload) -> Notes {
    let mut notes = Notes::new();
    let mut add = |field: FieldName, was: Option<String>, set: Option<String>| {
        if was != set {
            notes.insert(field.key(), (was, set));
        }
    };
    for (name, decided) in &plan.containers {
        let Some(container) = workload.container(name) else {
            continue;
        };
        let Container {
            cpu_request,
            memory_request,
            cpu_limit,
            memory_limit,
            ..
        } = container;
        if let Some(d) = &decided.requests.cpu {
            add(
                Amount::Request(Resource::Cpu).of(name),
                text(*cpu_request),
                text(Some(d.value)),
            );
        }
        if let Some(d) = &decided.requests.memory {
            add(
                Amount::Request(Resource::Memory).of(name),
                text(*memory_request),
                text(Some(d.value)),
            );
        }
        if let Some(d) = &decided.limits.cpu {
            add(Amount::Limit(Resource::Cpu).of(name), text(*cpu_limit), text(d.value));
        }
        if let Some(d) = &decided.limits.memory {
            add(
                Amount::Limit(Resource::Memory).of(name),
                text(*memory_limit),
                text(d.value),
            );
        }
    }
    if let Some(replicas) = &plan.replicas {
        add(FieldName::Replicas, text(workload.replicas), text(replicas.value));
    }
    notes
}

fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Puts the noted values back into the model, where the fields still are what they were set to.
pub fn restore(workloads: &mut Workloads) {
    for workload in workloads.by_key.values_mut() {
        let Some(notes) = workload.annotations.get(ANNOTATION) else {
            continue;
        };
        let Ok(notes) = serde_json::from_str::<Notes>(notes) else {
            continue;
        };
        for container in &mut workload.containers {
            let Container {
                name,
                cpu_request,
                memory_request,
                cpu_limit,
                memory_limit,
                ..
            } = container;
            put_back(cpu_request, notes.get(&Amount::Request(Resource::Cpu).of(name).key()));
            put_back(
                memory_request,
                notes.get(&Amount::Request(Resource::Memory).of(name).key()),
            );
            put_back(cpu_limit, notes.get(&Amount::Limit(Resource::Cpu).of(name).key()));
            put_back(memory_limit, notes.get(&Amount::Limit(Resource::Memory).of(name).key()));
        }
        put_back(&mut workload.replicas, notes.get(&FieldName::Replicas.key()));
    }
}

fn put_back<T: std::str::FromStr + ToString>(value: &mut Option<T>, note: Option<&(Option<String>, Option<String>)>) {
    let Some((was, set)) = note else { return };
    if value.as_ref().map(ToString::to_string) == *set {
        *value = was.as_ref().and_then(|was| was.parse().ok());
    }
}
