//! What profiles say, for people and programs: one profile as tables, and what moved between two.
//!
//! Values are texts with their unit; quantiles are upper edges over all weeks alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::sink::Term;
use crate::history::owners::WorkloadKey;
use crate::history::signal::{Form, Signal};
use crate::profile::coarse::Coarse;
use crate::profile::sketch::{HalfLife, Quantile};
use crate::profile::summary::{cores, mebibytes, tenths};
use crate::profile::table::table;
use crate::profile::{Profile, Scope, SignalHistory, WorkloadHistory};
use crate::units::{Seconds, Timestamp};

/// Profiles as they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    profiles: Vec<RecordedProfile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordedProfile {
    #[serde(flatten)]
    of: Of,
    window: Option<[Timestamp; 2]>,
    step: String,
    workloads: BTreeMap<String, RecordedWorkload>,
}

/// Whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Of {
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordedWorkload {
    identity: Vec<&'static str>,
    signals: Vec<RecordedSignal>,
}

/// One signal of a container, or of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordedSignal {
    #[serde(skip_serializing_if = "String::is_empty")]
    container: String,
    signal: &'static str,
    /// Mondays of the weeks that are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weeks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    /// Length of the intervals whose averages the samples are.
    #[serde(skip_serializing_if = "Option::is_none")]
    averages: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Values>,
    /// What is known without samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    coarse: Option<CoarseValues>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<InForce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Values {
    samples: u64,
    p50: String,
    p90: String,
    p95: String,
    p99: String,
    max: String,
}

/// Weights that another program kept: quantiles of those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct CoarseValues {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    #[serde(flatten)]
    values: Values,
}

impl CoarseValues {
    fn of(signal: Signal, coarse: &Coarse) -> Option<Self> {
        let quantile = |ppm| Some(shown(signal, coarse.weights.quantile(ppm)?.upper));
        Some(Self {
            first: Timestamp::from_unix(coarse.first_s),
            last: Timestamp::from_unix(coarse.last_s),
            values: Values {
                samples: coarse.samples,
                p50: quantile(500_000)?,
                p90: quantile(900_000)?,
                p95: quantile(950_000)?,
                p99: quantile(990_000)?,
                max: shown(signal, coarse.weights.max()?),
            },
        })
    }
}

/// A value that held over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InForce {
    least: String,
    most: String,
    last: String,
}

impl From<&Scope> for Of {
    fn from(scope: &Scope) -> Self {
        Self {
            namespace: scope.namespace.clone(),
            environment: scope.environment.clone(),
            cluster: scope.cluster.clone(),
        }
    }
}

impl Of {
    fn words(&self) -> String {
        let parts = [
            Some(("namespace", &self.namespace)),
            self.environment.as_ref().map(|name| ("environment", name)),
            self.cluster.as_ref().map(|name| ("cluster", name)),
        ];
        let word = |(what, name): (&str, &String)| format!("{what} {}", Term::new(name));
        parts.into_iter().flatten().map(word).collect::<Vec<_>>().join(", ")
    }
}

impl Recorded {
    /// Of profiles; `is_meant` chooses workloads.
    pub fn of(profiles: &[Profile], is_meant: &dyn Fn(&WorkloadKey) -> bool) -> Self {
        let profile = |profile: &Profile| {
            let meant = profile.workloads.iter().filter(|(key, _)| is_meant(key));
            let workload = |(key, history): (&WorkloadKey, &WorkloadHistory)| {
                (key.to_string(), RecordedWorkload::of(profile, history))
            };
            RecordedProfile {
                of: Of::from(&profile.scope),
                window: profile.window.map(|window| [window.start, window.end]),
                step: profile.step().to_string(),
                workloads: meant.map(workload).collect(),
            }
        };
        let all = profiles.iter().map(profile);
        Self {
            profiles: all.filter(|profile| !profile.workloads.is_empty()).collect(),
        }
    }

    /// Whether no workload is shown.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// As JSON.
    pub fn json(&self) -> String {
        pretty(self)
    }

    /// As tables.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self.profiles.iter().map(RecordedProfile::text).collect();
        texts.join("\n")
    }
}

