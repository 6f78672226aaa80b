//! The outer layer: kustomize builds from our files exactly what `apply` makes, object for object, list order included.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use trimtab::krm::below::Below;
use trimtab::krm::layer::{Layer, manifests, overlay};
use trimtab::krm::patch::{Patch, Schema, patch};
use trimtab::krm::{Change, Edit, FieldPath, ObjectId, Reason, apply};

use crate::kustomize::{Kustomize, objects, write};

fn edit(id: &ObjectId, change: Change) -> Edit {
    Edit {
        id: id.clone(),
        change,
        reason: Reason::default(),
    }
}

fn set(id: &ObjectId, path: FieldPath, value: Value) -> Edit {
    edit(id, Change::Set { path, value })
}

fn remove(id: &ObjectId, path: FieldPath) -> Edit {
    edit(id, Change::Remove { path })
}

fn write_layer(folder: &Path, layer: &Layer) {
    for (name, content) in &layer.files {
        write(folder, &[(name, &trimtab::yaml::to_string(content))]);
    }
}

/// Asserts that every kustomize builds `apply(before, edits)` from the layer around `before`, and from whole manifests.
fn assert_layer_is_exact(before: &[Value], edits: &[Edit]) {
    let folder = tempfile::tempdir().unwrap();
    let resources: String = before
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n---\n");
    write(
        folder.path(),
        &[
            ("app/kustomization.yaml", "resources: [all.yaml]"),
            ("app/all.yaml", &resources),
        ],
    );
    let expected = apply(before.to_vec(), edits).unwrap();
    write_layer(
        &folder.path().join("layer"),
        &overlay("layer", "../app", before, edits, &Below::default()).unwrap(),
    );
    write_layer(&folder.path().join("whole"), &manifests("whole", &expected).unwrap());
    for kustomize in Kustomize::all() {
        for way in ["layer", "whole"] {
            let built = objects(&kustomize.build(&folder.path().join(way)));
            assert_same_objects(&built, &expected, &format!("{way} {}", kustomize.version));
        }
    }
}

#[test]
fn a_layer_takes_objects_away() {
    let before = [
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"maxReplicas": 3}}),
        json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"maxReplicaCount": 3}}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}}),
    ];
    let delete = |object: &Value| edit(&ObjectId::of(object).unwrap(), Change::Delete);
    assert_layer_is_exact(&before, &before[..3].iter().map(delete).collect::<Vec<_>>());
}

/// Equal objects, in whatever order kustomize prints them.
fn assert_same_objects(built: &[Value], expected: &[Value], case: &str) {
    let sorted = |objects: &[Value]| {
        let mut objects = objects.to_vec();
        objects.sort_by_key(|object| ObjectId::of(object).unwrap());
        objects
    };
    let (built, expected) = (sorted(built), sorted(expected));
    assert_eq!(built.len(), expected.len(), "{case}");
    for (built, expected) in built.iter().zip(&expected) {
        assert_eq!(built, expected, "{case}");
    }
}

/// A workload with every list that an edit may meet.
fn workload(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "annotations": {"team": "shop"}},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "initContainers": [{"name": "migrate", "image": "m"}],
                "containers": [
                    {"name": "proxy", "image": "p", "resources": {"requests": {"cpu": "50m"}}},
                    {"name": "api", "image": "a",
                     "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
                     "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 81}],
                     "volumeMounts": [{"mountPath": "/a", "name": "v"}, {"mountPath": "/b", "name": "v"}],
                     "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
                     "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1"}}},
                    {"name": "logs", "image": "l", "resources": {}},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}],
                "imagePullSecrets": [{"name": "a"}, {"name": "b"}],
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}],
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                    {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"},
                ],
                "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "preference": {"matchExpressions": [{"key": "q", "operator": "Exists"}]}},
                ]}},
            },
        }},
    });
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

fn id(object: &Value) -> ObjectId {
    ObjectId::of(object).unwrap()
}

fn pod(keys: &[&str]) -> FieldPath {
    FieldPath::keys(["spec", "template", "spec"].into_iter().chain(keys.iter().copied()))
}

fn container(name: &str, keys: &[&str]) -> FieldPath {
    keys.iter()
        .fold(pod(&["containers"]).item("name", name), |path, key| path.key(key))
}

