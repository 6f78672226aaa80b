//! `trimtab doctor`: what a metrics store lacks for a good profile, with the way to mend it.

use super::console;
use super::exit::{CliError, Exit};
use super::store::{AccessArgs, SpanArgs, step, told};
use crate::diag::{Place, has_errors};
use crate::history::live::doctor::examine;
use crate::io::ask::small;
use crate::io::clock;
use std::fmt::Write as _;

const EXAMPLES: &str = "\
Examples:
  trimtab doctor --prometheus http://prometheus:9090
  trimtab doctor --prometheus https://mimir/prometheus --window 30d \\
    --http-header X-Scope-OrgID=shop --bearer-token-file token

Exit codes: 0 a profile can be made, 1 something must be mended first.";

/// Say what a metrics store lacks, and how to mend it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The store: Prometheus, Thanos, Mimir, VictoriaMetrics, or what answers like them
    #[arg(long, value_name = "URL", required = true)]
    prometheus: String,
    #[command(flatten)]
    span: SpanArgs,
    /// Cluster that is looked at
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Length of a cell of the profile; must divide an hour
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    step: String,
    #[command(flatten)]
    access: AccessArgs,
}

/// Looks, and tells.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let client = arguments.access.client(&arguments.prometheus)?;
    let step = step(&arguments.step)?;
    let window = arguments.span.window(step)?;
    let selection = arguments.span.selection(arguments.cluster.as_deref(), step);
    let mut ask = |request: &_| small(&client, request).map_err(told);
    let report = examine(&window, &selection, clock::now(), &mut ask).map_err(|told| CliError::from(*told))?;
    let mut good = String::new();
    for line in &report.good {
        let _ = writeln!(good, "ok: {line}");
    }
    console::print(&good)?;
    let place = Place::Object {
        object: client.store().to_owned(),
        pointer: String::new(),
    };
    let found: Vec<_> = report.found.into_iter().map(|found| found.at(place.clone())).collect();
    console::report(&found);
    Ok(if has_errors(&found) { Exit::Error } else { Exit::Done })
}
