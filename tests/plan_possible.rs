//! What a plan can't say: edited values outside the policy's ranges are refused where they are read, and planning writes
//! nothing that reading refuses, whatever the manifests say.

use serde_json::{Value, json};
use trimtab::plan::codec;
use trimtab::policy::Source;

use crate::planning::{World, deployment, facts, wave};
use crate::sealed::{assert_ends, production, replace, trimtab};

const SPEC: &str = "
workloads:
  all:
    match: {names: {'*': true}}
    class: web
    scaling:
      metrics: {rps: {type: pods, metric: requests_per_second, selector: {tier: edge}, averageValue: {value: '100'}}}
      behavior: {scaleDown: {stabilization: {value: 5m}}}
    vpa: {mode: recommend, maxAllowed: {cpu: '4'}}
    spot: {mode: prefer}
cluster: {kubernetes: '1.33', provider: aws, addons: {vpa: '1.5'}}
guardrails: {restart: {minInterval: 0s}}
";

fn world(objects: &[Value]) -> World {
    let key = "Deployment/shop/api";
    World::new(SPEC, objects, vec![(key, facts("api", 300, wave, |_| 6))])
}

fn problems(plan: &Value) -> Vec<String> {
    let read = codec::parse(plan, &Source::object("OptimizationPlan", "test"), "test");
    let found = read.err().unwrap_or_default();
    found.into_iter().map(|found| found.headline).collect()
}

/// Sets a value, or renames the last key of the pointer.
fn edited(good: &Value, pointer: &str, to: &Edit) -> Value {
    let mut plan = good.clone();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/");
    let map = plan.pointer_mut(parent).and_then(Value::as_object_mut);
    let map = map.unwrap_or_else(|| panic!("{parent} is in the plan"));
    match to {
        Edit::Value(value) => _ = map.insert(last, value.clone()),
        Edit::Key(key) => {
            let value = map.remove(&last).unwrap_or_else(|| panic!("{pointer} is in the plan"));
            map.insert((*key).to_owned(), value);
        }
    }
    plan
}

