//! What a scaler looks at beside CPU, and how it behaves: memory, metrics and triggers are what the policy states.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::{Case, reason};
use super::model::{Decision, MetricPlan, ScalerKind, TriggerPlan};
use crate::catalog::fields::Field;
use crate::catalog::triggers;
use crate::diag::code;
use crate::policy::wire::{Behavior, Fallback, Scaling};
use crate::policy::{Setting, Version};
use crate::units::{Percent, Seconds};
use crate::workload::Container;

/// Memory target where the policy only bounds one: below the usual 90 % alarm, above what a steady pod needs.
pub(super) const USUAL: Percent = Percent::from_percent(80);

/// A memory target is rendered only where the policy states or bounds one: memory rarely falls when pods are added.
pub(super) fn memory_target(case: &Case<'_>, main: &Container) -> Option<Decision<Percent>> {
    let setting = &case.wanted.spec.scaling.targets.memory;
    if setting.is_open() {
        return None;
    }
    if setting.value.is_none() && (case.wanted.spec.runtime.kind.is_some() || main.looks_like_jvm) {
        case.find(
            code::MEMORY_NOT_LOWERED,
            "its memory does not fall with more pods, so no target is derived for it",
        );
        return None;
    }
    let (value, moved) = setting.resolve(USUAL);
    let code = if setting.value.is_some() {
        code::STATED
    } else {
        code::BOUNDED
    };
    let inputs = if moved {
        vec![("usual", USUAL.to_string())]
    } else {
        vec![]
    };
    let before = case
        .base()
        .and_then(|plan| Some(plan.scaler.as_ref()?.memory.as_ref()?.target.value));
    let inputs = inputs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    Some(Decision {
        value,
        before,
        reason: crate::krm::Reason {
            code: code.to_string(),
            inputs,
        },
    })
}

pub(super) fn metrics(case: &Case<'_>, wanted: &Scaling) -> BTreeMap<String, MetricPlan> {
    let stated = |value| Decision {
        value,
        before: None,
        reason: reason(code::STATED, []),
    };
    let mut plans = BTreeMap::new();
    for (name, metric) in &wanted.metrics {
        if metric.average_value.value.is_none() && metric.value.value.is_none() {
            case.find(
                code::TARGET_MISSING,
                format!("metric `{name}` has no stated target, and what one pod can take was not recorded: state it"),
            );
            continue;
        }
        let plan = MetricPlan {
            kind: metric.kind,
            metric: metric.metric.clone(),
            selector: metric.selector.clone(),
            described_object: metric.described_object.clone(),
            average_value: metric.average_value.value.map(stated),
            value: metric.value.value.map(stated),
        };
        plans.insert(name.clone(), plan);
    }
    plans
}

/// Notes what the policy asks for and this kind of scaler does not take.
pub(super) fn report_ignored(case: &Case<'_>, wanted: &Scaling, kind: ScalerKind) {
    let (field, names, instead): (_, Vec<&str>, _) = match kind {
        ScalerKind::Hpa => (
            "triggers",
            wanted.triggers.keys().map(String::as_str).collect(),
            "an HPA takes `metrics`; `mode: keda` takes triggers",
        ),
        ScalerKind::Keda => (
            "metrics",
            wanted.metrics.keys().map(String::as_str).collect(),
            "a ScaledObject takes `triggers`, such as `prometheus`",
        ),
    };
    if !names.is_empty() {
        let detail = format!("`scaling.{field}` ({}) is left out: {instead}", names.join(", "));
        case.find(code::POLICY_CONFLICT, detail);
    }
    if kind == ScalerKind::Keda {
        return;
    }
    for (pointer, is_there) in [
        ("/scaling/pollingInterval", wanted.polling_interval.is_some()),
        ("/scaling/cooldownPeriod", wanted.cooldown_period.is_some()),
        ("/scaling/idleReplicas", wanted.idle_replicas.is_some()),
        ("/scaling/fallback", wanted.fallback.is_some()),
    ] {
        if is_there {
            let detail = format!(
                "{} is left out: an HPA has none, `mode: keda` takes it",
                case.wanted.named(pointer)
            );
            case.find(code::POLICY_CONFLICT, detail);
        }
    }
}

/// Whether a ScaledObject looks at something that is there without pods: a trigger of ours, or of one that is adopted.
fn has_event(case: &Case<'_>) -> bool {
    let is_event = |kind: &str| !matches!(kind, "cpu" | "memory");
    let theirs = case.foreign_scaler().map(|scaler| &scaler.spec["triggers"]);
    let mut theirs = theirs.and_then(Value::as_array).into_iter().flatten();
    let mut ours = case.wanted.spec.scaling.triggers.values();
    ours.any(|trigger| is_event(&trigger.kind)) || theirs.any(|trigger| trigger["type"].as_str().is_some_and(is_event))
}

/// The stated idle count, where KEDA takes one.
pub(super) fn idle_replicas(case: &Case<'_>, kind: ScalerKind, min: u32) -> Option<u32> {
    let idle = case
        .wanted
        .spec
        .scaling
        .idle_replicas
        .filter(|_| kind == ScalerKind::Keda)?;
    let why = if !has_event(case) {
        "with CPU and memory alone nothing wakes it up"
    } else if idle >= min {
        "KEDA refuses one that is not below the lowest count, and a lowest count of 0 goes to zero by itself"
    } else {
        return Some(idle);
    };
    let name = case.wanted.named("/scaling/idleReplicas");
    case.find(code::POLICY_CONFLICT, format!("{name} is left out: {why}"));
    None
}

