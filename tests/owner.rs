//! What owners change in their manifests after a plan was accepted: it is said, and a raise is respected.

use serde_json::{Value, json};
use trimtab::krm::apply;
use trimtab::plan::model::{OptimizationPlan, Theirs, WorkloadPlan};
use trimtab::render::{overridden, render};
use trimtab::units::{Bytes, Millicores, Timestamp};
use trimtab::workload;

use crate::planning::{World, deployment, facts, wave};
use crate::sealed::{assert_ends, production, replace, trimtab};

const KEY: &str = "Deployment/shop/api";
/// 300 MiB of use: 345 with the margin, 352 on its rung, bounded to 70 % of 512 MiB: 358.4, on its rung 368.
const SIZED: &str = "{workloads: {api: {scaling: {mode: none}}}}";
/// The end of the windows of [`facts`], 2023-11-20.
const END: i64 = 1_700_438_400;
const DAY_S: i64 = 86_400;

fn resources(object: &mut Value) -> &mut Value {
    &mut object["spec"]["template"]["spec"]["containers"][0]["resources"]
}

/// A deployment of 4 pods with 500m and this much memory, request and limit.
fn with_memory(memory: &str) -> Value {
    deployment("api", 4, "500m", memory)
}

fn world(spec: &str, objects: &[Value]) -> World {
    World::new(spec, objects, vec![(KEY, facts("api", 300, wave, |_| 4))])
}

/// The world after a plan was accepted and these are the manifests.
fn moved(mut world: World, plan: OptimizationPlan, objects: &[Value]) -> World {
    world.accepted = Some(plan);
    world.workloads = workload::read(objects).0;
    world
}

/// The same with a profile that reaches so many days further.
fn later(mut world: World, plan: OptimizationPlan, days: i64) -> World {
    let end = Timestamp::from_unix(END + days * DAY_S);
    world.accepted = Some(plan);
    world.profile = format!("sha256:day-{days}");
    world.window_end = end;
    world.facts.values_mut().for_each(|facts| facts.window_end = end);
    world
}

fn memory(plan: &WorkloadPlan) -> (Bytes, &str) {
    let decided = plan.containers["api"].requests.memory.as_ref().expect("decided");
    (decided.value, &decided.reason.code)
}

#[test]
fn a_change_that_the_plan_overrides_is_said_with_all_three_values() {
    let plan = world(SIZED, &[with_memory("512Mi")]).plan();
    let said = |request: &str| -> Vec<String> {
        let mut object = with_memory("512Mi");
        resources(&mut object)["requests"]["memory"] = json!(request);
        let found = overridden(&plan, &workload::read(&[object]).0);
        assert!(found.iter().all(|found| found.code.as_str() == "manifest-changed"));
        assert!(found.iter().all(|found| found.workload.as_deref() == Some(KEY)));
        found.into_iter().map(|found| found.headline).collect()
    };
    let raised = "the manifest now says `480Mi` for `api/requests/memory`, was `512Mi` when it was planned; \
                  the plan's `368Mi` is applied";
    assert_eq!(said("480Mi"), [raised]);
    assert_eq!(said("512Mi"), [""; 0], "as it was");
    assert_eq!(said("0.5Gi"), [""; 0], "as it was, in other words");
    assert_eq!(said("368Mi"), [""; 0], "what the plan says");
    // a limit below the plan's request: the guard leaves the plan's out, and says so
    let mut object = with_memory("512Mi");
    *resources(&mut object) = json!({"requests": {"cpu": "500m", "memory": "200Mi"}, "limits": {"memory": "256Mi"}});
    let workloads = workload::read(&[object]).0;
    assert!(overridden(&plan, &workloads).is_empty());
    let codes: Vec<String> = render(&plan, &workloads)
        .1
        .iter()
        .map(|found| found.code.to_string())
        .collect();
    assert_eq!(codes, ["left-alone"]);
}

/// The plan has no hold on a container that was renamed, and says that it is outdated.
#[test]
fn of_a_container_that_is_gone_nothing_is_applied() {
    let plan = world(SIZED, &[with_memory("512Mi")]).plan();
    let mut object = with_memory("512Mi");
    object["spec"]["template"]["spec"]["containers"][0]["name"] = json!("web");
    assert_eq!(overridden(&plan, &workload::read(&[object]).0), []);
}

