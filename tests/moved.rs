//! Workloads that history knows under another name: with `identity.moved` a plan is what it would be, had the history been
//! recorded under the names of today.

use std::fmt::Write as _;

use serde_json::{Value, json};
use trimtab::diag::{Diagnostic, Place};
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::{Input, read};
use trimtab::pipeline::{self, Inputs, Outcome, ProfileSource, Purpose};
use trimtab::plan::{OptimizationPlan, baseline, codec};
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
    /// The first hours of each day alone.
    hours: i64,
}

fn under(name: &'static str, steps: std::ops::Range<i64>) -> Recorded {
    Recorded {
        namespace: "shop",
        kind: "Deployment",
        name,
        steps,
        hours: 24,
    }
}

impl Recorded {
    fn series(&self, signal: &str) -> String {
        let Self {
            namespace, kind, name, ..
        } = self;
        let pods = (0..2).map(|pod| {
            let mut values = String::new();
            for step in self.steps.clone().filter(|step| step / 12 % 24 < self.hours) {
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

fn cron_job(name: &str) -> Value {
    let template = workload("CronJob", name)["spec"]["template"].clone();
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}},
    })
}

const RULES: &str = "\
environment: production
mode: enforce
cluster: {kubernetes: '1.33', addons: {argoRollouts: '1.7'}}
workloads: {all: {match: {names: {'*': true}}, class: web}}
";

fn outcome(
    purpose: Purpose,
    moved: &str,
    objects: &[Value],
    accepted: Option<&OptimizationPlan>,
    profiles: Vec<ProfileSource>,
) -> Result<Outcome, Vec<Diagnostic>> {
    let text = wrap(&format!("{RULES}identity: {{moved: {moved}}}"));
    let inputs = Inputs {
        purpose,
        objects: objects.to_vec(),
        policy: yaml::read_one(text.as_bytes(), &Limits::POLICY).unwrap(),
        policy_source: Source::file("policy.yaml", text),
        plan: accepted.map(|plan| (codec::to_value(plan), Source::object("OptimizationPlan", "test"))),
        prices: None,
        profiles,
        threads: 1,
    };
    pipeline::run(&inputs)
}

fn run(purpose: Purpose, moved: &str, objects: &[Value], profile: ProfileSource) -> (Value, Vec<Diagnostic>) {
    let outcome = outcome(purpose, moved, objects, None, vec![profile]).unwrap();
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

const MOVED: &str = "{Deployment/old: {to: Deployment/new}}";

/// Under one name alone, so that all but the name can be compared.
fn without_name(outcome: &Outcome) -> String {
    let objects = outcome.objects.clone().into_objects();
    serde_json::to_string(&objects).unwrap().replace("old", "new")
}

/// What was decided under a key, without what it was decided from.
fn decided(plan: &OptimizationPlan, key: &str) -> Value {
    let mut entry = serde_json::to_value(&plan.spec.workloads[key]).unwrap();
    for field in ["madeFrom", "seal"] {
        entry[field] = Value::Null;
    }
    serde_json::from_str(&entry.to_string().replace("old", "new")).unwrap()
}

#[test]
fn what_was_accepted_goes_to_the_new_name_with_the_same_values() {
    let (before, after) = ([workload("Deployment", "old")], [workload("Deployment", "new")]);
    let history = || vec![profile(&[under("old", 0..END)])];
    let accepted = outcome(Purpose::Plan, "{}", &before, None, history()).unwrap().plan;

    // a build renders what was accepted, under both ways to write the key
    let wanted = outcome(Purpose::Apply, "{}", &before, Some(&accepted), vec![]).unwrap();
    let untouched = outcome(Purpose::Apply, "{}", &after, Some(&accepted), vec![]).unwrap();
    assert_ne!(without_name(&untouched), without_name(&wanted));
    let mut bare = after.clone();
    bare[0]["metadata"].as_object_mut().unwrap().remove("namespace");
    let mut bare_before = before.clone();
    bare_before[0]["metadata"].as_object_mut().unwrap().remove("namespace");
    let said_so = (
        "what was accepted for `Deployment/shop/old` goes to `Deployment/shop/new`",
        "",
    );
    let built = outcome(Purpose::Apply, MOVED, &after, Some(&accepted), vec![]).unwrap();
    assert_eq!(without_name(&built), without_name(&wanted));
    assert_eq!(said(&built.diagnostics, "moved"), [said_so]);
    let in_shop = format!("{MOVED}, namespace: shop");
    let bare_built = outcome(Purpose::Apply, &in_shop, &bare, Some(&accepted), vec![]).unwrap();
    let bare_wanted = outcome(
        Purpose::Apply,
        "{}, namespace: shop",
        &bare_before,
        Some(&accepted),
        vec![],
    )
    .unwrap();
    assert_eq!(without_name(&bare_built), without_name(&bare_wanted));

    // the next plan writes it under the new name, and the one after has nothing more to take along
    let next = outcome(Purpose::Plan, MOVED, &after, Some(&accepted), history()).unwrap();
    assert!(
        said(&next.diagnostics, "moved").contains(&said_so),
        "{:?}",
        next.diagnostics
    );
    assert_eq!(
        next.plan.spec.workloads.keys().collect::<Vec<_>>(),
        ["Deployment/shop/new"]
    );
    let (then, now) = (
        decided(&accepted, "Deployment/shop/old"),
        decided(&next.plan, "Deployment/shop/new"),
    );
    assert_eq!(now, then);
    assert!(
        !said(&next.diagnostics, "stale")
            .iter()
            .any(|(said, _)| said.contains("old"))
    );
    let again = outcome(Purpose::Plan, MOVED, &after, Some(&next.plan), history()).unwrap();
    assert_eq!(codec::to_value(&again.plan), codec::to_value(&next.plan));
    assert!(!said(&again.diagnostics, "moved").contains(&said_so));
    let rebuilt = outcome(Purpose::Apply, MOVED, &after, Some(&next.plan), vec![]).unwrap();
    assert_eq!(without_name(&rebuilt), without_name(&wanted));
}

#[test]
fn an_adopted_scaler_that_was_renamed_along_stays_adopted() {
    let shop = |name: &str| {
        let scaler = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": format!("{name}-scaler"), "namespace": "shop"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": 1, "maxReplicas": 50,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 20}}}],
            },
        });
        [workload("Deployment", name), scaler]
    };
    let history = vec![profile(&[under("old", 0..END)])];
    let accepted = outcome(Purpose::Plan, "{}", &shop("old"), None, history).unwrap().plan;
    let scaler = accepted.spec.workloads["Deployment/shop/old"].scaler.clone().unwrap();
    assert!(scaler.adopted, "{scaler:?}");
    let wanted = outcome(Purpose::Apply, "{}", &shop("old"), Some(&accepted), vec![]).unwrap();
    let untouched = serde_json::to_string(&shop("new")).unwrap();
    assert_ne!(without_name(&wanted), untouched);
    let built = outcome(Purpose::Apply, MOVED, &shop("new"), Some(&accepted), vec![]).unwrap();
    assert_eq!(without_name(&built), without_name(&wanted));
}

