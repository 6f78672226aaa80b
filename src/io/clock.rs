//! The clock: asked by the shells only, where an expiry is judged.

use crate::units::Timestamp;

/// Now, in whole seconds.
pub fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
        .expect("broken invariant: the clock shows a year of four digits")
}

/// Now, as signatures of AWS write it: `20150830T123600Z`.
pub fn now_compact() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}
