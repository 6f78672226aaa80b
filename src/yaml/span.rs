//! JSON pointer to line and column (placeholder until the real index lands).
/// A span.
pub struct Span {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
    /// Width.
    pub width: usize,
}
/// Index.
pub struct SpanIndex;
impl SpanIndex {
    /// Of a text.
    pub fn of(_text: &str, _document: usize) -> Option<Self> {
        None
    }
    /// Value.
    pub fn value_place(&self, _pointer: &str) -> Option<Span> {
        None
    }
    /// Key.
    pub fn key_place(&self, _pointer: &str) -> Option<Span> {
        None
    }
}
