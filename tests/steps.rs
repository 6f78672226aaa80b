//! What an accepted entry means over time: one bounded step for one window of history, whatever else is edited meanwhile.

use std::collections::BTreeMap;

use serde_json::json;
use trimtab::facts::{ContainerFacts, Facts};
use trimtab::plan::model::{Decision, OptimizationPlan, Status, WorkloadPlan};
use trimtab::report::PlanTable;
use trimtab::units::{Bytes, Millicores, Percent, Seconds, Timestamp};

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

/// What is planned twice on one window is planned as the second policy says, as if there had been no first: neither a step
/// nor a restart is counted for what nobody may ever have merged.
#[test]
fn a_second_plan_on_one_window_stands_in_the_place_of_the_first() {
    let policy = |guardrails: &str, strategy: &str| {
        format!(
            "{{guardrails: {{{guardrails}}}, workloads: {{api: {{requests: {{strategy: {strategy}}}, scaling: {{mode: none}}}}}}}}"
        )
    };
    let (first, second) = ("wave: {workloads: 10}", "capacityDecrease: 50%");
    for (before, after) in [
        (policy(first, "percentile"), policy(second, "percentile")),
        (policy(second, "percentile"), policy(first, "percentile")),
        (policy(first, "percentile"), policy(first, "vpa")),
        (policy(first, "keep"), policy(first, "percentile")),
    ] {
        let mut world = oversized(&before);
        world.accepted = Some(world.plan());
        world.settings = settings(&after);
        let twice = world.plan();
        assert_eq!(
            twice.spec.workloads,
            oversized(&after).plan().spec.workloads,
            "{before}"
        );
    }
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

/// A class that leaves the scaler to history, within bounds.
const BOUNDED: &str = "{cluster: {kubernetes: '1.33', provider: aws}, classes: {web: {scaling: {maxReplicas: {max: 12}, \
                       targets: {cpu: {min: 50%, max: 80%}}}, spot: {mode: prefer}}}, workloads: {api: {class: web";

/// What was decided not to do is a decision too: an even load, so no scaler; one pod, so no budget and no spot nodes.
#[test]
fn a_lost_profile_makes_nothing_new() {
    let one_pod = [deployment("api", 1, "500m", "512Mi")];
    let history = vec![(KEY, facts("api", 300, |_| 200, |_| 1))];
    let mut world = World::new(&format!("{BOUNDED}}}}}}}"), &one_pod, history);
    let accepted = world.plan();
    let before = &accepted.spec.workloads[KEY];
    assert!(before.findings.contains_key("load-too-flat"), "{:?}", before.findings);
    assert_eq!((&before.scaler, &before.disruption), (&None, &None));
    let short = |mut facts: Facts| {
        facts.recorded = Seconds::from_days(1);
        facts
    };
    let days = world.facts.remove(KEY).map(short);
    for (case, left) in [("no usage", None), ("a day", days)] {
        world.accepted = Some(accepted.clone());
        world.facts = left.map(|facts| (KEY.to_owned(), facts)).into_iter().collect();
        for edit in ["", ", termination: {gracePeriod: {value: 40s}}"] {
            weeks_later(&mut world, 4);
            world.settings = settings(&format!("{BOUNDED}{edit}}}}}}}"));
            let plan = world.plan();
            let one = &plan.spec.workloads[KEY];
            assert_eq!(one.status, Status::Kept, "{case}{edit}");
            assert!(one.findings.contains_key("stale"), "{case}{edit}: {:?}", one.findings);
            assert_eq!((&one.scaler, &one.disruption), (&None, &None), "{case}{edit}");
            assert_eq!(
                (&one.spot, &one.replicas),
                (&before.spot, &before.replicas),
                "{case}{edit}"
            );
            assert_eq!(one.containers, before.containers, "{case}{edit}");
            assert_eq!(one.grace_period.is_some(), !edit.is_empty(), "what is stated is done");
            world.accepted = Some(plan);
        }
    }
    // both bounds in the policy are its owner's word
    world.settings = settings(&format!(
        "{BOUNDED}, scaling: {{minReplicas: {{value: 2}}, maxReplicas: {{value: 6}}}}}}}}}}"
    ));
    assert!(world.one("api").scaler.is_some());
}

/// A scaler that was accepted stays as it was, as far as the policy does not state it: the count that is handed over and
/// the container it looks at come from history.
#[test]
fn a_lost_profile_changes_no_scaler_but_by_what_is_stated() {
    let policy = |more: &str| settings(&format!("{{workloads: {{api: {{class: web{more}}}}}}}"));
    let mut seen = facts("api", 300, wave, |_| 6);
    seen.containers
        .insert("mesh-proxy".to_owned(), ContainerFacts::default());
    let mut world = World::new("{}", &[deployment("api", 2, "500m", "512Mi")], vec![(KEY, seen)]);
    world.settings = policy("");
    let accepted = world.plan();
    let before = &accepted.spec.workloads[KEY];
    let scaler = before.scaler.as_ref().expect("a wave is worth a scaler");
    assert_eq!(
        scaler.cpu.as_ref().and_then(|cpu| cpu.container.as_deref()),
        Some("api")
    );
    assert_eq!(before.replicas.as_ref().and_then(|count| count.value), Some(6));
    world.accepted = Some(accepted.clone());
    (world.facts, world.window_end, world.profile) = (BTreeMap::new(), None, String::new());
    world.settings = policy(", termination: {gracePeriod: {value: 40s}}");
    let lost = world.one("api");
    assert_eq!((&lost.scaler, &lost.replicas), (&before.scaler, &before.replicas));
    assert_eq!((&lost.disruption, &lost.spread), (&before.disruption, &before.spread));
    world.settings = policy(", scaling: {maxReplicas: {value: 20}}");
    let stated = world.one("api").scaler.expect("kept");
    assert_eq!(stated.max_replicas.value, 20);
    assert_eq!((&stated.min_replicas, &stated.cpu), (&scaler.min_replicas, &scaler.cpu));
}

/// Planned without any history, and again after an edit: nothing is derived from what the first plan left as it was.
#[test]
fn a_workload_without_history_gets_no_request_from_its_own_target() {
    let policy = |grace: u32| {
        let stated = "scaling: {minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 70%}}}";
        settings(&format!(
            "{{workloads: {{api: {{class: web, {stated}, termination: {{gracePeriod: {{value: {grace}s}}}}}}}}}}"
        ))
    };
    let mut world = World::new("{}", &[deployment("api", 2, "200m", "512Mi")], vec![]);
    for grace in [30, 40, 50] {
        world.settings = policy(grace);
        let plan = world.plan();
        let one = &plan.spec.workloads[KEY];
        assert_eq!(
            (one.status, &one.containers),
            (Status::Planned, &BTreeMap::new()),
            "{grace}"
        );
        world.accepted = Some(plan);
    }
}

/// What protects a workload goes by a word of the policy, never with the class or the rule that said it.
#[test]
fn a_lost_class_enforces_no_database_and_lowers_no_jvm() {
    let observed = "classes: {store: {mode: observe, scaling: {mode: none}, runtime: {kind: database}}}";
    let java = "classes: {java: {scaling: {mode: none}, runtime: {kind: jvm}}}";
    // 100 MiB are used of 2 GiB, and a CPU of 200m of a core
    let history = vec![(KEY, facts("api", 100, |_| 400, |_| 2))];
    for (classes, class, way_out) in [
        (observed, "store", ", mode: enforce, runtime: {kind: database}"),
        (java, "java", ", runtime: {kind: generic}"),
    ] {
        let policy = |body: &str| {
            let guardrails = "guardrails: {restart: {minInterval: 0d}}";
            settings(&format!("{{{guardrails}, {classes}, workloads: {{api: {{{body}}}}}}}"))
        };
        let mut world = World::new("{}", &[deployment("api", 2, "1", "2Gi")], history.clone());
        world.settings = policy(&format!("class: {class}"));
        let first = world.plan();
        let before = first.spec.workloads[KEY].clone();
        world.accepted = Some(first);
        // the class goes from the rule, and with the next plan nothing is left that could say it
        for week in [4, 8] {
            weeks_later(&mut world, week);
            world.settings = policy("scaling: {mode: none}");
            let plan = world.plan();
            let one = &plan.spec.workloads[KEY];
            assert_eq!(one.mode, before.mode, "{class}, week {week}");
            assert_eq!(one.safeguards, before.safeguards, "{class}, week {week}");
            let memory = one.containers["api"].requests.memory.as_ref().expect("decided");
            assert_eq!(memory.value, Bytes::from_mib(2048), "{class}, week {week}");
            assert!(
                one.findings["stale"].detail.contains("is not stated any more"),
                "{class}"
            );
            world.accepted = Some(plan);
        }
        world.settings = policy(&format!("scaling: {{mode: none}}{way_out}"));
        let freed = world.one("api");
        assert!(
            freed.is_rendered() && !freed.findings.contains_key("stale"),
            "{class}: {:?}",
            freed.findings
        );
        let lowered = freed.containers["api"]
            .requests
            .memory
            .as_ref()
            .map(|memory| memory.value);
        // 70 % of 2 GiB = 1433.6 MiB, next rung of 64; a database's stays
        let expected = if class == "java" { 1472 } else { 2048 };
        assert_eq!(lowered, Some(Bytes::from_mib(expected)), "{class}");
    }
}

/// A stateful set under an HPA of its own, at 70 % of 500m: pods are added at 350m, and the load has been there.
fn scaled_set(spec: &str) -> World {
    let mut set = deployment("api", 3, "500m", "512Mi");
    set["kind"] = json!("StatefulSet");
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "api"}, "minReplicas": 3, "maxReplicas": 12,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
        }
    });
    World::new(
        spec,
        &[set, hpa],
        vec![("StatefulSet/shop/api", facts("api", 300, |_| 2800, |_| 8))],
    )
}

