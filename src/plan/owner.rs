//! What the owner of a workload writes into its manifest after a plan was accepted.
//!
//! A plan's values stand in the place of the manifest's, so without a word an edit in Git would do nothing. An entry
//! keeps what the manifest said of the fields that planning sets. Where the manifest says something else by now, that is
//! reported; and the next plan takes a raise for a floor: what is derived goes no lower until `history.minimum` more is
//! recorded. Then history has seen it, and speaks again. What the owner lowers is reported only: less comes from history
//! or from the policy.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Question};
use super::field::{Amount, FieldName, Resource};
use super::model::{Decision, Lowered, Raised, Removable, Theirs, WorkloadPlan};
use crate::diag::{Diagnostic, code};
use crate::krm::Reason;
use crate::units::{Format, Percent, Quantity, Seconds, Timestamp};
use crate::workload::{Container, Scaler, Workload};

/// Amounts by field: `api/requests/cpu`, `replicas`, `scaler/minReplicas`.
pub type Written = BTreeMap<String, Quantity>;

/// What a manifest says of the fields that planning sets.
pub(super) fn written(workload: &Workload) -> Written {
    let containers = workload.containers.iter().flat_map(|container| {
        let amounts = Amount::ALL.into_iter();
        amounts.map(|amount| (amount.of(&container.name), written_of(container, amount)))
    });
    let scaler = workload.foreign_scaler();
    let target = scaler.and_then(|scaler: &Scaler| scaler.cpu_target);
    let counts = [
        (FieldName::Replicas, workload.replicas),
        (FieldName::MinReplicas, scaler.map(|scaler| scaler.min_replicas)),
        (FieldName::MaxReplicas, scaler.and_then(|scaler| scaler.max_replicas)),
        (FieldName::CpuTarget, target.map(percents)),
    ];
    let counts = counts.map(|(field, number)| (field, number.map(count)));
    let grace = (FieldName::GracePeriod, workload.grace_period.map(seconds));
    let all = containers.chain(counts).chain([grace]);
    all.filter_map(|(field, amount)| Some((field.key(), amount?))).collect()
}

fn written_of(container: &Container, amount: Amount) -> Option<Quantity> {
    match amount {
        Amount::Request(Resource::Cpu) => container.cpu_request.map(Into::into),
        Amount::Request(Resource::Memory) => container.memory_request.map(Into::into),
        Amount::Limit(Resource::Cpu) => container.cpu_limit.map(Into::into),
        Amount::Limit(Resource::Memory) => container.memory_limit.map(Into::into),
    }
}

/// Containers of which a manifest says no amount: [`written`] names the others.
pub(super) fn unwritten(workload: &Workload) -> Vec<String> {
    let is_bare = |container: &&Container| {
        let (cpu, memory) = (container.cpu_request.or(container.cpu_limit), container.memory_request);
        cpu.is_none() && memory.or(container.memory_limit).is_none()
    };
    let bare = workload.containers.iter().filter(is_bare);
    bare.map(|container| container.name.clone()).collect()
}

fn count(number: u32) -> Quantity {
    Quantity::from_nano(i128::from(number) * 1_000_000_000, Format::DecimalSi)
}

fn percents(target: Percent) -> u32 {
    u32::try_from(target.ppm() / Percent::from_percent(1).ppm()).unwrap_or(u32::MAX)
}

/// A time as the manifest writes it, in seconds.
pub(super) fn seconds(time: Seconds) -> Quantity {
    Quantity::from_nano(i128::from(time.get()) * 1_000_000_000, Format::DecimalSi)
}

