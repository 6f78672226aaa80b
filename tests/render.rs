//! A plan becomes manifests: one folder of fixtures for each case, one snapshot of the objects and one of the edits.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtab::krm::{Change, Edit, Object, ObjectId, apply};
use trimtab::plan::model::{OptimizationPlan, WorkloadPlan};
use trimtab::render::{KINDS, render};
use trimtab::units::IntOrPercent;
use trimtab::{workload, yaml};

use crate::kustomize;

#[derive(Clone)]
struct Case {
    name: String,
    plan: OptimizationPlan,
    manifests: Vec<Object>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/render")
}

fn cases() -> Vec<Case> {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(read_cases);
    CASES.clone()
}

fn read_cases() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
        .iter()
        .map(|folder| {
            let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let plan = kustomize::yaml(&read("plan.yaml")).remove(0);
            let plan = serde_json::from_value(plan).unwrap_or_else(|error| panic!("{name}: {error}"));
            Case {
                name,
                plan,
                manifests: kustomize::yaml(&read("manifests.yaml")),
            }
        })
        .collect()
}

impl Case {
    fn rendered(&self) -> (Vec<Edit>, Vec<Object>) {
        let (edits, _) = render(&self.plan, &workload::read(&self.manifests).0);
        let objects = apply(self.manifests.clone(), &edits).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        (edits, objects)
    }
}

/// The path of each edit with its reason.
fn listed(edits: &[Edit]) -> String {
    let lines = edits.iter().map(|edit| {
        let change = match &edit.change {
            Change::Upsert { .. } => "upsert".to_owned(),
            // lists and maps stand in the other snapshot
            Change::Set { path, value } if value.is_array() || value.is_object() => format!("set {path}"),
            Change::Set { path, value } => format!("set {path} = {value}"),
            Change::Remove { path } => format!("remove {path}"),
            Change::Delete => "delete".to_owned(),
        };
        let inputs: Vec<String> = edit
            .reason
            .inputs
            .iter()
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        let line = format!("{} {change}\n    {} {}", edit.id, edit.reason.code, inputs.join("; "));
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[test]
fn cases_render_as_recorded() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for case in cases() {
        let (edits, objects) = case.rendered();
        let changed: Vec<Value> = objects
            .into_iter()
            .filter(|object| !case.manifests.contains(object))
            .collect();
        insta::assert_snapshot!(format!("render__{}", case.name), yaml::to_stream(&changed));
        let (_, diagnostics) = render(&case.plan, &workload::read(&case.manifests).0);
        let diagnostics: Vec<String> = diagnostics
            .iter()
            .map(|d| {
                format!(
                    "{} [{}] {}\n    {}\n",
                    d.workload.as_deref().unwrap_or("-"),
                    d.code,
                    d.headline,
                    d.notes.join("; ")
                )
            })
            .collect();
        insta::assert_snapshot!(
            format!("render__{}_edits", case.name),
            listed(&edits) + &diagnostics.concat()
        );
    }
}

#[test]
fn rendering_its_own_output_changes_nothing() {
    for mut case in cases() {
        let (_, once) = case.rendered();
        case.manifests.clone_from(&once);
        let (_, twice) = case.rendered();
        assert_eq!(twice, once, "{}", case.name);
    }
}

#[test]
fn nothing_of_the_owner_gets_lost() {
    for case in cases() {
        let (_, objects) = case.rendered();
        let ids = |objects: &[Object]| objects.iter().filter_map(ObjectId::of).collect::<Vec<_>>();
        let after = ids(&objects);
        for (at, id) in ids(&case.manifests).iter().enumerate() {
            assert!(after[at].is_same_object(id), "{}: {id} stays at its place", case.name);
        }
    }
}

/// The strict schemas of the lowest version that has every field in use, and of the newest.
const VERSIONS: [&str; 2] = ["1.33", "1.35"];

#[test]
fn rendered_objects_pass_the_strict_schemas() {
    let mut judged = 0;
    for case in cases() {
        for object in case.rendered().1 {
            for version in VERSIONS {
                judged += usize::from(passes(&object, version, &case.name));
            }
        }
    }
    assert!(judged > 100, "only {judged} objects were judged");
}

/// Whether there is a schema for the object, which then has to hold.
fn passes(object: &Object, version: &str, case: &str) -> bool {
    let api_version = object["apiVersion"].as_str().unwrap().replace('/', "_");
    let file = format!("{api_version}_{}.json", object["kind"].as_str().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".tools/k8s-schemas")
        .join(version);
    assert!(folder.exists(), "{} is missing: run `make tools`", folder.display());
    let Ok(text) = std::fs::read_to_string(folder.join(&file)) else {
        return false;
    };
    let schema: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(object)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        problems.is_empty(),
        "{case}, {version}, {}: {problems:#?}",
        ObjectId::of(object).unwrap()
    );
    true
}

#[test]
fn custom_resources_pass_the_schemas_of_their_definitions() {
    let definitions: Vec<Value> = ["keda.yaml", "vpa.yaml"]
        .iter()
        .flat_map(|file| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/crds").join(file);
            kustomize::yaml(
                &std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}: run `make tools`", path.display())),
            )
        })
        .collect();
    let mut judged = 0;
    for case in cases() {
        for object in case.rendered().1 {
            let Some(schema) = definitions.iter().find_map(|definition| schema_of(definition, &object)) else {
                continue;
            };
            let problems: Vec<String> = jsonschema::validator_for(&strict(schema))
                .unwrap()
                .iter_errors(&json!({"spec": object["spec"]}))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(
                problems.is_empty(),
                "{}: {}: {problems:#?}",
                case.name,
                ObjectId::of(&object).unwrap()
            );
            judged += 1;
        }
    }
    let unknown = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"nonsense": 1}});
    let schema = definitions
        .iter()
        .find_map(|definition| schema_of(definition, &unknown))
        .unwrap();
    assert!(
        !jsonschema::is_valid(&strict(schema), &json!({"spec": {"nonsense": 1}})),
        "unknown fields are refused"
    );
    assert!(judged > 15, "only {judged} objects were judged");
}