/// Every field that trimtab may own in a workload, and neighbours that show what a merge does to lists.
fn fields() -> Vec<(FieldPath, Vec<Value>)> {
    let toleration = json!([{"key": "spot", "operator": "Exists"}]);
    let spread = json!([{"maxSkew": 2, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"},
                        {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]);
    let skew = pod(&["topologySpreadConstraints"])
        .item("topologyKey", "host")
        .key("maxSkew");
    let affinity =
        json!([{"weight": 9, "preference": {"matchExpressions": [{"key": "z", "operator": "In", "values": ["a"]}]}}]);
    let mut fields = vec![
        (FieldPath::keys(["spec", "replicas"]), vec![json!(5)]),
        (
            FieldPath::keys(["metadata", "annotations", "trimtab.dev/baseline"]),
            vec![json!("{}"), json!("on")],
        ),
        (FieldPath::keys(["metadata", "annotations"]), vec![]),
        (FieldPath::keys(["metadata", "labels", "a~b/c"]), vec![json!("1")]),
        (pod(&["terminationGracePeriodSeconds"]), vec![json!(60)]),
        (pod(&["tolerations"]), vec![toleration.clone(), json!([])]),
        (pod(&["topologySpreadConstraints"]), vec![spread, json!([])]),
        (skew, vec![json!(7)]),
        (
            pod(&[
                "affinity",
                "nodeAffinity",
                "preferredDuringSchedulingIgnoredDuringExecution",
            ]),
            vec![affinity, json!([])],
        ),
        (
            pod(&["nodeSelector"]),
            vec![json!({}), json!({"capacity": "spot"}), json!("scalar for a map")],
        ),
        (pod(&["nodeSelector", "disk"]), vec![]),
        (
            pod(&["volumes"]),
            vec![json!([{"name": "w", "emptyDir": {}}, {"name": "v", "hostPath": {"path": "/"}}])],
        ),
        (pod(&["imagePullSecrets"]), vec![json!([{"name": "b"}])]),
        (
            pod(&["hostAliases"]),
            vec![json!([{"ip": "1.2.3.4", "hostnames": ["a"]}])],
        ),
        (
            pod(&["initContainers"]).item("name", "migrate").key("resources"),
            vec![json!({"requests": {"cpu": "1m"}})],
        ),
    ];
    for name in ["proxy", "api", "logs"] {
        fields.extend([
            (container(name, &["resources", "requests", "cpu"]), vec![json!("100m")]),
            (
                container(name, &["resources", "requests", "memory"]),
                vec![json!("64Mi")],
            ),
            (container(name, &["resources", "limits", "cpu"]), vec![]),
            (
                container(name, &["resources", "limits"]),
                vec![json!({"memory": "1Gi"}), json!({})],
            ),
            (
                container(name, &["lifecycle", "preStop"]),
                vec![json!({"sleep": {"seconds": 5}})],
            ),
            (
                container(name, &["env"]),
                vec![
                    json!([{"name": "C", "value": "4"}, {"name": "D", "value": "5"}]),
                    json!([]),
                ],
            ),
            (
                container(name, &["ports"]),
                vec![json!([{"containerPort": 81}, {"containerPort": 80}])],
            ),
            (
                container(name, &["volumeMounts"]),
                vec![json!([{"mountPath": "/c", "name": "v"}])],
            ),
            (container(name, &["args"]), vec![json!(["a", "b"])]),
        ]);
    }
    fields.push((
        pod(&["containers"])
            .item("name", "api")
            .key("env")
            .item("name", "B")
            .key("value"),
        vec![json!("9")],
    ));
    fields
}

/// One field alone, in every kind of workload: a Deployment each, so that one build shows all cases.
#[test]
fn every_single_field_is_patched_exactly() {
    for (api_version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("argoproj.io/v1alpha1", "Rollout"),
    ] {
        let (mut before, mut edits) = (Vec::new(), Vec::new());
        for (path, values) in fields() {
            for value in values.into_iter().map(Some).chain([None]) {
                let object = workload(api_version, kind, "shop", &format!("w{}", before.len()));
                let id = id(&object);
                edits.push(match value {
                    Some(value) => set(&id, path.clone(), value),
                    None => remove(&id, path.clone()),
                });
                // the edit of a single env item needs the item
                if apply(vec![object.clone()], &edits[edits.len() - 1..]).is_err() {
                    edits.pop();
                    continue;
                }
                before.push(object);
            }
        }
        assert!(edits.len() > 60, "{kind}: only {} cases", edits.len());
        assert_layer_is_exact(&before, &edits);
    }
}

/// Several fields together, from a fixed seed.
#[test]
fn mixed_edits_are_patched_exactly() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let choices = proptest::collection::vec((0..fields().len(), 0_usize..4), 1..8);
    let kinds = [
        ("apps/v1", "Deployment", "shop"),
        ("apps/v1", "StatefulSet", ""),
        ("argoproj.io/v1alpha1", "Rollout", "shop"),
        ("argoproj.io/v1alpha1", "Rollout", ""),
        ("apps/v1", "DaemonSet", "default"),
    ];
    let (mut before, mut edits) = (Vec::new(), Vec::new());
    for index in 0..100 {
        let (api_version, kind, namespace) = kinds[index % kinds.len()];
        let object = workload(api_version, kind, namespace, &format!("w.{index}"));
        let id = id(&object);
        let mut own = Vec::new();
        for (field, value) in choices.new_tree(&mut runner).unwrap().current() {
            let (path, values) = fields().swap_remove(field);
            own.push(match values.get(value) {
                Some(value) => set(&id, path, value.clone()),
                None => remove(&id, path),
            });
            if apply(vec![object.clone()], &own).is_err() {
                own.pop();
            }
        }
        before.push(object);
        edits.append(&mut own);
    }
    assert_layer_is_exact(&before, &edits);
}

#[test]
fn scalers_and_budgets_are_made_and_adopted_exactly() {
    let hpa = |namespace: &str, max: u32, metrics: &[&str]| {
        let metrics: Vec<Value> = metrics
            .iter()
            .map(|name| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": max}}}))
            .collect();
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"maxReplicas": max, "metrics": metrics, "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": max, "periodSeconds": 60}]}}}})
    };
    let old_hpa = json!({"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "old"}, "spec": {"maxReplicas": 2}});
    let so = |value: &str| {
        json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"maxReplicaCount": 3, "triggers": [{"type": "cpu", "name": "a", "metadata": {"value": value}}]}})
    };
    let vpa = |names: &[&str]| {
        let policies: Vec<Value> = names
            .iter()
            .map(|name| json!({"containerName": name, "mode": "Off"}))
            .collect();
        json!({"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"resourcePolicy": {"containerPolicies": policies}}})
    };
    let pdb = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"minAvailable": 1, "selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}});
    let mut changed_vpa = vpa(&["api", "proxy"]);
    changed_vpa["spec"]["resourcePolicy"]["containerPolicies"][1]["mode"] = "Auto".into();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop", "finalizers": ["a", "b"]},
        "spec": {"ports": [{"port": 80}, {"port": 81}]}});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}, "secrets": [{"name": "a"}, {"name": "b"}]});
    let before = vec![
        hpa("shop", 5, &["cpu", "memory"]),
        old_hpa.clone(),
        so("60"),
        vpa(&["api", "proxy"]),
        pdb.clone(),
        service.clone(),
        account.clone(),
    ];
    let upsert = |owned: Value| edit(&ObjectId::of(&owned).unwrap(), Change::Upsert { owned });
    let edits = vec![
        upsert(hpa("shop", 9, &["memory"])),
        upsert(hpa("old", 9, &["cpu"])),
        upsert(hpa("new", 9, &["cpu"])),
        upsert(so("70")),
        upsert(changed_vpa),
        remove(&id(&pdb), FieldPath::keys(["spec", "minAvailable"])),
        set(&id(&pdb), FieldPath::keys(["spec", "maxUnavailable"]), json!(1)),
        set(
            &id(&pdb),
            FieldPath::keys(["spec", "selector", "matchExpressions"]),
            json!([{"key": "b", "operator": "Exists"}]),
        ),
        set(
            &id(&service),
            FieldPath::keys(["spec", "ports"]),
            json!([{"port": 81}, {"port": 82}]),
        ),
        set(&id(&service), FieldPath::keys(["metadata", "finalizers"]), json!(["c"])),
        set(&id(&account), FieldPath::keys(["secrets"]), json!([{"name": "b"}])),
    ];
    assert_layer_is_exact(&before, &edits);
}

