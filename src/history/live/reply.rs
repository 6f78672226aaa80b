//! What to do about a reply that is no answer: try again, ask for less, or tell the user.

use super::answer::Broken;
use crate::diag::{Diagnostic, Place, code};
use std::time::Duration;

/// Status and headers of a reply, as far as they tell something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// Where a redirect leads.
    pub location: Option<String>,
}

/// Where something went wrong, for messages.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The store's address.
    pub store: &'a str,
    /// What was asked.
    pub asked: &'a str,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same request, later.
    Again {
        /// What happened.
        why: String,
        /// What the store asks for.
        after: Option<Duration>,
    },
    /// A smaller request.
    Smaller {
        /// What happened.
        why: String,
    },
    /// It will not get better.
    Final(Box<Diagnostic>),
}

/// Words of stores that a query is too much for them: Prometheus, Thanos, Mimir, VictoriaMetrics, gateways.
const TOO_MUCH: [&str; 10] = [
    "too many samples",
    "maximum resolution",
    "exceed",
    "violated",
    "err-mimir-max",
    "-search.max",
    "too many series",
    "too many chunks",
    "timed out",
    "context deadline",
];

impl At<'_> {
    fn error(&self, code: crate::diag::Code, headline: impl Into<String>) -> Diagnostic {
        let place = Place::Object {
            object: self.store.to_owned(),
            pointer: String::new(),
        };
        let error = Diagnostic::error(code, headline).at(place);
        if self.asked.is_empty() {
            error
        } else {
            error.because(format!("asked for {}", self.asked))
        }
    }

    /// Judges a reply whose status is not 200; `body` is its beginning.
    pub fn failed(&self, head: &Head, body: &[u8]) -> Verdict {
        let said = said(body);
        let why = format!("the store answered {}{}", status_words(head.status), with_colon(&said));
        let is_too_much = TOO_MUCH.iter().any(|words| said.to_ascii_lowercase().contains(words));
        match head.status {
            301..=308 => self.redirected(head),
            401 | 403 => Verdict::Final(Box::new(self.error(code::STORE_REFUSES, why).help(REFUSED_HELP))),
            404 | 405 => Verdict::Final(Box::new(self.error(code::STORE_NO_API, why).help(NO_API_HELP))),
            400 | 413 | 422 | 500 | 503 if is_too_much => Verdict::Smaller { why },
            504 => Verdict::Smaller { why },
            408 | 429 | 500..=599 => Verdict::Again {
                why,
                after: head.retry_after,
            },
            _ => Verdict::Final(Box::new(self.error(code::STORE_QUERY_FAILED, why).help(FAILED_HELP))),
        }
    }

    fn redirected(&self, head: &Head) -> Verdict {
        let to = head.location.as_deref().unwrap_or("elsewhere");
        // what follows the path may hold a login's secrets
        let to = to.split(['?', '#']).next().unwrap_or(to);
        let error = self
            .error(code::STORE_NO_API, format!("the store answered with a redirect to `{}`", shown(to)))
            .help("give the address of the API itself; redirects are not followed, so that no credential goes to another host");
        Verdict::Final(Box::new(error))
    }

    /// Judges a body that came with status 200.
    pub fn broken(&self, broken: &Broken) -> Verdict {
        match broken {
            Broken::Cut(what) => Verdict::Again {
                why: format!("the answer was cut short: {what}"),
                after: None,
            },
            Broken::Failed(what) if TOO_MUCH.iter().any(|words| what.contains(words)) => Verdict::Smaller {
                why: format!("the query failed: {}", shown(what)),
            },
            Broken::Failed(what) => Verdict::Again {
                why: format!("the query failed: {}", shown(what)),
                after: None,
            },
            Broken::Foreign(what) => Verdict::Final(Box::new(
                self.error(code::STORE_NO_API, format!("the store answered {}", shown(what)))
                    .help(NO_API_HELP),
            )),
        }
    }

    /// After the last try.
    pub fn given_up(&self, why: &str, tries: u32) -> Diagnostic {
        let error = self
            .error(code::STORE_UNREACHABLE, why)
            .because(format!("tried {tries} times"));
        if why.to_ascii_lowercase().contains("connection refused") {
            return error.help(NOBODY_HELP);
        }
        error.help("answers that came are kept: run the same command again to go on where it stopped; --parallel 1 asks more gently")
    }

    /// Where no smaller request can be made.
    pub fn too_much(&self, why: &str) -> Diagnostic {
        self.error(code::STORE_LIMIT, why)
            .because("this is the smallest span that is asked for")
            .help("ask for fewer namespaces (--namespace-filter), a longer --step, or raise the store's limits for queries (Prometheus: --query.max-samples, --query.timeout)")
    }

    /// No connection, and none to be expected.
    pub fn unreachable(&self, why: &str, help: &str) -> Diagnostic {
        self.error(code::STORE_UNREACHABLE, why).help(help)
    }
}

