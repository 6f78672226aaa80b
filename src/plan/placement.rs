//! Where pods go: spread over zones and nodes, interruptible nodes.

use std::collections::BTreeMap;

use super::case::{Case, reason};
use super::lapse;
use super::model::{SpotPlacement, SpotPlan, SpreadPlan, WorkloadPlan};
use crate::catalog::fields::Field;
use crate::diag::code;
use crate::policy::wire::{RuntimeKind, ScalingMode, SpotMode, SpreadConstraint, SpreadMode, WhenUnsatisfiable};
use crate::units::Seconds;
use crate::workload::affinity::{Placement, Side};

/// Topology key of zones.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// Topology key of nodes.
pub const HOST: &str = "kubernetes.io/hostname";
/// Grace period of a pod that states none.
const DEFAULT_GRACE: Seconds = Seconds::new(30);

/// Whether its pods are spread over zones, as far as the policy and the last decision tell: an accepted spread stays where
/// the policy has no word on it.
pub fn is_over_zones(case: &Case<'_>) -> bool {
    match case.wanted.spec.spread.mode {
        Some(mode) => matches!(mode, SpreadMode::Zone | SpreadMode::ZoneAndHost),
        None => lapse::stays(case, |plan| plan.spread.get(ZONE)).is_some(),
    }
}

/// Decides the spread constraints. `lowest` and `highest` are the replica counts the workload may have.
pub fn spread(case: &Case<'_>, lowest: u32, highest: u32) -> BTreeMap<String, SpreadPlan> {
    let wanted = &case.wanted.spec.spread;
    let keys: &[(&str, &SpreadConstraint)] = match wanted.mode {
        Some(SpreadMode::None) => return BTreeMap::new(),
        None => return kept_spread(case, "`spread.mode` is not stated any more"),
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
        return kept_spread(
            case,
            "no rule states `spread.mode` any more, and a class changes no such template",
        );
    }
    if highest < 2 && case.accepted().is_none_or(|plan| plan.spread.is_empty()) {
        // one pod has nothing to be spread from, and the change would restart it
        return BTreeMap::new();
    }
    let hard = case.workload.hard_spreads();
    let mut spread = BTreeMap::new();
    for (key, constraint) in keys {
        let plan = one(case, key, constraint, lowest);
        let is_softer = hard.contains(key) && plan.when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway;
        if is_softer && !may_soften(case, key, constraint) {
            case.find(
                code::LEFT_ALONE,
                format!(
                    "its own hard spread over `{key}` stays; `spread` with `whenUnsatisfiable: ScheduleAnyway` softens it"
                ),
            );
            continue;
        }
        let plan = SpreadPlan {
            softens: is_softer,
            ..plan
        };
        spread.insert((*key).to_owned(), plan);
    }
    spread
}

/// Whether a hard constraint of the manifest may become a soft one: the policy says so in words, or the hard one was
/// ours and a host has written it back.
fn may_soften(case: &Case<'_>, key: &str, wanted: &SpreadConstraint) -> bool {
    let accepted = case.accepted().and_then(|plan| plan.spread.get(key));
    let was_ours =
        accepted.is_some_and(|plan| plan.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule || plan.softens);
    was_ours || wanted.when_unsatisfiable.is_some()
}

fn kept_spread(case: &Case<'_>, gone: &str) -> BTreeMap<String, SpreadPlan> {
    let accepted = |plan: &WorkloadPlan| (!plan.spread.is_empty()).then(|| plan.spread.clone());
    lapse::keep(case, accepted, gone, "`mode: none`").unwrap_or_default()
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
        softens: false,
        reason: case.said("/spread/mode"),
    }
}

/// Decides placement on interruptible nodes. `lowest` is the lowest replica count.
pub fn spot(case: &Case<'_>, lowest: u32) -> Option<SpotPlan> {
    let accepted = |plan: &WorkloadPlan| plan.spot.clone();
    let wanted = match case.wanted.spec.spot.mode {
        None => {
            let kept = lapse::keep(case, accepted, "`spot.mode` is not stated any more", "`mode: none`")?;
            return Some(unless_unsafe(case, kept, lowest));
        }
        Some(SpotMode::None) => return None,
        Some(SpotMode::Never) => SpotPlacement::Never,
        Some(SpotMode::Prefer) => SpotPlacement::Prefer,
        Some(SpotMode::Require) => SpotPlacement::Require,
    };
    if case.workload.id.kind == "DaemonSet" {
        case.find(
            code::LEFT_ALONE,
            "a DaemonSet runs on every node it fits: its placement is not changed",
        );
        return None;
    }
    let Some(nodes) = &case.settings.cluster.spot else {
        let gone = "how spot nodes are marked is not stated any more (`spec.cluster`)";
        if let Some(kept) = lapse::keep(case, accepted, gone, "`spot: {mode: none}`") {
            return Some(unless_unsafe(case, kept, lowest));
        }
        if wanted != SpotPlacement::Never {
            case.find(
                code::SPOT_UNSAFE,
                "how spot nodes are marked is not known: name `spec.cluster.provider` or `spec.cluster.spot`",
            );
        }
        return None;
    };
    if case.workload.is_behind_rollout {
        return None;
    }
    if case.keeps_template("/spot/mode") {
        let gone = "no rule states `spot.mode` any more, and a class changes no such template";
        return lapse::keep(case, accepted, gone, "`mode: none`");
    }
    let mode = safe(case, wanted, lowest);
    let why = if mode == wanted {
        case.said("/spot/mode")
    } else {
        reason(code::SPOT_UNSAFE, [])
    };
    let there = Placement {
        pod_spec: &case.workload.pod_spec,
        labels: &nodes.labels,
    };
    let is_contradicted = match there.side() {
        Some(Side::OnDemand) => mode != SpotPlacement::Never,
        Some(Side::Spot) => mode == SpotPlacement::Never,
        None => false,
    };
    if is_contradicted {
        case.find(
            code::LEFT_ALONE,
            "its node selector or affinity decides the other way on spot nodes: the placement stays",
        );
        return None;
    }
    let taints = if mode == SpotPlacement::Never {
        BTreeMap::new()
    } else {
        nodes.taints.clone()
    };
    Some(SpotPlan {
        mode,
        labels: nodes.labels.clone(),
        taints,
        reason: why,
    })
}

/// A placement, or none on spot nodes where that is a danger that nobody accepted.
fn safe(case: &Case<'_>, wanted: SpotPlacement, lowest: u32) -> SpotPlacement {
    let danger = (wanted != SpotPlacement::Never).then(|| danger(case, lowest)).flatten();
    let Some(danger) = danger else { return wanted };
    case.find(code::SPOT_UNSAFE, danger);
    if case.is_accepted(code::SPOT_UNSAFE) {
        wanted
    } else {
        SpotPlacement::Never
    }
}

/// What was accepted and nobody states any more, judged as if it were stated.
fn unless_unsafe(case: &Case<'_>, kept: SpotPlan, lowest: u32) -> SpotPlan {
    if safe(case, kept.mode, lowest) == kept.mode {
        return kept;
    }
    SpotPlan {
        mode: SpotPlacement::Never,
        taints: BTreeMap::new(),
        reason: reason(code::SPOT_UNSAFE, []),
        ..kept
    }
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

/// A worker that KEDA scales by its queue is not missed while the queue holds the work.
fn may_be_idle(case: &Case<'_>) -> bool {
    let scaling = &case.wanted.spec.scaling;
    scaling.mode == Some(ScalingMode::Keda) && !scaling.triggers.is_empty()
}
