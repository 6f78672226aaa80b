//! What the owner of a workload writes into its manifest after a plan was accepted.
//!
//! A plan's values stand in the place of the manifest's, so without a word an edit in Git would do nothing. An entry
//! keeps what the manifest said of the fields that planning sets. Where the manifest says something else by now, that is
//! reported; and the next plan takes a raise for a floor: what is derived goes no lower until `history.minimum` more is
//! recorded. Then history has seen it, and speaks again. What the owner lowers is reported only: less comes from history
//! or from the policy.

use std::collections::BTreeMap;

use super::case::{Case, Question};
use super::model::{Decision, Raised, Removable, WorkloadPlan};
use crate::diag::{Diagnostic, code};
use crate::krm::Reason;
use crate::units::{Bytes, Format, Millicores, Quantity, Timestamp};
use crate::workload::{Container, Scaler, Workload};

/// Amounts by field: `api/requests/cpu`, `replicas`, `scaler/minReplicas`.
pub type Written = BTreeMap<String, Quantity>;

/// `spec.replicas`.
pub(super) const REPLICAS: &str = "replicas";
/// The lowest count of a scaler of the owner.
pub(super) const MIN_REPLICAS: &str = "scaler/minReplicas";
/// The highest count of a scaler of the owner.
pub(super) const MAX_REPLICAS: &str = "scaler/maxReplicas";

