//! Laws of planning over time: whatever comes after whatever, windows of history, edits of the policy and of manifests,
//! lost profiles and broken seals, what is planned and rendered keeps its promises after every single event.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};
use trimtab::facts::{Demand, DemandCell, Facts};
use trimtab::krm::apply;
use trimtab::plan::model::{ContainerPlan, OptimizationPlan, Status, WorkloadPlan};
use trimtab::policy::Settings;
use trimtab::render::render;
use trimtab::units::{Bytes, Millicores, Timestamp};
use trimtab::workload;

use crate::planning::{World, deployment, facts, settings, wave};

/// The end of the windows of [`facts`], 2023-11-20.
const END: i64 = 1_700_438_400;
const DAY_S: i64 = 86_400;
/// `guardrails.restart.minInterval`, as every policy here has it.
const INTERVAL_DAYS: i64 = 28;
/// The two workloads: events of manifests are about the first.
const NAMES: [&str; 2] = ["api", "cart"];

/// What kind of workload the first one is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    Jvm,
    /// Under a scaler that is made.
    Web,
    /// Under a scaler of its owner.
    Adopted,
    StatefulSet,
}

/// What happens before a plan.
#[derive(Clone, Debug)]
enum Event {
    /// Days later, with such a load and memory.
    Window(i64, u64, u64),
    /// Exported again.
    SameWindow,
    Older(i64),
    Lost,
    Found,
    Policy(Key, usize),
    Manifest(Edit),
    RenamedContainer,
    /// An edit of the accepted entry: of a finding, or of its CPU request.
    BrokenSeal(bool),
}

/// A key of the policy, each with its few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Cpu,
    Memory,
    CpuLimit,
    MemoryLimit,
    Strategy,
    Scaling,
    Class,
    Mode,
    Wave,
}

#[derive(Clone, Copy, Debug)]
enum Edit {
    Cpu(u64),
    Memory(u64),
    MemoryLimit(u64),
    Replicas(u32),
    Scaler(u32, u32, u32),
    NoScaler,
}

const KEYS: [(Key, &[&str]); 9] = [
    (Key::Cpu, &["", "value: 800m", "value: 90m", "min: 300m", "max: 120m"]),
    (
        Key::Memory,
        &["", "value: 400Mi", "value: 900Mi", "min: 450Mi", "max: 250Mi"],
    ),
    (
        Key::CpuLimit,
        &["", "value: 150m", "value: '2'", "mode: ratio", "mode: none"],
    ),
    (
        Key::MemoryLimit,
        &[
            "",
            "value: 350Mi",
            "value: 2Gi",
            "mode: ratio",
            "mode: equal",
            "mode: none",
        ],
    ),
    (Key::Strategy, &["percentile", "percentile", "vpa", "keep", "none"]),
    (
        Key::Scaling,
        &[
            "",
            "minReplicas: {value: 3}",
            "targets: {cpu: {value: 60%}}",
            "targets: {cpu: {min: 50%, max: 80%}}",
            "maxReplicas: {value: 12}",
            "minReplicas: {value: 2}, maxReplicas: {value: 9}",
            "mode: none",
        ],
    ),
    (Key::Class, &["web", ""]),
    (Key::Mode, &["enforce", "enforce", "observe", "frozen"]),
    (Key::Wave, &["10", "1"]),
];

fn values(key: Key) -> &'static [&'static str] {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map_or(&[], |(_, values)| values)
}

