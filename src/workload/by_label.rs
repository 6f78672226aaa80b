//! Workloads by the labels of their pods, so that not every selector is held against every workload.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::Workloads;

/// Namespace, key and value of a pod label.
type Label = (String, String, String);

/// Keys of the workloads that own their pods, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct ByLabel {
    in_namespace: BTreeMap<String, Vec<String>>,
    having: BTreeMap<Label, Vec<String>>,
}

impl ByLabel {
    pub(super) fn of(workloads: &Workloads) -> Self {
        let mut index = Self::default();
        for (key, workload) in &workloads.by_key {
            if workload.is_behind_rollout {
                continue;
            }
            let namespace = &workload.namespace;
            let here = index.in_namespace.entry(namespace.clone()).or_default();
            here.push(key.clone());
            for (label, value) in &workload.pod_labels {
                let label = (namespace.clone(), label.clone(), value.clone());
                index.having.entry(label).or_default().push(key.clone());
            }
        }
        index
    }

    /// All that a selector may select in a namespace: of its labels the one that fewest have decides; without any,
    /// everything may be selected.
    pub(super) fn near(&self, namespace: &str, selector: &Value) -> &[String] {
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let having = labels.into_iter().flatten().filter_map(|(label, value)| {
            let label = (namespace.to_owned(), label.clone(), value.as_str()?.to_owned());
            Some(self.having.get(&label))
        });
        let everything = || self.in_namespace.get(namespace);
        let fewest = having.min_by_key(|near| near.map_or(0, Vec::len));
        fewest.unwrap_or_else(everything).map_or(&[], Vec::as_slice)
    }
}
