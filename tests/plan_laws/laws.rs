//! What holds after every event and the plan that follows it.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;
use trimtab::krm::apply;
use trimtab::plan::model::{ContainerPlan, OptimizationPlan, Status, WorkloadPlan};
use trimtab::render::render;
use trimtab::units::{Bytes, Millicores};

use super::course::{Built, Course, DAY_S, INTERVAL_DAYS, NAMES, at, known, short};
use super::events::{Event, Key, Kind};
use crate::planning::World;

pub(super) fn check(is_kept: bool, law: &str, course: &Course) -> Result<(), TestCaseError> {
    prop_assert!(is_kept, "{law}\n{}", course.log);
    Ok(())
}

/// Whether somebody states the amounts of this code.
pub(super) fn is_said(code: &str) -> bool {
    matches!(code, "stated" | "capped-by-limit" | "owner-raised")
}

pub(super) fn cpu_code(entry: &WorkloadPlan, container: &str) -> Option<String> {
    Some(
        entry
            .containers
            .get(container)?
            .requests
            .cpu
            .as_ref()?
            .reason
            .code
            .clone(),
    )
}

pub(super) fn memory_code(entry: &WorkloadPlan, container: &str) -> Option<String> {
    Some(
        entry
            .containers
            .get(container)?
            .requests
            .memory
            .as_ref()?
            .reason
            .code
            .clone(),
    )
}

/// Every law, after an event and the plan that follows it.
pub(super) fn laws(course: &mut Course, event: Option<&Event>, before: [Built; 2]) -> Result<(), TestCaseError> {
    let was = course.accepted.clone();
    let world = course.world();
    let plan = world.plan();
    writeln!(course.log, "{event:?}: {}", course.spec()).expect("a string");
    for (name, one) in &plan.spec.workloads {
        writeln!(course.log, "  {name} {}", short(one)).expect("a string");
    }
    // a: what was accepted is planned again, and an edit that concerns none of it changes nothing
    let other = course.spec().replace(
        "workloads: {all:",
        "workloads: {none: {match: {names: {nobody: true}}, mode: observe}, all:",
    );
    let again = World {
        accepted: Some(plan.clone()),
        settings: known(&other),
        ..world
    };
    let is_fixed = again.plan().spec.workloads == plan.spec.workloads;
    check(is_fixed, "a plan is a fixed point", course)?;
    course.accepted = Some(plan);
    for (name, built) in NAMES.into_iter().zip(before) {
        of_workload(course, name, (was.as_ref(), built), event)?;
    }
    waves(course, was.as_ref())
}

pub(super) fn of_workload(
    course: &mut Course,
    name: &'static str,
    (was, before): (Option<&OptimizationPlan>, Built),
    event: Option<&Event>,
) -> Result<(), TestCaseError> {
    let key = course.key(name);
    let plan = course.accepted.clone().expect("planned");
    let one = &plan.spec.workloads[&key];
    let was = was.map(|plan| course.entry(plan, name));
    let container = course.container(name).to_owned();
    let (built, objects, said) = course.built(name);
    let edits = render(&plan, &Course::read(&objects)).0;
    let twice = apply(objects.clone(), &edits).expect("the edits fit");
    check(twice == objects, "rendering twice is rendering once", course)?;
    // c
    let is_within = built.cpu_limit.is_none_or(|limit| built.cpu <= limit)
        && built.memory_limit.is_none_or(|limit| built.memory <= limit);
    check(is_within, "no request is above its limit", course)?;
    if let Some(scaler) = one.scaler.as_ref() {
        check(
            scaler.min_replicas.value <= scaler.max_replicas.value,
            "min is at most max",
            course,
        )?;
        check(
            scaler.cpu.is_none() || built.cpu > 0,
            "a target is a share of a request",
            course,
        )?;
        let count = one.replicas.as_ref().and_then(|count| count.value);
        let is_between =
            count.is_none_or(|count| (scaler.min_replicas.value..=scaler.max_replicas.value).contains(&count));
        check(is_between, "replicas are within the bounds", course)?;
    }
    if !one.is_rendered() {
        return Ok(());
    }
    // d
    let decided = one.containers.get(&container).cloned().unwrap_or_default();
    let is_built = decided
        .requests
        .cpu
        .as_ref()
        .is_none_or(|cpu| cpu.value.get() == built.cpu)
        && decided
            .requests
            .memory
            .as_ref()
            .is_none_or(|memory| memory.value.get() == built.memory)
        && decided
            .limits
            .cpu
            .as_ref()
            .is_none_or(|limit| limit.value.map(Millicores::get) == built.cpu_limit)
        && decided
            .limits
            .memory
            .as_ref()
            .is_none_or(|limit| limit.value.map(Bytes::get) == built.memory_limit);
    check(
        is_built || !said.is_empty(),
        "what is planned is built, or the build says why not",
        course,
    )?;
    // a template that is held keeps what was accepted: above a limit that its owner lowered since, the build leaves it out
    let is_held = course.kind == Kind::StatefulSet;
    let is_fresh = course.said(Key::Mode) == "enforce" && one.status == Status::Planned && !is_held;
    check(
        !is_fresh || is_built,
        "amounts that were just planned are built",
        course,
    )?;
    is_stated_built(course, one, built)?;
    if let Some(was) = was.filter(|was| was.is_rendered()) {
        nothing_is_lost(course, one, was, &container, name)?;
        if !matches!(event, Some(Event::BrokenSeal(true))) {
            memory_is_held(course, (one, was), &container, (built, before))?;
        }
        // f
        if !matches!(
            event,
            Some(Event::Manifest(_) | Event::RenamedContainer | Event::BrokenSeal(true))
        ) || name != "api"
        {
            restarts(course, (one, was), &container, built != before)?;
        }
    }
    // a build leaves ours out beside another of the owner: the plan says so too
    let is_alone = one.scaler.as_ref().is_none_or(|scaler| scaler.adopted) || course.their_scalers().is_empty();
    check(
        name != "api" || one.status != Status::Planned || is_alone,
        "no scaler is planned beside the owner's",
        course,
    )?;
    steps(course, one, &container, name, built, event)
}

