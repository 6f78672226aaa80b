//! Bounds of scalers over time: each window its bounded step, and those of others are theirs.

use serde_json::{Value, json};
use trimtab::plan::model::{OptimizationPlan, ScalerPlan};
use trimtab::report::Capacity;
use trimtab::units::Timestamp;

use crate::planning::{WEB, World, deployment, facts, settings, wave};

const KEY: &str = "Deployment/shop/api";
const WEEK_S: i64 = 7 * 24 * 3600;

/// So many milli-cores, a third of them for four hours of the day.
fn day(high: u64) -> impl Fn(i64) -> u64 {
    move |step| if step % 288 < 48 { high / 3 } else { high }
}

/// The next month: another window with this demand and so many pods.
fn next(world: &mut World, months: i64, high: u64, pods: u32) {
    world.window_end = Timestamp::from_unix(1_700_438_400 + months * 4 * WEEK_S);
    world.profile = format!("sha256:month {months}");
    world.facts = [(KEY.to_owned(), facts("api", 900, day(high), |_| pods))].into();
}

fn scaler(plan: &OptimizationPlan) -> &ScalerPlan {
    let one = &plan.spec.workloads[KEY];
    one.scaler.as_ref().unwrap_or_else(|| panic!("{:?}", one.findings))
}

fn bounds(plan: &OptimizationPlan) -> (u32, u32) {
    let scaler = scaler(plan);
    (scaler.min_replicas.value, scaler.max_replicas.value)
}

fn hpa(min: u32, max: u32) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": 80});
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": min, "maxReplicas": max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        }
    })
}

/// Pods of a core that scale at 800m: 6.4 cores are 8 pods, with half as much again 12; a tenth is one pod, two under a
/// budget. 70 % of 8 is 5.6, of 6 4.2, of 5 3.5, of 4 2.8, of 3 2.1: three can't fall by a share that is less than one.
#[test]
fn the_lowest_count_falls_in_every_window_after_a_big_fall() {
    let spec = "{workloads: {api: {class: web, requests: {cpu: {value: '1'}, memory: {value: 1Gi}}, spread: {mode: none}, \
                scaling: {targets: {cpu: {value: 80%}}}}}}";
    let mut world = World::new(spec, &[deployment("api", 8, "1", "1Gi")], vec![]);
    next(&mut world, 0, 6400, 8);
    let first = world.plan();
    assert_eq!(bounds(&first), (8, 12));
    world.accepted = Some(first);
    let steps = [(8, (6, 8)), (6, (5, 6)), (5, (4, 5)), (4, (3, 4)), (3, (3, 4))];
    for (month, (running, expected)) in (1..).zip(steps) {
        next(&mut world, month, 640, running);
        let plan = world.plan();
        assert_eq!(bounds(&plan), expected, "month {month}");
        let inputs = &scaler(&plan).min_replicas.reason.inputs;
        assert_eq!(inputs["cpuDecrease"], expected.0.to_string(), "month {month}");
        let finding = plan.spec.workloads[KEY].findings.get("capacity-bounded");
        let said = finding.map_or("", |finding| finding.detail.as_str());
        assert_eq!(
            said.starts_with("3 replicas stay the lowest count, and 2 would do: one pod of 3 is more than the 30%"),
            running == 3,
            "month {month}: {said}"
        );
        world.accepted = Some(plan);
    }
}

/// Where the request takes the whole step, the count waits, the scaler stays as wide as it was, and the next window goes on.
#[test]
fn capacity_falls_in_every_window_by_request_or_count() {
    let spec = "{guardrails: {restart: {minInterval: 0d}}, workloads: {api: {class: web, spread: {mode: none}}}}";
    let mut world = World::new(spec, &[deployment("api", 8, "1", "1Gi")], vec![]);
    next(&mut world, 0, 6400, 8);
    world.accepted = Some(world.plan());
    let mut before = 8000;
    for month in 1..8 {
        next(&mut world, month, 640, 8);
        let plan = world.plan();
        let cpu = plan.spec.workloads[KEY].containers["api"].requests.cpu.as_ref();
        let after = cpu.expect("decided").value.get() * u64::from(bounds(&plan).0);
        assert!(
            after < before && after * 10 >= before * 7,
            "{before} → {after} in month {month}"
        );
        before = after;
        world.accepted = Some(plan);
    }
    assert!(before <= 1200, "{before}");
}

