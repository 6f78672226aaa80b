//! Target and request are one decision: their product, the scale point, is the load per pod at which pods are added.
//!
//! | target | request | what happens |
//! |---|---|---|
//! | stated | history | the request is solved so that the scale point stays |
//! | history | stated | the target is solved |
//! | stated | stated | obeyed; a moved scale point is reported |
//! | history | history | both from history, the scale point kept where the load has reached it |
//!
//! A request that stays by its strategy, or because the pod template is held (StatefulSets), counts as stated: a target is
//! never solved for a request that will not be there.
//!
//! A scale point that the recorded load never came near says nothing about a pod (the scaler sat at its minimum), so
//! there the request is sized by usage per pod and the point is set anew. Fed back its own output on the same demand,
//! the point is reached and stays: no ratchet.

use super::case::{Case, reason};
use super::field::{Amount, FieldName, Resource};
use super::model::{Decision, WorkloadPlan};
use super::requests::Fixed;
use super::{guardrails, ladder, limits, owner, requests};
use crate::diag::code;
use crate::policy::setting::Setting;
use crate::policy::wire::Requests;
use crate::units::{Millicores, NanoCores, Percent};
use crate::workload::Container;

/// Range of targets that are derived: lower wastes, higher leaves no room for the controller's own tolerance.
const LOWEST: u32 = 30;
const HIGHEST: u32 = 90;
/// A scale point counts as reached from this share of it: below, the scaler sat at its minimum.
const REACHED: Percent = Percent::from_percent(60);
/// The controller acts only beyond 10 % of the target (Kubernetes, HPA tolerance).
const TOLERANCE: u64 = 110;

/// A utilization target and the CPU request it divides by.
#[derive(Debug)]
pub struct ScalePoint {
    /// The target, in whole percents.
    pub target: Decision<Percent>,
    /// The request; `None` where it stays as it is.
    pub request: Option<Decision<Millicores>>,
    value: Millicores,
}

impl ScalePoint {
    /// The request in the end.
    pub fn request_value(&self) -> Millicores {
        self.value
    }
}

/// Load per pod at which pods are added.
pub fn of(request: Millicores, target: Percent) -> Millicores {
    let nano = target.of_floor(u128::from(request.nano().get()));
    Millicores::from_nano_ceil(nano)
}

/// Solves target and request. `None`, with the reason noted, where neither is stated and history does not say.
pub fn solve(case: &Case<'_>, main: &Container, wanted: &Requests) -> Option<ScalePoint> {
    let old = Old::of(case, main);
    let setting = &case.wanted.spec.scaling.targets.cpu;
    if wanted.cpu.value.is_none() && case.is_sized_as_pod("cpu") {
        return beside_pod(case, main, &old);
    }
    if let Some(stated) = requests::stated_cpu(case, main, wanted) {
        return at(case, main, &old, Fixed::to(stated));
    }
    let point = match (requests::held_cpu(case, main, wanted), setting.value) {
        (Some(request), _) => at(case, main, &old, request)?,
        (None, Some(target)) => stated_target(case, main, wanted, &old, target)?,
        (None, None) => from_history(case, main, wanted, &old)?,
    };
    let point = within_limit(case, main, &old, point)?;
    let point = raised(case, main, &old, point)?;
    Some(ScalePoint {
        target: lowered_by_owner(case, point.target),
        ..point
    })
}

/// The point of a request that stays, where the policy states a lower limit: the request is the limit, and the target
/// that of such a request.
fn within_limit(case: &Case<'_>, main: &Container, old: &Old, point: ScalePoint) -> Option<ScalePoint> {
    let limit = limits::stated(case, main).cpu;
    if limits::lesser(point.value, limit) == point.value {
        return Some(point);
    }
    let request = Decision {
        value: point.value,
        before: old.before.request,
        reason: reason(code::KEPT, []),
    };
    at(case, main, old, Fixed::to(limits::under(limit, request)))
}

