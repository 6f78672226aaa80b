//! Several profiles of one environment, merged or planned on: what they say counts together, each once, or it is told which
//! are at odds.

use crate::profile_shown::{DEPLOYMENT, POLICY, profile};
use crate::sealed::{assert_ends, trimtab};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn environment() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policy = POLICY.replace("aws}", "aws}, workloads: {flat: {class: web}}");
    fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    fs::write(folder.path().join("all.yaml"), DEPLOYMENT).unwrap();
    folder
}

/// What is decided, without the digests of what it was decided on.
fn decided(folder: &Path) -> Value {
    let output = trimtab(folder, &["plan", ".", "--format", "json"]);
    assert_ends(&output, 0, &[]);
    let mut plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    without(&mut plan, "digests");
    plan
}

fn without(value: &mut Value, key: &str) {
    match value {
        Value::Object(fields) => {
            fields.remove(key);
            fields.values_mut().for_each(|field| without(field, key));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, key)),
        _ => {}
    }
}

fn run(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn built(folder: &Path, profiles: &[&str]) -> String {
    let mut arguments = vec!["fn", "--policy", "policy.yaml"];
    arguments.extend(profiles.iter().flat_map(|profile| ["--profile", profile]));
    let output = run(folder, &arguments, DEPLOYMENT.as_bytes());
    assert_ends(&output, 0, &[]);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn profiles_of_different_time_count_together_as_merged() {
    let folder = environment();
    let folder = folder.path();
    profile(folder, "profile-early.yaml", 1, 2);
    profile(folder, "profile-late.yaml", 3, 5);
    let apart = decided(folder);
    let merge = [
        "profile",
        "merge",
        "profile-late.yaml",
        "profile-early.yaml",
        "-o",
        "merged",
    ];
    assert_ends(&trimtab(folder, &merge), 0, &["shop: 2 workloads"]);
    let on_the_fly = built(folder, &["profile-early.yaml", "profile-late.yaml"]);
    assert_eq!(on_the_fly, built(folder, &["profile-late.yaml", "profile-early.yaml"]));
    assert_eq!(on_the_fly, built(folder, &["merged"]));
    // the late one alone knows too little of the first weeks to be the same
    fs::remove_file(folder.join("profile-early.yaml")).unwrap();
    assert_ne!(decided(folder), apart);
    fs::rename(folder.join("merged"), folder.join("profile-late.yaml")).unwrap();
    assert_eq!(decided(folder), apart);
}

#[test]
fn a_profile_that_is_there_twice_counts_once_and_is_told() {
    let folder = environment();
    let folder = folder.path();
    let whole = profile(folder, "profile.yaml", 1, 3);
    let once = decided(folder);
    fs::copy(folder.join("profile.yaml"), folder.join("profile-copy.yaml")).unwrap();
    let told = [
        "warning[profile-repeated]",
        "as `./profile-copy.yaml`",
        "--> ./profile.yaml",
    ];
    assert_ends(&trimtab(folder, &["plan", "."]), 0, &told);
    assert_eq!(decided(folder), once);

    // the same samples in another file: a run that was not given all signals
    let arguments = ["profile", "cpu.json", "memory.json", "-o", "profile-copy.yaml"];
    assert_ends(&trimtab(folder, &arguments), 0, &[]);
    let plan = trimtab(folder, &["plan", "."]);
    assert_ends(
        &plan,
        0,
        &[
            "warning[profile-repeated]",
            "as `./profile.yaml`",
            "--> ./profile-copy.yaml",
        ],
    );
    assert_eq!(decided(folder), once);
    let merge = [
        "profile",
        "merge",
        "profile-copy.yaml",
        "profile.yaml",
        "profile.yaml",
        "-o",
        "merged",
    ];
    let merged = trimtab(folder, &merge);
    assert_ends(
        &merged,
        0,
        &[
            "warning[profile-repeated]",
            "as `profile.yaml`",
            "--> profile-copy.yaml",
            "the same of 1 more: `profile.yaml`",
        ],
    );
    assert_eq!(fs::read_to_string(folder.join("merged")).unwrap(), whole);
}

#[test]
fn profiles_that_know_the_same_time_are_refused_by_name() {
    let folder = environment();
    let folder = folder.path();
    profile(folder, "profile-a.yaml", 1, 3);
    profile(folder, "profile-b.yaml", 2, 4);
    // 2026-10-12T00:05:00Z is the first sample of the second week
    let told = [
        "error[merge-overlap]",
        "at 2026-10-12T00:05:00Z",
        "`./profile-a.yaml`, `./profile-b.yaml`",
    ];
    assert_ends(&trimtab(folder, &["plan", "."]), 1, &told);
    let merge = ["profile", "merge", "profile-b.yaml", "profile-a.yaml", "-o", "merged"];
    assert_ends(
        &trimtab(folder, &merge),
        1,
        &["error[merge-overlap]", "`profile-a.yaml`, `profile-b.yaml`", "--shard"],
    );
    assert!(!folder.join("merged").exists());
}

#[test]
fn a_profile_without_environment_does_not_stand_beside_one_with() {
    let folder = environment();
    let folder = folder.path();
    profile(folder, "profile-old.yaml", 3, 4);
    let own = [
        "profile",
        "cpu.json",
        "memory.json",
        "replicas.json",
        "--environment",
        "e",
        "-o",
        "profile-own.yaml",
    ];
    assert_ends(&trimtab(folder, &own), 0, &["shop (environment e): 2 workloads"]);
    profile(folder, "profile-old.yaml", 1, 2);
    let told = [
        "error[profiles-unlike]",
        "names no environment for namespace `shop`",
        "`./profile-own.yaml` is of environment `e`",
        "--> ./profile-old.yaml",
        "trimtab profile merge ./profile-own.yaml ./profile-old.yaml --environment e",
    ];
    assert_ends(&trimtab(folder, &["plan", "."]), 1, &told);

    let merge = |more: &[&str]| {
        let mut arguments = vec![
            "profile",
            "merge",
            "profile-own.yaml",
            "profile-old.yaml",
            "-o",
            "merged",
        ];
        arguments.extend(more);
        trimtab(folder, &arguments)
    };
    assert_ends(
        &merge(&[]),
        1,
        &["error[profiles-unlike]", "profile-old.yaml", "`profile-own.yaml`"],
    );
    assert_ends(
        &merge(&["--mixed"]),
        0,
        &["shop: 2 workloads", "shop (environment e): 2 workloads"],
    );
    assert_ends(
        &merge(&["--environment", "e"]),
        0,
        &["shop (environment e): 2 workloads, 2026-10-05T00:00:00Z to 2026-11-02T00:00:00Z"],
    );
    for name in ["profile-own.yaml", "profile-old.yaml"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    fs::rename(folder.join("merged"), folder.join("profile.yaml")).unwrap();
    assert_ends(&trimtab(folder, &["plan", "."]), 0, &[]);
}

#[test]
fn profiles_of_several_environments_merge_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(folder, "none.yaml", 1, 1);
    for environment in ["production", "staging"] {
        let arguments = ["profile", "cpu.json", "--environment", environment, "-o", environment];
        assert_ends(&trimtab(folder, &arguments), 0, &[]);
    }
    let merge = ["profile", "merge", "staging", "production", "-o", "merged"];
    let told = [
        "error[profiles-unlike]",
        "is of environment `staging`, and `production` of `production`",
        "--> staging",
        "--mixed",
    ];
    assert_ends(&trimtab(folder, &merge), 1, &told);
    assert!(!folder.join("merged").exists());
    let merge = [&merge[..], &["--mixed"]].concat();
    assert_ends(
        &trimtab(folder, &merge),
        0,
        &["shop (environment production): 2", "shop (environment staging): 2"],
    );
}

#[test]
fn a_profile_among_the_items_yields_to_files_and_is_named() {
    let folder = environment();
    let folder = folder.path();
    let early = profile(folder, "early.yaml", 1, 3);
    let late = profile(folder, "late.yaml", 2, 4);
    let with_item = |item: &str| {
        let stdin = format!("{DEPLOYMENT}---\n{item}");
        run(
            folder,
            &["fn", "--policy", "policy.yaml", "--profile", "late.yaml"],
            stdin.as_bytes(),
        )
    };
    let alone = with_item("");
    let output = with_item(&early);
    assert_ends(
        &output,
        0,
        &["warning[profile-unused]", "`UsageProfile/shop`", "`late.yaml`"],
    );
    assert_eq!(output.stdout, alone.stdout);
    let output = with_item(&late);
    assert_eq!(
        (output.stdout, output.stderr),
        (alone.stdout, alone.stderr),
        "the same profile is used"
    );
}