/// A queue says how many pods it needs, and CPU says nothing of it.
#[test]
fn a_scaler_of_others_on_a_queue_keeps_its_bounds() {
    let object = |bounds: Value| {
        let trigger =
            json!({"type": "rabbitmq", "metadata": {"queueName": "orders", "mode": "QueueLength", "value": "50"}});
        let mut object = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {"scaleTargetRef": {"name": "api"}, "triggers": [trigger]}
        });
        for (key, count) in bounds.as_object().expect("a map") {
            object["spec"][key] = count.clone();
        }
        object
    };
    let own = json!({"minReplicaCount": 1, "maxReplicaCount": 8});
    for (case, own, stated, expected, why) in [
        ("nothing is stated", &own, "", (1, 8), ["kept", "kept"]),
        ("KEDA's defaults", &json!({}), "", (0, 100), ["kept", "kept"]),
        ("a bound", &own, "minReplicas: {min: 2}", (2, 8), ["bounded", "kept"]),
        ("a value", &own, "maxReplicas: {value: 5}", (1, 5), ["kept", "stated"]),
    ] {
        let spec = format!(
            "{{cluster: {{kubernetes: '1.33', addons: {{keda: '2.17'}}}}, workloads: {{api: {{class: worker, scaling: {{mode: keda, {stated}}}}}}}}}"
        );
        let objects = [deployment("api", 4, "1", "1Gi"), object(own.clone())];
        let mut world = World::new(&spec, &objects, vec![]);
        for month in 0..2 {
            next(&mut world, month, 6400, 8);
            let plan = world.plan();
            assert_eq!(bounds(&plan), expected, "{case}, month {month}");
            let scaler = scaler(&plan);
            let codes = [&scaler.min_replicas.reason.code, &scaler.max_replicas.reason.code];
            assert_eq!(codes, why, "{case}, month {month}");
            world.accepted = Some(plan);
        }
    }
}

/// 640m in pods that scale at 800m: history alone says two at most.
#[test]
fn the_maximum_of_an_adopted_scaler_is_lowered_by_the_policy_only() {
    let requests = "requests: {cpu: {value: '1'}, memory: {value: 1Gi}}, spread: {mode: none}";
    for (stated, first, second) in [
        ("", (6, 10), (5, 10)),
        ("maxReplicas: {value: 7}", (6, 7), (5, 7)),
        ("maxReplicas: {max: 7}", (6, 7), (5, 7)),
    ] {
        let spec = format!(
            "{{workloads: {{api: {{class: web, {requests}, scaling: {{targets: {{cpu: {{value: 80%}}}}, {stated}}}}}}}}}"
        );
        let objects = [deployment("api", 4, "1", "1Gi"), hpa(8, 10)];
        let mut world = World::new(&spec, &objects, vec![]);
        for (month, expected) in [(0, first), (1, second)] {
            next(&mut world, month, 640, 2);
            let plan = world.plan();
            assert_eq!(bounds(&plan), expected, "`{stated}`, month {month}");
            world.accepted = Some(plan);
        }
        // 5.6 cores and half as much again, in 800m each: 10.5
        next(&mut world, 2, 5600, 7);
        let plan = world.plan();
        let raised = if stated.is_empty() { 11 } else { 7 };
        assert_eq!(bounds(&plan).1, raised, "`{stated}`");
    }
}

#[test]
fn a_bound_of_the_policy_is_the_reason_of_a_first_plan_without_history() {
    let spec = "{workloads: {api: {class: web, scaling: {minReplicas: {min: 3}}}}}";
    let plan = World::new(spec, &[deployment("api", 2, "1", "1Gi"), hpa(2, 9)], vec![]).plan();
    let min = &scaler(&plan).min_replicas;
    assert_eq!(
        (min.before, min.value, min.reason.code.as_str()),
        (Some(2), 3, "bounded")
    );
    assert_eq!(scaler(&plan).max_replicas.reason.code, "kept");
}

