//! A refreshed profile: which lines change, how large it is, and what `profile show` and `profile diff` tell of it.

use crate::sealed::{assert_ends, trimtab};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// 2026-10-05T00:00:00Z, a Monday.
const START_S: i64 = 1_791_158_400;
const STEPS_OF_A_WEEK: i64 = 7 * 288;

/// Of environment `e`.
pub(crate) const POLICY: &str = "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {name: p}\nspec: {environment: e, mode: enforce, cluster: {kubernetes: \"1.33\", provider: aws}}\n";
/// A workload of the profiles.
pub(crate) const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: flat, namespace: shop}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec: {containers: [{name: app, image: a:1}]}\n";

/// The minimal standard generator of Park and Miller.
fn random(seed: &mut i64) -> i64 {
    *seed = *seed * 16_807 % 2_147_483_647;
    *seed
}

/// A `query_range` answer of two workloads over five weeks, of which only the weeks from `first` to `last` are given.
/// `wave` has two pods, a daily wave and noise of a third; `flat` has one that uses 0.1 cores, in the fifth week 0.2.
fn export(signal: &str, first: i64, last: i64) -> String {
    let mut seed = 7;
    let mut series = Vec::new();
    for (workload, pods) in [("wave", 2), ("flat", 1)] {
        for pod in 0..pods {
            let mut values = String::new();
            for step in 0..5 * STEPS_OF_A_WEEK {
                let noise = random(&mut seed) % 300;
                let (week, hour) = (step / STEPS_OF_A_WEEK + 1, step / 12 % 24);
                let load = match workload {
                    "flat" => 100 + 100 * (week / 5),
                    _ => (100 + 30 * (12 - (hour - 12).abs())) * (850 + noise) / 1000,
                };
                if !(first..=last).contains(&week) {
                    continue;
                }
                let value = match signal {
                    "cpu" => format!("{}.{:03}{noise:06}", load / 1000, load % 1000),
                    "memory" => format!("{}", 4096 * (20_000 + 30 * load)),
                    _ => format!("{}", 2 + week / 4),
                };
                let value = if workload == "flat" && signal == "cpu" {
                    format!("0.{load}")
                } else {
                    value
                };
                let comma = if values.is_empty() { "" } else { "," };
                let _ = write!(values, "{comma}[{},\"{value}\"]", START_S + 300 * (step + 1));
            }
            let labels = match signal {
                "replicas" if pod > 0 => continue,
                "replicas" => String::new(),
                _ => format!(r#","pod":"{workload}-7d9f8b6c5f-abcd{pod}","container":"app""#),
            };
            series.push(format!(
                r#"{{"metric":{{"namespace":"shop","deployment":"{workload}"{labels}}},"values":[{values}]}}"#
            ));
        }
    }
    let series = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
}

/// A profile of these weeks, in the folder under this name.
pub(crate) fn profile(folder: &Path, name: &str, first: i64, last: i64) -> String {
    for signal in ["cpu", "memory", "replicas"] {
        fs::write(folder.join(format!("{signal}.json")), export(signal, first, last)).unwrap();
    }
    let arguments = ["profile", "cpu.json", "memory.json", "replicas.json", "-o", name];
    assert_ends(&trimtab(folder, &arguments), 0, &["shop: 2 workloads"]);
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Weeks 1 to 4, and a week later weeks 2 to 5.
fn refreshed() -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let before = profile(folder.path(), "before.yaml", 1, 4);
    let after = profile(folder.path(), "after.yaml", 2, 5);
    (folder, before, after)
}

fn lines(text: &str) -> Vec<&str> {
    let data = text.find("    trimtab-profile v1").unwrap();
    text[data..].lines().skip(1).collect()
}

#[test]
fn a_refresh_changes_the_lines_of_the_week_that_came_and_the_week_that_went() {
    let (_folder, before, after) = refreshed();
    let (before, after) = (lines(&before), lines(&after));
    let is_state = |line: &str| line.contains(".state - ");
    let gone: Vec<&&str> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<&&str> = after.iter().filter(|line| !before.contains(line)).collect();
    // two workloads, cpu and memory, a sketch and a demand line each, and the replicas of two
    assert_eq!((gone.len(), new.len()), (10, 10));
    for line in gone {
        assert!(line.contains(" 2026-10-05 ") || is_state(line), "{line}");
    }
    for line in new {
        assert!(line.contains(" 2026-11-02 ") || is_state(line), "{line}");
    }
    // three weeks stay, and whose the pods are
    let kept = before.iter().filter(|line| after.contains(line)).count();
    assert_eq!(kept, 2 * (3 * 4 + 1));
}

/// Two weeks of five minutes, as the reference export has them.
#[test]
fn a_workload_with_two_signals_takes_ten_kilobytes_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let fortnight = profile(folder.path(), "fortnight.yaml", 3, 4);
    for workload in ["wave", "flat"] {
        let of = format!("Deployment/{workload} ");
        let signals = ["cpu.", "memory.", "identity"];
        let is_counted = |line: &&&str| line.contains(&of) && signals.iter().any(|signal| line.contains(signal));
        let bytes: usize = lines(&fortnight)
            .iter()
            .filter(is_counted)
            .map(|line| line.len() + 1)
            .sum();
        assert!((100..=10_000).contains(&bytes), "{workload}: {bytes} bytes");
    }
}