const REFUSED_HELP: &str = "give credentials: --bearer-token-file, --basic-auth with --password-file, --client-cert with --client-key, \
    --sigv4-region, or --http-header X-Scope-OrgID=TENANT";
const NOBODY_HELP: &str = "nothing listens at this address: check host and port, and that the store runs, or its `kubectl port-forward`; \
    then run the same command again, answers that came are kept";
const NO_API_HELP: &str = "give the address below which /api/v1/query_range answers, such as http://prometheus:9090, \
    http://mimir/prometheus or http://vmselect:8481/select/0/prometheus; a page in HTML is most often a login";
const FAILED_HELP: &str =
    "if the query is your own (--query), correct it; else report it with the store's name and version";

/// What the body says: the error of the API, else its first line.
fn said(body: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |key: &str| json.get(key).and_then(serde_json::Value::as_str);
    match (word("errorType"), word("error").or_else(|| word("message"))) {
        (Some(kind), Some(text)) => shown(&format!("{kind}: {text}")),
        (None, Some(text)) => shown(text),
        _ => {
            let text = String::from_utf8_lossy(body);
            let text = text.trim_start();
            if text.starts_with('<') {
                return "a page in HTML".into();
            }
            shown(text.lines().next().unwrap_or_default())
        }
    }
}

/// One line for a terminal, not too long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 300;
    let plain: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

fn with_colon(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

fn status_words(status: u16) -> String {
    let name = match status {
        400 => "bad request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not found",
        422 => "unprocessable",
        429 => "too many requests",
        500 => "internal error",
        502 => "bad gateway",
        503 => "unavailable",
        504 => "gateway timeout",
        _ => return status.to_string(),
    };
    format!("{status} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At<'static> = At {
        store: "http://store",
        asked: "`cpu`",
    };

    fn verdict(status: u16, body: &str) -> String {
        let head = Head {
            status,
            retry_after: Some(Duration::from_secs(7)),
            location: Some("https://login/?state=secret".into()),
        };
        match AT.failed(&head, body.as_bytes()) {
            Verdict::Again { after, .. } => format!("again after {}", after.unwrap().as_secs()),
            Verdict::Smaller { .. } => "smaller".into(),
            Verdict::Final(error) => format!("{}: {}", error.code, error.headline),
        }
    }

    #[test]
    fn each_reply_has_its_way() {
        let error = |kind: &str, text: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#);
        for (status, body, expected) in [
            (429, String::new(), "again after 7"),
            (502, "bad gateway".into(), "again after 7"),
            (503, "no healthy upstream".into(), "again after 7"),
            (
                503,
                error("timeout", "query timed out in expression evaluation"),
                "smaller",
            ),
            (504, String::new(), "smaller"),
            // the words of Prometheus 2.42
            (
                422,
                error(
                    "execution",
                    "query processing would load too many samples into memory in query execution",
                ),
                "smaller",
            ),
            (
                400,
                error(
                    "bad_data",
                    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
                ),
                "smaller",
            ),
            // the words of Mimir
            (
                422,
                error(
                    "execution",
                    "the query exceeded the maximum number of series (limit: 100000 series) (err-mimir-max-series-per-query)",
                ),
                "smaller",
            ),
            (
                400,
                error("bad_data", "1:5: parse error: unexpected <op:=>"),
                "store-query-failed: the store answered 400 (bad request): bad_data: 1:5: parse error: unexpected <op:=>",
            ),
            (
                422,
                error("execution", "many-to-many matching not allowed"),
                "store-query-failed: the store answered 422 (unprocessable): execution: many-to-many matching not allowed",
            ),
            (
                401,
                "Unauthorized\nmore".into(),
                "store-refuses: the store answered 401 (unauthorized): Unauthorized",
            ),
            (
                404,
                "<html>".into(),
                "store-no-api: the store answered 404 (not found): a page in HTML",
            ),
            (
                302,
                String::new(),
                "store-no-api: the store answered with a redirect to `https://login/`",
            ),
        ] {
            assert_eq!(verdict(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn where_nothing_listens_the_address_is_to_be_looked_at() {
        let help = |why| AT.given_up(why, 4).help.unwrap();
        assert!(help("no answer: io: Connection refused (os error 111)").contains("check host and port"));
        assert!(help("no answer: timeout: global").contains("--parallel 1"));
    }
}
