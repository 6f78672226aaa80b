//! Time to end: within the notice of the node, and with something left after the hook.

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, count, finding, items};
use super::spread::pod_spec_pointer;
use crate::diag::{Code, Diagnostic, code};
use crate::units::Seconds;
use crate::workload::Workload;
use crate::workload::affinity::{Placement, Side};

/// What the API server fills in.
const DEFAULT_GRACE_S: u64 = 30;

fn grace(workload: &Workload) -> Seconds {
    workload.grace_period.unwrap_or(Seconds::new(DEFAULT_GRACE_S))
}

/// More grace than an interruptible node gives.
pub(super) struct GraceBeyondNotice;

impl Rule for GraceBeyondNotice {
    fn code(&self) -> Code {
        code::GRACE_BEYOND_NOTICE
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let marks = scene.spot_marks();
        let mut found = Vec::new();
        for workload in scene.workloads().filter(|workload| !workload.is_behind_rollout) {
            let notices = marks
                .iter()
                .filter(|(labels, _)| !labels.is_empty())
                .filter_map(|(labels, notice)| {
                    let placement = Placement {
                        pod_spec: &workload.pod_spec,
                        labels,
                    };
                    let may_go_there = match placement.side() {
                        Some(side) => side == Side::Spot,
                        None => placement.preferred().is_none(),
                    };
                    may_go_there.then_some(*notice)
                });
            let Some(notice) = notices.min().filter(|notice| *notice < grace(workload)) else {
                continue;
            };
            let headline = format!(
                "the pods may take {} to end, and an interruptible node gives {notice}",
                grace(workload)
            );
            let pointer = pod_spec_pointer(workload, "terminationGracePeriodSeconds");
            found.push(
                finding(
                    code::GRACE_BEYOND_NOTICE,
                    (&workload.template_id, false),
                    &pointer,
                    headline,
                )
                .of(workload.key())
                .because("what is not done by then is killed")
                .help(format!(
                    "lower the grace period to {notice} or less, or place the pods on on-demand nodes"
                )),
            );
        }
        found
    }
}

/// A hook that takes the whole grace period.
pub(super) struct PreStopTooLong;

impl Rule for PreStopTooLong {
    fn code(&self) -> Code {
        code::PRE_STOP_TOO_LONG
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads().filter(|workload| !workload.is_behind_rollout) {
            for container in items(&workload.pod_spec, "/containers") {
                let Some(pause) = container.pointer("/lifecycle/preStop").and_then(sleeps) else {
                    continue;
                };
                if pause < grace(workload) {
                    continue;
                }
                let headline = format!(
                    "`preStop` of container `{}` sleeps {pause}, and the grace period is {}",
                    container["name"].as_str().unwrap_or_default(),
                    grace(workload)
                );
                let pointer = pod_spec_pointer(workload, "containers");
                found.push(
                    finding(
                        code::PRE_STOP_TOO_LONG,
                        (&workload.template_id, false),
                        &pointer,
                        headline,
                    )
                    .of(workload.key())
                    .because(why(container, pause > grace(workload)))
                    .help("shorten the sleep, or let the grace period be the sleep, the drain and 5 s"),
                );
            }
        }
        found
    }
}

/// What comes of a hook that takes the grace period up. The API server looks at `sleep` alone, a command is run.
fn why(container: &Value, is_longer: bool) -> &'static str {
    if is_longer && container.pointer("/lifecycle/preStop/sleep").is_some() {
        "the API server refuses a `sleep` that is longer than the grace period"
    } else {
        "the sleep counts inside the grace period: the stop signal comes too late, or never"
    }
}

/// How long a hook sleeps, where that can be read: `sleep`, or a command with the words `sleep N`.
fn sleeps(hook: &Value) -> Option<Seconds> {
    if let Some(seconds) = count(hook, "/sleep/seconds") {
        return Some(Seconds::new(seconds));
    }
    let command: Vec<&str> = items(hook, "/exec/command").iter().filter_map(Value::as_str).collect();
    let line = command.join(" ");
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '"' | '\''))
        .collect();
    let at = words
        .iter()
        .position(|word| *word == "sleep" || word.ends_with("/sleep"))?;
    let seconds = words.get(at + 1)?.trim_end_matches('s').parse().ok()?;
    Some(Seconds::new(seconds))
}
