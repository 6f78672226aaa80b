//! What KEDA's scalers need in their metadata.

use std::collections::BTreeMap;

/// What is wrong with a trigger, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub headline: String,
    /// How to mend it.
    pub help: String,
}

/// A trigger as its scaler sees it.
#[derive(Clone, Copy, Debug)]
pub struct TriggerForm<'a> {
    /// KEDA's name of the scaler.
    pub kind: &'a str,
    /// Its metadata.
    pub metadata: &'a BTreeMap<String, String>,
    /// Whether an authenticationRef may bring what is missing.
    pub has_authentication: bool,
    /// Whether the threshold is given apart from the metadata.
    pub has_threshold: bool,
}

/// Everything that KEDA would refuse, or that would never do what it says.
pub fn check(_trigger: TriggerForm<'_>) -> Vec<Problem> {
    Vec::new()
}

/// The metadata key that holds what one pod can take, per scaler.
pub fn threshold_key(_kind: &str) -> Option<&'static str> {
    None
}
