//! Tables: field to minimum version, provider to labels and taints, trigger to metadata. Facts of the platforms, each
//! with its source; nothing is decided here.

pub mod fields;
pub mod spot;
pub mod triggers;