/// A request that will not be written has no target solved for it: both stay, or both go.
#[test]
fn a_target_goes_with_the_request_that_the_template_has() {
    // demand that does not grow: 90 % / 1.1 = 81 %; 350m / 81 % = 433m, next rung 440m; 350m / 440m = 79 %. The lowest
    // count carries the load without one of three zones at 90 %: 2800m × 3 / 2 in pods of 450m, or of 396m
    for (stateful, request, target, lowest) in [("never", None, 70, 10), ("allow", Some(440), 79, 11)] {
        let spec = format!(
            "{{guardrails: {{restart: {{stateful: {stateful}}}, minChange: 0%}}, workloads: {{api: {{class: web}}}}}}"
        );
        let plan = &scaled_set(&spec).plan().spec.workloads["StatefulSet/shop/api"];
        let cpu = plan.containers.get("api").and_then(|c| c.requests.cpu.as_ref());
        assert_eq!(cpu.map(|cpu| cpu.value.get()), request, "{stateful}");
        let scaler = plan.scaler.as_ref().expect("adopted");
        let cpu = scaler.cpu.as_ref().expect("on CPU");
        assert_eq!(cpu.target.value, Percent::from_percent(target), "{stateful}");
        assert!(
            !plan.findings.contains_key("scale-point-moved"),
            "{stateful}: {:?}",
            plan.findings
        );
        assert_eq!(scaler.min_replicas.value, lowest, "{stateful}");
    }
    // what the owner states is done, and that pods are added elsewhere is said: 250m each
    let spec = "{workloads: {api: {class: web, scaling: {targets: {cpu: {value: 50%}}}}}}";
    let plan = &scaled_set(spec).plan().spec.workloads["StatefulSet/shop/api"];
    assert_eq!(plan.containers.get("api").and_then(|c| c.requests.cpu.as_ref()), None);
    assert!(
        plan.findings["scale-point-moved"]
            .detail
            .contains("at 250m each instead of 350m")
    );
}