fn event() -> impl Strategy<Value = Event> {
    let policy = select(KEYS.map(|(key, _)| key).to_vec())
        .prop_flat_map(|key| (0..values(key).len()).prop_map(move |value| Event::Policy(key, value)));
    let amount = |amounts: &[u64]| select(amounts.to_vec());
    let edit = prop_oneof![
        amount(&[100, 400, 500, 1500]).prop_map(Edit::Cpu),
        amount(&[256, 400, 512, 1024]).prop_map(Edit::Memory),
        amount(&[512, 1024, 2048]).prop_map(Edit::MemoryLimit),
        select(vec![1, 4, 8, 20]).prop_map(Edit::Replicas),
        (
            select(vec![2, 3, 8]),
            select(vec![10, 14, 30]),
            select(vec![40, 70, 85])
        )
            .prop_map(|(min, max, target)| Edit::Scaler(min, max, target)),
        Just(Edit::NoScaler),
    ];
    prop_oneof![
        4 => (select(vec![1, 7, 28, 28]), select(vec![1, 2, 4, 6]), amount(&[150, 300, 500, 900]))
            .prop_map(|(days, load, memory)| Event::Window(days, load, memory)),
        1 => Just(Event::SameWindow),
        1 => select(vec![1, 30]).prop_map(Event::Older),
        1 => Just(Event::Lost),
        1 => Just(Event::Found),
        8 => policy,
        4 => edit.prop_map(Event::Manifest),
        1 => Just(Event::RenamedContainer),
        2 => any::<bool>().prop_map(Event::BrokenSeal),
    ]
}

/// The world so far, as far as it is not derived.
struct Course {
    kind: Kind,
    policy: BTreeMap<Key, usize>,
    manifest: Value,
    scaler: Option<(u32, u32, u32)>,
    /// The end of the newest window, in days, and what was used in it.
    day: i64,
    used: (u64, u64),
    /// The end of the window that planning is shown; `None`: no profile is there.
    shown: Option<i64>,
    exports: u32,
    accepted: Option<OptimizationPlan>,
    /// What the present window began with; less where somebody states less.
    base: BTreeMap<&'static str, Base>,
    log: String,
}

/// What a workload had when the window began.
#[derive(Clone, Copy, Debug)]
struct Base {
    cpu: u64,
    memory: u64,
    /// CPU of the lowest count of pods; `None`: no scaler was there.
    capacity: Option<u64>,
}

/// Amounts of the main container as they are built.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Built {
    cpu: u64,
    memory: u64,
    cpu_limit: Option<u64>,
    memory_limit: Option<u64>,
}

impl Course {
    fn new(kind: Kind) -> Self {
        let mut manifest = deployment("api", 4, "500m", "512Mi");
        if kind == Kind::StatefulSet {
            manifest["kind"] = json!("StatefulSet");
        }
        let mut course = Self {
            kind,
            policy: BTreeMap::new(),
            manifest,
            scaler: (kind == Kind::Adopted).then_some((3, 14, 70)),
            day: 0,
            used: (2, 300),
            shown: Some(0),
            exports: 0,
            accepted: None,
            base: BTreeMap::new(),
            log: String::new(),
        };
        if matches!(kind, Kind::Plain | Kind::Jvm | Kind::StatefulSet) {
            course.policy.insert(Key::Class, 1);
            course.policy.insert(Key::Scaling, 6);
        }
        course.begin_window();
        course
    }

