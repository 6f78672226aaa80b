//! Usage that is known only roughly: what was recorded hides peaks, so it is a lower bound and nothing more.
//!
//! It stands apart from [`Usage`]: nothing that plans sees it unless it asks for it by name.

use std::collections::BTreeSet;
use std::fmt;

use super::{Usage, WeekUsage};
use crate::units::Seconds;

/// What is rough about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoughSource {
    /// Averages over so long: peaks within are not seen.
    Averages(Seconds),
    /// Decayed weights of the Vertical Pod Autoscaler.
    VpaCheckpoint,
    /// Counts of VictoriaMetrics in its ranges.
    VmRange,
}

impl fmt::Display for RoughSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Averages(length) => write!(f, "averages over {length}"),
            Self::VpaCheckpoint => f.write_str("a VPA checkpoint"),
            Self::VmRange => f.write_str("ranges of VictoriaMetrics"),
        }
    }
}

/// Usage per pod that is known roughly; empty where none is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rough {
    /// One list a cluster.
    pub usage: Usage,
    /// How long it was recorded; of several clusters the least.
    pub recorded: Seconds,
    /// Where it comes from.
    pub sources: BTreeSet<RoughSource>,
}

impl Rough {
    /// Of one cluster.
    pub(super) fn of(source: RoughSource, recorded: Seconds, weeks: Vec<WeekUsage>) -> Self {
        Self {
            usage: Usage { clusters: vec![weeks] },
            recorded,
            sources: BTreeSet::from([source]),
        }
    }

    /// With that of another cluster, or of the same container under another name: they are never added up.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        self.recorded = match (self.is_empty(), other.is_empty()) {
            (false, false) => self.recorded.min(other.recorded),
            _ => self.recorded.max(other.recorded),
        };
        self.usage.clusters.extend(other.usage.clusters);
        self.sources.extend(other.sources);
        self
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.usage.is_empty()
    }

    /// Where it comes from, in words.
    pub fn words(&self) -> String {
        let sources: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        sources.join(" and ")
    }
}
