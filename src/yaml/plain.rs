//! The plain part of YAML, read in one pass over its lines: maps and lists whose scalars and `{…}` stay on one line, as
//! `kustomize`, `kubectl`, Helm, our own writer and most people make them.
//!
//! The reader underneath keeps every token of a document and needs some 400 instructions a byte. This one needs a tenth,
//! and knows a part only that every reader understands alike: whatever is not surely in it (a tab, an anchor, a tag, a
//! date, an escape, a text over several lines, every error) gives `None`, and the text is read again as a whole.

use std::iter::Peekable;
use std::str::Split;

use serde_json::{Map, Value};

use super::limits::Limits;
use super::read::Document;

/// Maps and lists inside each other: far more than objects have, far less than the other reader takes.
const DEPTH: usize = 64;
/// Keys of more than 1024 characters need a `?` before them.
const KEY_MAX: usize = 1000;
const QUOTES: [char; 2] = ['"', '\''];

/// The documents of a plain text; empty ones are dropped.
pub(super) fn read(text: &str, limits: &Limits) -> Option<Vec<Document>> {
    let is_other = |byte: u8| matches!(byte, b'\t' | b'\r');
    // all of them and then the answer: so the compiler looks at many at once
    if !text.is_ascii() || text.bytes().fold(false, |found, byte| found | is_other(byte)) {
        return None;
    }
    let mut lines = Lines {
        all: text.split('\n').peekable(),
        next: None,
        nodes: limits.nodes,
    };
    let mut documents = Vec::new();
    let mut index = 0;
    let mut is_first = true;
    loop {
        let starts = lines.all.next_if(|line| is_start(line)).is_some();
        // the first document begins without a mark too
        index += usize::from(starts && !is_first);
        lines.advance();
        is_first &= !starts && lines.next.is_none();
        if index >= limits.documents {
            return None;
        }
        if lines.next.is_some() {
            let value = lines.node(0)?;
            documents.push(Document { value, index });
        }
        if lines.next.is_some() {
            return None;
        }
        if lines.all.peek().is_none() {
            return Some(documents);
        }
    }
}

fn is_start(line: &str) -> bool {
    line.trim_ascii_end() == "---"
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_ascii_start();
    line.is_empty() || line.starts_with('#')
}

/// A line with something on it.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// Blanks before it; in a list, those that the item's dash and what is before it would take.
    indent: usize,
    /// Without blanks around it.
    text: &'t str,
}

impl Line<'_> {
    fn is_item(&self) -> bool {
        self.text.starts_with("- ")
    }
}

struct Lines<'t> {
    all: Peekable<Split<'t, char>>,
    /// The next line of the document; none at its end.
    next: Option<Line<'t>>,
    /// How many more there may be.
    nodes: usize,
}

