//! Where pods go: spread over zones and nodes, interruptible nodes.

use std::collections::BTreeMap;

use super::case::{Case, reason};
use super::model::{SpotPlan, SpreadPlan};
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::wire::{RuntimeKind, SpotMode, SpreadConstraint, SpreadMode, WhenUnsatisfiable};
use crate::units::Seconds;
use crate::workload::affinity::{Placement, Side};

/// Topology key of zones.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// Topology key of nodes.
pub const HOST: &str = "kubernetes.io/hostname";
/// Grace period of a pod that states none.
const DEFAULT_GRACE: Seconds = Seconds::new(30);

/// Decides the spread constraints. `lowest` and `highest` are the replica counts the workload may have.
pub fn spread(case: &Case<'_>, lowest: u32, highest: u32) -> BTreeMap<String, SpreadPlan> {
    let wanted = &case.wanted.spec.spread;
    let keys: &[(&str, &SpreadConstraint)] = match wanted.mode {
        None | Some(SpreadMode::None) => &[],
        Some(SpreadMode::Zone) => &[(ZONE, &wanted.zone)],
        Some(SpreadMode::Host) => &[(HOST, &wanted.host)],
        Some(SpreadMode::ZoneAndHost) => &[(ZONE, &wanted.zone), (HOST, &wanted.host)],
    };
    if !matches!(case.workload.id.kind.as_str(), "Deployment" | "StatefulSet" | "Rollout")
        || case.workload.is_behind_rollout
    {
        return BTreeMap::new();
    }
    if case.keeps_template("/spread/mode") {
        return BTreeMap::new();
    }
    if highest < 2 {
        // one pod has nothing to be spread from, and the change would restart it
        return BTreeMap::new();
    }
    keys.iter()
        .map(|(key, constraint)| ((*key).to_owned(), one(case, key, constraint, lowest)))
        .collect()
}

fn one(case: &Case<'_>, key: &str, wanted: &SpreadConstraint, lowest: u32) -> SpreadPlan {
    let zones = case.settings.cluster.zones;
    let when = wanted.when_unsatisfiable.unwrap_or(WhenUnsatisfiable::ScheduleAnyway);
    if when == WhenUnsatisfiable::DoNotSchedule && key == ZONE && lowest < zones {
        case.find(
            code::SPREAD_SOFTENED,
            format!("a hard spread over {zones} zones is stated, with {lowest} replicas at the lowest: a lost zone leaves pods pending"),
        );
    }
    let cluster = &case.settings.cluster;
    SpreadPlan {
        max_skew: wanted.max_skew.unwrap_or(1),
        when_unsatisfiable: when,
        per_revision: case.workload.id.kind != "StatefulSet" && cluster.has(Field::SpreadMatchLabelKeys),
        honor_taints: cluster.has(Field::NodeInclusionPolicy),
        reason: reason(code::STATED, []),
    }
}

/// Decides placement on interruptible nodes. `lowest` is the lowest replica count.
pub fn spot(case: &Case<'_>, lowest: u32) -> Option<SpotPlan> {
    let wanted = case.wanted.spec.spot.mode?;
    if case.workload.id.kind == "DaemonSet" {
        case.find(
            code::LEFT_ALONE,
            "a DaemonSet runs on every node it fits: its placement is not changed",
        );
        return None;
    }
    let Some(nodes) = &case.settings.cluster.spot else {
        if wanted != SpotMode::Never {
            case.find(
                code::SPOT_UNSAFE,
                "how spot nodes are marked is not known: name `spec.cluster.provider` or `spec.cluster.spot`",
            );
        }
        return None;
    };
    if case.workload.is_behind_rollout || case.keeps_template("/spot/mode") {
        return None;
    }
    let danger = if wanted == SpotMode::Never {
        None
    } else {
        danger(case, lowest)
    };
    let mode = match danger {
        Some(danger) => {
            case.find(code::SPOT_UNSAFE, danger);
            if case.is_accepted(code::SPOT_UNSAFE) {
                wanted
            } else {
                SpotMode::Never
            }
        }
        None => wanted,
    };
    let why = if mode == wanted {
        code::STATED
    } else {
        code::SPOT_UNSAFE
    };
    let there = Placement {
        pod_spec: &case.workload.pod_spec,
        labels: &nodes.labels,
    };
    let is_contradicted = match there.side() {
        Some(Side::OnDemand) => mode != SpotMode::Never,
        Some(Side::Spot) => mode == SpotMode::Never,
        None => false,
    };
    if is_contradicted {
        case.find(
            code::LEFT_ALONE,
            "its node selector or affinity decides the other way on spot nodes: the placement stays",
        );
        return None;
    }
    let taints = if mode == SpotMode::Never {
        BTreeMap::new()
    } else {
        nodes.taints.clone()
    };
    Some(SpotPlan {
        mode,
        labels: nodes.labels.clone(),
        taints,
        reason: reason(why, []),
    })
}

/// Why a workload should not run on nodes that go with little notice.
fn danger(case: &Case<'_>, lowest: u32) -> Option<String> {
    let workload = case.workload;
    if workload.has_state {
        return Some("it keeps state on volumes".to_owned());
    }
    if matches!(
        case.wanted.spec.runtime.kind,
        Some(RuntimeKind::Database | RuntimeKind::Cache)
    ) {
        return Some("its class holds state in memory or on disk".to_owned());
    }
    if workload.id.group != "batch" && lowest < 2 && !may_be_idle(case) {
        return Some(match lowest {
            0 => "it may be down to no replica, so a reclaim can be an outage".to_owned(),
            _ => "with 1 replica a reclaim is an outage".to_owned(),
        });
    }
    let grace = case
        .wanted
        .spec
        .termination
        .grace_period
        .value
        .or(workload.grace_period)
        .unwrap_or(DEFAULT_GRACE);
    match case.settings.cluster.spot_notice() {
        Some(notice) if grace > notice => Some(format!(
            "its grace period of {grace} is longer than the notice of {notice}"
        )),
        _ => None,
    }
}

/// A worker that may scale to nothing is not missed while its queue holds the work.
fn may_be_idle(case: &Case<'_>) -> bool {
    !case.wanted.spec.scaling.triggers.is_empty()
}
