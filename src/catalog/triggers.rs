//! What KEDA's scalers need in their metadata.
//!
//! KEDA reads a trigger's metadata only when it builds the scaler: what is wrong there is accepted by the API server and
//! shows as a ScaledObject that never becomes ready, or worse, as one that works differently. So it is judged here. The
//! tables hold what KEDA 2.21 publishes of its own scalers (`schema/generated/scalers-schema.json`), and are tested
//! against that file.

mod table;
mod cron;
mod scalers;

use std::collections::BTreeMap;

pub use table::{Form, Parameter, SCALERS, Scaler, TYPES};

use crate::diag::{Severity, near_miss};
use crate::units::{Format, Quantity};

/// What is wrong with a trigger, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it is refused, or only worth a look.
    pub severity: Severity,
    /// What.
    pub headline: String,
    /// How to mend it.
    pub help: String,
}

impl Problem {
    fn error(headline: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            headline: headline.into(),
            help: help.into(),
        }
    }

    fn warning(headline: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(headline, help)
        }
    }
}

/// A trigger as its scaler sees it.
#[derive(Clone, Copy, Debug)]
pub struct TriggerForm<'a> {
    /// KEDA's name of the scaler.
    pub kind: &'a str,
    /// Its metadata.
    pub metadata: &'a BTreeMap<String, String>,
    /// Whether an authenticationRef may bring what is missing.
    pub has_authentication: bool,
    /// Whether the threshold is given apart from the metadata.
    pub has_threshold: bool,
}

impl<'a> TriggerForm<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Whether a parameter has a value, from wherever KEDA may take it.
    fn has(&self, parameter: &Parameter) -> bool {
        self.metadata.contains_key(parameter.name)
            || (parameter.from_env && self.metadata.contains_key(&format!("{}FromEnv", parameter.name)))
            || (parameter.from_authentication && self.has_authentication)
            || (self.has_threshold && threshold_key(self.kind) == Some(parameter.name))
    }
}

/// Everything that KEDA would refuse, or that would never do what it says.
pub fn check(trigger: TriggerForm<'_>) -> Vec<Problem> {
    let mut problems = check_written(trigger);
    if let Some(scaler) = scaler(trigger.kind) {
        problems.extend(missing(scaler, trigger));
        problems.extend(scalers::check_whole(trigger));
    }
    problems
}

/// As [`check`], for a trigger that other layers may complete: what is missing is no problem yet.
pub fn check_written(trigger: TriggerForm<'_>) -> Vec<Problem> {
    if !TYPES.contains(&trigger.kind) {
        return vec![unknown_type(trigger.kind)];
    }
    let mut problems = Vec::new();
    if let Some(scaler) = scaler(trigger.kind) {
        problems.extend(
            trigger
                .metadata
                .iter()
                .filter_map(|(key, value)| entry(scaler, key, value)),
        );
    }
    problems.extend(nothing_per_pod(trigger));
    problems.extend(scalers::check_written(trigger));
    problems
}

/// The HPA that KEDA makes divides by the threshold.
fn nothing_per_pod(trigger: TriggerForm<'_>) -> Option<Problem> {
    let key = threshold_key(trigger.kind)?;
    let value = trigger.get(key)?;
    let is_nothing = value.parse::<Quantity>().is_ok_and(|amount| amount.nano() <= 0);
    (is_nothing && !matches!(trigger.kind, "cpu" | "memory")).then(|| {
        Problem::error(
            format!("`{key}: {value}` says that a pod can take nothing, and the HPA divides by it"),
            "write what one pod can take, as a number above 0",
        )
    })
}

/// The count that a schedule asks for; `None` for other triggers.
pub fn scheduled(kind: &str, metadata: &BTreeMap<String, String>) -> Option<u32> {
    metadata.get("desiredReplicas").filter(|_| kind == "cron")?.parse().ok()
}

/// What is wrong with the count of a schedule within the bounds of its scaler, and how to mend it.
pub fn beyond_bounds(
    metadata: &BTreeMap<String, String>,
    (min, max): (Option<u32>, Option<u32>),
) -> Option<(String, &'static str)> {
    let wanted = scheduled("cron", metadata)?;
    if let Some(max) = max.filter(|max| wanted > *max) {
        let headline =
            format!("the schedule asks for {wanted} replicas, and the highest count is {max}: it gets {max}");
        return Some((headline, "raise the highest count, or lower `desiredReplicas`"));
    }
    let min = min.filter(|min| wanted <= *min)?;
    let headline =
        format!("the schedule asks for {wanted} replicas, and no fewer than {min} run anyway: it does nothing");
    Some((headline, "lower the lowest count, or raise `desiredReplicas`"))
}

/// The metadata key that holds what one pod can take; `None` where a scaler has no such key, or not exactly one.
pub fn threshold_key(kind: &str) -> Option<&'static str> {
    table::THRESHOLDS
        .iter()
        .find(|(_, kinds)| kinds.contains(&kind))
        .map(|(key, _)| *key)
}