impl Lines<'_> {
    fn advance(&mut self) {
        while self.all.next_if(|line| is_blank(line)).is_some() {}
        self.next = self.all.next_if(|line| !is_start(line)).map(|line| {
            let text = line.trim_ascii_start();
            Line {
                indent: line.len() - text.len(),
                text: text.trim_ascii_end(),
            }
        });
    }

    fn count(&mut self) -> Option<()> {
        self.nodes = self.nodes.checked_sub(1)?;
        Some(())
    }

    /// The list or map that begins with the next line.
    fn node(&mut self, depth: usize) -> Option<Value> {
        let line = self.next.filter(|_| depth < DEPTH)?;
        if line.is_item() {
            self.list(line.indent, depth)
        } else {
            self.map(line.indent, depth)
        }
    }

    fn map(&mut self, indent: usize, depth: usize) -> Option<Value> {
        self.count()?;
        let mut map = Map::new();
        while let Some(line) = self.next.filter(|line| line.indent >= indent) {
            // what is deeper than the entry before it continues its text
            let (key, rest) = entry(line.text).filter(|_| line.indent == indent)?;
            self.count()?;
            self.advance();
            let value = match self.next {
                Some(below) if rest.is_empty() && below.indent > indent => self.node(depth + 1)?,
                Some(below) if rest.is_empty() && below.indent == indent && below.is_item() => {
                    self.list(indent, depth + 1)?
                }
                _ => self.inline(rest, depth + 1)?,
            };
            if map.insert(key.to_owned(), value).is_some() {
                return None;
            }
        }
        Some(Value::Object(map))
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<Value> {
        self.count().filter(|()| depth < DEPTH)?;
        let mut list = Vec::new();
        while let Some(line) = self.next.filter(|line| line.indent == indent && line.is_item()) {
            let item = line.text[1..].trim_ascii_start();
            let inner = Line {
                indent: indent + line.text.len() - item.len(),
                text: item,
            };
            list.push(if inner.is_item() || entry(item).is_some() {
                self.next = Some(inner);
                self.node(depth + 1)?
            } else {
                self.advance();
                self.inline(item, depth + 1)?
            });
        }
        // what is deeper continues the text of the last item
        self.next
            .is_none_or(|line| line.indent <= indent)
            .then_some(Value::Array(list))
    }

    /// A value on the line of its key or dash.
    fn inline(&mut self, text: &str, depth: usize) -> Option<Value> {
        let mut rest = without_comment(text).trim_ascii_end();
        if !rest.starts_with(['{', '[']) {
            self.count()?;
            return scalar(rest);
        }
        let value = self.flow(&mut rest, depth)?;
        rest.is_empty().then_some(value)
    }

    /// A list or map in brackets, or a scalar in one, taken from the front of a text.
    fn flow(&mut self, rest: &mut &str, depth: usize) -> Option<Value> {
        self.count().filter(|()| depth < DEPTH)?;
        let is_map = rest.starts_with('{');
        if !is_map && !rest.starts_with('[') {
            return flow_scalar(rest);
        }
        *rest = rest[1..].trim_ascii_start();
        let closing = if is_map { '}' } else { ']' };
        let (mut map, mut list) = (Map::new(), Vec::new());
        while !rest.starts_with(closing) {
            if is_map {
                let (key, behind) = key(rest)?;
                self.count()?;
                *rest = behind.trim_ascii_start();
                if map.insert(key.to_owned(), self.flow(rest, depth + 1)?).is_some() {
                    return None;
                }
            } else {
                list.push(self.flow(rest, depth + 1)?);
            }
            *rest = rest.trim_ascii_start();
            if let Some(next) = rest.strip_prefix(',') {
                *rest = next.trim_ascii_start();
                if rest.starts_with(closing) {
                    return None;
                }
            } else if !rest.starts_with(closing) {
                return None;
            }
        }
        *rest = &rest[1..];
        Some(if is_map { Value::Object(map) } else { Value::Array(list) })
    }
}

/// A key and what is behind its colon. Without quotes only keys that no reader takes for something else than text.
fn key(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = if text.starts_with(QUOTES) {
        quoted(text)?
    } else {
        let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-');
        let end = text.bytes().take(KEY_MAX).position(|byte| !is_of_key(byte))?;
        Some(text.split_at(end)).filter(|(key, _)| is_word(key))?
    };
    let rest = rest.strip_prefix(':')?;
    (key.len() < KEY_MAX && (rest.is_empty() || rest.starts_with(' '))).then_some((key, rest))
}

/// A key and what is behind it on its line.
fn entry(line: &str) -> Option<(&str, &str)> {
    key(line).map(|(key, rest)| (key, without_comment(rest).trim_ascii()))
}

/// The inside of a quoted text without escapes, and what is behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next()?;
    let (inner, behind) = text[1..].split_once(quote)?;
    // two quotes stand for one
    (!inner.contains('\\') && !behind.starts_with(quote)).then_some((inner, behind))
}

