//! The range of every number in a policy and in a plan: outside it Kubernetes or KEDA refuse the value, or somebody
//! divides by it.
//!
//! One table for both, by where a value stands in the policy; a plan says in `plan/possible.rs` which of its fields is
//! which of these. A schema can't say these: amounts are texts there. What two values say together is in `rules.rs`.

use serde_json::Value;

use crate::units::{Percent, Quantity, Seconds};

/// A value that is outside its range, or a name that no API server takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outside {
    /// What is wrong.
    pub(crate) headline: String,
    /// Why the range is as it is.
    pub(crate) because: &'static str,
    /// What to write.
    pub(crate) help: String,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Pods, failures.
    Count,
    /// A share.
    Share,
    /// A share in whole percents.
    WholePercent,
    /// A time.
    Time,
    /// A Kubernetes quantity.
    Amount,
}

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// The policy's own.
    Policy,
    /// Of a class, a rule, or a container in one.
    Workload,
}

struct Range {
    scope: Scope,
    /// Keys below the scope: `*` for a name of the user's, `?` for `value`, `min` and `max` of a setting.
    at: &'static str,
    unit: Unit,
    least: &'static str,
    most: &'static str,
    because: &'static str,
}

const fn policy(at: &'static str, unit: Unit, (least, most): (&'static str, &'static str), why: &'static str) -> Range {
    Range {
        scope: Scope::Policy,
        at,
        unit,
        least,
        most,
        because: why,
    }
}

const fn workload(
    at: &'static str,
    unit: Unit,
    (least, most): (&'static str, &'static str),
    why: &'static str,
) -> Range {
    Range {
        scope: Scope::Workload,
        ..policy(at, unit, (least, most), why)
    }
}

/// The largest count of the Kubernetes API: a signed 32-bit integer.
const MOST: &str = "2147483647";
const SHARE_OF_TIME: &str = "a share of time is at most the whole";
const COUNTED: &str = "Kubernetes counts up to 2147483647";
const RESERVED: &str = "a request of 0 reserves nothing, and a utilization target divides by it";
const UNLIMITED: &str = "a limit of 0 is none: `mode: none` says so";
const LARGE: &str = "no node is as large";
const LARGEST_CPU: (&str, &str) = ("1m", "1000000");
const LARGEST_MEMORY: (&str, &str) = ("1", "1Pi");
const DIVIDED: &str = "the controller divides by the target";
const LONG: (&str, &str) = ("1s", "3650d");
const ENOUGH: &str = "nothing is recorded over ten years";
const POLLED: &str = "KEDA counts up to 2147483647 seconds, and polls without a pause at 0";

use Unit::{Amount, Count, Share, Time, WholePercent};

