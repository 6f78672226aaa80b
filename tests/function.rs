//! The binary as a function and as `trimtab fn`: shapes, exit codes, and never an answer that deletes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::kustomize::{objects, yaml};
use crate::shop::fixture;

/// Runs the binary in the shop's environment.
fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .current_dir(fixture("env"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // it may refuse before it has read everything
    let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

const FILES: [&str; 5] = ["fn", "--policy", "policy.yaml", "--plan", "plan.yaml"];

fn list(items: &Value) -> Value {
    let policy = &yaml(&std::fs::read_to_string(fixture("env/policy.yaml")).unwrap())[0];
    json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items, "functionConfig": policy})
}

fn plan() -> Value {
    yaml(&std::fs::read_to_string(fixture("env/plan.yaml")).unwrap()).remove(0)
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"internal.config.kubernetes.io/x": "1"}},
        "data": {"yes": "no", "octal": "012", "date": "2024-01-01", "text": "a\nb\n"}})
}

fn assert_refused(output: &Output, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}: {stderr}");
    assert!(
        output.stdout.is_empty(),
        "{words}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(stderr.contains(words), "no `{words}` in: {stderr}");
}

/// What kustomize really hands over comes back in its shape: echoed items first, in their order, annotations and all.
#[test]
fn the_golden_input_comes_back_with_every_annotation() {
    let input = std::fs::read(fixture("stdin.yaml")).unwrap();
    let output = run(&[], &input);
    let before = yaml(&String::from_utf8(input).unwrap()).remove(0);
    let after = objects(&output).remove(0);
    assert_eq!(after["apiVersion"], "config.kubernetes.io/v1");
    assert_eq!(after["functionConfig"], before["functionConfig"]);
    let items = |list: &Value| list["items"].as_array().unwrap().clone();
    let kept: Vec<Value> = items(&before)
        .into_iter()
        .filter(|item| item["kind"] != "OptimizationPlan")
        .collect();
    assert_eq!(kept.len() + 1, items(&before).len());
    for (before, after) in kept.iter().zip(items(&after)) {
        assert_eq!(after["metadata"], before["metadata"]);
        assert_eq!(after["kind"], before["kind"]);
    }
    assert!(
        items(&after)[kept.len()..]
            .iter()
            .all(|made| made["metadata"].get("annotations").is_none())
    );
}

#[test]
fn the_shape_of_the_input_is_the_shape_of_the_output() {
    let list = list(&json!([config_map(), plan()]));
    // YAML list, JSON list, YAML stream, one JSON object: each with what it must begin with
    for (arguments, input, start) in [
        (
            &[][..],
            trimtab::yaml::to_string(&list),
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n",
        ),
        (&[], list.to_string(), "{\"apiVersion\":\"config.kubernetes.io/v1\""),
        (
            &FILES,
            trimtab::yaml::to_stream(&[config_map(), config_map()]),
            "apiVersion: v1\nkind: ConfigMap\n",
        ),
        (&FILES, config_map().to_string(), "{\"apiVersion\":\"v1\""),
        (
            &FILES,
            format!("---\n---\n{}\n---\n", config_map()),
            "apiVersion: v1\nkind: ConfigMap\n",
        ),
    ] {
        let output = run(arguments, input.as_bytes());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.starts_with(start),
            "{input}\n gave\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let documents = objects(&output);
        let items = documents[0]
            .get("items")
            .map_or(documents.clone(), |items| items.as_array().unwrap().clone());
        assert!(items.iter().all(|item| *item == config_map()), "{text}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
    }
}

/// What kubectl writes is one `List`; whoever pipes it on reads `.items`.
#[test]
fn a_list_comes_back_as_a_list() {
    let deployment = yaml(&std::fs::read_to_string(fixture("base/web.yaml")).unwrap()).remove(0);
    let mut deployment = deployment;
    deployment["metadata"]["name"] = json!("prod-web");
    deployment["metadata"]["namespace"] = json!("shop");
    let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""},
        "items": [config_map(), {"apiVersion": "v1", "kind": "List", "items": [deployment]}]});
    for input in [list.to_string(), trimtab::yaml::to_string(&list)] {
        let output = run(&FILES, input.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.starts_with(b"{"), input.starts_with('{'));
        let documents = objects(&output);
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0]["kind"], "List");
        assert_eq!(documents[0]["metadata"], list["metadata"]);
        assert!(documents[0].get("results").is_none(), "a List has no results");
        let items = documents[0]["items"].as_array().unwrap();
        assert_eq!(items[0], config_map());
        // what is made goes into the list too
        let kinds: Vec<&str> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
        assert!(
            kinds.contains(&"Deployment") && kinds.contains(&"HorizontalPodAutoscaler"),
            "{kinds:?}"
        );
    }
}

