//! What VictoriaMetrics counted in ranges of its own (`histogram_over_time`): the answer of an instant query whose series have
//! the label `vmrange`.
//!
//! A store that counts sends a hundredth of what its samples are. The ranges are wide (18 a decade, each 1.136 times the one
//! before), tell no time and no totals: history of a coarse kind, as that of the Vertical Pod Autoscaler, and kept apart from
//! samples as that is.
//!
//! The answer's time is the end of what was counted. How long that was nothing in it tells, so the query says it in a label
//! `window`.

use super::clean::SeriesName;
use super::json::{JsonError, JsonReader};
use super::matrix::{json_note, labels};
use super::note::{Note, Tally};
use super::pairs::{Pair, pair};
use super::samples::{LABELS_MAX, Labels, Refused, SeriesKey, describe, usable};
use super::signal::{Meaning, Metric, Signal, by_file_name};
use super::{Format, Input, Read, has};
use crate::diag::code;
use crate::units::Seconds;
use std::collections::BTreeMap;

/// The greatest amount, as in samples.
const MOST: u128 = 1 << 60;
/// Nothing was recorded before 2000, as in samples.
const EARLIEST_S: i64 = 946_684_800;

/// A stretch of time in which samples were counted, Unix seconds: behind its start, up to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// Where it begins.
    pub from_s: i64,
    /// Where it ends.
    pub to_s: i64,
}

/// Samples by the greatest amount that their range stands for, in nano-cores or bytes.
pub type Counts = BTreeMap<u64, u64>;

/// All that a file counts, by series and stretch.
pub type Ranges = BTreeMap<SeriesName, BTreeMap<Stretch, Counts>>;

/// Answers with counts in ranges.
pub struct VmRange;

impl Format for VmRange {
    fn id(&self) -> &'static str {
        "vmrange"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // exports have series with that label too, of histograms that some program exposes
        has(head, "\"vmrange\"") && has(head, "\"resultType\"")
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let mut answer = Answer {
            input,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
        };
        let mut reader = JsonReader::new(text);
        answer
            .documents(&mut reader)
            .map_err(|error| vec![json_note(input.name, &error)])?;
        answer.finish()
    }
}

struct Answer<'i> {
    input: &'i Input<'i>,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
}