static RANGES: &[Range] = &[
    policy("risk/*", Share, ("0%", "100%"), SHARE_OF_TIME),
    policy("history/minimum", Time, LONG, ENOUGH),
    policy("history/coverage", Share, ("0%", "100%"), SHARE_OF_TIME),
    policy("history/halfLife", Time, LONG, ENOUGH),
    policy(
        "history/from/demand",
        Share,
        ("0.0001%", "100000%"),
        "nothing can be borrowed from no demand",
    ),
    policy(
        "guardrails/capacityDecrease",
        Share,
        ("0%", "100%"),
        "capacity can't fall by more than the whole",
    ),
    policy(
        "guardrails/minChange",
        Share,
        ("0%", "100%"),
        "nothing falls by more than the whole, so nothing would fall",
    ),
    policy("guardrails/restart/minInterval", Time, ("0s", "3650d"), ENOUGH),
    workload("requests/cpu/?", Amount, LARGEST_CPU, RESERVED),
    workload("requests/memory/?", Amount, LARGEST_MEMORY, RESERVED),
    workload("limits/cpu/value", Amount, LARGEST_CPU, UNLIMITED),
    workload("limits/memory/value", Amount, LARGEST_MEMORY, UNLIMITED),
    workload(
        "requests/percentile/*/quantile",
        Share,
        ("1%", "100%"),
        "a quantile is a share of the samples",
    ),
    workload(
        "requests/percentile/*/margin",
        Share,
        ("0%", "1000%"),
        "more than tenfold is no margin",
    ),
    workload("scaling/minReplicas/?", Count, ("0", MOST), COUNTED),
    workload(
        "scaling/maxReplicas/?",
        Count,
        ("1", MOST),
        "a scaler that may have no pod scales nothing",
    ),
    workload("scaling/targets/*/?", WholePercent, ("1%", "2147483647%"), DIVIDED),
    workload("scaling/metrics/*/averageValue/?", Amount, ("1n", "1E"), DIVIDED),
    workload("scaling/metrics/*/value/?", Amount, ("1n", "1E"), DIVIDED),
    workload("scaling/triggers/*/threshold/?", Amount, ("1n", "1E"), DIVIDED),
    workload(
        "scaling/behavior/*/stabilization/?",
        Time,
        ("0s", "1h"),
        "the API takes a window of 1h at most",
    ),
    workload("scaling/behavior/*/policies/*/value", Count, ("1", MOST), COUNTED),
    workload(
        "scaling/behavior/*/policies/*/period",
        Time,
        ("1s", "30m"),
        "the API takes a period of 30m at most",
    ),
    workload(
        "scaling/behavior/*/tolerance",
        Share,
        ("0%", "1000%"),
        "a scaler would not move any more",
    ),
    workload("scaling/pollingInterval", Time, ("1s", "2147483647s"), POLLED),
    workload("scaling/cooldownPeriod", Time, ("0s", "2147483647s"), POLLED),
    workload(
        "scaling/idleReplicas",
        Count,
        ("0", "0"),
        "the HPA that KEDA makes can't go lower than its minimum, so KEDA supports no other idle count",
    ),
    workload("scaling/fallback/failureThreshold", Count, ("0", MOST), COUNTED),
    workload(
        "scaling/fallback/replicas",
        Count,
        ("1", MOST),
        "a fallback of 0 takes the pods away while the source is down",
    ),
    workload("scaling/derive/minQuantile", Share, ("0%", "100%"), SHARE_OF_TIME),
    workload(
        "scaling/derive/maxHeadroom",
        Share,
        ("1%", "10000%"),
        "the highest recorded demand times this is carried",
    ),
    workload(
        "scaling/derive/maxUtilization",
        Share,
        ("1%", "1000%"),
        "pods are counted by dividing by it",
    ),
    workload("replicas/count/?", Count, ("0", MOST), COUNTED),
    workload("disruption/*/?", Count, ("0", MOST), COUNTED),
    workload("spread/*/maxSkew", Count, ("1", MOST), COUNTED),
    workload("vpa/minAllowed/cpu", Amount, ("0", "1000000"), LARGE),
    workload("vpa/minAllowed/memory", Amount, ("0", "1Pi"), LARGE),
    workload("vpa/maxAllowed/cpu", Amount, LARGEST_CPU, RESERVED),
    workload("vpa/maxAllowed/memory", Amount, LARGEST_MEMORY, RESERVED),
    workload("termination/*/?", Time, ("0s", "3650d"), "no pod takes so long to end"),
];

/// What is wrong with a number of the policy's own, by the keys below `spec`.
pub(super) fn of_policy(keys: &[&str], value: &Value) -> Option<Outside> {
    outside(Scope::Policy, keys, value)
}

/// What is wrong with a number of a class, a rule, a container in one, or a plan's entry, by the keys below those:
/// `scaling/maxReplicas/value`.
pub(crate) fn of_workload(keys: &[&str], value: &Value) -> Option<Outside> {
    outside(Scope::Workload, keys, value)
}

fn outside(scope: Scope, keys: &[&str], value: &Value) -> Option<Outside> {
    if value.is_object() {
        return None;
    }
    let range = find(scope, keys)?;
    let (headline, help) = range.refuses(value, keys.last()?)?;
    Some(Outside {
        headline,
        because: range.because,
        help,
    })
}

