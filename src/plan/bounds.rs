//! Lowest and highest replicas of a scaler.
//!
//! min = the most of: what carries a share of the demand, what carries the median without one zone, 2 under a budget,
//! and what the largest step down of capacity leaves. max = what carries the highest demand with headroom, and never
//! under what runs now; where that leaves no room above min, the highest count in force stays, so that a scaler steps
//! down with its minimum.
//!
//! Where CPU is not what it scales on, CPU says nothing of how many pods it needs: min = what is there, or a share of the
//! recorded counts where nothing was; max = the highest recorded count with headroom, what a schedule asks for and a
//! fallback.
//!
//! A scaler that was there before us: its max is never lowered from history, and one that does not scale on CPU keeps
//! both bounds. The policy's own words go before all of this: its highest count before its lowest.

use super::case::{Case, reason};
use super::field::FieldName;
use super::guardrails::{self, floor_after};
use super::model::{Decision, ScalerKind, WorkloadPlan};
use super::{disruption, owner, placement};
use crate::catalog::fields::Field;
use crate::catalog::triggers;
use crate::diag::code;
use crate::facts::Demand;
use crate::krm::Reason;
use crate::policy::wire::MetricKind;
use crate::units::{Millicores, Percent};
use crate::workload::{Container, Scaler};

/// Median over one hour of the day, highest over lowest, under which load is too even to scale (Crane's gate).
const FLAT: Percent = Percent::from_percent(150);

/// Decides both bounds. `None`, with the reason noted, where they are left to history and history does not say.
pub fn decide(
    case: &Case<'_>,
    main: &Container,
    kind: ScalerKind,
    request: Option<Millicores>,
    target: Option<Percent>,
) -> Option<(Decision<u32>, Decision<u32>)> {
    let wanted = &case.wanted.spec.scaling;
    let derive = &wanted.derive;
    let is_left_to_history = wanted.min_replicas.value.is_none() || wanted.max_replicas.value.is_none();
    let demand = (is_left_to_history && is_on_cpu(case, target))
        .then(|| case.container_facts(&main.name))
        .flatten()
        .map(|facts| &facts.cpu_demand)
        .filter(|demand| !demand.is_empty());
    let per_pod = request.map(|request| {
        let share = target.or(derive.max_utilization).unwrap_or(Percent::WHOLE);
        share.of_floor(u128::from(request.nano().get())).max(1)
    });
    let load = demand.zip(per_pod);
    if let Some((demand, _)) = load
        && is_new_and_flat(case, demand)
    {
        let detail = format!("{}; none is made, and `replicas` stay its owner's", flatness(demand));
        case.find(code::LOAD_TOO_FLAT, detail);
        return None;
    }
    let before = Range::of(case, case.base());
    let mut min = lowest(case, kind, load, request, &before)?;
    let theirs = case.foreign_scaler();
    // no raise of the owner goes beyond what the policy bounds
    let within = |count: u32, bound: Option<u32>| bound.map_or(count, |bound| count.min(bound));
    let written = theirs.map(|scaler| within(scaler.min_replicas, wanted.min_replicas.max));
    min = owner::lift(case, &FieldName::MinReplicas, written, min);
    let written = theirs.and_then(|scaler| Some(within(scaler.max_replicas?, wanted.max_replicas.max)));
    let max = highest(case, load, &before, min.value)?;
    let max = owner::lift(case, &FieldName::MaxReplicas, written, max);
    if min.value == 0 && !may_be_zero(case, kind) {
        case.find(
            code::UNSUPPORTED_VERSION,
            "0 replicas need KEDA with a trigger besides CPU and memory; 1 is rendered",
        );
        min.value = 1;
    }
    let min = lowered(case, min, &max);
    if let Some((demand, per_pod)) = load {
        say_idle(case, demand, per_pod, (min.value, max.value));
    }
    if let Some(request) = request.filter(|_| is_on_cpu(case, target)) {
        say_too_few(case, main, request, &max);
    }
    Some((min, max))
}

