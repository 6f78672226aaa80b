//! What people and programs read of a diff and of a plan.

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtab::diff::{Diff, diff};
use trimtab::krm::edit::Change as EditChange;
use trimtab::krm::{Edit, FieldPath, ObjectId, Reason};
use trimtab::plan::{OptimizationPlan, WorkloadPlan};
use trimtab::report::{self, Comparison, Environment, Format, PlanTable};

const FORMATS: [Format; 3] = [Format::Terminal, Format::Markdown, Format::Json];

fn reason(code: &str, inputs: &[(&str, &str)]) -> Reason {
    Reason {
        code: code.into(),
        inputs: inputs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

fn named(api_version: &str, kind: &str, name: &str, rest: &Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    for (key, value) in rest.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

fn shop(cpu: &str, memory: &str, replicas: Option<u32>, settings: &str) -> Value {
    let mut object = named(
        "apps/v1",
        "Deployment",
        "checkout",
        &json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "checkout:1", "envFrom": [{"secretRef": {"name": "db"}}, {"configMapRef": {"name": settings}}],
         "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}}}}),
    );
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = json!(replicas);
    }
    object
}

fn compared(before: &[Value], after: &[Value], edits: &[Edit]) -> Diff {
    diff(before, after, edits).unwrap_or_else(|error| panic!("{error}"))
}

/// A change as trimtab makes it, between two states of a small shop.
fn example() -> Comparison {
    let config = |name: &str, level: &str| {
        let text = format!("listen: 8080\nlog:\n  level: {level}\n  format: json\npassword: canary-{level}\n");
        named("v1", "ConfigMap", name, &json!({"data": {"app.yaml": text}}))
    };
    let secret = |value: &str| named("v1", "Secret", "db", &json!({"stringData": {"password": value}}));
    let service = |ports: &Value| named("v1", "Service", "checkout", &json!({"spec": {"ports": ports}}));
    let hpa = named(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "checkout",
        &json!({"spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
        "minReplicas": 6, "maxReplicas": 20,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 65}}}]}}),
    );
    let before = [
        shop("1", "2Gi", Some(12), "settings-2c69k7b8kf"),
        config("settings-2c69k7b8kf", "info"),
        secret("canary-old"),
        service(&json!([{"port": 80}])),
        named(
            "policy/v1",
            "PodDisruptionBudget",
            "old",
            &json!({"spec": {"minAvailable": 2}}),
        ),
    ];
    let after = [
        shop("500m", "768Mi", None, "settings-m8hh5t9gtb"),
        config("settings-m8hh5t9gtb", "warn"),
        secret("canary-new"),
        service(&json!([{"port": 80, "protocol": "TCP"}])),
        hpa.clone(),
    ];
    let id = ObjectId::new("apps/v1", "Deployment", "shop", "checkout");
    let requests = FieldPath::keys(["spec", "template", "spec", "containers"])
        .item("name", "app")
        .key("resources")
        .key("requests");
    let set = |path: FieldPath, value: &str, reason: Reason| Edit {
        id: id.clone(),
        change: EditChange::Set {
            path,
            value: json!(value),
        },
        reason,
    };
    let edits = [
        set(
            requests.clone().key("cpu"),
            "500m",
            reason("percentile", &[("p95", "310m"), ("margin", "60%")]),
        ),
        set(
            requests.key("memory"),
            "768Mi",
            reason("percentile", &[("max", "611Mi"), ("margin", "25%")]),
        ),
        Edit {
            id: ObjectId::new("autoscaling/v2", "HorizontalPodAutoscaler", "shop", "checkout"),
            change: EditChange::Upsert { owned: hpa },
            reason: reason("stated", &[]),
        },
    ];
    Comparison {
        base: "main".into(),
        head: "HEAD".into(),
        environments: vec![
            Environment {
                name: "dev".into(),
                diff: compared(&before, &before, &[]),
            },
            Environment {
                name: "production".into(),
                diff: compared(&before, &after, &edits),
            },
        ],
    }
}

fn without_colour(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r#""version": "\d+\.\d+\.\d+""#, r#""version": "[version]""#);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_diff_reads_well_in_every_format() {
    let example = example();
    snapshot(
        "diff__example-terminal",
        &without_colour(&report::comparison(&example, Format::Terminal, 110)),
    );
    snapshot(
        "diff__example-narrow",
        &without_colour(&report::comparison(&example, Format::Terminal, 72)),
    );
    snapshot(
        "diff__example-markdown",
        &report::comparison(&example, Format::Markdown, 0),
    );
    snapshot("diff__example-json", &report::comparison(&example, Format::Json, 0));
}

