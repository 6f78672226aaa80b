//! `PodDisruptionBudget`s: that a drain can end, and that each pod has one.

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, finding, is_ours, lowest_replicas, selector, selects};
use crate::diag::{Code, Diagnostic, Severity, code, counted, first_of};
use crate::units::IntOrPercent;
use crate::workload::{Budget, Workload};

/// A budget that allows no eviction at the lowest replica count.
pub(super) struct BlocksEvictions;

impl Rule for BlocksEvictions {
    fn code(&self) -> Code {
        code::PDB_BLOCKS_EVICTIONS
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads().filter(|workload| workload.id.kind != "DaemonSet") {
            let lowest = lowest_replicas(workload);
            let blocking = workload
                .budgets
                .iter()
                .filter(|budget| !budget.is_shared && evictable(budget, lowest) == 0);
            found.extend(blocking.map(|budget| blocked(workload, budget, lowest)));
        }
        found
    }
}

/// A budget under which all pods of the lowest count may go at once.
pub(super) struct ProtectsNothing;

impl Rule for ProtectsNothing {
    fn code(&self) -> Code {
        code::PDB_PROTECTS_NOTHING
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads().filter(|workload| workload.id.kind != "DaemonSet") {
            let lowest = lowest_replicas(workload);
            let idle = workload
                .budgets
                .iter()
                .filter(|budget| !budget.is_shared && evictable(budget, lowest) == lowest);
            found.extend(idle.map(|budget| {
                let headline = format!("at {} the budget lets all pods go at once", counted(lowest, "replica"));
                let mut note = finding(
                    code::PDB_PROTECTS_NOTHING,
                    (&budget.id, budget.is_ours),
                    "/spec",
                    headline,
                )
                .of(workload.key())
                .help("raise the lowest replica count, or take the budget out");
                note.severity = Severity::Note;
                note
            }));
        }
        found
    }
}

/// Pods that may go of `pods`: what the disruption controller computes, which rounds shares up.
pub(super) fn evictable(budget: &Budget, pods: u32) -> u32 {
    match (budget.min_available, budget.max_unavailable) {
        (_, Some(max)) => max.of_ceil(pods).min(pods),
        (Some(min), None) => pods.saturating_sub(min.of_ceil(pods)),
        // the controller expects no pods at all, and lets none go
        (None, None) => 0,
    }
}

fn blocked(workload: &Workload, budget: &Budget, lowest: u32) -> Diagnostic {
    let (field, bound) = match (budget.min_available, budget.max_unavailable) {
        (_, Some(max)) => ("maxUnavailable", max),
        (Some(min), None) => ("minAvailable", min),
        (None, None) => ("minAvailable", IntOrPercent::Int(0)),
    };
    let headline = if budget.min_available.is_none() && budget.max_unavailable.is_none() {
        "a budget without `minAvailable` and `maxUnavailable` lets no pod go".to_owned()
    } else {
        format!("`{field}: {bound}` lets no pod go at {}", counted(lowest, "replica"))
    };
    finding(
        code::PDB_BLOCKS_EVICTIONS,
        (&budget.id, budget.is_ours),
        &format!("/spec/{field}"),
        headline,
    )
    .of(workload.key())
    .because("a node drain waits for it without end; shares of pods are rounded up")
    .help("write `maxUnavailable: 1`, or raise the lowest replica count")
}

/// A budget whose selector takes in everything, nothing, or several workloads.
pub(super) struct SelectorMisses;

impl Rule for SelectorMisses {
    fn code(&self) -> Code {
        code::PDB_SELECTOR
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (id, object) in scene.of_kind("policy", "PodDisruptionBudget") {
            let at = |headline: String| {
                finding(code::PDB_SELECTOR, (id, is_ours(object)), "/spec/selector", headline)
                    .help("select one workload by the labels of its own selector")
            };
            let written = object.pointer("/spec/selector").filter(|selector| !selector.is_null());
            let Some(written) = written else {
                found.push(at("the budget has no selector, so it holds for no pod".to_owned()));
                continue;
            };
            if is_empty(written) {
                found.push(at("an empty selector holds for every pod of the namespace".to_owned()));
                continue;
            }
            let Some(selector) = selector(written) else { continue };
            let selected: Vec<&str> = scene
                .workloads
                .near(scene.namespace(id), written)
                .filter(|workload| selects(&selector, &workload.pod_labels))
                .map(|workload| workload.id.name.as_str())
                .collect();
            match selected[..] {
                [] => found.push(at("the selector matches no workload among these manifests".to_owned())),
                [_] => {}
                _ => found.push(
                    at(format!(
                        "one budget holds for several workloads: {}",
                        first_of(&selected)
                    ))
                    .because("a pod missing in one of them stops the drain of all"),
                ),
            }
        }
        found
    }
}

fn is_empty(selector: &Value) -> bool {
    let is_empty = |key: &str| match selector.get(key) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        _ => true,
    };
    is_empty("matchLabels") && is_empty("matchExpressions")
}

/// Two budgets on one pod.
pub(super) struct TwoBudgets;

impl Rule for TwoBudgets {
    fn code(&self) -> Code {
        code::TWO_BUDGETS
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads() {
            let Some((first, others)) = workload.budgets.split_first() else {
                continue;
            };
            found.extend(others.iter().map(|other| {
                let headline = format!(
                    "the pods of `{}` are in the budgets `{}` and `{}`",
                    workload.id.name, first.id.name, other.id.name
                );
                finding(
                    code::TWO_BUDGETS,
                    (&other.id, other.is_ours || first.is_ours),
                    "/spec/selector",
                    headline,
                )
                .of(workload.key())
                .because("the eviction API refuses to evict a pod that is in two budgets, so a drain never ends")
                .help("keep one of them")
            }));
        }
        found
    }
}
