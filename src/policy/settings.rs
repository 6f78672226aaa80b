//! `Settings`: a policy resolved. What a stage asks for a workload is answered here and nowhere else.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::contradictions::{self, Contradiction};
use super::matching::{Exactness, Subject, exactness, glob};
use super::merge::{Layered, escape, is_at_or_below};
use super::wire::{Limits, Match, OptimizationPolicy, Requests, WorkloadSpec};
use super::{Bounds, Source, moved, presets, ranges};
use crate::diag::{Diagnostic, Place, code};
use crate::krm::DefaultNamespace;

pub use super::cluster::Cluster;

/// A policy with everything filled in that it leaves open.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The policy as written.
    pub policy: OptimizationPolicy,
    /// The cluster's versions and nodes.
    pub cluster: Cluster,
    /// Bounds on time and change, with the objective's values where the policy leaves them open.
    pub bounds: Bounds,
    base: Value,
    classes: BTreeMap<String, Vec<ClassLayer>>,
    rules: Vec<CompiledRule>,
    /// `spec` as written: what presets add later is no change of the policy.
    written: Value,
    /// What was found in the policy and does not stand in its way.
    pub warnings: Vec<Diagnostic>,
    /// Where the policy came from.
    pub(super) source: Source,
}

/// What a class says, from one place: the name of the layer and its value.
type ClassLayer = (String, Value);

#[derive(Clone, Debug)]
struct CompiledRule {
    name: String,
    selector: Match,
    priority: i32,
    class: Option<String>,
    body: Value,
}

/// What is wanted for one workload.
#[derive(Clone, Debug)]
pub struct WorkloadSettings {
    /// Everything merged, presets included.
    pub spec: WorkloadSpec,
    /// Its class, if it has one.
    pub class: Option<String>,
    /// The rules that made it, from general to specific.
    pub rules: Vec<String>,
    /// Pointer of each field to the layer that set it.
    pub origins: BTreeMap<String, String>,
    containers: Vec<(String, String, Value)>,
}

/// What the rules say of a workload.
#[derive(Clone, Debug)]
pub enum Matched {
    /// No rule is for it: it is untouched.
    Unmatched,
    /// What is wanted.
    Wanted(Box<WorkloadSettings>, Vec<Diagnostic>),
    /// Its rules contradict each other, or its annotations can't be read: it keeps its accepted decision.
    Broken(Diagnostic),
}

impl Settings {
    /// Resolves a policy that has been validated. `value` is the same policy as a value.
    pub fn resolve(policy: OptimizationPolicy, value: &Value) -> Self {
        let objective = presets::objective(policy.spec.objective);
        let written = |pointer: &str| value.pointer(pointer).cloned().unwrap_or(Value::Null);
        let filled = |key: &str| {
            let mut layered = Layered::new();
            layered.add(&objective[key], "objective");
            if let Value::Object(own) = written(&format!("/spec/{key}")) {
                layered.add(&Value::Object(own), "policy");
            }
            layered.value
        };
        let bounds = Bounds::from_values(&filled("risk"), &filled("history"), &filled("guardrails"));
        let classes = class_values(&policy, value, &objective);
        let rules = policy
            .spec
            .workloads
            .iter()
            .map(|(name, rule)| compile(name, rule, value))
            .collect();
        Self {
            cluster: Cluster::of(&policy.spec.cluster),
            bounds,
            base: objective["workload"].clone(),
            classes,
            rules,
            policy,
            written: written("/spec"),
            warnings: Vec::new(),
            source: Source::object(super::KIND, ""),
        }
    }

