//! Scalers on queues and schedules: bounds from recorded counts of pods, and what KEDA refuses said when planning.

use serde_json::Value;
use trimtab::plan::model::{ScalerPlan, WorkloadPlan};
use trimtab::units::Timestamp;

use crate::planning::{World, deployment, facts};

const KEY: &str = "Deployment/shop/api";

/// CPU that says nothing: 6.4 cores whatever the count of pods is.
fn world(scaling: &str, pods: impl Fn(i64) -> u32) -> World {
    let spec = format!(
        "{{cluster: {{kubernetes: '1.35', addons: {{keda: '2.18'}}}}, workloads: {{api: {{class: worker, disruption: {{mode: none}}, scaling: {{{scaling}}}}}}}}}"
    );
    World::new(
        &spec,
        &[deployment("api", 4, "1", "1Gi")],
        vec![(KEY, facts("api", 900, |_| 6400, pods))],
    )
}

const QUEUE: &str = "queue: {type: rabbitmq, threshold: {value: '50'}, metadata: {queueName: jobs, mode: QueueLength, hostFromEnv: URL}}";

fn scaler(plan: &WorkloadPlan) -> &ScalerPlan {
    plan.scaler.as_ref().unwrap_or_else(|| panic!("{:?}", plan.findings))
}

fn bounds(scaler: &ScalerPlan) -> (u32, u32) {
    (scaler.min_replicas.value, scaler.max_replicas.value)
}

/// 4 pods, and 10 for two hours of the day: 4 were enough in a quarter of the time, 10 with half as much again are 15.
fn busy(step: i64) -> u32 {
    if step % 288 < 24 { 10 } else { 4 }
}

#[test]
fn counts_come_from_recorded_pods_and_never_from_cpu() {
    let queue = format!("triggers: {{{QUEUE}}}");
    let mut world = world(&queue, busy);
    for month in 0..4 {
        let plan = world.one("api");
        let scaler = scaler(&plan);
        assert_eq!(bounds(scaler), (4, 15), "month {month}");
        assert_eq!(scaler.max_replicas.reason.code, "replicas-recorded");
        assert_eq!(scaler.min_replicas.reason.code, "replicas-recorded");
        world.accepted = Some(world.plan());
        world.profile = format!("sha256:{month}");
        world.window_end = Timestamp::from_unix(1_700_438_400 + (month + 1) * 28 * 86_400);
    }
}

#[test]
fn what_the_policy_asks_for_goes_before_recorded_counts() {
    let cron = "day: {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '20'}}";
    for (case, scaling, expected) in [
        ("a schedule", format!("triggers: {{{QUEUE}, {cron}}}"), (4, 20)),
        (
            "a fallback",
            format!("triggers: {{{QUEUE}}}, fallback: {{failureThreshold: 3, replicas: 18}}"),
            (4, 18),
        ),
        (
            "a bound",
            format!("triggers: {{{QUEUE}}}, maxReplicas: {{max: 12}}"),
            (4, 12),
        ),
        (
            "a bound below the lowest count",
            format!("triggers: {{{QUEUE}}}, maxReplicas: {{max: 3}}"),
            (3, 3),
        ),
        (
            "values",
            format!("triggers: {{{QUEUE}}}, minReplicas: {{value: 1}}, maxReplicas: {{value: 6}}"),
            (1, 6),
        ),
        // 70 % of 4 pods is 2.8
        (
            "a quantile",
            format!("triggers: {{{QUEUE}}}, derive: {{minQuantile: 99%}}"),
            (10, 15),
        ),
    ] {
        let plan = world(&scaling, busy).one("api");
        match &plan.scaler {
            Some(scaler) => assert_eq!(bounds(scaler), expected, "{case}"),
            // a new one that can't scale is not made
            None => assert_eq!(expected.0, expected.1, "{case}: {:?}", plan.findings),
        }
    }
}

/// With a CPU trigger beside the queue CPU is what pods are added on: 6.4 cores, a core requested, 90 % at the most.
#[test]
fn cpu_counts_where_it_is_a_trigger() {
    let scaling =
        format!("triggers: {{{QUEUE}, cpu: {{type: cpu, metricType: Utilization, metadata: {{value: '80'}}}}}}");
    let plan = world(&scaling, busy).one("api");
    assert_eq!(scaler(&plan).max_replicas.reason.code, "percentile");
}

