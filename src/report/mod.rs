//! One model, one file per output.
