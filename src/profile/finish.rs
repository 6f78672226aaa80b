//! Finishing: exact timelines become demand and state lines, counters become days, old weeks become hourly.
//!
//! A profile made in one run and one merged from shards pass through here alike, with the same exact form: that is why
//! every partition of the input gives the same lines.

use super::calendar::Week;
use super::collected::combine_of;
use super::demand::{COARSE_STEP_S, DemandWeek, FINE_WEEKS};
use super::usage::{Exact, Profile, SignalHistory, WorkloadHistory};
use crate::history::signal::{Form, Signal};

/// Turns a shard (or an exact profile) into its final form; a finished profile stays as it is.
pub fn finish(mut profile: Profile) -> Profile {
    let newest = profile.newest_week();
    for workload in profile.workloads.values_mut() {
        finish_workload(workload, profile.step_s, newest);
    }
    profile.shard = false;
    profile
}

/// The final form of one workload, in a profile whose newest week is this.
pub(super) fn finish_workload(workload: &mut WorkloadHistory, step_s: u32, newest: Option<Week>) {
    for ((_, signal), history) in &mut workload.signals {
        finish_signal(*signal, history, step_s, newest);
    }
    workload
        .signals
        .retain(|_, history| *history != SignalHistory::default());
}

fn finish_signal(signal: Signal, history: &mut SignalHistory, step_s: u32, newest: Option<Week>) {
    settle(signal, history, step_s);
    for (week, demand) in &mut history.demand {
        let old = newest.is_some_and(|newest| week.age(newest) >= FINE_WEEKS);
        if old && demand.step_s < COARSE_STEP_S {
            let fine = DemandWeek {
                step_s: demand.step_s,
                known: demand.known,
                cells: std::mem::take(&mut demand.cells),
            };
            *demand = fine.hourly();
        }
    }
}

fn settle(signal: Signal, history: &mut SignalHistory, step_s: u32) {
    let Exact { timeline, counters, .. } = std::mem::take(&mut history.exact);
    debug_assert!(matches!(combine_of(signal), super::timeline::Combine::Sum) == (signal.form() == Form::Demand));
    match signal.form() {
        Form::Demand | Form::Worst if !timeline.is_empty() => {
            history.demand = DemandWeek::of_timeline(&timeline, step_s);
        }
        Form::State if !timeline.is_empty() => {
            history.state = super::state::State::of_timeline(&timeline, step_s);
        }
        Form::Count if !counters.is_empty() => history.days = counters.per_day(),
        _ => {}
    }
}
