//! Limits that follow requests keep the proportion that the owner gave them, whatever plans made of the request since.

use serde_json::{Value, json};
use trimtab::krm::apply;
use trimtab::plan::model::{ContainerPlan, OptimizationPlan};
use trimtab::render::render;
use trimtab::units::{Millicores, Timestamp};
use trimtab::workload;

use crate::planning::{World, deployment, facts, settings};

const KEY: &str = "Deployment/shop/api";
const END: i64 = 1_700_438_400;
const WEEK_S: i64 = 7 * 24 * 3600;

fn with_cpu(request: &str, limit: &str) -> Value {
    let mut object = deployment("api", 2, request, "512Mi");
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!(limit);
    object
}

fn policy(requests: &str) -> String {
    format!(
        "{{guardrails: {{restart: {{minInterval: 0d}}}}, workloads: {{api: {{scaling: {{mode: none}}, requests: {{{requests}}}}}}}}}"
    )
}

/// The CPU request and limit that a plan leaves, given the owner's limit.
fn cpu(plan: &OptimizationPlan, own: u64) -> (u64, u64) {
    let ContainerPlan { requests, limits } = &plan.spec.workloads[KEY].containers["api"];
    let request = requests.cpu.as_ref().expect("sized").value.get();
    let limit = limits.cpu.as_ref().and_then(|limit| limit.value);
    (request, limit.map_or(own, Millicores::get))
}

/// Another month, with such a load of both pods together.
fn next_month(world: &mut World, plan: OptimizationPlan, month: i64, load: u64) {
    let end = Timestamp::from_unix(END + 4 * month * WEEK_S);
    world
        .facts
        .insert(KEY.to_owned(), facts("api", 300, move |_| load, |_| 2));
    world.facts.values_mut().for_each(|facts| facts.window_end = end);
    (world.accepted, world.window_end, world.profile) = (Some(plan), end, format!("sha256:month {month}"));
}

/// Who writes the plan into the manifest.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Host {
    /// A build: the manifest stays the owner's.
    Build,
    /// A host that edits in place, after every plan, or after every other.
    InPlace { every: i64 },
}

/// Quiet months lower the request and no limit; a busy one brings the limit to twice the request, as its owner wrote.
#[test]
fn twelve_refreshes_keep_the_owners_proportion() {
    // of two pods; 130m + 15 % = 149.5m, next rung 150m, in steps of 30 % at most: 500, 350, 250 (245), 180 (175), 150.
    // 1141m + 15 % = 1312.2m, next rung 1350m; 2400m + 15 % = 2760m, next rung 2800m
    let (quiet, busy, busier) = (260, 2282, 4800);
    let months = [
        (quiet, (350, 1000)),
        (quiet, (250, 1000)),
        (quiet, (180, 1000)),
        (quiet, (150, 1000)),
        (busy, (1350, 2700)),
        // 945, 665, 469, 329 on their rungs, and the limit stays
        (quiet, (950, 2700)),
        (quiet, (670, 2700)),
        (quiet, (470, 2700)),
        (quiet, (330, 2700)),
        (busy, (1350, 2700)),
        (busier, (2800, 5600)),
        (busier, (2800, 5600)),
    ];
    for host in [Host::Build, Host::InPlace { every: 1 }, Host::InPlace { every: 2 }] {
        let mut objects = vec![with_cpu("500m", "1")];
        let mut world = World::new(&policy(""), &objects, vec![(KEY, facts("api", 300, |_| quiet, |_| 2))]);
        for (month, (load, expected)) in (1_i64..).zip(months) {
            if let Some(accepted) = world.accepted.take() {
                next_month(&mut world, accepted, month, load);
            }
            let plan = world.plan();
            assert_eq!(cpu(&plan, 1000), expected, "{host:?}, month {month}");
            if matches!(host, Host::InPlace { every } if month % every == 0) {
                let edits = render(&plan, &world.workloads).0;
                objects = apply(objects, &edits).expect("the edits fit");
                world.workloads = workload::read(&objects).0;
            }
            world.accepted = Some(plan);
        }
    }
}

/// In a manifest that a host edits in place, what the owner writes anew counts from then on.
#[test]
fn what_the_owner_writes_over_a_value_of_ours_counts() {
    let first = with_cpu("500m", "1");
    let mut world = World::new(&policy(""), &[first], vec![(KEY, facts("api", 300, |_| 260, |_| 2))]);
    // 150m at twice as much; 450m was the owner's, of a limit of one core, and 350m is ours
    for (request, expected) in [("350m", (1350, 2700)), ("450m", (1350, 3000))] {
        world.accepted = None;
        world.workloads = workload::read(&[with_cpu("500m", "1")]).0;
        world.facts.insert(KEY.to_owned(), facts("api", 300, |_| 260, |_| 2));
        let plan = world.plan();
        assert_eq!(cpu(&plan, 1000), (350, 1000));
        next_month(&mut world, plan, 1, 2282);
        world.workloads = workload::read(&[with_cpu(request, "1")]).0;
        assert_eq!(cpu(&world.plan(), 1000), expected, "{request}");
    }
}