impl RecordedWorkload {
    fn of(profile: &Profile, history: &WorkloadHistory) -> Self {
        let signal = |((container, signal), kept): (&(String, Signal), &SignalHistory)| {
            let is_in_time = matches!(signal.form(), Form::Demand | Form::Worst);
            let known = is_in_time.then(|| profile.coverage(history, container, *signal).share());
            RecordedSignal {
                container: container.clone(),
                signal: signal.id(),
                weeks: kept.sketches.keys().map(ToString::to_string).collect(),
                known: known.map(|share| tenths(share.ppm())),
                averages: kept
                    .averaged_s
                    .map(|seconds| Seconds::new(u64::from(seconds)).to_string()),
                usage: Values::of(profile, *signal, kept),
                coarse: kept
                    .coarse
                    .as_ref()
                    .and_then(|coarse| CoarseValues::of(*signal, coarse)),
                in_force: InForce::of(*signal, kept),
                events: (signal.form() == Form::Count).then(|| kept.days.total()),
            }
        };
        Self {
            identity: history.identity.iter().map(|identity| identity.id()).collect(),
            signals: history.signals.iter().map(signal).collect(),
        }
    }
}

impl Values {
    fn of(profile: &Profile, signal: Signal, kept: &SignalHistory) -> Option<Self> {
        let [p50, p90, p95, p99] = quantiles(profile, kept, [500_000, 900_000, 950_000, 990_000])?;
        let sketch = kept.sketch();
        let shown = |value| shown(signal, value);
        Some(Self {
            samples: sketch.count(),
            p50: shown(p50),
            p90: shown(p90),
            p95: shown(p95),
            p99: shown(p99),
            max: shown(sketch.max()?),
        })
    }
}

/// As people size: CPU in millicores and memory in MiB, rounded up.
fn shown(signal: Signal, value: u64) -> String {
    match signal {
        Signal::Cpu | Signal::CpuLimit | Signal::CpuRequest => cores(value),
        Signal::Memory | Signal::MemoryLimit | Signal::MemoryRequest => mebibytes(value),
        _ => signal.display(value),
    }
}

/// Upper edges of quantiles, all weeks alike.
fn quantiles<const N: usize>(profile: &Profile, kept: &SignalHistory, ppm: [u64; N]) -> Option<[u64; N]> {
    let newest = profile.newest_week()?;
    let upper = |quantile: Quantile| quantile.upper;
    let found = ppm.map(|ppm| kept.quantile(ppm, newest, HalfLife::Never).map(upper));
    found
        .iter()
        .all(Option::is_some)
        .then(|| found.map(Option::unwrap_or_default))
}

impl InForce {
    fn of(signal: Signal, kept: &SignalHistory) -> Option<Self> {
        let values = || kept.state.runs().iter().map(|run| run.value);
        Some(Self {
            least: shown(signal, values().min()?),
            most: shown(signal, values().max()?),
            last: shown(signal, values().next_back()?),
        })
    }
}

