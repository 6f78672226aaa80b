//! What planning promises, on hand-made history: no ratchet, nothing accepted disappears, gentle first merges, one
//! broken workload stops no other.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trimtab::diag::Diagnostic;
use trimtab::facts::{ContainerFacts, DemandCell, Facts, Replicas, Usage, WeekUsage};
use trimtab::plan::model::{Digests, Finding, OptimizationPlan, SpotPlacement, SpotPlan, Status, WorkloadPlan};
use trimtab::plan::{self, Inputs};
use trimtab::policy::wire::Mode;
use trimtab::policy::{self, Settings, Source};
use trimtab::profile::sketch::Sketch;
use trimtab::report::{self, Format, PlanTable};
use trimtab::units::{Bytes, IntOrPercent, Millicores, Percent, Seconds, Timestamp};
use trimtab::workload::{self, Workloads};

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("the test's own YAML")
}

pub(crate) fn settings(spec: &str) -> Settings {
    let mut policy = yaml("{apiVersion: trimtab.dev/v1alpha1, kind: OptimizationPolicy, metadata: {name: test}}");
    let mut body = yaml("{environment: test, mode: enforce, cluster: {kubernetes: '1.33'}}");
    for (key, value) in yaml(spec).as_object().expect("a spec is a map") {
        body[key] = value.clone();
    }
    policy["spec"] = body;
    policy::parse(&policy, &Source::object("OptimizationPolicy", "test")).expect("the test's own policy")
}

pub(crate) fn deployment(name: &str, replicas: u32, cpu: &str, memory: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": name, "image": "registry.example/app:1",
                    "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
                }]}
            }
        }
    })
}

fn read(objects: &[Value]) -> Workloads {
    workload::read(objects).0
}

const WEEK_S: i64 = 7 * 24 * 3600;

/// Four weeks at 300 s. `total(step)` is the demand of all pods in milli-cores, `pods(step)` how many there were.
pub(crate) fn facts(container: &str, memory_mib: u64, total: impl Fn(i64) -> u64, pods: impl Fn(i64) -> u32) -> Facts {
    let end = 1_700_438_400; // a Monday, 2023-11-20T00:00:00Z
    let steps = 4 * WEEK_S / 300;
    let mut cells = Vec::new();
    let mut weeks: Vec<WeekUsage> = Vec::new();
    for week in 0..4_i64 {
        let mut samples = Vec::new();
        for step in week * steps / 4..(week + 1) * steps / 4 {
            let (total, active) = (total(step) * 1_000_000, pods(step));
            let at = end - 4 * WEEK_S + (step + 1) * 300;
            let end = Timestamp::from_unix(at).expect("in range");
            cells.push(DemandCell {
                end,
                step_s: 300,
                total,
                active,
            });
            samples.extend(std::iter::repeat_n(total / u64::from(active), 1));
        }
        weeks.push(WeekUsage {
            age: u32::try_from(3 - week).expect("small"),
            sketch: Sketch::of(samples),
        });
    }
    let memory = Sketch::of([memory_mib * 1024 * 1024; 100]);
    let last = pods(steps - 1);
    let container_facts = ContainerFacts {
        cpu: Usage { clusters: vec![weeks] },
        memory: Usage {
            clusters: vec![vec![WeekUsage { age: 0, sketch: memory }]],
        },
        cpu_demand: cells.into_iter().collect(),
        memory_span: (Seconds::from_days(28), Percent::WHOLE),
        ..ContainerFacts::default()
    };
    Facts {
        recorded: Seconds::from_days(28),
        coverage: Percent::WHOLE,
        window_end: Timestamp::from_unix(end),
        containers: BTreeMap::from([(container.to_owned(), container_facts)]),
        replicas: Replicas {
            last_day_p95: Some(last),
            highest: (0..steps).map(&pods).max(),
            seen: (0..steps).fold(BTreeMap::new(), |mut seen, step| {
                *seen.entry(pods(step)).or_default() += 1;
                seen
            }),
        },
        ..Facts::default()
    }
}

pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) workloads: Workloads,
    pub(crate) facts: BTreeMap<String, Facts>,
    pub(crate) accepted: Option<OptimizationPlan>,
    pub(crate) profile: String,
    pub(crate) window_end: Option<Timestamp>,
}

/// What is written can be read, whatever was planned.
pub(crate) fn reads_back(plan: &OptimizationPlan) {
    let (value, source) = (plan::codec::to_value(plan), Source::object("OptimizationPlan", "test"));
    let read = plan::codec::parse(&value, &source, &plan.spec.environment);
    assert_eq!(read.as_ref(), Ok(plan));
}

impl World {
    pub(crate) fn new(spec: &str, objects: &[Value], facts: Vec<(&str, Facts)>) -> Self {
        let facts: BTreeMap<String, Facts> = facts.into_iter().map(|(key, facts)| (key.to_owned(), facts)).collect();
        Self {
            settings: settings(spec),
            workloads: read(objects),
            window_end: facts.values().find_map(|facts| facts.window_end),
            facts,
            accepted: None,
            profile: "sha256:1".to_owned(),
        }
    }

    pub(crate) fn plan(&self) -> OptimizationPlan {
        self.planned().0
    }

    pub(crate) fn planned(&self) -> (OptimizationPlan, Vec<Diagnostic>) {
        let inputs = Inputs {
            settings: &self.settings,
            workloads: &self.workloads,
            facts: &self.facts,
            accepted: self.accepted.as_ref(),
            digests: Digests {
                policy: "sha256:p".to_owned(),
                profile: self.profile.clone(),
            },
            window_end: self.window_end,
        };
        let (plan, diagnostics) = plan::plan(&inputs);
        reads_back(&plan);
        (plan, diagnostics)
    }

    pub(crate) fn one(&self, name: &str) -> WorkloadPlan {
        let key = format!("Deployment/shop/{name}");
        self.plan()
            .spec
            .workloads
            .remove(&key)
            .unwrap_or_else(|| panic!("{key} is planned"))
    }
}

fn cpu(plan: &WorkloadPlan, container: &str) -> Option<Millicores> {
    plan.containers
        .get(container)?
        .requests
        .cpu
        .as_ref()
        .map(|decision| decision.value)
}

fn memory(plan: &WorkloadPlan, container: &str) -> Option<Bytes> {
    plan.containers
        .get(container)?
        .requests
        .memory
        .as_ref()
        .map(|decision| decision.value)
}

/// A day wave between 600 and 3000 milli-cores.
pub(crate) fn wave(step: i64) -> u64 {
    let hour = step % 288 / 12;
    600 + 200 * u64::try_from(12 - (hour - 12).abs()).expect("not negative")
}

pub(crate) const WEB: &str = "{workloads: {api: {class: web}}}";
const PLAIN: &str = "{workloads: {api: {scaling: {mode: none}}}}";

#[test]
fn a_request_is_the_percentile_plus_margin_on_the_next_rung() {
    // steady 400m in 2 pods: 200m each; sketch's upper edge is the maximum, 200m; + 15 % = 230m
    let facts = facts("api", 300, |_| 400, |_| 2);
    let world = World::new(
        PLAIN,
        &[deployment("api", 2, "250m", "512Mi")],
        vec![("Deployment/shop/api", facts)],
    );
    let plan = world.one("api");
    // 250m -> 230m is 8 %, less than minChange: kept
    assert_eq!(cpu(&plan, "api"), Some(Millicores::new(250)));
    assert_eq!(
        plan.containers["api"]
            .requests
            .cpu
            .as_ref()
            .map(|d| d.reason.code.as_str()),
        Some("below-min-change")
    );
    // memory 300 MiB + 15 % = 345 MiB, next rung of 16 MiB: 352; but 30 % below 512 is 358.4, next rung: 368
    assert_eq!(
        memory(&plan, "api"),
        Some(Bytes::from_mib(368)),
        "bounded to 70 % of 512 MiB, rounded up"
    );
}

#[test]
fn a_request_goes_up_at_once_where_usage_needs_it() {
    // 2 pods of 900m each with a request of 100m; 900 * 1.15 = 1035, next rung of 50m: 1050m
    let facts = facts("api", 900, |_| 1800, |_| 2);
    let world = World::new(
        PLAIN,
        &[deployment("api", 2, "100m", "512Mi")],
        vec![("Deployment/shop/api", facts)],
    );
    let plan = world.one("api");
    assert_eq!(cpu(&plan, "api"), Some(Millicores::new(1050)));
    // 900 MiB * 1.15 = 1035 MiB, next rung of 64: 1088; the limit of 512 MiB keeps its proportion of 1
    assert_eq!(memory(&plan, "api"), Some(Bytes::from_mib(1088)));
    let limit = plan.containers["api"]
        .limits
        .memory
        .as_ref()
        .and_then(|limit| limit.value);
    assert_eq!(
        limit,
        Some(Bytes::from_mib(1088)),
        "a limit never stays under its request"
    );
}

#[test]
fn capacity_shrinks_by_at_most_the_guardrail() {
    for (replicas, request) in [(12, 2000), (6, 1000), (3, 500)] {
        let facts = facts("api", 100, wave, |_| replicas);
        let manifest = deployment("api", replicas, &format!("{request}m"), "2Gi");
        let plan = World::new(WEB, &[manifest], vec![("Deployment/shop/api", facts)]).one("api");
        // without a scaler the replicas stay
        let least = plan
            .scaler
            .as_ref()
            .map_or(replicas, |scaler| scaler.min_replicas.value);
        let after = cpu(&plan, "api").expect("sized").get() * u64::from(least);
        let before = request * u64::from(replicas);
        assert!(after * 10 >= before * 7, "CPU capacity {before} -> {after}");
        let after = memory(&plan, "api").expect("sized").get() * u64::from(least);
        let before = 2 * 1024 * 1024 * 1024 * u64::from(replicas);
        assert!(after * 10 >= before * 7, "memory capacity {before} -> {after}");
    }
}

/// Replicas that an HPA would settle at: within 10 % of the target nothing moves.
fn settled(total: u64, request: u64, target: u64, mut replicas: u32, min: u32, max: u32) -> u32 {
    for _ in 0..50 {
        let utilization = total * 100 / (u64::from(replicas) * request);
        let off = utilization.abs_diff(target) * 10 > target;
        let wanted = if off {
            u32::try_from((u64::from(replicas) * utilization).div_ceil(target)).expect("small")
        } else {
            replicas
        };
        replicas = wanted.clamp(min, max);
    }
    replicas
}

