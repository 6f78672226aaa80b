//! A plan turned into edits, one file per kind.
