//! Series as hosted stores give them: each value stands for an interval and is stamped with the interval's start, in any
//! order. A profile's values are stamped with the end, so these move by one interval; and that peaks inside an interval are
//! not seen is told, and stands in the profile where intervals are long.

use super::json::{JsonError, JsonReader};
use super::matrix::json_note;
use super::names;
use super::note::{Note, Tally};
use super::number::amount;
use super::samples::{LABELS_MAX, Labels, Refused, Sample, describe, usable};
use super::signal::{Metric, Signal, by_file_name};
use super::unit::Unit;
use super::{Input, Read};
use crate::diag::code;
use crate::units::Seconds;

/// Intervals up to this length are as fine as the usual rate over five minutes.
pub const FINE_MS: u64 = 300_000;

/// One such series.
#[derive(Debug, Default)]
pub(super) struct Rolled {
    /// What it is of, in our labels.
    pub labels: Labels,
    /// Starts of intervals in milliseconds, and values as they are written; empty where there is none.
    pub points: Vec<(i64, String)>,
    /// Length of the intervals as the answer states it, in seconds or milliseconds: stores differ, and over time.
    pub interval: Option<u64>,
    /// What its numbers are in, as the answer states it.
    pub unit: Option<String>,
    /// The statistic of an interval that a value is; an average where nothing is said.
    pub statistic: Option<String>,
    /// Where it stands in the file.
    pub row: u64,
}

impl Rolled {
    /// Length of the intervals: as stated if that fits the points, else the least distance between two of them.
    fn interval_ms(&self) -> u64 {
        let distances = self.points.windows(2).map(|pair| pair[1].0.abs_diff(pair[0].0));
        let least = distances.filter(|&distance| distance > 0).min();
        let stated = self.interval.unwrap_or(0);
        let fits = |&length: &u64| length > 0 && least.is_none_or(|least| least % length == 0);
        [stated.saturating_mul(1000), stated]
            .into_iter()
            .find(fits)
            .or(least)
            .unwrap_or(0)
    }
}

/// All series of one file.
pub(super) struct Rolling<'i> {
    input: &'i Input<'i>,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
    /// Intervals, the shortest and the longest, and a statistic of them.
    intervals: Option<(u64, u64, String)>,
}

impl<'i> Rolling<'i> {
    /// Nothing yet of a file.
    pub(super) fn new(input: &'i Input<'i>) -> Self {
        Self {
            input,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
            intervals: None,
        }
    }

