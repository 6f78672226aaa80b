//! What makes a text unreadable: the problem, its reason, its remedy and its position.

use std::fmt::{self, Display};

use thiserror::Error;

use super::limits::Limits;

/// A position in a text: line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Where a byte of the text stands; `valid` is the text before it.
    pub(super) fn after(valid: &str) -> Self {
        let line_start = valid.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + valid.bytes().filter(|byte| *byte == b'\n').count();
        Self {
            line,
            column: 1 + valid[line_start..].chars().count(),
        }
    }
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text was not read, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ReadError {
    /// What is wrong.
    pub problem: Problem,
    /// Where; absent where the whole text is meant.
    pub position: Option<Position>,
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        self.problem.fmt(f)
    }
}

/// What is wrong with a text, with the reason and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// Beyond [`Limits::bytes`].
    #[error("the text has {bytes} bytes, more than the {limit} that are read here; split it into several files")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Beyond [`Limits::scalar`].
    #[error(
        "a text of {bytes} bytes on one line or in one value is more than the {limit} that are read here, and no cluster takes one so large; was another file meant?"
    )]
    TooLong {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the byte 0x{0:02X} is not UTF-8, the encoding of YAML in Kubernetes; save the file as UTF-8")]
    Encoding(u8),
    /// Starts with the byte order mark of UTF-16.
    #[error("the text is UTF-16, and Kubernetes reads UTF-8; save the file as UTF-8")]
    Utf16,
    /// A byte order mark where no document begins.
    #[error(
        "a byte order mark (U+FEFF), which editors do not show, begins this line; remove it, and put `---` between joined files"
    )]
    InnerMark,
    /// A character that YAML does not allow unescaped.
    #[error("the control character U+{:04X} is not allowed in YAML; remove it, or write it as an escape in double quotes", u32::from(*.0))]
    Control(char),
    /// Beyond [`Limits::DEPTH`].
    #[error(
        "maps and lists are nested more than {} deep, deeper than any Kubernetes object; flatten the value",
        Limits::DEPTH
    )]
    TooDeep,
    /// Beyond [`Limits::nodes`].
    #[error("the text holds more than {limit} values once its aliases are expanded; split it, or use fewer aliases")]
    TooManyNodes {
        /// Values allowed.
        limit: usize,
    },
    /// Beyond [`Limits::ALIASED_BYTES`].
    #[error("the aliases expand to more than {limit} bytes of text; use fewer of them")]
    TooMuchText {
        /// Bytes allowed.
        limit: usize,
    },
    /// Beyond [`Limits::documents`].
    #[error("the stream has more than {limit} documents; split it into several files")]
    TooManyDocuments {
        /// Documents allowed.
        limit: usize,
    },
    /// One key twice in one map.
    #[error("the key `{0}` appears twice in one map, and readers differ in which value they take; remove one of them")]
    DuplicateKey(String),
    /// A number, boolean or null as key.
    #[error("the key `{0}` is not text, and Kubernetes knows only text keys; quote it: \"{0}\"")]
    KeyNotText(String),
    /// A map or list as key.
    #[error(
        "a map or list stands where a key is expected; if this is a template such as `{{{{ .Values.x }}}}`, render it first or quote it"
    )]
    KeyNotScalar,
    /// A tag beyond the types of JSON.
    #[error(
        "the tag `{0}` has no meaning in Kubernetes, and readers drop it silently; remove the tag and write the plain value"
    )]
    Tag(String),
    /// Infinity or not a number.
    #[error(
        "`{0}` is not a finite number, and JSON, the data model of Kubernetes, has no other; use a number, or quote it as text"
    )]
    NotFinite(&'static str),
    /// An integer that only a float could hold, inexactly.
    #[error("the integer `{0}` does not fit 64 bits, and other readers round it; quote it if it is text")]
    BigInteger(String),
    /// A JSON number beyond every float.
    #[error("this number is larger than any reader's numbers (1.8e308); quote it if it is text")]
    HugeNumber,
    /// `<<` with something that cannot be merged.
    #[error("`<<` merges a map or a list of maps, and found neither; name an anchored map: `<<: *name`")]
    Merge,
    /// Not YAML.
    #[error("{message}{}", hint(.message))]
    Syntax {
        /// What the YAML reader says.
        message: String,
    },
    /// [`super::read_one`] on a text without a document.
    #[error("the text holds no document; write one YAML object")]
    Empty,
    /// [`super::read_one`] on a text with several documents.
    #[error("the text holds {0} documents, and one is expected here; remove the others, or put each into its own file")]
    Several(usize),
}

impl Problem {
    pub(super) const fn at(self, position: Option<Position>) -> ReadError {
        ReadError {
            problem: self,
            position,
        }
    }
}

/// The usual remedy for what a YAML parser says in its own words.
fn hint(message: &str) -> &'static str {
    const HINTS: [(&str, &str); 8] = [
        (
            "cannot start any token",
            "; indent with blanks, not tabs, and quote a value that starts with @ ` or %",
        ),
        (
            "mapping values are not allowed",
            "; quote a value that contains `: `, and check the indentation",
        ),
        (
            "could not find expected ':'",
            "; check the indentation, and that every key ends in `:`",
        ),
        (
            "did not find expected key",
            "; check the indentation of this line against the lines above",
        ),
        (
            "did not find expected <document start>",
            "; the value before ends the document: put a line `---` before the next object, as kustomize drops what follows without one",
        ),
        (
            "did not find expected '-' indicator",
            "; check the indentation of this line against the lines above",
        ),
        (
            "unknown anchor",
            "; define `&name` before `*name`, or quote a value that starts with `*`",
        ),
        ("escape", "; use single quotes for text with backslashes"),
    ];
    HINTS
        .iter()
        .find(|(said, _)| message.contains(said))
        .map_or("; check the quotes and the indentation", |(_, hint)| hint)
}
