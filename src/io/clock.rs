//! The clock: asked by the shells only, where an expiry is judged.

use crate::units::Timestamp;

/// Now, in whole seconds.
pub fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
        .expect("broken invariant: the clock shows a year of four digits")
}
