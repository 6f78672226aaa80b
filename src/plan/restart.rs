//! Which workloads may restart in one plan, and when: `guardrails.restart` and `guardrails.wave`.
//!
//! Restarts come urgent first: a change that raises a request repairs a workload that is short of it now. Of equals the
//! one that moves the largest share of the environment's requested capacity goes first, as a plan that can do only some
//! should do what is worth most; then by name. A workload whose pods restart for what waits for nothing takes its other
//! steps along: they are as bounded as ever, and pods that restart once are better off than pods that restart twice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::defer::{defer, hold_spot, keep_stated_only, take_along};
use super::model::{ContainerPlan, Decided, Decision, Removable, SpotPlacement, SpotPlan, WorkloadPlan};
use super::{Inputs, codec, last, versions, waiting};
use crate::diag::{code, counted};
use crate::krm::Reason;
use crate::policy::wire::StatefulRestart;
use crate::units::{Bytes, Millicores, Timestamp};
use crate::workload::Workload;

/// Applies `guardrails.restart` and `guardrails.wave`.
pub(super) fn bound(inputs: &Inputs<'_>, workloads: &mut BTreeMap<String, WorkloadPlan>) {
    let bounds = &inputs.settings.bounds;
    let accepted = |key: &str| inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
    // what was only observed never was in force
    let in_force = |key: &str, plan: &WorkloadPlan| {
        let accepted = accepted(key).filter(|accepted| accepted.is_rendered());
        last::before(plan, accepted)
    };
    let capacity = Capacity::of(inputs);
    let mut restarting: Vec<(Turn, Reverse<u128>, String)> = Vec::new();
    for (key, plan) in workloads.iter_mut() {
        let before = in_force(key, plan);
        let before = before.as_ref();
        let Some(workload) = inputs.workloads.by_key.get(key) else {
            continue;
        };
        if !plan.is_rendered() || workload.id.group == "batch" {
            continue;
        }
        let has_restarted = was_in_this_window(before, inputs.window_end);
        // what was decided by an earlier plan stays as it is, and takes its turn
        if !plan.seal.is_empty() {
            if has_restarted {
                restarting.push((Turn::Accepted, Reverse(0), key.clone()));
            }
            continue;
        }
        if bounds.stateful == StatefulRestart::Never && matches!(workload.id.kind.as_str(), "StatefulSet" | "DaemonSet")
        {
            keep_stated_only(plan, before, &workload.id.kind);
        }
        if only_shuns_spot(plan, before) && !has_restarted {
            let detail =
                "keeping the pods off spot nodes is no reason to restart them: it goes along with their next restart";
            hold_spot(plan, before, detail);
        }
        if !restarts(plan, before) {
            if has_restarted {
                restarting.push((Turn::Accepted, Reverse(0), key.clone()));
            }
            continue;
        }
        // a plan on the window of the last one stands in its place, so that it is no second restart
        if has_restarted {
            restarting.push((Turn::Accepted, Reverse(0), key.clone()));
            continue;
        }
        let turn = turn(inputs, workload, plan, before);
        let next = before
            .and_then(|plan| plan.restarted)
            .and_then(|last| last.checked_add(bounds.restart_interval));
        match (next, inputs.window_end) {
            (Some(next), Some(now)) if now < next && turn == Turn::Usual => {
                let detail = format!(
                    "a plan on a profile that reaches {next} may restart its pods again (`guardrails.restart.minInterval`)"
                );
                defer(plan, before, "restart.minInterval", &detail);
                say_edited(inputs, key, plan);
            }
            (next, now) => {
                if turn != Turn::Law && next.zip(now).is_some_and(|(next, now)| now < next) {
                    take_along(plan, before, "restart.minInterval");
                }
                restarting.push((turn, Reverse(capacity.moved_by(inputs, key, plan)), key.clone()));
            }
        }
    }
    restarting.sort();
    for (index, (turn, _, key)) in restarting.into_iter().enumerate() {
        let Some(plan) = workloads.get_mut(&key).filter(|plan| plan.seal.is_empty()) else {
            continue;
        };
        let before = in_force(&key, plan);
        let before = before.as_ref();
        let has_room = index < usize::try_from(bounds.wave).unwrap_or(usize::MAX);
        if has_room || matches!(turn, Turn::Law | Turn::Accepted) {
            plan.restarted = inputs.window_end.or(plan.restarted);
            plan.note(code::RESTARTS_PODS, "applying this change replaces its pods");
        } else {
            let detail = format!(
                "more than {} would restart: it waits for a plan on a newer profile (`guardrails.wave`)",
                counted(bounds.wave, "workload")
            );
            defer(plan, before, "wave", &detail);
            say_edited(inputs, &key, plan);
        }
    }
}

