//! Objects of ours that the accepted plan no longer has: hosts that edit in place (kpt, `kustomize fn run`) feed them back.
//!
//! Deleted is only what carries our mark, belongs to a workload of the plan, and has its reason in the plan: the policy
//! took it away (`mode: none`), or another object stands in its place. Everything else stays, and is named.

use std::collections::{BTreeMap, BTreeSet};

use super::Planned;
use crate::diag::{Diagnostic, code};
use crate::krm::{Change, Edit, ObjectId, Reason};
use crate::workload::Budget;

/// What tells an object from others of a build.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The deletions for one workload. `rendered` is what the whole plan makes.
pub(super) fn render(subject: &Planned<'_>, rendered: &BTreeSet<Key<'_>>) -> (Vec<Edit>, Vec<Diagnostic>) {
    let (plan, workload) = (subject.plan, subject.workload);
    let (mut edits, mut diagnostics) = (Vec::new(), Vec::new());
    let scalers = workload.scalers.iter().filter(|scaler| scaler.is_ours);
    let is_second = plan
        .removed
        .disruption
        .as_ref()
        .is_some_and(|reason| reason.code == code::TWO_BUDGETS.as_str());
    // a budget that several workloads share has more than one owner to ask, unless it is left out for that
    let is_its_own = |budget: &Budget| !budget.is_shared || is_second && budget.id.name == workload.id.name;
    let budgets = workload
        .budgets
        .iter()
        .filter(|budget| budget.is_ours && is_its_own(budget));
    let vpas = workload.vpas.iter().filter(|vpa| vpa.is_ours);
    let ours = scalers
        .map(|scaler| (&scaler.id, plan.scaler.is_some(), &plan.removed.scaler))
        .chain(budgets.map(|budget| (&budget.id, plan.disruption.is_some(), &plan.removed.disruption)))
        .chain(vpas.map(|vpa| (&vpa.id, plan.vpa.is_some(), &plan.removed.vpa)));
    for (id, is_replaced, removed) in ours {
        if rendered.contains(&id.key()) {
            continue;
        }
        let reason = if is_replaced { Some(replaced()) } else { removed.clone() };
        match reason {
            Some(reason) => {
                diagnostics.push(gone(subject, id, &reason));
                edits.push(Edit {
                    id: id.clone(),
                    change: Change::Delete,
                    reason,
                });
            }
            None => diagnostics.push(left(subject, id)),
        }
    }
    (edits, diagnostics)
}

fn replaced() -> Reason {
    Reason {
        code: code::REMOVED.as_str().to_owned(),
        inputs: BTreeMap::new(),
    }
}

fn gone(subject: &Planned<'_>, id: &ObjectId, reason: &Reason) -> Diagnostic {
    let is = |code: code::Code| reason.code == code.as_str();
    let why = if is(code::REMOVED) {
        "the accepted plan has another object in its place"
    } else if is(code::TWO_SCALERS) || is(code::TWO_BUDGETS) {
        "another one is in its place, and two would hurt"
    } else {
        "the policy says `mode: none`, and the accepted plan has it no longer"
    };
    Diagnostic::note(code::REMOVED, format!("`{id}`, which trimtab made, is removed"))
        .of(subject.key)
        .because(why)
}

fn left(subject: &Planned<'_>, id: &ObjectId) -> Diagnostic {
    Diagnostic::note(
        code::LEFT_ALONE,
        format!("`{id}`, which trimtab made, stays: the plan neither has it nor removes it"),
    )
    .of(subject.key)
    .help("state `mode: none` in the policy and plan again to have it removed, or delete it")
}