    /// Reads a file whose `answers` give the series.
    pub(super) fn read(
        input: &'i Input<'i>,
        text: &mut dyn std::io::Read,
        answers: impl FnOnce(&mut JsonReader<'_>, &mut Self) -> Result<(), JsonError>,
    ) -> Result<Read, Vec<Note>> {
        let mut all = Self::new(input);
        answers(&mut JsonReader::new(text), &mut all).map_err(|error| vec![json_note(input.name, &error)])?;
        all.finish()
    }

    /// Remembers what makes the file unusable, each once.
    /// Labels that every series gets.
    pub(super) fn constants(&self) -> &Labels {
        &self.input.constants
    }

    pub(super) fn fault(&mut self, note: Note) {
        self.read.fault(self.input, note);
    }

    /// Takes a warning.
    pub(super) fn warn(&mut self, note: Note) {
        self.read.notes.push(note.in_file(self.input.name));
    }

    pub(super) fn add(&mut self, mut series: Rolled) {
        let labels = self.input.with_constants(&series.labels).into_owned();
        let name = labels.get("__name__").unwrap_or_default().to_owned();
        let known = names::metric_of(&name);
        let metric = known.map(|(metric, _)| metric).or(self.by_file);
        let slot = match self.read.samples.slot(&labels, &self.input.expected, metric) {
            Ok(slot) => slot,
            Err(Refused::Useless(reason)) => return self.read.samples.leave_out(reason),
            Err(Refused::Fault(note)) => return self.fault(note.at_row(series.row)),
        };
        let signal = self.read.samples.signal(slot);
        let is_of_pod = labels.get("pod").is_some();
        if signal.is_of_container() && !is_of_pod {
            let message = format!("a series of `{signal}` is of no single pod: the store has mixed pods in each value");
            let help = "neither pods nor their total can be told from that: group the query by pod";
            return self.fault(Note::error(code::POD_MISSING, message).help(help).at_row(series.row));
        }
        let unit = match self.unit(signal, series.unit.as_deref(), known.and_then(|(_, unit)| unit)) {
            Ok(unit) => unit,
            Err(note) => return self.fault(note.at_row(series.row)),
        };
        series.points.sort_unstable();
        let interval = series.interval_ms();
        if self.note_interval(interval, series.statistic.as_deref()) {
            let seconds = u32::try_from(interval / 1000).unwrap_or(u32::MAX);
            self.read.samples.mark_averages(slot, seconds);
        }
        let mut samples = Vec::with_capacity(series.points.len());
        for (start_ms, text) in &series.points {
            let reading = match unit {
                Some(unit) => unit.amount(text.as_bytes()),
                None => amount(text.as_bytes(), signal.digits()),
            };
            let at_ms = start_ms.saturating_add_unsigned(interval);
            match usable(reading) {
                Ok(value) => {
                    self.read.extent.note(at_ms, series.row);
                    samples.push(Sample { at_ms, value });
                }
                Err(code) => self.tally.add(code, series.row, || format!("`{text}` of `{name}`")),
            }
        }
        self.read.samples.extend(slot, &samples);
    }

    /// The unit of a series' numbers: declared, else as the answer states it, else the metric's.
    fn unit(&self, signal: Signal, stated: Option<&str>, known: Option<Unit>) -> Result<Option<Unit>, Note> {
        let declared = self.input.units.iter().find(|unit| unit.fits(signal));
        if let Some(unit) = declared {
            return Ok(Some(*unit));
        }
        let Some(stated) = stated.filter(|_| Unit::has_units(signal)) else {
            return Ok(known);
        };
        let unit = Unit::spelled(stated).filter(|unit| unit.fits(signal));
        unit.map(Some).ok_or_else(|| {
            let message = format!("the answer gives `{signal}` in `{stated}`, which can't be turned into it");
            let help = "query a metric of amounts, not of shares; or say --unit if the answer is wrong";
            Note::error(code::UNIT_UNDECLARED, message).help(help)
        })
    }

    /// Takes an interval; tells whether values hide what happened within.
    fn note_interval(&mut self, interval: u64, statistic: Option<&str>) -> bool {
        let statistic = statistic.unwrap_or("average").to_ascii_lowercase();
        // the greatest of an interval hides no peak
        if interval == 0 || statistic.starts_with("max") {
            return false;
        }
        let known = self.intervals.get_or_insert((interval, interval, statistic));
        (known.0, known.1) = (known.0.min(interval), known.1.max(interval));
        interval > FINE_MS
    }

    /// The last note, and what was read.
    pub(super) fn finish(mut self) -> Result<Read, Vec<Note>> {
        if let Some((least, most, statistic)) = self.intervals.take() {
            let length = |ms: u64| Seconds::new(ms / 1000).to_string();
            let lengths = if least == most {
                length(most)
            } else {
                format!("{} to {}", length(least), length(most))
            };
            let message = format!(
                "each value is the {statistic} over {lengths}: quantiles are of those, and peaks within them are not seen"
            );
            let note = if most > FINE_MS {
                Note::warning(code::VALUES_ROLLED_UP, message)
                    .help("a plan takes these for a lower bound and lowers nothing by them; query shorter spans for finer values; for memory, the maximum instead of the average")
            } else {
                Note::info(code::VALUES_ROLLED_UP, message)
            };
            self.warn(note);
        }
        self.read.notes.extend(self.tally.into_notes(self.input.name, describe));
        self.read.finish(self.input)
    }
}

/// A text, or nothing for `null`.
pub(super) fn text(reader: &mut JsonReader<'_>) -> Result<String, JsonError> {
    if reader.peek()? == Some(b'"') {
        return Ok(reader.string(LABELS_MAX)?.to_owned());
    }
    reader.skip().map(|()| String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_stated_in_either_unit_or_told_by_the_points() {
        let of = |starts: &[i64], interval: Option<u64>| {
            let points = starts.iter().map(|start| (start * 1000, String::new())).collect();
            let series = Rolled {
                points,
                interval,
                ..Rolled::default()
            };
            series.interval_ms()
        };
        for (starts, stated, ms) in [
            (&[0, 300, 900][..], Some(300), 300_000),
            (&[0, 300, 900], Some(300_000), 300_000),
            (&[0, 900], Some(300), 300_000),
            (&[0, 300, 900], None, 300_000),
            (&[0, 300], Some(7), 300_000),
            (&[5], Some(60), 60_000),
            (&[5], None, 0),
        ] {
            assert_eq!(of(starts, stated), ms, "{starts:?} {stated:?}");
        }
    }
}