/// Notes that values stay which no planning made: an edit is no decision, and its end restarts pods as any other change.
fn say_edited(inputs: &Inputs<'_>, key: &str, plan: &mut WorkloadPlan) {
    let accepted = inputs.accepted.and_then(|plan| plan.spec.workloads.get(key));
    if accepted.is_some_and(|accepted| !codec::is_sealed(key, accepted)) {
        plan.note(
            code::PLAN_EDITED,
            "the accepted entry was not as planning wrote it: its values stay until its pods may restart",
        );
    }
}

/// When a workload's turn to restart comes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// The cluster would refuse what was accepted.
    Law,
    /// The policy states another value than was accepted: its owner's word, whatever waits.
    Restated,
    /// Accepted in a plan on the same window, or its owner's own raise: nothing defers it.
    Accepted,
    /// It is short of something now, or must leave its nodes, or the policy states a value.
    Urgent,
    /// Any other.
    Usual,
}

/// When a plan that restarts pods has its turn.
fn turn(inputs: &Inputs<'_>, workload: &Workload, plan: &WorkloadPlan, before: Option<&WorkloadPlan>) -> Turn {
    let leaves_spot = |plan: &WorkloadPlan| plan.spot.as_ref().is_some_and(|spot| spot.mode == SpotPlacement::Never);
    let nothing = WorkloadPlan::default();
    let is_stated_anew = states_anew(plan, before.unwrap_or(&nothing));
    match before {
        Some(before) if versions::is_broken_by(&inputs.settings.cluster, workload, before) => Turn::Law,
        Some(before) if is_above_limit(workload, before) => Turn::Law,
        Some(before) if is_raised_by_owner(plan, before) => Turn::Accepted,
        Some(_) if is_stated_anew => Turn::Restated,
        Some(before) if leaves_spot(plan) && !leaves_spot(before) => Turn::Urgent,
        _ if is_stated_anew || raises(plan, before.unwrap_or(&nothing)) => Turn::Urgent,
        _ => Turn::Usual,
    }
}

/// Whether what was accepted requests more than its limit by now: the owner lowered a limit that no plan sets.
fn is_above_limit(workload: &Workload, before: &WorkloadPlan) -> bool {
    fn is_above<T: Copy + Ord>(
        (request, limit): (Option<&Decision<T>>, Option<&Removable<T>>),
        (own_request, own_limit): (Option<T>, Option<T>),
    ) -> bool {
        let request = request.map(|decided| decided.value).or(own_request);
        let limit = limit.map_or(own_limit, |decided| decided.value);
        request.zip(limit).is_some_and(|(request, limit)| request > limit)
    }
    workload.containers.iter().any(|own| {
        let Some(ContainerPlan { requests, limits }) = before.containers.get(&own.name) else {
            return false;
        };
        is_above(
            (requests.cpu.as_ref(), limits.cpu.as_ref()),
            (own.cpu_request, own.cpu_limit),
        ) || is_above(
            (requests.memory.as_ref(), limits.memory.as_ref()),
            (own.memory_request, own.memory_limit),
        )
    })
}

