//! What of an accepted plan still fits: manifests move on after a plan was made, and builds apply it as it is.
//!
//! What would hurt is left out, object by object and field by field, each with a warning: a second scaler or budget, a
//! request above its limit, pods for a workload that its owner parked, a metric that nothing measures, spot nodes for
//! pods that hold a volume or are alone. Nothing is decided instead: the manifest stands.

mod resources;
pub(super) mod shared;
mod spot;
mod vpa;

use super::Planned;
use crate::diag::{Code, Diagnostic, code};
use crate::krm::Reason;
use crate::plan::WorkloadPlan;
use crate::plan::disruption::blocks;
use crate::plan::gone::without_gone;
use crate::plan::lifecycle::is_lengthened;
use crate::plan::model::{DisruptionPlan, ScalerKind, ScalerPlan, SpreadPlan};
use crate::plan::scaling::other_than;
use crate::policy::wire::WhenUnsatisfiable;
use crate::units::Seconds;

/// The plan without what no longer fits, and a warning for each part that is left out. `is_filled`: a `LimitRange` gives
/// requests to containers without them.
pub(super) fn fit(subject: &Planned<'_>, is_filled: bool) -> (WorkloadPlan, Vec<Diagnostic>) {
    let mut plan = subject.plan.clone();
    let mut found = resources::refused(subject, &mut plan);
    found.extend(second_scaler(subject, &mut plan));
    found.extend(second_budget(subject, &mut plan));
    found.extend(vpa::second(subject, &mut plan));
    found.extend(vpa::beside_scaler(subject, &mut plan));
    found.extend(adopted_gone(subject, &mut plan));
    found.extend(parked(subject, &mut plan));
    found.extend(hard_spread(subject, &mut plan));
    found.extend(resources::unmeasured(subject, &mut plan, is_filled));
    found.extend(lonely_budget(subject, &mut plan));
    found.extend(spot::state(subject, &mut plan));
    found.extend(spot::alone(subject, &mut plan));
    found.extend(lengthened_grace(subject, &mut plan));
    found.extend(spot::long_grace(subject, &mut plan));
    found.extend(long_sleep(subject, &mut plan));
    (plan, found)
}

/// The plan without what no longer fits beside the workload, whose own manifest stays as it is written and tells nothing.
pub(super) fn fit_beside(subject: &Planned<'_>) -> (WorkloadPlan, Vec<Diagnostic>) {
    let mut plan = subject.plan.clone();
    let mut found = Vec::new();
    found.extend(second_scaler(subject, &mut plan));
    found.extend(second_budget(subject, &mut plan));
    found.extend(vpa::second(subject, &mut plan));
    found.extend(vpa::beside_scaler(subject, &mut plan));
    found.extend(adopted_gone(subject, &mut plan));
    (plan, found)
}

fn left_out(code: Code, headline: String, because: &str, help: &str) -> Diagnostic {
    Diagnostic::warning(code, headline)
        .because(because)
        .help(format!("{help}, then run `trimtab plan --write`"))
}

/// Takes the scaler out, and the count that was decided with it: without a scaler the manifest's count holds.
fn without_scaler(plan: &mut WorkloadPlan) {
    plan.scaler = None;
    plan.replicas = None;
}

/// Two scalers undo what the other does: with one of the owner beside the plan's, the owner's stays alone.
fn second_scaler(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let ours = plan.scaler.as_ref()?;
    let other = other_than(ours, subject.workload)?.id.clone();
    let headline = format!(
        "`{other}` scales it too, so the {} `{}` of the plan is left out",
        ours.kind.object(),
        ours.name
    );
    without_scaler(plan);
    // one that a host fed back goes: it is the second one
    plan.removed.scaler = Some(because(code::TWO_SCALERS));
    let why = "two scalers on one workload undo what the other does";
    Some(left_out(
        code::TWO_SCALERS,
        headline,
        why,
        "keep one, or let the plan adopt it",
    ))
}

/// Work that takes longer than it was planned for is not cut off: a grace period that its owner lengthened stays.
fn lengthened_grace(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let planned = plan.grace_period.as_ref()?.value;
    let written = subject.workload.grace_period.filter(|now| *now > planned)?;
    if !is_lengthened(subject.plan, written) {
        return None;
    }
    plan.grace_period = None;
    Some(left_out(
        code::MANIFEST_CHANGED,
        format!("the manifest now gives the pods {written} to end, and the plan {planned}: the manifest's stays"),
        "a shorter grace period would cut off work that its owner made room for",
        "state it in the policy too",
    ))
}

/// What the API server fills in.
const USUAL_GRACE: Seconds = Seconds::new(30);

/// A sleep that fills the grace period leaves nothing for the stop signal; a longer one the API server refuses.
fn long_sleep(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let sleep = plan.pre_stop_sleep.as_ref()?.value;
    let planned = plan.grace_period.as_ref().map(|grace| grace.value);
    let grace = planned.or(subject.workload.grace_period).unwrap_or(USUAL_GRACE);
    if sleep < grace {
        return None;
    }
    plan.pre_stop_sleep = None;
    Some(left_out(
        code::PRE_STOP_TOO_LONG,
        format!(
            "a sleep of {sleep} before the stop signal does not fit in the grace period of {grace}: it is left out"
        ),
        "the manifest's grace period is shorter than when it was planned",
        "lengthen it, or shorten `termination.preStopSleep` in the policy",
    ))
}

