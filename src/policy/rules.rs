//! What a schema can't say: settings that contradict each other, versions out of range, names that lead nowhere. The
//! ranges of single numbers are a table of their own (`ranges.rs`), and so is what one workload's settings say against each
//! other (`contradictions.rs`).

use serde_json::{Map, Value};

use super::contradictions::{self, replica_bounds};
use super::merge::{escape, pointer};
use super::presets;
use super::source::Source;
use super::wire::{OptimizationPolicy, Scaling, WorkloadSpec};
use super::{DECISION_VERSION, Version, names, ranges};
use crate::catalog::fields::KUBERNETES_MINORS;
use crate::catalog::triggers::{self, TriggerForm};
use crate::diag::{Code, Diagnostic, Severity, code, near_miss};
use crate::units::Bytes;

/// Every contradiction in a policy that has the schema's form.
pub(super) fn check(policy: &OptimizationPolicy, value: &Value, source: &Source) -> Vec<Diagnostic> {
    let mut found = Findings {
        source,
        list: super::schema::header(code::POLICY_INVALID, super::KIND, value, source),
    };
    decision_version(policy, &mut found);
    versions(policy, &mut found);
    addons(policy, &mut found);
    settings(value, "", &mut found);
    memory(value, "", &mut found);
    impossible(value, &mut Vec::new(), &mut found);
    without_effect(value, &mut found);
    classes(policy, &mut found);
    accepts(policy, &mut found);
    moves(policy, &mut found);
    for (name, class) in &policy.spec.classes {
        layer(class, &format!("/spec/classes/{}", escape(name)), &mut found);
    }
    for (name, rule) in &policy.spec.workloads {
        layer(&rule.into(), &format!("/spec/workloads/{}", escape(name)), &mut found);
    }
    found.list
}

struct Findings<'a> {
    source: &'a Source,
    list: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn error(&mut self, pointer: &str, headline: impl Into<String>, help: impl Into<String>) {
        self.push(code::POLICY_CONFLICT, pointer, headline, help);
    }

    fn push(&mut self, code: Code, pointer: &str, headline: impl Into<String>, help: impl Into<String>) {
        self.list.push(
            Diagnostic::error(code, headline)
                .at(self.source.value_place(pointer))
                .help(help),
        );
    }
}

/// Keys of the language that nothing follows from in this version.
const WITHOUT_EFFECT: [(&str, &str); 2] = [
    (
        "budget",
        "no cost is computed from prices yet, so nothing is held against it",
    ),
    (
        "risk",
        "decisions are not replayed over the history yet, so nothing is held against it",
    ),
];

/// Whoever writes such a key relies on it: silence would be a promise.
fn without_effect(value: &Value, found: &mut Findings<'_>) {
    for (key, why) in WITHOUT_EFFECT {
        if value["spec"].get(key).is_some() {
            found.list.push(
                Diagnostic::warning(code::NOT_IN_FORCE, format!("`{key}` has no effect yet"))
                    .at(found.source.key_place(&format!("/spec/{key}")))
                    .because(why)
                    .help("take it out, or keep it for a later version and know that it does nothing"),
            );
        }
    }
}

/// Numbers outside their ranges and names that no API server takes, wherever they stand.
fn impossible<'v>(value: &'v Value, keys: &mut Vec<&'v str>, found: &mut Findings<'_>) {
    let outside = match keys.as_slice() {
        ["spec", "classes" | "workloads", _, "containers", _, rest @ ..]
        | ["spec", "classes" | "workloads", _, rest @ ..] => {
            ranges::of_workload(rest, value).or_else(|| names::of_workload(rest, value))
        }
        ["spec", rest @ ..] => ranges::of_policy(rest, value).or_else(|| names::of_policy(rest, value)),
        _ => None,
    };
    if let Some(outside) = outside {
        found.error(&pointer(keys), outside.headline, outside.help);
        if let Some(last) = found.list.last_mut() {
            last.notes.push(outside.because.to_owned());
        }
    }
    for (key, child) in value.as_object().into_iter().flatten() {
        keys.push(key);
        impossible(child, keys, found);
        keys.pop();
    }
}

