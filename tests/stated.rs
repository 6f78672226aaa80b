//! What the policy states is applied, and where recorded usage says otherwise, that is a finding with its numbers.

use serde_json::{Value, json};
use trimtab::plan::model::{OptimizationPlan, WorkloadPlan};
use trimtab::units::{Bytes, Millicores};

use crate::planning::{World, deployment, facts, settings};

const CODE: &str = "stated-below-usage";
const MEMORY_LIMIT: &str =
    "container `api`: a memory limit of 32Mi, and up to 192Mi were used: it is killed when it reaches the limit";

/// A workload of two pods, 200m and 192 MiB each, that requests 500m and 256 MiB; with this memory limit, or none.
fn plan(limit: Option<&str>, rule: &str, spec: &str) -> WorkloadPlan {
    let mut object = deployment("api", 2, "500m", "256Mi");
    let limits = limit.map_or(json!({}), |limit| json!({"memory": limit}));
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = limits;
    let spec = format!("{{{spec}workloads: {{api: {{scaling: {{mode: none}}, {rule}}}}}}}");
    let objects: [Value; 1] = [object];
    World::new(
        &spec,
        &objects,
        vec![("Deployment/shop/api", facts("api", 192, |_| 400, |_| 2))],
    )
    .one("api")
}

#[test]
fn a_stated_value_below_recorded_use_is_a_finding_and_applied() {
    let killed = |limit: &str| MEMORY_LIMIT.replace("32Mi", limit);
    let evicted = "container `api`: a memory request of 191Mi and no limit, and up to 192Mi were used: on a full node it is evicted first";
    let slow = "container `api`: a CPU request of 199m, and 200m are used in the median: on a full node it gets less";
    for (limit, rule, said) in [
        (
            Some("256Mi"),
            "requests: {memory: {value: 20Mi}}, limits: {memory: {value: 32Mi}}",
            Some(killed("32Mi")),
        ),
        (Some("256Mi"), "limits: {memory: {value: 191Mi}}", Some(killed("191Mi"))),
        (Some("256Mi"), "limits: {memory: {value: 192Mi}}", None),
        // a request below a limit that is enough
        (Some("256Mi"), "requests: {memory: {value: 20Mi}}", None),
        // 20 of 256, as its owner wrote
        (
            Some("256Mi"),
            "requests: {memory: {value: 20Mi}}, limits: {memory: {mode: ratio}}",
            Some(killed("20Mi")),
        ),
        (None, "requests: {memory: {value: 191Mi}}", Some(evicted.to_owned())),
        (None, "requests: {memory: {value: 192Mi}}", None),
        (Some("256Mi"), "requests: {cpu: {value: 199m}}", Some(slow.to_owned())),
        (Some("256Mi"), "requests: {cpu: {value: 200m}}", None),
        (
            None,
            "requests: {cpu: {value: 199m}, memory: {value: 191Mi}}",
            Some(format!("{slow}; {evicted}")),
        ),
        // the owner's own words are no finding of the policy
        (Some("100Mi"), "requests: {strategy: keep}", None),
    ] {
        let found = plan(limit, rule, "")
            .findings
            .get(CODE)
            .map(|found| found.detail.clone());
        assert_eq!(found, said, "{limit:?} {rule}");
    }
}

#[test]
fn it_is_obeyed_and_can_be_accepted() {
    let rule = "requests: {cpu: {value: 10m}, memory: {value: 20Mi}}, limits: {memory: {value: 32Mi}}";
    let accept = "accept: {small: {code: stated-below-usage, workload: api, reason: a new version uses less}}, ";
    for (spec, accepted) in [("", None), (accept, Some("small"))] {
        let one = plan(Some("256Mi"), rule, spec);
        let api = &one.containers["api"];
        let requests = (&api.requests.cpu, &api.requests.memory);
        assert_eq!(requests.0.as_ref().map(|cpu| cpu.value), Some(Millicores::new(10)));
        assert_eq!(
            requests.1.as_ref().map(|memory| memory.value),
            Some(Bytes::from_mib(20))
        );
        let limit = api.limits.memory.as_ref().and_then(|limit| limit.value);
        assert_eq!(limit, Some(Bytes::from_mib(32)));
        assert_eq!(one.findings[CODE].accepted.as_deref(), accepted);
    }
}