enum Edit {
    Value(Value),
    Key(&'static str),
}

/// Where in the entry, what is written there, and what is said of it.
fn edits() -> Vec<(&'static str, Edit, &'static str)> {
    let value = Edit::Value;
    vec![
        ("containers/api/requests/cpu/value", value(json!("0")), "less than `1m`"),
        (
            "containers/api/requests/memory/value",
            value(json!("0")),
            "less than `1`",
        ),
        (
            "containers/api/limits",
            value(json!({"memory": {"value": "1Mi", "reason": {"code": "stated"}}})),
            "requests more than its limit",
        ),
        (
            "containers/api/requests/cpu/value",
            value(json!("2000000")),
            "more than `1000000`",
        ),
        (
            "containers/api/limits",
            value(json!({"cpu": {"value": "0", "reason": {"code": "stated"}}})),
            "less than `1m`",
        ),
        ("containers/api", Edit::Key(""), "a container has a name"),
        ("scaler/minReplicas/value", value(json!(5000)), "is no range"),
        (
            "scaler/minReplicas/value",
            value(json!(4_000_000_000_u32)),
            "more than `2147483647`",
        ),
        ("scaler/maxReplicas/value", value(json!(0)), "less than `1`"),
        (
            "scaler/cpu",
            value(json!({"target": {"value": "0%", "reason": {"code": "stated"}}})),
            "less than `1%`",
        ),
        (
            "scaler/cpu",
            value(json!({"target": {"value": "70.5%", "reason": {"code": "stated"}}})),
            "no whole percentage",
        ),
        (
            "scaler/metrics/rps/averageValue/value",
            value(json!("0")),
            "less than `1n`",
        ),
        ("scaler/metrics/rps/metric", value(json!("a/b")), "no name of a metric"),
        (
            "scaler/metrics/rps/selector",
            value(json!({"a b": "c"})),
            "no key of a label",
        ),
        (
            "scaler/behavior/scaleDown/stabilization/value",
            value(json!("2h")),
            "more than `1h`",
        ),
        ("scaler/name", value(json!("My HPA")), "no name of an object"),
        ("disruption/name", value(json!("")), "no name of an object"),
        (
            "disruption/maxUnavailable/value",
            value(json!(3_000_000_000_u32)),
            "more than `2147483647`",
        ),
        (
            "spread/topology.kubernetes.io~1zone",
            Edit::Key("the zone"),
            "no key of a label",
        ),
        (
            "spread/topology.kubernetes.io~1zone/maxSkew",
            value(json!(0)),
            "less than `1`",
        ),
        (
            "spot/labels/eks.amazonaws.com~1capacityType",
            value(json!("a/b")),
            "no value of a label",
        ),
        ("vpa/maxAllowed/cpu", value(json!("0")), "less than `1m`"),
        ("replicas/value", value(json!(0)), "0 replicas stop the workload"),
        (
            "gracePeriod",
            value(json!({"value": "4000d", "reason": {"code": "stated"}})),
            "more than `3650d`",
        ),
        (
            "waiting",
            value(json!({"wave": {"detail": "", "gracePeriod": {"value": "4000d", "reason": {"code": "stated"}}}})),
            "more than `3650d`",
        ),
    ]
}

#[test]
fn a_value_or_name_that_cannot_be_is_refused() {
    let good = codec::to_value(&world(&[deployment("api", 2, "500m", "512Mi")]).plan());
    assert_eq!(problems(&good), [""; 0]);
    let api = "/spec/workloads/Deployment~1shop~1api";
    for (at, to, said) in edits() {
        let found = problems(&edited(&good, &format!("{api}/{at}"), &to));
        assert!(
            found.iter().any(|found| found.contains(said)),
            "{at}: no `{said}` in {found:?}"
        );
    }
    for key in [
        "api",
        "",
        "Deployment//api",
        "Deployment/shop/api/more",
        "Deploy ment/shop/api",
    ] {
        let found = problems(&edited(&good, api, &Edit::Key(key)));
        assert_eq!(found, [format!("`{key}` is not the key of a workload")]);
    }
}

/// An API server refuses most of these, and one of them must not make the plan of all others unreadable.
#[test]
fn whatever_manifests_say_the_plan_that_is_written_can_be_read() {
    let api = || deployment("api", 2, "500m", "512Mi");
    let with = |pointer: &str, value: Value| {
        let mut object = api();
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[last] = value;
        object
    };
    let container = "/spec/template/spec/containers/0";
    let hpa = |name: &str, spec: Value| {
        let mut hpa = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}}});
        for (key, value) in spec.as_object().unwrap() {
            hpa["spec"][key] = value.clone();
        }
        hpa
    };
    let cpu = |target: i64| json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}}]);
    let pdb = |name: &str, spec: Value| {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "api"}});
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
    };
    let worlds: Vec<Vec<Value>> = vec![
        vec![with("/spec/replicas", json!(0))],
        vec![with("/spec/replicas", json!(-1))],
        vec![with("/spec/replicas", json!(4_000_000_000_u32))],
        vec![with("/spec/replicas", json!("many"))],
        vec![with(&format!("{container}/name"), json!("My_Api"))],
        vec![with(&format!("{container}/name"), json!(""))],
        vec![with(
            &format!("{container}/resources"),
            json!({"requests": {"cpu": "0", "memory": "0"}}),
        )],
        vec![with(
            &format!("{container}/resources"),
            json!({"limits": {"cpu": "0", "memory": "0"}}),
        )],
        vec![with(
            &format!("{container}/resources"),
            json!({"requests": {"cpu": "-1", "memory": "-1"}}),
        )],
        vec![with(
            &format!("{container}/resources"),
            json!({"requests": {"cpu": "9e9", "memory": "9E"}}),
        )],
        vec![with(
            &format!("{container}/resources"),
            json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1", "memory": "1"}}),
        )],
        vec![with("/spec/template/spec/terminationGracePeriodSeconds", json!(-5))],
        vec![with(
            "/spec/template/spec/terminationGracePeriodSeconds",
            json!(9_000_000_000_i64),
        )],
        vec![with("/spec/template/spec/terminationGracePeriodSeconds", json!(0))],
        vec![
            api(),
            hpa("api", json!({"minReplicas": 0, "maxReplicas": 0, "metrics": cpu(0)})),
        ],
        vec![
            api(),
            hpa("api", json!({"minReplicas": 9, "maxReplicas": 3, "metrics": cpu(-1)})),
        ],
        vec![
            api(),
            hpa(
                "My_HPA",
                json!({"minReplicas": 4_000_000_000_u32, "maxReplicas": 4_000_000_000_u32, "metrics": cpu(4_000_000_000)}),
            ),
        ],
        vec![
            api(),
            hpa(
                "",
                json!({"maxReplicas": -1, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 90_000}}}),
            ),
        ],
        vec![api(), hpa("api", json!({"maxReplicas": "5", "metrics": "none"}))],
        vec![api(), pdb("My_PDB", json!({"minAvailable": -1}))],
        vec![api(), pdb("", json!({"maxUnavailable": "300%"}))],
        vec![api(), pdb("api", json!({"maxUnavailable": 4_000_000_000_u32}))],
        vec![api(), pdb("api", json!({"maxUnavailable": 0}))],
    ];
    for objects in worlds {
        let mut world = world(&objects);
        // the second plan stands on the first, as the next month's does
        for round in 1..=2 {
            let plan = world.plan();
            let found = problems(&codec::to_value(&plan));
            assert_eq!(found, [""; 0], "round {round}: {}", json!(objects));
            world.accepted = Some(plan);
            world.profile.push('2');
        }
    }
}

