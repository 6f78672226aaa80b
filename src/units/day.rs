//! Days of the calendar.

use std::fmt::{self, Display};
use std::str::FromStr;

use jiff::civil::Date;
use thiserror::Error;

use super::text::{TextForm, through_text};
use super::timestamp::Timestamp;

/// A day of the calendar, `2027-03-31`; the whole of it in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// Why a text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a day of the calendar; write it as `2027-03-31`")]
pub struct DayError(String);

impl Day {
    /// The day that an instant lies in.
    pub fn of(instant: Timestamp) -> Self {
        let text = instant.to_string();
        let day = text.get(..10).and_then(|day| day.parse().ok());
        Self(day.expect("broken invariant: an instant is written with its day in front"))
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // the parser takes more forms than the one we have, such as 20270331
        let has_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day = has_form.then(|| text.parse().ok()).flatten();
        day.map(Self).ok_or_else(|| DayError(text.to_owned()))
    }
}

impl Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TextForm for Day {
    const NAME: &'static str = "Day";
    const EXPECTS: &'static str = "a day";
    const EXAMPLE: &'static str = "2027-03-31";
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    const DESCRIPTION: &'static str = "A day of the calendar: 2027-03-31.";
}
through_text!(Day);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_written_and_ordered() {
        let day = |text: &str| -> Day { text.parse().unwrap_or_else(|error| panic!("{text}: {error}")) };
        assert_eq!(day("2028-02-29").to_string(), "2028-02-29");
        assert!(day("2026-12-31") < day("2027-01-01"));
        // the last second of the day, and the first of the next
        let last: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        let next: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        assert_eq!((Day::of(last), Day::of(next)), (day("2026-11-22"), day("2026-11-23")));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2027-02-29",
            "2026-13-01",
            "20270331",
            "31.03.2027",
            "2026-1-1",
            "2026-11-22T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError(text.to_owned())), "{text}");
        }
    }
}
