use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::diag::{Severity, code};

fn objects(text: &str) -> Vec<Object> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|value| !value.is_null())
        .collect()
}

/// A Deployment of three pods; `pod` is put into the pod spec, `more` into `spec`.
fn deployment(name: &str, pod: &str, more: &str) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: {name}}}}}
  {more}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {pod}
      containers:
      - {{name: main, image: x, resources: {{requests: {{cpu: 1, memory: 1Gi}}}}}}
"
    )
}

fn object(api_version: &str, kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n")
}

fn hpa(spec: &str) -> String {
    let target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}";
    object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "api",
        &format!("{{{target}, {spec}}}"),
    )
}

const CPU: &str = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}";
const QUEUE: &str = "{type: External, external: {metric: {name: q}, target: {type: AverageValue, averageValue: 5}}}";

fn vpa(policy: &str) -> String {
    let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}";
    let policy = format!("resourcePolicy: {{containerPolicies: [{{containerName: '*', {policy}}}]}}");
    object(
        "autoscaling.k8s.io/v1",
        "VerticalPodAutoscaler",
        "api",
        &format!("{{{target}, {policy}}}"),
    )
}

const RABBIT: &str =
    "{type: rabbitmq, authenticationRef: {name: r}, metadata: {queueName: q, mode: QueueLength, value: '5'}}";

fn pdb(spec: &str) -> String {
    object("policy/v1", "PodDisruptionBudget", "api", spec)
}

fn scaled_object(spec: &str) -> String {
    object(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "api",
        &format!("{{scaleTargetRef: {{name: api}}, {spec}}}"),
    )
}

const CRON: &str = "{type: cron, metadata: {start: 0 8 * * *, end: 0 18 * * *, timezone: UTC, desiredReplicas: '3'}}";
const CPU_TRIGGER: &str = "{type: cpu, metricType: Utilization, metadata: {value: '70'}}";

fn api(pod: &str) -> String {
    deployment("api", pod, "")
}

