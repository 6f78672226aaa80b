//! Bounds on how far one plan may go. Stated values are the owner's and pass.

use super::model::Decision;
use crate::diag::code;
use crate::policy::Bounds;
use crate::units::Percent;

/// The smallest amount that a plan may leave of `before`.
pub fn floor_after(before: u64, decrease: Percent) -> u64 {
    let keep = Percent::WHOLE.ppm().saturating_sub(decrease.ppm());
    u64::try_from(Percent::from_ppm(keep).of_ceil(u128::from(before))).unwrap_or(before)
}

/// A derived amount falls by at most `guardrails.capacityDecrease` in one plan.
///
/// `rung` rounds up to the next rung of the ladder: a bounded step is as readable as any other.
pub fn bound_decrease<T: Copy + Ord + std::fmt::Display>(
    bounds: &Bounds,
    decision: Decision<T>,
    get: impl Fn(T) -> u64,
    rung: impl Fn(u64) -> T,
) -> Decision<T> {
    let Some(before) = decision.before else { return decision };
    let floor = floor_after(get(before), bounds.capacity_decrease);
    if decision.reason.code == code::STATED.as_str() || get(decision.value) >= floor {
        return decision;
    }
    let mut reason = decision.reason;
    reason.inputs.insert("derived".to_owned(), decision.value.to_string());
    reason.inputs.insert("derivedFrom".to_owned(), reason.code.clone());
    reason
        .inputs
        .insert("capacityDecrease".to_owned(), bounds.capacity_decrease.to_string());
    reason.code = code::CAPACITY_BOUNDED.to_string();
    Decision {
        value: rung(floor).min(before),
        before: Some(before),
        reason,
    }
}

/// The accepted value, where a derived one differs from it by less than `guardrails.minChange`: quiet diffs.
/// Where none is accepted, the value before. The reason shows what was derived.
///
/// On one window of history the value before is older than the accepted one, and no reason to go back.
pub fn quiet<T: Copy + std::fmt::Display>(
    min_change: Percent,
    decision: Decision<T>,
    accepted: Option<T>,
    get: impl Fn(T) -> u64,
) -> Decision<T> {
    let Some(now) = accepted.or(decision.before) else {
        return decision;
    };
    let step = get(now).abs_diff(get(decision.value));
    if step == 0 || u128::from(step) >= min_change.of_ceil(u128::from(get(now))) {
        return decision;
    }
    let mut reason = decision.reason;
    let derived = decision.value.to_string();
    reason.inputs.entry("derived".to_owned()).or_insert(derived);
    let from = reason.code;
    reason.inputs.entry("derivedFrom".to_owned()).or_insert(from);
    reason.code = code::BELOW_MIN_CHANGE.to_string();
    Decision {
        value: now,
        before: decision.before,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_band_lies_around_what_is_accepted() {
        let kept = |before, accepted, derived| {
            let decision = Decision {
                value: derived,
                before,
                reason: super::super::case::reason(code::PERCENTILE, []),
            };
            let decision = quiet(Percent::from_percent(10), decision, accepted, u64::from);
            assert_eq!(decision.before, before);
            decision.value
        };
        for (before, accepted, derived, value) in [
            (Some(100_u32), None, 109, 100),
            (Some(100), None, 110, 110),
            (Some(100), Some(200), 200, 200),
            (Some(100), Some(200), 181, 200),
            // near the value before, and far from the accepted one
            (Some(100), Some(200), 105, 105),
            (None, Some(200), 219, 200),
            (None, None, 5, 5),
        ] {
            assert_eq!(
                kept(before, accepted, derived),
                value,
                "{before:?} {accepted:?} {derived}"
            );
        }
    }

    #[test]
    fn what_stays_is_rounded_up() {
        for (before, percent, floor) in [(1000, 30, 700), (101, 30, 71), (1, 30, 1), (500, 100, 0), (500, 150, 0)] {
            assert_eq!(
                floor_after(before, Percent::from_percent(percent)),
                floor,
                "{before} less {percent}%"
            );
        }
    }
}
