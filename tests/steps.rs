//! What an accepted entry means over time: one bounded step for one window of history, whatever else is edited meanwhile.

use std::collections::BTreeMap;

use trimtab::plan::model::{OptimizationPlan, WorkloadPlan};
use trimtab::units::{Bytes, Millicores, Timestamp};

use crate::planning::{World, deployment, facts, settings, wave};

const KEY: &str = "Deployment/shop/api";
const WEEK_S: i64 = 7 * 24 * 3600;

/// Two pods of 200m each and 900 MiB, that request a core and 1 GiB: 230m is derived, 700m the first step, 490m the next.
fn oversized(spec: &str) -> World {
    let history = vec![(KEY, facts("api", 900, |_| 400, |_| 2))];
    World::new(spec, &[deployment("api", 2, "1", "1Gi")], history)
}

/// A policy in which pods may restart in every plan.
fn restless(more: &str) -> String {
    format!(
        "{{guardrails: {{restart: {{minInterval: 0d}}{more}}}, workloads: {{api: {{requests: {{strategy: percentile}}, scaling: {{mode: none}}}}}}}}"
    )
}

fn cpu(plan: &OptimizationPlan) -> (u64, Option<u64>) {
    cpu_of(&plan.spec.workloads[KEY])
}

fn cpu_of(plan: &WorkloadPlan) -> (u64, Option<u64>) {
    let cpu = plan.containers["api"].requests.cpu.as_ref().expect("decided");
    (cpu.value.get(), cpu.before.map(Millicores::get))
}

/// The same world on a window that ends so many weeks later.
fn weeks_later(world: &mut World, weeks: i64) {
    world.window_end = Timestamp::from_unix(1_700_438_400 + weeks * WEEK_S);
    world.profile = format!("sha256:week {weeks}");
}

#[test]
fn policy_edits_on_one_window_are_one_step() {
    let mut world = oversized(&restless(""));
    let first = world.plan();
    assert_eq!(cpu(&first), (700, Some(1000)));
    world.accepted = Some(first.clone());
    for round in 0..10 {
        world.settings = settings(&restless(&format!(", wave: {{workloads: {}}}", 3 + round)));
        let plan = world.plan();
        assert_eq!(
            plan.spec.workloads[KEY].containers, first.spec.workloads[KEY].containers,
            "edit {round}"
        );
        world.accepted = Some(plan);
    }
    // an edit of the bound itself is obeyed, from where the window began: half of a core, and back
    for (bound, value) in [("50%", 500), ("30%", 700)] {
        world.settings = settings(&restless(&format!(", capacityDecrease: {bound}")));
        let plan = world.plan();
        assert_eq!(cpu(&plan), (value, Some(1000)), "{bound}");
        world.accepted = Some(plan);
    }
    // written again from another export of the same window
    world.profile = "sha256:again".to_owned();
    assert_eq!(cpu(&world.plan()), (700, Some(1000)));
    // 70 % of 700m
    weeks_later(&mut world, 4);
    assert_eq!(cpu(&world.plan()), (490, Some(700)));
}

#[test]
fn a_profile_that_was_lost_and_found_again_is_no_second_step() {
    let mut world = oversized(&restless(""));
    let history = world.facts.clone();
    let end = world.window_end;
    world.accepted = Some(world.plan());
    (world.facts, world.window_end, world.profile) = (BTreeMap::new(), None, String::new());
    world.settings = settings(&restless(", wave: {workloads: 3}"));
    let lost = world.plan();
    assert_eq!(cpu(&lost), (700, Some(1000)));
    assert!(lost.spec.workloads[KEY].findings.contains_key("stale"));
    world.accepted = Some(lost);
    (world.facts, world.window_end, world.profile) = (history, end, "sha256:found".to_owned());
    assert_eq!(cpu(&world.plan()), (700, Some(1000)));
}