#[test]
fn a_build_with_an_impossible_plan_prints_nothing_and_names_the_line() {
    let folder = production();
    let folder = folder.path();
    replace(folder, "overlays/production/plan.yaml", "value: 140m", "value: \"0\"");
    for arguments in [
        &["render", "overlays/production", "-o", "rendered/production"][..],
        &["check", "."],
        &["plan", "overlays"],
        &["lint", "overlays/production"],
    ] {
        let output = trimtab(folder, arguments);
        assert_ends(
            &output,
            1,
            &[
                "`Deployment/online-boutique/adservice`: `0` is less than `1m`, the least that is possible here",
                "overlays/production/plan.yaml:91:22",
                "a request of 0 reserves nothing",
                "take the file from git again",
            ],
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// What a plan says it was decided on decides what the next one is compared with.
#[test]
fn an_edited_head_is_found_and_a_head_without_a_seal_is_read() {
    let folder = production();
    let folder = folder.path();
    let plan = "overlays/production/plan.yaml";
    let whole = std::fs::read_to_string(folder.join(plan)).unwrap();
    let another = |what: &str| {
        let end = what.len() + whole.find(what).unwrap();
        let digit = if whole[end..].starts_with('0') { "1" } else { "0" };
        format!("{}{digit}{}", &whole[..end], &whole[end + 1..])
    };
    for what in ["windowEnd: \"20", " profile: sha256:", " policy: sha256:"] {
        let text = another(what);
        std::fs::write(folder.join(plan), text).unwrap();
        let head = "the head of the plan";
        assert_ends(
            &trimtab(folder, &["check", "."]),
            3,
            &["error[plan-edited]", head, "was edited after planning"],
        );
        let render = trimtab(folder, &["render", "overlays/production", "-o", "rendered/production"]);
        assert_ends(&render, 0, &["warning[plan-edited]", head]);
        assert_ends(&trimtab(folder, &["plan", "overlays", "--write"]), 0, &[]);
        assert_eq!(
            std::fs::read_to_string(folder.join(plan)).unwrap(),
            whole,
            "{what}: planned again"
        );
    }
    let seal = whole.lines().find(|line| line.starts_with("  seal: ")).unwrap();
    std::fs::write(folder.join(plan), whole.replacen(&format!("{seal}\n"), "", 1)).unwrap();
    let render = trimtab(folder, &["render", "overlays/production", "-o", "rendered/production"]);
    assert_ends(&render, 0, &[]);
    assert!(!String::from_utf8_lossy(&render.stderr).contains("plan-edited"));
    assert_ends(
        &trimtab(folder, &["check", "."]),
        3,
        &["an earlier version of trimtab wrote its head, which has no seal"],
    );
}
