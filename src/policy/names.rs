//! Names and labels in a policy and in a plan that no API server takes: an object with one is refused when it is applied,
//! after everything was reviewed and merged.
//!
//! One table for both, by where a name stands in the policy, as in `ranges.rs`.

use serde_json::Value;

use super::ranges::{Outside, is_at};
use crate::krm::id::{is_label, is_subdomain};

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An environment: it stands in paths, labels and names of objects.
    Environment,
    /// An object.
    Object,
    /// The kind of an object.
    Kind,
    /// What is looked up by name in the metrics API.
    Described,
    /// A metric.
    Metric,
    /// The key of a label or taint.
    LabelKey,
    /// The value of a label or taint.
    LabelValue,
}

/// Where the name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It is the last key.
    Key,
    /// It is the value.
    Value,
}

use Form::{Environment, LabelKey, LabelValue, Metric};
use Part::{Key, Value as Text};

/// In the policy itself.
static OF_POLICY: &[(&str, Part, Form)] = &[
    ("environment", Text, Environment),
    ("history/from/environment", Text, Environment),
    ("cluster/spot/labels/*", Key, LabelKey),
    ("cluster/spot/labels/*", Text, LabelValue),
    ("cluster/spot/taints/*", Key, LabelKey),
    ("cluster/spot/taints/*/value", Text, LabelValue),
];

/// In a class, a rule, or an entry of a plan.
static OF_WORKLOAD: &[(&str, Part, Form)] = &[
    ("scaling/metrics/*/metric", Text, Metric),
    ("scaling/metrics/*/selector/*", Key, LabelKey),
    ("scaling/metrics/*/selector/*", Text, LabelValue),
    ("scaling/metrics/*/describedObject/kind", Text, Form::Kind),
    ("scaling/metrics/*/describedObject/name", Text, Form::Described),
    ("scaling/triggers/*/authenticationRef/name", Text, Form::Object),
];

/// What is wrong with a name of the policy's own, by the keys below `spec`.
pub(crate) fn of_policy(keys: &[&str], value: &Value) -> Option<Outside> {
    outside(OF_POLICY, keys, value)
}

/// What is wrong with a name in a class, a rule or a plan's entry, by the keys below those.
pub(crate) fn of_workload(keys: &[&str], value: &Value) -> Option<Outside> {
    outside(OF_WORKLOAD, keys, value)
}

fn outside(table: &[(&str, Part, Form)], keys: &[&str], value: &Value) -> Option<Outside> {
    let mut rows = table.iter().filter(|(at, _, _)| is_at(at, keys));
    rows.find_map(|(_, part, form)| {
        let text = match part {
            Key => *keys.last()?,
            Text => value.as_str()?,
        };
        form.outside(text)
    })
}

impl Form {
    /// What is wrong with a text that is to have this form.
    pub(crate) fn outside(self, text: &str) -> Option<Outside> {
        if self.is_of(text) {
            return None;
        }
        let (noun, because, help) = match self {
            Self::Environment => (
                "name of an environment",
                "it stands in paths, labels and names of objects",
                "use lower-case letters, digits and `-`, 63 characters at most, such as `production`",
            ),
            Self::Object => (
                "name of an object",
                "names are DNS subdomains (RFC 1123), of 253 characters at most",
                "use small letters, digits, `-` and `.`, a letter or digit first and last",
            ),
            Self::Kind => ("kind of an object", SEGMENT, "write its kind, such as `Service`"),
            Self::Described => (
                "name of an object",
                SEGMENT,
                "write its name, without blanks, `/` and `%`",
            ),
            Self::Metric => (
                "name of a metric",
                SEGMENT,
                "write the name that the metrics API lists, without blanks, `/` and `%`",
            ),
            Self::LabelKey => (
                "key of a label or taint",
                "a key is a name of 63 characters at most, behind a DNS subdomain and `/` if need be",
                "write it like `capacity-type` or `example.com/capacity-type`",
            ),
            Self::LabelValue => (
                "value of a label or taint",
                "a value is empty or has 63 characters at most: letters, digits, `-`, `_` and `.`",
                "write it like `spot`",
            ),
        };
        Some(Outside {
            headline: format!("`{}` is no {noun}", text.escape_debug()),
            because,
            help: help.to_owned(),
        })
    }

    fn is_of(self, text: &str) -> bool {
        match self {
            Self::Environment => is_label(text),
            Self::Object => is_subdomain(text),
            Self::Kind | Self::Described | Self::Metric => is_path_segment(text),
            Self::LabelKey => match text.rsplit_once('/') {
                Some((prefix, name)) => is_subdomain(prefix) && is_qualified(name),
                None => is_qualified(text),
            },
            Self::LabelValue => text.is_empty() || is_qualified(text),
        }
    }
}

const SEGMENT: &str = "it is one segment of a path in the metrics API";

/// `IsValidPathSegmentName` of apimachinery, and nothing that a URL breaks at.
fn is_path_segment(name: &str) -> bool {
    let is_odd = |c: char| matches!(c, '/' | '%') || c.is_whitespace() || c.is_control();
    !matches!(name, "" | "." | "..") && !name.contains(is_odd)
}

/// `IsQualifiedName` of apimachinery, without its prefix.
fn is_qualified(name: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 63 && is_edge(name.chars().next()) && is_edge(name.chars().last()) && name.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_an_api_server_takes() {
        let long = "a".repeat(64);
        for (form, text, expected) in [
            (LabelKey, "topology.kubernetes.io/zone", true),
            (LabelKey, "Capacity_Type.v1", true),
            (LabelKey, "", false),
            (LabelKey, "/zone", false),
            (LabelKey, "a b", false),
            (LabelKey, "UPPER.io/zone", false),
            (LabelKey, long.as_str(), false),
            (LabelValue, "", true),
            (LabelValue, "SPOT", true),
            (LabelValue, "a/b", false),
            (LabelValue, "-a", false),
            (LabelValue, long.as_str(), false),
            (Metric, "pubsub.googleapis.com|subscription", true),
            (Metric, "a/b", false),
            (Metric, "queue depth", false),
            (Metric, "..", false),
            (Metric, "", false),
            (Form::Object, "api.v2", true),
            (Form::Object, "my_queue", false),
        ] {
            assert_eq!(form.outside(text).is_none(), expected, "{form:?} `{text}`");
        }
    }
}
