//! Everything decided for one workload, in order.

use super::case::{Case, Question};
use super::field::{Amount, Resource};
use super::model::{ContainerPlan, Decided, Status, UpdateMode, WorkloadPlan};
use super::{
    disruption, divided, gone, lifecycle, limits, missed, owner, placement, possible, removal, rename, requests, rough,
    safeguards, scaling, vpa, warnings,
};
use crate::diag::{Code, Diagnostic, code};
use crate::policy::wire::Mode;
use crate::policy::{Matched, WorkloadSettings};

/// Decides one workload. `None`: no rule is for it, and nothing was accepted.
pub(super) fn decide(question: Question<'_>) -> (Option<WorkloadPlan>, Vec<Diagnostic>) {
    let Question {
        settings,
        workload,
        accepted,
        ..
    } = question;
    match settings.of(&workload.subject()) {
        Matched::Unmatched => {
            let note = Diagnostic::note(code::UNMATCHED, "untouched: no rule of the policy matches")
                .help("name it under `spec.workloads`; a rule `\"*\": {}` is for all");
            let kept = accepted.map(|plan| keep(plan, code::STALE, "no rule of the policy matches it any more"));
            (kept, vec![note])
        }
        Matched::Broken(diagnostic) => {
            let detail = diagnostic.headline.clone();
            let plan = kept_or_refused(question, settings.policy.spec.mode, diagnostic.code, &detail);
            // a problem of one workload never fails the run
            let severity = crate::diag::Severity::Warning;
            (Some(plan), vec![Diagnostic { severity, ..diagnostic }])
        }
        Matched::Wanted(wanted, notes) => (Some(wanted_plan(question, &wanted)), notes),
    }
}

/// The accepted decision as it is, else nothing; with the reason why nothing new was decided.
fn kept_or_refused(question: Question<'_>, mode: Mode, code: Code, detail: &str) -> WorkloadPlan {
    match question.accepted.filter(|plan| plan.status != Status::Refused) {
        Some(accepted) => keep(accepted, code, detail),
        None => refused(&question.workload.id.api_version(), mode, code, detail),
    }
}

/// Values that make no sense (9E of memory in a manifest) lead to others: a plan with one can't be read again, and one
/// workload must not stop the others.
pub(super) fn set_aside_impossible(plan: &mut WorkloadPlan, accepted: Option<&WorkloadPlan>) {
    let Some(what) = possible::first_of_entry(plan) else {
        return;
    };
    let detail = format!("what is decided for it can't be, so it stays as it is: {what}");
    let decided = match accepted.filter(|plan| plan.status != Status::Refused) {
        Some(accepted) => keep(accepted, code::LEFT_ALONE, &detail),
        None => refused(&plan.api_version, plan.mode, code::LEFT_ALONE, &detail),
    };
    *plan = WorkloadPlan {
        made_from: plan.made_from.clone(),
        ..decided
    };
}

fn keep(accepted: &WorkloadPlan, code: Code, detail: &str) -> WorkloadPlan {
    let kept = WorkloadPlan {
        status: Status::Kept,
        ..accepted.clone()
    };
    let kept = kept.with_finding(code, detail);
    match rename::said(&kept.renamed) {
        Some(said) => kept.with_finding(code::CONTAINER_RENAMED, said),
        None => kept,
    }
}

fn refused(api_version: &str, mode: Mode, code: Code, detail: &str) -> WorkloadPlan {
    let plan = WorkloadPlan {
        mode,
        status: Status::Refused,
        api_version: api_version.to_owned(),
        ..WorkloadPlan::default()
    };
    plan.with_finding(code, detail)
}