#[test]
fn no_secret_of_the_example_is_in_any_format() {
    for format in FORMATS {
        let text = report::comparison(&example(), format, 100);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn signs_say_what_colours_say() {
    let coloured = report::comparison(&example(), Format::Terminal, 110);
    assert!(coloured.contains("\u{1b}["), "colour is there for those who want it");
    let plain = without_colour(&coloured);
    assert!(!plain.contains('\u{1b}'));
    for expected in [
        "  ~ apps/Deployment shop/checkout",
        "  + autoscaling/HorizontalPodAutoscaler shop/checkout",
        "  - policy/PodDisruptionBudget shop/old",
        "! was settings-2c69k7b8kf",
    ] {
        assert!(plain.contains(expected), "{expected} in\n{plain}");
    }
}

#[test]
fn lines_of_fields_keep_to_the_width() {
    for width in [60, 80, 110, 200] {
        let plain = without_colour(&report::comparison(&example(), Format::Terminal, width));
        for line in plain.lines().filter(|line| line.contains(" → ")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn json_is_sorted_and_says_what_a_field_is() {
    let text = report::comparison(&example(), Format::Json, 0);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schemaVersion"], "1.0");
    let resources = value["environments"][1]["resources"].as_array().unwrap();
    let find = |kind: &str| {
        resources
            .iter()
            .find(|resource| resource["id"]["kind"] == kind)
            .unwrap()
    };
    let cpu = find("Deployment")["fields"].as_array().unwrap().iter();
    let cpu = cpu
        .filter(|field| field["path"].as_str().unwrap().ends_with("requests.cpu"))
        .collect::<Vec<_>>();
    assert_eq!(
        cpu,
        [&json!({
            "path": ".spec.template.spec.containers[name=\"app\"].resources.requests.cpu",
            "op": "replace", "class": "quantity", "before": "1", "after": "500m", "masked": false, "origin": "tool",
            "reason": {"code": "percentile", "inputs": {"margin": "60%", "p95": "310m"}},
        })]
    );
    assert_eq!(find("ConfigMap")["match"], "hash-suffix");
    assert_eq!(find("Secret")["fields"][0]["masked"], true);
}

/// A plan with every part: what changes, what stays, what is kept and what is refused.
fn plan() -> OptimizationPlan {
    let text = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "OptimizationPlan", "metadata": {"name": "shop"},
        "spec": {"environment": "production", "decisionVersion": "1", "digests": {"policy": "abc"}, "workloads": {
            "Deployment/shop/api": {
                "apiVersion": "apps/v1", "class": "web", "mode": "enforce", "status": "planned", "mainContainer": "api",
                "containers": {"api": {
                    "requests": {
                        "cpu": {"value": "500m", "before": "1", "reason": {"code": "percentile", "inputs": {"p95": "310m", "margin": "60%"}}},
                        "memory": {"value": "768Mi", "before": "768Mi", "reason": {"code": "below-min-change"}}},
                    "limits": {"cpu": {"before": "2", "reason": {"code": "stated"}}}}},
                "replicas": {"before": 12, "reason": {"code": "stated"}},
                "scaler": {"kind": "hpa", "name": "api",
                    "minReplicas": {"value": 6, "reason": {"code": "bounded", "inputs": {"zones": "3"}}},
                    "maxReplicas": {"value": 20, "reason": {"code": "percentile"}},
                    "cpu": {"target": {"value": "65%", "reason": {"code": "stated"}}, "container": "api"}},
                "disruption": {"name": "api", "maxUnavailable": {"value": 1, "reason": {"code": "stated"}}},
                "spread": {"topology.kubernetes.io/zone": {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "reason": {"code": "spread-softened"}}},
                "spot": {"mode": "prefer", "labels": {"eks.amazonaws.com/capacityType": "SPOT"}, "reason": {"code": "stated"}},
                "findings": {"restarts-pods": {"detail": "the template changes"}}},
            "Deployment/shop/quiet": {
                "apiVersion": "apps/v1", "mode": "enforce", "status": "planned", "mainContainer": "quiet",
                "containers": {"quiet": {"requests": {"cpu": {"value": "1", "before": "1", "reason": {"code": "unchanged"}}}}}},
            "Deployment/shop/worker": {
                "apiVersion": "apps/v1", "class": "worker", "mode": "observe", "status": "kept", "mainContainer": "worker",
                "scaler": {"kind": "keda", "name": "worker",
                    "minReplicas": {"value": 0, "before": 0, "reason": {"code": "kept"}},
                    "maxReplicas": {"value": 12, "before": 10, "reason": {"code": "stated"}},
                    "triggers": {"queue": {"type": "rabbitmq", "metadata": {"host": "amqp://app:canary@mq/shop", "value": "20"}, "reason": {"code": "stated"}}}},
                "findings": {"stale": {"detail": "no samples since 2026-03-01", "accepted": "queue-migration"}}},
            "StatefulSet/shop/db": {
                "apiVersion": "apps/v1", "class": "database", "mode": "enforce", "status": "refused", "mainContainer": "db",
                "findings": {"no-history": {"detail": "the profile has no container `db` | see #12, @sre"}}},
        }},
    });
    serde_json::from_value(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_plan_reads_well_in_every_format() {
    let plan = plan();
    let table = PlanTable::of([(&plan, None)]);
    snapshot(
        "plan__example-terminal",
        &without_colour(&report::plan(&table, Format::Terminal, 110)),
    );
    snapshot("plan__example-markdown", &report::plan(&table, Format::Markdown, 0));
    snapshot("plan__example-json", &report::plan(&table, Format::Json, 0));
    for format in FORMATS {
        assert!(!report::plan(&table, format, 100).contains("canary"));
    }
    assert_markdown(&report::plan(&table, Format::Markdown, 0));
}

/// An entry that restarts pods is edited again on its window: what is new beside it may be of other objects only.
#[test]
fn pods_restart_only_for_what_is_written_into_them() {
    let key = "Deployment/shop/api";
    let mut accepted = plan();
    let scaler = accepted.spec.workloads.get_mut(key).unwrap().scaler.as_mut().unwrap();
    scaler.adopted = true;
    let restarts = |edit: &dyn Fn(&mut WorkloadPlan)| {
        let mut next = accepted.clone();
        edit(next.spec.workloads.get_mut(key).unwrap());
        let table = PlanTable::of([(&next, Some(&accepted))]);
        let mut rows = table.environments[0].rows.iter();
        let row = rows.find(|row| row.workload == key).unwrap();
        assert_eq!(row.changes.len(), 1, "{:?}", row.changes);
        row.restarts
    };
    let stated = || Some(serde_json::from_value(json!({"code": "stated"})).unwrap());
    assert!(!restarts(&|api| api.removed.disruption = stated()));
    assert!(!restarts(&|api| api.disruption = None));
    assert!(!restarts(&|api| api.scaler.as_mut().unwrap().max_replicas.value = 25));
    assert!(!restarts(&|api| api.replicas = None));
    assert!(restarts(&|api| api.spread.clear()));
    assert!(restarts(&|api| {
        let cpu = api.containers.get_mut("api").unwrap().requests.cpu.as_mut();
        cpu.unwrap().value = trimtab::units::Millicores::new(450);
    }));
}

#[test]
fn against_the_accepted_plan_only_what_is_new_is_shown() {
    let accepted = plan();
    let shown = |plan: &OptimizationPlan| {
        let table = PlanTable::of([(plan, Some(&accepted))]);
        without_colour(&report::plan(&table, Format::Terminal, 110))
    };
    // nothing is new: the values, the refusal and the kept decision are those that were accepted
    let same = shown(&accepted);
    assert!(same.contains("4 workloads: nothing to change"), "{same}");
    assert!(
        !same.contains("→") && !same.contains("stale:") && !same.contains("no-history:"),
        "{same}"
    );
    assert!(same.contains("= 4 unchanged"), "{same}");

    let mut next = plan();
    let api = next.spec.workloads.get_mut("Deployment/shop/api").unwrap();
    api.scaler.as_mut().unwrap().max_replicas.value = 25;
    api.spread.clear();
    api.containers.clear();
    api.disruption = None;
    next.spec.workloads.get_mut("Deployment/shop/worker").unwrap().mode = trimtab::policy::wire::Mode::Enforce;
    snapshot("plan__against-accepted", &shown(&next));
}

/// KEDA can't use every name of a workload, so the name that people will see in the cluster is told.
#[test]
fn a_name_that_keda_can_not_use_is_shown_as_it_will_be() {
    let mut plan = plan();
    let worker = plan.spec.workloads.get_mut("Deployment/shop/worker").unwrap();
    worker.scaler.as_mut().unwrap().name = "w".repeat(60);
    let table = PlanTable::of([(&plan, None)]);
    let text = without_colour(&report::plan(&table, Format::Terminal, 200));
    // 45 letters, a dash and eight digits of the digest
    let name = trimtab::api::keda_v1alpha1::scaled_object_name(&"w".repeat(60));
    assert_eq!(name.len(), 54);
    assert!(text.contains(&format!("{name}, its HPA keda-hpa-{name}")), "{text}");
}

/// What a forge's reader relies on: fences closed, details balanced, tables with as many cells in each row, and nothing
/// of what came in acting as markup.
fn assert_markdown(text: &str) {
    let mut fence: Option<usize> = None;
    let mut details = 0;
    let mut columns: Option<usize> = None;
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        if let Some(open) = fence {
            let is_end = ticks >= open && line.trim_start_matches('`').trim().is_empty();
            if is_end {
                fence = None;
            }
            continue;
        }
        if ticks >= 3 && !line.trim_start_matches('`').contains('`') {
            fence = Some(ticks);
            continue;
        }
        let prose = without_code_spans(line);
        let count = |tag: &str| prose.matches(tag).count();
        details += count("<details");
        assert!(details >= count("</details>"), "{text}");
        details -= count("</details>");
        if line.starts_with('|') {
            let cells = line.matches('|').count();
            assert_eq!(*columns.get_or_insert(cells), cells, "{line}\nin\n{text}");
        } else {
            columns = None;
        }
        // A line that begins with an element is HTML up to the next empty line: nothing in it is Markdown.
        let is_html = line.starts_with('<');
        for markup in ["<script", "@team", "](http"] {
            assert!(
                is_html && markup == "](http" || !prose.contains(markup),
                "{markup} in {line}"
            );
        }
        assert!(!line.starts_with("# "), "{line}");
    }
    assert_eq!((fence, details), (None, 0), "{text}");
}

/// The line without its code spans, by the rule of `CommonMark`: a run of backticks up to the next run of the same length.
fn without_code_spans(line: &str) -> String {
    let mut prose = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        prose.push_str(&rest[..start]);
        rest = &rest[start..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let run = &rest[..ticks];
        let inner = &rest[ticks..];
        let runs = inner.match_indices(run).map(|(at, _)| at);
        let is_whole = |at: &usize| !inner[..*at].ends_with('`') && !inner[at + ticks..].starts_with('`');
        if let Some(end) = runs.into_iter().find(is_whole) {
            rest = &inner[end + ticks..];
        } else {
            prose.push_str(run);
            rest = inner;
        }
    }
    prose + rest
}

#[test]
fn the_example_is_sound_markdown() {
    assert_markdown(&report::comparison(&example(), Format::Markdown, 0));
}

/// Texts that break reports: fences, cells, headings, HTML, mentions, escapes, directions.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "```",
        "`",
        "````\n",
        "|",
        "\\|",
        "\\",
        "\n# pwned\n",
        "</details>",
        "<details>",
        "<script>",
        "<!--",
        "-->",
        "@team",
        "\u{1b}[31m",
        "\u{202e}",
        "\r\n",
        "**",
        "](http://x)",
        "a",
        " ",
        "| a | b |\n|---|---|\n",
        "{{ 1 }}",
        "{% x %}",
        "\t",
        "&lt;",
    ]);
    prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn hostile_texts_stay_texts(texts in prop::collection::vec(hostile(), 6), is_new: bool) {
        let [name, key, old, new, argument, environment] = texts.try_into().unwrap();
        let object = |value: &str, argument: &str| named("example.com/v1", "Thing", &name, &json!({
            "metadata": {"name": format!("n{name}"), "annotations": {key.clone(): value}},
            "spec": {"text": format!("one\n{value}\ntwo"), "args": ["x", argument]}}));
        let before = if is_new { vec![] } else { vec![object(&old, "y")] };
        let edits = [Edit {
            id: ObjectId::new("example.com/v1", "Thing", "", &format!("n{name}")),
            change: EditChange::Set { path: FieldPath::keys(["spec", "text"]), value: json!("") },
            reason: reason(&argument, &[(&old, &new)]),
        }];
        let comparison = Comparison {
            base: old.clone(),
            head: new.clone(),
            environments: vec![Environment { name: environment, diff: diff(&before, &[object(&new, &argument)], &edits).unwrap() }],
        };
        assert_markdown(&report::comparison(&comparison, Format::Markdown, 0));
        let plain = without_colour(&report::comparison(&comparison, Format::Terminal, 80));
        prop_assert!(!plain.contains(['\u{1b}', '\u{202e}', '\r', '\u{9b}']), "{plain}");
        let json = report::comparison(&comparison, Format::Json, 0);
        prop_assert!(serde_json::from_str::<Value>(&json).is_ok());
    }

    /// A canary stands wherever a secret may stand, on one side, on both or in an object that is new.
    #[test]
    fn no_secret_is_in_any_format(place in 0_usize..12, is_new: bool, salt in "[a-zA-Z0-9/+]{0,12}") {
        let with = |side: &str| secret_at(place, &format!("canary{side}{salt}"));
        let before = if is_new { vec![] } else { vec![with("old")] };
        let comparison = Comparison {
            environments: vec![Environment { name: String::new(), diff: diff(&before, &[with("new")], &[]).unwrap() }],
            ..Comparison::default()
        };
        prop_assert!(!comparison.is_empty());
        for format in FORMATS {
            let text = report::comparison(&comparison, format, 100);
            prop_assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
        }
    }
}

/// An object with a secret at one of the places where secrets are.
fn secret_at(place: usize, secret: &str) -> Value {
    let pod = |container: Value| named("v1", "Pod", "a", &json!({"spec": {"containers": [container]}}));
    let env = |name: &str, value: String| pod(json!({"name": "c", "env": [{"name": name, "value": value}]}));
    let trigger = |metadata: Value| {
        named(
            "keda.sh/v1alpha1",
            "ScaledObject",
            "a",
            &json!({"spec": {"triggers": [{"type": "x", "metadata": metadata}]}}),
        )
    };
    match place {
        0 => named("v1", "Secret", "a", &json!({"stringData": {"k": secret}})),
        1 => named("v1", "Secret", "a", &json!({"data": {"k": secret}})),
        // base64 of `canary` begins with `Y2FuYXJ5`
        2 => named(
            "v1",
            "Secret",
            "a",
            &json!({"data": {"k": format!("Y2FuYXJ5{secret}")}}),
        ),
        3 => env("DB_PASSWORD", secret.to_owned()),
        4 => env("DATABASE_URL", format!("postgres://app:{secret}@db/shop")),
        5 => env("JAVA_OPTS", format!("-Xmx1g -Dspring.password={secret}")),
        6 => pod(json!({"name": "c", "args": ["--token", secret, "--api-key", secret]})),
        7 => pod(json!({"name": "c", "command": ["sh", "-c", format!("export API_TOKEN={secret}; exec app")]})),
        8 => trigger(json!({"connection": format!("Endpoint=sb://x/;SharedAccessKey={secret}")})),
        9 => trigger(json!({"host": format!("amqp://app:{secret}@mq:5672/")})),
        10 => named(
            "v1",
            "ConfigMap",
            "a",
            &json!({"data": {"app.ini": format!("[db]\nuser = app\npassword = {secret}\n")}}),
        ),
        _ => named(
            "v1",
            "ConfigMap",
            "a",
            &json!({"data": {"app.json": format!("{{\n \"db\": \"x\",\n \"clientSecret\": \"{secret}\"\n}}")}}),
        ),
    }
}

/// A spread constraint that is new is one line that says all of it; one that changed shows the field that changed.
#[test]
fn a_new_list_item_is_one_line() {
    let workload = |constraints: &Value| {
        let mut spec = json!({"containers": []});
        if !constraints.is_null() {
            spec["topologySpreadConstraints"] = constraints.clone();
        }
        named(
            "apps/v1",
            "Deployment",
            "api",
            &json!({"spec": {"template": {"spec": spec}}}),
        )
    };
    let zone = |skew: u32| {
        json!({"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": skew,
            "labelSelector": {"matchLabels": {"app": "api"}}})
    };
    let show = |before: &Value, after: &Value| {
        let diff = diff(&[workload(before)], &[workload(after)], &[]).unwrap();
        let comparison = Comparison {
            base: "a".into(),
            head: "b".into(),
            environments: vec![Environment {
                name: String::new(),
                diff,
            }],
        };
        without_colour(&report::comparison(&comparison, Format::Terminal, 220))
    };
    let item =
        "topologySpreadConstraints[topologyKey=\"topology.kubernetes.io/zone\",whenUnsatisfiable=\"DoNotSchedule\"]";
    let new = show(&Value::Null, &json!([zone(1)]));
    assert_eq!(new.matches("topologySpreadConstraints").count(), 1, "{new}");
    assert!(
        new.contains("— → {labelSelector: {matchLabels: {app: api}}, maxSkew: 1}\n"),
        "{new}"
    );
    let changed = show(&json!([zone(1)]), &json!([zone(2)]));
    assert!(changed.contains(&format!("{item}.maxSkew  1 → 2")), "{changed}");
}
