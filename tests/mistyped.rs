//! A field of another shape than the API's: what stands there is never replaced by a value of ours, and it is said.

use serde_json::{Value, json};
use trimtab::diag::{Diagnostic, code};
use trimtab::krm::{Object, apply};
use trimtab::pipeline::{self, Inputs, Purpose};
use trimtab::plan::codec;
use trimtab::plan::model::{OptimizationPlan, Status};
use trimtab::policy::Source;
use trimtab::render::render;
use trimtab::workload;

use crate::planning::{World, deployment, facts, wave};

const KEY: &str = "Deployment/shop/api";
const CLUSTER: &str = "{kubernetes: '1.33', provider: aws, zones: 3, addons: {keda: '2.17', vpa: '1.5'}}";
const RULE: &str = "{class: web, scaling: {mode: hpa, minReplicas: {value: 3}, maxReplicas: {value: 9}}, disruption: {mode: auto}, \
                    spread: {mode: zone}, spot: {mode: prefer}, vpa: {mode: recommend, resources: memory}, \
                    requests: {memory: {value: 300Mi}}, termination: {gracePeriod: {value: 60s}, preStopSleep: {value: 5s}}}";
const POD: &str = "/spec/template/spec";
const CONTAINER: &str = "/spec/template/spec/containers/0";

fn api() -> Value {
    deployment("api", 4, "500m", "512Mi")
}

fn world(objects: &[Value]) -> World {
    let spec = format!("{{cluster: {CLUSTER}, workloads: {{api: {RULE}}}}}");
    World::new(&spec, objects, vec![(KEY, facts("api", 300, wave, |_| 4))])
}

/// The manifest with another value at a place.
fn with(mut object: Value, (parent, field): (&str, &str), value: &Value) -> Value {
    object.pointer_mut(parent).expect("the parent is there")[field] = value.clone();
    object
}

/// Place, what stands there, and how it is named.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<((&'static str, &'static str), Value, &'static str)> {
    let (text, list, map) = (json!("x"), json!(["x"]), json!({"x": "y"}));
    let affinity = |terms: Value| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
    vec![
        (("/metadata", "labels"), list.clone(), "metadata.labels is no map"),
        (
            ("/metadata", "annotations"),
            text.clone(),
            "metadata.annotations is no map",
        ),
        (("", "spec"), text.clone(), "spec is no map"),
        (("/spec", "selector"), text.clone(), "spec.selector is no map"),
        (("/spec", "replicas"), text.clone(), "replicas `x`"),
        (("/spec", "replicas"), map.clone(), "replicas `{\"x\":\"y\"}`"),
        (("/spec", "template"), list.clone(), "spec.template is no map"),
        (
            ("/spec/template", "metadata"),
            text.clone(),
            "spec.template.metadata is no map",
        ),
        (
            ("/spec/template/metadata", "labels"),
            list.clone(),
            "spec.template.metadata.labels is no map",
        ),
        (("/spec/template", "spec"), text.clone(), "spec.template.spec is no map"),
        (
            (POD, "containers"),
            map.clone(),
            "spec.template.spec.containers is no list of maps",
        ),
        (
            (POD, "containers"),
            list.clone(),
            "spec.template.spec.containers is no list of maps",
        ),
        (
            (POD, "containers"),
            json!([{"image": "api:1"}]),
            "spec.template.spec.containers has a container without a name",
        ),
        (
            (POD, "initContainers"),
            text.clone(),
            "spec.template.spec.initContainers is no list of maps",
        ),
        (
            (POD, "topologySpreadConstraints"),
            text.clone(),
            "spec.template.spec.topologySpreadConstraints is no list of maps",
        ),
        (
            (POD, "topologySpreadConstraints"),
            map.clone(),
            "spec.template.spec.topologySpreadConstraints is no list of maps",
        ),
        (
            (POD, "tolerations"),
            text.clone(),
            "spec.template.spec.tolerations is no list of maps",
        ),
        ((POD, "affinity"), text.clone(), "spec.template.spec.affinity is no map"),
        (
            (POD, "affinity"),
            json!({"nodeAffinity": []}),
            "spec.template.spec.affinity.nodeAffinity is no map",
        ),
        (
            (POD, "affinity"),
            affinity(json!([])),
            "requiredDuringSchedulingIgnoredDuringExecution is no map",
        ),
        (
            (POD, "affinity"),
            affinity(json!({"nodeSelectorTerms": "x"})),
            "nodeSelectorTerms is no list of maps",
        ),
        (
            (POD, "nodeSelector"),
            list.clone(),
            "spec.template.spec.nodeSelector is no map",
        ),
        (
            (POD, "volumes"),
            map.clone(),
            "spec.template.spec.volumes is no list of maps",
        ),
        (
            (POD, "terminationGracePeriodSeconds"),
            json!("30s"),
            "terminationGracePeriodSeconds is no count",
        ),
        (
            (CONTAINER, "resources"),
            text.clone(),
            "spec.template.spec.containers[api].resources is no map",
        ),
        (
            (CONTAINER, "resources"),
            json!({"requests": ["cpu"]}),
            "containers[api].resources.requests is no map",
        ),
        (
            (CONTAINER, "resources"),
            json!({"limits": "1Gi"}),
            "containers[api].resources.limits is no map",
        ),
        (
            (CONTAINER, "resources"),
            json!({"requests": {"cpu": "much"}}),
            "container `api` requests/cpu `much`",
        ),
        (
            (CONTAINER, "lifecycle"),
            text.clone(),
            "containers[api].lifecycle is no map",
        ),
        (
            (CONTAINER, "lifecycle"),
            json!({"preStop": "sleep 5"}),
            "containers[api].lifecycle.preStop is no map",
        ),
    ]
}

