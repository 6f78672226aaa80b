//! Labels as an API server takes them: keys and values that end up in selectors, affinities and tolerations.
//!
//! Source: `k8s.io/apimachinery/pkg/util/validation`, `IsQualifiedName` and `IsValidLabelValue`.

use crate::krm::id::is_subdomain;

const LONGEST: usize = 63;

/// What is expected instead of this key; `None` where it is fine. Taints have keys of the same form.
pub(super) fn refused_key(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_fine = is_name(name) && prefix.is_none_or(is_subdomain);
    (!is_fine).then_some(
        "a key is at most 63 letters, digits, `-`, `_` and `.`, begins and ends with a letter or digit, and may have a domain and `/` before it",
    )
}

/// What is expected instead of this value; `None` where it is fine.
pub(super) fn refused_value(value: &str) -> Option<&'static str> {
    let is_fine = value.is_empty() || is_name(value);
    (!is_fine).then_some(
        "a value is at most 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit",
    )
}

fn is_name(text: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= LONGEST
        && is_edge(text.chars().next())
        && is_edge(text.chars().next_back())
        && text.chars().all(is_inner)
}

/// Whether a name can be a part of a path of the API, as names of metrics and of described objects are (`path.IsValidPathSegmentName`).
pub(super) fn is_path_segment(name: &str) -> bool {
    let is_odd = |c: char| matches!(c, '/' | '%') || c.is_whitespace() || c.is_control();
    !matches!(name, "" | "." | "..") && !name.contains(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_those_of_the_api() {
        let long = "a".repeat(64);
        for (key, is_fine) in [
            ("app", true),
            ("app.kubernetes.io/name", true),
            ("A_b-c.9", true),
            ("", false),
            ("-a", false),
            ("a.", false),
            ("a b", false),
            ("a/b/c", false),
            ("/a", false),
            ("Upper.Domain/a", false),
            (long.as_str(), false),
        ] {
            assert_eq!(refused_key(key).is_none(), is_fine, "{key}");
        }
        for (value, is_fine) in [
            ("", true),
            ("v1.2_x", true),
            ("a/b", false),
            ("ends-", false),
            (&long, false),
        ] {
            assert_eq!(refused_value(value).is_none(), is_fine, "{value}");
        }
        for (name, is_fine) in [
            ("http_requests", true),
            ("a:b", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
        ] {
            assert_eq!(is_path_segment(name), is_fine, "{name}");
        }
    }
}
