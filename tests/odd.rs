//! Odd repositories: the function in the build, a layer of files and whole manifests give the same objects, whatever a
//! repository does before.
//!
//! A case is a file of `tests/fixtures/odd`: the files that it has instead of those of `common.yaml`, or besides them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;
use trimtab::krm::ObjectId;

use crate::kustomize::{Kustomize, objects, write};

/// One repository.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Content by path.
    files: BTreeMap<String, String>,
    /// What `render` says where a form of files can't be exact, by the form.
    #[serde(default)]
    refused: BTreeMap<String, String>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/odd")
}

fn read(path: &Path) -> Case {
    let text = std::fs::read_to_string(path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cases by name.
fn cases() -> Vec<(String, Case)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(path)))
        .filter(|(name, _)| name != "common")
        .collect()
}

/// One repository on disk.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn of(case: &Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut files = read(&fixtures().join("common.yaml")).files;
        files.extend(case.files.iter().map(|(path, text)| (path.clone(), text.clone())));
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        write(folder.path(), &files);
        Self { folder }
    }

    fn trimtab(&self, kustomize: &Kustomize, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
        command.env("TRIMTAB_KUSTOMIZE", &kustomize.path);
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    fn run(&self, kustomize: &Kustomize, arguments: &[&str]) -> Result<(), String> {
        let output = self.trimtab(kustomize, arguments);
        successful(&output).map_err(|error| format!("{arguments:?}: {error}"))
    }

    /// The first plan, which can't be listed yet.
    fn plan_first(&self, kustomize: &Kustomize) -> Result<(), String> {
        let file = self.folder.path().join("env/kustomization.yaml");
        let listed = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, listed.replace(", plan.yaml", "")).unwrap();
        self.run(kustomize, &["plan", "env", "--write"])?;
        std::fs::write(&file, listed).unwrap();
        Ok(())
    }

    fn plan(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("env/plan.yaml")).unwrap()
    }

    fn build(&self, kustomize: &Kustomize, folder: &str) -> Result<Vec<Value>, String> {
        let output = kustomize.build_with_functions(&self.folder.path().join(folder));
        successful(&output).map_err(|error| format!("{folder} on {}: {error}", kustomize.version))?;
        Ok(sorted(objects(&output)))
    }
}

fn successful(output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// In an order of their own: kustomize's may differ.
fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| (ObjectId::of(object), object.to_string()));
    objects
}

/// All differences, in words.
fn difference(one: &[Value], other: &[Value]) -> Option<String> {
    let ids = |objects: &[Value]| -> Vec<String> {
        objects
            .iter()
            .map(|object| format!("{} {}", object["kind"], object["metadata"]))
            .collect()
    };
    if one.len() != other.len() {
        let (one, other) = (ids(one), ids(other));
        return Some(format!(
            "other objects:\n  {}\nand\n  {}",
            one.join("\n  "),
            other.join("\n  ")
        ));
    }
    let mut found = Vec::new();
    for (one, other) in one.iter().zip(other) {
        differing(
            one,
            other,
            &format!("{} {}", one["kind"], one["metadata"]["name"]),
            &mut found,
        );
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

fn differing(one: &Value, other: &Value, at: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => differing(one, other, &format!("{at}.{key}"), found),
                    (one, other) => found.push(format!("{at}.{key}: {one:?} and {other:?}")),
                }
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(format!("{at}: {one} and {other}")),
    }
}

fn must_be_the_same(one: &[Value], other: &[Value], what: &str) -> Result<(), String> {
    difference(one, other).map_or(Ok(()), |found| Err(format!("{what}: {found}")))
}

/// Every way, on every kustomize.
fn judge(case: &Case) -> Result<(), String> {
    let (repository, newest) = (Repository::of(case), Kustomize::newest());
    let run = |arguments: &[&str]| repository.run(&newest, arguments);
    repository.plan_first(&newest)?;
    let planned = repository.plan();
    let mut ways = Vec::new();
    for way in ["overlay", "manifests"] {
        let rendered = run(&["render", "env", "--as", way, "-o", &format!("rendered/{way}")]);
        match (rendered, case.refused.get(way)) {
            (Ok(()), None) => ways.push(format!("rendered/{way}")),
            (Err(error), Some(words)) if error.contains(words) => {}
            (rendered, words) => return Err(format!("{way}: {rendered:?}, expected {words:?}")),
        }
    }
    run(&["plan", "env", "--write"])?;
    if repository.plan() != planned {
        return Err("a second plan is another one".to_owned());
    }
    let before = repository.build(&newest, "apps/prod")?;
    for kustomize in Kustomize::all() {
        let by_function = repository.build(&kustomize, "env")?;
        let is_newest = kustomize.version == newest.version;
        for way in &ways {
            // whole manifests hold what one kustomize made of the overlay
            if is_newest || !way.ends_with("manifests") {
                let by_files = repository.build(&kustomize, way)?;
                must_be_the_same(&by_function, &by_files, &format!("{way} on {}", kustomize.version))?;
            }
        }
        if is_newest {
            must_be_sized(&before, &by_function)?;
        }
    }
    Ok(())
}

/// Something was applied, and nothing is lost.
fn must_be_sized(before: &[Value], after: &[Value]) -> Result<(), String> {
    if !after.iter().any(|object| object.to_string().contains("777m")) {
        return Err("nothing was applied".to_owned());
    }
    match after.len().checked_sub(before.len()) {
        Some(_) => Ok(()),
        None => Err(format!("{} objects, and there were {}", after.len(), before.len())),
    }
}

/// What differs in a case, by its name.
fn judged(cases: &[(String, Case)]) -> Vec<String> {
    let one = |(name, case): &(String, Case)| judge(case).err().map(|error| format!("{name}: {error}"));
    // building waits for other programs
    let parts = cases.chunks(cases.len().div_ceil(4).max(1));
    std::thread::scope(|scope| {
        let workers: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().filter_map(one).collect::<Vec<String>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn the_function_and_the_files_agree() {
    let only = std::env::var("ODD").unwrap_or_default();
    let mut cases = cases();
    cases.retain(|(name, _)| name.contains(&only));
    let found = judged(&cases);
    assert!(
        found.is_empty(),
        "{} cases differ:\n{}",
        found.len(),
        found.join("\n\n")
    );
}
