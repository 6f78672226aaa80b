//! What makes a run easy to read and to script: totals of a plan, forms of a check, manifests that are built for a profile.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::kustomize::write;
use crate::sealed::{assert_ends, production, replace, trimtab};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SHOP: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: \"api:1\", resources: {requests: {cpu: 500m, memory: 1Gi}}}
      - {name: log, image: \"log:1\", resources: {limits: {cpu: 100m, memory: 128Mi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: \"db:1\", resources: {requests: {cpu: \"2\", memory: 4Gi}}}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: \"agent:1\", resources: {requests: {cpu: \"7\", memory: 7Gi}}}]}
";

const POLICY: &str = "\
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata: {name: shop}
spec:
  environment: shop
  mode: enforce
  cluster: {kubernetes: \"1.33\"}
  workloads:
    api:
      requests: {cpu: {value: 250m}, memory: {value: 768Mi}}
      scaling: {mode: hpa, minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 60%}}}
    db: {mode: observe, requests: {cpu: {value: \"1\"}, memory: {value: 2Gi}}}
    agent: {requests: {cpu: {value: \"1\"}, memory: {value: 1Gi}}}
";

/// Worked out by hand. Before: 3 x (500m + 100m) + 2 = 3.8 cores, 3 x (1024 + 128) + 4096 = 7552 MiB = 7.375 GiB, 3 + 1
/// pods. After: 2 x (250m + 100m) + 2 = 2.7 cores, 2 x (768 + 128) + 4096 = 5888 MiB = 5.75 GiB, 2 + 1 pods. What is only
/// observed stays, and a DaemonSet has as many pods as there are nodes.
#[test]
fn a_plan_ends_with_what_its_workloads_request_together() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yaml", SHOP), ("policy.yaml", POLICY)]);
    let words = "requested at the lowest replica counts: 3.8 → 2.7 cores, 7.38 → 5.75 GiB, 4 → 3 replicas";
    for format in ["table", "markdown"] {
        let plan = trimtab(folder.path(), &["plan", ".", "--format", format]);
        assert_ends(&plan, 0, &[words]);
    }
    let requested = |plan: &std::process::Output| {
        let page: Value = serde_json::from_slice(&plan.stdout).unwrap();
        page["environments"][0]["requested"].clone()
    };
    let plan = trimtab(folder.path(), &["plan", ".", "--format", "json"]);
    assert_eq!(
        requested(&plan),
        json!({
            "before": {"cpu": "3800m", "memory": "7552Mi", "replicas": 4},
            "after": {"cpu": "2700m", "memory": "5888Mi", "replicas": 3},
        })
    );
    // once accepted, it is what was there before
    assert_ends(&trimtab(folder.path(), &["plan", ".", "--write"]), 0, &[words]);
    let plan = trimtab(folder.path(), &["plan", "."]);
    assert_ends(
        &plan,
        0,
        &["requested at the lowest replica counts: 2.7 cores, 5.75 GiB, 3 replicas"],
    );
}

#[test]
fn a_check_speaks_to_programs_and_to_pull_requests() {
    let folder = production();
    let folder = folder.path();
    let json = |output: &std::process::Output| serde_json::from_slice::<Value>(&output.stdout).unwrap();
    let current = trimtab(folder, &["check", ".", "--format", "json"]);
    assert_ends(&current, 0, &[]);
    assert_eq!(
        json(&current),
        json!({"schemaVersion": "1.0", "current": true, "environments": 1, "renderedFolders": 1, "diagnostics": []})
    );
    let current = trimtab(folder, &["check", ".", "--format", "github"]);
    assert_ends(&current, 0, &[]);
    assert_eq!(text(&current.stdout), "");

    // a rendered file that was edited, and one that is missing, which the kustomization should name
    let file = folder.join("rendered/production/kustomization.yaml");
    let patch = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let mut patches: Vec<String> = patch
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    patches.retain(|name| name.ends_with(".patch.yaml"));
    patches.sort();
    let first = folder.join("rendered/production").join(&patches[0]);
    let rendered = std::fs::read_to_string(&first).unwrap();
    for (edit, named) in [
        (Some(format!("{rendered}# by hand\n")), patches[0].as_str()),
        (None, "kustomization.yaml"),
    ] {
        match edit {
            Some(text) => std::fs::write(&first, text).unwrap(),
            None => std::fs::remove_file(&first).unwrap(),
        }
        let stale = trimtab(folder, &["check", ".", "--format", "github"]);
        assert_ends(&stale, 3, &[]);
        let expected = format!("::error file=rendered/production/{named},line=1,col=1,title=stale-file::");
        let said = text(&stale.stdout);
        assert!(said.starts_with(&expected), "no {expected} in {said}");
    }
    std::fs::write(&first, rendered).unwrap();

    let accepted = "  accept:\n    gone: {code: spot-unsafe, workload: api, reason: known, until: \"2020-02-01\"}\n";
    let policy = folder.join("overlays/production/policy.yaml");
    let written = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{written}{accepted}")).unwrap();
    let line = written.lines().count() + 2;
    let stale = trimtab(
        folder,
        &["check", ".", "--format", "github", "--now", "2020-03-01T00:00:00Z"],
    );
    assert_ends(&stale, 3, &[]);
    let column = accepted.lines().nth(1).unwrap().find("\"2020").unwrap() + 1;
    let expected = format!(
        "::error file=overlays/production/policy.yaml,line={line},col={column},title=accept-expired::the acceptance `gone` held until 2020-02-01%0Ahelp: repair the finding, or accept it again with a new date\n"
    );
    let said = text(&stale.stdout);
    assert!(said.contains(&expected), "no {expected} in {said}");
    assert!(
        said.contains(
            "::error file=overlays/production/plan.yaml,line=1,col=1,title=stale-file::the plan of `./overlays/production` is not what its inputs make of it"
        ),
        "{said}"
    );
    assert!(said.lines().all(|line| line.starts_with("::")), "{said}");
    let stale = trimtab(
        folder,
        &["check", ".", "--format", "json", "--now", "2020-03-01T00:00:00Z"],
    );
    assert_ends(&stale, 3, &[]);
    let page = json(&stale);
    assert_eq!(page["current"], false);
    let found = page["diagnostics"].as_array().unwrap();
    let expired = found.iter().find(|one| one["code"] == "accept-expired").unwrap();
    assert_eq!(expired["severity"], "error");
    assert_eq!(
        (&expired["place"]["line"], &expired["place"]["column"]),
        (&json!(line), &json!(column))
    );

    // what can't be read is told in the same form
    replace(
        folder,
        "overlays/production/policy.yaml",
        "mode: enforce",
        "mode: enforced",
    );
    let unreadable = trimtab(folder, &["check", ".", "--format", "github"]);
    assert_ends(&unreadable, 1, &[]);
    let said = text(&unreadable.stdout);
    assert!(
        said.starts_with("::error file=overlays/production/policy.yaml,line="),
        "{said}"
    );
    assert!(
        said.contains("title=policy-invalid::`enforced` is not one of the values wanted here"),
        "{said}"
    );
}

fn profile_of(folder: &Path, manifests: &str) -> (String, String) {
    let output = trimtab(
        folder,
        &[
            "profile",
            "cpu.csv",
            "--manifests",
            manifests,
            "--environment",
            "production",
            "-o",
            "profile.yaml",
        ],
    );
    let profile = std::fs::read_to_string(folder.join("profile.yaml")).unwrap_or_default();
    let _ = std::fs::remove_file(folder.join("profile.yaml"));
    (profile, text(&output.stderr))
}

/// Pods carry the names that a build gives to workloads; the files of an overlay have other names, or none.
#[test]
fn a_kustomization_is_built_for_the_names_of_its_workloads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut rows = "ts,metric,namespace,pod,container,value\n".to_owned();
    for step in 0..12 {
        writeln!(
            rows,
            "{},cpu,shop,prod-api-7d9f8b6c5d-x2x4q,api,0.2",
            1_700_000_100 + 300 * step
        )
        .unwrap();
    }
    let base = SHOP.split("---\n").next().unwrap();
    write(
        folder,
        &[
            ("cpu.csv", &rows),
            ("apps/base/kustomization.yaml", "resources: [api.yaml]\n"),
            ("apps/base/api.yaml", base),
            (
                "apps/production/kustomization.yaml",
                "namePrefix: prod-\nresources: [../base]\n",
            ),
            (
                "apps/broken/kustomization.yaml",
                "namePrefix: prod-\nresources: [gone.yaml]\n",
            ),
        ],
    );
    let (profile, said) = profile_of(folder, "apps/production");
    assert!(profile.contains("Deployment/prod-api"), "{profile}{said}");
    let (_, said) = profile_of(folder, "apps/broken");
    assert!(
        said.contains("warning[manifest-unreadable]") && said.contains("can't be built"),
        "{said}"
    );
}

#[test]
fn a_profile_is_written_where_a_profile_was_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let export = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"namespace":"shop","deployment":"api","pod":"api-1","container":"app"},"values":[[1790000000,"0.5"],[1790000300,"0.5"]]}]}}"#;
    std::fs::write(folder.path().join("cpu.json"), export).unwrap();
    std::fs::write(folder.path().join("values.yaml"), "image: nginx\n").unwrap();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    let run = |arguments: &[&str]| trimtab(folder.path(), &[&["profile", "cpu.json"], arguments].concat());
    for file in ["cpu.json", "values.yaml"] {
        let before = std::fs::read(folder.path().join(file)).unwrap();
        assert_ends(&run(&["-o", file]), 1, &[file, "is there and is no usage profile"]);
        assert_eq!(std::fs::read(folder.path().join(file)).unwrap(), before);
    }
    for _ in 0..2 {
        assert_ends(&run(&["-o", "profile.yaml"]), 0, &[]);
    }
    // a name is no path
    assert_ends(
        &run(&["-o", "out", "--environment", "../x", "--cluster", "arn:aws:eks:eu/shop"]),
        0,
        &[],
    );
    let names: Vec<_> = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["x-arn-aws-eks-eu-shop-shop.yaml"]);
    assert_ends(
        &run(&["-o", "out", "--environment", "a\nb"]),
        1,
        &["--environment `a\\nb` is no name"],
    );
}