    /// What is written in the policy that bears on one workload: two policies that say the same here want the same for it.
    ///
    /// Rules of other workloads, classes it does not have, acceptances of others and the budget are left out.
    pub fn concerning(&self, subject: &Subject) -> Value {
        let bare = self.policy.spec.identity.bare_name(&subject.name);
        let mut concerning = self.written.clone();
        let part = |key: &str, name: &str| self.written[key].get(name).cloned().unwrap_or(Value::Null);
        let class = self.delegated(subject, &mut Vec::new()).class;
        let mut classes: BTreeMap<String, Value> = class.iter().map(|name| (name.clone(), Value::Null)).collect();
        let mut rules = Map::new();
        for rule in &self.rules {
            let Some(rank) = exactness(&rule.selector, subject, bare) else {
                continue;
            };
            classes.extend(rule.class.iter().map(|name| (name.clone(), Value::Null)));
            // whom else it matches does not matter; how exactly it matches does, as it orders the rules
            let rule_of = json!([
                format!("{rank:?}"),
                rule.priority,
                rule.class,
                rule.selector.container,
                rule.body
            ]);
            rules.insert(rule.name.clone(), rule_of);
        }
        for (name, class) in &mut classes {
            *class = part("classes", name);
        }
        let accept = self.policy.spec.accept.iter();
        let accept: Map<String, Value> = accept
            .filter(|(_, accept)| glob(&accept.workload, bare))
            .map(|(name, _)| (name.clone(), part("accept", name)))
            .collect();
        if let Value::Object(map) = &mut concerning {
            map.remove("budget");
            moved::keep_of(map, subject);
            map.insert("workloads".to_owned(), Value::Object(rules));
            map.insert("classes".to_owned(), json!(classes));
            map.insert("accept".to_owned(), Value::Object(accept));
        }
        concerning
    }

    /// What is wanted for a workload.
    pub fn of(&self, subject: &Subject) -> Matched {
        let bare = self.policy.spec.identity.bare_name(&subject.name);
        let mut hits: Vec<(Exactness, i32, &CompiledRule)> = self
            .rules
            .iter()
            .filter_map(|rule| exactness(&rule.selector, subject, bare).map(|rank| (rank, rule.priority, rule)))
            .collect();
        hits.sort_by(|a, b| (a.0, a.1, &a.2.name).cmp(&(b.0, b.1, &b.2.name)));
        let (workload_hits, container_hits): (Vec<_>, Vec<_>) = hits
            .into_iter()
            .partition(|(_, _, rule)| rule.selector.container.is_none());
        let mut notes = Vec::new();
        let delegated = self.delegated(subject, &mut notes);
        if workload_hits.is_empty() && delegated.class.is_none() {
            return Matched::Unmatched;
        }
        if let Some(tie) = find_tie(&workload_hits) {
            return Matched::Broken(tie);
        }
        let class = delegated
            .class
            .clone()
            .or_else(|| workload_hits.iter().rev().find_map(|(_, _, rule)| rule.class.clone()));
        let mut layered = Layered::new();
        layered.add(&self.base, "objective");
        for (origin, value) in class
            .as_ref()
            .and_then(|name| self.classes.get(name))
            .into_iter()
            .flatten()
        {
            layered.add(value, origin);
        }
        for (_, _, rule) in &workload_hits {
            layered.add(&rule.body, &format!("rule {}", rule.name));
        }
        layered.add(&delegated.body, "annotation");
        let spec: WorkloadSpec = match serde_json::from_value(layered.value) {
            Ok(spec) => spec,
            Err(error) => {
                let headline = format!("the rules of this workload do not fit together: {error}");
                return Matched::Broken(Diagnostic::error(code::POLICY_CONFLICT, headline));
            }
        };
        if let Some(contradiction) = contradictions::of(&spec).into_iter().next() {
            return Matched::Broken(self.contradicted(&contradiction, &layered.origins));
        }
        let containers = container_hits
            .iter()
            .map(|(_, _, rule)| {
                (
                    rule.name.clone(),
                    rule.selector.container.clone().unwrap_or_default(),
                    rule.body.clone(),
                )
            })
            .collect();
        let rules = workload_hits.iter().map(|(_, _, rule)| rule.name.clone()).collect();
        Matched::Wanted(
            Box::new(WorkloadSettings {
                spec,
                class,
                rules,
                origins: layered.origins,
                containers,
            }),
            notes,
        )
    }

    /// Where the name of a field stands in the policy.
    pub fn key_place(&self, pointer: &str) -> Place {
        self.source.key_place(pointer)
    }

    /// Where objects live that name no namespace.
    pub fn default_namespace(&self) -> DefaultNamespace {
        DefaultNamespace::stated(&self.policy.spec.identity.namespace)
    }

    /// Rules, in the order of their names, that match none of `subjects`.
    pub fn idle_rules<'a>(&'a self, subjects: &'a [Subject]) -> impl Iterator<Item = &'a str> {
        self.rules.iter().filter_map(move |rule| {
            let identity = &self.policy.spec.identity;
            let idle = subjects
                .iter()
                .all(|s| exactness(&rule.selector, s, identity.bare_name(&s.name)).is_none());
            idle.then_some(rule.name.as_str())
        })
    }

