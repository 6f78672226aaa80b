//! The table of a plan: per workload what changes, from what to what, and why; refusals and findings below.
//!
//! Where a plan was accepted, a change is what this run would change in it. Where none was, or it was only observed, a
//! change is what the plan does to the manifest.

use std::collections::BTreeMap;

use super::decided::{self, Decided};
use super::{Capacity, words};
use crate::diag::code;
use crate::krm::Reason;
use crate::plan::model::{OptimizationPlan, Status, WorkloadPlan};
use crate::plan::rename::as_named_in;
use crate::policy::wire::Mode;

/// The plans of some environments as a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanTable {
    /// Environments in the order they are shown.
    pub environments: Vec<PlanEnvironment>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanEnvironment {
    /// Its name.
    pub name: String,
    /// Whether it is compared with an accepted plan; else with the manifests.
    pub has_accepted: bool,
    /// Its workloads, by key.
    pub rows: Vec<PlanRow>,
    /// What they request together; absent where the manifests are not known.
    pub capacity: Option<Capacity>,
}

/// One workload.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// `Deployment/shop/api`.
    pub workload: String,
    /// Its class.
    pub class: Option<String>,
    /// Whether it is rendered.
    pub mode: Mode,
    /// How the decision came about.
    pub status: Status,
    /// Values that change.
    pub changes: Vec<PlanChange>,
    /// How many decided values stay as they are.
    pub unchanged: usize,
    /// Values that are decided and held back.
    pub waiting: Vec<PlanWaiting>,
    /// Whether the change replaces its pods.
    pub restarts: bool,
    /// Refusals and findings.
    pub remarks: Vec<Remark>,
    /// Whether the accepted plan says the same in mode, status, findings and what waits.
    pub is_known: bool,
}

/// One value that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanChange {
    /// What it is: `cpu request api`.
    pub field: String,
    /// Its value before; absent: there was none.
    pub before: Option<String>,
    /// Its value after; absent: the field goes.
    pub after: Option<String>,
    /// Why; absent where a value is not decided any more.
    pub reason: Option<Reason>,
    /// Whether it is of the pod template, so that the change replaces pods.
    pub is_of_template: bool,
}

/// A value that is decided and held back by a guardrail.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanWaiting {
    /// What it is: `cpu request api`.
    pub field: String,
    /// The value that stays.
    pub kept: String,
    /// The value that waits; absent: the field would go.
    pub waits: Option<String>,
    /// Why it waits, and until when.
    pub because: String,
    /// Why the value is what it is.
    pub reason: Option<Reason>,
}

impl PlanWaiting {
    /// `spot: kept prefer, waits: never; a plan on a profile that reaches …`
    pub(super) fn text(&self) -> String {
        let Self {
            field, kept, because, ..
        } = self;
        let waits = self.waits.as_deref().unwrap_or("(as in the manifest)");
        let reason = self
            .reason
            .as_ref()
            .map(|reason| format!(" ({})", words::reason(reason)));
        format!(
            "{field}: kept {kept}, waits: {waits}{}; {because}",
            reason.unwrap_or_default()
        )
    }
}

/// A refusal or finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Its registered code.
    pub code: String,
    /// What was seen.
    pub detail: String,
    /// The name of the policy's `accept` entry that accepts it.
    pub accepted: Option<String>,
}

impl Remark {
    pub(super) fn text(&self) -> String {
        let accepted = self.accepted.as_ref().map(|by| format!(" (accepted: {by})"));
        format!("{}: {}{}", self.code, self.detail, accepted.unwrap_or_default())
    }
}

