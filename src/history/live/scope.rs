//! Which series a query takes: matchers of PromQL, and the namespaces cut into sets that together are all of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Containers that run at one time in one set of namespaces, unless a single namespace has more. Stores cap the series a
/// query may touch (Mimir: 100,000), and pods that were replaced count too.
const CONTAINERS_MAX: u64 = 15_000;

/// A set of namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Every one.
    All,
    /// These.
    Among(Vec<String>),
    /// All but these: also those that nobody has counted.
    Except(Vec<String>),
}

impl Scope {
    /// Its matcher; none for all.
    pub fn matcher(&self) -> Option<String> {
        let joined = |names: &[String]| {
            let escaped: Vec<String> = names.iter().map(|name| escaped(name)).collect();
            escaped.join("|")
        };
        match self {
            Self::All => None,
            Self::Among(names) => Some(match names.as_slice() {
                [name] => format!("namespace={}", quoted(name)),
                names => format!("namespace=~{}", quoted(&joined(names))),
            }),
            Self::Except(names) => Some(format!("namespace!~{}", quoted(&joined(names)))),
        }
    }
}

/// Sets that no two of share a namespace and that leave none out; `containers` by namespace.
pub fn partition(containers: &BTreeMap<String, u64>) -> Vec<Scope> {
    if containers.values().sum::<u64>() <= CONTAINERS_MAX || containers.len() < 2 {
        return vec![Scope::All];
    }
    let mut sets: Vec<(u64, Vec<String>)> = Vec::new();
    for (namespace, &count) in containers {
        match sets.last_mut().filter(|(known, _)| known + count <= CONTAINERS_MAX) {
            Some((known, names)) => {
                *known += count;
                names.push(namespace.clone());
            }
            None => sets.push((count, vec![namespace.clone()])),
        }
    }
    // what is in no set was not there when we counted, and may have been before
    let rest = Scope::Except(containers.keys().cloned().collect());
    let sets = sets.into_iter().map(|(_, names)| Scope::Among(names));
    sets.chain([rest]).collect()
}

/// The matcher for namespaces by name, `*` for any letters; `!` before a name leaves it out. None where all are wanted.
pub fn namespace_matchers(filters: &[String]) -> Vec<String> {
    let pattern = |globs: Vec<&str>| {
        let patterns: Vec<String> = globs.iter().map(|glob| glob_pattern(glob)).collect();
        quoted(&patterns.join("|"))
    };
    let (out, within): (Vec<&str>, Vec<&str>) = filters
        .iter()
        .map(String::as_str)
        .partition(|name| name.starts_with('!'));
    let out: Vec<&str> = out.iter().map(|name| &name[1..]).collect();
    let mut matchers = Vec::new();
    if !within.is_empty() {
        matchers.push(format!("namespace=~{}", pattern(within)));
    }
    if !out.is_empty() {
        matchers.push(format!("namespace!~{}", pattern(out)));
    }
    matchers
}

/// The matcher for one cluster, and for series that name none.
pub fn cluster_matcher(cluster: &str) -> String {
    format!("cluster=~{}", quoted(&format!("{}|", escaped(cluster))))
}

fn glob_pattern(glob: &str) -> String {
    let parts: Vec<String> = glob.split('*').map(escaped).collect();
    parts.join(".*")
}

/// Letters that mean something in RE2, kept from it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// A string of PromQL.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_small_fleet_is_one_set() {
        assert_eq!(partition(&counts(&[("a", 14_000), ("b", 1_000)])), [Scope::All]);
        assert_eq!(partition(&counts(&[("a", 90_000)])), [Scope::All]);
    }

    #[test]
    fn a_large_fleet_is_cut_and_nothing_is_left_out() {
        let sets = partition(&counts(&[("a", 9_000), ("b", 6_000), ("c", 40_000), ("d", 1)]));
        let matchers: Vec<String> = sets.iter().filter_map(Scope::matcher).collect();
        assert_eq!(
            matchers,
            [
                r#"namespace=~"a|b""#,
                r#"namespace="c""#,
                r#"namespace="d""#,
                r#"namespace!~"a|b|c|d""#
            ]
        );
    }

    #[test]
    fn names_and_globs_become_patterns_that_mean_just_them() {
        let filters = ["shop", "team-*", "!team-x", "a.b"].map(str::to_owned);
        assert_eq!(
            namespace_matchers(&filters),
            [r#"namespace=~"shop|team-.*|a\\.b""#, r#"namespace!~"team-x""#]
        );
        assert!(namespace_matchers(&[]).is_empty());
        assert_eq!(cluster_matcher(r#"eu"1"#), r#"cluster=~"eu\"1|""#);
    }
}
