//! The shipped examples of a profile in parts: what they call exists, every part is asked for once, and the merge reads all.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use trimtab::yaml;

fn example(name: &str) -> (String, Vec<Value>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scale-out").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let documents = yaml::read_all(text.as_bytes(), &yaml::Limits::STREAM);
    let documents = documents.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    (text, documents.into_iter().map(|document| document.value).collect())
}

const EXAMPLES: [&str; 3] = ["argo-workflow.yaml", "github-actions.yaml", "indexed-job.yaml"];

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(command)
        .arg("--help")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn flags_of_the_examples_exist() {
    let (profile, merge) = (help(&["profile"]), help(&["profile", "merge"]));
    for name in EXAMPLES {
        let (text, _) = example(name);
        let mut calls = 0;
        for call in text.lines().filter_map(|line| line.split_once("trimtab profile ")) {
            let help = if call.1.starts_with("merge") { &merge } else { &profile };
            let mut flags = call.1.split_whitespace().filter(|word| word.starts_with("--"));
            assert!(flags.all(|flag| help.contains(flag)), "{name}: {}", call.1);
            assert_eq!(
                call.1.contains("--shard"),
                !call.1.starts_with("merge"),
                "{name}: parts are shards"
            );
            calls += 1;
        }
        assert_eq!(calls, 2, "{name}: a part and the merge");
    }
}

#[test]
fn jobs_pass_the_strict_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/k8s-schemas/1.33/batch_v1_Job.json");
    let schema = std::fs::read_to_string(&schema).expect("run `make tools`");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let (_, documents) = example("indexed-job.yaml");
    let jobs: Vec<&Value> = documents.iter().filter(|object| object["kind"] == "Job").collect();
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        let problems: Vec<_> = validator
            .iter_errors(job)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
}

/// What `trimtab` is called with: a stand-in writes its arguments down, one a line.
fn called(script: &Value, env: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let stand_in: PathBuf = folder.path().join("trimtab");
    std::fs::write(&stand_in, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    let made = Command::new("chmod").arg("755").arg(&stand_in).status().unwrap();
    assert!(made.success());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("/bin/sh")
        .arg("-efc")
        .arg(script.as_str().unwrap())
        .env("PATH", path)
        .envs(env.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_index_asks_for_its_part_and_writes_a_file_of_its_own() {
    let (_, documents) = example("indexed-job.yaml");
    let data = &documents[0]["data"];
    let job = &documents[1]["spec"];
    let script = &job["template"]["spec"]["containers"][0]["args"][0];
    let parts: Vec<&str> = data["parts"].as_str().unwrap().lines().collect();
    assert_eq!(Value::from(parts.len()), job["completions"]);
    let mut files = BTreeSet::new();
    for (index, part) in parts.iter().enumerate() {
        let index = index.to_string();
        let arguments = called(
            script,
            &[
                ("JOB_COMPLETION_INDEX", &index),
                ("PROMETHEUS", data["prometheus"].as_str().unwrap()),
                ("END", data["end"].as_str().unwrap()),
                ("PARTS", data["parts"].as_str().unwrap()),
            ],
        );
        let words: Vec<&str> = part.split(' ').collect();
        assert!(
            arguments.windows(words.len()).any(|window| window == words),
            "{arguments:?}"
        );
        files.insert(arguments.last().unwrap().clone());
    }
    assert_eq!(files.len(), parts.len());
}

#[test]
fn the_workflow_calls_templates_that_it_has() {
    let (_, documents) = example("argo-workflow.yaml");
    let spec = &documents[0]["spec"];
    let templates = spec["templates"].as_array().unwrap();
    let names: BTreeSet<&str> = templates
        .iter()
        .map(|template| template["name"].as_str().unwrap())
        .collect();
    let tasks = templates[0]["dag"]["tasks"].as_array().unwrap();
    assert_eq!(spec["entrypoint"], templates[0]["name"]);
    assert!(
        tasks
            .iter()
            .all(|task| names.contains(task["template"].as_str().unwrap()))
    );
    let part = templates.iter().find(|template| template["name"] == "part").unwrap();
    for item in tasks[0]["withItems"].as_array().unwrap() {
        let env = [
            ("PROMETHEUS", "http://p:9090"),
            ("END", "2026-11-23T00:00:00Z"),
            ("PART", item["name"].as_str().unwrap()),
            ("FILTERS", item["filters"].as_str().unwrap()),
        ];
        let arguments = called(&part["container"]["args"][0], &env);
        assert_eq!(
            arguments.last().unwrap(),
            &format!("/parts/part-{}.yaml", item["name"].as_str().unwrap())
        );
        assert!(arguments.contains(&"--namespace-filter".to_owned()), "{arguments:?}");
    }
}