impl PlanTable {
    /// Plans, each with the accepted plan it follows, if there is one.
    pub fn of<'a>(plans: impl IntoIterator<Item = (&'a OptimizationPlan, Option<&'a OptimizationPlan>)>) -> Self {
        let environments = plans.into_iter().map(|(plan, accepted)| {
            let rows = plan.spec.workloads.iter().map(|(key, workload)| {
                let accepted = accepted.and_then(|accepted| accepted.spec.workloads.get(key));
                PlanRow::of(key, workload, accepted)
            });
            PlanEnvironment {
                name: plan.spec.environment.clone(),
                has_accepted: accepted.is_some(),
                rows: rows.collect(),
                capacity: None,
            }
        });
        Self {
            environments: environments.collect(),
        }
    }

    /// The same with what each environment requests as a whole, in the order of the plans.
    #[must_use]
    pub fn with_capacities(mut self, capacities: impl IntoIterator<Item = Capacity>) -> Self {
        for (environment, capacity) in self.environments.iter_mut().zip(capacities) {
            environment.capacity = Some(capacity);
        }
        self
    }
}

impl PlanEnvironment {
    /// `15 workloads: 13 change, 2 without a decision`
    pub(super) fn totals(&self) -> String {
        let count = |is: &dyn Fn(&PlanRow) -> bool| self.rows.iter().filter(|row| is(row)).count();
        let is_undecided = |row: &PlanRow| {
            row.status == Status::Planned
                && row.waiting.is_empty()
                && row.unchanged == 0
                && row.changes.iter().all(|change| change.after.is_none())
        };
        // what is only observed changes nothing that is applied
        let changes = |row: &PlanRow| !row.changes.is_empty() && row.mode != Mode::Observe;
        let would_change = |row: &PlanRow| !row.changes.is_empty() && row.mode == Mode::Observe;
        let mut parts = vec![match count(&changes) {
            0 => "nothing to change".to_owned(),
            changed => format!("{changed} change"),
        }];
        for (number, what) in [
            (count(&would_change), "would change outside mode observe"),
            (count(&|row| row.status == Status::Kept), "kept"),
            (count(&|row| row.status == Status::Refused), "refused"),
            (count(&is_undecided), "without a decision"),
            (count(&|row| !row.waiting.is_empty()), "with values that wait"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        format!("{}: {}", words::count(self.rows.len(), "workload"), parts.join(", "))
    }

    /// What the values before are.
    pub(super) fn compared_with(&self) -> &'static str {
        if self.has_accepted {
            "compared with the accepted plan"
        } else {
            "compared with the manifests; no plan was accepted yet"
        }
    }

    /// `12 unchanged, 3 with known remarks: …`; absent where every workload is shown.
    pub(super) fn unshown(&self) -> Option<String> {
        let unshown: Vec<&PlanRow> = self.rows.iter().filter(|row| !row.is_worth_showing()).collect();
        let remarked = unshown
            .iter()
            .filter(|row| row.further_remarks().next().is_some() || !row.waiting.is_empty())
            .count();
        let remarks = match remarked {
            0 => String::new(),
            n => format!(", {n} with known remarks: `trimtab explain WORKLOAD`"),
        };
        (!unshown.is_empty()).then(|| format!("{} unchanged{remarks}", unshown.len()))
    }
}

impl PlanRow {
    fn of(key: &str, plan: &WorkloadPlan, accepted: Option<&WorkloadPlan>) -> Self {
        // a new name alone changes no value
        let named = accepted.map(|accepted| as_named_in(accepted, plan));
        let (changes, unchanged) = changes(plan, named.as_deref());
        let restarts = plan.findings.contains_key(code::RESTARTS_PODS.as_str())
            && changes.iter().any(|change| change.is_of_template);
        let remarks = plan.findings.iter().map(|(code, finding)| Remark {
            code: code.clone(),
            detail: finding.detail.clone(),
            accepted: finding.accepted.clone(),
        });
        let is_known = accepted.is_some_and(|accepted| {
            accepted.mode == plan.mode
                && accepted.status == plan.status
                && accepted.findings == plan.findings
                && accepted.waiting == plan.waiting
        });
        Self {
            workload: key.to_owned(),
            class: plan.class.clone(),
            mode: plan.mode,
            status: plan.status,
            changes,
            unchanged,
            waiting: waiting(plan),
            restarts,
            remarks: remarks.collect(),
            is_known,
        }
    }