/// A target that is not stated, no higher than its owner lowered it to.
///
/// Everything is solved for that target already, as far as it is a bound like the policy's: here it gets its reason.
pub(super) fn lowered_by_owner(case: &Case<'_>, target: Decision<Percent>) -> Decision<Percent> {
    let least = case.wanted.spec.scaling.targets.cpu.min;
    let is_stated = target.reason.code == code::STATED.as_str();
    let is_ceiling =
        |lowered: &Percent| !is_stated && target.value >= *lowered && least.is_none_or(|least| least <= *lowered);
    let Some(lowered) = case.lowered_target().filter(is_ceiling) else {
        return target;
    };
    let derived = target.reason.inputs.get("derived").cloned();
    let derived = derived.unwrap_or_else(|| target.before.unwrap_or(target.value).to_string());
    Decision {
        value: lowered,
        before: target.before,
        reason: owner::said(case, &FieldName::CpuTarget, &lowered, &derived),
    }
}

/// The pod as a whole states its CPU: the container's own request stays, and the target is a share of it.
fn beside_pod(case: &Case<'_>, main: &Container, old: &Old) -> Option<ScalePoint> {
    let Some(request) = main.cpu_request.or(main.cpu_limit) else {
        let name = &main.name;
        let detail = format!("container `{name}` has no CPU request of its own, which a target could be a share of");
        case.find(code::POD_LEVEL_RESOURCES, detail);
        return None;
    };
    let request = Fixed {
        value: request,
        decision: None,
    };
    at(case, main, old, request)
}

/// A request that stays, with the stated target or the one that follows from it.
fn at(case: &Case<'_>, main: &Container, old: &Old, request: Fixed) -> Option<ScalePoint> {
    match case.wanted.spec.scaling.targets.cpu.value {
        Some(target) => Some(both_fixed(case, old, target, request)),
        None => fixed_request(case, main, old, request),
    }
}

/// A request that its owner raised above the solved one is as good as stated: the target follows it, so that pods are
/// added at the load that was solved.
fn raised(case: &Case<'_>, main: &Container, old: &Old, point: ScalePoint) -> Option<ScalePoint> {
    let limit = limits::stated(case, main).cpu;
    let request = case.raised_cpu(main).map(|request| limits::lesser(request, limit));
    let Some(request) = request.filter(|request| *request > point.value) else {
        return Some(point);
    };
    let decision = Decision {
        value: request,
        before: old.before.request,
        reason: owner::said(
            case,
            &Amount::Request(Resource::Cpu).of(&main.name),
            &request,
            &point.value,
        ),
    };
    let fixed = Fixed::to(decision);
    let setting = &old.setting;
    let carried = carried(point.target.value, point.value, request);
    // both are rounded down, and the one of before would go down by a percent with every plan
    let is_as_before =
        |target: &Percent| old.request == Some(request) && target.ppm().abs_diff(carried.ppm()) <= ONE_PERCENT;
    let (target, _) = setting.resolve(old.target.filter(is_as_before).unwrap_or(carried));
    if setting.value.is_some() || !(LOWEST..=HIGHEST).contains(&percent(target)) {
        return at(case, main, old, fixed);
    }
    Some(ScalePoint {
        target: Decision {
            value: target,
            before: point.target.before,
            reason: reason(code::SCALE_POINT_KEPT, [("request", request.to_string())]),
        },
        request: fixed.decision,
        value: request,
    })
}

/// The target at which another request has the scale point of before.
pub(super) fn carried(target: Percent, before: Millicores, request: Millicores) -> Percent {
    let point = target.of_floor(u128::from(before.nano().get()));
    let point = u64::try_from(point).ok().map(NanoCores::new);
    point.and_then(|point| target_at(point, request)).unwrap_or(target)
}

/// As [`carried`]: of a request that its limit cut, at most what can be passed under that limit.
pub(super) fn carried_within(target: Percent, before: Millicores, request: &Decision<Millicores>) -> Percent {
    let carried = carried(target, before, request.value);
    if is_capped(request) {
        carried.min(Percent::from_percent(HIGHEST))
    } else {
        carried
    }
}

/// In millionths.
const ONE_PERCENT: u64 = 10_000;

/// What is solved from: with history what was in force before, without what is accepted, as no step is taken then.
struct Old {
    request: Option<Millicores>,
    target: Option<Percent>,
    before: Before,
    /// What the policy says of the target, and no higher than its owner lowered it to.
    setting: Setting<Percent>,
}

/// What a decision shows as the values before.
struct Before {
    request: Option<Millicores>,
    target: Option<Percent>,
}

