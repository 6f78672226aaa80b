//! What makes a run easy to read and to script: totals of a plan.

use serde_json::{Value, json};

use crate::kustomize::write;
use crate::sealed::{assert_ends, trimtab};

const SHOP: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: \"api:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}
      - {name: log, image: \"log:1\", resources: {limits: {cpu: 100m, memory: 128Mi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: \"db:1\", resources: {requests: {cpu: \"2\", memory: 4Gi}}}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: \"agent:1\", resources: {requests: {cpu: \"7\", memory: 7Gi}}}]}
";

const POLICY: &str = "\
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata: {name: shop}
spec:
  environment: shop
  mode: enforce
  cluster: {kubernetes: \"1.33\"}
  workloads:
    api:
      requests: {cpu: {value: 250m}, memory: {value: 768Mi}}
      scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 60%}}}
    db: {mode: observe, requests: {cpu: {value: \"1\"}, memory: {value: 2Gi}}}
    agent: {requests: {cpu: {value: \"1\"}, memory: {value: 1Gi}}}
";

/// Worked out by hand. Before: 3 x (500m + 100m) + 2 = 3.8 cores, 3 x (1024 + 128) + 4096 = 7552 MiB = 7.375 GiB, 3 + 1
/// pods. After: 2 x (250m + 100m) + 2 = 2.7 cores, 2 x (768 + 128) + 4096 = 5888 MiB = 5.75 GiB, 2 + 1 pods. What is only
/// observed stays, and a DaemonSet has as many pods as there are nodes.
#[test]
fn a_plan_ends_with_what_its_workloads_request_together() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yaml", SHOP), ("policy.yaml", POLICY)]);
    let words = "requested at the lowest replica counts: 3.8 → 2.7 cores, 7.38 → 5.75 GiB, 4 → 3 replicas";
    for format in ["table", "markdown"] {
        let plan = trimtab(folder.path(), &["plan", ".", "--format", format]);
        assert_ends(&plan, 0, &[words]);
    }
    let requested = |plan: &std::process::Output| {
        let page: Value = serde_json::from_slice(&plan.stdout).unwrap();
        page["environments"][0]["requested"].clone()
    };
    let plan = trimtab(folder.path(), &["plan", ".", "--format", "json"]);
    assert_eq!(
        requested(&plan),
        json!({
            "before": {"cpu": "3800m", "memory": "7552Mi", "replicas": 4},
            "after": {"cpu": "2700m", "memory": "5888Mi", "replicas": 3},
        })
    );
    // once accepted, it is what was there before
    assert_ends(&trimtab(folder.path(), &["plan", ".", "--write"]), 0, &[words]);
    let plan = trimtab(folder.path(), &["plan", "."]);
    assert_ends(
        &plan,
        0,
        &["requested at the lowest replica counts: 2.7 cores, 5.75 GiB, 3 replicas"],
    );
}
