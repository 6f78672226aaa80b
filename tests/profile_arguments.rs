//! Arguments of `profile`: what a printed script takes along, and what would do nothing and is refused with the reason.

use crate::profile_shown::profile;
use crate::sealed::{assert_ends, trimtab};
use std::fs;

#[test]
fn the_script_makes_the_profile_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "profile",
        "--print-queries",
        "--environment",
        "production",
        "--shard",
        "--manifests",
        "apps/my shop",
        "--label",
        "deployment=api",
        "--namespace",
        "shop",
        "--cluster-label",
        "replica",
        "--step",
        "10m",
        "-o",
        "parts/a.yaml",
    ];
    let output = trimtab(folder.path(), &arguments);
    assert_ends(&output, 0, &[]);
    let script = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        script.lines().last().unwrap(),
        "trimtab profile usage/*.json ${owners[@]+\"${owners[@]}\"} --step 10m --environment production --namespace shop \
         --cluster-label replica --label deployment=api --manifests 'apps/my shop' --shard -o parts/a.yaml"
    );
    let plain = trimtab(folder.path(), &["profile", "--print-queries"]);
    let script = String::from_utf8(plain.stdout).unwrap();
    assert!(script.ends_with("--step 5m -o profile.yaml\n"), "{script}");
}

/// The store's word that it has nothing, as programs that print JSON for people write it.
#[test]
fn the_script_knows_an_empty_answer_however_it_is_spaced() {
    let folder = tempfile::tempdir().unwrap();
    let script = String::from_utf8(trimtab(folder.path(), &["profile", "--print-queries"]).stdout).unwrap();
    let line = script.lines().find(|line| line.contains("\"result\":[]")).unwrap();
    for (answer, is_kept) in [
        (
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            false,
        ),
        ("{\n  \"data\": {\n    \"result\": [ ]\n  }\n}", false),
        (r#"{"data": {"result": [{"metric": {}}]}}"#, true),
    ] {
        fs::write(folder.path().join("answer"), answer).unwrap();
        let ran = std::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", line, "bash", "query", "answer"])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(ran.success());
        assert_eq!(folder.path().join("answer").exists(), is_kept, "{answer}");
    }
}

#[test]
fn what_would_do_nothing_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(folder, "profile.yaml", 1, 1);
    let no_store = "no store is asked";
    let cases: [(&[&str], &[&str], &str); 9] = [
        (&["cpu.json", "--window", "14d"], &["--window"], no_store),
        (
            &["cpu.json", "--coarse", "--end", "2026-11-16T00:00:00Z"],
            &["--coarse", "--end"],
            no_store,
        ),
        (
            &["cpu.json", "--namespace-filter", "shop"],
            &["--namespace-filter"],
            no_store,
        ),
        (
            &["cpu.json", "--query", "rate=up", "--parallel", "3"],
            &["--query", "--parallel"],
            no_store,
        ),
        (
            &["cpu.json", "--bearer-token-file", "t"],
            &["--bearer-token-file"],
            no_store,
        ),
        (&["cpu.json", "--print-queries"], &["EXPORT"], "no file is read"),
        (
            &["--print-queries", "--http-header", "a=b"],
            &["--http-header"],
            "CURL_FLAGS",
        ),
        (&["--print-queries", "--unit", "MiB"], &["--unit"], "no tables"),
        (
            &["--print-sql", "duckdb", "--shard", "--window", "7d"],
            &["--shard", "--window"],
            "makes no profile",
        ),
    ];
    for (arguments, flags, why) in cases {
        let output = trimtab(folder, &[&["profile"], arguments, &["-o", "out.yaml"]].concat());
        assert_ends(&output, 1, &["error[no-effect]", why]);
        for flag in flags {
            assert_ends(&output, 1, &[&format!("`{flag}` does nothing here")]);
        }
        assert!(
            output.stdout.is_empty() && !folder.join("out.yaml").exists(),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_profile_is_no_export() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = profile(folder, "profile.yaml", 1, 1);
    let without_summary = text.lines().filter(|line| !line.starts_with('#'));
    fs::write(folder.join("bare.yaml"), without_summary.collect::<Vec<_>>().join("\n")).unwrap();
    for name in ["profile.yaml", "bare.yaml"] {
        let output = trimtab(folder, &["profile", name, "-o", "out.yaml"]);
        let told = [
            "error[not-a-history]",
            name,
            "is a usage profile already",
            "profile merge",
            "profile show",
            "profile diff",
        ];
        assert_ends(&output, 1, &told);
    }
}

/// A first export, and what one round of messages says of it.
#[test]
fn what_a_file_lacks_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let at = "2026-11-01T00:05:00Z";
    let datadog = r#"{"status":"ok","series":[{"metric":"kubernetes.cpu.usage.total","scope":"env:prod","pointlist":[[1793491500000,250000000]]}]}"#;
    for (name, text, told) in [
        (
            "narrow.csv",
            format!("time,pod,cpu\n{at},api-7d9f8b6c5f-x2x4z,0.25\n"),
            "say what it does not tell: --columns value=cpu --namespace NAME --label container=NAME",
        ),
        (
            "bare.csv",
            format!("when,usage\n{at},0.25\n"),
            "--columns value=COLUMN --columns time=COLUMN --columns pod=COLUMN (or --label deployment=NAME if all is of one) --namespace NAME",
        ),
        (
            "wide.csv",
            format!("time,api,web\n{at},0.25,0.5\n"),
            "ON COLUMNS(* EXCLUDE time) INTO NAME pod VALUE value",
        ),
        (
            "datadog.json",
            datadog.to_owned(),
            "by {kube_namespace,pod_name,kube_container_name}",
        ),
    ] {
        fs::write(folder.join(name), text).unwrap();
        assert_ends(&trimtab(folder, &["profile", name, "-o", "out.yaml"]), 1, &[told, name]);
    }
    // what it was told is enough
    let arguments = [
        "profile",
        "narrow.csv",
        "--columns",
        "value=cpu",
        "--namespace",
        "shop",
        "--label",
        "container=app",
    ];
    let output = ["-o", "out.yaml"];
    let told = [
        "warning[pods-unresolved]",
        "name it: --label deployment=NAME",
        "nothing to write",
    ];
    assert_ends(&trimtab(folder, &[&arguments[..], &output].concat()), 1, &told);
    let whose = ["--label", "deployment=api"];
    assert_ends(
        &trimtab(folder, &[&arguments[..], &whose, &output].concat()),
        0,
        &["shop: 1 workload"],
    );
}

#[test]
fn the_same_of_several_files_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names = ["a.csv", "b.csv", "c.csv"];
    for name in names {
        fs::write(folder.join(name), "time,pod,cpu\n").unwrap();
    }
    let output = trimtab(folder, &[&["profile"], &names[..], &["-o", "out.yaml"]].concat());
    assert_ends(&output, 1, &["--> a.csv:1", "the same of 2 more: `b.csv:1`, `c.csv:1`"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr).matches("error[").count(), 1);
}