/// What a plan sets of these fields; `None`: it takes the field away.
fn planned(plan: &WorkloadPlan) -> BTreeMap<String, Option<Quantity>> {
    let mut planned = BTreeMap::new();
    for (name, container) in &plan.containers {
        let (requests, limits) = (&container.requests, &container.limits);
        let all = Amount::ALL.into_iter().filter_map(|amount| {
            let value = match amount {
                Amount::Request(Resource::Cpu) => Some(requests.cpu.as_ref()?.value.into()),
                Amount::Request(Resource::Memory) => Some(requests.memory.as_ref()?.value.into()),
                Amount::Limit(Resource::Cpu) => limits.cpu.as_ref()?.value.map(Into::into),
                Amount::Limit(Resource::Memory) => limits.memory.as_ref()?.value.map(Into::into),
            };
            Some((amount.of(name).key(), value))
        });
        planned.extend(all);
    }
    if let Some(replicas) = &plan.replicas {
        planned.insert(FieldName::Replicas.key(), replicas.value.map(count));
    }
    if let Some(grace) = &plan.grace_period {
        planned.insert(FieldName::GracePeriod.key(), Some(seconds(grace.value)));
    }
    if let Some(scaler) = plan.scaler.as_ref().filter(|scaler| scaler.adopted) {
        let target = scaler.cpu.as_ref().map(|cpu| percents(cpu.target.value));
        let counts = [
            (FieldName::MinReplicas, Some(scaler.min_replicas.value)),
            (FieldName::MaxReplicas, Some(scaler.max_replicas.value)),
            (FieldName::CpuTarget, target),
        ];
        let counts = counts.into_iter();
        planned.extend(counts.filter_map(|(field, number)| Some((field.key(), Some(count(number?))))));
    }
    planned
}

/// What the manifest says by now of values that the plan sets, and did not say when it was planned. A manifest that
/// says what the plan says is no news: a host may have written it back.
pub(crate) fn changes(plan: &WorkloadPlan, workload: &Workload) -> Vec<Diagnostic> {
    let Some(then) = &plan.written else {
        return Vec::new();
    };
    let now = written(workload);
    let is_there = |field: &FieldName| match field {
        // of a container that is gone nothing is applied
        FieldName::Container(name, _) => workload.container(name).is_some(),
        // plans did not always note the target
        FieldName::CpuTarget => then.contains_key(&field.key()) || !then.contains_key(&FieldName::MinReplicas.key()),
        _ => true,
    };
    let one = |(key, value): (String, Option<Quantity>)| {
        let field: FieldName = key.parse().ok()?;
        let (then, now) = (then.get(&key), now.get(&key));
        let is_news = now != then && now != value.as_ref() && is_there(&field);
        is_news.then(|| change(&field, then, now, value.as_ref()))
    };
    let changed = planned(plan).into_iter().filter_map(one);
    changed.chain(became_exclusive(plan, workload)).collect()
}

/// A scaler is planned only where several pods may run: one at a time is news, until a plan has said it.
fn became_exclusive(plan: &WorkloadPlan, workload: &Workload) -> Option<Diagnostic> {
    let scaler = plan.scaler.as_ref().filter(|scaler| scaler.max_replicas.value > 1)?;
    let is_said = plan.findings.contains_key(code::NOT_SCALABLE.as_str());
    (workload.is_exclusive && !is_said).then(|| {
        let headline = format!(
            "the manifest now allows one pod at a time (strategy Recreate, or a volume for one node); the plan's scaler of up to {} is applied",
            scaler.max_replicas.value
        );
        Diagnostic::warning(code::MANIFEST_CHANGED, headline)
            .help("state `scaling: {mode: none}` in the policy and plan again, or take it back in the manifest")
    })
}

fn change(
    field: &FieldName,
    then: Option<&Quantity>,
    now: Option<&Quantity>,
    planned: Option<&Quantity>,
) -> Diagnostic {
    let shown = |amount: Option<&Quantity>| amount.map_or_else(|| "nothing".to_owned(), |amount| format!("`{amount}`"));
    let applied = match planned {
        Some(value) => format!("the plan's `{value}` is applied"),
        None => "the plan takes the field away".to_owned(),
    };
    let headline = format!(
        "the manifest now says {} for `{field}`, was {} when it was planned; {applied}",
        shown(now),
        shown(then)
    );
    let help = match (asks_more(field, then, now), field) {
        (true, FieldName::CpuTarget) => {
            "run `trimtab plan --write`: what is derived goes no higher than a target that was lowered; one that the policy states is changed there"
        }
        (false, FieldName::CpuTarget) => {
            "run `trimtab plan --write`; what history asks for goes no higher by an edit, so state the target in the policy to have it"
        }
        (true, _) => {
            "run `trimtab plan --write`: what is derived goes no lower than a raise; a value that the policy states is changed there"
        }
        (false, _) => {
            "run `trimtab plan --write`; what history asks for goes no lower by an edit, so state the value in the policy to have it"
        }
    };
    Diagnostic::warning(code::MANIFEST_CHANGED, headline).help(help)
}

