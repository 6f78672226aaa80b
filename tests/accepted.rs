//! Nothing that was accepted disappears by accident: what goes is a word of the policy, what stays is said.

use serde_json::{Value, json};
use trimtab::plan::model::{Status, WorkloadPlan};
use trimtab::report::PlanTable;

use crate::planning::{WEB, World, deployment, facts, settings, wave};

/// A part of a plan, its setting in the policy, the setting that takes it away, and how the plan shows it.
type Part = (
    &'static str,
    &'static str,
    &'static str,
    fn(&WorkloadPlan) -> Option<Value>,
);

/// A part as the plan writes it.
fn written(plan: &WorkloadPlan, key: &str) -> Option<Value> {
    serde_json::to_value(plan)
        .expect("a plan can be written")
        .get(key)
        .cloned()
}

const PARTS: [Part; 9] = [
    (
        "scaler",
        "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}}",
        "scaling: {mode: none}",
        |p| written(p, "scaler"),
    ),
    ("budget", "disruption: {mode: auto}", "disruption: {mode: none}", |p| {
        written(p, "disruption")
    }),
    (
        "stated budget",
        "disruption: {maxUnavailable: {value: 2}}",
        "disruption: {mode: none}",
        |p| written(p, "disruption"),
    ),
    ("VPA", "vpa: {mode: recommend}", "vpa: {mode: none}", |p| {
        written(p, "vpa")
    }),
    ("spread", "spread: {mode: zone}", "spread: {mode: none}", |p| {
        written(p, "spread")
    }),
    ("spot", "spot: {mode: prefer}", "spot: {mode: none}", |p| {
        written(p, "spot")
    }),
    (
        "replicas",
        "replicas: {count: {value: 5}}",
        "replicas: {mode: keep}",
        |p| written(p, "replicas"),
    ),
    (
        "grace period",
        "termination: {gracePeriod: {value: 60s}}",
        "termination: {mode: none}",
        |p| written(p, "gracePeriod"),
    ),
    (
        "preStop sleep",
        "termination: {preStopSleep: {value: 5s}}",
        "termination: {mode: none}",
        |p| written(p, "preStopSleep"),
    ),
];

