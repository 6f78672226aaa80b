//! Inside a build the function sees renamed workloads and references that still have the former name: it does there what
//! the files do that were rendered from the finished build.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use trimtab::diag::Severity;
use trimtab::workload;

use crate::kustomize::{Kustomize, objects, write};

const SHOP: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: \"api:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api-scaler}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 3
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: \"worker:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker-scaler}
spec:
  scaleTargetRef: {name: worker}
  minReplicaCount: 2
  maxReplicaCount: 10
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: \"50\"}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: \"db:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db-advice}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
  updatePolicy: {updateMode: \"Off\"}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 3
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: \"web:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
";

const POLICY: &str = "\
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata:
  name: odd
  annotations: {config.kubernetes.io/function: 'exec: {path: trimtab}'}
spec:
  environment: prod
  mode: enforce
  identity: {namespace: odd, namePrefix: prd-, nameSuffix: -x}
  cluster: {kubernetes: \"1.33\", addons: {keda: \"2.18\", vpa: \"1.5\"}}
  workloads:
    api:
      requests: {cpu: {value: 400m}, memory: {value: 1Gi}}
      scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 60%}}}
    worker:
      requests: {cpu: {value: 400m}, memory: {value: 1Gi}}
      scaling: {mode: SCALING, minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 60%}}}
    db: {requests: {cpu: {value: 400m}, memory: {value: 1Gi}}, vpa: {mode: recommend}}
    web: {requests: {cpu: {value: 400m}, memory: {value: 1Gi}}}
";

/// Tells kustomize of the references that it does not know.
const TOLD: &str = "\
nameReference:
- kind: Deployment
  fieldSpecs:
  - {path: spec/scaleTargetRef/name, kind: ScaledObject}
  - {path: spec/workloadRef/name, kind: Rollout}
- kind: StatefulSet
  fieldSpecs:
  - {path: spec/targetRef/name, kind: VerticalPodAutoscaler}
";

fn tree(told: bool, scaling: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let configurations = if told { "configurations: [told.yaml]\n" } else { "" };
    let overlay = format!("resources: [../base]\nnamespace: odd\nnamePrefix: prd-\nnameSuffix: -x\n{configurations}");
    write(
        folder.path(),
        &[
            ("base/kustomization.yaml", "resources: [shop.yaml]"),
            ("base/shop.yaml", SHOP),
            ("prod/kustomization.yaml", &overlay),
            ("prod/told.yaml", TOLD),
            ("layer/policy.yaml", &POLICY.replace("SCALING", scaling)),
            (
                "layer/kustomization.yaml",
                "resources: [../prod, plan.yaml]\ntransformers: [policy.yaml]",
            ),
        ],
    );
    folder
}

fn trimtab(kustomize: &Kustomize, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.env("TRIMTAB_KUSTOMIZE", &kustomize.path).current_dir(folder);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| (object["kind"].to_string(), object["metadata"]["name"].to_string()));
    objects
}

/// Plans, renders and builds both ways: what both give, what `plan` said and what the function said.
fn both_ways(kustomize: &Kustomize, folder: &Path) -> (Vec<Value>, String, String) {
    let planned = trimtab(kustomize, &["plan", "layer", "--write"], folder);
    trimtab(kustomize, &["render", "layer", "-o", "rendered"], folder);
    let by_function = kustomize.build_with_functions(&folder.join("layer"));
    let built = sorted(objects(&by_function));
    let by_files = sorted(objects(&kustomize.build(&folder.join("rendered"))));
    assert_eq!(built, by_files, "{}: {}", kustomize.version, stderr(&by_function));
    (built, stderr(&planned), stderr(&by_function))
}

fn spec<'a>(built: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    built.iter().find(is_it).map(|object| &object["spec"])
}