/// Requests that are to stay as they are stay so under a scaler too.
#[test]
fn a_kept_request_is_not_solved_for_a_target() {
    let hpa = "requests: {strategy: keep}, scaling: {minReplicas: {value: 2}, maxReplicas: {value: 9}";
    for (target, expected) in [("", 70), (", targets: {cpu: {value: 60%}}", 60)] {
        let spec = format!(
            "{{guardrails: {{restart: {{stateful: allow}}}}, workloads: {{api: {{class: web, {hpa}{target}}}}}}}}}"
        );
        let plan = &scaled_set(&spec).plan().spec.workloads["StatefulSet/shop/api"];
        assert_eq!(plan.containers.get("api").and_then(|c| c.requests.cpu.as_ref()), None);
        let cpu = plan.scaler.as_ref().and_then(|scaler| scaler.cpu.as_ref());
        assert_eq!(cpu.map(|cpu| cpu.target.value), Some(Percent::from_percent(expected)));
    }
}

/// A budget and a spread that stay although their keys went still need their pods.
#[test]
fn the_lowest_count_respects_a_kept_budget_and_spread() {
    let cluster =
        "cluster: {kubernetes: '1.33', zones: 3}, guardrails: {restart: {minInterval: 0d}, capacityDecrease: 100%}";
    let policy = |body: &str| {
        let scaling = "scaling: {mode: hpa, maxReplicas: {value: 12}, targets: {cpu: {value: 50%}}}";
        settings(&format!(
            "{{{cluster}, workloads: {{api: {{requests: {{cpu: {{value: '1'}}}}, {scaling}{body}}}}}}}"
        ))
    };
    // a quarter of the time 200m, the median 2 cores: one pod of 500m carries the one, 2 × 3 / 2 / 0.9 = 3.3 the other
    let total = |step: i64| if step % 288 < 96 { 200 } else { 2000 };
    for (body, lowest) in [
        (", disruption: {mode: auto}", 2),
        (", spread: {mode: zone}", 4),
        ("", 1),
    ] {
        let history = vec![(KEY, facts("api", 300, total, |_| 4))];
        let mut world = World::new("{}", &[deployment("api", 4, "1", "512Mi")], history);
        world.settings = policy(body);
        let accepted = world.plan();
        let min = |plan: &OptimizationPlan| {
            plan.spec.workloads[KEY]
                .scaler
                .as_ref()
                .expect("stated")
                .min_replicas
                .value
        };
        assert_eq!(min(&accepted), lowest, "`{body}` stated");
        world.accepted = Some(accepted);
        world.settings = policy("");
        weeks_later(&mut world, 4);
        assert_eq!(min(&world.plan()), lowest, "`{body}` went");
    }
}