#[test]
fn what_was_only_observed_overrides_nothing() {
    let observed = "{mode: observe, workloads: {api: {scaling: {mode: none}}}}";
    let plan = world(observed, &[with_memory("512Mi")]).plan();
    assert!(overridden(&plan, &workload::read(&[with_memory("1Gi")]).0).is_empty());
}

#[test]
fn a_raise_holds_until_history_has_seen_it() {
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    assert_eq!(memory(&plan.spec.workloads[KEY]).0, Bytes::from_mib(368));
    let raised = moved(first, plan, &[with_memory("1Gi")]);
    let plan = raised.plan();
    assert_eq!(
        memory(&plan.spec.workloads[KEY]),
        (Bytes::from_mib(1024), "owner-raised")
    );
    let finding = &plan.spec.workloads[KEY].findings["owner-raised"].detail;
    assert!(finding.contains("`api/requests/memory` was raised to 1Gi"), "{finding}");
    assert!(finding.contains("368Mi would be planned"), "{finding}");
    assert!(overridden(&plan, &raised.workloads).is_empty(), "the plan has it now");
    // `history.minimum` is 7 days: a profile that reaches 6 days further still has the raise, one of 7 days decides
    let sixth = later(raised, plan, 6);
    let plan = sixth.plan();
    assert_eq!(memory(&plan.spec.workloads[KEY]).0, Bytes::from_mib(1024));
    // 352 is asked for; 30 % below 1024 MiB is 716.8, on its rung of 16: 720
    let seventh = later(sixth, plan, 7);
    let plan = seventh.plan();
    let waiting = &plan.spec.workloads[KEY].waiting["restart.minInterval"].containers["api"];
    let waiting = waiting.requests.memory.as_ref().expect("waits");
    assert_eq!(
        waiting.value,
        Bytes::from_mib(720),
        "the raise restarted the pods, so the next restart is 28 days later"
    );
    assert!(plan.spec.workloads[KEY].raised.is_empty());
    assert!(!plan.spec.workloads[KEY].findings.contains_key("owner-raised"));
    let plan = later(seventh, plan, 28).plan();
    assert_eq!(
        memory(&plan.spec.workloads[KEY]),
        (Bytes::from_mib(720), "capacity-bounded")
    );
}

#[test]
fn a_raise_holds_without_history_too() {
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    let mut raised = moved(first, plan, &[with_memory("1Gi")]);
    raised.facts.clear();
    raised.window_end = None;
    raised.profile = String::new();
    let plan = raised.plan();
    assert_eq!(
        memory(&plan.spec.workloads[KEY]),
        (Bytes::from_mib(1024), "owner-raised")
    );
    assert_eq!(plan.spec.workloads[KEY].raised["api/requests/memory"].until, None);
    // the first profile starts the time
    raised.facts = world(SIZED, &[]).facts;
    let plan = later(raised, plan, 0).plan();
    let until = plan.spec.workloads[KEY].raised["api/requests/memory"].until;
    assert_eq!(until, Timestamp::from_unix(END + 7 * DAY_S));
}

#[test]
fn what_the_owner_lowers_and_what_the_policy_states_is_no_floor() {
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    let plan = moved(first, plan, &[with_memory("400Mi")]).plan();
    // 352 MiB is within 10 % of the accepted 368
    assert_eq!(memory(&plan.spec.workloads[KEY]).0, Bytes::from_mib(368));
    assert!(plan.spec.workloads[KEY].raised.is_empty());
    let stated = "{workloads: {api: {scaling: {mode: none}, requests: {memory: {value: 600Mi}}}}}";
    let first = world(stated, &[with_memory("512Mi")]);
    let plan = first.plan();
    let raised = moved(first, plan, &[with_memory("1Gi")]);
    assert_eq!(
        memory(&raised.plan().spec.workloads[KEY]),
        (Bytes::from_mib(600), "stated")
    );
}