#[expect(clippy::too_many_lines, reason = "a table")]
/// Code, what it is about, an object set without the fault and one with it.
fn table() -> Vec<(Code, &'static str, String, String)> {
    let spot = |key: &str| format!("nodeSelector: {{{key}}}\n      terminationGracePeriodSeconds: 15");
    let spread = |fields: &str| {
        format!("topologySpreadConstraints: [{{topologyKey: topology.kubernetes.io/zone, maxSkew: 1, {fields}}}]")
    };
    let own = "labelSelector: {matchLabels: {app: api}}";
    let one = |spec: &str| api("") + &hpa(spec);
    let metric = |metric: &str| format!("minReplicas: 2, maxReplicas: 5, metrics: [{metric}]");
    let stateful = |pod: &str| {
        api(pod).replace("kind: Deployment", "kind: StatefulSet")
            + "  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]\n"
    };
    vec![
        (
            code::TWO_SCALERS,
            "an HPA and a ScaledObject",
            one(&metric(CPU)),
            one(&metric(CPU)) + &scaled_object(&format!("minReplicaCount: 1, triggers: [{CRON}]")),
        ),
        (
            code::TWO_SCALERS,
            "an HPA that the ScaledObject takes over",
            one(&metric(CPU))
                + &scaled_object(&format!(
                    "minReplicaCount: 1, advanced: {{horizontalPodAutoscalerConfig: {{name: api}}}}, triggers: [{CRON}]"
                )),
            one(&metric(CPU))
                + &scaled_object(&format!(
                    "minReplicaCount: 1, advanced: {{horizontalPodAutoscalerConfig: {{name: other}}}}, triggers: [{CRON}]"
                )),
        ),
        (
            code::TWO_SCALERS,
            "selectors that overlap",
            one(&metric(CPU)) + &deployment("web", "", "") + &hpa(&metric(CPU)).replace("name: api", "name: web"),
            one(&metric(CPU))
                + &deployment("web", "", "").replace("{labels: {app: web}}", "{labels: {app: api}}")
                + &hpa(&metric(CPU)).replace("name: api", "name: web"),
        ),
        (
            code::NOT_SCALABLE,
            "a DaemonSet",
            one(&metric(CPU)),
            hpa(&metric(CPU)).replace("kind: Deployment", "kind: DaemonSet"),
        ),
        (
            code::NOT_SCALABLE,
            "a target without apiVersion",
            one(&metric(CPU)),
            one(&metric(CPU)).replace("apiVersion: apps/v1, kind: Deployment, name", "kind: Deployment, name"),
        ),
        (
            code::NOT_SCALABLE,
            "a Deployment behind a Rollout",
            one(&metric(CPU)),
            one(&metric(CPU))
                + &object(
                    "argoproj.io/v1alpha1",
                    "Rollout",
                    "api",
                    "{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: api}, selector: {matchLabels: {app: api}}}",
                ),
        ),
        (
            code::SCALER_FIGHTS_VPA,
            "CPU by both",
            one(&metric(CPU)) + &vpa("controlledResources: [memory]"),
            one(&metric(CPU)) + &vpa("controlledResources: [cpu, memory]"),
        ),
        (
            code::SCALER_FIGHTS_VPA,
            "a policy that controls nothing",
            one(&metric(CPU)) + &vpa("mode: 'Off'"),
            one(&metric(CPU)) + &vpa("mode: Auto"),
        ),
        (
            code::UTILIZATION_WITHOUT_REQUEST,
            "a sidecar without a request",
            one(&metric(CPU)),
            one(&metric(CPU)).replace(
                "      containers:\n",
                "      containers:\n      - {name: log, image: y}\n",
            ),
        ),
        (
            code::UTILIZATION_WITHOUT_REQUEST,
            "a container that is not there",
            one(&metric(&CPU.replace(
                "Resource, resource: {",
                "ContainerResource, containerResource: {container: main, ",
            ))),
            one(&metric(&CPU.replace(
                "Resource, resource: {",
                "ContainerResource, containerResource: {container: gone, ",
            ))),
        ),
        (
            code::SCALE_TO_ZERO_WITHOUT_SIGNAL,
            "zero on CPU",
            one(&format!("minReplicas: 0, maxReplicas: 5, metrics: [{CPU}, {QUEUE}]")),
            one(&format!("minReplicas: 0, maxReplicas: 5, metrics: [{CPU}]")),
        ),
        (
            code::SCALE_TO_ZERO_WITHOUT_SIGNAL,
            "a start at zero",
            one(&metric(CPU)),
            one(&metric(CPU)).replace("replicas: 3", "replicas: 0"),
        ),
        (
            code::REPLICAS_UNDER_SCALER,
            "a count beside an HPA",
            one(&metric(CPU)).replace("replicas: 3", "paused: false"),
            one(&metric(CPU)),
        ),
        (
            code::REPLICA_BOUNDS,
            "above each other",
            one("minReplicas: 2, maxReplicas: 5"),
            one("minReplicas: 6, maxReplicas: 5"),
        ),
        (
            code::REPLICA_BOUNDS,
            "KEDA's default maximum",
            scaled_object(&format!("minReplicaCount: 99, triggers: [{CRON}]")),
            scaled_object(&format!("minReplicaCount: 101, triggers: [{CRON}]")),
        ),
        (
            code::PDB_BLOCKS_EVICTIONS,
            "all of the lowest count",
            one(&metric(CPU)) + &pdb("{minAvailable: 1, selector: {matchLabels: {app: api}}}"),
            one(&metric(CPU)) + &pdb("{minAvailable: 2, selector: {matchLabels: {app: api}}}"),
        ),
        (
            code::PDB_BLOCKS_EVICTIONS,
            // 60 % of 3 = 1.8, 2 stay; 75 % of 3 = 2.25, all 3 stay
            "a share that rounds up to all",
            api("") + &pdb("{minAvailable: 60%, selector: {matchLabels: {app: api}}}"),
            api("") + &pdb("{minAvailable: 75%, selector: {matchLabels: {app: api}}}"),
        ),
        (
            code::PDB_BLOCKS_EVICTIONS,
            "no bound at all",
            api("") + &pdb("{maxUnavailable: 1%, selector: {matchLabels: {app: api}}}"),
            api("") + &pdb("{selector: {matchLabels: {app: api}}}"),
        ),
        (
            code::PDB_PROTECTS_NOTHING,
            "all of one pod",
            one(&metric(CPU)) + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            one("minReplicas: 1, maxReplicas: 5") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
        ),
        (
            code::PDB_SELECTOR,
            "everything",
            api("") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            api("") + &pdb("{maxUnavailable: 1, selector: {}}"),
        ),
        (
            code::PDB_SELECTOR,
            "two workloads",
            api("") + &deployment("web", "", "") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            api("")
                + &deployment("web", "", "")
                + &pdb(
                    "{maxUnavailable: 1, selector: {matchExpressions: [{key: app, operator: In, values: [api, web]}]}}",
                ),
        ),
        (
            code::PDB_SELECTOR,
            "nothing",
            api("") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            api("") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: apl}}}"),
        ),
        (
            code::TWO_BUDGETS,
            "one pod in two",
            api("") + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            api("")
                + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}")
                + &pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}").replace("name: api,", "name: api2,"),
        ),
        (
            code::SPREAD_UNSATISFIABLE,
            "more domains than the node selector leaves",
            api(&spread(&format!(
                "whenUnsatisfiable: DoNotSchedule, minDomains: 3, {own}"
            ))),
            api(&format!(
                "nodeSelector: {{topology.kubernetes.io/zone: a}}\n      {}",
                spread(&format!("whenUnsatisfiable: DoNotSchedule, minDomains: 3, {own}"))
            )),
        ),
        (
            code::SPREAD_UNSATISFIABLE,
            "minDomains of a preference",
            api(&spread(&format!("whenUnsatisfiable: ScheduleAnyway, {own}"))),
            api(&spread(&format!(
                "whenUnsatisfiable: ScheduleAnyway, minDomains: 3, {own}"
            ))),
        ),
        (
            code::SPREAD_UNSATISFIABLE,
            "somebody else's pods",
            api(&spread(&format!("whenUnsatisfiable: ScheduleAnyway, {own}"))),
            api(&spread(
                "whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}",
            )),
        ),
        (
            code::SPOT_UNSAFE,
            "a single pod",
            api(&spot("karpenter.sh/capacity-type: spot")),
            api(&spot("karpenter.sh/capacity-type: spot")).replace("replicas: 3", "replicas: 1"),
        ),
        (
            code::SPOT_UNSAFE,
            "volumes of its own",
            stateful(&spot("karpenter.sh/capacity-type: on-demand")),
            stateful(&spot("eks.amazonaws.com/capacityType: SPOT")),
        ),
        (
            code::GRACE_BEYOND_NOTICE,
            "more than GKE gives",
            api(&spot("cloud.google.com/gke-spot: 'true'")),
            api(&spot("cloud.google.com/gke-spot: 'true'").replace("Seconds: 15", "Seconds: 16")),
        ),
        (
            code::REQUEST_ABOVE_LIMIT,
            "of a container",
            api("").replace("memory: 1Gi}", "memory: 1Gi}, limits: {cpu: 1000m, memory: 1024Mi}"),
            api("").replace("memory: 1Gi}", "memory: 1Gi}, limits: {cpu: 1000m, memory: 1G}"),
        ),
        (
            code::REQUEST_ABOVE_LIMIT,
            "of the pod",
            api("resources: {requests: {cpu: 1500m}, limits: {cpu: 2}}"),
            api("resources: {requests: {cpu: 2500m}, limits: {cpu: 2}}"),
        ),
        (
            code::REQUEST_ABOVE_LIMIT,
            "of containers above the pod's",
            api("resources: {limits: {cpu: 1}}"),
            api("resources: {limits: {cpu: 900m}}"),
        ),
        (
            code::REQUEST_ABOVE_LIMIT,
            "a container's limit above the pod's",
            api("resources: {limits: {cpu: 2}}").replace("memory: 1Gi}", "memory: 1Gi}, limits: {cpu: 2}"),
            api("resources: {limits: {cpu: 2}}").replace("memory: 1Gi}", "memory: 1Gi}, limits: {cpu: 3}"),
        ),
        (
            code::PRE_STOP_TOO_LONG,
            "a sleep",
            api("").replace("image: x,", "image: x, lifecycle: {preStop: {sleep: {seconds: 29}}},"),
            api("").replace("image: x,", "image: x, lifecycle: {preStop: {sleep: {seconds: 30}}},"),
        ),
        (
            code::PRE_STOP_TOO_LONG,
            "a command that sleeps",
            api("").replace(
                "image: x,",
                "image: x, lifecycle: {preStop: {exec: {command: [sh, -c, 'drain; sleep 10']}}},",
            ),
            api("").replace(
                "image: x,",
                "image: x, lifecycle: {preStop: {exec: {command: [sh, -c, 'drain; sleep 45; true']}}},",
            ),
        ),
        (
            code::TRIGGER_INVALID,
            "metadata that lacks something",
            scaled_object(&format!("triggers: [{CRON}]")),
            scaled_object(&format!("triggers: [{}]", CRON.replace("timezone: UTC, ", ""))),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "zero on CPU",
            scaled_object(&format!("minReplicaCount: 1, triggers: [{CPU_TRIGGER}]")),
            scaled_object(&format!("triggers: [{CPU_TRIGGER}]")),
        ),
        (
            code::SCHEDULE_BEYOND_BOUNDS,
            "more than the maximum",
            scaled_object(&format!("maxReplicaCount: 3, triggers: [{CRON}]")),
            scaled_object(&format!("maxReplicaCount: 2, triggers: [{CRON}]")),
        ),
        (
            code::SCHEDULE_BEYOND_BOUNDS,
            "no more than the minimum",
            scaled_object(&format!("minReplicaCount: 2, triggers: [{CRON}]")),
            scaled_object(&format!("minReplicaCount: 3, triggers: [{CRON}]")),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "idle pods",
            scaled_object(&format!("minReplicaCount: 3, idleReplicaCount: 0, triggers: [{CRON}]")),
            scaled_object(&format!("minReplicaCount: 3, idleReplicaCount: 1, triggers: [{CRON}]")),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "idle as high as the minimum",
            scaled_object(&format!("minReplicaCount: 1, idleReplicaCount: 0, triggers: [{CRON}]")),
            scaled_object(&format!("idleReplicaCount: 0, triggers: [{CRON}]")),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "a fallback beyond the maximum",
            scaled_object(&format!(
                "maxReplicaCount: 5, fallback: {{failureThreshold: 3, replicas: 5}}, triggers: [{CRON}]"
            )),
            scaled_object(&format!(
                "maxReplicaCount: 5, fallback: {{failureThreshold: 3, replicas: 6}}, triggers: [{CRON}]"
            )),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "a cached schedule",
            scaled_object(&format!("triggers: [{CRON}]")),
            scaled_object(&format!(
                "triggers: [{}]",
                CRON.replace("{type: cron", "{type: cron, useCachedMetrics: true")
            )),
        ),
        (
            code::SCALED_OBJECT_REFUSED,
            "one name twice",
            scaled_object(&format!(
                "triggers: [{}, {CRON}]",
                CRON.replace("{type: cron", "{type: cron, name: a")
            )),
            scaled_object(&format!(
                "triggers: [{0}, {0}]",
                CRON.replace("{type: cron", "{type: cron, name: a")
            )),
        ),
        (
            code::NO_FALLBACK,
            "a source that can fail",
            scaled_object(&format!(
                "fallback: {{failureThreshold: 3, replicas: 2}}, triggers: [{RABBIT}]"
            )),
            scaled_object(&format!("triggers: [{RABBIT}, {CRON}]")),
        ),
        (
            code::API_REMOVED,
            "a budget of v1beta1",
            pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}"),
            pdb("{maxUnavailable: 1, selector: {matchLabels: {app: api}}}").replace("policy/v1", "policy/v1beta1"),
        ),
        (
            code::API_REMOVED,
            "a Deployment of an old version",
            api(""),
            api("").replace("apps/v1", "apps/v1beta2"),
        ),
    ]
}

