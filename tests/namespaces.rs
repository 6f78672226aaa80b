//! An object without a namespace lives in the one that the policy states, else in `default`: it meets what names it.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use trimtab::diag::code;
use trimtab::krm::{Object, apply};
use trimtab::lint;
use trimtab::pipeline::{self, Inputs, Outcome, Purpose};
use trimtab::plan::{OptimizationPlan, codec};
use trimtab::policy::Source;
use trimtab::render::render;
use trimtab::workload::{self, Workloads};

use crate::kustomize::objects;
use crate::planning::{deployment, settings};

/// The namespace of the workload, of what points at it, and of the policy (`""`: none), and whether the two meet.
const SPELLINGS: [(&str, &str, &str, bool); 12] = [
    ("shop", "shop", "", true),
    ("", "", "", true),
    ("", "default", "", true),
    ("default", "", "", true),
    ("", "shop", "shop", true),
    ("shop", "", "shop", true),
    ("", "shop", "", false),
    ("shop", "", "", false),
    ("shop", "default", "", false),
    ("default", "", "shop", false),
    ("", "default", "shop", false),
    ("shop", "other", "shop", false),
];

const KINDS: [&str; 4] = [
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "PodDisruptionBudget",
    "VerticalPodAutoscaler",
];

fn in_namespace(mut object: Value, namespace: &str) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("namespace");
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    object
}

fn api(namespace: &str) -> Value {
    in_namespace(deployment("api", 3, "500m", "512Mi"), namespace)
}

/// An object of the owner that points at `api`, or selects its pods.
fn pointing(kind: &str, name: &str, namespace: &str) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    let cpu = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}});
    let (api_version, spec) = match kind {
        "HorizontalPodAutoscaler" => (
            "autoscaling/v2",
            json!({"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5, "metrics": [{"type": "Resource", "resource": cpu}]}),
        ),
        "ScaledObject" => (
            "keda.sh/v1alpha1",
            json!({"scaleTargetRef": target, "minReplicaCount": 2, "maxReplicaCount": 5,
                "triggers": [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}]}),
        ),
        "PodDisruptionBudget" => (
            "policy/v1",
            json!({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "api"}}}),
        ),
        _ => (
            "autoscaling.k8s.io/v1",
            json!({"targetRef": target, "updatePolicy": {"updateMode": "Off"}}),
        ),
    };
    in_namespace(
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}),
        namespace,
    )
}

/// What a policy says that states every value, and wants an object of this kind.
fn policy(kind: &str, namespace: &str) -> Value {
    let stated = "minReplicas: {value: 3}, maxReplicas: {value: 9}, targets: {cpu: {value: 70%}}";
    let rule = match kind {
        "HorizontalPodAutoscaler" => format!("scaling: {{mode: hpa, {stated}}}"),
        "ScaledObject" => {
            let cron =
                "type: cron, metadata: {timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desiredReplicas: \"4\"}";
            format!("scaling: {{mode: keda, {stated}, triggers: {{day: {{{cron}}}}}}}")
        }
        "PodDisruptionBudget" => "scaling: {mode: none}, disruption: {maxUnavailable: {value: 25%}}".to_owned(),
        _ => "scaling: {mode: none}, vpa: {mode: initial, resources: memory}".to_owned(),
    };
    let text = format!(
        "{{apiVersion: trimtab.dev/v1alpha1, kind: OptimizationPolicy, metadata: {{name: test}}, spec: {{environment: test, \
         mode: enforce, identity: {{namespace: '{namespace}'}}, cluster: {{kubernetes: '1.33', addons: {{keda: '2.18', vpa: '1.5'}}}}, \
         workloads: {{api: {{requests: {{cpu: {{value: 250m}}, memory: {{value: 256Mi}}}}, {rule}}}}}}}}}"
    );
    serde_yaml::from_str(&text).unwrap()
}

fn inputs(purpose: Purpose, policy: &Value, objects: &[Object], plan: Option<&OptimizationPlan>) -> Inputs {
    Inputs {
        purpose,
        objects: objects.to_vec(),
        policy: policy.clone(),
        policy_source: Source::object("OptimizationPolicy", "test"),
        plan: plan.map(|plan| (codec::to_value(plan), Source::object("OptimizationPlan", "test"))),
        prices: None,
        profiles: Vec::new(),
        threads: 1,
    }
}

