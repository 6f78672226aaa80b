//! `ScaledObject`s that KEDA refuses, or that never do what they say. Its webhook may not be there to say so.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, count, finding, is_ours, items};
use crate::api::keda_v1alpha1::LONGEST_NAME;
use crate::catalog::triggers::{self, TriggerForm};
use crate::diag::{Code, Diagnostic, Severity, code};
use crate::krm::{Object, ObjectId};

/// A trigger whose scaler can't work with its metadata.
pub(super) struct TriggerInvalid;

impl Rule for TriggerInvalid {
    fn code(&self) -> Code {
        code::TRIGGER_INVALID
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (id, object) in scene.of_kind("keda.sh", "ScaledObject") {
            for (at, trigger) in items(object, "/spec/triggers").iter().enumerate() {
                let metadata = texts(&trigger["metadata"]);
                let form = TriggerForm {
                    kind: trigger["type"].as_str().unwrap_or_default(),
                    metadata: &metadata,
                    has_authentication: trigger.get("authenticationRef").is_some(),
                    has_threshold: false,
                };
                found.extend(triggers::check(form).into_iter().map(|problem| {
                    let pointer = format!("/spec/triggers/{at}");
                    let mut found = finding(code::TRIGGER_INVALID, (id, is_ours(object)), &pointer, problem.headline);
                    found.severity = found.severity.max(problem.severity);
                    found.help(problem.help)
                }));
            }
        }
        found
    }
}

