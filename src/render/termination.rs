//! How pods end.

use serde_json::{Value, json};

use super::{Planned, Renderer};
use crate::diag::{Diagnostic, code};
use crate::krm::{Change, Edit};
use crate::units::Seconds;

/// Grace period and the pause before the stop signal.
pub struct Termination;

const PAGE: &str = "\
Grace period, and a pause before the stop signal.

## What it does
Sets `terminationGracePeriodSeconds`, and a `preStop` sleep on the main container: time for load balancers to take the pod
out before it stops listening. The sleep counts inside the grace period.

## When it is emitted
When the plan has them. A `preStop` that is there is never replaced.

## Example
```yaml
terminationGracePeriodSeconds: 45
containers:
- name: api
  lifecycle: {preStop: {sleep: {seconds: 10}}}
```

## Fields we own
`terminationGracePeriodSeconds`; `lifecycle.preStop` of the main container where there is none.

## References
Kubernetes documentation, \"Container Lifecycle Hooks\" and \"Pod Lifecycle\", termination of pods.
";

impl Renderer for Termination {
    fn id(&self) -> &'static str {
        "termination"
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn render(&self, subject: &Planned<'_>) -> Vec<Edit> {
        grace_period(subject).into_iter().chain(pre_stop(subject)).collect()
    }

    fn refusals(&self, subject: &Planned<'_>) -> Vec<Diagnostic> {
        let Some(decision) = &subject.plan.pre_stop_sleep else {
            return Vec::new();
        };
        let name = &subject.plan.main_container;
        let hook = subject
            .container_spec(name)
            .and_then(|c| c.pointer("/lifecycle/preStop"));
        let is_other = hook.is_some_and(|hook| *hook != sleep(decision.value));
        let refusal = || {
            Diagnostic::warning(
                code::LEFT_ALONE,
                format!(
                    "container `{name}` has a preStop hook of its own, so the sleep of {} is left out",
                    decision.value
                ),
            )
            .because("a hook does what its owner wrote it for; it is never replaced")
            .help("take one of them out: the hook from the manifest, or `termination.preStopSleep` from the policy")
        };
        is_other.then(refusal).into_iter().collect()
    }
}

fn grace_period(subject: &Planned<'_>) -> Option<Edit> {
    let decision = subject.plan.grace_period.as_ref()?;
    let path = subject.pod_spec_path().key("terminationGracePeriodSeconds");
    let is_written = subject.workload.grace_period == Some(decision.value);
    (!is_written).then(|| Edit {
        id: subject.workload.template_id.clone(),
        change: Change::Set {
            path,
            value: Value::from(decision.value.get()),
        },
        reason: decision.reason.clone(),
    })
}

fn pre_stop(subject: &Planned<'_>) -> Option<Edit> {
    let decision = subject.plan.pre_stop_sleep.as_ref()?;
    let container = subject.workload.container(&subject.plan.main_container)?;
    let path = subject.container_path(&container.name)?.key("lifecycle").key("preStop");
    (!container.has_pre_stop).then(|| Edit {
        id: subject.workload.template_id.clone(),
        change: Change::Set {
            path,
            value: sleep(decision.value),
        },
        reason: decision.reason.clone(),
    })
}

fn sleep(time: Seconds) -> Value {
    json!({"sleep": {"seconds": time.get()}})
}
