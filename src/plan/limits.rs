//! Limits: how they follow requests. A limit is never lowered because of a quiet week.

use super::case::{Case, reason};
use super::model::{Decision, Removable, ResourcePlan, WorkloadPlan};
use super::requests::RequestPlan;
use super::{ladder, owner};
use crate::diag::code;
use crate::krm::Reason;
use crate::policy::wire::{Limit, LimitMode, Limits, Requests, Strategy};
use crate::units::{Bytes, Millicores};
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
    let field = |resource: &str| format!("{}/limits/{resource}", container.name);
    LimitPlan {
        cpu: one(
            &wanted.cpu,
            requests.cpu.as_ref(),
            before.cpu.map_or(container.cpu_limit, |limit| limit.value),
            container.cpu_request,
            Millicores::get,
            |milli| ladder::cpu_ceil(Millicores::new(milli)),
        )
        .or(accepted.cpu.filter(|_| !is_own || of_requests.cpu.value.is_some()))
        .map(|decided| owner::lift_removable(case, &field("cpu"), container.cpu_limit, decided)),
        memory: one(
            &wanted.memory,
            requests.memory.as_ref(),
            before.memory.map_or(container.memory_limit, |limit| limit.value),
            container.memory_request,
            Bytes::get,
            |bytes| ladder::memory_ceil(Bytes::new(bytes)),
        )
        .or(accepted
            .memory
            .filter(|_| !is_own || of_requests.memory.value.is_some()))
        .map(|decided| owner::lift_removable(case, &field("memory"), container.memory_limit, decided)),
    }
}

/// One limit; `None`: as it is.
fn one<T: Copy + PartialEq + std::fmt::Display>(
    wanted: &Limit<T>,
    request: Option<&Decision<T>>,
    before: Option<T>,
    manifest_request: Option<T>,
    get: impl Fn(T) -> u64,
    rung: impl Fn(u64) -> T,
) -> Option<Removable<T>> {
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
    let is_guaranteed = |limit: u64| {
        request
            .and_then(|decision| decision.before)
            .or(manifest_request)
            .map(&get)
            == Some(limit)
    };
    let new_request = request.map(|decision| decision.value).or(manifest_request);
    let old_request = request.and_then(|decision| decision.before).or(manifest_request);
    match (wanted.mode.unwrap_or(LimitMode::Keep), before, new_request) {
        (LimitMode::None, _, _) => Some(Removable {
            value: None,
            before,
            reason: reason(code::STATED, []),
        }),
        (LimitMode::Equal, _, Some(request)) => set(request, reason(code::STATED, [("limit", "equal".to_owned())])),
        (LimitMode::Ratio, Some(limit), Some(request)) => {
            let scaled = in_proportion(get(limit), get(request), old_request.map(&get));
            (scaled != get(limit))
                .then(|| {
                    set(
                        if is_guaranteed(get(limit)) {
                            request
                        } else {
                            rung(scaled)
                        },
                        follows(limit, old_request, request),
                    )
                })
                .flatten()
        }
        (LimitMode::Keep, Some(limit), Some(request)) if get(request) >= get(limit) => {
            let grown = in_proportion(get(limit), get(request), old_request.map(&get)).max(get(request));
            if grown == get(limit) {
                return None;
            }
            set(
                // equal before, equal after: the pod stays Guaranteed
                if is_guaranteed(get(limit)) {
                    request
                } else {
                    rung(grown)
                },
                follows(limit, old_request, request),
            )
        }
        _ => None,
    }
}

/// Why a limit moves with its request, with what both were.
fn follows<T: std::fmt::Display>(limit: T, old_request: Option<T>, request: T) -> Reason {
    let mut why = reason(
        code::LIMIT_FOLLOWS_REQUEST,
        [("was", limit.to_string()), ("request", request.to_string())],
    );
    if let Some(old) = old_request {
        why.inputs.insert("requestWas".to_owned(), old.to_string());
    }
    why
}

/// Requests that are not above the limits: the API server refuses a pod whose request exceeds its limit.
pub fn cap(case: &Case<'_>, name: &str, mut requests: RequestPlan, limits: &LimitPlan) -> RequestPlan {
    cap_one(
        case,
        name,
        requests.cpu.as_mut(),
        limits.cpu.as_ref().and_then(|limit| limit.value),
    );
    cap_one(
        case,
        name,
        requests.memory.as_mut(),
        limits.memory.as_ref().and_then(|limit| limit.value),
    );
    requests
}

fn cap_one<T: Copy + Ord + std::fmt::Display>(
    case: &Case<'_>,
    name: &str,
    request: Option<&mut Decision<T>>,
    limit: Option<T>,
) {
    let (Some(request), Some(limit)) = (request, limit) else {
        return;
    };
    if request.value > limit {
        case.find(
            code::POLICY_CONFLICT,
            format!(
                "container `{name}`: a request of {} is cut to the limit of {limit}; raise the limit",
                request.value
            ),
        );
        request.value = limit;
    }
}

/// The limit in the proportion to the request that it had, rounded up.
fn in_proportion(limit: u64, request: u64, old_request: Option<u64>) -> u64 {
    match old_request {
        Some(old) if old > 0 => {
            let scaled = (u128::from(limit) * u128::from(request)).div_ceil(u128::from(old));
            u64::try_from(scaled).unwrap_or(u64::MAX)
        }
        _ => limit.max(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(request: u64, before: u64) -> Decision<Bytes> {
        Decision {
            value: Bytes::new(request),
            before: Some(Bytes::new(before)),
            reason: reason(code::PERCENTILE, []),
        }
    }

    fn limit(mode: LimitMode, request: u64, before: u64, limit: u64) -> Option<u64> {
        let wanted = Limit {
            mode: Some(mode),
            value: None,
        };
        one(
            &wanted,
            Some(&decided(request, before)),
            Some(Bytes::new(limit)),
            None,
            Bytes::get,
            Bytes::new,
        )
        .and_then(|removable| removable.value)
        .map(Bytes::get)
    }

    #[test]
    fn a_kept_limit_moves_only_when_the_request_reaches_it() {
        // request 100 of limit 200, so a proportion of 2
        assert_eq!(
            limit(LimitMode::Keep, 50, 100, 200),
            None,
            "a lower request lowers no limit"
        );
        assert_eq!(limit(LimitMode::Keep, 199, 100, 200), None);
        assert_eq!(limit(LimitMode::Keep, 200, 100, 200), Some(400));
        assert_eq!(
            limit(LimitMode::Keep, 250, 100, 100),
            Some(250),
            "equal before, equal after"
        );
    }

    #[test]
    fn a_limit_in_proportion_follows_both_ways() {
        assert_eq!(limit(LimitMode::Ratio, 50, 100, 200), Some(100));
        assert_eq!(limit(LimitMode::Ratio, 150, 100, 200), Some(300));
        assert_eq!(limit(LimitMode::Equal, 150, 100, 200), Some(150));
    }
}
