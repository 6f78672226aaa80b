//! The horizontal scaler: which, with which target, bounds and behaviour; and the CPU request that goes with the target.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::case::Case;
use super::field::{Amount, FieldName, Resource};
use super::model::{Decision, ScalerKind, ScalerPlan, UtilizationPlan};
use super::{bounds, lapse, limits, metrics, obstacle, owner, requests, scale_point, unplanned, vpa};
use crate::api::keda_v1alpha1::scaled_object_name;
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::krm::ObjectId;
use crate::policy::wire::{Requests, ScalingMode};
use crate::units::{Millicores, Percent};
use crate::workload::{Container, Scaler, Workload};

/// A scaler, and the CPU request that was decided with it.
#[derive(Debug, Default)]
pub struct Scaled {
    /// The scaler; `None`: none of ours.
    pub scaler: Option<ScalerPlan>,
    /// The main container's CPU request, where a utilization target depends on it.
    pub main_cpu: Option<Decision<Millicores>>,
    /// Whether the main container's CPU request must not be sized by usage per pod.
    pub holds_cpu: bool,
}

/// Decides the scaler of a workload. What can't be decided keeps the accepted scaler.
pub fn decide(case: &Case<'_>, main: &Container, requests: &Requests) -> Scaled {
    let wanted = &case.wanted.spec.scaling;
    let kind = match wanted.mode {
        Some(ScalingMode::Hpa) => ScalerKind::Hpa,
        Some(ScalingMode::Keda) => ScalerKind::Keda,
        Some(ScalingMode::None) => return without_scaler(case, main, requests),
        None => return lapsed(case, main, requests),
    };
    match obstacle::find(case, kind) {
        Some((code, detail)) => {
            case.find(code, detail);
            kept(case, main, requests)
        }
        None => scaler(case, main, requests, kind).unwrap_or_else(|| kept(case, main, requests)),
    }
}

/// Nothing of ours scales. Where somebody else's scaler divides by the CPU request, that request stays.
fn without_scaler(case: &Case<'_>, main: &Container, requests: &Requests) -> Scaled {
    let target = case.workload.foreign_scalers().find_map(|scaler| scaler.cpu_target);
    let Some(target) = target else { return Scaled::default() };
    let before = case.cpu_before(main);
    if let (Some(value), Some(before)) = (requests.cpu.value, before)
        && value != before
    {
        case.find(
            code::SCALE_POINT_MOVED,
            format!(
                "CPU request {before} → {value} under another scaler's target of {target}: pods are added at {} instead of {}",
                scale_point::of(value, target),
                scale_point::of(before, target)
            ),
        );
    }
    Scaled {
        holds_cpu: true,
        // obeyed, and said above
        main_cpu: requests::stated_cpu(case, main, requests),
        scaler: None,
    }
}

/// The policy does not say who scales: an accepted scaler that is in force goes on.
fn lapsed(case: &Case<'_>, main: &Container, requests: &Requests) -> Scaled {
    if has_yielded(case) {
        return without_scaler(case, main, requests);
    }
    let gone = "`scaling.mode` is not stated any more";
    if let Some(scaler) = lapse::keep(case, |plan| plan.scaler.clone(), gone, "`mode: none`") {
        return as_accepted(case, main, requests, scaler);
    }
    unplanned::report(case, main, requests);
    without_scaler(case, main, requests)
}

/// The accepted scaler as it is, if there is one.
fn kept(case: &Case<'_>, main: &Container, requests: &Requests) -> Scaled {
    match case.accepted().and_then(|accepted| accepted.scaler.clone()) {
        Some(_) if has_yielded(case) => without_scaler(case, main, requests),
        Some(scaler) => as_accepted(case, main, requests, scaler),
        None => without_scaler(case, main, requests),
    }
}

/// Whether the accepted scaler, one of ours, goes for another one of the owner; that is noted. Two undo what the other does.
fn has_yielded(case: &Case<'_>) -> bool {
    let accepted = case.accepted().and_then(|plan| plan.scaler.as_ref());
    let ours = accepted.filter(|scaler| !scaler.adopted);
    let Some((ours, other)) = ours.and_then(|ours| Some((ours, other_than(ours, case.workload)?))) else {
        return false;
    };
    let (kind, name) = (ours.kind.object(), &ours.name);
    let detail = format!(
        "`{}` of its owner scales it now and stays alone: the {kind} `{name}` of the plan goes",
        other.id
    );
    case.find(code::LEFT_ALONE, detail);
    true
}