    fn said(&self, key: Key) -> &'static str {
        values(key)[self.policy.get(&key).copied().unwrap_or(0)]
    }

    fn spec(&self) -> String {
        let block = |name: &str, body: &str| {
            if body.is_empty() {
                String::new()
            } else {
                format!("{name}: {{{body}}}, ")
            }
        };
        let requests = format!(
            "strategy: {}, {}{}",
            self.said(Key::Strategy),
            block("cpu", self.said(Key::Cpu)),
            block("memory", self.said(Key::Memory))
        );
        let limits = block("cpu", self.said(Key::CpuLimit)) + &block("memory", self.said(Key::MemoryLimit));
        let class = match self.said(Key::Class) {
            "" => String::new(),
            class => format!("class: {class}, "),
        };
        let runtime = if self.kind == Kind::Jvm {
            "runtime: {kind: jvm}, "
        } else {
            ""
        };
        format!(
            "{{mode: {}, guardrails: {{restart: {{minInterval: {INTERVAL_DAYS}d}}, wave: {{workloads: {}}}}}, workloads: {{all: {{match: {{names: \
             {{'*': true}}}}, {class}{runtime}requests: {{{requests}}}, {}{}}}}}}}",
            self.said(Key::Mode),
            self.said(Key::Wave),
            block("limits", &limits),
            block("scaling", self.said(Key::Scaling)),
        )
    }

    fn objects(&self) -> Vec<Value> {
        let mut objects = vec![self.manifest.clone(), deployment("cart", 3, "1", "1Gi")];
        objects.extend(self.scaler.map(|(min, max, target)| {
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "theirs", "namespace": "shop"},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": self.manifest["kind"], "name": "api"},
                    "minReplicas": min, "maxReplicas": max,
                    "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target":
                        {"type": "Utilization", "averageUtilization": target}}}]
                }
            })
        }));
        objects
    }

    fn key(&self, name: &str) -> String {
        let kind = if name == "api" {
            self.manifest["kind"].as_str().expect("a kind")
        } else {
            "Deployment"
        };
        format!("{kind}/shop/{name}")
    }

    fn container(&self, name: &str) -> &str {
        if name == "api" {
            self.manifest["spec"]["template"]["spec"]["containers"][0]["name"]
                .as_str()
                .expect("a name")
        } else {
            "cart"
        }
    }

    fn world(&self) -> World {
        let mut world = World {
            settings: known(&self.spec()),
            workloads: workload::read(&self.objects()).0,
            facts: BTreeMap::new(),
            accepted: None,
            profile: String::new(),
            window_end: None,
        };
        world.accepted.clone_from(&self.accepted);
        if let Some(day) = self.shown {
            world.window_end = at(day);
            world.profile = format!("sha256:{day}-{}", self.exports);
            for name in NAMES {
                let seen = Facts {
                    window_end: at(day),
                    ..used(name, self.container(name), self.used)
                };
                world.facts.insert(self.key(name), seen);
            }
        }
        world
    }

    /// Takes what is built by now for what the window began with.
    fn begin_window(&mut self) {
        for name in NAMES {
            let built = self.built(name).0;
            let entry = self.accepted.as_ref().map(|plan| &plan.spec.workloads[&self.key(name)]);
            let scaler = entry
                .filter(|entry| entry.is_rendered())
                .and_then(|entry| entry.scaler.as_ref());
            let capacity = scaler.map(|scaler| built.cpu * u64::from(scaler.min_replicas.value));
            let base = Base {
                cpu: built.cpu,
                memory: built.memory,
                capacity,
            };
            self.base.insert(name, base);
        }
    }

    /// What is built of what was accepted, and what the build says.
    fn built(&self, name: &str) -> (Built, Vec<Value>, Vec<String>) {
        let objects = self.objects();
        let workloads = workload::read(&objects).0;
        let (objects, said) = match &self.accepted {
            None => (objects, vec![]),
            Some(plan) => {
                let (edits, said) = render(plan, &workloads);
                let said = said.iter().map(|one| one.headline.clone()).collect();
                (apply(objects, &edits).expect("the edits fit"), said)
            }
        };
        let workloads = workload::read(&objects).0;
        let container = &workloads.by_key[&self.key(name)].containers[0];
        let built = Built {
            cpu: container.cpu_request.or(container.cpu_limit).map_or(0, Millicores::get),
            memory: container
                .memory_request
                .or(container.memory_limit)
                .map_or(0, Bytes::get),
            cpu_limit: container.cpu_limit.map(Millicores::get),
            memory_limit: container.memory_limit.map(Bytes::get),
        };
        (built, objects, said)
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Window(days, load, memory) => {
                self.begin_window();
                self.day += days;
                self.used = (*load, *memory);
                self.shown = Some(self.day);
            }
            Event::SameWindow => self.exports += 1,
            Event::Older(days) => self.shown = Some(self.day - days),
            Event::Lost => self.shown = None,
            Event::Found => self.shown = Some(self.day),
            Event::Policy(key, value) => {
                self.policy.insert(*key, *value);
            }
            Event::Manifest(edit) => self.edit(*edit),
            Event::RenamedContainer => {
                let name = format!("api{}", self.exports);
                self.exports += 1;
                self.manifest["spec"]["template"]["spec"]["containers"][0]["name"] = json!(name);
            }
            Event::BrokenSeal(is_number) => {
                let key = self.key("api");
                let Some(entry) = self
                    .accepted
                    .as_mut()
                    .and_then(|plan| plan.spec.workloads.get_mut(&key))
                else {
                    return;
                };
                entry
                    .findings
                    .insert("kept".to_owned(), trimtab::plan::model::Finding::default());
                let cpu = entry
                    .containers
                    .values_mut()
                    .find_map(|container| container.requests.cpu.as_mut());
                if let (Some(cpu), true) = (cpu, is_number) {
                    cpu.value = Millicores::new(cpu.value.get() * 9 / 10 + 1);
                }
            }
        }
    }

    fn edit(&mut self, edit: Edit) {
        let resources = &mut self.manifest["spec"]["template"]["spec"]["containers"][0]["resources"];
        match edit {
            Edit::Cpu(milli) => resources["requests"]["cpu"] = json!(format!("{milli}m")),
            Edit::Memory(mib) => {
                resources["requests"]["memory"] = json!(format!("{mib}Mi"));
                resources["limits"]["memory"] = json!(format!("{mib}Mi"));
            }
            // as its owner may write it: never below the request
            Edit::MemoryLimit(mib) => {
                resources["limits"]["memory"] = json!(format!("{}Mi", mib.max(1024)));
            }
            Edit::Replicas(count) => self.manifest["spec"]["replicas"] = json!(count),
            Edit::Scaler(min, max, target) => self.scaler = Some((min, max, target)),
            Edit::NoScaler => self.scaler = None,
        }
    }
}