/// `keep` holds what was accepted; the way back to the manifest's own values is a word of its own.
#[test]
fn requests_stay_by_keep_and_go_back_by_none() {
    let policy = |strategy: &str| {
        settings(&format!(
            "{{workloads: {{api: {{scaling: {{mode: none}}, requests: {{strategy: {strategy}}}}}}}}}"
        ))
    };
    // 1800m in two pods that request 100m under a limit of one core: 1050m, and a limit in proportion
    let mut manifest = deployment("api", 2, "100m", "512Mi");
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
    let history = vec![(KEY, facts("api", 400, |_| 1800, |_| 2))];
    let mut world = World::new("{}", std::slice::from_ref(&manifest), history);
    world.settings = policy("percentile");
    let accepted = world.plan();
    let before = accepted.spec.workloads[KEY].containers.clone();
    assert_eq!(
        before["api"].requests.cpu.as_ref().map(|cpu| cpu.value.get()),
        Some(1050)
    );
    assert!(before["api"].limits.cpu.is_some());
    world.accepted = Some(accepted);
    world.settings = policy("keep");
    let kept = world.plan();
    assert_eq!(kept.spec.workloads[KEY].containers, before);
    world.accepted = Some(kept.clone());
    weeks_later(&mut world, 1);
    // within the four weeks between restarts, and yet: it is the owner's word
    world.settings = policy("none");
    let plan = world.plan();
    let own = &plan.spec.workloads[KEY];
    assert_eq!(own.containers, BTreeMap::new());
    assert!(
        own.findings.contains_key("restarts-pods") && own.waiting.is_empty(),
        "{:?}",
        own.findings
    );
    let (edits, _) = trimtab::render::render(&plan, &world.workloads);
    let built = trimtab::krm::apply(vec![manifest.clone()], &edits).expect("the edits fit");
    assert_eq!(built, [manifest]);
    let table = PlanTable::of([(&plan, Some(&kept))]);
    let changes = &table.environments[0].rows[0].changes;
    let change = changes
        .iter()
        .find(|change| change.field == "cpu request api")
        .expect("shown");
    assert_eq!(change.before.as_deref(), Some("1050m"));
    assert_eq!(change.after.as_deref(), Some("(as in the manifest)"));
    // and nothing comes back with the next window
    world.accepted = Some(plan);
    weeks_later(&mut world, 8);
    assert_eq!(world.one("api").containers, BTreeMap::new());
}