/// The lowest count under a highest one that the policy states or bounds: that is its owner's word.
fn lowered(case: &Case<'_>, min: Decision<u32>, max: &Decision<u32>) -> Decision<u32> {
    if min.value <= max.value {
        return min;
    }
    let who = if min.reason.code == code::STATED.as_str() {
        "the policy states"
    } else {
        "history and the guardrails ask for"
    };
    let detail = format!(
        "{who} at least {} replicas, and `maxReplicas` allows {}: the lowest count is lowered to it",
        min.value, max.value
    );
    case.find(code::BOUNDED, detail);
    let mut why = min.reason;
    why.code = code::BOUNDED.to_string();
    why.inputs.insert("asked".to_owned(), min.value.to_string());
    why.inputs.insert("maxReplicas".to_owned(), max.value.to_string());
    Decision {
        value: max.value,
        reason: why,
        ..min
    }
}

/// Whether recorded CPU says how many pods the scaler needs: only where CPU is what it scales on. Of a queue it says
/// nothing.
fn is_on_cpu(case: &Case<'_>, target: Option<Percent>) -> bool {
    let has_trigger = || {
        let mut triggers = case.wanted.spec.scaling.triggers.values();
        triggers.any(|trigger| trigger.kind == "cpu")
    };
    target.is_some() || has_trigger() || case.foreign_scaler().is_some_and(|scaler| scaler.cpu_target.is_some())
}

/// The most that the policy asks for beside its bounds: a count of a schedule, or of a fallback.
fn asked_for(case: &Case<'_>) -> u32 {
    let scaling = &case.wanted.spec.scaling;
    let schedules = scaling.triggers.values();
    let scheduled = schedules.filter_map(|trigger| triggers::scheduled(&trigger.kind, &trigger.metadata));
    let fallback = scaling.fallback.iter().map(|fallback| fallback.replicas);
    scheduled.chain(fallback).max().unwrap_or(0)
}

/// Notes that the lowest count carries everything recorded: such a scaler is there for what comes beyond.
fn say_idle(case: &Case<'_>, demand: &Demand, per_pod: u128, (min, max): (u32, u32)) {
    let Some(most) = demand.highest().filter(|most| pods(*most, per_pod) <= min && min < max) else {
        return;
    };
    let most = Millicores::from_nano_ceil(u128::from(most));
    let detail = format!(
        "{min} replicas, the lowest count, carry all that was recorded (up to {most}): the scaler acts only beyond that, up to {max}"
    );
    case.find(code::REPLICA_BOUNDS, detail);
}

/// Notes that the policy's highest count carries less than was recorded, with every pod at its whole request.
fn say_too_few(case: &Case<'_>, main: &Container, request: Millicores, max: &Decision<u32>) {
    let recorded = case.facts.and_then(|facts| facts.containers.get(&main.name));
    let is_said = [code::STATED, code::BOUNDED]
        .iter()
        .any(|code| max.reason.code == code.as_str());
    let carried = u128::from(request.nano().get()) * u128::from(max.value);
    let most = recorded.and_then(|facts| facts.cpu_demand.highest()).map(u128::from);
    let Some(most) = most.filter(|most| is_said && *most > carried) else {
        return;
    };
    let (value, most) = (max.value, Millicores::from_nano_ceil(most));
    let detail = format!(
        "`maxReplicas` of {value}: so many pods have {} of CPU at {request} each, and up to {most} were used at once",
        Millicores::from_nano_ceil(carried)
    );
    case.find(code::STATED_BELOW_USAGE, detail);
}

/// Both bounds of a scaler that is there.
struct Range {
    min: Option<u32>,
    max: Option<u32>,
}

impl Range {
    /// The last decision's, else those of somebody else's scaler.
    fn of(case: &Case<'_>, last: Option<&WorkloadPlan>) -> Self {
        let last = last.and_then(|plan| plan.scaler.as_ref());
        let foreign = case.foreign_scaler();
        Self {
            min: last
                .map(|scaler| scaler.min_replicas.value)
                .or(foreign.map(|scaler| scaler.min_replicas)),
            max: last
                .map(|scaler| scaler.max_replicas.value)
                .or(foreign.and_then(|scaler| scaler.max_replicas)),
        }
    }
}

