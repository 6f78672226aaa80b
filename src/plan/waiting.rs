//! What was decided and is held back by a guardrail: it stays in the plan beside what is kept, so that nothing waits
//! unseen.

use super::model::{ContainerPlan, Decided, Decision, SpotPlan, SpreadPlan, Waiting, WorkloadPlan};

/// What of `wanted` is not in `kept`; `None` where both say the same.
pub(super) fn between(wanted: &WorkloadPlan, kept: &WorkloadPlan, detail: &str) -> Option<Waiting> {
    let spread = wanted.spread.iter().filter(|(key, spread)| {
        let there = kept.spread.get(*key);
        there.is_none_or(|there| placed(there) != placed(spread))
    });
    let spot = wanted
        .spot
        .clone()
        .filter(|spot| kept.spot.as_ref().is_none_or(|there| spot_of(there) != spot_of(spot)));
    let waiting = Waiting {
        detail: detail.to_owned(),
        containers: wanted
            .containers
            .iter()
            .map(|(name, container)| (name.clone(), changes_of(container, kept.containers.get(name))))
            .filter(|(_, container)| *container != ContainerPlan::default())
            .collect(),
        spread: spread.map(|(key, spread)| (key.clone(), spread.clone())).collect(),
        spot,
        grace_period: other(wanted.grace_period.as_ref(), kept.grace_period.as_ref()),
        pre_stop_sleep: other(wanted.pre_stop_sleep.as_ref(), kept.pre_stop_sleep.as_ref()),
        scaler: wanted
            .scaler
            .clone()
            .filter(|scaler| kept.scaler.as_ref() != Some(scaler)),
        gone: gone(wanted, kept),
    };
    (!waiting.is_empty()).then_some(waiting)
}

/// The values of a container that are not those that are kept.
fn changes_of(wanted: &ContainerPlan, kept: Option<&ContainerPlan>) -> ContainerPlan {
    let mut changes = ContainerPlan::default();
    let (requests, limits) = (kept.map(|kept| &kept.requests), kept.map(|kept| &kept.limits));
    changes.requests.cpu = other(
        wanted.requests.cpu.as_ref(),
        requests.and_then(|kept| kept.cpu.as_ref()),
    );
    changes.requests.memory = other(
        wanted.requests.memory.as_ref(),
        requests.and_then(|kept| kept.memory.as_ref()),
    );
    changes.limits.cpu = other(wanted.limits.cpu.as_ref(), limits.and_then(|kept| kept.cpu.as_ref()));
    changes.limits.memory = other(
        wanted.limits.memory.as_ref(),
        limits.and_then(|kept| kept.memory.as_ref()),
    );
    changes
}

/// A decision that is not the kept one; where none is kept, that is not what is in force.
pub(super) fn other<D: Decided + Clone>(wanted: Option<&D>, kept: Option<&D>) -> Option<D> {
    let is_other = |wanted: &&D| kept.map_or(wanted.is_change(), |kept| !wanted.agrees_with(kept));
    wanted.filter(is_other).cloned()
}

fn placed(spread: &SpreadPlan) -> impl PartialEq + use<> {
    (
        spread.max_skew,
        spread.when_unsatisfiable,
        spread.per_revision,
        spread.honor_taints,
    )
}

fn spot_of(spot: &SpotPlan) -> impl PartialEq + '_ {
    (spot.mode, &spot.labels, &spot.taints)
}

/// What is kept and would not be decided any more.
fn gone(wanted: &WorkloadPlan, kept: &WorkloadPlan) -> Vec<String> {
    fn is_gone<T>(wanted: Option<&Decision<T>>, kept: Option<&Decision<T>>) -> bool {
        kept.is_some() && wanted.is_none()
    }
    let spread = kept.spread.keys().filter(|key| !wanted.spread.contains_key(*key));
    let mut gone: Vec<String> = spread.map(|key| format!("spread {key}")).collect();
    for (name, is_gone) in [
        ("spot", kept.spot.is_some() && wanted.spot.is_none()),
        (
            "termination grace period",
            is_gone(wanted.grace_period.as_ref(), kept.grace_period.as_ref()),
        ),
        (
            "preStop sleep",
            is_gone(wanted.pre_stop_sleep.as_ref(), kept.pre_stop_sleep.as_ref()),
        ),
    ] {
        if is_gone {
            gone.push(name.to_owned());
        }
    }
    gone
}
