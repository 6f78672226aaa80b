//! What a profile keeps for other programs (`--with-state`), as it is shown: how many samples they saw, and percentiles as
//! these programs count them, before margins and least amounts.

use serde::Serialize;

use super::recorded::or_dash;
use crate::history::signal::Signal;
use crate::profile::ordered::krr::{KrrState, KrrUsage};
use crate::profile::ordered::vpa::VpaState;
use crate::profile::summary::mebibytes;
use crate::units::Timestamp;

/// A state in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    samples: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p90: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
}

/// Above the rows.
pub(super) const TITLE: [&str; 10] = [
    "workload",
    "container",
    "signal",
    "state of",
    "samples",
    "last",
    "p50",
    "p90",
    "p95",
    "max",
];

impl Kept {
    pub(super) fn of_vpa(signal: Signal, state: &VpaState) -> Self {
        let shown = |share| Some(shown(signal, state.amount(signal, share)));
        Self {
            samples: state.samples,
            first: second(state.first_ms),
            last: second(state.last_ms),
            p50: shown(0.5),
            p90: shown(0.9),
            p95: shown(0.95),
            max: None,
        }
    }

    pub(super) fn of_krr(signal: Signal, state: &KrrState) -> Self {
        let of = |percentile| Some(shown(signal, state.usage.millicores(percentile)?));
        let most = match state.usage {
            KrrUsage::Memory(bytes) => Some(shown(signal, bytes)),
            KrrUsage::Cpu(_) => of(100),
        };
        Self {
            samples: state.points,
            first: second(state.first_ms),
            last: second(state.last_ms),
            p50: of(50),
            p90: of(90),
            p95: of(95),
            max: most,
        }
    }

    /// A row of the table.
    pub(super) fn row(&self, [workload, container, signal]: [String; 3], program: &str) -> [String; 10] {
        let value = |value: &Option<String>| or_dash(value.as_deref().unwrap_or_default());
        [
            workload,
            container,
            signal,
            program.to_owned(),
            self.samples.to_string(),
            self.last.map_or_else(|| or_dash(""), |last| last.to_string()),
            value(&self.p50),
            value(&self.p90),
            value(&self.p95),
            value(&self.max),
        ]
    }
}

fn second(ms: i64) -> Option<Timestamp> {
    Timestamp::from_unix(ms.div_euclid(1000))
}

/// Millicores or bytes.
fn shown(signal: Signal, amount: u64) -> String {
    match signal {
        Signal::Cpu => format!("{amount}m"),
        _ => mebibytes(amount),
    }
}
