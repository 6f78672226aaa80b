//! `PodDisruptionBudget`.

use k8s_openapi::api::policy::v1::PodDisruptionBudgetSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::behavior::int32;
use super::object::{Existing, Rendered, because_rendered, id_beside, value_of};
use super::{Planned, Renderer};
use crate::diag::{Diagnostic, code};
use crate::krm::{Change, Edit, FieldPath};
use crate::plan::model::DisruptionPlan;
use crate::units::IntOrPercent;

/// How many pods may be evicted at once.
pub struct Pdb;

const PAGE: &str = "\
PodDisruptionBudget (`policy/v1`).

## What it does
Bounds how many pods a node drain may take at once. It selects by the workload's own selector, so that no pod is in two
budgets, and has `minAvailable` or `maxUnavailable`, never both. Pods that are not healthy do not hold a drain up.

## When it is emitted
When the plan has one. One that was there before keeps its name and its selector; one of `policy/v1beta1` moves to
`policy/v1`.

## Example
```yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: api
spec:
  maxUnavailable: 25%
  selector:
    matchLabels: {app: api}
  unhealthyPodEvictionPolicy: AlwaysAllow
```

## Fields we own
`spec.minAvailable` and `spec.maxUnavailable` together, `spec.unhealthyPodEvictionPolicy` where the plan names it; in an
object of ours everything.

## References
Kubernetes documentation, \"Specifying a Disruption Budget for your Application\".
";

const API_VERSION: &str = "policy/v1";
const KIND: &str = "PodDisruptionBudget";

impl Renderer for Pdb {
    fn id(&self) -> &'static str {
        "pdb"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some(plan) = &subject.plan.disruption else {
            return Vec::new();
        };
        let Some(selector) = selector(subject) else {
            return Vec::new();
        };
        // one of v1beta1 that is adopted moves: every cluster since 1.21 takes v1, none since 1.25 the old one
        let id = id_beside(subject, API_VERSION, KIND, &plan.name);
        let budgets = subject
            .workload
            .budgets
            .iter()
            .map(|budget| (&budget.id, budget.is_ours, &budget.spec));
        let existing = Existing::among(&id, budgets);
        let id = existing.id_or(id);
        let (kept, dropped) = bounds(plan);
        let mut edits = Rendered {
            id: id.clone(),
            existing,
            spec: spec(plan, selector),
            identity: &["selector"],
            decisions: kept.into_iter().collect(),
            reason: because_rendered(existing),
        }
        .edits();
        // with both fields the API refuses the object
        for field in dropped {
            if existing.foreign_spec().is_some_and(|spec| spec.get(field).is_some()) {
                let path = FieldPath::keys(["spec", field]);
                let reason = because_rendered(existing);
                edits.push(Edit {
                    id: id.clone(),
                    change: Change::Remove { path },
                    reason,
                });
            }
        }
        edits
    }

    fn refusals(&self, subject: &Planned<'_>) -> Vec<Diagnostic> {
        if subject.plan.disruption.is_none() || selector(subject).is_some() {
            return Vec::new();
        }
        let headline = "the workload selects no pods by labels, so no budget is rendered for it";
        vec![
            Diagnostic::warning(code::LEFT_ALONE, headline)
                .because("a budget with an empty selector would hold for every pod of the namespace"),
        ]
    }
}

/// The workload's own selector; `None` where it has none, or one that selects everything.
fn selector(subject: &Planned<'_>) -> Option<LabelSelector> {
    let selector = subject.workload.selector.as_object().filter(|map| !map.is_empty())?;
    let selector: LabelSelector = serde_json::from_value(Value::Object(selector.clone())).ok()?;
    let is_empty = selector
        .match_labels
        .as_ref()
        .is_none_or(std::collections::BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    (!is_empty).then_some(selector)
}

type Bound = (FieldPath, crate::krm::Reason);

/// The bound that is written with its reason, and the fields that may not stand beside it.
fn bounds(plan: &DisruptionPlan) -> (Option<Bound>, Vec<&'static str>) {
    match (&plan.min_available, &plan.max_unavailable) {
        (_, Some(max)) => (
            Some((FieldPath::keys(["maxUnavailable"]), max.reason.clone())),
            vec!["minAvailable"],
        ),
        (Some(min), None) => (
            Some((FieldPath::keys(["minAvailable"]), min.reason.clone())),
            vec!["maxUnavailable"],
        ),
        (None, None) => (None, vec![]),
    }
}

/// A plan that names both bounds means the one that can always be kept.
fn spec(plan: &DisruptionPlan, selector: LabelSelector) -> Value {
    let max_unavailable = plan
        .max_unavailable
        .as_ref()
        .map(|decision| int_or_string(decision.value));
    let min_available = plan
        .min_available
        .as_ref()
        .map(|decision| int_or_string(decision.value));
    value_of(PodDisruptionBudgetSpec {
        min_available: min_available.filter(|_| max_unavailable.is_none()),
        max_unavailable,
        selector: Some(selector),
        unhealthy_pod_eviction_policy: plan.always_allow_unhealthy.then(|| "AlwaysAllow".to_owned()),
    })
}

fn int_or_string(pods: IntOrPercent) -> IntOrString {
    match pods {
        IntOrPercent::Int(count) => IntOrString::Int(int32(u64::from(count))),
        IntOrPercent::Percent(_) => IntOrString::String(pods.to_string()),
    }
}
