//! What a user can fix: one plain value, many outputs.
//!
//! A [`Diagnostic`] says what, where, why and how; the terminal, JSON and KRM `results` forms are made from the same
//! value. What is broken around us (disk, pipe) is an error type of the module that met it, not a diagnostic.

pub mod code;
pub mod terminal;
pub mod github;

pub use code::Code;

use std::collections::BTreeMap;

use serde::Serialize;

/// How much a diagnostic weighs. `Error` fails the run; the others are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input can't be used.
    Error,
    /// The result stands, and somebody should look.
    Warning,
    /// Worth knowing.
    Note,
}

/// Where a problem is: in a file, or in an object that has no single file (a policy merged by kustomize).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Place {
    /// A position in a text; `line` and `column` count from 1, `width` characters are marked in `source`, the line itself.
    File {
        /// Path as the user gave it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1, in characters.
        column: usize,
        /// How many characters to mark.
        width: usize,
        /// The text of the line.
        source: String,
    },
    /// A field of an object.
    Object {
        /// The object as people write it: `OptimizationPolicy/shop-production`.
        object: String,
        /// JSON pointer of the field; empty for the object itself.
        pointer: String,
    },
}

impl Place {
    /// The first line of a file, for what concerns the whole of it.
    pub fn top_of(path: impl Into<String>, text: &str) -> Self {
        let source = text.lines().next().unwrap_or_default().to_owned();
        Self::File {
            path: path.into(),
            line: 1,
            column: 1,
            width: source.chars().count().max(1),
            source,
        }
    }

    /// The text that is marked, as the user wrote it; `None` where there is no text.
    pub fn marked_text(&self) -> Option<&str> {
        let Self::File {
            column, width, source, ..
        } = self
        else {
            return None;
        };
        let mut ends = source
            .char_indices()
            .map(|(at, _)| at)
            .chain([source.len()])
            .skip(column.saturating_sub(1));
        let start = ends.next()?;
        let end = ends.nth(width.saturating_sub(1)).unwrap_or(source.len());
        source.get(start..end)
    }
}

/// One thing a user can fix or should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Kebab-case, never reused; `trimtab explain CODE` prints its page.
    pub code: Code,
    /// Error, warning or note.
    pub severity: Severity,
    /// What: lowercase, no full stop, the user's own words in backticks.
    pub headline: String,
    /// Where, if there is a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The workload it concerns: `Deployment/shop/api`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Why: the evidence, with its window and unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How to mend it: an edit one can paste.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with its headline.
    pub fn error(code: Code, headline: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, headline)
    }

    /// A warning with its headline.
    pub fn warning(code: Code, headline: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, headline)
    }

    /// A note with its headline.
    pub fn note(code: Code, headline: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, headline)
    }

    fn new(severity: Severity, code: Code, headline: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            headline: headline.into(),
            place: None,
            workload: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// The same, where it does not stand in the way.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same, with every text passed through `change`: the path of its place, its words and its help.
    #[must_use]
    pub fn with_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        self.headline = change(&self.headline);
        self.notes = self.notes.iter().map(|note| change(note)).collect();
        self.help = self.help.as_deref().map(&change);
        if let Some(Place::File { path, .. }) = &mut self.place {
            *path = change(path);
        } else if let Some(Place::Object { object, .. }) = &mut self.place {
            *object = change(object);
        }
        self
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says which workload.
    #[must_use]
    pub fn of(mut self, workload: impl Into<String>) -> Self {
        self.workload = Some(workload.into());
        self
    }

    /// Adds evidence.
    #[must_use]
    pub fn because(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Sorted as a run reports them: by place, then workload, then code, then text.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (&a.place, &a.workload, a.code, &a.headline).cmp(&(&b.place, &b.workload, b.code, &b.headline))
    });
}

/// As people read them: what is said of several workloads in the same words is said once, with their names. For programs
/// each stays by itself.
pub fn gathered(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let without_workload = |diagnostic: &Diagnostic| Diagnostic {
        workload: None,
        ..diagnostic.clone()
    };
    let mut gathered: Vec<(Diagnostic, Vec<&str>)> = Vec::new();
    let mut known = BTreeMap::new();
    for diagnostic in diagnostics {
        let Some(workload) = diagnostic.workload.as_deref().filter(|_| diagnostic.place.is_none()) else {
            gathered.push((diagnostic.clone(), Vec::new()));
            continue;
        };
        let Diagnostic {
            severity,
            code,
            headline,
            notes,
            help,
            ..
        } = diagnostic;
        let at = *known
            .entry((severity, code, headline, notes, help))
            .or_insert(gathered.len());
        match gathered.get_mut(at) {
            Some((_, workloads)) => workloads.push(workload),
            None => gathered.push((without_workload(diagnostic), vec![workload])),
        }
    }
    let name = |(said, workloads): (Diagnostic, Vec<&str>)| match workloads.as_slice() {
        [] => said,
        [one] => said.of(*one),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            said.because(format!("{} workloads: {}", several.len(), first_of(&names)))
        }
    };
    gathered.into_iter().map(name).collect()
}

/// So many names are given; the rest is counted.
pub(crate) const NAMED: usize = 5;

/// `a, b, c, d, e and 37 more`: names for people, of which there may be thousands.
pub fn first_of<T: std::fmt::Display>(names: &[T]) -> String {
    first_of_many(names, names.len())
}

/// As [`first_of`], for `count` names of which the first ones are at hand.
pub fn first_of_many<T: std::fmt::Display>(names: impl IntoIterator<Item = T>, count: usize) -> String {
    let named = names.into_iter().take(NAMED).map(|name| name.to_string());
    let named: Vec<String> = named.collect();
    match count - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// `1 field`, `2 fields`, `3 entries`
pub fn counted(n: impl Into<u64>, noun: &str) -> String {
    match (n.into(), noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {noun}s"),
    }
}

/// Whether any of them fails the run.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// The nearest of `accepted` to what was written, if it is near enough to be a slip.
pub fn near_miss<'a>(written: &str, accepted: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    accepted
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= 1 + word.len().min(written.len()) / 4)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_several_workloads_is_said_once() {
        let note = |workload: &str| Diagnostic::note(code::UNMATCHED, "untouched").of(workload);
        let other = Diagnostic::warning(code::STALE, "kept").of("Deployment/a");
        let plain = Diagnostic::warning(code::STALE, "kept");
        let found = gathered(&[
            note("Deployment/a"),
            other.clone(),
            note("Deployment/b"),
            plain.clone(),
            plain.clone(),
        ]);
        let together =
            Diagnostic::note(code::UNMATCHED, "untouched").because("2 workloads: `Deployment/a`, `Deployment/b`");
        assert_eq!(found, [together, other, plain.clone(), plain]);
    }
}
