//! `trimtab check`: for CI. Are the committed files what the inputs make of them, and does nothing stand against them?
//!
//! Exit 3 where something is stale or a gate says no. A finding is a gate when it is of a code below, in a workload that
//! is rendered, and not accepted by the policy.

mod folders;
mod verdict;

use std::path::{Path, PathBuf};

use self::verdict::{Format, Verdict};
use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments, Loaded};
use crate::diag::{Code, Diagnostic, Severity, code};
use crate::io::clock;
use crate::lint;
use crate::pipeline::{self, Outcome, Purpose};
use crate::plan::codec;
use crate::plan::model::OptimizationPlan;
use crate::policy::wire::OptimizationPolicy;
use crate::policy::{Source, merge};
use crate::units::{Day, Timestamp};

/// Findings that stop a merge until they are repaired or accepted.
const GATES: [Code; 2] = [code::PDB_BLOCKS_EVICTIONS, code::POLICY_CONFLICT];

/// Arguments of `trimtab check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders with environments and rendered layers, or above them
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The time to judge expiry by; else the machine's
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// Every environment must have its rendered folder: for deployments that run no functions (Flux)
    #[arg(long)]
    files: bool,
    /// How findings are shown: for people on stderr, for programs or as annotations on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  # in CI: exit 3 where something is stale or a gate says no
  trimtab check .
  # the same, and every environment has its rendered folder
  trimtab check . --files
  trimtab check overlays --now 2027-01-01T00:00:00Z
  # in a workflow: findings beside the lines they are about
  trimtab check . --format github
  trimtab check . --format json | jq '.diagnostics[].code'

Checked: plan.yaml is what `trimtab plan` makes of policy, profile and manifests;
rendered folders are what `trimtab render` makes of the plan, and there is one where
nothing else applies it (`--files`: everywhere); findings that block are accepted with
a reason, and no acceptance has expired; no rule of `trimtab lint` objects to what
trimtab renders. A price sheet past its day is a warning.

Exit codes: 0 current, 1 an input can't be read, 3 stale or a gate said no.";

/// Checks everything and reports all of it, what can't be read too.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    match (judge(arguments), arguments.format) {
        (Ok(verdict), format) => {
            verdict.tell(format)?;
            Ok(if verdict.is_current() { Exit::Done } else { Exit::Stale })
        }
        (Err(CliError::Diagnostics(found)), Format::Json | Format::Github) => {
            Verdict::unreadable(found).tell(arguments.format)?;
            Ok(Exit::Error)
        }
        (Err(error), _) => Err(error),
    }
}

/// Every environment and every rendered folder.
fn judge(arguments: &Arguments) -> Result<Verdict, CliError> {
    let now = arguments.now.unwrap_or_else(clock::now);
    let (mut problems, mut doubts) = (Vec::new(), Vec::new());
    let rendered = folders::rendered(&arguments.folders)?;
    let has_layers = |folder: &Path| rendered.keys().any(|layer| layer.starts_with(folder));
    let mut planned = load::load_beside(&arguments.folders, &has_layers, &arguments.build, Purpose::Plan)?;
    for one in &planned {
        let outcome = pipeline::run(&one.inputs).map_err(CliError::Diagnostics)?;
        problems.extend(stale_plan(one, &outcome));
        problems.extend(edited(one));
        problems.extend(gates(one, &outcome.plan));
        problems.extend(expired(&outcome.settings.policy, &one.inputs.policy_source, now));
        problems.extend(lint_errors(&outcome));
        doubts.extend(old_prices(one, &outcome, now));
        let is_changed = |found: &&Diagnostic| found.code == code::MANIFEST_CHANGED;
        doubts.extend(outcome.diagnostics.iter().filter(is_changed).cloned());
    }
    // environments share a sheet
    doubts.dedup();
    let mut of_environment = vec![Vec::new(); planned.len()];
    for (folder, layer) in &rendered {
        let index = layer
            .from
            .as_ref()
            .and_then(|from| planned.iter().position(|one| folders::is_same(one.folder(), from)));
        match index.and_then(|index| of_environment.get_mut(index)) {
            Some(layers) => layers.push((folder, layer.form)),
            None => problems.push(folders::of_nobody(folder, layer)),
        }
    }
    let folders: usize = of_environment.iter().map(Vec::len).sum();
    for (one, layers) in planned.iter_mut().zip(of_environment) {
        if layers.is_empty() {
            problems.extend(folders::not_rendered(one, arguments.files));
        }
        // the same build again, now with the accepted plan applied
        one.inputs.purpose = Purpose::Apply;
        for (folder, form) in layers {
            problems.extend(folders::stale(one, folder, form)?);
            problems.extend(folders::adding_containers(one, folder)?);
        }
    }
    doubts.extend(folders::doubles(&planned));
    Ok(Verdict {
        found: [doubts, problems].concat(),
        environments: planned.len(),
        folders,
    })
}

/// What rules hold against the result and the policy does not accept.
fn lint_errors(outcome: &Outcome) -> Vec<Diagnostic> {
    let settings = &outcome.settings;
    let name = |found: &Diagnostic| {
        found
            .workload
            .as_deref()
            .and_then(|key| key.rsplit('/').next())
            .map(str::to_owned)
    };
    let mut errors = lint::lint_for(&outcome.objects.clone().into_objects(), Some(settings));
    errors.retain(|found| {
        let accepts = |name: String| settings.policy.spec.acceptance(found.code, &name).is_some();
        found.severity == Severity::Error && !name(found).is_some_and(accepts)
    });
    errors
}

