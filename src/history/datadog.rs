//! Datadog's answers to `/api/v1/query`: one series for each set of tags, values rolled up over intervals.

use super::json::{JsonError, JsonReader};
use super::names::label_of;
use super::note::Note;
use super::rolled::{Rolled, Rolling, text};
use super::samples::Labels;
use super::time::{TimeError, from_number};
use super::{Format, Input, Read, has};
use crate::diag::code;

/// Answers of Datadog's query API.
pub struct Datadog;

impl Format for Datadog {
    fn id(&self) -> &'static str {
        "datadog"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.trim_ascii_start().starts_with(b"{") && (has(head, "\"res_type\"") || has(head, "\"pointlist\""))
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        Rolling::read(input, text, answers)
    }
}

fn answers(reader: &mut JsonReader<'_>, all: &mut Rolling<'_>) -> Result<(), JsonError> {
    while reader.peek()?.is_some() {
        let (mut status, mut why) = (String::new(), String::new());
        reader.object(|reader, key| match key {
            "status" => text(reader).map(|text| status = text),
            "error" | "message" => text(reader).map(|text| why = format!("{why} {text}")),
            "series" => reader.array(|reader| {
                let series = series(reader)?;
                match ungrouped([&series.labels, all.constants()]) {
                    Some(fault) => all.fault(fault.at_row(series.row)),
                    None => all.add(series),
                }
                Ok(())
            }),
            _ => reader.skip(),
        })?;
        if !matches!(status.as_str(), "" | "ok") {
            all.fault(Note::query_failed(&format!(": {}", why.trim())));
        }
    }
    Ok(())
}

fn series(reader: &mut JsonReader<'_>) -> Result<Rolled, JsonError> {
    let mut series = Rolled {
        row: reader.line(),
        ..Rolled::default()
    };
    let (mut metric, mut scope, mut tags) = (String::new(), String::new(), Vec::new());
    reader.object(|reader, key| {
        match key {
            "metric" => metric = text(reader)?,
            "scope" => scope = text(reader)?,
            "tag_set" if reader.peek()? == Some(b'[') => {
                reader.array(|reader| text(reader).map(|tag| tags.push(tag)))?;
            }
            "interval" if reader.peek()?.is_some_and(|byte| byte.is_ascii_digit()) => {
                series.interval = reader.number()?.parse().ok();
            }
            "unit" => series.unit = unit(reader)?,
            "expression" => {
                let expression = text(reader)?;
                let is_max = expression.replace(' ', "").contains("rollup(max");
                series.statistic = is_max.then(|| "maximum".to_owned());
            }
            "pointlist" => reader.array(|reader| point(reader).map(|point| series.points.extend(point)))?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // the tags the answer is grouped by; the scope has those of the filter too
    tags.extend(scope.split(',').map(|tag| tag.trim().to_owned()));
    series.labels = labels(metric, &tags);
    Ok(series)
}

/// A query that names no tags answers with one series of everything.
fn ungrouped(told: [&Labels; 2]) -> Option<Note> {
    const NOT_WHOSE: [&str; 4] = ["__name__", "namespace", "container", "cluster"];
    if told
        .iter()
        .flat_map(|labels| &labels.0)
        .any(|(name, _)| !NOT_WHOSE.contains(&name.as_str()))
    {
        return None;
    }
    let message = "a series has no tag of a pod or workload: the query did not group by one";
    let help = "ask with `by {kube_namespace,pod_name,kube_container_name}` behind the metric, and add kube_deployment where you have it";
    Some(Note::error(code::POD_MISSING, message).help(help))
}

fn labels(metric: String, tags: &[String]) -> Labels {
    let mut labels = Labels(vec![("__name__".to_owned(), metric)]);
    for (name, value) in tags.iter().filter_map(|tag| tag.split_once(':')) {
        if let Some(label) = label_of(name).filter(|label| labels.get(label).is_none()) {
            labels.0.push((label.to_owned(), value.to_owned()));
        }
    }
    labels
}

/// The name of what the numbers are in: the first of the pair "bytes per second".
fn unit(reader: &mut JsonReader<'_>) -> Result<Option<String>, JsonError> {
    let mut names = Vec::new();
    if reader.peek()? != Some(b'[') {
        return reader.skip().map(|()| None);
    }
    reader.array(|reader| {
        if reader.peek()? != Some(b'{') {
            return reader.skip();
        }
        reader.object(|reader, key| match key {
            "name" => text(reader).map(|name| names.push(name)),
            _ => reader.skip(),
        })
    })?;
    Ok((!names.is_empty()).then(|| names.join(" per ")))
}

/// `[1700000000000.0, 5.9]`; a time before 2000 or after 2100 is none.
fn point(reader: &mut JsonReader<'_>) -> Result<Option<(i64, String)>, JsonError> {
    let (mut time, mut value, mut place) = (None, String::new(), 0);
    reader.array(|reader| {
        place += 1;
        match place {
            1 => match from_number(reader.number()?) {
                Ok((at_ms, _)) => time = Some(at_ms),
                Err(TimeError::Range) => {}
                Err(TimeError::Form) => return Err(reader.error("a point's time is no number")),
            },
            2 if reader.null()? => {}
            2 => reader.number()?.clone_into(&mut value),
            _ => return Err(reader.error("a point has more than a time and a value")),
        }
        Ok(())
    })?;
    if place != 2 {
        return Err(reader.error("a point has no value"));
    }
    Ok(time.map(|at_ms| (at_ms, value)))
}
