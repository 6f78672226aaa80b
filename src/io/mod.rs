//! The only code that touches files, environment, processes and clock.
