//! Where a value stands in its text: JSON pointer to line, column and source line. Used only to report.

use std::sync::OnceLock;

use granit_parser::{Event, Parser, Span};

use super::error::Position;
use super::limits::Limits;

/// A place in a text, with what an error message shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'t> {
    /// Line and column of the first character.
    pub position: Position,
    /// Characters to underline, at least 1; a value of several lines counts on its first line only.
    pub width: usize,
    /// The whole line.
    pub source_line: &'t str,
}

/// Places of one document's keys and values. The text is parsed at the first question, and only once.
#[derive(Debug)]
pub struct SpanIndex<'t> {
    text: &'t str,
    document: usize,
    tree: OnceLock<Tree>,
}

impl<'t> SpanIndex<'t> {
    /// Over a text that was read, and the number of a document in it ([`super::Document::index`]).
    pub fn new(text: &'t str, document: usize) -> Self {
        Self {
            text: text.strip_prefix('\u{FEFF}').unwrap_or(text),
            document,
            tree: OnceLock::new(),
        }
    }

    /// Where the value of a pointer (RFC 6901) begins. Values that came through an alias stand at the anchor.
    pub fn value_place(&self, pointer: &str) -> Option<Place<'t>> {
        let tree = self.tree();
        let node = tree.find(pointer)?;
        Some(self.place(&tree.nodes[node].span))
    }

    /// Where the key of a pointer begins; a list item's place is its value's.
    pub fn key_place(&self, pointer: &str) -> Option<Place<'t>> {
        let tree = self.tree();
        let (parent, key) = pointer.rsplit_once('/')?;
        let entry = tree.entry(tree.find(parent)?, &unescape(key))?;
        Some(self.place(&entry.key.unwrap_or(tree.nodes[entry.node].span)))
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| Tree::of(self.text, self.document))
    }

    fn place(&self, span: &Span) -> Place<'t> {
        let offset = span.start.byte_offset().unwrap_or(0).min(self.text.len());
        let start = self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let source_line = self.text[start..].lines().next().unwrap_or("");
        let column = span.start.col() + 1;
        let rest = (source_line.chars().count() + 1).saturating_sub(column).max(1);
        let width = if span.end.line() == span.start.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            rest
        };
        Place {
            position: Position {
                line: span.start.line(),
                column,
            },
            width: width.clamp(1, rest),
            source_line,
        }
    }
}

/// `~1` is `/` and `~0` is `~` in a pointer.
fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// The document's nodes; children and alias targets by number. Linear in the text: aliases are not expanded.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    span: Span,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar,
    List(Vec<usize>),
    Map(Vec<Entry>),
    Alias(usize),
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    key: Option<Span>,
    node: usize,
}

impl Tree {
    fn of(text: &str, document: usize) -> Self {
        let mut options = granit_parser::options! {
            flow_nesting_limit: Limits::DEPTH,
            block_nesting_limit: Limits::DEPTH,
        };
        options.set_emit_comments(false);
        let mut builder = Builder::default();
        let mut seen = 0;
        // An error ends the index early: what stands before it can still be placed.
        for (event, span) in Parser::new_from_str_with_options(text, options).map_while(Result::ok) {
            if matches!(event, Event::DocumentEnd) {
                seen += 1;
            } else if seen == document {
                builder.take(&event, span);
            }
            if seen > document {
                break;
            }
        }
        builder.tree
    }

    fn find(&self, pointer: &str) -> Option<usize> {
        let root = (!self.nodes.is_empty()).then_some(0);
        pointer.split('/').skip(1).try_fold(root?, |node, segment| {
            self.entry(node, &unescape(segment)).map(|entry| entry.node)
        })
    }

    /// The child of a node by key or position.
    fn entry(&self, node: usize, name: &str) -> Option<Entry> {
        self.entry_within(node, name, Limits::DEPTH)
    }

    /// A merged map's keys come after the node's own. `hops` bounds merges that go round in circles.
    fn entry_within(&self, node: usize, name: &str, hops: usize) -> Option<Entry> {
        match &self.nodes[self.target(node)].content {
            Content::List(items) => {
                let node = *items.get(name.parse::<usize>().ok()?)?;
                Some(Entry {
                    name: String::new(),
                    key: None,
                    node,
                })
            }
            Content::Map(entries) => {
                let own = entries.iter().rfind(|entry| entry.name == name).cloned();
                let merged = || entries.iter().rfind(|entry| entry.name == "<<" && hops > 0);
                own.or_else(|| self.merged(merged()?.node, name, hops - 1))
            }
            Content::Scalar | Content::Alias(_) => None,
        }
    }

    fn merged(&self, node: usize, name: &str, hops: usize) -> Option<Entry> {
        match &self.nodes[self.target(node)].content {
            Content::List(items) => items.iter().find_map(|item| self.entry_within(*item, name, hops)),
            _ => self.entry_within(node, name, hops),
        }
    }

    fn target(&self, node: usize) -> usize {
        match self.nodes[node].content {
            Content::Alias(target) => target,
            _ => node,
        }
    }
}

/// Builds the tree from events.
#[derive(Default)]
struct Builder {
    tree: Tree,
    open: Vec<Open>,
    /// Nodes by the parser's anchor number.
    anchors: std::collections::BTreeMap<usize, usize>,
}

/// A collection that is not closed yet, and the key that waits for its value.
struct Open {
    node: usize,
    key: Option<(String, Span)>,
}

impl Builder {
    fn take(&mut self, event: &Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let is_key = self.take_key(text, span);
                if !is_key {
                    self.add(Content::Scalar, span, *anchor);
                }
            }
            Event::SequenceStart(_, anchor, _) => {
                let node = self.add(Content::List(Vec::new()), span, *anchor);
                self.open.push(Open { node, key: None });
            }
            Event::MappingStart(_, anchor, _) => {
                let node = self.add(Content::Map(Vec::new()), span, *anchor);
                self.open.push(Open { node, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(anchor).copied();
                self.add(target.map_or(Content::Scalar, Content::Alias), span, 0);
            }
            _ => {}
        }
    }

    /// Whether this scalar is a key of the open map.
    fn take_key(&mut self, text: &str, span: Span) -> bool {
        let Some(open) = self.open.last_mut() else { return false };
        let is_key = matches!(self.tree.nodes[open.node].content, Content::Map(_)) && open.key.is_none();
        if is_key {
            open.key = Some((text.to_owned(), span));
        }
        is_key
    }

    fn add(&mut self, content: Content, span: Span, anchor: usize) -> usize {
        let node = self.tree.nodes.len();
        self.tree.nodes.push(Node { span, content });
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
        if let Some(open) = self.open.last_mut() {
            match &mut self.tree.nodes[open.node].content {
                Content::List(items) => items.push(node),
                Content::Map(entries) => match open.key.take() {
                    Some((name, key)) => entries.push(Entry {
                        name,
                        key: Some(key),
                        node,
                    }),
                    // a map or list as key: the reader refuses it, so nobody asks for its place
                    None => open.key = Some((String::new(), span)),
                },
                Content::Scalar | Content::Alias(_) => {}
            }
        }
        node
    }
}