    /// Layers of one workload that do not fit together, with the place of the one and the name of both.
    fn contradicted(&self, found: &Contradiction, origins: &BTreeMap<String, String>) -> Diagnostic {
        let from = |pointer: &str| -> Option<(&str, &str)> {
            let at = origins.keys().find(|known| is_at_or_below(known, pointer))?;
            Some((at, &origins[at]))
        };
        let place = from(&found.at).map(|(_, origin)| format!("{}{}", layer_pointer(origin), found.at));
        let place = self.source.value_place(place.as_deref().unwrap_or("/spec"));
        let mut diagnostic = Diagnostic::error(code::POLICY_CONFLICT, found.headline.clone())
            .at(place)
            .help(found.help.clone());
        for pointer in [Some(&found.at), found.beside.as_ref()].into_iter().flatten() {
            if let Some((at, origin)) = from(pointer) {
                diagnostic = diagnostic.because(format!("`{}` is set by {origin}", path_of(at)));
            }
        }
        diagnostic
    }

    fn delegated(&self, subject: &Subject, notes: &mut Vec<Diagnostic>) -> Delegated {
        let delegate = &self.policy.spec.delegate;
        let mut result = Delegated {
            class: None,
            body: json!({}),
        };
        let annotation = |key: &str| subject.annotations.get(&format!("trimtab.dev/{key}"));
        if let Some(class) = annotation("class") {
            if delegate.class.get(class) == Some(&true) && self.classes.contains_key(class) {
                result.class = Some(class.clone());
            } else {
                notes.push(refused("class", class));
            }
        }
        for (key, field, allowed) in [
            ("min-replicas", "minReplicas", delegate.min_replicas),
            ("max-replicas", "maxReplicas", delegate.max_replicas),
        ] {
            let is_possible = |count: u32| ranges::of_workload(&["scaling", field, "value"], &json!(count)).is_none();
            match annotation(key).map(|text| (text, text.parse::<u32>())) {
                Some((_, Ok(count))) if allowed && is_possible(count) => {
                    result.body["scaling"][field] = json!({ "value": count });
                }
                Some((text, _)) => notes.push(refused(key, text)),
                None => {}
            }
        }
        result
    }
}

struct Delegated {
    class: Option<String>,
    body: Value,
}

fn refused(key: &str, text: &str) -> Diagnostic {
    Diagnostic::warning(
        code::DELEGATION_REFUSED,
        format!("the annotation `trimtab.dev/{key}: {text}` is ignored"),
    )
    .because("the policy's `spec.delegate` does not allow this key with this value")
    .help(format!(
        "allow it under `spec.delegate`, or take the annotation `trimtab.dev/{key}` away"
    ))
}

/// Where a layer stands in the policy, by its name; what trimtab ships stands nowhere in it.
fn layer_pointer(origin: &str) -> String {
    if let Some(rule) = origin.strip_prefix("rule ") {
        return format!("/spec/workloads/{}", escape(rule));
    }
    match origin.strip_prefix("own class ") {
        Some(class) => format!("/spec/classes/{}", escape(class)),
        None => "/spec".to_owned(),
    }
}