fn wanted_plan(question: Question<'_>, wanted: &WorkloadSettings) -> WorkloadPlan {
    let Question {
        settings,
        workload,
        accepted,
        ..
    } = question;
    let (wanted, lost) = safeguards::keep(wanted, accepted);
    let wanted = &wanted;
    let policy_mode = settings.policy.spec.mode;
    let mode = if policy_mode == Mode::Enforce {
        wanted.spec.mode.unwrap_or(policy_mode)
    } else {
        policy_mode
    };
    if let Some(plan) = without_deciding(question, mode) {
        return plan;
    }
    let left = accepted.and_then(|plan| gone::without_gone(plan, workload));
    let question = Question {
        accepted: left.as_ref().map(|(_, plan)| plan).or(accepted),
        ..question
    };
    let case = Case::new(question, wanted);
    for object in left.iter().flat_map(|(gone, _)| gone) {
        let detail = format!("`{object}` was adopted and is not there any more: it is decided on as if none had been");
        case.find(code::ADOPTED_OBJECT_GONE, detail);
    }
    if let Some(said) = rename::said(question.renamed) {
        case.find(code::CONTAINER_RENAMED, said);
    }
    let main = case.main_container();
    let main = main.expect("broken invariant: a workload without containers is kept as it is written");
    let (main_requests, _) = wanted.container(&main.name, true);
    let scaled = scaling::decide(&case, main, &main_requests);
    let replicas = lifecycle::replicas(&case, scaled.scaler.as_ref());
    let count = replicas.as_ref().and_then(|replicas| replicas.value);
    let lowest = lowest_replicas(&case, scaled.scaler.as_ref(), count);
    let mut plan = WorkloadPlan {
        api_version: workload.id.api_version(),
        template_in: workload.template_in(),
        class: wanted.class.clone(),
        mode,
        status: Status::Planned,
        safeguards: safeguards::of(wanted),
        main_container: main.name.clone(),
        replicas,
        disruption: disruption::decide(&case, lowest),
        spread: placement::spread(&case, lowest, highest_replicas(scaled.scaler.as_ref(), &case, lowest)),
        spot: placement::spot(&case, lowest),
        vpa: vpa::decide(&case, scaled.scaler.as_ref()),
        removed: removal::decide(&case, scaled.scaler.as_ref()),
        grace_period: lifecycle::grace_period(&case),
        restarted: accepted.and_then(|plan| plan.restarted),
        window: if case.facts.is_some() {
            question.now
        } else {
            accepted.and_then(|plan| plan.window)
        },
        written: Some(owner::written(workload)),
        unwritten: owner::unwritten(workload),
        renamed: question.renamed.clone(),
        overwritten: case.overwritten.clone(),
        raised: case.edits.raised.clone(),
        lowered: case.edits.lowered.clone(),
        ..WorkloadPlan::default()
    };
    let grace = plan.grace_period.as_ref().map(|decision| decision.value);
    plan.pre_stop_sleep = lifecycle::pre_stop_sleep(&case, main, grace);
    containers(&case, main, &scaled, &mut plan);
    plan.scaler = scaled.scaler;
    if case.unconfirmed().is_some() && case.is_found(code::STALE) {
        plan.status = Status::Kept;
    }
    if case.facts.is_none() && accepted.is_some_and(|accepted| accepted.stands_on_history_in(&plan)) {
        plan.status = Status::Kept;
        case.find(
            code::STALE,
            "values left to history are the accepted ones: this profile does not confirm them",
        );
    }
    safeguards::say(&case, lost);
    warnings::warn(&case, &plan);
    missed::note(&case);
    if mode == Mode::Observe {
        say_observed(&case, &plan);
    }
    plan.findings = case.into_findings();
    plan
}

/// What stands without a decision: the mode asks for none, or the workload allows none.
fn without_deciding(question: Question<'_>, mode: Mode) -> Option<WorkloadPlan> {
    let Question { workload, accepted, .. } = question;
    match (mode, accepted) {
        (Mode::Frozen, Some(accepted)) if accepted.status != Status::Refused => {
            return Some(keep(accepted, code::KEPT, "mode frozen: nothing new is planned"));
        }
        (Mode::Frozen, _) => {
            let detail = "mode frozen, and nothing was accepted";
            return Some(refused(&workload.id.api_version(), mode, code::KEPT, detail));
        }
        (Mode::Observe, Some(accepted)) if accepted.is_rendered() => {
            let detail = "mode observe: what is rendered stays, nothing new is decided";
            return Some(keep(accepted, code::OBSERVED, detail));
        }
        _ => {}
    }
    if workload.is_behind_rollout {
        let detail = "a Rollout owns its pods: the Rollout is decided on";
        return Some(refused(&workload.id.api_version(), mode, code::NOT_SCALABLE, detail));
    }
    if workload.id.kind == "Job" {
        let detail = "the template of a Job can't be changed once it is applied";
        return Some(refused(&workload.id.api_version(), mode, code::LEFT_ALONE, detail));
    }
    if let Some(why) = workload.kept_as_written() {
        let detail = format!("{why}; its manifest stays as it is");
        return Some(kept_or_refused(question, mode, code::LEFT_ALONE, &detail));
    }
    let in_force = accepted.filter(|accepted| accepted.is_rendered())?;
    let detail = rename::unclear(in_force, workload)?;
    Some(keep(in_force, code::CONTAINER_RENAMED, &detail))
}

/// Observing renders nothing at all: a VPA is an object in the cluster too, one that only recommends as well.
fn say_observed(case: &Case<'_>, plan: &WorkloadPlan) {
    let nothing = "mode observe: nothing of this is rendered";
    case.find(
        code::OBSERVED,
        match plan.vpa.as_ref().map(|vpa| vpa.update_mode) {
            Some(UpdateMode::Off) => format!(
                "{nothing}, not even the VPA that only recommends; `mode: enforce` in its rule renders what its class allows"
            ),
            Some(_) => format!("{nothing}, nor its VPA, which sets requests"),
            None => nothing.to_owned(),
        },
    );
}

