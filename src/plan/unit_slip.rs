//! History in another unit than it says: usage that no pod can have had. What is derived from it would be absurd, so it
//! is set aside and reported.
//!
//! The rules are few and wide apart from what happens: bursts above a request are normal, a request of a few millicores
//! is common, a limit may have been another in the window.

use super::case::Case;
use crate::units::{Bytes, Millicores, Percent};
use crate::workload::Container;

/// Limits are hard (CFS quota, OOM kill): a 95th percentile of this many times the limit was not measured under it, and
/// hardly under one that was cut since. A slip between steps of units is 1000 or more.
const TIMES_LIMIT: u64 = 10;
/// Nothing holds usage under a request, so a slip is told only where the median is far from it …
const TIMES_REQUEST: u64 = 100;
/// … and more than pods with so small requests have: eight cores, 64 GiB.
const MANY_CORES: u64 = 8_000;
const MUCH_MEMORY: u64 = 64 << 30;
/// No container runs in less memory than this at its highest (the pause container takes about 0.5 MiB): such numbers
/// are mebibytes or gibibytes.
const LEAST_MEMORY: u64 = 64 << 10;

/// What is impossible about the recorded usage, in a sentence with numbers and the likely slip; `None`: nothing.
pub(super) fn find(case: &Case<'_>) -> Option<String> {
    case.workload
        .containers
        .iter()
        .find_map(|container| cpu(case, container).or_else(|| memory(case, container)))
}

fn cpu(case: &Case<'_>, container: &Container) -> Option<String> {
    let facts = case.seen?.containers.get(&container.name)?;
    let milli = |percent| {
        let nano = facts
            .cpu_known()
            .quantile(Percent::from_percent(percent), case.settings.bounds.half_life)?;
        Some(Millicores::from_nano_ceil(u128::from(nano)).get())
    };
    let limit = facts.cpu_limit.max(container.cpu_limit).map(Millicores::get);
    let request = facts.cpu_request.max(container.cpu_request).map(Millicores::get);
    let (used, than) = impossible((milli(50)?, milli(95)?), limit, request, MANY_CORES)?;
    let (used, than) = (
        Millicores::new(used),
        than.shown(&|milli| Millicores::new(milli).to_string()),
    );
    Some(format!(
        "container `{}`: recorded CPU of {used} a pod, with {than}; the export seems to be in millicores where cores are meant",
        container.name
    ))
}

fn memory(case: &Case<'_>, container: &Container) -> Option<String> {
    let facts = case.seen?.containers.get(&container.name)?;
    let name = &container.name;
    let highest = facts.memory_known().highest()?;
    if highest < LEAST_MEMORY {
        return Some(format!(
            "container `{name}`: at most {highest} bytes of memory were recorded, and no container runs in so little; \
             the export seems to be in MiB or GiB where bytes are meant"
        ));
    }
    let bytes = |percent| {
        facts
            .memory_known()
            .quantile(Percent::from_percent(percent), case.settings.bounds.half_life)
    };
    let limit = container.memory_limit.map(Bytes::get);
    let request = facts.memory_request.max(container.memory_request).map(Bytes::get);
    let (used, than) = impossible((bytes(50)?, bytes(95)?), limit, request, MUCH_MEMORY)?;
    let shown = |bytes| Bytes::new(bytes).mib_ceil().to_string();
    let (used, than) = (shown(used), than.shown(&shown));
    Some(format!(
        "container `{name}`: recorded memory of {used} a pod, with {than}; the export seems to be in another unit than bytes"
    ))
}

/// What usage is out of proportion to.
enum Than {
    Limit(u64),
    Request(u64),
}

impl Than {
    fn shown(&self, show: &impl Fn(u64) -> String) -> String {
        match self {
            Self::Limit(limit) => format!("a limit of {} in force", show(*limit)),
            Self::Request(request) => format!("a request of {} in force", show(*request)),
        }
    }
}

/// Usage that can't be, and what says so. `used`: median and 95th percentile.
fn impossible((median, p95): (u64, u64), limit: Option<u64>, request: Option<u64>, much: u64) -> Option<(u64, Than)> {
    if let Some(limit) = limit.filter(|limit| *limit > 0) {
        return (p95 >= limit.saturating_mul(TIMES_LIMIT)).then_some((p95, Than::Limit(limit)));
    }
    let request = request.filter(|request| *request > 0)?;
    (median >= much && median >= request.saturating_mul(TIMES_REQUEST)).then_some((median, Than::Request(request)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_is_a_slip() {
        for (case, used, limit, request, is_slip) in [
            ("a burst above the request", (900, 4_000), None, Some(200), false),
            ("at the limit", (500, 500), Some(500), Some(100), false),
            ("a limit cut to a fifth", (2_000, 2_500), Some(500), Some(100), false),
            (
                "millicores as cores, with a limit",
                (100_000, 170_000),
                Some(500),
                Some(200),
                true,
            ),
            (
                "millicores as cores, no limit",
                (100_000, 170_000),
                None,
                Some(200),
                true,
            ),
            ("a token request, one core used", (1_000, 1_500), None, Some(1), false),
            (
                "a batch pod of 16 cores that asks for half a core",
                (16_000, 16_000),
                None,
                Some(500),
                false,
            ),
            ("nothing to compare with", (100_000, 170_000), None, None, false),
        ] {
            assert_eq!(
                impossible(used, limit, request, MANY_CORES).is_some(),
                is_slip,
                "{case}"
            );
        }
    }
}