/// g: what the policy states is what is built, or a finding says why not.
pub(super) fn is_stated_built(course: &Course, one: &WorkloadPlan, built: Built) -> Result<(), TestCaseError> {
    let is_decided =
        course.said(Key::Mode) == "enforce" && serde_json::to_value(one.status).expect("a value") != json!("kept");
    let is_excused = ["policy-conflict", "capped-by-limit", "restart-deferred"]
        .iter()
        .any(|code| one.findings.contains_key(*code));
    if !is_decided || is_excused {
        return Ok(());
    }
    let stated = |key: Key| {
        course
            .said(key)
            .strip_prefix("value: ")
            .map(|value| value.trim_matches('\'').to_owned())
    };
    let milli = |text: String| text.parse::<Millicores>().expect("an amount").get();
    let bytes = |text: String| text.parse::<Bytes>().expect("an amount").get();
    let is_built = stated(Key::Cpu).map(milli).is_none_or(|cpu| cpu == built.cpu)
        && stated(Key::Memory)
            .map(bytes)
            .is_none_or(|memory| memory == built.memory)
        && stated(Key::CpuLimit)
            .map(milli)
            .is_none_or(|limit| Some(limit) == built.cpu_limit)
        && stated(Key::MemoryLimit)
            .map(bytes)
            .is_none_or(|limit| Some(limit) == built.memory_limit);
    check(is_built, "what the policy states is built", course)
}

/// e: nothing that was accepted disappears.
pub(super) fn nothing_is_lost(
    course: &Course,
    one: &WorkloadPlan,
    was: &WorkloadPlan,
    container: &str,
    name: &str,
) -> Result<(), TestCaseError> {
    let is_back = course.said(Key::Strategy) == "none";
    let (old, new) = (was.containers.get(&was.main_container), one.containers.get(container));
    let lost = |old: bool, new: bool| old && !new;
    let has = |container: Option<&ContainerPlan>| {
        container.map_or((false, false), |one| {
            (one.requests.cpu.is_some(), one.requests.memory.is_some())
        })
    };
    let ((cpu, memory), (new_cpu, new_memory)) = (has(old), has(new));
    check(
        is_back || !(lost(cpu, new_cpu) || lost(memory, new_memory)),
        "no accepted request is lost",
        course,
    )?;
    let theirs = course.their_scalers();
    let is_gone = was
        .scaler
        .as_ref()
        .is_some_and(|scaler| scaler.adopted && theirs.iter().all(|(kind, _)| *kind != scaler.kind.object()));
    // the owner's own takes the place of ours
    let is_theirs = was.scaler.as_ref().is_some_and(|scaler| !scaler.adopted) && !theirs.is_empty();
    let is_taken = course.said(Key::Scaling) == "mode: none" || (name == "api" && (is_gone || is_theirs));
    check(
        is_taken || was.scaler.is_none() || one.scaler.is_some(),
        "no accepted scaler is lost",
        course,
    )
}

