//! Which rules are for a workload, and in which order they are laid over each other.
//!
//! Order, from most to least exact: exact name, labels, longest glob, kind, then `priority`.

use std::collections::BTreeMap;

use super::wire::{Identity, Match, PolicySpec};
use crate::diag::Code;

/// What rules look at.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Kind: `Deployment`.
    pub kind: String,
    /// Final name, as in the manifest.
    pub name: String,
    /// The namespace it lives in, which its manifest need not say.
    pub namespace: String,
    /// Labels of the workload and of its pods; the workload's own win.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the workload.
    pub annotations: BTreeMap<String, String>,
}

/// How exact a match is. Ordered: greater is more exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// Namespace only, or everything.
    Namespace,
    /// Kind.
    Kind,
    /// A glob, with the number of its literal characters.
    Glob(usize),
    /// Labels, with their number.
    Labels(usize),
    /// The name itself.
    Name,
}

impl Identity {
    /// The name as rules write it: without the overlay's prefix and suffix.
    pub fn bare_name<'a>(&self, name: &'a str) -> &'a str {
        let name = name.strip_prefix(&self.name_prefix).unwrap_or(name);
        name.strip_suffix(&self.name_suffix).unwrap_or(name)
    }
}

impl PolicySpec {
    /// The name of the entry under `accept` that accepts a finding on a workload, given by its final name.
    pub fn acceptance(&self, code: Code, name: &str) -> Option<&str> {
        let bare = self.identity.bare_name(name);
        self.accept
            .iter()
            .find(|(_, accept)| accept.code == code.as_str() && glob(&accept.workload, bare))
            .map(|(entry, _)| entry.as_str())
    }
}

/// How exactly `selector` matches; `None` where it does not. `bare` is the name without prefix and suffix.
pub fn exactness(selector: &Match, subject: &Subject, bare: &str) -> Option<Exactness> {
    let mut best = Exactness::Namespace;
    if !selector.namespaces.is_empty() && selector.namespaces.get(&subject.namespace) != Some(&true) {
        return None;
    }
    if !selector.kinds.is_empty() {
        if selector.kinds.get(&subject.kind) != Some(&true) {
            return None;
        }
        best = best.max(Exactness::Kind);
    }
    if !selector.labels.is_empty() {
        if selector
            .labels
            .iter()
            .any(|(key, value)| subject.labels.get(key) != Some(value))
        {
            return None;
        }
        best = best.max(Exactness::Labels(selector.labels.len()));
    }
    if !selector.names.is_empty() {
        best = best.max(name_exactness(&selector.names, bare)?);
    }
    Some(best)
}

fn name_exactness(names: &BTreeMap<String, bool>, bare: &str) -> Option<Exactness> {
    if let Some(&wanted) = names.get(bare) {
        return wanted.then_some(Exactness::Name);
    }
    let hit = |wanted: bool| {
        names
            .iter()
            .filter(|(pattern, value)| **value == wanted && glob(pattern, bare))
            .map(|(pattern, _)| pattern.chars().filter(|c| !"*?".contains(*c)).count())
            .max()
    };
    let (yes, no) = (hit(true), hit(false));
    match (yes, no) {
        (Some(yes), Some(no)) if no >= yes => None,
        (Some(yes), _) => Some(Exactness::Glob(yes)),
        // a rule that only takes names out is for all the others
        (None, None) if names.values().all(|wanted| !wanted) => Some(Exactness::Glob(0)),
        (None, _) => None,
    }
}

/// Whether `text` matches `pattern`, in which `*` is any text and `?` any character.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*' {
            (p, t) = (p + 1, t + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if let Some((star_p, star_t)) = star {
            star = Some((star_p, star_t + 1));
            (p, t) = (star_p + 1, star_t + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_shells_do() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*-worker", "mail-worker", true),
            ("*-worker", "worker", false),
            ("api-*", "api-gateway", true),
            ("a?i", "api", true),
            ("a?i", "ai", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("**", "any", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn an_excluded_name_is_not_matched_by_a_glob_of_the_same_rule() {
        let names = BTreeMap::from([("*-worker".to_owned(), true), ("mail-worker".to_owned(), false)]);
        assert_eq!(name_exactness(&names, "mail-worker"), None);
        assert_eq!(name_exactness(&names, "pay-worker"), Some(Exactness::Glob(7)));
    }

    #[test]
    fn prefix_and_suffix_of_the_overlay_are_stripped() {
        let identity = Identity {
            name_prefix: "prod-".into(),
            name_suffix: "-v2".into(),
            ..Identity::default()
        };
        assert_eq!(identity.bare_name("prod-api-v2"), "api");
        assert_eq!(identity.bare_name("api"), "api");
    }
}