/// The reviewed numbers are copied into a manifest that said none: nothing was its owner's word before, and the plan that
/// says so can be read.
#[test]
fn values_of_ours_in_a_silent_manifest_are_no_word_of_its_owner() {
    let mut silent = deployment("api", 4, "100m", "256Mi");
    *resources(&mut silent) = json!({});
    silent["spec"].as_object_mut().expect("a map").remove("replicas");
    let rule = "requests: {cpu: {value: 200m}, memory: {value: 1Gi}}, scaling: {mode: none}";
    let spec = format!("{{workloads: {{api: {{{rule}}}}}}}");
    let first = world(&spec, &[silent]);
    let plan = first.plan();
    let mut copied = deployment("api", 4, "200m", "1Gi");
    *resources(&mut copied) = json!({"requests": {"cpu": "200m", "memory": "1Gi"}});
    copied["spec"].as_object_mut().expect("a map").remove("replicas");
    let second = moved(first, plan, &[copied]).plan();
    let said: Vec<_> = second.spec.workloads[KEY].overwritten.iter().collect();
    let nothing = Theirs::from(None);
    let (cpu, memory) = ("api/requests/cpu".to_owned(), "api/requests/memory".to_owned());
    assert_eq!(said, [(&cpu, &nothing), (&memory, &nothing)]);
    assert!(second.spec.workloads[KEY].raised.is_empty());
    let value = serde_json::to_value(nothing).expect("a word");
    assert_eq!(value, "nothing");
}

/// A host that edits in place gives the plan's own values back as the manifest's: none of them is a raise.
#[test]
fn values_of_ours_that_come_back_are_no_raise() {
    let mut objects = vec![deployment("api", 4, "100m", "256Mi")];
    let mut world = world(SIZED, &objects);
    for refresh in 1..=12_i64 {
        // use grows and falls again, so that requests go up and down
        let used = 300 + 100 * u64::try_from(6 - (refresh - 6).abs()).expect("not negative");
        world.facts = World::new(SIZED, &objects, vec![(KEY, facts("api", used, wave, |_| 4))]).facts;
        let plan = world.plan();
        assert!(plan.spec.workloads[KEY].raised.is_empty(), "refresh {refresh}");
        let edits = render(&plan, &world.workloads).0;
        objects = apply(objects, &edits).expect("the edits fit");
        world.workloads = workload::read(&objects).0;
        world = later(world, plan, refresh);
    }
}

#[test]
fn the_scale_point_stays_where_the_owner_raises_the_request() {
    let web = "{workloads: {api: {class: web, scaling: {minReplicas: {value: 3}, maxReplicas: {value: 9}}}}}";
    let first = world(web, &[with_memory("512Mi")]);
    let plan = first.plan();
    let point = |plan: &WorkloadPlan| {
        let target = &plan
            .scaler
            .as_ref()
            .and_then(|scaler| scaler.cpu.as_ref())
            .expect("scaled on CPU")
            .target;
        let request = plan.containers["api"].requests.cpu.as_ref().expect("sized");
        (request.value, u128::from(target.value.ppm()) / 10_000)
    };
    let (request, target) = point(&plan.spec.workloads[KEY]);
    let more = Millicores::new(request.get() * 3 / 2);
    let raised = moved(first, plan, &[deployment("api", 4, &more.to_string(), "512Mi")]);
    let (after, lower) = point(&raised.one("api"));
    assert_eq!(after, more);
    // whole percents, rounded down
    let (before, now) = (target * u128::from(request.get()), lower * u128::from(more.get()));
    assert!(
        now <= before && before < now + u128::from(more.get()),
        "{request} × {target}% → {more} × {lower}%"
    );
}

#[test]
fn a_raised_count_is_kept_under_the_scalers_maximum() {
    let web = "{workloads: {api: {class: web, scaling: {minReplicas: {value: 3}, maxReplicas: {value: 9}}}}}";
    for (count, kept) in [(2, 4), (4, 4), (8, 8), (20, 9)] {
        let first = world(web, &[with_memory("512Mi")]);
        let plan = first.plan();
        let plan = moved(first, plan, &[deployment("api", count, "500m", "512Mi")]).one("api");
        assert_eq!(plan.replicas.and_then(|replicas| replicas.value), Some(kept), "{count}");
    }
}