/// A pod in two budgets can't be evicted: with one of the owner beside the plan's, the owner's stays alone.
fn second_budget(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let name = plan
        .disruption
        .as_ref()
        .map(|DisruptionPlan { name, .. }| name.clone())?;
    let mut foreign = subject.workload.foreign_budgets();
    let other = &foreign.find(|budget| budget.id.name != name)?.id;
    let headline = format!("`{other}` holds for its pods too, so the budget `{name}` of the plan is left out");
    plan.disruption = None;
    plan.removed.disruption = Some(because(code::TWO_BUDGETS));
    let why = "the eviction API refuses a pod that is in two budgets, so a node drain never ends";
    Some(left_out(
        code::TWO_BUDGETS,
        headline,
        why,
        "keep one, or let the plan adopt it",
    ))
}

/// What its owner took away is not made anew in our name.
fn adopted_gone(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Vec<Diagnostic> {
    let Some((gone, kept)) = without_gone(plan, subject.workload) else {
        return Vec::new();
    };
    *plan = kept;
    let one = |object: String| {
        left_out(
            code::ADOPTED_OBJECT_GONE,
            format!("`{object}`, which the plan adopted, is not in the manifests any more, so none is rendered"),
            "its owner took it away, or pointed it at something else",
            "put it back, or have it decided on as if none had been there",
        )
    };
    gone.into_iter().map(one).collect()
}

fn because(code: Code) -> Reason {
    Reason {
        code: code.as_str().to_owned(),
        ..Reason::default()
    }
}

/// Zero replicas in a manifest are its owner's switch, not a count to correct. An HPA leaves a target at zero alone, KEDA
/// scales it up to its minimum.
fn parked(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    if subject.workload.replicas != Some(0) {
        return None;
    }
    let wakes =
        |scaler: &ScalerPlan| scaler.kind == ScalerKind::Keda && !scaler.adopted && scaler.min_replicas.value > 0;
    let is_woken = plan.scaler.as_ref().is_some_and(wakes);
    let is_counted = plan.replicas.as_ref().is_some_and(|count| count.value != Some(0));
    if !is_woken && !is_counted {
        return None;
    }
    plan.replicas = None;
    if is_woken {
        without_scaler(plan);
    }
    let what = if is_woken {
        "the ScaledObject"
    } else {
        "the replica count"
    };
    Some(left_out(
        code::NOT_SCALABLE,
        format!("its manifest parks it at 0 replicas, so {what} of the plan is left out"),
        "a workload that its owner switched off stays off",
        "set `spec.replicas` to start it again",
    ))
}

/// A spread that its owner made hard after planning does not become a preference.
fn hard_spread(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Vec<Diagnostic> {
    let hard = subject.workload.hard_spreads();
    let is_softer = |key: &str, spread: &SpreadPlan| {
        hard.contains(key) && !spread.softens && spread.when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway
    };
    let softer: Vec<String> = plan
        .spread
        .iter()
        .filter(|(key, spread)| is_softer(key, spread))
        .map(|(key, _)| key.clone())
        .collect();
    plan.spread.retain(|key, _| !softer.contains(key));
    let one = |key: String| {
        left_out(
            code::LEFT_ALONE,
            format!("the manifest has a hard spread over `{key}`, so the soft one of the plan is left out"),
            "the manifest asks for more than the plan; `whenUnsatisfiable: ScheduleAnyway` in the policy softens it",
            "leave it so",
        )
    };
    softer.into_iter().map(one).collect()
}

/// The lowest count of a scaler that the owner has.
fn lowest_of_owner(subject: &Planned<'_>) -> Option<u32> {
    let foreign = subject.workload.foreign_scalers();
    foreign.map(|scaler| scaler.min_replicas).min()
}

/// A budget that was decided for a scaler's lowest count, beside the one pod that is left where the scaler is left out:
/// it protects nothing, or blocks every drain; and one that blocks under a scaler that its owner made since. How many pods
/// there are without a count in the manifest is not known. One of the owner's goes back to what its owner wrote.
fn lonely_budget(subject: &Planned<'_>, plan: &mut WorkloadPlan) -> Option<Diagnostic> {
    let budget = plan.disruption.as_ref()?;
    let is_left_out = subject.plan.scaler.is_some() && plan.scaler.is_none();
    let foreign = lowest_of_owner(subject);
    let lowest = foreign.or(subject.workload.replicas)?;
    let (min, max) = (budget.min_available.as_ref(), budget.max_unavailable.as_ref());
    let is_blocking = blocks(min.map(|min| min.value), max.map(|max| max.value), lowest);
    // another scaler may run more than its lowest count
    let is_alone = foreign.is_none() && lowest == 1;
    let is_said = plan.findings.contains_key(code::PDB_BLOCKS_EVICTIONS.as_str());
    let is_news = plan.scaler.is_none() && foreign.is_some() && !is_said;
    if !(is_left_out && (is_blocking || is_alone) || is_news && is_blocking) {
        return None;
    }
    let headline = format!(
        "the budget `{}` of the plan was decided for more pods than the {lowest} that are left, so it is left out",
        budget.name
    );
    plan.disruption = None;
    Some(left_out(
        code::PDB_OMITTED,
        headline,
        "with one pod a budget blocks every drain or protects nothing",
        "raise the count in the manifest",
    ))
}
