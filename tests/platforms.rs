//! Reference platforms said as policies: layered by plain kustomize, planned without history, rendered. The expected numbers
//! are those of the platform's own table.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use trimtab::krm::apply;
use trimtab::plan::model::Digests;
use trimtab::plan::{self, OptimizationPlan};
use trimtab::policy::{self, Source};
use trimtab::render;
use trimtab::units::{Bytes, Millicores};
use trimtab::workload;

use crate::kustomize::{Kustomize, objects, yaml};

/// The plan of an environment of the voice assistant, and what it makes of the manifests.
fn voice_assistant(environment: &str) -> (OptimizationPlan, Vec<Value>) {
    let folder = Path::new("tests/fixtures/platforms/voice-assistant").join(environment);
    let policy = objects(&Kustomize::newest().build(&folder)).remove(0);
    let settings = policy::parse(&policy, &Source::object("OptimizationPolicy", environment)).expect("a valid policy");
    let manifests =
        yaml(&std::fs::read_to_string("tests/fixtures/render/voice-assistant-prod/manifests.yaml").unwrap());
    let (workloads, _) = workload::read(&manifests);
    let (plan, _) = plan::plan(&plan::Inputs {
        settings: &settings,
        workloads: &workloads,
        facts: &BTreeMap::new(),
        accepted: None,
        digests: Digests::default(),
        window_end: None,
    });
    let (edits, _) = render::render(&plan, &workloads);
    (plan, apply(manifests, &edits).unwrap())
}

/// Replicas, CPU and memory targets of an HPA, and requests and limits of the container: the table's columns.
struct Row {
    workload: &'static str,
    scaler: Option<(u64, u64, u64, u64)>,
    cpu: (&'static str, &'static str),
    memory: (&'static str, &'static str),
    min_available: u64,
}

fn row(
    workload: &'static str,
    scaler: Option<(u64, u64, u64, u64)>,
    cpu: (&'static str, &'static str),
    memory: (&'static str, &'static str),
    min_available: u64,
) -> Row {
    Row {
        workload,
        scaler,
        cpu,
        memory,
        min_available,
    }
}

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}

fn assert_row(case: &str, objects: &[Value], row: &Row) {
    let case = format!("{case} {}", row.workload);
    let owner = find(objects, "Deployment", row.workload).or_else(|| find(objects, "StatefulSet", row.workload));
    let resources = &owner.expect(&case)["spec"]["template"]["spec"]["containers"][0]["resources"];
    let vpa = &find(objects, "VerticalPodAutoscaler", row.workload).expect(&case)["spec"];
    assert_eq!(vpa["updatePolicy"]["updateMode"], "Off", "{case}");
    let allowed = &vpa["resourcePolicy"]["containerPolicies"][0];
    for (found, (cpu, memory)) in [
        (&resources["requests"], (row.cpu.0, row.memory.0)),
        (&resources["limits"], (row.cpu.1, row.memory.1)),
        (&allowed["minAllowed"], (row.cpu.0, row.memory.0)),
        (&allowed["maxAllowed"], (row.cpu.1, row.memory.1)),
    ] {
        let text = |name: &str| {
            found[name]
                .as_str()
                .unwrap_or_else(|| panic!("{case}: no {name} in {found}"))
        };
        let millicores = |text: &str| text.parse::<Millicores>().unwrap();
        let bytes = |text: &str| text.parse::<Bytes>().unwrap();
        assert_eq!(millicores(text("cpu")), millicores(cpu), "{case}");
        assert_eq!(bytes(text("memory")), bytes(memory), "{case}");
    }
    let budget = &find(objects, "PodDisruptionBudget", row.workload).expect(&case)["spec"];
    assert_eq!(budget["minAvailable"], row.min_available, "{case}");
    assert_eq!(budget.get("maxUnavailable"), None, "{case}");
    let hpa = find(objects, "HorizontalPodAutoscaler", row.workload).map(|hpa| &hpa["spec"]);
    let found = hpa.map(|spec| {
        let target = |name: &str| {
            let metrics = spec["metrics"].as_array().unwrap().iter();
            let mut of = metrics.filter(|metric| metric["resource"]["name"] == name);
            of.next().unwrap()["resource"]["target"]["averageUtilization"]
                .as_u64()
                .unwrap()
        };
        let count = |name: &str| spec[name].as_u64().unwrap();
        (
            count("minReplicas"),
            count("maxReplicas"),
            target("cpu"),
            target("memory"),
        )
    });
    assert_eq!(found, row.scaler, "{case}");
}