/// The stated fallback within the bounds; `None` where KEDA refuses one.
pub(super) fn fallback(case: &Case<'_>, kind: ScalerKind, (min, max): (u32, u32)) -> Option<Fallback> {
    let fallback = case.wanted.spec.scaling.fallback.clone();
    let fallback = fallback.filter(|_| kind == ScalerKind::Keda)?;
    let name = case.wanted.named("/scaling/fallback");
    if !has_event(case) {
        let detail = format!("{name} is left out: KEDA refuses one where CPU and memory are all it looks at");
        case.find(code::POLICY_CONFLICT, detail);
        return None;
    }
    let replicas = fallback.replicas.clamp(min.max(1).min(max), max);
    if replicas != fallback.replicas {
        let detail = format!(
            "{name} of {} replicas is outside {min} to {max}: {replicas} is rendered",
            fallback.replicas
        );
        case.find(code::REPLICA_BOUNDS, detail);
    }
    Some(Fallback { replicas, ..fallback })
}

/// Notes schedules that the bounds cut, or that never do anything.
pub(super) fn report_schedules(case: &Case<'_>, triggers: &BTreeMap<String, TriggerPlan>, (min, max): (u32, u32)) {
    for (name, trigger) in triggers.iter().filter(|(_, trigger)| trigger.kind == "cron") {
        if let Some((headline, help)) = triggers::beyond_bounds(&trigger.metadata, (Some(min), Some(max))) {
            case.find(
                code::SCHEDULE_BEYOND_BOUNDS,
                format!("trigger `{name}`: {headline}; {help}"),
            );
        }
    }
}

/// `None`, with the reason noted, where KEDA would refuse one: it then makes no scaler of any of them.
pub(super) fn triggers(case: &Case<'_>, wanted: &Scaling) -> Option<BTreeMap<String, TriggerPlan>> {
    let mut plans = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, trigger) in &wanted.triggers {
        let mut metadata = trigger.metadata.clone();
        if let Some(key) = triggers::threshold_key(&trigger.kind) {
            match trigger.threshold.value {
                Some(value) => {
                    triggers::write_threshold(&trigger.kind, &mut metadata, value);
                }
                None if metadata.contains_key(key) => {}
                None => {
                    let detail = format!(
                        "trigger `{name}` has no stated threshold, and what one pod can take was not recorded: state it"
                    );
                    case.find(code::TARGET_MISSING, detail);
                    continue;
                }
            }
        }
        let form = triggers::TriggerForm {
            kind: &trigger.kind,
            metadata: &metadata,
            has_authentication: trigger.authentication_ref.is_some(),
            has_threshold: false,
        };
        let found = triggers::check(form).into_iter();
        problems.extend(found.map(|problem| format!("trigger `{name}`: {}: {}", problem.headline, problem.help)));
        let plan = TriggerPlan {
            kind: trigger.kind.clone(),
            metadata,
            authentication_ref: trigger.authentication_ref.clone(),
            metric_type: trigger.metric_type,
            use_cached_metrics: trigger.use_cached_metrics,
            reason: reason(code::STATED, []),
        };
        plans.insert(name.clone(), plan);
    }
    if problems.is_empty() {
        return Some(plans);
    }
    case.find(code::TRIGGER_INVALID, problems.join("; "));
    None
}

/// What the API fills in for a window that is not said (Kubernetes, HPA `behavior`).
const USUAL_WINDOWS: [Seconds; 2] = [Seconds::new(0), Seconds::new(300)];

/// From this version of KEDA on its definition knows the tolerance.
const KEDA_TOLERANCE: Version = Version { major: 2, minor: 18 };

/// The stated behaviour, without what the cluster's version does not have. A window that is bounded only is the API's own
/// within these bounds.
pub(super) fn behavior(case: &Case<'_>, kind: ScalerKind) -> Option<Behavior> {
    let mut behavior = case.wanted.spec.scaling.behavior.clone();
    for (direction, usual) in [&mut behavior.scale_up, &mut behavior.scale_down]
        .into_iter()
        .zip(USUAL_WINDOWS)
    {
        let window = &mut direction.stabilization;
        if window.value.is_none() && !window.is_open() {
            *window = Setting::stated(window.resolve(usual).0);
        }
    }
    let cluster = &case.settings.cluster;
    let field = Field::HpaTolerance;
    let is_known = kind == ScalerKind::Hpa || cluster.keda.is_none_or(|keda| keda >= KEDA_TOLERANCE);
    if !cluster.has(field) || !is_known {
        let had = behavior.scale_up.tolerance.take().is_some() | behavior.scale_down.tolerance.take().is_some();
        let needed = if cluster.has(field) {
            format!("KEDA {KEDA_TOLERANCE}")
        } else {
            format!("1.{}", field.since())
        };
        if had {
            case.find(code::UNSUPPORTED_VERSION, format!("{} needs {needed}", field.as_str()));
        }
    }
    (!behavior.scale_up.is_open() || !behavior.scale_down.is_open()).then_some(behavior)
}
