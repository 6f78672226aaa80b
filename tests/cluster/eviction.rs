//! Placement and evictions by the real scheduler and the real disruption controller, on fake nodes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plane::{Plane, plane, until};

const SPREAD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.example/web:1, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
      tolerations: [{key: karpenter.sh/capacity-type, operator: Equal, value: spot, effect: NoSchedule}]
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {app: web}}
        - maxSkew: 1
          topologyKey: karpenter.sh/capacity-type
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
";

/// The pods of `namespace` once `count` of them are Ready.
fn ready_pods(plane: &Plane, namespace: &str, count: usize) -> Vec<Value> {
    let is_ready = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
    };
    until(&format!("{count} ready pods in {namespace}"), || {
        let pods = plane
            .client
            .json(&format!("/api/v1/namespaces/{namespace}/pods"))
            .ok()?;
        let ready: Vec<Value> = pods["items"]
            .as_array()?
            .iter()
            .filter(|pod| is_ready(pod))
            .cloned()
            .collect();
        (ready.len() == count).then_some(ready)
    })
}

/// How many of `pods` are on each kind of node, by the end of the node's name `ZONE-CAPACITY-TWIN`.
fn count_by(pods: &[Value], key: impl Fn(&str) -> String) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for pod in pods {
        *counts
            .entry(key(pod["spec"]["nodeName"].as_str().unwrap()))
            .or_default() += 1;
    }
    counts
}

fn evict(plane: &Plane, namespace: &str, pod: &Value) -> Result<String, String> {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}});
    plane.client.post(
        &format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction"),
        &eviction,
    )
}

/// From here on a pod that goes is not replaced (fake kubelets would have the next one Ready within milliseconds).
fn admit_no_more_pods(plane: &Plane, namespace: &str) {
    let limits = "{apiVersion: v1, kind: LimitRange, metadata: {name: closed}, spec: {limits: [{type: Container, min: {cpu: 7}}]}}";
    plane.apply(namespace, limits).unwrap();
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: probe, namespace: {namespace}}}, \
         spec: {{containers: [{{name: probe, image: probe, resources: {{requests: {{cpu: 100m}}}}}}]}}}}"
    );
    until("no more pods are admitted", || {
        plane.dry_run_strict(&pod).is_err().then_some(())
    });
}

#[test]
fn six_replicas_spread_over_zones_and_capacity_types() {
    let plane = plane().running();
    let namespace = plane.namespace("spread");
    plane.apply(&namespace, SPREAD).unwrap();
    let pods = ready_pods(plane, &namespace, 6);
    let zones = count_by(&pods, |node| node.split('-').next().unwrap().to_owned());
    assert_eq!(
        zones,
        BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 2), ("c".to_owned(), 2)])
    );
    let spot = count_by(&pods, |node| node.contains("-spot-").to_string());
    assert_eq!(spot, BTreeMap::from([("false".to_owned(), 3), ("true".to_owned(), 3)]));
}

#[test]
fn one_pod_may_go_under_max_unavailable_1_and_the_next_may_not() {
    let plane = plane().running();
    let namespace = plane.namespace("eviction");
    plane.apply(&namespace, SPREAD).unwrap();
    let pods = ready_pods(plane, &namespace, 6);
    admit_no_more_pods(plane, &namespace);
    until("the budget allows one disruption", || {
        let budget = plane
            .client
            .json(&format!(
                "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/web"
            ))
            .ok()?;
        (budget["status"]["disruptionsAllowed"] == 1).then_some(())
    });
    evict(plane, &namespace, &pods[0]).unwrap();
    let why = evict(plane, &namespace, &pods[1]).unwrap_err();
    assert!(
        why.starts_with("429") && why.contains("violate the pod's disruption budget"),
        "{why}"
    );
}
