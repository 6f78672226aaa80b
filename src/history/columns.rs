//! Series as VictoriaMetrics' `/api/v1/export` gives them: `values` and `timestamps` in arrays of their own, in either
//! order, numbers bare, times in milliseconds, `null` for NaN.

use super::json::{JsonError, JsonReader};
use super::number::{Reading, amount};
use super::scan;
use super::time::{TimeError, from_number};

/// The two arrays of one series while it is read.
#[derive(Default)]
pub(super) struct Columns {
    readings: Vec<Reading>,
    times: Option<Vec<Option<i64>>>,
}

impl Columns {
    /// Takes one bare value, and those before it that are in the usual form.
    pub(super) fn value(&mut self, reader: &mut JsonReader<'_>, digits: u32) -> Result<(), JsonError> {
        let (block, at) = reader.block();
        let length = scan::values(block, at, digits, &mut self.readings);
        reader.advance(length);
        let reading = value(reader, digits)?.ok_or_else(|| reader.error("a sample's value is no number"))?;
        self.readings.push(reading);
        Ok(())
    }

    /// Whether no bare value came yet.
    pub(super) fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Takes the array of times; one before 2000 or after 2100 is `None`.
    pub(super) fn times(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        let mut times = Vec::with_capacity(self.readings.len());
        reader.array(|reader| {
            let length = scan::times(reader.ahead(), &mut times);
            reader.advance(length);
            times.push(match from_number(reader.number()?) {
                Ok((at_ms, _)) => Some(at_ms),
                Err(TimeError::Range) => None,
                Err(TimeError::Form) => return Err(reader.error("a sample's time is no number")),
            });
            Ok(())
        })?;
        self.times = Some(times);
        Ok(())
    }

    /// The samples, once both arrays are there.
    pub(super) fn join(self, reader: &JsonReader<'_>) -> Result<Vec<(Option<i64>, Reading)>, JsonError> {
        let Self { readings, times } = self;
        if readings.is_empty() {
            return Ok(Vec::new());
        }
        let times =
            times.ok_or_else(|| reader.error("`values` hold bare numbers, and no `timestamps` stand beside"))?;
        if times.len() != readings.len() {
            let (values, times) = (readings.len(), times.len());
            return Err(reader.error(format!("a series has {values} values and {times} timestamps")));
        }
        Ok(times.into_iter().zip(readings).collect())
    }
}

/// A value in quotes, bare, or `null`; `None` when it is no number.
pub(super) fn value(reader: &mut JsonReader<'_>, digits: u32) -> Result<Option<Reading>, JsonError> {
    Ok(match reader.peek()? {
        Some(b'"') => amount(reader.string(400)?.as_bytes(), digits),
        Some(b'n') if reader.null()? => Some(Reading::Absent),
        _ => amount(reader.number()?.as_bytes(), digits),
    })
}