fn decision_version(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    if policy.spec.decision_version != DECISION_VERSION {
        found.push(
            code::UNSUPPORTED_VERSION,
            "/spec/decisionVersion",
            format!(
                "decision version `{}` is not known to this binary",
                policy.spec.decision_version
            ),
            format!("use `decisionVersion: \"{DECISION_VERSION}\"`, or a newer trimtab"),
        );
    }
}

fn versions(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    let text = &policy.spec.cluster.kubernetes;
    if !Version::parse(text).is_some_and(|v| v.major == 1 && KUBERNETES_MINORS.contains(&v.minor)) {
        found.push(
            code::UNSUPPORTED_VERSION,
            "/spec/cluster/kubernetes",
            format!("Kubernetes `{text}` is outside the versions this binary knows"),
            format!(
                "name one from 1.{} to 1.{}",
                KUBERNETES_MINORS.start(),
                KUBERNETES_MINORS.end()
            ),
        );
    }
}

/// Versions of addons that are no versions: taken for absent, their objects would silently not be rendered.
fn addons(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    let addons = &policy.spec.cluster.addons;
    for (name, text) in [
        ("keda", &addons.keda),
        ("vpa", &addons.vpa),
        ("prometheusOperator", &addons.prometheus_operator),
        ("argoRollouts", &addons.argo_rollouts),
    ] {
        let Some(text) = text.as_ref().filter(|text| Version::parse(text).is_none()) else {
            continue;
        };
        found.push(
            code::UNSUPPORTED_VERSION,
            &format!("/spec/cluster/addons/{name}"),
            format!("`{text}` is no version"),
            "write major and minor, such as \"2.18\"",
        );
    }
}

/// Stated and bounded at once, or bounds the wrong way round: wherever a setting stands.
fn settings(value: &Value, pointer: &str, found: &mut Findings<'_>) {
    let Value::Object(map) = value else { return };
    if is_setting(map) {
        if map.contains_key("value") && map.len() > 1 {
            found.error(
                pointer,
                "the value is both stated and bounded",
                "keep `value`, or `min` and `max`; a layer that bounds what a base states sets `value: null`",
            );
        } else if let (Some(min), Some(max)) = (map.get("min"), map.get("max"))
            && magnitude(min).zip(magnitude(max)).is_some_and(|(min, max)| min > max)
        {
            found.error(
                pointer,
                format!("`min: {}` is above `max: {}`", plain(min), plain(max)),
                "swap them",
            );
        }
    }
    for (key, child) in map {
        if pointer.is_empty() && key != "spec" {
            continue;
        }
        settings(child, &format!("{pointer}/{}", escape(key)), found);
    }
}

/// Memory of less than a mebibyte holds no container: `"512"` is bytes.
const LEAST_MEMORY: Bytes = Bytes::from_mib(1);

/// Stated or bounded memory that surely misses its suffix: in requests, limits and what a VPA may set.
fn memory(value: &Value, pointer: &str, found: &mut Findings<'_>) {
    let Value::Object(map) = value else { return };
    for (key, child) in map {
        let pointer = format!("{pointer}/{}", escape(key));
        if matches!(key.as_str(), "requests" | "limits" | "minAllowed" | "maxAllowed")
            && let Some(memory) = child.get("memory")
        {
            let below = ["value", "min", "max"].map(|bound| (memory.get(bound), format!("{pointer}/memory/{bound}")));
            for (amount, pointer) in [(Some(memory), format!("{pointer}/memory"))].into_iter().chain(below) {
                let Some(text) = amount.and_then(Value::as_str) else {
                    continue;
                };
                let is_tiny = |bytes: Bytes| !bytes.is_zero() && bytes < LEAST_MEMORY;
                if text.parse().is_ok_and(is_tiny) {
                    let number = text.trim_end_matches(char::is_alphabetic);
                    let headline = format!("`{text}` of memory is less than 1Mi, in which no container runs");
                    found.push(
                        code::UNIT_SLIP,
                        &pointer,
                        headline,
                        format!("did you mean `{number}Mi`?"),
                    );
                }
            }
        }
        self::memory(child, &pointer, found);
    }
}

fn is_setting(map: &Map<String, Value>) -> bool {
    !map.is_empty() && map.keys().all(|key| matches!(key.as_str(), "value" | "min" | "max"))
}