#[test]
fn twelve_refreshes_fed_back_on_constant_demand_settle_and_stay() {
    // 1.2 cores, four pods that are far too large; the owner wants a scaler although the load is even
    let spec = "{workloads: {api: {class: web, scaling: {minReplicas: {min: 2}, maxReplicas: {value: 20}}}}}";
    let mut world = World::new(
        spec,
        &[deployment("api", 4, "2", "1Gi")],
        vec![("Deployment/shop/api", facts("api", 400, |_| 1200, |_| 4))],
    );
    let mut history = Vec::new();
    for refresh in 0..24 {
        world.profile = format!("sha256:{refresh}");
        let plan = world.plan();
        let one = &plan.spec.workloads["Deployment/shop/api"];
        let scaler = one.scaler.clone().expect("stated bounds ask for a scaler");
        let request = cpu(one, "api").expect("sized").get();
        let target = scaler.cpu.as_ref().expect("scaled on CPU").target.value.ppm() / 10_000;
        let replicas = settled(
            1200,
            request,
            target,
            4,
            scaler.min_replicas.value,
            scaler.max_replicas.value,
        );
        history.push((request, target, scaler.min_replicas.value, replicas));
        let next = Timestamp::from_unix(1_700_438_400 + (refresh + 1) * 28 * 86_400 + 86_400);
        let mut seen = facts("api", 400, |_| 1200, move |_| replicas);
        seen.window_end = next;
        world.window_end = next;
        world.facts.insert("Deployment/shop/api".to_owned(), seen);
        world.accepted = Some(plan);
    }
    let settled = history[11];
    assert!(
        history[12..].iter().all(|later| *later == settled),
        "no ratchet: {history:?}"
    );
    let (request, target, _, replicas) = settled;
    // pods that carry the load at their target, and are not starved
    assert!(request * u64::from(replicas) >= 1200, "{history:?}");
    assert!(request <= 1000 && (30..=90).contains(&target), "{history:?}");
}

#[test]
fn target_and_request_meet_as_the_table_says() {
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api-hpa", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": 3, "maxReplicas": 12,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
        }
    });
    // 500m at 70 %: pods are added at 350m. The load has been there: 2800m in 8 pods.
    let cases: [(&str, &str, Option<u64>, u32, bool); 3] = [
        (
            "target stated",
            "scaling: {targets: {cpu: {value: 50%}}}",
            Some(700),
            50,
            false,
        ),
        ("request stated", "requests: {cpu: {value: 700m}}", Some(700), 50, false),
        (
            "both stated",
            "requests: {cpu: {value: 200m}}, scaling: {targets: {cpu: {value: 70%}}}",
            Some(200),
            70,
            true,
        ),
    ];
    for (case, extra, request, target, is_moved) in cases {
        let spec = format!("{{workloads: {{api: {{class: web, {extra}}}}}}}");
        let facts = facts("api", 300, |_| 2800, |_| 8);
        let objects = [deployment("api", 3, "500m", "512Mi"), hpa.clone()];
        let plan = World::new(&spec, &objects, vec![("Deployment/shop/api", facts)]).one("api");
        let scaler = plan
            .scaler
            .as_ref()
            .unwrap_or_else(|| panic!("{case}: {:?}", plan.findings));
        assert_eq!(scaler.name, "api-hpa", "{case}: adopted under its own name");
        assert!(scaler.adopted, "{case}");
        assert_eq!(cpu(&plan, "api").map(Millicores::get), request, "{case}");
        assert_eq!(
            scaler.cpu.as_ref().map(|cpu| cpu.target.value),
            Some(Percent::from_percent(target)),
            "{case}"
        );
        assert_eq!(
            plan.findings.contains_key("scale-point-moved"),
            is_moved,
            "{case}: {:?}",
            plan.findings
        );
    }
}

#[test]
fn too_little_history_keeps_what_was_accepted() {
    let key = "Deployment/shop/api";
    let full = facts("api", 300, wave, |_| 4);
    let mut world = World::new(WEB, &[deployment("api", 4, "1", "1Gi")], vec![(key, full.clone())]);
    let accepted = world.plan();
    let short = Facts {
        recorded: Seconds::from_days(1),
        ..full
    };
    for (case, facts) in [("an outage", None), ("one day", Some(short))] {
        world.accepted = Some(accepted.clone());
        world.profile = format!("sha256:{case}");
        world.facts.clear();
        world.facts.extend(facts.map(|facts| (key.to_owned(), facts)));
        let plan = world.one("api");
        let before = &accepted.spec.workloads[key];
        assert_eq!(plan.status, Status::Kept, "{case}");
        assert_eq!(plan.containers, before.containers, "{case}");
        assert_eq!(plan.scaler, before.scaler, "{case}");
        assert_eq!(plan.disruption, before.disruption, "{case}");
        assert!(plan.findings.contains_key("stale"), "{case}");
    }
}

#[test]
fn what_was_accepted_survives_a_rename_and_a_lost_rule() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        WEB,
        &[deployment("api", 4, "1", "1Gi")],
        vec![(key, facts("api", 300, wave, |_| 4))],
    );
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.workloads = read(&[deployment("gateway", 4, "1", "1Gi")]);
    let plan = world.plan();
    assert_eq!(plan.spec.workloads[key].scaler, accepted.spec.workloads[key].scaler);
    assert!(plan.spec.workloads[key].findings.contains_key("stale"));

    world.workloads = read(&[deployment("api", 4, "1", "1Gi")]);
    world.settings = settings("{workloads: {other: {class: web}}}");
    world.profile = "sha256:2".to_owned();
    let plan = world.plan();
    assert_eq!(plan.spec.workloads[key].scaler, accepted.spec.workloads[key].scaler);
    assert_eq!(plan.spec.workloads[key].status, Status::Kept);
}

#[test]
fn one_broken_workload_stops_no_other() {
    let spec = "{workloads: {a: {match: {labels: {app: api}}, spot: {mode: never}}, \
                 b: {match: {labels: {app: api}}, spot: {mode: prefer}}, web: {scaling: {mode: none}}}}";
    let objects = [deployment("api", 2, "1", "1Gi"), deployment("web", 2, "1", "1Gi")];
    let world = World::new(
        spec,
        &objects,
        vec![("Deployment/shop/web", facts("web", 100, |_| 400, |_| 2))],
    );
    let plan = world.plan();
    assert_eq!(plan.spec.workloads["Deployment/shop/api"].status, Status::Refused);
    assert!(
        plan.spec.workloads["Deployment/shop/api"]
            .findings
            .contains_key("rule-tie")
    );
    assert_eq!(plan.spec.workloads["Deployment/shop/web"].status, Status::Planned);
    assert_eq!(
        cpu(&plan.spec.workloads["Deployment/shop/web"], "web"),
        Some(Millicores::new(700))
    );
}

/// What is refused is not rendered in any mode; the plan says the mode that the policy asks for, again and again.
#[test]
fn a_refused_workload_has_the_mode_of_its_policy() {
    let mut job = deployment("api", 1, "1", "1Gi");
    job["kind"] = json!("Job");
    job["apiVersion"] = json!("batch/v1");
    for (spec, mode) in [
        ("mode: enforce", Mode::Enforce),
        ("mode: observe", Mode::Observe),
        ("mode: frozen", Mode::Frozen),
    ] {
        let mut world = World::new(
            &format!("{{{spec}, workloads: {{api: {{class: batch}}}}}}"),
            std::slice::from_ref(&job),
            vec![],
        );
        for round in ["first", "second"] {
            world.profile = format!("sha256:{round}");
            let plan = world.plan();
            let one = &plan.spec.workloads["Job/shop/api"];
            assert_eq!((one.mode, one.status), (mode, Status::Refused), "{spec}, {round} plan");
            assert!(!one.is_rendered(), "{spec}");
            world.accepted = Some(plan);
        }
    }
}

#[test]
fn planning_what_was_accepted_on_the_same_evidence_changes_nothing() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![(key, facts("api", 300, wave, |_| 6))],
    );
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    assert_eq!(world.plan(), accepted);
}

#[test]
fn a_line_that_does_not_change_keeps_its_bytes() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        PLAIN,
        &[deployment("api", 2, "250m", "256Mi")],
        vec![(key, facts("api", 200, |_| 400, |_| 2))],
    );
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.profile = "sha256:next".to_owned();
    // a little other usage than before, and no other rung: 199m + 15 % = 229m, as 230m before; 203 MiB + 15 % = 233.5,
    // as 230 MiB before on the rung of 240
    world.facts.insert(key.to_owned(), facts("api", 203, |_| 398, |_| 2));
    assert_eq!(
        world.plan().spec.workloads[key].containers,
        accepted.spec.workloads[key].containers
    );
}

#[test]
fn replicas_are_handed_over_and_dropped_when_the_scaler_is_in_force() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![(key, facts("api", 300, wave, |_| 6))],
    );
    let plan = world.plan();
    let one = &plan.spec.workloads[key];
    assert_eq!(
        one.replicas.as_ref().and_then(|replicas| replicas.value),
        Some(6),
        "what runs, not the manifest's 2"
    );
    let max = one.scaler.as_ref().map(|scaler| scaler.max_replicas.value);
    assert!(max >= Some(6), "the first merge takes nothing away: {max:?}");
    world.accepted = Some(plan);
    world.profile = "sha256:next".to_owned();
    if let Some(facts) = world.facts.get_mut(key) {
        facts.has_scaler_in_force = true;
    }
    let plan = world.one("api");
    let replicas = plan.replicas.as_ref().expect("still said");
    assert_eq!(replicas.value, None, "dropped");
}

#[test]
fn a_scaler_goes_only_by_mode_none_and_leaves_what_was_in_force() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![(key, facts("api", 300, wave, |_| 6))],
    );
    world.accepted = Some(world.plan());
    world.settings = settings("{workloads: {api: {class: web, scaling: {mode: none}}}}");
    world.profile = "sha256:next".to_owned();
    let plan = world.one("api");
    assert_eq!(plan.scaler, None);
    assert_eq!(plan.replicas.as_ref().and_then(|replicas| replicas.value), Some(6));
    assert!(plan.removed.scaler.is_some() && plan.removed.disruption.is_none());
    // a host may have missed that plan: the next one says it again
    world.accepted = Some(world.plan());
    world.profile = "sha256:later".to_owned();
    assert!(world.one("api").removed.scaler.is_some());
    // wanted again, it does not go
    world.settings = settings(WEB);
    let plan = world.one("api");
    assert!(plan.scaler.is_some() && plan.removed.is_empty());
}

/// `none` from the start removes nothing, and the plan is not longer for it.
#[test]
fn what_was_never_there_is_not_removed() {
    let world = World::new(PLAIN, &[deployment("api", 2, "500m", "512Mi")], vec![]);
    assert!(world.one("api").removed.is_empty());
}

