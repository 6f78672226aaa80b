//! Limits: how they follow requests. A limit is never lowered because of a quiet week.

use super::case::{Case, reason};
use super::field::{Amount, Resource};
use super::model::{Decision, Removable, ResourcePlan, WorkloadPlan};
use super::requests::RequestPlan;
use super::{ladder, lapse, owner};
use crate::diag::code;
use crate::krm::Reason;
use crate::policy::wire::{Limit, LimitMode, Limits, Requests, Strategy};
use crate::units::{Bytes, Millicores, Percent, Quantity};
use crate::workload::Container;

/// Limits of one container; an absent one stays as it is.
pub type LimitPlan = ResourcePlan<Removable<Millicores>, Removable<Bytes>>;

/// Decides the limits of a container, given its requests. A limit that followed a request which is the manifest's own
/// again is its own too.
pub fn decide(
    case: &Case<'_>,
    container: &Container,
    (of_requests, wanted): (&Requests, &Limits),
    requests: &RequestPlan,
) -> LimitPlan {
    let is_own = of_requests.strategy == Some(Strategy::None);
    let of = |last: Option<&WorkloadPlan>| {
        let decided = last.and_then(|plan| plan.containers.get(&container.name));
        decided.map(|decided| decided.limits.clone()).unwrap_or_default()
    };
    let (accepted, before) = (of(case.accepted()), of(case.base()));
    let field = |resource| Amount::Limit(resource).of(&container.name);
    let cpu = Old {
        before: before.cpu.map_or(container.cpu_limit, |limit| limit.value),
        accepted: accepted.cpu.as_ref().and_then(|limit| limit.value),
        manifest_request: container.cpu_request,
        owner: Owner::of(
            case,
            (&container.name, Resource::Cpu),
            (container.cpu_limit, container.cpu_request),
            |quantity| Millicores::from_quantity_ceil(quantity).ok(),
        ),
    };
    let memory = Old {
        before: before.memory.map_or(container.memory_limit, |limit| limit.value),
        accepted: accepted.memory.as_ref().and_then(|limit| limit.value),
        manifest_request: container.memory_request,
        owner: Owner::of(
            case,
            (&container.name, Resource::Memory),
            (container.memory_limit, container.memory_request),
            |quantity| Bytes::from_quantity_ceil(quantity).ok(),
        ),
    };
    LimitPlan {
        cpu: one(&wanted.cpu, requests.cpu.as_ref(), &cpu, Millicores::get, |milli| {
            ladder::cpu_ceil(Millicores::new(milli))
        })
        .or(accepted
            .cpu
            .map(lapse::unstated)
            .filter(|_| !is_own || of_requests.cpu.value.is_some()))
        .map(|decided| owner::lift_removable(case, &field(Resource::Cpu), container.cpu_limit, decided)),
        memory: one(&wanted.memory, requests.memory.as_ref(), &memory, Bytes::get, |bytes| {
            ladder::memory_ceil(Bytes::new(bytes))
        })
        .map(|decided| above_use(case, container, (of_requests, wanted), requests, decided))
        .or(accepted
            .memory
            .map(lapse::unstated)
            .filter(|_| !is_own || of_requests.memory.value.is_some()))
        .map(|decided| owner::lift_removable(case, &field(Resource::Memory), container.memory_limit, decided)),
    }
}