/// On the fly, as the function does without a plan.
fn run(policy: &Value, objects: &[Object]) -> Outcome {
    pipeline::run(&inputs(Purpose::Apply, policy, objects, None)).unwrap_or_else(|found| panic!("{policy}: {found:#?}"))
}

fn plan(policy: &Value, objects: &[Object], accepted: Option<&OptimizationPlan>) -> OptimizationPlan {
    pipeline::run(&inputs(Purpose::Plan, policy, objects, accepted))
        .unwrap()
        .plan
}

/// What the owner has is adopted and changed where it stands; what is elsewhere stays as it is, and one is made beside
/// the workload, written as that is.
#[test]
fn what_points_at_a_workload_is_adopted_however_its_namespace_is_written() {
    for kind in KINDS {
        for (workload, other, stated, is_met) in SPELLINGS {
            let what = format!("{kind}: `{workload}` and `{other}`, stated `{stated}`");
            let policy = policy(kind, stated);
            let theirs = pointing(kind, "mine", other);
            let outcome = run(&policy, &[api(workload), theirs.clone()]);
            let objects = outcome.objects.into_objects();
            let of_kind: Vec<&Object> = objects.iter().filter(|object| object["kind"] == kind).collect();
            if is_met {
                assert_eq!(of_kind.len(), 1, "{what}");
                assert_eq!(of_kind[0]["metadata"], theirs["metadata"], "{what}");
                assert_ne!(of_kind[0]["spec"], theirs["spec"], "{what}");
            } else {
                assert_eq!(of_kind.len(), 2, "{what}");
                assert_eq!(*of_kind[0], theirs, "{what}");
                let made = &of_kind[1]["metadata"];
                assert_eq!(made["name"], "api", "{what}");
                assert_eq!(
                    made.get("namespace"),
                    api(workload)["metadata"].get("namespace"),
                    "{what}"
                );
            }
            assert_eq!(
                run(&policy, &objects).objects.into_objects(),
                objects,
                "{what}: a second pass changes nothing"
            );
        }
    }
}

/// Hosts that edit in place feed back what we made, and its workload may come to name its namespace meanwhile.
#[test]
fn what_we_made_is_refreshed_and_not_doubled_when_the_workload_names_its_namespace() {
    for kind in KINDS {
        for (before, after, stated) in [
            ("", "default", ""),
            ("default", "", ""),
            ("", "shop", "shop"),
            ("shop", "", "shop"),
        ] {
            let policy = policy(kind, stated);
            let mut objects = run(&policy, &[api(before)]).objects.into_objects();
            assert_eq!(objects.len(), 2, "{kind}");
            objects[0] = in_namespace(objects[0].clone(), after);
            assert_eq!(
                run(&policy, &objects).objects.into_objects(),
                objects,
                "{kind}: {before} {after}"
            );
        }
    }
}

/// A name is taken in the cluster, or in the build, which takes `default` for none whatever the policy states.
#[test]
fn a_name_that_something_else_has_is_left_to_it() {
    for (workload, other, stated) in [
        ("", "default", ""),
        ("", "shop", "shop"),
        ("shop", "", "shop"),
        ("", "default", "shop"),
    ] {
        for kind in KINDS {
            let mut theirs = pointing(kind, "api", other);
            let (target, selector) = (
                json!({"kind": "Deployment", "name": "other"}),
                json!({"matchLabels": {"app": "other"}}),
            );
            match kind {
                "PodDisruptionBudget" => theirs["spec"]["selector"] = selector,
                "VerticalPodAutoscaler" => theirs["spec"]["targetRef"] = target,
                _ => theirs["spec"]["scaleTargetRef"] = target,
            }
            let objects = run(&policy(kind, stated), &[api(workload), theirs.clone()])
                .objects
                .into_objects();
            let what = format!("{kind}: `{workload}` and `{other}`, stated `{stated}`");
            assert!(objects.contains(&theirs), "{what}");
            let names: Vec<&Value> = objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .map(|object| &object["metadata"]["name"])
                .collect();
            assert!(!names[1..].contains(&&json!("api")), "{what}: {names:?}");
        }
    }
}