/// Without a plan and without history a policy that states everything is enough; else what is missing is named.
/// Neither an object without an identity nor a list of others is lost or touched; kustomize hands the first on as well.
#[test]
fn odd_objects_come_back_as_they_came() {
    let mut numbered = yaml(&std::fs::read_to_string(fixture("base/web.yaml")).unwrap()).remove(0);
    numbered["metadata"]["namespace"] = json!(5);
    let foreign =
        json!({"apiVersion": "example.com/v1", "kind": "List", "metadata": {"name": "x"}, "items": [numbered]});
    let empty = json!({"apiVersion": "v1", "kind": "List", "items": []});
    let input = [config_map(), numbered, foreign, empty];
    let output = run(&FILES, trimtab::yaml::to_stream(&input).as_bytes());
    assert_eq!(objects(&output), input);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("a Deployment has `metadata.namespace: 5`, which is no text"),
        "{said}"
    );
}

#[test]
fn a_policy_that_states_everything_needs_no_history() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
                    spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}},\n  \
                    spec: {containers: [{name: web, image: \"web:1\"}]}}}\n";
    let with = |requests: &str| {
        let text = format!(
            "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {{name: shop}}\nspec:\n  environment: x\n  \
             mode: enforce\n  cluster: {{kubernetes: \"1.33\"}}\n  workloads:\n    web:\n      scaling: {{mode: none}}\n      \
             requests: {requests}\n"
        );
        std::fs::write(&policy, text).unwrap();
        run(&["fn", "--policy", policy.to_str().unwrap()], manifest.as_bytes())
    };
    let output = with("{cpu: {value: 120m}, memory: {value: 96Mi}}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        objects(&output)[0]["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"],
        json!({"cpu": "120m", "memory": "96Mi"})
    );
    let output = with("{cpu: {value: 120m}}");
    assert_refused(&output, "neither a plan nor a usage profile");
    assert_refused(
        &output,
        "left to history in `Deployment/shop/web`: memory request of `web`",
    );
}

/// A policy for cluster 1.33 with these rules, in a file.
fn policy_file(folder: &tempfile::TempDir, rules: &str) -> String {
    let path = folder.path().join("policy.yaml");
    let text = format!(
        "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {{name: shop}}\nspec:\n  environment: x\n  \
         mode: enforce\n  cluster: {{kubernetes: \"1.33\"}}\n  workloads: {rules}\n"
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn workload(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": "registry.example/app:1"}]}}}})
}

/// Nobody reviews a plan that is made on the fly, so what it refuses and remarks is said: to hosts that show results,
/// and on stderr.
#[test]
fn planning_on_the_fly_says_what_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy_file(
        &folder,
        "{web: {requests: {cpu: {value: 120m}, memory: {value: 96Mi}}}, migrate: {}, agent: {requests: {strategy: keep}, \
         scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 4}, targets: {cpu: {value: 60%}}}}}",
    );
    let items = json!([
        workload("apps/v1", "Deployment", "web"),
        workload("batch/v1", "Job", "migrate"),
        workload("apps/v1", "DaemonSet", "agent"),
        workload("apps/v1", "Deployment", "other"),
    ]);
    let output = run(&["fn", "--policy", &policy], list(&items).to_string().as_bytes());
    let list = &objects(&output)[0];
    let result = |kind: &str| {
        let results = list["results"].as_array().unwrap();
        let of_kind: Vec<&Value> = results
            .iter()
            .filter(|one| one["resourceRef"]["kind"] == kind)
            .collect();
        assert_eq!(of_kind.len(), 1, "{kind}: {results:#?}");
        of_kind[0].clone()
    };
    assert_eq!(
        result("Job"),
        json!({
            "message": "the template of a Job can't be changed once it is applied; nothing is rendered for this workload; \
                        `trimtab explain left-alone` says what it means",
            "severity": "warning", "tags": {"code": "left-alone"},
            "resourceRef": {"apiVersion": "batch/v1", "kind": "Job", "name": "migrate", "namespace": "shop"},
        })
    );
    assert_eq!(
        result("DaemonSet"),
        json!({
            "message": "a DaemonSet has no replicas to scale; `trimtab explain not-scalable` says what it means",
            "severity": "warning", "tags": {"code": "not-scalable"},
            "resourceRef": {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "namespace": "shop"},
        })
    );
    let codes = |name: &str| -> Vec<(String, String)> {
        let results = list["results"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        results
            .filter(|one| one["resourceRef"]["name"] == name)
            .map(|one| (text(&one["tags"]["code"]), text(&one["severity"])))
            .collect()
    };
    assert_eq!(codes("web"), [("restarts-pods".to_owned(), "info".to_owned())]);
    assert_eq!(codes("other"), [("unmatched".to_owned(), "info".to_owned())]);
    let stream = trimtab::yaml::to_stream(items.as_array().unwrap());
    let output = run(&["fn", "--policy", &policy], stream.as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr);
    for words in [
        "warning[left-alone]: the template of a Job can't be changed once it is applied\n  --> Job/shop/migrate\n",
        "warning[not-scalable]: a DaemonSet has no replicas to scale\n  --> DaemonSet/shop/agent\n",
        "note[restarts-pods]",
    ] {
        assert!(stderr.contains(words), "no `{words}` in: {stderr}");
    }
}

/// A manifest may request 0 CPU; a share of it is no number, so no scaler is made that divides by it.
#[test]
fn no_cpu_target_stands_on_a_request_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy_file(
        &folder,
        "{web: {requests: {strategy: keep}, scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 4}, \
         targets: {cpu: {value: 60%}}}}}",
    );
    let mut web = workload("apps/v1", "Deployment", "web");
    let made = |web: &Value| {
        let output = run(&["fn", "--policy", &policy], web.to_string().as_bytes());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (objects(&output).len(), stderr)
    };
    web["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] = json!({"cpu": "0"});
    let (count, stderr) = made(&web);
    assert_eq!(count, 1, "{stderr}");
    assert!(
        stderr.contains("warning[utilization-without-request]: its CPU request is 0"),
        "{stderr}"
    );
    web["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] = json!({"cpu": "10m"});
    let (count, stderr) = made(&web);
    assert_eq!(count, 2, "an HPA beside it: {stderr}");
}

/// What a policy forgot to say is no gap in the history.
#[test]
fn a_metric_without_a_target_and_a_target_without_a_request_are_named_so() {
    let folder = tempfile::tempdir().unwrap();
    let made = |scaling: &str| {
        let rule = format!(
            "{{web: {{requests: {{strategy: keep}}, scaling: {{minReplicas: {{value: 2}}, maxReplicas: {{value: 4}}, {scaling}}}}}}}"
        );
        let policy = policy_file(&folder, &rule).replace('\\', "/");
        let web = workload("apps/v1", "Deployment", "web").to_string();
        let output = run(&["fn", "--policy", &policy], web.as_bytes());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (objects(&output).len(), stderr)
    };
    let (count, stderr) = made(
        "mode: hpa, metrics: {rps: {type: pods, metric: rps}, queue: {type: external, metric: q, value: {value: \"5\"}}}",
    );
    assert_eq!(count, 2, "an HPA on the other metric: {stderr}");
    assert!(
        stderr.contains("warning[target-missing]: metric `rps` has no stated target"),
        "{stderr}"
    );
    assert!(!stderr.contains("no-history"), "{stderr}");
    let (count, stderr) = made("mode: hpa, targets: {cpu: {value: 60%}}");
    assert_eq!(count, 1, "{stderr}");
    assert!(
        stderr.contains(
            "warning[utilization-without-request]: a CPU target is a share of the CPU request, and there is none"
        ),
        "{stderr}"
    );
}

/// What the policy accepts is no warning, and a plan that was reviewed says it all itself: builds stay quiet.
#[test]
fn an_accepted_finding_is_a_note_and_a_committed_plan_is_not_read_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "{agent: {requests: {strategy: keep}, scaling: {mode: hpa, minReplicas: {value: 2}, \
                 maxReplicas: {value: 4}, targets: {cpu: {value: 60%}}}}}\n  \
                 accept: {no-hpa: {code: not-scalable, workload: agent, reason: known}}";
    let policy = policy_file(&folder, rules);
    let agent = workload("apps/v1", "DaemonSet", "agent");
    let output = run(&["fn", "--policy", &policy], agent.to_string().as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("note[not-scalable]") && stderr.contains("`spec.accept.no-hpa`"),
        "{stderr}"
    );
    assert!(!stderr.contains("warning["), "{stderr}");
}

/// Without workloads there is nothing to plan and nothing to lose: everything passes, and it is said.
#[test]
fn an_environment_without_workloads_passes_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy_file(&folder, "{}");
    for items in [json!([]), json!([config_map()])] {
        let output = run(&["fn", "--policy", &policy], list(&items).to_string().as_bytes());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let list = &objects(&output)[0];
        assert_eq!(list["items"], items);
        assert_eq!(list["results"][0]["tags"]["code"], "no-workloads", "{list:#}");
        assert_eq!(list["results"][0]["severity"], "warning");
    }
    // workloads that no rule is for are another matter: what was accepted for them may be lost
    let output = run(
        &["fn", "--policy", &policy],
        workload("apps/v1", "Deployment", "web").to_string().as_bytes(),
    );
    assert_refused(
        &output,
        "there is neither a plan nor a usage profile, and no rule of the policy matches any workload",
    );
    assert_refused(&output, "the workloads are `Deployment/shop/web`");
}

#[test]
fn over_its_own_output_the_function_changes_nothing() {
    let input = std::fs::read(fixture("stdin.yaml")).unwrap();
    let once = run(&[], &input);
    let mut again = objects(&once).remove(0);
    again["items"].as_array_mut().unwrap().push(plan());
    let twice = run(&[], again.to_string().as_bytes());
    assert_eq!(objects(&twice)[0]["items"], objects(&once)[0]["items"]);
}

/// kpt and `kustomize fn run` delete the file of an item that does not come back.
#[test]
fn our_kinds_stay_only_where_a_host_keeps_them_as_files() {
    for annotation in ["config.kubernetes.io/path", "internal.config.kubernetes.io/path"] {
        let mut kept = plan();
        kept["metadata"]["annotations"] = json!({annotation: "plan.yaml"});
        let output = run(&[], list(&json!([kept, config_map()])).to_string().as_bytes());
        assert_eq!(objects(&output)[0]["items"], json!([kept, config_map()]));
    }
    let output = run(&[], list(&json!([plan(), config_map()])).to_string().as_bytes());
    assert_eq!(objects(&output)[0]["items"], json!([config_map()]));
}

/// kpt shows results; each has its severity, as hosts disagree on the default.
#[test]
fn a_list_carries_what_was_found_as_results() {
    let output = run(&[], list(&json!([plan(), config_map()])).to_string().as_bytes());
    let results = objects(&output)[0]["results"].as_array().unwrap().clone();
    assert_eq!(
        results.len(),
        5,
        "a plan by hand, for four workloads that are not there: {results:?}"
    );
    assert!(
        results
            .iter()
            .all(|result| result["severity"] == "warning" && result["message"].is_string())
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("warning[plan-outdated]"));
}

/// An empty list is what was there before; everything else that names no objects is refused.
#[test]
fn an_empty_list_stays_one() {
    let output = run(&FILES, list(&json!([])).to_string().as_bytes());
    assert_eq!(objects(&output)[0]["items"], json!([]));
}

#[test]
fn what_cannot_be_read_is_an_error_with_nothing_on_stdout() {
    let text = |value: Value| value.to_string().into_bytes();
    let mut no_items = list(&json!([plan()]));
    no_items.as_object_mut().unwrap().remove("items");
    let mut no_config = list(&json!([plan()]));
    no_config.as_object_mut().unwrap().remove("functionConfig");
    let mut foreign = list(&json!([plan()]));
    foreign["functionConfig"]["kind"] = "ConfigMap".into();
    let mut other_version = list(&json!([plan()]));
    other_version["apiVersion"] = "config.kubernetes.io/v2".into();
    let cases: Vec<(&[&str], Vec<u8>, &str)> = vec![
        (&[], vec![], "the input is empty"),
        (&[], b"---\n---\n".to_vec(), "the input is empty"),
        (&FILES, vec![], "the input is empty"),
        (&[], b"a: [".to_vec(), "error[malformed-input]"),
        (&[], vec![0xff, 0xfe, 0x00], "error[malformed-input]"),
        (
            &[],
            b"items: 1\nitems: 2\nkind: ResourceList\n".to_vec(),
            "error[malformed-input]",
        ),
        (
            &[],
            b"x: &x [1]\ny: !!python/object 1\n".to_vec(),
            "error[malformed-input]",
        ),
        (
            &[],
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(),
            "error[malformed-input]",
        ),
        (&[], text(no_items), "no `items` list"),
        (&[], text(list(&Value::Null)), "no `items` list"),
        (
            &[],
            text(list(&json!([config_map(), "x"]))),
            "object 2 is not a Kubernetes object",
        ),
        (&[], text(other_version), "`config.kubernetes.io/v2`"),
        (&[], text(no_config), "there is no policy"),
        (&[], text(foreign), "the functionConfig is `ConfigMap`"),
        (
            &[],
            text(list(&json!([workload("apps/v1", "Deployment", "prod-web")]))),
            "there is neither a plan nor a usage profile, and no rule of the policy matches any workload",
        ),
        (&FILES, text(plan()), "no object is left"),
        (
            &["fn", "--policy", "no-such-file"],
            text(config_map()),
            "`no-such-file`",
        ),
        (
            &["fn", "--policy", "plan.yaml", "--plan", "plan.yaml"],
            text(config_map()),
            "error[policy-invalid]",
        ),
        (
            &["fn", "--policy", "policy.yaml", "--plan", "policy.yaml"],
            text(config_map()),
            "error[",
        ),
        (
            &[
                "fn",
                "--policy",
                "policy.yaml",
                "--plan",
                "plan.yaml",
                "--prices",
                "gone",
            ],
            text(config_map()),
            "`gone`",
        ),
    ];
    for (arguments, stdin, words) in cases {
        assert_refused(&run(arguments, &stdin), words);
    }
}

/// Whatever comes in, exit code 0 means that every object is there.
#[test]
fn cut_off_input_never_gives_a_part() {
    let input = std::fs::read(fixture("stdin.yaml")).unwrap();
    let count = yaml(std::str::from_utf8(&input).unwrap())[0]["items"]
        .as_array()
        .unwrap()
        .len();
    for cut in (0..input.len()).step_by(input.len() / 40) {
        let output = run(&[], &input[..cut]);
        if output.status.code() == Some(0) {
            // the items were complete and only the policy's end is missing
            assert!(
                objects(&output)[0]["items"].as_array().unwrap().len() >= count - 1,
                "cut at {cut}"
            );
        } else {
            assert_refused(&output, "error");
        }
    }
}

#[test]
fn usage_errors_exit_1_and_help_exits_0() {
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["fn", "--help"], 0),
        (&["completions", "bash"], 0),
        (&["schema", "OptimizationPolicy"], 0),
        (&["schema", "Policy"], 1),
        (&["no-such-command"], 1),
        (&["fn", "--no-such-flag"], 1),
        (&["fn", "--plan", "a", "--profile", "b"], 1),
    ] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(output.stdout.is_empty(), code == 1, "{arguments:?}");
        assert_eq!(output.stderr.is_empty(), code == 0, "{arguments:?}");
    }
}