impl Old {
    fn of(case: &Case<'_>, main: &Container) -> Self {
        let target = |last: Option<&WorkloadPlan>| {
            let decided = last.and_then(|plan| Some(plan.scaler.as_ref()?.cpu.as_ref()?.target.value));
            decided.or_else(|| case.foreign_scaler().and_then(|scaler| scaler.cpu_target))
        };
        let before = Before {
            request: case.cpu_before(main),
            target: target(case.base()),
        };
        let facts = case.facts.and_then(|facts| facts.containers.get(&main.name));
        let (request, target) = if facts.is_some_and(|facts| !facts.cpu_demand.is_empty()) {
            (before.request, before.target)
        } else {
            (case.cpu_now(main), target(case.accepted()))
        };
        let mut setting = case.wanted.spec.scaling.targets.cpu.clone();
        let lowered = case.lowered_target().filter(|_| setting.value.is_none());
        if let Some(lowered) = lowered {
            let lowered = setting.min.map_or(lowered, |least| lowered.max(least));
            setting.max = Some(limits::lesser(lowered, setting.max));
        }
        Self {
            request,
            // pods are to be added earlier than before
            target: target.map(|target| limits::lesser(target, setting.max.filter(|_| lowered.is_some()))),
            before,
            setting,
        }
    }

    /// The scale point in nano-cores, where both are known.
    fn point(&self) -> Option<NanoCores> {
        let nano = self.target?.of_floor(u128::from(self.request?.nano().get()));
        u64::try_from(nano).ok().map(NanoCores::new)
    }
}

fn both_fixed(case: &Case<'_>, old: &Old, target: Percent, request: Fixed) -> ScalePoint {
    report_move(case, old, request.value, target);
    ScalePoint {
        target: Decision {
            value: target,
            before: old.before.target,
            reason: reason(code::STATED, []),
        },
        request: request.decision,
        value: request.value,
    }
}

/// Notes that pods will be added at another load than before, by more than the controller's tolerance.
fn report_move(case: &Case<'_>, old: &Old, request: Millicores, target: Percent) {
    let (Some(old_request), Some(old_target)) = (old.request, old.target) else {
        return;
    };
    let (before, after) = (of(old_request, old_target), of(request, target));
    if is_beyond_tolerance(before.get().abs_diff(after.get()), before.get()) {
        case.find(
            code::SCALE_POINT_MOVED,
            format!("pods are added at {after} each instead of {before} ({old_request} × {old_target} → {request} × {target})"),
        );
    }
}

/// Whether a change of what a target divides by is more than the controller's tolerance of 10 %.
pub(super) fn is_beyond_tolerance(change: u64, whole: u64) -> bool {
    change * 10 > whole
}

/// What is solved without history may raise a request and never lower one.
fn unlowered(case: &Case<'_>, old: &Old, solved: Millicores) -> Millicores {
    if case.facts.is_none() {
        old.request.map_or(solved, |request| solved.max(request))
    } else {
        solved
    }
}

fn stated_target(
    case: &Case<'_>,
    main: &Container,
    wanted: &Requests,
    old: &Old,
    target: Percent,
) -> Option<ScalePoint> {
    let decided = Decision {
        value: target,
        before: old.before.target,
        reason: reason(code::STATED, []),
    };
    let solved = old
        .point()
        .filter(|_| old.target.is_some())
        .map(|point| request_at(point, target));
    let request = match solved {
        // nothing is new: neither history nor the target
        Some(_) if case.facts.is_none() && old.target == Some(target) => requests::accepted_cpu(case, main),
        Some(solved) => Some(bounded_request(
            case,
            main,
            wanted,
            old,
            (unlowered(case, old, solved), target),
        )),
        None => requests::cpu(case, main, wanted),
    };
    if let Some(capped) = request.as_ref().filter(|request| is_capped(request)) {
        report_move(case, old, capped.value, target);
    }
    let value = request.as_ref().map(|request| request.value).or(old.request);
    let Some(value) = value else {
        case.find(
            code::UTILIZATION_WITHOUT_REQUEST,
            "a CPU target is a share of the CPU request, and there is none: state it",
        );
        return None;
    };
    Some(ScalePoint {
        target: decided,
        request,
        value,
    })
}