    /// The remarks but those that are said beside the name, or beside what waits.
    pub(super) fn further_remarks(&self) -> impl Iterator<Item = &Remark> {
        let is_said = |remark: &&Remark| {
            remark.code == code::RESTARTS_PODS.as_str()
                || (remark.code == code::RESTART_DEFERRED.as_str() && !self.waiting.is_empty())
        };
        self.remarks.iter().filter(move |remark| !is_said(remark))
    }

    /// Whether there is more to say than that nothing changes.
    pub(super) fn is_worth_showing(&self) -> bool {
        let has_news =
            self.further_remarks().next().is_some() || !self.waiting.is_empty() || self.status != Status::Planned;
        !self.changes.is_empty() || (has_news && !self.is_known)
    }

    /// The status in words, where it is not the usual one.
    pub(super) fn status_words(&self) -> Option<&'static str> {
        match self.status {
            Status::Planned => None,
            Status::Kept => Some("accepted decision kept"),
            Status::Refused => Some("refused: nothing is rendered"),
        }
    }

    /// Class, mode and status in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let mode = match self.mode {
            // what is refused is not rendered in any mode
            _ if self.status == Status::Refused => None,
            Mode::Observe => Some("observe: not rendered".to_owned()),
            Mode::Frozen => Some("frozen".to_owned()),
            Mode::Enforce => None,
        };
        let status = self.status_words().map(str::to_owned);
        let restarts = self.restarts.then(|| "restarts pods".to_owned());
        let same = (self.unchanged > 0).then(|| format!("{} unchanged", words::count(self.unchanged, "value")));
        [self.class.clone(), mode, status, restarts, same]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// What waits, with what is kept meanwhile.
fn waiting(plan: &WorkloadPlan) -> Vec<PlanWaiting> {
    let kept: BTreeMap<String, Option<String>> = decided::of(plan)
        .into_iter()
        .map(|decided| (decided.field, decided.value))
        .collect();
    let kept = |field: &str| kept.get(field).cloned().flatten();
    let manifest = || "(as in the manifest)".to_owned();
    let mut all = Vec::new();
    for waiting in plan.waiting.values() {
        let values = decided::of_waiting(waiting).into_iter().map(|decided| PlanWaiting {
            kept: kept(&decided.field).or(decided.before).unwrap_or_else(manifest),
            field: decided.field,
            waits: decided.value,
            because: waiting.detail.clone(),
            reason: Some(decided.reason),
        });
        all.extend(values.filter(|value| value.waits.as_ref() != Some(&value.kept)));
        all.extend(waiting.gone.iter().map(|field| PlanWaiting {
            field: field.clone(),
            kept: kept(field).unwrap_or_else(manifest),
            waits: None,
            because: waiting.detail.clone(),
            reason: None,
        }));
    }
    all
}

/// What changes, and how many values do not.
fn changes(plan: &WorkloadPlan, accepted: Option<&WorkloadPlan>) -> (Vec<PlanChange>, usize) {
    // what was only observed is not in force: its values count from what they were to replace
    let was_observed = |accepted: &WorkloadPlan| accepted.mode == Mode::Observe && plan.mode != Mode::Observe;
    let is_new = accepted.is_some_and(was_observed);
    let mut known: BTreeMap<String, Decided> = accepted
        .into_iter()
        .flat_map(decided::of)
        .map(|known| (known.field.clone(), known))
        .collect();
    let (mut changes, mut unchanged) = (Vec::new(), 0);
    for decided in decided::of(plan) {
        let is_of_template = decided.is_of_template;
        let before = match known.remove(&decided.field) {
            Some(known) if is_new => known.before,
            Some(known) => known.value,
            None => decided.before,
        };
        if before == decided.value {
            unchanged += 1;
            continue;
        }
        changes.push(PlanChange {
            is_of_template,
            field: decided.field,
            before,
            after: decided.value,
            reason: Some(decided.reason),
        });
    }
    let gone = known.into_values().filter(|known| !is_new && known.value.is_some());
    changes.extend(gone.map(|known| PlanChange {
        is_of_template: known.is_of_template,
        after: (!known.is_of_object).then(|| "(as in the manifest)".to_owned()),
        field: known.field,
        before: known.value,
        reason: None,
    }));
    (changes, unchanged)
}
