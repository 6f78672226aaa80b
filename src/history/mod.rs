//! Usage exports in, one file per format; samples out.
