//! Target and request as one decision, and what its reason shows.

use serde_json::json;

use crate::planning::{World, deployment, facts};

/// The request follows the target, so that pods are added at the same load; what a pod really uses stands beside it.
#[test]
fn a_solved_request_shows_what_a_pod_uses() {
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": 2, "maxReplicas": 6,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]
        }
    });
    // steady 400m in 2 pods: 200m each
    let world = World::new(
        "{workloads: {api: {scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 50%}}}}}}",
        &[deployment("api", 2, "500m", "512Mi"), hpa],
        vec![("Deployment/shop/api", facts("api", 300, |_| 400, |_| 2))],
    );
    let plan = world.one("api");
    let request = plan.containers["api"].requests.cpu.clone().unwrap();
    // 500m x 80 % = 400m; at 50 % that is 800m
    assert_eq!(
        (request.value.to_string(), request.reason.code.as_str()),
        ("800m".to_owned(), "scale-point-kept")
    );
    let inputs: Vec<(&str, &str)> = request
        .reason
        .inputs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(inputs, [("p95", "200m"), ("solved", "800m"), ("target", "50%")]);
}
