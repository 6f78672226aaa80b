//! The usage profile itself: what each workload of one namespace, environment and cluster used.

use super::calendar::{DAY_S, WEEK_S, Week};
use super::coarse::Coarse;
use super::days::{Counters, Days};
use super::demand::DemandWeek;
use super::level::{CoarseLevel, Level};
use super::ordered::Ordered;
use super::sketch::{HalfLife, Quantile, Sketch, quantile_weighted};
use super::state::State;
use super::timeline::Timeline;
use crate::history::identity::Identity;
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use crate::units::{Percent, Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What a profile is of. Environment and cluster are absent where the export was not told them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// `production`, …
    pub environment: Option<String>,
    /// Name of the cluster.
    pub cluster: Option<String>,
    /// Kubernetes namespace.
    pub namespace: String,
}

impl Scope {
    /// One name for all of it, such as `production-eu-1-shop`: of the object, and of its file in a folder of profiles. A
    /// cluster's name may be more than a name (`arn:aws:eks:…/shop`): what no file should be called becomes `-`.
    pub fn name(&self) -> String {
        let parts = [
            self.environment.as_deref(),
            self.cluster.as_deref(),
            Some(self.namespace.as_str()),
        ];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join("-");
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
        let plain = name.replace(|char| !is_plain(char), "-");
        plain.trim_start_matches(['-', '.', '_']).to_owned()
    }
}

/// The time that samples cover, from the start of the first measured interval to the last sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Exclusive start.
    pub start: Timestamp,
    /// The last sample: the "now" of everything derived from the profile.
    pub end: Timestamp,
}

/// Where a signal came from, independent of files: the same samples give the same source however they were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Series.
    pub series: u64,
    /// Samples.
    pub samples: u64,
    /// Earliest sample.
    pub first: Timestamp,
    /// Latest sample.
    pub last: Timestamp,
    /// Greatest common distance of the samples in seconds; 0 for a single instant, 1 for samples off any grid.
    pub grid_s: u64,
    /// Sum of a hash of every sample: equal for equal samples, in any order and cut.
    pub fingerprint: u128,
}

/// Usage of one namespace of one cluster and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Of what.
    pub scope: Scope,
    /// Length of a cell in seconds.
    pub step_s: u32,
    /// `None` when there is no sample.
    pub window: Option<Window>,
    /// Whether this is one part of an input that still has to be merged with the others.
    pub shard: bool,
    /// Per signal.
    pub sources: BTreeMap<Signal, Source>,
    /// Per workload.
    pub workloads: BTreeMap<WorkloadKey, WorkloadHistory>,
}

/// What one workload used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadHistory {
    /// What told that its pods are its own.
    pub identity: BTreeSet<Identity>,
    /// By container (empty for signals of the workload) and signal.
    pub signals: BTreeMap<(String, Signal), SignalHistory>,
}

/// Everything kept of one signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalHistory {
    /// Distribution of the samples of single pods, a block a week.
    pub sketches: BTreeMap<Week, Sketch>,
    /// Totals over pods by time, a block a week.
    pub demand: BTreeMap<Week, DemandWeek>,
    /// Values in force.
    pub state: State,
    /// Events per day.
    pub days: Days,
    /// The longest interval whose averages the samples are, in seconds: what happened within is not seen.
    pub averaged_s: Option<u32>,
    /// What is known of it without samples.
    pub coarse: Option<Coarse>,
    /// What other programs would keep of its samples.
    pub ordered: Ordered,
    /// What a shard keeps until it is merged.
    pub exact: Exact,
}

/// The exact form of a signal; empty in a finished profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exact {
    /// Totals by instant.
    pub timeline: Timeline,
    /// Readings of counters.
    pub counters: Counters,
    /// By series (its digest): where its samples lie, as (first, last) of stretches without a gap, in seconds.
    pub stretches: BTreeMap<u64, Vec<(i64, i64)>>,
}

impl Exact {
    /// Whether nothing is kept exactly.
    pub fn is_empty(&self) -> bool {
        self.timeline.is_empty() && self.counters.is_empty() && self.stretches.is_empty()
    }
}

/// What is known of all pods together over one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandStep {
    /// End of the cell; what it says holds over `(end - length, end]`.
    pub end: Timestamp,
    /// Length of the cell.
    pub length: Seconds,
    /// All pods together, in the signal's unit.
    pub total: Level,
    /// The greatest single pod.
    pub max: CoarseLevel,
    /// Pods with a sample.
    pub active: u32,
}

/// How much of a window is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Known cells.
    pub known: u64,
    /// Cells of the window.
    pub steps: u64,
}

impl Coverage {
    /// The known share, rounded down; nothing for an empty window.
    pub fn share(self) -> Percent {
        Percent::ratio_floor(u128::from(self.known), u128::from(self.steps)).unwrap_or(Percent::ZERO)
    }
}

impl Profile {
    /// An empty profile.
    pub fn new(scope: Scope, step_s: u32) -> Self {
        let (sources, workloads) = (BTreeMap::new(), BTreeMap::new());
        Self {
            scope,
            step_s,
            window: None,
            shard: false,
            sources,
            workloads,
        }
    }

