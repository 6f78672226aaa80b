//! Durations in whole seconds: `30s`, `5m`, `12h`, `7d`, `1h30m`.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::amount::amount;
use super::text::{TextForm, through_text};

amount! {
    /// A duration in whole seconds. `Seconds::new(5400)` displays as `90m`.
    Seconds
}

/// Units of a duration, largest first, with their seconds. A day is 24 hours: durations know no calendar.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Outside the grammar.
    #[error("`{0}` is no duration; write whole numbers with d, h, m, s, largest first, such as `30s`, `7d` or `1h30m`")]
    Grammar(String),
    /// A bare number.
    #[error("`{0}` has no unit; write `{0}s`, `{0}m`, `{0}h` or `{0}d`")]
    NoUnit(String),
    /// Beyond 64 bits of seconds.
    #[error("`{0}` is too long for a duration")]
    TooLong(String),
}

impl Seconds {
    /// So many minutes; saturates.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// So many hours; saturates.
    pub const fn from_hours(hours: u64) -> Self {
        Self(hours.saturating_mul(3_600))
    }

    /// So many days of 24 hours; saturates.
    pub const fn from_days(days: u64) -> Self {
        Self(days.saturating_mul(86_400))
    }
}

impl FromStr for Seconds {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let grammar = || DurationError::Grammar(text.to_owned());
        let too_long = || DurationError::TooLong(text.to_owned());
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DurationError::NoUnit(text.to_owned()));
        }
        let mut rest = text;
        let mut total = 0_u64;
        let mut units = UNITS.iter();
        loop {
            let end = rest
                .find(|char: char| !char.is_ascii_digit())
                .filter(|end| *end > 0)
                .ok_or_else(grammar)?;
            let (digits, tail) = rest.split_at(end);
            // taking from one iterator makes each unit smaller than the one before
            let (unit, seconds) = units.find(|(unit, _)| tail.starts_with(*unit)).ok_or_else(grammar)?;
            let part = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(*seconds));
            total = part.and_then(|part| total.checked_add(part)).ok_or_else(too_long)?;
            rest = &tail[unit.len_utf8()..];
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
    }
}

impl Display for Seconds {
    /// The shorter of one unit (`90m`, `28h`) and several (`1d1s`); one unit where both are as long. Three digits of
    /// minutes or hours are no number a person knows: `20h15m`, not `1215m`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let single = UNITS
            .iter()
            .find(|(unit, seconds)| self.0.is_multiple_of(*seconds) && (self.0 > 0 || *unit == 's'));
        let single = single.map_or_else(String::new, |(unit, seconds)| format!("{}{unit}", self.0 / seconds));
        let mut rest = self.0;
        let parts = UNITS.iter().filter_map(|(unit, seconds)| {
            let count = rest / seconds;
            rest %= seconds;
            (count > 0).then(|| format!("{count}{unit}"))
        });
        let several: String = parts.collect();
        let is_long = single.len() > "99m".len() && !single.ends_with(['d', 's']);
        f.write_str(if !several.is_empty() && (is_long || several.len() < single.len()) {
            &several
        } else {
            &single
        })
    }
}

impl TextForm for Seconds {
    const NAME: &'static str = "Duration";
    const EXPECTS: &'static str = "a duration";
    const EXAMPLE: &'static str = "5m";
    const PATTERN: &'static str = "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";
    const DESCRIPTION: &'static str =
        "A duration in whole days, hours, minutes and seconds, largest first: 30s, 5m, 12h, 7d, 1h30m.";
}
through_text!(Seconds);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_and_written_shortest() {
        for (text, seconds, shortest) in [
            ("0s", 0, "0s"),
            ("0d", 0, "0s"),
            ("30s", 30, "30s"),
            ("5m", 300, "5m"),
            ("90s", 90, "90s"),
            ("1m30s", 90, "90s"),
            ("1h30m", 5_400, "90m"),
            ("12h", 43_200, "12h"),
            ("24h", 86_400, "1d"),
            ("7d", 604_800, "7d"),
            ("1d4h", 100_800, "28h"),
            // 86401s is longer
            ("1d1s", 86_401, "1d1s"),
            ("100000s", 100_000, "100000s"),
            ("99m", 5_940, "99m"),
            ("100m", 6_000, "1h40m"),
            ("1215m", 72_900, "20h15m"),
            ("121h", 435_600, "5d1h"),
        ] {
            let duration: Seconds = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(duration.get(), seconds, "{text}");
            assert_eq!(duration.to_string(), shortest, "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        for text in [
            "", "s", "1.5h", "-5m", "5 m", "30m1h", "1h1h", "500ms", "1w", "5m ", "5mé", "五m", "1h30",
        ] {
            assert_eq!(
                text.parse::<Seconds>(),
                Err(DurationError::Grammar(text.to_owned())),
                "{text}"
            );
        }
        assert_eq!("90".parse::<Seconds>(), Err(DurationError::NoUnit("90".to_owned())));
        for text in ["18446744073709551616s", "99999999999999999d"] {
            assert_eq!(
                text.parse::<Seconds>(),
                Err(DurationError::TooLong(text.to_owned())),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn display_reads_back(seconds: u64) {
            let duration = Seconds::new(seconds);
            prop_assert_eq!(duration.to_string().parse::<Seconds>().unwrap(), duration);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9dhms. -]{0,30}") {
            let _ = text.parse::<Seconds>();
        }
    }
}