/// Their scaler goes on with its own bounds, whatever count is written beside it.
#[test]
fn totals_count_the_bounds_of_a_scaler_that_is_given_back() {
    let objects = [deployment("api", 7, "1", "1Gi"), hpa(2, 10)];
    let mut world = World::new(WEB, &objects, vec![(KEY, facts("api", 900, wave, |_| 7))]);
    world.settings = settings("{workloads: {api: {class: web, scaling: {minReplicas: {value: 7}}}}}");
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.settings = settings("{workloads: {api: {class: web, scaling: {mode: none}}}}");
    let plan = world.plan();
    let capacity = Capacity::of(&plan, Some(&accepted), &world.workloads);
    assert_eq!((capacity.before.replicas, capacity.after.replicas), (7, 2));
}

/// 6.4 cores need 8 pods and with headroom 12; what the policy allows at most is its owner's word.
#[test]
fn a_stated_highest_count_goes_before_the_lowest_one() {
    let spec = |bound: &str| {
        format!(
            "{{workloads: {{api: {{class: web, requests: {{cpu: {{value: '1'}}, memory: {{value: 1Gi}}}}, spread: {{mode: none}}, \
             scaling: {{targets: {{cpu: {{value: 80%}}}}, derive: {{minQuantile: 100%}}, maxReplicas: {bound}}}}}}}}}"
        )
    };
    for bound in ["{max: 5}", "{value: 5}"] {
        let mut world = World::new(&spec(bound), &[deployment("api", 8, "1", "1Gi"), hpa(8, 20)], vec![]);
        next(&mut world, 0, 6400, 8);
        let plan = world.plan();
        assert_eq!(bounds(&plan), (5, 5), "{bound}");
        let one = &plan.spec.workloads[KEY];
        let found = &one.findings["bounded"].detail;
        assert!(
            found.contains("history and the guardrails ask for at least 8 replicas, and `maxReplicas` allows 5"),
            "{found}"
        );
        let inputs = &scaler(&plan).min_replicas.reason.inputs;
        assert_eq!((inputs["asked"].as_str(), inputs["maxReplicas"].as_str()), ("8", "5"));
        // a raise of its owner does not go beyond it either
        world.accepted = Some(plan);
        world.workloads = trimtab::workload::read(&[deployment("api", 8, "1", "1Gi"), hpa(8, 40)]).0;
        next(&mut world, 1, 6400, 8);
        assert_eq!(bounds(&world.plan()), (5, 5), "{bound}, raised");
    }
}

/// Whoever takes an adopted scaler back has it to himself.
#[test]
fn a_scaler_that_is_given_back_has_no_count_beside_it() {
    let mut world = World::new(
        WEB,
        &[deployment("api", 7, "1", "1Gi"), hpa(2, 10)],
        vec![(KEY, facts("api", 900, wave, |_| 7))],
    );
    let accepted = world.plan();
    let count = |plan: &OptimizationPlan| plan.spec.workloads[KEY].replicas.clone();
    assert!(count(&accepted).is_some(), "handed over first");
    world.accepted = Some(accepted);
    world.settings = settings("{workloads: {api: {class: web, scaling: {mode: none}}}}");
    assert_eq!(count(&world.plan()), None);
    world.settings = settings("{workloads: {api: {class: web, scaling: {mode: none}, replicas: {count: {value: 5}}}}}");
    let plan = world.plan();
    assert_eq!(count(&plan), None);
    let found = &plan.spec.workloads[KEY].findings["policy-conflict"].detail;
    assert!(
        found.starts_with(
            "`replicas.count` (rule api) is left out: `HorizontalPodAutoscaler/shop/theirs` sets the count"
        ),
        "{found}"
    );
    world.settings = settings("{workloads: {api: {class: web, scaling: {mode: none}, replicas: {mode: remove}}}}");
    assert_eq!(count(&world.plan()).map(|count| count.value), Some(None));
}

#[test]
fn a_count_that_is_bounded_is_moved_into_its_bounds() {
    let count = |bound: &str| {
        let spec = format!("{{workloads: {{api: {{scaling: {{mode: none}}, replicas: {{count: {bound}}}}}}}}}");
        let plan = World::new(&spec, &[deployment("api", 4, "1", "1Gi")], vec![]).one("api");
        plan.replicas.map(|count| (count.value, count.reason.code))
    };
    let bounded = |count: u32| Some((Some(count), "bounded".to_owned()));
    assert_eq!(count("{min: 6}"), bounded(6));
    assert_eq!(count("{max: 3}"), bounded(3));
    assert_eq!(count("{min: 2, max: 5}"), None);
}