    /// The same, without any workload.
    #[must_use]
    pub fn without_workloads(&self) -> Self {
        Self {
            scope: self.scope.clone(),
            sources: self.sources.clone(),
            workloads: BTreeMap::new(),
            ..*self
        }
    }

    /// Length of a cell.
    pub fn step(&self) -> Seconds {
        Seconds::new(u64::from(self.step_s))
    }

    /// The last sample of the window; everything derived takes it as "now".
    pub fn window_end(&self) -> Option<Timestamp> {
        self.window.map(|window| window.end)
    }

    /// The week that the window ends in.
    pub fn newest_week(&self) -> Option<Week> {
        self.window.map(|window| Week::of_end(window.end.unix()))
    }

    /// Known part of the whole window for one signal of a workload.
    pub fn coverage(&self, workload: &WorkloadHistory, container: &str, signal: Signal) -> Coverage {
        let steps = self
            .window
            .and_then(|window| window.end.since(window.start))
            .map_or(0, Seconds::get);
        let known = workload.signal(container, signal).map_or(0, SignalHistory::known_cells);
        Coverage {
            known,
            steps: steps.div_ceil(u64::from(self.step_s)).max(known),
        }
    }
}

impl WorkloadHistory {
    /// One signal of a container; of the workload itself with an empty container.
    pub fn signal(&self, container: &str, signal: Signal) -> Option<&SignalHistory> {
        self.signals.get(&(container.to_owned(), signal))
    }

    /// The containers that have any signal.
    pub fn containers(&self) -> BTreeSet<&str> {
        self.signals
            .keys()
            .map(|(container, _)| container.as_str())
            .filter(|container| !container.is_empty())
            .collect()
    }

    /// Demand of one signal in ascending time; cells that are not known are not there.
    pub fn demand(&self, container: &str, signal: Signal) -> impl DoubleEndedIterator<Item = DemandStep> {
        self.signal(container, signal)
            .into_iter()
            .flat_map(SignalHistory::demand_steps)
    }

    /// The value in force at an instant; `None` where unknown.
    pub fn in_force(&self, container: &str, signal: Signal, at: Timestamp) -> Option<u64> {
        self.signal(container, signal)?.state.at(at)
    }

    /// End of the last known cell of any signal.
    pub fn last_sample(&self) -> Option<Timestamp> {
        self.signals.values().filter_map(SignalHistory::last_known).max()
    }

    /// End of the first known cell of any signal.
    pub fn first_sample(&self) -> Option<Timestamp> {
        self.signals.values().filter_map(SignalHistory::first_known).min()
    }
}

impl SignalHistory {
    /// All weeks in one sketch.
    pub fn sketch(&self) -> Sketch {
        let mut all = Sketch::default();
        self.sketches.values().for_each(|week| all.merge(week));
        all
    }

    /// Quantile over the weeks, older ones counting less; `newest` is the week that counts fully.
    pub fn quantile(&self, ppm: u64, newest: Week, half_life: HalfLife) -> Option<Quantile> {
        let weeks = self
            .sketches
            .iter()
            .map(|(week, sketch)| (half_life.weight(week.age(newest)), sketch));
        let weeks: Vec<(u64, &Sketch)> = weeks.collect();
        quantile_weighted(&weeks, ppm)
    }

    /// Known cells in ascending time.
    pub fn demand_steps(&self) -> impl DoubleEndedIterator<Item = DemandStep> {
        self.demand.iter().flat_map(|(&week, demand)| {
            let length = Seconds::new(u64::from(demand.step_s));
            demand.cells.iter().filter_map(move |cell| {
                let end = Timestamp::from_unix(demand.end_s(week, cell))?;
                Some(DemandStep {
                    end,
                    length,
                    total: cell.total,
                    max: cell.max,
                    active: cell.active,
                })
            })
        })
    }

    fn known_cells(&self) -> u64 {
        let weeks = self.demand.values().map(|week| u64::from(week.known)).sum::<u64>();
        let held = self
            .state
            .runs()
            .iter()
            .map(|run| (run.end_s - run.start_s).unsigned_abs())
            .sum::<u64>();
        weeks + held / u64::from(self.state.step_s().max(1))
    }

    fn last_known(&self) -> Option<Timestamp> {
        let demand = self
            .demand
            .last_key_value()
            .and_then(|(&week, demand)| Some(demand.end_s(week, demand.cells.last()?)));
        let state = self.state.runs().last().map(|run| run.end_s);
        demand.max(state).and_then(Timestamp::from_unix)
    }

    fn first_known(&self) -> Option<Timestamp> {
        let demand = self
            .demand
            .first_key_value()
            .and_then(|(&week, demand)| Some(demand.end_s(week, demand.cells.first()?)));
        let state = self.state.runs().first().map(|run| run.start_s);
        demand.into_iter().chain(state).min().and_then(Timestamp::from_unix)
    }
}

// weeks and days are cut by plain arithmetic on Unix seconds; this holds as long as no day has a leap second in it
const _: () = assert!(WEEK_S == 7 * DAY_S);