/// A scaler that is not there yet needs a load that moves. Stated bounds or targets say that the owner wants it.
fn is_new_and_flat(case: &Case<'_>, demand: &Demand) -> bool {
    let scaling = &case.wanted.spec.scaling;
    let is_there = case.foreign_scaler().is_some() || case.accepted().is_some_and(|plan| plan.scaler.is_some());
    let is_stated = scaling.min_replicas.value.is_some()
        || scaling.max_replicas.value.is_some()
        || scaling.targets.cpu.value.is_some()
        || !scaling.metrics.is_empty()
        || !scaling.triggers.is_empty();
    !is_there && !is_stated && demand.day_swing().is_none_or(|swing| swing < FLAT)
}

/// How even the load is, in numbers.
fn flatness(demand: &Demand) -> String {
    let shown = |nano: u64| Millicores::from_nano_ceil(u128::from(nano));
    let Some((low, high)) = demand.hour_medians() else {
        return "fewer than two hours of the day are known".to_owned();
    };
    let (shown_low, shown_high) = (shown(low), shown(high));
    let medians = format!("the median of the highest hour of the day is {shown_high}, of the lowest {shown_low}");
    match Percent::ratio_floor(u128::from(high), u128::from(low)) {
        Some(swing) => {
            let swing = swing.ppm() / Percent::from_percent(1).ppm();
            format!("{medians}: {swing}%, and a scaler is worth its risk from {FLAT} on")
        }
        None => medians,
    }
}

fn lowest(
    case: &Case<'_>,
    kind: ScalerKind,
    load: Option<(&Demand, u128)>,
    request: Option<Millicores>,
    before: &Range,
) -> Option<Decision<u32>> {
    let wanted = &case.wanted.spec;
    let setting = &wanted.scaling.min_replicas;
    if let Some(value) = setting.value {
        return Some(Decision {
            value,
            before: before.min,
            reason: reason(code::STATED, []),
        });
    }
    let Some((demand, per_pod)) = load else {
        return Some(lowest_without_cpu(case, kind, request, before));
    };
    let two = if disruption::is_meant(case) { 2 } else { 1 };
    let quantile = wanted.scaling.derive.min_quantile?;
    let carried = pods(demand.quantile(quantile)?, per_pod);
    let zones = zone_loss(case, demand, request);
    let held = held(case, request, before);
    let needed = carried.max(zones).max(two);
    let (value, moved) = setting.resolve(needed.max(held.count));
    say_stuck(case, &held, needed, value);
    let mut why: Reason = reason(
        code::PERCENTILE,
        [
            ("quantile", quantile.to_string()),
            ("carries", carried.to_string()),
            ("perPod", Millicores::from_nano_ceil(per_pod).to_string()),
        ],
    );
    if zones == value && zones > carried {
        why.inputs.insert("zoneLoss".to_owned(), zones.to_string());
    }
    if held.count == value && held.count > carried {
        why.inputs.extend(held.inputs(before));
    }
    if why.inputs.contains_key("zoneLoss")
        && let (Some(median), Some(request)) = (demand.quantile(MEDIAN), request)
    {
        let shown = |nano| Millicores::from_nano_ceil(nano).to_string();
        why.inputs.extend([
            ("zones".to_owned(), case.settings.cluster.zones.to_string()),
            ("median".to_owned(), shown(u128::from(median))),
            ("perPodAtMost".to_owned(), shown(most_per_pod(case, request))),
        ]);
    }
    if moved {
        why.code = code::BOUNDED.to_string();
    }
    Some(Decision {
        value,
        before: before.min,
        reason: why,
    })
}

