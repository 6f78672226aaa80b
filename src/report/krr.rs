//! What krr recommends (`krr simple -f json`) beside what a profile says by the same measure: for comparison, never history.
//!
//! krr's strategy `simple` recommends the 95th percentile of CPU and the highest memory with 15 % on top; so that is what is
//! shown of the profile. A plan may decide otherwise, by its policy.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::number::{Reading, amount};
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use crate::profile::sketch::{HalfLife, Sketch};
use crate::profile::summary::{cores, mebibytes};
use crate::profile::table::table;
use crate::profile::{Profile, SignalHistory};
use crate::units::Percent;

const P95: u64 = 950_000;
const MARGIN: Percent = Percent::from_percent(15);

/// krr's report and a profile, container by container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    containers: Vec<ComparedContainer>,
}

/// One container that krr reports on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ComparedContainer {
    namespace: String,
    workload: String,
    container: String,
    cpu: Pair,
    memory: Pair,
}

/// A request as it is, as krr recommends it, and by the same measure of the profile; absent where it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    krr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// `averages` or `coarse`, where no samples tell what the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_by: Option<&'static str>,
}

impl Pair {
    /// What the profile says, with a mark where that is no samples; plainly, where it says nothing.
    fn of_profile(&self) -> String {
        match (&self.profile, self.known_by) {
            (None, _) => "not in profile".to_owned(),
            (Some(value), Some(means)) => format!("{value} ({means})"),
            (Some(value), None) => value.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Report {
    scans: Vec<Scan>,
}

#[derive(Deserialize)]
struct Scan {
    object: Object,
    recommended: Recommended,
}

#[derive(Deserialize)]
struct Object {
    namespace: String,
    kind: String,
    name: String,
    container: String,
    allocations: Allocations,
}

#[derive(Deserialize)]
struct Allocations {
    requests: Amounts<Value>,
}

#[derive(Deserialize)]
struct Recommended {
    requests: Amounts<Judged>,
}

#[derive(Deserialize)]
struct Amounts<T> {
    cpu: Option<T>,
    memory: Option<T>,
}

#[derive(Deserialize)]
struct Judged {
    value: Value,
}

impl Compared {
    /// Of profiles, by a report of krr; the error says why it is none.
    pub fn of(profiles: &[Profile], report: &[u8]) -> Result<Self, String> {
        let report: Report = serde_json::from_slice(report).map_err(|error| error.to_string())?;
        let mut containers: Vec<ComparedContainer> =
            report.scans.into_iter().map(|scan| container(profiles, scan)).collect();
        containers.sort_by(|one, other| {
            let key = |row: &ComparedContainer| [row.namespace.clone(), row.workload.clone(), row.container.clone()];
            key(one).cmp(&key(other))
        });
        Ok(Self { containers })
    }

    /// As JSON.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("broken invariant: only texts");
        text + "\n"
    }

    /// As a table, with how much of the report the profile knows.
    pub fn text(&self) -> String {
        let title = [
            "namespace",
            "workload",
            "container",
            "cpu request",
            "cpu by krr",
            "cpu p95",
            "memory request",
            "memory by krr",
            "memory max + 15%",
        ];
        let mut rows = vec![title.map(str::to_owned)];
        rows.extend(self.containers.iter().map(|one| {
            let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let (cpu, memory) = (&one.cpu, &one.memory);
            [
                one.namespace.clone(),
                one.workload.clone(),
                one.container.clone(),
                cell(&cpu.request),
                cell(&cpu.krr),
                cpu.of_profile(),
                cell(&memory.request),
                cell(&memory.krr),
                memory.of_profile(),
            ]
        }));
        let mut out = String::new();
        table(&rows, "", &mut out);
        let is_known = |one: &&ComparedContainer| one.cpu.profile.is_some() || one.memory.profile.is_some();
        let known = self.containers.iter().filter(is_known).count();
        let _ = writeln!(
            out,
            "\n{known} of {} containers that krr reports on are in the profile",
            self.containers.len()
        );
        let mut pairs = self.containers.iter().flat_map(|one| [&one.cpu, &one.memory]);
        if pairs.any(|pair| pair.known_by.is_some()) {
            out.push_str("averages and coarse values hide peaks: the samples themselves would lie higher\n");
        }
        out
    }
}

fn container(profiles: &[Profile], scan: Scan) -> ComparedContainer {
    let Scan { object, recommended } = scan;
    let key = WorkloadKey::new(object.kind, object.name);
    // of several clusters the one that needs most, as in a plan
    let of = |measure: &dyn Fn(&Profile, &SignalHistory) -> Option<Measured>, signal| {
        let namesakes = profiles
            .iter()
            .filter(|profile| profile.scope.namespace == object.namespace);
        let known = namesakes.filter_map(|profile| {
            let history = profile.workloads.get(&key)?.signal(&object.container, signal)?;
            measure(profile, history)
        });
        known.max()
    };
    let p95 = |profile: &Profile, history: &SignalHistory| {
        let of_samples = profile
            .newest_week()
            .and_then(|newest| history.quantile(P95, newest, HalfLife::Never));
        measured(history, of_samples, |weights| weights.quantile(P95)).map(|(quantile, means)| (quantile.upper, means))
    };
    let most = |_: &Profile, history: &SignalHistory| {
        let (most, means) = measured(history, history.sketch().max(), Sketch::max)?;
        let most = u128::from(most);
        Some((u64::try_from(most + MARGIN.of_ceil(most)).ok()?, means))
    };
    let (cpu, memory) = (of(&p95, Signal::Cpu), of(&most, Signal::Memory));
    let requests = object.allocations.requests;
    let recommended = recommended.requests;
    ComparedContainer {
        cpu: Pair {
            request: shown(requests.cpu.as_ref(), Signal::Cpu, cores),
            krr: shown(recommended.cpu.map(|judged| judged.value).as_ref(), Signal::Cpu, cores),
            profile: cpu.map(|(value, _)| cores(value)),
            known_by: cpu.and_then(|(_, means)| means),
        },
        memory: Pair {
            request: shown(requests.memory.as_ref(), Signal::Memory, mebibytes),
            krr: shown(
                recommended.memory.map(|judged| judged.value).as_ref(),
                Signal::Memory,
                mebibytes,
            ),
            profile: memory.map(|(value, _)| mebibytes(value)),
            known_by: memory.and_then(|(_, means)| means),
        },
        namespace: object.namespace,
        workload: key.to_string(),
        container: object.container,
    }
}

/// A value, and what it is known by, where that is no samples.
type Measured = (u64, Option<&'static str>);

/// Of samples or averages, else of what is known without any.
fn measured<T>(
    history: &SignalHistory,
    of_samples: Option<T>,
    of_weights: impl Fn(&Sketch) -> Option<T>,
) -> Option<(T, Option<&'static str>)> {
    match of_samples {
        Some(value) => Some((value, history.averaged_s.map(|_| "averages"))),
        None => Some((of_weights(&history.coarse.as_ref()?.weights)?, Some("coarse"))),
    }
}

/// A number as people size; krr writes `null` where there is none and `"?"` where it does not know.
fn shown(value: Option<&Value>, signal: Signal, show: fn(u64) -> String) -> Option<String> {
    let number = value?.as_number()?.to_string();
    match amount(number.as_bytes(), signal.digits())? {
        Reading::Value(value) => Some(show(value)),
        _ => None,
    }
}
