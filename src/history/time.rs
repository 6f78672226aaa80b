//! Times in exports: Unix seconds to nanoseconds, and the texts people's tools print. All are UTC unless they say not.

/// Earliest and latest instants taken, in milliseconds: 2000-01-01 and 2100-01-01. What lies outside is damage.
const EARLIEST_MS: i64 = 946_684_800_000;
const LATEST_MS: i64 = 4_102_444_800_000;

/// The unit that a bare number turned out to be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// Seconds, perhaps with a fraction.
    Seconds,
    /// Milliseconds, microseconds or nanoseconds.
    Finer,
}

/// Why a text is no usable time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// It is in no form that is known.
    Form,
    /// It is a time before 2000 or after 2100.
    Range,
}

/// A bare number as an instant in milliseconds. The unit follows from its size: seconds stay below 10^11 until the
/// year 5138, milliseconds below 10^14 as long.
pub fn from_number(text: &str) -> Result<(i64, Epoch), TimeError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return exponent(text);
    }
    let whole: i64 = whole.parse().map_err(|_| TimeError::Range)?;
    let (ms, epoch) = match whole {
        0..100_000_000_000 => {
            let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
            (
                whole * 1000 + digits.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')),
                Epoch::Seconds,
            )
        }
        100_000_000_000..100_000_000_000_000 => (whole, Epoch::Finer),
        100_000_000_000_000..100_000_000_000_000_000 => (whole / 1_000, Epoch::Finer),
        _ => (whole / 1_000_000, Epoch::Finer),
    };
    in_range(ms).map(|ms| (ms, epoch))
}

fn exponent(text: &str) -> Result<(i64, Epoch), TimeError> {
    match super::number::amount(text.as_bytes(), 3) {
        Some(super::number::Reading::Value(ms)) => {
            let ms = i64::try_from(ms).map_err(|_| TimeError::Range)?;
            if ms < 100_000_000_000_000 {
                in_range(ms).map(|ms| (ms, Epoch::Seconds))
            } else {
                from_number(&(ms / 1000).to_string())
            }
        }
        Some(_) => Err(TimeError::Range),
        None => Err(TimeError::Form),
    }
}

fn in_range(ms: i64) -> Result<i64, TimeError> {
    if (EARLIEST_MS..LATEST_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err(TimeError::Range)
    }
}

/// A written time as an instant in milliseconds: RFC 3339, ISO without a zone (UTC), `2023-03-15 13:00:01 +0000 UTC`
/// with or without Go's `m=+60.1`, and `Wed Mar 15 09:27:43 UTC 2023`.
pub fn from_text(text: &str) -> Result<i64, TimeError> {
    let text = text.trim();
    iso(text)
        .or_else(|| unix_date(text))
        .ok_or(TimeError::Form)
        .and_then(in_range)
}

fn iso(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let date: jiff::civil::Date = date.parse().ok()?;
    let end = rest
        .find(|char: char| !char.is_ascii_digit() && char != ':' && char != '.')
        .unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let clock: jiff::civil::Time = clock.parse().ok()?;
    let offset_s = offset(zone.split(" m=").next()?.trim())?;
    let utc = date.to_datetime(clock).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(utc.timestamp().as_millisecond() - offset_s * 1000)
}

/// `Z`, `UTC`, `+01:00`, `+0100`, `+01` (as Postgres and DuckDB write it), `+0000 UTC` or nothing.
fn offset(zone: &str) -> Option<i64> {
    let zone = zone.strip_suffix("UTC").map_or(zone, str::trim_end);
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.split(':').collect();
    let number: i64 = digits.parse().ok()?;
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn unix_date(text: &str) -> Option<i64> {
    let broken = jiff::fmt::strtime::parse("%a %b %e %H:%M:%S %Y", text.replace(" UTC ", " ").as_bytes()).ok();
    let datetime = broken.filter(|_| text.contains(" UTC "))?.to_datetime().ok()?;
    Some(
        datetime
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_in_the_unit_of_their_size() {
        let ms = 1_660_000_000_123;
        for (text, expected) in [
            ("1660000000.123", Ok((ms, Epoch::Seconds))),
            ("1660000000.1239", Ok((ms, Epoch::Seconds))),
            ("1660000000", Ok((1_660_000_000_000, Epoch::Seconds))),
            ("1.660000000e9", Ok((1_660_000_000_000, Epoch::Seconds))),
            ("1660000000123", Ok((ms, Epoch::Finer))),
            ("1660000000123456", Ok((ms, Epoch::Finer))),
            ("1660000000123456789", Ok((ms, Epoch::Finer))),
            ("0", Err(TimeError::Range)),
            ("4102444800", Err(TimeError::Range)),
            ("-5", Err(TimeError::Range)),
            ("soon", Err(TimeError::Form)),
        ] {
            assert_eq!(from_number(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_of_the_usual_tools_are_read() {
        // 2023-03-15T13:00:01Z = 1678885201 (date -u -d ... +%s)
        let instant = 1_678_885_201_000;
        for text in [
            "2023-03-15T13:00:01Z",
            "2023-03-15T14:00:01+01:00",
            "2023-03-15 13:00:01",
            "2023-03-15 13:00:01+00",
            "2023-03-15 15:00:01+02",
            "2023-03-15 13:00:01 +0000 UTC",
            "2023-03-15 13:00:01.000000000 +0000 UTC m=+60.113112869",
            "Wed Mar 15 13:00:01 UTC 2023",
        ] {
            assert_eq!(from_text(text), Ok(instant), "{text}");
        }
        assert_eq!(from_text("2023-03-15T13:00:01.25Z"), Ok(instant + 250));
        assert_eq!(from_text("2023-03-15"), Ok(1_678_838_400_000));
        assert_eq!(from_text("1999-12-31T00:00:00Z"), Err(TimeError::Range));
        for text in [
            "",
            "2023-13-15 13:00:01",
            "15/03/2023 13:00",
            "2023-03-15 13:00:01 CET",
            "Wed Mar 15 13:00:01 CET 2023",
        ] {
            assert_eq!(from_text(text), Err(TimeError::Form), "{text}");
        }
    }
}