#[test]
fn an_hpa_never_becomes_a_scaled_object_in_one_merge() {
    let key = "Deployment/shop/api";
    let mut world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![(key, facts("api", 300, wave, |_| 6))],
    );
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.settings = settings(
        "{cluster: {kubernetes: '1.33', addons: {keda: '2.18'}}, workloads: {api: {class: web, scaling: {mode: keda, targets: {cpu: {value: 60%}}}}}}",
    );
    world.profile = "sha256:next".to_owned();
    let plan = world.one("api");
    assert_eq!(plan.scaler, accepted.spec.workloads[key].scaler);
    assert!(plan.findings.contains_key("scaler-change"));
}

#[test]
fn observe_renders_nothing_and_takes_nothing_back() {
    let key = "Deployment/shop/api";
    let history = vec![(key, facts("api", 300, wave, |_| 4))];
    let mut world = World::new(
        "{mode: observe, workloads: {api: {class: web}}}",
        &[deployment("api", 4, "1", "1Gi")],
        history,
    );
    let plan = world.one("api");
    assert_eq!(plan.mode, Mode::Observe);
    assert!(plan.scaler.is_some(), "the plan says what it would do");
    world.settings = settings(WEB);
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.settings = settings("{mode: observe, workloads: {api: {class: web}}}");
    world.profile = "sha256:next".to_owned();
    let plan = world.one("api");
    assert_eq!(plan.mode, Mode::Enforce, "what is rendered stays rendered");
    assert_eq!(plan.scaler, accepted.spec.workloads[key].scaler);
}

/// KEP-2837: what the pod as a whole states, its containers share.
#[test]
fn beside_pod_level_resources_only_what_the_policy_states_is_set() {
    let sized = |policy: &str, of_pod: &Value| {
        let mut object = deployment("api", 4, "250m", "512Mi");
        object["spec"]["template"]["spec"]["resources"] = of_pod.clone();
        World::new(
            policy,
            &[object],
            vec![("Deployment/shop/api", facts("api", 900, wave, |_| 4))],
        )
        .one("api")
    };
    let is_set = |plan: &WorkloadPlan| (cpu(plan, "api").is_some(), memory(plan, "api").is_some());
    for (of_pod, expected) in [
        (json!({}), (true, true)),
        (json!({"requests": {"cpu": "1"}}), (false, true)),
        (json!({"limits": {"memory": "1Gi"}}), (true, false)),
        (json!({"requests": {"cpu": "1", "memory": "1Gi"}}), (false, false)),
    ] {
        let plan = sized(PLAIN, &of_pod);
        assert_eq!(is_set(&plan), expected, "{of_pod}");
        let is_said = plan.findings.contains_key("pod-level-resources");
        assert_eq!(is_said, expected != (true, true), "{of_pod}");
    }
    let stated = "{workloads: {api: {scaling: {mode: none}, requests: {memory: {value: 600Mi}}}}}";
    let plan = sized(stated, &json!({"requests": {"memory": "1Gi"}}));
    assert_eq!(memory(&plan, "api"), Some(Bytes::from_mib(600)));
    // a metric of the pod would be a share of the pod's request, so the target looks at the container's own
    let scaled = "{workloads: {api: {class: web, scaling: {minReplicas: {value: 3}, maxReplicas: {value: 30}, \
                  targets: {cpu: {value: 60%}}}}}}";
    let plan = sized(scaled, &json!({"requests": {"cpu": "1"}}));
    let target = plan.scaler.and_then(|scaler| scaler.cpu).expect("scaled on CPU");
    assert_eq!(
        (target.target.value, target.container.as_deref()),
        (Percent::from_percent(60), Some("api"))
    );
    assert_eq!(cpu(&sized(scaled, &json!({"requests": {"cpu": "1"}})), "api"), None);
}

/// A VPA that acts is no recommendation, and neither is rendered.
#[test]
fn observing_says_what_its_vpa_would_do() {
    for (mode, words) in [
        ("recommend", "not even the VPA that only recommends"),
        ("initial", "nor its VPA, which sets requests"),
        ("recreate", "nor its VPA, which sets requests"),
    ] {
        let spec = format!(
            "{{mode: observe, cluster: {{kubernetes: '1.33', addons: {{vpa: '1.5'}}}}, \
             workloads: {{api: {{scaling: {{mode: none}}, vpa: {{mode: {mode}}}}}}}}}"
        );
        let history = vec![("Deployment/shop/api", facts("api", 300, wave, |_| 4))];
        let plan = World::new(&spec, &[deployment("api", 4, "500m", "512Mi")], history).one("api");
        let said = &plan.findings["observed"].detail;
        assert!(said.contains(words), "{mode}: {said}");
    }
}

#[test]
fn restarts_come_in_waves_and_not_too_often() {
    let names = ["a", "b", "c"];
    let objects: Vec<Value> = names.iter().map(|name| deployment(name, 2, "1", "1Gi")).collect();
    let history = names.iter().map(|name| facts(name, 100, |_| 400, |_| 2));
    let keys: Vec<String> = names.iter().map(|name| format!("Deployment/shop/{name}")).collect();
    let history: Vec<(&str, Facts)> = keys.iter().map(String::as_str).zip(history).collect();
    let spec =
        "{guardrails: {wave: {workloads: 2}}, workloads: {all: {match: {names: {'*': true}}, scaling: {mode: none}}}}";
    let mut world = World::new(spec, &objects, history);
    let first = world.plan();
    let restarting = |plan: &OptimizationPlan| -> Vec<String> {
        plan.spec
            .workloads
            .iter()
            .filter(|(_, w)| w.findings.contains_key("restarts-pods"))
            .map(|(k, _)| k.clone())
            .collect()
    };
    assert_eq!(restarting(&first), keys[..2]);
    assert!(first.spec.workloads[&keys[2]].findings.contains_key("restart-deferred"));
    assert_eq!(first.spec.workloads[&keys[2]].containers, BTreeMap::new());
    // a week later the first two have restarted less than 28 days ago, so only the third goes
    let next = Timestamp::from_unix(1_700_438_400 + WEEK_S);
    world.accepted = Some(first.clone());
    world.profile = "sha256:next".to_owned();
    world.window_end = next;
    let second = world.plan();
    assert_eq!(restarting(&second), keys[2..]);
    assert_eq!(
        cpu(&second.spec.workloads[&keys[0]], "a"),
        cpu(&first.spec.workloads[&keys[0]], "a")
    );
}

/// A world whose first plan was accepted at the end of its window, planned again a week later under another policy.
fn a_week_later(mut world: World, spec: &str) -> World {
    world.accepted = Some(world.plan());
    world.settings = settings(spec);
    "sha256:next".clone_into(&mut world.profile);
    world.window_end = Timestamp::from_unix(1_700_438_400 + WEEK_S);
    world
}

#[test]
fn what_the_policy_states_waits_for_no_guardrail() {
    let spec = |spot: &str| {
        format!(
            "{{cluster: {{kubernetes: '1.33', provider: aws}}, guardrails: {{wave: {{workloads: 1}}}}, \
             workloads: {{api: {{scaling: {{mode: none}}, spot: {{mode: {spot}}}}}}}}}"
        )
    };
    let objects = [deployment("api", 2, "1", "1Gi")];
    let history = vec![("Deployment/shop/api", facts("api", 100, |_| 400, |_| 2))];
    let world = a_week_later(World::new(&spec("prefer"), &objects, history), &spec("never"));
    let plan = world.one("api");
    assert_eq!(plan.spot.map(|spot| spot.mode), Some(SpotPlacement::Never));
    assert!(plan.findings.contains_key("restarts-pods"), "{:?}", plan.findings);
    assert_eq!(plan.waiting, BTreeMap::new());
}

#[test]
fn what_waits_is_shown_with_its_value_and_its_day() {
    // 1 core → 700m in the first plan (30 % at most), 490m a week later: too early to restart again
    let spec = "{workloads: {api: {scaling: {mode: none}}}}";
    let objects = [deployment("api", 2, "1", "1Gi")];
    let history = vec![("Deployment/shop/api", facts("api", 900, |_| 400, |_| 2))];
    let mut world = a_week_later(World::new(spec, &objects, history), spec);
    let plan = world.plan();
    let api = &plan.spec.workloads["Deployment/shop/api"];
    assert_eq!(cpu(api, "api"), Some(Millicores::new(700)), "kept");
    let waits = &api.waiting["restart.minInterval"];
    assert_eq!(
        waits.containers["api"].requests.cpu.as_ref().map(|d| d.value),
        Some(Millicores::new(490))
    );
    let table = PlanTable::of([(&plan, world.accepted.as_ref())]);
    let text = report::plan(&table, Format::Markdown, 120);
    // four weeks after 2023-11-20
    for expected in [
        "cpu request api: kept 700m, waits: 490m",
        "2023-12-18",
        "1 with values that wait",
    ] {
        assert!(text.contains(expected), "`{expected}` in:\n{text}");
    }
    // accepted, it is known and not said again; the count still says it
    world.accepted = Some(plan.clone());
    let again = world.plan();
    assert_eq!(again.spec.workloads, plan.spec.workloads);
    let text = report::plan(&PlanTable::of([(&again, Some(&plan))]), Format::Markdown, 120);
    assert!(
        text.contains("1 with values that wait") && !text.contains("kept 700m"),
        "{text}"
    );
}

#[test]
fn what_a_daemon_set_does_not_take_is_shown() {
    let mut agent = deployment("agent", 1, "100m", "1Gi");
    agent["kind"] = json!("DaemonSet");
    agent["spec"].as_object_mut().expect("a map").remove("replicas");
    let key = "DaemonSet/shop/agent";
    let history = vec![(key, facts("agent", 900, |_| 200, |_| 1))];
    let world = World::new("{workloads: {agent: {}}}", &[agent], history);
    let plan = &world.plan().spec.workloads[key];
    assert_eq!(cpu(plan, "agent"), None);
    // 200m + 15 % = 230m
    let waits = &plan.waiting["restart.stateful"].containers["agent"].requests.cpu;
    assert_eq!(waits.as_ref().map(|d| d.value), Some(Millicores::new(230)));
}

