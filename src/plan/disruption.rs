//! PodDisruptionBudget: one that lets a pod go at every replica count the workload may have.

use super::case::{Case, reason};
use super::lapse;
use super::model::{Decision, DisruptionPlan, WorkloadPlan};
use crate::catalog::fields::Field;
use crate::diag::{Code, code, counted};
use crate::policy::wire::DisruptionMode;
use crate::units::IntOrPercent;

/// From so many replicas on a share of them may go at once instead of one.
const MANY: u32 = 20;

/// Whether it will have a budget of ours, as far as the policy and the last decision tell: an accepted one stays where the
/// policy has no word on it.
pub fn is_meant(case: &Case<'_>) -> bool {
    let wanted = &case.wanted.spec.disruption;
    match wanted.mode {
        Some(mode) => mode == DisruptionMode::Auto,
        None if is_stated(case) => true,
        None => lapse::stays(case, |plan| plan.disruption.as_ref()).is_some(),
    }
}

fn is_stated(case: &Case<'_>) -> bool {
    let wanted = &case.wanted.spec.disruption;
    !wanted.min_available.is_open() || !wanted.max_unavailable.is_open()
}

/// Decides the budget. `lowest` is the lowest replica count the workload may have.
pub fn decide(case: &Case<'_>, lowest: u32) -> Option<DisruptionPlan> {
    let wanted = &case.wanted.spec.disruption;
    let workload = case.workload;
    let is_stated = is_stated(case);
    match wanted.mode {
        Some(DisruptionMode::None) => return None,
        None if !is_stated => {
            let gone = "`disruption` is not stated any more";
            return lapse::keep(case, |plan| plan.disruption.clone(), gone, "`mode: none`");
        }
        Some(DisruptionMode::Auto) | None => {}
    }
    let is_evictable = workload.id.group != "batch" && workload.id.kind != "DaemonSet";
    if workload.selector.is_null() && is_evictable && !workload.is_behind_rollout {
        let detail =
            "it has no `spec.selector`, without which no API server takes it, and a budget would select nothing";
        case.find(code::PDB_OMITTED, detail);
        return None;
    }
    if !is_evictable || workload.is_behind_rollout {
        case.find(
            code::PDB_OMITTED,
            format!("a {} is not evicted through a budget", workload.id.kind),
        );
        return None;
    }
    if case.shared_pods().is_some() {
        return case.accepted().and_then(|plan| plan.disruption.clone());
    }
    let foreign: Vec<_> = workload.foreign_budgets().collect();
    if foreign.len() > 1 || foreign.iter().any(|budget| budget.is_shared) {
        case.find(
            code::LEFT_ALONE,
            format!(
                "budget `{}` also selects other pods, or is not the only one",
                foreign[0].id.name
            ),
        );
        return None;
    }
    if let (Some(budget), false) = (foreign.first(), is_stated) {
        let adopted = |plan: &WorkloadPlan| plan.disruption.clone().filter(|plan| plan.adopted);
        let gone = "no bound of its budget is stated any more";
        if let Some(kept) = lapse::keep(case, adopted, gone, "`mode: none`") {
            return Some(kept);
        }
        if blocks(budget.min_available, budget.max_unavailable, lowest) {
            let (name, pods) = (&budget.id.name, counted(lowest, "replica"));
            let detail = format!("the budget `{name}` that is there allows no eviction at {pods}");
            case.find(code::PDB_BLOCKS_EVICTIONS, detail);
        }
        case.find(code::LEFT_ALONE, format!("budget `{}` stays as it is", budget.id.name));
        return None;
    }
    if foreign.is_empty() && case.is_name_taken("PodDisruptionBudget") {
        return None;
    }
    if let Some(old) = foreign.first().filter(|budget| budget.id.version != "v1") {
        let (name, version) = (&old.id.name, old.id.api_version());
        let detail = format!("budget `{name}` is adopted; it moves from `{version}` to `policy/v1`");
        case.find(code::ADOPTED, detail);
    }
    let is_accepted = case.accepted().is_some_and(|plan| plan.disruption.is_some());
    let has_value = wanted.min_available.value.is_some() || wanted.max_unavailable.value.is_some();
    let (pair, why) = if has_value {
        (stated(case, lowest), code::STATED)
    } else {
        match bounded(case, lowest) {
            Some(bounded) => bounded,
            None => return case.accepted().and_then(|plan| plan.disruption.clone()),
        }
    };
    if lowest < 2 && !has_value && !is_accepted {
        case.find(
            code::PDB_OMITTED,
            "with one replica a budget blocks every drain or protects nothing",
        );
        return None;
    }
    let (min_available, max_unavailable) = pair;
    let decision = |value: IntOrPercent, before: Option<IntOrPercent>| Decision {
        value,
        before,
        reason: reason(why, [("lowestReplicas", lowest.to_string())]),
    };
    let before = case.base().and_then(|plan| plan.disruption.as_ref());
    let before_min = before.and_then(|plan| Some(plan.min_available.as_ref()?.value));
    let before_max = before.and_then(|plan| Some(plan.max_unavailable.as_ref()?.value));
    Some(DisruptionPlan {
        name: foreign
            .first()
            .map_or_else(|| workload.id.name.clone(), |budget| budget.id.name.clone()),
        adopted: !foreign.is_empty(),
        min_available: min_available.map(|value| decision(value, before_min)),
        max_unavailable: max_unavailable.map(|value| decision(value, before_max)),
        always_allow_unhealthy: case.settings.cluster.has(Field::UnhealthyPodEvictionPolicy) && !workload.has_state,
    })
}