#[test]
fn two_accepted_decisions_on_one_workload_are_an_error_that_names_both() {
    let history = || vec![profile(&[under("old", 0..CUT), under("new", CUT..END)])];
    let (old, new) = (workload("Deployment", "old"), workload("Deployment", "new"));
    let both = outcome(Purpose::Plan, "{}", &[old, new.clone()], None, history())
        .unwrap()
        .plan;
    let refused = outcome(Purpose::Plan, MOVED, std::slice::from_ref(&new), Some(&both), history()).unwrap_err();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].code.as_str(), "moved-clash");
    assert_eq!(
        refused[0].headline,
        "`Deployment/shop/old` and `Deployment/shop/new` both have an accepted decision"
    );
    let help = refused[0].help.as_deref().unwrap();
    assert!(
        help.contains("--forget Deployment/shop/old") && help.contains("--forget Deployment/shop/new"),
        "{help}"
    );
    assert!(
        matches!(&refused[0].place, Some(Place::File { line: 9, .. })),
        "{:?}",
        refused[0].place
    );

    // a build never gates: it applies what the workload has under its own name
    let built = outcome(Purpose::Apply, MOVED, std::slice::from_ref(&new), Some(&both), vec![]).unwrap();
    let wanted = outcome(Purpose::Apply, "{}", &[new], Some(&both), vec![]).unwrap();
    assert_eq!(without_name(&built), without_name(&wanted));
    assert_eq!(said(&built.diagnostics, "moved-clash").len(), 1);
}