/// A scaler of the owner that is not the one of the plan.
pub(crate) fn other_than<'w>(planned: &ScalerPlan, workload: &'w Workload) -> Option<&'w Scaler> {
    let mut foreign = workload.foreign_scalers();
    foreign.find(|scaler| !is_planned(planned, &scaler.id))
}

fn is_planned(scaler: &ScalerPlan, id: &ObjectId) -> bool {
    let is_name =
        id.name == scaler.name || (scaler.kind == ScalerKind::Keda && id.name == scaled_object_name(&scaler.name));
    id.kind == scaler.kind.object() && is_name
}

/// A scaler with the CPU request that was accepted with it. Where the policy states another one, or its owner raised it,
/// the scale point stays.
fn as_accepted(case: &Case<'_>, main: &Container, wanted: &Requests, mut scaler: ScalerPlan) -> Scaled {
    let accepted = requests::accepted_cpu(case, main);
    let before = accepted.as_ref().map(|accepted| accepted.value).or(main.cpu_request);
    let stated = requests::stated_cpu(case, main, wanted);
    let raised = |accepted| owner::lift(case, &cpu_request(main), main.cpu_request, accepted);
    let main_cpu = stated.or_else(|| accepted.map(raised));
    let main_cpu = main_cpu.map(|cpu| limits::under(limits::stated(case, main).cpu, cpu));
    let settings = &case.wanted.spec.scaling;
    let (min, max) = (&scaler.min_replicas, &scaler.max_replicas);
    scaler.min_replicas = lapse::unless_stated(min.clone(), settings.min_replicas.value == Some(min.value));
    scaler.max_replicas = lapse::unless_stated(max.clone(), settings.max_replicas.value == Some(max.value));
    if let Some(target) = scaler.cpu.as_mut().map(|cpu| &mut cpu.target) {
        let is_stated = settings.targets.cpu.value == Some(target.value);
        *target = lapse::unless_stated(target.clone(), is_stated);
        if let (Some(before), Some(now), false) = (before, &main_cpu, is_stated)
            && now.value != before
        {
            target.value = scale_point::carried_within(target.value, before, now);
        }
        *target = scale_point::lowered_by_owner(case, target.clone());
    }
    let is_theirs = case.foreign_scaler().is_some_and(|scaler| scaler.cpu_target.is_some());
    Scaled {
        holds_cpu: scaler.cpu.is_some() || is_theirs,
        main_cpu,
        scaler: Some(scaler),
    }
}

fn cpu_request(main: &Container) -> FieldName {
    Amount::Request(Resource::Cpu).of(&main.name)
}