/// Whether the owner raised a value in the manifest: that edit restarts the pods by itself.
fn is_raised_by_owner(plan: &WorkloadPlan, before: &WorkloadPlan) -> bool {
    let waits = waiting::between(plan, before, "");
    let mut amounts = waits
        .iter()
        .flat_map(|waits| waits.containers.values())
        .flat_map(ContainerPlan::amounts);
    amounts.any(|(_, decided)| decided.reason().code == code::OWNER_RAISED.as_str())
}

/// Whether the policy itself states something of the pod template that was not accepted, or takes something back: an
/// accepted amount goes only by its word (or with its container).
fn states_anew(plan: &WorkloadPlan, before: &WorkloadPlan) -> bool {
    fn is<D: Decided>(decided: Option<&D>) -> bool {
        decided.is_some_and(D::is_stated)
    }
    let amounts = |plan: &WorkloadPlan, name: &String| plan.containers.get(name).map_or(0, |now| now.amounts().count());
    let is_fewer = |(name, old): (&String, &ContainerPlan)| old.amounts().count() > amounts(plan, name);
    if before.containers.iter().any(is_fewer) {
        return true;
    }
    let Some(waits) = waiting::between(plan, before, "") else {
        return false;
    };
    let is_said = |reason: &Reason| reason.code == code::STATED.as_str();
    let mut amounts = waits.containers.values().flat_map(ContainerPlan::amounts);
    let in_containers = amounts.any(|(_, decided)| decided.is_stated());
    let is_taken_back = plan.spot.is_none() && before.spot.as_ref().is_some_and(|spot| is_said(&spot.reason));
    in_containers
        || is_taken_back
        || waits.spot.is_some_and(|spot| is_said(&spot.reason))
        || waits.spread.values().any(|spread| is_said(&spread.reason))
        || is(waits.grace_period.as_ref())
        || is(waits.pre_stop_sleep.as_ref())
}

/// Requested capacity of an environment's manifests, all pods together; never zero.
struct Capacity {
    millicores: u128,
    bytes: u128,
}

impl Capacity {
    fn of(inputs: &Inputs<'_>) -> Self {
        let mut all = Self {
            millicores: 1,
            bytes: 1,
        };
        for (key, workload) in &inputs.workloads.by_key {
            let pods = pods(inputs, key);
            for container in &workload.containers {
                all.millicores += pods * u128::from(container.cpu_request.map_or(0, Millicores::get));
                all.bytes += pods * u128::from(container.memory_request.map_or(0, Bytes::get));
            }
        }
        all
    }

    /// The share of it that a plan adds or takes away, CPU and memory added up, in millionths.
    fn moved_by(&self, inputs: &Inputs<'_>, key: &str, plan: &WorkloadPlan) -> u128 {
        fn step<T: Copy>(decision: Option<&Decision<T>>, get: impl Fn(T) -> u64) -> u128 {
            let step = |decision: &Decision<T>| Some(get(decision.before?).abs_diff(get(decision.value)));
            u128::from(decision.and_then(step).unwrap_or(0))
        }
        let requests = || plan.containers.values().map(|container| &container.requests);
        let cpu: u128 = requests()
            .map(|requests| step(requests.cpu.as_ref(), Millicores::get))
            .sum();
        let memory: u128 = requests()
            .map(|requests| step(requests.memory.as_ref(), Bytes::get))
            .sum();
        pods(inputs, key) * (cpu * 1_000_000 / self.millicores + memory * 1_000_000 / self.bytes)
    }
}

/// Pods that run, as far as history or the manifest tells.
fn pods(inputs: &Inputs<'_>, key: &str) -> u128 {
    let seen = inputs.facts.get(key).and_then(|facts| facts.replicas.last_day_p95);
    let written = || inputs.workloads.by_key.get(key)?.replicas;
    u128::from(seen.or_else(written).unwrap_or(1))
}

fn was_in_this_window(before: Option<&WorkloadPlan>, window_end: Option<Timestamp>) -> bool {
    window_end.is_some() && before.is_some_and(|plan| plan.restarted == window_end)
}