/// A build reads of a profile what its manifests need, a plan reads all of it.
#[test]
fn a_build_gives_the_plan_and_the_objects_of_a_profile_that_is_read_whole() {
    let of = |kind, name, steps| Recorded {
        kind,
        ..under(name, steps)
    };
    let recorded = [
        under("new", CUT..END),
        under("old", 0..CUT + 3),
        under("served-primary", 0..END),
        under("served", 0..END / 3),
        under("gone", 0..END),
        of("StatefulSet", "kept", 100..END - 100),
        Recorded {
            hours: 1,
            ..of("CronJob", "nightly", 0..END)
        },
        Recorded {
            hours: 2,
            ..of("CronJob", "daily", 0..END)
        },
    ];
    let objects = [
        workload("Deployment", "new"),
        workload("Deployment", "served"),
        workload("StatefulSet", "kept"),
        cron_job("nightly"),
        cron_job("morning"),
    ];
    for moved in [
        "{}",
        "{Deployment/old: {to: Deployment/new}, CronJob/daily: {to: CronJob/morning}}",
    ] {
        let [whole, part] = [Purpose::Plan, Purpose::Apply]
            .map(|purpose| outcome(purpose, moved, &objects, None, vec![profile(&recorded)]).unwrap());
        assert_eq!(part.plan, whole.plan, "{moved}");
        let rendered = |outcome: &Outcome| {
            let mut objects = outcome.objects.clone();
            for object in objects.existing.iter_mut().flatten() {
                // what a build without an accepted plan notes for the next one
                if let Some(annotations) = object.pointer_mut("/metadata/annotations") {
                    annotations.as_object_mut().unwrap().remove(baseline::ANNOTATION);
                }
                if object["metadata"]["annotations"] == json!({}) {
                    object["metadata"].as_object_mut().unwrap().remove("annotations");
                }
            }
            (objects.existing, objects.new)
        };
        assert_eq!(rendered(&part), rendered(&whole), "{moved}");
        let entries = &part.plan.spec.workloads;
        let sized = |key: &str| {
            let plan = entries[key].containers.values();
            plan.filter(|container| container.requests.memory.is_some()).count()
        };
        assert_eq!(sized("CronJob/shop/nightly"), 1, "{moved}: its runs are known");
        assert_eq!(sized("CronJob/shop/morning"), usize::from(moved != "{}"), "{moved}");
        let together = said(&part.diagnostics, "moved-together").len();
        assert_eq!(together, said(&whole.diagnostics, "moved-together").len(), "{moved}");
        assert_eq!(together, usize::from(moved != "{}"), "{moved}");
    }
}

/// Who renames a workload and does not say so is told the very line of the policy.
#[test]
fn an_entry_whose_workload_is_gone_names_the_move_that_would_carry_it() {
    use crate::profile_shown::{DEPLOYMENT, POLICY, profile};
    use crate::sealed::{assert_ends, trimtab};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let policy = POLICY.replace(
        "aws}",
        "aws}, workloads: {all: {match: {names: {\"*\": true}}, class: web}}",
    );
    std::fs::write(folder.join("policy.yaml"), &policy).unwrap();
    std::fs::write(folder.join("all.yaml"), DEPLOYMENT).unwrap();
    profile(folder, "profile.yaml", 1, 4);
    assert_ends(&trimtab(folder, &["plan", ".", "--write"]), 0, &[]);
    std::fs::write(folder.join("all.yaml"), DEPLOYMENT.replace("name: flat", "name: even")).unwrap();
    let way = "`spec: {identity: {moved: {Deployment/shop/flat: {to: Deployment/shop/even}}}}`";
    let built = trimtab(folder, &["render", ".", "-o", "rendered"]);
    assert_ends(
        &built,
        0,
        &["warning[plan-outdated]", "--forget Deployment/shop/flat", way],
    );
    assert_ends(&trimtab(folder, &["plan", "."]), 0, &["warning[stale]", way]);
    // and it does
    let said = policy.replace(
        "environment: e",
        "environment: e, identity: {moved: {Deployment/shop/flat: {to: Deployment/shop/even}}}",
    );
    std::fs::write(folder.join("policy.yaml"), said).unwrap();
    assert_ends(&trimtab(folder, &["plan", "."]), 0, &["note[moved]"]);
}
