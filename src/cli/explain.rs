//! `trimtab explain`: the reason of a number, or the page of a code.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::console;
use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments};
use crate::diag::{Code, Diagnostic, code, near_miss};
use crate::krm::Reason;
use crate::pipeline::{self, Purpose};
use crate::plan::codec;
use crate::report;

/// Arguments of `trimtab explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A workload (`api`, `Deployment/shop/api`), or a code (`pdb-blocks-evictions`); without it, all codes
    #[arg(value_name = "WORKLOAD|CODE")]
    subject: Option<String>,
    /// Only fields whose path contains this: `cpu`, `minReplicas`
    #[arg(value_name = "FIELD")]
    field: Option<String>,
    /// Where environments are looked for
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Decide everything again from the committed inputs and compare every number
    #[arg(long, value_name = "DIR", conflicts_with_all = ["subject", "field"])]
    verify: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  trimtab explain api --dir overlays/production          # every number of that workload, and why
  trimtab explain api cpu --dir overlays/production
  trimtab explain scale-point-kept                       # what a code means
  trimtab explain --verify overlays                      # exit 1 where a committed number can't be derived again";

/// Explains a code, a workload, or verifies a plan.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    if let Some(folder) = &arguments.verify {
        return verify(folder, &arguments.build);
    }
    match &arguments.subject {
        None => {
            let pages: Vec<String> = Code::all()
                .map(|code| format!("{code}\n    {}\n", code.page()))
                .collect();
            console::print(&pages.concat())?;
        }
        Some(subject) => match Code::find(subject) {
            Some(code) => console::print(&format!("{code}\n\n{}\n", code.page()))?,
            None => console::print(&workload(subject, arguments)?)?,
        },
    }
    Ok(Exit::Done)
}

fn workload(subject: &str, arguments: &Arguments) -> Result<String, CliError> {
    let mut found = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for one in load::load(std::slice::from_ref(&arguments.dir), &arguments.build, Purpose::Apply)? {
        let Some((plan, _)) = &one.inputs.plan else { continue };
        let workloads = plan["spec"]["workloads"].as_object();
        for (key, decided) in workloads.into_iter().flatten() {
            known.push(key.clone());
            if key == subject || key.rsplit('/').next() == Some(subject) {
                found.push(format!("{key} in {}\n", one.folder().display()));
                let mut lines = Vec::new();
                decisions(decided, "", &mut lines);
                let wanted = arguments.field.as_deref().unwrap_or_default();
                for (path, line) in lines.iter().filter(|(path, _)| path.contains(wanted)) {
                    found.push(format!("  {path}: {line}\n"));
                }
            }
        }
    }
    if found.is_empty() {
        let names = known
            .iter()
            .map(String::as_str)
            .chain(Code::all().map(|code| -> &str { code.as_str() }));
        let help = near_miss(subject, names).map_or_else(
            || {
                format!(
                    "workloads with an accepted plan: {}",
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Diagnostic::error(
            code::MISSING_INPUT,
            format!("there is no decided workload and no code `{subject}`"),
        )
        .help(help)
        .into());
    }
    Ok(found.concat())
}

/// Every decision below a value: its path, and what was decided and why in a line.
fn decisions(value: &Value, path: &str, lines: &mut Vec<(String, String)>) {
    let Value::Object(map) = value else { return };
    if let Some(detail) = map.get("detail").and_then(Value::as_str) {
        let accepted = map
            .get("accepted")
            .and_then(Value::as_str)
            .map(|name| format!(" (accepted: {name})"));
        lines.push((path.to_owned(), format!("{detail}{}", accepted.unwrap_or_default())));
    } else if let Some(reason) = map.get("reason") {
        let shown = |key: &str| map.get(key).map(plain);
        let why = Reason::deserialize(reason).map(|reason| report::reason(&reason));
        let before = shown("before").map(|before| format!("{before} → ")).unwrap_or_default();
        lines.push((
            path.to_owned(),
            format!(
                "{before}{}  {}",
                shown("value").unwrap_or_else(|| report::parts(value)),
                why.unwrap_or_default()
            ),
        ));
    } else if path.rsplit('.').nth(1) == Some("removed") {
        let why = Reason::deserialize(value).map(|reason| report::reason(&reason));
        let line = format!("made by trimtab → taken away  {}", why.unwrap_or_default());
        lines.push((path.to_owned(), line));
    }
    for (key, child) in map {
        if key != "reason" {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            decisions(child, &path, lines);
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Decides again on the committed inputs, the accepted plan as last decision, and compares.
fn verify(folder: &std::path::Path, build: &BuildArguments) -> Result<Exit, CliError> {
    let mut problems = Vec::new();
    let mut count = 0;
    for one in load::load(&[folder.to_owned()], build, Purpose::Plan)? {
        let Some((accepted, _)) = &one.inputs.plan else {
            continue;
        };
        let outcome = pipeline::run(&one.inputs).map_err(CliError::Diagnostics)?;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        decisions(&accepted["spec"]["workloads"], "", &mut before);
        decisions(&codec::to_value(&outcome.plan)["spec"]["workloads"], "", &mut after);
        count += before.len();
        for (path, line) in before.iter().filter(|line| !after.contains(line)) {
            problems.push(
                Diagnostic::error(
                    code::STALE_FILE,
                    format!("`{path}: {line}` is not what the inputs give"),
                )
                .help(format!("run `trimtab plan {} --write`", one.folder().display())),
            );
        }
    }
    if problems.is_empty() {
        console::say(&format!(
            "{count} decisions were derived again from the committed inputs"
        ));
        return Ok(Exit::Done);
    }
    Err(CliError::Diagnostics(problems))
}