fn fixed_request(case: &Case<'_>, main: &Container, old: &Old, fixed: Fixed) -> Option<ScalePoint> {
    let setting = &old.setting;
    let request = fixed.value;
    let solved = old.point().and_then(|point| target_at(point, request));
    let kept = solved.filter(|target| (LOWEST..=HIGHEST).contains(&percent(*target)));
    // asked in any case, as it is said where it is missing
    let facts = case.container_facts(&main.name);
    let derived = || from_growth(case, facts?.cpu_demand.growth()?);
    let (target, why) = if let Some(target) = kept {
        (target, code::SCALE_POINT_KEPT)
    } else if let Some(target) = derived() {
        (target, code::PERCENTILE)
    } else if let Some(target) = old.target {
        (target, code::KEPT)
    } else {
        case.find(
            code::NO_HISTORY,
            "the CPU target is left to history, and there is too little: state it",
        );
        return None;
    };
    let (target, _) = setting.resolve(target);
    report_move(case, old, request, target);
    let inputs = [("request", request.to_string())];
    Some(ScalePoint {
        target: Decision {
            value: target,
            before: old.before.target,
            reason: reason(why, inputs),
        },
        request: fixed.decision,
        value: request,
    })
}

fn from_history(case: &Case<'_>, main: &Container, wanted: &Requests, old: &Old) -> Option<ScalePoint> {
    let setting = &old.setting;
    let growth = case
        .container_facts(&main.name)
        .and_then(|facts| facts.cpu_demand.growth());
    let Some(derived) = growth.and_then(|growth| from_growth(case, growth)) else {
        return match (old.target, old.request) {
            (Some(target), Some(request)) => {
                let (target, _) = setting.resolve(target);
                let decided = Decision {
                    value: target,
                    before: old.before.target,
                    reason: reason(code::KEPT, []),
                };
                Some(ScalePoint {
                    target: decided,
                    request: requests::accepted_cpu(case, main),
                    value: request,
                })
            }
            _ if case.wanted.spec.scaling.targets.cpu.is_open() => {
                case.find(
                    code::NO_HISTORY,
                    "a CPU target is left to history, and there is too little: state it",
                );
                None
            }
            _ => stated_target(case, main, wanted, old, setting.resolve(Percent::from_percent(70)).0),
        };
    };
    let (target, _) = setting.resolve(derived);
    let inputs = [
        (
            "growthBelow",
            growth.map_or_else(String::new, |g| format!("{}%", percent(g) + 1)),
        ),
        ("derived", derived.to_string()),
    ];
    let point = old
        .point()
        .filter(|point| old.target.is_some() && is_reached(case, main, *point));
    let Some(point) = point else {
        let request = requests::cpu(case, main, wanted);
        let value = request.as_ref().map(|request| request.value).or(old.request)?;
        let decided = Decision {
            value: target,
            before: old.before.target,
            reason: reason(code::PERCENTILE, inputs),
        };
        return Some(ScalePoint {
            target: decided,
            request,
            value,
        });
    };
    let request = bounded_request(case, main, wanted, old, (request_at(point, target), target));
    if is_capped(&request) {
        return fixed_request(case, main, old, Fixed::to(request));
    }
    let value = request.value;
    if Some(value) == old.request {
        let target = old.target.unwrap_or(target);
        let (target, _) = setting.resolve(target);
        let decided = Decision {
            value: target,
            before: old.before.target,
            reason: reason(code::SCALE_POINT_KEPT, inputs),
        };
        return Some(ScalePoint {
            target: decided,
            request: Some(request),
            value,
        });
    }
    let solved = target_at(point, value).unwrap_or(target);
    let (solved, _) = setting.resolve(solved);
    report_move(case, old, value, solved);
    let decided = Decision {
        value: solved,
        before: old.before.target,
        reason: reason(code::SCALE_POINT_KEPT, inputs),
    };
    Some(ScalePoint {
        target: decided,
        request: Some(request),
        value,
    })
}

/// Whether the mean load of a pod came near the scale point: all but 1 % of the time at least once in a hundred steps.
fn is_reached(case: &Case<'_>, main: &Container, point: NanoCores) -> bool {
    let Some(facts) = case.container_facts(&main.name) else {
        return true;
    };
    let usual = facts.cpu_demand.per_pod_quantile(Percent::from_percent(99));
    usual.is_none_or(|usual| u128::from(usual) >= REACHED.of_floor(u128::from(point.get())))
}

/// Target from how fast demand grows while a pod starts: `clamp(u_max / (g × 1.1), 30 %, 90 %)`.
///
/// `u_max`: the highest utilization a pod may run at; g: growth of demand within a step, 99th percentile; 1.1: the
/// controller's tolerance.
fn from_growth(case: &Case<'_>, growth: Percent) -> Option<Percent> {
    let most = case.wanted.spec.scaling.derive.max_utilization?;
    Some(target_for(most, growth))
}

