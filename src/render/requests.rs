//! Requests and limits, container by container.

use serde_json::Value;

use super::{Planned, Renderer};
use crate::krm::{Change, Edit, FieldPath, Reason};
use crate::plan::model::{Decision, Removable};
use crate::units::Quantity;

/// Requests and limits of the containers that the plan names.
pub struct Requests;

const PAGE: &str = "\
CPU and memory requests and limits, per container.

## What it does
Sets `resources.requests` and `resources.limits` of a container, found by its name, to the plan's values. What the plan
does not name stays as it is; a limit that the plan drops is removed.

## When it is emitted
For each container of the plan that is in the manifest. A value that is there already, however it is written
(`0.5` and `500m`), is not touched.

## Example
```yaml
resources:
  requests: {cpu: 300m, memory: 512Mi}
  limits: {memory: 1Gi}
```

## Fields we own
`resources.requests.{cpu,memory}`, `resources.limits.{cpu,memory}` of the named containers.

## References
Kubernetes documentation, \"Resource Management for Pods and Containers\".
";

impl Renderer for Requests {
    fn id(&self) -> &'static str {
        "requests"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (name, plan) in &subject.plan.containers {
            let Some(at) = subject.container_path(name) else {
                continue;
            };
            let resources = Resources {
                subject,
                name,
                at: at.key("resources"),
            };
            edits.extend(
                plan.requests
                    .cpu
                    .as_ref()
                    .and_then(|d| resources.set("requests", "cpu", d)),
            );
            edits.extend(
                plan.requests
                    .memory
                    .as_ref()
                    .and_then(|d| resources.set("requests", "memory", d)),
            );
            edits.extend(
                plan.limits
                    .cpu
                    .as_ref()
                    .and_then(|d| resources.set_or_remove("limits", "cpu", d)),
            );
            edits.extend(
                plan.limits
                    .memory
                    .as_ref()
                    .and_then(|d| resources.set_or_remove("limits", "memory", d)),
            );
        }
        edits
    }
}

/// `resources` of one container.
struct Resources<'a> {
    subject: &'a Planned<'a>,
    name: &'a str,
    at: FieldPath,
}

impl Resources<'_> {
    fn set<T: Copy + Into<Quantity>>(&self, list: &str, resource: &str, decision: &Decision<T>) -> Option<Edit> {
        self.change(list, resource, Some(decision.value.into()), &decision.reason)
    }

    fn set_or_remove<T: Copy + Into<Quantity>>(
        &self,
        list: &str,
        resource: &str,
        decision: &Removable<T>,
    ) -> Option<Edit> {
        self.change(list, resource, decision.value.map(Into::into), &decision.reason)
    }

    fn change(&self, list: &str, resource: &str, value: Option<Quantity>, reason: &Reason) -> Option<Edit> {
        let path = self.at.clone().key(list).key(resource);
        let written = self.written(list, resource);
        let change = match value {
            Some(value) if written.and_then(|text| Quantity::from_json(text).ok()) == Some(value) => return None,
            Some(value) => Change::Set {
                path,
                value: Value::String(value.to_string()),
            },
            None => {
                written?;
                Change::Remove { path }
            }
        };
        Some(Edit {
            id: self.subject.workload.template_id.clone(),
            change,
            reason: reason.clone(),
        })
    }

    /// What the manifest says.
    fn written(&self, list: &str, resource: &str) -> Option<&Value> {
        self.subject
            .container_spec(self.name)?
            .get("resources")?
            .get(list)?
            .get(resource)
    }
}
