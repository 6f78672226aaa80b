//! Where a policy came from, so that a pointer into it becomes a place a person can open.

use crate::diag::Place;
use crate::yaml::SpanIndex;

/// A text of one file, or an object that kustomize merged from several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One document of a file.
    File {
        /// Path as the user gave it.
        path: String,
        /// The whole text.
        text: String,
        /// Which document of it, from 0.
        document: usize,
    },
    /// An object without a file.
    Object {
        /// `OptimizationPolicy/shop-production`.
        name: String,
    },
}

impl Source {
    /// A file with one document.
    pub fn file(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::File {
            path: path.into(),
            text: text.into(),
            document: 0,
        }
    }

    /// An object without a file.
    pub fn object(kind: &str, name: &str) -> Self {
        Self::Object {
            name: format!("{kind}/{name}"),
        }
    }

    /// The whole of it.
    pub fn top(&self) -> Place {
        match self {
            Self::Object { name } => Place::Object {
                object: name.clone(),
                pointer: String::new(),
            },
            Self::File { path, text, .. } => Place::top_of(path.clone(), text),
        }
    }

    /// The place of a field's value.
    pub fn value_place(&self, pointer: &str) -> Place {
        self.place(pointer, SpanIndex::value_place)
    }

    /// The place of a field's name.
    pub fn key_place(&self, pointer: &str) -> Place {
        self.place(pointer, SpanIndex::key_place)
    }

    fn place<'t>(
        &'t self,
        pointer: &str,
        find: impl Fn(&SpanIndex<'t>, &str) -> Option<crate::yaml::Place<'t>>,
    ) -> Place {
        let (path, text, document) = match self {
            Self::Object { name } => {
                return Place::Object {
                    object: name.clone(),
                    pointer: pointer.to_owned(),
                };
            }
            Self::File { path, text, document } => (path, text, *document),
        };
        match nearest(&SpanIndex::new(text, document), pointer, &find) {
            Some(place) => Place::File {
                path: path.clone(),
                line: place.position.line,
                column: place.position.column,
                width: place.width,
                source: place.source_line.to_owned(),
            },
            None => Place::Object {
                object: path.clone(),
                pointer: pointer.to_owned(),
            },
        }
    }
}

/// The field itself, else the nearest one around it that is written in the text.
fn nearest<'t, P>(
    index: &SpanIndex<'t>,
    pointer: &str,
    find: &impl Fn(&SpanIndex<'t>, &str) -> Option<P>,
) -> Option<P> {
    let mut pointer = pointer;
    loop {
        if let Some(place) = find(index, pointer) {
            return Some(place);
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}
