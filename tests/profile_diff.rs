//! `profile diff`: what came, went, or is known by other means.

use crate::profile_shown::profile;
use crate::sealed::{assert_ends, trimtab};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use trimtab::history::owners::WorkloadKey;
use trimtab::history::signal::Signal;
use trimtab::profile::coarse::{Coarse, CoarseSource};
use trimtab::profile::opened::ProfileStream;
use trimtab::profile::{Profile, SignalHistory};
use trimtab::report::Moved;

fn diff(folder: &Path, old: &str, new: &str) -> String {
    let output = trimtab(folder, &["profile", "diff", old, new]);
    assert_ends(&output, 0, &[]);
    // columns are as wide as what stands in them
    let text = String::from_utf8(output.stdout).unwrap();
    let narrow = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(narrow).collect()
}

#[test]
fn signals_that_come_and_go_have_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(folder, "all.yaml", 1, 1);
    let arguments = ["profile", "cpu.json", "-o", "cpu.yaml"];
    assert_ends(&trimtab(folder, &arguments), 0, &[]);
    let gone = diff(folder, "all.yaml", "cpu.yaml");
    assert!(
        gone.contains("Deployment/flat app memory (gone) 90 MiB -> - 90 MiB -> - "),
        "{gone}"
    );
    assert!(gone.contains("Deployment/flat - replicas (gone) - - - -\n"), "{gone}");
    assert!(!gone.contains(" cpu "), "{gone}");
    let new = diff(folder, "cpu.yaml", "all.yaml");
    assert!(
        new.contains("Deployment/flat app memory (new) - -> 90 MiB - -> 90 MiB "),
        "{new}"
    );
    assert!(new.contains("Deployment/wave - replicas (new) - - - -\n"), "{new}");
}

#[test]
fn signals_that_become_averages_or_coarse_have_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let text = profile(folder.path(), "profile.yaml", 1, 1);
    let before = ProfileStream::from(text).read().unwrap();
    let mut after = before.clone();
    signal(&mut after[0], "wave", Signal::Cpu).averaged_s = Some(3600);
    let memory = signal(&mut after[0], "flat", Signal::Memory);
    let week = memory.sketches.pop_first().unwrap().1;
    *memory = SignalHistory {
        coarse: Some(Coarse {
            source: CoarseSource::VpaCheckpoint,
            first_s: 1_791_158_400,
            last_s: 1_791_763_200,
            samples: 2016,
            weights: week,
        }),
        ..SignalHistory::default()
    };
    let moved: Value = serde_json::from_str(&Moved::between(&before, &after).json()).unwrap();
    let rows = moved["profiles"][0]["moved"].as_array().unwrap();
    let changes: Vec<_> = rows
        .iter()
        .map(|row| [&row["workload"], &row["signal"], &row["change"]])
        .collect();
    assert_eq!(
        changes,
        [
            [&json!("Deployment/flat"), &json!("memory"), &json!("samples -> coarse")],
            [
                &json!("Deployment/wave"),
                &json!("cpu"),
                &json!("samples -> averages over 1h")
            ],
        ]
    );
    assert_eq!(rows[0]["max"], json!({"before": "90 MiB", "after": "90 MiB"}));
}

fn signal<'p>(profile: &'p mut Profile, workload: &str, signal: Signal) -> &'p mut SignalHistory {
    let workload = profile
        .workloads
        .get_mut(&WorkloadKey::new("Deployment", workload))
        .unwrap();
    workload.signals.get_mut(&("app".to_owned(), signal)).unwrap()
}

/// The very same samples under another name, or in another namespace.
#[test]
fn a_workload_that_moved_is_told_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(folder, "before.yaml", 1, 2);
    for (from, to, into, told) in [
        (
            "\"flat\"",
            "\"even\"",
            "renamed.yaml",
            "workloads moved: Deployment/flat -> Deployment/even\nworkloads unchanged: 1\n",
        ),
        (
            "\"shop\"",
            "\"mall\"",
            "elsewhere.yaml",
            "workloads moved: Deployment/flat of namespace shop -> Deployment/flat, Deployment/wave of namespace shop -> Deployment/wave\n",
        ),
    ] {
        for signal in ["cpu.json", "memory.json", "replicas.json"] {
            let text = fs::read_to_string(folder.join(signal)).unwrap();
            fs::write(folder.join(format!("new-{signal}")), text.replace(from, to)).unwrap();
        }
        let arguments = [
            "profile",
            "cpu=new-cpu.json",
            "memory=new-memory.json",
            "replicas=new-replicas.json",
            "-o",
            into,
        ];
        assert_ends(&trimtab(folder, &arguments), 0, &[]);
        let moved = diff(folder, "before.yaml", into);
        assert!(moved.contains(told), "{moved}");
        assert!(!moved.contains("workloads gone"), "{moved}");
    }
    // named anew, and the same otherwise
    let arguments = [
        "profile",
        "merge",
        "before.yaml",
        "--environment",
        "production",
        "-o",
        "named.yaml",
    ];
    assert_ends(&trimtab(folder, &arguments), 0, &[]);
    let moved = diff(folder, "before.yaml", "named.yaml");
    let told = "namespace shop, environment production\nbefore: namespace shop\n";
    assert!(
        moved.starts_with(told) && moved.ends_with("workloads unchanged: 2\n"),
        "{moved}"
    );
}