/// What stands before a comment. In quotes a `#` is none; such a text is then found to have no end.
fn without_comment(text: &str) -> &str {
    find(text, *b" #").map_or(text, |at| &text[..at])
}

/// Where two characters first stand beside each other. Lines are short: what prepares a search for any text takes longer
/// than the search.
fn find(text: &str, two: [u8; 2]) -> Option<usize> {
    text.as_bytes().array_windows().position(|pair| *pair == two)
}

/// Whether something that begins with a letter is text, and not null or a boolean.
fn is_word(text: &str) -> bool {
    let names = ["null", "true", "false"];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !names.iter().any(|name| text.eq_ignore_ascii_case(name))
}

fn scalar(text: &str) -> Option<Value> {
    match text.as_bytes() {
        [] => Some(Value::Null),
        b"true" => Some(Value::Bool(true)),
        b"false" => Some(Value::Bool(false)),
        [b'"' | b'\'', ..] => {
            let (inner, behind) = quoted(text)?;
            behind.is_empty().then(|| Value::String(inner.to_owned()))
        }
        // a key, or half of one
        [.., b':'] => None,
        _ if find(text, *b": ").is_some() => None,
        [b'0'..=b'9', ..] => number(text),
        [b'/', ..] => Some(Value::String(text.to_owned())),
        _ => is_word(text).then(|| Value::String(text.to_owned())),
    }
}

/// A scalar that ends before the next comma or bracket.
fn flow_scalar(rest: &mut &str) -> Option<Value> {
    if rest.starts_with(QUOTES) {
        let (inner, behind) = quoted(rest)?;
        *rest = behind;
        return Some(Value::String(inner.to_owned()));
    }
    let end = rest.find([',', '[', ']', '{', '}'])?;
    let (text, behind) = rest.split_at(end);
    *rest = behind;
    let text = text.trim_ascii_end();
    // between brackets readers differ on these
    let is_plain = !text.is_empty() && !text.contains([':', '?', '#']);
    is_plain.then(|| scalar(text))?
}