/// Whether an edit asks for more capacity. A limit where none was asks for less, and values of a scaler that were not
/// there are those of another scaler.
fn asks_more(field: &FieldName, then: Option<&Quantity>, now: Option<&Quantity>) -> bool {
    match (then, now) {
        (Some(then), Some(now)) => is_more(field, now, then),
        (None, Some(_)) => !matches!(field, FieldName::Container(_, Amount::Limit(_))) && !field.is_of_scaler(),
        (_, None) => false,
    }
}

/// Whether `one` is more capacity than `other`: pods are added earlier under a lower target.
fn is_more(field: &FieldName, one: &Quantity, other: &Quantity) -> bool {
    if *field == FieldName::CpuTarget {
        one < other
    } else {
        one > other
    }
}

/// What the owner edited after plans, and history has not judged yet.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// Raised: floors of what is derived, ceilings of targets.
    pub raised: BTreeMap<String, Raised>,
    /// Lowered: written again as it was, it is no raise.
    pub lowered: BTreeMap<String, Lowered>,
}

impl Edits {
    /// As the manifest tells. A value that the plan itself had set is no edit: a host that edits in place has written it.
    pub(super) fn of(question: &Question<'_>) -> Self {
        let (Some(accepted), mut edits) = (question.accepted, Self::default()) else {
            return Self::default();
        };
        let (planned, now) = (planned(accepted), written(question.workload));
        let then = accepted.written.iter().flat_map(BTreeMap::keys);
        let keys: BTreeSet<&String> = then.chain(now.keys()).collect();
        for key in keys {
            let Ok(field) = key.parse::<FieldName>() else { continue };
            // history does not judge how long work takes to end: such a raise stays (`lifecycle::grace_period`)
            if field == FieldName::GracePeriod {
                continue;
            }
            // what is gone with its container or scaler, nobody lowered
            let is_of_gone = field
                .container()
                .is_some_and(|name| question.workload.container(name).is_none());
            if is_of_gone || (field.is_of_scaler() && !now.contains_key(key)) {
                continue;
            }
            let one = One {
                question,
                field: &field,
                is_known: accepted.written.is_some(),
                then: accepted.written.as_ref().and_then(|written| written.get(key)),
                now: now.get(key),
                is_planned: now.contains_key(key) && planned.get(key) == Some(&now.get(key).copied()),
                raised: accepted.raised.get(key),
                lowered: accepted.lowered.get(key),
            };
            if let Some(raised) = one.raised() {
                edits.raised.insert(key.clone(), raised);
            }
            if let Some(lowered) = one.lowered() {
                edits.lowered.insert(key.clone(), lowered);
            }
        }
        edits
    }
}

/// What is known of one field.
struct One<'a> {
    question: &'a Question<'a>,
    field: &'a FieldName,
    /// Whether it is known what the manifest said when it was planned; and what it said.
    is_known: bool,
    then: Option<&'a Quantity>,
    now: Option<&'a Quantity>,
    /// Whether that is the plan's own value.
    is_planned: bool,
    raised: Option<&'a Raised>,
    lowered: Option<&'a Lowered>,
}

impl One<'_> {
    fn raised(&self) -> Option<Raised> {
        let value = *self.now?;
        // a raise that its owner takes back in part is still one, taken back as a whole it is none
        if let Some(held) = self.raised.filter(|held| !self.is_more(&value, &held.value)) {
            let is_over = held.from.is_some_and(|from| !self.is_more(&value, &from));
            let until = held.until.or_else(|| self.until());
            let from = held.from;
            return (!is_over && !self.is_judged(until)).then_some(Raised { value, from, until });
        }
        let restored = self.known_lowered();
        let is_restored = restored.is_some_and(|lowered| !self.is_more(&value, &lowered.from));
        let is_raised = self.is_known && asks_more(self.field, self.then, Some(&value));
        let is_new = is_raised && !self.is_planned && !is_restored;
        is_new.then(|| Raised {
            value,
            from: self
                .raised
                .and_then(|held| held.from)
                .or(restored.map(|lowered| lowered.from))
                .or(self.then.copied()),
            until: self.until(),
        })
    }

    fn lowered(&self) -> Option<Lowered> {
        let is_less_than = |from: &Quantity| self.now.is_none_or(|now| self.is_more(from, now));
        if let Some(known) = self.known_lowered() {
            let until = known.until.or_else(|| self.until());
            let from = known.from;
            return is_less_than(&from).then_some(Lowered { from, until });
        }
        // of a raise that is taken back, what was before it counts
        let from = self.raised.and_then(|held| held.from).or(self.then.copied())?;
        (is_less_than(&from) && !self.is_planned && self.then != self.now).then(|| Lowered {
            from,
            until: self.until(),
        })
    }

    fn is_more(&self, one: &Quantity, other: &Quantity) -> bool {
        is_more(self.field, one, other)
    }

    /// What was lowered, as long as history has not judged it.
    fn known_lowered(&self) -> Option<&Lowered> {
        self.lowered.filter(|lowered| !self.is_judged(lowered.until))
    }

    fn until(&self) -> Option<Timestamp> {
        let minimum = self.question.settings.bounds.history_minimum;
        self.question.now.and_then(|end| end.checked_add(minimum))
    }

    fn is_judged(&self, until: Option<Timestamp>) -> bool {
        until.zip(self.question.now).is_some_and(|(until, end)| end >= until)
    }
}

