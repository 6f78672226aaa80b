//! The function inside real kustomizes, in exec mode: what it must echo, where its objects land, how it fails.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::kustomize::{Kustomize, objects, write, yaml};
use crate::shop::{fixture, shop};

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_meant = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects
        .iter()
        .find(is_meant)
        .unwrap_or_else(|| panic!("no {kind} {name} in {:?}", names(objects)))
}

fn names(objects: &[Value]) -> Vec<String> {
    let name = |object: &Value| {
        format!(
            "{} {}",
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap()
        )
    };
    objects.iter().map(name).collect()
}

/// A failed build: exit code 1, nothing on stdout, the words on stderr.
fn assert_refused(output: &Output, words: &[&str], case: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{case}: {stderr}");
    assert!(output.stdout.is_empty(), "{case}");
    for word in words {
        assert!(stderr.contains(word), "{case}: no `{word}` in: {stderr}");
    }
}

#[test]
fn every_kustomize_gives_the_same_bytes_twice() {
    let outputs: Vec<Output> = Kustomize::all()
        .iter()
        .flat_map(|kustomize| {
            [
                kustomize.build_with_functions(&fixture("env")),
                kustomize.build_with_functions(&fixture("env")),
            ]
        })
        .collect();
    for output in &outputs {
        assert_eq!(output, &outputs[0]);
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("host__function", String::from_utf8_lossy(&outputs[0].stdout));
    });
}

/// The wiring is one entry, and the policy that kustomize merges from its layers does what the plain one does.
#[test]
fn the_shipped_wiring_layered_by_patches_gives_the_same() {
    for kustomize in Kustomize::all() {
        let plain = kustomize.build_with_functions(&fixture("env"));
        assert_eq!(
            kustomize.build_with_functions(&fixture("layered/env")),
            plain,
            "{}",
            kustomize.version
        );
    }
}

/// Unpatched, the wiring only looks: an object comes back as it went in, hash suffixes and references included.
#[test]
fn in_mode_observe_the_build_is_what_it_was() {
    let folder = shop();
    write(
        folder.path(),
        &[(
            "shop/observe/kustomization.yaml",
            "resources: [../app, ../env/plan]\ntransformers: [../../wiring]",
        )],
    );
    write(
        folder.path(),
        &[("shop/env/plan/kustomization.yaml", "resources: [plan.yaml]")],
    );
    let plan = std::fs::read_to_string(fixture("env/plan.yaml"))
        .unwrap()
        .replace("mode: enforce", "mode: observe");
    write(folder.path(), &[("shop/env/plan/plan.yaml", &plan)]);
    for kustomize in Kustomize::all() {
        let observed = kustomize.build_with_functions(&folder.path().join("shop/observe"));
        let app = kustomize.build(&folder.path().join("shop/app"));
        assert_eq!(
            String::from_utf8_lossy(&observed.stdout),
            String::from_utf8_lossy(&app.stdout),
            "{}",
            kustomize.version
        );
    }
}

#[test]
fn hashed_names_are_kept_and_followed() {
    for kustomize in Kustomize::all() {
        let built = objects(&kustomize.build_with_functions(&fixture("env")));
        let settings = names(&built)
            .into_iter()
            .find(|name| name.starts_with("ConfigMap prod-settings-"))
            .unwrap();
        let web = find(&built, "Deployment", "prod-web");
        let reference = &web["spec"]["template"]["spec"]["containers"][1]["envFrom"][0]["configMapRef"]["name"];
        assert_eq!(format!("ConfigMap {}", reference.as_str().unwrap()), settings);
    }
}

#[test]
fn new_objects_have_plain_metadata_and_the_workloads_namespace() {
    for kustomize in Kustomize::all() {
        let built = objects(&kustomize.build_with_functions(&fixture("env")));
        for (kind, name) in [
            ("HorizontalPodAutoscaler", "prod-web"),
            ("HorizontalPodAutoscaler", "prod-api"),
            ("ScaledObject", "prod-queue"),
            ("VerticalPodAutoscaler", "prod-db"),
            ("PodDisruptionBudget", "prod-web"),
        ] {
            assert_eq!(
                find(&built, kind, name)["metadata"],
                json!({"name": name, "namespace": "shop", "labels": {"trimtab.dev/managed-by": "trimtab"}}),
            );
        }
        let ours = ["OptimizationPlan", "OptimizationPolicy"];
        assert!(
            built
                .iter()
                .all(|object| !ours.contains(&object["kind"].as_str().unwrap())),
            "{:?}",
            names(&built)
        );
    }
}

