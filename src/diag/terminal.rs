//! The terminal form: rustc-like, readable without colour.
//!
//! Text that comes from inputs (headlines quote it) is made harmless: control characters, escape sequences and
//! direction marks are shown, never sent to the terminal.

use annotate_snippets::{AnnotationKind, Group, Level, Message, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::{Diagnostic, Place, Severity};

/// Width of a terminal that nobody asked for: the text must not depend on the window it is read in.
const WIDTH: usize = 140;

/// One diagnostic in the form of the style guide, no newline at its end. `styled` adds escape sequences for colour; the
/// stream at the edge decides whether they pass.
pub fn render(diagnostic: &Diagnostic, styled: bool) -> String {
    let title = level(diagnostic.severity)
        .primary_title(diagnostic.headline.as_str())
        .id(diagnostic.code.as_str());
    let group = with_place(Group::with_title(title), diagnostic)
        .elements(diagnostic.notes.iter().map(|note| message(Level::NOTE, note)))
        .elements(diagnostic.help.iter().map(|help| message(Level::HELP, help)));
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.term_width(WIDTH).render(&[group]);
    match diagnostic.place {
        Some(Place::File { .. }) => text,
        // without line numbers there is no gutter: indented all the same, so that headlines stand out
        _ => text.replace('\n', "\n  "),
    }
}

/// All of them, an empty line after each; empty for none.
pub fn render_all(diagnostics: &[Diagnostic], styled: bool) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| render(diagnostic, styled) + "\n\n")
        .collect()
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn message(level: Level<'static>, text: &str) -> Message<'static> {
    level.message(normalize_untrusted_str(text))
}

fn with_place<'a>(group: Group<'a>, diagnostic: &'a Diagnostic) -> Group<'a> {
    match &diagnostic.place {
        Some(Place::File {
            path,
            line,
            column,
            width,
            source,
        }) => group.element(
            Snippet::source(source.as_str())
                .path(normalize_untrusted_str(path))
                .line_start(*line)
                .annotation(AnnotationKind::Primary.span(span(source, *column, *width))),
        ),
        Some(Place::Object { object, pointer }) if pointer.is_empty() => group.element(origin(object)),
        Some(Place::Object { object, pointer }) => group.element(origin(&format!("{object} {pointer}"))),
        None => match &diagnostic.workload {
            Some(workload) => group.element(origin(workload)),
            None => group,
        },
    }
}

fn origin(place: &str) -> Origin<'static> {
    Origin::path(normalize_untrusted_str(place))
}

/// Bytes of `width` characters from character `column` (from 1) on, cut at the end of the line. At least one character
/// where the line has one: a mark of no width is not seen.
fn span(source: &str, column: usize, width: usize) -> std::ops::Range<usize> {
    let byte = |character: usize| source.char_indices().nth(character).map_or(source.len(), |(at, _)| at);
    let start = column.saturating_sub(1);
    byte(start)..byte(start.saturating_add(width.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;

    fn at_file(source: &str, column: usize, width: usize) -> Diagnostic {
        Diagnostic::error(
            code::POLICY_CONFLICT,
            "CPU target `95%` leaves less headroom than this workload's growth",
        )
        .at(Place::File {
            path: "policies/checkout.yaml".into(),
            line: 14,
            column,
            width,
            source: source.into(),
        })
    }

    #[test]
    fn a_file_place_shows_the_line_and_marks_the_value() {
        let diagnostic = at_file("    targetUtilization: 95%", 24, 3)
            .because("demand grew by up to 38% in 160s, so at most `72%` fits")
            .help("lower the target to `72%`, or keep it with `accept` and a `reason`");
        assert_eq!(
            render(&diagnostic, false),
            "\
error[policy-conflict]: CPU target `95%` leaves less headroom than this workload's growth
  --> policies/checkout.yaml:14:24
   |
14 |     targetUtilization: 95%
   |                        ^^^
   |
   = note: demand grew by up to 38% in 160s, so at most `72%` fits
   = help: lower the target to `72%`, or keep it with `accept` and a `reason`"
        );
    }

    #[test]
    fn an_object_place_shows_object_and_pointer() {
        let diagnostic = Diagnostic::warning(code::RULE_MATCHES_NOTHING, "rule `api` matches nothing")
            .at(Place::Object {
                object: "OptimizationPolicy/shop".into(),
                pointer: "/spec/workloads/api".into(),
            })
            .help("remove it");
        assert_eq!(
            render(&diagnostic, false),
            "\
warning[rule-matches-nothing]: rule `api` matches nothing
  --> OptimizationPolicy/shop /spec/workloads/api
   = help: remove it"
        );
    }

    #[test]
    fn without_a_place_the_workload_is_the_place() {
        let note = Diagnostic::note(code::NO_HISTORY, "no history").of("Deployment/shop/api");
        assert_eq!(
            render(&note, false),
            "note[no-history]: no history\n  --> Deployment/shop/api"
        );
        let bare = Diagnostic::error(code::MISSING_INPUT, "no policy");
        assert_eq!(render(&bare, false), "error[missing-input]: no policy");
    }

    #[test]
    fn marks_stay_inside_the_line_whatever_the_place_says() {
        // (line, column, width) -> marked bytes: past the end, several bytes a character, column 0, width 0
        for ((source, column, width), expected) in [
            (("abc", 9, 4), 3..3),
            (("äöü", 2, 1), 2..4),
            (("abc", 0, 2), 0..2),
            (("abc", 2, 0), 1..2),
            (("", 1, usize::MAX), 0..0),
        ] {
            assert_eq!(span(source, column, width), expected, "{source:?} {column} {width}");
            render(&at_file(source, column, width), false);
        }
    }

    #[test]
    fn escape_sequences_of_inputs_do_not_reach_the_terminal() {
        let hostile = "\u{1b}[31mred\u{202e}";
        let diagnostic = at_file(hostile, 1, 3).because(hostile).help(hostile).of(hostile);
        let headline = Diagnostic::error(code::MALFORMED_INPUT, hostile).of(hostile);
        let mut named = at_file("a", 1, 1);
        if let Some(Place::File { path, .. }) = &mut named.place {
            *path = hostile.into();
        }
        let text = render_all(&[diagnostic, headline, named], false);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn colour_only_where_asked_for() {
        let diagnostic = at_file("a: 1", 1, 1);
        assert!(render(&diagnostic, true).contains("\u{1b}["));
        assert!(!render(&diagnostic, false).contains('\u{1b}'));
    }
}
