//! Hosts that edit in place (kpt, `kustomize fn run`) feed the function its own output back: what the accepted plan took
//! away goes, and nothing else does.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::kustomize::{Kustomize, objects, path_with_trimtab, yaml};
use crate::shop::fixture;

/// An edit of a plan's workloads by hand.
type Edited = fn(&mut Value);

const WEB: &str = "Deployment/shop/prod-web";
const QUEUE: &str = "Deployment/shop/prod-queue";

fn read(name: &str) -> Value {
    yaml(&std::fs::read_to_string(fixture(name)).unwrap()).remove(0)
}

/// One run over files as kpt keeps them. What was said on stderr comes with the items.
fn run(items: &[Value], plan: &Value) -> (Vec<Value>, String) {
    let mut items = items.to_vec();
    let mut plan = plan.clone();
    plan["metadata"]["annotations"] = json!({"internal.config.kubernetes.io/path": "plan.yaml"});
    items.push(plan);
    let list = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items,
        "functionConfig": read("env/policy.yaml")});
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), list.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let mut items = objects(&output)[0]["items"].as_array().unwrap().clone();
    items.retain(|item| item["kind"] != "OptimizationPlan");
    (items, said)
}

/// The shop as files after the first run.
fn files() -> Vec<Value> {
    let app = objects(&Kustomize::newest().build(&fixture("app")));
    let mut items = run(&app, &read("env/plan.yaml")).0;
    for (number, item) in items.iter_mut().enumerate() {
        item["metadata"]["annotations"]["internal.config.kubernetes.io/path"] = format!("{number}.yaml").into();
    }
    items
}

fn has(items: &[Value], kind: &str, name: &str) -> bool {
    items
        .iter()
        .any(|item| item["kind"] == kind && item["metadata"]["name"] == name)
}

/// The plan of the shop with a change of one workload's entry.
fn plan(change: impl Fn(&mut Value)) -> Value {
    let mut plan = read("env/plan.yaml");
    change(&mut plan["spec"]["workloads"]);
    plan
}

fn drop_scaler(workloads: &mut Value) {
    workloads[WEB].as_object_mut().unwrap().remove("scaler");
    workloads[WEB]["removed"] = json!({"scaler": {"code": "stated"}});
}

#[test]
fn what_an_explicit_none_took_away_goes_and_nothing_else() {
    let files = files();
    assert!(has(&files, "HorizontalPodAutoscaler", "prod-web"));
    let (after, said) = run(&files, &plan(drop_scaler));
    let expected: Vec<Value> = files
        .iter()
        .filter(|item| !(item["kind"] == "HorizontalPodAutoscaler" && item["metadata"]["name"] == "prod-web"))
        .cloned()
        .collect();
    assert_eq!(expected.len() + 1, files.len());
    assert_eq!(after, expected);
    assert!(
        said.contains("note[removed]: `HorizontalPodAutoscaler/shop/prod-web`"),
        "{said}"
    );
    let (again, said) = run(&after, &plan(drop_scaler));
    assert_eq!(again, after, "a second run has nothing to do");
    assert!(!said.contains("note[removed]"), "{said}");
}

#[test]
fn budgets_and_vpas_go_in_the_same_way() {
    let (after, _) = run(
        &files(),
        &plan(|workloads| {
            workloads[WEB].as_object_mut().unwrap().remove("disruption");
            workloads[WEB]["removed"] = json!({"disruption": {"code": "stated"}});
            let database = &mut workloads["StatefulSet/shop/prod-db"];
            database.as_object_mut().unwrap().remove("vpa");
            database["removed"] = json!({"vpa": {"code": "stated"}});
        }),
    );
    assert!(!has(&after, "PodDisruptionBudget", "prod-web"));
    assert!(!has(&after, "VerticalPodAutoscaler", "prod-db"));
    assert!(has(&after, "HorizontalPodAutoscaler", "prod-web"));
}