type Pair = (Option<IntOrPercent>, Option<IntOrPercent>);

/// What the owner states. Both at once is refused by the API server: the one field that is at least as strict and
/// still lets a pod go is `maxUnavailable`.
fn stated(case: &Case<'_>, lowest: u32) -> Pair {
    let wanted = &case.wanted.spec.disruption;
    let pair = match (wanted.min_available.value, wanted.max_unavailable.value) {
        (Some(min), Some(max)) => {
            case.find(
                code::POLICY_CONFLICT,
                format!("a budget takes one of `minAvailable: {min}` and `maxUnavailable: {max}`; `maxUnavailable` is rendered"),
            );
            (None, Some(max))
        }
        pair => pair,
    };
    if blocks(pair.0, pair.1, lowest) {
        case.find(
            code::PDB_BLOCKS_EVICTIONS,
            format!(
                "the stated budget allows no eviction at {}: node drains will not end",
                counted(lowest, "replica")
            ),
        );
    } else if protects_nothing(pair, lowest) {
        case.find(
            code::PDB_PROTECTS_NOTHING,
            format!("the stated budget lets all of {lowest} replicas go at once: more replicas, or none of it"),
        );
    }
    pair
}

/// Whether all pods may go at once.
fn protects_nothing((min_available, max_unavailable): Pair, replicas: u32) -> bool {
    match (min_available, max_unavailable) {
        (_, Some(max)) => max.of_ceil(replicas) >= replicas,
        (Some(min), None) => min.of_ceil(replicas) == 0,
        (None, None) => false,
    }
}

/// The derived budget within the bounds that the policy states, counted at the lowest replicas; `None`, with the reason
/// noted, where no pod could go within them.
fn bounded(case: &Case<'_>, lowest: u32) -> Option<(Pair, Code)> {
    let wanted = &case.wanted.spec.disruption;
    let pods = |bound: IntOrPercent| bound.of_ceil(lowest);
    let (stay, go) = (&wanted.min_available, &wanted.max_unavailable);
    let (mut may_go, mut why) = (derived(lowest), code::ONE_AT_A_TIME);
    // a share grows with the count, and a bound in pods does not
    if let (IntOrPercent::Percent(_), Some(most @ IntOrPercent::Int(_))) = (may_go, go.max) {
        (may_go, why) = (most.min(IntOrPercent::Int(pods(may_go))), code::BOUNDED);
    }
    for (bound, is_beyond) in [
        (go.min, go.min.is_some_and(|least| pods(least) > pods(may_go))),
        (go.max, go.max.is_some_and(|most| pods(most) < pods(may_go))),
    ] {
        if let Some(bound) = bound.filter(|_| is_beyond) {
            (may_go, why) = (bound, code::BOUNDED);
        }
    }
    let left = lowest.saturating_sub(pods(may_go));
    if let Some(most) = stay.max.filter(|most| pods(*most) < left) {
        return Some(((Some(most), None), code::BOUNDED));
    }
    if let Some(least) = stay.min.filter(|least| pods(*least) > left && lowest > 1) {
        let name = case.wanted.named("/disruption/minAvailable");
        let detail = format!(
            "{name} asks for {least} at least, and {left} of {lowest} replicas are left when {may_go} may go: no budget is decided; raise the lowest count, or state a `value`"
        );
        case.find(code::PDB_BLOCKS_EVICTIONS, detail);
        return None;
    }
    Some(((None, Some(may_go)), why))
}

/// One pod at a time, a tenth of many.
fn derived(lowest: u32) -> IntOrPercent {
    if lowest >= MANY {
        IntOrPercent::Percent(10)
    } else {
        IntOrPercent::Int(1)
    }
}

/// Whether no pod may go at `replicas` (disruption controller: shares round up).
pub fn blocks(min_available: Option<IntOrPercent>, max_unavailable: Option<IntOrPercent>, replicas: u32) -> bool {
    match (min_available, max_unavailable) {
        (Some(min), _) => min.of_ceil(replicas) >= replicas && replicas > 0,
        (None, Some(max)) => max.of_ceil(replicas) == 0,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_blocks_where_nothing_may_go() {
        use IntOrPercent::{Int, Percent};
        for (min, max, replicas, expected) in [
            (Some(Int(1)), None, 1, true),
            (Some(Int(1)), None, 2, false),
            (Some(Percent(75)), None, 3, true),
            (Some(Percent(75)), None, 4, false),
            (Some(Percent(90)), None, 5, true),
            (None, Some(Int(0)), 5, true),
            (None, Some(Percent(1)), 2, false),
            (None, Some(Percent(0)), 2, true),
        ] {
            assert_eq!(blocks(min, max, replicas), expected, "{min:?} {max:?} at {replicas}");
        }
    }

    #[test]
    fn a_derived_budget_never_blocks() {
        for lowest in 1..500 {
            assert!(!blocks(None, Some(derived(lowest)), lowest), "{lowest}");
        }
    }
}