/// Writes the threshold where the scaler reads it, with what it needs beside it; `false` where it reads none.
pub fn write_threshold(kind: &str, metadata: &mut BTreeMap<String, String>, threshold: Quantity) -> bool {
    let Some(key) = threshold_key(kind) else {
        return false;
    };
    metadata.insert(key.to_owned(), plain_number(threshold));
    if kind == "rabbitmq" {
        // KEDA refuses a value without a mode
        metadata
            .entry("mode".to_owned())
            .or_insert_with(|| "QueueLength".to_owned());
    }
    true
}

/// Digits only: KEDA's numbers know no suffixes, so 5000 is `5000` and not `5k`.
fn plain_number(quantity: Quantity) -> String {
    const NANO: i128 = 1_000_000_000;
    let (whole, rest) = (quantity.nano() / NANO, quantity.nano() % NANO);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{:09}", rest.unsigned_abs())
        .trim_end_matches('0')
        .to_owned()
}

fn scaler(kind: &str) -> Option<&'static Scaler> {
    SCALERS.iter().find(|scaler| scaler.kinds.contains(&kind))
}

fn unknown_type(kind: &str) -> Problem {
    let help = near_miss(kind, TYPES.iter().copied()).map_or_else(
        || "KEDA's documentation lists its scalers by the `type` they have in a trigger".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Problem::error(format!("KEDA has no scaler `{kind}`"), help)
}

fn entry(scaler: &Scaler, key: &str, value: &str) -> Option<Problem> {
    let is_from_env =
        |parameter: &&Parameter| parameter.from_env && key.strip_suffix("FromEnv") == Some(parameter.name);
    let Some(parameter) = scaler.parameters.iter().find(|parameter| parameter.name == key) else {
        return scaler
            .parameters
            .iter()
            .find(is_from_env)
            .is_none()
            .then(|| unknown_key(scaler, key));
    };
    if let Some(instead) = parameter.removed {
        return Some(Problem::error(format!("`{key}` is not read any more"), instead));
    }
    if !parameter.from_metadata {
        let help = if parameter.from_env {
            format!("name a variable of the pod with `{key}FromEnv`, or put it into a TriggerAuthentication")
        } else {
            "put it into a TriggerAuthentication, so that it stays out of Git".to_owned()
        };
        return Some(Problem::error(
            format!("`{key}` is not read from a trigger's metadata"),
            help,
        ));
    }
    let expected = parameter.form.refuses(value)?;
    Some(Problem::error(
        format!("`{key}: {value}` is not {expected}"),
        format!("write {expected}"),
    ))
}

fn unknown_key(scaler: &Scaler, key: &str) -> Problem {
    let known: Vec<&str> = scaler
        .parameters
        .iter()
        .filter(|parameter| parameter.from_metadata && parameter.removed.is_none())
        .map(|parameter| parameter.name)
        .collect();
    let help = near_miss(key, known.iter().copied()).map_or_else(
        || format!("it reads {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Problem::error(format!("the scaler `{}` does not read `{key}`", scaler.kinds[0]), help)
}

fn missing<'a>(scaler: &'a Scaler, trigger: TriggerForm<'a>) -> impl Iterator<Item = Problem> + 'a {
    let absent = scaler
        .parameters
        .iter()
        .filter(move |parameter| parameter.is_needed && !trigger.has(parameter));
    absent.map(|parameter| {
        let name = parameter.name;
        let mut ways = vec![format!("`{name}` to the metadata")];
        if parameter.from_env {
            ways.push(format!("`{name}FromEnv`"));
        }
        if parameter.from_authentication {
            ways.push("an `authenticationRef` that brings it".to_owned());
        }
        Problem::error(
            format!("the trigger lacks `{name}`"),
            format!("add {}", ways.join(" or ")),
        )
    })
}

impl Form {
    /// What is expected instead of this value; `None` where it is fine.
    fn refuses(self, value: &str) -> Option<String> {
        let integer = value.parse::<i64>();
        let (is_fine, expected) = match self {
            Self::Text => (!value.trim().is_empty(), "a text that is not empty".to_owned()),
            Self::Count => (integer.is_ok_and(|count| count >= 0), "a whole number".to_owned()),
            Self::Positive => (
                integer.is_ok_and(|count| count > 0),
                "a whole number above 0".to_owned(),
            ),
            Self::Number => (
                value
                    .parse::<f64>()
                    .is_ok_and(|number| number.is_finite() && number >= 0.0),
                "a number such as `50` or `0.5`".to_owned(),
            ),
            // Go's ParseBool
            Self::Flag => (
                matches!(
                    value,
                    "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
                ),
                "`true` or `false`".to_owned(),
            ),
            Self::Amount => (
                value
                    .parse::<Quantity>()
                    .is_ok_and(|amount| amount > Quantity::from_nano(0, Format::DecimalSi)),
                "a whole number of percent, or an amount for metricType AverageValue".to_owned(),
            ),
            Self::OneOf(values) => (
                // several, for the parameters that take a list
                value.split(',').all(|part| values.contains(&part.trim())),
                format!("one of {}", values.join(", ")),
            ),
        };
        (!is_fine).then_some(expected)
    }
}

#[cfg(test)]
mod tests;