/// Owner's references stay theirs to the end: kustomize puts them right when the function is done.
#[test]
fn adopted_objects_are_found_by_the_former_names_of_their_targets() {
    for kustomize in Kustomize::all() {
        let folder = tree(true, "keda");
        let (built, _, said) = both_ways(&kustomize, folder.path());
        for code in ["adopted-object-gone", "unknown-target", "two-scalers"] {
            assert!(!said.contains(code), "{said}");
        }
        let hpa = spec(&built, "HorizontalPodAutoscaler", "prd-api-scaler-x").unwrap();
        assert_eq!(
            (&hpa["scaleTargetRef"]["name"], &hpa["maxReplicas"]),
            (&"prd-api-x".into(), &6.into())
        );
        let scaled = spec(&built, "ScaledObject", "prd-worker-scaler-x").unwrap();
        assert_eq!(
            (&scaled["scaleTargetRef"]["name"], &scaled["maxReplicaCount"]),
            (&"prd-worker-x".into(), &6.into())
        );
        let vpa = spec(&built, "VerticalPodAutoscaler", "prd-db-advice-x").unwrap();
        assert_eq!(vpa["targetRef"]["name"], "prd-db-x");
        // one each: nothing is made beside what was adopted
        let kinds = ["HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"];
        assert_eq!(
            built
                .iter()
                .filter(|object| kinds.iter().any(|kind| object["kind"] == *kind))
                .count(),
            3
        );
        let web = spec(&built, "Deployment", "prd-web-x").unwrap();
        let requests = &web["template"]["spec"]["containers"][0]["resources"]["requests"];
        assert_eq!(requests["cpu"], "400m");
    }
}

/// kustomize is not told of a ScaledObject's target, so the owner's points at nothing: that is said with the name that
/// was meant, and the scaler that the plan made in its place is made by the function too, pointing at the final name.
#[test]
fn a_reference_that_stays_without_its_prefix_is_a_warning_and_counts_for_nothing() {
    for kustomize in Kustomize::all() {
        let folder = tree(false, "hpa");
        let (built, planned, said) = both_ways(&kustomize, folder.path());
        for said in [&planned, &said] {
            let words = "`ScaledObject/odd/prd-worker-scaler-x` points at `Deployment/worker`, which is not among the \
                         manifests; `Deployment/odd/prd-worker-x` is";
            assert!(said.contains(&format!("warning[unknown-target]: {words}")), "{said}");
        }
        let made = spec(&built, "HorizontalPodAutoscaler", "prd-worker-x").unwrap();
        assert_eq!(made["scaleTargetRef"]["name"], "prd-worker-x");
        let theirs = spec(&built, "ScaledObject", "prd-worker-scaler-x").unwrap();
        assert_eq!(
            (&theirs["scaleTargetRef"]["name"], &theirs["maxReplicaCount"]),
            (&"worker".into(), &10.into())
        );
    }
}

/// A name is near if what it has more stands in the scaler's own name too, and if it is the only such name.
#[test]
fn a_near_name_is_told_from_a_target_that_is_elsewhere() {
    let deployment = |name: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}});
    for (scaler, there, near) in [
        ("prd-api-scaler", &["prd-api"][..], Some("prd-api")),
        ("api-x", &["api-x"], Some("api-x")),
        ("prd-api-x", &["prd-api-x", "api-x-y"], Some("prd-api-x")),
        ("api", &["api-gateway"], None),
        ("eu-api", &["prd-api"], None),
        ("prd-eu-api", &["prd-api", "prd-eu-api"], None),
    ] {
        for (version, kind) in [
            ("keda.sh/v1alpha1", "ScaledObject"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ] {
            let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
            let mut objects: Vec<Value> = there.iter().map(|name| deployment(name)).collect();
            objects.push(json!({"apiVersion": version, "kind": kind, "metadata": {"name": scaler}, "spec": {"scaleTargetRef": target}}));
            let (workloads, found) = workload::read(&objects);
            assert_eq!(found.len(), 1, "{scaler}");
            let severity = if near.is_some() {
                Severity::Warning
            } else {
                Severity::Note
            };
            assert_eq!(found[0].severity, severity, "{scaler}");
            let missed = workloads
                .by_key
                .values()
                .filter(|workload| !workload.missed_by.is_empty());
            let missed: Vec<&str> = missed.map(|workload| workload.id.name.as_str()).collect();
            assert_eq!(missed, near.into_iter().collect::<Vec<_>>(), "{scaler}");
            assert!(workloads.by_key.values().all(|workload| workload.scalers.is_empty()));
        }
    }
}
