//! Files that people have at hand and that are no history: named for what they are, with what to export instead.

use super::has;
use super::note::Note;
use crate::diag::{Code, code};

/// A kind of file: what it holds somewhere in its first lines, what it is, what to do.
struct Foreign {
    marks: &'static [&'static str],
    code: Code,
    what: &'static str,
    help: &'static str,
}

const EXPORT_INSTEAD: &str = "export the samples themselves: Prometheus' `query_range`, VictoriaMetrics' `/api/v1/export`, or CSV with a row a sample";

const PROFILE: Foreign = Foreign {
    marks: &[],
    code: code::NOT_A_HISTORY,
    what: "is a usage profile already: made of exports, and none itself",
    help: "put profiles together with `trimtab profile merge`; `trimtab profile show` and `trimtab profile diff` say what they hold",
};

const FILES: &[Foreign] = &[
    Foreign {
        // the summary above a large one is longer than what is looked at
        marks: &["# ", "Written by `trimtab profile`"],
        ..PROFILE
    },
    Foreign {
        marks: &["trimtab.dev/v1", "UsageProfile"],
        ..PROFILE
    },
    Foreign {
        marks: &["\"scans\"", "\"recommended\""],
        code: code::NOT_A_HISTORY,
        what: "is the report of krr: recommendations, which are results and no history",
        help: "compare a profile with it: trimtab profile show PROFILE --compare KRR.json",
    },
    Foreign {
        marks: &["metrics.k8s.io/v", "PodMetrics"],
        code: code::NOT_A_HISTORY,
        what: "is an answer of metrics-server, which knows the last minute only",
        help: EXPORT_INSTEAD,
    },
    Foreign {
        marks: &["\"timeseries_response\""],
        code: code::FORMAT_UNKNOWN,
        what: "is an answer of Datadog's v2 API, which is not read",
        help: "ask `/api/v1/query`, which names the tags of each series",
    },
    Foreign {
        marks: &["{\"errors\":["],
        code: code::EXPORT_FAILED,
        what: "is the store's word that the query failed",
        help: "read it, correct the query or the credentials, and export again",
    },
];

/// What a file is that begins so, if it is one of these.
pub(super) fn foreign(head: &[u8]) -> Option<Note> {
    let is = |file: &&Foreign| file.marks.iter().all(|mark| has(head, mark));
    let file = FILES.iter().find(is)?;
    Some(Note::error(file.code, file.what).help(file.help))
}
