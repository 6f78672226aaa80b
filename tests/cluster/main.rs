//! What a real control plane says: admission, evictions, placement.
//!
//! One plane for the whole process (`plane::plane()`), a namespace for each test. `launch.rs` has
//! the programs and their flags, `process.rs` ends them, `client.rs` talks to the server.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start processes, wait and may panic"
)]

mod process;
mod launch;
mod client;
mod plane;
mod admission;
mod eviction;
mod rendered;
mod scalers;
