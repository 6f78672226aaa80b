//! What the owner of a workload changes of how its pods end and start, after a plan: said, and never shortened.

use serde_json::{Value, json};
use trimtab::plan::model::OptimizationPlan;
use trimtab::units::Seconds;
use trimtab::workload;

use crate::planning::{World, deployment, facts, settings, wave};

const KEY: &str = "Deployment/shop/api";

fn with_grace(grace: Option<u64>) -> Value {
    let mut object = deployment("api", 4, "1", "1Gi");
    if let Some(grace) = grace {
        object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = grace.into();
    }
    object
}

fn spec(grace: &str) -> String {
    format!("{{workloads: {{api: {{scaling: {{mode: none}}, termination: {{gracePeriod: {grace}}}}}}}}}")
}

fn grace(plan: &OptimizationPlan) -> Option<(u64, &str)> {
    let decided = plan.spec.workloads[KEY].grace_period.as_ref()?;
    Some((decided.value.get(), decided.reason.code.as_str()))
}

/// What a build that applies the plan says of these manifests.
fn said(plan: &OptimizationPlan, object: &Value) -> Vec<String> {
    let (workloads, _) = workload::read(std::slice::from_ref(object));
    let found = trimtab::render::overridden(plan, &workloads).into_iter();
    let left_out = trimtab::render::render(plan, &workloads).1;
    found.chain(left_out).map(|found| found.headline).collect()
}

#[test]
fn a_grace_period_that_its_owner_lengthens_is_said_and_never_shortened() {
    let mut world = World::new(&spec("{value: 45s}"), &[with_grace(Some(40))], vec![]);
    let first = world.plan();
    assert_eq!(grace(&first), Some((45, "stated")));
    let longer = with_grace(Some(120));
    assert_eq!(
        said(&first, &longer),
        ["the manifest now gives the pods 2m to end, and the plan 45s: the manifest's stays"]
    );
    let shorter = "the manifest now says `35` for `terminationGracePeriodSeconds`, was `40` when it was planned; the plan's `45` is applied";
    assert_eq!(said(&first, &with_grace(Some(35))), [shorter]);
    world.accepted = Some(first);
    world.workloads = workload::read(&[longer]).0;
    for round in 0..3 {
        world.profile = format!("sha256:{round}");
        let plan = world.plan();
        assert_eq!(grace(&plan), Some((120, "owner-raised")), "round {round}");
        let found = &plan.spec.workloads[KEY].findings["owner-raised"].detail;
        assert!(
            found.contains("raised to 2m in the manifest, and `termination.gracePeriod` (rule api) says 45s"),
            "{found}"
        );
        world.accepted = Some(plan);
    }
    // the manifest or the policy ends it
    let mut lowered = world.accepted.clone();
    std::mem::swap(&mut world.accepted, &mut lowered);
    world.workloads = workload::read(&[with_grace(Some(40))]).0;
    assert_eq!(grace(&world.plan()), Some((45, "stated")));
    world.workloads = workload::read(&[with_grace(Some(120))]).0;
    world.settings = settings(&spec("{value: 3m}"));
    assert_eq!(grace(&world.plan()), Some((180, "stated")));
}

/// What was longer when it was first planned, the policy shortens: that is its word.
#[test]
fn a_policy_that_knew_the_longer_one_is_obeyed() {
    let mut world = World::new(&spec("{value: 45s}"), &[with_grace(Some(90))], vec![]);
    for round in 0..2 {
        let plan = world.plan();
        assert_eq!(grace(&plan), Some((45, "stated")), "round {round}");
        world.profile = format!("sha256:{round}");
        world.accepted = Some(plan);
    }
    // a host that edits in place has written ours back, and the policy says less by now
    world.workloads = workload::read(&[with_grace(Some(45))]).0;
    world.settings = settings(&spec("{value: 35s}"));
    assert_eq!(grace(&world.plan()), Some((35, "stated")));
}

#[test]
fn a_bounded_sleep_is_its_least() {
    let sleep = |termination: &str| {
        let spec = format!(
            "{{workloads: {{api: {{scaling: {{mode: none}}, termination: {{preStopSleep: {termination}}}}}}}}}"
        );
        let one = World::new(&spec, &[with_grace(None)], vec![]).one("api");
        one.pre_stop_sleep.map(|decided| (decided.value, decided.reason.code))
    };
    assert_eq!(sleep("{value: 5s}"), Some((Seconds::new(5), "stated".to_owned())));
    assert_eq!(sleep("{min: 5s}"), Some((Seconds::new(5), "bounded".to_owned())));
    assert_eq!(sleep("{max: 5s}"), None);
}

/// The owner shortens the grace period under a sleep that was planned in a longer one.
#[test]
fn a_sleep_that_does_not_fit_any_more_is_left_out() {
    let spec = "{workloads: {api: {scaling: {mode: none}, termination: {preStopSleep: {value: 15s}}}}}";
    let world = World::new(spec, &[with_grace(Some(60))], vec![]);
    let plan = world.plan();
    assert_eq!(said(&plan, &with_grace(Some(60))), Vec::<String>::new());
    let shorter = with_grace(Some(10));
    assert_eq!(
        said(&plan, &shorter),
        ["a sleep of 15s before the stop signal does not fit in the grace period of 10s: it is left out"]
    );
    let (workloads, _) = workload::read(std::slice::from_ref(&shorter));
    let (edits, _) = trimtab::render::render(&plan, &workloads);
    let after = trimtab::krm::apply(vec![shorter.clone()], &edits).expect("it applies");
    assert_eq!(after[0]["spec"]["template"], shorter["spec"]["template"]);
}

/// One pod at a time, and a scaler that adds pods: whoever wrote the one after the other was accepted has to know.
#[test]
fn a_workload_that_becomes_exclusive_under_a_scaler_is_said() {
    let before = deployment("api", 4, "1", "1Gi");
    let mut after = before.clone();
    after["spec"]["strategy"] = json!({"type": "Recreate"});
    let spec = "{workloads: {api: {class: web, spread: {mode: none}}}}";
    let mut world = World::new(
        spec,
        std::slice::from_ref(&before),
        vec![(KEY, facts("api", 300, wave, |_| 4))],
    );
    let plan = world.plan();
    let scaler = plan.spec.workloads[KEY].scaler.clone();
    assert!(scaler.is_some());
    assert_eq!(said(&plan, &before), Vec::<String>::new());
    let found = said(&plan, &after);
    assert!(
        found.len() == 1 && found[0].starts_with("the manifest now allows one pod at a time"),
        "{found:?}"
    );
    world.accepted = Some(plan);
    world.workloads = workload::read(&[after]).0;
    world.profile = "sha256:2".to_owned();
    let plan = world.one("api");
    assert_eq!(plan.scaler.map(|scaler| scaler.name), scaler.map(|scaler| scaler.name));
    let found = &plan.findings["not-scalable"].detail;
    assert!(
        found.contains("the accepted scaler stays; `scaling: {mode: none}` takes it away"),
        "{found}"
    );
}
