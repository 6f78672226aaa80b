//! Accepted entries of workloads that are called otherwise by now (`spec.identity.moved` of the policy): what was accepted
//! goes along, and is rendered with the same values.

use std::collections::BTreeSet;

use super::codec;
use super::model::{OptimizationPlan, WorkloadPlan};
use crate::diag::first_of;
use crate::workload::{Workload, Workloads};

/// Takes the entry `earlier` to the key of its workload of today; one that was sealed is sealed again.
pub(crate) fn carry(plan: &mut OptimizationPlan, earlier: &str, key: &str, workload: &Workload) {
    let Some(entry) = plan.spec.workloads.remove(earlier) else {
        return;
    };
    // whether a person edited the entry is told by the old names
    let is_sealed = codec::is_sealed(earlier, &entry);
    let mut entry = under_names_of(entry, workload);
    if is_sealed {
        entry.seal = codec::seal_of(key, &entry);
    }
    plan.spec.workloads.insert(key.to_owned(), entry);
}

/// What is to be done about an accepted entry whose workload is gone: `accepted` are the keys of all entries. A workload
/// that no entry is of may be the same one under another name, and the policy can say so.
pub(crate) fn ways_out<'k>(key: &str, accepted: impl Iterator<Item = &'k String>, workloads: &Workloads) -> String {
    let known: BTreeSet<&String> = accepted.collect();
    let kind = |key: &str| key.split('/').next().map(str::to_owned);
    let all_new: Vec<&String> = workloads.by_key.keys().filter(|key| !known.contains(key)).collect();
    let alike: Vec<&String> = all_new.iter().filter(|new| kind(new) == kind(key)).copied().collect();
    let new = if alike.is_empty() { all_new } else { alike };
    let drop = format!("if it is gone for good, drop its entry with `trimtab plan DIR --write --forget {key}`");
    let named: Vec<String> = new.iter().map(|new| format!("`{new}`")).collect();
    match new.as_slice() {
        [] => format!("{drop}; if it comes back under another name, say so in `spec.identity.moved` of the policy"),
        [only] => format!(
            "{drop}; if it is called `{only}` by now, say so in the policy: \
             `spec: {{identity: {{moved: {{{key}: {{to: {only}}}}}}}}}`, and what was accepted and recorded goes along"
        ),
        _ => format!(
            "{drop}; if it is one of {} by now, say so in the policy: \
             `spec: {{identity: {{moved: {{{key}: {{to: KIND/NAME}}}}}}}}`, and what was accepted and recorded goes along",
            first_of(&named)
        ),
    }
}

/// What owners call after a workload they mostly rename with it: an adopted object that is gone is the only one of its
/// kind that the workload has now.
fn under_names_of(mut entry: WorkloadPlan, workload: &Workload) -> WorkloadPlan {
    entry.api_version = workload.id.api_version();
    entry.template_in = workload.template_in();
    if let Some(scaler) = entry.scaler.as_mut().filter(|scaler| scaler.adopted) {
        let kind = scaler.kind.object();
        let theirs = workload.foreign_scalers().filter(|theirs| theirs.id.kind == kind);
        follow(&mut scaler.name, theirs.map(|theirs| &theirs.id.name));
    }
    if let Some(budget) = entry.disruption.as_mut().filter(|budget| budget.adopted) {
        follow(
            &mut budget.name,
            workload.foreign_budgets().map(|theirs| &theirs.id.name),
        );
    }
    if let Some(vpa) = entry.vpa.as_mut().filter(|vpa| vpa.adopted) {
        follow(&mut vpa.name, workload.foreign_vpas().map(|theirs| &theirs.id.name));
    }
    entry
}

fn follow<'w>(name: &mut String, mut theirs: impl Iterator<Item = &'w String>) {
    if let (Some(only), None) = (theirs.next(), theirs.next()) {
        name.clone_from(only);
    }
}