fn finding(plan: &WorkloadPlan, code: &str) -> String {
    plan.findings
        .get(code)
        .map(|found| found.detail.clone())
        .unwrap_or_default()
}

#[test]
fn what_keda_refuses_is_said_when_planning() {
    let cpu = "mode: keda, targets: {cpu: {value: 70%}}, minReplicas: {value: 2}, maxReplicas: {value: 6}";
    let queue = format!("triggers: {{{QUEUE}}}, minReplicas: {{value: 2}}, maxReplicas: {{value: 6}}");
    let late = "day: {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '2'}}";
    for (scaling, code, said) in [
        (
            format!("{cpu}, fallback: {{failureThreshold: 3, replicas: 4}}"),
            "policy-conflict",
            "`scaling.fallback` (rule api) is left out: KEDA refuses one where CPU and memory are all it looks at",
        ),
        (
            format!("{cpu}, idleReplicas: 0"),
            "policy-conflict",
            "`scaling.idleReplicas` (rule api) is left out: with CPU and memory alone nothing wakes it up",
        ),
        (
            "mode: keda, targets: {cpu: {value: 70%}}, minReplicas: {value: 0}, maxReplicas: {value: 6}".to_owned(),
            "unsupported-version",
            "0 replicas need KEDA with a trigger besides CPU and memory; 1 is rendered",
        ),
        (
            format!("triggers: {{{QUEUE}}}, fallback: {{failureThreshold: 3, replicas: 2}}"),
            "replica-bounds",
            "`scaling.fallback` (rule api) of 2 replicas is outside 4 to 15: 4 is rendered",
        ),
        (
            format!("triggers: {{{QUEUE}, {late}}}, minReplicas: {{min: 3}}"),
            "schedule-beyond-bounds",
            "trigger `day`: the schedule asks for 2 replicas, and no fewer than 4 run anyway: it does nothing",
        ),
        (
            "mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}, cooldownPeriod: 5m, fallback: {failureThreshold: 3, replicas: 4}".to_owned(),
            "policy-conflict",
            "`scaling.cooldownPeriod` (rule api) is left out: an HPA has none, `mode: keda` takes it; `scaling.fallback` (rule api) is left out",
        ),
    ] {
        let plan = world(&scaling, busy).one("api");
        let found = finding(&plan, code);
        assert!(found.contains(said), "{scaling}:\n{found}\n{:?}", plan.findings.keys());
        assert!(plan.scaler.is_some(), "{scaling}");
    }
    let fine = world(
        &format!("{queue}, fallback: {{failureThreshold: 3, replicas: 4}}, idleReplicas: 0"),
        busy,
    )
    .one("api");
    assert_eq!(finding(&fine, "policy-conflict"), "");
    assert_eq!(scaler(&fine).idle_replicas, Some(0));
}

/// A window that is only bounded is the API's own, 0 s up and 5 min down, within the bounds.
#[test]
fn bounds_of_a_window_are_kept() {
    let window = |behavior: &str| -> Value {
        let scaling = format!("triggers: {{{QUEUE}}}, behavior: {{{behavior}}}");
        let plan = world(&scaling, busy).one("api");
        serde_json::to_value(&scaler(&plan).behavior).expect("plain data")
    };
    for (behavior, at, expected) in [
        (
            "scaleDown: {stabilization: {max: 2m}}",
            "/scaleDown/stabilization/value",
            "2m",
        ),
        (
            "scaleDown: {stabilization: {min: 2m}}",
            "/scaleDown/stabilization/value",
            "5m",
        ),
        (
            "scaleUp: {stabilization: {min: 30s}}",
            "/scaleUp/stabilization/value",
            "30s",
        ),
        (
            "scaleUp: {stabilization: {max: 30s}}",
            "/scaleUp/stabilization/value",
            "0s",
        ),
    ] {
        let found = window(behavior);
        assert_eq!(
            found.pointer(at).and_then(Value::as_str),
            Some(expected),
            "{behavior}: {found}"
        );
    }
}
