//! `overlays-example` and the README: what is committed is what the program makes today, and every way to apply a plan gives
//! the same objects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use trimtab::krm::ObjectId;

use crate::kustomize::{Kustomize, objects, path_with_trimtab, yaml};

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example() -> PathBuf {
    root().join("overlays-example")
}

/// The example made anew in a folder of its own, once for all tests.
static MADE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(root().join("scripts/example.sh"))
        .arg(folder.path().join("shop"))
        .env("TRIMTAB", env!("CARGO_BIN_EXE_trimtab"))
        .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

fn made() -> PathBuf {
    MADE.path().join("shop")
}

/// The files of a folder with their content, by the path below it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn by_id(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let count = objects.len();
    let by_id: BTreeMap<String, Value> = objects
        .into_iter()
        .map(|object| (ObjectId::of(&object).unwrap().to_string(), object))
        .collect();
    assert_eq!(by_id.len(), count, "an object came twice");
    by_id
}

/// What `trimtab fn` makes of these manifests with the policy of a layer, and its plan or profile.
fn through_pipe(manifests: &[u8], layer: &Path, decided: &str) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["fn", "--policy"])
        .arg(layer.join("policy.yaml"))
        .arg(format!("--{decided}"))
        .arg(layer.join(decided).with_extension("yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let manifests = manifests.to_owned();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &manifests));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    yaml(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_committed_example_is_what_the_program_makes() {
    // what was printed on the way lies at the top and is not committed
    let kept = |name: &String| name.contains('/') || Path::new(name).extension() != Some("txt".as_ref());
    let (mut committed, mut made) = (files(&example()), files(&made()));
    committed.retain(|name, _| kept(name));
    made.retain(|name, _| kept(name));
    let names: BTreeSet<&String> = committed.keys().chain(made.keys()).collect();
    let stale: Vec<&&String> = names
        .iter()
        .filter(|name| committed.get(**name) != made.get(**name))
        .collect();
    assert!(
        stale.is_empty(),
        "run `make example`, review and commit; these are stale: {stale:#?}"
    );
}

#[test]
fn check_finds_the_committed_example_current() {
    let output = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["check", "overlays-example", "--now", "2026-11-22T00:00:00Z"])
        .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Accepting is idempotent: on the same profile, a plan that was accepted is planned again to the byte.
#[test]
fn planning_what_was_accepted_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    copy(&example(), folder.path());
    let output = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["plan", "overlays", "--write", "--threads", "1"])
        .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for environment in ENVIRONMENTS {
        let name = format!("overlays/{environment}/plan.yaml");
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).unwrap();
        similar_asserts(&read(&example()), &read(folder.path()), &name);
    }
}

/// The number of threads shows nowhere: neither in a profile nor in plans that are decided from nothing.
#[test]
fn one_thread_and_eight_give_the_same_bytes() {
    let made = |threads: &str| {
        let folder = tempfile::tempdir().unwrap();
        copy(&example(), folder.path());
        for environment in ENVIRONMENTS {
            std::fs::remove_file(folder.path().join("overlays").join(environment).join("plan.yaml")).unwrap();
        }
        let run = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_trimtab"))
                .args(arguments)
                .args(["--threads", threads])
                .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        run(&[
            "profile",
            "cpu=history/staging/cpu_cores.json.gz",
            "memory=history/staging/memory_working_set_bytes.json.gz",
            "--manifests",
            "apps/base",
            "--environment",
            "staging",
            "-o",
            "overlays/staging/profile.yaml",
        ]);
        let table = run(&["plan", "overlays", "--write", "--format", "json"]);
        (files(&folder.path().join("overlays")), table)
    };
    let (one, eight) = (made("1"), made("8"));
    assert!(one.0.contains_key("production/plan.yaml"));
    assert!(one == eight, "the number of threads shows");
}

fn similar_asserts(before: &str, after: &str, name: &str) {
    let diff = similar::TextDiff::from_lines(before, after);
    assert!(before == after, "{name}:\n{}", diff.unified_diff().context_radius(2));
}

