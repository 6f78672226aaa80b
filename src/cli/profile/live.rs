//! `trimtab profile --prometheus`: a store's answers become files, and the files exports like any others.

use super::ProfileArgs;
use crate::cli::console;
use crate::cli::exit::{CliError, Exit};
use crate::cli::store::{AccessArgs, SpanArgs, WINDOW, halted, step};
use crate::diag::{Diagnostic, Place, code, counted, first_of_many};
use crate::history::live::queries::{census, counted as counted_in_ranges, shipped, stated};
use crate::history::live::recipe::{self, Run};
use crate::history::live::request::Endpoint;
use crate::history::live::scope::partition;
use crate::history::live::shard::cut;
use crate::history::live::{Query, Request, Scope, Selection, Shard, Window};
use crate::history::signal::Signal;
use crate::io::ask::{Answered, Gather, Progress, small};
use crate::io::http::{Client, address};
use crate::io::working::{Working, WorkingError, cache};
use crate::units::Seconds;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A run that was killed longer ago is not gone on with: whoever asks for the last 14 days does not mean those of last month.
const RESUMED_WITHIN: Seconds = Seconds::from_hours(26);
/// Instants at which the containers of a window are counted, about.
const COUNTS: u64 = 56;

/// Requests at one time, where nothing else is said.
const PARALLEL: u8 = 3;

/// What a live run is told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From a metrics store")]
pub(super) struct LiveArgs {
    /// Ask this store: Prometheus, Thanos, Mimir, VictoriaMetrics, or what answers like them
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    #[command(flatten)]
    pub span: SpanArgs,
    /// A query of your own for what each team measures in its way, such as rate='sum by (namespace, deployment) (…)'
    #[arg(long, value_name = "SIGNAL=PROMQL")]
    query: Vec<String>,
    /// Let VictoriaMetrics count cpu and memory in ranges instead of sending samples: a hundredth of the bytes. Such
    /// history is coarse: a plan raises requests by it, and does nothing else
    #[arg(long)]
    coarse: bool,
    /// Requests at one time [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    parallel: Option<u8>,
    /// Folder for answers until the profile is written; a run that was killed goes on from there [default: the user's cache]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Leave the answers there
    #[arg(long)]
    keep_work: bool,
    /// Print the queries as a script around curl, and ask nothing
    #[arg(long)]
    pub print_queries: bool,
    #[command(flatten)]
    access: AccessArgs,
}

/// What a run settles before it asks, and a later one goes on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settled {
    store: String,
    window: Window,
    matchers: Vec<String>,
    queries: Vec<Query>,
    /// Sets of namespaces, with the containers that run in each at one time.
    scopes: Vec<(Scope, u64)>,
}

impl LiveArgs {
    /// The flags that were given of those that say what a store is asked, and how.
    pub(super) fn asking(&self) -> Vec<&'static str> {
        let given = [("--query", !self.query.is_empty()), ("--coarse", self.coarse)];
        let given = given.into_iter().filter_map(|(flag, is)| is.then_some(flag));
        self.span.given().into_iter().chain(given).collect()
    }

    /// Those that only a run that asks by itself has a use for.
    pub(super) fn running(&self) -> Vec<&'static str> {
        let given = [
            ("--parallel", self.parallel.is_some()),
            ("--work", self.work.is_some()),
            ("--keep-work", self.keep_work),
        ];
        let given = given.into_iter().filter_map(|(flag, is)| is.then_some(flag));
        given.chain(self.access.given()).collect()
    }
}

/// Answers in files.
pub(super) struct Fetched {
    working: Working,
    answered: Vec<Answered>,
    keep: bool,
}

impl Fetched {
    /// The arguments of the same command over the files.
    pub(super) fn arguments(&self, args: &ProfileArgs) -> ProfileArgs {
        let mut args = args.clone();
        for answered in &self.answered {
            let Some(file) = &answered.file else { continue };
            match &answered.query.signal {
                Some(signal) => args.exports.push(format!("{signal}={}", file.display())),
                None => args.owners.push(file.clone()),
            }
        }
        args
    }

    /// Once the profile is written.
    pub(super) fn finish(self) -> Result<(), CliError> {
        if self.keep {
            console::say(&format!(
                "the store's answers are in {}",
                self.working.folder().display()
            ));
            return Ok(());
        }
        Ok(self.working.remove()?)
    }
}

/// Prints the script.
pub(super) fn print_queries(args: &ProfileArgs) -> Result<Exit, CliError> {
    let live = &args.live;
    let store = live
        .prometheus
        .as_deref()
        .map(address)
        .transpose()
        .map_err(anyhow::Error::msg)?;
    let step = step(&args.step)?;
    let window = live.span.window(step)?;
    let selection = live.span.selection(args.cluster.as_deref(), step);
    let output = args.output.as_deref().unwrap_or(Path::new("profile.yaml"));
    let script = recipe::script(
        store.as_deref(),
        &window,
        &selection,
        &queries(live)?,
        &Run {
            flags: flags(args),
            output: output.display().to_string(),
        },
    );
    console::print(&script)?;
    Ok(Exit::Done)
}

