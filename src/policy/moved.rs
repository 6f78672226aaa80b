//! Workloads that history knows under another name (`spec.identity.moved`): how names are written there, and what can't be
//! meant. Whether both names fit the manifests is told when a plan is made.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::Subject;
use super::wire::Moved;
use crate::history::samples::{is_kind, is_name};

/// `Kind/name`, or `Kind/namespace/name`: as plans and `trimtab explain` call a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadName {
    /// Kind.
    pub kind: String,
    /// Namespace, where it is stated.
    pub namespace: Option<String>,
    /// Name, as in the cluster.
    pub name: String,
}

impl WorkloadName {
    /// From its text; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return None,
        };
        let is_one = starts_large(kind) && is_kind(kind) && is_name(name);
        (is_one && namespace.as_deref().is_none_or(is_name)).then(|| Self {
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
        })
    }

    /// Whether it names this workload.
    pub fn is_of(&self, subject: &Subject) -> bool {
        let namespace = self.namespace.as_ref();
        self.kind == subject.kind && self.name == subject.name && namespace.is_none_or(|own| *own == subject.namespace)
    }

    /// Whether both may name one workload.
    fn may_be(&self, other: &Self) -> bool {
        let is_apart = matches!((&self.namespace, &other.namespace), (Some(one), Some(other)) if one != other);
        self.kind == other.kind && self.name == other.name && !is_apart
    }

    /// Whether a workload of this name that goes to `to` stays what it is: without a namespace it is in that of `to`.
    fn stays(&self, to: &Self) -> bool {
        self.may_be(to) && (self.namespace.is_none() || to.namespace.is_some())
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name } = self;
        match namespace {
            Some(namespace) => write!(f, "{kind}/{namespace}/{name}"),
            None => write!(f, "{kind}/{name}"),
        }
    }
}

/// What is wrong with an entry.
pub(super) struct Problem<'a> {
    pub(super) entry: &'a str,
    /// Pointer below the entry; empty for its key.
    pub(super) below: &'static str,
    pub(super) headline: String,
    pub(super) because: &'static str,
    pub(super) help: String,
}

/// Names that are none, and moves that lead nowhere or to one place twice.
pub(super) fn check(moved: &BTreeMap<String, Moved>) -> Vec<Problem<'_>> {
    let mut problems = Vec::new();
    for (entry, to) in moved {
        for (text, below) in [(entry, ""), (&to.to, "/to")] {
            if WorkloadName::parse(text).is_none() {
                problems.push(no_name(entry, text, below));
            }
        }
    }
    let read = |(entry, to): (&'_ String, &Moved)| Some((WorkloadName::parse(entry)?, WorkloadName::parse(&to.to)?));
    let moves: Vec<_> = moved
        .iter()
        .filter_map(|entry| Some((entry.0.as_str(), read(entry)?)))
        .collect();
    for (at, (entry, (from, to))) in moves.iter().enumerate() {
        let others = || moves.iter().enumerate().filter(move |(other, _)| *other != at);
        let next = others().find(|(_, (_, (other, _)))| other.may_be(to));
        let earlier = moves[..at].iter().find(|(_, (_, other))| other.may_be(to));
        problems.extend(if from.stays(to) {
            Some(Problem {
                entry,
                below: "/to",
                headline: format!("`{from}` is moved to itself"),
                because: "a workload has the history of its own name anyway",
                help: "name the workload of the manifests, or take the entry out".to_owned(),
            })
        } else if let Some((_, (_, (_, end)))) = next {
            Some(Problem {
                entry,
                below: "/to",
                headline: format!("`{from}` is moved to `{to}`, which is moved itself"),
                because: "each entry leads from a name in history to a workload of the manifests, in one step",
                help: format!(
                    "of the names that became `{end}` keep the one that most of the history is under, and lead it to `{end}`"
                ),
            })
        } else {
            earlier.map(|(other, _)| Problem {
                entry,
                below: "/to",
                headline: format!("`{other}` and `{entry}` are both moved to `{to}`"),
                because: "two workloads that ran side by side are no history of one",
                help: "keep the one that became it; where they are in two namespaces, write `Kind/namespace/name`".to_owned(),
            })
        });
    }
    problems
}