/// A comparable size of a bound, whatever its grammar; bounds of one setting share theirs.
fn magnitude(value: &Value) -> Option<u128> {
    let text = match value {
        Value::Number(number) => return number.as_u64().map(u128::from),
        Value::String(text) => text,
        _ => return None,
    };
    if let Ok(percent) = text.parse::<crate::units::Percent>() {
        return Some(u128::from(percent.ppm()));
    }
    if let Ok(quantity) = text.parse::<crate::units::Quantity>() {
        return u128::try_from(quantity.nano()).ok();
    }
    text.parse::<crate::units::Seconds>()
        .ok()
        .map(|seconds| u128::from(seconds.get()))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn classes(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    let known: Vec<&str> = policy
        .spec
        .classes
        .keys()
        .map(String::as_str)
        .chain(presets::CLASSES.iter().map(|(name, _)| *name))
        .collect();
    for (name, rule) in &policy.spec.workloads {
        if let Some(class) = &rule.class
            && !known.contains(&class.as_str())
        {
            let pointer = format!("/spec/workloads/{}/class", escape(name));
            let help = near_miss(class, known.iter().copied()).map_or_else(
                || format!("known: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            found.error(&pointer, format!("there is no class `{class}`"), help);
        }
    }
}

fn accepts(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    for (name, accept) in &policy.spec.accept {
        let pointer = format!("/spec/accept/{}", escape(name));
        if Code::find(&accept.code).is_none() {
            let near = near_miss(&accept.code, Code::all().map(Code::as_str));
            let help = near.map_or_else(
                || "`trimtab explain` lists the codes".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            found.error(
                &format!("{pointer}/code"),
                format!("there is no finding `{}`", accept.code),
                help,
            );
        }
    }
}

fn moves(policy: &OptimizationPolicy, found: &mut Findings<'_>) {
    for problem in super::moved::check(&policy.spec.identity.moved) {
        let pointer = format!("/spec/identity/moved/{}{}", escape(problem.entry), problem.below);
        let place = match problem.below {
            "" => found.source.key_place(&pointer),
            _ => found.source.value_place(&pointer),
        };
        let diagnostic = Diagnostic::error(code::POLICY_CONFLICT, problem.headline).at(place);
        found.list.push(diagnostic.because(problem.because).help(problem.help));
    }
}

/// What one class or rule says itself. Layers and rules complete each other: what is missing in the end is the plan's to
/// say.
fn layer(spec: &WorkloadSpec, pointer: &str, found: &mut Findings<'_>) {
    for contradiction in contradictions::of(spec)
        .into_iter()
        .chain(replica_bounds(&spec.scaling))
    {
        let at = format!("{pointer}{}", contradiction.at);
        found.error(&at, contradiction.headline, contradiction.help);
    }
    for (name, trigger) in &spec.scaling.triggers {
        let pointer = format!("{pointer}/scaling/triggers/{}", escape(name));
        let form = TriggerForm {
            kind: &trigger.kind,
            metadata: &trigger.metadata,
            has_authentication: trigger.authentication_ref.is_some(),
            has_threshold: !trigger.threshold.is_open(),
        };
        for problem in triggers::check_written(form) {
            found.push(code::TRIGGER_INVALID, &pointer, problem.headline, problem.help);
            if let Some(last) = found.list.last_mut() {
                last.severity = problem.severity;
            }
        }
    }
    cron_beyond_bounds(&spec.scaling, &format!("{pointer}/scaling"), found);
}

/// A schedule that asks for more than the highest count, or for no more than the lowest.
fn cron_beyond_bounds(spec: &Scaling, pointer: &str, found: &mut Findings<'_>) {
    let (min, max) = (&spec.min_replicas, &spec.max_replicas);
    let bounds = (min.value, max.value.or(max.max));
    for (name, trigger) in spec.triggers.iter().filter(|(_, trigger)| trigger.kind == "cron") {
        let said = triggers::beyond_bounds(&trigger.metadata, bounds);
        if let Some((headline, help)) = said {
            let pointer = format!("{pointer}/triggers/{}/metadata/desiredReplicas", escape(name));
            found.push(code::SCHEDULE_BEYOND_BOUNDS, &pointer, headline, help);
            if let Some(last) = found.list.last_mut() {
                last.severity = Severity::Warning;
            }
        }
    }
}
