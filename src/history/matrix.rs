//! Prometheus' API: `query_range` answers (a matrix of series), of Prometheus itself, Thanos, Mimir, VictoriaMetrics and
//! what speaks like them. One answer or many in a row, whole or only its `result`; and the lines of VictoriaMetrics'
//! `/api/v1/export`, one such series each.

use super::columns::Columns;
use super::json::{JsonError, JsonReader};
use super::note::{Note, Tally};
use super::pairs::{InFile, Pair, pair, plain_pairs};
use super::samples::{LABELS_MAX, Labels, Refused, Sample, Slot, describe, usable};
use super::scan::Times;
use super::signal::{Metric, by_file_name};
use super::time::{Epoch, TimeError};
use super::{Format, Input, Read};
use crate::diag::{Code, code};

/// Prometheus `query_range` JSON, and VictoriaMetrics' lines.
pub struct Matrix;

impl Format for Matrix {
    fn id(&self) -> &'static str {
        "prometheus-matrix"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let mut answer = Answer::new(input);
        let mut reader = JsonReader::new(text);
        answer
            .documents(&mut reader)
            .map_err(|error| vec![json_note(input.name, &error)])?;
        answer.finish()
    }
}

/// A JSON error as something a user can act on.
pub(super) fn json_note(file: &str, error: &JsonError) -> Note {
    let note = if error.ended {
        Note::error(code::EXPORT_TRUNCATED, format!("{} at byte {}", error.what, error.byte))
            .help("the download was cut short; export it again")
    } else {
        Note::error(code::EXPORT_MALFORMED, format!("{} at byte {}", error.what, error.byte))
            .help("the file is not the JSON that Prometheus or VictoriaMetrics answer; export it again")
    };
    note.in_file(file).at_row(error.line)
}

struct Answer<'i> {
    input: &'i Input<'i>,
    by_file: Option<Metric>,
    read: Read,
    tally: Tally,
    status: Option<String>,
    failure: Vec<String>,
    result_type: Option<String>,
    warned: Vec<String>,
    row: Vec<Sample>,
    times: Times,
}

impl<'i> Answer<'i> {
    fn new(input: &'i Input<'i>) -> Self {
        Self {
            input,
            by_file: by_file_name(input.name),
            read: Read::of(input),
            tally: Tally::default(),
            status: None,
            failure: Vec::new(),
            result_type: None,
            warned: Vec::new(),
            row: Vec::new(),
            times: Times::default(),
        }
    }

    fn documents(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        while let Some(next) = reader.peek()? {
            match next {
                b'[' => reader.array(|reader| self.series(reader))?,
                _ => self.answer(reader)?,
            }
        }
        Ok(())
    }

    /// A whole answer, its `data`, or one series on its own.
    fn answer(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        let mut series = OneSeries::default();
        self.whole(reader, &mut series, |answer, reader, key, series| match key {
            "status" => text_into(reader, &mut answer.status),
            "resultType" => text_into(reader, &mut answer.result_type),
            "error" | "errorType" => reader
                .string(LABELS_MAX)
                .map(|text| answer.failure.push(text.to_owned())),
            "data" => answer.answer(reader),
            "result" if answer.result_type.as_deref().is_some_and(|kind| kind != "matrix") => reader.skip(),
            "result" => reader.array(|reader| answer.series(reader)),
            "warnings" | "infos" => reader.array(|reader| {
                let text = reader.string(LABELS_MAX)?.to_owned();
                answer.warned.push(text);
                Ok(())
            }),
            _ => answer.member(reader, key, series),
        })
    }

    fn series(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        let mut series = OneSeries::default();
        self.whole(reader, &mut series, Self::member)
    }

