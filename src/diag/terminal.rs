//! The terminal form: rustc-like, readable without colour.