/// The scaler, or `None` with the reason noted.
fn scaler(case: &Case<'_>, main: &Container, requests: &Requests, kind: ScalerKind) -> Option<Scaled> {
    let wanted = &case.wanted.spec.scaling;
    let foreign = case.foreign_scaler();
    metrics::report_ignored(case, wanted, kind);
    let (metrics, triggers) = match kind {
        ScalerKind::Hpa => (metrics::metrics(case, wanted), BTreeMap::new()),
        ScalerKind::Keda => (BTreeMap::new(), metrics::triggers(case, wanted)?),
    };
    // of a scaler that looks at several things the CPU target is ours, and the others are its owner's
    let is_free = foreign.is_none_or(|scaler| scaler.cpu_target.is_some() || scaler.other_metrics == 0);
    let wants_cpu = !wanted.targets.cpu.is_open() || (kind == ScalerKind::Hpa && metrics.is_empty() && is_free);
    let container = looked_at(case, main);
    let divided = [("cpu", wants_cpu), ("memory", !wanted.targets.memory.is_open())];
    let mut divided = divided.into_iter().filter(|(_, is_divided)| *is_divided);
    if divided.any(|(resource, _)| vpa::fights(case, resource, container.as_deref())) {
        return None;
    }
    let point = if wants_cpu {
        Some(scale_point::solve(case, main, requests)?)
    } else {
        None
    };
    let memory = metrics::memory_target(case, main);
    let nothing = point.is_none() && memory.is_none() && metrics.is_empty() && triggers.is_empty();
    if nothing && foreign.is_none() {
        if wanted.triggers.is_empty() && wanted.metrics.is_empty() {
            case.find(
                code::NOTHING_TO_SCALE_ON,
                "name a trigger, a metric or a CPU target in the policy",
            );
        }
        return None;
    }
    let request = match &point {
        Some(point) => Some(point.request_value()),
        None => requests::cpu_to_be(case, main, requests),
    };
    let target = point.as_ref().map(|point| point.target.value);
    if point.as_ref().is_some_and(|point| point.request_value().is_zero()) {
        case.find(
            code::UTILIZATION_WITHOUT_REQUEST,
            "its CPU request is 0, and a CPU target is a share of it: state a request",
        );
        return None;
    }
    if let Some(point) = &point
        && !is_reachable(case, main, point)
    {
        return None;
    }
    let (min_replicas, max_replicas) = bounds::decide(case, main, kind, request, target)?;
    if !can_scale(case, &min_replicas, &max_replicas) {
        return None;
    }
    let bounds = (min_replicas.value, max_replicas.value);
    metrics::report_schedules(case, &triggers, bounds);
    let name = foreign.map(|scaler| scaler.id.name.clone());
    let name = name.or_else(|| Some(case.accepted()?.scaler.as_ref()?.name.clone()));
    let utilization = |target| UtilizationPlan {
        target,
        container: container.clone(),
    };
    if let Some(foreign) = foreign {
        report_adoption(case, foreign, kind, point.as_ref().and(container.as_ref()));
    }
    let is_theirs = foreign.is_some_and(|scaler| scaler.cpu_target.is_some());
    let holds_cpu = point.is_some() || is_theirs;
    let stated = || requests::stated_cpu(case, main, requests).filter(|_| is_theirs);
    let (main_cpu, cpu) = match point {
        Some(point) => (point.request.clone(), Some(point.target)),
        None => (stated(), None),
    };
    let scaler = ScalerPlan {
        kind,
        name: name.unwrap_or_else(|| own_name(case, kind)),
        adopted: foreign.is_some(),
        min_replicas,
        max_replicas,
        cpu: cpu.map(&utilization),
        memory: memory.map(&utilization),
        metrics,
        triggers,
        behavior: metrics::behavior(case, kind),
        polling_interval: wanted.polling_interval.filter(|_| kind == ScalerKind::Keda),
        cooldown_period: wanted.cooldown_period.filter(|_| kind == ScalerKind::Keda),
        idle_replicas: metrics::idle_replicas(case, kind, bounds.0),
        fallback: metrics::fallback(case, kind, bounds),
        in_force: is_in_force(case),
    };
    Some(Scaled {
        scaler: Some(scaler),
        main_cpu,
        holds_cpu,
    })
}

/// Whether usage can pass the target: under a limit it never gets beyond limit / request, and the controller adds pods
/// only beyond the target and its tolerance of 10 % (Kubernetes, HPA algorithm).
fn is_reachable(case: &Case<'_>, main: &Container, point: &scale_point::ScalePoint) -> bool {
    let (of_requests, wanted) = case.wanted.container(&main.name, true);
    let requests = requests::RequestPlan {
        cpu: point.request.clone(),
        memory: None,
    };
    let limit = match limits::decide(case, main, (&of_requests, &wanted), &requests).cpu {
        Some(limit) => limit.value,
        None => main.cpu_limit,
    };
    let is_alone = case.workload.containers.len() == 1 || looked_at(case, main).is_some();
    let Some(limit) = limit.filter(|_| is_alone) else {
        return true;
    };
    let (request, target) = (point.request_value(), point.target.value);
    // target × 1.1 against limit / request, multiplied out
    let wanted = u128::from(target.ppm()) * 11 * u128::from(request.get());
    let most = u128::from(Percent::WHOLE.ppm()) * 10 * u128::from(limit.get().max(request.get()));
    if wanted < most {
        return true;
    }
    let detail = format!(
        "a CPU target of {target} is never passed: with a limit of {limit} a request of {request} can't be used more, \
         and pods are added only beyond 1.1 times the target; lower the target or the request, or drop the limit"
    );
    case.find(code::TARGET_UNREACHABLE, detail);
    case.is_accepted(code::TARGET_UNREACHABLE)
}