/// `scaling.fallback.replicas` for a pointer.
fn path_of(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// Layer names of shipped classes start so; a class of the policy's own is its owner's word.
const SHIPPED_CLASS: &str = "class ";

impl WorkloadSettings {
    /// The shipped class that sets a field; `None` where the policy itself says it, or nothing does.
    pub fn shipped_class_of(&self, pointer: &str) -> Option<&str> {
        self.origins.get(pointer)?.strip_prefix(SHIPPED_CLASS)
    }

    /// A setting by its path, with the layer that sets it: `` `scaling.fallback` (rule api) ``.
    pub fn named(&self, pointer: &str) -> String {
        let origin = self.origins.iter().find(|(known, _)| is_at_or_below(known, pointer));
        let path = path_of(pointer);
        origin.map_or_else(|| format!("`{path}`"), |(_, origin)| format!("`{path}` ({origin})"))
    }

    /// What is wanted for one container; the main one has the workload's own `requests` and `limits`.
    pub fn container(&self, name: &str, is_main: bool) -> (Requests, Limits) {
        let mut rules = self
            .containers
            .iter()
            .filter(|(_, pattern, _)| glob(pattern, name))
            .peekable();
        let of_itself = self.spec.containers.get(name);
        if is_main && rules.peek().is_none() && of_itself.is_none() {
            return (self.spec.requests.clone(), self.spec.limits.clone());
        }
        let own = if is_main {
            json!({"requests": self.spec.requests, "limits": self.spec.limits})
        } else {
            let Requests {
                strategy, percentile, ..
            } = self.spec.requests.clone();
            let requests = Requests {
                strategy,
                percentile,
                ..Requests::default()
            };
            json!({"requests": requests, "limits": {"cpu": {"mode": "keep"}, "memory": {"mode": "keep"}}})
        };
        let mut layered = Layered::new();
        layered.add(&own, "workload");
        rules.for_each(|(rule, _, body)| layered.add(body, rule));
        if let Some(container) = of_itself {
            layered.add(&without_nulls(json!(container)), "container");
        }
        let read = |key: &str| layered.value.get(key).cloned().unwrap_or_else(|| json!({}));
        (
            serde_json::from_value(read("requests")).unwrap_or_default(),
            serde_json::from_value(read("limits")).unwrap_or_default(),
        )
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        other => other,
    }
}

fn class_values(policy: &OptimizationPolicy, value: &Value, objective: &Value) -> BTreeMap<String, Vec<ClassLayer>> {
    let own = |name: &str| {
        value
            .pointer("/spec/classes")
            .and_then(|classes| classes.get(name))
            .cloned()
    };
    let names = policy
        .spec
        .classes
        .keys()
        .map(String::as_str)
        .chain(presets::CLASSES.iter().map(|(name, _)| *name));
    names
        .map(|name| {
            let shipped = presets::class(name).map(|value| (format!("{SHIPPED_CLASS}{name}"), value));
            let goal = policy.spec.objective.as_str();
            let by_objective = objective["classes"].get(name).cloned();
            let by_objective = by_objective.map(|value| (format!("{SHIPPED_CLASS}{name} of objective {goal}"), value));
            let own = own(name).map(|value| (format!("own class {name}"), value));
            (
                name.to_owned(),
                shipped.into_iter().chain(by_objective).chain(own).collect(),
            )
        })
        .collect()
}

fn compile(name: &str, rule: &super::wire::Rule, value: &Value) -> CompiledRule {
    let mut body = value
        .pointer("/spec/workloads")
        .and_then(|rules| rules.get(name))
        .cloned()
        .unwrap_or(json!({}));
    if let Value::Object(map) = &mut body {
        for key in ["match", "priority", "class"] {
            map.remove(key);
        }
    }
    let by_name = || Match {
        names: BTreeMap::from([(name.to_owned(), true)]),
        ..Match::default()
    };
    CompiledRule {
        name: name.to_owned(),
        selector: rule.selector.clone().unwrap_or_else(by_name),
        priority: rule.priority.unwrap_or(0),
        class: rule.class.clone(),
        body,
    }
}

/// Two neighbours of equal rank and priority that set one field differently.
fn find_tie(hits: &[(Exactness, i32, &CompiledRule)]) -> Option<Diagnostic> {
    for (index, (rank, priority, rule)) in hits.iter().enumerate() {
        for (_, _, other) in hits[index + 1..]
            .iter()
            .take_while(|(r, p, _)| (r, p) == (rank, priority))
        {
            let field = match (&rule.class, &other.class) {
                (Some(a), Some(b)) if a != b => Some("/class".to_owned()),
                _ => first_difference(&rule.body, &other.body, ""),
            };
            if let Some(field) = field {
                let headline = format!(
                    "rules `{}` and `{}` match equally well and set `{field}` differently",
                    rule.name, other.name
                );
                return Some(Diagnostic::error(code::RULE_TIE, headline).help(format!(
                    "give one of them a higher `priority`, or `match` the workload by its name in `{}`",
                    rule.name
                )));
            }
        }
    }
    None
}

fn first_difference(a: &Value, b: &Value, pointer: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            common(a, b).find_map(|(key, x, y)| first_difference(x, y, &format!("{pointer}/{}", escape(key))))
        }
        _ => (a != b).then(|| pointer.to_owned()),
    }
}

fn common<'a>(
    a: &'a Map<String, Value>,
    b: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a Value, &'a Value)> {
    a.iter().filter_map(|(key, x)| b.get(key).map(|y| (key.as_str(), x, y)))
}