/// Another kind of scaler: both at once would act on the workload.
#[test]
fn an_object_of_ours_goes_where_another_stands_in_its_place() {
    let (after, said) = run(
        &files(),
        &plan(|workloads| {
            workloads[WEB]["scaler"] = workloads[QUEUE]["scaler"].clone();
            workloads[WEB]["scaler"]["name"] = "prod-web".into();
        }),
    );
    assert!(!has(&after, "HorizontalPodAutoscaler", "prod-web"), "{said}");
    assert!(has(&after, "ScaledObject", "prod-web"));
}

/// Nothing that was accepted disappears by accident.
#[test]
fn without_an_explicit_removal_everything_stays() {
    let files = files();
    let scaler = |items: &[Value]| has(items, "HorizontalPodAutoscaler", "prod-web");
    let cases: [(&str, Edited); 5] = [
        ("an entry that says nothing of a scaler", |workloads| {
            workloads[WEB].as_object_mut().unwrap().remove("scaler");
        }),
        ("a refused workload", |workloads| {
            drop_scaler(workloads);
            workloads[WEB]["status"] = "refused".into();
        }),
        ("a workload in mode observe", |workloads| {
            drop_scaler(workloads);
            workloads[WEB]["mode"] = "observe".into();
        }),
        ("a workload without an entry", |workloads| {
            workloads.as_object_mut().unwrap().remove(WEB);
        }),
        ("a stale entry that has its scaler", |workloads| {
            workloads[WEB]["status"] = "kept".into();
        }),
    ];
    for (case, change) in cases {
        let (after, said) = run(&files, &plan(change));
        assert!(scaler(&after), "{case}: {said}");
        assert_eq!(after.len(), files.len(), "{case}");
    }
    let orphaned: Vec<Value> = files
        .iter()
        .filter(|item| !(item["kind"] == "Deployment" && item["metadata"]["name"] == "prod-web"))
        .cloned()
        .collect();
    let (after, said) = run(&orphaned, &plan(drop_scaler));
    assert!(scaler(&after), "its workload is not among the files: {said}");
    assert_eq!(after.len(), orphaned.len());
}

#[test]
fn an_object_without_our_mark_is_never_removed() {
    let mut files = files();
    for item in &mut files {
        if item["kind"] == "HorizontalPodAutoscaler" {
            item["metadata"].as_object_mut().unwrap().remove("labels");
        }
    }
    let (after, said) = run(&files, &plan(drop_scaler));
    assert_eq!(after, files, "{said}");
}

/// The real host: `kustomize fn run` writes back what comes out of the function, and deletes what does not.
#[test]
fn kustomize_fn_run_deletes_the_file_of_what_goes() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path();
    let app = Kustomize::newest().build(&fixture("app")).stdout;
    std::fs::write(shop.join("app.yaml"), app).unwrap();
    std::fs::copy(fixture("env/policy.yaml"), shop.join("policy.yaml")).unwrap();
    let run = |plan: &Value| {
        std::fs::write(shop.join("plan.yaml"), trimtab::yaml::to_string(plan)).unwrap();
        let output = Kustomize::newest()
            .command()
            .env("PATH", path_with_trimtab())
            .args(["fn", "run", ".", "--enable-exec"])
            .current_dir(shop)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        all(shop)
    };
    let first = run(&read("env/plan.yaml"));
    assert!(has(&first, "HorizontalPodAutoscaler", "prod-web"));
    let second = run(&plan(drop_scaler));
    assert!(!has(&second, "HorizontalPodAutoscaler", "prod-web"));
    assert_eq!(second.len() + 1, first.len(), "the HPA alone went");
    for kind in [
        "OptimizationPlan",
        "OptimizationPolicy",
        "PodDisruptionBudget",
        "ScaledObject",
    ] {
        assert!(second.iter().any(|item| item["kind"] == kind), "{kind}");
    }
}

fn all(folder: &Path) -> Vec<Value> {
    let files = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .flat_map(|entry| yaml(&std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}
