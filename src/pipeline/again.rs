//! A plan derived again: the same inputs, and the values before in the place of the last decision.
//!
//! A plan holds the last decision only as far as its `before` values tell. So what is not derived again this way is not
//! wrong: it was settled in an earlier plan whose last decision is not known any more.

use serde_json::{Map, Value};

use super::{Inputs, Purpose, run};
use crate::diag::Diagnostic;
use crate::plan::OptimizationPlan;

/// What the inputs give on top of the values that an accepted plan replaced; `None` where there is no accepted plan.
pub fn derive_again(inputs: &Inputs) -> Result<Option<OptimizationPlan>, Vec<Diagnostic>> {
    let Some((accepted, source)) = &inputs.plan else {
        return Ok(None);
    };
    let before = (before(accepted), source.clone());
    let inputs = Inputs {
        purpose: Purpose::Plan,
        plan: Some(before),
        ..inputs.clone()
    };
    run(&inputs).map(|outcome| Some(outcome.plan))
}

/// The plan as it was before its own decisions, as far as it tells.
fn before(plan: &Value) -> Value {
    let mut plan = plan.clone();
    let workloads = plan.pointer_mut("/spec/workloads").and_then(Value::as_object_mut);
    for entry in workloads.into_iter().flat_map(Map::values_mut) {
        let Some(entry) = entry.as_object_mut() else { continue };
        for made_by_planning in ["madeFrom", "seal", "restarted", "findings", "removed"] {
            entry.remove(made_by_planning);
        }
        entry.retain(|_, part| undo(part));
        for (_, container) in entry
            .get_mut("containers")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            // an amount that was not there is one object less, not an empty one
            if let Some(container) = container.as_object_mut() {
                container.retain(|_, amounts| amounts.as_object().is_none_or(|amounts| !amounts.is_empty()));
            }
        }
        let bounds = ["minReplicas", "maxReplicas"];
        if entry
            .get("scaler")
            .is_some_and(|scaler| bounds.iter().any(|bound| scaler.get(bound).is_none()))
        {
            entry.remove("scaler");
        }
    }
    plan
}

/// Puts the value before in the place of every value below; false where nothing was there before.
fn undo(part: &mut Value) -> bool {
    let Some(map) = part.as_object_mut() else { return true };
    if map.contains_key("reason") {
        let before = map.remove("before");
        let was_there = before.is_some();
        map.insert("value".to_owned(), before.unwrap_or_default());
        return was_there;
    }
    let is_target = map.contains_key("target");
    map.retain(|_, part| undo(part));
    !is_target || map.contains_key("target")
}
