//! What can't hold together in what is wanted for one workload, or is refused as it stands by an API server or KEDA's webhook.
//!
//! Looked at twice: in each class and rule as it is written, where it stops the run, and in what all layers of one
//! workload make together, where it stops that workload.

use super::merge::escape;
use super::wire::{
    AuthenticationRef, Disruption, Limit, Limits, Metric, MetricKind, MetricType, Replicas, Rule, Scaling, ScalingMode,
    Trigger, Vpa, WorkloadSpec,
};
use crate::units::IntOrPercent;

/// Two settings that can't both hold, or one that nobody takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// Pointer of the setting below the workload's: `/scaling/fallback/replicas`.
    pub at: String,
    /// Pointer of the setting that it contradicts.
    pub beside: Option<String>,
    /// What is wrong.
    pub headline: String,
    /// What to write.
    pub help: String,
}

fn alone(at: impl Into<String>, headline: impl Into<String>, help: impl Into<String>) -> Contradiction {
    Contradiction {
        at: at.into(),
        beside: None,
        headline: headline.into(),
        help: help.into(),
    }
}

fn pair(
    at: impl Into<String>,
    beside: impl Into<String>,
    headline: impl Into<String>,
    help: impl Into<String>,
) -> Contradiction {
    Contradiction {
        beside: Some(beside.into()),
        ..alone(at, headline, help)
    }
}

impl From<&Rule> for WorkloadSpec {
    /// What a rule says itself.
    fn from(rule: &Rule) -> Self {
        let rule = rule.clone();
        Self {
            mode: rule.mode,
            requests: rule.requests.unwrap_or_default(),
            limits: rule.limits.unwrap_or_default(),
            containers: rule.containers,
            scaling: rule.scaling.unwrap_or_default(),
            replicas: rule.replicas.unwrap_or_default(),
            disruption: rule.disruption.unwrap_or_default(),
            spread: rule.spread.unwrap_or_default(),
            spot: rule.spot.unwrap_or_default(),
            vpa: rule.vpa.unwrap_or_default(),
            termination: rule.termination.unwrap_or_default(),
            runtime: rule.runtime.unwrap_or_default(),
        }
    }
}

/// Everything that can't hold, wherever its parts come from.
pub(super) fn of(spec: &WorkloadSpec) -> Vec<Contradiction> {
    let mut found = limits(&spec.limits, "/limits");
    for (name, container) in &spec.containers {
        found.extend(limits(
            &container.limits,
            &format!("/containers/{}/limits", escape(name)),
        ));
    }
    found.extend(count_beside_scaler(&spec.scaling, &spec.replicas));
    found.extend(idle(&spec.scaling));
    found.extend(fallback(&spec.scaling));
    for (name, metric) in &spec.scaling.metrics {
        found.extend(self::metric(metric, &format!("/scaling/metrics/{}", escape(name))));
    }
    for (name, trigger) in &spec.scaling.triggers {
        found.extend(self::trigger(trigger, &format!("/scaling/triggers/{}", escape(name))));
    }
    found.extend(allowed(&spec.vpa));
    found.extend(no_eviction(&spec.disruption));
    found
}

/// Bounds of replicas the wrong way round. Only within one layer: where layers meet, the highest count wins and the plan
/// says so, as an owner's annotation may be one of them.
pub(super) fn replica_bounds(spec: &Scaling) -> Option<Contradiction> {
    let (min, max) = (&spec.min_replicas, &spec.max_replicas);
    let (key, least) = min
        .value
        .map(|min| ("value", min))
        .or(min.min.map(|min| ("min", min)))?;
    let most = max.value.or(max.max)?;
    (least > most).then(|| {
        pair(
            format!("/scaling/minReplicas/{key}"),
            "/scaling/maxReplicas",
            format!("`minReplicas` {least} is above `maxReplicas` {most}"),
            "lower the one or raise the other",
        )
    })
}

