//! The time a run asks for: closed, so that asking again gives the same answers.

use crate::units::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// What is written an hour late (agents that were cut off, remote writes) is rare; minutes late is common.
const LAG: Seconds = Seconds::from_minutes(10);
/// Ends of windows and of what is asked hourly lie on it.
const HOUR: Seconds = Seconds::from_hours(1);

/// The instants `start + step`, `start + 2 step`, …, `end`: each is the value of the step before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Before the first value.
    pub start: Timestamp,
    /// The last value.
    pub end: Timestamp,
    /// Distance of the values; divides an hour.
    pub step: Seconds,
}

/// Why a window can't be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Its length.
    #[error("a window of {0} is no number of whole hours; write one such as `14d` or `36h`")]
    Length(Seconds),
    /// Its end.
    #[error("a window that ends at {0} does not end on a full hour; write one such as `{1}`")]
    End(Timestamp, Timestamp),
    /// Its end, against the clock.
    #[error("a window that ends at {0} is not closed yet: it can be asked for from {1} on")]
    Open(Timestamp, Timestamp),
    /// Before all time.
    #[error("a window of {0} is too long")]
    TooLong(Seconds),
}

impl Window {
    /// So long a window that ends at `end`, or at the last full hour for which all samples have come.
    pub fn closed(length: Seconds, end: Option<Timestamp>, step: Seconds, now: Timestamp) -> Result<Self, WindowError> {
        if length < HOUR || !length.get().is_multiple_of(HOUR.get()) {
            return Err(WindowError::Length(length));
        }
        let too_long = || WindowError::TooLong(length);
        let settled = now.checked_sub(LAG).ok_or_else(too_long)?;
        let end = match end {
            None => full_hour(settled),
            Some(end) if end != full_hour(end) => return Err(WindowError::End(end, full_hour(end))),
            Some(end) if end > settled => {
                return Err(WindowError::Open(end, end.checked_add(LAG).ok_or_else(too_long)?));
            }
            Some(end) => end,
        };
        let start = end.checked_sub(length).ok_or_else(too_long)?;
        Ok(Self { start, end, step })
    }

    /// How long it is.
    pub fn length(&self) -> Seconds {
        self.end.since(self.start).unwrap_or_default()
    }

    /// The whole of it.
    pub fn span(&self) -> Span {
        Span {
            from: self.start,
            to: self.end,
        }
    }
}

fn full_hour(at: Timestamp) -> Timestamp {
    let hour = HOUR.get().cast_signed();
    Timestamp::from_unix(at.unix().div_euclid(hour) * hour).unwrap_or(at)
}

/// A part of a window: the values after `from`, up to and including `to`. Parts that touch share none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Exclusive.
    pub from: Timestamp,
    /// Inclusive.
    pub to: Timestamp,
}

impl Span {
    /// How long it is.
    pub fn length(&self) -> Seconds {
        self.to.since(self.from).unwrap_or_default()
    }

    /// Values of one series in it.
    pub fn points(&self, step: Seconds) -> u64 {
        self.length().get() / step.get().max(1)
    }

    /// Parts of at most `length`, which is cut down to whole steps.
    pub fn parts(&self, length: Seconds, step: Seconds) -> Vec<Self> {
        let step_s = step.get().max(1);
        let length = Seconds::new((length.get() / step_s).max(1) * step_s);
        let mut parts = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let to = from.checked_add(length).map_or(self.to, |to| to.min(self.to));
            parts.push(Self { from, to });
            from = to;
        }
        parts
    }

    /// Both halves; `None` for a single step.
    pub fn halves(&self, step: Seconds) -> Option<(Self, Self)> {
        let middle = Seconds::new(self.points(step).div_ceil(2) * step.get());
        let middle = self.from.checked_add(middle).filter(|middle| *middle < self.to)?;
        let first = Self { to: middle, ..*self };
        Some((first, Self { from: middle, ..*self }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const STEP: Seconds = Seconds::from_minutes(5);

    #[test]
    fn the_default_end_is_the_last_full_hour_that_is_settled() {
        for (now, end) in [
            ("2026-11-22T23:09:59Z", "2026-11-22T22:00:00Z"),
            ("2026-11-22T23:10:00Z", "2026-11-22T23:00:00Z"),
            ("2026-11-22T23:59:59Z", "2026-11-22T23:00:00Z"),
        ] {
            let window = Window::closed(Seconds::from_days(14), None, STEP, at(now)).unwrap();
            assert_eq!(window.end, at(end), "{now}");
            assert_eq!(window.length(), Seconds::from_days(14));
        }
    }

    #[test]
    fn a_stated_end_must_be_a_full_hour_that_has_passed() {
        let now = at("2026-11-22T23:05:00Z");
        let closed = |length, end| Window::closed(length, Some(at(end)), STEP, now);
        let day = Seconds::from_days(1);
        assert!(closed(day, "2026-11-22T22:00:00Z").is_ok());
        assert!(matches!(closed(day, "2026-11-22T22:30:00Z"), Err(WindowError::End(..))));
        assert!(matches!(
            closed(day, "2026-11-22T23:00:00Z"),
            Err(WindowError::Open(..))
        ));
        assert!(matches!(
            closed(Seconds::from_minutes(90), "2026-11-22T22:00:00Z"),
            Err(WindowError::Length(_))
        ));
    }

    #[test]
    fn parts_touch_and_lose_no_value() {
        let span = Span {
            from: at("2026-11-01T00:00:00Z"),
            to: at("2026-11-02T01:00:00Z"),
        };
        // 7 h 3 min is cut down to 7 h: 7 + 7 + 7 + 4 = 25
        let parts = span.parts(Seconds::from_minutes(423), STEP);
        assert_eq!(parts.len(), 4);
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!((parts[0].from, parts[3].to), (span.from, span.to));
        assert_eq!(parts.iter().map(|part| part.points(STEP)).sum::<u64>(), 300);
    }

    #[test]
    fn halves_end_at_a_single_step() {
        let span = Span {
            from: at("2026-11-01T00:00:00Z"),
            to: at("2026-11-01T00:15:00Z"),
        };
        let (first, second) = span.halves(STEP).unwrap();
        assert_eq!((first.points(STEP), second.points(STEP)), (2, 1));
        assert_eq!(first.to, second.from);
        assert_eq!(second.halves(STEP), None);
    }
}
