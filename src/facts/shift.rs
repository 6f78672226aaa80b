//! A level shift: from some day on demand is another than before.
//!
//! Days are compared by their medians, which one spike or a daily wave does not move. Two levels are told apart where
//!
//! 1. at least three days known for 18 hours lie on either side, or two where the other side is a week and more: a weekend
//!    is two days, and a week has one to compare it with,
//! 2. every day of one side is above every day of the other, and
//! 3. the medians of the two sides differ by half and more (the ratio from which Crane calls a load moving).
//!
//! Condition 2 alone happens by chance in 2 of C(14, 2) orders, 2 %, of fourteen alike days, two of them at one end; for
//! condition 3 noise would also have to move medians of whole days by half. Of several such days the one with the widest
//! gap between the two sides is where the level changed.

use std::collections::BTreeMap;

use super::demand::nearest_rank;
use super::{Demand, DemandCell};
use crate::units::{Percent, Timestamp};

/// Days on each side.
const DAYS: usize = 3;
/// Days of one side that suffice beside a whole week.
const FEW_DAYS: usize = 2;
const WEEK: usize = 7;
/// Seconds of a day that must be known: the rest would leave out a part of its wave.
const KNOWN_S: u64 = 18 * 3600;
/// Higher over lower level.
const SHIFT: Percent = Percent::from_percent(150);
const DAY_S: i64 = 86_400;

/// Two levels, and when the later one began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Midnight (UTC) before the first day on the new level.
    pub since: Timestamp,
    /// Median of the daily medians before.
    pub before: u64,
    /// Median of the daily medians from then on.
    pub after: u64,
}

impl Shift {
    fn low(&self) -> u64 {
        self.before.min(self.after)
    }

    fn high(&self) -> u64 {
        self.before.max(self.after)
    }

    fn is_large(&self) -> bool {
        u128::from(self.high()) >= SHIFT.of_ceil(u128::from(self.low()))
    }
}

impl Demand {
    /// The level shift with the widest gap, the first of equals; `least` is the level under which nothing matters.
    pub fn level_shift(&self, least: u64) -> Option<Shift> {
        let days = self.daily_medians();
        let mut widest: Option<(Shift, Gap)> = None;
        for at in FEW_DAYS..=days.len().checked_sub(FEW_DAYS)? {
            let (before, after) = days.split_at(at);
            let (short, long) = (at.min(days.len() - at), at.max(days.len() - at));
            if short < DAYS && long < WEEK {
                continue;
            }
            let Some((shift, gap)) = told_apart(before, after) else {
                continue;
            };
            let is_wider = widest.is_none_or(|(_, widest)| gap.exceeds(widest));
            if shift.is_large() && shift.high() >= least && is_wider {
                widest = Some((shift, gap));
            }
        }
        widest.map(|(shift, _)| shift)
    }

    /// The median of every day that is known well enough, with the day's number since 1970.
    fn daily_medians(&self) -> Vec<(i64, u64)> {
        let mut days: BTreeMap<i64, (u64, Vec<u64>)> = BTreeMap::new();
        for span in self.spans(DAY_S) {
            let (known_s, totals) = days.entry(span.number).or_default();
            *known_s += span.known_s();
            totals.extend_from_slice(span.totals);
        }
        days.retain(|_, (known_s, _)| *known_s >= KNOWN_S);
        let medians = days.into_iter().map(|(day, (_, totals))| (day, median(totals)));
        medians.filter_map(|(day, median)| Some((day, median?))).collect()
    }

    /// Share of the known time in which the mean usage of a pod is at `level` or above.
    pub fn share_from(&self, level: u64) -> Option<Percent> {
        let time = |cell: &DemandCell| u128::from(cell.step_s);
        let is_at = |cell: &DemandCell| {
            cell.active > 0 && u128::from(cell.total) >= u128::from(level) * u128::from(cell.active)
        };
        let at: u128 = self.cells().filter(is_at).map(|cell| time(&cell)).sum();
        Percent::ratio_floor(at, self.cells().map(|cell| time(&cell)).sum())
    }
}

/// The highest day of the lower side and the lowest of the higher one.
#[derive(Clone, Copy)]
struct Gap {
    from: u64,
    to: u64,
}

impl Gap {
    /// Whether its ratio is the larger.
    fn exceeds(self, other: Self) -> bool {
        u128::from(self.to) * u128::from(other.from) > u128::from(other.to) * u128::from(self.from)
    }
}