fn of_kind<'a>(objects: &'a [Object], kind: &str) -> Vec<&'a Object> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// An accepted plan over a manifest that was broken since: nothing of it goes into the manifest, half of it neither, and
/// what stands beside the workload stays, as it was accepted and would else be deleted.
#[test]
fn a_broken_manifest_stays_as_it_is_and_what_stands_beside_it_too() {
    let plan = world(&[api()]).plan();
    assert_eq!(plan.spec.workloads[KEY].status, Status::Planned);
    for (place, value, said) in cases() {
        let broken = with(api(), place, &value);
        let workloads = workload::read(std::slice::from_ref(&broken)).0;
        let (edits, found) = render(&plan, &workloads);
        let objects = apply(vec![broken.clone()], &edits).unwrap_or_else(|error| panic!("{said}: {error}"));
        assert_eq!(objects[0], broken, "{said}");
        for kind in ["HorizontalPodAutoscaler", "VerticalPodAutoscaler"] {
            assert_eq!(of_kind(&objects, kind).len(), 1, "{said}: {kind}");
        }
        let of_manifest: Vec<&Diagnostic> = found.iter().filter(|one| one.headline.contains(said)).collect();
        assert_eq!(of_manifest.len(), 1, "{said}: {found:#?}");
        let one = of_manifest[0];
        assert_eq!(
            (one.code, one.workload.as_deref()),
            (code::LEFT_ALONE, Some(KEY)),
            "{said}"
        );
        assert!(
            one.headline.ends_with("; its manifest stays as it is"),
            "{}",
            one.headline
        );
        let beside: Vec<String> = objects[1..]
            .iter()
            .map(|object| format!("`{}/shop/api`", object["kind"].as_str().unwrap_or_default()))
            .collect();
        assert!(
            beside.iter().all(|name| one.notes[0].contains(name)),
            "{said}: {:?}",
            one.notes
        );
    }
}

#[test]
fn a_broken_manifest_is_not_decided_on_and_keeps_what_was_accepted() {
    let accepted = world(&[api()]).plan();
    for (place, value, said) in cases() {
        let broken = [with(api(), place, &value)];
        let fresh = world(&broken).plan().spec.workloads.remove(KEY).expect("it is listed");
        assert_eq!(fresh.status, Status::Refused, "{said}");
        assert!(
            fresh.findings[code::LEFT_ALONE.as_str()].detail.contains(said),
            "{said}: {fresh:?}"
        );
        let mut later = world(&broken);
        later.accepted = Some(accepted.clone());
        let kept = later.plan().spec.workloads.remove(KEY).expect("it is kept");
        assert_eq!(kept.status, Status::Kept, "{said}");
        assert_eq!(kept.containers, accepted.spec.workloads[KEY].containers, "{said}");
    }
}

