//! The house's own rules: stages use earlier stages only, only the shells touch the world, no shipped file lies idle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Stages that are no part of the flow's order: the last ones, which may use everything above them.
const SHELLS: [&str; 2] = ["io", "cli"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The stages in their order, as src/lib.rs lists them.
fn stages() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect()
}

/// A source file: its stage, its path from the root, and its lines of code that are compiled into the library, numbered.
struct Source {
    stage: String,
    path: String,
    code: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: &PathBuf| {
        let inner = path.strip_prefix(&src).unwrap();
        let stage = inner.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
        let is_test = inner.ends_with("tests.rs");
        (!is_test && stage != "lib" && stage != "main").then(|| Source {
            stage,
            path: format!("src/{}", inner.display()),
            code: code(&std::fs::read_to_string(path).unwrap()),
        })
    };
    files(&src).iter().filter_map(read).collect()
}

/// Lines without comments, up to the unit tests at the end of a file.
fn code(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

/// The modules that a line reaches from the crate's root: `crate::a::x`, `crate::{a, b::y}`.
fn reached(line: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => found.insert(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut starts = vec![0];
                for (index, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => starts.push(index + 1),
                        _ => {}
                    }
                }
                found.extend(starts.into_iter().map(|start| word(&list[start..])));
                true
            }
        };
    }
    found
}

#[test]
fn imports_are_read_in_every_form() {
    let names = |line| reached(line).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(names("use crate::krm::apply::apply;"), "krm");
    assert_eq!(
        names("use crate::{diag, units::{Bytes, Percent}, yaml};"),
        "diag units yaml"
    );
    assert_eq!(
        names("    let id: crate::krm::ObjectId = crate::plan::id();"),
        "krm plan"
    );
    assert_eq!(names("use super::model;"), "");
}

#[test]
fn a_stage_uses_earlier_stages_only() {
    let stages = stages();
    let rank: BTreeMap<&str, usize> = stages
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = rank.get(source.stage.as_str()) else {
            wrong.push(format!("{}: the stage is not in src/lib.rs", source.path));
            continue;
        };
        for (line, text) in &source.code {
            for name in reached(text) {
                if rank.get(name.as_str()).is_some_and(|used| used > own) {
                    wrong.push(format!(
                        "{}:{line}: `{}` uses `{name}`, a later stage",
                        source.path, source.stage
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // the order that the documents promise; a stage that moves changes them too
    assert_eq!(
        stages.join(" "),
        "units diag yaml krm catalog api history profile facts strategy policy workload price plan \
         render lint diff report pipeline io cli"
    );
}

#[test]
fn only_the_shells_touch_the_world() {
    const WORLD: [&str; 10] = [
        "ureq::",
        "std::fs",
        "std::env",
        "std::process",
        "std::net",
        "std::time",
        "Timestamp::now",
        "Zoned::now",
        "HashMap",
        "HashSet",
    ];
    // `std::time::Duration` is a number; what it would be measured with is caught
    let allowed = |text: &str| text.contains("std::time::Duration");
    let mut wrong = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !SHELLS.contains(&source.stage.as_str()))
    {
        for (line, text) in &source.code {
            for name in WORLD.iter().filter(|name| text.contains(**name) && !allowed(text)) {
                wrong.push(format!("{}:{line}: `{name}`", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "belongs to src/io or src/cli:\n{}", wrong.join("\n"));
}

/// A shipped file that nothing compiles in is one that nobody reads.
#[test]
fn every_shipped_file_is_compiled_in() {
    let code: String = sources()
        .iter()
        .flat_map(|source| source.code.iter().map(|(_, text)| text.clone() + "\n"))
        .collect();
    let mut idle = Vec::new();
    for folder in ["policies", "templates"].map(|name| root().join(name)) {
        if !folder.exists() {
            continue;
        }
        for path in files(&folder) {
            let shown = path.strip_prefix(root()).unwrap().display().to_string();
            if !shown.ends_with("README.md") && !code.contains(&format!("/{shown}\")")) {
                idle.push(shown);
            }
        }
    }
    assert!(idle.is_empty(), "no include_str! names them: {}", idle.join(", "));
}

/// Each preset is valid in the language, and each one decides something that no other does.
#[test]
fn every_preset_is_valid_and_differs_from_the_others() {
    use trimtab::policy::{Matched, Source, Subject, parse, presets};
    let resolved = |objective: &str, class: &str| {
        let policy = serde_json::json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "OptimizationPolicy", "metadata": {"name": "preset"},
            "spec": {"environment": "test", "objective": objective, "cluster": {"kubernetes": "1.33"},
                     "workloads": {"api": {"class": class}}},
        });
        let settings = parse(&policy, &Source::object("OptimizationPolicy", "preset")).unwrap();
        let subject = Subject {
            kind: "Deployment".to_owned(),
            name: "api".to_owned(),
            ..Subject::default()
        };
        match settings.of(&subject) {
            Matched::Wanted(wanted, notes) => {
                assert!(notes.is_empty(), "{notes:?}");
                format!("{:?} {:?}", settings.bounds, wanted.spec)
            }
            other => panic!("{objective} {class}: {other:?}"),
        }
    };
    let classes: Vec<&str> = presets::CLASSES.iter().map(|(name, _)| *name).collect();
    let names = |folder: &str| -> Vec<String> {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&root().join("policies").join(folder)).iter().map(stem).collect()
    };
    assert_eq!(
        names("classes"),
        classes
            .iter()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    let mut seen = BTreeMap::new();
    for objective in names("objectives") {
        for class in &classes {
            if let Some(other) = seen.insert(resolved(&objective, class), (objective.clone(), *class)) {
                panic!("{objective} {class} is the same as {other:?}");
            }
        }
    }
    assert_eq!(seen.len(), 18);
}