fn told_apart(before: &[(i64, u64)], after: &[(i64, u64)]) -> Option<(Shift, Gap)> {
    let levels = |days: &[(i64, u64)]| {
        let (low, high) = (days.iter().map(|day| day.1).min()?, days.iter().map(|day| day.1).max()?);
        Some((low, median(days.iter().map(|day| day.1).collect())?, high))
    };
    let (low_before, before_level, high_before) = levels(before)?;
    let (low_after, after_level, high_after) = levels(after)?;
    let gap = if high_before < low_after {
        Gap {
            from: high_before,
            to: low_after,
        }
    } else if high_after < low_before {
        Gap {
            from: high_after,
            to: low_before,
        }
    } else {
        return None;
    };
    let shift = Shift {
        since: Timestamp::from_unix(after.first()?.0 * DAY_S)?,
        before: before_level,
        after: after_level,
    };
    Some((shift, gap))
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    nearest_rank(&mut values, Percent::from_percent(50))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole days from 2020-09-14 (a Monday) on, hourly; `total(day, hour)`.
    fn demand(days: i64, total: impl Fn(i64, i64) -> u64) -> Demand {
        let cell = |hour: i64| DemandCell {
            end: Timestamp::from_unix(1_600_041_600 + 3600 * (hour + 1)).unwrap(),
            step_s: 3600,
            total: total(hour / 24, hour % 24),
            active: 2,
        };
        (0..days * 24).map(cell).collect()
    }

    #[test]
    fn a_step_is_found_where_it_happened() {
        for (case, before, after) in [("up", 100, 150), ("down", 300, 100), ("woken", 0, 100)] {
            let found = demand(10, |day, _| if day < 6 { before } else { after }).level_shift(10);
            // 2020-09-14 and six days
            let since = Timestamp::from_unix(1_600_041_600 + 6 * DAY_S).unwrap();
            assert_eq!(found, Some(Shift { since, before, after }), "{case}");
        }
    }

    #[test]
    fn a_day_that_leads_up_to_the_step_is_not_the_step() {
        // 100, 100, 100, 100, 101, then 300: the fifth day is above all before it too
        let found = demand(10, |day, _| {
            [100, 100, 100, 100, 101]
                .get(usize::try_from(day).unwrap())
                .copied()
                .unwrap_or(300)
        });
        let since = Timestamp::from_unix(1_600_041_600 + 5 * DAY_S).unwrap();
        assert_eq!(found.level_shift(10).map(|shift| shift.since), Some(since));
    }

    #[test]
    fn two_days_are_told_from_a_week() {
        let found = demand(9, |day, _| if day < 7 { 100 } else { 240 }).level_shift(10);
        assert_eq!(found.map(|shift| (shift.before, shift.after)), Some((100, 240)));
    }

    #[test]
    fn what_is_no_shift_is_not_reported() {
        let step = |day: i64, first: i64| if day < first { 100 } else { 200 };
        for (case, demand) in [
            (
                "less than half as much more",
                demand(10, |day, _| if day < 5 { 100 } else { 149 }),
            ),
            ("two days beside less than a week", demand(8, |day, _| step(day, 6))),
            ("one day", demand(20, |day, _| step(day, 19))),
            ("a weekend", demand(28, |day, _| if day % 7 < 5 { 300 } else { 100 })),
            (
                "a wave through the day",
                demand(14, |_, hour| 100 + 100 * u64::try_from(hour).unwrap()),
            ),
            (
                "a spike each day of the second week",
                demand(14, |day, hour| if day > 6 && hour < 3 { 900 } else { 100 }),
            ),
            ("too little to matter", demand(10, |day, _| u64::from(day > 4))),
            ("five days", demand(5, |day, _| step(day, 2))),
        ] {
            assert_eq!(demand.level_shift(10), None, "{case}");
        }
    }

    #[test]
    fn noise_raises_no_alarm() {
        // a linear congruential generator (Numerical Recipes' constants): every hour anything from 50 to 150
        let mut alarms = 0;
        for seed in 0..200_u64 {
            let noise = |day: i64, hour: i64| {
                let mut state = seed << 32 | u64::try_from(day * 24 + hour).unwrap();
                for _ in 0..3 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                }
                50 + (state >> 33) % 101
            };
            alarms += u32::from(demand(28, noise).level_shift(10).is_some());
        }
        assert_eq!(alarms, 0, "of 200 even loads");
    }

    #[test]
    fn the_share_at_a_level_is_of_the_known_time_and_of_a_pod() {
        // two pods: 180 is 90 each; 6 of 24 hours
        let demand = demand(4, |_, hour| if hour < 6 { 180 } else { 40 });
        assert_eq!(demand.share_from(90), Some(Percent::from_percent(25)));
        assert_eq!(demand.share_from(91), Some(Percent::ZERO));
    }
}
