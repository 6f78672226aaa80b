//! What a plan can't say. A plan is one reviewed document that builds apply as it is, and people edit it at times: a value
//! that no planning writes and no API server takes is refused where it is read, not where it is applied.
//!
//! A number in a plan has the range that the policy gives it (`policy/ranges.rs`), a name the form (`policy/names.rs`).

use serde_json::Value;

use super::model::{Decided, OptimizationPlan, WorkloadPlan};
use crate::diag::{Diagnostic, code};
use crate::policy::merge::{escape, pointer};
use crate::policy::names::{self, Form};
use crate::policy::ranges::{self, Outside};
use crate::policy::{DECISION_VERSION, Source};

/// How a value that was edited comes right.
const AGAIN: &str = "take the file from git again, or state the value in the policy and run `trimtab plan --write`";

/// Everything in a plan that can't be; `value` is the same plan as it was written.
pub(super) fn check(plan: &OptimizationPlan, value: &Value, source: &Source) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if plan.spec.decision_version != DECISION_VERSION {
        let headline = format!(
            "decision version `{}` is not known to this binary",
            plan.spec.decision_version
        );
        let problem = Diagnostic::error(code::MALFORMED_INPUT, headline);
        problems.push(
            problem
                .at(source.value_place("/spec/decisionVersion"))
                .help("use a newer trimtab"),
        );
    }
    for (key, workload) in &plan.spec.workloads {
        let at = format!("/spec/workloads/{}", escape(key));
        if !is_key(key) {
            let headline = format!("`{key}` is not the key of a workload");
            let key = "a key is kind, namespace and name: `Deployment/shop/api`; without a namespace `Deployment/api`";
            let problem = Diagnostic::error(code::MALFORMED_INPUT, headline);
            problems.push(problem.at(source.key_place(&at)).because(key).help(AGAIN));
        }
        for (part, outside) in of_entry(&value["spec"]["workloads"][key], workload) {
            let headline = format!("`{key}`: {}", outside.headline);
            let problem = Diagnostic::error(code::MALFORMED_INPUT, headline)
                .at(source.value_place(&format!("{at}{part}")))
                .because(outside.because);
            problems.push(problem.help(format!("{}; or {AGAIN}", outside.help)));
        }
    }
    problems
}

/// The first thing in an entry that can't be, in a sentence.
pub(super) fn first_of_entry(entry: &WorkloadPlan) -> Option<String> {
    let value = serde_json::to_value(entry).expect("broken invariant: a plan has text keys and finite numbers");
    let (part, outside) = of_entry(&value, entry).into_iter().next()?;
    Some(format!("`{}`: {}", part.trim_start_matches('/'), outside.headline))
}

/// Everything in an entry that can't be, by pointers into it.
fn of_entry(value: &Value, entry: &WorkloadPlan) -> Vec<(String, Outside)> {
    let mut found = together(entry);
    walk(value, &mut Vec::new(), &mut |keys, outside| {
        found.push((pointer(keys), outside));
    });
    found
}

/// `Deployment/shop/api` or `Deployment/api`.
fn is_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().all(|part| !part.trim().is_empty())
        && parts[0].chars().all(|c| c.is_ascii_alphanumeric())
}

fn walk<'v>(value: &'v Value, keys: &mut Vec<&'v str>, found: &mut impl FnMut(&[&str], Outside)) {
    if let Some(outside) = outside(keys, value) {
        found(keys, outside);
    }
    for (key, child) in value.as_object().into_iter().flatten() {
        keys.push(key);
        walk(child, keys, found);
        keys.pop();
    }
}

/// What is wrong with one field of an entry.
fn outside(keys: &[&str], value: &Value) -> Option<Outside> {
    let keys = match keys {
        // what is held back has the fields of what is rendered
        ["waiting", _, rest @ ..] => rest,
        all => all,
    };
    named(keys, value).or_else(|| {
        let said = in_policy(keys)?;
        ranges::of_workload(&said, value).or_else(|| names::of_workload(&said, value))
    })
}

/// The policy's field that a field of an entry is an answer to.
fn in_policy<'k>(keys: &[&'k str]) -> Option<Vec<&'k str>> {
    Some(match keys {
        ["containers", _, rest @ ..] => rest.to_vec(),
        ["scaler", resource @ ("cpu" | "memory"), "target", last] => vec!["scaling", "targets", resource, last],
        ["scaler", rest @ ..] => [&["scaling"], rest].concat(),
        ["replicas", last] => vec!["replicas", "count", last],
        [field @ ("gracePeriod" | "preStopSleep"), last] => vec!["termination", field, last],
        ["disruption" | "spread" | "vpa", ..] => keys.to_vec(),
        _ => return None,
    })
}