impl RecordedProfile {
    fn text(&self) -> String {
        let mut out = self.of.words() + "\n";
        if let Some([start, end]) = self.window {
            let _ = writeln!(out, "{start} to {end}, step {}", self.step);
        }
        let title = [
            "workload",
            "container",
            "signal",
            "weeks",
            "known",
            "samples",
            "p50",
            "p90",
            "p95",
            "p99",
            "max",
        ];
        let mut usage = vec![title.map(str::to_owned)];
        let title = ["workload", "container", "signal", "least", "most", "last", "events"];
        let mut state = vec![title.map(str::to_owned)];
        for (key, workload) in &self.workloads {
            for one in &workload.signals {
                let whose = || [key.clone(), or_dash(&one.container), one.signal.to_owned()];
                let usage_rows = [
                    (one.usage.as_ref(), false),
                    (one.coarse.as_ref().map(|coarse| &coarse.values), true),
                ];
                for (values, is_coarse) in usage_rows {
                    let Some(values) = values else { continue };
                    let [workload, container, signal] = whose();
                    let mark = match &one.averages {
                        _ if is_coarse => " (coarse)".to_owned(),
                        Some(length) => format!(" (averages over {length})"),
                        None => String::new(),
                    };
                    let signal = signal + &mark;
                    let known = one.known.clone().filter(|_| !is_coarse);
                    let known = known.unwrap_or_else(|| "-".to_owned());
                    let weeks = if is_coarse {
                        "-".to_owned()
                    } else {
                        one.weeks.len().to_string()
                    };
                    let samples = values.samples.to_string();
                    let Values {
                        p50,
                        p90,
                        p95,
                        p99,
                        max,
                        ..
                    } = values.clone();
                    usage.push([
                        workload, container, signal, weeks, known, samples, p50, p90, p95, p99, max,
                    ]);
                }
                if one.in_force.is_some() || one.events.is_some() {
                    let [workload, container, signal] = whose();
                    let held =
                        |value: fn(&InForce) -> &String| or_dash(one.in_force.as_ref().map_or("", |held| value(held)));
                    let events = one.events.map_or_else(|| "-".to_owned(), |events| events.to_string());
                    let [least, most, last] = [
                        held(|held| &held.least),
                        held(|held| &held.most),
                        held(|held| &held.last),
                    ];
                    state.push([workload, container, signal, least, most, last, events]);
                }
            }
        }
        if usage.len() > 1 {
            table(&usage, "", &mut out);
        }
        if state.len() > 1 {
            out.push('\n');
            table(&state, "", &mut out);
        }
        out
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("broken invariant: only texts and numbers");
    text + "\n"
}

/// What moved between two states of profiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    profiles: Vec<MovedProfile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedProfile {
    #[serde(flatten)]
    of: Of,
    /// Before and after; absent where there is none.
    window: [Option<[Timestamp; 2]>; 2],
    /// Mondays.
    weeks_gone: Vec<String>,
    weeks_new: Vec<String>,
    workloads_gone: Vec<String>,
    workloads_new: Vec<String>,
    /// How many workloads are as they were.
    unchanged: usize,
    moved: Vec<MovedSignal>,
}

/// A distribution that is another now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedSignal {
    workload: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    container: String,
    signal: &'static str,
    p50: Move,
    p95: Move,
    p99: Move,
    max: Move,
}

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Move {
    before: String,
    after: String,
    /// Whole percent of the value before, towards zero; absent where that is zero or nothing moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<i64>,
}

impl Move {
    fn of(signal: Signal, before: u64, after: u64) -> Self {
        let (from, to) = (i128::from(before), i128::from(after));
        let percent = (before != after)
            .then(|| ((to - from) * 100).checked_div(from))
            .flatten();
        Self {
            before: shown(signal, before),
            after: shown(signal, after),
            percent: percent.and_then(|percent| i64::try_from(percent).ok()),
        }
    }

    fn text(&self) -> String {
        let Self { before, after, percent } = self;
        match percent {
            _ if before == after => after.clone(),
            Some(0) | None => format!("{before} -> {after}"),
            Some(percent) => format!("{before} -> {after} ({percent:+}%)"),
        }
    }
}

impl Moved {
    /// Between two states, profiles of the same namespace, environment and cluster compared.
    pub fn between(before: &[Profile], after: &[Profile]) -> Self {
        let by_scope = |profiles: &'_ [Profile]| -> BTreeMap<Scope, usize> {
            let places = profiles.iter().enumerate();
            places.map(|(place, profile)| (profile.scope.clone(), place)).collect()
        };
        let (old, new) = (by_scope(before), by_scope(after));
        let scopes: BTreeSet<&Scope> = old.keys().chain(new.keys()).collect();
        let one = |scope: &Scope| {
            let nothing = || Profile::new(scope.clone(), 1);
            let find = |places: &BTreeMap<Scope, usize>, all: &[Profile]| {
                places.get(scope).map_or_else(nothing, |place| all[*place].clone())
            };
            MovedProfile::between(&find(&old, before), &find(&new, after))
        };
        Self {
            profiles: scopes.into_iter().map(one).collect(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        pretty(self)
    }

    /// As tables.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self.profiles.iter().map(MovedProfile::text).collect();
        texts.join("\n")
    }
}

