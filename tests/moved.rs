//! Workloads that history knows under another name: with `identity.moved` a plan is what it would be, had the history been
//! recorded under the names of today.

use std::fmt::Write as _;

use serde_json::{Value, json};
use trimtab::diag::{Diagnostic, Place};
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::{Input, read};
use trimtab::pipeline::{self, Inputs, ProfileSource, Purpose};
use trimtab::policy::Source;
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::object::text;
use trimtab::profile::opened::ProfileStream;
use trimtab::yaml::{self, Limits};

use crate::planning::deployment;
use crate::policy::wrap;

/// 2026-10-05T00:00:00Z, a Monday.
const START_S: i64 = 1_791_158_400;
const END: i64 = 3 * 7 * 288;
/// In the middle of a week, and of an hour.
const CUT: i64 = 2 * 7 * 288 - 1001;

/// Two pods under a workload's name from one step to another, with the wave of a day.
struct Recorded {
    namespace: &'static str,
    kind: &'static str,
    name: &'static str,
    steps: std::ops::Range<i64>,
}

fn under(name: &'static str, steps: std::ops::Range<i64>) -> Recorded {
    Recorded {
        namespace: "shop",
        kind: "Deployment",
        name,
        steps,
    }
}

impl Recorded {
    fn series(&self, signal: &str) -> String {
        let Self {
            namespace, kind, name, ..
        } = self;
        let pods = (0..2).map(|pod| {
            let mut values = String::new();
            for step in self.steps.clone() {
                let load = 200 + 20 * (12 - (step / 12 % 24 - 12).abs()) + 37 * (step * (pod + 3) % 11);
                let value = match signal {
                    "cpu" => format!("0.{load:03}"),
                    _ => format!("{}", 1_000_000 * load),
                };
                let comma = if values.is_empty() { "" } else { "," };
                let _ = write!(values, "{comma}[{},\"{value}\"]", START_S + 300 * (step + 1));
            }
            let metric = json!({"namespace": namespace, "workload_type": kind, "workload": name, "pod": format!("p{pod}"), "container": "app"});
            format!(r#"{{"metric":{metric},"values":[{values}]}}"#)
        });
        pods.collect::<Vec<_>>().join(",")
    }
}

/// Profiles of what was recorded, as one file.
fn profile(recorded: &[Recorded]) -> ProfileSource {
    let file = |signal: &str| {
        let series: Vec<String> = recorded.iter().map(|one| one.series(signal)).collect();
        let data = series.join(",");
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{data}]}}}}"#)
    };
    let files = ["cpu", "memory"].map(|signal| (format!("{signal}.json"), file(signal)));
    let reads = files.iter().map(|(name, text)| {
        let input = Input {
            name,
            ..Input::default()
        };
        read(&input, Box::new(text.as_bytes())).unwrap()
    });
    let options = Options {
        step_s: 300,
        environment: Some("production".to_owned()),
        ..Options::default()
    };
    let built = assemble(reads.collect(), Owners::default(), Declared::default(), &options).unwrap();
    ProfileSource::File {
        path: "profile.yaml".to_owned(),
        stream: ProfileStream::from(text(&built.profiles).unwrap()),
    }
}

fn workload(kind: &str, name: &str) -> Value {
    let mut object = deployment(name, 2, "1", "1Gi");
    object["kind"] = json!(kind);
    if kind == "Rollout" {
        object["apiVersion"] = json!("argoproj.io/v1alpha1");
    }
    object["spec"]["template"]["spec"]["containers"][0]["name"] = json!("app");
    object
}

const RULES: &str = "\
environment: production
mode: enforce
cluster: {kubernetes: '1.33', addons: {argoRollouts: '1.7'}}
workloads: {all: {match: {names: {'*': true}}, class: web}}
";

fn run(purpose: Purpose, moved: &str, objects: &[Value], profile: ProfileSource) -> (Value, Vec<Diagnostic>) {
    let text = wrap(&format!("{RULES}identity: {{moved: {moved}}}"));
    let inputs = Inputs {
        purpose,
        objects: objects.to_vec(),
        policy: yaml::read_one(text.as_bytes(), &Limits::POLICY).unwrap(),
        policy_source: Source::file("policy.yaml", text),
        plan: None,
        prices: None,
        profiles: vec![profile],
        threads: 1,
    };
    let outcome = pipeline::run(&inputs).unwrap();
    let mut workloads = serde_json::to_value(&outcome.plan.spec.workloads).unwrap();
    for entry in workloads.as_object_mut().unwrap().values_mut() {
        // digests of the policy
        entry["madeFrom"]["policy"] = Value::Null;
        entry["seal"] = Value::Null;
    }
    (workloads, outcome.diagnostics)
}

fn said<'d>(diagnostics: &'d [Diagnostic], prefix: &str) -> Vec<(&'d str, &'d str)> {
    let of = diagnostics.iter().filter(|one| one.code.as_str().starts_with(prefix));
    of.map(|one| (one.headline.as_str(), one.help.as_deref().unwrap_or_default()))
        .collect()
}