/// b: what a JVM was held at, or raised to by its owner, goes down by a word of the policy only.
pub(super) fn memory_is_held(
    course: &Course,
    (one, was): (&WorkloadPlan, &WorkloadPlan),
    container: &str,
    (built, before): (Built, Built),
) -> Result<(), TestCaseError> {
    let old = was
        .containers
        .get(&was.main_container)
        .and_then(|old| old.requests.memory.as_ref());
    let was_held = old.is_some_and(|old| ["owner-raised", "memory-not-lowered"].contains(&old.reason.code.as_str()));
    let now = memory_code(one, container);
    let is_word = now
        .as_deref()
        .is_none_or(|code| code == "stated" || code == "capped-by-limit");
    // nothing is decided on what is kept, and a build leaves out what its owner's manifest does not allow
    let is_kept = one.status != Status::Planned;
    let is_held = is_word || is_kept || !was_held || built.memory >= before.memory;
    check(
        !course.kind.holds_memory() || is_held,
        "memory that is held stays",
        course,
    )
}

/// f: pods restart once in an interval, but for what is said.
pub(super) fn restarts(
    course: &Course,
    (one, was): (&WorkloadPlan, &WorkloadPlan),
    container: &str,
    is_changed: bool,
) -> Result<(), TestCaseError> {
    let now = course.shown.and_then(at);
    let (Some(last), Some(now), true) = (was.restarted, now, is_changed) else {
        return Ok(());
    };
    let is_due = last == now || last.unix() + INTERVAL_DAYS * DAY_S <= now.unix();
    let nothing = ContainerPlan::default();
    let (new, old) = (
        one.containers.get(container).unwrap_or(&nothing),
        was.containers.get(&was.main_container).unwrap_or(&nothing),
    );
    let count = |one: &ContainerPlan| {
        [
            one.requests.cpu.is_some(),
            one.requests.memory.is_some(),
            one.limits.cpu.is_some(),
            one.limits.memory.is_some(),
        ]
        .iter()
        .filter(|is_there| **is_there)
        .count()
    };
    let codes = [
        new.requests
            .cpu
            .as_ref()
            .filter(|cpu| old.requests.cpu.as_ref().is_none_or(|old| old.value != cpu.value))
            .map(|cpu| &cpu.reason.code),
        new.requests
            .memory
            .as_ref()
            .filter(|memory| old.requests.memory.as_ref().is_none_or(|old| old.value != memory.value))
            .map(|memory| &memory.reason.code),
        new.limits
            .cpu
            .as_ref()
            .filter(|cpu| old.limits.cpu.as_ref().is_none_or(|old| old.value != cpu.value))
            .map(|cpu| &cpu.reason.code),
        new.limits
            .memory
            .as_ref()
            .filter(|memory| old.limits.memory.as_ref().is_none_or(|old| old.value != memory.value))
            .map(|memory| &memory.reason.code),
    ];
    let is_up = |new: Option<u64>, old: Option<u64>| new.zip(old).is_some_and(|(new, old)| new > old);
    let cpu = |one: &ContainerPlan| one.requests.cpu.as_ref().map(|cpu| cpu.value.get());
    let memory = |one: &ContainerPlan| one.requests.memory.as_ref().map(|memory| memory.value.get());
    // a workload that is short of something waits for no interval
    let is_urgent = is_up(cpu(new), cpu(old)) || is_up(memory(new), memory(old));
    let is_word = codes.iter().flatten().any(|code| is_said(code))
        || count(new) < count(old)
        || is_urgent
        || moves_pods(one, was);
    check(is_due || is_word, "pods restart once in an interval", course)
}

/// Whether the policy's word on where pods go or how they end is another one: that restarts them, and takes other steps
/// along.
fn moves_pods(one: &WorkloadPlan, was: &WorkloadPlan) -> bool {
    let ends = |plan: &WorkloadPlan| {
        (
            plan.grace_period.as_ref().map(|grace| grace.value),
            plan.pre_stop_sleep.clone(),
        )
    };
    one.spot != was.spot || one.spread != was.spread || ends(one) != ends(was)
}