fn codes(objects: &[Object], stated: &str) -> BTreeSet<String> {
    let settings = settings(&format!("{{identity: {{namespace: '{stated}'}}}}"));
    let found = lint::lint_for(objects, Some(&settings));
    found.iter().map(|found| found.code.to_string()).collect()
}

#[test]
fn lint_sees_two_where_their_namespaces_are_written_differently() {
    for (workload, other, stated, is_met) in SPELLINGS {
        for (kind, code) in [
            ("HorizontalPodAutoscaler", code::TWO_SCALERS),
            ("ScaledObject", code::TWO_SCALERS),
            ("PodDisruptionBudget", code::TWO_BUDGETS),
        ] {
            let objects = [
                api(workload),
                pointing(kind, "one", workload),
                pointing(kind, "two", other),
            ];
            let what = format!("{kind}: `{workload}` and `{other}`, stated `{stated}`");
            assert_eq!(codes(&objects, stated).contains(code.as_str()), is_met, "{what}");
        }
        let budget = [api(workload), pointing("PodDisruptionBudget", "one", other)];
        assert_eq!(codes(&budget, stated).contains(code::PDB_SELECTOR.as_str()), !is_met);
        let fight = [
            api(workload),
            pointing("HorizontalPodAutoscaler", "one", workload),
            pointing("VerticalPodAutoscaler", "two", other),
        ];
        let mut fight = fight.to_vec();
        fight[2]["spec"]["updatePolicy"]["updateMode"] = json!("Recreate");
        assert_eq!(codes(&fight, stated).contains(code::SCALER_FIGHTS_VPA.as_str()), is_met);
    }
}

fn read(objects: &[Object], stated: &str) -> Workloads {
    let settings = settings(&format!("{{identity: {{namespace: '{stated}'}}}}"));
    workload::read_in(objects, &settings.default_namespace()).0
}

#[test]
fn pods_claims_templates_and_limit_ranges_meet_as_scalers_do() {
    for (one, other, stated, is_met) in SPELLINGS {
        let what = format!("`{one}` and `{other}`, stated `{stated}`");
        let mut second = api(other);
        second["metadata"]["name"] = json!("second");
        let workloads = read(&[api(one), second], stated);
        let overlaps = workloads
            .by_key
            .iter()
            .all(|(key, workload)| workload.selects.count_of_others(key) == 1);
        assert_eq!(overlaps, is_met, "{what}");

        let mut user = api(one);
        user["spec"]["template"]["spec"]["volumes"] =
            json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
        let claim = in_namespace(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteMany"]}}),
            other,
        );
        let range = in_namespace(
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "fill"},
                "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "100m"}}]}}),
            other,
        );
        let workloads = read(&[user, claim, range], stated);
        let user = workloads.by_key.values().next().unwrap();
        assert_eq!(
            (!user.is_exclusive, workloads.is_filled(user)),
            (is_met, is_met),
            "{what}"
        );

        let rollout = in_namespace(
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "roll"},
                "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}}}),
            other,
        );
        let workloads = read(&[api(one), rollout], stated);
        let is_behind = workloads.by_key.values().any(|workload| workload.is_behind_rollout);
        assert_eq!(is_behind, is_met, "{what}");
    }
}

#[test]
fn one_workload_under_two_spellings_is_there_twice() {
    for (one, other, stated, is_met) in SPELLINGS.into_iter().filter(|(one, other, ..)| one != other) {
        let workloads = read(&[api(one), api(other)], stated);
        assert_eq!(workloads.by_key.len(), 2);
        let are_repeated = workloads
            .by_key
            .values()
            .all(|workload| workloads.is_repeated(workload));
        assert_eq!(are_repeated, is_met, "`{one}` and `{other}`, stated `{stated}`");
    }
}

#[test]
fn a_rule_for_a_namespace_is_for_workloads_that_do_not_name_it() {
    for (namespace, matched, stated, is_met) in SPELLINGS.into_iter().filter(|(_, matched, ..)| !matched.is_empty()) {
        let mut policy = policy("PodDisruptionBudget", stated);
        policy["spec"]["workloads"]["api"]["match"] = json!({"namespaces": {matched: true}});
        let plan = plan(&policy, &[api(namespace)], None);
        assert_eq!(
            plan.spec.workloads.len(),
            usize::from(is_met),
            "`{namespace}` under `{matched}`, stated `{stated}`"
        );
    }
}

