//! What `diff` calls a difference, and what it does not.

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtab::diff::{Change, Class, Diff, DiffError, FieldChange, HIDDEN, ObjectDiff, diff};
use trimtab::krm::edit::Change as EditChange;
use trimtab::krm::{Edit, FieldPath, ObjectId, Reason};

fn compare(before: &[Value], after: &[Value]) -> Diff {
    diff(before, after, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// A Deployment with this pod spec.
fn deployment(pod: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"},
           "spec": {"template": {"spec": pod}}})
}

/// A Deployment whose one container has these fields besides its name.
fn container(mut fields: Value) -> Value {
    fields["name"] = json!("api");
    deployment(&json!({"containers": [fields]}))
}

fn object(kind: &str, spec: &Value) -> Value {
    let api_version = match kind {
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "ScaledObject" => "keda.sh/v1alpha1",
        "Service" => "v1",
        _ => "example.com/v1",
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "api"}, "spec": spec})
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data})
}

/// `path: before → after` of every field.
fn lines(diff: &Diff) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    let fields = diff.changed.iter().flat_map(|object| &object.fields);
    let line = |field: &FieldChange| format!("{}: {} → {}", field.path, text(&field.before), text(&field.after));
    fields.map(line).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_means_the_same_is_no_difference() {
    let table = [
        (
            "quantity",
            container(json!({"resources": {"requests": {"cpu": "0.5", "memory": "1Gi"}}})),
            container(json!({"resources": {"requests": {"cpu": "500m", "memory": "1024Mi"}}})),
        ),
        (
            "a number as quantity",
            container(json!({"resources": {"limits": {"cpu": 1}}})),
            container(json!({"resources": {"limits": {"cpu": "1000m"}}})),
        ),
        (
            "order of variables",
            container(json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]})),
            container(json!({"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]})),
        ),
        (
            "order of tolerations",
            deployment(&json!({"tolerations": [{"key": "a"}, {"key": "b"}]})),
            deployment(&json!({"tolerations": [{"key": "b"}, {"key": "a"}]})),
        ),
        (
            "order deep inside a set",
            deployment(&json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "z", "values": ["a", "b"]}]}, {}]})),
            deployment(&json!({"nodeSelectorTerms": [{}, {"matchExpressions": [{"key": "z", "values": ["b", "a"]}]}]})),
        ),
        (
            "port protocol",
            container(json!({"ports": [{"containerPort": 80}]})),
            container(json!({"ports": [{"containerPort": 80, "protocol": "TCP"}]})),
        ),
        (
            "requests from limits",
            container(json!({"resources": {"limits": {"cpu": "1"}}})),
            container(json!({"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1000m"}}})),
        ),
        (
            "lowest replicas",
            object("HorizontalPodAutoscaler", &json!({"maxReplicas": 3})),
            object("HorizontalPodAutoscaler", &json!({"maxReplicas": 3, "minReplicas": 1})),
        ),
        (
            "default metric",
            object("HorizontalPodAutoscaler", &json!({})),
            object(
                "HorizontalPodAutoscaler",
                &json!({"metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]}),
            ),
        ),
        (
            "default behaviour",
            object("HorizontalPodAutoscaler", &json!({})),
            object(
                "HorizontalPodAutoscaler",
                &json!({"behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}}}),
            ),
        ),
        (
            "order of metrics",
            object(
                "HorizontalPodAutoscaler",
                &json!({"metrics": [{"type": "Resource", "resource": {"name": "cpu"}},
                {"type": "Resource", "resource": {"name": "memory"}}]}),
            ),
            object(
                "HorizontalPodAutoscaler",
                &json!({"metrics": [{"type": "Resource", "resource": {"name": "memory"}},
                {"type": "Resource", "resource": {"name": "cpu"}}]}),
            ),
        ),
        (
            "cooldown",
            object("ScaledObject", &json!({"cooldownPeriod": 300})),
            object("ScaledObject", &json!({})),
        ),
        (
            "null",
            object("ScaledObject", &json!({"fallback": null})),
            object("ScaledObject", &json!({})),
        ),
        (
            "a default namespace",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "default"}}),
        ),
        (
            "secret spelled two ways",
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "x"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "eA=="}}),
        ),
        (
            "a chart label",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"helm.sh/chart": "1"}}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"helm.sh/chart": "2"}}}),
        ),
    ];
    for (case, before, after) in table {
        for (before, after) in [(&before, &after), (&after, &before)] {
            let diff = compare(std::slice::from_ref(before), std::slice::from_ref(after));
            assert_eq!(lines(&diff), Vec::<String>::new(), "{case}");
            assert_eq!((diff.unchanged, diff.equal_after_normalising), (0, 1), "{case}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_means_something_else_is_one_line_with_its_path() {
    let table = [
        (
            "quantities are canonical",
            container(json!({"resources": {"requests": {"cpu": 1.5}}})),
            container(json!({"resources": {"requests": {"cpu": "0.5"}}})),
            r#".spec.template.spec.containers[name="api"].resources.requests.cpu: "1500m" → "500m""#,
        ),
        (
            "text that looks like a quantity",
            config_map("a", &json!({"cpu": "0.5"})),
            config_map("a", &json!({"cpu": "500m"})),
            r#".data.cpu: "0.5" → "500m""#,
        ),
        (
            "a number is no text",
            object("Service", &json!({"ports": [{"port": 80, "targetPort": 8080}]})),
            object("Service", &json!({"ports": [{"port": 80, "targetPort": "8080"}]})),
            r#".spec.ports[port="80",protocol="TCP"].targetPort: 8080 → "8080""#,
        ),
        (
            "variables that refer to others keep their order",
            container(json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]})),
            container(json!({"env": [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]})),
            r#".spec.template.spec.containers[name="api"].env: ["A","B"] → ["B","A"]"#,
        ),
        (
            "init containers keep their order",
            deployment(&json!({"initContainers": [{"name": "a"}, {"name": "b"}]})),
            deployment(&json!({"initContainers": [{"name": "b"}, {"name": "a"}]})),
            r#".spec.template.spec.initContainers: ["a","b"] → ["b","a"]"#,
        ),
        (
            "arguments keep their order",
            container(json!({"args": ["-a", "-b"]})),
            container(json!({"args": ["-b", "-a"]})),
            r#".spec.template.spec.containers[name="api"].args: ["-a","-b"] → ["-b","-a"]"#,
        ),
        (
            "a changed toleration",
            deployment(&json!({"tolerations": [{"key": "a", "effect": "NoSchedule"}, {"key": "b"}]})),
            deployment(&json!({"tolerations": [{"key": "b"}, {"key": "a", "effect": "NoExecute"}]})),
            r#".spec.template.spec.tolerations[key="a"].effect: "NoSchedule" → "NoExecute""#,
        ),
        (
            "a new argument",
            container(json!({"args": ["-a", "-c"]})),
            container(json!({"args": ["-a", "-b", "-c"]})),
            r#".spec.template.spec.containers[name="api"].args[="-b"]: - → "-b""#,
        ),
        (
            "one spread of two on a key",
            deployment(&json!({"topologySpreadConstraints": [
                {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1},
                {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1}]})),
            deployment(&json!({"topologySpreadConstraints": [
                {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 2},
                {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}]})),
            r#".spec.template.spec.topologySpreadConstraints[topologyKey="zone",whenUnsatisfiable="ScheduleAnyway"].maxSkew: 1 → 2"#,
        ),
        (
            "an HPA target",
            object(
                "HorizontalPodAutoscaler",
                &json!({"metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}]}),
            ),
            object(
                "HorizontalPodAutoscaler",
                &json!({"metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 65}}}]}),
            ),
            r#".spec.metrics[type="Resource",resource.name="cpu"].resource.target.averageUtilization: 80 → 65"#,
        ),
        (
            "a trigger of KEDA",
            object(
                "ScaledObject",
                &json!({"triggers": [
                {"type": "cron", "metadata": {"desiredReplicas": "1"}}, {"type": "cpu", "metadata": {"value": "50"}}]}),
            ),
            object(
                "ScaledObject",
                &json!({"triggers": [
                {"type": "cpu", "metadata": {"value": "60"}}, {"type": "cron", "metadata": {"desiredReplicas": "1"}}]}),
            ),
            r#".spec.triggers[type="cpu"].metadata.value: "50" → "60""#,
        ),
        (
            "an empty volume is one",
            deployment(&json!({"volumes": [{"name": "tmp"}]})),
            deployment(&json!({"volumes": [{"name": "tmp", "emptyDir": {}}]})),
            r#".spec.template.spec.volumes[name="tmp"].emptyDir: - → {}"#,
        ),
        (
            "replicas at their default are owned",
            object("Rollout", &json!({"replicas": 1})),
            object("Rollout", &json!({})),
            ".spec.replicas: 1 → -",
        ),
        (
            "the version",
            json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}}),
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}}),
            r#".apiVersion: "policy/v1beta1" → "policy/v1""#,
        ),
        (
            "rules of an unknown list",
            object(
                "Route",
                &json!({"rules": [{"host": "a", "http": {"port": 1}}, {"host": "b"}]}),
            ),
            object(
                "Route",
                &json!({"rules": [{"host": "a", "http": {"port": 2}}, {"host": "b"}]}),
            ),
            r#".spec.rules[host="a"].http.port: 1 → 2"#,
        ),
        (
            "a password",
            container(json!({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]})),
            container(json!({"env": [{"name": "DB_PASSWORD", "value": "hunter3"}]})),
            r#".spec.template.spec.containers[name="api"].env[name="DB_PASSWORD"].value: "(hidden)" → "(hidden)""#,
        ),
    ];
    for (case, before, after, expected) in table {
        let diff = compare(std::slice::from_ref(&before), std::slice::from_ref(&after));
        assert_eq!(lines(&diff), [expected], "{case}");
        assert_eq!((diff.unchanged, diff.equal_after_normalising), (0, 0), "{case}");
    }
}

