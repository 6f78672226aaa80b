//! The public behaviour, one module per behaviour.

mod quantities;
