//! A course of events: the manifests, the policy and the history as they are by now, and what was accepted.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use trimtab::facts::{Demand, DemandCell, Facts};
use trimtab::krm::apply;
use trimtab::plan::model::{OptimizationPlan, WorkloadPlan};
use trimtab::policy::Settings;
use trimtab::render::render;
use trimtab::units::{Bytes, Millicores, Timestamp};
use trimtab::workload;

use super::events::{Edit, Event, Key, Kind, values};
use crate::planning::{World, deployment, facts, settings, wave};

/// The end of the windows of [`facts`], 2023-11-20.
const END: i64 = 1_700_438_400;
pub(super) const DAY_S: i64 = 86_400;
/// `guardrails.restart.minInterval`, as every policy here has it.
pub(super) const INTERVAL_DAYS: i64 = 28;
/// The two workloads: events of manifests are about the first.
pub(super) const NAMES: [&str; 2] = ["api", "cart"];

/// The world so far, as far as it is not derived.
pub(super) struct Course {
    pub(super) kind: Kind,
    pub(super) policy: BTreeMap<Key, usize>,
    pub(super) manifest: Value,
    pub(super) scaler: Option<(u32, u32, u32)>,
    /// The end of the newest window, in days, and what was used in it.
    day: i64,
    pub(super) used: (u64, u64),
    /// The end of the window that planning is shown; `None`: no profile is there.
    pub(super) shown: Option<i64>,
    pub(super) exports: u32,
    pub(super) accepted: Option<OptimizationPlan>,
    /// What the present window began with; less where somebody states less.
    pub(super) base: BTreeMap<&'static str, Base>,
    pub(super) log: String,
}

/// What a workload had when the window began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) cpu: u64,
    pub(super) memory: u64,
    /// CPU of the lowest count of pods; `None`: no scaler was there.
    pub(super) capacity: Option<u64>,
}

/// Amounts of the main container as they are built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Built {
    pub(super) cpu: u64,
    pub(super) memory: u64,
    pub(super) cpu_limit: Option<u64>,
    pub(super) memory_limit: Option<u64>,
}

impl Course {
    pub(super) fn new(kind: Kind) -> Self {
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

    pub(super) fn said(&self, key: Key) -> &'static str {
        values(key)[self.policy.get(&key).copied().unwrap_or(0)]
    }

    pub(super) fn spec(&self) -> String {
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

    pub(super) fn objects(&self) -> Vec<Value> {
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

    pub(super) fn key(&self, name: &str) -> String {
        let kind = if name == "api" {
            self.manifest["kind"].as_str().expect("a kind")
        } else {
            "Deployment"
        };
        format!("{kind}/shop/{name}")
    }

    pub(super) fn container(&self, name: &str) -> &str {
        if name == "api" {
            self.manifest["spec"]["template"]["spec"]["containers"][0]["name"]
                .as_str()
                .expect("a name")
        } else {
            "cart"
        }
    }

    pub(super) fn world(&self) -> World {
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
    pub(super) fn begin_window(&mut self) {
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
    pub(super) fn built(&self, name: &str) -> (Built, Vec<Value>, Vec<String>) {
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

    /// The limits that the first workload's manifest says.
    pub(super) fn manifest_limits(&self) -> (Option<u64>, Option<u64>) {
        let workloads = workload::read(&self.objects()).0;
        let container = &workloads.by_key[&self.key("api")].containers[0];
        (
            container.cpu_limit.map(Millicores::get),
            container.memory_limit.map(Bytes::get),
        )
    }

    pub(super) fn happen(&mut self, event: &Event) {
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

    pub(super) fn edit(&mut self, edit: Edit) {
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

pub(super) fn at(day: i64) -> Option<Timestamp> {
    Timestamp::from_unix(END + day * DAY_S)
}

thread_local! {
    /// Policies and history are the same in many cases, and take longer to make than a plan.
    static SETTINGS: RefCell<BTreeMap<String, Settings>> = const { RefCell::new(BTreeMap::new()) };
    static USED: RefCell<BTreeMap<(String, u64, u64), Facts>> = const { RefCell::new(BTreeMap::new()) };
}

pub(super) fn known(spec: &str) -> Settings {
    SETTINGS.with_borrow_mut(|known| known.entry(spec.to_owned()).or_insert_with(|| settings(spec)).clone())
}

/// Four weeks in four pods, with such a load and memory.
pub(super) fn used(name: &str, container: &str, (load, memory): (u64, u64)) -> Facts {
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
pub(super) fn short(one: &WorkloadPlan) -> String {
    pub(super) fn shown(part: &impl serde::Serialize) -> String {
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
pub(super) fn by_the_hour(mut seen: Facts) -> Facts {
    for container in seen.containers.values_mut() {
        let cells = container.cpu_demand.cells.drain(..).skip(11).step_by(12);
        let cells = cells.map(|cell| DemandCell { step_s: 3600, ..cell }).collect();
        container.cpu_demand = Demand { cells };
    }
    seen
}