#[test]
fn bounds_that_the_owner_raises_in_an_adopted_scaler_are_kept() {
    let hpa = |min: u32, max: u32| {
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "minReplicas": min, "maxReplicas": max,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 70}}}]
            }
        })
    };
    let web = "{workloads: {api: {class: web}}}";
    let first = world(web, &[with_memory("512Mi"), hpa(2, 12)]);
    let plan = first.plan();
    let raised = moved(first, plan, &[with_memory("512Mi"), hpa(11, 30)]);
    let said = overridden(raised.accepted.as_ref().expect("accepted"), &raised.workloads);
    assert_eq!(said.len(), 2, "{said:?}");
    let scaler = raised.one("api").scaler.expect("adopted");
    assert_eq!((scaler.min_replicas.value, scaler.max_replicas.value), (11, 30));
    assert_eq!(scaler.min_replicas.reason.code, "owner-raised");
}

/// The doors that people use say it: the plan, the check and the function.
#[test]
fn every_command_says_what_the_owner_changed() {
    let folder = production();
    let folder = folder.path();
    replace(folder, "apps/base/paymentservice.yaml", "cpu: 100m", "cpu: 150m");
    let words = [
        "warning[manifest-changed]",
        "the manifest now says `150m` for `server/requests/cpu`, was `100m` when it was planned",
    ];
    assert_ends(&trimtab(folder, &["check", "."]), 3, &words);
    assert_ends(
        &trimtab(folder, &["render", "overlays/production", "-o", "rendered/production"]),
        0,
        &words,
    );
    assert_ends(&trimtab(folder, &["plan", "overlays/production", "--write"]), 0, &words);
    assert_ends(
        &trimtab(folder, &["render", "overlays/production", "-o", "rendered/production"]),
        0,
        &[],
    );
    assert_ends(&trimtab(folder, &["check", "."]), 0, &["current:"]);
}

#[test]
fn a_raise_of_many_workloads_waits_for_no_wave() {
    let names = ["a", "b", "c"];
    let keys = names.map(|name| format!("Deployment/shop/{name}"));
    let spec =
        "{guardrails: {wave: {workloads: 2}}, workloads: {all: {match: {names: {'*': true}}, scaling: {mode: none}}}}";
    let objects = |memory: &str| names.map(|name| deployment(name, 2, "500m", memory));
    let history = names.map(|name| facts(name, 300, |_| 900, |_| 2));
    let world = World::new(
        spec,
        &objects("512Mi"),
        keys.iter().map(String::as_str).zip(history).collect(),
    );
    let plan = world.plan();
    let mut world = later(world, plan, 28);
    let plan = world.plan();
    world = later(world, plan, 56);
    world.workloads = workload::read(&objects("1Gi")).0;
    let plan = world.plan();
    for (name, key) in names.iter().zip(&keys) {
        let memory = plan.spec.workloads[key].containers[*name]
            .requests
            .memory
            .as_ref()
            .expect("decided");
        assert_eq!(
            (memory.value, memory.reason.code.as_str()),
            (Bytes::from_mib(1024), "owner-raised"),
            "{name}"
        );
    }
}

#[test]
fn a_raise_that_is_taken_back_in_part_is_still_one() {
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    let raised = moved(first, plan, &[with_memory("1Gi")]);
    let plan = raised.plan();
    let moderated = moved(raised, plan, &[with_memory("768Mi")]).plan();
    assert_eq!(
        memory(&moderated.spec.workloads[KEY]),
        (Bytes::from_mib(768), "owner-raised")
    );
}

