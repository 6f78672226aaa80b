//! Everything that trimtab renders is accepted by a real API server: the cases of the snapshots, and the example.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use trimtab::krm::{Object, ObjectId, apply};
use trimtab::{render, workload, yaml};

use crate::plane::plane;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Vec<Object> {
    let text = std::fs::read(path).unwrap();
    let documents = yaml::read_all(&text, &yaml::Limits::STREAM).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

fn folders(path: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join(path))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(!folders.is_empty(), "{path}");
    folders
}

/// What the server says against the objects that are new or changed; their number.
fn judge(case: &str, before: &[Object], after: &[Object], refusals: &mut Vec<String>) -> usize {
    let touched: Vec<&Object> = after.iter().filter(|object| !before.contains(object)).collect();
    for object in &touched {
        let id = ObjectId::of(object).unwrap();
        if let Err(error) = plane().dry_run_strict(&yaml::to_string(object)) {
            refusals.push(format!("{case}: {id}: {error}"));
        }
    }
    touched.len()
}

#[test]
fn the_api_server_accepts_every_object_of_every_snapshot() {
    let (mut refusals, mut judged) = (Vec::new(), 0);
    for folder in folders("tests/fixtures/render") {
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        let manifests = read(&folder.join("manifests.yaml"));
        let plan = serde_json::from_value(read(&folder.join("plan.yaml")).remove(0)).unwrap();
        let (edits, _) = render::render(&plan, &workload::read(&manifests).0);
        let rendered = apply(manifests.clone(), &edits).unwrap();
        judged += judge(&case, &manifests, &rendered, &mut refusals);
    }
    assert_eq!(refusals, Vec::<String>::new());
    assert!(judged > 50, "{judged} objects");
}

fn build(folder: &Path) -> Vec<Value> {
    let kustomize = root().join(".tools/kustomize/5.8.2/kustomize");
    assert!(
        kustomize.exists(),
        "{} is missing: run `make tools`",
        kustomize.display()
    );
    let output = Command::new(kustomize).arg("build").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let documents = yaml::read_all(&output.stdout, &yaml::Limits::STREAM).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

#[test]
fn the_api_server_accepts_every_object_that_the_example_renders() {
    let (mut refusals, mut judged) = (Vec::new(), 0);
    for folder in folders("overlays-example/rendered") {
        let environment = folder.file_name().unwrap().to_string_lossy().into_owned();
        let before = build(&root().join("overlays-example/apps").join(&environment));
        judged += judge(&environment, &before, &build(&folder), &mut refusals);
    }
    assert_eq!(refusals, Vec::<String>::new());
    assert!(judged > 50, "{judged} objects");
}