fn target_for(most: Percent, growth: Percent) -> Percent {
    let percent = most.ppm() * 100 * 100 / (growth.ppm() * TOLERANCE).max(1);
    Percent::from_percent(u32::try_from(percent).unwrap_or(HIGHEST).clamp(LOWEST, HIGHEST))
}

fn request_at(point: NanoCores, target: Percent) -> Millicores {
    let nano = u128::from(point.get()) * 1_000_000 / u128::from(target.ppm().max(1));
    ladder::cpu_ceil(Millicores::from_nano_ceil(nano))
}

/// The target at which a request has this scale point, in whole percents rounded down.
fn target_at(point: NanoCores, request: Millicores) -> Option<Percent> {
    let share = Percent::ratio_floor(u128::from(point.get()), u128::from(request.nano().get()))?;
    Some(Percent::from_percent(percent(share).max(1)))
}

fn percent(share: Percent) -> u32 {
    u32::try_from(share.ppm() / 10_000).unwrap_or(u32::MAX)
}

/// The 95th percentile of what a pod used.
fn usual(case: &Case<'_>, main: &Container) -> Option<Millicores> {
    let usage = &case.facts?.containers.get(&main.name)?.cpu;
    let nano = usage.quantile(Percent::from_percent(95), case.settings.bounds.half_life)?;
    Some(Millicores::from_nano_ceil(u128::from(nano)))
}

/// A solved request: bounds, the largest step down, and no step smaller than `minChange`.
fn bounded_request(
    case: &Case<'_>,
    main: &Container,
    wanted: &Requests,
    old: &Old,
    (solved, target): (Millicores, Percent),
) -> Decision<Millicores> {
    let (value, _) = wanted.cpu.resolve(solved);
    let inputs = [("target", target.to_string()), ("solved", solved.to_string())];
    let mut why = reason(code::SCALE_POINT_KEPT, inputs);
    // nothing is derived from it: beside the request it shows what a pod really uses
    if let Some(p95) = usual(case, main) {
        why.inputs.insert("p95".to_owned(), p95.to_string());
    }
    let decision = Decision {
        value,
        before: old.before.request,
        reason: why,
    };
    let decision = guardrails::bound_decrease(&case.settings.bounds, decision, Millicores::get, |milli| {
        ladder::cpu_ceil(Millicores::new(milli))
    });
    let accepted = requests::accepted_cpu(case, main).map(|accepted| accepted.value);
    let decision = guardrails::quiet(case.settings.bounds.min_change, decision, accepted, Millicores::get);
    limits::under(limits::stated(case, main).cpu, decision)
}

/// Whether a stated limit cut the request: then the scale point can't be had by the request.
fn is_capped(request: &Decision<Millicores>) -> bool {
    request.reason.code == code::CAPPED_BY_LIMIT.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_leaves_room_for_growth_and_the_controllers_tolerance() {
        // floor(100 x u / (g x 1.1)): 0.9/1.1 = 0.818; 0.9/(1.25 x 1.1) = 0.654; 0.9/(2 x 1.1) = 0.409;
        // 0.9/(4 x 1.1) = 0.204, at least 30; 1/(1 x 1.1) = 0.909, at most 90
        for (most, growth, target) in [
            (90, 100, 81),
            (90, 125, 65),
            (90, 200, 40),
            (90, 400, 30),
            (100, 100, 90),
        ] {
            let found = target_for(Percent::from_percent(most), Percent::from_percent(growth));
            assert_eq!(found, Percent::from_percent(target), "{most}% at a growth of {growth}%");
        }
    }

    #[test]
    fn a_scale_point_is_request_times_target() {
        assert_eq!(
            of(Millicores::new(500), Percent::from_percent(70)),
            Millicores::new(350)
        );
        let point = NanoCores::new(350_000_000);
        assert_eq!(request_at(point, Percent::from_percent(50)), Millicores::new(700));
        assert_eq!(target_at(point, Millicores::new(700)), Some(Percent::from_percent(50)));
        // 350 / 480 = 72.9 %
        assert_eq!(target_at(point, Millicores::new(480)), Some(Percent::from_percent(72)));
    }
}
