//! Counts per UTC day: restarts, OOM kills.
//!
//! The exact form keeps, per series and day, the least and the greatest reading of the counter: minima and maxima of
//! parts combine in any order, and the increase from day to day follows from them once all parts are together.

use super::calendar::Day;
use super::huffman::{packed, unpacked};
use super::pack::{PayloadError, Unpacker, put_difference, put_varint};
use super::sketch::integer;
use std::collections::BTreeMap;

/// Readings of counters, by series and day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    readings: BTreeMap<(u64, i64), (u64, u64)>,
}

impl Counters {
    /// Notes what a series (by its digest) read on a day.
    pub fn note(&mut self, series: u64, day: Day, reading: u64) {
        self.widen((series, day.number()), (reading, reading));
    }

    fn widen(&mut self, key: (u64, i64), (least, most): (u64, u64)) {
        let known = self.readings.entry(key).or_insert((least, most));
        *known = (known.0.min(least), known.1.max(most));
    }

    /// Adds the readings of another part.
    pub fn merge(&mut self, other: &Self) {
        for (&key, &readings) in &other.readings {
            self.widen(key, readings);
        }
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Increases per day. What a counter had before its first reading is not counted; a counter that reads less than
    /// the day before started again from zero.
    pub fn per_day(&self) -> Days {
        let mut days = Days::default();
        let mut before: Option<(u64, u64)> = None;
        for (&(series, day), &(least, most)) in &self.readings {
            let base = before
                .filter(|&(of, _)| of == series)
                .map_or(least, |(_, last)| if last > most { 0 } else { last });
            if most > base
                && let Some(day) = Day::from_number(day)
            {
                *days.0.entry(day).or_insert(0) += most - base;
            }
            before = Some((series, most));
        }
        days
    }

    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::new();
        let mut previous = (0, 0);
        for (&(series, day), &(least, most)) in &self.readings {
            put_difference(&mut bytes, previous.0, series);
            put_difference(&mut bytes, previous.1, day.cast_unsigned());
            put_varint(&mut bytes, least);
            put_varint(&mut bytes, most - least);
            previous = (series, day.cast_unsigned());
        }
        packed(&bytes)
    }

    pub(crate) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let bytes = unpacked(payload)?;
        let mut unpacker = Unpacker::new(&bytes);
        let mut counters = Self::default();
        let mut previous = (0, 0);
        while !unpacker.is_empty() {
            previous = (unpacker.difference(previous.0)?, unpacker.difference(previous.1)?);
            let (least, above) = (unpacker.varint()?, unpacker.varint()?);
            let key = (previous.0, previous.1.cast_signed());
            let most = least.checked_add(above).filter(|_| Day::from_number(key.1).is_some());
            let most = most.ok_or_else(|| PayloadError::new("holds a reading past 64 bits or past the calendar"))?;
            if counters
                .readings
                .last_key_value()
                .is_some_and(|(&before, _)| before >= key)
            {
                return Err(PayloadError::new("has readings out of order"));
            }
            counters.readings.insert(key, (least, most));
        }
        if counters.is_empty() {
            Err(PayloadError::new("holds no reading"))
        } else {
            Ok(counters)
        }
    }
}

/// Counts by day; days without any are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(BTreeMap<Day, u64>);

impl Days {
    /// Days and their counts, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Day, u64)> {
        self.0.iter().map(|(&day, &count)| (day, count))
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All days together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Self) {
        for (&day, &count) in &other.0 {
            *self.0.entry(day).or_insert(0) += count;
        }
    }

    /// `2026-11-16:3 2026-11-20:1`.
    pub(crate) fn encode(&self) -> String {
        self.0
            .iter()
            .map(|(day, count)| format!("{day}:{count}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(crate) fn decode(payload: &str) -> Result<Self, PayloadError> {
        let mut days = Self::default();
        for field in payload.split(' ') {
            let (day, count) = field.split_once(':').unwrap_or((field, ""));
            let day = Day::parse(day).ok_or_else(|| PayloadError::new(format!("has `{day}`, which is no day")))?;
            let count: u64 = integer(count, "count")?;
            if count == 0 || days.0.last_key_value().is_some_and(|(&before, _)| before >= day) {
                return Err(PayloadError::new(format!("has `{field}` out of order or empty")));
            }
            days.0.insert(day, count);
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn increases_are_counted_on_the_day_they_show() {
        let mut counters = Counters::default();
        // pod 1 starts at 2 (unknown past), is at 3 that evening, 5 the next day, then restarts from 0 and reaches 1
        for (date, reading) in [
            ("2026-11-16", 2),
            ("2026-11-16", 3),
            ("2026-11-17", 5),
            ("2026-11-19", 1),
        ] {
            counters.note(1, day(date), reading);
        }
        counters.note(2, day("2026-11-17"), 0);
        counters.note(2, day("2026-11-17"), 1);
        assert_eq!(counters.per_day().encode(), "2026-11-16:1 2026-11-17:3 2026-11-19:1");
    }

    #[test]
    fn parts_of_counters_merge_in_any_order() {
        let readings = [
            (1, "2026-11-16", 2),
            (1, "2026-11-17", 4),
            (9, "2026-11-17", 4),
            (1, "2026-11-16", 3),
        ];
        let of = |part: &[(u64, &str, u64)]| {
            let mut counters = Counters::default();
            for &(series, date, reading) in part {
                counters.note(series, day(date), reading);
            }
            counters
        };
        let (mut one, mut other) = (of(&readings[..2]), of(&readings[2..]));
        other.merge(&one.clone());
        one.merge(&of(&readings[2..]));
        assert_eq!(one, other);
        assert_eq!(one, of(&readings));
        assert_eq!(Counters::decode(&one.encode()), Ok(one));
    }

    #[test]
    fn days_read_back_strictly() {
        for bad in [
            "",
            "2026-11-16",
            "2026-11-16:0",
            "2026-11-17:1 2026-11-16:1",
            "2026-11-16:1  2026-11-17:1",
            "2026-02-30:1",
        ] {
            assert!(Days::decode(bad).is_err(), "{bad}");
        }
        assert_eq!(Days::decode("2026-11-16:3 2026-11-20:1").unwrap().total(), 4);
    }
}