fn no_name<'a>(entry: &'a str, text: &str, below: &'static str) -> Problem<'a> {
    let turned = match text.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, kind, name] if starts_large(kind) => WorkloadName::parse(&format!("{kind}/{namespace}/{name}")),
        _ => None,
    };
    let example = "write `Deployment/api`, or `Deployment/shop/api` with its namespace".to_owned();
    Problem {
        entry,
        below,
        headline: format!("`{}` does not name a workload", text.escape_debug()),
        because: "a workload is told by kind and name, as in `trimtab profile show`",
        help: turned.map_or(example, |turned| format!("did you mean `{turned}`?")),
    }
}

fn starts_large(kind: &str) -> bool {
    kind.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Leaves of a policy's `spec` those moves that bear on one workload.
pub(super) fn keep_of(spec: &mut Map<String, Value>, subject: &Subject) {
    let Some(Value::Object(identity)) = spec.get_mut("identity") else {
        return;
    };
    let Some(Value::Object(moved)) = identity.get_mut("moved") else {
        return;
    };
    let leads_here = |entry: &Value| WorkloadName::parse(entry["to"].as_str()?).map(|to| to.is_of(subject));
    moved.retain(|_, entry| leads_here(entry) == Some(true));
    if moved.is_empty() {
        identity.remove("moved");
    }
    if identity.is_empty() {
        spec.remove("identity");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kind_and_name_with_the_namespace_between() {
        for text in ["Deployment/api", "StatefulSet/shop/db.v2", "Rollout/a-b/c_d"] {
            let name = WorkloadName::parse(text).map(|name| name.to_string());
            assert_eq!(name.as_deref(), Some(text));
        }
        for text in [
            "",
            "api",
            "deployment/api",
            "shop/Deployment/api",
            "Deployment/",
            "Deployment//api",
            "A/b/c/d",
            "Job/a b",
        ] {
            assert_eq!(WorkloadName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (moves, expected) in [
            (vec![("Deployment/a", "Deployment/b")], vec![]),
            (vec![("Deployment/a", "Rollout/a")], vec![]),
            (vec![("Deployment/old/a", "Deployment/a")], vec![]),
            (vec![("Deployment/old/a", "Deployment/new/a")], vec![]),
            (
                vec![
                    ("Deployment/a", "Deployment/one/b"),
                    ("Deployment/c", "Deployment/two/b"),
                ],
                vec![],
            ),
            (vec![("a", "Deployment/b")], vec!["a: `a` does not name a workload"]),
            (
                vec![("Deployment/a", "b")],
                vec!["Deployment/a/to: `b` does not name a workload"],
            ),
            (
                vec![("Deployment/a", "Deployment/a")],
                vec!["Deployment/a/to: `Deployment/a` is moved to itself"],
            ),
            (
                vec![("Deployment/a", "Deployment/shop/a")],
                vec!["Deployment/a/to: `Deployment/a` is moved to itself"],
            ),
            (
                vec![("Deployment/a", "Deployment/b"), ("Deployment/b", "Deployment/c")],
                vec!["Deployment/a/to: `Deployment/a` is moved to `Deployment/b`, which is moved itself"],
            ),
            (
                vec![("Deployment/a", "Deployment/b"), ("Deployment/b", "Deployment/a")],
                vec![
                    "Deployment/a/to: `Deployment/a` is moved to `Deployment/b`, which is moved itself",
                    "Deployment/b/to: `Deployment/b` is moved to `Deployment/a`, which is moved itself",
                ],
            ),
            (
                vec![("Deployment/a", "Deployment/c"), ("Deployment/b", "Deployment/shop/c")],
                vec!["Deployment/b/to: `Deployment/a` and `Deployment/b` are both moved to `Deployment/shop/c`"],
            ),
        ] {
            let moved = moves.iter().map(|(from, to)| {
                let to = (*to).to_owned();
                ((*from).to_owned(), Moved { to })
            });
            let moved = moved.collect();
            let found: Vec<String> = check(&moved)
                .iter()
                .map(|problem| format!("{}{}: {}", problem.entry, problem.below, problem.headline))
                .collect();
            assert_eq!(found, expected, "{moves:?}");
        }
    }

    #[test]
    fn a_namespace_written_first_is_put_in_its_place() {
        let moved = BTreeMap::from([(
            "shop/Deployment/a".to_owned(),
            Moved {
                to: "Deployment/b".to_owned(),
            },
        )]);
        assert_eq!(check(&moved)[0].help, "did you mean `Deployment/shop/a`?");
    }
}