fn find(scope: Scope, keys: &[&str]) -> Option<&'static Range> {
    RANGES
        .iter()
        .find(|range| range.scope == scope && is_at(range.at, keys))
}

/// Whether keys fit a pattern of the tables, which begins with a field: `*` is a name of the user's, `?` one of `value`,
/// `min` and `max`.
#[inline]
pub(super) fn is_at(pattern: &str, keys: &[&str]) -> bool {
    // every value of a plan is held against every row: most differ in the first letter, or else in the last key
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return false;
    };
    let may_end_so = || match pattern.as_bytes().last() {
        Some(b'*') => true,
        Some(b'?') => is_of_setting(last),
        _ => pattern.ends_with(last),
    };
    pattern.as_bytes().first() == first.as_bytes().first() && may_end_so() && is_each_at(pattern, keys)
}

fn is_each_at(pattern: &str, keys: &[&str]) -> bool {
    let mut parts = pattern.split('/');
    let is_fit = |key: &&str| match parts.next() {
        Some("*") => true,
        Some("?") => is_of_setting(key),
        part => part == Some(*key),
    };
    keys.iter().all(is_fit) && parts.next().is_none()
}

fn is_of_setting(key: &str) -> bool {
    matches!(key, "value" | "min" | "max")
}

impl Range {
    /// What is wrong with a value, and what to write; `None` where it is fine. `key` is the last one of its place.
    fn refuses(&self, value: &Value, key: &str) -> Option<(String, String)> {
        let size = size(self.unit, value)?;
        let bound = |text: &'static str| {
            self.size_of(text)
                .expect("broken invariant: a bound of the table has the form of its unit (a test reads them all)")
        };
        let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (least, most) = (self.least, self.most);
        let or = |word: &str| {
            if self.least == self.most {
                String::new()
            } else {
                format!(" or {word}")
            }
        };
        // what is never below something impossible is not below anything
        if size < bound(least) && key != "min" {
            let headline = format!("`{written}` is less than `{least}`, the least that is possible here");
            return Some((headline, format!("write `{least}`{}", or("more"))));
        }
        if size > bound(most) {
            let headline = format!("`{written}` is more than `{most}`, the most that is possible here");
            return Some((headline, format!("write `{most}`{}", or("less"))));
        }
        let is_whole = self.unit != WholePercent || size % i128::from(Percent::from_percent(1).ppm()) == 0;
        (!is_whole).then(|| {
            let headline = format!("`{written}` is no whole percentage, as Kubernetes takes them");
            (headline, "write it like `70%`".to_owned())
        })
    }

    fn size_of(&self, text: &str) -> Option<i128> {
        match self.unit {
            Count => text.parse().ok(),
            unit => size(unit, &Value::from(text)),
        }
    }
}

/// A comparable size; `None` for what is of another form (a budget's bound may be a share).
fn size(unit: Unit, value: &Value) -> Option<i128> {
    let text = || value.as_str();
    match unit {
        Count => value.as_u64().map(i128::from),
        Share | WholePercent => text()?.parse::<Percent>().ok().map(|share| i128::from(share.ppm())),
        Time => text()?.parse::<Seconds>().ok().map(|time| i128::from(time.get())),
        Amount => text()?.parse::<Quantity>().ok().map(Quantity::nano),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_has_the_form_of_its_unit() {
        for range in RANGES {
            let (least, most) = (range.size_of(range.least), range.size_of(range.most));
            assert!(least.is_some() && least <= most, "{}", range.at);
        }
    }

    #[test]
    fn names_of_users_are_not_taken_for_fields() {
        let keys = |at: &'static str| at.split('/').collect::<Vec<_>>();
        assert!(is_at(
            "scaling/metrics/*/value/?",
            &keys("scaling/metrics/value/value/max")
        ));
        assert!(!is_at(
            "scaling/metrics/*/value/?",
            &keys("scaling/metrics/value/value")
        ));
        assert!(!is_at("scaling/minReplicas/?", &keys("scaling/minReplicas/most")));
        assert!(is_at("environment", &["environment"]) && !is_at("environment", &[&"environment"["environ".len()..]]));
    }
}