fn found(text: &str, code: Code) -> Vec<Diagnostic> {
    lint(&objects(text))
        .into_iter()
        .filter(|diagnostic| diagnostic.code == code)
        .collect()
}

#[test]
fn each_fault_is_found_and_its_absence_is_quiet() {
    for (code, what, good, bad) in table() {
        let quiet = found(&good, code);
        assert!(quiet.is_empty(), "{code}, {what}: {quiet:?}");
        let loud = found(&bad, code);
        assert_eq!(loud.len(), 1, "{code}, {what}: {loud:?}");
        assert!(
            loud[0].place.is_some() && (loud[0].severity == Severity::Error) == (code == code::REQUEST_ABOVE_LIMIT),
            "{code}, {what}: not our object"
        );
    }
}

#[test]
fn every_rule_is_in_the_table_and_has_a_page() {
    for rule in RULES {
        // knows nothing without a cluster: `fields_of_newer_versions_are_found`
        let needs_cluster = rule.code() == code::UNSUPPORTED_VERSION;
        let is_in_table = table().iter().any(|(code, ..)| *code == rule.code());
        assert!(is_in_table || needs_cluster, "{}", rule.code());
        assert!(!rule.code().page().is_empty(), "{}", rule.code());
    }
}

#[test]
fn what_we_made_is_an_error() {
    let label = "labels: {trimtab.dev/managed-by: trimtab}, namespace: shop";
    for (code, what, _, bad) in table() {
        let is_note = matches!(
            code,
            code::REPLICAS_UNDER_SCALER | code::NO_FALLBACK | code::PDB_PROTECTS_NOTHING | code::SCHEDULE_BEYOND_BOUNDS
        );
        let is_ours_to_make = !matches!(
            code,
            code::SPREAD_UNSATISFIABLE | code::SPOT_UNSAFE | code::GRACE_BEYOND_NOTICE | code::PRE_STOP_TOO_LONG
        );
        let is_about_selectors = what == "selectors that overlap";
        if is_ours_to_make && !is_note && !is_about_selectors {
            let ours = found(&bad.replace("namespace: shop", label), code);
            assert_eq!(ours.len(), 1, "{code}, {what}");
            assert_eq!(ours[0].severity, Severity::Error, "{code}, {what}: {ours:?}");
        }
    }
}

