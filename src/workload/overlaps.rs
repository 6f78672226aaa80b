//! Workloads whose selector also selects pods of another one.
//!
//! A budget or scaler made for such a workload takes in the other's pods: a pod in two budgets can't be evicted, two HPAs
//! that share a pod both stop, and one HPA counts pods that it can't scale.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::Selector;

use super::model::{Workload, Workloads};
use super::pointers::selects;

/// Namespace, key and value of a pod label.
type Label<'a> = (&'a str, &'a str, &'a str);

/// Notes on every workload whose pods it selects beside its own, and who selects its own.
pub(super) fn mark(workloads: &mut Workloads) {
    for (from, to) in pairs(workloads) {
        if let Some(workload) = workloads.by_key.get_mut(&from) {
            workload.selects.push(to.clone());
        }
        if let Some(workload) = workloads.by_key.get_mut(&to) {
            workload.selected_by.push(from);
        }
    }
}

/// Each workload with each other one whose pods it selects, in the order of their keys.
fn pairs(workloads: &Workloads) -> Vec<(String, String)> {
    let owners: Vec<(&String, &Workload)> = workloads
        .by_key
        .iter()
        .filter(|(_, workload)| !workload.is_behind_rollout)
        .collect();
    // by label, so that not every pair is tried
    let mut by_label: BTreeMap<Label<'_>, Vec<(&String, &Workload)>> = BTreeMap::new();
    for (key, workload) in &owners {
        for (label, value) in &workload.pod_labels {
            by_label
                .entry((&workload.namespace, label, value))
                .or_default()
                .push((key, workload));
        }
    }
    let mut pairs = Vec::new();
    for (key, workload) in &owners {
        let Some(selector) = selector(workload) else { continue };
        let labels = workload
            .selector
            .get("matchLabels")
            .and_then(serde_json::Value::as_object);
        let having = labels.into_iter().flatten().filter_map(|(label, value)| {
            let label = (workload.namespace.as_str(), label.as_str(), value.as_str()?);
            Some(by_label.get(&label).map_or(&[][..], Vec::as_slice))
        });
        // of its labels the one that fewest have; without any, everything is looked at
        let near = having.min_by_key(|near| near.len()).unwrap_or(&owners);
        let shared = near.iter().filter(|(_, other)| {
            other.id != workload.id && other.namespace == workload.namespace && selects(&selector, &other.pod_labels)
        });
        pairs.extend(shared.map(|(other, _)| ((*key).clone(), (*other).clone())));
    }
    pairs
}

/// What a workload selects; `None` where it selects nothing by itself (a Job's is made by its controller).
fn selector(workload: &Workload) -> Option<Selector> {
    let written = workload.selector.as_object().filter(|selector| !selector.is_empty())?;
    let selector: LabelSelector = serde_json::from_value(serde_json::Value::Object(written.clone())).ok()?;
    Selector::try_from(selector).ok()
}