/// Text values only: KEDA's definition refuses others.
fn texts(metadata: &Value) -> BTreeMap<String, String> {
    let entries = metadata.as_object().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// A ScaledObject whose fields contradict each other.
pub(super) struct ScaledObjectRefused;

impl Rule for ScaledObjectRefused {
    fn code(&self) -> Code {
        code::SCALED_OBJECT_REFUSED
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        scene
            .of_kind("keda.sh", "ScaledObject")
            .flat_map(|(id, object)| refusals(id, object))
            .collect()
    }
}

fn refusals(id: &ObjectId, object: &Object) -> Vec<Diagnostic> {
    let at = |pointer: &str, headline: String, help: &str| {
        finding(code::SCALED_OBJECT_REFUSED, (id, is_ours(object)), pointer, headline).help(help)
    };
    let min = count(object, "/spec/minReplicaCount").unwrap_or(0);
    let max = count(object, "/spec/maxReplicaCount").unwrap_or(100);
    let triggers = items(object, "/spec/triggers");
    let is_resource = |trigger: &Value| matches!(trigger["type"].as_str(), Some("cpu" | "memory"));
    let only_resources = !triggers.is_empty() && triggers.iter().all(is_resource);
    let mut found = Vec::new();
    if only_resources && min == 0 {
        let headline = "with `cpu` and `memory` triggers alone it can't go to zero".to_owned();
        found.push(at(
            "/spec/minReplicaCount",
            headline,
            "set `minReplicaCount: 1`, or add a trigger that works without pods",
        ));
    }
    if only_resources && object.pointer("/spec/fallback").is_some() {
        let headline = "`fallback` means nothing for `cpu` and `memory` triggers alone".to_owned();
        found.push(at("/spec/fallback", headline, "take it out"));
    }
    // an unset minimum counts as 0 here
    if let Some(idle) = count(object, "/spec/idleReplicaCount").filter(|idle| *idle >= min) {
        let headline = format!("`idleReplicaCount` {idle} is not below `minReplicaCount` {min}");
        found.push(at(
            "/spec/idleReplicaCount",
            headline,
            "raise `minReplicaCount`, or take `idleReplicaCount` out",
        ));
    }
    if let Some(idle) = count(object, "/spec/idleReplicaCount").filter(|idle| *idle > 0) {
        let headline =
            format!("`idleReplicaCount` {idle}: KEDA supports 0 alone, as its HPA can't go below its minimum");
        found.push(at("/spec/idleReplicaCount", headline, "write 0, or take it out"));
    }
    let fallback = count(object, "/spec/fallback/replicas");
    if let Some(replicas) = fallback.filter(|replicas| !(min.max(1)..=max).contains(replicas)) {
        let headline = format!("`fallback.replicas` {replicas} is outside {} to {max}", min.max(1));
        found.push(at("/spec/fallback/replicas", headline, "move it between the bounds"));
    }
    if id.name.len() > LONGEST_NAME
        && object
            .pointer("/spec/advanced/horizontalPodAutoscalerConfig/name")
            .is_none()
    {
        let headline = format!(
            "the name has {} characters, and that of its HPA may have 63",
            id.name.len()
        );
        found.push(at("/metadata/name", headline, "take a name of at most 54 characters"));
    }
    let mut names: Vec<&str> = triggers.iter().filter_map(|trigger| trigger["name"].as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
        let headline = format!("two triggers are named `{name}`");
        found.push(at("/spec/triggers", headline, "give each a name of its own"));
    }
    let uncacheable = |trigger: &&Value| {
        trigger["useCachedMetrics"] == true && matches!(trigger["type"].as_str(), Some("cpu" | "memory" | "cron"))
    };
    if let Some(trigger) = triggers.iter().find(uncacheable) {
        let headline = format!(
            "`useCachedMetrics` is refused for `{}`",
            trigger["type"].as_str().unwrap_or_default()
        );
        found.push(at("/spec/triggers", headline, "take it out"));
    }
    found
}

/// A schedule that the bounds of its scaler cut, or that never does anything. KEDA takes it.
pub(super) struct ScheduleBeyondBounds;

impl Rule for ScheduleBeyondBounds {
    fn code(&self) -> Code {
        code::SCHEDULE_BEYOND_BOUNDS
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (id, object) in scene.of_kind("keda.sh", "ScaledObject") {
            let bound = |key: &str| u32::try_from(count(object, &format!("/spec/{key}"))?).ok();
            let bounds = (bound("minReplicaCount"), bound("maxReplicaCount").or(Some(DEFAULT_MAX)));
            let triggers = items(object, "/spec/triggers").iter().enumerate();
            for (at, trigger) in triggers.filter(|(_, trigger)| trigger["type"] == "cron") {
                let Some((headline, help)) = triggers::beyond_bounds(&texts(&trigger["metadata"]), bounds) else {
                    continue;
                };
                let pointer = format!("/spec/triggers/{at}/metadata/desiredReplicas");
                let found_at = (id, is_ours(object));
                let mut found_one = finding(code::SCHEDULE_BEYOND_BOUNDS, found_at, &pointer, headline).help(help);
                found_one.severity = Severity::Warning;
                found.push(found_one);
            }
        }
        found
    }
}

/// What KEDA takes for an absent `maxReplicaCount`.
const DEFAULT_MAX: u32 = 100;

/// A ScaledObject that does not say what happens while the source of a trigger fails. KEDA takes it.
pub(super) struct NoFallback;

impl Rule for NoFallback {
    fn code(&self) -> Code {
        code::NO_FALLBACK
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (id, object) in scene.of_kind("keda.sh", "ScaledObject") {
            let is_without_source =
                |trigger: &Value| matches!(trigger["type"].as_str(), Some("cpu" | "memory" | "cron"));
            let has_source = items(object, "/spec/triggers")
                .iter()
                .any(|trigger| !is_without_source(trigger));
            if !has_source || object.pointer("/spec/fallback").is_some() {
                continue;
            }
            let headline = "no `fallback`: when the source of a trigger fails, the count stays where it is";
            let help = if is_ours(object) {
                "state `scaling: {fallback: {failureThreshold: 3, replicas: …}}` in the workload's rule and plan again"
            } else {
                "add `fallback: {failureThreshold: 3, replicas: …}`"
            };
            let mut note = finding(code::NO_FALLBACK, (id, is_ours(object)), "/spec/fallback", headline).help(help);
            note.severity = Severity::Note;
            found.push(note);
        }
        found
    }
}
