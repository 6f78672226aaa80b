//! The longest common subsequence of two lists, the same whichever side comes first.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A run of items that differ: positions before and positions after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    /// Positions in the list before.
    pub(super) before: std::ops::Range<usize>,
    /// Positions in the list after.
    pub(super) after: std::ops::Range<usize>,
}

/// What differs between two lists of texts. No deadline: the clock must not decide what is shown.
pub(super) fn hunks(before: &[String], after: &[String]) -> Vec<Hunk> {
    // Of several longest subsequences the algorithm takes one by side, so the sides are put in an order of their own.
    let is_swapped = before > after;
    let (old, new) = if is_swapped { (after, before) } else { (before, after) };
    let ops = capture_diff_slices(Algorithm::Histogram, old, new);
    let changes = ops.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let hunks = changes.map(|op| {
        let (old, new) = (op.old_range(), op.new_range());
        let (before, after) = if is_swapped { (new, old) } else { (old, new) };
        Hunk { before, after }
    });
    hunks.collect()
}