/// A number that stays when its key goes is kept, and not stated any more; the values are the same.
fn unstated(mut part: Value) -> Value {
    match &mut part {
        Value::Object(fields) => {
            if fields.get("code") == Some(&json!("stated")) {
                fields.insert("code".to_owned(), json!("kept"));
            }
            fields.values_mut().for_each(|field| *field = unstated(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = unstated(item.take())),
        _ => {}
    }
    part
}

/// An environment that has everything, where pods may restart in every plan.
const CLUSTER: &str = "guardrails: {restart: {minInterval: 0d}}, \
                       cluster: {kubernetes: '1.33', provider: aws, zones: 3, addons: {vpa: '1.5'}}";

#[test]
fn what_was_accepted_stays_when_its_key_goes_and_goes_by_none() {
    for (part, stated, none, shown) in PARTS {
        let key = "Deployment/shop/api";
        let policy = |body: &str| {
            settings(&format!(
                "{{{CLUSTER}, workloads: {{api: {{requests: {{strategy: keep}}, {body}}}}}}}"
            ))
        };
        let history = vec![(key, facts("api", 300, wave, |_| 4))];
        let mut world = World::new(WEB, &[deployment("api", 3, "500m", "512Mi")], history);
        world.settings = policy(stated);
        let accepted = world.plan();
        let before = shown(&accepted.spec.workloads[key]);
        assert!(
            before.is_some(),
            "{part}: decided, {:?}",
            accepted.spec.workloads[key].findings
        );

        world.accepted = Some(accepted.clone());
        world.settings = policy("");
        world.profile = "sha256:2".to_owned();
        let lapsed = world.plan();
        let one = &lapsed.spec.workloads[key];
        let kept = before.clone().map(unstated);
        assert_eq!(
            shown(one).map(unstated),
            kept,
            "{part}: a key that went takes nothing away"
        );
        let said = &one
            .findings
            .get("stale")
            .unwrap_or_else(|| panic!("{part}: said"))
            .detail;
        assert!(said.contains("is not stated any more"), "{part}: {said}");

        // and again from what that plan left
        world.accepted = Some(lapsed);
        world.profile = "sha256:3".to_owned();
        let next = shown(&world.one("api")).map(unstated);
        assert_eq!(next, kept, "{part}: nor does the next plan");

        world.settings = policy(none);
        let plan = world.plan();
        let after = shown(&plan.spec.workloads[key]);
        assert_eq!(after, None, "{part}: `{none}` takes it away");
        let table = PlanTable::of([(&plan, world.accepted.as_ref())]);
        let changes = &table.environments[0].rows[0].changes;
        assert!(!changes.is_empty(), "{part}: that it goes is said");
        let object = match part {
            "scaler" => Some("horizontal scaler"),
            "budget" | "stated budget" => Some("PodDisruptionBudget"),
            "VPA" => Some("VerticalPodAutoscaler"),
            _ => None,
        };
        if let Some(object) = object {
            let gone = changes.iter().find(|change| change.field == object);
            let gone = gone.unwrap_or_else(|| panic!("{part}: {changes:?}"));
            assert_eq!(gone.after, None, "{part}");
            assert!(gone.reason.as_ref().is_some_and(|why| why.code == "stated"), "{part}");
        }
    }
}

/// A class that goes takes with it all that it said; a scaler that was observed only was never there.
#[test]
fn a_lost_class_takes_nothing_away_and_an_observed_plan_was_never_in_force() {
    let key = "Deployment/shop/api";
    let history = vec![(key, facts("api", 300, wave, |_| 4))];
    for (mode, stays) in [("enforce", true), ("observe", false)] {
        let policy = |body: &str| settings(&format!("{{mode: {mode}, {CLUSTER}, workloads: {{api: {{{body}}}}}}}"));
        let mut world = World::new(WEB, &[deployment("api", 3, "500m", "512Mi")], history.clone());
        world.settings = policy("class: web, vpa: {mode: recommend}");
        let accepted = world.plan();
        let before = &accepted.spec.workloads[key];
        assert!(before.scaler.is_some() && before.disruption.is_some() && !before.spread.is_empty());
        world.accepted = Some(accepted.clone());
        world.settings = policy("requests: {strategy: keep}");
        world.profile = "sha256:2".to_owned();
        let plan = world.one("api");
        assert_eq!(plan.scaler.is_some(), stays, "{mode}");
        assert_eq!(plan.disruption.is_some(), stays, "{mode}");
        assert_eq!(plan.vpa.is_some(), stays, "{mode}");
        assert_eq!(!plan.spread.is_empty(), stays, "{mode}");
    }
}

/// The policy names an addon or the provider no more: what was accepted for it stays, and that is said.
#[test]
fn a_cluster_key_that_goes_takes_nothing_away() {
    let key = "Deployment/shop/api";
    let body = "workloads: {api: {scaling: {mode: none}, vpa: {mode: recommend}, spot: {mode: prefer}}}";
    let history = vec![(key, facts("api", 300, wave, |_| 4))];
    let mut world = World::new(WEB, &[deployment("api", 3, "500m", "512Mi")], history);
    world.settings = settings(&format!("{{{CLUSTER}, {body}}}"));
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.settings = settings(&format!("{{{body}}}"));
    world.profile = "sha256:2".to_owned();
    let plan = world.one("api");
    let before = &accepted.spec.workloads[key];
    assert!(before.vpa.is_some() && before.spot.is_some());
    assert_eq!((&plan.vpa, &plan.spot), (&before.vpa, &before.spot));
    let said = &plan.findings["stale"].detail;
    assert!(said.contains("addons.vpa") && said.contains("spot nodes"), "{said}");
}

/// A metric of one container is known since 1.27. An adopted HPA that looked at the pod's sum by itself does so again; one
/// that names its container by itself shows that the cluster takes it.
#[test]
fn an_older_cluster_takes_the_one_container_out_of_an_accepted_scaler() {
    let key = "Deployment/shop/api";
    let hpa = |metric: &str| {
        let target = json!({"type": "Utilization", "averageUtilization": 70});
        let metric = match metric {
            "Resource" => json!({"type": metric, "resource": {"name": "cpu", "target": target}}),
            _ => json!({"type": metric, "containerResource": {"name": "cpu", "container": "api", "target": target}}),
        };
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "minReplicas": 2, "maxReplicas": 12, "metrics": [metric]
            }
        })
    };
    let mut pod = deployment("api", 4, "500m", "512Mi");
    let containers = &mut pod["spec"]["template"]["spec"]["containers"];
    let proxy = json!({"name": "proxy", "image": "registry.example/proxy:1", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}});
    containers.as_array_mut().expect("a list").push(proxy);
    let cases = [
        (Some("Resource"), None),
        (Some("ContainerResource"), Some("api")),
        (None, None),
    ];
    for (theirs, expected) in cases {
        let objects: Vec<Value> = [pod.clone()].into_iter().chain(theirs.map(hpa)).collect();
        let on =
            |version: &str| format!("{{cluster: {{kubernetes: '{version}'}}, workloads: {{api: {{class: web}}}}}}");
        let history = vec![(key, facts("api", 300, wave, |_| 4))];
        let mut world = World::new(&on("1.33"), &objects, history);
        let looked_at = |plan: &WorkloadPlan| {
            let scaler = plan.scaler.as_ref().expect("scaled");
            scaler.cpu.as_ref().expect("on CPU").container.clone()
        };
        let accepted = world.plan();
        assert_eq!(
            looked_at(&accepted.spec.workloads[key]).as_deref(),
            Some("api"),
            "{theirs:?}"
        );
        world.accepted = Some(accepted);
        world.settings = settings(&on("1.26"));
        let older = world.plan();
        let one = &older.spec.workloads[key];
        assert_eq!(looked_at(one).as_deref(), expected, "{theirs:?}");
        // the same where the accepted scaler is kept, as there is no history to decide on
        world.facts.clear();
        assert_eq!(looked_at(&world.one("api")).as_deref(), expected, "{theirs:?}, kept");
        world.accepted = Some(older.clone());
        assert_eq!(world.plan().spec.workloads, older.spec.workloads, "{theirs:?}, again");
    }
}

