//! `trimtab explain`: the reason of a number, or the page of a code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments, Loaded};
use super::{check, console};
use crate::diag::{Code, Diagnostic, code, first_of, near_miss};
use crate::krm::Reason;
use crate::pipeline::{self, Purpose};
use crate::plan::OptimizationPlan;
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
    /// Plan again on the committed inputs, check every entry's seal, and derive every value again that can be
    #[arg(long, value_name = "DIR", conflicts_with_all = ["subject", "field"])]
    verify: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  # every number of that workload, and why
  trimtab explain api --dir overlays/production
  trimtab explain api cpu --dir overlays/production
  # what a code means
  trimtab explain scale-point-kept
  # exit 1 where a plan was edited or is not its inputs'
  trimtab explain --verify overlays

`--verify` checks that each plan is what `trimtab plan` makes of its inputs and that no
entry was edited since (its seal). Then it decides once more on top of the values
before, and says which values come out again. A value that an earlier plan settled, or
that waits for its turn to restart, may not: for these the seal is all that is checked,
and they are listed.";

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
    let mut not_planned_yet = Vec::new();
    for one in load::load(std::slice::from_ref(&arguments.dir), &arguments.build, Purpose::Apply)? {
        let Some((plan, _)) = &one.inputs.plan else {
            not_planned_yet.push(not_planned(&one));
            continue;
        };
        let changed = pipeline::changed_since(&one.inputs).map_err(CliError::Diagnostics)?;
        let workloads = plan["spec"]["workloads"].as_object();
        for (key, decided) in workloads.into_iter().flatten() {
            known.push(key.clone());
            if one.is_meant(key, subject) {
                let folder = one.folder().display();
                found.push(format!("{key} in {folder}\n"));
                if let Some(parts) = changed.get(key) {
                    let parts = parts.join(", ");
                    found.push(format!(
                        "  changed since this was planned: {parts}; below is the accepted plan, and `trimtab plan {folder} --write` decides again\n"
                    ));
                }
                let mut lines = Vec::new();
                decisions(decided, "", &mut lines);
                if lines.is_empty() {
                    found.push(format!("  nothing is planned: {}\n", why_nothing(decided)));
                }
                let wanted = arguments.field.as_deref().unwrap_or_default();
                for (path, line) in lines.iter().filter(|(path, _)| path.contains(wanted)) {
                    found.push(format!("  {path}: {line}\n"));
                }
            }
        }
    }
    if found.is_empty() {
        return Err(unknown(subject, &known, &not_planned_yet).into());
    }
    Ok(found.concat())
}

/// Why an entry has neither a decision nor a finding.
fn why_nothing(entry: &Value) -> &'static str {
    match entry["mode"].as_str() {
        Some("observe") => "mode observe, and its rules ask for nothing that would change",
        Some("frozen") => "mode frozen, and nothing was accepted",
        _ => "its rules ask for nothing; a `class`, or a setting such as `requests` or `scaling`, asks for something",
    }
}

/// Neither a workload nor a code: what was meant, or why nothing is decided yet.
fn unknown(subject: &str, known: &[String], not_planned_yet: &[Diagnostic]) -> Diagnostic {
    if let (true, Some(first)) = (known.is_empty(), not_planned_yet.first()) {
        return first.clone();
    }
    let short = known.iter().map(|key| key.rsplit('/').next().unwrap_or(key));
    let names = known.iter().map(String::as_str).chain(short);
    let near = near_miss(subject, names.chain(Code::all().map(|code| -> &str { code.as_str() })));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "`trimtab explain` lists the codes".to_owned(),
        None => format!("decided are: {}", first_of(known)),
    };
    let headline = format!("there is no decided workload and no code `{subject}`");
    let unknown = Diagnostic::error(code::MISSING_INPUT, headline).help(help);
    not_planned_yet
        .iter()
        .fold(unknown, |unknown, folder| unknown.because(folder.headline.clone()))
}

fn not_planned(one: &Loaded) -> Diagnostic {
    let folder = one.folder().display();
    Diagnostic::error(code::MISSING_INPUT, format!("`{folder}` has no accepted plan")).help(format!(
        "run `trimtab plan {folder} --write` first; without `--write` it shows what would be decided, and why"
    ))
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

/// Plans again on the committed inputs, holds the plan against its seals, and derives what can be from the values before.
fn verify(folder: &Path, build: &BuildArguments) -> Result<Exit, CliError> {
    let mut problems = Vec::new();
    let mut shown = Vec::new();
    for one in load::load(&[folder.to_owned()], build, Purpose::Plan)? {
        let Some(accepted) = one.accepted() else {
            problems.push(not_planned(&one));
            continue;
        };
        problems.extend(check::stale_plan(
            &one,
            &pipeline::run(&one.inputs).map_err(CliError::Diagnostics)?,
        ));
        problems.extend(check::edited(&one));
        let again = pipeline::derive_again(&one.inputs).map_err(CliError::Diagnostics)?;
        shown.push(derived(&one, &accepted, again.as_ref()));
    }
    if problems.is_empty() {
        console::print(&shown.concat())?;
        return Ok(Exit::Done);
    }
    Err(CliError::Diagnostics(problems))
}

/// How many decisions come out again, and which ones do not.
fn derived(one: &Loaded, accepted: &OptimizationPlan, again: Option<&OptimizationPlan>) -> String {
    let values = |plan: &OptimizationPlan| {
        let mut found = BTreeMap::new();
        for (key, workload) in &plan.spec.workloads {
            values(&json!(workload), key, &mut found);
        }
        found
    };
    let again = again.map(values).unwrap_or_default();
    let all = values(accepted);
    let settled: Vec<String> = all
        .iter()
        .filter(|(path, value)| again.get(*path) != Some(*value))
        .map(|(path, value)| format!("  {path}: {}\n", plain(value)))
        .collect();
    let mut text = format!(
        "{}: all {} entries are as they were planned, and the plan is the one of its inputs; {} of {} values were derived \
         again from the policy, the profile and the manifests on top of the values before\n",
        one.folder().display(),
        accepted.spec.workloads.len(),
        all.len() - settled.len(),
        all.len()
    );
    if !settled.is_empty() {
        text += "not derived again, as they were settled by an earlier plan or wait for their turn; only their seal was checked:\n";
        text += &settled.concat();
    }
    text
}

/// Every decided value below, by its path.
fn values(part: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    let Value::Object(map) = part else { return };
    if let (Some(value), true) = (map.get("value"), map.contains_key("reason")) {
        found.insert(path.to_owned(), value.clone());
    }
    for (key, child) in map {
        values(child, &format!("{path}.{key}"), found);
    }
}