#[test]
fn under_strategy_keep_the_target_follows_a_raise_too() {
    let policy = |strategy: &str| {
        format!(
            "{{workloads: {{api: {{class: web, requests: {{strategy: {strategy}}}, scaling: {{minReplicas: {{value: 3}}, maxReplicas: {{value: 9}}}}}}}}}}"
        )
    };
    let point = |plan: &WorkloadPlan| {
        let target = &plan
            .scaler
            .as_ref()
            .and_then(|scaler| scaler.cpu.as_ref())
            .expect("on CPU")
            .target;
        let request = plan.containers["api"].requests.cpu.as_ref().expect("sized").value;
        (request, u128::from(request.get()) * u128::from(target.value.ppm()))
    };
    let mut kept = world(&policy("percentile"), &[with_memory("512Mi")]);
    kept.accepted = Some(kept.plan());
    kept.settings = crate::planning::settings(&policy("keep"));
    let plan = kept.plan();
    let (_, before) = point(&plan.spec.workloads[KEY]);
    let raised = moved(kept, plan, &[deployment("api", 4, "1500m", "512Mi")]).one("api");
    let (request, after) = point(&raised);
    assert_eq!(request, Millicores::new(1500));
    // whole percents of 1500m, rounded down
    assert!(
        after <= before && before < after + 1500 * 10_000,
        "{before} and {after}"
    );
}

/// Whole percents are rounded down, twice: without care the target went down by one with every refresh.
#[test]
fn the_target_under_a_raise_stays_where_it_is() {
    let web = "{history: {minimum: 14d}, workloads: {api: {class: web, scaling: {minReplicas: {value: 3}, maxReplicas: {value: 30}}}}}";
    let history = facts("api", 300, |step| 2 * wave(step), |_| 4);
    let first = World::new(web, &[with_memory("512Mi")], vec![(KEY, history)]);
    let plan = first.plan();
    let mut raised = moved(first, plan, &[deployment("api", 4, "3", "512Mi")]);
    let target = |plan: &OptimizationPlan| {
        let scaler = plan.spec.workloads[KEY].scaler.clone().expect("scaled");
        scaler.cpu.expect("on CPU").target.value
    };
    let mut targets = Vec::new();
    for day in 1..=6 {
        let plan = raised.plan();
        targets.push(target(&plan));
        raised = later(raised, plan, day);
    }
    targets.dedup();
    assert_eq!(targets.len(), 1, "{targets:?}");
}

/// An HPA of the owner at such a target, and pods of 500m.
fn at_target(target: u32) -> [Value; 2] {
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "theirs", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 3, "maxReplicas": 12,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}}]
        }
    });
    [with_memory("512Mi"), hpa]
}

fn target(plan: &WorkloadPlan) -> (u64, &str) {
    let target = &plan
        .scaler
        .as_ref()
        .and_then(|scaler| scaler.cpu.as_ref())
        .expect("on CPU")
        .target;
    (target.value.ppm() / 10_000, &target.reason.code)
}

/// A lower target asks for more pods: a ceiling until history has seen it. A higher one is said.
#[test]
fn a_target_that_its_owner_edits_is_said_and_a_lower_one_respected() {
    let web = "{guardrails: {restart: {minInterval: 0d}}, workloads: {api: {class: web}}}";
    let first = world(web, &at_target(70));
    let plan = first.plan();
    let (planned, _) = target(&plan.spec.workloads[KEY]);
    assert!(planned > 40, "{planned}");
    for (edited, more) in [(40, true), (85, false)] {
        let found = overridden(&plan, &workload::read(&at_target(edited)).0);
        let said = format!(
            "the manifest now says `{edited}` for `scaler/cpuTarget`, was `70` when it was planned; the plan's `{planned}` is applied"
        );
        assert_eq!(found.iter().map(|found| &found.headline).collect::<Vec<_>>(), [&said]);
        assert_eq!(
            found[0]
                .help
                .iter()
                .any(|help| help.contains("no higher than a target that was lowered")),
            more
        );
    }
    let higher = moved(world(web, &[]), plan.clone(), &at_target(85)).plan();
    assert_eq!(target(&higher.spec.workloads[KEY]).0, planned);
    let request = |plan: &WorkloadPlan| plan.containers["api"].requests.cpu.as_ref().expect("sized").value;
    let mut lower = moved(first, plan.clone(), &at_target(40));
    let mut requests = Vec::new();
    for day in 1..=6 {
        let plan = lower.plan();
        let one = &plan.spec.workloads[KEY];
        assert_eq!(target(one), (40, "owner-raised"), "day {day}");
        assert!(
            one.findings["owner-raised"]
                .detail
                .contains("`scaler/cpuTarget` was lowered to 40%")
        );
        requests.push(request(one));
        lower = later(lower, plan, day);
    }
    requests.dedup();
    // more pods of one size, no smaller pods
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0] >= request(&plan.spec.workloads[KEY]), "{requests:?}");
    let plan = lower.plan();
    assert_eq!(target(&later(lower, plan, 7).one("api")).1, "scale-point-kept");
    // what the policy states is not affected
    let stated = world(
        "{workloads: {api: {class: web, scaling: {targets: {cpu: {value: 60%}}}}}}",
        &at_target(70),
    );
    let plan = stated.plan();
    assert_eq!(target(&moved(stated, plan, &at_target(40)).one("api")), (60, "stated"));
}