/// What the policy stated once stays where no history says more, and is not called stated for that.
#[test]
fn a_statement_that_went_is_no_reason_any_more() {
    let rule = |body: &str| settings(&format!("{{workloads: {{api: {{scaling: {{mode: none}}, {body}}}}}}}"));
    let stated = "requests: {cpu: {value: 300m}, memory: {value: 300Mi}}, limits: {cpu: {value: '1'}}, termination: {gracePeriod: {value: 40s}}";
    let mut world = World::new("{}", &[deployment("api", 2, "500m", "256Mi")], vec![]);
    world.settings = rule(stated);
    let codes = |plan: &OptimizationPlan| {
        let one = &plan.spec.workloads["Deployment/shop/api"];
        let (requests, limits) = (&one.containers["api"].requests, &one.containers["api"].limits);
        let (cpu, memory) = (
            requests.cpu.as_ref().expect("stays"),
            requests.memory.as_ref().expect("stays"),
        );
        let limit = limits.cpu.as_ref().expect("stays");
        let grace = one.grace_period.as_ref().expect("stays");
        assert_eq!((cpu.value, memory.value), (Millicores::new(300), Bytes::from_mib(300)));
        assert_eq!(limit.value, Some(Millicores::new(1000)));
        [&cpu.reason, &memory.reason, &limit.reason, &grace.reason].map(|reason| reason.code.clone())
    };
    let plan = world.plan();
    assert_eq!(codes(&plan), ["stated"; 4]);
    world.accepted = Some(plan);
    for strategy in ["percentile", "keep", "percentile"] {
        world.settings = rule(&format!("requests: {{strategy: {strategy}}}"));
        let plan = world.plan();
        assert_eq!(codes(&plan), ["kept"; 4], "{strategy}");
        world.accepted = Some(plan);
    }
}

/// A bound of a request is obeyed; a limit that would follow it below the highest use is not taken along.
#[test]
fn a_bound_of_a_request_takes_no_limit_below_recorded_use() {
    let equal = "limits: {memory: {mode: equal}}";
    let ratio = "limits: {memory: {mode: ratio}}";
    // up to 192 MiB: with the margin of 15 % 220.8, on its rung 224
    let says = |limit: &str| {
        format!(
            "container `api`: its memory limit would follow its request to {limit}, and up to 192Mi were used: the limit is 224Mi"
        )
    };
    for (limits, bound, (request, limit), said) in [
        // 192 + 15 % on its rung
        (equal, "", (224, 224), None),
        (equal, ", memory: {max: 180Mi}", (180, 224), Some(says("180Mi"))),
        // 512 of 256, as its owner wrote
        (ratio, ", memory: {max: 80Mi}", (80, 224), Some(says("160Mi"))),
        (ratio, ", memory: {max: 100Mi}", (100, 208), None),
        // stated is stated
        (
            equal,
            ", memory: {value: 180Mi}",
            (180, 180),
            Some(MEMORY_LIMIT.replace("32Mi", "180Mi")),
        ),
    ] {
        let rule = format!("requests: {{strategy: percentile{bound}}}, {limits}");
        let one = plan(Some("512Mi"), &rule, "guardrails: {capacityDecrease: 100%}, ");
        let api = &one.containers["api"];
        let found = (
            api.requests.memory.as_ref().map(|memory| memory.value),
            api.limits.memory.as_ref().and_then(|limit| limit.value),
        );
        assert_eq!(
            found,
            (Some(Bytes::from_mib(request)), Some(Bytes::from_mib(limit))),
            "{rule}"
        );
        assert_eq!(one.findings.get(CODE).map(|found| found.detail.clone()), said, "{rule}");
    }
}

/// Without a limit a bound of the request is all there is.
#[test]
fn a_bound_of_a_request_below_recorded_use_is_said() {
    let one = plan(
        None,
        "requests: {memory: {max: 180Mi}}",
        "guardrails: {capacityDecrease: 100%}, ",
    );
    let said = "container `api`: a memory request of 180Mi and no limit, and up to 192Mi were used: on a full node it is evicted first";
    assert_eq!(one.findings[CODE].detail, said);
}
