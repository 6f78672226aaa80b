//! History of a workload that was recorded under another name, or in another namespace.

use super::merge::merge_all_but_demand;
use super::usage::{Profile, Scope, SignalHistory, WorkloadHistory};
use crate::history::owners::WorkloadKey;

/// What became of the history under an earlier name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Profiles that know the earlier name.
    pub profiles: usize,
    /// Those of them that have another step than the one it would have to go to: there it stays where it is.
    pub left: usize,
    /// Cells of demand that both names know, of whichever signal has most of them.
    pub shared: u32,
}

/// A workload as profiles name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedName {
    /// Namespace; empty for any.
    pub namespace: String,
    /// Kind and name.
    pub key: WorkloadKey,
}

/// Lets what is recorded of `from` count for `to`, cluster by cluster. `to` without a namespace stays in that of `from`.
///
/// Sketches, days and values in force join exactly, and so does demand where one of the two names is known; see
/// [`DemandWeek::beside`](super::demand::DemandWeek::beside) for where both are.
pub fn join(profiles: &mut Vec<Profile>, from: &RecordedName, to: &RecordedName) -> Joined {
    let mut joined = Joined::default();
    for at in 0..profiles.len() {
        let profile = &mut profiles[at];
        if !from.namespace.is_empty() && profile.scope.namespace != from.namespace {
            continue;
        }
        let Some(earlier) = profile.workloads.remove(&from.key) else {
            continue;
        };
        joined.profiles += 1;
        let source = profile.without_workloads();
        let place = place_of(profiles, &source, &to.namespace);
        let target = &mut profiles[place];
        if target.step_s != source.step_s {
            joined.left += 1;
            profiles[at].workloads.insert(from.key.clone(), earlier);
            continue;
        }
        target.window = match (target.window, source.window) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        let step_s = target.step_s;
        let known = target.workloads.entry(to.key.clone()).or_default();
        joined.shared = joined.shared.max(add(known, earlier, step_s));
    }
    joined
}

/// The profile of the same cluster and environment that is of `namespace`; made if need be.
fn place_of(profiles: &mut Vec<Profile>, source: &Profile, namespace: &str) -> usize {
    let namespace = match namespace {
        "" => source.scope.namespace.clone(),
        stated => stated.to_owned(),
    };
    let scope = Scope {
        namespace,
        ..source.scope.clone()
    };
    let known = profiles.iter().position(|profile| profile.scope == scope);
    known.unwrap_or_else(|| {
        let mut made = source.clone();
        made.scope = scope;
        profiles.push(made);
        profiles.len() - 1
    })
}

fn add(known: &mut WorkloadHistory, earlier: WorkloadHistory, step_s: u32) -> u32 {
    known.identity.extend(earlier.identity);
    let signals = earlier.signals.into_iter();
    let shared = signals.map(|(of, history)| add_signal(known.signals.entry(of).or_default(), history, step_s));
    shared.max().unwrap_or_default()
}

/// The exact form is left out: what is planned on is finished and has none.
fn add_signal(known: &mut SignalHistory, earlier: SignalHistory, step_s: u32) -> u32 {
    let mut shared = 0;
    for (week, demand) in merge_all_but_demand(known, earlier) {
        let all = match known.demand.remove(&week) {
            Some(later) => {
                let (all, twice) = later.beside(demand, step_s);
                shared += twice;
                all
            }
            None => demand,
        };
        known.demand.insert(week, all);
    }
    shared
}