fn at(day: i64) -> Option<Timestamp> {
    Timestamp::from_unix(END + day * DAY_S)
}

thread_local! {
    /// Policies and history are the same in many cases, and take longer to make than a plan.
    static SETTINGS: RefCell<BTreeMap<String, Settings>> = const { RefCell::new(BTreeMap::new()) };
    static USED: RefCell<BTreeMap<(String, u64, u64), Facts>> = const { RefCell::new(BTreeMap::new()) };
}

fn known(spec: &str) -> Settings {
    SETTINGS.with_borrow_mut(|known| known.entry(spec.to_owned()).or_insert_with(|| settings(spec)).clone())
}

/// Four weeks in four pods, with such a load and memory.
fn used(name: &str, container: &str, (load, memory): (u64, u64)) -> Facts {
    let mut seen = USED.with_borrow_mut(|known| {
        let made = || by_the_hour(facts(name, memory, |step| wave(step) * load / 2, |_| 4));
        known
            .entry((name.to_owned(), load, memory))
            .or_insert_with(made)
            .clone()
    });
    if container != name
        && let Some(facts) = seen.containers.remove(name)
    {
        seen.containers.insert(container.to_owned(), facts);
    }
    seen
}

/// What matters of an entry, on one line.
fn short(one: &WorkloadPlan) -> String {
    fn shown(part: &impl serde::Serialize) -> String {
        let shown = serde_json::to_string(part).expect("a value").replace("\\\"", "");
        shown.replace("\"reason\":", "").replace('"', "")
    }
    let waiting: Vec<&String> = one.waiting.keys().collect();
    let findings: Vec<&String> = one.findings.keys().collect();
    format!(
        "{} {} scaler {} replicas {} raised {} lowered {} window {} restarted {} findings {} waiting {}",
        shown(&one.status),
        shown(&one.containers),
        shown(&one.scaler),
        shown(&one.replicas),
        shown(&one.raised),
        shown(&one.lowered),
        shown(&one.window),
        shown(&one.restarted),
        shown(&findings),
        shown(&waiting)
    )
}

/// Demand by the hour: these laws ask for many plans.
fn by_the_hour(mut seen: Facts) -> Facts {
    for container in seen.containers.values_mut() {
        let cells = container.cpu_demand.cells.drain(..).skip(11).step_by(12);
        let cells = cells.map(|cell| DemandCell { step_s: 3600, ..cell }).collect();
        container.cpu_demand = Demand { cells };
    }
    seen
}

