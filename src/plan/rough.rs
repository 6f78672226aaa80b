//! Requests from usage that is known only roughly: a lower bound. It founds a request where there is none and raises one
//! that is too low; it never lowers, and nothing but requests follows from it.

use super::case::{Case, reason};
use super::ladder;
use super::limits::{self, LimitPlan, lesser};
use super::model::{Decision, Removable};
use super::requests::{RequestPlan, derive};
use crate::diag::code;
use crate::facts::Rough;
use crate::krm::Reason;
use crate::policy::wire::{PercentileRule, Requests};
use crate::strategy::vpa;
use crate::units::{Bytes, Millicores};
use crate::workload::Container;

/// The CPU request that a lower bound of usage asks for; `None` where it asks for no more than there is.
pub(super) fn cpu(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Millicores>> {
    let rough = |case: &Case<'_>| Some(case.seen?.containers.get(&container.name)?.rough_cpu.clone());
    let rule = wanted.percentile.clone().unwrap_or_default().cpu;
    let show = |nano| Millicores::from_nano_ceil(u128::from(nano)).to_string();
    let (amount, why) = asked(case, container, wanted, (rough(case)?, &rule, vpa::Resource::Cpu), show)?;
    let (value, _) = wanted
        .cpu
        .resolve(ladder::cpu_ceil(Millicores::from_nano_ceil(u128::from(amount))));
    let limit = limit_now(case, container, |limits| &limits.cpu, container.cpu_limit);
    let value = lesser(lesser(value, limit), limits::stated(case, container).cpu);
    is_raise(case, value.get(), case.cpu_now(container).map(Millicores::get)).then(|| Decision {
        value,
        before: case.cpu_before(container),
        reason: why,
    })
}

/// The memory request that a lower bound of usage asks for; `None` where it asks for no more than there is.
pub(super) fn memory(case: &Case<'_>, container: &Container, wanted: &Requests) -> Option<Decision<Bytes>> {
    let rough = |case: &Case<'_>| Some(case.seen?.containers.get(&container.name)?.rough_memory.clone());
    let rule = wanted.percentile.clone().unwrap_or_default().memory;
    let show = |bytes| Bytes::new(bytes).mib_ceil().to_string();
    let of = (rough(case)?, &rule, vpa::Resource::Memory);
    let (amount, why) = asked(case, container, wanted, of, show)?;
    let (value, _) = wanted.memory.resolve(ladder::memory_ceil(Bytes::new(amount)));
    let limit = limit_now(case, container, |limits| &limits.memory, container.memory_limit);
    let value = lesser(lesser(value, limit), limits::stated(case, container).memory);
    is_raise(case, value.get(), case.memory_now(container).map(Bytes::get)).then(|| Decision {
        value,
        before: case.memory_before(container),
        reason: why,
    })
}

/// The amount before bounds, and why; that it was asked for is noted, whatever comes of it.
fn asked(
    case: &Case<'_>,
    container: &Container,
    wanted: &Requests,
    (rough, rule, resource): (Rough, &PercentileRule, vpa::Resource),
    show: impl Fn(u64) -> String,
) -> Option<(u64, Reason)> {
    let name = match resource {
        vpa::Resource::Cpu => "cpu",
        vpa::Resource::Memory => "memory",
    };
    let strategy = wanted.strategy.filter(|strategy| strategy.derives())?;
    if rough.is_empty() || case.workload.is_sized_as_pod(name) || super::vpa::sets(case, container, name) {
        return None;
    }
    let (of, recorded, minimum) = (rough.words(), rough.recorded, case.settings.bounds.history_minimum);
    let container = &container.name;
    if recorded < minimum {
        let detail = format!(
            "{name} of container `{container}` is known by {of} alone, over {recorded}; the policy asks for {minimum}"
        );
        case.find(code::ROUGH_HISTORY, detail);
        return None;
    }
    let derived = derive(case, &rough.usage, strategy, rule, resource, show)?;
    let detail = format!(
        "{name} of container `{container}` is known by {of} alone, which hides peaks: its request may rise by that and not fall"
    );
    case.find(code::ROUGH_HISTORY, detail);
    let mut why = reason(
        code::ROUGH_HISTORY,
        [
            ("confidence", "low".to_owned()),
            ("from", of),
            ("derivedFrom", derived.reason.code),
        ],
    );
    let inputs = derived.reason.inputs.into_iter();
    // what was counted are weights and averages
    why.inputs.extend(inputs.filter(|(name, _)| name != "samples"));
    Some((derived.amount, why))
}

/// The limit that a request must stay under: the accepted one, else the manifest's. It does not move with such a request.
fn limit_now<T: Copy>(
    case: &Case<'_>,
    container: &Container,
    of: impl Fn(&LimitPlan) -> &Option<Removable<T>>,
    written: Option<T>,
) -> Option<T> {
    let accepted = case.accepted().and_then(|plan| plan.containers.get(&container.name));
    match accepted.and_then(|container| of(&container.limits).as_ref()) {
        Some(limit) => limit.value,
        None => written,
    }
}

/// Requests that limits may follow: a limit at a lower bound of usage would stop or kill pods at a peak.
pub(super) fn without(requests: &RequestPlan) -> RequestPlan {
    let is_known = |reason: &Reason| reason.code != code::ROUGH_HISTORY.as_str();
    RequestPlan {
        cpu: requests.cpu.clone().filter(|decided| is_known(&decided.reason)),
        memory: requests.memory.clone().filter(|decided| is_known(&decided.reason)),
    }
}

/// Whether an amount is more than there is, by as much as a plan moves at all.
fn is_raise(case: &Case<'_>, amount: u64, now: Option<u64>) -> bool {
    let Some(now) = now else { return true };
    let step = amount.saturating_sub(now);
    step > 0 && u128::from(step) >= case.settings.bounds.min_change.of_ceil(u128::from(now))
}
