//! The readable summary above a profile, as comments: for the person who reviews its diff.

use super::sketch::{HalfLife, Sketch};
use super::table::table;
use super::usage::{Profile, WorkloadHistory};
use super::written::Written;
use crate::history::owners::WorkloadKey;
use crate::history::signal::{Form, Signal};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The quantile shown for CPU.
const P95: u64 = 950_000;

/// Behind a value of samples that hide peaks.
const AVERAGES: &str = " (averages)";
/// Behind a value that no sample tells.
const COARSE: &str = " (coarse)";

/// One row of the table.
pub(super) type Row = [String; 7];

pub(super) fn summary(written: &Written) -> String {
    let profile = &written.head;
    let mut out = String::new();
    let of = [
        Some(format!("namespace {}", profile.scope.namespace)),
        profile
            .scope
            .environment
            .as_ref()
            .map(|name| format!("environment {name}")),
        profile.scope.cluster.as_ref().map(|name| format!("cluster {name}")),
    ];
    let of: Vec<_> = of.into_iter().flatten().collect();
    let what = if profile.shard {
        "A part of what workloads used, to be merged"
    } else {
        "What workloads used"
    };
    let _ = writeln!(
        out,
        "# {what}: {}. Written by `trimtab profile`; not for editing.",
        of.join(", ")
    );
    if let Some(window) = profile.window {
        let _ = writeln!(
            out,
            "# {} workloads, {} to {}, step {}, {} lines, {} kB.",
            written.workloads(),
            window.start,
            window.end,
            profile.step(),
            written.lines,
            written.bytes.div_ceil(1000)
        );
    }
    let title = [TITLE.map(str::to_owned)];
    table(&[&title, written.rows.as_slice()].concat(), "#", &mut out);
    out
}

/// The rows of a workload, one for each container; `head` is its profile without workloads.
pub(super) fn rows(head: &Profile, key: &WorkloadKey, workload: &WorkloadHistory) -> Vec<Row> {
    let mut containers = workload.containers();
    if containers.is_empty() {
        containers.insert("");
    }
    let row = |container| row(head, key, workload, container);
    containers.into_iter().map(row).collect()
}

const TITLE: [&str; 7] = [
    "workload",
    "container",
    "weeks",
    "known",
    "pods",
    "cpu p95",
    "memory max",
];

fn row(profile: &Profile, key: &WorkloadKey, workload: &WorkloadHistory, container: &str) -> Row {
    let signals = || workload.signals.iter().filter(|((of, _), _)| of == container);
    let weeks: BTreeSet<_> = signals().flat_map(|(_, history)| history.sketches.keys()).collect();
    let known = signals()
        // a part has no cells yet, and what is known without samples never has
        .filter(|((_, signal), history)| {
            matches!(signal.form(), Form::Demand | Form::Worst) && !history.demand.is_empty()
        })
        .map(|((_, signal), _)| profile.coverage(workload, container, *signal).share())
        .min();
    let pods = signals()
        .flat_map(|(_, history)| history.demand.values())
        .flat_map(|week| &week.cells)
        .map(|cell| cell.active)
        .max();
    let of = |signal| workload.signal(container, signal);
    let is_averaged = |signal| of(signal).is_some_and(|known| known.averaged_s.is_some());
    let mark = |signal| if is_averaged(signal) { AVERAGES } else { "" };
    let coarse = |signal| Some(&of(signal)?.coarse.as_ref()?.weights);
    let cpu = of(Signal::Cpu).zip(profile.newest_week());
    let cpu = cpu.and_then(|(history, newest)| history.quantile(P95, newest, HalfLife::Never));
    let cpu = match cpu {
        Some(quantile) => Some(cores(quantile.upper) + mark(Signal::Cpu)),
        None => coarse(Signal::Cpu)
            .and_then(|weights| weights.quantile(P95))
            .map(|quantile| cores(quantile.upper) + COARSE),
    };
    let memory = match of(Signal::Memory).and_then(|history| history.sketch().max()) {
        Some(bytes) => Some(mebibytes(bytes) + mark(Signal::Memory)),
        None => coarse(Signal::Memory)
            .and_then(Sketch::max)
            .map(|bytes| mebibytes(bytes) + COARSE),
    };
    // two dashes would not say why the line is there
    let memory = match (cpu.is_some(), memory) {
        (_, Some(shown)) => Some(shown),
        (true, None) => None,
        (false, None) => Some(format!("only {}", others(container, workload))),
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        key.to_string(),
        or_dash(Some(container.to_owned()).filter(|name| !name.is_empty())),
        weeks.len().to_string(),
        or_dash(known.map(|share| tenths(share.ppm()))),
        or_dash(pods.map(|pods| pods.to_string())),
        or_dash(cpu),
        or_dash(memory),
    ]
}

/// The signals of a container that has neither CPU nor memory.
fn others(container: &str, workload: &WorkloadHistory) -> String {
    let of_container = workload.signals.keys().filter(|(of, _)| of == container);
    of_container
        .map(|(_, signal)| signal.id())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Nano-cores as millicores, rounded up.
pub(crate) fn cores(nano: u64) -> String {
    format!("{}m", nano.div_ceil(1_000_000))
}

/// Bytes as MiB, rounded up.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Millionths as percent with one digit, rounded down.
pub(crate) fn tenths(ppm: u64) -> String {
    format!("{}.{}%", ppm / 10_000, ppm / 1_000 % 10)
}