#[test]
fn the_bounds_of_a_scaler_fall_once_in_a_window() {
    // 12 pods of two cores for a load of 3 cores at most: 70 % of 12 = 8.4, so 9 pods; 70 % of 9 = 6.3, so 7 in the next window
    let spec = |more: &str| {
        format!(
            "{{guardrails: {{restart: {{minInterval: 0d}}{more}}}, workloads: {{api: {{class: web, requests: {{cpu: {{value: '2'}}}}}}}}}}"
        )
    };
    let history = vec![(KEY, facts("api", 900, wave, |_| 12))];
    let mut world = World::new(&spec(""), &[deployment("api", 12, "2", "1Gi")], history);
    let bounds = |plan: &OptimizationPlan| {
        let one = &plan.spec.workloads[KEY];
        let scaler = one.scaler.as_ref().unwrap_or_else(|| panic!("{:?}", one.findings));
        (scaler.min_replicas.value, scaler.max_replicas.value)
    };
    let first = world.plan();
    assert_eq!(bounds(&first), (9, 12));
    world.accepted = Some(first.clone());
    for workloads in 3..6 {
        world.settings = settings(&spec(&format!(", wave: {{workloads: {workloads}}}")));
        let plan = world.plan();
        let (now, then) = (&plan.spec.workloads[KEY], &first.spec.workloads[KEY]);
        assert_eq!(
            (&now.scaler, &now.containers, &now.replicas),
            (&then.scaler, &then.containers, &then.replicas)
        );
        world.accepted = Some(plan);
    }
    weeks_later(&mut world, 4);
    assert_eq!(bounds(&world.plan()).0, 7);
}

/// In another mode of the policy, with what was accepted last.
fn in_mode(world: &mut World, mode: &str) -> OptimizationPlan {
    world.settings = settings(&restless("").replacen('{', &format!("{{mode: {mode}, "), 1));
    let plan = world.plan();
    world.accepted = Some(plan.clone());
    plan
}

#[test]
fn what_is_observed_is_what_is_enforced_and_no_step() {
    let mut world = oversized(&restless(""));
    assert_eq!(cpu(&in_mode(&mut world, "observe")), (700, Some(1000)));
    weeks_later(&mut world, 4);
    let observed = in_mode(&mut world, "observe");
    assert_eq!(cpu(&observed), (700, Some(1000)), "nothing was in force");
    let enforced = in_mode(&mut world, "enforce");
    let (observed, enforced) = (&observed.spec.workloads[KEY], &enforced.spec.workloads[KEY]);
    assert_eq!(observed.containers, enforced.containers, "what was proposed");
    assert!(
        enforced.findings.contains_key("restarts-pods"),
        "{:?}",
        enforced.findings
    );
    // the same window again, looked at in between
    for mode in ["observe", "enforce", "frozen", "enforce"] {
        assert_eq!(cpu(&in_mode(&mut world, mode)), (700, Some(1000)), "{mode}");
    }
    weeks_later(&mut world, 8);
    assert_eq!(cpu(&in_mode(&mut world, "frozen")), (700, Some(1000)));
    assert_eq!(cpu(&in_mode(&mut world, "enforce")), (490, Some(700)));
}

#[test]
fn what_was_observed_restarts_in_waves_when_it_is_enforced() {
    let names = ["a", "b", "c"];
    let objects: Vec<_> = names.iter().map(|name| deployment(name, 2, "1", "1Gi")).collect();
    let keys = names.map(|name| format!("Deployment/shop/{name}"));
    let history = names.map(|name| facts(name, 100, |_| 400, |_| 2));
    let spec = |mode: &str| {
        format!(
            "{{mode: {mode}, guardrails: {{wave: {{workloads: 2}}}}, workloads: {{all: {{match: {{names: {{'*': true}}}}, scaling: {{mode: none}}}}}}}}"
        )
    };
    let mut world = World::new(
        &spec("observe"),
        &objects,
        keys.iter().map(String::as_str).zip(history).collect(),
    );
    world.accepted = Some(world.plan());
    world.settings = settings(&spec("enforce"));
    let plan = world.plan();
    let waits = keys.map(|key| plan.spec.workloads[&key].findings.contains_key("restart-deferred"));
    assert_eq!(waits, [false, false, true]);
}

#[test]
fn a_value_that_stays_shows_no_step_and_keeps_its_bytes_from_then_on() {
    let mut world = oversized(&restless(", capacityDecrease: 100%"));
    let first = world.plan();
    // 200m + 15 %; 900 MiB + 15 % = 1035 MiB, next rung 1088, 6 % more than 1 GiB
    assert_eq!(cpu(&first), (230, Some(1000)));
    world.accepted = Some(first);
    weeks_later(&mut world, 4);
    let second = world.plan();
    assert_eq!(cpu(&second), (230, Some(230)));
    let memory = second.spec.workloads[KEY].containers["api"].requests.memory.as_ref();
    assert_eq!(memory.and_then(|memory| memory.before), Some(Bytes::from_mib(1024)));
    world.accepted = Some(second.clone());
    weeks_later(&mut world, 8);
    let third = world.plan();
    let (second, third) = (&second.spec.workloads[KEY], &third.spec.workloads[KEY]);
    assert_eq!(second, third, "seal and window included");
}