fn check(is_kept: bool, law: &str, course: &Course) -> Result<(), TestCaseError> {
    prop_assert!(is_kept, "{law}\n{}", course.log);
    Ok(())
}

/// Whether somebody states the amounts of this code.
fn is_said(code: &str) -> bool {
    matches!(code, "stated" | "capped-by-limit" | "owner-raised")
}

fn cpu_code(entry: &WorkloadPlan, container: &str) -> Option<String> {
    Some(
        entry
            .containers
            .get(container)?
            .requests
            .cpu
            .as_ref()?
            .reason
            .code
            .clone(),
    )
}

fn memory_code(entry: &WorkloadPlan, container: &str) -> Option<String> {
    Some(
        entry
            .containers
            .get(container)?
            .requests
            .memory
            .as_ref()?
            .reason
            .code
            .clone(),
    )
}

/// Every law, after an event and the plan that follows it.
fn laws(course: &mut Course, event: Option<&Event>, before: [Built; 2]) -> Result<(), TestCaseError> {
    let was = course.accepted.clone();
    let world = course.world();
    let plan = world.plan();
    writeln!(course.log, "{event:?}: {}", course.spec()).expect("a string");
    for (name, one) in &plan.spec.workloads {
        writeln!(course.log, "  {name} {}", short(one)).expect("a string");
    }
    // a: what was accepted is planned again, and an edit that concerns none of it changes nothing
    let other = course.spec().replace(
        "workloads: {all:",
        "workloads: {none: {match: {names: {nobody: true}}, mode: observe}, all:",
    );
    let again = World {
        accepted: Some(plan.clone()),
        settings: known(&other),
        ..world
    };
    let is_fixed = again.plan().spec.workloads == plan.spec.workloads;
    check(is_fixed, "a plan is a fixed point", course)?;
    course.accepted = Some(plan);
    for (name, built) in NAMES.into_iter().zip(before) {
        of_workload(course, name, (was.as_ref(), built), event)?;
    }
    waves(course, was.as_ref())
}

fn of_workload(
    course: &mut Course,
    name: &'static str,
    (was, before): (Option<&OptimizationPlan>, Built),
    event: Option<&Event>,
) -> Result<(), TestCaseError> {
    let key = course.key(name);
    let plan = course.accepted.clone().expect("planned");
    let one = &plan.spec.workloads[&key];
    let was = was.map(|plan| &plan.spec.workloads[&key]);
    let container = course.container(name).to_owned();
    let (built, objects, said) = course.built(name);
    let edits = render(&plan, &workload::read(&objects).0).0;
    let twice = apply(objects.clone(), &edits).expect("the edits fit");
    check(twice == objects, "rendering twice is rendering once", course)?;
    // c
    let is_within = built.cpu_limit.is_none_or(|limit| built.cpu <= limit)
        && built.memory_limit.is_none_or(|limit| built.memory <= limit);
    check(is_within, "no request is above its limit", course)?;
    if let Some(scaler) = one.scaler.as_ref() {
        check(
            scaler.min_replicas.value <= scaler.max_replicas.value,
            "min is at most max",
            course,
        )?;
        check(
            scaler.cpu.is_none() || built.cpu > 0,
            "a target is a share of a request",
            course,
        )?;
        let count = one.replicas.as_ref().and_then(|count| count.value);
        let is_between =
            count.is_none_or(|count| (scaler.min_replicas.value..=scaler.max_replicas.value).contains(&count));
        check(is_between, "replicas are within the bounds", course)?;
    }
    if !one.is_rendered() {
        return Ok(());
    }
    // d
    let decided = one.containers.get(&container).cloned().unwrap_or_default();
    let is_built = decided
        .requests
        .cpu
        .as_ref()
        .is_none_or(|cpu| cpu.value.get() == built.cpu)
        && decided
            .requests
            .memory
            .as_ref()
            .is_none_or(|memory| memory.value.get() == built.memory)
        && decided
            .limits
            .cpu
            .as_ref()
            .is_none_or(|limit| limit.value.map(Millicores::get) == built.cpu_limit)
        && decided
            .limits
            .memory
            .as_ref()
            .is_none_or(|limit| limit.value.map(Bytes::get) == built.memory_limit);
    check(
        is_built || !said.is_empty(),
        "what is planned is built, or the build says why not",
        course,
    )?;
    // a template that is held keeps what was accepted: above a limit that its owner lowered since, the build leaves it out
    let is_held = course.kind == Kind::StatefulSet;
    let is_fresh = course.said(Key::Mode) == "enforce" && one.status == Status::Planned && !is_held;
    check(
        !is_fresh || is_built,
        "amounts that were just planned are built",
        course,
    )?;
    is_stated_built(course, one, built)?;
    if let Some(was) = was.filter(|was| was.is_rendered()) {
        nothing_is_lost(course, one, was, &container, name)?;
        if !matches!(event, Some(Event::BrokenSeal(true))) {
            memory_is_held(course, (one, was), &container, (built, before))?;
        }
        // f
        if !matches!(
            event,
            Some(Event::Manifest(_) | Event::RenamedContainer | Event::BrokenSeal(true))
        ) || name != "api"
        {
            restarts(course, (one, was), &container, built != before)?;
        }
    }
    steps(course, one, &container, name, built, event)
}