impl Answer<'_> {
    fn documents(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        while reader.peek()?.is_some() {
            self.document(reader)?;
        }
        Ok(())
    }

    /// A whole answer, or its `data`.
    fn document(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        reader.object(|reader, key| match key {
            "data" => self.document(reader),
            "error" => {
                let note = Note::query_failed(&format!(": {}", reader.string(LABELS_MAX)?));
                self.read.fault(self.input, note);
                Ok(())
            }
            "resultType" => {
                let kind = reader.string(LABELS_MAX)?;
                if kind != "vector" {
                    let message =
                        format!("counts in ranges (`vmrange`) are read from an instant query, and this is a {kind}");
                    let note = Note::error(code::RANGES_UNUSABLE, message)
                        .help("ask /api/v1/query, once for each stretch of time");
                    self.read.fault(self.input, note);
                }
                Ok(())
            }
            "result" => reader.array(|reader| self.series(reader)),
            _ => reader.skip(),
        })
    }

    fn series(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        let (mut of, mut value) = (Labels::default(), None);
        let row = reader.line();
        reader.object(|reader, key| {
            match key {
                "metric" => of = labels(reader)?,
                "value" => value = Some(pair(reader, 0)?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let Some(value) = value else { return Ok(()) };
        let of = self.input.with_constants(&of).into_owned();
        match self.count(&of, &value, row) {
            Ok(()) => {}
            Err(Refused::Useless(reason)) => self.read.samples.leave_out(reason),
            Err(Refused::Fault(note)) => self.read.fault(self.input, note.at_row(row)),
        }
        Ok(())
    }

    fn count(&mut self, labels: &Labels, value: &Pair, row: u64) -> Result<(), Refused> {
        let key = self.key(labels)?;
        let stretch = stretch(labels, value)?;
        let counted = match (end_of_series(labels, key.metric.signal)?, usable(value.reading)) {
            (_, Ok(0)) => return Ok(()),
            (Some(end), Ok(count)) => Ok((end, count)),
            (None, Ok(_)) => Err(code::VALUE_TOO_LARGE),
            (_, Err(code::VALUE_MALFORMED)) => {
                let note = Note::error(code::VALUE_MALFORMED, "a count is no number");
                return Err(Refused::Fault(Box::new(note)));
            }
            (_, Err(code)) => Err(code),
        };
        let (end, count) = match counted {
            Ok(counted) => counted,
            Err(code) => {
                let range = || labels.get("vmrange").unwrap_or_default().to_owned();
                self.tally.add(code, row, range);
                return Ok(());
            }
        };
        for at_s in [stretch.from_s, stretch.to_s] {
            self.read.extent.note(at_s * 1000, row);
        }
        let words = key.words();
        let counts = self.read.ranges.entry(SeriesName::from(key)).or_default();
        if counts.entry(stretch).or_default().insert(end, count).is_none() {
            return Ok(());
        }
        let what = format!("{words} is counted twice in one range: series differ in a label that tells no container");
        Err(unusable(what, SUM))
    }

    /// Whose and what of it is counted.
    fn key(&mut self, labels: &Labels) -> Result<SeriesKey, Refused> {
        let (key, _) = self.read.samples.key(labels, &self.input.expected, self.by_file)?;
        self.read.note_signal(self.input, labels, self.by_file);
        let signal = key.metric.signal;
        if !matches!(signal, Signal::Cpu | Signal::Memory) {
            let what = format!("counts of `{signal}` in ranges are of no use: only those of cpu and memory are read");
            return Err(unusable(what, "take the file out"));
        }
        if key.metric.meaning != Meaning::Gauge {
            let what = format!("counts values of a counter of `{signal}`, not of its rate");
            return Err(unusable(
                what,
                "count the rate: histogram_over_time(rate(…[5m])[1d:5m])",
            ));
        }
        Ok(key)
    }

    fn finish(mut self) -> Result<Read, Vec<Note>> {
        self.read.notes.extend(self.tally.into_notes(self.input.name, describe));
        self.read.finish(self.input)
    }
}

const SUM: &str = "sum by (namespace, pod, container, vmrange), and nothing else";

fn unusable(what: impl Into<String>, help: &str) -> Refused {
    Refused::Fault(Box::new(Note::error(code::RANGES_UNUSABLE, what).help(help)))
}

/// When the samples of an answer were, by its time and the label `window`.
fn stretch(labels: &Labels, value: &Pair) -> Result<Stretch, Refused> {
    let Ok((at_ms, _)) = value.time else {
        let message = "the answer's time is no time between 2000 and 2100";
        return Err(Refused::Fault(Box::new(Note::error(code::TIME_MALFORMED, message))));
    };
    let to_s = at_ms.div_euclid(1000);
    let Some(window) = labels.get("window") else {
        let help =
            "give `--label window=14d` as the query has it, or say it in the query: label_set(…, \"window\", \"14d\")";
        return Err(unusable("nothing tells how long a time is counted here", help));
    };
    let length = window.parse::<Seconds>().ok().map(Seconds::get);
    let length = length
        .and_then(|length| i64::try_from(length).ok())
        .filter(|length| *length > 0);
    let from_s = length
        .map(|length| to_s.saturating_sub(length))
        .filter(|from_s| *from_s > EARLIEST_S);
    let from_s = from_s.ok_or_else(|| {
        let what = format!("`{window}` in the label `window` is no length of time");
        unusable(what, "write `14d` or `12h`")
    })?;
    Ok(Stretch { from_s, to_s })
}

/// The end of the range that a series counts.
fn end_of_series(labels: &Labels, signal: Signal) -> Result<Option<u64>, Refused> {
    let range = labels.get("vmrange").unwrap_or_default();
    end_of(range, signal.digits()).map_err(|()| unusable(format!("`{range}` in the label `vmrange` is no range"), SUM))
}

/// The greatest amount that a range stands for (`1.136e-04...1.292e-04`), in the integer unit of its signal. `None` of the
/// last one, which is open, and of what is beyond any cluster; an error of what is no range.
///
/// Ends are written with four digits, rounded. The true one may lie half a digit above, and so is taken there.
fn end_of(range: &str, digits: u32) -> Result<Option<u64>, ()> {
    let (_, end) = range.split_once("...").ok_or(())?;
    if end == "+Inf" {
        return Ok(None);
    }
    let (mantissa, exponent) = end.split_once('e').unwrap_or((end, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let exponent: i32 = exponent.parse().map_err(|_| ())?;
    if !(1..=9).contains(&all.len()) || !all.bytes().all(|byte| byte.is_ascii_digit()) || exponent.abs() > 40 {
        return Err(());
    }
    let value: u128 = all.parse().map_err(|_| ())?;
    if value == 0 {
        return Ok(Some(0));
    }
    // half a digit more, so one digit more
    let value = value * 10 + 5;
    let places = i32::try_from(fraction.len()).map_err(|_| ())? + 1;
    let power = exponent - places + i32::try_from(digits).map_err(|_| ())?;
    let ten = 10_u128.checked_pow(power.unsigned_abs());
    let units = if power >= 0 {
        ten.and_then(|ten| value.checked_mul(ten))
    } else {
        Some(ten.map_or(1, |ten| value.div_ceil(ten)))
    };
    let units = units.filter(|units| *units <= MOST);
    Ok(units.and_then(|units| u64::try_from(units).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stands_for_the_most_that_its_rounded_end_can_mean() {
        for (range, digits, expected) in [
            // 1.292e-4 cores may be 1.2925e-4: 129250 nano-cores
            ("1.136e-04...1.292e-04", 9, Ok(Some(129_250))),
            ("8.799e-01...1.000e+00", 9, Ok(Some(1_000_500_000))),
            ("0...1.000e-09", 9, Ok(Some(2))),
            ("0...0", 9, Ok(Some(0))),
            ("5.275e+07...5.995e+07", 0, Ok(Some(59_955_000))),
            ("1.000e+00...1.136e+00", 0, Ok(Some(2))),
            ("1.000e+18...+Inf", 0, Ok(None)),
            ("8.799e+17...1.000e+18", 9, Ok(None)),
            ("1.000e+00", 9, Err(())),
            ("1.000e+00...x", 9, Err(())),
            ("1.000e+00...", 9, Err(())),
            ("1...-1", 9, Err(())),
            ("1...1e+999", 9, Err(())),
        ] {
            assert_eq!(end_of(range, digits), expected, "{range}");
        }
    }

    /// Ranges as the store makes them: 18 a decade. No amount lies above what its range stands for, and none far below.
    #[test]
    fn no_range_ends_below_its_amounts() {
        for step in 0..18 * 9 {
            let edge = |step: i32| 10_f64.powf(f64::from(step) / 18.0 - 6.0);
            let (start, end) = (edge(step), edge(step + 1));
            let text = |value: f64| {
                let text = format!("{value:.3e}");
                let (mantissa, exponent) = text.split_once('e').unwrap();
                let exponent: i32 = exponent.parse().unwrap();
                format!(
                    "{mantissa}e{}{:02}",
                    if exponent < 0 { '-' } else { '+' },
                    exponent.abs()
                )
            };
            let range = format!("{}...{}", text(start), text(end));
            let found = end_of(&range, 9).unwrap().unwrap();
            #[expect(clippy::cast_precision_loss, reason = "a thousandth is what is asked")]
            let found = found as f64;
            let end = end * 1e9;
            assert!(found >= end && found <= end * 1.001 + 1.0, "{range}: {found}");
        }
    }
}