/// Without a scaler so far the pods that ran in a share of the time, and no fewer than a bounded step leaves. Where one
/// is there its minimum stays: pods never go below it, so nothing is recorded that speaks for another.
fn lowest_without_cpu(case: &Case<'_>, kind: ScalerKind, request: Option<Millicores>, before: &Range) -> Decision<u32> {
    let scaling = &case.wanted.spec.scaling;
    let setting = &scaling.min_replicas;
    let is_idle = scaling.idle_replicas.is_some();
    let least = u32::from(is_idle || !may_be_zero(case, kind));
    let known = Range::of(case, case.accepted()).min;
    let quantile = scaling.derive.min_quantile;
    let recorded = case.facts.zip(quantile);
    let recorded = recorded.and_then(|(facts, quantile)| Some((quantile, facts.replicas.quantile(quantile)?)));
    let (derived, mut why) = match (known, recorded) {
        (None, Some((quantile, recorded))) => {
            let two = if disruption::is_meant(case) { 2 } else { 1 };
            let held = held(case, request, before);
            let inputs = [("quantile", quantile.to_string()), ("recorded", recorded.to_string())];
            let mut why = reason(code::REPLICAS_RECORDED, inputs);
            why.inputs.extend(held.inputs(before));
            (recorded.max(two).max(held.count), why)
        }
        (known, _) => (known.unwrap_or_else(|| case.replicas_before()), reason(code::KEPT, [])),
    };
    let (value, moved) = setting.resolve(derived.max(least));
    if moved {
        why.code = code::BOUNDED.to_string();
    }
    Decision {
        value,
        before: before.min,
        reason: why,
    }
}

fn highest(case: &Case<'_>, load: Option<(&Demand, u128)>, before: &Range, min: u32) -> Option<Decision<u32>> {
    let wanted = &case.wanted.spec.scaling;
    let setting = &wanted.max_replicas;
    if let Some(value) = setting.value {
        return Some(Decision {
            value,
            before: before.max,
            reason: reason(code::STATED, []),
        });
    }
    let running = case.seen.and_then(|facts| facts.replicas.last_day_p95).unwrap_or(1);
    match (load, Range::of(case, case.accepted()).max) {
        (Some((demand, per_pod)), _) => {
            let headroom = wanted.derive.max_headroom?;
            let most = demand.highest()?;
            let scaled = u64::try_from(headroom.of_ceil(u128::from(most))).unwrap_or(u64::MAX);
            let derived = pods(scaled, per_pod).max(running);
            let needed = derived.max(min).max(asked_for(case));
            let in_force = in_force(case, before, derived <= min).filter(|count| *count > needed);
            let (value, moved) = setting.resolve(in_force.unwrap_or(needed));
            let inputs = [
                ("highest", Millicores::from_nano_ceil(u128::from(most)).to_string()),
                ("headroom", headroom.to_string()),
                ("perPod", Millicores::from_nano_ceil(per_pod).to_string()),
            ];
            let mut why = reason(if moved { code::BOUNDED } else { code::PERCENTILE }, inputs);
            if let Some(count) = in_force.filter(|_| !moved) {
                why.code = code::KEPT.to_string();
                why.inputs.insert("derived".to_owned(), derived.to_string());
                why.inputs.insert("inForce".to_owned(), count.to_string());
            }
            let decision = Decision {
                value,
                before: before.max,
                reason: why,
            };
            // what is needed to go up is never too small
            let accepted = Range::of(case, case.accepted()).max;
            let is_quiet = !moved && accepted.is_some_and(|now| now > value);
            let mut decision = if is_quiet {
                guardrails::quiet(case.settings.bounds.min_change, decision, accepted, u64::from)
            } else {
                decision
            };
            decision.value = decision.value.max(min);
            // the highest count that the policy bounds is its owner's word, whatever the lowest one would be
            decision.value = setting.max.map_or(decision.value, |max| decision.value.min(max));
            Some(decision)
        }
        (None, max) if may_be_recorded(case) => recorded_with_headroom(case, before, max, min),
        (None, Some(max)) => {
            let needed = max.max(min).max(asked_for(case));
            let (value, _) = setting.resolve(needed);
            Some(Decision {
                value,
                before: before.max,
                reason: reason(if value == max { code::KEPT } else { code::BOUNDED }, []),
            })
        }
        (None, None) if setting.max.is_some() => {
            let value = setting.max.unwrap_or(min);
            Some(Decision {
                value,
                before: None,
                reason: reason(code::BOUNDED, []),
            })
        }
        (None, None) => {
            case.find(
                code::NO_HISTORY,
                "`maxReplicas` is left to history, and there is too little: state it",
            );
            None
        }
    }
}