/// The lowest replica count the workload may have; `count` is what is decided for `spec.replicas`.
fn lowest_replicas(case: &Case<'_>, scaler: Option<&super::model::ScalerPlan>, count: Option<u32>) -> u32 {
    let foreign = case.foreign_scaler().map(|scaler| scaler.min_replicas);
    scaler
        .map(|scaler| scaler.min_replicas.value)
        .or(foreign)
        .or(count)
        .or(case.workload.replicas)
        .unwrap_or(1)
}

/// The highest replica count the workload may have.
fn highest_replicas(scaler: Option<&super::model::ScalerPlan>, case: &Case<'_>, lowest: u32) -> u32 {
    let foreign = || {
        case.workload
            .scalers
            .iter()
            .filter_map(|scaler| scaler.max_replicas)
            .max()
    };
    scaler
        .map(|scaler| scaler.max_replicas.value)
        .or_else(foreign)
        .unwrap_or(lowest)
        .max(lowest)
}

fn containers(case: &Case<'_>, main: &crate::workload::Container, scaled: &scaling::Scaled, plan: &mut WorkloadPlan) {
    for container in &case.workload.containers {
        let is_main = container.name == main.name;
        report_refused(case, container);
        let (wanted_requests, wanted_limits) = case.wanted.container(&container.name, is_main);
        let requests = requests::RequestPlan {
            cpu: if is_main && scaled.holds_cpu {
                scaled.main_cpu.clone()
            } else if !is_main && divided::by_cpu_target(case, container, scaled.scaler.as_ref()) {
                requests::stated_cpu(case, container, &wanted_requests)
            } else {
                requests::cpu(case, container, &wanted_requests)
                    .or_else(|| rough::cpu(case, container, &wanted_requests))
            },
            memory: requests::memory(case, container, &wanted_requests)
                .or_else(|| rough::memory(case, container, &wanted_requests)),
        };
        let requests = requests::or_accepted(case, container, &wanted_requests, requests);
        let requests = no_lower_than_raised(case, container, requests);
        let limits = limits::decide(
            case,
            container,
            (&wanted_requests, &wanted_limits),
            &rough::without(&requests),
        );
        let requests = limits::cap(case, container, requests, &limits);
        if let Some(cpu) = requests.cpu.as_ref().filter(|_| !is_main) {
            divided::report_move(case, container, scaled.scaler.as_ref(), cpu.value);
        }
        let mut decided = ContainerPlan { requests, limits };
        leave_to_pod(case, &mut decided);
        if decided != ContainerPlan::default() {
            plan.containers.insert(container.name.clone(), decided);
        }
    }
    for name in case.wanted.spec.containers.keys() {
        if case.workload.container(name).is_none() {
            case.find(
                code::CONTAINER_UNKNOWN,
                format!("the policy names a container `{name}` that the manifest does not have"),
            );
        }
    }
}

/// Notes that the manifest itself requests more than its limits: whatever is decided, its owner must know.
fn report_refused(case: &Case<'_>, container: &crate::workload::Container) {
    let cpu = container
        .cpu_request
        .zip(container.cpu_limit)
        .filter(|(request, limit)| request > limit);
    let memory = container
        .memory_request
        .zip(container.memory_limit)
        .filter(|(request, limit)| request > limit);
    for (resource, pair) in [
        (
            "CPU",
            cpu.map(|(request, limit)| (request.to_string(), limit.to_string())),
        ),
        (
            "memory",
            memory.map(|(request, limit)| (request.to_string(), limit.to_string())),
        ),
    ] {
        if let Some((request, limit)) = pair {
            let name = &container.name;
            case.find(
                code::REQUEST_ABOVE_LIMIT,
                format!("container `{name}`: the manifest requests {request} of {resource} with a limit of {limit}, and the API server refuses it"),
            );
        }
    }
}

/// What the pod as a whole has is shared by its containers: only what the policy states is set beside it.
fn leave_to_pod(case: &Case<'_>, plan: &mut ContainerPlan) {
    fn stated_only<D: Decided>(decided: &mut Option<D>) {
        let codes = [code::STATED, code::CAPPED_BY_LIMIT];
        let is_said = |decided: &D| codes.iter().any(|code| decided.reason().code == code.as_str());
        *decided = decided.take().filter(is_said);
    }
    if case.workload.is_sized_as_pod("cpu") {
        stated_only(&mut plan.requests.cpu);
        stated_only(&mut plan.limits.cpu);
    }
    if case.workload.is_sized_as_pod("memory") {
        stated_only(&mut plan.requests.memory);
        stated_only(&mut plan.limits.memory);
    }
}

/// No derived request below what its owner raised it to.
fn no_lower_than_raised(
    case: &Case<'_>,
    container: &crate::workload::Container,
    requests: requests::RequestPlan,
) -> requests::RequestPlan {
    let field = |resource| Amount::Request(resource).of(&container.name);
    requests::RequestPlan {
        cpu: requests
            .cpu
            .map(|decided| owner::lift(case, &field(Resource::Cpu), container.cpu_request, decided)),
        memory: requests
            .memory
            .map(|decided| owner::lift(case, &field(Resource::Memory), container.memory_request, decided)),
    }
}
