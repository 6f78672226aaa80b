//! The last decision, as a new one sees it: what stays where nothing new can be decided, and what steps start from.
//!
//! One window of history is worth one bounded step. So on a window that is no newer than the one an entry was decided
//! on, a step starts from the values before that entry and not from its own: ten policy edits in a month lead where one
//! edit leads. That goes for an entry that was edited by hand, or by a merge, too: its values are the accepted ones, and
//! what they stand on is what it says. What was only observed was never in force: with history it is decided as if nothing had been accepted.

use super::model::WorkloadPlan;
use crate::units::Timestamp;

/// The last decision on one workload.
#[derive(Debug, Default)]
pub struct Last {
    /// What stays where nothing new can be decided.
    pub accepted: Option<WorkloadPlan>,
    /// What steps are measured from.
    pub base: Option<WorkloadPlan>,
}

/// What there is to decide from, beside the entry itself.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// Whether there is history enough to derive from.
    pub has_history: bool,
    /// End of the window of history.
    pub now: Option<Timestamp>,
    /// Whether the entry is not as planning wrote it: then its own values are the last decision.
    pub is_edited: bool,
}

impl Last {
    /// Of an accepted entry.
    pub fn of(accepted: Option<&WorkloadPlan>, evidence: Evidence) -> Self {
        let Some(entry) = accepted else { return Self::default() };
        let is_in_force = entry.is_rendered();
        if !is_in_force && evidence.has_history {
            return Self::default();
        }
        if is_in_force && evidence.allows_step_from(entry) {
            let settled = settled(entry);
            return Self {
                accepted: Some(settled.clone()),
                base: Some(settled),
            };
        }
        Self {
            accepted: Some(entry.clone()),
            base: Some(undone(entry)),
        }
    }
}

impl Evidence {
    /// Whether history is newer than what an entry was decided on.
    fn allows_step_from(self, entry: &WorkloadPlan) -> bool {
        let window = entry.window.zip(self.now);
        let is_newer = window.map_or(!self.is_edited, |(then, now)| now > then);
        self.has_history && is_newer
    }
}

/// What was accepted before `plan`, as that one sees it: on a newer window every step of it is done.
pub(super) fn before(plan: &WorkloadPlan, accepted: Option<&WorkloadPlan>) -> Option<WorkloadPlan> {
    let entry = accepted?;
    Some(if plan.window == entry.window || !entry.is_rendered() {
        entry.clone()
    } else {
        settled(entry)
    })
}

/// The entry with its step done: every value is its own value before.
fn settled(entry: &WorkloadPlan) -> WorkloadPlan {
    let mut entry = entry.clone();
    entry.retain_numbers(&mut |number| {
        number.settle();
        true
    });
    entry
}

/// The entry without its step: every number is the one before; what was not there before is not there.
pub fn undone(entry: &WorkloadPlan) -> WorkloadPlan {
    let mut entry = entry.clone();
    entry.retain_numbers(&mut |number| number.undo());
    entry
}