/// Whether recorded counts of pods tell a highest one: not of a scaler of others, which knows its queue, and not where CPU
/// is what it scales on and was not recorded.
fn may_be_recorded(case: &Case<'_>) -> bool {
    let scaling = &case.wanted.spec.scaling;
    let is_on_signals = !scaling.triggers.is_empty() || !scaling.metrics.is_empty();
    let is_known = case.facts.is_some_and(|facts| facts.replicas.highest.is_some());
    is_on_signals && is_known && case.foreign_scaler().is_none() && !is_on_cpu(case, None)
}

/// The highest recorded count of pods with headroom.
fn recorded_with_headroom(case: &Case<'_>, before: &Range, accepted: Option<u32>, min: u32) -> Option<Decision<u32>> {
    let scaling = &case.wanted.spec.scaling;
    let setting = &scaling.max_replicas;
    let headroom = scaling.derive.max_headroom?;
    let most = case.facts?.replicas.highest?;
    let derived = u32::try_from(headroom.of_ceil(u128::from(most))).unwrap_or(u32::MAX);
    let needed = derived.max(min).max(asked_for(case));
    let (value, moved) = setting.resolve(needed);
    let inputs = [("highest", most.to_string()), ("headroom", headroom.to_string())];
    let decision = Decision {
        value,
        before: before.max,
        reason: reason(if moved { code::BOUNDED } else { code::REPLICAS_RECORDED }, inputs),
    };
    let is_quiet = !moved && accepted.is_some_and(|now| now > value);
    Some(if is_quiet {
        guardrails::quiet(case.settings.bounds.min_change, decision, accepted, u64::from)
    } else {
        decision
    })
}

/// The highest count in force, where it stays: a scaler of others is never lowered from history, and one that a bounded
/// step leaves no room above its minimum goes on acting.
fn in_force(case: &Case<'_>, before: &Range, leaves_no_room: bool) -> Option<u32> {
    before.max.filter(|_| leaves_no_room || case.foreign_scaler().is_some())
}

fn pods(demand: u64, per_pod: u128) -> u32 {
    u32::try_from(u128::from(demand).div_ceil(per_pod))
        .unwrap_or(u32::MAX)
        .max(1)
}

const MEDIAN: Percent = Percent::from_percent(50);

/// What a pod carries at the highest utilization, in nano-cores; at least one.
fn most_per_pod(case: &Case<'_>, request: Millicores) -> u128 {
    let derive = &case.wanted.spec.scaling.derive;
    let most = derive.max_utilization.unwrap_or(Percent::WHOLE);
    most.of_floor(u128::from(request.nano().get())).max(1)
}

/// Pods that carry the median demand at the highest utilization when one zone is gone.
fn zone_loss(case: &Case<'_>, demand: &Demand, request: Option<Millicores>) -> u32 {
    let zones = u128::from(case.settings.cluster.zones);
    let (Some(median), Some(request)) = (demand.quantile(MEDIAN), request) else {
        return 1;
    };
    if !placement::is_over_zones(case) || zones < 2 {
        return 1;
    }
    let per_pod = most_per_pod(case, request);
    u32::try_from((u128::from(median) * zones).div_ceil((zones - 1) * per_pod)).unwrap_or(u32::MAX)
}

/// The count that the largest step down of capacity leaves, and what would fall further with fewer pods.
struct Held {
    count: u32,
    /// Pods before.
    pods: u32,
    falls: Option<Falls>,
}

/// What falls with the count of pods.
#[derive(Clone, Copy)]
enum Falls {
    Cpu,
    Memory,
    /// The count itself, where requests are not known.
    Pods,
}

impl Held {
    const NONE: Self = Self {
        count: 1,
        pods: 1,
        falls: None,
    };

