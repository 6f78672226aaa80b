//! A plan derived again: the same inputs, and the values before in the place of the last decision.
//!
//! A plan holds the last decision only as far as its `before` values tell. So what is not derived again this way is not
//! wrong: nothing in these inputs says it, such as a value that was accepted before its history was lost.

use std::collections::BTreeMap;

use super::{Inputs, Purpose, accepted_plan, run_on};
use crate::diag::Diagnostic;
use crate::plan::model::{MadeFrom, RemovedObjects, WorkloadPlan};
use crate::plan::{OptimizationPlan, last};
use crate::policy;

/// What the inputs give on top of the values that an accepted plan replaced; `None` where there is no accepted plan.
pub fn derive_again(inputs: &Inputs) -> Result<Option<OptimizationPlan>, Vec<Diagnostic>> {
    let settings = policy::parse(&inputs.policy, &inputs.policy_source)?;
    let Some(mut accepted) = accepted_plan(inputs, &settings)?.0 else {
        return Ok(None);
    };
    for entry in accepted.spec.workloads.values_mut() {
        *entry = before(entry);
    }
    let inputs = Inputs {
        purpose: Purpose::Plan,
        ..inputs.clone()
    };
    // not read as a plan: what a manifest said before may be what no plan can say
    run_on(&inputs, settings, (Some(accepted), None)).map(|outcome| Some(outcome.plan))
}

/// An entry as it was before its own decisions, as far as it tells; all that planning adds to decisions is left out.
fn before(entry: &WorkloadPlan) -> WorkloadPlan {
    WorkloadPlan {
        made_from: MadeFrom::default(),
        seal: String::new(),
        window: None,
        restarted: None,
        removed: RemovedObjects::default(),
        waiting: BTreeMap::new(),
        findings: BTreeMap::new(),
        ..last::undone(entry)
    }
}
