//! Decides: settings, workloads, facts and the last decision in, an [`OptimizationPlan`] out.
//!
//! One workload at a time (`decide`), a pure function; then one second step, `reconcile`, for what couples
//! workloads. Files: one per decision.

pub mod model;
pub mod codec;
pub mod field;
mod possible;
pub mod case;
pub mod owner;
pub mod ladder;
pub mod guardrails;
mod divided;
mod unplanned;
mod idle;
pub mod requests;
pub mod limits;
pub mod scale_point;
pub mod bounds;
mod obstacle;
mod metrics;
pub mod scaling;
pub mod disruption;
pub mod placement;
pub mod vpa;
pub mod lifecycle;
mod lapse;
pub(crate) mod gone;
pub(crate) mod rename;
pub(crate) mod moved;
pub mod namespace;
mod removal;
mod safeguards;
pub mod baseline;
pub mod last;
pub mod missed;
mod warnings;
mod unit_slip;
mod settle;
mod versions;
mod waiting;
mod decide;
mod defer;
mod restart;
mod rough;
mod reconcile;

use case::Question;
pub use model::{OptimizationPlan, WorkloadPlan};

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::diag::{Diagnostic, code};
use crate::facts::Facts;
use crate::policy::Settings;
use crate::units::Timestamp;
use crate::workload::{Workload, Workloads};
use model::{Digests, PlanSpec, Status};

/// What a plan is made from.
pub struct Inputs<'a> {
    /// The policy.
    pub settings: &'a Settings,
    /// The manifests.
    pub workloads: &'a Workloads,
    /// History, by the key of the workload.
    pub facts: &'a BTreeMap<String, Facts>,
    /// The accepted plan.
    pub accepted: Option<&'a OptimizationPlan>,
    /// Digests of policy and profile.
    pub digests: Digests,
    /// End of the profile's window.
    pub window_end: Option<Timestamp>,
}

/// Plans an environment. The result does not depend on the number of threads.
pub fn plan(inputs: &Inputs<'_>) -> (OptimizationPlan, Vec<Diagnostic>) {
    let carried = inputs.accepted.map(|plan| rename::carried(plan, inputs.workloads));
    let inputs = &Inputs {
        accepted: carried.as_ref(),
        digests: inputs.digests.clone(),
        ..*inputs
    };
    let accepted = inputs.accepted.map(|plan| &plan.spec.workloads);
    let decided: Vec<(String, Option<WorkloadPlan>, Vec<Diagnostic>)> = inputs
        .workloads
        .by_key
        .par_iter()
        .map(|(key, workload)| {
            let accepted = accepted.and_then(|workloads| workloads.get(key));
            let (plan, diagnostics) = one(inputs, (key, workload), accepted, None);
            (key.clone(), plan, diagnostics)
        })
        .collect();
    let mut diagnostics = Vec::new();
    let mut workloads = BTreeMap::new();
    for (key, plan, mut found) in decided {
        diagnostics.append(&mut found);
        if let Some(plan) = plan {
            workloads.insert(key, plan);
        }
    }
    keep_missing(inputs, &mut workloads, &mut diagnostics);
    reconcile::reconcile(inputs, &mut workloads);
    settle::keep_windows(&mut workloads, accepted);
    for (key, plan) in &mut workloads {
        decide::set_aside_impossible(plan, accepted.and_then(|accepted| accepted.get(key)));
    }
    codec::seal(&mut workloads);
    idle::report(inputs, &mut diagnostics);
    let policy = &inputs.settings.policy;
    let spec = PlanSpec {
        environment: policy.spec.environment.clone(),
        decision_version: policy.spec.decision_version.clone(),
        window_end: inputs.window_end,
        digests: inputs.digests.clone(),
        entries: Some(workloads.len() as u64),
        seal: String::new(),
        workloads,
    };
    (codec::object(&policy.metadata.name, spec), diagnostics)
}

/// One decision; `shared_with` names the workloads that it would share pods with, if there are any.
///
/// What was accepted on the same inputs stays to the byte, its seal included: no step is taken twice on one profile.
fn one(
    inputs: &Inputs<'_>,
    (key, workload): (&str, &Workload),
    accepted: Option<&WorkloadPlan>,
    shared_with: Option<&str>,
) -> (Option<WorkloadPlan>, Vec<Diagnostic>) {
    let made_from = codec::made_from(inputs.settings, workload);
    let is_same =
        |plan: &&WorkloadPlan| is_same_profile(inputs) && plan.made_from == made_from && codec::is_sealed(key, plan);
    if let Some(same) = accepted.filter(is_same) {
        return (Some(same.clone()), Vec::new());
    }
    let is_edited = accepted.is_some_and(|plan| !codec::is_sealed(key, plan));
    let seen = inputs.facts.get(key);
    let renamed = rename::in_use(accepted, workload, seen);
    let under_new_names = seen
        .filter(|_| !renamed.is_empty())
        .map(|seen| seen.under_new_names(&renamed));
    let question = Question {
        settings: inputs.settings,
        workload,
        seen: under_new_names.as_ref().or(seen),
        accepted,
        renamed: &renamed,
        is_edited,
        now: inputs.window_end,
        shared_with,
    };
    let (plan, diagnostics) = decide::decide(question);
    let decided = |plan| WorkloadPlan {
        made_from,
        seal: String::new(),
        ..plan
    };
    // the reasons in an edited entry are those of other values
    let sealed = accepted.filter(|_| !is_edited);
    let plan = plan.map(|plan| {
        let before = last::before(&plan, sealed);
        settle::keep_unchanged(decided(plan), before.as_ref())
    });
    (
        plan,
        diagnostics.into_iter().map(|diagnostic| diagnostic.of(key)).collect(),
    )
}

/// Whether the accepted plan was made from this profile.
fn is_same_profile(inputs: &Inputs<'_>) -> bool {
    let accepted = inputs.accepted.map(|plan| &plan.spec);
    accepted.is_some_and(|spec| codec::is_head_sealed(spec) && spec.digests.profile == inputs.digests.profile)
}

/// What was accepted for a workload that is not among the manifests any more is kept and reported: a rename or a
/// broken build must not cost the memory of a decision.
fn keep_missing(
    inputs: &Inputs<'_>,
    workloads: &mut BTreeMap<String, WorkloadPlan>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(accepted) = inputs.accepted else { return };
    for (key, plan) in &accepted.spec.workloads {
        if inputs.workloads.by_key.contains_key(key) {
            continue;
        }
        let detail = "the workload is not among the manifests";
        let help = moved::ways_out(key, accepted.spec.workloads.keys(), inputs.workloads);
        let diagnostic = Diagnostic::warning(code::STALE, format!("`{key}` has an accepted decision and no manifest"));
        diagnostics.push(diagnostic.of(key).help(help));
        let kept = WorkloadPlan {
            status: Status::Kept,
            ..plan.clone()
        };
        workloads.insert(key.clone(), kept.with_finding(code::STALE, detail));
    }
}