/// A memory limit that follows its request, and never below what was used: a pod is killed where it reaches its limit, and
/// that is no side effect to have from a bound of the request or from a strategy that looks at less than the highest use.
fn above_use(
    case: &Case<'_>,
    container: &Container,
    (of_requests, wanted): (&Requests, &Limits),
    requests: &RequestPlan,
    decided: Removable<Bytes>,
) -> Removable<Bytes> {
    let is_stated_request = requests
        .memory
        .as_ref()
        .is_some_and(|request| request.reason.code == code::STATED.as_str());
    let facts = case.seen.and_then(|seen| seen.containers.get(&container.name));
    let most = facts.and_then(|facts| facts.memory.highest()).map(Bytes::new);
    let (Some(most), Some(limit)) = (most, decided.value) else {
        return decided;
    };
    if wanted.memory.value.is_some() || is_stated_request || limit >= most {
        return decided;
    }
    let margin = of_requests.percentile.clone().unwrap_or_default().memory.margin;
    let with_margin = Percent::from_ppm(Percent::WHOLE.ppm() + margin.map_or(0, Percent::ppm));
    let needed = u64::try_from(with_margin.of_ceil(u128::from(most.get()))).unwrap_or(u64::MAX);
    let value = ladder::memory_ceil(Bytes::new(needed));
    case.find(
        code::STATED_BELOW_USAGE,
        format!(
            "container `{}`: its memory limit would follow its request to {limit}, and up to {} were used: the limit is {value}",
            container.name,
            most.mib_ceil()
        ),
    );
    Removable {
        value: Some(value),
        before: decided.before,
        reason: reason(
            code::MEMORY_NOT_LOWERED,
            [("derived", limit.to_string()), ("used", most.mib_ceil().to_string())],
        ),
    }
}

/// What a limit is decided from, beside the request.
struct Old<T> {
    /// Of the last decision, else the manifest's.
    before: Option<T>,
    accepted: Option<T>,
    manifest_request: Option<T>,
    owner: Owner<T>,
}

/// What the owner of a container wrote. A limit keeps the proportion of these two: the proportion to a request that a
/// plan has lowered would grow with every quiet month.
#[derive(Clone, Copy)]
struct Owner<T> {
    limit: Option<T>,
    request: Option<T>,
}

impl<T: Copy> Owner<T> {
    /// The manifest's values, but where a host has written ours into it.
    fn of(
        case: &Case<'_>,
        (container, resource): (&str, Resource),
        (limit, request): (Option<T>, Option<T>),
        read: impl Fn(Quantity) -> Option<T>,
    ) -> Self {
        let theirs = |amount: Amount, now| match case.overwritten.get(&amount.of(container).key()) {
            Some(theirs) => theirs.amount().and_then(&read),
            None => now,
        };
        let limit = theirs(Amount::Limit(resource), limit);
        Self {
            limit,
            // a container with a limit alone requests as much (Kubernetes defaulting)
            request: theirs(Amount::Request(resource), request).or(limit),
        }
    }
}

/// One limit; `None`: as it is.
fn one<T: Copy + Ord + std::fmt::Display>(
    wanted: &Limit<T>,
    request: Option<&Decision<T>>,
    old: &Old<T>,
    get: impl Fn(T) -> u64,
    rung: impl Fn(u64) -> T,
) -> Option<Removable<T>> {
    let before = old.before;
    let set = |value, reason| {
        Some(Removable {
            value: Some(value),
            before,
            reason,
        })
    };
    if let Some(value) = wanted.value {
        return set(value, reason(code::STATED, []));
    }
    let in_proportion = |limit: T, request: T| match old.owner.limit.zip(old.owner.request) {
        // equal in the manifest, equal here: the pod stays Guaranteed
        Some((theirs, own)) if theirs == own => request,
        Some((theirs, own)) if request == own => theirs.max(request),
        Some((theirs, own)) => rung(scaled(get(theirs), get(own), get(request))).max(request),
        None => limit.max(request),
    };
    let request = request.map(|decision| decision.value).or(old.manifest_request);
    match (wanted.mode.unwrap_or(LimitMode::Keep), before, request) {
        (LimitMode::None, _, _) => Some(Removable {
            value: None,
            before,
            reason: reason(code::STATED, []),
        }),
        (LimitMode::Equal, _, Some(request)) => set(request, reason(code::STATED, [("limit", EQUAL.to_owned())])),
        (LimitMode::Ratio, Some(limit), Some(request)) => {
            let value = in_proportion(limit, request);
            let is_as_it_is = value == limit && old.accepted.is_none_or(|accepted| accepted == value);
            (!is_as_it_is)
                .then(|| set(value, follows(limit, request, old.owner)))
                .flatten()
        }
        (LimitMode::Keep, Some(limit), Some(request)) if request >= limit => {
            let value = in_proportion(limit, request).max(old.accepted.unwrap_or(request));
            (value != limit)
                .then(|| set(value, follows(limit, request, old.owner)))
                .flatten()
        }
        _ => None,
    }
}