/// In the function's own layer `replicas:` comes first and is dropped; a layer further out has the last word.
#[test]
fn replicas_of_the_same_layer_are_dropped_and_those_further_out_win() {
    let folder = shop();
    let same = "resources: [../app, plan.yaml]\ntransformers: [policy.yaml]\nreplicas: [{name: prod-web, count: 8}]";
    write(
        folder.path(),
        &[
            ("shop/env/kustomization.yaml", same),
            (
                "shop/further/kustomization.yaml",
                "resources: [../env]\nreplicas: [{name: prod-web, count: 8}]",
            ),
        ],
    );
    for kustomize in Kustomize::all() {
        for (layer, expected) in [("env", None), ("further", Some(&json!(8)))] {
            let built = objects(&kustomize.build_with_functions(&folder.path().join("shop").join(layer)));
            assert_eq!(
                find(&built, "Deployment", "prod-web")["spec"].get("replicas"),
                expected,
                "{layer}"
            );
        }
    }
}

/// A layer around ours renames the workloads: the shipped component makes every scaler follow.
#[test]
fn scalers_follow_a_prefix_further_out_with_the_shipped_name_references() {
    let folder = shop();
    let kustomization = "resources: [../env]\nnamePrefix: eu-\ncomponents: [../../wiring/naming]";
    write(folder.path(), &[("shop/eu/kustomization.yaml", kustomization)]);
    for kustomize in Kustomize::all() {
        let built = objects(&kustomize.build_with_functions(&folder.path().join("shop/eu")));
        for (kind, name, field) in [
            ("HorizontalPodAutoscaler", "eu-prod-web", "scaleTargetRef"),
            ("HorizontalPodAutoscaler", "eu-prod-api", "scaleTargetRef"),
            ("ScaledObject", "eu-prod-queue", "scaleTargetRef"),
            ("VerticalPodAutoscaler", "eu-prod-db", "targetRef"),
        ] {
            assert_eq!(
                find(&built, kind, name)["spec"][field]["name"],
                name,
                "{}",
                kustomize.version
            );
        }
    }
}

/// A base that was sized and is sized again: objects are set, not doubled, which kustomize would refuse.
#[test]
fn a_second_run_in_an_outer_layer_changes_nothing() {
    let folder = shop();
    let again = "resources: [../env, plan.yaml]\ntransformers: [policy.yaml]";
    write(folder.path(), &[("shop/again/kustomization.yaml", again)]);
    for name in ["plan.yaml", "policy.yaml"] {
        std::fs::copy(fixture("env").join(name), folder.path().join("shop/again").join(name)).unwrap();
    }
    for kustomize in Kustomize::all() {
        let once = kustomize.build_with_functions(&folder.path().join("shop/env"));
        let twice = kustomize.build_with_functions(&folder.path().join("shop/again"));
        assert_eq!(
            String::from_utf8_lossy(&twice.stdout),
            String::from_utf8_lossy(&once.stdout),
            "{}",
            kustomize.version
        );
    }
}

#[test]
fn what_cannot_be_read_fails_the_build_with_our_words_and_nothing_on_stdout() {
    let plan = std::fs::read_to_string(fixture("env/plan.yaml")).unwrap();
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let second = plan.replace("name: shop", "name: second");
    let cases: [(&str, String, String, &[&str]); 4] = [
        (
            "unknown policy field",
            policy.replace("mode:", "mod:"),
            plan.clone(),
            &["error[policy-invalid]", "`mod`", "OptimizationPolicy/shop"],
        ),
        (
            "no plan",
            policy.clone(),
            String::new(),
            &["error[missing-input]", "neither a plan nor a usage profile"],
        ),
        (
            "unknown plan field",
            policy.clone(),
            plan.replace("workloads:", "workload:"),
            &["error[", "`workload`"],
        ),
        (
            "two plans",
            policy,
            format!("{plan}---\n{second}"),
            &["2 objects of kind OptimizationPlan", "`shop`, `second`"],
        ),
    ];
    for (case, policy, plan, words) in cases {
        let folder = shop();
        write(
            folder.path(),
            &[("shop/env/policy.yaml", &policy), ("shop/env/plan.yaml", &plan)],
        );
        if plan.is_empty() {
            write(
                folder.path(),
                &[(
                    "shop/env/kustomization.yaml",
                    "resources: [../app]\ntransformers: [policy.yaml]",
                )],
            );
        }
        for kustomize in Kustomize::all() {
            let output = kustomize.build_with_functions(&folder.path().join("shop/env"));
            assert_refused(&output, words, case);
            assert_refused(&output, &["exit status 1"], case);
        }
    }
}