#[test]
fn a_stated_request_takes_the_limit_along_in_the_owners_proportion() {
    // 100m + 15 % = 115m; 300m in a step of 30 %: 210m. Then 800m of 300m, and a limit of 600m
    let history = vec![(KEY, facts("api", 300, |_| 200, |_| 2))];
    let mut world = World::new(&policy(""), &[with_cpu("300m", "600m")], history);
    let plan = world.plan();
    assert_eq!(cpu(&plan, 600), (210, 600));
    next_month(&mut world, plan, 1, 200);
    world.settings = settings(&policy("cpu: {value: 800m}"));
    let plan = world.plan();
    assert_eq!(cpu(&plan, 600), (800, 1600));
    let limit = plan.spec.workloads[KEY].containers["api"].limits.cpu.as_ref();
    let said = trimtab::report::reason(&limit.expect("follows").reason);
    assert_eq!(
        said,
        "limit-follows-request: limit in the manifest 600m, request in the manifest 300m, request 800m, was 600m"
    );
}

/// A request that a stated limit cuts is the request that target and counts are solved for.
#[test]
fn a_scaler_is_solved_for_the_request_that_the_limit_leaves() {
    let spec = |limit: &str| {
        format!("{{guardrails: {{restart: {{minInterval: 0d}}}}, workloads: {{api: {{class: web{limit}}}}}}}")
    };
    let history = || vec![(KEY, facts("api", 300, |step| crate::planning::wave(step) / 5, |_| 6))];
    let capped = World::new(
        &spec(", limits: {cpu: {value: 60m}}"),
        &[deployment("api", 6, "100m", "512Mi")],
        history(),
    );
    let plan = capped.plan();
    let one = &plan.spec.workloads[KEY];
    let cpu = one.containers["api"].requests.cpu.as_ref().expect("cut");
    assert_eq!(
        (cpu.value, cpu.reason.code.as_str()),
        (Millicores::new(60), "capped-by-limit")
    );
    assert_eq!(cpu.reason.inputs["limit"], "60m");
    assert!(
        one.findings["capped-by-limit"]
            .detail
            .contains("is cut to the limit of 60m")
    );
    let scaler = one.scaler.as_ref().expect("solved");
    let target = scaler.cpu.as_ref().expect("on CPU").target.value.ppm() / 10_000;
    // 600m at the highest, and half as much again, in pods of 60m at the target
    let most = (900 * 100_u64).div_ceil(60 * target);
    assert!(
        u64::from(scaler.max_replicas.value) >= most,
        "{} of {most}",
        scaler.max_replicas.value
    );
    // the median of 360m without one of three zones, in pods that carry 54m: 360 × 3 / 2 / 54
    assert_eq!(scaler.min_replicas.value, 10);
    // an accepted scaler is solved anew for it: 350m of 500m can't be had of 60m
    let mut world = World::new(
        &spec(""),
        &[deployment("api", 6, "500m", "512Mi")],
        vec![(KEY, facts("api", 300, |_| 2000, |_| 6))],
    );
    world.settings = settings(&spec(", scaling: {minReplicas: {value: 3}, maxReplicas: {max: 90}}"));
    let plan = world.plan();
    next_month(&mut world, plan, 1, 2000);
    world.settings = settings(&spec(
        ", scaling: {minReplicas: {value: 3}, maxReplicas: {max: 90}}, limits: {cpu: {value: 60m}}",
    ));
    let plan = world.plan();
    let one = &plan.spec.workloads[KEY];
    assert_eq!(self::cpu(&plan, 0), (60, 60));
    let scaler = one.scaler.as_ref().expect("kept");
    let target = scaler.cpu.as_ref().expect("on CPU").target.value;
    assert!((30..=90).contains(&(target.ppm() / 10_000)), "{target}");
    assert!(one.findings.contains_key("scale-point-moved"), "{:?}", one.findings);
    // 2 cores, and half as much again
    assert!(
        u64::from(scaler.max_replicas.value) * 60 * (target.ppm() / 10_000) >= 300_000,
        "{scaler:?}"
    );
}

