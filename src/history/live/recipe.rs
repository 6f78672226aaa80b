//! The questions of a live run as a script around curl, for people who may run nothing else near the store.

use super::queries::{Cadence, Query, Selection};
use super::request::WHOLE;
use super::window::{Span, Window};
use std::fmt::Write as _;

/// A file of a day is small enough for every store we know, at the price of more files.
const PART_S: u64 = 86_400;

const HEAD: &str = r#"set -euo pipefail
# what curl needs to be let in: CURL_FLAGS, or here, such as curl_flags=(-H "Authorization: Bearer $TOKEN")
read -r -a curl_flags <<<"${CURL_FLAGS-}"
mkdir -p usage owners

# range FILE STEP QUERY: the values at each step, a file for each part of the window; both ends of a range count
range() {
  local from to
  for ((from = start; from < end; from += part)); do
    to=$((from + part < end ? from + part : end))
    ask query_range "usage/$1.$from.json" "$3" -d start=$((from + $2)) -d end="$to" -d step="$2"
  done
}
# once FOLDER/NAME QUERY: the last of each part
once() {
  local from to
  for ((from = start; from < end; from += part)); do
    to=$((from + part < end ? from + part : end))
    ask query "$1.$from.json" "$2" -d time="$to"
  done
}
# ask CALL FILE QUERY FLAG...
ask() {
  curl -sSfG --compressed ${curl_flags[@]+"${curl_flags[@]}"} "$PROMETHEUS/api/v1/$1" -o "$2" \
    --data-urlencode "query=$3" "${@:4}" WHOLE
  # what this store has nothing of
  if head -c 200 "$2" | tr -d '[:space:]' | grep -qF '"result":[]'; then rm "$2"; fi
}

"#;

/// What `trimtab profile` is told at the end of the script.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// How the answers are read.
    pub flags: Vec<String>,
    /// Where the profile goes.
    pub output: String,
}

/// The script.
pub fn script(store: Option<&str>, window: &Window, selection: &Selection, queries: &[Query], run: &Run) -> String {
    let part = part(window, queries);
    let mut out = format!(
        "#!/usr/bin/env bash\n# What `trimtab profile --prometheus` asks, by curl: {} until {}, a value each {}.\n",
        window.length(),
        window.end,
        window.step
    );
    let address = store.map_or_else(
        || "${PROMETHEUS:?the address of the store}".to_owned(),
        |store| format!("${{PROMETHEUS:-{}}}", single_quoted(store)),
    );
    let whole: Vec<String> = WHOLE.iter().map(|(name, value)| format!("-d {name}={value}")).collect();
    out.push_str(&HEAD.replace("WHOLE", &whole.join(" ")));
    let _ = writeln!(out, "PROMETHEUS={address}");
    let _ = writeln!(
        out,
        "start={} end={} part={part}\n",
        window.start.unix(),
        window.end.unix()
    );
    let span = Span {
        from: window.start,
        to: window
            .start
            .checked_add(crate::units::Seconds::new(part))
            .unwrap_or(window.end),
    };
    for query in queries {
        let promql = single_quoted(&query.promql(selection, None, &span));
        let _ = match query.cadence {
            Cadence::Span => {
                let folder = if query.signal.is_some() { "usage" } else { "owners" };
                writeln!(out, "once {folder}/{} {promql}", query.id)
            }
            Cadence::Step | Cadence::Hour => {
                writeln!(out, "range {} {} {promql}", query.id, query.grain(selection).get())
            }
        };
    }
    let mut end = String::new();
    for flag in run.flags.iter().map(String::as_str).chain(["-o", &run.output]) {
        let _ = write!(end, " {}", single_quoted(flag));
    }
    let _ = writeln!(
        out,
        "\nowners=()\nfor file in owners/*.json; do if [ -e \"$file\" ]; then owners+=(--owners \"$file\"); fi; done\ntrimtab profile usage/*.json ${{owners[@]+\"${{owners[@]}}\"}} --step {}{end}",
        selection.step
    );
    out
}

/// The length of a part. What is counted in a part has its length in the query, so there the last one is as long as all.
fn part(window: &Window, queries: &[Query]) -> u64 {
    let length = window.length().get();
    if !queries.iter().any(Query::counts) {
        return PART_S.min(length);
    }
    let parts = (length.div_ceil(PART_S)..=length).find(|parts| length.is_multiple_of(*parts));
    parts.map_or(length, |parts| length / parts.max(1))
}

/// A word for a shell.
fn single_quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