#[test]
fn the_voice_assistant_has_the_numbers_of_its_table() {
    let redis = || row("redis", None, ("250m", "1000m"), ("256Mi", "1Gi"), 1);
    let postgresql = || row("postgresql", None, ("1000m", "4000m"), ("2Gi", "8Gi"), 1);
    let environments = [
        (
            "base",
            [
                row(
                    "api-gateway",
                    Some((2, 10, 70, 80)),
                    ("500m", "2000m"),
                    ("512Mi", "2Gi"),
                    1,
                ),
                row("worker", Some((1, 5, 80, 85)), ("1000m", "4000m"), ("1Gi", "4Gi"), 0),
                postgresql(),
                redis(),
            ],
        ),
        (
            "dev",
            [
                row(
                    "api-gateway",
                    Some((1, 3, 80, 80)),
                    ("250m", "1000m"),
                    ("256Mi", "1Gi"),
                    1,
                ),
                row("worker", Some((1, 2, 85, 85)), ("500m", "2000m"), ("512Mi", "2Gi"), 0),
                postgresql(),
                redis(),
            ],
        ),
        (
            "staging",
            [
                row(
                    "api-gateway",
                    Some((2, 6, 70, 80)),
                    ("500m", "2000m"),
                    ("512Mi", "2Gi"),
                    1,
                ),
                row("worker", Some((1, 3, 80, 85)), ("1000m", "4000m"), ("1Gi", "4Gi"), 0),
                postgresql(),
                redis(),
            ],
        ),
        (
            "prod",
            [
                row(
                    "api-gateway",
                    Some((3, 15, 65, 75)),
                    ("750m", "3000m"),
                    ("768Mi", "3Gi"),
                    1,
                ),
                row("worker", Some((2, 8, 75, 85)), ("1500m", "6000m"), ("1.5Gi", "6Gi"), 0),
                row("postgresql", None, ("2000m", "6000m"), ("4Gi", "12Gi"), 1),
                redis(),
            ],
        ),
    ];
    for (environment, rows) in &environments {
        let (plan, objects) = voice_assistant(environment);
        for row in rows {
            assert_row(environment, &objects, row);
        }
        assert_behaviour(environment, &objects);
        // with one replica the stated budget blocks every drain: rendered, and a finding that the policy accepts
        for (workload, accept) in [("postgresql", "single-postgresql"), ("redis", "single-redis")] {
            let findings = &plan.spec.workloads[&format!("StatefulSet/voice/{workload}")].findings;
            let finding = findings.get("pdb-blocks-evictions").expect(workload);
            assert_eq!(finding.accepted.as_deref(), Some(accept), "{environment}");
        }
    }
}

/// Metrics beside CPU and memory, and how fast: the same in every environment.
fn assert_behaviour(environment: &str, objects: &[Value]) {
    let spec = |name: &str| &find(objects, "HorizontalPodAutoscaler", name).unwrap()["spec"];
    let policies = |direction: &Value| {
        let mut policies: Vec<(String, u64, u64)> = direction["policies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| {
                let number = |key: &str| policy[key].as_u64().unwrap();
                (
                    policy["type"].as_str().unwrap().to_owned(),
                    number("value"),
                    number("periodSeconds"),
                )
            })
            .collect();
        policies.sort();
        policies
    };
    let owned = |policies: &[(&str, u64, u64)]| -> Vec<(String, u64, u64)> {
        policies
            .iter()
            .map(|(kind, value, period)| ((*kind).to_owned(), *value, *period))
            .collect()
    };
    let gateway = &spec("api-gateway")["behavior"];
    assert_eq!(
        policies(&gateway["scaleUp"]),
        owned(&[("Percent", 100, 30), ("Pods", 2, 30)]),
        "{environment}"
    );
    assert_eq!(
        policies(&gateway["scaleDown"]),
        owned(&[("Percent", 10, 300), ("Pods", 1, 300)]),
        "{environment}"
    );
    // "at most": the smaller of the two counts
    assert_eq!(
        (
            &gateway["scaleUp"]["selectPolicy"],
            &gateway["scaleDown"]["selectPolicy"]
        ),
        (&json!("Min"), &json!("Min"))
    );
    assert_eq!(gateway["scaleDown"]["stabilizationWindowSeconds"], 300, "{environment}");
    let worker = &spec("worker")["behavior"];
    assert_eq!(
        policies(&worker["scaleUp"]),
        owned(&[("Percent", 50, 60)]),
        "{environment}"
    );
    assert_eq!(
        policies(&worker["scaleDown"]),
        owned(&[("Percent", 10, 600)]),
        "{environment}"
    );
    assert_eq!(worker["scaleDown"]["stabilizationWindowSeconds"], 600, "{environment}");

    let target = |name: &str, kind: &str, metric: &str| {
        let metrics = spec(name)["metrics"].as_array().unwrap().iter();
        let mut of = metrics.filter(|one| one[kind]["metric"]["name"] == metric);
        of.next().unwrap_or_else(|| panic!("{environment}: no {metric}"))[kind]["target"].clone()
    };
    assert_eq!(
        target("api-gateway", "pods", "http_requests_per_second")["averageValue"],
        "100"
    );
    assert_eq!(target("worker", "external", "queue_depth")["averageValue"], "50");
    assert_eq!(target("worker", "external", "queue_age_seconds")["value"], "60");
}
