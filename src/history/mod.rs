//! Usage exports in, one file per format; samples out.

pub mod signal;
pub mod number;
