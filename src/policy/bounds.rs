//! Bounds on time and change, with nothing left open.

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{BorrowedHistory, Guardrails, History, Risk, StatefulRestart};
use crate::units::{Percent, Seconds};

/// `risk`, `history` and `guardrails` of a policy, the objective's values where it leaves them open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Share of known time in which demand may exceed ready pods × CPU request.
    pub cpu_shortfall: Percent,
    /// Share of known time in which memory may exceed its limit.
    pub memory_over_limit: Percent,
    /// Share of known time the scaler may be at its maximum.
    pub at_max_replicas: Percent,
    /// Shortest recorded time for a derived value.
    pub history_minimum: Seconds,
    /// Smallest share of that time with samples.
    pub history_coverage: Percent,
    /// Half of a sample's weight is gone after this time.
    pub half_life: Seconds,
    /// Another environment's history.
    pub borrowed: Option<BorrowedHistory>,
    /// Largest fall of request × lowest replicas in one plan.
    pub capacity_decrease: Percent,
    /// Smaller changes are not made.
    pub min_change: Percent,
    /// Shortest time between two restarts of one workload.
    pub restart_interval: Seconds,
    /// Whether templates of StatefulSets and DaemonSets may change.
    pub stateful: StatefulRestart,
    /// Workloads whose pods restart in one plan.
    pub wave: u32,
}

impl Bounds {
    /// From the three sections, objective and policy already laid over each other.
    pub(super) fn from_values(risk: &Value, history: &Value, guardrails: &Value) -> Self {
        let (risk, history, guardrails): (Risk, History, Guardrails) = (read(risk), read(history), read(guardrails));
        Self {
            cpu_shortfall: filled(risk.cpu_shortfall),
            memory_over_limit: filled(risk.memory_over_limit),
            at_max_replicas: filled(risk.at_max_replicas),
            history_minimum: filled(history.minimum),
            history_coverage: filled(history.coverage),
            half_life: filled(history.half_life),
            borrowed: history.from,
            capacity_decrease: filled(guardrails.capacity_decrease),
            min_change: filled(guardrails.min_change),
            restart_interval: filled(guardrails.restart.min_interval),
            stateful: filled(guardrails.restart.stateful),
            wave: filled(guardrails.wave.workloads),
        }
    }
}

fn filled<T>(value: Option<T>) -> T {
    value.expect("broken invariant: an objective fills every bound (tests read them all)")
}

fn read<T: for<'de> Deserialize<'de> + Default>(value: &Value) -> T {
    let value = if value.is_null() { json!({}) } else { value.clone() };
    serde_json::from_value(value).expect("broken invariant: objective and validated policy have the schema's form")
}
