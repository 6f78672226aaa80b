//! What history can't be trusted with: a level that changed, and usage that a limit cut off; and what the policy states
//! against it. Warnings, never numbers.

use super::case::Case;
use super::model::{ContainerPlan, Decided, WorkloadPlan};
use crate::diag::code;
use crate::facts::ContainerFacts;
use crate::units::{Bytes, Millicores, Percent};
use crate::workload::Container;

/// A level under this is an idle container, whatever its ratio: the smallest request that is derived.
const LEAST: Millicores = super::ladder::CPU_FLOOR;
/// From this share of the limit on the kernel throttles: the mean of a step hides the periods in which all was used up.
const AT_LIMIT: Percent = Percent::from_percent(90);
/// Share of the known time from which a 95th percentile is the limit's and not the load's.
const LONG: Percent = Percent::from_percent(5);

const MEDIAN: Percent = Percent::from_percent(50);

/// Looks at every container whose usage is known.
pub(super) fn warn(case: &Case<'_>, plan: &WorkloadPlan) {
    for container in &case.workload.containers {
        regime(case, container);
        saturation(case, container);
        let facts = case.seen.and_then(|seen| seen.containers.get(&container.name));
        if let Some((facts, decided)) = facts.zip(plan.containers.get(&container.name)) {
            stated_cpu(case, container, decided, facts);
            stated_memory(case, container, decided, facts);
        }
    }
}

fn is_stated(decided: &impl Decided) -> bool {
    decided.reason().code == code::STATED.as_str()
}

/// A stated CPU request that half of the samples pass.
fn stated_cpu(case: &Case<'_>, container: &Container, decided: &ContainerPlan, facts: &ContainerFacts) {
    let Some(request) = decided.requests.cpu.as_ref().filter(|request| is_stated(*request)) else {
        return;
    };
    let Some(median) = facts.cpu.quantile(MEDIAN, case.settings.bounds.half_life) else {
        return;
    };
    let (request, median) = (request.value, Millicores::from_nano_ceil(u128::from(median)));
    if request < median {
        let detail = format!(
            "container `{}`: a CPU request of {request}, and {median} are used in the median: on a full node it gets less",
            container.name
        );
        case.find(code::STATED_BELOW_USAGE, detail);
    }
}

/// A memory limit, or without one a memory request, below what was used, where the policy states one of the two, or bounds
/// the request.
fn stated_memory(case: &Case<'_>, container: &Container, decided: &ContainerPlan, facts: &ContainerFacts) {
    let request = decided.requests.memory.as_ref();
    let is_bounded = request.is_some_and(|request| request.reason.code == code::BOUNDED.as_str());
    let request = request.filter(|request| is_stated(*request) || is_bounded);
    let is_request_stated = request.is_some() && !is_bounded;
    let (limit, is_limit_stated) = match &decided.limits.memory {
        Some(decided) => (decided.value, is_stated(decided)),
        None => (container.memory_limit, false),
    };
    let Some(most) = facts.memory.highest().map(Bytes::new) else {
        return;
    };
    let (name, shown) = (&container.name, most.mib_ceil());
    let detail = match (limit, request) {
        (Some(limit), _) if limit < most && (is_limit_stated || is_request_stated) => {
            format!(
                "container `{name}`: a memory limit of {limit}, and up to {shown} were used: it is killed when it reaches the limit"
            )
        }
        (None, Some(request)) if request.value < most => format!(
            "container `{name}`: a memory request of {} and no limit, and up to {shown} were used: on a full node it is evicted first",
            request.value
        ),
        _ => return,
    };
    case.find(code::STATED_BELOW_USAGE, detail);
}

fn regime(case: &Case<'_>, container: &Container) {
    let demand = case
        .seen
        .and_then(|seen| Some(&seen.containers.get(&container.name)?.cpu_demand));
    let Some(shift) = demand.and_then(|demand| demand.level_shift(LEAST.nano().get())) else {
        return;
    };
    let shown = |nano: u64| Millicores::from_nano_ceil(u128::from(nano));
    let (before, after) = (shown(shift.before), shown(shift.after));
    case.find(
        code::REGIME_CHANGE,
        format!(
            "the CPU demand of container `{}` is another since {}: {after} in the median of its days, {before} before",
            container.name,
            shift.since.date()
        ),
    );
}

/// What a container would use without the limit that it runs into is not known: its percentiles are the limit's.
fn saturation(case: &Case<'_>, container: &Container) {
    // a job takes what it gets until it is done
    if case.workload.id.group == "batch" {
        return;
    }
    let Some(facts) = case.seen.and_then(|seen| seen.containers.get(&container.name)) else {
        return;
    };
    let Some(limit) = facts.cpu_limit.or_else(|| case.cpu_limit_before(container)) else {
        return;
    };
    let level = u64::try_from(AT_LIMIT.of_ceil(u128::from(limit.nano().get()))).unwrap_or(u64::MAX);
    let Some(share) = facts.cpu_demand.share_from(level).filter(|share| *share >= LONG) else {
        return;
    };
    let percents = share.ppm() / Percent::from_percent(1).ppm();
    case.find(
        code::SATURATED,
        format!(
            "container `{}` uses {AT_LIMIT} and more of its CPU limit of {limit} in {percents}% of the known time: what it would use is not known",
            container.name
        ),
    );
}
