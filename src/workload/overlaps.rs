//! Workloads whose selector also selects pods of another one.
//!
//! A budget or scaler made for such a workload takes in the other's pods: a pod in two budgets can't be evicted, two HPAs
//! that share a pod both stop, and one HPA counts pods that it can't scale.
//!
//! Many may select all of many, by one label that a tool puts on everything: equal selectors share one list.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::Selector;
use serde_json::Value;

use super::model::{Group, Workload, Workloads};
use super::pointers::selects;

/// Equal selectors: who has them, and whom they select.
struct Selecting {
    owners: Vec<String>,
    selected: Vec<String>,
}

/// Notes on every workload whose pods it selects beside its own, and who selects its own.
pub(super) fn mark(workloads: &mut Workloads) {
    let selectors = selectors(workloads);
    // by workload the selectors that select it
    let mut selecting: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (number, selector) in selectors.iter().enumerate() {
        for key in &selector.selected {
            selecting.entry(key).or_default().push(number);
        }
    }
    for selector in &selectors {
        let group: Group = selector.selected.iter().cloned().collect();
        for owner in &selector.owners {
            if let Some(workload) = workloads.by_key.get_mut(owner) {
                workload.selects = group.clone();
            }
        }
    }
    let mut groups: BTreeMap<Vec<usize>, Group> = BTreeMap::new();
    for (key, numbers) in selecting {
        let owners = |numbers: &[usize]| {
            let owners = numbers.iter().flat_map(|number| &selectors[*number].owners);
            owners.cloned().collect()
        };
        let group = groups.entry(numbers).or_insert_with_key(|numbers| owners(numbers));
        if let Some(workload) = workloads.by_key.get_mut(key) {
            workload.selected_by = group.clone();
        }
    }
}

/// Every selector with those who have it, in the order of their keys. A Job's is made by its controller.
fn selectors(workloads: &Workloads) -> Vec<Selecting> {
    let mut owners: BTreeMap<(&str, String), Vec<(&String, &Workload)>> = BTreeMap::new();
    for (key, workload) in &workloads.by_key {
        let is_empty = workload.selector.as_object().is_none_or(serde_json::Map::is_empty);
        if !is_empty && !workload.is_behind_rollout {
            let written = (workload.namespace.as_str(), workload.selector.to_string());
            owners.entry(written).or_default().push((key, workload));
        }
    }
    let selecting = |owners: Vec<(&String, &Workload)>| {
        let (_, first) = owners.first()?;
        let selector = parsed(&first.selector)?;
        let near = workloads.by_label.near(&first.namespace, &first.selector).iter();
        let is_selected = |key: &&String| {
            let workload = workloads.by_key.get(*key);
            workload.is_some_and(|workload| selects(&selector, &workload.pod_labels))
        };
        Some(Selecting {
            selected: near.filter(is_selected).cloned().collect(),
            owners: owners.into_iter().map(|(key, _)| key.clone()).collect(),
        })
    };
    owners.into_values().filter_map(selecting).collect()
}

fn parsed(selector: &Value) -> Option<Selector> {
    let selector: LabelSelector = serde_json::from_value(selector.clone()).ok()?;
    Selector::try_from(selector).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::workload::read;

    #[test]
    fn workloads_of_one_label_share_one_list() {
        let deployment = |name: &str, selector: &str| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {"selector": {"matchLabels": {selector: "x"}},
                    "template": {"metadata": {"labels": {"part": "x", name: "x"}}}}})
        };
        // a and b select by the label of all three, c by its own
        let objects = [("a", "part"), ("b", "part"), ("c", "c")].map(|(name, selector)| deployment(name, selector));
        let (workloads, _) = read(&objects);
        let [a, b, c] = ["Deployment/a", "Deployment/b", "Deployment/c"].map(|key| (key, &workloads.by_key[key]));
        let counts = |(key, workload): (&str, &crate::workload::Workload)| {
            (
                workload.selects.count_of_others(key),
                workload.selected_by.count_of_others(key),
            )
        };
        assert_eq!([a, b, c].map(counts), [(2, 1), (2, 1), (0, 2)]);
        assert_eq!(a.1.selects.address(), b.1.selects.address());
        assert_eq!(a.1.selected_by.address(), b.1.selected_by.address());
        assert!(c.1.selected_by.others(c.0).eq(["Deployment/a", "Deployment/b"]));
    }
}