/// What the reason of a limit of `mode: equal` says.
const EQUAL: &str = "equal";

/// Whether a limit is what its request is: stated is that, and not the value.
pub(super) fn is_equal<T>(limit: &Removable<T>) -> bool {
    limit.reason.inputs.get("limit").is_some_and(|mode| mode == EQUAL)
}

/// Why a limit moves with its request: what it was, and the owner's proportion.
fn follows<T: std::fmt::Display>(limit: T, request: T, owner: Owner<T>) -> Reason {
    let mut why = reason(
        code::LIMIT_FOLLOWS_REQUEST,
        [("was", limit.to_string()), ("request", request.to_string())],
    );
    if let Some((limit, request)) = owner.limit.zip(owner.request) {
        let inputs = [("ownLimit", limit.to_string()), ("ownRequest", request.to_string())];
        why.inputs
            .extend(inputs.map(|(name, amount)| (name.to_owned(), amount)));
    }
    why
}

/// The limits that the policy states for a container: no request passes them.
pub fn stated(case: &Case<'_>, container: &Container) -> StatedLimits {
    case.stated_limits(&container.name, || {
        let is_main = case.main_container().is_some_and(|main| main.name == container.name);
        let (_, wanted) = case.wanted.container(&container.name, is_main);
        StatedLimits {
            cpu: wanted.cpu.value,
            memory: wanted.memory.value,
        }
    })
}

/// Limits that the policy states.
#[derive(Clone, Copy, Debug)]
pub struct StatedLimits {
    /// Of CPU.
    pub cpu: Option<Millicores>,
    /// Of memory.
    pub memory: Option<Bytes>,
}

/// The lesser of a request and a limit, where there is one.
pub fn lesser<T: Ord>(request: T, limit: Option<T>) -> T {
    match limit {
        Some(limit) => request.min(limit),
        None => request,
    }
}

/// A request that is not above its limit: the API server refuses a pod whose request exceeds it.
pub fn under<T: Copy + Ord + std::fmt::Display>(limit: Option<T>, request: Decision<T>) -> Decision<T> {
    let Some(limit) = limit.filter(|limit| *limit < request.value) else {
        return request;
    };
    let Decision {
        value,
        before,
        reason: why,
    } = request;
    let mut capped = reason(
        code::CAPPED_BY_LIMIT,
        [("limit", limit.to_string()), ("derived", value.to_string())],
    );
    capped.inputs.insert("derivedFrom".to_owned(), why.code);
    Decision {
        value: limit,
        before,
        reason: capped,
    }
}

/// Requests that are not above the limits, also those that would stay as they are.
pub fn cap(case: &Case<'_>, container: &Container, requests: RequestPlan, limits: &LimitPlan) -> RequestPlan {
    let cpu = limits.cpu.as_ref().and_then(|limit| limit.value);
    let memory = limits.memory.as_ref().and_then(|limit| limit.value);
    RequestPlan {
        cpu: cap_one(case, container, requests.cpu, cpu, container.cpu_request),
        memory: cap_one(case, container, requests.memory, memory, container.memory_request),
    }
}

fn cap_one<T: Copy + Ord + std::fmt::Display>(
    case: &Case<'_>,
    container: &Container,
    request: Option<Decision<T>>,
    limit: Option<T>,
    written: Option<T>,
) -> Option<Decision<T>> {
    let as_written = || {
        let value = written.filter(|written| limit.is_some_and(|limit| *written > limit))?;
        Some(Decision {
            value,
            before: Some(value),
            reason: reason(code::KEPT, []),
        })
    };
    let request = under(limit, request.or_else(as_written)?);
    say_capped(case, container, &request);
    Some(request)
}