    /// The count as the reason of a minimum says it. Without a scaler before, also what it is measured from.
    fn inputs(&self, before: &Range) -> impl Iterator<Item = (String, String)> {
        let name = self.falls.map(|falls| match falls {
            Falls::Cpu => HELD[0],
            Falls::Memory => HELD[1],
            Falls::Pods => HELD[2],
        });
        let name = name.map(|name| (name.to_owned(), self.count.to_string()));
        let is_base_unseen = before.min.is_none() || self.falls.is_none();
        let base = is_base_unseen.then(|| (HELD[3].to_owned(), self.pods.to_string()));
        name.into_iter().chain(base)
    }
}

/// Inputs of a minimum that a bounded step holds up.
const HELD: [&str; 4] = ["cpuDecrease", "memoryDecrease", "podsDecrease", "inForce"];

/// Whether a bounded step holds this minimum up.
pub(super) fn is_held(min: &Decision<u32>) -> bool {
    HELD.iter().any(|name| min.reason.inputs.contains_key(*name))
}

/// A small count never falls by a share of it that is less than a pod, whatever newer history shows.
fn say_stuck(case: &Case<'_>, held: &Held, needed: u32, value: u32) {
    let decrease = case.settings.bounds.capacity_decrease;
    let is_a_pod_too_much = floor_after(u64::from(held.pods), decrease) == u64::from(held.pods);
    if !is_a_pod_too_much || held.count != held.pods || value != held.count || needed >= value {
        return;
    }
    let detail = format!(
        "{value} replicas stay the lowest count, and {needed} would do: one pod of {value} is more than the {decrease} that \
         `guardrails.capacityDecrease` allows in one plan, and newer history does not change that; state \
         `scaling.minReplicas.value`, or allow a larger step"
    );
    case.find(code::CAPACITY_BOUNDED, detail);
}

/// Pods below which CPU or memory capacity would shrink by more than `capacityDecrease` in one plan.
fn held(case: &Case<'_>, request: Option<Millicores>, before: &Range) -> Held {
    let Some(main) = case.main_container() else {
        return Held::NONE;
    };
    let pods = before.min.unwrap_or_else(|| case.replicas_before());
    let decrease = case.settings.bounds.capacity_decrease;
    let enough = |falls: Falls, old: Option<u64>, new: Option<u64>| match (old, new) {
        (Some(old), Some(new)) if new > 0 => {
            let floor = floor_after(old.saturating_mul(u64::from(pods)), decrease);
            let count = u32::try_from(floor.div_ceil(new)).unwrap_or(u32::MAX);
            // a stated request may fall further than any count makes good
            let falls = (count <= pods).then_some(falls);
            let count = count.min(pods);
            Held { count, pods, falls }
        }
        _ => {
            let count = u32::try_from(floor_after(u64::from(pods), decrease)).unwrap_or(pods);
            let falls = Some(Falls::Pods);
            Held { count, pods, falls }
        }
    };
    let cpu = case.cpu_before(main).map(Millicores::get);
    let cpu = enough(Falls::Cpu, cpu, request.map(Millicores::get));
    let (requests, _) = case.wanted.container(&main.name, true);
    let memory = super::requests::memory_to_be(case, main, &requests);
    let memory_before = case.memory_before(main).map(crate::units::Bytes::get);
    let memory = enough(Falls::Memory, memory_before, memory.map(crate::units::Bytes::get));
    if memory.count > cpu.count { memory } else { cpu }
}

fn may_be_zero(case: &Case<'_>, kind: ScalerKind) -> bool {
    let scaling = &case.wanted.spec.scaling;
    let is_theirs = |theirs: &Scaler| theirs.min_replicas == 0 && theirs.other_metrics > 0;
    if case.foreign_scaler().is_some_and(is_theirs) {
        return true;
    }
    match kind {
        ScalerKind::Keda => scaling
            .triggers
            .values()
            .any(|trigger| !matches!(trigger.kind.as_str(), "cpu" | "memory")),
        ScalerKind::Hpa => {
            case.settings.cluster.has(Field::HpaScaleToZero)
                && scaling.metrics.values().any(|metric| metric.kind != MetricKind::Pods)
        }
    }
}
