//! The judge says yes to good objects of the kinds that are rendered, and no to broken ones: it can be believed.

use crate::plane::plane;

/// The server's refusal of `yaml` holds all of `words`.
#[track_caller]
fn refused(yaml: &str, words: &[&str]) {
    let why = plane().dry_run_strict(yaml).expect_err("accepted");
    for word in words {
        assert!(why.contains(word), "`{word}` is not in: {why}");
    }
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: admission}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 45
      containers:
        - name: api
          image: registry.example/api:1
          resources: {requests: {cpu: 250m, memory: 512Mi}, limits: {memory: 768Mi}}
          lifecycle: {preStop: {sleep: {seconds: 10}}}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {app: api}}
";

const HPA: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api, namespace: admission}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 3
  maxReplicas: 15
  metrics:
    - type: ContainerResource
      containerResource: {name: cpu, container: api, target: {type: Utilization, averageUtilization: 65}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300, policies: [{type: Percent, value: 25, periodSeconds: 60}]}
";

const PDB: &str = "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: api, namespace: admission}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: api}}
";

const SCALED_OBJECT: &str = r#"
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs, namespace: admission}
spec:
  scaleTargetRef: {name: jobs}
  minReplicaCount: 1
  maxReplicaCount: 20
  triggers:
    - type: rabbitmq
      metadata: {queueName: jobs, mode: QueueLength, value: "20", hostFromEnv: AMQP_URL}
"#;

const VPA: &str = r#"
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: postgres, namespace: admission}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: postgres}
  updatePolicy: {updateMode: "Off"}
  resourcePolicy: {containerPolicies: [{containerName: "*", controlledResources: [cpu, memory]}]}
"#;

const ROLLOUT: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: admission}
spec:
  replicas: 3
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
";

#[test]
fn good_objects_of_every_kind_are_accepted() {
    let all = [DEPLOYMENT, HPA, PDB, SCALED_OBJECT, VPA, ROLLOUT].join("---");
    assert_eq!(plane().dry_run_strict(&all), Ok(()));
}

#[test]
fn a_dry_run_stores_nothing() {
    plane().dry_run_strict(PDB).unwrap();
    let stored = plane()
        .client
        .json("/apis/policy/v1/namespaces/admission/poddisruptionbudgets")
        .unwrap();
    assert_eq!(stored["items"], serde_json::json!([]));
}

#[test]
fn a_budget_with_both_bounds_is_refused() {
    let both = PDB.replace("  maxUnavailable: 1\n", "  maxUnavailable: 1\n  minAvailable: 1\n");
    refused(&both, &["422", "cannot be both set"]);
}

#[test]
fn an_unknown_field_is_refused() {
    refused(
        &HPA.replace("minReplicas", "minReplica"),
        &["400", "unknown field", "spec.minReplica"],
    );
    refused(
        &VPA.replace("controlledResources", "controlledResource"),
        &["400", "unknown field"],
    );
}

#[test]
fn a_key_written_twice_is_refused() {
    refused(
        &HPA.replace("  minReplicas: 3\n", "  minReplicas: 3\n  minReplicas: 4\n"),
        &["400", "minReplicas"],
    );
}

#[test]
fn a_wrong_type_is_refused() {
    refused(
        &HPA.replace("maxReplicas: 15", "maxReplicas: \"15\""),
        &["400", "maxReplicas"],
    );
}

#[test]
fn a_scaled_object_with_more_at_least_than_at_most_is_refused() {
    refused(
        &SCALED_OBJECT.replace("minReplicaCount: 1", "minReplicaCount: 21"),
        &["422", "minReplicaCount"],
    );
}

#[test]
fn an_hpa_with_more_at_least_than_at_most_is_refused() {
    refused(
        &HPA.replace("minReplicas: 3", "minReplicas: 16"),
        &["422", "maxReplicas"],
    );
}

#[test]
fn an_unknown_kind_is_refused() {
    refused(
        &PDB.replace("PodDisruptionBudget", "PodDisruptionBudge"),
        &["PodDisruptionBudge", "policy/v1"],
    );
}

#[test]
fn every_refused_object_of_a_stream_is_named() {
    let two = [
        HPA.replace("minReplicas: 3", "minReplicas: 16"),
        PDB.replace("maxUnavailable: 1", "maxUnavailable: -1"),
    ];
    refused(
        &two.join("---"),
        &["HorizontalPodAutoscaler api", "PodDisruptionBudget api"],
    );
}
