//! Topology spread constraints of the pod template.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::behavior::int32;
use super::object::{combined, merge_list, value_of};
use super::{Planned, Renderer};
use crate::krm::{Change, Edit, Reason};
use crate::plan::model::SpreadPlan;
use crate::policy::wire::WhenUnsatisfiable;

/// Pods over zones and nodes.
pub struct TopologySpread;

const PAGE: &str = "\
Topology spread constraints of the pod template.

## What it does
Keeps pods apart over zones or nodes. The constraint counts the pods of the workload's own selector; with rolling updates
each revision is counted for itself, and nodes that the pod can't use are left out, where the version has these fields.

## When it is emitted
When the plan names topology keys. Constraints on other keys stay as they are.

## Example
```yaml
topologySpreadConstraints:
- topologyKey: topology.kubernetes.io/zone
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {app: api}
  matchLabelKeys: [pod-template-hash]
  nodeTaintsPolicy: Honor
```

## Fields we own
The constraints on the plan's topology keys.

## References
Kubernetes documentation, \"Pod Topology Spread Constraints\".
";

impl Renderer for TopologySpread {
    fn id(&self) -> &'static str {
        "topology-spread"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let spread = &subject.plan.spread;
        let Some(selector) = selector(subject).filter(|_| !spread.is_empty()) else {
            return Vec::new();
        };
        let ours = spread
            .iter()
            .map(|(key, plan)| value_of(constraint(subject, key, plan, &selector)))
            .collect();
        let none = Vec::new();
        let theirs = subject
            .workload
            .pod_spec
            .get("topologySpreadConstraints")
            .and_then(Value::as_array);
        let theirs = theirs.unwrap_or(&none);
        // a key that the manifest names twice is the plan's once
        let mut merged = merge_list(theirs, ours, |a, b| a["topologyKey"] == b["topologyKey"]);
        let mut seen = std::collections::BTreeSet::new();
        merged.retain(|item| {
            let key = item["topologyKey"].as_str().unwrap_or_default();
            !spread.contains_key(key) || seen.insert(key.to_owned())
        });
        if merged == *theirs {
            return Vec::new();
        }
        let reasons: Vec<(&str, &Reason)> = spread.iter().map(|(key, plan)| (key.as_str(), &plan.reason)).collect();
        vec![Edit {
            id: subject.workload.template_id.clone(),
            change: Change::Set {
                path: subject.pod_spec_path().key("topologySpreadConstraints"),
                value: merged.into(),
            },
            reason: combined(&reasons),
        }]
    }
}

/// The workload's own selector, else its pods' labels (a Job has no selector of its own).
fn selector(subject: &Planned<'_>) -> Option<LabelSelector> {
    if subject.workload.selector.is_object() {
        return serde_json::from_value(subject.workload.selector.clone()).ok();
    }
    let labels: BTreeMap<String, String> = subject.workload.pod_labels.clone();
    (!labels.is_empty()).then(|| LabelSelector {
        match_labels: Some(labels),
        ..LabelSelector::default()
    })
}

fn constraint(
    subject: &Planned<'_>,
    key: &str,
    plan: &SpreadPlan,
    selector: &LabelSelector,
) -> TopologySpreadConstraint {
    let revision = revision_label(&subject.workload.id.kind).filter(|_| plan.per_revision);
    TopologySpreadConstraint {
        topology_key: key.to_owned(),
        max_skew: int32(u64::from(plan.max_skew)),
        when_unsatisfiable: match plan.when_unsatisfiable {
            WhenUnsatisfiable::DoNotSchedule => "DoNotSchedule",
            WhenUnsatisfiable::ScheduleAnyway => "ScheduleAnyway",
        }
        .to_owned(),
        label_selector: Some(selector.clone()),
        match_label_keys: revision.map(|label| vec![label.to_owned()]),
        node_taints_policy: plan.honor_taints.then(|| "Honor".to_owned()),
        ..TopologySpreadConstraint::default()
    }
}

/// The label by which a kind tells the pods of one revision apart. A StatefulSet has one too, but replaces its pods one
/// by one at their places, so counting revisions apart would only loosen the spread.
fn revision_label(kind: &str) -> Option<&'static str> {
    match kind {
        "Deployment" => Some("pod-template-hash"),
        "Rollout" => Some("rollouts-pod-template-hash"),
        _ => None,
    }
}