/// g: what the policy states is what is built, or a finding says why not.
fn is_stated_built(course: &Course, one: &WorkloadPlan, built: Built) -> Result<(), TestCaseError> {
    let is_decided =
        course.said(Key::Mode) == "enforce" && serde_json::to_value(one.status).expect("a value") != json!("kept");
    let is_excused = ["policy-conflict", "capped-by-limit", "restart-deferred"]
        .iter()
        .any(|code| one.findings.contains_key(*code));
    if !is_decided || is_excused {
        return Ok(());
    }
    let stated = |key: Key| {
        course
            .said(key)
            .strip_prefix("value: ")
            .map(|value| value.trim_matches('\'').to_owned())
    };
    let milli = |text: String| text.parse::<Millicores>().expect("an amount").get();
    let bytes = |text: String| text.parse::<Bytes>().expect("an amount").get();
    let is_built = stated(Key::Cpu).map(milli).is_none_or(|cpu| cpu == built.cpu)
        && stated(Key::Memory)
            .map(bytes)
            .is_none_or(|memory| memory == built.memory)
        && stated(Key::CpuLimit)
            .map(milli)
            .is_none_or(|limit| Some(limit) == built.cpu_limit)
        && stated(Key::MemoryLimit)
            .map(bytes)
            .is_none_or(|limit| Some(limit) == built.memory_limit);
    check(is_built, "what the policy states is built", course)
}

/// e: nothing that was accepted disappears.
fn nothing_is_lost(
    course: &Course,
    one: &WorkloadPlan,
    was: &WorkloadPlan,
    container: &str,
    name: &str,
) -> Result<(), TestCaseError> {
    let is_back = course.said(Key::Strategy) == "none";
    let (old, new) = (was.containers.values().next(), one.containers.get(container));
    let lost = |old: bool, new: bool| old && !new;
    let has = |container: Option<&ContainerPlan>| {
        container.map_or((false, false), |one| {
            (one.requests.cpu.is_some(), one.requests.memory.is_some())
        })
    };
    let ((cpu, memory), (new_cpu, new_memory)) = (has(old), has(new));
    check(
        is_back || !(lost(cpu, new_cpu) || lost(memory, new_memory)),
        "no accepted request is lost",
        course,
    )?;
    let is_gone = name == "api" && course.scaler.is_none() && was.scaler.as_ref().is_some_and(|scaler| scaler.adopted);
    let is_taken = course.said(Key::Scaling) == "mode: none" || is_gone;
    check(
        is_taken || was.scaler.is_none() || one.scaler.is_some(),
        "no accepted scaler is lost",
        course,
    )
}

