//! What a store answered: whether it is a whole answer of the right shape, and the rows of a small one.

use crate::history::json::{JsonError, JsonReader};
use crate::history::samples::{LABELS_MAX, Labels};
use serde_json::Value;

/// A whole answer, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Series in it.
    pub series: u64,
}

/// Why a body is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It ends in the middle, or is no JSON: it may be whole the next time.
    Cut(String),
    /// It is not what such a store answers.
    Foreign(String),
    /// The store says that the query failed, or that something is missing in the answer.
    Failed(String),
}

/// Reads an answer through to its end; `wanted` is the result type.
pub fn check(text: &mut dyn std::io::Read, wanted: &str) -> Result<Summary, Broken> {
    let mut head = [0; 64];
    let mut filled = 0;
    while let Ok(count @ 1..) = text.read(&mut head[filled..]) {
        filled += count;
    }
    let head = &head[..filled];
    match head.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(b'<') => return Err(Broken::Foreign("HTML".into())),
        None => return Err(Broken::Cut("nothing".into())),
        Some(_) => return Err(Broken::Foreign("no JSON object".into())),
    }
    let mut reader = JsonReader::new(std::io::Read::chain(head, text));
    let mut found = Found::default();
    let read = found.answer(&mut reader).and_then(|()| reader.peek());
    let rest = read.map_err(|error| Broken::Cut(format!("{} at byte {}", error.what, error.byte)))?;
    found.judge(wanted, rest.is_some())
}

#[derive(Default)]
struct Found {
    status: String,
    failure: Vec<String>,
    result_type: Option<String>,
    is_partial: bool,
    series: u64,
}

impl Found {
    fn answer(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        reader.object(|reader, key| match (key, reader.peek()?) {
            ("status", Some(b'"')) => {
                reader.string(LABELS_MAX)?.clone_into(&mut self.status);
                Ok(())
            }
            ("errorType" | "error", Some(b'"')) => {
                self.failure.push(reader.string(LABELS_MAX)?.to_owned());
                Ok(())
            }
            ("isPartial", Some(b't')) => {
                self.is_partial = true;
                reader.skip()
            }
            ("data", Some(b'{')) => self.data(reader),
            _ => reader.skip(),
        })
    }

    fn data(&mut self, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        reader.object(|reader, key| match (key, reader.peek()?) {
            ("resultType", Some(b'"')) => {
                self.result_type = Some(reader.string(LABELS_MAX)?.to_owned());
                Ok(())
            }
            ("result", Some(b'[')) => reader.array(|reader| {
                self.series += 1;
                reader.skip()
            }),
            _ => reader.skip(),
        })
    }

    fn judge(self, wanted: &str, has_more: bool) -> Result<Summary, Broken> {
        if self.status == "error" || !self.failure.is_empty() {
            return Err(Broken::Failed(self.failure.join(": ")));
        }
        if self.is_partial {
            return Err(Broken::Failed(
                "the answer is marked as partial: some storage did not answer".into(),
            ));
        }
        match (self.status.as_str(), self.result_type.as_deref()) {
            ("success", Some(found)) if found == wanted && !has_more => Ok(Summary { series: self.series }),
            ("success", Some(found)) if found == wanted => Err(Broken::Foreign("more than one answer".into())),
            ("success", Some(found)) => Err(Broken::Foreign(format!("a {found} where a {wanted} was asked for"))),
            _ => Err(Broken::Foreign("JSON of another kind".into())),
        }
    }
}

/// One series of a small answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its labels.
    pub labels: Labels,
    /// Unix seconds, and the whole part of each value.
    pub values: Vec<(i64, u64)>,
}

impl Row {
    /// Its only value, or its greatest.
    pub fn greatest(&self) -> u64 {
        self.values.iter().map(|(_, value)| *value).max().unwrap_or(0)
    }
}

/// The rows of an answer that [`check`] has found whole. Values that are no amounts are left out.
pub fn rows(body: &[u8]) -> Vec<Row> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let result = answer.pointer("/data/result").and_then(Value::as_array);
    let row = |series: &Value| {
        let labels = series.get("metric").and_then(Value::as_object).into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pairs = series
            .get("values")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        Row {
            labels: Labels(labels.map(|(name, value)| (name.clone(), text(value))).collect()),
            values: pairs.iter().chain(series.get("value")).filter_map(pair).collect(),
        }
    };
    result.into_iter().flatten().map(row).collect()
}

fn pair(pair: &Value) -> Option<(i64, u64)> {
    let time = pair.get(0)?.to_string();
    let whole = |text: &str| text.split('.').next().map(str::to_owned);
    Some((
        whole(&time)?.parse().ok()?,
        whole(pair.get(1)?.as_str()?)?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[3.5,"4.9"]]}]}}"#;

    fn check(text: &str) -> Result<Summary, Broken> {
        super::check(&mut text.as_bytes(), "matrix")
    }

    #[test]
    fn every_cut_of_an_answer_is_noticed() {
        assert_eq!(check(WHOLE), Ok(Summary { series: 1 }));
        assert_eq!(check(&format!("{WHOLE}\n")), Ok(Summary { series: 1 }));
        for length in 0..WHOLE.len() {
            let cut = check(&WHOLE[..length]);
            assert!(matches!(cut, Err(Broken::Cut(_))), "{length}: {cut:?}");
        }
    }

    #[test]
    fn what_is_no_answer_says_what_it_is() {
        for (text, expected) in [
            ("<html>login</html>", Broken::Foreign("HTML".into())),
            ("no healthy upstream", Broken::Foreign("no JSON object".into())),
            ("{}", Broken::Foreign("JSON of another kind".into())),
            (
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
                Broken::Foreign("a vector where a matrix was asked for".into()),
            ),
            (
                r#"{"status":"error","errorType":"execution","error":"too many samples"}"#,
                Broken::Failed("execution: too many samples".into()),
            ),
            (
                r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#,
                Broken::Failed("the answer is marked as partial: some storage did not answer".into()),
            ),
        ] {
            assert_eq!(check(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn rows_are_labels_and_whole_amounts() {
        let rows = rows(WHOLE.as_bytes());
        assert_eq!(rows[0].labels.get("a"), Some("b"));
        assert_eq!(rows[0].values, [(1, 2), (3, 4)]);
    }
}
