//! Tables: field to minimum version, provider to labels and taints, trigger to metadata.