/// A Rollout whose template is elsewhere: its own object gets none from us, and its `replicas` go with the rest.
#[test]
fn a_rollout_without_its_template_is_not_given_one() {
    let mut rollout = api();
    rollout["apiVersion"] = json!("argoproj.io/v1alpha1");
    rollout["kind"] = json!("Rollout");
    let key = "Rollout/shop/api";
    let spec = format!("{{cluster: {CLUSTER}, workloads: {{api: {RULE}}}}}");
    let plan = World::new(&spec, &[rollout.clone()], vec![(key, facts("api", 300, wave, |_| 4))]).plan();
    let mut moved = rollout;
    moved["spec"] =
        json!({"replicas": 9, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere"}});
    let (edits, found) = render(&plan, &workload::read(std::slice::from_ref(&moved)).0);
    let objects = apply(vec![moved.clone()], &edits).unwrap();
    assert_eq!(objects[0], moved);
    assert_eq!(of_kind(&objects, "HorizontalPodAutoscaler").len(), 1);
    assert!(
        found
            .iter()
            .any(|one| one.code == code::LEFT_ALONE && one.headline.contains("`Deployment/elsewhere`")),
        "{found:#?}"
    );
}

/// Scaler, budget and VPA of the owner that the plan adopts, one field of which is broken afterwards.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_broken_object_of_the_owner_stays_as_it_is_and_the_rest_is_applied() {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    let own = |api_version: &str, kind: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "mine", "namespace": "shop"}, "spec": spec});
    let hpa = own(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        json!({"scaleTargetRef": target, "maxReplicas": 5}),
    );
    let scaled = own(
        "keda.sh/v1alpha1",
        "ScaledObject",
        json!({"scaleTargetRef": target, "triggers": [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}]}),
    );
    let budget = own(
        "policy/v1",
        "PodDisruptionBudget",
        json!({"maxUnavailable": 2, "selector": {"matchLabels": {"app": "api"}}}),
    );
    let vpa = own(
        "autoscaling.k8s.io/v1",
        "VerticalPodAutoscaler",
        json!({"targetRef": target}),
    );
    let keda = RULE.replace(
        "mode: hpa",
        "mode: keda, triggers: {day: {type: cron, metadata: {timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desiredReplicas: \"4\"}}}",
    );
    for (theirs, field, value, said) in [
        (
            &hpa,
            "metrics",
            json!({"cpu": 70}),
            "`.spec.metrics` of HorizontalPodAutoscaler/shop/mine is not a list",
        ),
        (
            &hpa,
            "maxReplicas",
            json!([5]),
            "`.spec.maxReplicas` of HorizontalPodAutoscaler/shop/mine is not a single value",
        ),
        (
            &scaled,
            "triggers",
            json!({"cpu": 70}),
            "`.spec.triggers` of ScaledObject/shop/mine is not a list",
        ),
        (
            &scaled,
            "maxReplicaCount",
            json!({}),
            "`.spec.maxReplicaCount` of ScaledObject/shop/mine is not a single value",
        ),
        (
            &budget,
            "maxUnavailable",
            json!({"percent": 25}),
            "`.spec.maxUnavailable` of PodDisruptionBudget/shop/mine is not a single value",
        ),
        (
            &vpa,
            "updatePolicy",
            json!("Off"),
            "`.spec.updatePolicy` of VerticalPodAutoscaler/shop/mine is not a map",
        ),
        (
            &vpa,
            "resourcePolicy",
            json!({"containerPolicies": {"api": {}}}),
            "`.spec.resourcePolicy.containerPolicies` of VerticalPodAutoscaler/shop/mine is not a list",
        ),
    ] {
        let rule = if theirs["kind"] == "ScaledObject" { &keda } else { RULE };
        // the budget's bound is stated, so that it is set
        let rule = rule.replace("disruption: {mode: auto}", "disruption: {maxUnavailable: {value: 1}}");
        let mut policy: Value =
            json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "OptimizationPolicy", "metadata": {"name": "test"}});
        let spec = format!("{{environment: test, mode: enforce, cluster: {CLUSTER}, workloads: {{api: {rule}}}}}");
        policy["spec"] = serde_yaml::from_str(&spec).unwrap();
        let world_spec = format!("{{cluster: {CLUSTER}, workloads: {{api: {rule}}}}}");
        let before = [api(), theirs.clone()];
        let plan: OptimizationPlan =
            World::new(&world_spec, &before, vec![(KEY, facts("api", 300, wave, |_| 4))]).plan();
        let broken = with(theirs.clone(), ("/spec", field), &value);
        let outcome = pipeline::run(&Inputs {
            purpose: Purpose::Apply,
            objects: vec![api(), broken.clone()],
            policy,
            policy_source: Source::object("OptimizationPolicy", "test"),
            plan: Some((codec::to_value(&plan), Source::object("OptimizationPlan", "test"))),
            prices: None,
            profiles: Vec::new(),
            threads: 1,
        })
        .unwrap_or_else(|found| panic!("{said}: {found:#?}"));
        let found = outcome.diagnostics.iter().find(|one| one.headline == said);
        assert_eq!(
            found.map(|one| one.code),
            Some(code::LEFT_ALONE),
            "{said}: {:#?}",
            outcome.diagnostics
        );
        let objects = outcome.objects.into_objects();
        assert_eq!(objects[1], broken, "{said}");
        let requests = objects[0].pointer("/spec/template/spec/containers/0/resources/requests/memory");
        assert_eq!(requests, Some(&json!("300Mi")), "{said}: the rest is applied");
        assert_eq!(of_kind(&objects, theirs["kind"].as_str().unwrap()).len(), 1, "{said}");
    }
}
