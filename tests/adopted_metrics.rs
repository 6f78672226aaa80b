//! What the owner of an HPA or ScaledObject scales on stays to the byte; of it we set one target, or none where it can't
//! be told which.

use serde_json::{Value, json};
use trimtab::plan::model::WorkloadPlan;

use crate::planning::{World, deployment, facts, wave};

const KEY: &str = "Deployment/shop/api";

fn share(kind: &str, container: Option<&str>, resource: &str, percent: u32) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    metric(kind, container, resource, &target)
}

fn amount(kind: &str, container: Option<&str>, resource: &str, amount: &str) -> Value {
    metric(
        kind,
        container,
        resource,
        &json!({"type": "AverageValue", "averageValue": amount}),
    )
}

fn metric(kind: &str, container: Option<&str>, resource: &str, target: &Value) -> Value {
    let mut source = json!({"name": resource, "target": target});
    if let Some(container) = container {
        source["container"] = container.into();
    }
    let key = if kind == "Resource" {
        "resource"
    } else {
        "containerResource"
    };
    json!({"type": kind, key: source})
}

fn external(name: &str) -> Value {
    json!({"type": "External", "external": {
        "metric": {"name": name, "selector": {"matchExpressions": [{"key": "q", "operator": "Exists"}]}},
        "target": {"type": "AverageValue", "averageValue": "30"}
    }})
}

/// A behaviour that no defaults would give: it has to survive as it is.
fn odd() -> Value {
    json!({
        "scaleUp": {"selectPolicy": "Min", "stabilizationWindowSeconds": 17, "policies": [
            {"type": "Pods", "value": 7, "periodSeconds": 13}, {"type": "Percent", "value": 900, "periodSeconds": 1800}]},
        "scaleDown": {"selectPolicy": "Disabled"}
    })
}

fn hpa(version: &str, spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 12}
    });
    for (key, value) in spec.as_object().expect("a map") {
        object["spec"][key] = value.clone();
    }
    object
}