/// A limit that is stated, and a mode that makes another one of it.
fn limits(limits: &Limits, pointer: &str) -> Vec<Contradiction> {
    fn of<T: std::fmt::Display>(limit: &Limit<T>, pointer: &str) -> Option<Contradiction> {
        let (mode, value) = (limit.mode?, limit.value.as_ref()?);
        let mode = mode.as_str();
        Some(pair(
            format!("{pointer}/value"),
            format!("{pointer}/mode"),
            format!("a limit of {value} is stated, and `mode: {mode}` says otherwise"),
            "keep `value` or `mode`; a layer that changes the one sets the other to null",
        ))
    }
    let found = [
        of(&limits.cpu, &format!("{pointer}/cpu")),
        of(&limits.memory, &format!("{pointer}/memory")),
    ];
    found.into_iter().flatten().collect()
}

/// A stated count sets back what a scaler did at each apply.
fn count_beside_scaler(scaling: &Scaling, replicas: &Replicas) -> Option<Contradiction> {
    let count = &replicas.count;
    let (key, number) = [("value", count.value), ("min", count.min), ("max", count.max)]
        .into_iter()
        .find_map(|(key, number)| Some((key, number?)))?;
    let mode = match scaling.mode? {
        ScalingMode::None => return None,
        ScalingMode::Hpa => "hpa",
        ScalingMode::Keda => "keda",
    };
    Some(pair(
        format!("/replicas/count/{key}"),
        "/scaling/mode",
        format!("`replicas.count` {number} stands beside `scaling.mode: {mode}`: the scaler sets the count"),
        "take `count` out and bound the scaler (`scaling.minReplicas`), or state `scaling: {mode: none}`",
    ))
}

/// KEDA refuses an idle count that is not below the lowest one.
fn idle(scaling: &Scaling) -> Option<Contradiction> {
    let (idle, min) = (scaling.idle_replicas?, scaling.min_replicas.value?);
    (idle >= min).then(|| {
        pair(
            "/scaling/idleReplicas",
            "/scaling/minReplicas/value",
            format!("`idleReplicas` {idle} is not below `minReplicas` {min}, and KEDA refuses it"),
            "raise `minReplicas`, or take `idleReplicas` out: a `minReplicas` of 0 goes to zero by itself",
        )
    })
}

/// What a fallback asks for, and the bounds that cut it.
fn fallback(scaling: &Scaling) -> Option<Contradiction> {
    let count = scaling.fallback.as_ref()?.replicas;
    let (at, help) = ("/scaling/fallback/replicas", "move it between the bounds");
    let (min, max) = (&scaling.min_replicas, &scaling.max_replicas);
    if let Some(most) = max.value.or(max.max).filter(|most| count > *most) {
        let headline = format!("a fallback of {count} replicas is above `maxReplicas` {most}, which cuts it");
        return Some(pair(at, "/scaling/maxReplicas", headline, help));
    }
    let least = min.value.filter(|least| count < *least)?;
    let headline = format!("a fallback of {count} replicas is below `minReplicas` {least}: no fewer run anyway");
    Some(pair(at, "/scaling/minReplicas/value", headline, help))
}

/// A bound under which no pod may ever go: a value says that as well, and means it.
fn no_eviction(spec: &Disruption) -> Option<Contradiction> {
    use IntOrPercent::{Int, Percent};
    let most = spec
        .max_unavailable
        .max
        .filter(|most| matches!(most, Int(0) | Percent(0)));
    let least = spec.min_available.min.filter(|least| *least == Percent(100));
    let (at, bound) = match (most, least) {
        (Some(most), _) => ("/disruption/maxUnavailable/max", most),
        (None, Some(least)) => ("/disruption/minAvailable/min", least),
        (None, None) => return None,
    };
    Some(alone(
        at,
        format!("a bound of {bound} lets no pod go, and node drains would never end"),
        "let one pod go; to have it all the same, state it as `value`, and accept `pdb-blocks-evictions` with a reason",
    ))
}

