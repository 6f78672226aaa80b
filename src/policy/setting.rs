//! A value that can be stated, bounded or left to history: always a map, so that layers can patch it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `{value: 70%}`, `{min: 50%, max: 80%}`, or absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Setting<T> {
    /// Stated: this and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<T>,
    /// Derived, and not below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<T>,
    /// Derived, and not above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<T>,
}

impl<T> Default for Setting<T> {
    fn default() -> Self {
        Self {
            value: None,
            min: None,
            max: None,
        }
    }
}

impl<T> Setting<T> {
    /// Stated by the owner.
    pub fn stated(value: T) -> Self {
        Self {
            value: Some(value),
            min: None,
            max: None,
        }
    }

    /// Whether it is left to history altogether.
    pub fn is_open(&self) -> bool {
        self.value.is_none() && self.min.is_none() && self.max.is_none()
    }
}

impl<T: Ord + Copy> Setting<T> {
    /// The stated value, else the derived one moved to the nearer bound; and whether a bound moved it.
    pub fn resolve(&self, derived: T) -> (T, bool) {
        if let Some(value) = self.value {
            return (value, false);
        }
        let raised = self.min.map_or(derived, |min| derived.max(min));
        let bounded = self.max.map_or(raised, |max| raised.min(max));
        (bounded, bounded != derived)
    }
}