/// Back to what it was before is no raise, whichever way the detour went; and later than history takes to judge, it is one.
#[test]
fn what_is_written_again_as_it_was_is_no_raise() {
    for detour in ["400Mi", "1Gi"] {
        let first = world(SIZED, &[with_memory("512Mi")]);
        let plan = first.plan();
        let before = plan.spec.workloads[KEY].containers.clone();
        let there = moved(first, plan, &[with_memory(detour)]);
        let plan = there.plan();
        let back = moved(there, plan, &[with_memory("512Mi")]);
        let plan = back.plan();
        let one = &plan.spec.workloads[KEY];
        assert_eq!(
            (&one.raised.len(), memory(one).0),
            (&0, Bytes::from_mib(368)),
            "{detour}"
        );
        assert_eq!(one.containers, before, "{detour}");
        assert!(one.lowered.is_empty(), "{detour}");
        // more than it ever was
        let more = moved(back, plan, &[with_memory("640Mi")]).one("api");
        assert_eq!(memory(&more), (Bytes::from_mib(640), "owner-raised"), "{detour}");
    }
    // taken away, and written again
    let mut bare = with_memory("512Mi");
    resources(&mut bare)["requests"]
        .as_object_mut()
        .expect("a map")
        .remove("memory");
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    let there = moved(first, plan, &[bare]);
    let plan = there.plan();
    assert_eq!(
        memory(&moved(there, plan, &[with_memory("512Mi")]).one("api")).0,
        Bytes::from_mib(368)
    );
    // a week later nobody remembers
    let first = world(SIZED, &[with_memory("512Mi")]);
    let plan = first.plan();
    let lowered = moved(first, plan, &[with_memory("400Mi")]);
    let plan = lowered.plan();
    let judged = later(lowered, plan, 7);
    let plan = judged.plan();
    assert!(plan.spec.workloads[KEY].lowered.is_empty());
    let again = moved(judged, plan, &[with_memory("512Mi")]).one("api");
    assert_eq!(memory(&again), (Bytes::from_mib(512), "owner-raised"));
}

/// The memory of a JVM goes down by a word of the policy only, on the window of its owner's raise too.
#[test]
fn a_jvm_is_held_at_what_its_owner_raised_it_to() {
    let spec =
        |more: &str| format!("{{{more}workloads: {{api: {{scaling: {{mode: none}}, runtime: {{kind: jvm}}}}}}}}");
    let first = world(&spec(""), &[with_memory("512Mi")]);
    let plan = first.plan();
    let raised = moved(first, plan, &[with_memory("1Gi")]);
    let plan = raised.plan();
    assert_eq!(
        memory(&plan.spec.workloads[KEY]),
        (Bytes::from_mib(1024), "owner-raised")
    );
    let mut back = moved(raised, plan, &[with_memory("512Mi")]);
    for workloads in 3..6 {
        let plan = back.plan();
        assert_eq!(
            memory(&plan.spec.workloads[KEY]),
            (Bytes::from_mib(1024), "memory-not-lowered")
        );
        back.accepted = Some(plan);
        back.settings =
            crate::planning::settings(&spec(&format!("guardrails: {{wave: {{workloads: {workloads}}}}}, ")));
    }
}
