//! The policy language: its schema, its errors, its layering by plain kustomize, and a real platform said in it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use trimtab::diag::terminal;
use trimtab::plan::model::OptimizationPlan;
use trimtab::policy::{self, Matched, OptimizationPolicy, Settings, Source, Subject, schema};
use trimtab::price::PriceSheet;
use trimtab::profile::object::ProfileObject;
use trimtab::yaml::{self, Limits};

use crate::kustomize::{Kustomize, objects};

fn read(path: &str) -> Value {
    let text = std::fs::read(Path::new("tests/fixtures/policy").join(path)).unwrap();
    yaml::read_one(&text, &Limits::POLICY).unwrap()
}

pub(crate) fn parse_text(text: &str) -> Result<Settings, String> {
    let value = yaml::read_one(text.as_bytes(), &Limits::POLICY).unwrap();
    policy::parse(&value, &Source::file("policy.yaml", text)).map_err(|problems| terminal::render_all(&problems, false))
}

pub(crate) fn wrap(spec: &str) -> String {
    let spec: Vec<String> = spec.lines().map(|line| format!("  {line}\n")).collect();
    let spec = spec.concat();
    format!("apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {{name: test}}\nspec:\n{spec}")
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (kind, schema) in [
        ("OptimizationPolicy", schema::of::<OptimizationPolicy>()),
        ("OptimizationPlan", schema::of::<OptimizationPlan>()),
        ("UsageProfile", schema::of::<ProfileObject>()),
        ("PriceSheet", schema::of::<PriceSheet>()),
    ] {
        let path = format!("schemas/{kind}.schema.json");
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let is_current = committed == format!("{schema:#}\n");
        assert!(is_current, "{path} is stale: run `cargo run -- schema {kind} > {path}`");
    }
}

#[test]
fn both_full_policies_are_valid() {
    for file in ["full-a.yaml", "full-b.yaml"] {
        let text = std::fs::read_to_string(Path::new("tests/fixtures/policy").join(file)).unwrap();
        if let Err(problems) = parse_text(&text) {
            panic!("{file}:\n{problems}");
        }
    }
}

/// Every property of the schema that an instance uses, as `Type.property`.
fn used(schema: &Value, node: &Value, name: &str, value: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
        let target = reference.rsplit('/').next().unwrap_or_default();
        return used(schema, &schema["$defs"][target], target, value, found);
    }
    for option in ["anyOf", "allOf"]
        .iter()
        .filter_map(|key| node.get(key)?.as_array())
        .flatten()
    {
        used(schema, option, name, value, found);
    }
    let Value::Object(map) = value else { return };
    for (key, child) in map {
        if let Some(property) = node.get("properties").and_then(|properties| properties.get(key)) {
            found.insert(format!("{name}.{key}"));
            used(schema, property, name, child, found);
        } else if let Some(any) = node.get("additionalProperties").filter(|any| any.is_object()) {
            used(schema, any, name, child, found);
        }
    }
}

