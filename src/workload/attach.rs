//! What points at a workload: found by name or selector, or missed.

use std::collections::BTreeSet;

use super::model::{Budget, Missing, Workload, Workloads};
use super::pointers;
use super::references::{Meant, Neighbours, meant};
use crate::diag::{Diagnostic, code};
use crate::krm::{Object, ObjectId};

/// Hands an object to the workloads that it points at or selects.
pub(super) fn attach(
    (id, object): (&ObjectId, &Object),
    all: &Neighbours<'_>,
    workloads: &mut Workloads,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let namespace = all.default_namespace.of(id);
    if let Some((target, scaler)) = pointers::scaler(id, object) {
        match find((id, object), &target, all, workloads) {
            Some(workload) => workload.scalers.push(scaler),
            None => diagnostics.push(dangling((id, namespace), &target, workloads)),
        }
    } else if let Some((target, vpa)) = pointers::vpa(id, object) {
        match find((id, object), &target, all, workloads) {
            Some(workload) => workload.vpas.push(vpa),
            None => diagnostics.push(dangling((id, namespace), &target, workloads)),
        }
    } else if let Some((selector, budget)) = pointers::budget(id, object) {
        let selected = |key: &&String| {
            workloads.by_key.get(*key).is_some_and(|workload| {
                workload.id.group != "batch" && pointers::selects(&selector, &workload.pod_labels)
            })
        };
        let near = workloads.by_label.near(namespace, &object["spec"]["selector"]).iter();
        let hits: Vec<String> = near.filter(selected).cloned().collect();
        let is_shared = hits.len() > 1;
        for key in hits {
            if let Some(workload) = workloads.by_key.get_mut(&key) {
                workload.budgets.push(Budget {
                    is_shared,
                    ..budget.clone()
                });
            }
        }
    }
}

/// The workload that an object points at.
fn find<'a>(
    (id, object): (&ObjectId, &Object),
    (kind, name): &pointers::Target,
    all: &Neighbours<'_>,
    workloads: &'a mut Workloads,
) -> Option<&'a mut Workload> {
    let namespace = all.default_namespace.of(id);
    let meant = meant((id, object), (kind, name), all);
    let name_now = meant.name();
    let mut keys = [format!("{kind}/{name_now}"), format!("{kind}/{namespace}/{name_now}")];
    keys.sort();
    let is_it = |key: &String| {
        let workload = workloads.by_key.get(key);
        workload.is_some_and(|workload| workload.id.name == name_now && workload.namespace == namespace)
    };
    let key = keys.into_iter().find(is_it)?;
    let found = workloads.by_key.get_mut(&key)?;
    if matches!(meant, Meant::Perhaps(_)) {
        let missing = Missing {
            id: id.clone(),
            target: format!("{kind}/{name}"),
        };
        workloads.followed.push((found.key(), missing));
    }
    Some(found)
}

fn dangling((id, namespace): (&ObjectId, &str), target: &pointers::Target, workloads: &mut Workloads) -> Diagnostic {
    let (kind, name) = target;
    let missing = Missing {
        id: id.clone(),
        target: format!("{kind}/{name}"),
    };
    let Some(near) = near((id, namespace), target, workloads) else {
        return Diagnostic::note(code::UNKNOWN_TARGET, missing.words())
            .because("it may be defined elsewhere, so it is left alone");
    };
    near.missed_by.push(missing.clone());
    missed(&missing, &near.id)
}

/// The one workload that has the name behind a prefix or before a suffix that the object's own name has too: what a
/// `namePrefix` leaves behind where nothing tells kustomize of the reference.
fn near<'a>(
    (id, namespace): (&ObjectId, &str),
    (kind, name): &pointers::Target,
    workloads: &'a mut Workloads,
) -> Option<&'a mut Workload> {
    if name.is_empty() {
        return None;
    }
    let mut found = BTreeSet::new();
    // keys are sorted: those that begin alike stand together
    for form in [format!("{kind}/"), format!("{kind}/{namespace}/")] {
        for prefix in prefixes(&id.name) {
            let start = format!("{form}{prefix}{name}");
            let alike = workloads.by_key.range(start.clone()..);
            let alike = alike.take_while(|(key, _)| key.starts_with(&start));
            let is_near = |(key, workload): &(&String, &Workload)| {
                let suffix = &key[start.len()..];
                workload.namespace == namespace && !suffix.contains('/') && id.name.ends_with(suffix)
            };
            found.extend(alike.filter(is_near).map(|(key, _)| key.clone()));
        }
    }
    let only = found.pop_first()?;
    if !found.is_empty() {
        return None;
    }
    workloads.by_key.get_mut(&only)
}

/// Every beginning of a name, the empty one and the whole among them.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.map(|end| &name[..end])
}

/// A reference that lacks a prefix or suffix: nearly always a mistake, and nothing else says so.
pub(crate) fn missed(missing: &Missing, near: &ObjectId) -> Diagnostic {
    let headline = format!("{}; `{near}` is", missing.words());
    Diagnostic::warning(code::UNKNOWN_TARGET, headline)
        .of(near.to_string())
        .because("it does nothing as it stands; kustomize puts a prefix or suffix into the target of an HPA by itself, into others only if told")
        .help(format!(
            "name `{}` there, or list such references in a file under `configurations:` (`nameReference`)",
            near.name
        ))
}
