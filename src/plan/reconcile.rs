//! What couples workloads, in a fixed order, each cut with its reason: pods that the selectors of two of them share, then
//! how many may restart in one plan.
//!
//! Urgent first: a change that raises a request repairs a workload that is short of it now.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Decision, Removable, WorkloadPlan};
use super::{Inputs, one};
use crate::diag::code;
use crate::policy::wire::{Mode, StatefulRestart};
use crate::units::Timestamp;
use crate::workload::Workload;

/// Applies everything that couples workloads.
pub(super) fn reconcile(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    part_shared_pods(inputs, workloads);
    bound_restarts(inputs, workloads);
}

/// Workloads that would share pods under a budget or scaler are decided again without new ones: all that selects pods of
/// others, and all whose pods are selected by one that has, or would have, a budget or scaler.
fn part_shared_pods(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    let holds = |key: &String| {
        let has_planned = |plan: &WorkloadPlan| plan.scaler.is_some() || plan.disruption.is_some();
        let has_already = |workload: &Workload| {
            let has_scaler = workload.scalers.iter().any(|scaler| !scaler.is_ours);
            has_scaler || workload.budgets.iter().any(|budget| !budget.is_ours)
        };
        workloads.get(key).is_some_and(has_planned) || inputs.workloads.by_key.get(key).is_some_and(has_already)
    };
    let mut shared: Vec<(&String, &Workload, Vec<String>)> = Vec::new();
    for (key, workload) in inputs.workloads.by_key.iter().filter(|(key, _)| holds(key)) {
        let by = workload.selected_by.iter().filter(|other| holds(other));
        let others: BTreeSet<&String> = workload.selects.iter().chain(by).collect();
        if !others.is_empty() {
            shared.push((key, workload, others.into_iter().cloned().collect()));
        }
    }
    for (key, workload, others) in shared {
        let accepted = inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
        if let (Some(plan), _) = one(inputs, (key, workload), accepted, &others) {
            workloads.insert(key.clone(), plan);
        }
    }
}

/// Applies `guardrails.restart` and `guardrails.wave`.
fn bound_restarts(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    let bounds = &inputs.settings.bounds;
    let accepted = |key: &str| inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
    let mut restarting: Vec<(bool, String)> = Vec::new();
    for (key, plan) in workloads.iter_mut() {
        let before = accepted(key);
        let Some(workload) = inputs.workloads.by_key.get(key) else {
            continue;
        };
        if plan.mode != Mode::Enforce || workload.id.group == "batch" {
            continue;
        }
        if bounds.stateful == StatefulRestart::Never && matches!(workload.id.kind.as_str(), "StatefulSet" | "DaemonSet")
        {
            keep_stated_only(plan, before, &workload.id.kind);
        }
        if !restarts(plan, before) {
            if was_in_this_window(before, inputs.window_end) && is_same_evidence(inputs) {
                restarting.push((false, key.clone()));
            }
            continue;
        }
        let is_urgent = raises(plan);
        let next = before
            .and_then(|plan| plan.restarted)
            .and_then(|last| last.checked_add(bounds.restart_interval));
        match (next, inputs.window_end) {
            (Some(next), Some(now)) if now < next && !is_urgent => {
                let detail = format!("its pods may restart again from {next} on (`guardrails.restart.minInterval`)");
                defer(plan, before, detail);
            }
            _ => restarting.push((!is_urgent, key.clone())),
        }
    }
    restarting.sort();
    for (index, (_, key)) in restarting.into_iter().enumerate() {
        let before = accepted(&key);
        let Some(plan) = workloads.get_mut(&key) else { continue };
        if index < usize::try_from(bounds.wave).unwrap_or(usize::MAX) {
            plan.restarted = inputs.window_end.or(plan.restarted);
            plan.note(code::RESTARTS_PODS, "applying this change replaces its pods");
        } else {
            defer(
                plan,
                before,
                format!("more than {} workloads would restart (`guardrails.wave`)", bounds.wave),
            );
        }
    }
}

fn is_same_evidence(inputs: &Inputs<'_>) -> bool {
    inputs
        .accepted
        .is_some_and(|plan| plan.spec.digests.profile == inputs.digests.profile)
}

fn was_in_this_window(before: Option<&WorkloadPlan>, window_end: Option<Timestamp>) -> bool {
    window_end.is_some() && before.is_some_and(|plan| plan.restarted == window_end)
}

/// Whether the pod template will differ from the accepted one.
fn restarts(plan: &WorkloadPlan, before: Option<&WorkloadPlan>) -> bool {
    if let Some(before) = before {
        return template(plan) != template(before);
    }
    let is_changed = plan.containers.values().any(|container| {
        changes(container.requests.cpu.as_ref())
            || changes(container.requests.memory.as_ref())
            || is_other(container.limits.cpu.as_ref())
            || is_other(container.limits.memory.as_ref())
    });
    is_changed
        || !plan.spread.is_empty()
        || plan.spot.is_some()
        || changes(plan.grace_period.as_ref())
        || plan.pre_stop_sleep.is_some()
}

