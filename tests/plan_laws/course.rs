//! A course of events: the manifests, the policy and the history as they are by now, and what was accepted.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use trimtab::facts::{DemandCell, Facts};
use trimtab::krm::{DefaultNamespace, apply};
use trimtab::plan::model::{OptimizationPlan, WorkloadPlan};
use trimtab::plan::namespace::under_keys_of;
use trimtab::policy::Settings;
use trimtab::render::render;
use trimtab::units::{Bytes, Millicores, Timestamp};
use trimtab::workload::{self, Workloads};

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
    /// A ScaledObject and a budget of the owner.
    queue: Option<(u32, u32)>,
    pub(super) budget: Option<(&'static str, u32)>,
    has_claim: bool,
    pub(super) is_shared: bool,
    is_spelled: bool,
    /// The grace period that the owner lengthened after a plan, until the manifest or the policy says otherwise.
    pub(super) lengthened: Option<u64>,
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
        match kind {
            Kind::StatefulSet => manifest["kind"] = json!("StatefulSet"),
            Kind::Rollout => {
                manifest["kind"] = json!("Rollout");
                manifest["apiVersion"] = json!("argoproj.io/v1alpha1");
            }
            Kind::Sidecars => {
                let small = json!({"requests": {"cpu": "50m", "memory": "64Mi"}});
                let spec = &mut manifest["spec"]["template"]["spec"];
                spec["initContainers"] =
                    json!([{"name": "mesh", "image": "mesh:1", "restartPolicy": "Always", "resources": small}]);
                let agent = json!({"name": "zz-agent", "image": "agent:1", "resources": small});
                spec["containers"].as_array_mut().expect("a list").push(agent);
            }
            _ => {}
        }
        let mut course = Self {
            kind,
            policy: BTreeMap::new(),
            manifest,
            scaler: (kind == Kind::Adopted).then_some((3, 14, 70)),
            queue: (kind == Kind::TheirQueue).then_some((2, 10)),
            budget: (kind == Kind::TheirBudget).then_some(("minAvailable", 1)),
            has_claim: false,
            is_shared: false,
            is_spelled: true,
            lengthened: None,
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
        let class = match (self.said(Key::Class), self.kind.class()) {
            ("", _) => String::new(),
            (class, "") | (_, class) => format!("class: {class}, "),
        };
        let kind = match self.kind {
            Kind::Jvm => "runtime: {kind: jvm}, ",
            Kind::Database => "mode: enforce, ",
            _ => "",
        };
        let beside = [
            ("spot", Key::Spot),
            ("disruption", Key::Disruption),
            ("spread", Key::Spread),
            ("termination", Key::Termination),
        ];
        let beside: String = beside
            .into_iter()
            .map(|(name, key)| block(name, self.said(key)))
            .collect();
        format!(
            "{{identity: {{namespace: shop}}, cluster: {{kubernetes: '1.33', provider: aws, zones: 3, addons: {{keda: '2.18'}}}}, mode: {}, \
             guardrails: {{restart: {{minInterval: {INTERVAL_DAYS}d}}, wave: {{workloads: {}}}}}, \
             workloads: {{all: {{match: {{names: {{'*': true}}}}, {class}{kind}requests: {{{requests}}}, {}{}{beside}}}}}}}",
            self.said(Key::Mode),
            self.said(Key::Wave),
            block("limits", &limits),
            block("scaling", &self.scaling()),
        )
    }

    fn scaling(&self) -> String {
        const QUEUE: &str = "queue: {type: rabbitmq, threshold: {value: '50'}, metadata: {queueName: jobs, mode: QueueLength, hostFromEnv: URL}}";
        const CRON: &str = "day: {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '5'}}";
        let said = self.said(Key::Scaling);
        if !self.kind.is_on_queue() || said == "mode: none" {
            return said.to_owned();
        }
        let triggers = match self.said(Key::Trigger) {
            "queue" => format!("triggers: {{{QUEUE}}}"),
            "cron" => format!("triggers: {{{QUEUE}, {CRON}}}"),
            "idle" => format!("triggers: {{{QUEUE}}}, idleReplicas: 0"),
            "fallback" => format!("triggers: {{{QUEUE}}}, fallback: {{failureThreshold: 3, replicas: 6}}"),
            _ => String::new(),
        };
        [triggers.as_str(), said]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The owner's objects and the workloads, as they are written.
    pub(super) fn objects(&self) -> Vec<Value> {
        let mut cart = deployment("cart", 3, "1", "1Gi");
        if self.is_shared {
            cart["spec"]["template"]["metadata"]["labels"]["tier"] = json!("shop");
        }
        let mut objects = vec![self.manifest.clone()];
        let target = json!({"apiVersion": self.manifest["apiVersion"], "kind": self.manifest["kind"], "name": "api"});
        let labels = json!({"team": "shop"});
        objects.extend(self.scaler.map(|(min, max, percent)| {
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "theirs", "namespace": "shop", "labels": labels},
                "spec": {
                    "scaleTargetRef": target,
                    "minReplicas": min, "maxReplicas": max,
                    "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target":
                        {"type": "Utilization", "averageUtilization": percent}}}],
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 450}}
                }
            })
        }));
        objects.extend(self.queue.map(|(min, max)| {
            json!({
                "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
                "metadata": {"name": "their-queue", "namespace": "shop", "labels": labels},
                "spec": {
                    "scaleTargetRef": target, "minReplicaCount": min, "maxReplicaCount": max, "cooldownPeriod": 77,
                    "triggers": [{"type": "kafka", "name": "events", "metadata": {"topic": "t"}}]
                }
            })
        }));
        objects.extend(self.budget.map(|(bound, pods)| {
            json!({
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "metadata": {"name": "their-budget", "namespace": "shop", "labels": labels},
                "spec": {"selector": {"matchLabels": {"app": "api"}}, bound: pods}
            })
        }));
        if self.has_claim {
            objects.push(json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
                "spec": {"accessModes": ["ReadWriteOnce"]}
            }));
        }
        if !self.is_spelled {
            for object in &mut objects {
                object["metadata"].as_object_mut().expect("a map").remove("namespace");
            }
        }
        objects.push(cart);
        objects
    }

    pub(super) fn read(objects: &[Value]) -> Workloads {
        workload::read_in(objects, &DefaultNamespace::stated("shop")).0
    }

    /// The entry of a workload, whichever way its namespace is written.
    pub(super) fn entry<'p>(&self, plan: &'p OptimizationPlan, name: &str) -> &'p WorkloadPlan {
        let key = self.key(name);
        let other = DefaultNamespace::stated("shop").other_key(&key);
        let workloads = &plan.spec.workloads;
        workloads
            .get(&key)
            .or_else(|| workloads.get(&other?))
            .expect("an entry")
    }

    pub(super) fn key(&self, name: &str) -> String {
        if name == "api" {
            let kind = self.manifest["kind"].as_str().expect("a kind");
            let namespace = if self.is_spelled { "shop/" } else { "" };
            format!("{kind}/{namespace}{name}")
        } else {
            format!("Deployment/shop/{name}")
        }
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
            workloads: Self::read(&self.objects()),
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
            let entry = self.accepted.as_ref().map(|plan| self.entry(plan, name));
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
        let workloads = Self::read(&objects);
        let (objects, said) = match &self.accepted {
            None => (objects, vec![]),
            Some(plan) => {
                let (edits, said) = render(plan, &workloads);
                let said = said.iter().map(|one| one.headline.clone()).collect();
                (apply(objects, &edits).expect("the edits fit"), said)
            }
        };
        let workloads = Self::read(&objects);
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

    /// The lowest count that the manifests say.
    pub(super) fn written_count(&self, name: &str) -> u64 {
        let workloads = Self::read(&self.objects());
        let workload = &workloads.by_key[&self.key(name)];
        let scaled = workload.scalers.iter().map(|scaler| scaler.min_replicas).min();
        u64::from(scaled.or(workload.replicas).unwrap_or(1))
    }

    /// Kinds and names of the owner's scalers.
    pub(super) fn their_scalers(&self) -> Vec<(&'static str, &'static str)> {
        let hpa = self.scaler.map(|_| ("HorizontalPodAutoscaler", "theirs"));
        let queue = self.queue.map(|_| ("ScaledObject", "their-queue"));
        hpa.into_iter().chain(queue).collect()
    }

    /// The limits that the first workload's manifest says.
    pub(super) fn manifest_limits(&self) -> (Option<u64>, Option<u64>) {
        let workloads = Self::read(&self.objects());
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
                if *key == Key::Termination {
                    self.lengthened = None;
                }
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
            Edit::Queue(queue) => self.queue = queue,
            Edit::Budget(budget) => self.budget = budget,
            Edit::Grace(seconds) => {
                let spec = &mut self.manifest["spec"]["template"]["spec"];
                let was = spec["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
                spec["terminationGracePeriodSeconds"] = json!(seconds);
                if seconds.unwrap_or(30) != was {
                    self.lengthened = seconds.filter(|now| *now > was && self.accepted.is_some());
                }
            }
            Edit::Recreate(is_so) => {
                let kind = if is_so { "Recreate" } else { "RollingUpdate" };
                self.manifest["spec"]["strategy"] = json!({"type": kind});
            }
            Edit::Claim(is_there) => {
                self.has_claim = is_there;
                let volume = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
                let volumes = if is_there { volume } else { json!([]) };
                self.manifest["spec"]["template"]["spec"]["volumes"] = volumes;
            }
            Edit::SharedLabels(is_shared) => {
                self.is_shared = is_shared;
                let labels = if is_shared {
                    json!({"tier": "shop"})
                } else {
                    json!({"app": "api"})
                };
                self.manifest["spec"]["selector"]["matchLabels"] = labels;
                self.manifest["spec"]["template"]["metadata"]["labels"]["tier"] = json!("shop");
            }
            Edit::Namespace(is_spelled) => {
                self.is_spelled = is_spelled;
                // as every command does first
                let workloads = Self::read(&self.objects());
                self.accepted = self.accepted.take().map(|plan| under_keys_of(plan, &workloads));
            }
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
        let cells = container.cpu_demand.cells().skip(11).step_by(12);
        container.cpu_demand = cells.map(|cell| DemandCell { step_s: 3600, ..cell }).collect();
    }
    seen
}
