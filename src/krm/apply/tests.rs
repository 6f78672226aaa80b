use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::krm::Reason;

fn edit(id: &ObjectId, change: Change) -> Edit {
    Edit {
        id: id.clone(),
        change,
        reason: Reason::default(),
    }
}

fn web() -> (ObjectId, Value) {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"keep": "me"}},
        "spec": {"replicas": 3, "template": {"spec": {
            "containers": [
                {"name": "proxy", "resources": {}},
                {"name": "api", "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}},
            ],
            "nodeSelector": {},
        }}},
    });
    (ObjectId::new("apps/v1", "Deployment", "shop", "web"), object)
}

fn container(name: &str) -> FieldPath {
    FieldPath::keys(["spec", "template", "spec", "containers"]).item("name", name)
}

/// The Deployment `web` after one change.
fn after(change: Change) -> Result<Value, ApplyError> {
    let (id, object) = web();
    apply(vec![object], &[edit(&id, change)]).map(|mut objects| objects.remove(0))
}

#[test]
fn a_set_makes_maps_on_its_way_and_finds_items_by_name() {
    let path = container("proxy").key("resources").key("requests").key("cpu");
    let object = after(Change::Set {
        path,
        value: json!("50m"),
    })
    .unwrap();
    assert_eq!(
        object["spec"]["template"]["spec"]["containers"][0],
        json!({"name": "proxy", "resources": {"requests": {"cpu": "50m"}}})
    );
    assert_eq!(
        object["spec"]["template"]["spec"]["containers"][1]["resources"]["requests"]["cpu"],
        "500m"
    );
}

#[test]
fn an_absent_item_is_an_error_that_names_object_and_path() {
    for change in [
        Change::Set {
            path: container("gone").key("image"),
            value: json!("x"),
        },
        Change::Remove {
            path: container("gone").key("image"),
        },
    ] {
        assert_eq!(
            after(change).unwrap_err().to_string(),
            r#"Deployment/shop/web has no item `.spec.template.spec.containers[name="gone"]`"#
        );
    }
}

#[test]
fn a_path_through_a_scalar_is_an_error() {
    let path = FieldPath::keys(["spec", "replicas", "min"]);
    let error = after(Change::Set {
        path: path.clone(),
        value: json!(1),
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`.spec.replicas` of Deployment/shop/web is not a map"
    );
    assert_eq!(after(Change::Remove { path }).unwrap_err(), error);
    let path = FieldPath::keys(["spec"]).item("name", "a");
    let error = after(Change::Set { path, value: json!(1) }).unwrap_err();
    assert_eq!(error.to_string(), "`.spec` of Deployment/shop/web is not a list");
}

#[test]
fn a_removal_takes_emptied_maps_along_and_leaves_empty_ones_of_others() {
    let limits = container("api").key("resources").key("limits").key("cpu");
    let object = after(Change::Remove { path: limits }).unwrap();
    let pod = &object["spec"]["template"]["spec"];
    assert_eq!(
        pod["containers"][1],
        json!({"name": "api", "resources": {"requests": {"cpu": "500m"}}})
    );
    // nothing to remove in maps that were empty or absent: both stay as they are
    let (_, before) = web();
    for path in [
        FieldPath::keys(["spec", "template", "spec", "nodeSelector", "spot"]),
        container("proxy").key("resources").key("limits").key("cpu"),
        FieldPath::keys(["spec", "strategy", "type"]),
        container("gone"),
        FieldPath::keys(["status", "conditions"])
            .item("type", "Ready")
            .key("status"),
    ] {
        assert_eq!(
            after(Change::Remove { path: path.clone() }),
            Ok(before.clone()),
            "{path}"
        );
    }
}

#[test]
fn a_removal_never_takes_the_top_level_along() {
    let id = ObjectId::new("apps/v1", "Deployment", "", "x");
    let object =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": 1}});
    let path = FieldPath::keys(["spec", "replicas"]);
    let objects = apply(vec![object], &[edit(&id, Change::Remove { path })]).unwrap();
    assert_eq!(objects[0]["spec"], json!({}));
}

#[test]
fn removing_the_last_item_removes_the_list() {
    let id = ObjectId::new("v1", "Pod", "", "x");
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"tolerations": [{"key": "a"}], "x": 1}});
    let path = FieldPath::keys(["spec", "tolerations"]).item("key", "a");
    let objects = apply(vec![object], &[edit(&id, Change::Remove { path })]).unwrap();
    assert_eq!(objects[0]["spec"], json!({"x": 1}));
}

