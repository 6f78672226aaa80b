//! What a policy states of scalers, budgets and VPAs: what planning takes a real API server takes, and what the policy
//! refuses it refuses too.

use serde_json::{Value, json};
use trimtab::krm::Object;
use trimtab::policy::Source;
use trimtab::yaml::{self, Limits};
use trimtab::{pipeline, policy};

use crate::plane::plane;

const HEAD: &str = r#"
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata: {name: judged}
spec:
  environment: test
  mode: enforce
  cluster: {kubernetes: "1.35", provider: aws, addons: {keda: "2.18", vpa: "1.5"}}
  workloads:
    api:
"#;

/// Rules without history: all they need is stated. Metrics, behaviour, triggers and bounds at their edges.
const ACCEPTED: &[&str] = &[
    "scaling: {mode: hpa, minReplicas: {value: 1}, maxReplicas: {value: 1}, targets: {cpu: {value: 1%}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, targets: {cpu: {value: 150%}, memory: {value: 80%}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, metrics: {q: {type: pods, metric: http_requests, averageValue: {value: \"1n\"}}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, metrics: {q: {type: external, metric: \"a:b\", selector: {app.kubernetes.io/name: v1.2}, value: {value: \"0.5\"}}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, metrics: {q: {type: object, metric: hits, describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}, averageValue: {value: \"1E\"}}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, targets: {cpu: {value: 70%}}, behavior: {scaleUp: {select: Disabled, stabilization: {max: 1h}, policies: {a: {type: Percent, value: 2147483647, period: 30m}}}, scaleDown: {stabilization: {min: 1h}, tolerance: 0%, policies: {a: {type: Pods, value: 1, period: 1s}}}}}",
    "scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 5}, targets: {cpu: {value: 70%}}, behavior: {scaleUp: {tolerance: 1000%}}}",
    "scaling: {mode: keda, minReplicas: {value: 0}, maxReplicas: {value: 5}, fallback: {failureThreshold: 0, replicas: 5}, triggers: {q: {type: rabbitmq, threshold: {value: \"1\"}, metadata: {queueName: q, mode: QueueLength, hostFromEnv: URL}, authenticationRef: {name: rabbit.mq, kind: ClusterTriggerAuthentication}, metricType: Value}}}",
    "scaling: {mode: keda, minReplicas: {value: 1}, maxReplicas: {value: 2147483647}, idleReplicas: 0, pollingInterval: 1s, cooldownPeriod: 0s, triggers: {q: {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: \"20\"}}}}",
    "scaling: {mode: keda, minReplicas: {value: 1}, maxReplicas: {value: 9}, targets: {cpu: {value: 70%}}, behavior: {scaleDown: {tolerance: 5%, stabilization: {value: 0s}}}}",
    "disruption: {maxUnavailable: {max: 2}}",
    "disruption: {minAvailable: {max: 1}}",
    "disruption: {maxUnavailable: {value: 100%}}",
    "vpa: {mode: initial, minAllowed: {cpu: 0m, memory: 1Gi}, maxAllowed: {cpu: \"1000000\", memory: 1Gi}}",
    "replicas: {count: {min: 2147483647}}, scaling: {mode: none}",
    "termination: {gracePeriod: {min: 60s}, preStopSleep: {min: 1s}}",
];

fn policy_of(rule: &str) -> Value {
    let text = format!("{HEAD}      {{match: {{names: {{api: true}}}}, {rule}}}\n");
    yaml::read_one(text.as_bytes(), &Limits::POLICY).unwrap()
}

fn deployment() -> Object {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "scalers"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "api"}},
            "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{
                "name": "api", "image": "registry.example/api:1",
                "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
            }]}}
        }
    })
}

fn rendered(rule: &str) -> pipeline::Outcome {
    let inputs = pipeline::Inputs {
        purpose: pipeline::Purpose::Plan,
        objects: vec![deployment()],
        policy: policy_of(rule),
        policy_source: Source::object("OptimizationPolicy", "judged"),
        plan: None,
        prices: None,
        profiles: vec![],
        threads: 1,
    };
    pipeline::run(&inputs).unwrap_or_else(|problems| panic!("{rule}: {problems:?}"))
}

