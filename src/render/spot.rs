//! Placement on interruptible nodes.

use serde_json::{Value, json};

use super::{Planned, Renderer};
use crate::diag::{Diagnostic, code};
use crate::krm::{Change, Edit, FieldPath};
use crate::plan::model::SpotPlacement;
use crate::plan::model::SpotPlan;
use crate::policy::wire::{Taint, TaintEffect};
use crate::workload::affinity::{Placement, Side};

/// Node affinity and tolerations for interruptible nodes.
pub struct Spot;

const PAGE: &str = "\
Node affinity and tolerations for interruptible (spot) nodes.

## What it does
`prefer` adds a preferred term of weight 100, `require` and `never` add an expression to every required term; taints of
such nodes are tolerated unless the mode is `never`. `never` is written `NotIn`, which also matches nodes without the
label. Affinity, tolerations and node selectors that are there stay.

## When it is emitted
When the plan has a placement and the pod spec does not already decide the question. A pod spec that decides it the other
way is left alone and reported: both together would match no node.

## Example
```yaml
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      preference:
        matchExpressions:
        - {key: karpenter.sh/capacity-type, operator: In, values: [spot]}
```

## Fields we own
The expressions and tolerations that name the spot nodes' labels and taints.

## References
Kubernetes documentation, \"Assigning Pods to Nodes\" and \"Taints and Tolerations\"; the provider's own pages for labels.
";

impl Renderer for Spot {
    fn id(&self) -> &'static str {
        "spot"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some(plan) = subject.plan.spot.as_ref().filter(|plan| !plan.labels.is_empty()) else {
            return Vec::new();
        };
        let placement = Placement {
            pod_spec: &subject.workload.pod_spec,
            labels: &plan.labels,
        };
        let decided = placement.side();
        let affinity = match (plan.mode, decided) {
            (SpotPlacement::Prefer, None) => placement.preferred().map(|terms| (PREFERRED, Value::from(terms))),
            (SpotPlacement::Require, None) => Some((REQUIRED, placement.required(Side::Spot).into())),
            (SpotPlacement::Never, None) => Some((REQUIRED, placement.required(Side::OnDemand).into())),
            (_, Some(_)) => None,
        };
        let affinity =
            affinity.map(|(keys, terms)| (keys.iter().fold(node_affinity(subject), |at, key| at.key(key)), terms));
        let is_tolerant = plan.mode != SpotPlacement::Never && decided != Some(Side::OnDemand);
        let tolerations = tolerations(&subject.workload.pod_spec, plan)
            .filter(|_| is_tolerant)
            .map(|list| (subject.pod_spec_path().key("tolerations"), Value::from(list)));
        let edit = |(path, value)| Edit {
            id: subject.workload.template_id.clone(),
            change: Change::Set { path, value },
            reason: plan.reason.clone(),
        };
        affinity.into_iter().chain(tolerations).map(edit).collect()
    }

    fn refusals(&self, subject: &Planned<'_>) -> Vec<Diagnostic> {
        let contradiction = subject.plan.spot.as_ref().filter(|plan| is_contradicted(subject, plan));
        contradiction.map(refusal).into_iter().collect()
    }
}

const PREFERRED: &[&str] = &["preferredDuringSchedulingIgnoredDuringExecution"];
const REQUIRED: &[&str] = &["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];

fn node_affinity(subject: &Planned<'_>) -> FieldPath {
    subject.pod_spec_path().key("affinity").key("nodeAffinity")
}

fn is_contradicted(subject: &Planned<'_>, plan: &SpotPlan) -> bool {
    if plan.labels.is_empty() {
        return false;
    }
    let decided = Placement {
        pod_spec: &subject.workload.pod_spec,
        labels: &plan.labels,
    }
    .side();
    matches!(
        (plan.mode, decided),
        (SpotPlacement::Require, Some(Side::OnDemand)) | (SpotPlacement::Never, Some(Side::Spot))
    )
}

fn refusal(plan: &SpotPlan) -> Diagnostic {
    let (wanted, written) = match plan.mode {
        SpotPlacement::Never => ("never on interruptible nodes", "only there"),
        SpotPlacement::Require | SpotPlacement::Prefer => ("on interruptible nodes", "only elsewhere"),
    };
    Diagnostic::warning(
        code::LEFT_ALONE,
        format!("the plan places the pods {wanted}, their node selector or affinity {written}"),
    )
    .because("both together would match no node, so the placement in the manifest stays")
    .help("take the node selector or the required node affinity out of the manifest, or state `spot.mode` to fit it")
}

/// The tolerations with those of the taints that are not tolerated yet; `None` where all are.
fn tolerations(pod_spec: &Value, plan: &SpotPlan) -> Option<Vec<Value>> {
    let theirs = pod_spec
        .get("tolerations")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let missing: Vec<Value> = plan
        .taints
        .iter()
        .filter(|(key, taint)| !theirs.iter().any(|toleration| tolerates(toleration, key, taint)))
        .map(|(key, taint)| toleration(key, taint))
        .collect();
    (!missing.is_empty()).then(|| theirs.into_iter().chain(missing).collect())
}

fn toleration(key: &str, taint: &Taint) -> Value {
    if taint.value.is_empty() {
        return json!({"key": key, "operator": "Exists", "effect": effect(taint)});
    }
    json!({"key": key, "operator": "Equal", "value": taint.value, "effect": effect(taint)})
}

fn effect(taint: &Taint) -> &'static str {
    match taint.effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    }
}

/// As the scheduler sees it: an absent key, value or effect stands for all of them.
fn tolerates(toleration: &Value, key: &str, taint: &Taint) -> bool {
    let text = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
    let is_key = text("key") == key || (text("key").is_empty() && text("operator") == "Exists");
    let is_effect = text("effect").is_empty() || text("effect") == effect(taint);
    // a limited time on the node is not a place to run
    let is_lasting = toleration.get("tolerationSeconds").is_none();
    is_key && is_effect && is_lasting && (text("operator") == "Exists" || text("value") == taint.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taint_is_tolerated_as_the_scheduler_reads_it() {
        let taint = Taint {
            value: "spot".to_owned(),
            effect: TaintEffect::NoSchedule,
        };
        for (toleration, expected) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "k", "operator": "Exists"}), true),
            (json!({"key": "k", "value": "spot"}), true),
            (
                json!({"key": "k", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}),
                true,
            ),
            (json!({"key": "k", "value": "spot", "effect": "NoExecute"}), false),
            (json!({"key": "k", "value": "other"}), false),
            (json!({"key": "other", "operator": "Exists"}), false),
            (
                json!({"key": "k", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 60}),
                false,
            ),
        ] {
            assert_eq!(tolerates(&toleration, "k", &taint), expected, "{toleration}");
        }
    }
}
