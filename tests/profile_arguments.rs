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
