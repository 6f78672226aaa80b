//! Scalers and VPAs of owners that miss their workload, because a prefix or suffix is not in the reference.
//!
//! A plan is made from the finished build, where they point at nothing. Inside a build the function can't tell them from
//! those that kustomize puts right when the function is done; so what the plan found then decides.

use super::case::Case;
use super::model::OptimizationPlan;
use crate::diag::{Diagnostic, code};
use crate::workload::{Missing, Workloads, missed};

/// Notes what misses the workload, for builds and for people.
pub(super) fn note(case: &Case<'_>) {
    for missing in &case.workload.missed_by {
        case.find(code::UNKNOWN_TARGET, missing.words());
    }
}

/// Takes at their word the references of which the plan says that they miss.
pub fn let_go(plan: &OptimizationPlan, workloads: &mut Workloads) -> Vec<Diagnostic> {
    let is_found = |(key, missing): &(String, Missing)| {
        let entry = plan.spec.workloads.get(key);
        let finding = entry.and_then(|entry| entry.findings.get(code::UNKNOWN_TARGET.as_str()));
        finding.is_some_and(|finding| finding.detail.contains(&missing.words()))
    };
    let found = workloads.let_go(is_found);
    let near = |(key, missing): &(String, Missing)| Some(missed(missing, &workloads.by_key.get(key)?.id));
    found.iter().filter_map(near).collect()
}
