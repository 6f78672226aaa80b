//! A container that the owner renames keeps what was accepted and recorded of it; where it can't be told which one it is,
//! nothing moves to another.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trimtab::plan::model::{Status, WorkloadPlan};
use trimtab::report::PlanTable;
use trimtab::units::{Bytes, Timestamp};
use trimtab::workload;

use crate::planning::{World, deployment, facts, settings, wave};
use crate::sealed::{assert_ends, production, replace, trimtab};

const KEY: &str = "Deployment/shop/api";
const WEB: &str = "{workloads: {api: {class: web}}}";
const END: i64 = 1_700_438_400;
const CODE: &str = "container-renamed";

/// Pods of these containers, the first with 500m and 512Mi, under an HPA of the owner that looks at the pod's sum.
fn pods(names: &[&str]) -> Vec<Value> {
    let mut pod = deployment("api", 4, "500m", "512Mi");
    let containers = &mut pod["spec"]["template"]["spec"]["containers"];
    let first = containers[0].clone();
    let small = json!({"requests": {"cpu": "100m", "memory": "64Mi"}});
    let named = names.iter().enumerate().map(|(n, name)| {
        let mut container = first.clone();
        container["name"] = json!(name);
        if n > 0 {
            container["resources"] = small.clone();
        }
        container
    });
    *containers = Value::Array(named.collect());
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": 2, "maxReplicas": 12,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 70}}}]
        }
    });
    vec![pod, hpa]
}

/// Pods of `api` and `proxy`, planned and accepted on four weeks of both.
fn accepted() -> World {
    let mut seen = facts("api", 300, wave, |_| 4);
    seen.containers.extend(facts("proxy", 40, |_| 80, |_| 4).containers);
    let mut world = World::new(WEB, &pods(&["api", "proxy"]), vec![(KEY, seen)]);
    let plan = world.plan();
    assert_eq!(looked_at(&plan.spec.workloads[KEY]), Some("api"));
    world.accepted = Some(plan);
    world
}

fn write(world: &mut World, objects: &[Value]) {
    world.workloads = workload::read(objects).0;
}

fn before(world: &World) -> WorkloadPlan {
    world.accepted.as_ref().expect("accepted").spec.workloads[KEY].clone()
}

fn looked_at(plan: &WorkloadPlan) -> Option<&str> {
    plan.scaler.as_ref()?.cpu.as_ref()?.container.as_deref()
}

#[test]
fn a_renamed_container_keeps_its_decision_and_its_history() {
    let mut world = accepted();
    let before = before(&world);
    write(&mut world, &pods(&["main", "proxy"]));
    let plan = world.plan();
    let after = &plan.spec.workloads[KEY];
    assert_eq!(after.containers["main"], before.containers["api"]);
    assert_eq!(after.containers["proxy"], before.containers["proxy"]);
    assert_eq!(after.containers.len(), 2);
    assert_eq!(
        (looked_at(after), after.main_container.as_str()),
        (Some("main"), "main")
    );
    let count = |plan: &WorkloadPlan| plan.scaler.as_ref().map(|scaler| scaler.min_replicas.clone());
    assert_eq!(count(after), count(&before));
    assert_eq!(after.status, Status::Planned, "its history decides on");
    let said = &after.findings[CODE].detail;
    assert!(said.contains("container `main` was `api`"), "{said}");
    // people see a new name and no new value
    let table = PlanTable::of([(&plan, world.accepted.as_ref())]);
    assert_eq!(table.environments[0].rows[0].changes, []);
    // written, it is a fixed point; what it is said to be called goes on where the policy is edited
    world.accepted = Some(plan.clone());
    assert_eq!(world.plan(), plan);
    world.settings = settings(
        "{guardrails: {wave: {workloads: 7}}, workloads: {api: {class: web, scaling: {minReplicas: {min: 1}}}}}",
    );
    let edited = world.one("api");
    assert_eq!(edited.containers, after.containers);
    assert_eq!(edited.status, Status::Planned);
    assert!(
        !edited.findings.contains_key("injected-container"),
        "{:?}",
        edited.findings
    );
    assert_eq!(edited.renamed, BTreeMap::from([("api".to_owned(), "main".to_owned())]));
    // a later profile knows the new name alone
    world.settings = settings(WEB);
    let mut seen = facts("main", 300, wave, |_| 4);
    seen.containers.extend(facts("proxy", 40, |_| 80, |_| 4).containers);
    seen.window_end = Timestamp::from_unix(END + 28 * 86_400);
    (world.window_end, world.profile) = (seen.window_end, "sha256:later".to_owned());
    world.facts.insert(KEY.to_owned(), seen);
    let later = world.one("api");
    assert_eq!(looked_at(&later), Some("main"));
    assert_eq!((later.renamed.len(), later.findings.contains_key(CODE)), (0, false));
}