/// The plan is not what the inputs make of it.
pub(super) fn stale_plan(one: &Loaded, outcome: &Outcome) -> Option<Diagnostic> {
    let folder = one.folder().display();
    let help = format!("run `trimtab plan {folder} --write`, review and commit");
    let Some((value, source)) = &one.inputs.plan else {
        let headline = format!("`{folder}` has no accepted plan");
        let place = one.inputs.policy_source.key_place("/spec/environment");
        return Some(Diagnostic::error(code::STALE_FILE, headline).at(place).help(help));
    };
    let made = codec::to_value(&outcome.plan);
    if *value == made {
        return None;
    }
    let accepted = one.accepted();
    let edited: Vec<&String> = accepted.iter().flat_map(codec::edited).collect();
    let is_head_edited = accepted.as_ref().is_some_and(|plan| !codec::is_head_sealed(&plan.spec));
    let is_same_head = is_head_edited || value["spec"]["digests"] == made["spec"]["digests"];
    let changed = changed_workloads(value, &made);
    // an edit is a finding of its own; all else that changed makes the plan stale
    if is_same_head && (is_head_edited || !changed.is_empty()) && changed.iter().all(|key| edited.contains(&key)) {
        return None;
    }
    let changed: Vec<String> = changed
        .iter()
        .filter(|key| !edited.contains(key))
        .map(|key| format!("`{key}`"))
        .collect();
    let why = if !changed.is_empty() {
        format!("changed: {}", changed.join(", "))
    } else if is_same_head {
        "an earlier version of trimtab wrote its head, which has no seal".to_owned()
    } else {
        "policy or profile changed".to_owned()
    };
    let headline = format!("the plan of `{folder}` is not what its inputs make of it");
    Some(
        Diagnostic::error(code::STALE_FILE, headline)
            .at(source.top())
            .because(why)
            .help(help),
    )
}

/// Entries, and a head, that no planning wrote.
pub(super) fn edited(one: &Loaded) -> Vec<Diagnostic> {
    let folder = one.folder().display();
    let (Some(plan), Some((_, source))) = (one.accepted(), &one.inputs.plan) else {
        return Vec::new();
    };
    let again = format!("trimtab plan {folder} --write");
    let head = (!codec::is_head_sealed(&plan.spec)).then(|| {
        let headline = format!("the head of the plan in `{folder}` was edited after planning");
        Diagnostic::error(code::PLAN_EDITED, headline)
            .at(source.top())
            .because("it says what the entries were decided on, and they were decided on something else")
            .help(format!("take the file from git again, or plan again: `{again}`"))
    });
    let entry = |key: &String| {
        let headline = format!("the plan of `{key}` in `{folder}` was edited after planning");
        Diagnostic::error(code::PLAN_EDITED, headline)
            .of(key.clone())
            .at(source.key_place(&format!("/spec/workloads/{}", merge::escape(key))))
            .because("a number that is in no policy and no profile can't be derived again")
            .help(format!("state it in the policy and plan again: `{again}`"))
    };
    head.into_iter().chain(codec::edited(&plan).map(entry)).collect()
}

fn changed_workloads(accepted: &serde_json::Value, made: &serde_json::Value) -> Vec<String> {
    let workloads = |plan: &serde_json::Value| plan["spec"]["workloads"].as_object().cloned().unwrap_or_default();
    let (accepted, made) = (workloads(accepted), workloads(made));
    let keys: std::collections::BTreeSet<&String> = accepted.keys().chain(made.keys()).collect();
    keys.into_iter()
        .filter(|key| accepted.get(*key) != made.get(*key))
        .cloned()
        .collect()
}

fn gates(one: &Loaded, plan: &OptimizationPlan) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (key, workload) in plan
        .spec
        .workloads
        .iter()
        .filter(|(_, workload)| workload.is_rendered())
    {
        for (name, finding) in &workload.findings {
            let Some(code) = Code::find(name).filter(|code| GATES.contains(code)) else {
                continue;
            };
            if finding.accepted.is_none() {
                let help = format!("repair it, or accept it under `spec.accept` with `code: {code}` and a reason");
                let headline = format!("{}: {}", one.folder().display(), finding.detail);
                problems.push(Diagnostic::error(code, headline).of(key.clone()).help(help));
            }
        }
    }
    problems
}

/// Acceptances whose day has passed.
fn expired(policy: &OptimizationPolicy, source: &Source, now: Timestamp) -> Vec<Diagnostic> {
    let today = Day::of(now);
    let mut problems = Vec::new();
    for (name, accept) in &policy.spec.accept {
        let Some(until) = accept.until.filter(|until| *until < today) else {
            continue;
        };
        problems.push(
            Diagnostic::error(
                code::ACCEPT_EXPIRED,
                format!("the acceptance `{name}` held until {until}"),
            )
            .at(source.value_place(&format!("/spec/accept/{}/until", merge::escape(name))))
            .help("repair the finding, or accept it again with a new date"),
        );
    }
    problems
}

/// A price sheet whose day has passed. It stops nothing: prices change no manifest.
fn old_prices(one: &Loaded, outcome: &Outcome, now: Timestamp) -> Option<Diagnostic> {
    let ((_, source), sheet) = (one.inputs.prices.as_ref()?, outcome.prices.as_ref()?);
    let until = sheet.spec.valid_until;
    (until < Day::of(now)).then(|| {
        Diagnostic::warning(code::PRICES_EXPIRED, format!("the prices held until {until}"))
            .at(source.value_place("/spec/validUntil"))
            .because(format!(
                "they were taken on {} from: {}",
                sheet.spec.as_of, sheet.spec.source
            ))
            .help("take them anew, and name the day until which they are taken as true")
    })
}
