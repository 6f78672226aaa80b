//! When a request that failed is tried again: always after the same times, so that runs can be compared.

use std::time::Duration;

/// Tries of one request, the first included.
pub const TRIES: u32 = 7;
/// Tries of the first question to a store, and of small ones: somebody waits, and little is lost.
pub const SMALL_TRIES: u32 = 4;
/// Before the second try.
const FIRST: Duration = Duration::from_millis(500);
/// Between later ones at most; seven tries take a minute, which outlives a restart of a store.
const LONGEST: Duration = Duration::from_secs(20);
/// A store that asks for more has to be asked by somebody with more time.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// How long to wait before try number `next` (2 is the first that waits), where the store does not say it.
pub fn wait_before(next: u32) -> Duration {
    let doublings = next.saturating_sub(2).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits: Vec<u128> = (2..=8).map(|next| wait_before(next).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000]);
    }
}
