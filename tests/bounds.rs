//! Bounds of scalers over time: each window its bounded step, and those of others are theirs.

use serde_json::{Value, json};
use trimtab::plan::model::{OptimizationPlan, ScalerPlan};
use trimtab::units::Timestamp;

use crate::planning::{World, deployment, facts};

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
