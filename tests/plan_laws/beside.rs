//! What holds of everything that stands beside a workload, in whatever is built: after a plan, and between an edit of
//! the manifests and the plan that follows it.

use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use trimtab::plan::disruption::blocks;
use trimtab::plan::model::{SpotPlacement, Status, WorkloadPlan};
use trimtab::render::render;
use trimtab::units::{IntOrPercent, Seconds};
use trimtab::workload::Workload;

use super::course::{Course, NAMES};
use super::events::Key;
use super::laws::check;

/// Every law of it, for what was accepted over the manifests as they are.
pub(super) fn beside(course: &Course) -> Result<(), TestCaseError> {
    let plan = course.accepted.as_ref().expect("planned");
    let (_, objects, _) = course.built("api");
    let built = Course::read(&objects);
    let again = render(plan, &built).0;
    let again = trimtab::krm::apply(objects.clone(), &again).expect("the edits fit");
    check(again == objects, "building what was built changes nothing", course)?;
    keeps_fields(course, &objects)?;
    for name in NAMES {
        of_workload(course, name, course.entry(plan, name), &built.by_key[&course.key(name)])?;
    }
    Ok(())
}

fn of_workload(course: &Course, name: &str, entry: &WorkloadPlan, workload: &Workload) -> Result<(), TestCaseError> {
    one_of_each(course, workload)?;
    lets_pods_go(course, entry, workload)?;
    is_safe_on_spot(course, entry, workload)?;
    within_bounds(course, entry)?;
    if name == "api" {
        let written = workload.grace_period.map(Seconds::get);
        let is_long = course
            .lengthened
            .is_none_or(|least| written.is_some_and(|now| now >= least));
        check(is_long, "a lengthened grace period stays", course)?;
    }
    Ok(())
}

/// A second scaler or budget hurts: ours never stands beside another.
fn one_of_each(course: &Course, workload: &Workload) -> Result<(), TestCaseError> {
    let scalers = &workload.scalers;
    let is_doubled = scalers.len() > 1 && scalers.iter().any(|scaler| scaler.is_ours);
    check(!is_doubled, "one scaler alone", course)?;
    let budgets = &workload.budgets;
    let is_doubled = budgets.len() > 1 && budgets.iter().any(|budget| budget.is_ours);
    // accepted budgets stay where pods come to be shared, and the plan says so (`shared-pods`)
    let is_known = course.is_shared && budgets.iter().all(|budget| budget.is_ours);
    check(is_known || !is_doubled, "one budget alone", course)
}

/// The lowest count as it is built.
fn lowest(workload: &Workload) -> u32 {
    let scalers = workload.scalers.iter().map(|scaler| scaler.min_replicas);
    scalers.min().or(workload.replicas).unwrap_or(1)
}

/// A budget that is set here lets a pod go at the lowest count, unless the policy states it.
fn lets_pods_go(course: &Course, entry: &WorkloadPlan, workload: &Workload) -> Result<(), TestCaseError> {
    let Some(plan) = &entry.disruption else { return Ok(()) };
    let budget = workload.budgets.iter().find(|budget| budget.id.name == plan.name);
    let Some(budget) = budget.filter(|budget| budget.is_ours || plan.adopted) else {
        return Ok(());
    };
    // where ours is left out, what its owner wrote stands, and is the owner's
    let own = course.budget.map(|(field, count)| {
        let count = Some(IntOrPercent::Int(count));
        if field == "minAvailable" {
            (count, None)
        } else {
            (None, count)
        }
    });
    if plan.adopted && own == Some((budget.min_available, budget.max_unavailable)) {
        return Ok(());
    }
    let codes = [plan.min_available.as_ref(), plan.max_unavailable.as_ref()];
    let is_stated = codes.into_iter().flatten().any(|bound| bound.reason.code == "stated");
    let lowest = lowest(workload);
    let is_blocking = lowest > 0 && blocks(budget.min_available, budget.max_unavailable, lowest);
    check(is_stated || !is_blocking, "a budget lets a pod go", course)
}

/// Pods prefer nodes that go with little notice only where that hurts nobody.
fn is_safe_on_spot(course: &Course, entry: &WorkloadPlan, workload: &Workload) -> Result<(), TestCaseError> {
    let is_preferred = entry.is_rendered()
        && entry
            .spot
            .as_ref()
            .is_some_and(|spot| spot.mode != SpotPlacement::Never)
        && workload.pod_spec.to_string().contains("capacityType");
    if !is_preferred {
        return Ok(());
    }
    check(!workload.has_state, "state stays off spot", course)?;
    let is_decided = entry.status == Status::Planned && course.said(Key::Mode) == "enforce";
    let is_held = entry.waiting.is_empty();
    let may_be_idle = course.kind.is_on_queue();
    let is_single = lowest(workload) < 2 && !may_be_idle;
    check(
        !is_decided || !is_held || !is_single,
        "a single pod stays off spot",
        course,
    )?;
    check(
        !course.kind.holds_memory() || course.kind == super::Kind::Jvm,
        "what holds data stays off spot",
        course,
    )
}

fn within_bounds(course: &Course, entry: &WorkloadPlan) -> Result<(), TestCaseError> {
    let Some(scaler) = &entry.scaler else { return Ok(()) };
    let (min, max) = (scaler.min_replicas.value, scaler.max_replicas.value);
    let is_below = scaler.idle_replicas.is_none_or(|idle| idle < min);
    check(is_below, "idle is below the lowest count", course)?;
    let is_within = scaler.fallback.as_ref().is_none_or(|fallback| fallback.replicas <= max);
    check(is_within, "a fallback is within the bounds", course)
}

/// Of the owner's objects only what is decided changes.
fn keeps_fields(course: &Course, built: &[Value]) -> Result<(), TestCaseError> {
    let masked = |object: &Value| {
        let mut object = object.clone();
        let ours = [
            "minReplicas",
            "maxReplicas",
            "metrics",
            "minReplicaCount",
            "maxReplicaCount",
            "minAvailable",
            "maxUnavailable",
            "unhealthyPodEvictionPolicy",
        ];
        let spec = object["spec"].as_object_mut().expect("a map");
        for field in ours {
            spec.remove(field);
        }
        if course.kind.is_on_queue() {
            for field in ["idleReplicaCount", "fallback"] {
                spec.remove(field);
            }
        }
        let triggers = spec.get_mut("triggers").and_then(Value::as_array_mut);
        if let Some(triggers) = triggers {
            triggers.retain(|trigger| trigger["type"] == json!("kafka"));
        }
        object
    };
    for written in course.objects() {
        let name = written["metadata"]["name"].as_str().expect("a name");
        if !name.starts_with("their") {
            continue;
        }
        let found = built
            .iter()
            .find(|object| object["metadata"]["name"] == name && object["kind"] == written["kind"]);
        let is_kept = found.is_some_and(|found| masked(found) == masked(&written));
        check(is_kept, "the owner's fields stay", course)?;
    }
    Ok(())
}
