//! Unified text of two values with several lines, within bounds.

use similar::{Algorithm, ChangeTag, TextDiff};

/// Larger texts are not compared line by line.
pub const MAX_LINES: usize = 5_000;
/// Larger texts are not compared line by line.
pub const MAX_BYTES: usize = 512 * 1024;

/// One line of a unified text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Where a run of lines begins: `@@ -1,4 +1,5 @@`.
    Hunk(String),
    /// In both.
    Same(String),
    /// Only before.
    Removed(String),
    /// Only after.
    Added(String),
}

/// The changed lines with `context` lines around them; `None` where the texts are too large to compare.
pub fn unified(before: &str, after: &str, context: usize) -> Option<Vec<Line>> {
    let is_large = |text: &str| text.len() > MAX_BYTES || text.lines().count() > MAX_LINES;
    if is_large(before) || is_large(after) {
        return None;
    }
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Histogram)
        .diff_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
        lines.push(Line::Hunk(hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            });
        }
    }
    Some(lines)
}

/// Added and removed lines.
pub fn counts(lines: &[Line]) -> (usize, usize) {
    let added = lines.iter().filter(|line| matches!(line, Line::Added(_))).count();
    let removed = lines.iter().filter(|line| matches!(line, Line::Removed(_))).count();
    (added, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_stand_in_their_context() {
        let lines = unified("a\nb\nc\nd\n", "a\nb\nX\nd\n", 1).unwrap();
        assert_eq!(
            lines,
            [
                Line::Hunk("@@ -2,3 +2,3 @@".into()),
                Line::Same("b".into()),
                Line::Removed("c".into()),
                Line::Added("X".into()),
                Line::Same("d".into()),
            ]
        );
        assert_eq!(counts(&lines), (1, 1));
    }

    #[test]
    fn large_texts_are_not_compared() {
        assert_eq!(unified(&"x\n".repeat(MAX_LINES + 1), "x", 3), None);
    }
}