#[test]
fn what_a_policy_may_state_the_api_server_takes() {
    let mut refusals = Vec::new();
    for rule in ACCEPTED {
        let outcome = rendered(rule);
        assert!(
            !outcome.edits.is_empty(),
            "{rule}: nothing rendered: {:?}",
            outcome.plan.spec.workloads
        );
        for object in &outcome.objects.clone().into_objects() {
            if let Err(error) = plane().dry_run_strict(&yaml::to_string(object)) {
                refusals.push(format!("{rule}: {error}"));
            }
        }
    }
    assert_eq!(refusals, Vec::<String>::new());
}

fn hpa(part: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "scalers"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 5}
    });
    for (key, value) in part.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

/// What the policy refuses, and what an object with it would be told: the refusal stands on the server's.
#[test]
fn what_a_policy_may_not_state_the_api_server_refuses() {
    let metric = |kind: &str, source: Value| hpa(&json!({"metrics": [{"type": kind, kind.to_lowercase(): source}]}));
    let policies = |policy: Value| hpa(&json!({"behavior": {"scaleUp": {"policies": [policy]}}}));
    let q = json!({"name": "q"});
    let value = |amount: &str| json!({"type": "Value", "value": amount});
    for (rule, object, words) in [
        (
            "scaling: {metrics: {q: {type: pods, metric: q, value: {value: \"5\"}}}}",
            metric("Pods", json!({"metric": q, "target": value("5")})),
            "must specify a positive target averageValue",
        ),
        (
            "scaling: {metrics: {q: {type: external, metric: q, value: {value: \"0\"}}}}",
            metric("External", json!({"metric": q, "target": value("0")})),
            "must be positive",
        ),
        (
            "scaling: {metrics: {q: {type: external, metric: a/b, value: {value: \"5\"}}}}",
            metric("External", json!({"metric": {"name": "a/b"}, "target": value("5")})),
            "may not contain '/'",
        ),
        (
            "scaling: {metrics: {q: {type: external, metric: \"\", value: {value: \"5\"}}}}",
            metric("External", json!({"metric": {"name": ""}, "target": value("5")})),
            "spec.metrics[0].external.metric.name",
        ),
        (
            "scaling: {metrics: {q: {type: object, metric: q, describedObject: {apiVersion: v1, kind: \"\", name: a}, value: {value: \"5\"}}}}",
            metric(
                "Object",
                json!({"metric": q, "describedObject": {"apiVersion": "v1", "kind": "", "name": "a"}, "target": value("5")}),
            ),
            "describedObject.kind",
        ),
        (
            "scaling: {behavior: {scaleUp: {policies: {a: {type: Pods, value: 1, period: 0s}}}}}",
            policies(json!({"type": "Pods", "value": 1, "periodSeconds": 0})),
            "must be greater than zero",
        ),
        (
            "scaling: {behavior: {scaleUp: {policies: {a: {type: Pods, value: 1, period: 31m}}}}}",
            policies(json!({"type": "Pods", "value": 1, "periodSeconds": 1860})),
            "must be less than or equal to 1800",
        ),
        (
            "scaling: {behavior: {scaleUp: {stabilization: {value: 61m}}}}",
            hpa(&json!({"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3660}}})),
            "must be less than or equal to 3600",
        ),
        (
            "scaling: {targets: {cpu: {value: 0%}}}",
            metric(
                "Resource",
                json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 0}}),
            ),
            "must be greater than 0",
        ),
        (
            "scaling: {minReplicas: {value: 6}, maxReplicas: {value: 5}}",
            hpa(&json!({"minReplicas": 6})),
            "must be greater than or equal to `minReplicas`",
        ),
    ] {
        let refused = policy::parse(&policy_of(rule), &Source::object("OptimizationPolicy", "judged"));
        assert!(refused.is_err(), "{rule}");
        let why = plane().dry_run_strict(&yaml::to_string(&object)).expect_err(rule);
        assert!(why.contains(words), "{rule}: `{words}` is not in: {why}");
    }
}
