//! `spec.replicas`.

use super::{Planned, Renderer};
use crate::krm::{Change, Edit, FieldPath};

/// The replica count in the manifest.
pub struct Replicas;

const PAGE: &str = "\
`spec.replicas` of the workload.

## What it does
Sets the count, or removes it once a scaler has it in hand: a count in the manifest would undo the scaler's work at each
apply.

## When it is emitted
When the plan has a decision on it: at the handoff to a scaler, when a scaler goes, and where the policy states a count.

## Example
```yaml
spec:
  replicas: 4
```

## Fields we own
`spec.replicas`, where the plan names it.

## References
Kubernetes documentation, \"Horizontal Pod Autoscaling\", migrating Deployments and StatefulSets.
";

impl Renderer for Replicas {
    fn id(&self) -> &'static str {
        "replicas"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let Some(decision) = &subject.plan.replicas else {
            return Vec::new();
        };
        let path = FieldPath::keys(["spec", "replicas"]);
        let change = match decision.value {
            Some(count) if subject.workload.replicas == Some(count) => return Vec::new(),
            Some(count) => Change::Set {
                path,
                value: count.into(),
            },
            None if subject.workload.replicas.is_none() => return Vec::new(),
            None => Change::Remove { path },
        };
        vec![Edit {
            id: subject.workload.id.clone(),
            change,
            reason: decision.reason.clone(),
        }]
    }
}
