//! Containers that the manifests have under another name than the accepted entry.
//!
//! Everything that is accepted and recorded of a container hangs on its name. Where exactly one that the entry knew is
//! gone and exactly one is new, it was renamed: what was accepted goes to the new name, and what history has under the old
//! one counts for it, until history knows the new name alone. Where that can't be told, nothing moves.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::codec;
use super::field::FieldName;
use super::model::{OptimizationPlan, ScalerPlan, WorkloadPlan};
use crate::facts::Facts;
use crate::workload::{Workload, Workloads};

/// Names of containers by their earlier ones.
type Renamed = BTreeMap<String, String>;

/// An accepted plan with the names that the containers have by now.
pub(super) fn carried(accepted: &OptimizationPlan, workloads: &Workloads) -> OptimizationPlan {
    let mut carried = accepted.clone();
    for (key, entry) in &mut carried.spec.workloads {
        let Some(workload) = workloads.by_key.get(key) else {
            continue;
        };
        let Moved::Renamed(old, new) = moved(entry, workload) else {
            continue;
        };
        // whether a person edited the entry is told by the old names
        let is_sealed = codec::is_sealed(key, entry);
        *entry = under_new_names(entry, &Renamed::from([(old, new)]));
        if is_sealed {
            entry.seal = codec::seal_of(key, entry);
        }
    }
    carried
}

/// Earlier names that still tell something: history has them, or nothing shows that it does not.
pub(super) fn in_use(accepted: Option<&WorkloadPlan>, workload: &Workload, seen: Option<&Facts>) -> Renamed {
    let is_in_use = |(old, new): &(&String, &String)| {
        let is_now = workload.container(old).is_none() && workload.container(new).is_some();
        is_now && seen.is_none_or(|facts| facts.containers.contains_key(*old))
    };
    let renamed = accepted.into_iter().flat_map(|entry| &entry.renamed).filter(is_in_use);
    renamed.map(|(old, new)| (old.clone(), new.clone())).collect()
}

/// What is said of containers that have a new name.
pub(super) fn said(renamed: &Renamed) -> Option<String> {
    let one = |(old, new): (&String, &String)| {
        format!("container `{new}` was `{old}`: what was accepted and recorded under the old name counts for it")
    };
    let all: Vec<String> = renamed.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Why nothing new can be decided: the container that does the work is gone, and which one took its place can't be told.
pub(super) fn unclear(entry: &WorkloadPlan, workload: &Workload) -> Option<String> {
    let Moved::Unclear(gone, new) = moved(entry, workload) else {
        return None;
    };
    let has_scaler = looks_at_one(entry.scaler.as_ref()).any(|name| gone.contains(name));
    let is_main = gone.contains(&entry.main_container);
    if !has_scaler && (!is_main || new.is_empty()) {
        return None;
    }
    let new = if new.is_empty() {
        "none".to_owned()
    } else {
        listed(&new)
    };
    Some(format!(
        "containers of the accepted plan that are gone: {}; new ones: {new}; which took whose place can't be told, so the \
         accepted decision stays as it is, and nothing of it goes to another container",
        listed(&gone)
    ))
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

enum Moved {
    /// Nothing, or nothing that is known.
    No,
    /// From, to.
    Renamed(String, String),
    /// Those that are gone, and those that are new.
    Unclear(Vec<String>, Vec<String>),
}

fn moved(entry: &WorkloadPlan, workload: &Workload) -> Moved {
    let Some(known) = known(entry) else { return Moved::No };
    let is_there = |name: &&String| workload.container(name).is_some();
    let gone: Vec<&String> = known.iter().filter(|name| !is_there(name)).collect();
    let containers = workload.containers.iter();
    let new: Vec<_> = containers
        .filter(|container| !known.contains(&container.name))
        .collect();
    match (gone.as_slice(), new.as_slice()) {
        ([], _) => Moved::No,
        // what does the work is no sidecar
        ([gone], [new]) if !new.is_sidecar || **gone != entry.main_container => {
            Moved::Renamed((*gone).clone(), new.name.clone())
        }
        _ => {
            let new = new.into_iter().map(|container| container.name.clone());
            Moved::Unclear(gone.into_iter().cloned().collect(), new.collect())
        }
    }
}

/// Every container that the entry saw in the manifests; `None` where it does not tell.
fn known(entry: &WorkloadPlan) -> Option<BTreeSet<String>> {
    let written = entry.written.as_ref()?;
    let of_fields = written.keys().filter_map(|key| {
        let field: FieldName = key.parse().ok()?;
        field.container().map(str::to_owned)
    });
    let mut known: BTreeSet<String> = of_fields.chain(entry.unwritten.iter().cloned()).collect();
    known.extend(entry.containers.keys().cloned());
    known.extend(Some(entry.main_container.clone()).filter(|main| !main.is_empty()));
    Some(known)
}

fn looks_at_one(scaler: Option<&ScalerPlan>) -> impl Iterator<Item = &String> {
    let targets = scaler.into_iter().flat_map(|scaler| [&scaler.cpu, &scaler.memory]);
    targets.flatten().filter_map(|target| target.container.as_ref())
}

/// An accepted entry with the names that a newer one has for its containers.
pub(crate) fn as_named_in<'a>(accepted: &'a WorkloadPlan, newer: &WorkloadPlan) -> Cow<'a, WorkloadPlan> {
    if newer.renamed.is_empty() {
        Cow::Borrowed(accepted)
    } else {
        Cow::Owned(under_new_names(accepted, &newer.renamed))
    }
}

/// An entry with other names of its containers.
fn under_new_names(entry: &WorkloadPlan, renamed: &Renamed) -> WorkloadPlan {
    fn keys<T: Clone>(map: &BTreeMap<String, T>, rename: impl Fn(&String) -> String) -> BTreeMap<String, T> {
        map.iter().map(|(key, value)| (rename(key), value.clone())).collect()
    }
    let name = |old: &String| renamed.get(old).unwrap_or(old).clone();
    let field = |key: &String| match key.parse::<FieldName>() {
        Ok(field) => field.renamed(name).key(),
        Err(_) => key.clone(),
    };
    let scaler = |scaler: &mut ScalerPlan| {
        for target in [&mut scaler.cpu, &mut scaler.memory].into_iter().flatten() {
            target.container = target.container.as_ref().map(name);
        }
    };
    let mut entry = entry.clone();
    entry.containers = keys(&entry.containers, name);
    entry.main_container = name(&entry.main_container);
    entry.scaler.iter_mut().for_each(scaler);
    for waiting in entry.waiting.values_mut() {
        waiting.containers = keys(&waiting.containers, name);
        waiting.scaler.iter_mut().for_each(scaler);
    }
    entry.written = entry.written.as_ref().map(|written| keys(written, field));
    entry.raised = keys(&entry.raised, field);
    entry.lowered = keys(&entry.lowered, field);
    entry.overwritten = keys(&entry.overwritten, field);
    entry.unwritten = entry.unwritten.iter().map(name).collect();
    for current in entry.renamed.values_mut() {
        *current = name(current);
    }
    entry.renamed.extend(renamed.clone());
    entry
}