/// What a manifest says of the fields that planning sets.
pub(super) fn written(workload: &Workload) -> Written {
    let cpu = |amount: Option<Millicores>| amount.map(Quantity::from);
    let memory = |amount: Option<Bytes>| amount.map(Quantity::from);
    let containers = workload.containers.iter().flat_map(|container| {
        let name = &container.name;
        [
            (format!("{name}/requests/cpu"), cpu(container.cpu_request)),
            (format!("{name}/requests/memory"), memory(container.memory_request)),
            (format!("{name}/limits/cpu"), cpu(container.cpu_limit)),
            (format!("{name}/limits/memory"), memory(container.memory_limit)),
        ]
    });
    let mut foreign = workload.scalers.iter().filter(|scaler| !scaler.is_ours);
    let scaler = foreign.next().filter(|_| foreign.next().is_none());
    let counts = [
        (REPLICAS, workload.replicas),
        (MIN_REPLICAS, scaler.map(|scaler| scaler.min_replicas)),
        (MAX_REPLICAS, scaler.and_then(|scaler: &Scaler| scaler.max_replicas)),
    ];
    let counts = counts.map(|(field, number)| (field.to_owned(), number.map(count)));
    let all = containers.chain(counts);
    all.filter_map(|(field, amount)| Some((field, amount?))).collect()
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

/// What a plan sets of these fields; `None`: it takes the field away.
fn planned(plan: &WorkloadPlan) -> BTreeMap<String, Option<Quantity>> {
    let mut planned = BTreeMap::new();
    for (name, container) in &plan.containers {
        let (requests, limits) = (&container.requests, &container.limits);
        let all = [
            ("requests/cpu", requests.cpu.as_ref().map(|d| Some(d.value.into()))),
            (
                "requests/memory",
                requests.memory.as_ref().map(|d| Some(d.value.into())),
            ),
            ("limits/cpu", limits.cpu.as_ref().map(|d| d.value.map(Into::into))),
            ("limits/memory", limits.memory.as_ref().map(|d| d.value.map(Into::into))),
        ];
        let all = all.into_iter();
        planned.extend(all.filter_map(|(field, amount)| Some((format!("{name}/{field}"), amount?))));
    }
    if let Some(replicas) = &plan.replicas {
        planned.insert(REPLICAS.to_owned(), replicas.value.map(count));
    }
    if let Some(scaler) = plan.scaler.as_ref().filter(|scaler| scaler.adopted) {
        planned.insert(MIN_REPLICAS.to_owned(), Some(count(scaler.min_replicas.value)));
        planned.insert(MAX_REPLICAS.to_owned(), Some(count(scaler.max_replicas.value)));
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
    let planned = planned(plan);
    // of a container that is gone nothing is applied
    let is_there = |field: &str| {
        let (container, rest) = field.split_once('/').unwrap_or(("", field));
        !rest.contains('/') || workload.container(container).is_some()
    };
    let is_news = |(field, value): &(&String, &Option<Quantity>)| {
        let now = now.get(*field);
        now != then.get(*field) && now != value.as_ref() && is_there(field)
    };
    let news = planned.iter().filter(is_news);
    news.map(|(field, value)| change(field, then.get(field), now.get(field), value.as_ref()))
        .collect()
}

fn change(field: &str, then: Option<&Quantity>, now: Option<&Quantity>, planned: Option<&Quantity>) -> Diagnostic {
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
    let help = if is_raised(field, then, now) {
        "run `trimtab plan --write`: what is derived goes no lower than a raise; a value that the policy states is changed there"
    } else {
        "run `trimtab plan --write`; what history asks for goes no lower by an edit, so state the value in the policy to have it"
    };
    Diagnostic::warning(code::MANIFEST_CHANGED, headline).help(help)
}

/// Whether an edit asks for more. A limit where none was asks for less, and a scaler's bounds that were not there are
/// those of another scaler.
fn is_raised(field: &str, then: Option<&Quantity>, now: Option<&Quantity>) -> bool {
    match (then, now) {
        (Some(then), Some(now)) => now > then,
        (None, Some(_)) => !field.contains("/limits/") && !field.starts_with("scaler/"),
        (_, None) => false,
    }
}

/// What the owner raised and history has not judged yet. A value that the plan itself had set is no raise: a host that
/// edits in place has written it.
pub(super) fn raised(question: &Question<'_>) -> BTreeMap<String, Raised> {
    let Some(accepted) = question.accepted else {
        return BTreeMap::new();
    };
    let until = || {
        let minimum = question.settings.bounds.history_minimum;
        question.now.and_then(|end| end.checked_add(minimum))
    };
    let planned = planned(accepted);
    let one = |(field, now): (String, Quantity)| {
        // a raise that its owner takes back in part is still one
        let held = accepted.raised.get(&field).filter(|held| now <= held.value);
        if let Some(held) = held {
            let until = held.until.or_else(until);
            let is_judged = until.zip(question.now).is_some_and(|(until, end)| end >= until);
            return (!is_judged).then_some((field, Raised { value: now, until }));
        }
        let then = accepted.written.as_ref()?;
        let is_planned = planned.get(&field) == Some(&Some(now));
        let is_new = is_raised(&field, then.get(&field), Some(&now)) && !is_planned;
        is_new.then(|| {
            let until = until();
            (field, Raised { value: now, until })
        })
    };
    written(question.workload).into_iter().filter_map(one).collect()
}

/// What the owner wrote, `None` for nothing, of the fields in which the manifest has a value of ours by now: a host that
/// edits in place has written that one.
pub(super) fn overwritten(question: &Question<'_>) -> BTreeMap<String, Option<Quantity>> {
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
        let theirs = known.copied().unwrap_or_else(|| then.get(&field).copied());
        (is_ours && theirs != Some(now)).then_some((field, theirs))
    };
    written(question.workload).into_iter().filter_map(one).collect()
}

/// A derived amount, no lower than what the owner raised.
pub(super) fn lift<T>(case: &Case<'_>, field: &str, now: Option<T>, decision: Decision<T>) -> Decision<T>
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
pub(super) fn lift_removable<T>(case: &Case<'_>, field: &str, now: Option<T>, decision: Removable<T>) -> Removable<T>
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
fn higher<T: Copy + Ord>(case: &Case<'_>, field: &str, now: Option<T>, value: T, why: &Reason) -> Option<T> {
    let is_stated = why.code == code::STATED.as_str();
    now.filter(|now| *now > value && !is_stated && case.raised.contains_key(field))
}

/// Why a value is the owner's, with the finding that says how long.
pub(super) fn said(
    case: &Case<'_>,
    field: &str,
    now: &dyn std::fmt::Display,
    derived: &dyn std::fmt::Display,
) -> Reason {
    let until = case.raised.get(field).and_then(|raised| raised.until);
    let end = until.map_or_else(
        || format!("{} of history are recorded", case.settings.bounds.history_minimum),
        |until: Timestamp| format!("a profile reaches {until}"),
    );
    case.find(
        code::OWNER_RAISED,
        format!(
            "`{field}` was raised to {now} in the manifest, and {derived} would be planned: {now} stays until {end}"
        ),
    );
    let mut reason = super::case::reason(code::OWNER_RAISED, [("derived", derived.to_string())]);
    if let Some(until) = until {
        reason.inputs.insert("until".to_owned(), until.to_string());
    }
    reason
}