/// The arguments of this command that say how a profile is made of the answers.
fn flags(args: &ProfileArgs) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |flag: &str, value: &str| flags.extend([flag.to_owned(), value.to_owned()]);
    for (flag, value) in [
        ("--environment", &args.environment),
        ("--cluster", &args.cluster),
        ("--namespace", &args.namespace),
    ] {
        if let Some(value) = value {
            add(flag, value);
        }
    }
    for (flag, values) in [("--cluster-label", &args.cluster_label), ("--label", &args.label)] {
        for value in values {
            add(flag, value);
        }
    }
    for (flag, paths) in [("--owners", &args.owners), ("--manifests", &args.manifests)] {
        for path in paths {
            add(flag, &path.display().to_string());
        }
    }
    if args.threads > 0 {
        add("--threads", &args.threads.to_string());
    }
    if args.shard {
        flags.push("--shard".to_owned());
    }
    for of in &args.with_state {
        let name = of.to_possible_value().map(|value| value.get_name().to_owned());
        flags.extend(["--with-state".to_owned(), name.unwrap_or_default()]);
    }
    flags
}

/// Asks the store; `None` where none is named.
pub(super) fn fetch(args: &ProfileArgs) -> Result<Option<Fetched>, CliError> {
    let live = &args.live;
    let Some(store) = &live.prometheus else { return Ok(None) };
    let client = live.access.client(store)?;
    let step = step(&args.step)?;
    let window = live.span.window(step)?;
    let selection = live.span.selection(args.cluster.as_deref(), step);
    let queries = queries(live)?;
    let working = working(args, client.store(), &selection, &queries)?;
    let settled = match resumed(&working, live, window)? {
        Some(settled) => settled,
        None => settle(&client, &working, window, &selection, queries)?,
    };
    let shards: Vec<Shard> = settled
        .queries
        .iter()
        .flat_map(|query| cut(query, &settled.scopes, &settled.window, &selection))
        .collect();
    console::say(&format!(
        "asking {} for {} until {}: {}",
        client.store(),
        settled.window.length(),
        settled.window.end,
        counted(shards.len() as u64, "answer")
    ));
    let bar = Bar::new();
    let gather = Gather {
        client: &client,
        working: &working,
        selection: &selection,
        parallel: usize::from(live.parallel.unwrap_or(PARALLEL)),
        tell: &|progress| bar.show(progress),
    };
    let gathered = gather.run(shards);
    bar.end();
    let (answered, progress) = gathered.map_err(halted)?;
    if progress.kept > 0 {
        console::say(&format!(
            "{} had come in an earlier run",
            counted(progress.kept as u64, "answer")
        ));
    }
    Ok(Some(Fetched {
        working,
        answered,
        keep: live.keep_work,
    }))
}

fn queries(live: &LiveArgs) -> anyhow::Result<Vec<Query>> {
    let mut queries = if live.coarse { counted_in_ranges() } else { shipped() };
    let mut own: BTreeMap<Signal, usize> = BTreeMap::new();
    for text in &live.query {
        let named = text
            .split_once('=')
            .and_then(|(id, promql)| Some((Signal::from_id(id)?, promql)));
        let Some((signal, promql)) = named else {
            let known: Vec<_> = Signal::all().map(Signal::id).collect();
            bail!(
                "--query takes SIGNAL=PROMQL, not `{text}`; signals are {}",
                known.join(", ")
            )
        };
        let count = own.entry(signal).or_default();
        *count += 1;
        let mut query = stated(signal, promql);
        if *count > 1 {
            let _ = write!(query.id, "-{count}");
        }
        queries.push(query);
    }
    Ok(queries)
}

/// The folder of this very request: another request gets another one.
fn working(args: &ProfileArgs, store: &str, selection: &Selection, queries: &[Query]) -> Result<Working, CliError> {
    let live = &args.live;
    let base = live
        .work
        .clone()
        .or_else(cache)
        .context("no cache folder is known here: name one with --work DIR")?;
    let span = &live.span;
    let request = serde_json::json!([
        env!("CARGO_PKG_VERSION"),
        store,
        span.window.as_deref().unwrap_or(WINDOW),
        span.end,
        args.step,
        selection.matchers,
        queries,
        live.access.identity(),
    ]);
    let digest = Sha256::digest(request.to_string());
    let name = digest.iter().take(8).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    Working::open(&base.join(name)).map_err(|error| match error {
        WorkingError::File(error) => error.into(),
        busy @ WorkingError::Busy(_) => CliError::Other(busy.into()),
    })
}