/// b: what a JVM was held at, or raised to by its owner, goes down by a word of the policy only.
fn memory_is_held(
    course: &Course,
    (one, was): (&WorkloadPlan, &WorkloadPlan),
    container: &str,
    (built, before): (Built, Built),
) -> Result<(), TestCaseError> {
    let old = was
        .containers
        .values()
        .next()
        .and_then(|old| old.requests.memory.as_ref());
    let was_held = old.is_some_and(|old| ["owner-raised", "memory-not-lowered"].contains(&old.reason.code.as_str()));
    let now = memory_code(one, container);
    let is_word = now
        .as_deref()
        .is_none_or(|code| code == "stated" || code == "capped-by-limit");
    // nothing is decided on what is kept, and a build leaves out what its owner's manifest does not allow
    let is_kept = one.status != Status::Planned;
    let is_held = is_word || is_kept || !was_held || built.memory >= before.memory;
    check(course.kind != Kind::Jvm || is_held, "memory that is held stays", course)
}

/// f: pods restart once in an interval, but for what is said.
fn restarts(
    course: &Course,
    (one, was): (&WorkloadPlan, &WorkloadPlan),
    container: &str,
    is_changed: bool,
) -> Result<(), TestCaseError> {
    let now = course.shown.and_then(at);
    let (Some(last), Some(now), true) = (was.restarted, now, is_changed) else {
        return Ok(());
    };
    let is_due = last == now || last.unix() + INTERVAL_DAYS * DAY_S <= now.unix();
    let nothing = ContainerPlan::default();
    let (new, old) = (
        one.containers.get(container).unwrap_or(&nothing),
        was.containers.values().next().unwrap_or(&nothing),
    );
    let count = |one: &ContainerPlan| {
        [
            one.requests.cpu.is_some(),
            one.requests.memory.is_some(),
            one.limits.cpu.is_some(),
            one.limits.memory.is_some(),
        ]
        .iter()
        .filter(|is_there| **is_there)
        .count()
    };
    let codes = [
        new.requests
            .cpu
            .as_ref()
            .filter(|cpu| old.requests.cpu.as_ref().is_none_or(|old| old.value != cpu.value))
            .map(|cpu| &cpu.reason.code),
        new.requests
            .memory
            .as_ref()
            .filter(|memory| old.requests.memory.as_ref().is_none_or(|old| old.value != memory.value))
            .map(|memory| &memory.reason.code),
        new.limits
            .cpu
            .as_ref()
            .filter(|cpu| old.limits.cpu.as_ref().is_none_or(|old| old.value != cpu.value))
            .map(|cpu| &cpu.reason.code),
        new.limits
            .memory
            .as_ref()
            .filter(|memory| old.limits.memory.as_ref().is_none_or(|old| old.value != memory.value))
            .map(|memory| &memory.reason.code),
    ];
    let is_up = |new: Option<u64>, old: Option<u64>| new.zip(old).is_some_and(|(new, old)| new > old);
    let cpu = |one: &ContainerPlan| one.requests.cpu.as_ref().map(|cpu| cpu.value.get());
    let memory = |one: &ContainerPlan| one.requests.memory.as_ref().map(|memory| memory.value.get());
    // a workload that is short of something waits for no interval
    let is_urgent = is_up(cpu(new), cpu(old)) || is_up(memory(new), memory(old));
    let is_word = codes.iter().flatten().any(|code| is_said(code)) || count(new) < count(old) || is_urgent;
    check(is_due || is_word, "pods restart once in an interval", course)
}