/// The second month derives another value within `minChange`: the accepted one stays, and the reason shows both.
#[test]
fn a_value_that_stays_says_what_this_profile_derives() {
    let mut world = oversized(&restless(", capacityDecrease: 100%"));
    let first = world.plan();
    let reason = |plan: &OptimizationPlan| {
        let cpu = plan.spec.workloads[KEY].containers["api"]
            .requests
            .cpu
            .as_ref()
            .expect("decided");
        let derived = cpu.reason.inputs.get("derived").cloned();
        (cpu.value.get(), cpu.reason.code.clone(), derived.unwrap_or_default())
    };
    let expected = |code: &str, derived: &str| (230, code.to_owned(), derived.to_owned());
    // 200m + 15 %
    assert_eq!(reason(&first), expected("percentile", ""));
    world.accepted = Some(first);
    // 212m + 15 % = 243.8m, next rung 250m, 8.7 % more; 207m + 15 % = 238.1m, next rung 240m
    for (month, total, derived) in [(1, 424, "250m"), (2, 414, "240m")] {
        world
            .facts
            .insert(KEY.to_owned(), facts("api", 900, move |_| total, |_| 2));
        weeks_later(&mut world, 4 * month);
        let plan = world.plan();
        assert_eq!(reason(&plan), expected("below-min-change", derived), "month {month}");
        world.accepted = Some(plan);
    }
    // another percentile on the same rung is no news: 206m + 15 % = 236.9m
    world.facts.insert(KEY.to_owned(), facts("api", 900, |_| 412, |_| 2));
    weeks_later(&mut world, 12);
    let plan = world.plan();
    assert_eq!(
        Some(&plan.spec.workloads[KEY]),
        world.accepted.as_ref().map(|plan| &plan.spec.workloads[KEY])
    );
}

/// A fix that does not wait takes what would wait along, in one restart, and the reason says so.
#[test]
fn a_restart_that_does_not_wait_takes_other_steps_along() {
    let policy = |memory: &str| {
        settings(&format!(
            "{{workloads: {{api: {{scaling: {{mode: none}}, requests: {{memory: {{value: {memory}}}}}}}}}}}"
        ))
    };
    let mut world = oversized("{}");
    world.settings = policy("1Gi");
    let first = world.plan();
    assert_eq!(cpu(&first), (700, Some(1000)));
    world.accepted = Some(first);
    weeks_later(&mut world, 1);
    let held = world.plan();
    assert_eq!(cpu(&held), (700, Some(700)), "three weeks too early");
    assert!(held.spec.workloads[KEY].waiting.contains_key("restart.minInterval"));
    world.settings = policy("2Gi");
    let plan = world.plan();
    assert_eq!(cpu(&plan), (490, Some(700)));
    let api = &plan.spec.workloads[KEY];
    assert_eq!(api.waiting, BTreeMap::new());
    let containers = &api.containers["api"];
    let taken = |inputs: &BTreeMap<String, String>| inputs.get("takenAlong").cloned();
    let why = |cpu: &Decision<Millicores>| taken(&cpu.reason.inputs);
    assert_eq!(
        containers.requests.cpu.as_ref().and_then(why).as_deref(),
        Some("restart.minInterval")
    );
    let memory = containers.requests.memory.as_ref().expect("stated");
    assert_eq!(taken(&memory.reason.inputs), None, "what is stated needs no company");
    // planned once more after an edit that does not concern it, it says the same
    world.accepted = Some(plan.clone());
    let more = settings(
        "{guardrails: {wave: {workloads: 3}}, workloads: {api: {scaling: {mode: none}, requests: {memory: {value: 2Gi}}}}}",
    );
    world.settings = more;
    assert_eq!(world.plan().spec.workloads[KEY].containers, api.containers);
}