/// What an earlier run of the same request has settled, if it is still what is meant.
fn resumed(working: &Working, live: &LiveArgs, now: Window) -> Result<Option<Settled>, CliError> {
    let Some(state) = working.state()? else { return Ok(None) };
    let settled: Option<Settled> = serde_json::from_str(&state).ok();
    let is_meant = |settled: &Settled| {
        let age = now.end.since(settled.window.end).unwrap_or_default();
        live.span.end.is_some() || age <= RESUMED_WITHIN
    };
    match settled {
        Some(settled) if is_meant(&settled) => {
            console::say(&format!(
                "going on with a run that was not finished, in {}",
                working.folder().display()
            ));
            Ok(Some(settled))
        }
        _ => {
            working.clear()?;
            Ok(None)
        }
    }
}

/// Counts the containers, cuts the namespaces, and writes down what is asked from now on.
fn settle(
    client: &Client,
    working: &Working,
    window: Window,
    selection: &Selection,
    queries: Vec<Query>,
) -> Result<Settled, CliError> {
    let containers = count(client, &window, selection)?;
    let scopes = partition(&containers)
        .into_iter()
        .map(|scope| {
            let of = |names: &[String]| names.iter().filter_map(|name| containers.get(name)).sum();
            let count = match &scope {
                Scope::All => containers.values().sum(),
                Scope::Among(names) => of(names),
                Scope::Except(_) => 0,
            };
            (scope, count)
        })
        .collect();
    let settled = Settled {
        store: client.store().to_owned(),
        window,
        matchers: selection.matchers.clone(),
        queries,
        scopes,
    };
    let state = serde_json::to_string_pretty(&settled).context("write the state")?;
    working.settle(&state)?;
    Ok(settled)
}

/// Containers that run at one time, by namespace.
fn count(client: &Client, window: &Window, selection: &Selection) -> Result<BTreeMap<String, u64>, CliError> {
    let step = Seconds::from_hours((window.length().get() / 3600).div_ceil(COUNTS).max(1));
    let span = window.span();
    let request = Request::new(census(selection), Endpoint::Range { step, span });
    let rows = small(client, &request).map_err(halted)?;
    let mut clusters: Vec<String> = rows
        .iter()
        .map(|row| row.labels.get("cluster").unwrap_or_default().to_owned())
        .collect();
    clusters.sort();
    clusters.dedup();
    clusters.retain(|name| !name.is_empty());
    let place = Place::Object {
        object: client.store().to_owned(),
        pointer: String::new(),
    };
    if clusters.len() > 1 {
        let names = first_of_many(&clusters, 5);
        let error = Diagnostic::error(
            code::SEVERAL_CLUSTERS,
            format!("the store holds several clusters: {names}"),
        );
        return Err(error
            .at(place)
            .help(format!("name one: --cluster {}", clusters[0]))
            .into());
    }
    if rows.is_empty() {
        let headline = format!("no container in {} until {}", window.length(), window.end);
        let error = Diagnostic::error(code::CADVISOR_MISSING, headline);
        let help = format!(
            "trimtab doctor --prometheus {} says what is missing, and how to mend it",
            client.store()
        );
        return Err(error.at(place).help(help).into());
    }
    let mut containers = BTreeMap::new();
    for row in &rows {
        let namespace = row.labels.get("namespace").unwrap_or_default();
        if !namespace.is_empty() {
            *containers.entry(namespace.to_owned()).or_default() += row.greatest();
        }
    }
    Ok(containers)
}

/// One line that is written over, for people who wait.
struct Bar {
    is_shown: bool,
    began: Instant,
    last: Mutex<Option<Instant>>,
}

impl Bar {
    #[expect(clippy::disallowed_methods, reason = "how long people wait is not in any result")]
    fn new() -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            began: Instant::now(),
            last: Mutex::new(None),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "how long people wait is not in any result")]
    fn show(&self, progress: Progress) {
        const OFTEN: Duration = Duration::from_millis(200);
        if !self.is_shown {
            return;
        }
        let now = Instant::now();
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.is_some_and(|last| now.duration_since(last) < OFTEN) {
            return;
        }
        *last = Some(now);
        let line = line(progress, now.duration_since(self.began));
        let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
    }

    fn end(&self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// How far, how fast, how long still.
fn line(progress: Progress, passed: Duration) -> String {
    let Progress { done, all, bytes, .. } = progress;
    let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
    let tenths = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    let mut line = format!("{:3}%  {} MB", done * 100 / all.max(1), tenths(bytes));
    let _ = write!(line, ", {} MB/s", tenths(bytes.saturating_mul(1000) / millis));
    if done > 0 && done < all {
        let left = Seconds::new(millis.saturating_mul(all - done) / done / 1000);
        let _ = write!(line, ", about {left} left");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let progress = Progress {
            done: 25,
            all: 100,
            bytes: 30_000_000,
            ..Progress::default()
        };
        assert_eq!(
            line(progress, Duration::from_secs(20)),
            " 25%  30.0 MB, 1.5 MB/s, about 1m left"
        );
    }
}
