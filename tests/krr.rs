//! krr's report beside a profile: its recommendations and ours by the same measure, in a table and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// In the shape that `krr simple -f json` writes: numbers, `null` where there is no request, `"?"` where krr knows nothing.
const REPORT: &str = r#"{"scans": [
  {"object": {"cluster": "eu-1", "name": "unknown", "container": "app", "pods": [], "namespace": "shop", "kind": "Deployment",
    "allocations": {"requests": {"cpu": null, "memory": null}, "limits": {"cpu": null, "memory": null}}},
   "recommended": {"requests": {"cpu": {"value": "?", "severity": "UNKNOWN"}, "memory": {"value": "?", "severity": "UNKNOWN"}},
    "limits": {"cpu": {"value": null, "severity": "GOOD"}, "memory": {"value": null, "severity": "GOOD"}}}, "severity": "UNKNOWN"},
  {"object": {"cluster": "eu-1", "name": "api", "container": "app", "pods": [{"name": "api-1", "deleted": false}], "namespace": "shop",
    "kind": "Deployment", "allocations": {"requests": {"cpu": 0.5, "memory": 1073741824.0}, "limits": {"cpu": null, "memory": null}}},
   "recommended": {"requests": {"cpu": {"value": 0.25, "severity": "WARNING"}, "memory": {"value": 120586240.0, "severity": "OK"}},
    "limits": {"cpu": {"value": null, "severity": "GOOD"}, "memory": {"value": 120586240.0, "severity": "OK"}}}, "severity": "WARNING"}
], "score": 52, "resources": ["cpu", "memory"], "description": "Simple Strategy"}"#;

fn trimtab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// 20 samples: 0.25 cores but for one of 1 (the 95th percentile is the 19th), and 100 MiB (115 with 15 % on top).
fn recorded(folder: &Path) {
    let mut csv = "ts,metric,namespace,deployment,pod,container,value\n".to_owned();
    for step in 1..=20 {
        let (at, cpu) = (1_791_158_400 + step * 300, if step == 7 { "1" } else { "0.25" });
        writeln!(csv, "{at},cpu,shop,api,api-1,app,{cpu}").unwrap();
        writeln!(csv, "{at},memory,shop,api,api-1,app,104857600").unwrap();
    }
    std::fs::write(folder.join("rows.csv"), csv).unwrap();
    std::fs::write(folder.join("krr.json"), REPORT).unwrap();
    let made = trimtab(folder, &["profile", "rows.csv", "-o", "profile.yaml"]);
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn recommendations_stand_beside_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let shown = trimtab(
        folder.path(),
        &["profile", "show", "profile.yaml", "--compare", "krr.json"],
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    // 0.25 cores lie in the level that ends at 60 << 22 = 251658240 nano-cores
    assert_eq!(rows[1][..6], ["shop", "Deployment/api", "app", "500m", "250m", "252m"]);
    assert_eq!(rows[1][6..], ["1024", "MiB", "115", "MiB", "115", "MiB"]);
    assert_eq!(
        rows[2],
        [
            "shop",
            "Deployment/unknown",
            "app",
            "-",
            "-",
            "not",
            "in",
            "profile",
            "-",
            "-",
            "not",
            "in",
            "profile"
        ]
    );
    assert!(
        shown.ends_with("1 of 2 containers that krr reports on are in the profile\n"),
        "{shown}"
    );
    let json = trimtab(
        folder.path(),
        &[
            "profile",
            "show",
            "profile.yaml",
            "--compare",
            "krr.json",
            "--format",
            "json",
        ],
    );
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        json["containers"][0]["memory"],
        serde_json::json!({"request": "1024 MiB", "krr": "115 MiB", "profile": "115 MiB"})
    );
}

#[test]
fn what_is_no_report_of_krr_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let refused = trimtab(
        folder.path(),
        &["profile", "show", "profile.yaml", "--compare", "rows.csv"],
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("is no report of krr") && said.contains("rows.csv"),
        "{said}"
    );
    // and it is no history
    let refused = trimtab(folder.path(), &["profile", "krr.json", "-o", "other.yaml"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("not-a-history") && said.contains("--compare"), "{said}");
}

/// One series of averages over an hour, and memory that a checkpoint alone knows: `show.rs` of both marks them.
#[test]
fn values_that_no_sample_tells_are_marked() {
    use trimtab::history::signal::Signal;
    use trimtab::profile::coarse::{Coarse, CoarseSource};
    use trimtab::profile::opened::ProfileStream;
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let text = std::fs::read_to_string(folder.path().join("profile.yaml")).unwrap();
    let mut profiles = ProfileStream::from(text).read().unwrap();
    for workload in profiles[0].workloads.values_mut() {
        for ((_, signal), history) in &mut workload.signals {
            if *signal == Signal::Cpu {
                history.averaged_s = Some(3600);
                continue;
            }
            let (_, weights) = history.sketches.pop_first().unwrap();
            history.coarse = Some(Coarse {
                source: CoarseSource::VpaCheckpoint,
                first_s: 1_791_158_400,
                last_s: 1_791_164_400,
                samples: 20,
                weights,
            });
        }
    }
    let compared = trimtab::report::Compared::of(&profiles, REPORT.as_bytes()).unwrap();
    let text = compared.text();
    assert!(
        text.contains("252m (averages)") && text.contains("115 MiB (coarse)"),
        "{text}"
    );
    assert!(
        text.ends_with("averages and coarse values hide peaks: the samples themselves would lie higher\n"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&compared.json()).unwrap();
    assert_eq!(json["containers"][0]["cpu"]["knownBy"], "averages");
}
