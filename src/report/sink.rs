//! One type for each place where a foreign text may stand. A template or a writer takes these and never a `String`.
//!
//! Names, annotations, images, reasons and configuration come from whoever may open a pull request; a report speaks with
//! the voice of the bot that posts it, and a terminal obeys escapes.

use serde::Serialize;

/// Whether a character steers instead of being read: C0, C1, and the marks that turn the writing direction.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line: control characters are written out.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\t' => line.push(' '),
            c if is_control(c) => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// Text in a terminal, on one line, without escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term(String);

impl Term {
    /// Makes any text safe.
    pub fn new(text: &str) -> Self {
        Self(one_line(text))
    }

    /// How many columns it takes, wide characters counted as one.
    pub fn columns(&self) -> usize {
        self.0.chars().count()
    }

    /// At most so many columns; the front goes, because the end of a path says more.
    #[must_use]
    pub fn keep_end(&self, columns: usize) -> Self {
        let over = self.columns().saturating_sub(columns.max(1));
        if over == 0 {
            return self.clone();
        }
        let end: String = self.0.chars().skip(over + 1).collect();
        Self(format!("…{end}"))
    }

    /// At most so many columns; the end goes.
    #[must_use]
    pub fn keep_start(&self, columns: usize) -> Self {
        if self.columns() <= columns {
            return self.clone();
        }
        let start: String = self.0.chars().take(columns.saturating_sub(1)).collect();
        Self(format!("{start}…"))
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// Prose in Markdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MdInline(String);

impl MdInline {
    /// Makes any text prose: no markup, no HTML, no mention, no link, no cell border.
    pub fn new(text: &str) -> Self {
        let mut prose = String::with_capacity(text.len() + 8);
        for c in one_line(text).chars() {
            match c {
                '&' => prose.push_str("&amp;"),
                '<' => prose.push_str("&lt;"),
                '>' => prose.push_str("&gt;"),
                // In tables a backslash before `|` can itself be escaped by one before it.
                '|' => prose.push_str("&#124;"),
                // A backslash stops neither mentions nor references to issues.
                '@' | '#' => {
                    prose.push(c);
                    prose.push_str("<!-- -->");
                }
                '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '~' | '!' => {
                    prose.push('\\');
                    prose.push(c);
                }
                c => prose.push(c),
            }
        }
        Self(prose.replace("://", ":<!-- -->//").replace("www.", "www<!-- -->."))
    }
}

/// A code span in Markdown, in a table or outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MdCode(String);

impl MdCode {
    /// Makes any text a code span.
    pub fn new(text: &str) -> Self {
        let text = one_line(text);
        if text.is_empty() {
            return Self("` `".to_owned());
        }
        // A table takes `|` for a border even inside backticks.
        if text.contains('|') {
            let entities = |c: char| match c {
                c if c.is_ascii_punctuation() => format!("&#{};", u32::from(c)),
                c => c.to_string(),
            };
            return Self(format!(
                "<code>{}</code>",
                text.chars().map(entities).collect::<String>()
            ));
        }
        let ticks = "`".repeat(longest_run(&text, '`') + 1);
        let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
            " "
        } else {
            ""
        };
        Self(format!("{ticks}{pad}{text}{pad}{ticks}"))
    }

    /// The same in bold.
    #[must_use]
    pub fn bold(self) -> Self {
        Self(format!("**{}**", self.0))
    }
}

/// Lines in a fence, with the fence that holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MdFence {
    fence: String,
    text: String,
}

impl MdFence {
    /// A block of these lines.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let lines: Vec<String> = lines.into_iter().map(one_line).collect();
        let text = lines.join("\n");
        let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
        Self { fence, text }
    }
}

/// Text inside an HTML element, such as `<summary>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Html(String);

impl Html {
    /// Makes any text the content of an element.
    pub fn new(text: &str) -> Self {
        let mut html = String::with_capacity(text.len());
        for c in one_line(text).chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                '@' => html.push_str("@<!-- -->"),
                c => html.push(c),
            }
        }
        Self(html)
    }
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_escapes() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\u{1b}]0;title\u{7}b", "a\\u{1b}]0;title\\u{7}b"),
            ("two\nlines", "two\\nlines"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{202e}gnp", "\\u{202e}gnp"),
        ] {
            assert_eq!(Term::new(text).to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_lose_the_end_that_says_less() {
        let path = Term::new(".spec.template.spec");
        assert_eq!(path.keep_end(8).to_string(), "…te.spec");
        assert_eq!(path.keep_start(8).to_string(), ".spec.t…");
        assert_eq!(path.keep_end(19), path);
    }

    #[test]
    fn prose_has_no_markup() {
        for (text, expected) in [
            ("<b>&*x*", "&lt;b&gt;&amp;\\*x\\*"),
            ("ask @team", "ask @<!-- -->team"),
            ("see #12", "see #<!-- -->12"),
            ("a|b\\|c", "a&#124;b\\\\&#124;c"),
            ("[x](http://y)", "\\[x\\]\\(http:<!-- -->//y\\)"),
            ("one\n# two", "one\\\\n#<!-- --> two"),
        ] {
            assert_eq!(MdInline::new(text).0, expected, "{text:?}");
        }
    }

    #[test]
    fn a_code_span_is_longer_than_what_it_holds() {
        for (text, expected) in [
            ("a", "`a`"),
            ("", "` `"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("a``", "``` a`` ```"),
            ("a|b*", "<code>a&#124;b&#42;</code>"),
            ("a\\", "`a\\`"),
        ] {
            assert_eq!(MdCode::new(text).0, expected, "{text:?}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(MdFence::new(["a"]).fence, "```");
        assert_eq!(MdFence::new(["```", "x ````` y"]).fence, "``````");
        assert_eq!(MdFence::new(["a\n```\nb"]).text, "a\\n```\\nb");
    }
}