/// A rule stated what a preset now says: the template of a StatefulSet stays as it was accepted.
#[test]
fn a_stateful_set_keeps_what_a_rule_placed_when_the_rule_goes() {
    let key = "StatefulSet/shop/api";
    let mut manifest = deployment("api", 3, "500m", "512Mi");
    manifest["kind"] = json!("StatefulSet");
    let policy = |body: &str| {
        settings(&format!(
            "{{{CLUSTER}, workloads: {{api: {{class: web, scaling: {{mode: none}}, {body}}}}}}}"
        ))
    };
    let mut world = World::new(WEB, &[manifest], vec![(key, facts("api", 300, wave, |_| 3))]);
    world.settings = policy("spread: {mode: zone}");
    let accepted = world.plan();
    assert!(!accepted.spec.workloads[key].spread.is_empty());
    world.accepted = Some(accepted.clone());
    world.settings = policy("");
    world.profile = "sha256:2".to_owned();
    let plan = world.plan();
    assert_eq!(plan.spec.workloads[key].spread, accepted.spec.workloads[key].spread);
    assert!(
        plan.spec.workloads[key].findings["stale"]
            .detail
            .contains("spread.mode")
    );
}

/// A build that lost the pods of a workload takes nothing away, and a workload that never had any is named.
#[test]
fn a_template_without_containers_is_said_and_loses_nothing() {
    let key = "Deployment/shop/api";
    for cut in [
        "/spec/template",
        "/spec/template/spec",
        "/spec/template/spec/containers",
    ] {
        let mut empty = deployment("api", 3, "500m", "512Mi");
        let (parent, last) = cut.rsplit_once('/').expect("a path");
        let parent = empty.pointer_mut(parent).and_then(Value::as_object_mut).expect("a map");
        parent.remove(last);
        let history = vec![(key, facts("api", 300, wave, |_| 4))];
        let mut world = World::new(WEB, std::slice::from_ref(&empty), history.clone());
        let plan = world.one("api");
        assert_eq!(plan.status, Status::Refused, "{cut}");
        let said = &plan.findings["left-alone"].detail;
        assert_eq!(
            said, "its pod template has no containers; its manifest stays as it is",
            "{cut}"
        );

        let full = World::new(WEB, &[deployment("api", 3, "500m", "512Mi")], history).plan();
        world.accepted = Some(full.clone());
        let plan = world.one("api");
        assert_eq!(plan.status, Status::Kept, "{cut}");
        assert_eq!(plan.scaler, full.spec.workloads[key].scaler, "{cut}");
    }
}
