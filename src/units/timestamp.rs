//! Instants in whole Unix seconds, UTC.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::seconds::Seconds;
use super::text::{TextForm, through_text};

/// An instant in whole Unix seconds, from 0001-01-01 to 9999-12-31: what RFC 3339 can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z, a Monday.
const MIN_S: i64 = -62_135_596_800;
/// 9999-12-30T22:00:00Z: the last instant of the time library.
const MAX_S: i64 = 253_402_207_200;
const DAY_S: i64 = 86_400;
const WEEK_S: i64 = 7 * DAY_S;
/// 1970-01-01 was a Thursday: its week began three days earlier.
const EPOCH_AFTER_MONDAY_S: i64 = 3 * DAY_S;

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no instant; write RFC 3339 with an offset, such as `2026-11-02T00:00:00Z`")]
pub struct TimestampError(String);

impl Timestamp {
    /// The day in UTC: `2026-11-02`.
    pub fn date(self) -> String {
        self.to_string().chars().take("2026-11-02".len()).collect()
    }

    /// Unix seconds; `None` outside the years 1 to 9999.
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < MIN_S || seconds > MAX_S {
            None
        } else {
            Some(Self(seconds))
        }
    }

    /// Unix seconds.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Start of the UTC week this instant lies in: Monday 00:00:00.
    #[must_use]
    pub const fn utc_week(self) -> Self {
        // not below the minimum, which is itself a Monday
        Self((self.0 + EPOCH_AFTER_MONDAY_S).div_euclid(WEEK_S) * WEEK_S - EPOCH_AFTER_MONDAY_S)
    }

    /// The instant so much later; `None` past the last one.
    pub fn checked_add(self, duration: Seconds) -> Option<Self> {
        self.0.checked_add_unsigned(duration.get()).and_then(Self::from_unix)
    }

    /// The instant so much earlier; `None` before the first one.
    pub fn checked_sub(self, duration: Seconds) -> Option<Self> {
        self.0.checked_sub_unsigned(duration.get()).and_then(Self::from_unix)
    }

    /// Time passed since `earlier`; `None` where that lies later.
    pub fn since(self, earlier: Self) -> Option<Seconds> {
        u64::try_from(self.0 - earlier.0).ok().map(Seconds::new)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Fractions of a second are dropped (towards the past).
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let refused = || TimestampError(text.to_owned());
        let instant: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        let before = i64::from(instant.subsec_nanosecond() < 0);
        Self::from_unix(instant.as_second() - before).ok_or_else(refused)
    }
}

impl Display for Timestamp {
    /// RFC 3339 in UTC: `2026-11-02T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let instant = jiff::Timestamp::from_second(self.0).expect("broken invariant: bounds are checked on creation");
        instant.fmt(f)
    }
}

impl TextForm for Timestamp {
    const NAME: &'static str = "Timestamp";
    const EXPECTS: &'static str = "an instant";
    const EXAMPLE: &'static str = "2026-11-02T00:00:00Z";
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*$";
    const DESCRIPTION: &'static str = "An instant in RFC 3339 with an offset: 2026-11-02T00:00:00Z.";
}
through_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instants_are_read_and_written_in_utc() {
        // 2024-01-01T00:00:00Z = 1704067200 (date -u -d @1704067200)
        for (text, unix, written) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00Z", 1_704_067_200, "2024-01-01T00:00:00Z"),
            ("2024-01-01T01:00:00+01:00", 1_704_067_200, "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00.999Z", 1_704_067_200, "2024-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", -1, "1969-12-31T23:59:59Z"),
            ("0001-01-01T00:00:00Z", MIN_S, "0001-01-01T00:00:00Z"),
        ] {
            let instant: Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(instant.unix(), unix, "{text}");
            assert_eq!(instant.to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-13-01T00:00:00Z",
            "1704067200",
            "yesterday",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_utc_week_starts_on_monday() {
        // 2026-11-22 is a Sunday, 2026-11-23 a Monday (cal 11 2026)
        for (text, week) in [
            ("2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z"),
            ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap().utc_week().to_string(),
                week,
                "{text}"
            );
        }
    }

    #[test]
    fn time_passes_in_seconds() {
        let (start, end) = (Timestamp::from_unix(100).unwrap(), Timestamp::from_unix(160).unwrap());
        assert_eq!(end.since(start), Some(Seconds::new(60)));
        assert_eq!(start.since(end), None);
        assert_eq!(start.checked_add(Seconds::new(60)), Some(end));
        assert_eq!(end.checked_sub(Seconds::new(60)), Some(start));
        assert_eq!(end.checked_add(Seconds::new(u64::MAX)), None);
    }

    proptest! {
        #[test]
        fn display_reads_back(seconds in MIN_S..=MAX_S) {
            let instant = Timestamp::from_unix(seconds).unwrap();
            prop_assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        }

        #[test]
        fn a_week_holds_its_instants(seconds in MIN_S..=MAX_S) {
            let instant = Timestamp::from_unix(seconds).unwrap();
            let week = instant.utc_week();
            prop_assert!(week <= instant && instant.unix() - week.unix() < WEEK_S && week.utc_week() == week);
        }
    }
}
