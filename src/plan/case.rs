//! One workload to decide on: everything a decision may look at, and what it finds on the way.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::field::{Amount, FieldName, Resource};
use super::last::{Evidence, Last};
use super::limits::StatedLimits;
use super::model::{Decision, Finding, ResourcePlan, Theirs, WorkloadPlan};
use super::owner::{self, Edits};
use crate::diag::{Code, code, first_of};
use crate::facts::{ContainerFacts, Facts, LEAST_RUNS};
use crate::krm::Reason;
use crate::policy::wire::StatefulRestart;
use crate::policy::{Settings, WorkloadSettings};
use crate::units::{Bytes, Millicores, Percent, Seconds, Timestamp};
use crate::workload::{Container, Scaler, Workload};

/// What is asked: a decision on one workload, from these.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The policy.
    pub settings: &'a Settings,
    /// The workload as its manifests have it.
    pub workload: &'a Workload,
    /// Its history, however little.
    pub seen: Option<&'a Facts>,
    /// The accepted decision.
    pub accepted: Option<&'a WorkloadPlan>,
    /// Names of its containers by those that history and the accepted decision may have for them.
    pub renamed: &'a BTreeMap<String, String>,
    /// Whether it is not as planning wrote it.
    pub is_edited: bool,
    /// End of the window of history.
    pub now: Option<Timestamp>,
    /// The workloads that a scaler or budget of this one would share pods with, in words.
    pub shared_with: Option<&'a str>,
}

/// What decisions on one workload look at. Pure inputs, and a notebook for findings.
pub struct Case<'a> {
    /// The policy.
    pub settings: &'a Settings,
    /// What it wants for this workload.
    pub wanted: &'a WorkloadSettings,
    /// The workload as its manifests have it.
    pub workload: &'a Workload,
    /// Its history; `None` where there is none, or too little to derive from.
    pub facts: Option<&'a Facts>,
    /// Its history, however little: what was in force is a fact even of a single day.
    pub seen: Option<&'a Facts>,
    last: Last,
    /// What the owner edited in the manifest and history has not judged yet.
    pub(super) edits: Edits,
    /// What the owner wrote where the manifest has a value of ours by now, by field.
    pub(super) overwritten: BTreeMap<String, Theirs>,
    /// Whether the history was set aside as a whole: then its absence is no news.
    is_distrusted: bool,
    has_profile: bool,
    shared_with: Option<&'a str>,
    findings: RefCell<BTreeMap<Code, Found>>,
    /// By container; laying the rules' layers over each other takes time.
    stated_limits: RefCell<BTreeMap<String, StatedLimits>>,
}

/// What was found under one code, each thing once, in the order it was met.
#[derive(Default)]
struct Found {
    details: Vec<String>,
    accepted: Option<String>,
}

impl<'a> Case<'a> {
    /// A case; history that does not suffice is set aside.
    pub fn new(question: Question<'a>, wanted: &'a WorkloadSettings) -> Self {
        let Question {
            settings,
            workload,
            seen,
            shared_with,
            ..
        } = question;
        let bounds = &settings.bounds;
        let is_enough = |facts: &&Facts| {
            facts.is_enough(bounds.history_minimum, bounds.history_coverage)
                || (is_job(workload) && facts.has_runs(bounds.history_minimum))
        };
        // an older profile than the accepted decision stands on says nothing new
        let known = question.accepted.and_then(|plan| plan.window);
        let is_older = known.zip(question.now).is_some_and(|(known, now)| now < known);
        let seen = seen.filter(|_| !is_older);
        let facts = seen.filter(is_enough);
        let mut case = Self {
            settings,
            wanted,
            workload,
            facts,
            seen,
            last: Last::default(),
            edits: Edits::of(&question),
            overwritten: owner::overwritten(&question),
            is_distrusted: is_older,
            has_profile: question.now.is_some(),
            shared_with,
            findings: RefCell::default(),
            stated_limits: RefCell::default(),
        }
        .checked_units();
        let evidence = Evidence {
            has_history: case.facts.is_some(),
            now: question.now,
            is_edited: question.is_edited,
        };
        case.last = Last::of(question.accepted, evidence);
        case
    }