#[test]
fn a_renamed_container_keeps_its_decision_without_history_too() {
    let mut world = accepted();
    let before = before(&world);
    world.facts.clear();
    write(&mut world, &pods(&["main", "proxy"]));
    let after = world.one("api");
    assert_eq!(after.status, Status::Kept);
    assert_eq!(after.containers["main"], before.containers["api"]);
    assert_eq!(looked_at(&after), Some("main"));
}

/// The owner raised the memory, and then renames: the floor is that of the new name.
#[test]
fn a_raise_goes_with_the_name() {
    let memory = |objects: &mut Vec<Value>| {
        let resources = &mut objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"];
        *resources = json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}});
    };
    let mut world = accepted();
    for name in ["api", "main"] {
        let mut objects = pods(&[name, "proxy"]);
        memory(&mut objects);
        write(&mut world, &objects);
        let plan = world.plan();
        let one = &plan.spec.workloads[KEY];
        let decided = one.containers[name].requests.memory.as_ref().expect("decided");
        assert_eq!(
            (decided.value, decided.reason.code.as_str()),
            (Bytes::from_mib(1024), "owner-raised")
        );
        let raised = ["limits", "requests"].map(|list| format!("{name}/{list}/memory"));
        assert!(one.raised.keys().eq(&raised), "{:?}", one.raised);
        world.accepted = Some(plan);
    }
}

#[test]
fn where_it_cant_be_told_nothing_moves() {
    let cases: [(&str, &[&str]); 4] = [
        ("two of two", &["main", "mesh"]),
        ("one for two", &["main"]),
        ("two for one", &["main", "proxy", "mesh"]),
        ("none in its place", &["proxy"]),
    ];
    for (case, names) in cases {
        let mut world = accepted();
        let before = before(&world);
        write(&mut world, &pods(names));
        let plan = world.plan();
        let after = &plan.spec.workloads[KEY];
        assert_eq!(after.containers, before.containers, "{case}");
        assert_eq!(after.scaler, before.scaler, "{case}");
        assert_eq!(after.main_container, "api", "{case}");
        assert_eq!(after.status, Status::Kept, "{case}");
        assert!(after.findings[CODE].detail.contains("can't be told"), "{case}");
        world.accepted = Some(plan.clone());
        assert_eq!(world.plan(), plan, "{case}");
    }
}

/// A sidecar of which no amount was ever written or decided is known all the same: it is no new name of what is gone.
#[test]
fn a_container_without_amounts_is_no_new_one() {
    let bare = |names: &[&str]| {
        let mut objects = pods(names);
        let containers = objects[0]["spec"]["template"]["spec"]["containers"].as_array_mut();
        let last = containers.and_then(|list| list.last_mut()).expect("a container");
        last.as_object_mut().expect("a map").remove("resources");
        objects
    };
    let mut world = World::new(
        WEB,
        &bare(&["api", "agent"]),
        vec![(KEY, facts("api", 300, wave, |_| 4))],
    );
    let first = world.plan();
    assert_eq!(first.spec.workloads[KEY].unwritten, ["agent"]);
    assert_eq!(first.spec.workloads[KEY].containers.len(), 1);
    world.accepted = Some(first);
    write(&mut world, &bare(&["agent"]));
    let plan = world.one("api");
    assert_eq!(looked_at(&plan), Some("api"));
    assert!(!plan.containers.contains_key("agent"));
}

#[test]
fn the_example_goes_on_after_a_rename() {
    let folder = production();
    let folder = folder.path();
    replace(folder, "apps/base/frontend.yaml", "name: server", "name: web");
    let words = ["container-renamed: container `web` was `server`", "nothing to change"];
    assert_ends(&trimtab(folder, &["plan", "overlays/production", "--write"]), 0, &words);
    let again = ["unchanged: overlays/production/plan.yaml"];
    assert_ends(&trimtab(folder, &["plan", "overlays/production", "--write"]), 0, &again);
    assert_ends(
        &trimtab(folder, &["explain", "--verify", "overlays/production"]),
        0,
        &[],
    );
}