#[test]
fn a_pipe_or_a_file_gets_no_colour() {
    let output = run(&[], b"a: [");
    assert!(!output.stderr.contains(&0x1b));
}

/// `trimtab … | head`: whoever has read enough is told nothing more.
#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["schema", "OptimizationPolicy"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// The private variable of the CLI is the only way to make the function write a file, and it echoes then.
#[test]
fn capturing_echoes_every_byte_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capture");
    let input = b"anything at all: [\xff\n";
    let capture = |root: Option<&std::path::Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
        command.env("TRIMTAB_CAPTURE", &file).current_dir(folder.path());
        if let Some(root) = root {
            command.env("TRIMTAB_CAPTURE_ROOT", root);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    };
    // started in another folder than the one that is looked at: the function as always
    assert_refused(&capture(Some(&fixture(""))), "error[malformed-input]");
    assert!(!file.exists());
    let output = capture(Some(&folder.path().canonicalize().unwrap()));
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), input.as_slice())
    );
    assert_eq!(std::fs::read(&file).unwrap(), input);
    assert_refused(&capture(None), "capture");
}

/// Both on one stdin would be read as one stream of objects, and the message would be of another fault.
#[test]
fn stdin_has_the_manifests_alone() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy_file(&folder, "{web: {}}");
    let with_policy = ["fn", "--policy", policy.as_str()];
    for (arguments, flag) in [
        (vec!["fn", "--policy", "-"], "policy"),
        ([&with_policy[..], &["--plan", "-"]].concat(), "plan"),
        (
            [&with_policy[..], &["--profile", "a.yaml", "--profile", "-"]].concat(),
            "profile",
        ),
        ([&with_policy[..], &["--prices", "-"]].concat(), "prices"),
    ] {
        let output = run(&arguments, config_map().to_string().as_bytes());
        assert_refused(&output, &format!("`--{flag} -` can't be read: stdin has the manifests"));
    }
}
