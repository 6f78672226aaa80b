//! `trimtab check` and what it stands on: which rendered folder belongs to which environment, and which one is missing.

use serde_json::Value;

use crate::kustomize::{Kustomize, objects};
use crate::sealed::{assert_ends, production, replace, trimtab};
use crate::shop::copy;

const CURRENT: &str = "current: 1 environment, 1 rendered folder";

/// A copied policy that kept the name of production is no reason to write dev over production's files.
#[test]
fn a_rendered_folder_belongs_to_what_it_was_rendered_from() {
    let folder = production();
    let folder = folder.path();
    copy(&folder.join("overlays/production"), &folder.join("overlays/copy"));
    replace(
        folder,
        "overlays/copy/policy.yaml",
        "environment: production",
        "environment: dev",
    );
    std::fs::remove_file(folder.join("overlays/copy/profile.yaml")).unwrap();
    std::fs::remove_file(folder.join("overlays/copy/plan.yaml")).unwrap();
    let check = trimtab(folder, &["check", "."]);
    assert_ends(&check, 3, &["`./overlays/copy` has no accepted plan"]);
    assert!(!String::from_utf8_lossy(&check.stderr).contains("rendered/production"));
    // the same name and environment: said, and no gate by itself
    std::fs::remove_dir_all(folder.join("overlays/copy")).unwrap();
    copy(&folder.join("overlays/production"), &folder.join("overlays/copy"));
    let words = [
        "warning[same-environment]",
        "`./overlays/copy` and `./overlays/production` both have a policy \"shop-production\" for environment \"production\"",
    ];
    assert_ends(&trimtab(folder, &["check", "."]), 0, &words);
}

/// Both forms are found again, also where the environment lies outside of the layer's own folder.
#[test]
fn both_forms_are_matched_and_orphans_are_told() {
    let folder = production();
    let folder = folder.path();
    for form in ["overlay", "manifests"] {
        let render = [
            "render",
            "overlays/production",
            "--as",
            form,
            "-o",
            "rendered/production",
        ];
        assert_ends(&trimtab(folder, &render), 0, &[]);
        assert_ends(&trimtab(folder, &["check", "."]), 0, &[CURRENT]);
        assert_ends(&trimtab(folder, &["check", "overlays", "rendered"]), 0, &[CURRENT]);
    }
    let words = [
        "was rendered from",
        "overlays/production",
        "no environment of this check",
    ];
    assert_ends(&trimtab(folder, &["check", "rendered"]), 3, &words);
}

/// What git checks out on Windows (`core.autocrlf`): every line of every file ends in CR LF, and nothing is stale.
#[test]
fn a_checkout_with_windows_line_ends_is_current() {
    fn with_windows_line_ends(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let convert = |path: std::path::PathBuf| match std::fs::read_to_string(&path) {
            _ if path.is_dir() => with_windows_line_ends(&path),
            // an export may be compressed
            Err(_) => 0,
            Ok(text) => {
                std::fs::write(&path, text.replace('\n', "\r\n")).unwrap();
                1
            }
        };
        entries.map(convert).sum()
    }
    let folder = production();
    let folder = folder.path();
    assert!(with_windows_line_ends(folder) > 10);
    let profile = std::fs::read(folder.join("overlays/production/profile.yaml")).unwrap();
    assert!(profile.windows(2).any(|pair| pair == b"\r\n"));
    assert_ends(&trimtab(folder, &["check", "."]), 0, &[CURRENT]);
    // git would find the same change in what is written
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert_ends(&trimtab(folder, &["check", "."]), 0, &[CURRENT]);
}

/// A policy that no kustomization lists is applied by files or not at all.
#[test]
fn forgotten_files_are_a_gate() {
    let folder = production();
    let folder = folder.path();
    std::fs::remove_dir_all(folder.join("rendered")).unwrap();
    assert_ends(&trimtab(folder, &["check", "."]), 0, &["0 rendered folders"]);
    assert_ends(
        &trimtab(folder, &["check", ".", "--files"]),
        3,
        &["error[not-rendered]", "`--files` asks for one of every environment"],
    );
    std::fs::write(
        folder.join("overlays/production/kustomization.yaml"),
        "resources: [../../apps/production]\n",
    )
    .unwrap();
    assert_ends(
        &trimtab(folder, &["check", "."]),
        3,
        &[
            "error[not-rendered]",
            "so only files can apply it",
            "trimtab render ./overlays/production",
        ],
    );
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert_ends(&trimtab(folder, &["check", ".", "--files"]), 0, &[CURRENT]);
}