#[test]
fn an_upsert_makes_or_adopts_and_never_doubles() {
    let owned = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "labels": {"ours": "1"}},
        "spec": {"maxReplicas": 9, "metrics": [{"type": "Resource"}], "behavior": null},
    });
    let hpa = ObjectId::of(&owned).unwrap();
    let upsert = edit(&hpa, Change::Upsert { owned });
    let made = apply(vec![web().1], std::slice::from_ref(&upsert)).unwrap();
    assert_eq!(
        made[1]["spec"],
        json!({"maxReplicas": 9, "metrics": [{"type": "Resource"}]})
    );

    // an older version in the namespace `default`, which is the same as none
    let existing = json!({
        "apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default", "annotations": {"a": "b"}, "labels": {"theirs": "1"}},
        "spec": {"maxReplicas": 5, "minReplicas": 2, "metrics": [{"type": "Pods"}, {"type": "Object"}], "behavior": {"a": 1}},
    });
    let adopted = apply(vec![existing, web().1], &[upsert.clone(), upsert]).unwrap();
    assert_eq!(adopted.len(), 2);
    assert_eq!(
        adopted[0],
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "default", "annotations": {"a": "b"}, "labels": {"ours": "1", "theirs": "1"}},
            "spec": {"maxReplicas": 9, "minReplicas": 2, "metrics": [{"type": "Resource"}], "behavior": {"a": 1}},
        })
    );
}

#[test]
fn an_edit_of_an_absent_or_doubled_object_is_an_error() {
    let (id, object) = web();
    let set = edit(
        &id,
        Change::Set {
            path: FieldPath::keys(["spec", "replicas"]),
            value: json!(1),
        },
    );
    let error = apply(vec![], std::slice::from_ref(&set)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no Deployment/shop/web whose `.spec.replicas` could be changed"
    );
    assert_eq!(error.id(), &id);
    let error = apply(vec![object.clone(), object], &[set]).unwrap_err();
    assert!(matches!(error, ApplyError::Ambiguous { .. }));
}

#[test]
fn objects_without_identity_pass_through() {
    let odd = vec![json!({"kind": "List"}), json!(null), json!([1])];
    assert_eq!(apply(odd.clone(), &[]), Ok(odd));
}

/// Edits of the Deployment `web` that all fit it, and an HPA that may be made twice.
fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let leaf = prop_oneof![Just("cpu"), Just("memory")];
    let resource = (
        prop_oneof![Just("api"), Just("proxy")],
        prop_oneof![Just("requests"), Just("limits")],
        leaf,
    )
        .prop_map(|(name, kind, leaf)| container(name).key("resources").key(kind).key(leaf));
    let single = prop_oneof![
        2 => resource,
        1 => Just(FieldPath::keys(["spec", "replicas"])),
        1 => Just(FieldPath::keys(["metadata", "annotations", "trimtab.dev/baseline"])),
    ];
    let single = (single, prop_oneof![Just(json!("1")), Just(json!(2)), Just(Value::Null)]);
    let tolerations = Just(FieldPath::keys(["spec", "template", "spec", "tolerations"]));
    let list = (tolerations, prop_oneof![Just(json!([])), Just(json!([{"key": "a"}]))]);
    let selector = Just(FieldPath::keys(["spec", "template", "spec", "nodeSelector"]));
    let map = (selector, prop_oneof![Just(json!({"a": {}})), Just(json!({}))]);
    let field =
        (prop_oneof![4 => single, 1 => list, 1 => map], any::<bool>()).prop_map(|((path, value), is_removed)| {
            let change = if is_removed {
                Change::Remove { path }
            } else {
                Change::Set { path, value }
            };
            edit(&web().0, change)
        });
    let hpa = (1..9).prop_map(|max| {
        let owned = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"maxReplicas": max, "metrics": [max]}});
        edit(&ObjectId::of(&owned).unwrap(), Change::Upsert { owned })
    });
    proptest::collection::vec(prop_oneof![4 => field, 1 => hpa], 0..12)
}