/// Keys are written as the manifests are, so a plan that exists keeps its own; one that is written the other way is the
/// same decision still.
#[test]
fn an_accepted_decision_follows_its_workload_to_the_other_spelling() {
    for (before, after, stated, is_met) in SPELLINGS.into_iter().filter(|(one, other, ..)| one != other) {
        let what = format!("`{before}`, then `{after}`, stated `{stated}`");
        let policy = policy("HorizontalPodAutoscaler", stated);
        let accepted = plan(&policy, &[api(before)], None);
        let key = read(&[api(before)], stated).by_key.into_keys().next().unwrap();
        assert_eq!(accepted.spec.workloads.keys().collect::<Vec<_>>(), [&key], "{what}");
        let applied = pipeline::run(&inputs(Purpose::Apply, &policy, &[api(after)], Some(&accepted))).unwrap();
        let hpa = applied
            .objects
            .new
            .iter()
            .find(|object| object["kind"] == "HorizontalPodAutoscaler");
        assert_eq!(hpa.is_some(), is_met, "{what}");
        let outdated = applied
            .diagnostics
            .iter()
            .any(|found| found.code == code::PLAN_OUTDATED);
        let edited = applied.diagnostics.iter().any(|found| found.code == code::PLAN_EDITED);
        assert_eq!(
            (outdated, edited),
            (!is_met, false),
            "{what}: {:#?}",
            applied.diagnostics
        );
        if is_met {
            let namespace = |object: &Value| object["metadata"].get("namespace").cloned();
            assert_eq!(hpa.and_then(namespace), namespace(&api(after)), "{what}");
        }
        let planned = plan(&policy, &[api(after)], Some(&accepted));
        assert_eq!(planned.spec.workloads.len(), if is_met { 1 } else { 2 }, "{what}");
        // and again under its new key: nothing changes
        assert_eq!(plan(&policy, &[api(after)], Some(&planned)), planned, "{what}");
    }
}

/// The plan was made while nothing pointed at the workload: what its owner wrote since is seen however it is written.
#[test]
fn a_second_scaler_that_came_after_the_plan_is_seen() {
    for (workload, other, stated, is_met) in SPELLINGS {
        let policy = policy("HorizontalPodAutoscaler", stated);
        let plan = run(&policy, &[api(workload)]).plan;
        let objects = [api(workload), pointing("ScaledObject", "mine", other)];
        let (edits, found) = render(&plan, &read(&objects, stated));
        let objects = apply(objects.to_vec(), &edits).unwrap();
        let is_made = objects.iter().any(|object| object["kind"] == "HorizontalPodAutoscaler");
        let is_said = found.iter().any(|found| found.code == code::TWO_SCALERS);
        let what = format!("`{workload}` and `{other}`, stated `{stated}`");
        assert_eq!((!is_made, is_said), (is_met, is_met), "{what}");
    }
}

/// Runs the binary with a policy file on manifests.
fn trimtab(arguments: &[&str], policy: &Value, manifests: &[Value]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, policy.to_string()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .args(["--policy", file.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let documents: Vec<String> = manifests.iter().map(Value::to_string).collect();
    let text = documents.join("\n---\n");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_function_and_lint_go_by_the_policy() {
    for (workload, other, stated, is_met) in SPELLINGS {
        let what = format!("`{workload}` and `{other}`, stated `{stated}`");
        let kind = "HorizontalPodAutoscaler";
        let policy = policy(kind, stated);
        let made = objects(&trimtab(
            &["fn"],
            &policy,
            &[api(workload), pointing(kind, "mine", other)],
        ));
        let count = made.iter().filter(|object| object["kind"] == kind).count();
        assert_eq!(count, if is_met { 1 } else { 2 }, "{what}");
        let doubled = [
            api(workload),
            pointing(kind, "one", workload),
            pointing(kind, "two", other),
        ];
        let output = trimtab(&["lint", "-", "--format", "json"], &policy, &doubled);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.contains("\"two-scalers\""), is_met, "{what}: {said}");
    }
}
