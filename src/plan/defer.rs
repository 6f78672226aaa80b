//! What waits for a later plan, and what goes along with a restart that does not wait.

use std::collections::BTreeMap;

use super::case::reason;
use super::model::{ContainerPlan, Decided, Decision, Removable, ResourcePlan, WorkloadPlan};
use super::restart::{raises_cpu, raises_memory};
use super::settle::TAKEN_ALONG;
use super::{lapse, limits, waiting};
use crate::diag::code;

/// What would restart pods waits for a later plan, and with it a scaler whose target divides by a changed request.
pub(super) fn defer(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, guardrail: &str, detail: &str) {
    let wanted = plan.clone();
    let empty = WorkloadPlan::default();
    let before = before.unwrap_or(&empty);
    let main = |plan: &'_ WorkloadPlan, name: &str| plan.containers.get(name)?.requests.cpu.clone();
    let (main, old) = (main(plan, &plan.main_container), main(before, &plan.main_container));
    // targets and bounds divide by the request
    let depends_on_template = plan.scaler.is_some() && waiting::other(main.as_ref(), old.as_ref()).is_some();
    plan.containers = kept_amounts(&plan.containers, &before.containers);
    plan.spread.clone_from(&before.spread);
    plan.spot.clone_from(&before.spot);
    plan.grace_period = kept(plan.grace_period.as_ref(), before.grace_period.as_ref());
    plan.pre_stop_sleep = kept(plan.pre_stop_sleep.as_ref(), before.pre_stop_sleep.as_ref());
    if depends_on_template {
        plan.scaler.clone_from(&before.scaler);
        plan.replicas.clone_from(&before.replicas);
        // a budget counts on the scaler's lowest count
        plan.disruption.clone_from(&before.disruption);
    }
    plan.restarted = before.restarted;
    hold(plan, &wanted, guardrail, detail);
}

/// Notes the amounts that a guardrail alone would hold back and that go along: the pods restart for something that waits
/// for nothing, and one restart for all is less than two.
pub(super) fn take_along(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, guardrail: &str) {
    fn note<D: Decided + Clone>(new: &mut Option<D>, old: Option<&D>, guardrail: &str) {
        let is_new = waiting::other(new.as_ref(), old).is_some();
        if let Some(new) = new.as_mut().filter(|new| is_new && !new.is_stated()) {
            new.explain(TAKEN_ALONG, guardrail);
        }
    }
    for (name, container) in &mut plan.containers {
        let old = before.and_then(|before| before.containers.get(name));
        let (requests, limits) = (&mut container.requests, &mut container.limits);
        let (old_requests, old_limits) = (old.map(|old| &old.requests), old.map(|old| &old.limits));
        let old_cpu = old_requests.and_then(|old| old.cpu.as_ref());
        // a request that goes up is what does not wait, and its limit goes with it
        if !raises_cpu(requests.cpu.as_ref(), old_cpu) {
            note(&mut requests.cpu, old_cpu, guardrail);
            if !follows_stated(limits.cpu.as_ref(), requests.cpu.as_ref()) {
                note(&mut limits.cpu, old_limits.and_then(|old| old.cpu.as_ref()), guardrail);
            }
        }
        let old_memory = old_requests.and_then(|old| old.memory.as_ref());
        if !raises_memory(requests.memory.as_ref(), old_memory) {
            note(&mut requests.memory, old_memory, guardrail);
            if !follows_stated(limits.memory.as_ref(), requests.memory.as_ref()) {
                note(
                    &mut limits.memory,
                    old_limits.and_then(|old| old.memory.as_ref()),
                    guardrail,
                );
            }
        }
    }
}

/// A placement that waits for the next restart, whatever makes it.
pub(super) fn hold_spot(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, detail: &str) {
    let wanted = plan.clone();
    plan.spot = before.and_then(|before| before.spot.clone());
    hold(plan, &wanted, "restart.spot", detail);
}

/// Notes what of a wanted plan is held back.
fn hold(plan: &mut WorkloadPlan, wanted: &WorkloadPlan, guardrail: &str, detail: &str) {
    if let Some(waiting) = waiting::between(wanted, plan, detail) {
        plan.waiting.insert(guardrail.to_owned(), waiting);
        plan.add_to_finding(code::RESTART_DEFERRED, detail);
    }
}