/// What does not wait goes along with nothing, and a raise of a few milli-cores repairs nothing.
#[test]
fn a_raise_alone_is_no_company_and_a_tiny_one_waits_its_turn() {
    let used = |per_pod: u64| facts("api", 300, move |_| 2 * per_pod, |_| 2);
    let policy = "{workloads: {api: {scaling: {mode: none}, requests: {memory: {value: 1Gi}}}}}";
    // 8m, 11m and 30m, and 15 % of each: 10m, 13m and 35m, rounded up to a rung
    for (per_pod, is_raised) in [(11, false), (30, true)] {
        let objects = [deployment("api", 2, "10m", "512Mi")];
        let mut world = World::new(policy, &objects, vec![(KEY, used(8))]);
        let first = world.plan();
        assert!(first.spec.workloads[KEY].restarted.is_some(), "memory is stated anew");
        world.accepted = Some(first);
        world.facts.insert(KEY.to_owned(), used(per_pod));
        weeks_later(&mut world, 1);
        let plan = world.plan();
        let api = &plan.spec.workloads[KEY];
        assert_eq!(
            api.waiting.contains_key("restart.minInterval"),
            !is_raised,
            "{per_pod}m"
        );
        let cpu = api.containers["api"].requests.cpu.as_ref();
        assert_eq!(
            cpu.is_some_and(|cpu| cpu.value > Millicores::new(30)),
            is_raised,
            "{per_pod}m: {cpu:?}"
        );
        let says_so = cpu.is_some_and(|cpu| cpu.reason.inputs.contains_key("takenAlong"));
        assert!(!says_so, "{cpu:?}");
    }
}

/// A branch with last week's profile, or one of two profiles that is missing: what was accepted on the newer one stays.
#[test]
fn an_older_profile_takes_no_step() {
    let mut world = oversized(&restless(""));
    weeks_later(&mut world, 4);
    let newest = world.plan();
    assert_eq!(cpu(&newest), (700, Some(1000)));
    world.accepted = Some(newest.clone());
    for round in 0..3 {
        weeks_later(&mut world, 3);
        let older = world.plan();
        assert_eq!(cpu(&older).0, 700, "round {round}");
        assert_eq!(older.spec.workloads[KEY].window, newest.spec.workloads[KEY].window);
        world.accepted = Some(older);
        weeks_later(&mut world, 4);
        let again = world.plan();
        assert_eq!(cpu(&again), (700, Some(1000)), "round {round}");
        world.accepted = Some(again);
    }
}

#[test]
fn a_scaler_that_stays_follows_a_request_that_is_stated() {
    let mut world = World::new(
        "{workloads: {api: {class: web}}}",
        &[deployment("api", 4, "1", "1Gi")],
        vec![(KEY, facts("api", 300, wave, |_| 4))],
    );
    let first = world.plan();
    let scale_point = |plan: &OptimizationPlan| {
        let entry = &plan.spec.workloads[KEY];
        let target = &entry
            .scaler
            .as_ref()
            .expect("scaled")
            .cpu
            .as_ref()
            .expect("on CPU")
            .target;
        u128::from(cpu_of(entry).0) * u128::from(target.value.ppm())
    };
    world.accepted = Some(first.clone());
    // the class goes, so that the scaler is kept, and a request is stated
    world.settings = settings("{workloads: {api: {requests: {cpu: {value: '2'}}, replicas: {mode: handoff}}}}");
    let stated = world.plan();
    assert_eq!(cpu(&stated).0, 2000);
    let reason = &stated.spec.workloads[KEY].containers["api"]
        .requests
        .cpu
        .as_ref()
        .expect("decided")
        .reason;
    assert_eq!(reason.code, "stated");
    let (before, after) = (scale_point(&first), scale_point(&stated));
    // whole percents of two cores, rounded down
    assert!(
        after <= before && before < after + 2000 * 10_000,
        "{before} and {after}"
    );
}

