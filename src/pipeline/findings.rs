//! What a plan made on the fly refuses and remarks, as diagnostics: nobody reviews such a plan, so it is said here.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, code};
use crate::plan::model::{Finding, OptimizationPlan, Status, WorkloadPlan};

/// What follows from the policy as it stands and asks nobody to act. Everything else deserves a look.
const AS_ASKED: [Code; 12] = [
    code::ADOPTED,
    code::BOUNDED,
    code::INJECTED_CONTAINER,
    code::KEPT,
    code::LIMIT_FOLLOWS_REQUEST,
    code::LOAD_TOO_FLAT,
    code::MEMORY_NOT_LOWERED,
    code::OBSERVED,
    code::PDB_OMITTED,
    code::RESTARTS_PODS,
    code::RESTART_DEFERRED,
    code::SPREAD_SOFTENED,
];

/// The findings of every workload, but those that were `said` while it was decided.
pub(super) fn of(plan: &OptimizationPlan, said: &[Diagnostic]) -> Vec<Diagnostic> {
    let said: BTreeSet<(&str, Code)> = said
        .iter()
        .filter_map(|known| Some((known.workload.as_deref()?, known.code)))
        .collect();
    let is_said = |key: &str, code: Code| said.contains(&(key, code));
    let mut found = Vec::new();
    for (key, workload) in &plan.spec.workloads {
        let findings = workload.findings.iter();
        let registered = findings.filter_map(|(name, finding)| Some((Code::find(name)?, finding)));
        let unsaid = registered.filter(|(code, _)| !is_said(key, *code));
        found.extend(unsaid.map(|(code, finding)| diagnostic(workload, code, finding).of(key)));
    }
    found
}

fn diagnostic(workload: &WorkloadPlan, code: Code, finding: &Finding) -> Diagnostic {
    let detail = &finding.detail;
    if let Some(entry) = &finding.accepted {
        return Diagnostic::note(code, detail).because(format!("accepted by `spec.accept.{entry}`"));
    }
    match workload.status {
        Status::Refused => Diagnostic::warning(code, detail).because("nothing is rendered for this workload"),
        _ if AS_ASKED.contains(&code) => Diagnostic::note(code, detail),
        _ => Diagnostic::warning(code, detail),
    }
    .help(format!("`trimtab explain {code}` says what it means"))
}