/// kustomize merges containers by name: after a rename a committed patch adds one, and the build alone does not tell.
#[test]
fn a_patch_of_a_renamed_container_is_a_gate() {
    let folder = production();
    let folder = folder.path();
    replace(
        folder,
        "apps/base/emailservice.yaml",
        "        name: server\n",
        "        name: mail\n",
    );
    let check = trimtab(folder, &["check", "."]);
    let words = [
        "error[patch-adds-container]",
        "rendered/production/deployment-emailservice.patch.yaml` would add a container `server`",
    ];
    assert_ends(&check, 3, &words);
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert_eq!(said.matches("patch-adds-container").count(), 1, "{said}");
    let built = Kustomize::newest().build(&folder.join("rendered/production"));
    let names = |list: &Value| -> Vec<String> {
        let containers = list["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        containers
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let email = |object: &&Value| object["kind"] == "Deployment" && object["metadata"]["name"] == "emailservice";
    let built = objects(&built);
    assert_eq!(
        names(built.iter().find(email).unwrap()).len(),
        2,
        "the build itself is silent"
    );
    assert_ends(&trimtab(folder, &["plan", "overlays", "--write"]), 0, &[]);
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert_ends(&trimtab(folder, &["check", "."]), 0, &[CURRENT]);
}

#[test]
fn rendering_among_files_of_others_is_refused() {
    let folder = production();
    let folder = folder.path();
    for output in [".", "apps/base"] {
        let render = ["render", "overlays/production", "-o", output];
        let words = ["error[output-in-use]", "is not empty", "-o rendered/ENVIRONMENT"];
        assert_ends(&trimtab(folder, &render), 1, &words);
    }
    assert!(!folder.join("kustomization.yaml").exists());
    std::fs::create_dir(folder.join("empty")).unwrap();
    assert_ends(
        &trimtab(folder, &["render", "overlays/production", "-o", "empty"]),
        0,
        &[],
    );
}

/// A workload that was deleted is kept and reported until somebody says that it is gone for good.
#[test]
fn a_deleted_workload_is_forgotten_by_name() {
    let folder = production();
    let folder = folder.path();
    std::fs::write(folder.join("apps/base/emailservice.yaml"), "").unwrap();
    let key = "Deployment/online-boutique/emailservice";
    let help = format!("trimtab plan DIR --write --forget {key}");
    assert_ends(
        &trimtab(folder, &["plan", "overlays", "--write"]),
        0,
        &["warning[stale]", &help],
    );
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &["warning[plan-outdated]", &help]);
    let forget = |name| trimtab(folder, &["plan", "overlays", "--write", "--forget", name]);
    assert_ends(
        &forget("emailservce"),
        1,
        &["nothing was accepted for `emailservce`", "did you mean `emailservice`?"],
    );
    assert_ends(&forget(key), 0, &[]);
    let plan = std::fs::read_to_string(folder.join("overlays/production/plan.yaml")).unwrap();
    assert!(!plan.contains("emailservice"));
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert_ends(&trimtab(folder, &["check", "."]), 0, &[CURRENT]);
}

#[test]
fn explain_names_the_first_plan_and_near_workloads() {
    let folder = production();
    let folder = folder.path();
    let explain = |name| trimtab(folder, &["explain", name, "--dir", "overlays"]);
    assert_ends(&explain("frontent"), 1, &["did you mean `frontend`?"]);
    std::fs::remove_file(folder.join("overlays/production/plan.yaml")).unwrap();
    let words = [
        "has no accepted plan",
        "run `trimtab plan overlays/production --write` first",
    ];
    assert_ends(&explain("frontend"), 1, &words);
}

/// A folder above kustomizations is judged as they are built: their patches are no objects.
#[test]
fn folders_above_kustomizations_are_judged_as_they_are_built() {
    let folder = production();
    let folder = folder.path();
    let lint = trimtab(folder, &["lint", "rendered"]);
    assert_ends(&lint, 0, &[]);
    assert!(!String::from_utf8_lossy(&lint.stdout).contains("pdb-selector"));
    copy(&folder.join("rendered"), &folder.join("before"));
    let patch = "rendered/production/deployment-emailservice.patch.yaml";
    replace(folder, patch, "cpu: 70m", "cpu: 80m");
    let diff = trimtab(folder, &["diff", "before", "rendered"]);
    assert_ends(&diff, 0, &["production", "70m", "80m"]);
    let said = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(!said.contains("frontend"), "{said}");
    // what lies beside them is compared too
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n";
    std::fs::write(folder.join("rendered/beside.yaml"), map).unwrap();
    assert_ends(&trimtab(folder, &["diff", "before", "rendered"]), 0, &["beside", "80m"]);
}