#[test]
fn an_older_cluster_is_no_deferral() {
    let spec = |version: &str| {
        format!(
            "{{cluster: {{kubernetes: '{version}'}}, \
             workloads: {{api: {{class: web, scaling: {{targets: {{cpu: {{value: 70%}}}}}}}}}}}}"
        )
    };
    let mut api = deployment("api", 3, "500m", "1Gi");
    let proxy =
        json!({"name": "proxy", "image": "registry.example/proxy:1", "resources": {"requests": {"cpu": "10m"}}});
    api["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .expect("containers")
        .push(proxy);
    let history = vec![("Deployment/shop/api", facts("api", 900, wave, |_| 3))];
    let mut world = a_week_later(World::new(&spec("1.31"), &[api], history), &spec("1.25"));
    let zone = "topology.kubernetes.io/zone";
    let accepted = &world.accepted.as_ref().expect("accepted").spec.workloads["Deployment/shop/api"];
    assert!(accepted.spread[zone].per_revision && accepted.spread[zone].honor_taints);
    assert!(
        accepted
            .scaler
            .as_ref()
            .and_then(|s| s.cpu.as_ref()?.container.as_ref())
            .is_some()
    );
    assert!(
        accepted
            .disruption
            .as_ref()
            .is_some_and(|budget| budget.always_allow_unhealthy)
    );
    for (case, mode) in [("planned", "enforce"), ("frozen", "frozen")] {
        world.settings = settings(&spec("1.25").replacen('{', &format!("{{mode: {mode}, "), 1));
        let plan = world.one("api");
        let spread = &plan.spread[zone];
        assert!(!spread.per_revision && !spread.honor_taints, "{case}");
        assert_eq!(plan.scaler.and_then(|scaler| scaler.cpu?.container), None, "{case}");
        assert!(
            plan.disruption.is_some_and(|budget| !budget.always_allow_unhealthy),
            "{case}"
        );
    }
}

#[test]
fn the_template_of_a_stateful_set_changes_only_where_stated() {
    let mut set = deployment("db", 3, "1", "1Gi");
    set["kind"] = json!("StatefulSet");
    let key = "StatefulSet/shop/db";
    let history = vec![(key, facts("db", 100, |_| 300, |_| 3))];
    let world = World::new("{workloads: {db: {requests: {memory: {value: 2Gi}}}}}", &[set], history);
    let plan = &world.plan().spec.workloads[key];
    assert_eq!(cpu(plan, "db"), None, "derived");
    assert_eq!(memory(plan, "db"), Some(Bytes::from_mib(2048)), "stated");
}

#[test]
fn a_preset_moves_no_stateful_set_and_a_rule_may() {
    let mut set = deployment("db", 3, "1", "1Gi");
    set["kind"] = json!("StatefulSet");
    let cluster = "cluster: {kubernetes: '1.33', provider: aws}";
    for (case, rule, is_placed) in [
        ("class", "class: database, mode: enforce", false),
        ("rule", "class: database, mode: enforce, spot: {mode: never}", true),
    ] {
        let world = World::new(
            &format!("{{{cluster}, workloads: {{db: {{{rule}}}}}}}"),
            std::slice::from_ref(&set),
            vec![],
        );
        let plan = &world.plan().spec.workloads["StatefulSet/shop/db"];
        assert_eq!(plan.spot.is_some(), is_placed, "{case}");
    }
}

#[test]
fn the_memory_of_a_jvm_a_cache_or_a_database_is_never_lowered() {
    let mut java = deployment("api", 2, "1", "2Gi");
    java["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "JAVA_TOOL_OPTIONS", "value": "-XX:MaxRAMPercentage=75"}]);
    let plain = deployment("api", 2, "1", "2Gi");
    for (case, object, spec) in [
        ("a hint", java, PLAIN),
        (
            "stated",
            plain.clone(),
            "{workloads: {api: {scaling: {mode: none}, runtime: {kind: jvm}}}}",
        ),
        ("cache", plain, "{workloads: {api: {class: cache}}}"),
    ] {
        let history = vec![("Deployment/shop/api", facts("api", 100, |_| 400, |_| 2))];
        let plan = World::new(spec, &[object], history).one("api");
        assert_eq!(memory(&plan, "api"), Some(Bytes::from_mib(2048)), "{case}");
        assert!(plan.findings.contains_key("memory-not-lowered"), "{case}");
    }
}

#[test]
fn a_stated_budget_that_blocks_is_rendered_as_a_finding_and_can_be_accepted() {
    let spec = "{workloads: {api: {scaling: {mode: none}, disruption: {minAvailable: {value: 1}}}}}";
    let plan = World::new(spec, &[deployment("api", 1, "1", "1Gi")], vec![]).one("api");
    let budget = plan.disruption.as_ref().expect("stated, so rendered");
    assert_eq!(
        budget.min_available.as_ref().map(|d| d.value),
        Some(IntOrPercent::Int(1))
    );
    assert_eq!(plan.findings["pdb-blocks-evictions"].accepted, None);
    let spec = "{workloads: {api: {scaling: {mode: none}, disruption: {minAvailable: {value: 1}}}}, \
                 accept: {known: {code: pdb-blocks-evictions, workload: api, reason: HA in Q3}}}";
    let plan = World::new(spec, &[deployment("api", 1, "1", "1Gi")], vec![]).one("api");
    assert_eq!(plan.findings["pdb-blocks-evictions"].accepted.as_deref(), Some("known"));
}

#[test]
fn state_and_single_pods_stay_off_spot() {
    let cluster = "cluster: {kubernetes: '1.33', provider: aws}";
    let spec = format!("{{{cluster}, workloads: {{api: {{scaling: {{mode: none}}, spot: {{mode: require}}}}}}}}");
    let mut with_state = deployment("api", 3, "1", "1Gi");
    with_state["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]);
    let mut slow = deployment("api", 3, "1", "1Gi");
    slow["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(300);
    let cases = [
        ("state", with_state, true),
        ("one pod", deployment("api", 1, "1", "1Gi"), true),
        ("longer than the notice of 120 s", slow, true),
        ("three pods", deployment("api", 3, "1", "1Gi"), false),
    ];
    for (case, object, is_refused) in cases {
        let plan = World::new(&spec, &[object], vec![]).one("api");
        let spot = placed(&plan).unwrap_or_else(|| panic!("{case}"));
        assert_eq!(spot.mode == SpotPlacement::Never, is_refused, "{case}");
        assert_eq!(plan.findings.contains_key("spot-unsafe"), is_refused, "{case}");
    }
}

#[test]
fn caches_and_databases_stay_off_spot_where_nothing_shows_their_state() {
    let cluster = "cluster: {kubernetes: '1.33', provider: aws}";
    for (class, is_refused) in [("cache", true), ("database", true), ("web", false)] {
        let rule = format!("class: {class}, scaling: {{mode: none}}, spot: {{mode: prefer}}");
        let spec = format!("{{{cluster}, workloads: {{api: {{{rule}}}}}}}");
        let plan = World::new(&spec, &[deployment("api", 3, "1", "1Gi")], vec![]).one("api");
        let mode = placed(&plan).map(|spot| spot.mode);
        assert_eq!(mode == Some(SpotPlacement::Never), is_refused, "{class}: {mode:?}");
        assert_eq!(plan.findings.contains_key("spot-unsafe"), is_refused, "{class}");
    }
}

#[test]
fn an_accepted_placement_that_nobody_states_any_more_is_judged_again() {
    let spec = |rule: &str| {
        format!(
            "{{cluster: {{kubernetes: '1.33', provider: aws}}, workloads: {{api: {{scaling: {{mode: none}}, {rule}}}}}}}"
        )
    };
    let keep = "requests: {strategy: keep}";
    let first = World::new(
        &spec(&format!("{keep}, spot: {{mode: prefer}}")),
        &[deployment("api", 2, "1", "1Gi")],
        vec![],
    );
    let accepted = first.plan();
    for (replicas, expected) in [(2, SpotPlacement::Prefer), (1, SpotPlacement::Never)] {
        let mut world = World::new(&spec(keep), &[deployment("api", replicas, "1", "1Gi")], vec![]);
        world.accepted = Some(accepted.clone());
        let plan = world.one("api");
        assert_eq!(
            placed(&plan).map(|spot| spot.mode),
            Some(expected),
            "{replicas} replicas"
        );
    }
}

/// Two pods of use under a highest count of 40 that its owner chose: history may raise it, and says nothing against it.
#[test]
fn the_highest_count_of_an_adopted_scaler_is_never_lowered_from_history() {
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 40,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}
    });
    let objects = [deployment("api", 2, "500m", "512Mi"), hpa];
    let mut world = World::new(
        WEB,
        &objects,
        vec![("Deployment/shop/api", facts("api", 300, wave, |_| 2))],
    );
    for round in 0..3 {
        let plan = world.one("api");
        let max = plan.scaler.as_ref().map(|scaler| scaler.max_replicas.value);
        assert_eq!(max, Some(40), "round {round}");
        world.accepted = Some(world.plan());
    }
}

#[test]
fn a_plan_reads_back_as_it_was_written_and_matches_its_schema() {
    let world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![("Deployment/shop/api", facts("api", 300, wave, |_| 6))],
    );
    let plan = world.plan();
    let value = plan::codec::to_value(&plan);
    let read = plan::codec::parse(&value, &Source::object("OptimizationPlan", "test"), "test").expect("our own plan");
    assert_eq!(read, plan);
    let other = plan::codec::parse(&value, &Source::object("OptimizationPlan", "test"), "production");
    assert_eq!(
        other.expect_err("another environment's")[0].code.as_str(),
        "foreign-profile"
    );
}

#[test]
fn numbers_that_cannot_be_read_leave_the_workload_as_it_is() {
    let key = "Deployment/shop/api";
    for (case, pointer, value) in [
        (
            "a placeholder",
            "/spec/template/spec/containers/0/resources/requests/cpu",
            json!("${CPU}"),
        ),
        (
            "no unit of Kubernetes",
            "/spec/template/spec/containers/0/resources/limits/memory",
            json!("64MB"),
        ),
        (
            "negative",
            "/spec/template/spec/containers/0/resources/requests/cpu",
            json!("-1"),
        ),
        ("replicas as text", "/spec/replicas", json!("0{{ x }}")),
    ] {
        let mut object = deployment("api", 4, "1", "1Gi");
        *object.pointer_mut(pointer).expect("it is there") = value;
        let world = World::new(WEB, &[object], vec![(key, facts("api", 300, wave, |_| 4))]);
        let plan = &world.plan().spec.workloads[key];
        assert_eq!(plan.status, Status::Refused, "{case}");
        assert!(plan.findings.contains_key("left-alone"), "{case}: {:?}", plan.findings);
    }
}

#[test]
fn a_name_that_no_api_server_takes_leaves_the_workload_as_it_is() {
    for (name, namespace, said) in [
        ("Api", "shop", Some("metadata.name `Api`")),
        (
            "api-{{ .Release.Name }}",
            "shop",
            Some("metadata.name `api-{{ .Release.Name }}`"),
        ),
        ("api", "my_shop", Some("metadata.namespace `my_shop`")),
        ("api.v2", "shop", None),
    ] {
        let mut object = deployment("api", 2, "500m", "512Mi");
        object["metadata"] = json!({"name": name, "namespace": namespace});
        let world = World::new(
            "{workloads: {all: {match: {names: {'*': true}}, class: web}}}",
            &[object],
            vec![],
        );
        let plan = world.plan().spec.workloads.into_values().next().expect("planned");
        assert_eq!(plan.status == Status::Refused, said.is_some(), "{namespace}/{name}");
        if let Some(said) = said {
            assert!(plan.findings["left-alone"].detail.contains(said), "{:?}", plan.findings);
        }
    }
}

