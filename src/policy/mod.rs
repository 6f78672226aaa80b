//! `OptimizationPolicy`: wire form, schema, validation, presets, matching, `Settings`.
