//! A question to the HTTP API of Prometheus, and how it is written in a URL.

use super::window::Span;
use crate::units::{Seconds, Timestamp};
use std::fmt::Write as _;

/// Which call, with its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Values at each step of a span.
    Range {
        /// Distance of the values.
        step: Seconds,
        /// When.
        span: Span,
    },
    /// Values at one instant; the store's own now where none is stated.
    Instant {
        /// When.
        at: Option<Timestamp>,
    },
}

/// What a store is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// PromQL.
    pub promql: String,
    /// Which call.
    pub endpoint: Endpoint,
}

/// An answer with holes must be no answer: Thanos and VictoriaMetrics leave out what they can't reach unless told not to.
/// Others take no notice of words they don't know.
pub const WHOLE: [(&str, &str); 2] = [("partial_response", "false"), ("deny_partial_response", "1")];

impl Request {
    /// A question.
    pub fn new(promql: String, endpoint: Endpoint) -> Self {
        Self { promql, endpoint }
    }

    /// The path below the store's address.
    pub fn path(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Range { .. } => "/api/v1/query_range",
            Endpoint::Instant { .. } => "/api/v1/query",
        }
    }

    /// The shape of the answer.
    pub fn result_type(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Range { .. } => "matrix",
            Endpoint::Instant { .. } => "vector",
        }
    }

    /// Its parameters.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("query", self.promql.clone())];
        match self.endpoint {
            Endpoint::Range { step, span } => {
                // both ends count, and the span's start belongs to the span before
                let first = span.from.unix() + step.get().cast_signed();
                all.push(("start", first.to_string()));
                all.push(("end", span.to.unix().to_string()));
                all.push(("step", step.get().to_string()));
            }
            Endpoint::Instant { at: Some(at) } => all.push(("time", at.unix().to_string())),
            Endpoint::Instant { at: None } => {}
        }
        all.extend(WHOLE.map(|(name, value)| (name, value.to_owned())));
        all
    }

    /// `name=value&…`, as a URL or a form carries it.
    pub fn encoded(&self) -> String {
        let pairs: Vec<String> = self
            .parameters()
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        pairs.join("&")
    }
}

/// Everything but RFC 3986's unreserved letters as `%XX`; signatures of AWS want it so too.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_after_its_span_does() {
        let span = Span {
            from: Timestamp::from_unix(3_600).unwrap(),
            to: Timestamp::from_unix(7_200).unwrap(),
        };
        let step = Seconds::from_minutes(5);
        let request = Request::new("a{b=\"ü +\"}".into(), Endpoint::Range { step, span });
        assert_eq!(
            request.encoded(),
            "query=a%7Bb%3D%22%C3%BC%20%2B%22%7D&start=3900&end=7200&step=300&partial_response=false&deny_partial_response=1"
        );
    }
}
