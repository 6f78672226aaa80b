//! What profiles say, for people and programs.
//!
//! Values are texts with their unit; quantiles are upper edges over all weeks alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::kept::{self, Kept};
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
pub(super) struct Of {
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
    /// What the recommender of the VPA would keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpa: Option<Kept>,
    /// What krr would ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    krr: Option<Kept>,
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
    pub(super) fn words(&self) -> String {
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
            let is_in_time = matches!(signal.form(), Form::Demand | Form::Worst) && !kept.demand.is_empty();
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
                vpa: kept.ordered.vpa.as_ref().map(|state| Kept::of_vpa(*signal, state)),
                krr: kept.ordered.krr.as_ref().map(|state| Kept::of_krr(*signal, state)),
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
pub(super) fn shown(signal: Signal, value: u64) -> String {
    match signal {
        Signal::Cpu | Signal::CpuLimit | Signal::CpuRequest => cores(value),
        Signal::Memory | Signal::MemoryLimit | Signal::MemoryRequest => mebibytes(value),
        _ => signal.display(value),
    }
}

/// Upper edges of quantiles, all weeks alike.
pub(super) fn quantiles<const N: usize>(profile: &Profile, kept: &SignalHistory, ppm: [u64; N]) -> Option<[u64; N]> {
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
        let mut kept = vec![kept::TITLE.map(str::to_owned)];
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
                let programs = [("vpa", &one.vpa), ("krr", &one.krr)].into_iter();
                kept.extend(programs.filter_map(|(program, state)| Some(state.as_ref()?.row(whose(), program))));
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
        if kept.len() > 1 {
            out.push('\n');
            table(&kept, "", &mut out);
        }
        out
    }
}

/// A cell of a table.
pub(super) fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

/// JSON for people.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("broken invariant: only texts and numbers");
    text + "\n"
}