#[test]
fn a_limit_alone_is_what_was_requested() {
    let mut object = deployment("api", 2, "1", "2Gi");
    let resources = &mut object["spec"]["template"]["spec"]["containers"][0]["resources"];
    *resources = json!({"limits": {"cpu": "2", "memory": "2Gi"}});
    let world = World::new(
        "{workloads: {api: {class: cache}}}",
        &[object],
        vec![("Deployment/shop/api", facts("api", 100, |_| 200, |_| 2))],
    );
    let plan = world.one("api");
    assert_eq!(
        memory(&plan, "api"),
        Some(Bytes::from_mib(2048)),
        "the memory of a cache is never lowered"
    );
    assert_eq!(cpu(&plan, "api"), Some(Millicores::new(1400)), "2 cores less 30 %");
}

#[test]
fn a_parked_workload_stays_parked() {
    let world = World::new(
        WEB,
        &[deployment("api", 0, "1", "1Gi")],
        vec![("Deployment/shop/api", facts("api", 300, wave, |_| 4))],
    );
    let plan = world.one("api");
    assert_eq!((plan.scaler, plan.replicas, plan.disruption), (None, None, None));
}

#[test]
fn a_daemon_set_is_never_placed() {
    let mut set = deployment("agent", 1, "100m", "128Mi");
    set["kind"] = json!("DaemonSet");
    let spec = "{cluster: {kubernetes: '1.33', provider: aws}, guardrails: {restart: {stateful: allow}}, \
                workloads: {agent: {spot: {mode: require}}}}";
    let plan = &World::new(spec, &[set], vec![]).plan().spec.workloads["DaemonSet/shop/agent"];
    assert_eq!(plan.spot, None);
}

#[test]
fn a_request_is_never_above_a_stated_limit() {
    let spec = "{workloads: {api: {scaling: {mode: none}, limits: {memory: {value: 200Mi}}}}}";
    let world = World::new(
        spec,
        &[deployment("api", 2, "250m", "128Mi")],
        vec![("Deployment/shop/api", facts("api", 300, |_| 400, |_| 2))],
    );
    let plan = world.one("api");
    assert_eq!(memory(&plan, "api"), Some(Bytes::from_mib(200)));
    // 300 MiB + 15 % = 345, next rung 352
    let said = "container `api`: a request of 352Mi is cut to the limit of 200Mi; raise the limit";
    assert_eq!(plan.findings["capped-by-limit"].detail, said);
}

#[test]
fn a_stated_request_of_a_stateful_set_takes_its_limit_along() {
    let mut object = deployment("api", 2, "100m", "200Mi");
    object["kind"] = json!("StatefulSet");
    let spec = "{workloads: {api: {scaling: {mode: none}, requests: {strategy: keep, memory: {value: 256Mi}}, limits: {memory: {mode: keep}}}}}";
    let plan = World::new(spec, &[object], vec![]).plan();
    let memory = &plan.spec.workloads["StatefulSet/shop/api"].containers["api"];
    // request and limit were equal, so they stay equal
    let limit = memory.limits.memory.as_ref().and_then(|limit| limit.value);
    assert_eq!(
        memory.requests.memory.as_ref().map(|d| d.value),
        Some(Bytes::from_mib(256))
    );
    assert_eq!(limit, Some(Bytes::from_mib(256)));
}

#[test]
fn a_manifest_that_the_api_server_refuses_is_said() {
    let mut object = deployment("api", 2, "100m", "200Mi");
    let keep =
        "{workloads: {api: {scaling: {mode: none}, requests: {strategy: keep}, limits: {memory: {mode: keep}}}}}";
    let found = |object: &Value| {
        let plan = World::new(keep, std::slice::from_ref(object), vec![]).one("api");
        plan.findings.contains_key("request-above-limit")
    };
    assert!(!found(&object));
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("99m");
    assert!(found(&object));
}

#[test]
fn objects_of_others_keep_their_name_and_content() {
    let stolen = |api_version: &str, kind: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    let others = [
        stolen(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            json!({"scaleTargetRef": target, "maxReplicas": 44}),
        ),
        stolen(
            "policy/v1",
            "PodDisruptionBudget",
            json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}}),
        ),
        stolen(
            "autoscaling.k8s.io/v1",
            "VerticalPodAutoscaler",
            json!({"targetRef": target, "updatePolicy": {"updateMode": "Initial"}}),
        ),
    ];
    let mut objects = vec![deployment("web", 4, "1", "1Gi"), deployment("api", 4, "1", "1Gi")];
    objects.extend(others.clone());
    let spec =
        "{cluster: {kubernetes: '1.33', addons: {vpa: '1.5'}}, workloads: {web: {class: web, vpa: {mode: recommend}}}}";
    let world = World::new(
        spec,
        &objects,
        vec![("Deployment/shop/web", facts("web", 300, wave, |_| 4))],
    );
    let plan = world.plan();
    let (edits, diagnostics) = trimtab::render::render(&plan, &world.workloads);
    assert!(
        diagnostics.is_empty(),
        "nothing is planned that can't be rendered: {diagnostics:?}"
    );
    let after = trimtab::krm::apply(objects.clone(), &edits).expect("the edits fit");
    for other in &others {
        assert!(after.contains(other), "{}", other["kind"]);
    }
    let said = &plan.spec.workloads["Deployment/shop/web"].findings["left-alone"].detail;
    for kind in [
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "VerticalPodAutoscaler",
    ] {
        assert!(said.contains(&format!("a {kind} `web` is there")), "{said}");
    }
}

#[test]
fn a_plan_that_no_api_server_would_take_is_refused_whole() {
    let key = "Deployment/shop/api";
    let world = World::new(
        WEB,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![(key, facts("api", 300, wave, |_| 6))],
    );
    let good = plan::codec::to_value(&world.plan());
    let workload = "/spec/workloads/Deployment~1shop~1api";
    let scaler = format!("{workload}/scaler");
    for (case, pointer, value) in [
        ("range", format!("{scaler}/minReplicas/value"), json!(5000)),
        ("nothing", format!("{scaler}/maxReplicas/value"), json!(0)),
        ("target", format!("{scaler}/cpu/target/value"), json!("0%")),
        ("drain", format!("{workload}/disruption/maxUnavailable/value"), json!(0)),
        ("stopped", format!("{workload}/replicas/value"), json!(0)),
        (
            "no request",
            format!("{workload}/containers/api/requests/cpu/value"),
            json!("0"),
        ),
        (
            "skew",
            format!("{workload}/spread/topology.kubernetes.io~1zone/maxSkew"),
            json!(0),
        ),
        ("version", "/spec/decisionVersion".to_owned(), json!("999")),
        ("kind", "/kind".to_owned(), json!("Foo")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&pointer).expect(case) = value;
        let read = plan::codec::parse(&bad, &Source::object("OptimizationPlan", "test"), "test");
        assert!(read.is_err(), "{case}");
    }
}

/// Two deployments of one `app` label; `narrow`: the second selects by its tier too, and so only its own pods.
fn siblings(narrow: bool) -> [Value; 2] {
    let mut pair = [deployment("front", 4, "1", "1Gi"), deployment("back", 4, "1", "1Gi")];
    for (object, tier) in pair.iter_mut().zip(["front", "back"]) {
        object["spec"]["selector"] = json!({"matchLabels": {"app": "shop"}});
        object["spec"]["template"]["metadata"]["labels"] = json!({"app": "shop", "tier": tier});
    }
    if narrow {
        pair[1]["spec"]["selector"] = json!({"matchLabels": {"app": "shop", "tier": "back"}});
    }
    pair
}

#[test]
fn workloads_that_share_pods_get_no_new_scaler_or_budget() {
    let both = "{workloads: {front: {class: web}, back: {class: web}}}";
    let back = "{workloads: {back: {class: web}}}";
    let (front_key, back_key) = ("Deployment/shop/front", "Deployment/shop/back");
    // who selects whose pods, and whether each is refused: the narrow one alone selects nobody else's
    for (case, spec, narrow, is_front_refused, is_back_refused) in [
        ("one label for both", both, false, true, true),
        ("the first takes in the second", both, true, true, true),
        ("nothing is made of the first", back, true, false, false),
    ] {
        let history = || {
            vec![
                (front_key, facts("front", 300, wave, |_| 4)),
                (back_key, facts("back", 300, wave, |_| 4)),
            ]
        };
        let world = World::new(spec, &siblings(narrow), history());
        let plan = world.plan();
        for (key, name, other, is_refused) in [
            (front_key, "front", back_key, is_front_refused),
            (back_key, "back", front_key, is_back_refused),
        ] {
            let Some(one) = plan.spec.workloads.get(key) else {
                continue;
            };
            assert_eq!(one.scaler.is_none(), is_refused, "{case}: {name}: {:?}", one.findings);
            assert_eq!(one.disruption.is_none(), is_refused, "{case}: {name}");
            assert!(cpu(one, name).is_some(), "{case}: {name}: requests go on");
            let named = one
                .findings
                .get("shared-pods")
                .is_some_and(|found| found.detail.contains(other));
            assert_eq!(named, is_refused, "{case}: {name}: {:?}", one.findings);
        }
        let (edits, _) = trimtab::render::render(&plan, &world.workloads);
        let after = trimtab::krm::apply(siblings(narrow).to_vec(), &edits).expect("the edits fit");
        let found = trimtab::lint::lint(&after);
        assert!(
            !found
                .iter()
                .any(|found| matches!(found.code.as_str(), "two-budgets" | "two-scalers")),
            "{case}: {found:?}"
        );
    }
}

#[test]
fn an_accepted_scaler_and_budget_stay_when_pods_come_to_be_shared() {
    let key = "Deployment/shop/front";
    let apart = [deployment("front", 4, "1", "1Gi"), deployment("back", 4, "1", "1Gi")];
    let history = vec![
        (key, facts("front", 300, wave, |_| 4)),
        ("Deployment/shop/back", facts("back", 300, wave, |_| 4)),
    ];
    let mut world = World::new(
        "{workloads: {front: {class: web}, back: {class: web}}}",
        &apart,
        history,
    );
    let accepted = world.plan();
    assert!(accepted.spec.workloads[key].scaler.is_some());
    world.workloads = read(&siblings(false));
    world.accepted = Some(accepted.clone());
    let one = world.plan().spec.workloads.remove(key).expect("planned");
    assert_eq!(one.scaler, accepted.spec.workloads[key].scaler);
    assert_eq!(one.disruption, accepted.spec.workloads[key].disruption);
    assert!(one.findings.contains_key("shared-pods"));
    of_two_budgets_one_is_rendered(&accepted);
}