/// Whether all that would change in the pod template is that a class, or a danger, keeps the pods off spot nodes, and
/// nothing of ours placed them there. The policy's own word (`spot: {mode: never}` in a rule) does not wait.
fn only_shuns_spot(plan: &WorkloadPlan, before: Option<&WorkloadPlan>) -> bool {
    let shuns = |spot: &SpotPlan| spot.mode == SpotPlacement::Never && spot.reason.code != code::STATED.as_str();
    let is_new = before.is_none_or(|before| before.spot.is_none());
    if !is_new || !plan.spot.as_ref().is_some_and(shuns) {
        return false;
    }
    let without = WorkloadPlan {
        spot: None,
        ..plan.clone()
    };
    !restarts(&without, before)
}

/// Whether the pod template will differ from the accepted one.
fn restarts(plan: &WorkloadPlan, before: Option<&WorkloadPlan>) -> bool {
    if let Some(before) = before {
        return template(&without_confirmed(plan, before)) != template(before);
    }
    let mut amounts = plan.containers.values().flat_map(ContainerPlan::amounts);
    let is_changed = amounts.any(|(_, decided)| decided.is_change());
    is_changed
        || !plan.spread.is_empty()
        || plan.spot.is_some()
        || changes(plan.grace_period.as_ref())
        || plan.pre_stop_sleep.is_some()
}

/// The plan without numbers that were not decided before and are what is in force.
fn without_confirmed(plan: &WorkloadPlan, before: &WorkloadPlan) -> WorkloadPlan {
    fn drop_confirmed<D: Decided>(new: &mut Option<D>, is_known: bool) {
        let is_needed = |new: &D| is_known || new.is_change();
        *new = new.take().filter(is_needed);
    }
    let mut plan = plan.clone();
    let nothing = ContainerPlan::default();
    for (name, container) in &mut plan.containers {
        let old = before.containers.get(name).unwrap_or(&nothing);
        drop_confirmed(&mut container.requests.cpu, old.requests.cpu.is_some());
        drop_confirmed(&mut container.requests.memory, old.requests.memory.is_some());
        drop_confirmed(&mut container.limits.cpu, old.limits.cpu.is_some());
        drop_confirmed(&mut container.limits.memory, old.limits.memory.is_some());
    }
    plan.containers
        .retain(|name, container| *container != nothing || before.containers.contains_key(name));
    drop_confirmed(&mut plan.grace_period, before.grace_period.is_some());
    plan
}

fn changes<D: Decided>(decided: Option<&D>) -> bool {
    decided.is_some_and(D::is_change)
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

/// Whether a request goes up from what is in force by so much that its pods need it now.
fn raises(plan: &WorkloadPlan, in_force: &WorkloadPlan) -> bool {
    plan.containers.iter().any(|(name, container)| {
        let old = in_force.containers.get(name).map(|old| &old.requests);
        raises_cpu(container.requests.cpu.as_ref(), old.and_then(|old| old.cpu.as_ref()))
            || raises_memory(
                container.requests.memory.as_ref(),
                old.and_then(|old| old.memory.as_ref()),
            )
    })
}

/// A hundredth of a core: pods that are short of less than that are not short of anything. Of memory no amount is too
/// little: what is missing kills.
const SHORT_OF_CPU: u64 = 10;

pub(super) fn raises_cpu(new: Option<&Decision<Millicores>>, in_force: Option<&Decision<Millicores>>) -> bool {
    raise(new, in_force, Millicores::get).is_some_and(|step| step >= SHORT_OF_CPU)
}

pub(super) fn raises_memory(new: Option<&Decision<Bytes>>, in_force: Option<&Decision<Bytes>>) -> bool {
    raise(new, in_force, Bytes::get).is_some_and(|step| step > 0)
}

fn raise<T: Copy>(new: Option<&Decision<T>>, in_force: Option<&Decision<T>>, get: impl Fn(T) -> u64) -> Option<u64> {
    let before = in_force.map_or(new?.before, |in_force| Some(in_force.value))?;
    Some(get(new?.value).saturating_sub(get(before)))
}
