//! `UsageProfile`: what workloads used, in a form that merges exactly and is small enough to commit.

pub mod level;
mod pack;
pub mod sketch;
pub mod calendar;
pub mod timeline;
pub mod demand;
pub mod state;
pub mod days;

pub use self::pack::PayloadError;
