//! The whole flow in one function of named steps.
