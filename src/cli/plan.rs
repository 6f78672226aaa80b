//! `trimtab plan`: decide, show, and with `--write` accept.

use std::path::PathBuf;

use serde_json::Value;

use super::console;
use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments, Loaded};
use crate::diag::{Diagnostic, code, first_of, near_miss};
use crate::io::environments::PLAN_FILE;
use crate::io::files;
use crate::pipeline::{self, Outcome, Purpose};
use crate::plan::{OptimizationPlan, codec};
use crate::report::{self, Capacity, Format, PlanTable};
use crate::yaml::{self, Limits};

/// Arguments of `trimtab plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders with environments, or above them
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Write `plan.yaml` into each environment: committing it is accepting it
    #[arg(long)]
    write: bool,
    /// Drop what was accepted for a workload: one that is gone for good, or is to be decided from nothing
    #[arg(long, value_name = "WORKLOAD")]
    forget: Vec<String>,
    /// How the plan is shown
    #[arg(long, value_enum, default_value_t = Shown::Table)]
    format: Shown,
    #[command(flatten)]
    build: BuildArguments,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    /// A table for a terminal
    #[value(alias = "terminal", alias = "human", alias = "text")]
    Table,
    /// A table for a pull request
    Markdown,
    /// For programs
    Json,
}

impl From<Shown> for Format {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Table => Self::Terminal,
            Shown::Markdown => Self::Markdown,
            Shown::Json => Self::Json,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  # what would change, and why; nothing is written
  trimtab plan overlays/production
  # accept: writes overlays/*/plan.yaml, to be reviewed and merged
  trimtab plan overlays --write
  # it was deleted: its accepted entry goes
  trimtab plan overlays --write --forget Deployment/shop/old
  trimtab plan overlays --format json | jq .

A plan is made from policy.yaml, the profiles beside it (profile*.yaml, profiles/), the
manifests that kustomize builds, and the plan accepted before.";

/// The comment on top of a committed plan.
const HEADER: &str =
    "Made by `trimtab plan --write`. Reviewing this file is reviewing the change; builds apply it as it is.";

/// Plans every environment. Nothing is written unless all of them can be planned.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let mut loaded = load::load(&arguments.folders, &arguments.build, Purpose::Plan)?;
    let accepted: Vec<Option<OptimizationPlan>> = loaded.iter().map(Loaded::accepted).collect();
    for workload in &arguments.forget {
        forget(workload, &mut loaded)?;
    }
    let planned = plan_all(&loaded)?;
    let accepted: Vec<Option<OptimizationPlan>> = accepted
        .into_iter()
        .zip(&planned)
        .map(|(accepted, outcome)| {
            Some(pipeline::under_names_of_now(
                accepted?,
                &outcome.settings,
                &outcome.workloads,
            ))
        })
        .collect();
    let table = PlanTable::of(
        planned
            .iter()
            .zip(&accepted)
            .map(|(outcome, accepted)| (&outcome.plan, accepted.as_ref())),
    );
    let capacities = planned
        .iter()
        .zip(&accepted)
        .map(|(outcome, accepted)| Capacity::of(&outcome.plan, accepted.as_ref(), &outcome.workloads));
    let table = table.with_capacities(capacities);
    console::print_styled(&report::plan(&table, arguments.format.into(), console::width()))?;
    for (one, outcome) in loaded.iter().zip(&planned) {
        console::report(&outcome.diagnostics);
        if arguments.write {
            write(one, outcome)?;
        }
    }
    Ok(Exit::Done)
}

/// Takes a workload's accepted entry out of every plan that has one.
fn forget(workload: &str, loaded: &mut [Loaded]) -> Result<(), CliError> {
    let (mut known, mut is_found) = (Vec::new(), false);
    for one in loaded {
        let keys: Vec<String> = one.accepted_keys().map(str::to_owned).collect();
        let (meant, others): (Vec<String>, Vec<String>) = keys.into_iter().partition(|key| one.is_meant(key, workload));
        is_found |= !meant.is_empty();
        let entries = one
            .inputs
            .plan
            .as_mut()
            .and_then(|(plan, _)| plan.pointer_mut("/spec/workloads"));
        if let Some(entries) = entries.and_then(Value::as_object_mut) {
            entries.retain(|key, _| !meant.contains(key));
            let left = entries.len();
            if let Some(count) = one
                .inputs
                .plan
                .as_mut()
                .and_then(|(plan, _)| plan.pointer_mut("/spec/entries"))
            {
                *count = left.into();
            }
        }
        known.extend(others);
    }
    if is_found {
        return Ok(());
    }
    let short = known.iter().filter_map(|key| key.rsplit('/').next());
    let near = near_miss(workload, known.iter().map(String::as_str).chain(short));
    let help = near.map_or_else(
        || format!("accepted are: {}", first_of(&known)),
        |near| format!("did you mean `{near}`?"),
    );
    let headline = format!("nothing was accepted for `{workload}`");
    Err(Diagnostic::error(code::MISSING_INPUT, headline).help(help).into())
}

/// The plans of these environments, in their order.
pub fn plan_all(loaded: &[Loaded]) -> Result<Vec<Outcome>, CliError> {
    loaded
        .iter()
        .map(|one| pipeline::run(&one.inputs).map_err(CliError::Diagnostics))
        .collect()
}

/// The text of a committed plan.
pub fn text(outcome: &Outcome) -> String {
    yaml::to_string_with_header(&codec::to_value(&outcome.plan), HEADER)
}

fn write(one: &Loaded, outcome: &Outcome) -> Result<(), CliError> {
    let path = one.plan_path();
    let text = text(outcome);
    let is_current = path.is_file() && files::read(&path, Limits::STREAM.bytes)? == text.as_bytes();
    files::write(&path, text.as_bytes())?;
    let done = if is_current { "unchanged:" } else { "wrote" };
    console::say(&format!("{done} {}", path.display()));
    if one.needs_plan_listed()? {
        let headline = format!(
            "`{}` does not list `{PLAN_FILE}` under `resources:`",
            one.folder().display()
        );
        console::report(&[Diagnostic::warning(code::MISSING_INPUT, headline)
            .because("the function finds the accepted plan among the items of the build")
            .help(format!("add `- {PLAN_FILE}` to `resources:`"))]);
    }
    Ok(())
}