/// b: one bounded step in a window.
fn steps(
    course: &mut Course,
    one: &WorkloadPlan,
    container: &str,
    name: &'static str,
    built: Built,
    event: Option<&Event>,
) -> Result<(), TestCaseError> {
    let mut base = course.base[name];
    let (cpu, memory) = (cpu_code(one, container), memory_code(one, container));
    let is_word = |code: &Option<String>| code.as_deref().is_none_or(is_said);
    let is_edited = name == "api" && matches!(event, Some(Event::Manifest(_) | Event::BrokenSeal(true)));
    // somebody's word, or the manifest's own again: from there on steps are measured from that
    if is_word(&cpu) || is_edited {
        base.cpu = base.cpu.min(built.cpu);
    }
    if is_word(&memory) || is_edited {
        base.memory = base.memory.min(built.memory);
    }
    check(
        built.cpu * 10 >= base.cpu * 7,
        "CPU falls by one step in a window",
        course,
    )?;
    check(
        built.memory * 10 >= base.memory * 7,
        "memory falls by one step in a window",
        course,
    )?;
    let holds_memory = course.kind == Kind::Jvm;
    check(
        !holds_memory || built.memory >= base.memory,
        "the memory of a JVM is not lowered",
        course,
    )?;
    if let Some(scaler) = &one.scaler {
        let capacity = built.cpu * u64::from(scaler.min_replicas.value);
        let is_free = is_word(&cpu)
            || is_edited
            || is_said(&scaler.min_replicas.reason.code)
            || scaler.max_replicas.reason.code == "stated";
        let known = base.capacity.get_or_insert(capacity);
        if is_free {
            *known = capacity.min(*known);
        }
        check(
            capacity * 10 >= *known * 7,
            "capacity falls by one step in a window",
            course,
        )?;
    }
    course.base.insert(name, base);
    Ok(())
}

/// f: not more workloads restart in a plan than the wave has, but for what is said.
fn waves(course: &Course, was: Option<&OptimizationPlan>) -> Result<(), TestCaseError> {
    let (Some(was), Some(now)) = (was, course.shown.and_then(at)) else {
        return Ok(());
    };
    let wave: usize = course.said(Key::Wave).parse().expect("a number");
    let plan = course.accepted.as_ref().expect("planned");
    let restarted = |plan: &OptimizationPlan, key: &String| plan.spec.workloads[key].restarted == Some(now);
    let all = NAMES.map(|name| (course.container(name), course.key(name)));
    let fresh: Vec<_> = all
        .iter()
        .filter(|(_, key)| restarted(plan, key) && !restarted(was, key))
        .collect();
    let is_usual = |(container, key): &&&(&str, String)| {
        let one = &plan.spec.workloads[key];
        ![cpu_code(one, container), memory_code(one, container)]
            .iter()
            .flatten()
            .any(|code| is_said(code))
            && one.containers.values().all(|container| {
                let limits = (&container.limits.cpu, &container.limits.memory);
                !limits.0.as_ref().is_some_and(|limit| is_said(&limit.reason.code))
                    && !limits.1.as_ref().is_some_and(|limit| is_said(&limit.reason.code))
            })
            && course.said(Key::Strategy) != "none"
    };
    let in_all = all.iter().filter(|(_, key)| restarted(plan, key)).count();
    let is_within = fresh.iter().filter(is_usual).count() == 0 || in_all <= wave;
    check(is_within, "no more workloads restart than a wave has", course)
}

fn run(cases: u32) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let kinds = select(vec![
        Kind::Plain,
        Kind::Jvm,
        Kind::Web,
        Kind::Adopted,
        Kind::StatefulSet,
    ]);
    let courses = (kinds, prop::collection::vec(event(), 1..12));
    let found = runner.run(&courses, |(kind, events)| {
        let mut course = Course::new(kind);
        laws(&mut course, None, NAMES.map(|name| Course::new(kind).built(name).0))?;
        for event in &events {
            let before = NAMES.map(|name| course.built(name).0);
            course.happen(event);
            laws(&mut course, Some(event), before)?;
        }
        Ok(())
    });
    if let Err(found) = found {
        panic!("{found}");
    }
}

#[test]
fn plans_keep_their_laws_over_any_course_of_events() {
    run(64);
}

/// `TRIMTAB_LAW_CASES` courses, or 2000; less than 0.1 s each.
#[test]
#[ignore = "slow"]
fn plans_keep_their_laws_over_many_courses_of_events() {
    let cases = std::env::var("TRIMTAB_LAW_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    run(cases.unwrap_or(2000));
}
