//! Rules that judge the whole result.
