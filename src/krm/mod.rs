//! Object identity, `ResourceList` in and out, edits and how they are applied.