/// The law: files, function and pipe give the same objects, on every kustomize.
#[test]
fn files_function_and_pipe_give_the_same_objects() {
    for kustomize in Kustomize::all() {
        for environment in ENVIRONMENTS {
            let case = format!("{environment} with kustomize {}", kustomize.version);
            let layer = example().join("overlays").join(environment);
            let files = by_id(objects(&kustomize.build(&example().join("rendered").join(environment))));
            let function = by_id(objects(&kustomize.build_with_functions(&layer)));
            let untouched = kustomize.build(&example().join("apps").join(environment));
            let pipe = by_id(through_pipe(&untouched.stdout, &layer, "plan"));
            let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&files), names(&function), "{case}");
            assert_eq!(names(&files), names(&pipe), "{case}");
            for (name, object) in &files {
                assert_eq!(object, &function[name], "function: {case}, {name}");
                assert_eq!(object, &pipe[name], "pipe: {case}, {name}");
            }
            let before = by_id(objects(&untouched));
            assert!(
                before.keys().all(|name| files.contains_key(name)),
                "{case}: an object was lost"
            );
            assert_ne!(before, files, "{case}: nothing was done");
        }
    }
}

/// The function over its own output changes nothing.
#[test]
fn a_second_pass_changes_nothing() {
    for environment in ENVIRONMENTS {
        let layer = example().join("overlays").join(environment);
        let once = Kustomize::newest().build_with_functions(&layer);
        let twice = through_pipe(&once.stdout, &layer, "plan");
        assert_eq!(by_id(objects(&once)), by_id(twice), "{environment}");
    }
}

/// Manifests in another order make the same objects, whether a plan is applied or one is made.
#[test]
fn the_order_of_manifests_does_not_show() {
    for (environment, decided) in [
        ("production", "plan"),
        ("production", "profile"),
        ("staging", "profile"),
    ] {
        let layer = example().join("overlays").join(environment);
        let built = Kustomize::newest().build(&example().join("apps").join(environment));
        let text = String::from_utf8(built.stdout).unwrap();
        let mut documents: Vec<&str> = text.split("\n---\n").collect();
        assert!(documents.len() > 20, "{environment}");
        let expected = by_id(through_pipe(text.as_bytes(), &layer, decided));
        for turn in [0, 7] {
            documents.reverse();
            documents.rotate_left(turn);
            let found = by_id(through_pipe(documents.join("\n---\n").as_bytes(), &layer, decided));
            assert_eq!(found, expected, "{environment} by its {decided}");
        }
    }
}

/// The same bytes from another folder.
#[test]
fn the_place_of_the_tree_does_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let moved = folder.path().join("a folder/deep/down");
    copy(&example(), &moved);
    for environment in ENVIRONMENTS {
        let build = |tree: &Path| {
            Kustomize::newest()
                .build_with_functions(&tree.join("overlays").join(environment))
                .stdout
        };
        assert_eq!(build(&example()), build(&moved), "{environment}");
    }
}

/// Production shows everything: right-sized requests, HPA, VPA, KEDA, budgets, spread and spot placement.
#[test]
fn production_emits_every_kind() {
    let layer = example().join("overlays/production");
    let built = by_id(objects(&Kustomize::newest().build_with_functions(&layer)));
    let kinds: BTreeSet<&str> = built.values().map(|object| object["kind"].as_str().unwrap()).collect();
    for kind in [
        "HorizontalPodAutoscaler",
        "VerticalPodAutoscaler",
        "ScaledObject",
        "PodDisruptionBudget",
    ] {
        assert!(kinds.contains(kind), "{kind}");
    }
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"] {
        assert!(kinds.contains(kind), "{kind}");
    }
    assert!(
        kinds
            .iter()
            .all(|kind| !kind.starts_with("Optimization") && *kind != "UsageProfile"),
        "{kinds:?}"
    );
    let frontend = &built["Deployment/online-boutique/frontend"];
    let pods = &frontend["spec"]["template"]["spec"];
    let constraints = pods["topologySpreadConstraints"].as_array().unwrap();
    assert_eq!(constraints.len(), 2);
    let preferred = &pods["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
    assert_eq!(
        preferred["preference"]["matchExpressions"][0]["key"],
        "eks.amazonaws.com/capacityType"
    );
    // memory: 91 MiB at most, and 15 % on top, on the next rung of 4 MiB; the manifest says 64Mi
    assert_eq!(pods["containers"][0]["resources"]["requests"]["memory"], "108Mi");
}

