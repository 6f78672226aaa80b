//! What the manifests contain: targets, containers, selectors, scalers and budgets already there.
//!
//! In: objects. Out: [`Workloads`], every one with what points at it, and diagnostics on what points nowhere.

pub mod model;
pub(crate) mod affinity;
pub(crate) mod containers;
mod attach;
mod by_label;
mod overlaps;
mod pointers;
mod read;
mod references;
mod shapes;

pub(crate) use attach::missed;
pub use model::{Budget, Container, Group, Missing, Scaler, Vpa, Workload, Workloads};
pub use read::{read, read_in};
