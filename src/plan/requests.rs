//! Requests of every container: stated, or derived from usage per pod.
//!
//! The CPU of a container that a utilization target divides by is not sized here but together with the target
//! ([`super::scaling`]): a pod's usage sits at the target, and sizing from it would ratchet.

use super::case::{Case, is_job, reason};
use super::model::{Decided, Decision, ResourcePlan};
use super::{divided, guardrails, ladder, lapse, limits};
use crate::diag::code;
use crate::facts::{ContainerFacts, Usage};
use crate::krm::Reason;
use crate::policy::wire::{PercentileRule, Requests, RuntimeKind, Strategy};
use crate::strategy::{Derived, percentile, vpa};
use crate::units::{Bytes, Millicores, Seconds};
use crate::workload::Container;

/// Requests of one container; an absent one stays as it is.
pub type RequestPlan = ResourcePlan<Decision<Millicores>, Decision<Bytes>>;

/// The CPU request that usage per pod asks for, bounds and the stated limit applied; `None` where it stays as it is.
pub fn cpu(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Millicores>> {
    if let Some(stated) = stated_cpu(case, container, wanted) {
        return Some(stated);
    }
    let strategy = wanted.strategy.filter(|strategy| strategy.derives())?;
    if case.is_sized_as_pod("cpu") || super::vpa::sets(case, container, "cpu") {
        return None;
    }
    let usage = &case.container_facts(&container.name)?.cpu;
    let rule = wanted.percentile.clone().unwrap_or_default().cpu;
    let derived = derive(case, usage, strategy, &rule, vpa::Resource::Cpu, |nano| {
        Millicores::from_nano_ceil(u128::from(nano)).to_string()
    })?;
    let rung = ladder::cpu_ceil(Millicores::from_nano_ceil(u128::from(derived.amount)));
    let (value, moved) = wanted.cpu.resolve(rung);
    let decision = Decision {
        value,
        before: case.cpu_before(container),
        reason: bounded(derived.reason, moved.then(|| rung.to_string())),
    };
    let decision = guardrails::bound_decrease(&case.settings.bounds, decision, Millicores::get, |milli| {
        ladder::cpu_ceil(Millicores::new(milli))
    });
    let now = accepted_cpu(case, container).map(|accepted| accepted.value);
    let decision = guardrails::quiet(case.settings.bounds.min_change, decision, now, Millicores::get);
    Some(limits::under(limits::stated(case, container).cpu, decision))
}

/// The CPU request that the policy states.
pub fn stated_cpu(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Millicores>> {
    let decision = wanted.cpu.value.map(|value| Decision {
        value,
        before: case.cpu_before(container),
        reason: reason(code::STATED, []),
    })?;
    Some(limits::under(limits::stated(case, container).cpu, decision))
}

/// The CPU request that was accepted.
pub fn accepted_cpu(case: &Case<'_>, container: &Container) -> Option<Decision<Millicores>> {
    accepted(case, container)?.cpu.clone().map(lapse::unstated)
}

/// The memory request that usage per pod asks for, bounds and the stated limit applied; `None` where it stays as it is.
pub fn memory(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Bytes>> {
    let decision = unlimited_memory(case, container, wanted)?;
    Some(limits::under(limits::stated(case, container).memory, decision))
}

fn unlimited_memory(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Bytes>> {
    let before = case.memory_before(container);
    if let Some(value) = wanted.memory.value {
        return Some(Decision {
            value,
            before,
            reason: reason(code::STATED, []),
        });
    }
    let strategy = wanted.strategy.filter(|strategy| strategy.derives())?;
    if case.is_sized_as_pod("memory") || super::vpa::sets(case, container, "memory") {
        return None;
    }
    let facts = case.container_facts(&container.name)?;
    let (usage, (recorded, coverage)) = (&facts.memory, facts.memory_span);
    let bounds = &case.settings.bounds;
    let is_enough = (recorded >= bounds.history_minimum && coverage >= bounds.history_coverage)
        || (is_job(case.workload) && ContainerFacts::has_runs(&facts.memory_demand, recorded, bounds.history_minimum));
    if !is_enough {
        let recorded = if recorded == Seconds::ZERO {
            "no samples that show peaks".to_owned()
        } else {
            format!("{recorded} recorded with {coverage} coverage")
        };
        let detail = format!(
            "memory of container `{}`: {recorded}; the policy asks for {} with {}",
            container.name, bounds.history_minimum, bounds.history_coverage
        );
        case.find(code::SHORT_HISTORY, detail);
        return None;
    }
    let rule = wanted.percentile.clone().unwrap_or_default().memory;
    let derived = derive(case, usage, strategy, &rule, vpa::Resource::Memory, |bytes| {
        Bytes::new(bytes).mib_ceil().to_string()
    })?;
    let rung = ladder::memory_ceil(Bytes::new(derived.amount));
    let (value, moved) = wanted.memory.resolve(rung);
    let held = before.max(raised_before(case, container));
    let target = divided::by_memory_target(case);
    let is_held = target.is_some() || holds_memory(case, container);
    if let Some(held) = held.filter(|held| value < *held && is_held) {
        let why = target.map(|target| format!(": a memory target of {target} is a share of it"));
        let why = why.unwrap_or_default();
        case.find(
            code::MEMORY_NOT_LOWERED,
            format!(
                "container `{}`: {held} kept, usage alone would say {value}{why}",
                container.name
            ),
        );
        let inputs = [("derived", value.to_string())];
        return Some(Decision {
            value: held,
            before,
            reason: reason(code::MEMORY_NOT_LOWERED, inputs),
        });
    }
    let decision = Decision {
        value,
        before,
        reason: bounded(derived.reason, moved.then(|| rung.to_string())),
    };
    let decision = guardrails::bound_decrease(&case.settings.bounds, decision, Bytes::get, |bytes| {
        ladder::memory_ceil(Bytes::new(bytes))
    });
    let now = accepted(case, container).and_then(|accepted| accepted.memory.as_ref());
    let now = now.map(|accepted| accepted.value);
    Some(guardrails::quiet(
        case.settings.bounds.min_change,
        decision,
        now,
        Bytes::get,
    ))
}

/// What was accepted as its owner's raise, or held since: it is no step, which a plan on the same window could take back.
fn raised_before(case: &Case<'_>, container: &Container) -> Option<Bytes> {
    let accepted = accepted(case, container)?.memory.as_ref()?;
    let codes = [code::OWNER_RAISED, code::MEMORY_NOT_LOWERED];
    let is_raised = codes.iter().any(|code| accepted.reason.code == code.as_str());
    is_raised.then_some(accepted.value)
}

/// Whether memory is held by configuration and not by load.
fn holds_memory(case: &Case<'_>, container: &Container) -> bool {
    match case.wanted.spec.runtime.kind {
        Some(RuntimeKind::Generic) => false,
        Some(RuntimeKind::Jvm | RuntimeKind::Cache | RuntimeKind::Database) => true,
        None => container.looks_like_jvm,
    }
}

/// A CPU request that is what it is, whatever history says.
pub struct Fixed {
    /// The request.
    pub value: Millicores,
    /// What is decided on it; `None` where it stays as it is.
    pub decision: Option<Decision<Millicores>>,
}

impl Fixed {
    /// What is decided.
    pub fn to(decision: Decision<Millicores>) -> Self {
        Self {
            value: decision.value,
            decision: Some(decision),
        }
    }
}

/// The CPU request where nothing may be derived for it: its strategy says what it is, or the pod template is held.
pub fn held_cpu(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Fixed> {
    let fixed = unlimited_cpu(case, container, wanted)?;
    let limit = limits::stated(case, container).cpu.filter(|limit| *limit < fixed.value);
    let Some(limit) = limit else { return Some(fixed) };
    let decision = fixed.decision.unwrap_or_else(|| Decision {
        value: fixed.value,
        before: case.cpu_before(container),
        reason: reason(code::KEPT, []),
    });
    Some(Fixed::to(limits::under(Some(limit), decision)))
}

fn unlimited_cpu(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Fixed> {
    if wanted.strategy == Some(Strategy::None) {
        // a container with a limit alone requests as much (Kubernetes defaulting)
        let value = container.cpu_request.or(container.cpu_limit)?;
        return Some(Fixed { value, decision: None });
    }
    if wanted.strategy != Some(Strategy::Keep) && !case.is_template_held() {
        return None;
    }
    Some(Fixed {
        value: case.cpu_now(container)?,
        decision: accepted_cpu(case, container),
    })
}

/// The CPU request that the pod template will have.
pub fn cpu_to_be(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Millicores> {
    let is_written = |decision: &Decision<Millicores>| decision.is_stated() || !case.is_template_held();
    let request = match cpu(case, container, wanted).filter(is_written) {
        Some(decision) => Some(decision.value),
        None if wanted.strategy == Some(Strategy::None) => container.cpu_request.or(container.cpu_limit),
        None => case.cpu_now(container),
    };
    Some(limits::lesser(request?, limits::stated(case, container).cpu))
}

/// The memory request that the pod template will have.
pub fn memory_to_be(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Bytes> {
    let is_written = |decision: &Decision<Bytes>| decision.is_stated() || !case.is_template_held();
    let request = match memory(case, container, wanted).filter(is_written) {
        Some(decision) => Some(decision.value),
        None if wanted.strategy == Some(Strategy::None) => container.memory_request.or(container.memory_limit),
        None => case.memory_before(container),
    };
    Some(limits::lesser(request?, limits::stated(case, container).memory))
}

/// Where nothing could be decided, what was accepted; where the policy wants the manifest's own, nothing.
pub fn or_accepted(case: &Case<'_>, container: &Container, wanted: &Requests, decided: RequestPlan) -> RequestPlan {
    if wanted.strategy == Some(Strategy::None) {
        return decided;
    }
    let Some(accepted) = accepted(case, container) else {
        return decided;
    };
    let (cpu, memory) = (accepted.cpu.clone(), accepted.memory.clone());
    RequestPlan {
        cpu: decided.cpu.or(cpu.map(lapse::unstated)),
        memory: decided.memory.or(memory.map(lapse::unstated)),
    }
}

/// The accepted requests of a container.
fn accepted<'c>(case: &'c Case<'_>, container: &Container) -> Option<&'c RequestPlan> {
    let accepted = case.accepted()?.containers.get(&container.name)?;
    Some(&accepted.requests)
}

pub(super) fn derive(
    case: &Case<'_>,
    usage: &Usage,
    strategy: Strategy,
    rule: &PercentileRule,
    resource: vpa::Resource,
    show: impl Fn(u64) -> String,
) -> Option<Derived> {
    match strategy {
        Strategy::Keep | Strategy::None => None,
        Strategy::Vpa => vpa::derive(usage, resource, case.workload.containers.len(), show),
        Strategy::Percentile => {
            let parameters = percentile::Parameters {
                quantile: rule.quantile?,
                margin: rule.margin?,
                half_life: case.settings.bounds.half_life,
            };
            percentile::derive(usage, parameters, show)
        }
    }
}

/// The reason, with what the policy's bounds changed.
fn bounded(mut reason: Reason, unbounded: Option<String>) -> Reason {
    if let Some(unbounded) = unbounded {
        reason.inputs.insert("unbounded".to_owned(), unbounded);
        reason.inputs.insert("derivedFrom".to_owned(), reason.code);
        reason.code = code::BOUNDED.to_string();
    }
    reason
}
