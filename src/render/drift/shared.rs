//! Budgets of two workloads whose pods came to share labels: each was alone when it was planned.
//!
//! A pod in two budgets can't be evicted at all, which is worse than the wrong one of them.

use std::collections::BTreeSet;

use super::{because, left_out};
use crate::diag::{Diagnostic, code};
use crate::plan::WorkloadPlan;
use crate::render::Fitted;
use crate::workload::{Workload, Workloads};

/// Leaves out every budget of ours that takes in pods which have one of their owner, and all but one of ours that hold for
/// the same pods: the one that takes in most workloads stays; of equals the first by key.
pub(in crate::render) fn budgets(fitted: &mut [Fitted<'_>], workloads: &Workloads) -> Vec<Diagnostic> {
    let mut turns: Vec<usize> = (0..fitted.len())
        .filter(|index| has_own_budget(&fitted[*index].1))
        .collect();
    turns.sort_by_key(|index| std::cmp::Reverse(fitted[*index].2.selects.all().len()));
    let of_owners = workloads.by_key.iter();
    let of_owners = of_owners.filter(|(_, workload)| workload.foreign_budgets().next().is_some());
    let of_owners: Vec<&String> = of_owners.map(|(key, _)| key).collect();
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for index in turns {
        let (key, _, workload) = &fitted[index];
        let (key, workload): (&str, &Workload) = (key, workload);
        let mut others = workload.selects.others(key).chain(workload.selected_by.others(key));
        let mut of_owners = of_owners.iter().copied();
        let other = of_owners.find(|other| *other != key && workload.selects.contains(other));
        match other.or_else(|| others.find(|other| kept.contains(other.as_str()))) {
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
