//! What a user can fix: one plain value, many outputs.
