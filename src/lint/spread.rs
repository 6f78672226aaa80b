//! Topology spread that can't be kept, or counts the wrong pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, count, finding, items, selector, selects};
use crate::diag::{Code, Diagnostic, code};
use crate::workload::Workload;

const ZONE: &str = "topology.kubernetes.io/zone";

/// Constraints that leave pods pending, are refused, or mean nothing.
pub(super) struct SpreadUnsatisfiable;

impl Rule for SpreadUnsatisfiable {
    fn code(&self) -> Code {
        code::SPREAD_UNSATISFIABLE
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let zones = scene.cluster.map(|cluster| u64::from(cluster.zones));
        let owners = scene.workloads().filter(|workload| !workload.is_behind_rollout);
        owners.flat_map(|workload| constraints(workload, zones)).collect()
    }
}

fn constraints(workload: &Workload, zones: Option<u64>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for constraint in items(&workload.pod_spec, "/topologySpreadConstraints") {
        let key = constraint["topologyKey"].as_str().unwrap_or_default();
        let when = constraint["whenUnsatisfiable"].as_str().unwrap_or("DoNotSchedule");
        let mut say = |headline: String, help: &str| {
            let pointer = pod_spec_pointer(workload, "topologySpreadConstraints");
            found.push(
                finding(
                    code::SPREAD_UNSATISFIABLE,
                    (&workload.template_id, false),
                    &pointer,
                    headline,
                )
                .of(workload.key())
                .help(help),
            );
        };
        if !seen.insert((key, when)) {
            say(
                format!("two constraints have `{key}` and `{when}`, which is refused"),
                "keep one of them",
            );
        }
        if !counts_its_own(workload, constraint) {
            say(
                format!("the constraint on `{key}` does not count the pods it is for"),
                "let its `labelSelector` be the workload's own selector",
            );
        }
        let Some(domains) = count(constraint, "/minDomains") else {
            continue;
        };
        if when != "DoNotSchedule" {
            say(
                format!("`minDomains: {domains}` on `{key}` is refused with `{when}`"),
                "take `minDomains` out, or write `DoNotSchedule`",
            );
        } else if key == ZONE {
            let reachable = pinned_zones(&workload.pod_spec).or(zones);
            if let Some(reachable) = reachable.filter(|reachable| *reachable < domains) {
                say(
                    format!("`minDomains: {domains}`, and the pods can reach {reachable} zones"),
                    "lower `minDomains`, or write `ScheduleAnyway` without it",
                );
            }
        }
    }
    found
}

/// The pointer of a field of the pod spec in the object that owns the template.
pub(super) fn pod_spec_pointer(workload: &Workload, field: &str) -> String {
    let keys = workload.template_path.0.iter().filter_map(|segment| match segment {
        crate::krm::Segment::Key(key) => Some(format!("/{key}")),
        crate::krm::Segment::Item(_) => None,
    });
    format!("{}/spec/{field}", keys.collect::<String>())
}

fn counts_its_own(workload: &Workload, constraint: &Value) -> bool {
    constraint
        .get("labelSelector")
        .is_some_and(|written| selector(written).is_none_or(|selector| selects(&selector, &workload.pod_labels)))
}

/// How many zones the node selector or the required affinity leaves; `None` where they say nothing of zones.
fn pinned_zones(pod_spec: &Value) -> Option<u64> {
    if pod_spec
        .get("nodeSelector")
        .is_some_and(|selector| selector.get(ZONE).is_some())
    {
        return Some(1);
    }
    let at = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let mut zones = BTreeSet::new();
    for term in items(pod_spec, at) {
        let expressions = items(term, "/matchExpressions");
        let zone = expressions.iter().find(|e| e["key"] == ZONE && e["operator"] == "In")?;
        zones.extend(items(zone, "/values").iter().filter_map(Value::as_str));
    }
    (!zones.is_empty()).then(|| u64::try_from(zones.len()).unwrap_or(u64::MAX))
}