/// The second of two workloads waits for its restart, and with it everything that was decided for the request that waits.
#[test]
fn what_waits_takes_back_the_scaler_and_the_budget_that_counts_on_it() {
    let keys = ["Deployment/shop/a", "Deployment/shop/b"];
    let quiet = |name| facts(name, 300, |step| wave(step) / 8, |_| 1);
    let web = "{guardrails: {wave: {workloads: 1}}, workloads: {all: {match: {names: {'*': true}}, class: web, \
        scaling: {minReplicas: {value: 2}, maxReplicas: {value: 8}}, disruption: {minAvailable: {value: 1}}}}}";
    let objects = ["a", "b"].map(|name| deployment(name, 1, "1", "1Gi"));
    let plan = World::new(web, &objects, vec![(keys[0], quiet("a")), (keys[1], quiet("b"))]).plan();
    let (first, second) = (&plan.spec.workloads[keys[0]], &plan.spec.workloads[keys[1]]);
    assert!(first.scaler.is_some() && first.disruption.is_some());
    assert!(second.waiting.contains_key("wave"));
    assert!(
        second.scaler.is_none() && second.disruption.is_none(),
        "one pod, and a budget that keeps one"
    );

    let busy = |name| facts(name, 800, |step| 2 * wave(step), |_| 10);
    let worker = "{cluster: {kubernetes: '1.33', addons: {keda: '2.18'}}, guardrails: {wave: {workloads: 1}}, \
        workloads: {all: {match: {names: {'*': true}}, class: worker, requests: {cpu: {value: '3'}}, \
        scaling: {triggers: {day: {type: cron, metadata: {timezone: UTC, start: '0 8 * * *', end: '0 18 * * *', desiredReplicas: '10'}}}}}}}";
    let objects = ["a", "b"].map(|name| deployment(name, 10, "1", "512Mi"));
    let plan = World::new(worker, &objects, vec![(keys[0], busy("a")), (keys[1], busy("b"))]).plan();
    assert!(plan.spec.workloads[keys[0]].scaler.is_some());
    assert!(plan.spec.workloads[keys[1]].waiting.contains_key("wave"));
    assert!(
        plan.spec.workloads[keys[1]].scaler.is_none(),
        "its bounds divide by three cores"
    );
}

/// The first profile confirms the manifest's amounts, and only the scaler is new: no pod changes.
#[test]
fn amounts_that_are_confirmed_restart_nothing() {
    // two pods of 200m each and 300 MiB: 230m and 352 MiB are derived, each as it is written
    let history = vec![(KEY, facts("api", 300, |_| 400, |_| 2))];
    let objects = [deployment("api", 2, "230m", "352Mi")];
    let mut world = World::new(&restless(""), &objects, history);
    let seen = std::mem::take(&mut world.facts);
    let first = world.plan();
    assert_eq!(first.spec.workloads[KEY].containers, BTreeMap::new(), "no history");
    (world.accepted, world.facts) = (Some(first), seen);
    weeks_later(&mut world, 1);
    let second = world.one("api");
    assert_eq!(cpu_of(&second), (230, Some(230)));
    assert!(!second.findings.contains_key("restarts-pods"), "{:?}", second.findings);
    assert_eq!(second.restarted, None);
}

/// A guardrail that is edited on one window sends nothing back to the value before: what is derived is what was accepted.
#[test]
fn a_guardrail_on_the_same_window_reverts_no_accepted_value() {
    // 200m of a core: 230m, bounded to 700m. 440 MiB of 368: 440 + 15 % = 506 MiB, next rung 512
    let history = vec![(KEY, facts("api", 440, |_| 400, |_| 2))];
    let mut world = World::new(&restless(""), &[deployment("api", 2, "1", "368Mi")], history);
    let first = world.plan();
    let memory = |plan: &OptimizationPlan| {
        let memory = plan.spec.workloads[KEY].containers["api"].requests.memory.as_ref();
        memory.map(|memory| memory.value)
    };
    assert_eq!((cpu(&first).0, memory(&first)), (700, Some(Bytes::from_mib(512))));
    // a raise of 39 % and a step of 30 %: both are less than half, and both stay
    for more in [
        ", minChange: 50%",
        ", minChange: 50%, capacityDecrease: 5%",
        ", wave: {workloads: 3}",
        "",
    ] {
        world.accepted = Some(first.clone());
        world.settings = settings(&restless(more));
        let plan = world.plan();
        let (now, then) = (&plan.spec.workloads[KEY], &first.spec.workloads[KEY]);
        assert_eq!((cpu(&plan), memory(&plan)), (cpu(&first), memory(&first)), "`{more}`");
        assert_eq!(now.restarted, then.restarted, "`{more}`");
    }
}

