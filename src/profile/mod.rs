//! `UsageProfile`: what workloads used, in a form that merges exactly and is small enough to commit.

mod pack;
mod huffman;
mod checksum;
pub mod sketch;
pub mod calendar;
pub mod timeline;
pub mod demand;
mod filling;
pub mod state;
pub mod days;
pub mod ordered;
pub mod usage;
pub mod coarse;
mod finish;
mod rows;
mod survey;
mod collected;
pub mod build;
pub mod parts;
pub mod merge;
pub mod moved;
mod line;
pub(crate) mod table;
pub(crate) mod summary;
pub mod object;
mod lines;
pub mod opened;
pub mod written;

pub use self::finish::finish;
pub use self::pack::PayloadError;
pub use self::usage::{Coverage, DemandStep, Profile, Scope, SignalHistory, Source, Window, WorkloadHistory};
pub use crate::units::level;