/// What the API server or the metrics API refuses of a metric.
fn metric(metric: &Metric, pointer: &str) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let at = |key: &str| format!("{pointer}/{key}");
    if !metric.average_value.is_open() && !metric.value.is_open() {
        let headline = "both `averageValue` and `value` are given";
        found.push(pair(pointer, at("value"), headline, "keep one of them"));
    } else if metric.kind == MetricKind::Pods && !metric.value.is_open() {
        found.push(pair(
            at("value"),
            at("type"),
            "a metric of `type: pods` is averaged over the pods: it takes `averageValue` and no `value`",
            "write `averageValue`, what one pod can take",
        ));
    }
    let needs_object = metric.kind == MetricKind::Object;
    if needs_object != metric.described_object.is_some() {
        let headline = "`describedObject` and `type: object` belong together";
        found.push(alone(pointer, headline, "give both, or neither"));
    }
    if let Some(object) = &metric.described_object
        && object.api_version.is_empty()
    {
        let headline = "`apiVersion` is empty, and without it the object is looked up in the core group";
        found.push(alone(
            at("describedObject/apiVersion"),
            headline,
            "write it, such as `networking.k8s.io/v1`",
        ));
    }
    found
}

/// What KEDA's webhook or operator refuses of a trigger, whatever its scaler.
fn trigger(trigger: &Trigger, pointer: &str) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let kind = trigger.kind.as_str();
    let is_resource = matches!(kind, "cpu" | "memory");
    match trigger.metric_type {
        Some(MetricType::Utilization) if !is_resource => found.push(pair(
            format!("{pointer}/metricType"),
            format!("{pointer}/type"),
            format!("a trigger of type `{kind}` has no utilization: only `cpu` and `memory` have"),
            "write `AverageValue` or `Value`",
        )),
        Some(MetricType::Value) if is_resource => found.push(pair(
            format!("{pointer}/metricType"),
            format!("{pointer}/type"),
            format!("a `{kind}` trigger takes no `Value`"),
            "write `Utilization` or `AverageValue`",
        )),
        _ => {}
    }
    if trigger.use_cached_metrics == Some(true) && (is_resource || kind == "cron") {
        found.push(pair(
            format!("{pointer}/useCachedMetrics"),
            format!("{pointer}/type"),
            format!("KEDA refuses `useCachedMetrics` for `{kind}`"),
            "take it out",
        ));
    }
    if let Some(reference) = &trigger.authentication_ref {
        found.extend(authentication(reference, &format!("{pointer}/authenticationRef")));
    }
    found
}

fn authentication(reference: &AuthenticationRef, pointer: &str) -> Option<Contradiction> {
    let kind = reference.kind.as_deref()?;
    (!matches!(kind, "TriggerAuthentication" | "ClusterTriggerAuthentication")).then(|| {
        let headline = format!("`kind: {kind}` brings no authentication to a trigger");
        alone(
            format!("{pointer}/kind"),
            headline,
            "write TriggerAuthentication or ClusterTriggerAuthentication",
        )
    })
}

/// What a VPA may set at least is above what it may set at most: it refuses both.
fn allowed(spec: &Vpa) -> Vec<Contradiction> {
    let (min, max) = (&spec.min_allowed, &spec.max_allowed);
    let cpu = min.cpu.zip(max.cpu).filter(|(min, max)| min > max);
    let memory = min.memory.zip(max.memory).filter(|(min, max)| min > max);
    let cpu = cpu.map(|(min, max)| ("cpu", min.to_string(), max.to_string()));
    let memory = memory.map(|(min, max)| ("memory", min.to_string(), max.to_string()));
    let contradiction = |(resource, min, max): (&str, String, String)| {
        pair(
            format!("/vpa/minAllowed/{resource}"),
            format!("/vpa/maxAllowed/{resource}"),
            format!("`minAllowed` of {min} is above `maxAllowed` of {max}"),
            "lower the one or raise the other",
        )
    };
    cpu.into_iter().chain(memory).map(contradiction).collect()
}
