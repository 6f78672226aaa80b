//! Weeks and cells: how time is cut in a profile. Weeks are UTC and start on Monday; a cell is `(end - step, end]`.

use jiff::civil::Date;
use std::fmt;

/// Seconds of a week.
pub const WEEK_S: i64 = 7 * DAY_S;
/// Seconds of a day.
pub const DAY_S: i64 = 86_400;
/// The first Monday before the epoch, which was a Thursday.
const FIRST_MONDAY_S: i64 = -3 * DAY_S;

/// A UTC week, Monday 00:00 to Monday 00:00; written as the date of its Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Week(i64);

impl Week {
    /// The week that a value measured over an interval ending at `end_s` belongs to: at Monday 00:00 sharp that is
    /// still the week before.
    pub fn of_end(end_s: i64) -> Self {
        Self((end_s - 1 - FIRST_MONDAY_S).div_euclid(WEEK_S))
    }

    /// Its Monday, 00:00 UTC, in Unix seconds.
    pub fn start_s(self) -> i64 {
        self.0 * WEEK_S + FIRST_MONDAY_S
    }

    /// How many weeks this one is older than `newest`; 0 when it is not older.
    pub fn age(self, newest: Self) -> u32 {
        u32::try_from(newest.0 - self.0).unwrap_or(0)
    }

    /// Reads `2026-11-16`; `None` when it is no date, no Monday, or written otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let day = Day::parse(text)?;
        let week = Self::of_end(day.start_s() + 1);
        (week.start_s() == day.start_s()).then_some(week)
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Day(self.start_s().div_euclid(DAY_S)).fmt(f)
    }
}

/// A UTC day, in days since the epoch; written as its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day of an instant.
    pub fn of(at_s: i64) -> Self {
        Self(at_s.div_euclid(DAY_S))
    }

    /// From days since the epoch, within the years 1 to 9999.
    pub(crate) fn from_number(days: i64) -> Option<Self> {
        (-719_162..=2_932_896).contains(&days).then_some(Self(days))
    }

    /// Days since the epoch.
    pub(crate) fn number(self) -> i64 {
        self.0
    }

    /// Its first instant.
    pub fn start_s(self) -> i64 {
        self.0 * DAY_S
    }

    /// Reads `2026-11-16`, in exactly this form.
    pub fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let day = Self::of(midnight.as_second());
        (day.to_string() == text).then_some(day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = jiff::Timestamp::from_second(self.start_s()).map_err(|_| fmt::Error)?;
        let date = jiff::tz::Offset::UTC.to_datetime(midnight).date();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

/// End of the cell of `step_s` seconds that the instant lies in.
pub(crate) fn cell_end(at_s: i64, step_s: i64) -> i64 {
    let over = at_s.rem_euclid(step_s);
    at_s - over + if over == 0 { 0 } else { step_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_with_the_first_instant_of_monday() {
        // 2021-10-04 was a Monday: 1633305600.
        let monday = 1_633_305_600;
        assert_eq!(Week::of_end(monday).to_string(), "2021-09-27");
        assert_eq!(Week::of_end(monday + 1).to_string(), "2021-10-04");
        assert_eq!(Week::of_end(monday + WEEK_S).to_string(), "2021-10-04");
        assert_eq!(Week::of_end(monday + 1).start_s(), monday);
        assert_eq!(Week::of_end(-1).to_string(), "1969-12-29");
    }

    #[test]
    fn only_mondays_in_one_spelling_are_weeks() {
        assert_eq!(Week::parse("2021-10-04"), Some(Week::of_end(1_633_305_601)));
        for bad in ["2021-10-05", "2021-10-4", "20211004", "2021-13-01", "", "+002021-10-04"] {
            assert_eq!(Week::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn cells_close_on_their_end() {
        for (at, end) in [(300, 300), (301, 600), (599, 600), (600, 600), (-1, 0), (0, 0)] {
            assert_eq!(cell_end(at, 300), end, "{at}");
        }
    }
}