/// The layer stands on prefixed names, hashed names and `replicas:` of the overlay, and leaves all of them right.
#[test]
fn the_layer_stands_on_final_names_and_wins_over_the_overlays_replicas() {
    let folder = tempfile::tempdir().unwrap();
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "template": {"spec": {
        "containers": [{"name": "api", "image": "a", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}}}});
    write(
        folder.path(),
        &[
            (
                "base/kustomization.yaml",
                "resources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]",
            ),
            ("base/web.yaml", &web.to_string()),
            (
                "app/kustomization.yaml",
                "resources: [../base]\nnamePrefix: prod-\nnamespace: shop\nreplicas: [{name: web, count: 6}]",
            ),
        ],
    );
    for kustomize in Kustomize::all() {
        let before = objects(&kustomize.build(&folder.path().join("app")));
        let id = ObjectId::new("apps/v1", "Deployment", "shop", "prod-web");
        let owned = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "prod-web", "namespace": "shop"},
            "spec": {"scaleTargetRef": {"name": "prod-web"}}});
        let edits = [
            remove(&id, FieldPath::keys(["spec", "replicas"])),
            set(&id, container("api", &["resources", "requests", "cpu"]), json!("222m")),
            edit(&ObjectId::of(&owned).unwrap(), Change::Upsert { owned }),
        ];
        let layer = folder.path().join(format!("layer-{}", kustomize.version));
        write_layer(
            &layer,
            &overlay("layer", "../app", &before, &edits, &Below::default()).unwrap(),
        );
        let after = objects(&kustomize.build(&layer));
        assert_same_objects(&after, &apply(before.clone(), &edits).unwrap(), kustomize.version);
        assert!(before.iter().any(|object| {
            object["metadata"]["name"]
                .as_str()
                .unwrap()
                .starts_with("prod-settings-")
        }));
    }
}