/// The template of a StatefulSet or DaemonSet changes only where the policy states values for it.
pub(super) fn keep_stated_only(plan: &mut WorkloadPlan, before: Option<&WorkloadPlan>, kind: &str) {
    let wanted = plan.clone();
    for (name, container) in &mut plan.containers {
        let old = before.and_then(|plan| plan.containers.get(name));
        let (requests, limits) = (&mut container.requests, &mut container.limits);
        let (old_requests, old_limits) = (old.map(|old| &old.requests), old.map(|old| &old.limits));
        let old_cpu = old_requests.and_then(|old| old.cpu.as_ref());
        drop_derived_pair(
            (&mut requests.cpu, &mut limits.cpu),
            (old_cpu, old_limits.and_then(|old| old.cpu.as_ref())),
        );
        let old_memory = old_requests.and_then(|old| old.memory.as_ref());
        drop_derived_pair(
            (&mut requests.memory, &mut limits.memory),
            (old_memory, old_limits.and_then(|old| old.memory.as_ref())),
        );
    }
    plan.containers
        .retain(|_, container| *container != ContainerPlan::default());
    let detail = format!(
        "derived values are not written into a {kind}, only stated ones (`guardrails.restart.stateful: never`)"
    );
    hold(plan, &wanted, "restart.stateful", &detail);
}

/// Whether a limit moves only because a request moves that the policy states.
fn follows_stated(limit: Option<&impl Decided>, request: Option<&impl Decided>) -> bool {
    let follows = limit.is_some_and(|limit| limit.reason().code == code::LIMIT_FOLLOWS_REQUEST.as_str());
    follows && request.is_some_and(Decided::is_stated)
}

/// Puts the accepted values, or none, in the place of derived ones. A limit that moves with its request stays with it, and
/// no request that stays is above a stated limit.
fn drop_derived_pair<T: Copy + Ord + std::fmt::Display>(
    (request, limit): (&mut Option<Decision<T>>, &mut Option<Removable<T>>),
    (old_request, old_limit): (Option<&Decision<T>>, Option<&Removable<T>>),
) {
    let is_request_derived = request.as_ref().is_some_and(|request| !request.is_stated());
    let is_equal = limit.as_ref().is_some_and(limits::is_equal);
    // a stated request without the limit that follows it may pass the old one: both change
    let is_limit_derived = limit.as_ref().is_some_and(|limit| !limit.is_stated() || is_equal);
    if is_limit_derived && (is_request_derived || !(is_equal || follows_stated(limit.as_ref(), request.as_ref()))) {
        *limit = kept(limit.as_ref(), old_limit);
    }
    if !is_request_derived {
        return;
    }
    let in_force = old_request
        .map(|old| old.value)
        .or(request.as_ref().and_then(|new| new.before));
    *request = kept(request.as_ref(), old_request);
    let most = limit
        .as_ref()
        .filter(|limit| limit.is_stated())
        .and_then(|limit| limit.value);
    if let Some(value) = in_force.filter(|value| limits::lesser(*value, most) != *value) {
        let stays = Decision {
            value,
            before: Some(value),
            reason: reason(code::KEPT, []),
        };
        *request = Some(limits::under(most, stays));
    }
}

/// The accepted value, or none, with the reason that it has now.
fn kept<D: Decided + Clone>(new: Option<&D>, old: Option<&D>) -> Option<D> {
    let old = old?;
    let same = new.filter(|new| new.agrees_with(old));
    Some(same.cloned().unwrap_or_else(|| lapse::unstated(old.clone())))
}

/// The accepted amounts, with the reasons that they have now.
fn kept_amounts(
    new: &BTreeMap<String, ContainerPlan>,
    old: &BTreeMap<String, ContainerPlan>,
) -> BTreeMap<String, ContainerPlan> {
    let nothing = ContainerPlan::default();
    let one = |(name, old): (&String, &ContainerPlan)| {
        let new = new.get(name).unwrap_or(&nothing);
        let requests = ResourcePlan {
            cpu: kept(new.requests.cpu.as_ref(), old.requests.cpu.as_ref()),
            memory: kept(new.requests.memory.as_ref(), old.requests.memory.as_ref()),
        };
        let limits = ResourcePlan {
            cpu: kept(new.limits.cpu.as_ref(), old.limits.cpu.as_ref()),
            memory: kept(new.limits.memory.as_ref(), old.limits.memory.as_ref()),
        };
        (name.clone(), ContainerPlan { requests, limits })
    };
    old.iter().map(one).collect()
}