    /// The case without its history, where that can't be what was used; the policy may accept it all the same.
    fn checked_units(mut self) -> Self {
        if let Some(detail) = super::unit_slip::find(&self) {
            self.find(code::UNIT_SLIP, detail);
            if !self.is_accepted(code::UNIT_SLIP) {
                (self.facts, self.seen, self.is_distrusted) = (None, None, true);
            }
        }
        self
    }

    /// The accepted decision: what stays where nothing new can be decided.
    pub fn accepted(&self) -> Option<&WorkloadPlan> {
        self.last.accepted.as_ref()
    }

    /// The accepted decision where it stands on history that is not there now. What was decided not to do is as much of
    /// it as what was: only what the policy states changes it.
    pub fn unconfirmed(&self) -> Option<&WorkloadPlan> {
        self.accepted()
            .filter(|plan| self.facts.is_none() && plan.window.is_some())
    }

    /// What steps are measured from.
    pub fn base(&self) -> Option<&WorkloadPlan> {
        self.last.base.as_ref()
    }

    /// History enough to derive from; where there is none, that is noted: something was left to it.
    fn history(&self) -> Option<&'a Facts> {
        match (self.facts, self.seen) {
            (None, None) if self.is_distrusted => {}
            (None, None) => self.find(
                code::NO_HISTORY,
                if self.has_profile {
                    "the profile has no usage of this workload"
                } else {
                    "there is no usage profile: `profile.yaml` beside the policy, or `--profile FILE`"
                },
            ),
            (None, Some(seen)) if is_job(self.workload) => {
                let detail = format!(
                    "{} runs recorded in {}; a job is judged by {LEAST_RUNS} runs or more over {}",
                    seen.runs(),
                    seen.recorded,
                    self.settings.bounds.history_minimum
                );
                self.find(code::SHORT_HISTORY, detail);
            }
            (None, Some(seen)) => {
                let bounds = &self.settings.bounds;
                let recorded = if seen.recorded == Seconds::ZERO {
                    // averages and coarse blocks are said by what they are
                    "no samples that show peaks".to_owned()
                } else {
                    format!("{} recorded with {} coverage", seen.recorded, seen.coverage)
                };
                let (minimum, coverage) = (bounds.history_minimum, bounds.history_coverage);
                self.find(
                    code::SHORT_HISTORY,
                    format!("{recorded}; the policy asks for {minimum} with {coverage}"),
                );
            }
            (Some(_), _) => {}
        }
        self.facts
    }

    /// Notes a refusal or remark; the policy may have accepted it. What is found under one code adds up.
    pub fn find(&self, code: Code, detail: impl Into<String>) {
        let detail = detail.into();
        let accepted = self
            .settings
            .policy
            .spec
            .acceptance(code, &self.workload.id.name)
            .map(str::to_owned);
        let mut findings = self.findings.borrow_mut();
        let found = findings.entry(code).or_default();
        found.accepted = accepted;
        if !found.details.contains(&detail) {
            found.details.push(detail);
        }
    }

    /// Why a scaler or budget of this workload would take in pods of others, unless the policy accepts it.
    pub fn shared_pods(&self) -> Option<String> {
        let others = self.shared_with?;
        let detail = format!(
            "its pods and those of {others} are selected together: a scaler or budget waits for labels that tell them apart"
        );
        self.find(code::SHARED_PODS, detail.clone());
        (!self.is_accepted(code::SHARED_PODS)).then_some(detail)
    }

    /// Whether the pod as a whole states what it may have of a resource, so that none of a container is derived; that is
    /// noted.
    pub(super) fn is_sized_as_pod(&self, resource: &str) -> bool {
        let is_sized = self.workload.is_sized_as_pod(resource);
        if is_sized {
            let detail = format!("the pod as a whole states its {resource}: the containers' {resource} is not derived");
            self.find(code::POD_LEVEL_RESOURCES, detail);
        }
        is_sized
    }

    /// Whether somebody else's object of this kind has the workload's name and serves something else; then nothing of
    /// that kind can be made, and that is noted.
    pub fn is_name_taken(&self, kind: &str) -> bool {
        let is_taken = self.workload.taken_names.contains(kind);
        if is_taken {
            self.find(
                code::LEFT_ALONE,
                format!(
                    "a {kind} `{}` is there and serves something else: none is made here",
                    self.workload.id.name
                ),
            );
        }
        is_taken
    }

    /// Whether a change of the pod template is unwanted here: a StatefulSet or DaemonSet whose template may not change,
    /// and a field that comes from a shipped class and not from the policy itself.
    pub fn keeps_template(&self, pointer: &str) -> bool {
        self.is_template_held() && self.wanted.shipped_class_of(pointer).is_some()
    }

    /// Whether no derived value reaches the pod template: a StatefulSet or DaemonSet whose template may not change.
    pub fn is_template_held(&self) -> bool {
        matches!(self.workload.id.kind.as_str(), "StatefulSet" | "DaemonSet")
            && self.settings.bounds.stateful == StatefulRestart::Never
    }

    /// Why a field is as the settings say: the policy states it, or a shipped class does.
    pub fn said(&self, pointer: &str) -> Reason {
        match self.wanted.shipped_class_of(pointer) {
            Some(class) => reason(code::CLASS, [("class", class.to_owned())]),
            None => reason(code::STATED, []),
        }
    }

    /// Whether a finding of that code was accepted by the policy.
    pub fn is_accepted(&self, code: Code) -> bool {
        self.findings
            .borrow()
            .get(&code)
            .is_some_and(|finding| finding.accepted.is_some())
    }

    /// Whether something of that code was found.
    pub fn is_found(&self, code: Code) -> bool {
        self.findings.borrow().contains_key(&code)
    }

    /// Everything found so far.
    pub fn into_findings(self) -> BTreeMap<String, Finding> {
        let finding = |(code, found): (Code, Found)| {
            let finding = Finding {
                detail: found.details.join("; "),
                accepted: found.accepted,
            };
            (code.to_string(), finding)
        };
        self.findings.into_inner().into_iter().map(finding).collect()
    }

    /// The container that does the work: the accepted one, else the one that an adopted scaler watches, else named like
    /// the workload, else the one with most CPU in the history, else the first that is no sidecar.
    pub fn main_container(&self) -> Option<&'a Container> {
        let bare = self.settings.policy.spec.identity.bare_name(&self.workload.id.name);
        let own = || {
            self.workload
                .containers
                .iter()
                .filter(|container| !container.is_sidecar)
        };
        let mut all = own();
        if let (Some(only), None) = (all.next(), all.next()) {
            return Some(only);
        }
        let accepted = self.accepted().map(|plan| plan.main_container.as_str());
        own()
            .find(|container| Some(container.name.as_str()) == accepted)
            .or_else(|| {
                let watched = self.foreign_scaler()?.cpu_container.as_ref()?;
                own().find(|container| container.name == *watched)
            })
            .or_else(|| own().find(|container| container.name == bare || container.name == self.workload.id.name))
            .or_else(|| {
                let used = |container: &&Container| {
                    let usage = &self.seen?.containers.get(&container.name)?.cpu;
                    usage.quantile(Percent::from_percent(95), self.settings.bounds.half_life)
                };
                own().filter(|container| used(container).is_some()).max_by_key(used)
            })
            .or_else(|| own().next())
    }

    /// Usage of a container, if there is enough of it; asked for where a value is left to history.
    pub fn container_facts(&self, name: &str) -> Option<&'a ContainerFacts> {
        let facts = self.history()?;
        let found = facts.containers.get(name);
        if found.is_none() {
            let others: Vec<&str> = facts.containers.keys().map(String::as_str).collect();
            let others = others.iter().filter(|other| self.workload.container(other).is_none());
            let others: Vec<&str> = others.copied().collect();
            let beside = match others.as_slice() {
                [] => String::new(),
                others => format!(
                    ", and has that of {}, which the manifest does not have",
                    first_of(others)
                ),
            };
            let detail = format!("the profile has no usage of container `{name}`{beside}");
            self.find(code::NO_HISTORY, detail);
        }
        found
    }

    /// The CPU request before: of the last decision, else in force at the window's end, else the manifest's.
    pub fn cpu_before(&self, container: &Container) -> Option<Millicores> {
        self.cpu_in(self.base(), container)
    }

    /// The CPU request as it is: accepted, else in force at the window's end, else the manifest's.
    pub fn cpu_now(&self, container: &Container) -> Option<Millicores> {
        self.cpu_in(self.accepted(), container)
    }

    fn cpu_in(&self, last: Option<&WorkloadPlan>, container: &Container) -> Option<Millicores> {
        let decided = requests_in(last, container).and_then(|requests| requests.cpu.as_ref());
        decided
            .map(|decision| decision.value)
            .or_else(|| self.seen?.containers.get(&container.name)?.cpu_request)
            .or(container.cpu_request)
            // a container with a limit alone requests as much (Kubernetes defaulting)
            .or(container.cpu_limit)
    }

    /// The CPU limit before: of the last decision, else the manifest's.
    pub fn cpu_limit_before(&self, container: &Container) -> Option<Millicores> {
        let decided = self.base().and_then(|plan| plan.containers.get(&container.name));
        match decided.and_then(|container| container.limits.cpu.as_ref()) {
            Some(limit) => limit.value,
            None => container.cpu_limit,
        }
    }

    /// The memory request before: of the last decision, else in force at the window's end, else the manifest's.
    pub fn memory_before(&self, container: &Container) -> Option<Bytes> {
        self.memory_in(self.base(), container)
    }

    /// The memory request as it is: accepted, else in force at the window's end, else the manifest's.
    pub fn memory_now(&self, container: &Container) -> Option<Bytes> {
        self.memory_in(self.accepted(), container)
    }

    fn memory_in(&self, last: Option<&WorkloadPlan>, container: &Container) -> Option<Bytes> {
        let decided = requests_in(last, container).and_then(|requests| requests.memory.as_ref());
        decided
            .map(|decision| decision.value)
            .or_else(|| self.seen?.containers.get(&container.name)?.memory_request)
            .or(container.memory_request)
            .or(container.memory_limit)
    }

    /// The CPU request that its owner raised it to, while history has not judged it.
    pub(super) fn raised_cpu(&self, container: &Container) -> Option<Millicores> {
        let field = Amount::Request(Resource::Cpu).of(&container.name);
        container.cpu_request.filter(|_| self.is_raised(&field))
    }

    /// The CPU target that the owner of an adopted scaler lowered it to, while history has not judged it.
    pub(super) fn lowered_target(&self) -> Option<Percent> {
        let target = self.foreign_scaler().and_then(|scaler| scaler.cpu_target);
        target.filter(|_| self.is_raised(&FieldName::CpuTarget))
    }

    /// The limits that the policy states for a container, found once.
    pub(super) fn stated_limits(&self, container: &str, find: impl FnOnce() -> StatedLimits) -> StatedLimits {
        if let Some(known) = self.stated_limits.borrow().get(container) {
            return *known;
        }
        let found = find();
        self.stated_limits.borrow_mut().insert(container.to_owned(), found);
        found
    }

    /// Whether its owner asked for more by this field, and history has not judged it.
    pub(super) fn is_raised(&self, field: &FieldName) -> bool {
        self.edits.raised.contains_key(&field.key())
    }

    /// The one scaler of others that points at the workload; `None` where there is none or several.
    pub fn foreign_scaler(&self) -> Option<&'a Scaler> {
        self.workload.foreign_scaler()
    }

    /// Pods before: accepted minimum, what was in force on the last day, the manifest's count; the API's default is 1.
    pub fn replicas_before(&self) -> u32 {
        self.seen
            .and_then(|facts| facts.replicas.last_day_p95)
            .or(self.workload.replicas)
            .or_else(|| self.foreign_scaler().map(|scaler| scaler.min_replicas))
            .unwrap_or(1)
            .max(1)
    }
}

fn requests_in<'p>(
    plan: Option<&'p WorkloadPlan>,
    container: &Container,
) -> Option<&'p ResourcePlan<Decision<Millicores>, Decision<Bytes>>> {
    Some(&plan?.containers.get(&container.name)?.requests)
}

/// Whether its pods run to their end: coverage of the whole time says nothing of it.
pub(super) fn is_job(workload: &Workload) -> bool {
    workload.id.group == "batch"
}

/// A reason: a registered code, and named inputs.
pub fn reason<const N: usize>(code: Code, inputs: [(&str, String); N]) -> Reason {
    let inputs = inputs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Reason {
        code: code.to_string(),
        inputs,
    }
}