/// With both, no pod could be evicted. A pod that only the one selects keeps no second one from its budget.
fn of_two_budgets_one_is_rendered(accepted: &OptimizationPlan) {
    let names = |objects: &[Value]| -> Vec<String> {
        let budgets = objects.iter().filter(|object| object["kind"] == "PodDisruptionBudget");
        budgets.map(|budget| budget["metadata"]["name"].to_string()).collect()
    };
    let mut wide_back = siblings(true);
    wide_back.swap(0, 1);
    for (object, name) in wide_back.iter_mut().zip(["front", "back"]) {
        object["metadata"]["name"] = name.into();
    }
    for (case, objects, stays) in [
        ("one label for both", siblings(false), "\"back\""),
        ("the first takes in the second", siblings(true), "\"front\""),
        ("the second takes in the first", wide_back, "\"back\""),
    ] {
        let (edits, found) = trimtab::render::render(accepted, &read(&objects));
        let told = found.iter().filter(|found| found.code.as_str() == "two-budgets");
        assert_eq!(told.count(), 1, "{case}: {found:?}");
        let after = trimtab::krm::apply(objects.to_vec(), &edits).expect("the edits fit");
        assert_eq!(names(&after), [stays], "{case}");
        assert!(
            !trimtab::lint::lint(&after)
                .iter()
                .any(|found| found.code.as_str() == "two-budgets"),
            "{case}"
        );
        // a host that edits in place hands both back
        let mut both = after.clone();
        let mut second = after
            .iter()
            .find(|object| object["kind"] == "PodDisruptionBudget")
            .cloned()
            .expect("one");
        second["metadata"]["name"] = if stays.contains("back") { "front" } else { "back" }.into();
        both.push(second);
        let (edits, _) = trimtab::render::render(accepted, &read(&both));
        assert_eq!(
            names(&trimtab::krm::apply(both, &edits).expect("the edits fit")),
            [stays],
            "{case}, in place"
        );
    }
    // of the second's owner one, in which the first's pods are not
    let mut theirs = siblings(true).to_vec();
    let selector = theirs[1]["spec"]["selector"].clone();
    theirs.push(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "team", "namespace": "shop"}, "spec": {"selector": selector, "maxUnavailable": 1}}));
    let (edits, found) = trimtab::render::render(accepted, &read(&theirs));
    let after = trimtab::krm::apply(theirs, &edits).expect("the edits fit");
    assert_eq!(names(&after), ["\"team\""], "{found:?}");
    let apart = [deployment("front", 4, "1", "1Gi"), deployment("back", 4, "1", "1Gi")];
    let (edits, found) = trimtab::render::render(accepted, &read(&apart));
    let after = trimtab::krm::apply(apart.to_vec(), &edits).expect("the edits fit");
    assert_eq!(names(&after).len(), 2, "apart again");
    assert!(
        !found.iter().any(|found| found.code.as_str() == "two-budgets"),
        "{found:?}"
    );
}

#[test]
fn a_rollout_whose_template_is_elsewhere_is_left_with_a_reason() {
    let rollout = |template: Value| {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "replicas": 3, "selector": {"matchLabels": {"app": "api"}}, "template": template,
                "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere"}
            }
        })
    };
    let stub = deployment("api", 3, "1", "1Gi")["spec"]["template"].clone();
    for (case, template) in [("none", Value::Null), ("one that Argo does not use", stub)] {
        let world = World::new(WEB, &[rollout(template)], vec![]);
        let plan = &world.plan().spec.workloads["Rollout/shop/api"];
        assert_eq!(plan.status, Status::Refused, "{case}");
        assert!(
            plan.findings["left-alone"].detail.contains("`Deployment/elsewhere`"),
            "{case}"
        );
    }
}

#[test]
fn an_adopted_scaler_keeps_the_container_it_watches() {
    let hpa = |metric: Value| {
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "minReplicas": 3, "maxReplicas": 12, "metrics": [metric]
            }
        })
    };
    let target = json!({"type": "Utilization", "averageUtilization": 70});
    let alone = json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "api", "target": target}});
    let sum = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
    let one = deployment("api", 4, "1", "1Gi");
    let mut two = one.clone();
    two["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "proxy", "image": "registry.example/proxy:1"}));
    for (case, object, metric, container, is_said) in [
        ("its one container", &one, &alone, Some("api"), false),
        ("the pod's sum of one", &one, &sum, None, false),
        ("the pod's sum of two", &two, &sum, Some("api"), true),
    ] {
        let objects = [object.clone(), hpa(metric.clone())];
        let plan = World::new(
            WEB,
            &objects,
            vec![("Deployment/shop/api", facts("api", 300, wave, |_| 4))],
        )
        .one("api");
        let cpu = plan
            .scaler
            .as_ref()
            .and_then(|scaler| scaler.cpu.as_ref())
            .expect("scaled on CPU");
        assert_eq!(cpu.container.as_deref(), container, "{case}");
        assert_eq!(
            plan.findings["adopted"].detail.contains("no more at the pod's sum"),
            is_said,
            "{case}"
        );
    }
}

#[test]
fn history_is_missed_only_where_something_is_left_to_it() {
    let stated = "requests: {cpu: {value: 500m}, memory: {value: 512Mi}}";
    let scaled = "scaling: {minReplicas: {value: 2}, maxReplicas: {value: 6}, targets: {cpu: {value: 60%}}}";
    for (case, rule, is_missed) in [
        ("all stated", format!("class: web, {stated}, {scaled}"), false),
        (
            "memory left",
            format!("class: web, requests: {{cpu: {{value: 500m}}}}, {scaled}"),
            true,
        ),
        (
            "nothing asked",
            "scaling: {mode: none}, requests: {strategy: keep}".to_owned(),
            false,
        ),
    ] {
        let spec = format!("{{workloads: {{api: {{{rule}}}}}}}");
        let plan = World::new(&spec, &[deployment("api", 2, "500m", "512Mi")], vec![]).one("api");
        assert_eq!(
            plan.findings.contains_key("no-history"),
            is_missed,
            "{case}: {:?}",
            plan.findings
        );
    }
}

/// Up to 2.8 cores were used at once: five pods of 500m have less, six have more.
#[test]
fn a_highest_count_that_carries_less_than_was_used_is_said() {
    for (case, bounds, is_said) in [
        ("stated", "minReplicas: {value: 2}, maxReplicas: {value: 5}", true),
        ("enough", "minReplicas: {value: 2}, maxReplicas: {value: 6}", false),
        ("bounded", "maxReplicas: {max: 5}", true),
        ("left to history", "minReplicas: {min: 2}", false),
    ] {
        let rule = format!(
            "class: web, requests: {{cpu: {{value: 500m}}}}, scaling: {{{bounds}, targets: {{cpu: {{value: 60%}}}}}}"
        );
        let spec = format!("{{workloads: {{api: {{{rule}}}}}}}");
        let facts = facts("api", 300, |_| 2800, |_| 8);
        let plan = World::new(
            &spec,
            &[deployment("api", 3, "500m", "512Mi")],
            vec![("Deployment/shop/api", facts)],
        )
        .one("api");
        let finding = plan.findings.get("stated-below-usage");
        let is_of_count = finding.is_some_and(|finding| finding.detail.contains("`maxReplicas` of 5"));
        assert_eq!(is_of_count, is_said, "{case}: {:?}", plan.findings);
    }
}

#[test]
fn a_policy_edit_is_not_stale_where_no_value_came_from_history() {
    let spec = |min: u32| {
        format!(
            "{{workloads: {{api: {{class: web, scaling: {{minReplicas: {{value: {min}}}, maxReplicas: {{value: 6}}, targets: {{cpu: {{value: 60%}}}}}}}}}}}}"
        )
    };
    let mut world = World::new(&spec(2), &[deployment("api", 2, "500m", "512Mi")], vec![]);
    world.accepted = Some(world.plan());
    world.settings = settings(&spec(3));
    world.profile = "sha256:next".to_owned();
    let plan = world.one("api");
    assert_eq!(plan.status, Status::Planned);
    assert!(!plan.findings.contains_key("stale"));
    assert_eq!(plan.scaler.map(|scaler| scaler.min_replicas.value), Some(3));
}

#[test]
fn a_limit_that_moves_says_why() {
    // 2 pods of 900m each; 900 × 1.15 = 1035m, next rung 1050m; the limit of 1 core was 10 times the request of 100m
    let mut object = deployment("api", 2, "100m", "512Mi");
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
    let plan = World::new(
        PLAIN,
        &[object],
        vec![("Deployment/shop/api", facts("api", 300, |_| 1800, |_| 2))],
    )
    .one("api");
    let limit = plan.containers["api"].limits.cpu.as_ref().expect("raised");
    assert_eq!(limit.value, Some(Millicores::new(10_500)));
    assert_eq!(limit.reason.code, "limit-follows-request");
    let inputs: Vec<(&str, &str)> = limit
        .reason
        .inputs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let expected = [
        ("ownLimit", "1"),
        ("ownRequest", "100m"),
        ("request", "1050m"),
        ("was", "1"),
    ];
    assert_eq!(inputs, expected);
}

#[test]
fn an_even_load_is_reported_with_its_numbers() {
    // 400m by night and 500m by day: 1.25 times as much
    let total = |step: i64| if step % 288 / 12 < 12 { 400 } else { 500 };
    let world = World::new(
        WEB,
        &[deployment("api", 2, "1", "1Gi")],
        vec![("Deployment/shop/api", facts("api", 300, total, |_| 2))],
    );
    assert_eq!(
        world.one("api").findings["load-too-flat"].detail,
        "the median of the highest hour of the day is 500m, of the lowest 400m: 125%, and a scaler is worth its risk from 150% on; none is made, and `replicas` stay its owner's"
    );
}

#[test]
fn a_scaler_that_cannot_scale_is_rendered_only_where_both_bounds_are_stated() {
    // a wave up to 3000m in pods that take 2100m and more: two carry 1.5 times that
    let key = "Deployment/shop/api";
    for (case, scaling, is_rendered) in [
        (
            "derived",
            "requests: {cpu: {value: '4'}}, scaling: {targets: {cpu: {value: 80%}}}",
            false,
        ),
        (
            "stated",
            "scaling: {minReplicas: {value: 2}, maxReplicas: {value: 2}}",
            true,
        ),
    ] {
        let spec = format!("{{workloads: {{api: {{class: web, spread: {{mode: none}}, {scaling}}}}}}}");
        let plan = World::new(
            &spec,
            &[deployment("api", 2, "4", "1Gi")],
            vec![(key, facts("api", 300, wave, |_| 2))],
        )
        .one("api");
        assert_eq!(
            plan.scaler.is_some(),
            is_rendered,
            "{case}: {:?} {:?}",
            plan.scaler,
            plan.findings
        );
        assert!(
            plan.findings.contains_key("replica-bounds"),
            "{case}: {:?}",
            plan.findings
        );
    }
}