/// Nor the highest count of a scaler.
#[test]
fn a_dead_band_on_the_same_window_reverts_no_bound_of_a_scaler() {
    // 12 pods of two cores; 3 cores × 1.5 in pods of 2 cores × 81 % = 2.8, so 12 running pods are the most
    let spec = |more: &str| {
        format!(
            "{{guardrails: {{restart: {{minInterval: 0d}}{more}}}, workloads: {{api: {{class: web, requests: {{cpu: {{value: '2'}}}}}}}}}}"
        )
    };
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 8, "maxReplicas": 9,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
        }
    });
    let history = vec![(KEY, facts("api", 900, wave, |_| 12))];
    let mut world = World::new(&spec(""), &[deployment("api", 12, "2", "1Gi"), hpa], history);
    let most = |plan: &OptimizationPlan| {
        let scaler = plan.spec.workloads[KEY].scaler.as_ref().expect("adopted");
        scaler.max_replicas.value
    };
    let first = world.plan();
    assert_eq!(most(&first), 12);
    world.accepted = Some(first);
    world.settings = settings(&spec(", minChange: 50%"));
    assert_eq!(most(&world.plan()), 12, "9 were there before, a third less");
}

/// A resolved merge conflict breaks a seal: that is no leave to take a second step, nor to restart before its time.
#[test]
fn a_broken_seal_is_no_step_past_window_wave_and_interval() {
    let spec = "{workloads: {api: {requests: {strategy: percentile}, scaling: {mode: none}}}}";
    let edited = |mut plan: OptimizationPlan, edit: &dyn Fn(&mut WorkloadPlan)| {
        edit(plan.spec.workloads.get_mut(KEY).expect("planned"));
        Some(plan)
    };
    let mut world = oversized(spec);
    let first = world.plan();
    assert_eq!(cpu(&first), (700, Some(1000)));
    for _ in 0..3 {
        world.accepted = edited(world.plan(), &|entry| entry.findings.clear());
        let again = world.plan();
        assert_eq!(again.spec.workloads, first.spec.workloads);
        world.accepted = edited(again, &|entry| entry.window = None);
        assert_eq!(cpu(&world.plan()), (700, Some(1000)), "a window that went");
    }
    // a newer window: the step is due, and the pods restarted a week ago
    for edit in [
        &(|entry: &mut WorkloadPlan| entry.findings.clear()) as &dyn Fn(&mut WorkloadPlan),
        &|entry| {
            let cpu = entry
                .containers
                .get_mut("api")
                .and_then(|api| api.requests.cpu.as_mut());
            cpu.expect("decided").value = Millicores::new(800);
        },
    ] {
        world.accepted = edited(first.clone(), edit);
        let edited = cpu(world.accepted.as_ref().expect("accepted")).0;
        weeks_later(&mut world, 1);
        let held = world.plan();
        let one = &held.spec.workloads[KEY];
        assert_eq!(cpu(&held).0, edited, "it waits for its time");
        assert!(one.waiting.contains_key("restart.minInterval"), "{:?}", one.findings);
        assert!(one.findings["plan-edited"].detail.contains("its values stay"));
        world.accepted = Some(held);
        weeks_later(&mut world, 4);
        let next = world.plan();
        // 70 % of 700m, and of 800m
        assert_eq!(cpu(&next), (edited * 7 / 10, Some(edited)));
        assert!(!next.spec.workloads[KEY].findings.contains_key("plan-edited"));
    }
}