/// What the team wrote by hand stays: one scaler for a workload, one budget, no second placement.
#[test]
fn what_the_team_has_is_respected() {
    let build = |folder: &str| by_id(objects(&Kustomize::newest().build(&example().join(folder))));
    let (before, after) = (build("apps/production"), build("rendered/production"));
    let pointing_at = |name: &str| {
        let scalers = ["HorizontalPodAutoscaler", "ScaledObject"];
        after
            .values()
            .filter(|object| scalers.contains(&object["kind"].as_str().unwrap()))
            .filter(|object| object["spec"]["scaleTargetRef"]["name"] == name)
            .map(|object| object["metadata"]["name"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(pointing_at("cartservice"), ["cart"]);
    let cart = "HorizontalPodAutoscaler/online-boutique/cart";
    assert_eq!(after[cart]["spec"]["behavior"], before[cart]["spec"]["behavior"]);
    assert_eq!(after[cart]["spec"]["maxReplicas"], 6, "the policy states it");
    let currency = "PodDisruptionBudget/online-boutique/currency";
    assert_eq!(after[currency], before[currency]);
    assert!(!after.contains_key("PodDisruptionBudget/online-boutique/currencyservice"));
    let placed = "Deployment/online-boutique/recommendationservice";
    let placement =
        |objects: &BTreeMap<String, Value>, field: &str| objects[placed]["spec"]["template"]["spec"][field].clone();
    for field in ["nodeSelector", "tolerations", "affinity"] {
        assert_eq!(placement(&before, field), placement(&after, field), "{field}");
    }
    let database = "StatefulSet/online-boutique/orders-db";
    assert_eq!(
        after[database], before[database],
        "a database is looked at, not touched"
    );
}

fn copy(from: &Path, to: &Path) {
    for (name, content) in files(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// The fenced blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join(page)).unwrap();
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(opened)) if opened == language => open = Some(String::new()),
            (None, Some(_)) => open = Some("\0".to_owned()),
            (Some(_), Some("")) => found.extend(open.take().filter(|text| !text.starts_with('\0'))),
            (Some(text), _) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

#[test]
fn the_readme_quotes_what_is_printed_today() {
    let excerpt = std::fs::read_to_string(made().join("excerpt.txt")).unwrap();
    assert!(excerpt.lines().count() > 5, "{excerpt}");
    assert!(
        blocks("README.md", "text").contains(&excerpt),
        "run `make example`; the README should quote:\n{excerpt}"
    );
}

/// Every `sh` block of a page, in order, by somebody who has the shop's overlays and exports and nothing of ours.
fn runs(page: &str, commands: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&example().join("apps"), &folder.path().join("apps"));
    copy(&example().join("history"), &folder.path().join("history"));
    let script = blocks(page, "sh").concat();
    assert!(
        script
            .lines()
            .filter(|line| line.trim_start().starts_with("trimtab "))
            .count()
            >= commands,
        "{script}"
    );
    let kustomize = Kustomize::newest().path;
    let path = std::env::join_paths(
        std::iter::once(kustomize.parent().unwrap().to_owned()).chain(std::env::split_paths(&path_with_trimtab())),
    );
    let output = Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &script])
        .env("PATH", path.unwrap())
        .env_remove("TRIMTAB_KUSTOMIZE")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

#[test]
fn the_page_on_profiles_runs() {
    let folder = runs("docs/profiles.md", 8);
    assert!(folder.path().join("profiles/production-online-boutique.yaml").is_file());
}

#[test]
fn the_readme_runs() {
    let folder = runs("README.md", 6);
    let built = |folder: &Path| by_id(objects(&Kustomize::newest().build_with_functions(folder)));
    let (layer, rendered) = (
        folder.path().join("overlays/production"),
        folder.path().join("rendered/production"),
    );
    assert_eq!(built(&layer), built(&rendered));
    assert!(built(&rendered).contains_key("HorizontalPodAutoscaler/online-boutique/frontend"));
}
