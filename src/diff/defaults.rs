//! What the API server, KEDA and the VPA fill in where a field is absent, so that spelling it out is no difference.
//!
//! Sources: `SetDefaults_*` of `pkg/apis` in Kubernetes 1.33, the controllers' own constants for HPA windows, the
//! reference of the ScaledObject in KEDA 2.17, the VPA's API documentation. `replicas` is not here: writing it decides
//! who owns it, even at its default.

use serde_json::{Value, json};

use super::quantities::ends_with;

/// A kind, or `""` for any; the end of the path of map keys; the default as JSON.
type Row = (&'static str, &'static [&'static str], &'static str);

static DEFAULTS: &[Row] = &[
    // pods, in every kind that has a template
    ("", &["spec", "restartPolicy"], "\"Always\""),
    ("", &["spec", "terminationGracePeriodSeconds"], "30"),
    ("", &["spec", "dnsPolicy"], "\"ClusterFirst\""),
    ("", &["spec", "schedulerName"], "\"default-scheduler\""),
    (
        "",
        &["containers", "terminationMessagePath"],
        "\"/dev/termination-log\"",
    ),
    ("", &["containers", "terminationMessagePolicy"], "\"File\""),
    ("", &["ports", "protocol"], "\"TCP\""),
    ("", &["livenessProbe", "timeoutSeconds"], "1"),
    ("", &["livenessProbe", "periodSeconds"], "10"),
    ("", &["livenessProbe", "successThreshold"], "1"),
    ("", &["livenessProbe", "failureThreshold"], "3"),
    ("", &["readinessProbe", "timeoutSeconds"], "1"),
    ("", &["readinessProbe", "periodSeconds"], "10"),
    ("", &["readinessProbe", "successThreshold"], "1"),
    ("", &["readinessProbe", "failureThreshold"], "3"),
    ("", &["startupProbe", "timeoutSeconds"], "1"),
    ("", &["startupProbe", "periodSeconds"], "10"),
    ("", &["startupProbe", "successThreshold"], "1"),
    ("", &["startupProbe", "failureThreshold"], "3"),
    ("", &["httpGet", "scheme"], "\"HTTP\""),
    ("", &["httpGet", "path"], "\"/\""),
    ("", &["fieldRef", "apiVersion"], "\"v1\""),
    ("", &["topologySpreadConstraints", "nodeAffinityPolicy"], "\"Honor\""),
    ("", &["topologySpreadConstraints", "nodeTaintsPolicy"], "\"Ignore\""),
    ("", &["tolerations", "operator"], "\"Equal\""),
    // workloads
    ("Deployment", &["strategy", "type"], "\"RollingUpdate\""),
    ("Deployment", &["rollingUpdate", "maxSurge"], "\"25%\""),
    ("Deployment", &["rollingUpdate", "maxUnavailable"], "\"25%\""),
    ("Deployment", &["spec", "revisionHistoryLimit"], "10"),
    ("Deployment", &["spec", "progressDeadlineSeconds"], "600"),
    ("StatefulSet", &["spec", "podManagementPolicy"], "\"OrderedReady\""),
    ("StatefulSet", &["updateStrategy", "type"], "\"RollingUpdate\""),
    ("StatefulSet", &["rollingUpdate", "partition"], "0"),
    ("StatefulSet", &["spec", "revisionHistoryLimit"], "10"),
    ("DaemonSet", &["updateStrategy", "type"], "\"RollingUpdate\""),
    ("DaemonSet", &["rollingUpdate", "maxUnavailable"], "1"),
    ("DaemonSet", &["rollingUpdate", "maxSurge"], "0"),
    ("CronJob", &["spec", "concurrencyPolicy"], "\"Allow\""),
    ("CronJob", &["spec", "suspend"], "false"),
    ("CronJob", &["spec", "successfulJobsHistoryLimit"], "3"),
    ("CronJob", &["spec", "failedJobsHistoryLimit"], "1"),
    ("Service", &["spec", "type"], "\"ClusterIP\""),
    ("Service", &["spec", "sessionAffinity"], "\"None\""),
    // autoscalers and budgets
    ("HorizontalPodAutoscaler", &["spec", "minReplicas"], "1"),
    (
        "HorizontalPodAutoscaler",
        &["scaleUp", "stabilizationWindowSeconds"],
        "0",
    ),
    ("HorizontalPodAutoscaler", &["scaleUp", "selectPolicy"], "\"Max\""),
    (
        "HorizontalPodAutoscaler",
        &["scaleDown", "stabilizationWindowSeconds"],
        "300",
    ),
    ("HorizontalPodAutoscaler", &["scaleDown", "selectPolicy"], "\"Max\""),
    (
        "HorizontalPodAutoscaler",
        &["scaleUp", "policies"],
        r#"[{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}]"#,
    ),
    (
        "HorizontalPodAutoscaler",
        &["scaleDown", "policies"],
        r#"[{"type":"Percent","value":100,"periodSeconds":15}]"#,
    ),
    (
        "HorizontalPodAutoscaler",
        &["spec", "metrics"],
        r#"[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]"#,
    ),
    (
        "PodDisruptionBudget",
        &["spec", "unhealthyPodEvictionPolicy"],
        "\"IfHealthyBudget\"",
    ),
    ("ScaledObject", &["spec", "pollingInterval"], "30"),
    ("ScaledObject", &["spec", "cooldownPeriod"], "300"),
    ("ScaledObject", &["spec", "minReplicaCount"], "0"),
    ("ScaledObject", &["spec", "maxReplicaCount"], "100"),
    ("ScaledObject", &["scaleTargetRef", "apiVersion"], "\"apps/v1\""),
    ("ScaledObject", &["scaleTargetRef", "kind"], "\"Deployment\""),
    ("VerticalPodAutoscaler", &["containerPolicies", "mode"], "\"Auto\""),
    (
        "VerticalPodAutoscaler",
        &["containerPolicies", "controlledValues"],
        "\"RequestsAndLimits\"",
    ),
];

/// Maps and lists that mean the same empty and absent. `emptyDir: {}`, `podSelector: {}` and `resources: {}` are none.
static OPTIONAL: &[&[&str]] = &[
    &["metadata", "labels"],
    &["metadata", "annotations"],
    &["spec", "nodeSelector"],
    &["spec", "tolerations"],
    &["spec", "volumes"],
    &["spec", "imagePullSecrets"],
    &["spec", "initContainers"],
    &["spec", "topologySpreadConstraints"],
    &["spec", "securityContext"],
    &["containers", "env"],
    &["containers", "envFrom"],
    &["containers", "volumeMounts"],
    &["containers", "ports"],
    &["containers", "args"],
    &["containers", "command"],
    &["selector", "matchLabels"],
    &["selector", "matchExpressions"],
    &["resources", "requests"],
    &["resources", "limits"],
];

/// Whether a field with this value means the same as no field.
pub(super) fn is_default(kind: &str, keys: &[String], value: &Value) -> bool {
    match value {
        Value::Null => return true,
        Value::Object(map) if map.is_empty() => return is_optional(keys),
        Value::Array(items) if items.is_empty() => return is_optional(keys),
        _ => {}
    }
    let row = DEFAULTS
        .iter()
        .find(|(of, suffix, _)| (of.is_empty() || *of == kind) && ends_with(keys, suffix));
    if let Some((_, _, default)) = row {
        return serde_json::from_str::<Value>(default).is_ok_and(|default| default == *value);
    }
    let Value::Object(map) = value else { return false };
    map.iter().all(|(key, child)| {
        let keys: Vec<String> = keys.iter().cloned().chain([key.clone()]).collect();
        is_default(kind, &keys, child)
    })
}

fn is_optional(keys: &[String]) -> bool {
    OPTIONAL.iter().any(|suffix| ends_with(keys, suffix))
}

/// The resources with the requests that the API server takes from the limits, where `other` writes them out.
pub(super) fn with_requests_from_limits(resources: &Value, other: &Value) -> Option<Value> {
    let limits = resources.get("limits")?.as_object()?;
    let written = other.get("requests")?.as_object()?;
    let mut filled = resources.clone();
    let requests = filled.as_object_mut()?.entry("requests").or_insert_with(|| json!({}));
    let requests = requests.as_object_mut()?;
    let missing: Vec<_> = limits
        .iter()
        .filter(|(name, _)| written.contains_key(*name) && !requests.contains_key(*name))
        .collect();
    if missing.is_empty() {
        return None;
    }
    requests.extend(missing.into_iter().map(|(name, limit)| (name.clone(), limit.clone())));
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_json() {
        for (kind, path, default) in DEFAULTS {
            assert!(
                serde_json::from_str::<Value>(default).is_ok(),
                "{kind} {path:?}: {default}"
            );
        }
    }

    #[test]
    fn a_field_at_its_default_means_the_same_as_no_field() {
        for (kind, path, value, expected) in [
            ("HorizontalPodAutoscaler", "spec minReplicas", json!(1), true),
            ("HorizontalPodAutoscaler", "spec minReplicas", json!(2), false),
            ("ScaledObject", "spec cooldownPeriod", json!(300), true),
            ("Deployment", "spec replicas", json!(1), false),
            (
                "Deployment",
                "spec strategy",
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}),
                true,
            ),
            ("Deployment", "spec strategy", json!({"type": "Recreate"}), false),
            ("Deployment", "metadata labels", json!({}), true),
            ("Deployment", "metadata labels", json!(null), true),
            ("Deployment", "spec template spec volumes emptyDir", json!({}), false),
            ("NetworkPolicy", "spec podSelector", json!({}), false),
            (
                "Deployment",
                "spec template spec containers resources",
                json!({}),
                false,
            ),
        ] {
            let keys: Vec<String> = path.split(' ').map(str::to_owned).collect();
            assert_eq!(is_default(kind, &keys, &value), expected, "{kind} {path} {value}");
        }
    }
}