#[test]
fn what_moved_between_two_profiles_is_told_with_weeks_and_percents() {
    let (folder, ..) = refreshed();
    let told = |arguments: &[&str]| {
        let output = trimtab(folder.path(), arguments);
        assert_ends(&output, 0, &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    let text = told(&["profile", "diff", "before.yaml", "after.yaml"]);
    let json: Value = serde_json::from_str(&told(&[
        "profile",
        "diff",
        "before.yaml",
        "after.yaml",
        "--format",
        "json",
    ]))
    .unwrap();
    let of = &json["profiles"][0];
    assert_eq!(of["weeksGone"], serde_json::json!(["2026-10-05"]));
    assert_eq!(of["weeksNew"], serde_json::json!(["2026-11-02"]));
    let moved = of["moved"].as_array().unwrap();
    let flat = moved
        .iter()
        .find(|one| one["workload"] == "Deployment/flat" && one["signal"] == "cpu")
        .unwrap();
    assert_eq!(
        flat["max"],
        serde_json::json!({"before": "100m", "after": "200m", "percent": 100})
    );
    let same = told(&["profile", "diff", "after.yaml", "after.yaml"]);
    assert!(same.ends_with("as before\nworkloads unchanged: 2\n"), "{same}");
    let shown = told(&["profile", "show", "after.yaml"]);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("profile__diff_refreshed", text);
        insta::assert_snapshot!("profile__show_refreshed", shown);
    });
    let output = trimtab(folder.path(), &["profile", "show", "after.yaml", "wav"]);
    assert_ends(&output, 1, &["no workload `wav`", "did you mean `wave`?"]);
}

#[test]
fn what_is_no_profile_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, bytes, told) in [
        ("table.csv", &b"time,pod,value\r\n1,a,2\r\n"[..], "is no UsageProfile"),
        ("noise", &[0xff, b'\r', 0x00, 0x80], "is no UsageProfile"),
        ("cut.yaml", b"kind: UsageProfile\nspec:\n", "has no `spec.data` block"),
        ("empty.yaml", b"", "holds no UsageProfile"),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
        assert_ends(&trimtab(folder, &["profile", "show", name]), 1, &[told, name]);
    }
}

/// A part has exact totals of its own pods: they can be shown, and no plan is made from them.
#[test]
fn a_part_is_shown_and_not_planned_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(folder, "whole.yaml", 1, 2);
    let arguments = [
        "profile",
        "cpu.json",
        "memory.json",
        "replicas.json",
        "--shard",
        "-o",
        "profile.yaml",
    ];
    assert_ends(&trimtab(folder, &arguments), 0, &[]);
    let shown = |file: &str| trimtab(folder, &["profile", "show", file]).stdout;
    assert!(!shown("whole.yaml").is_empty());
    assert_eq!(shown("profile.yaml"), shown("whole.yaml"));
    fs::write(folder.join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.join("all.yaml"), DEPLOYMENT).unwrap();
    let merge = "trimtab profile merge";
    assert_ends(
        &trimtab(folder, &["plan", "."]),
        1,
        &["error[profile-part]", "profile.yaml", merge],
    );
    fs::rename(folder.join("whole.yaml"), folder.join("profile.yaml")).unwrap();
    assert_ends(&trimtab(folder, &["plan", "."]), 0, &[]);
}
