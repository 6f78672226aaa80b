//! What a scaler looks at beside CPU, and how it behaves: memory, metrics and triggers are what the policy states.

use std::collections::BTreeMap;

use super::case::{Case, reason};
use super::model::{Decision, MetricPlan, ScalerKind, TriggerPlan};
use crate::catalog::fields::Field;
use crate::catalog::triggers;
use crate::diag::code;
use crate::policy::wire::{Behavior, Scaling};
use crate::units::Percent;
use crate::workload::Container;

/// Memory target where the policy only bounds one: below the usual 90 % alarm, above what a steady pod needs.
const USUAL: Percent = Percent::from_percent(80);

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

/// The stated behaviour, without what the cluster's version does not have.
pub(super) fn behavior(case: &Case<'_>, wanted: &Behavior) -> Option<Behavior> {
    let mut behavior = wanted.clone();
    if !case.settings.cluster.has(Field::HpaTolerance) {
        let had = behavior.scale_up.tolerance.take().is_some() | behavior.scale_down.tolerance.take().is_some();
        if had {
            case.find(
                code::UNSUPPORTED_VERSION,
                format!(
                    "{} needs 1.{}",
                    Field::HpaTolerance.as_str(),
                    Field::HpaTolerance.since()
                ),
            );
        }
    }
    (!behavior.scale_up.is_open() || !behavior.scale_down.is_open()).then_some(behavior)
}