/// Whether the bounds leave a scaler something to do. Where the owner states both, or one is there already, it is
/// rendered, and that is said.
fn can_scale(case: &Case<'_>, min: &Decision<u32>, max: &Decision<u32>) -> bool {
    let wanted = &case.wanted.spec.scaling;
    if min.value != max.value || wanted.idle_replicas.is_some() {
        return true;
    }
    let count = min.value;
    let is_stated = wanted.min_replicas.value.is_some() && wanted.max_replicas.value.is_some();
    let is_there = case.foreign_scaler().is_some() || case.accepted().is_some_and(|plan| plan.scaler.is_some());
    let detail = if is_stated {
        format!("both bounds are stated as {count}: the scaler keeps that count and never scales")
    } else if is_there {
        format!("both bounds are {count} by the guardrails and the policy: the scaler keeps that count")
    } else if bounds::is_held(min) {
        format!(
            "`guardrails.capacityDecrease` holds the lowest count at {count}, and {count} carry the highest demand with headroom: no scaler is made, and `replicas` stay their owner's"
        )
    } else {
        format!(
            "{count} replicas carry the highest demand with headroom, and fewer are not allowed: no scaler is made, and `replicas` stay their owner's"
        )
    };
    case.find(code::REPLICA_BOUNDS, detail);
    is_stated || is_there
}

/// The one container a utilization target looks at: with several in the pod the main one, where the version can; a
/// scaler that is adopted and looks at it already goes on doing so.
fn looked_at(case: &Case<'_>, main: &Container) -> Option<String> {
    let accepted = case.unconfirmed().and_then(|plan| plan.scaler.as_ref()?.cpu.as_ref());
    if let Some(accepted) = accepted {
        return accepted.container.clone();
    }
    let theirs = case.foreign_scaler().and_then(|scaler| scaler.cpu_container.as_ref());
    // a metric of the pod is a share of the pod's own request, where it has one
    let several = case.workload.containers.len() > 1 || has_injected(case) || case.workload.is_sized_as_pod("cpu");
    let is_alone = several && case.settings.cluster.has(Field::ContainerResource);
    (is_alone || theirs == Some(&main.name)).then(|| main.name.clone())
}

/// Notes that a scaler is adopted, and what changes of it beside the plan's numbers.
fn report_adoption(case: &Case<'_>, foreign: &Scaler, kind: ScalerKind, container: Option<&String>) {
    let mut detail = format!("{} `{}` is adopted", obstacle::name_of(kind), foreign.id.name);
    match (foreign.cpu_target.and(foreign.cpu_container.as_ref()), container) {
        (None, Some(container)) if foreign.cpu_target.is_some() => {
            write!(
                detail,
                ", its CPU target looks at container `{container}` and no more at the pod's sum"
            )
        }
        (Some(theirs), Some(container)) if theirs != container => {
            write!(
                detail,
                ", its CPU target looks at container `{container}` and no more at `{theirs}`"
            )
        }
        _ => Ok(()),
    }
    .expect("broken invariant: writing to a string");
    if kind == ScalerKind::Hpa && foreign.id.version != "v2" {
        let old = foreign.id.api_version();
        write!(detail, "; it moves from `{old}` to `autoscaling/v2`").expect("broken invariant: writing to a string");
    }
    case.find(code::ADOPTED, detail);
}

/// The name of an object of ours: the workload's, as far as KEDA can use it.
fn own_name(case: &Case<'_>, kind: ScalerKind) -> String {
    let name = &case.workload.id.name;
    match kind {
        ScalerKind::Hpa => name.clone(),
        ScalerKind::Keda => scaled_object_name(name),
    }
}

/// Containers seen in the history that the manifest does not have: a mesh proxy, an agent.
fn has_injected(case: &Case<'_>) -> bool {
    let Some(facts) = case.seen else { return false };
    let injected: Vec<&str> = facts
        .containers
        .keys()
        .filter(|name| case.workload.container(name).is_none())
        .map(String::as_str)
        .collect();
    if !injected.is_empty() {
        case.find(
            code::INJECTED_CONTAINER,
            format!("seen in the history only: {}", injected.join(", ")),
        );
    }
    !injected.is_empty()
}

fn is_in_force(case: &Case<'_>) -> bool {
    case.seen.is_some_and(|facts| facts.has_scaler_in_force)
        || case
            .accepted()
            .and_then(|plan| plan.scaler.as_ref())
            .is_some_and(|scaler| scaler.in_force)
}
