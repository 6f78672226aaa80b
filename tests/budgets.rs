//! Budgets within the bounds that the policy states: a bound is kept, and where it can't be no budget pretends to.

use trimtab::plan::model::WorkloadPlan;
use trimtab::units::IntOrPercent::{self, Int, Percent};

use crate::planning::{World, deployment};
use crate::policy::{parse_text, wrap};

fn plan(replicas: u32, disruption: &str) -> WorkloadPlan {
    let spec = format!("{{workloads: {{api: {{scaling: {{mode: none}}, disruption: {{{disruption}}}}}}}}}");
    World::new(&spec, &[deployment("api", replicas, "1", "1Gi")], vec![]).one("api")
}

/// One may go of fewer than 20, a tenth (rounded up) of more.
#[test]
fn bounds_of_a_budget_are_kept() {
    type Written = (Option<IntOrPercent>, Option<IntOrPercent>);
    let go = |most: IntOrPercent| -> Written { (None, Some(most)) };
    let stay = |least: IntOrPercent| -> Written { (Some(least), None) };
    for (replicas, disruption, expected, code) in [
        (4, "mode: auto", go(Int(1)), "one-at-a-time"),
        (4, "maxUnavailable: {max: 2}", go(Int(1)), "one-at-a-time"),
        (4, "maxUnavailable: {min: 2}", go(Int(2)), "bounded"),
        (4, "maxUnavailable: {min: 50%}", go(Percent(50)), "bounded"),
        // a quarter of 4 is the one that may go anyway
        (4, "maxUnavailable: {min: 25%}", go(Int(1)), "one-at-a-time"),
        // 10 % of 30 are 3, and of more they are more
        (30, "mode: auto", go(Percent(10)), "one-at-a-time"),
        (30, "maxUnavailable: {max: 2}", go(Int(2)), "bounded"),
        (30, "maxUnavailable: {max: 5}", go(Int(3)), "bounded"),
        (30, "maxUnavailable: {max: 5%}", go(Percent(5)), "bounded"),
        (4, "minAvailable: {min: 3}", go(Int(1)), "one-at-a-time"),
        (4, "minAvailable: {min: 50%}", go(Int(1)), "one-at-a-time"),
        (4, "minAvailable: {max: 2}", stay(Int(2)), "bounded"),
    ] {
        let one = plan(replicas, disruption);
        let budget = one
            .disruption
            .unwrap_or_else(|| panic!("{disruption}: {:?}", one.findings));
        let decided = budget.min_available.as_ref().or(budget.max_unavailable.as_ref());
        assert_eq!(
            decided.map(|decided| decided.reason.code.as_str()),
            Some(code),
            "{replicas}: {disruption}"
        );
        let written = (
            budget.min_available.map(|decided| decided.value),
            budget.max_unavailable.map(|decided| decided.value),
        );
        assert_eq!(written, expected, "{replicas}: {disruption}");
    }
}

/// 2 of 2 must stay, so none may go: a value says that, a bound does not.
#[test]
fn a_bound_that_no_pod_can_go_under_makes_no_budget() {
    let one = plan(2, "minAvailable: {min: 2}");
    assert_eq!(one.disruption, None);
    let found = &one.findings["pdb-blocks-evictions"].detail;
    assert!(
        found.starts_with("`disruption.minAvailable` (rule api) asks for 2 at least, and 1 of 2 replicas are left"),
        "{found}"
    );
    let stated = plan(2, "minAvailable: {value: 2}");
    assert!(stated.disruption.is_some() && stated.findings.contains_key("pdb-blocks-evictions"));
}

#[test]
fn a_bound_of_nothing_is_refused_at_its_place() {
    for (disruption, column, bound) in [
        ("maxUnavailable: {max: 0}", 46, "0"),
        ("maxUnavailable: {max: 0%}", 46, "0%"),
        ("minAvailable: {min: 100%}", 44, "100%"),
    ] {
        let spec = format!(
            "environment: test\ncluster: {{kubernetes: \"1.33\"}}\nworkloads:\n  api: {{disruption: {{{disruption}}}}}"
        );
        let problems = parse_text(&wrap(&spec)).map(|_| ()).expect_err(disruption);
        let said = format!(
            "a bound of {bound} lets no pod go, and node drains would never end\n --> policy.yaml:8:{column}\n"
        );
        assert!(problems.contains(&said), "{said}{problems}");
    }
}

#[test]
fn a_budget_that_protects_nothing_is_said() {
    for (replicas, disruption, is_said) in [
        (1, "maxUnavailable: {value: 1}", true),
        (2, "maxUnavailable: {value: 1}", false),
        (1, "maxUnavailable: {value: 25%}", true),
        (3, "minAvailable: {value: 0}", true),
        (3, "minAvailable: {value: 1}", false),
    ] {
        let one = plan(replicas, disruption);
        assert_eq!(
            one.findings.contains_key("pdb-protects-nothing"),
            is_said,
            "{replicas}: {disruption}"
        );
        assert!(one.disruption.is_some(), "what is stated is rendered");
    }
    let none = plan(1, "maxUnavailable: {max: 2}");
    assert_eq!(none.disruption, None, "a bound alone makes none for a single pod");
    assert!(none.findings.contains_key("pdb-omitted"));
}

#[test]
fn a_workload_without_a_selector_is_told_so() {
    let mut object = deployment("api", 3, "1", "1Gi");
    object["spec"].as_object_mut().expect("a map").remove("selector");
    let one = World::new("{workloads: {api: {class: web}}}", &[object], vec![]).one("api");
    assert_eq!(
        one.findings["pdb-omitted"].detail,
        "it has no `spec.selector`, without which no API server takes it, and a budget would select nothing"
    );
}