/// KEDA takes it, so it is said under a code of its own, and each is told the place to mend it.
#[test]
fn a_missing_fallback_refuses_nothing_and_is_mended_where_the_object_comes_from() {
    let theirs = scaled_object(&format!("minReplicaCount: 1, maxReplicaCount: 5, triggers: [{RABBIT}]"));
    let ours = theirs.replace(
        "namespace: shop",
        "labels: {trimtab.dev/managed-by: trimtab}, namespace: shop",
    );
    for (text, place) in [(theirs, "add `fallback:"), (ours, "in the workload's rule")] {
        assert!(found(&text, code::SCALED_OBJECT_REFUSED).is_empty());
        let note = &found(&text, code::NO_FALLBACK)[0];
        assert_eq!(note.severity, Severity::Note);
        assert!(note.help.as_deref().unwrap_or_default().contains(place), "{note:?}");
    }
}

#[test]
fn the_clusters_zones_nodes_and_version_are_known() {
    let policy = "{apiVersion: trimtab.dev/v1alpha1, kind: OptimizationPolicy, metadata: {name: t}, spec: {environment: t, \
        cluster: {kubernetes: '1.33', zones: 2, spot: {labels: {lifecycle: spot}, notice: 30s}}}}";
    let settings = crate::policy::parse(
        &objects(policy)[0],
        &crate::policy::Source::object("OptimizationPolicy", "t"),
    )
    .unwrap();
    let judged = |text: String| {
        let diagnostics = lint_for(&objects(&text), Some(&settings));
        diagnostics
            .into_iter()
            .map(|d| d.code)
            .filter(|code| *code != code::REPLICAS_UNDER_SCALER)
            .collect::<Vec<_>>()
    };
    let spread = "topologySpreadConstraints: [{topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: \
        DoNotSchedule, minDomains: 3, labelSelector: {matchLabels: {app: api}}}]";
    assert_eq!(judged(api(spread)), [code::SPREAD_UNSATISFIABLE]);
    let own_marks = "nodeSelector: {lifecycle: spot}\n      terminationGracePeriodSeconds: 31";
    assert_eq!(judged(api(own_marks)), [code::GRACE_BEYOND_NOTICE]);
    let zero = api("") + &hpa(&format!("minReplicas: 0, maxReplicas: 5, metrics: [{QUEUE}]"));
    assert_eq!(judged(zero), [code::SCALE_TO_ZERO_WITHOUT_SIGNAL]);
    let beta = pdb("{maxUnavailable: 1, selector: {matchLabels: {app: gone}}}").replace("policy/v1", "policy/v1beta1");
    assert_eq!(judged(beta), [code::API_REMOVED, code::PDB_SELECTOR]);
}