fn schema_of(definition: &Value, object: &Object) -> Option<Value> {
    let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
    let is_it = definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == object["kind"];
    let versions = definition["spec"]["versions"].as_array().filter(|_| is_it)?;
    let schema = versions
        .iter()
        .find(|v| v["name"] == version)?
        .pointer("/schema/openAPIV3Schema/properties/spec")?;
    Some(json!({"type": "object", "properties": {"spec": schema}}))
}

/// A structural schema drops unknown fields silently: here they are refused.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            if map.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
                map.remove("type");
            }
            let is_open = map.contains_key("additionalProperties")
                || map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if map.get("properties").is_some_and(Value::is_object) && !is_open {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            for value in map.values_mut() {
                *value = strict(value.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = strict(item.take())),
        _ => {}
    }
    schema
}

#[test]
fn every_kind_has_its_page_and_is_rendered_by_some_case() {
    let cases = cases();
    let mut ids: Vec<&str> = KINDS.iter().map(|kind| kind.id()).collect();
    for kind in KINDS {
        let id = kind.id();
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
        for part in [
            "## What it does",
            "## When it is emitted",
            "## Example",
            "## Fields we own",
            "## References",
        ] {
            assert!(kind.page().contains(part), "the page of {id} has `{part}`");
        }
        let is_rendered = cases.iter().any(|case| {
            let workloads = workload::read(&case.manifests).0;
            case.plan.spec.workloads.iter().any(|(key, plan)| {
                let workload = workloads.by_key.get(key);
                workload.is_some_and(|workload| {
                    !kind
                        .render(&trimtab::render::Planned { key, plan, workload })
                        .is_empty()
                })
            })
        });
        assert!(is_rendered, "a case under tests/fixtures/render shows {id}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), KINDS.len(), "ids are unique");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Objects in another order give the same objects, each as before.
    #[test]
    fn rendering_ignores_the_order_of_the_manifests(seed in proptest::collection::vec(any::<u32>(), 16)) {
        for mut case in cases() {
            let (edits, _) = case.rendered();
            let mut keyed: Vec<(u32, Object)> = case
                .manifests
                .drain(..)
                .enumerate()
                .map(|(at, object)| (seed[at % seed.len()], object))
                .collect();
            keyed.sort_by_key(|(key, _)| *key);
            case.manifests = keyed.into_iter().map(|(_, object)| object).collect();
            prop_assert_eq!(case.rendered().0, edits, "{}", case.name);
        }
    }

    /// What is rendered of a budget is what was planned, and `maxUnavailable` of one or more lets a pod go at every count.
    #[test]
    fn a_budget_says_what_was_planned(bound in prop_oneof![(1_u32..50).prop_map(IntOrPercent::Int), (1_u32..=100).prop_map(IntOrPercent::Percent)], pods in 1_u32..60) {
        let case = cases().into_iter().find(|case| case.name == "no-namespace").unwrap();
        let workloads = workload::read(&case.manifests).0;
        let mut plan = case.plan.clone();
        let planned: &mut WorkloadPlan = plan.spec.workloads.get_mut("Deployment/api").unwrap();
        planned.disruption.as_mut().unwrap().max_unavailable.as_mut().unwrap().value = bound;
        let objects = apply(case.manifests.clone(), &render(&plan, &workloads).0).unwrap();
        let budget = objects.iter().find(|object| object["kind"] == "PodDisruptionBudget").unwrap();
        let written: IntOrPercent = serde_json::from_value(budget["spec"]["maxUnavailable"].clone()).unwrap();
        prop_assert!(budget["spec"].get("minAvailable").is_none());
        // the disruption controller: allowed = healthy - (expected - maxUnavailable rounded up)
        let desired = pods.saturating_sub(written.of_ceil(pods));
        prop_assert!(pods - desired >= 1, "{} of {}", written, pods);
        prop_assert_eq!(written, bound);
    }
}