/// The worst trap of kustomize: with one of two flags an exec function is skipped, exit code 0. The plan that stays in
/// the output is of a kind that no cluster knows, so applying it fails.
#[test]
fn a_skipped_function_leaves_the_plan_in_the_output() {
    for kustomize in Kustomize::all() {
        let mut command = kustomize.command();
        let output = command
            .args(["build", "--enable-alpha-plugins"])
            .arg(fixture("env"))
            .output()
            .unwrap();
        assert!(
            names(&objects(&output)).contains(&"OptimizationPlan shop".to_owned()),
            "{}",
            kustomize.version
        );
        assert_refused(
            &kustomize.build(&fixture("env")),
            &["external plugins disabled"],
            kustomize.version,
        );
    }
}

/// What every kustomize hands over, to the byte: `tests/fixtures/host/stdin.yaml` is what 5.8.2 gave.
#[test]
fn every_kustomize_hands_over_the_same_bytes() {
    let golden = std::fs::read_to_string(fixture("stdin.yaml")).unwrap();
    for kustomize in Kustomize::all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stdin.yaml");
        let mut command = kustomize.command();
        command
            .args(["build", "--enable-alpha-plugins", "--enable-exec"])
            .arg(fixture("env"));
        assert!(command.env("TRIMTAB_CAPTURE", &file).output().unwrap().status.success());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), golden, "{}", kustomize.version);
    }
}

/// `kustomize fn run`, as kpt, keeps items as files and deletes the file of an item that does not come back.
#[test]
fn a_host_that_keeps_files_keeps_policy_and_plan_and_settles() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_trimtab");
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let web = std::fs::read_to_string(fixture("base/web.yaml")).unwrap();
    write(
        folder.path(),
        &[
            (
                "policy.yaml",
                &policy.replace("path: trimtab", &format!("path: {program}")),
            ),
            ("plan.yaml", &std::fs::read_to_string(fixture("env/plan.yaml")).unwrap()),
            (
                "web.yaml",
                &web.replace(
                    "  name: web\n  labels",
                    "  name: prod-web # ours\n  namespace: shop\n  labels",
                ),
            ),
        ],
    );
    let contents = || -> Vec<(String, String)> {
        let files = walkdir::WalkDir::new(folder.path())
            .sort_by_file_name()
            .into_iter()
            .map(|entry| entry.unwrap());
        let name = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
        files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (name(entry.path()), std::fs::read_to_string(entry.path()).unwrap()))
            .collect()
    };
    let run = || {
        let mut command = Kustomize::newest().command();
        let output = command
            .args(["fn", "run", "--enable-exec"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run();
    let once = contents();
    let file = |name: &str| {
        &once
            .iter()
            .find(|(file, _)| file == name)
            .unwrap_or_else(|| panic!("no {name}: {once:?}"))
            .1
    };
    assert!(file("policy.yaml").contains("OptimizationPolicy"));
    assert_eq!(
        yaml(file("plan.yaml")),
        yaml(&std::fs::read_to_string(fixture("env/plan.yaml")).unwrap())
    );
    let web = file("web.yaml");
    assert!(
        web.contains("prod-web # ours") && web.contains("cpu: 222m") && !web.contains("internal."),
        "{web}"
    );
    let made: Vec<&str> = once
        .iter()
        .map(|(_, text)| text.as_str())
        .filter(|text| text.contains("HorizontalPodAutoscaler"))
        .collect();
    assert!(made.iter().any(|text| text.contains("maxReplicas: 9")));
    run();
    assert_eq!(contents(), once);
}