fn two_containers() -> Value {
    let mut object = deployment("api", 4, "1", "1Gi");
    let containers = object["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .expect("a list");
    let resources = json!({"requests": {"cpu": "100m", "memory": "64Mi"}});
    containers.push(json!({"name": "proxy", "image": "registry.example/proxy:1", "resources": resources}));
    object
}

/// The entry of the workload, and the scaler as it is after rendering.
fn rendered(rule: &str, workload: Value, scaler: &Value) -> (WorkloadPlan, Value) {
    let spec = format!(
        "{{cluster: {{kubernetes: '1.33', addons: {{keda: '2.18'}}}}, workloads: {{api: {{class: web, {rule}}}}}}}"
    );
    let objects = [workload, scaler.clone()];
    let world = World::new(&spec, &objects, vec![(KEY, facts("api", 300, wave, |_| 4))]);
    let plan = world.plan();
    let (edits, _) = trimtab::render::render(&plan, &world.workloads);
    let after = trimtab::krm::apply(objects.to_vec(), &edits).expect("it applies");
    let kind = &scaler["kind"];
    let mut scalers = after.iter().filter(|object| object["kind"] == *kind);
    let (only, other) = (scalers.next().expect("it stays"), scalers.next());
    assert_eq!(other, None, "never doubled");
    (plan.spec.workloads[KEY].clone(), only.clone())
}

/// The metrics with every utilization share taken out of the one that is said to be ours.
fn without_ours(metrics: &Value, ours: usize) -> Value {
    let mut metrics = metrics.clone();
    let metric = &mut metrics[ours];
    for key in ["resource", "containerResource"] {
        if metric.get(key).is_some() {
            metric[key]["target"]["averageUtilization"] = Value::Null;
        }
    }
    metrics
}

#[test]
fn of_an_adopted_hpa_one_cpu_target_is_ours_and_all_else_stays() {
    let pod = || share("Resource", None, "cpu", 70);
    let main = || share("ContainerResource", Some("api"), "cpu", 70);
    let memory = || share("Resource", None, "memory", 80);
    for (case, workload, metrics, ours) in [
        ("cpu alone", deployment("api", 4, "1", "1Gi"), json!([pod()]), 0),
        (
            "an amount of cpu before the share",
            deployment("api", 4, "1", "1Gi"),
            json!([amount("Resource", None, "cpu", "800m"), pod()]),
            1,
        ),
        (
            "an amount of cpu behind the share",
            deployment("api", 4, "1", "1Gi"),
            json!([pod(), amount("Resource", None, "cpu", "800m")]),
            0,
        ),
        ("memory", deployment("api", 4, "1", "1Gi"), json!([memory(), pod()]), 1),
        (
            "something external",
            deployment("api", 4, "1", "1Gi"),
            json!([external("a"), pod(), external("b")]),
            1,
        ),
        (
            "the main container, and an amount of the other",
            two_containers(),
            json!([
                amount("ContainerResource", Some("proxy"), "cpu", "80m"),
                main(),
                memory()
            ]),
            1,
        ),
    ] {
        let theirs = hpa("v2", &json!({"metrics": metrics, "behavior": odd()}));
        let (plan, after) = rendered("spread: {mode: none}", workload, &theirs);
        let cpu = plan.scaler.as_ref().and_then(|scaler| scaler.cpu.as_ref());
        let target = cpu
            .unwrap_or_else(|| panic!("{case}: {:?}", plan.findings))
            .target
            .value;
        assert_eq!(
            without_ours(&after["spec"]["metrics"], ours),
            without_ours(&metrics, ours),
            "{case}"
        );
        let source = if metrics[ours].get("resource").is_some() {
            "resource"
        } else {
            "containerResource"
        };
        let written = &after["spec"]["metrics"][ours][source]["target"]["averageUtilization"];
        assert_eq!(format!("{written}%"), target.to_string(), "{case}");
        assert_eq!(after["spec"]["behavior"], odd(), "{case}");
        // a share of the request is never sized by usage per pod
        let reason = plan.containers["api"]
            .requests
            .cpu
            .as_ref()
            .map(|cpu| cpu.reason.code.clone());
        assert_ne!(reason.as_deref(), Some("percentile"), "{case}");
    }
}

#[test]
fn a_scaler_without_a_share_of_cpu_keeps_all_it_has() {
    for (case, metrics) in [
        ("an amount of cpu", json!([amount("Resource", None, "cpu", "800m")])),
        (
            "memory alone",
            json!([share("Resource", None, "memory", 80), external("a")]),
        ),
        ("external alone", json!([external("a")])),
    ] {
        let theirs = hpa("v2", &json!({"metrics": metrics, "behavior": odd()}));
        let (plan, after) = rendered("spread: {mode: none}", deployment("api", 4, "1", "1Gi"), &theirs);
        assert!(
            plan.scaler.is_some_and(|scaler| scaler.adopted && scaler.cpu.is_none()),
            "{case}"
        );
        assert_eq!(after["spec"]["metrics"], metrics, "{case}");
    }
}

/// A target that the policy states is one more beside an amount of the owner's: the larger count wins.
#[test]
fn a_stated_share_stands_beside_an_amount() {
    let metrics = json!([amount("Resource", None, "cpu", "800m")]);
    let theirs = hpa("v2", &json!({"metrics": metrics}));
    let rule = "spread: {mode: none}, scaling: {targets: {cpu: {value: 60%}}}";
    let (_, after) = rendered(rule, deployment("api", 4, "1", "1Gi"), &theirs);
    assert_eq!(
        after["spec"]["metrics"],
        json!([
            amount("Resource", None, "cpu", "800m"),
            share("Resource", None, "cpu", 60)
        ])
    );
}

#[test]
fn what_can_not_be_told_is_left_with_its_reason() {
    let both = json!([
        share("ContainerResource", Some("proxy"), "cpu", 80),
        share("ContainerResource", Some("api"), "cpu", 60)
    ]);
    let of_pod = json!([
        share("Resource", None, "cpu", 80),
        share("ContainerResource", Some("api"), "cpu", 60)
    ]);
    let memory = json!([
        share("Resource", None, "memory", 80),
        share("ContainerResource", Some("api"), "memory", 60)
    ]);
    let annotated = |key: &str| {
        let mut object = hpa("v1", &json!({"targetCPUUtilizationPercentage": 70}));
        object["metadata"]["annotations"] = json!({format!("autoscaling.alpha.kubernetes.io/{key}"): "[]"});
        object
    };
    let several = "targets of CPU utilization: which of them history speaks of can't be told";
    for (case, theirs, rule, said) in [
        ("two containers", hpa("v2", &json!({"metrics": both})), "", several),
        ("pod and container", hpa("v2", &json!({"metrics": of_pod})), "", several),
        (
            "pod and container, v2beta2",
            hpa("v2beta2", &json!({"metrics": of_pod})),
            "",
            several,
        ),
        (
            "memory",
            hpa("v2", &json!({"metrics": memory})),
            "scaling: {targets: {memory: {value: 70%}}}",
            "targets of memory utilization",
        ),
        (
            "v1 metrics",
            annotated("metrics"),
            "",
            "has metrics or behaviour in annotations",
        ),
        (
            "v1 behaviour",
            annotated("behavior"),
            "",
            "has metrics or behaviour in annotations",
        ),
        (
            "v2beta1",
            hpa("v2beta1", &json!({"metrics": []})),
            "",
            "which no cluster since 1.25 takes",
        ),
    ] {
        let (plan, after) = rendered(rule, two_containers(), &theirs);
        assert_eq!(after, theirs, "{case}");
        assert_eq!(plan.scaler, None, "{case}");
        let found = &plan.findings["left-alone"].detail;
        assert!(found.contains(said), "{case}: {found}");
    }
}

fn scaled_object(triggers: &Value) -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "theirs", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"name": "api"}, "minReplicaCount": 2, "maxReplicaCount": 9, "triggers": triggers}
    })
}

