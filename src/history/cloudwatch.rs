//! CloudWatch's answers to `get-metric-data`: arrays of times and values, the newest first. They hold no dimensions, so
//! the label of each query must: `Namespace=${PROP('Dim.Namespace')} FullPodName=${PROP('Dim.FullPodName')} …`.

use super::json::{JsonError, JsonReader};
use super::names::label_of;
use super::note::Note;
use super::rolled::{Rolled, Rolling};
use super::samples::{LABELS_MAX, Labels};
use super::time::{from_number, from_text};
use super::{Format, Input, Read, has};
use crate::diag::code;

/// What the label of a query must be, for help texts.
const LABEL: &str = "set each query's Label to `MetricName=${PROP('MetricName')} Stat=${PROP('Stat')} Period=${PROP('Period')} \
    Namespace=${PROP('Dim.Namespace')} FullPodName=${PROP('Dim.FullPodName')} ContainerName=${PROP('Dim.ContainerName')}`";

/// Answers of CloudWatch's `GetMetricData`.
pub struct CloudWatch;

impl Format for CloudWatch {
    fn id(&self) -> &'static str {
        "cloudwatch"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let is_object = head.trim_ascii_start().starts_with(b"{");
        is_object && (has(head, "\"MetricDataResults\"") || has(head, "\"Timestamps\""))
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        Rolling::read(input, text, answers)
    }
}

fn answers(reader: &mut JsonReader<'_>, all: &mut Rolling<'_>) -> Result<(), JsonError> {
    while reader.peek()?.is_some() {
        reader.object(|reader, key| match key {
            "MetricDataResults" => reader.array(|reader| result(reader, all)),
            "NextToken" if reader.peek()? == Some(b'"') => {
                let message = "the answer is one page of several (it has a `NextToken`)";
                let help =
                    "ask for the other pages too and give all files; the aws command does so unless `--no-paginate`";
                all.warn(Note::warning(code::EXPORT_WARNED, message).help(help));
                reader.skip()
            }
            _ => reader.skip(),
        })?;
    }
    Ok(())
}

fn result(reader: &mut JsonReader<'_>, all: &mut Rolling<'_>) -> Result<(), JsonError> {
    let row = reader.line();
    let (mut label, mut status) = (String::new(), String::new());
    let (mut times, mut values) = (Vec::new(), Vec::new());
    reader.object(|reader, key| match key {
        "Label" => reader.string(LABELS_MAX).map(|text| text.clone_into(&mut label)),
        "StatusCode" => reader.string(LABELS_MAX).map(|text| text.clone_into(&mut status)),
        "Timestamps" => reader.array(|reader| time(reader).map(|time| times.push(time))),
        "Values" => reader.array(|reader| reader.number().map(|text| values.push(text.to_owned()))),
        _ => reader.skip(),
    })?;
    if times.len() != values.len() {
        let (times, values) = (times.len(), values.len());
        return Err(reader.error(format!("a result has {values} values and {times} timestamps")));
    }
    if !matches!(status.as_str(), "" | "Complete") {
        let message = format!("the result `{label}` is not whole: its status is `{status}`");
        let help = "ask for the next page, or again";
        all.warn(Note::warning(code::EXPORT_WARNED, message).at_row(row).help(help));
    }
    let points = times.into_iter().zip(values);
    let points = points.filter_map(|(time, value)| Some((time?, value))).collect();
    match of_label(&label) {
        Ok(series) => all.add(Rolled { points, row, ..series }),
        Err(note) => all.fault(note.at_row(row)),
    }
    Ok(())
}

/// A time; before 2000 or after 2100 it is none.
fn time(reader: &mut JsonReader<'_>) -> Result<Option<i64>, JsonError> {
    let text = match reader.peek()? {
        Some(b'"') => reader.string(100)?,
        _ => reader.number()?,
    };
    let text = text.to_owned();
    let found = from_number(&text).map(|(ms, _)| ms).or_else(|_| from_text(&text));
    match found {
        Ok(at_ms) => Ok(Some(at_ms)),
        Err(super::time::TimeError::Range) => Ok(None),
        Err(super::time::TimeError::Form) => Err(reader.error(format!("`{text}` is no time"))),
    }
}

/// What a label of `NAME=VALUE` words says.
fn of_label(label: &str) -> Result<Rolled, Note> {
    let mut series = Rolled::default();
    let words = || label.split_whitespace().filter_map(|word| word.split_once('='));
    let word = |wanted: &str| words().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let missing = |what: String| Note::error(code::POD_MISSING, what).help(LABEL);
    if words().next().is_none() {
        return Err(missing(format!(
            "the label `{label}` does not tell whose values these are, and nothing else does"
        )));
    }
    let metric = word("MetricName").unwrap_or_default();
    if metric.contains("_utilization") || metric.contains("_reserved_capacity") {
        let message = format!("`{metric}` is a share of the node or the limit, which is not in the answer");
        let help = "query amounts, such as `pod_cpu_usage_total`; or query the performance log events by Logs Insights, as CSV";
        return Err(Note::error(code::UNIT_UNDECLARED, message).help(help));
    }
    // `PodName` is the name of the workload here; the pod's own is `FullPodName`
    if word("PodName").is_some() && word("FullPodName").is_none() {
        return Err(missing(format!(
            "the label `{label}` names no single pod: `PodName` of Container Insights is the workload"
        )));
    }
    series.interval = word("Period").and_then(|period| period.parse().ok());
    series.statistic = word("Stat").map(str::to_owned);
    let mut labels = Labels::default();
    for (name, value) in words() {
        let ours = match name {
            "MetricName" => Some("__name__"),
            "FullPodName" => Some("pod"),
            "PodName" => Some("workload"),
            other => label_of(other),
        };
        labels.0.extend(ours.map(|ours| (ours.to_owned(), value.to_owned())));
    }
    series.labels = labels;
    Ok(series)
}