/// More pods are asked for than the load ever needed: that is said where it is so.
#[test]
fn a_scaler_that_acts_only_beyond_the_recorded_load_says_so() {
    let said = |least: u32| {
        let spec = format!("{{workloads: {{api: {{class: web, scaling: {{minReplicas: {{min: {least}}}}}}}}}}}");
        // 200m at night, 350m in the evening, in 2 pods: up to 175m each, with 15 % on its rung 210m, 81 % of it 171m
        let load = |step: i64| 200 + 50 * u64::try_from(step % 288 / 72).expect("not negative");
        let history = vec![("Deployment/shop/api", facts("api", 300, load, |_| 2))];
        let plan = World::new(&spec, &[deployment("api", 2, "150m", "512Mi")], history).one("api");
        let scaler = plan.scaler.expect("the load moves");
        let bounds = (scaler.min_replicas.value, scaler.max_replicas.value);
        let detail = plan.findings.get("replica-bounds").map(|found| found.detail.clone());
        (bounds, detail)
    };
    // 350m take 3 pods, with half as much again 4
    let words = "3 replicas, the lowest count, carry all that was recorded (up to 350m): \
                 the scaler acts only beyond that, up to 4";
    assert_eq!(said(3), ((3, 4), Some(words.to_owned())));
    assert_eq!(said(2), ((2, 4), None));
}

#[test]
fn an_adopted_vpa_says_what_its_mode_was() {
    let vpa = json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": {"name": "api-vpa", "namespace": "shop"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "updatePolicy": {"updateMode": "Auto"}}
    });
    let spec = "{cluster: {kubernetes: '1.33', addons: {vpa: '1.5'}}, workloads: {api: {scaling: {mode: none}, vpa: {mode: recommend}}}}";
    let plan = World::new(spec, &[deployment("api", 2, "1", "1Gi"), vpa], vec![]).one("api");
    let vpa = plan.vpa.expect("adopted");
    assert_eq!(
        (vpa.name.as_str(), vpa.update_mode_before.as_deref()),
        ("api-vpa", Some("Auto"))
    );
}

#[test]
fn what_a_scaler_does_not_take_is_said() {
    let keda = "cluster: {kubernetes: '1.33', addons: {keda: '2.18'}}";
    let metric = "metrics: {rps: {type: pods, metric: rps, averageValue: {value: '10'}}}";
    let trigger = "triggers: {queue: {type: rabbitmq, metadata: {queueName: q, mode: QueueLength}, threshold: {value: 5}, authenticationRef: {name: r}}}";
    for (case, mode, ignored) in [("KEDA", "keda", "rps"), ("an HPA", "hpa", "queue")] {
        let spec = format!(
            "{{{keda}, workloads: {{api: {{scaling: {{mode: {mode}, minReplicas: {{value: 2}}, maxReplicas: {{value: 6}}, {metric}, {trigger}}}}}}}}}"
        );
        let plan = World::new(&spec, &[deployment("api", 2, "1", "1Gi")], vec![]).one("api");
        let scaler = plan
            .scaler
            .as_ref()
            .unwrap_or_else(|| panic!("{case}: {:?}", plan.findings));
        assert_eq!(scaler.metrics.is_empty(), mode == "keda", "{case}");
        assert_eq!(scaler.triggers.is_empty(), mode == "hpa", "{case}");
        assert!(
            plan.findings["policy-conflict"]
                .detail
                .contains(&format!("({ignored}) is left out")),
            "{case}"
        );
    }
}

#[test]
fn a_trigger_that_keda_refuses_is_not_rendered() {
    // rabbitmq without a queue
    let spec = "{cluster: {kubernetes: '1.33', addons: {keda: '2.18'}}, workloads: {api: {class: worker, scaling: {minReplicas: {value: 1}, \
                 maxReplicas: {value: 6}, triggers: {queue: {type: rabbitmq, metadata: {mode: QueueLength}, threshold: {value: 5}}}}}}}";
    let plan = World::new(spec, &[deployment("api", 2, "1", "1Gi")], vec![]).one("api");
    assert_eq!(plan.scaler, None);
    assert!(plan.findings.contains_key("trigger-invalid"), "{:?}", plan.findings);
}

#[test]
fn a_target_that_usage_cannot_pass_is_refused() {
    // usage gets to limit / request; pods are added beyond 1.1 × target: 600m / 500m = 120 %, 1.1 × 109 % = 119.9 %
    for (target, limit, is_rendered) in [
        ("109%", Some("600m"), true),
        ("110%", Some("600m"), false),
        ("1000%", Some("600m"), false),
        ("90%", Some("500m"), true),
        ("91%", Some("500m"), false),
        ("300%", None, true),
    ] {
        let mut object = deployment("api", 2, "500m", "512Mi");
        if let Some(limit) = limit {
            object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!(limit);
        }
        let spec = format!(
            "{{workloads: {{api: {{class: web, requests: {{cpu: {{value: 500m}}}}, scaling: {{minReplicas: {{value: 2}}, maxReplicas: {{value: 6}}, targets: {{cpu: {{value: {target}}}}}}}}}}}}}"
        );
        let plan = World::new(&spec, &[object], vec![]).one("api");
        assert_eq!(
            plan.scaler.is_some(),
            is_rendered,
            "{target} {limit:?}: {:?}",
            plan.findings
        );
        assert_eq!(
            plan.findings.contains_key("target-unreachable"),
            !is_rendered,
            "{target} {limit:?}"
        );
    }
}

#[test]
fn of_equals_the_restart_that_moves_most_goes_first() {
    // all too large; "c" by most: 1 core less 30 % in 8 pods against 2
    let names = [("a", 2), ("b", 2), ("c", 8)];
    let objects: Vec<Value> = names
        .iter()
        .map(|(name, pods)| deployment(name, *pods, "1", "1Gi"))
        .collect();
    let keys = names.map(|(name, _)| format!("Deployment/shop/{name}"));
    let history = names.map(|(name, pods)| facts(name, 100, |_| 100 * u64::from(pods), move |_| pods));
    let spec =
        "{guardrails: {wave: {workloads: 1}}, workloads: {all: {match: {names: {'*': true}}, scaling: {mode: none}}}}";
    let world = World::new(spec, &objects, keys.iter().map(String::as_str).zip(history).collect());
    let plan = world.plan();
    let waits = keys.map(|key| plan.spec.workloads[&key].findings.contains_key("restart-deferred"));
    assert_eq!(waits, [true, true, false]);
}

#[test]
fn a_new_level_and_a_limit_that_is_used_up_are_warnings_with_their_numbers() {
    // 400m for two weeks and 1400m since: 2023-11-06, two weeks before the window's end. Two pods at 700m of 750m are
    // over 90 % of the limit (675m) for half of the time
    let total = |step: i64| if step < 2 * WEEK_S / 300 { 400 } else { 1400 };
    let mut object = deployment("api", 2, "500m", "512Mi");
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("750m");
    let plan = World::new(
        PLAIN,
        &[object],
        vec![("Deployment/shop/api", facts("api", 300, total, |_| 2))],
    )
    .one("api");
    assert_eq!(
        plan.findings["regime-change"].detail,
        "the CPU demand of container `api` is another since 2023-11-06: 1400m in the median of its days, 400m before"
    );
    assert_eq!(
        plan.findings["saturated"].detail,
        "container `api` uses 90% and more of its CPU limit of 750m in 50% of the known time: what it would use is not known"
    );
    let even = World::new(
        PLAIN,
        &[deployment("api", 2, "500m", "512Mi")],
        vec![("Deployment/shop/api", facts("api", 300, wave, |_| 2))],
    )
    .one("api");
    assert!(!even.findings.contains_key("regime-change") && !even.findings.contains_key("saturated"));
}

/// No cluster since 1.26 (1.25) takes the old versions, and the fields are the same: what is adopted moves, and it is said.
#[test]
fn an_adopted_object_of_an_old_version_moves_to_the_one_that_stays() {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}});
    let named = |api_version: &str, kind: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "theirs", "namespace": "shop"}, "spec": spec});
    let hpa = json!({"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9, "metrics": [metric], "behavior": {"scaleDown": {"selectPolicy": "Disabled"}}});
    let budget = json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}});
    let spec = "{workloads: {api: {class: web, disruption: {maxUnavailable: {value: 1}}}}}";
    for (old, kind, theirs, new) in [
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", &hpa, "autoscaling/v2"),
        ("policy/v1beta1", "PodDisruptionBudget", &budget, "policy/v1"),
    ] {
        let objects = [deployment("api", 4, "500m", "512Mi"), named(old, kind, theirs.clone())];
        let world = World::new(
            spec,
            &objects,
            vec![("Deployment/shop/api", facts("api", 300, wave, |_| 4))],
        );
        let plan = world.plan();
        let said = &plan.spec.workloads["Deployment/shop/api"].findings["adopted"].detail;
        assert!(said.contains(&format!("it moves from `{old}` to `{new}`")), "{said}");
        let (edits, _) = trimtab::render::render(&plan, &world.workloads);
        let after = trimtab::krm::apply(objects.to_vec(), &edits).expect("it applies");
        let all: Vec<&Value> = after.iter().filter(|object| object["kind"] == kind).collect();
        assert_eq!(all.len(), 1, "never doubled");
        assert_eq!(
            (&all[0]["apiVersion"], &all[0]["metadata"]["name"]),
            (&json!(new), &json!("theirs"))
        );
        for kept in ["behavior", "selector", "scaleTargetRef"] {
            assert_eq!(all[0]["spec"].get(kept), theirs.get(kept), "{kept}");
        }
    }
    // an empty selector meant no pod there and means every pod in v1: it is not this workload's
    let nothing = named(
        "policy/v1beta1",
        "PodDisruptionBudget",
        json!({"minAvailable": 1, "selector": {}}),
    );
    let world = World::new(spec, &[deployment("api", 4, "500m", "512Mi"), nothing], vec![]);
    assert!(world.one("api").disruption.is_some_and(|budget| !budget.adopted));
}