/// A container that moved makes the build of a JSON patch fail: the wrong one is never sized.
#[test]
fn a_moved_container_of_a_rollout_fails_the_build() {
    let before = workload("argoproj.io/v1alpha1", "Rollout", "shop", "web");
    let edits = [set(
        &id(&before),
        container("proxy", &["resources", "requests", "cpu"]),
        json!("1"),
    )];
    let folder = tempfile::tempdir().unwrap();
    let mut moved = before.clone();
    moved["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .rotate_left(1);
    write(
        folder.path(),
        &[
            ("app/kustomization.yaml", "resources: [all.yaml]"),
            ("app/all.yaml", &moved.to_string()),
        ],
    );
    write_layer(
        &folder.path().join("layer"),
        &overlay("layer", "../app", &[before], &edits, &Below::default()).unwrap(),
    );
    for kustomize in Kustomize::all() {
        let output = kustomize.build(&folder.path().join("layer"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{}",
            kustomize.version
        );
        assert!(
            stderr.contains("testing value /spec/template/spec/containers/0/name failed"),
            "{stderr}"
        );
    }
}

/// The same edits on a Deployment whose containers moved, or whose `replicas` went, still do the right thing.
#[test]
fn a_strategic_patch_finds_moved_containers_and_bears_absent_fields() {
    let before = workload("apps/v1", "Deployment", "shop", "web");
    let edits = [
        set(
            &id(&before),
            container("proxy", &["resources", "requests", "cpu"]),
            json!("1"),
        ),
        remove(&id(&before), FieldPath::keys(["spec", "replicas"])),
    ];
    for base in ["Deployment", "Rollout"] {
        let before = if base == "Rollout" {
            workload("argoproj.io/v1alpha1", base, "shop", "web")
        } else {
            before.clone()
        };
        let edits: Vec<Edit> = edits
            .iter()
            .cloned()
            .map(|edit| Edit {
                id: id(&before),
                ..edit
            })
            .collect();
        let mut later = before.clone();
        later["spec"].as_object_mut().unwrap().remove("replicas");
        if base == "Deployment" {
            later["spec"]["template"]["spec"]["containers"]
                .as_array_mut()
                .unwrap()
                .rotate_left(1);
        }
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ("app/kustomization.yaml", "resources: [all.yaml]"),
                ("app/all.yaml", &later.to_string()),
            ],
        );
        write_layer(
            &folder.path().join("layer"),
            &overlay("layer", "../app", &[before], &edits, &Below::default()).unwrap(),
        );
        for kustomize in Kustomize::all() {
            let built = objects(&kustomize.build(&folder.path().join("layer"))).remove(0);
            let containers = built["spec"]["template"]["spec"]["containers"].as_array().unwrap();
            let proxy = containers
                .iter()
                .find(|container| container["name"] == "proxy")
                .unwrap();
            assert_eq!(
                proxy["resources"]["requests"]["cpu"], "1",
                "{base} {}",
                kustomize.version
            );
            assert_eq!(containers.len(), 3);
            assert!(built["spec"].get("replicas").is_none());
        }
    }
}

/// The forms people read: a strategic merge for a Deployment, a JSON patch with its guard for a Rollout.
#[test]
fn patches_take_the_form_their_kind_needs() {
    let edit_and_patch = |api_version: &str, kind: &str| {
        let before = workload(api_version, kind, "shop", "web");
        let edits = [
            set(
                &id(&before),
                container("api", &["resources", "requests", "cpu"]),
                json!("100m"),
            ),
            remove(&id(&before), FieldPath::keys(["spec", "replicas"])),
        ];
        patch(
            &before,
            &apply(vec![before.clone()], &edits).unwrap()[0],
            Schema::BuiltIn,
        )
        .unwrap()
    };
    assert_eq!(
        edit_and_patch("apps/v1", "Deployment"),
        Patch::Merge(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": null, "template": {"spec": {"containers": [
                {"name": "proxy"},
                {"name": "api", "resources": {"requests": {"cpu": "100m"}}},
            ]}}},
        }))
    );
    assert_eq!(
        edit_and_patch("argoproj.io/v1alpha1", "Rollout"),
        Patch::Json6902(json!([
            {"op": "add", "path": "/spec/replicas", "value": 0},
            {"op": "remove", "path": "/spec/replicas"},
            {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "api"},
            {"op": "add", "path": "/spec/template/spec/containers/1/resources/requests/cpu", "value": "100m"},
        ]))
    );
}