fn weeks(profile: &Profile) -> BTreeSet<String> {
    let signals = profile.workloads.values().flat_map(|history| history.signals.values());
    let weeks = signals.flat_map(|kept| kept.sketches.keys().chain(kept.demand.keys()));
    weeks.map(ToString::to_string).collect()
}

fn missing<T: Ord + ToString>(all: &BTreeSet<T>, from: &BTreeSet<T>) -> Vec<String> {
    all.difference(from).map(ToString::to_string).collect()
}

impl MovedProfile {
    fn between(before: &Profile, after: &Profile) -> Self {
        let window = |profile: &Profile| profile.window.map(|window| [window.start, window.end]);
        let (old_weeks, new_weeks) = (weeks(before), weeks(after));
        let keys = |profile: &Profile| profile.workloads.keys().cloned().collect::<BTreeSet<_>>();
        let (old_keys, new_keys) = (keys(before), keys(after));
        let (mut moved, mut unchanged) = (Vec::new(), 0);
        for (key, now) in &after.workloads {
            let Some(then) = before.workloads.get(key) else {
                continue;
            };
            unchanged += usize::from(then == now);
            moved.extend(moved_signals(before, after, key, (then, now)));
        }
        Self {
            of: Of::from(&after.scope),
            window: [window(before), window(after)],
            weeks_gone: missing(&old_weeks, &new_weeks),
            weeks_new: missing(&new_weeks, &old_weeks),
            workloads_gone: missing(&old_keys, &new_keys),
            workloads_new: missing(&new_keys, &old_keys),
            unchanged,
            moved,
        }
    }

    fn text(&self) -> String {
        let mut out = self.of.words() + "\n";
        let shown = |window: &Option<[Timestamp; 2]>| match window {
            Some([start, end]) => format!("{start} to {end}"),
            None => "nothing recorded".to_owned(),
        };
        let [before, after] = [shown(&self.window[0]), shown(&self.window[1])];
        let _ = if before == after {
            writeln!(out, "{after}, as before")
        } else {
            writeln!(out, "{after}; before: {before}")
        };
        for (what, names) in [
            ("weeks gone", &self.weeks_gone),
            ("weeks new", &self.weeks_new),
            ("workloads gone", &self.workloads_gone),
            ("workloads new", &self.workloads_new),
        ] {
            if !names.is_empty() {
                let _ = writeln!(out, "{what}: {}", names.join(", "));
            }
        }
        let _ = writeln!(out, "workloads unchanged: {}", self.unchanged);
        if self.moved.is_empty() {
            return out;
        }
        let title = ["workload", "container", "signal", "p50", "p95", "p99", "max"];
        let mut rows = vec![title.map(str::to_owned)];
        rows.extend(self.moved.iter().map(|one| {
            let [p50, p95, p99, max] = [&one.p50, &one.p95, &one.p99, &one.max].map(Move::text);
            let signal = one.signal.to_owned();
            [
                one.workload.clone(),
                or_dash(&one.container),
                signal,
                p50,
                p95,
                p99,
                max,
            ]
        }));
        table(&rows, "", &mut out);
        out
    }
}

/// The signals that both know and whose shown values differ.
fn moved_signals(
    before: &Profile,
    after: &Profile,
    key: &WorkloadKey,
    (then, now): (&WorkloadHistory, &WorkloadHistory),
) -> Vec<MovedSignal> {
    let mut moved = Vec::new();
    for ((container, signal), kept) in &now.signals {
        const SHOWN: [u64; 3] = [500_000, 950_000, 990_000];
        let Some(earlier) = then.signal(container, *signal) else {
            continue;
        };
        let values = [(before, earlier), (after, kept)].map(|(profile, kept)| {
            let quantiles = quantiles(profile, kept, SHOWN)?;
            Some((quantiles, kept.sketch().max()?))
        });
        let [Some((old, old_max)), Some((new, new_max))] = values else {
            continue;
        };
        if old == new && old_max == new_max {
            continue;
        }
        let [p50, p95, p99] = std::array::from_fn(|place| Move::of(*signal, old[place], new[place]));
        moved.push(MovedSignal {
            workload: key.to_string(),
            container: container.clone(),
            signal: signal.id(),
            p50,
            p95,
            p99,
            max: Move::of(*signal, old_max, new_max),
        });
    }
    moved
}