#[test]
fn the_full_policies_use_every_field_of_the_language() {
    let schema = schema::of::<OptimizationPolicy>();
    let mut found = BTreeSet::new();
    for file in ["full-a.yaml", "full-b.yaml"] {
        used(&schema, &schema, "OptimizationPolicy", &read(file), &mut found);
    }
    let properties = |(name, node): (&String, &Value)| -> Vec<String> {
        let keys = node.get("properties").and_then(Value::as_object).into_iter().flatten();
        keys.map(|(key, _)| format!("{name}.{key}")).collect()
    };
    let all: BTreeSet<String> = schema["$defs"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(properties)
        .collect();
    // a namespace is set on a policy by kustomize alone
    let missing: Vec<&String> = all
        .iter()
        .filter(|field| !found.contains(*field) && *field != "Metadata.namespace")
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// RFC 7386: what turns `from` into `to`.
fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return to.clone();
    };
    let mut patch = serde_json::Map::new();
    for (key, value) in to {
        match from.get(key) {
            Some(old) if old == value => {}
            Some(old) => {
                patch.insert(key.clone(), merge_patch(old, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    patch.extend(
        from.keys()
            .filter(|key| !to.contains_key(*key))
            .map(|key| (key.clone(), Value::Null)),
    );
    Value::Object(patch)
}

/// Pointers of every field below `spec`: maps and leaves.
fn fields(value: &Value, pointer: &str, found: &mut BTreeSet<String>) {
    let Value::Object(map) = value else { return };
    for (key, child) in map {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        fields(child, &pointer, found);
        found.insert(pointer);
    }
}

/// `from` with one field as `to` has it; `None` where that field is in a map that `from` does not have.
fn with_field(from: &Value, to: &Value, pointer: &str) -> Option<Value> {
    let mut result = from.clone();
    let (parent, key) = pointer.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    let map = result.pointer_mut(parent)?.as_object_mut()?;
    match to.pointer(pointer) {
        Some(value) => map.insert(key, value.clone()),
        None => map.remove(&key),
    };
    Some(result)
}

/// Every field is changed and taken away by an ordinary patch of an outer layer, in both directions.
#[test]
fn plain_kustomize_layers_every_field_in_both_directions() {
    let (a, b) = (read("full-a.yaml"), read("full-b.yaml"));
    let mut pointers = BTreeSet::new();
    fields(&a["spec"], "/spec", &mut pointers);
    fields(&b["spec"], "/spec", &mut pointers);
    let mut expected: Vec<(String, Value, Value)> = Vec::new();
    for (from, to) in [(&a, &b), (&b, &a)] {
        for pointer in &pointers {
            expected.extend(with_field(from, to, pointer).map(|wanted| (pointer.clone(), from.clone(), wanted)));
            let mut without = from.clone();
            if let Some((parent, key)) = pointer.rsplit_once('/')
                && let Some(map) = without.pointer_mut(parent).and_then(Value::as_object_mut)
            {
                map.remove(&key.replace("~1", "/").replace("~0", "~"));
                expected.push((format!("{pointer} taken away"), from.clone(), without));
            }
        }
    }
    assert!(expected.len() > 800, "{} layers", expected.len());
    let named = |index: usize, mut policy: Value| {
        policy["metadata"] = json!({"name": format!("p{index}")});
        policy
    };
    let header = json!({"apiVersion": policy::API_VERSION, "kind": policy::KIND});
    for (number, chunk) in expected.chunks(300).enumerate() {
        let bases: Vec<Value> = chunk
            .iter()
            .enumerate()
            .map(|(index, (_, from, _))| named(index, from.clone()))
            .collect();
        let patches = chunk.iter().enumerate().map(|(index, (_, from, wanted))| {
            let mut patch = named(index, header.clone());
            if let Value::Object(body) = merge_patch(&from["spec"], &wanted["spec"]) {
                patch["spec"] = Value::Object(body);
            }
            patch
        });
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "kustomization.yaml".to_owned(),
                yaml::to_string(&json!({"resources": ["base.yaml"], "patches": [{"path": "patch.yaml"}]})),
            ),
            ("base.yaml".to_owned(), yaml::to_stream(&bases)),
            ("patch.yaml".to_owned(), yaml::to_stream(&patches.collect::<Vec<_>>())),
        ];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let built = objects(&Kustomize::newest().build(folder.path()));
        assert_eq!(built.len(), chunk.len(), "chunk {number}");
        for (index, (field, _, wanted)) in chunk.iter().enumerate() {
            let name = format!("p{index}");
            let found = built
                .iter()
                .find(|policy| policy["metadata"]["name"] == name.as_str())
                .unwrap();
            assert_eq!(pruned(&found["spec"]), pruned(&wanted["spec"]), "{field}");
        }
    }
}

/// Without empty maps: kustomize drops a map whose last key a patch took away, which means the same.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), pruned(value)))
                .filter(|(_, value)| *value != json!({}))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[test]
fn mistakes_are_reported_with_place_reason_and_repair() {
    let cases = [
        (
            "unknown_field",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api:\n    scaling: {minReplcas: {value: 3}}",
        ),
        ("version_as_number", "environment: test\ncluster: {kubernetes: 1.30}"),
        (
            "wrong_word",
            "environment: test\nmode: enforced\ncluster: {kubernetes: \"1.33\"}",
        ),
        (
            "scalar_for_setting",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {spot: never}",
        ),
        (
            "wrong_grammar",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {scaling: {targets: {cpu: {value: 0.7}}}}",
        ),
        (
            "stated_and_bounded",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {scaling: {targets: {cpu: {value: 70%, min: 50%}}}}",
        ),
        (
            "bounds_reversed",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {requests: {memory: {min: 2Gi, max: 512Mi}}}",
        ),
        (
            "unknown_class",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {class: wbe}",
        ),
        (
            "unknown_version",
            "environment: test\ndecisionVersion: \"7\"\ncluster: {kubernetes: \"1.9\"}",
        ),
        ("missing_field", "cluster: {kubernetes: \"1.33\"}"),
        (
            "accept",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\naccept:\n  a: {code: pdb-blocks-eviction, workload: db, reason: x}",
        ),
        (
            "no_such_value",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nbudget: {monthly: 0.0000000001 USD}\naccept:\n  a: {code: pdb-blocks-evictions, workload: db, reason: x, until: 2027-02-29}\n  b: {code: pdb-blocks-evictions, workload: db, reason: x, until: tomorrow}",
        ),
        (
            "unit_suffixes",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {requests: {cpu: {value: 500Mi}, memory: {value: 512m}}}",
        ),
        (
            "memory_in_bytes",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {requests: {memory: {value: \"512\"}}}",
        ),
        (
            "min_above_max",
            "environment: test\ncluster: {kubernetes: \"1.33\"}\nworkloads:\n  api: {scaling: {minReplicas: {value: 9}, maxReplicas: {value: 3}}}",
        ),
    ];
    for (name, spec) in cases {
        let problems = parse_text(&wrap(spec)).map(|_| ()).expect_err(name);
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(format!("policy__{name}"), problems);
        });
    }
}

/// A field with the value that is out of range between bars, and what is said of it.
const OUT_OF_RANGE: &str = r#"
scaling: {metrics: {q: {type: external, metric: q, averageValue: {value: |"0"|}}}} -> less 1n
scaling: {metrics: {q: {type: external, metric: q, value: {value: |"-5"|}}}} -> less 1n
scaling: {metrics: {q: {type: pods, metric: q, averageValue: {max: |0m|}}}} -> less 1n
scaling: {triggers: {q: {type: prometheus, threshold: {value: |"0"|}}}} -> less 1n
requests: {cpu: {value: |"0"|}} -> less 1m
requests: {cpu: {max: |0m|}} -> less 1m
requests: {cpu: {value: |"1000001"|}} -> more 1000000
requests: {memory: {value: |"0"|}} -> less 1
limits: {cpu: {value: |"0"|}} -> less 1m
containers: {log: {requests: {cpu: {value: |"0"|}}}} -> less 1m
vpa: {maxAllowed: {cpu: |"0"|}} -> less 1m
scaling: {maxReplicas: {value: |0|}} -> less 1
scaling: {minReplicas: {value: |2147483648|}} -> more 2147483647
scaling: {idleReplicas: |1|} -> more 0
scaling: {fallback: {failureThreshold: 3, replicas: |0|}} -> less 1
vpa: {minAllowed: {cpu: |"1000001"|}} -> more 1000000
scaling: {targets: {cpu: {value: |0%|}}} -> less 1%
scaling: {targets: {cpu: {value: |70.5%|}}} -> `70.5%` is no whole percentage, as Kubernetes takes them
scaling: {behavior: {scaleUp: {stabilization: {max: |2h|}}}} -> more 1h
scaling: {behavior: {scaleDown: {policies: {slow: {type: Pods, value: 1, period: |0s|}}}}} -> less 1s
scaling: {pollingInterval: |0s|} -> less 1s
scaling: {cooldownPeriod: |99999d|} -> more 2147483647s
scaling: {derive: {maxUtilization: |0%|}} -> less 1%
requests: {percentile: {cpu: {quantile: |101%|}}} -> more 100%
replicas: {count: {value: |2147483648|}} -> more 2147483647
spread: {zone: {maxSkew: |2147483648|}} -> more 2147483647
replicas: {count: {value: |4294967296|}} -> 4294967296 is greater than the maximum of 4294967295
scaling: {minReplicas: {value: |-1|}} -> -1 is less than the minimum of 0
"#;

/// Nothing that somebody divides by is 0, and nothing is beyond what Kubernetes counts: each is refused where it stands.
#[test]
fn numbers_out_of_range_are_refused_at_their_place() {
    let head = "environment: test\ncluster: {kubernetes: \"1.33\"}\n";
    let rule = format!("{head}workloads:\n  api:\n    ");
    let of_policy = "history: {coverage: |150%|} -> more 100%\nhistory: {minimum: |0s|} -> less 1s\n\
                     guardrails: {capacityDecrease: |101%|} -> more 100%";
    // behind four lines of header, `spec` indented by two blanks
    let of_rules = OUT_OF_RANGE.trim().lines().map(|case| (rule.as_str(), "9:", 7, case));
    for (before, line, column, case) in of_rules.chain(of_policy.lines().map(|case| (head, "7:", 3, case))) {
        let (field, said) = case.split_once(" -> ").unwrap();
        let [start, value, end] = field.split('|').collect::<Vec<_>>()[..] else {
            panic!("{case}");
        };
        let written = value.trim_matches('"');
        let headline = match said.split_once(' ') {
            Some((word @ ("less" | "more"), bound)) => {
                let most = if word == "less" { "least" } else { "most" };
                format!("`{written}` is {word} than `{bound}`, the {most} that is possible here")
            }
            _ => said.to_owned(),
        };
        let problems = parse_text(&wrap(&format!("{before}{start}{value}{end}"))).map(|_| ());
        let problems = problems.expect_err(case);
        let place = format!("policy.yaml:{line}{}\n", column + start.len());
        assert!(problems.contains(&headline), "{case}: no `{headline}` in\n{problems}");
        assert!(problems.contains(&place), "{case}: not at {place}{problems}");
        assert_eq!(problems.matches("error[").count(), 1, "{case}:\n{problems}");
    }
    // a lower bound that never binds harms nobody
    for fine in [
        "scaling: {minReplicas: {min: 0}, maxReplicas: {min: 0, max: 5}}",
        "requests: {cpu: {min: \"0\"}}",
        "scaling: {minReplicas: {value: 0}}",
    ] {
        if let Err(problems) = parse_text(&wrap(&format!("{rule}{fine}"))) {
            panic!("{fine}:\n{problems}");
        }
    }
}

#[test]
fn what_a_vpa_may_set_is_the_right_way_round_and_a_trigger_takes_something() {
    let head = "environment: test\ncluster: {kubernetes: \"1.33\", addons: {keda: \"2.18\"}}\nworkloads:\n  api: ";
    let problems = |rule: &str| parse_text(&wrap(&format!("{head}{rule}"))).map(|_| ()).expect_err(rule);
    let found = problems("{vpa: {minAllowed: {cpu: \"2\"}, maxAllowed: {cpu: 500m}}}");
    assert!(
        found.contains("`minAllowed` of 2 is above `maxAllowed` of 500m"),
        "{found}"
    );
    let found = problems(
        "{scaling: {triggers: {q: {type: prometheus, metadata: {serverAddress: \"http://p:9090\", query: up, threshold: \"0\"}}}}}",
    );
    assert!(
        found.contains("`threshold: 0` says that a pod can take nothing"),
        "{found}"
    );
    assert!(found.contains("error[trigger-invalid]"), "{found}");
}

/// What the policy may not say, an annotation that it delegates to may not either.
#[test]
fn a_delegated_count_keeps_the_range() {
    let settings = parse_text(&wrap(
        "environment: test\ncluster: {kubernetes: \"1.33\"}\ndelegate: {minReplicas: true, maxReplicas: true}\nworkloads:\n  api: {}",
    ))
    .unwrap();
    for (key, text, is_taken) in [
        ("max-replicas", "5", true),
        ("max-replicas", "0", false),
        ("max-replicas", "2147483648", false),
        ("min-replicas", "0", true),
        ("min-replicas", "4294967295", false),
    ] {
        let subject = Subject {
            kind: "Deployment".into(),
            name: "api".into(),
            annotations: [(format!("trimtab.dev/{key}"), text.to_owned())].into(),
            ..Subject::default()
        };
        let Matched::Wanted(wanted, notes) = settings.of(&subject) else {
            panic!("{key}: {text}");
        };
        let scaling = &wanted.spec.scaling;
        let is_stated = scaling.min_replicas.value.is_some() || scaling.max_replicas.value.is_some();
        assert_eq!(
            (is_stated, notes.len()),
            (is_taken, usize::from(!is_taken)),
            "{key}: {text}"
        );
    }
}

/// A key that nothing follows from yet is said to be one; silence would look like consent.
#[test]
fn keys_without_an_effect_are_warned_about() {
    let warnings = |spec: &str| {
        let text = wrap(&format!("environment: test\ncluster: {{kubernetes: \"1.33\"}}\n{spec}"));
        terminal::render_all(&parse_text(&text).unwrap().warnings, false)
    };
    assert_eq!(warnings("objective: safe"), "");
    let found = warnings("budget: {monthly: 1200 USD}\nrisk: {cpuShortfall: 1%}");
    for words in [
        "warning[not-in-force]: `budget` has no effect yet\n --> policy.yaml:7:3\n",
        "warning[not-in-force]: `risk` has no effect yet\n --> policy.yaml:8:3\n",
    ] {
        assert!(found.contains(words), "no `{words}` in:\n{found}");
    }
    assert_eq!(found.matches("warning[").count(), 2, "{found}");
}

/// Names of environments stand in paths and in names of objects.
#[test]
fn an_environment_has_a_name_that_fits_everywhere() {
    let with = |own: &str, borrowed: &str| {
        let (own, borrowed) = (json!(own), json!(borrowed));
        parse_text(&format!(
            "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {{name: x}}\nspec:\n  environment: {own}\n  \
             cluster: {{kubernetes: \"1.33\"}}\n  history:\n    from: {{environment: {borrowed}, demand: 5%}}\n"
        ))
    };
    let long = "a".repeat(64);
    for name in ["production", "eu-1", "x", &long[..63]] {
        assert!(with(name, name).is_ok(), "{name}");
    }
    for name in [
        "",
        "Production",
        "eu_1",
        "../x",
        "a/b",
        "-a",
        "a b",
        "a\nb",
        "prod.eu",
        long.as_str(),
    ] {
        for (own, borrowed, place) in [
            (name, "production", "policy.yaml:5:16"),
            ("production", name, "policy.yaml:8:25"),
        ] {
            let said = with(own, borrowed).err().unwrap_or_default();
            let headline = format!("`{}` is no name of an environment", name.escape_debug());
            assert!(said.contains(&headline) && said.contains(place), "{name:?}: {said}");
        }
    }
}
