//! What other programs would keep of one signal of one container, where that takes the samples themselves, in their order.
//!
//! Kept only where it is asked for, one line each, beside the lines that add up: these do not. A state is of the samples of
//! one run; where two parts both know a signal by samples, no state of theirs is that of both.

mod exp2;
pub mod krr;
pub mod vpa;

use self::krr::{Krr, KrrState};
use self::vpa::{Vpa, VpaState};
use super::usage::{Profile, SignalHistory, WorkloadHistory};
use crate::history::samples::Sample;
use crate::history::signal::Signal;

/// Whose states are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WithState {
    /// Those of the recommender of the Vertical Pod Autoscaler.
    pub vpa: bool,
    /// Those of krr's strategy `simple`.
    pub krr: bool,
}

/// The states of one signal of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ordered {
    /// What the recommender of the Vertical Pod Autoscaler keeps.
    pub vpa: Option<VpaState>,
    /// What krr's strategy `simple` asks for.
    pub krr: Option<KrrState>,
}

impl Ordered {
    /// Whether no state is kept.
    pub fn is_empty(&self) -> bool {
        self.vpa.is_none() && self.krr.is_none()
    }
}

impl SignalHistory {
    /// The states of both together: those of the one that knows samples. Of two that do there are none.
    pub(super) fn join_ordered(&mut self, other: &mut Self) {
        let theirs = std::mem::take(&mut other.ordered);
        if self.has_lost_states(other, &theirs) {
            self.ordered = Ordered::default();
        } else if self.sketches.is_empty() {
            self.ordered = theirs;
        }
    }

    fn has_lost_states(&self, other: &Self, theirs: &Ordered) -> bool {
        let both_know = !self.sketches.is_empty() && !other.sketches.is_empty();
        both_know && !(self.ordered.is_empty() && theirs.is_empty())
    }
}

impl WorkloadHistory {
    /// Whether both say the same of what adds up, whatever states they keep.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let without_states = |all: &Self| {
            let mut all = all.clone();
            for history in all.signals.values_mut() {
                history.ordered = Ordered::default();
            }
            all
        };
        self == other || without_states(self) == without_states(other)
    }
}

impl Profile {
    /// Whether any state is kept.
    pub(super) fn has_states(&self) -> bool {
        let mut signals = self.workloads.values().flat_map(|workload| workload.signals.values());
        signals.any(|history| !history.ordered.is_empty())
    }

    /// Whose states are lost where another part is added: both know their samples.
    pub(super) fn states_lost(&self, other: &Self) -> Vec<String> {
        let mut lost = Vec::new();
        for (key, theirs) in &other.workloads {
            let Some(ours) = self.workloads.get(key) else { continue };
            for ((container, signal), history) in &theirs.signals {
                let known = ours.signal(container, *signal);
                if known.is_some_and(|known| known.has_lost_states(history, &history.ordered)) {
                    lost.push(format!("`{signal}` of {key} container `{container}`"));
                }
            }
        }
        lost
    }
}

/// States of one signal of one container while its pods come, one after the other.
#[derive(Debug)]
pub(super) struct Keeping {
    vpa: Option<Vpa>,
    krr: Option<Krr>,
}

impl Keeping {
    /// `None` where nothing is asked for, or nobody keeps a state of this signal; `last_ms` tells its last sample.
    pub(super) fn of(asked: WithState, signal: Signal, last_ms: impl FnOnce() -> Option<i64>) -> Option<Self> {
        let is_kept = matches!(signal, Signal::Cpu | Signal::Memory) && asked != WithState::default();
        is_kept.then(|| Self {
            vpa: asked.vpa.then(|| Vpa::new(signal)),
            krr: asked.krr.then(|| Krr::new(signal, last_ms())),
        })
    }

    /// Takes a pod: its samples ascend, each instant once.
    pub(super) fn add(&mut self, samples: &[Sample]) {
        if let Some(vpa) = &mut self.vpa {
            vpa.add(samples);
        }
        if let Some(krr) = &mut self.krr {
            krr.add(samples);
        }
    }

    pub(super) fn states(self) -> Ordered {
        Ordered {
            vpa: self.vpa.and_then(Vpa::state),
            krr: self.krr.and_then(Krr::state),
        }
    }
}