#[test]
fn of_an_adopted_scaled_object_the_named_triggers_are_ours() {
    let queue = |name: Option<&str>, value: &str| {
        let mut trigger = json!({
            "type": "rabbitmq", "metadata": {"queueName": "jobs", "hostFromEnv": "URL", "mode": "QueueLength", "value": value}
        });
        if let Some(name) = name {
            trigger["name"] = name.into();
        }
        trigger
    };
    let authenticated = |mut trigger: Value| {
        trigger["authenticationRef"] = json!({"name": "rabbit"});
        trigger
    };
    let cpu = |kind: Option<&str>, value: &str| {
        let mut trigger = json!({"type": "cpu", "name": "load", "metadata": {"value": value}});
        if let Some(kind) = kind {
            trigger["metricType"] = kind.into();
        }
        trigger
    };
    let ours = "mode: keda, triggers: {jobs: {type: rabbitmq, threshold: {value: '40'}, metadata: {queueName: jobs, hostFromEnv: URL, mode: QueueLength}}}";
    for (case, scaling, theirs, expected) in [
        (
            "named alike",
            ours.to_owned(),
            json!([queue(Some("other"), "10"), queue(Some("jobs"), "50")]),
            json!([queue(Some("other"), "10"), queue(Some("jobs"), "40")]),
        ),
        (
            "its authentication",
            ours.to_owned(),
            json!([authenticated(queue(Some("jobs"), "50"))]),
            json!([authenticated(queue(Some("jobs"), "40"))]),
        ),
        (
            "one without a name",
            ours.to_owned(),
            json!([queue(None, "50")]),
            json!([queue(Some("jobs"), "40")]),
        ),
        (
            "another name",
            ours.to_owned(),
            json!([queue(Some("other"), "50")]),
            json!([queue(Some("other"), "50"), queue(Some("jobs"), "40")]),
        ),
        (
            "a share of cpu, its name kept",
            "mode: keda, targets: {cpu: {value: 60%}}".to_owned(),
            json!([cpu(Some("AverageValue"), "800m"), cpu(Some("Utilization"), "70")]),
            json!([cpu(Some("AverageValue"), "800m"), cpu(Some("Utilization"), "60")]),
        ),
    ] {
        let rule = format!("scaling: {{{scaling}}}, spread: {{mode: none}}");
        let (plan, after) = rendered(&rule, deployment("api", 4, "1", "1Gi"), &scaled_object(&theirs));
        assert!(plan.scaler.is_some(), "{case}: {:?}", plan.findings);
        assert_eq!(after["spec"]["triggers"], expected, "{case}");
    }
    let kafka = json!({"type": "kafka", "name": "jobs", "metadata": {"bootstrapServers": "k:9092", "consumerGroup": "g", "topic": "t"}});
    for (case, theirs, said) in [
        (
            "the name of another",
            json!([kafka]),
            "has a trigger `jobs` of type `kafka`, and KEDA refuses a second one of that name",
        ),
        (
            "two without a name",
            json!([queue(None, "50"), queue(None, "60")]),
            "has several triggers of type `rabbitmq` without the name `jobs`",
        ),
    ] {
        let theirs = scaled_object(&theirs);
        let rule = format!("scaling: {{{ours}}}");
        let (plan, after) = rendered(&rule, deployment("api", 4, "1", "1Gi"), &theirs);
        assert_eq!(after, theirs, "{case}");
        let found = &plan.findings["left-alone"].detail;
        assert!(found.contains(said), "{case}: {found}");
    }
}
