//! Budgets of two workloads whose pods came to share labels: each was alone when it was planned.

use std::collections::BTreeSet;

use super::{because, left_out};
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::render::Fitted;
use crate::workload::Workload;

/// Leaves out all budgets but one of those that hold for the same pods: a pod in two can't be evicted at all, which is
/// worse than the wrong one of them. The one that takes in most workloads stays; of equals the first by key.
pub(in crate::render) fn budgets(fitted: &mut [Fitted<'_>]) -> Vec<Diagnostic> {
    let mut turns: Vec<usize> = (0..fitted.len())
        .filter(|index| has_own_budget(&fitted[*index].1))
        .collect();
    turns.sort_by_key(|index| std::cmp::Reverse(fitted[*index].2.selects.all().len()));
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for index in turns {
        let (key, _, workload) = &fitted[index];
        let (key, workload): (&str, &Workload) = (key, workload);
        let mut others = workload.selects.others(key).chain(workload.selected_by.others(key));
        match others.find(|other| kept.contains(other.as_str())) {
            None => drop(kept.insert(key)),
            Some(other) => found.extend(without_budget(&mut fitted[index], other)),
        }
    }
    found
}

/// One that is adopted counts as its owner's among the budgets of each workload.
fn has_own_budget(plan: &WorkloadPlan) -> bool {
    plan.disruption.as_ref().is_some_and(|budget| !budget.adopted)
}

fn without_budget((key, plan, _): &mut Fitted<'_>, other: &str) -> Option<Diagnostic> {
    let budget = plan.disruption.take()?;
    plan.removed.disruption = Some(because(code::TWO_BUDGETS));
    let headline = format!(
        "its pods and those of `{other}` are selected together, and both have a budget: `{}` is left out",
        budget.name
    );
    let why = "the eviction API refuses a pod that is in two budgets, so a node drain never ends";
    Some(
        left_out(
            code::TWO_BUDGETS,
            headline,
            why,
            "give the pods labels that tell them apart",
        )
        .of(*key),
    )
}
