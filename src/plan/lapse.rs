//! What was accepted and the policy has no word on any more: a key, a rule or a class went. It stays, and that is said:
//! nothing accepted disappears by accident. Taking away is a word of the policy, such as `mode: none`.

use super::case::{Case, reason};
use super::model::{Decided, WorkloadPlan};
use crate::diag::code;

/// The accepted part of a plan that was in force, with the remark that it stays.
///
/// `gone` is what the policy lacks, `way_out` what takes the part away. What was only observed never was in force: it
/// goes with its key.
pub(super) fn keep<T>(
    case: &Case<'_>,
    part: impl FnOnce(&WorkloadPlan) -> Option<T>,
    gone: &str,
    way_out: &str,
) -> Option<T> {
    let kept = stays(case, part)?;
    case.find(
        code::STALE,
        format!("{gone}: what was accepted stays; {way_out} takes it away"),
    );
    Some(kept)
}

/// The accepted part of a plan that was in force: what stays where the policy has no word on it.
pub(super) fn stays<'c, T: 'c>(case: &'c Case<'_>, part: impl FnOnce(&'c WorkloadPlan) -> Option<T>) -> Option<T> {
    case.accepted().filter(|plan| plan.is_rendered()).and_then(part)
}

/// An accepted number that is kept: what was stated once is not stated by that.
pub(super) fn unstated<D: Decided>(mut number: D) -> D {
    if number.reason().code == code::STATED.as_str() {
        *number.reason_mut() = reason(code::KEPT, []);
    }
    number
}

/// As [`unstated`], where the policy may still state the number: another one does not count.
pub(super) fn unless_stated<D: Decided>(number: D, is_still_stated: bool) -> D {
    if is_still_stated { number } else { unstated(number) }
}