#[test]
fn fields_of_newer_versions_are_found() {
    let judged = |version: &str, text: &str| {
        let policy = format!(
            "{{apiVersion: trimtab.dev/v1alpha1, kind: OptimizationPolicy, metadata: {{name: t}}, spec: {{environment: t, \
             cluster: {{kubernetes: '{version}'}}}}}}"
        );
        let source = crate::policy::Source::object("OptimizationPolicy", "t");
        let settings = crate::policy::parse(&objects(&policy)[0], &source).unwrap();
        let found = lint_for(&objects(text), Some(&settings));
        found
            .into_iter()
            .filter(|diagnostic| diagnostic.code == code::UNSUPPORTED_VERSION)
            .count()
    };
    let container = "{type: ContainerResource, containerResource: {name: cpu, container: api, target: {type: Utilization, \
        averageUtilization: 70}}}";
    let spread = "topologySpreadConstraints: [{topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: \
        ScheduleAnyway, matchLabelKeys: [pod-template-hash], nodeTaintsPolicy: Honor}]";
    let all = api(spread)
        + &hpa(&format!(
            "minReplicas: 2, maxReplicas: 5, metrics: [{container}], behavior: {{scaleUp: {{tolerance: 50m}}}}"
        ))
        + &pdb("{maxUnavailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: api}}}");
    // since when: nodeTaintsPolicy 26; matchLabelKeys, ContainerResource, unhealthyPodEvictionPolicy 27; tolerance 35
    for (version, expected) in [("1.25", 5), ("1.26", 4), ("1.27", 1), ("1.35", 0)] {
        assert_eq!(judged(version, &all), expected, "{version}");
    }
}

#[test]
fn findings_are_in_the_order_of_their_places() {
    let text = api("") + &pdb("{selector: {}}") + &hpa("minReplicas: 6, maxReplicas: 5");
    let once = lint(&objects(&text));
    let mut reversed = objects(&text);
    reversed.reverse();
    assert_eq!(lint(&reversed), once);
    assert!(once.len() > 2);
}