/// Notes what a limit cut.
fn say_capped<T: std::fmt::Display>(case: &Case<'_>, container: &Container, request: &Decision<T>) {
    let why = &request.reason;
    if why.code != code::CAPPED_BY_LIMIT.as_str() {
        return;
    }
    let input = |name: &str| why.inputs.get(name).map_or("", String::as_str);
    let is_stated = input("derivedFrom") == code::STATED.as_str();
    let found = if is_stated {
        code::POLICY_CONFLICT
    } else {
        code::CAPPED_BY_LIMIT
    };
    case.find(
        found,
        format!(
            "container `{}`: a request of {} is cut to the limit of {}; raise the limit",
            container.name,
            input("derived"),
            request.value
        ),
    );
}

/// The limit in the owner's proportion to the request, rounded up.
fn scaled(own_limit: u64, own_request: u64, request: u64) -> u64 {
    match own_request {
        0 => own_limit,
        own => {
            let scaled = (u128::from(own_limit) * u128::from(request)).div_ceil(u128::from(own));
            u64::try_from(scaled).unwrap_or(u64::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit for a request, given what the manifest says, and the limits before and accepted.
    fn limit(
        mode: LimitMode,
        request: u64,
        (own_request, own_limit): (u64, u64),
        (before, accepted): (u64, Option<u64>),
    ) -> Option<u64> {
        let wanted = Limit {
            mode: Some(mode),
            value: None,
        };
        let decided = Decision {
            value: Bytes::new(request),
            // what a plan lowered the request to has no say
            before: Some(Bytes::new(7)),
            reason: reason(code::PERCENTILE, []),
        };
        let old = Old {
            before: Some(Bytes::new(before)),
            accepted: accepted.map(Bytes::new),
            manifest_request: None,
            owner: Owner {
                limit: Some(Bytes::new(own_limit)),
                request: Some(Bytes::new(own_request)),
            },
        };
        one(&wanted, Some(&decided), &old, Bytes::get, Bytes::new)
            .and_then(|removable| removable.value)
            .map(Bytes::get)
    }

    #[test]
    fn a_kept_limit_moves_only_when_the_request_reaches_it() {
        for (request, own, at, value) in [
            // a proportion of 2; a lower request lowers no limit
            (50, (100, 200), (200, None), None),
            (199, (100, 200), (200, None), None),
            (200, (100, 200), (200, None), Some(400)),
            // moved before: the proportion is the owner's all the same
            (399, (100, 200), (400, Some(400)), None),
            (450, (100, 200), (400, Some(400)), Some(900)),
            // on one window of history: never below the accepted limit
            (250, (100, 200), (200, Some(600)), Some(600)),
            // equal in the manifest, equal after
            (250, (100, 100), (100, None), Some(250)),
            // the API server refuses such a manifest
            (250, (100, 50), (100, None), Some(250)),
        ] {
            assert_eq!(
                limit(LimitMode::Keep, request, own, at),
                value,
                "{request} of {own:?} at {at:?}"
            );
        }
    }

    #[test]
    fn a_limit_in_proportion_follows_both_ways() {
        let (own, at) = ((100, 200), (200, None));
        assert_eq!(limit(LimitMode::Ratio, 100, own, at), None);
        assert_eq!(limit(LimitMode::Ratio, 50, own, at), Some(100));
        assert_eq!(limit(LimitMode::Ratio, 150, own, at), Some(300));
        assert_eq!(limit(LimitMode::Ratio, 50, own, (300, Some(300))), Some(100));
        assert_eq!(
            limit(LimitMode::Ratio, 150, (100, 50), at),
            Some(150),
            "no request above it"
        );
        assert_eq!(limit(LimitMode::Equal, 150, own, at), Some(150));
    }
}