/// The field an edit is about: edits of different fields are disjoint.
fn subject(edit: &Edit) -> (ObjectId, FieldPath) {
    match &edit.change {
        Change::Upsert { .. } | Change::Delete => (edit.id.clone(), FieldPath::default()),
        Change::Set { path, .. } | Change::Remove { path } => (edit.id.clone(), path.clone()),
    }
}

#[test]
fn a_deleted_object_leaves_the_others_at_their_places() {
    let named = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let delete = |name: &str| edit(&ObjectId::of(&named(name)).unwrap(), Change::Delete);
    let upsert = |name: &str| {
        edit(
            &ObjectId::of(&named(name)).unwrap(),
            Change::Upsert { owned: named(name) },
        )
    };
    let before = vec![named("a"), named("b"), named("c")];
    let applied = apply_each(before.clone(), &[delete("b"), delete("absent"), upsert("d")]).unwrap();
    assert_eq!(applied.existing, [Some(named("a")), None, Some(named("c"))]);
    assert_eq!(applied.new, [named("d")]);
    // twice is once, and an object may be made anew behind its deletion
    assert_eq!(
        apply(before.clone(), &[delete("b"), delete("b")]).unwrap(),
        [named("a"), named("c")]
    );
    assert_eq!(
        apply(before, &[delete("b"), upsert("b")]).unwrap(),
        [named("a"), named("c"), named("b")]
    );
    let twice = apply(vec![named("a"), named("a")], &[delete("a")]);
    assert!(
        matches!(twice, Err(ApplyError::Ambiguous { .. })),
        "which one is not clear: {twice:?}"
    );
}

/// What stands there was meant for something: a map, a list and a single value never take each other's place.
#[test]
fn a_value_of_another_shape_is_not_replaced() {
    let set = |path: &[&str], value: Value| Change::Set {
        path: FieldPath::keys(path.iter().copied()),
        value,
    };
    let upsert = |spec: Value| Change::Upsert {
        owned: json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}),
    };
    for (change, expected) in [
        (set(&["spec", "replicas"], json!([3])), Some((".spec.replicas", "list"))),
        (set(&["spec", "replicas"], json!({})), Some((".spec.replicas", "map"))),
        (set(&["spec", "replicas"], json!("3")), None),
        (
            set(&["spec", "template"], json!(3)),
            Some((".spec.template", "single value")),
        ),
        (
            set(&["spec", "replicas", "max"], json!(3)),
            Some((".spec.replicas", "map")),
        ),
        (set(&["spec", "absent"], json!({"a": 1})), None),
        (upsert(json!({"replicas": [3]})), Some((".spec.replicas", "list"))),
        (
            upsert(json!({"template": {"spec": {"containers": {}}}})),
            Some((".spec.template.spec.containers", "map")),
        ),
        (
            upsert(json!({"template": "x"})),
            Some((".spec.template", "single value")),
        ),
        (upsert(json!({"template": null, "replicas": 4, "new": []})), None),
    ] {
        let found = match after(change.clone()) {
            Err(ApplyError::WrongShape { path, expected, .. }) => Some((path.to_string(), expected)),
            other => {
                assert!(other.is_ok(), "{change:?}: {other:?}");
                None
            }
        };
        let expected = expected.map(|(path, shape)| (path.to_owned(), shape));
        assert_eq!(found, expected, "{change:?}");
    }
}

proptest! {
    #[test]
    fn applying_disjoint_edits_twice_or_backwards_is_applying_them_once(mut edits in edits()) {
        let mut seen = std::collections::BTreeSet::new();
        edits.retain(|edit| seen.insert(subject(edit)));
        let once = apply(vec![web().1], &edits).unwrap();
        prop_assert_eq!(&apply(once.clone(), &edits).unwrap(), &once);
        edits.reverse();
        prop_assert_eq!(&apply(vec![web().1], &edits).unwrap(), &once);
    }
}