/// Where no profile is there any more, too: what stays is cut, and the target is that of what is left.
#[test]
fn a_limit_that_is_stated_without_history_moves_the_target_along() {
    let spec = |limit: &str| {
        let bounds = "minReplicas: {value: 3}, maxReplicas: {value: 90}";
        format!("{{workloads: {{api: {{class: web, scaling: {{{bounds}}}{limit}}}}}}}")
    };
    let history = vec![(KEY, facts("api", 300, |_| 2000, |_| 6))];
    let mut world = World::new(&spec(""), &[deployment("api", 6, "500m", "512Mi")], history);
    let plan = world.plan();
    let target = |plan: &OptimizationPlan| {
        let scaler = plan.spec.workloads[KEY].scaler.as_ref().expect("stated");
        scaler.cpu.as_ref().expect("on CPU").target.value.ppm() / 10_000
    };
    let (request, before) = (cpu(&plan, 0).0, target(&plan));
    world.accepted = Some(plan);
    (world.facts, world.window_end, world.profile) = (std::collections::BTreeMap::new(), None, String::new());
    // a tenth less: pods are added at the load of before
    let limit = request * 9 / 10;
    world.settings = settings(&spec(&format!(", limits: {{cpu: {{value: {limit}m}}}}")));
    let plan = world.plan();
    assert_eq!(cpu(&plan, 0), (limit, limit));
    assert_eq!(target(&plan), before * request / limit);
}

/// Also a request that would stay as it is.
#[test]
fn a_stated_limit_cuts_the_manifests_own_request() {
    for strategy in ["none", "keep", "percentile"] {
        let spec = format!(
            "{{workloads: {{api: {{scaling: {{mode: none}}, requests: {{strategy: {strategy}}}, limits: {{cpu: {{value: 200m}}, memory: {{value: 256Mi}}}}}}}}}}"
        );
        let world = World::new(&spec, &[with_cpu("500m", "1")], vec![]);
        let api = &world.one("api").containers["api"];
        let found = (
            api.requests
                .cpu
                .as_ref()
                .map(|cpu| (cpu.value.get(), cpu.reason.code.as_str())),
            api.requests
                .memory
                .as_ref()
                .map(|memory| memory.value.mib_ceil().to_string()),
        );
        assert_eq!(
            found,
            (Some((200, "capped-by-limit")), Some("256Mi".to_owned())),
            "{strategy}"
        );
    }
}

/// A StatefulSet keeps its request where that is derived: a limit does not leave it behind.
#[test]
fn a_held_request_and_its_limit_stay_together() {
    let mut set = with_cpu("500m", "1");
    set["kind"] = json!("StatefulSet");
    // 300 MiB of use under 512: derived, and so not written
    for (rule, expected) in [("mode: equal", (None, None)), ("value: 400Mi", (Some(400), Some(400)))] {
        let spec = format!("{{workloads: {{api: {{scaling: {{mode: none}}, limits: {{memory: {{{rule}}}}}}}}}}}");
        let history = vec![("StatefulSet/shop/api", facts("api", 300, |_| 260, |_| 2))];
        let plan = World::new(&spec, std::slice::from_ref(&set), history).plan();
        let container = plan.spec.workloads["StatefulSet/shop/api"]
            .containers
            .get("api")
            .cloned();
        let ContainerPlan { requests, limits } = container.unwrap_or_default();
        let mib = |bytes: trimtab::units::Bytes| bytes.get() / 1024 / 1024;
        let found = (
            requests.memory.map(|memory| mib(memory.value)),
            limits.memory.and_then(|limit| limit.value).map(mib),
        );
        assert_eq!(found, expected, "{rule}");
    }
}

/// What the API server would refuse waits for no interval: the owner lowered a limit under a request that we keep.
#[test]
fn a_limit_that_its_owner_lowers_under_a_request_that_waits_ends_the_wait() {
    let spec = "{workloads: {api: {scaling: {mode: none}}}}";
    let history = vec![(KEY, facts("api", 300, |_| 260, |_| 2))];
    let mut world = World::new(spec, &[with_cpu("500m", "1")], history);
    let first = world.plan();
    let end = Timestamp::from_unix(END + WEEK_S);
    world.facts.values_mut().for_each(|facts| facts.window_end = end);
    (world.accepted, world.window_end, world.profile) = (Some(first), end, "sha256:week".to_owned());
    let waits = world.plan();
    assert!(waits.spec.workloads[KEY].waiting.contains_key("restart.minInterval"));
    world.accepted = Some(waits);
    let mut lowered = with_cpu("500m", "1");
    let memory = json!("256Mi");
    let resources = &mut lowered["spec"]["template"]["spec"]["containers"][0]["resources"];
    (resources["requests"]["memory"], resources["limits"]["memory"]) = (memory.clone(), memory);
    world.workloads = workload::read(&[lowered]).0;
    let plan = world.plan();
    let (_, said) = render(&plan, &world.workloads);
    assert!(said.is_empty(), "{said:?}");
    let ContainerPlan { requests, limits } = &plan.spec.workloads[KEY].containers["api"];
    let request = requests.memory.as_ref().map(|memory| memory.value);
    assert_eq!(limits.memory.as_ref().and_then(|limit| limit.value), request);
}