    /// Reads an object by its members; values and times that came apart are joined at its end.
    fn whole(
        &mut self,
        reader: &mut JsonReader<'_>,
        series: &mut OneSeries,
        mut member: impl FnMut(&mut Self, &mut JsonReader<'_>, &str, &mut OneSeries) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        reader.object(|reader, key| member(self, reader, key, series))?;
        let Some(slot) = series.slot else { return Ok(()) };
        let labels = series.labels.take().unwrap_or_default();
        let row = reader.line();
        self.row.clear();
        for (at_ms, reading) in std::mem::take(&mut series.columns).join(reader)? {
            match (at_ms, usable(Some(reading))) {
                (None, _) => self.tally.add(code::TIME_OUT_OF_RANGE, row, || shown(&labels)),
                (Some(at_ms), Ok(value)) => {
                    self.read.extent.note(at_ms, row);
                    self.row.push(Sample { at_ms, value });
                }
                (Some(at_ms), Err(code)) => self
                    .tally
                    .add(code, row, || format!("{} at {}", shown(&labels), at_ms / 1000)),
            }
        }
        self.read.samples.extend(slot, &self.row);
        Ok(())
    }

    fn member(&mut self, reader: &mut JsonReader<'_>, key: &str, series: &mut OneSeries) -> Result<(), JsonError> {
        match key {
            "metric" => {
                series.labels = Some(labels(reader)?);
                Ok(())
            }
            "values" => self.values(reader, series),
            "timestamps" => series.columns.times(reader),
            "value" => {
                self.result_type = Some("vector".into());
                reader.skip()
            }
            "histogram" | "histograms" => {
                self.fault(
                    code::NATIVE_HISTOGRAM,
                    "holds native histograms, not samples",
                    "query a quantile or a rate of it",
                );
                reader.skip()
            }
            _ => reader.skip(),
        }
    }

    fn values(&mut self, reader: &mut JsonReader<'_>, series: &mut OneSeries) -> Result<(), JsonError> {
        let Some(labels) = &series.labels else {
            return Err(reader.error("`values` stand before the `metric` they belong to"));
        };
        let slot = match self
            .read
            .samples
            .slot(&self.input.with_constants(labels), &self.input.expected, self.by_file)
        {
            Ok(slot) => slot,
            Err(Refused::Useless(reason)) => {
                self.read.samples.leave_out(reason);
                return reader.skip();
            }
            Err(Refused::Fault(note)) => {
                self.read.fault(self.input, *note);
                return reader.skip();
            }
        };
        self.read.note_signal(self.input, labels, self.by_file);
        let digits = self.read.samples.signal(slot).digits();
        if self.pass_over(reader, slot, digits)? {
            return Ok(());
        }
        self.row.clear();
        reader.array(|reader| {
            if series.columns.is_empty() {
                self.plain_pairs(reader, digits);
                if reader.peek()? == Some(b'[') {
                    return self.pair(reader, digits, labels);
                }
            }
            series.columns.value(reader, digits)
        })?;
        self.read.samples.extend(slot, &self.row);
        series.slot = Some(slot);
        Ok(())
    }

    /// Leaves an array of pairs where it is, if its file can be read again.
    fn pass_over(&mut self, reader: &mut JsonReader<'_>, slot: Slot, digits: u32) -> Result<bool, JsonError> {
        let Some(file) = &self.input.again else {
            return Ok(false);
        };
        let passed = if reader.peek()? == Some(b'[') {
            InFile::pass_over(reader, file, digits)?
        } else {
            None
        };
        let Some((array, edges)) = passed else { return Ok(false) };
        for at_ms in [edges.first, edges.last] {
            self.read.extent.note(at_ms, reader.line());
        }
        self.read.samples.leave(slot, array, edges);
        Ok(true)
    }

    /// Takes what is in the usual form; what follows is for [`Self::pair`].
    fn plain_pairs(&mut self, reader: &mut JsonReader<'_>, digits: u32) {
        let known = self.row.len();
        plain_pairs(reader, digits, &mut self.times, &mut self.row);
        let times = || self.row[known..].iter().map(|sample| sample.at_ms);
        for at_ms in times().min().into_iter().chain(times().max()) {
            self.read.extent.note(at_ms, reader.line());
        }
    }

    fn pair(&mut self, reader: &mut JsonReader<'_>, digits: u32, labels: &Labels) -> Result<(), JsonError> {
        let Pair { time, reading } = pair(reader, digits)?;
        let row = reader.line();
        let at_ms = match time {
            Ok((at_ms, Epoch::Seconds)) => at_ms,
            Ok((at_ms, Epoch::Finer)) => {
                self.tally.add(code::TIME_IN_MILLISECONDS, row, || shown(labels));
                at_ms
            }
            Err(TimeError::Range) => {
                self.tally.add(code::TIME_OUT_OF_RANGE, row, || shown(labels));
                return Ok(());
            }
            Err(TimeError::Form) => return Err(reader.error("a sample's time is no number of seconds")),
        };
        match usable(reading) {
            Ok(value) => {
                self.read.extent.note(at_ms, row);
                self.row.push(Sample { at_ms, value });
            }
            Err(code::VALUE_MALFORMED) => return Err(reader.error("a sample's value is no number")),
            Err(code) => self
                .tally
                .add(code, row, || format!("{} at {}", shown(labels), at_ms / 1000)),
        }
        Ok(())
    }

    fn fault(&mut self, code: Code, message: &str, help: &str) {
        if !self.read.faults.iter().any(|known| known.code == code) {
            self.read
                .faults
                .push(Note::error(code, message).in_file(self.input.name).help(help));
        }
    }

    fn finish(mut self) -> Result<Read, Vec<Note>> {
        if self.status.as_deref().is_some_and(|status| status != "success") || !self.failure.is_empty() {
            let why = self.failure.join(": ");
            self.fault(
                code::EXPORT_FAILED,
                &format!("the query failed: {why}"),
                "correct the query and export again",
            );
        }
        match self.result_type.as_deref() {
            None | Some("matrix") => {}
            Some("vector") => self.fault(
                code::NOT_A_RANGE,
                "is the answer of an instant query (a vector)",
                "export with /api/v1/query_range; files of kube_*_owner belong behind --owners",
            ),
            Some(other) => self.fault(
                code::NOT_A_RANGE,
                &format!("holds a result of type `{other}`, not a matrix"),
                "export with /api/v1/query_range",
            ),
        }
        for warned in std::mem::take(&mut self.warned) {
            self.read.notes.push(
                Note::warning(code::EXPORT_WARNED, format!("the store warned: {warned}")).in_file(self.input.name),
            );
        }
        self.read.notes.extend(self.tally.into_notes(self.input.name, describe));
        self.read.finish(self.input)
    }
}

/// One series while it is read.
#[derive(Default)]
struct OneSeries {
    labels: Option<Labels>,
    slot: Option<Slot>,
    columns: Columns,
}

fn text_into(reader: &mut JsonReader<'_>, place: &mut Option<String>) -> Result<(), JsonError> {
    *place = Some(reader.string(LABELS_MAX)?.to_owned());
    Ok(())
}

/// A label set, bounded as a whole.
pub(super) fn labels(reader: &mut JsonReader<'_>) -> Result<Labels, JsonError> {
    let mut labels = Labels::default();
    let mut left = LABELS_MAX;
    reader.object(|reader, key| {
        left = left.saturating_sub(key.len());
        let value = reader.string(left)?.to_owned();
        left -= value.len();
        labels.0.push((key.to_owned(), value));
        Ok(())
    })?;
    Ok(labels)
}

/// Enough of a label set to find the series.
fn shown(labels: &Labels) -> String {
    let telling = ["namespace", "pod", "container", "destination_workload", "workload"];
    let shown: Vec<_> = telling.iter().filter_map(|name| labels.get(name)).collect();
    shown.join("/")
}