/// b: one bounded step in a window.
pub(super) fn steps(
    course: &mut Course,
    one: &WorkloadPlan,
    container: &str,
    name: &'static str,
    built: Built,
    event: Option<&Event>,
) -> Result<(), TestCaseError> {
    let mut base = course.base[name];
    let (cpu, memory) = (cpu_code(one, container), memory_code(one, container));
    let is_word = |code: &Option<String>| code.as_deref().is_none_or(is_said);
    let is_edited = name == "api" && matches!(event, Some(Event::Manifest(_) | Event::BrokenSeal(true)));
    // somebody's word, or the manifest's own again: from there on steps are measured from that
    if is_word(&cpu) || is_edited {
        base.cpu = base.cpu.min(built.cpu);
    }
    if is_word(&memory) || is_edited {
        base.memory = base.memory.min(built.memory);
    }
    check(
        built.cpu * 10 >= base.cpu * 7,
        "CPU falls by one step in a window",
        course,
    )?;
    check(
        built.memory * 10 >= base.memory * 7,
        "memory falls by one step in a window",
        course,
    )?;
    let holds_memory = course.kind.holds_memory();
    check(
        !holds_memory || built.memory >= base.memory,
        "the memory of a JVM is not lowered",
        course,
    )?;
    if let Some(scaler) = &one.scaler {
        let capacity = built.cpu * u64::from(scaler.min_replicas.value);
        let is_free = is_word(&cpu)
            || is_edited
            || is_said(&scaler.min_replicas.reason.code)
            || scaler.max_replicas.reason.code == "stated";
        // before there was one of ours, what the manifests say was there
        let written = base.cpu * course.written_count(name);
        let known = base.capacity.get_or_insert(capacity.min(written));
        if is_free {
            *known = capacity.min(*known);
        }
        check(
            capacity * 10 >= *known * 7,
            "capacity falls by one step in a window",
            course,
        )?;
    }
    course.base.insert(name, base);
    Ok(())
}

/// f: not more workloads restart in a plan than the wave has, but for what is said.
pub(super) fn waves(course: &Course, was: Option<&OptimizationPlan>) -> Result<(), TestCaseError> {
    let (Some(was), Some(now)) = (was, course.shown.and_then(at)) else {
        return Ok(());
    };
    let wave: usize = course.said(Key::Wave).parse().expect("a number");
    let plan = course.accepted.as_ref().expect("planned");
    let restarted = |plan: &OptimizationPlan, name: &str| course.entry(plan, name).restarted == Some(now);
    let all = NAMES.map(|name| (course.container(name), name));
    let fresh: Vec<_> = all
        .iter()
        .filter(|(_, name)| restarted(plan, name) && !restarted(was, name))
        .collect();
    let is_usual = |(container, name): &&&(&str, &str)| {
        let one = course.entry(plan, name);
        ![cpu_code(one, container), memory_code(one, container)]
            .iter()
            .flatten()
            .any(|code| is_said(code))
            && one.containers.values().all(|container| {
                let limits = (&container.limits.cpu, &container.limits.memory);
                !limits.0.as_ref().is_some_and(|limit| is_said(&limit.reason.code))
                    && !limits.1.as_ref().is_some_and(|limit| is_said(&limit.reason.code))
            })
            && course.said(Key::Strategy) != "none"
    };
    let in_all = all.iter().filter(|(_, name)| restarted(plan, name)).count();
    // amounts that the API server refuses beside a limit that was lowered since wait for nothing
    let limits = course.manifest_limits();
    let is_refused = |(container, name): &&&(&str, &str)| {
        let old = course.entry(was, name).containers.get(*container);
        let cpu = old.and_then(|old| old.requests.cpu.as_ref()).map(|cpu| cpu.value.get());
        let memory = old
            .and_then(|old| old.requests.memory.as_ref())
            .map(|memory| memory.value.get());
        let is_above = |request: Option<u64>, limit: Option<u64>| {
            request.zip(limit).is_some_and(|(request, limit)| request > limit)
        };
        *name == "api" && (is_above(cpu, limits.0) || is_above(memory, limits.1))
    };
    let is_moved = |(_, name): &&&(&str, &str)| moves_pods(course.entry(plan, name), course.entry(was, name));
    let waits = |one: &&&(&str, &str)| is_usual(one) && !is_refused(one) && !is_moved(one);
    let is_within = fresh.iter().filter(waits).count() == 0 || in_all <= wave;
    check(is_within, "no more workloads restart than a wave has", course)
}