/// What the owner wrote of the fields in which the manifest has a value of ours by now: a host that
/// edits in place has written that one.
pub(super) fn overwritten(question: &Question<'_>) -> BTreeMap<String, Theirs> {
    let Some(accepted) = question.accepted.filter(|plan| plan.is_rendered()) else {
        return BTreeMap::new();
    };
    let Some(then) = &accepted.written else {
        return BTreeMap::new();
    };
    let planned = planned(accepted);
    let one = |(field, now): (String, Quantity)| {
        let known = accepted.overwritten.get(&field);
        // of the plan before, where the host has not run since
        let is_older = known.is_some() && then.get(&field) == Some(&now);
        let is_ours = is_older || planned.get(&field) == Some(&Some(now));
        let theirs = known.copied().unwrap_or_else(|| then.get(&field).copied().into());
        (is_ours && theirs.amount() != Some(now)).then_some((field, theirs))
    };
    written(question.workload).into_iter().filter_map(one).collect()
}

/// A derived amount, no lower than what the owner raised.
pub(super) fn lift<T>(case: &Case<'_>, field: &FieldName, now: Option<T>, decision: Decision<T>) -> Decision<T>
where
    T: Copy + Ord + std::fmt::Display,
{
    match higher(case, field, now, decision.value, &decision.reason) {
        None => decision,
        Some(now) => Decision {
            value: now,
            reason: said(case, field, &now, &decision.value),
            ..decision
        },
    }
}

/// As [`lift`], for a field that may go.
pub(super) fn lift_removable<T>(
    case: &Case<'_>,
    field: &FieldName,
    now: Option<T>,
    decision: Removable<T>,
) -> Removable<T>
where
    T: Copy + Ord + std::fmt::Display,
{
    let Some(value) = decision.value else { return decision };
    match higher(case, field, now, value, &decision.reason) {
        None => decision,
        Some(now) => Removable {
            value: Some(now),
            reason: said(case, field, &now, &value),
            ..decision
        },
    }
}

/// What the owner raised above a value that the policy does not state.
fn higher<T: Copy + Ord>(case: &Case<'_>, field: &FieldName, now: Option<T>, value: T, why: &Reason) -> Option<T> {
    let is_stated = why.code == code::STATED.as_str();
    now.filter(|now| *now > value && !is_stated && case.is_raised(field))
}

/// Why a value is the owner's, with the finding that says how long.
pub(super) fn said(
    case: &Case<'_>,
    field: &FieldName,
    now: &dyn std::fmt::Display,
    derived: &dyn std::fmt::Display,
) -> Reason {
    let until = case.edits.raised.get(&field.key()).and_then(|raised| raised.until);
    let moved = if *field == FieldName::CpuTarget {
        "lowered"
    } else {
        "raised"
    };
    let end = until.map_or_else(
        || format!("{} of history are recorded", case.settings.bounds.history_minimum),
        |until: Timestamp| format!("a profile reaches {until}"),
    );
    case.find(
        code::OWNER_RAISED,
        format!(
            "`{field}` was {moved} to {now} in the manifest, and {derived} would be planned: {now} stays until {end}"
        ),
    );
    let mut reason = super::case::reason(code::OWNER_RAISED, [("derived", derived.to_string())]);
    if let Some(until) = until {
        reason.inputs.insert("until".to_owned(), until.to_string());
    }
    reason
}
