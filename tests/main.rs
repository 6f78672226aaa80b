//! The public behaviour, one module per behaviour.
