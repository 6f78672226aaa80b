//! A metrics store is asked: real ones on loopback, and one of ours that answers what it should not.
//!
//! `wire.rs` is HTTP by hand, `stores.rs` starts Prometheus and VictoriaMetrics, `samples.rs` fills them with the shipped
//! history. Where the real stores can't be installed, `make test` says so and those tests do nothing.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start processes, wait and may panic"
)]

#[path = "../cluster/process.rs"]
#[expect(dead_code, reason = "the plane shows what its programs said")]
mod process;

mod wire;
mod command;
mod samples;
mod stores;
mod hostile;
mod resumed;
mod ranges;
mod doctor;
mod access;
