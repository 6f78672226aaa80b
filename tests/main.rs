//! The public behaviour, one module per behaviour.

mod planning;
mod quantities;