/// A VPA of the owner that acts moves the request that a CPU target would divide by.
#[test]
fn no_scaler_is_planned_on_what_a_vpa_of_the_owner_sets() {
    const KEY: &str = "Deployment/shop/api";
    let vpa = |mode: &str, resources: Value| {
        let policies = json!([{"containerName": "*", "controlledResources": resources}]);
        json!({
            "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "updatePolicy": {"updateMode": mode}, "resourcePolicy": {"containerPolicies": policies}
            }
        })
    };
    let policy = |more: &str| format!("{{workloads: {{api: {{scaling: {{mode: hpa}}}}}}{more}}}");
    let recommended = "{cluster: {kubernetes: '1.33', addons: {vpa: '1.5'}}, workloads: {api: {scaling: {mode: hpa}, vpa: {mode: recommend}}}}";
    let accepted = policy(", accept: {both: {code: scaler-fights-vpa, workload: api, reason: known}}");
    for (mode, resources, policy, is_scaled) in [
        ("Auto", json!(["cpu", "memory"]), policy(""), false),
        ("Recreate", json!(["cpu"]), policy(""), false),
        ("Initial", json!(["cpu"]), policy(""), false),
        ("InPlaceOrRecreate", json!(["cpu"]), policy(""), false),
        ("Off", json!(["cpu", "memory"]), policy(""), true),
        ("Auto", json!(["memory"]), policy(""), true),
        ("Auto", json!(["cpu"]), recommended.to_owned(), true),
        ("Auto", json!(["cpu"]), accepted, true),
    ] {
        let case = format!("{mode} {resources} {policy}");
        let history = || vec![(KEY, facts("api", 300, wave, |_| 4))];
        let beside = [deployment("api", 4, "500m", "512Mi"), vpa(mode, resources)];
        let mut world = World::new(&policy, &beside, history());
        let plan = world.one("api");
        assert_eq!(plan.scaler.is_some(), is_scaled, "{case}: {:?}", plan.findings);
        // one that was accepted before the VPA came stays, and that is said
        let alone = World::new(&policy, &beside[..1], history()).plan();
        world.accepted = Some(alone.clone());
        let plan = world.one("api");
        let kept = plan.scaler.expect("nothing accepted disappears");
        if !is_scaled {
            assert_eq!(alone.spec.workloads[KEY].scaler.as_ref(), Some(&kept), "{case}");
        }
        let is_said = plan.findings.contains_key("scaler-fights-vpa");
        assert_eq!(is_said, !is_scaled || policy.contains("accept"), "{case}");
    }
}

/// A scaler that is left as it is divides by the request all the same, whatever version it is written in.
#[test]
fn a_request_under_a_scaler_of_an_old_version_is_not_sized_by_usage() {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    for (version, name, share) in [
        ("v2beta1", "cpu", json!({"targetAverageUtilization": 60})),
        (
            "v2beta2",
            "cpu",
            json!({"target": {"type": "Utilization", "averageUtilization": 60}}),
        ),
        ("v2beta1", "memory", json!({"targetAverageUtilization": 60})),
    ] {
        let mut metric = json!({"type": "Resource", "resource": share});
        metric["resource"]["name"] = name.into();
        let theirs = json!({
            "apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {"scaleTargetRef": target, "maxReplicas": 9, "metrics": [metric]}
        });
        let history = vec![("Deployment/shop/api", facts("api", 100, wave, |_| 4))];
        let world = World::new(
            "{workloads: {api: {requests: {strategy: percentile}}}}",
            &[deployment("api", 4, "4", "2Gi"), theirs],
            history,
        );
        let workload = &world.workloads.by_key["Deployment/shop/api"];
        let scaler = &workload.scalers[0];
        assert_eq!(scaler.other_metrics, 0, "{version} {name}");
        let plan = world.one("api");
        let requests = &plan.containers.get("api").expect("a part of it is derived").requests;
        assert_eq!(requests.cpu.is_none(), name == "cpu", "{version} {name}: {requests:?}");
    }
}

/// Why a workload is placed as it is; `None`: its placement is not decided.
fn spot_reason(spec: &str) -> Option<(String, BTreeMap<String, String>)> {
    let world = World::new(spec, &[deployment("api", 2, "250m", "512Mi")], vec![]);
    let plan = world.one("api");
    let reason = &placed(&plan)?.reason;
    Some((reason.code.clone(), reason.inputs.clone()))
}

/// What is decided on its placement, whether it waits for a restart or not.
fn placed(plan: &WorkloadPlan) -> Option<&SpotPlan> {
    let waiting = || plan.waiting.get("restart.spot")?.spot.as_ref();
    plan.spot.as_ref().or_else(waiting)
}

/// Nothing placed the pods on spot nodes: keeping them off is no reason to restart a cache.
#[test]
fn keeping_pods_off_spot_nodes_waits_for_their_next_restart() {
    let spec = |rule: &str| {
        format!("{{cluster: {{kubernetes: '1.33', provider: aws}}, workloads: {{api: {{class: cache, {rule}}}}}}}")
    };
    let keep = "requests: {strategy: keep}";
    for (case, rule, waits) in [
        ("nothing else", keep, true),
        ("another value restarts them", "requests: {cpu: {value: 300m}}", false),
        (
            "the policy's own word",
            "requests: {strategy: keep}, spot: {mode: never}",
            false,
        ),
    ] {
        let mut world = World::new(&spec(rule), &[deployment("api", 2, "250m", "512Mi")], vec![]);
        for round in 0..2 {
            let plan = world.one("api");
            let spot = plan.spot.as_ref().map(|spot| spot.mode);
            assert_eq!(spot, (!waits).then_some(SpotPlacement::Never), "{case}, {round}");
            assert_eq!(plan.findings.contains_key("restart-deferred"), waits, "{case}, {round}");
            assert_eq!(
                placed(&plan).map(|spot| spot.mode),
                Some(SpotPlacement::Never),
                "{case}, {round}"
            );
            world.accepted = Some(world.plan());
            world.profile = format!("sha256:{round}");
        }
    }
    // what was placed there has to leave
    let mut world = World::new(
        &spec("requests: {strategy: keep}, runtime: {kind: generic}, spot: {mode: prefer}"),
        &[deployment("api", 2, "250m", "512Mi")],
        vec![],
    );
    world.accepted = Some(world.plan());
    world.settings = settings(&spec(keep));
    world.profile = "sha256:2".to_owned();
    assert_eq!(world.one("api").spot.map(|spot| spot.mode), Some(SpotPlacement::Never));
}

#[test]
fn only_what_the_policy_itself_says_is_stated() {
    let with = |rest: &str| format!("{{cluster: {{kubernetes: '1.33', provider: aws}}, {rest}}}");
    let class = |name: &str| {
        Some((
            "class".to_owned(),
            BTreeMap::from([("class".to_owned(), name.to_owned())]),
        ))
    };
    let stated = Some(("stated".to_owned(), BTreeMap::new()));
    // nobody asked for interruptible nodes
    assert_eq!(spot_reason(&with("workloads: {api: {class: worker}}")), None);
    assert_eq!(
        spot_reason(&with("objective: cost, workloads: {api: {class: worker}}")),
        class("worker of objective cost")
    );
    assert_eq!(spot_reason(&with("workloads: {api: {class: cache}}")), class("cache"));
    assert_eq!(
        spot_reason(&with("workloads: {api: {class: worker, spot: {mode: prefer}}}")),
        stated
    );
    let own = "classes: {worker: {spot: {mode: prefer}}}, workloads: {api: {class: worker}}";
    assert_eq!(spot_reason(&with(own)), stated, "a class of the policy's own");
}

#[test]
fn usage_in_another_unit_is_set_aside() {
    // 2 pods of 100m each as 100 cores each: 500 times the request of 200m
    let slipped = |_: i64| 200_000;
    let spec = "{cluster: {kubernetes: '1.33', provider: aws}, workloads: {api: {class: web, spot: {mode: never}}}}";
    let objects = [deployment("api", 2, "200m", "512Mi")];
    let history = |total: fn(i64) -> u64, memory| vec![("Deployment/shop/api", facts("api", memory, total, |_| 2))];
    let plan = World::new(spec, &objects, history(slipped, 300)).one("api");
    assert_eq!(cpu(&plan, "api"), None);
    assert_eq!(plan.scaler, None);
    assert_eq!(plan.spot.map(|spot| spot.mode), Some(SpotPlacement::Never), "stated");
    let detail = &plan.findings["unit-slip"].detail;
    for expected in ["`api`", "100 ", "200m", "millicores where cores"] {
        assert!(detail.contains(expected), "`{expected}` in: {detail}");
    }
    let says_nothing_of_absence = |finding: &Finding| !finding.detail.contains("no usage");
    assert!(plan.findings.values().all(says_nothing_of_absence));
    // what was accepted stays
    let mut world = World::new(spec, &objects, history(|_| 200, 300));
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.facts = World::new(spec, &objects, history(slipped, 300)).facts;
    "sha256:next".clone_into(&mut world.profile);
    let kept = world.one("api");
    assert_eq!(kept.status, Status::Kept);
    assert_eq!(
        kept.containers,
        accepted.spec.workloads["Deployment/shop/api"].containers
    );
    // who knows better says so
    let knows = spec.replacen(
        '{',
        "{accept: {big: {code: unit-slip, workload: api, reason: measured}}, ",
        1,
    );
    let plan = World::new(&knows, &objects, history(slipped, 300)).one("api");
    assert!(cpu(&plan, "api") > Some(Millicores::new(100_000)));
}

#[test]
fn a_job_is_judged_by_its_runs() {
    let job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop"},
        "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": {"containers": [{
            "name": "nightly", "image": "registry.example/app:1",
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}
        }]}}}}}
    });
    // 20 minutes of 200m at two every night: 4 steps of 288 a day are known
    let key = "CronJob/shop/nightly";
    let plan = |days: i64| {
        let mut history = facts("nightly", 100, |_| 200, |_| 1);
        let start = 1_700_438_400 - days * 86_400;
        let is_run = |cell: &DemandCell| {
            let at = cell.end.unix();
            at > start && (7_200 < at % 86_400 && at % 86_400 <= 8_400)
        };
        history.recorded = Seconds::new(u64::try_from((days - 1) * 86_400 + 1_200).expect("positive"));
        history.coverage = Percent::from_percent(2);
        let container = history.containers.get_mut("nightly").expect("recorded");
        container.cpu_demand = container.cpu_demand.cells().filter(is_run).collect();
        container.memory_demand = container.cpu_demand.clone();
        container.memory_span = (history.recorded, history.coverage);
        let world = World::new(
            "{workloads: {nightly: {}}}",
            std::slice::from_ref(&job),
            vec![(key, history)],
        );
        world.plan().spec.workloads.remove(key).expect("planned")
    };
    // seven nights for a minimum of seven days; 200m + 15 % = 230m, 100 MiB + 15 % = 115 MiB: kept, as 128Mi − 115 is
    // 10.2 % and the next rung of 16 MiB is 128
    let week = plan(7);
    assert_eq!(cpu(&week, "nightly"), Some(Millicores::new(230)), "{:?}", week.findings);
    assert_eq!(memory(&week, "nightly"), Some(Bytes::from_mib(128)));
    // four nights are too few runs, six too short a time
    for days in [4, 6] {
        let short = plan(days);
        assert_eq!(cpu(&short, "nightly"), None, "{days}");
        let detail = &short.findings["short-history"].detail;
        assert!(detail.contains(&format!("{days} runs recorded")), "{detail}");
    }
}