#[test]
fn a_plan_with_the_mapping_is_the_plan_on_history_under_the_new_name() {
    let new = |kind| Recorded {
        kind,
        ..under("new", 0..END)
    };
    let elsewhere = |steps| Recorded {
        namespace: "old-shop",
        ..under("new", steps)
    };
    for (case, moved, recorded, kind) in [
        (
            "the old name alone",
            "{Deployment/old: {to: Deployment/new}}",
            vec![under("old", 0..END)],
            "Deployment",
        ),
        (
            "one after the other, within a week",
            "{Deployment/old: {to: Deployment/new}}",
            vec![under("old", 0..CUT), under("new", CUT..END)],
            "Deployment",
        ),
        (
            "another kind",
            "{Deployment/new: {to: Rollout/new}}",
            vec![
                under("new", 0..CUT),
                Recorded {
                    kind: "Rollout",
                    ..under("new", CUT..END)
                },
            ],
            "Rollout",
        ),
        (
            "from another namespace",
            "{Deployment/old-shop/new: {to: Deployment/new}}",
            vec![elsewhere(0..CUT), under("new", CUT..END)],
            "Deployment",
        ),
        (
            "from another namespace alone",
            "{Deployment/old-shop/new: {to: Deployment/shop/new}}",
            vec![elsewhere(0..END)],
            "Deployment",
        ),
    ] {
        for purpose in [Purpose::Plan, Purpose::Apply] {
            let objects = [workload(kind, "new")];
            let (wanted, _) = run(purpose, "{}", &objects, profile(&[new(kind)]));
            let (without, _) = run(purpose, "{}", &objects, profile(&recorded));
            let (found, diagnostics) = run(purpose, moved, &objects, profile(&recorded));
            assert_ne!(without, wanted, "{case}: history matters");
            assert_eq!(found, wanted, "{case} {purpose:?}");
            let names: Vec<_> = diagnostics
                .iter()
                .filter(|one| one.code.as_str().starts_with("moved"))
                .collect();
            assert_eq!(names.len(), 1, "{case}: {names:?}");
            assert_eq!(names[0].code.as_str(), "moved", "{case}");
        }
    }
}

#[test]
fn steps_that_both_names_know_are_counted_and_said() {
    let recorded = [under("old", 0..CUT + 3), under("new", CUT..END)];
    let moved = "{Deployment/old: {to: Deployment/new}}";
    let (_, diagnostics) = run(
        Purpose::Plan,
        moved,
        &[workload("Deployment", "new")],
        profile(&recorded),
    );
    let said = said(&diagnostics, "moved-together");
    assert_eq!(said.len(), 1, "{diagnostics:?}");
    assert_eq!(
        said[0].0,
        "history knows both `Deployment/old` and `Deployment/new` at 3 steps"
    );
}

#[test]
fn an_entry_that_does_nothing_says_why_and_where() {
    let shop = || vec![workload("Deployment", "new"), workload("Deployment", "prod-web")];
    let mut two = shop();
    two.push(workload("Deployment", "new"));
    two[2]["metadata"]["namespace"] = json!("other");
    for (moved, objects, headline, help) in [
        (
            "{Deployment/old: {to: Deployment/nwe}}",
            shop(),
            "there is no `Deployment/nwe` among the manifests",
            "did you mean `Deployment/new`? else take the entry out",
        ),
        (
            "{Deployment/old: {to: Deployment/web}}, namePrefix: prod-",
            shop(),
            "there is no `Deployment/web` among the manifests",
            "did you mean `Deployment/prod-web`? else take the entry out",
        ),
        (
            "{Deployment/old: {to: Deployment/new}}",
            two.clone(),
            "`Deployment/new` could be `Deployment/other/new` or `Deployment/shop/new`",
            "write `Kind/namespace/name`",
        ),
        (
            "{Deployment/prod-web: {to: Deployment/new}}",
            shop(),
            "`Deployment/prod-web` is still among the manifests",
            "take the entry out, or the workload",
        ),
        (
            "{Deployment/odl: {to: Deployment/new}}",
            shop(),
            "no profile knows `Deployment/odl` in namespace `shop`",
            "did you mean `Deployment/old`? else take the entry out",
        ),
        (
            "{Deployment/away/old: {to: Deployment/new}}",
            shop(),
            "no profile knows `Deployment/old` in namespace `away`",
            "take the entry out, or name the workload as `trimtab profile show` does",
        ),
    ] {
        let history = || profile(&[under("old", 0..END)]);
        let (found, diagnostics) = run(Purpose::Plan, moved, &objects, history());
        let (without, _) = run(Purpose::Plan, "{}", &objects, history());
        assert_eq!(said(&diagnostics, "moved"), [(headline, help)], "{moved}");
        assert_eq!(found, without, "{moved}");
        let entry = diagnostics
            .iter()
            .find(|one| one.code.as_str() == "moved-idle")
            .unwrap();
        assert!(
            matches!(&entry.place, Some(Place::File { path, line: 9, .. }) if path == "policy.yaml"),
            "{entry:?}"
        );
    }
}

#[test]
fn a_move_is_the_business_of_the_workload_it_leads_to() {
    let digest = |moved: &str| {
        let policy = yaml::read_one(wrap(&format!("{RULES}{moved}")).as_bytes(), &Limits::POLICY).unwrap();
        let settings = trimtab::policy::parse(&policy, &Source::object("OptimizationPolicy", "test")).unwrap();
        let objects = [workload("Deployment", "new"), workload("Deployment", "web")];
        let workloads = trimtab::workload::read(&objects).0;
        let of = |name: &str| settings.concerning(&workloads.by_key[name].subject());
        (of("Deployment/shop/new"), of("Deployment/shop/web"))
    };
    let (new, web) = digest("");
    let (moved, beside) = digest("identity: {moved: {Deployment/old: {to: Deployment/new}}}");
    assert_ne!(new, moved);
    assert_eq!(web, beside);
}