/// A decimal integer, or text that has a digit in front and is surely no number: `500m`, `30%`, `2Gi`.
fn number(text: &str) -> Option<Value> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // 18 digits fit every integer; 0644 is octal for some readers
        let is_decimal = text.len() <= 18 && (text == "0" || !text.starts_with('0'));
        return is_decimal
            .then(|| text.parse().ok())?
            .map(|number: u64| Value::Number(number.into()));
    }
    let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'e' | b'E' | b'+' | b'-');
    // hexadecimal, octal or binary, and a `_` counts for nothing
    let has_radix = match text.as_bytes() {
        [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..] => true,
        [b'0', rest @ ..] => rest.contains(&b'_'),
        _ => false,
    };
    let is_text = !has_radix && !text.bytes().all(is_of_number);
    is_text.then(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::read::read_yaml;
    use super::*;

    fn values(text: &str) -> Option<Vec<(usize, Value)>> {
        let documents = read(text, &Limits::STREAM)?;
        Some(documents.into_iter().map(|found| (found.index, found.value)).collect())
    }

    #[test]
    fn what_manifests_are_written_with_is_plain() {
        let text = "\
# made by hand
---
apiVersion: apps/v1  # a comment
metadata: {name: web, labels: {\"a/b\": 'c d', n: [1, x]}, none: {}}
spec:
  replicas: 3
  empty:
  template:
    containers:
    - name: app
      image: registry.example/app:1.0.3
      args: []
      resources:
        limits: {cpu: 500m, memory: 1Gi}
    -   name: other
        on: true
  ports:
  - 80
  - - a
    - \"b: c\"
  fingerprints: [082b8d46c26bbed4, 1e5c, 0f0]
---

---
kind: List
";
        let spec = json!({
            "replicas": 3,
            "empty": null,
            "template": {"containers": [
                {
                    "name": "app",
                    "image": "registry.example/app:1.0.3",
                    "args": [],
                    "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
                },
                {"name": "other", "on": true},
            ]},
            "ports": [80, ["a", "b: c"]],
            "fingerprints": ["082b8d46c26bbed4", "1e5c", "0f0"],
        });
        let metadata = json!({"name": "web", "labels": {"a/b": "c d", "n": [1, "x"]}, "none": {}});
        let first = json!({"apiVersion": "apps/v1", "metadata": metadata, "spec": spec});
        assert_eq!(values(text), Some(vec![(0, first), (2, json!({"kind": "List"}))]));
    }

    #[test]
    fn what_readers_may_take_differently_is_left_to_the_other_one() {
        for text in [
            "a: b\n  c",
            "a: b: c",
            "a: 'it''s'",
            "a: \"\\n\"",
            "a: &x b",
            "a: |\n  b",
            "a: 0644",
            "a: 0x1f",
            "a: 0B11",
            "a: 0_b11",
            "a: 0e1",
            "a: 1.0",
            "a: 2026-01-01",
            "a: -1",
            "a: ~",
            "a: Null",
            "true: a",
            "1: a",
            "a: b\na: c",
            "a: {b: c,}",
            "a: {b: c",
            "a: {b}",
            "a: [b:c]",
            "a: \"b\n  c\"",
            "- a\n  b",
            "-\n  a: b",
            "a:\n    b: c\n  d: e",
            "a: \u{e9}",
            "a:\tb",
            "a: b\r\n",
            "a",
            "a: b\n...",
            "--- a",
            "<<: {a: b}",
        ] {
            assert_eq!(values(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn both_readers_read_the_same(pieces in prop::collection::vec(piece(), 1..14)) {
            let text = pieces.concat();
            if let Some(plain) = values(&text) {
                let read = read_yaml(&text, &Limits::STREAM);
                let read = read.map(|found| found.into_iter().map(|found| (found.index, found.value)).collect());
                prop_assert_eq!(Ok(plain), read.map_err(|error| error.to_string()), "{}", text);
            }
        }
    }

    /// Half of them whole entries, so that many texts are YAML.
    fn piece() -> impl Strategy<Value = String> {
        let indents = prop::sample::select(vec!["", "", "", "  ", "  ", "    ", " "]);
        let heads = prop::sample::select(vec![
            "a: ",
            "b: ",
            "c:  ",
            "d:",
            "e:",
            "f: ",
            "g/h: ",
            "\"i j\": ",
            "- ",
            "- ",
            "-  ",
            "- k: ",
            "- - ",
            "-",
            "-l: ",
        ]);
        let scalars = prop::sample::select(vec![
            "",
            "",
            "",
            "x",
            "true",
            "no",
            "12",
            "0",
            "500m",
            "1e3",
            "1-2",
            "3.4.5",
            "0x1f",
            "1_0",
            "30%",
            "x:y",
            "x: y",
            "x:",
            "/z",
            "'q r'",
            "\"s #t\"",
            "\"u: v\"",
            "''",
            "{}",
            "[]",
            "{a: b}",
            "{a: 1, \"b\": [c, {d: e}]}",
            "[x, y z, 5m]",
            "{a: b",
            "[a]]",
            "{a: x:y}",
            "{a:b}",
            "[a,b]",
            "{a: }",
            "x # y",
            "# z",
            "x#y",
            "x,[y]",
            "inf",
            "null",
            "nullx",
            "-",
            "--- ",
            "|",
            "&x y",
            "1:30",
            "123456789012345678901",
            "x  y  ",
        ]);
        let line = (indents, heads, scalars).prop_map(|(indent, head, scalar)| format!("{indent}{head}{scalar}\n"));
        let other = prop::sample::select(vec![
            "---\n",
            "\n",
            "# c\n",
            "  # d: e\n",
            "---  \n",
            "x\n",
            "  y\n",
            "...\n",
            " \n",
        ]);
        prop_oneof![8 => line, 1 => other.prop_map(str::to_owned)]
    }
}
