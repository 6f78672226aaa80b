//! One file per named strategy for requests: formula, constants, source, promise.
//!
//! In: usage per pod. Out: an amount before bounds and guardrails, with the inputs that lead to it.

pub mod percentile;
pub mod recommender;
pub mod vpa;

use crate::krm::Reason;

/// A derived amount in the resource's base unit (nano-cores or bytes), and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Nano-cores or bytes.
    pub amount: u64,
    /// Code and inputs.
    pub reason: Reason,
}