/// Names that a policy does not state.
fn named(keys: &[&str], value: &Value) -> Option<Outside> {
    let text = value.as_str().unwrap_or_default();
    match keys {
        ["containers", ""] => Some(Outside {
            headline: "a container has a name".to_owned(),
            because: "requests and limits are set in the container of this name",
            help: "write the container's name".to_owned(),
        }),
        ["spread", key] | ["spot", "taints", key] => Form::LabelKey.outside(key),
        ["spot", "labels", key] => Form::LabelKey.outside(key).or_else(|| Form::LabelValue.outside(text)),
        ["spot", "taints", _, "value"] => Form::LabelValue.outside(text),
        _ => None,
    }
}

/// Values that can't stand together, and those that stop a drain, a scaler or the workload: where, and what.
fn together(plan: &WorkloadPlan) -> Vec<(String, Outside)> {
    let mut found = Vec::new();
    let mut says = |part: String, headline: String, because: &'static str, help: &str| {
        let help = help.to_owned();
        found.push((
            part,
            Outside {
                headline,
                because,
                help,
            },
        ));
    };
    let budget = plan.disruption.as_ref();
    let most_gone = budget.and_then(|budget| budget.max_unavailable.as_ref());
    let is_known = plan.findings.contains_key(code::PDB_BLOCKS_EVICTIONS.as_str());
    if !is_known && most_gone.is_some_and(|max| super::disruption::blocks(None, Some(max.value), u32::MAX)) {
        says(
            "/disruption/maxUnavailable".to_owned(),
            "a budget of `maxUnavailable: 0` lets no pod go".to_owned(),
            "a drain of its nodes does not end, and no finding says so",
            "write `1` or more",
        );
    }
    let lowest = plan.scaler.as_ref().map(|scaler| scaler.min_replicas.value);
    let count = plan.replicas.as_ref().filter(|count| !count.is_stated());
    if lowest != Some(0) && count.is_some_and(|count| count.value == Some(0)) {
        says(
            "/replicas/value".to_owned(),
            "0 replicas stop the workload".to_owned(),
            "the policy does not state it",
            "write `1` or more",
        );
    }
    if let Some(scaler) = &plan.scaler {
        let (min, max) = (scaler.min_replicas.value, scaler.max_replicas.value);
        if min > max {
            let headline = format!("{min} to {max} replicas is no range");
            says(
                "/scaler/minReplicas/value".to_owned(),
                headline,
                "no count is in it",
                "swap them",
            );
        }
    }
    let own = [
        (
            "scaler",
            plan.scaler.as_ref().map(|scaler| (&scaler.name, scaler.adopted)),
        ),
        ("disruption", budget.map(|budget| (&budget.name, budget.adopted))),
        ("vpa", plan.vpa.as_ref().map(|vpa| (&vpa.name, vpa.adopted))),
    ];
    for (part, object) in own {
        // the name of an adopted object is its owner's
        let name = object.filter(|(_, adopted)| !adopted).map(|(name, _)| name);
        if let Some(outside) = name.and_then(|name| Form::Object.outside(name)) {
            says(
                format!("/{part}/name"),
                outside.headline,
                outside.because,
                &outside.help,
            );
        }
    }
    for (name, container) in &plan.containers {
        let (requests, limits) = (&container.requests, &container.limits);
        let limit = (
            limits.cpu.as_ref().and_then(|d| d.value),
            limits.memory.as_ref().and_then(|d| d.value),
        );
        let request = (
            requests.cpu.as_ref().map(|d| d.value),
            requests.memory.as_ref().map(|d| d.value),
        );
        let pairs = [
            ("cpu", is_above(request.0, limit.0)),
            ("memory", is_above(request.1, limit.1)),
        ];
        for (resource, _) in pairs.into_iter().filter(|(_, is_above)| *is_above) {
            says(
                format!("/containers/{}/requests/{resource}/value", escape(name)),
                format!("container `{name}` requests more than its limit"),
                "no API server takes it",
                "write the limit or less",
            );
        }
    }
    found
}

fn is_above<T: PartialOrd>(request: Option<T>, limit: Option<T>) -> bool {
    request.zip(limit).is_some_and(|(request, limit)| request > limit)
}