fn changes<T: PartialEq>(decision: Option<&Decision<T>>) -> bool {
    decision.is_some_and(|decision| decision.before.as_ref() != Some(&decision.value))
}

fn is_other<T: PartialEq>(removable: Option<&Removable<T>>) -> bool {
    removable.is_some_and(|removable| removable.before != removable.value)
}

/// What a plan writes into the pod template, values only.
fn template(plan: &WorkloadPlan) -> impl PartialEq + use<> {
    let containers: Vec<_> = plan
        .containers
        .iter()
        .map(|(name, container)| {
            let requests = &container.requests;
            let limits = &container.limits;
            (
                name.clone(),
                requests.cpu.as_ref().map(|d| d.value),
                requests.memory.as_ref().map(|d| d.value),
                limits.cpu.as_ref().map(|d| d.value),
                limits.memory.as_ref().map(|d| d.value),
            )
        })
        .collect();
    let spread: Vec<_> = plan
        .spread
        .iter()
        .map(|(key, spread)| {
            (
                key.clone(),
                spread.max_skew,
                spread.when_unsatisfiable,
                spread.per_revision,
                spread.honor_taints,
            )
        })
        .collect();
    let spot = plan
        .spot
        .as_ref()
        .map(|spot| (spot.mode, spot.labels.clone(), spot.taints.clone()));
    let grace = plan.grace_period.as_ref().map(|d| d.value);
    (
        containers,
        spread,
        spot,
        grace,
        plan.pre_stop_sleep.as_ref().map(|d| d.value),
    )
}

/// Whether a request goes up.
fn raises(plan: &WorkloadPlan) -> bool {
    fn is_up<T: PartialOrd>(decision: Option<&Decision<T>>) -> bool {
        decision.is_some_and(|d| d.before.as_ref().is_some_and(|before| d.value > *before))
    }
    plan.containers
        .values()
        .any(|container| is_up(container.requests.cpu.as_ref()) || is_up(container.requests.memory.as_ref()))
}

/// What would restart pods waits for a later plan, and with it a scaler whose target divides by a changed request.
fn defer(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, detail: String) {
    let empty = WorkloadPlan::default();
    let before = before.unwrap_or(&empty);
    let main = plan
        .containers
        .get(&plan.main_container)
        .and_then(|container| container.requests.cpu.as_ref());
    let depends_on_template = plan.scaler.as_ref().is_some_and(|scaler| scaler.cpu.is_some()) && changes(main);
    plan.containers.clone_from(&before.containers);
    plan.spread.clone_from(&before.spread);
    plan.spot.clone_from(&before.spot);
    plan.grace_period.clone_from(&before.grace_period);
    plan.pre_stop_sleep.clone_from(&before.pre_stop_sleep);
    if depends_on_template {
        plan.scaler.clone_from(&before.scaler);
        plan.replicas.clone_from(&before.replicas);
    }
    plan.restarted = before.restarted;
    plan.note(code::RESTART_DEFERRED, detail);
}

/// The template of a StatefulSet or DaemonSet changes only where the policy states values for it.
fn keep_stated_only(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, kind: &str) {
    let mut dropped = false;
    for (name, container) in &mut plan.containers {
        let old = before.and_then(|plan| plan.containers.get(name));
        let is_stated = |code: &str| code == code::STATED.as_str();
        if container
            .requests
            .cpu
            .as_ref()
            .is_some_and(|d| !is_stated(&d.reason.code))
        {
            dropped |= changes(container.requests.cpu.as_ref());
            container.requests.cpu = old.and_then(|old| old.requests.cpu.clone());
        }
        if container
            .requests
            .memory
            .as_ref()
            .is_some_and(|d| !is_stated(&d.reason.code))
        {
            dropped |= changes(container.requests.memory.as_ref());
            container.requests.memory = old.and_then(|old| old.requests.memory.clone());
        }
        if container
            .limits
            .cpu
            .as_ref()
            .is_some_and(|d| !is_stated(&d.reason.code))
        {
            container.limits.cpu = old.and_then(|old| old.limits.cpu.clone());
        }
        if container
            .limits
            .memory
            .as_ref()
            .is_some_and(|d| !is_stated(&d.reason.code))
        {
            container.limits.memory = old.and_then(|old| old.limits.memory.clone());
        }
    }
    plan.containers
        .retain(|_, container| *container != super::model::ContainerPlan::default());
    if dropped {
        let detail = format!("derived requests are not written into a {kind} (`guardrails.restart.stateful: never`)");
        plan.note(code::RESTART_DEFERRED, detail);
    }
}
