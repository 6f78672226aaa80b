//! `trimtab diff` as people, CI and kubectl run it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::kustomize::Kustomize;

fn config_map(value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: shop}}\ndata: {{level: {value}}}\n")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    folder
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn trimtab(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.arg("diff").args(arguments).current_dir(folder);
    command.env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = trimtab(folder, arguments).stdin(Stdio::null()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

const CHANGE: &str = "      .data.level  info → warn\n";

#[test]
fn files_folders_and_stdin_are_compared() {
    let folder = folder(&[
        ("a/x.yaml", &config_map("info")),
        ("b/y.yaml", &config_map("warn")),
        ("b/values.yaml", "replicas: 3\n"),
    ]);
    for arguments in [["a", "b"], ["a/x.yaml", "b/y.yaml"], ["a", "b/y.yaml"]] {
        let (code, stdout, stderr) = run(folder.path(), &arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(stdout.contains(CHANGE), "{stdout}");
    }
    let stdin = std::fs::OpenOptions::new()
        .read(true)
        .open(folder.path().join("b/y.yaml"))
        .unwrap();
    let output = trimtab(folder.path(), &["a", "-"]).stdin(stdin).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains(CHANGE));
}

#[test]
fn exit_codes_tell_what_was_found() {
    let folder = folder(&[("a", &config_map("info")), ("b", &config_map("warn")), ("bad", "a: [")]);
    for (arguments, expected) in [
        (&["a", "a"][..], 0),
        (&["a", "b"], 0),
        (&["a", "a", "--detailed-exitcode"], 0),
        (&["a", "b", "--detailed-exitcode"], 2),
        (&["a", "bad", "--detailed-exitcode"], 1),
        (&["a", "missing", "--detailed-exitcode"], 1),
        (&["a", "b", "--no-such-option"], 1),
        (&["a", "a", "--external"], 0),
        (&["a", "b", "--external"], 1),
        (&["a", "bad", "--external"], 2),
        (&["a", "missing", "--external"], 2),
    ] {
        let (code, stdout, stderr) = run(folder.path(), arguments);
        assert_eq!(code, Some(expected), "{arguments:?}\n{stdout}{stderr}");
        assert!(!stderr.contains("bug"), "{stderr}");
    }
}

#[test]
fn kubectl_gets_nothing_where_nothing_differs() {
    // kubectl names files `v1.ConfigMap.shop.a`, and the live ones carry what the server adds
    let live = config_map("info").replace(
        "namespace: shop",
        "namespace: shop, uid: x, resourceVersion: '7', managedFields: []",
    );
    let folder = folder(&[
        ("LIVE-1/v1.ConfigMap.shop.a", &live),
        ("MERGED-1/v1.ConfigMap.shop.a", &config_map("info")),
        ("MERGED-2/v1.ConfigMap.shop.a", &config_map("warn")),
    ]);
    let (code, stdout, _) = run(folder.path(), &["--external", "LIVE-1", "MERGED-1"]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let (code, stdout, _) = run(folder.path(), &["--external", "LIVE-1", "MERGED-2"]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains(CHANGE), "{stdout}");
}

#[test]
fn formats_go_to_stdout_and_colour_only_to_those_who_want_it() {
    let folder = folder(&[("a", &config_map("info")), ("b", &config_map("warn"))]);
    let output = |variables: &[(&str, &str)]| {
        let mut command = trimtab(folder.path(), &["a", "b"]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!output(&[]).contains('\u{1b}'), "a pipe");
    assert!(output(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(
        !output(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'),
        "NO_COLOR wins"
    );
    let (_, markdown, _) = run(folder.path(), &["a", "b", "--format", "markdown"]);
    assert!(
        markdown.contains("| `.data.level` | `info` | **`warn`** |"),
        "{markdown}"
    );
    let (_, json, _) = run(folder.path(), &["a", "b", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["totals"]["changed"], 1);
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "init.defaultBranch=main",
    ];
    let output = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn revisions_are_compared_without_touching_the_work_tree() {
    let folder = folder(&[("k8s/a.yaml", &config_map("info")), ("other.yaml", "x: 1\n")]);
    let repository = folder.path();
    git(repository, &["init", "--quiet"]);
    git(repository, &["add", "."]);
    git(repository, &["commit", "--quiet", "-m", "one"]);
    write(repository, &[("k8s/a.yaml", &config_map("warn"))]);
    git(repository, &["commit", "--quiet", "-am", "two"]);
    write(repository, &[("k8s/a.yaml", &config_map("error"))]);

    let below = repository.join("k8s");
    for (from, arguments, expected) in [
        (repository, &["HEAD~1:k8s", "HEAD:k8s"][..], "info → warn"),
        (repository, &["HEAD", "k8s"], "warn → error"),
        (repository, &["HEAD~1", "HEAD"], "info → warn"),
        (&below, &["HEAD~1"], "info → error"),
        (&below, &["main", "HEAD~1"], "warn → info"),
    ] {
        let (code, stdout, stderr) = run(from, arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(stdout.contains(expected), "{arguments:?}\n{stdout}");
    }
    let status = Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(repository)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(status.stdout).unwrap(), " M k8s/a.yaml\n");
    let (code, stdout, stderr) = run(repository, &["--format=json", "no-such-revision"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.contains("`no-such-revision` is neither a file, a folder nor a git revision"),
        "{stderr}"
    );
}

const APP: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
                   spec: {replicas: 2, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: x}]}}}\n";
const POLICY: &str = "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {name: prod}\n\
                      spec: {environment: prod, mode: enforce, cluster: {kubernetes: '1.33'}, workloads: {web: {requests: {cpu: {value: 250m}}}}}\n";

/// The plan lies beside the overlay and nothing applies it there; the rendered folder has it in its files.
#[test]
fn an_overlay_and_what_was_rendered_from_it_differ_by_the_plan() {
    let folder = folder(&[
        ("app/kustomization.yaml", "resources: [web.yaml]"),
        ("app/web.yaml", APP),
        ("app/policy.yaml", POLICY),
    ]);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
        command.args(arguments).current_dir(folder.path());
        let output = command
            .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    command(&["plan", "app", "--write"]);
    command(&["render", "app", "-o", "rendered"]);
    command(&["render", "app", "--as", "manifests", "-o", "whole"]);
    for rendered in ["rendered", "whole"] {
        let (code, stdout, stderr) = run(folder.path(), &["app", rendered, "--detailed-exitcode"]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(
            stdout.contains("250m") && stdout.contains("stated"),
            "with its reason: {stdout}"
        );
        assert!(stdout.contains("1 changed, 0 added, 0 removed"), "{stdout}");
        let (code, stdout, _) = run(folder.path(), &[rendered, "app", "--detailed-exitcode"]);
        assert_eq!(code, Some(2), "{stdout}");
    }
    let (code, stdout, _) = run(folder.path(), &["rendered", "whole", "--detailed-exitcode"]);
    assert_eq!(code, Some(0), "two forms of one plan: {stdout}");
}

/// What is wrong in a revision is told by the revision's own path, not by where it was written out.
#[test]
fn doubts_in_a_revision_are_told_by_its_path() {
    let folder = folder(&[
        ("k8s/app/kustomization.yaml", "resources: [web.yaml]"),
        ("k8s/app/web.yaml", APP),
        (
            "k8s/app/policy.yaml",
            &POLICY.replace("OptimizationPolicy", "OptimisationPolicy"),
        ),
    ]);
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "-m", "one"]);
    write(folder.path(), &[("k8s/app/policy.yaml", POLICY)]);
    for (arguments, expected) in [(["HEAD:k8s", "k8s"], 0), (["k8s", "HEAD:k8s"], 1)] {
        let (code, _, stderr) = run(folder.path(), &arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {stderr}");
        assert!(
            stderr.contains("--> HEAD:k8s/app/policy.yaml:2:"),
            "{arguments:?}: {stderr}"
        );
        assert!(!stderr.contains("/tree/"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn kustomizations_are_built() {
    let kustomization =
        |value: &str| format!("configMapGenerator:\n- name: cfg\n  literals: [level={value}]\nresources: [../base]\n");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, envFrom: [{configMapRef: {name: cfg}}]}]}\n";
    let folder = folder(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", pod),
        ("one/kustomization.yaml", &kustomization("info")),
        ("two/kustomization.yaml", &kustomization("warn")),
    ]);
    let (code, stdout, stderr) = run(folder.path(), &["one", "two"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(
        stdout.contains(CHANGE) && stdout.contains("used by Pod/p, whose pods restart"),
        "{stdout}"
    );
    assert!(stdout.contains("1 changed, 0 added, 0 removed"), "{stdout}");
}