/// A pair of the kind on which text-keyed differs report ten changes. One value of a generated `ConfigMap`
/// differs; all else is written in another order or in another form.
#[test]
fn one_real_change_among_reordered_and_rewritten_objects_is_one_change() {
    let before = [
        deployment(&json!({
            "containers": [
                {"name": "app", "image": "app:1", "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}],
                 "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                 "envFrom": [{"configMapRef": {"name": "cfg-2c69k7b8kf"}}],
                 "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
                {"name": "proxy", "image": "proxy:1"}],
            "tolerations": [{"key": "spot", "operator": "Exists"}, {"key": "arm", "operator": "Exists"}],
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
                {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}],
        })),
        config_map("cfg-2c69k7b8kf", &json!({"a": "1", "b": "2", "c": "3"})),
    ];
    let after = [
        config_map("cfg-m8hh5t9gtb", &json!({"c": "4", "b": "2", "a": "1"})),
        deployment(&json!({
            "topologySpreadConstraints": [
                {"topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1},
                {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1}],
            "tolerations": [{"operator": "Exists", "key": "arm"}, {"operator": "Exists", "key": "spot"}],
            "containers": [
                {"name": "proxy", "image": "proxy:1"},
                {"name": "app", "image": "app:1", "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80, "name": "http"}],
                 "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                 "envFrom": [{"configMapRef": {"name": "cfg-m8hh5t9gtb"}}],
                 "resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}}}],
        })),
    ];
    let diff = compare(&before, &after);
    assert_eq!(lines(&diff), [r#".data.c: "3" → "4""#]);
    let [config_map] = diff.changed.as_slice() else {
        panic!("one object")
    };
    assert_eq!(config_map.change, Change::Renamed);
    assert_eq!(config_map.id.name, "cfg-m8hh5t9gtb");
    assert_eq!(config_map.previous.as_ref().unwrap().name, "cfg-2c69k7b8kf");
    assert_eq!(
        config_map.referenced_by,
        [ObjectId::new("apps/v1", "Deployment", "shop", "api")]
    );
    assert_eq!((diff.unchanged, diff.equal_after_normalising), (0, 1));
    // containers, ports, env, tolerations, spread constraints; cpu and memory; the reference
    assert_eq!(
        (diff.folded.order, diff.folded.quantity, diff.folded.reference),
        (5, 2, 1)
    );
}

#[test]
fn generated_names_are_paired_only_where_one_candidate_is_left() {
    let before = [
        config_map("cfg-2c69k7b8kf", &json!({"a": "1"})),
        config_map("cfg-4c69k7b8kf", &json!({"a": "2"})),
    ];
    let after = [config_map("cfg-m8hh5t9gtb", &json!({"a": "1"}))];
    let diff = compare(&before, &after);
    assert_eq!(
        (
            diff.count(Change::Added),
            diff.count(Change::Removed),
            diff.count(Change::Renamed)
        ),
        (1, 2, 0)
    );
}

#[test]
fn an_input_that_cannot_be_told_apart_is_an_error() {
    let one = config_map("a", &json!({}));
    let twice = [one.clone(), one.clone()];
    let error = diff(&twice, &[], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`ConfigMap/shop/a` is there twice in the base; an object of a build has one definition"
    );
    let error = diff(&[], &[one, json!({"a": 1})], &[]).unwrap_err();
    assert!(matches!(error, DiffError::NoObject { position: 2, .. }), "{error}");
}

#[test]
fn items_of_a_list_and_objects_with_a_generated_name_are_compared() {
    let job = |image: &str| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "migrate-"}, "spec": {"image": image}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [job("a"), config_map("a", &json!({}))]});
    let diff = compare(&[list], &[config_map("a", &json!({})), job("b")]);
    assert_eq!(lines(&diff), [r#".spec.image: "a" → "b""#]);
    assert_eq!(diff.unchanged, 1);
}

#[test]
fn noise_is_counted_by_its_rule() {
    let with = |checksum: &str| {
        let mut object = deployment(&json!({}));
        object["spec"]["template"]["metadata"] = json!({"annotations": {"checksum/config": checksum}});
        object["metadata"]["labels"] = json!({"app.kubernetes.io/version": checksum});
        object
    };
    let diff = compare(&[with("1")], &[with("2")]);
    assert!(diff.is_empty());
    let counts: Vec<(&str, usize)> = diff.noise.iter().map(|(rule, n)| (rule.as_str(), *n)).collect();
    assert_eq!(counts, [("app.kubernetes.io/version", 1), ("checksum/*", 1)]);
}

#[test]
fn reasons_come_from_the_edits_of_the_object() {
    let id = ObjectId::new("apps/v1", "Deployment", "shop", "api");
    let cpu = FieldPath::keys(["spec", "template", "spec", "containers"])
        .item("name", "api")
        .key("resources")
        .key("requests")
        .key("cpu");
    let reason = Reason {
        code: "percentile".into(),
        inputs: [("p95".to_owned(), "310m".to_owned())].into(),
    };
    let edits = [Edit {
        id,
        change: EditChange::Set {
            path: cpu,
            value: json!("500m"),
        },
        reason: reason.clone(),
    }];
    let before = container(json!({"image": "a:1", "resources": {"requests": {"cpu": "1"}}}));
    let after = container(json!({"image": "a:2", "resources": {"requests": {"cpu": "500m"}}}));
    let diff = diff(&[before], &[after], &edits).unwrap();
    let reasons: Vec<Option<&Reason>> = diff.changed[0]
        .fields
        .iter()
        .map(|field| field.reason.as_ref())
        .collect();
    assert_eq!(reasons, [None, Some(&reason)], "image, cpu");
}

#[test]
fn all_fields_of_an_added_object_are_listed_and_its_secrets_hidden() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque",
        "stringData": {"password": "canary"}});
    let diff = compare(&[], &[secret]);
    assert_eq!(
        lines(&diff),
        [
            format!(r#".data.password: - → "{HIDDEN}""#),
            r#".type: - → "Opaque""#.to_owned()
        ]
    );
    assert_eq!(diff.changed[0].fields[0].class, Class::Secret);
    assert_eq!(diff.hidden_fields(), 1);
}

/// Objects with lists of every rule, scalars, and names that collide often.
fn objects() -> impl Strategy<Value = Vec<Value>> {
    let words = prop::sample::select(vec!["a", "b", "c"]);
    let env = prop::collection::btree_map(words.clone(), words.clone(), 0..3);
    let args = prop::collection::vec(words.clone(), 0..5);
    let tolerations = prop::collection::vec((words.clone(), words.clone()), 0..3);
    let cpu = prop::sample::select(vec!["1", "1000m", "0.5", "500m"]);
    let rules = prop::collection::vec((words.clone(), words.clone()), 0..4);
    let one = (words, env, args, tolerations, (cpu, rules)).prop_map(|(name, env, args, tolerations, (cpu, rules))| {
        let pairs = |items: Vec<(&str, &str)>, a: &str, b: &str| -> Vec<Value> {
            items.iter().map(|(x, y)| json!({a: x, b: y})).collect()
        };
        let env: Vec<(&str, &str)> = env.into_iter().collect();
        let mut object = deployment(&json!({
            "containers": [{"name": "api", "args": args, "env": pairs(env, "name", "value"), "resources": {"requests": {"cpu": cpu}}}],
            "tolerations": pairs(tolerations, "key", "effect"), "rules": pairs(rules, "host", "path"),
        }));
        object["metadata"]["name"] = json!(name);
        object
    });
    prop::collection::vec(one, 0..3).prop_map(|mut objects| {
        objects.sort_by_key(|object| object["metadata"]["name"].to_string());
        objects.dedup_by_key(|object| object["metadata"]["name"].to_string());
        objects
    })
}

fn swapped(mut diff: Diff) -> Diff {
    for object in &mut diff.changed {
        object.change = match object.change {
            Change::Added => Change::Removed,
            Change::Removed => Change::Added,
            same => same,
        };
        for field in &mut object.fields {
            std::mem::swap(&mut field.before, &mut field.after);
        }
    }
    order(diff)
}

/// One order for fields that share a path.
fn order(mut diff: Diff) -> Diff {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    for ObjectDiff { fields, .. } in &mut diff.changed {
        fields.sort_by_key(|field| (field.path.clone(), text(&field.before), text(&field.after)));
    }
    diff
}

proptest! {
    #[test]
    fn an_input_does_not_differ_from_itself(objects in objects()) {
        let diff = compare(&objects, &objects);
        prop_assert_eq!(&diff, &Diff { unchanged: objects.len(), ..Diff::default() });
    }

    #[test]
    fn swapping_the_sides_swaps_the_result(before in objects(), after in objects()) {
        prop_assert_eq!(swapped(compare(&before, &after)), order(compare(&after, &before)));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(before in objects(), after in objects()) {
        let reversed = |objects: &[Value]| objects.iter().rev().cloned().collect::<Vec<_>>();
        prop_assert_eq!(compare(&before, &after), compare(&reversed(&before), &reversed(&after)));
    }

    #[test]
    fn every_object_is_counted_once(before in objects(), after in objects()) {
        let diff = compare(&before, &after);
        let names: std::collections::BTreeSet<String> =
            before.iter().chain(&after).map(|object| object["metadata"]["name"].to_string()).collect();
        prop_assert_eq!(diff.changed.len() + diff.unchanged + diff.equal_after_normalising, names.len());
    }
}
