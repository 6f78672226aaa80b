//! `trimtab lint`: what stands against manifests, whoever wrote them.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::console;
use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments};
use super::unreadable::unreadable;
use crate::diag::{self, Diagnostic, code};
use crate::io::kustomization::{Kustomization, built_below};
use crate::io::{environments, files, kustomize::Kustomize, manifests};
use crate::krm::{Object, ResourceList};
use crate::lint;
use crate::pipeline::Purpose;
use crate::policy::{self, Settings};
use crate::yaml::{self, Limits};

/// Arguments of `trimtab lint`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, folders (built where they have a kustomization, each one below apart) or `-`
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How findings are shown
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The policy the manifests are under: the lowest version, zones and spot nodes of its cluster are known then, and the
    /// namespace of what names none. A folder with a policy brings its own
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  kustomize build apps/production | trimtab lint -
  # with its plan applied, for its policy's cluster
  trimtab lint overlays/production
  helm template shop | trimtab lint - --policy policy.yaml --format json

Exit codes: 0 nothing of weight, 1 an error was found or an input can't be read.";

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[value(alias = "terminal", alias = "table", alias = "text")]
    Human,
    /// For programs
    Json,
    /// Annotations of a pull request, as GitHub Actions read them
    Github,
}

/// Lints everything named.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let stated = arguments.policy.as_deref().map(settings_of_file).transpose()?;
    let (mut objects, mut found, mut count) = (Vec::new(), Vec::new(), 0);
    for path in &arguments.paths {
        let below = built_below(path).map_err(anyhow::Error::from)?;
        for folder in &below {
            // what is built apart is applied apart: it does not meet what another folder builds
            let (applied, own) = match environment(folder, &arguments.build)? {
                Some((applied, own)) => (applied, Some(own)),
                None => (read(folder, &arguments.build)?, None),
            };
            count += applied.len();
            let shown = |one: Diagnostic| one.because(format!("in `{}`", folder.display()));
            let judged = lint::lint_for(&applied, stated.as_ref().or(own.as_ref()));
            found.extend(judged.into_iter().map(shown));
        }
        if !below.is_empty() && !manifests::has_manifests(path).map_err(anyhow::Error::from)? {
            continue;
        }
        match environment(path, &arguments.build)? {
            // environments are clusters of their own: what is in one does not meet what is in another
            Some((applied, own)) => {
                count += applied.len();
                found.extend(lint::lint_for(&applied, Some(stated.as_ref().unwrap_or(&own))));
            }
            None => objects.extend(read(path, &arguments.build)?),
        }
    }
    count += objects.len();
    found.extend(lint::lint_for(&objects, stated.as_ref()));
    diag::sort(&mut found);
    match arguments.format {
        Format::Json => console::print(&format!("{:#}\n", json!({ "diagnostics": found })))?,
        Format::Github => console::print(&diag::github::render_all(&found))?,
        Format::Human => {
            console::print(&diag::terminal::render_all(&found, false))?;
            let number = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
            let (objects, findings) = (number(count, "object"), number(found.len(), "finding"));
            console::say(&format!("{objects}, {findings}"));
        }
    }
    Ok(if diag::has_errors(&found) {
        Exit::Error
    } else {
        Exit::Done
    })
}

/// What an environment comes to with its plan applied, and the policy it is under.
fn environment(path: &Path, build: &BuildArguments) -> Result<Option<(Vec<Object>, Settings)>, CliError> {
    if !path.is_dir() || environments::at(path).map_err(anyhow::Error::from)?.is_none() {
        return Ok(None);
    }
    let loaded = load::load(&[path.to_owned()], build, Purpose::Apply)?;
    let Some(one) = loaded.into_iter().find(|one| one.folder() == path) else {
        return Ok(None);
    };
    let (objects, _, settings) = one.applied()?;
    Ok(Some((objects, settings)))
}

fn settings_of_file(path: &Path) -> Result<Settings, CliError> {
    let (value, source) = load::read_one(path)?;
    policy::parse(&value, &source).map_err(CliError::Diagnostics)
}

fn read(path: &Path, build: &BuildArguments) -> Result<Vec<Object>, CliError> {
    if path.is_dir() {
        if Kustomization::of(path).map_err(anyhow::Error::from)?.is_some() {
            let kustomize = Kustomize::find(build.kustomize.as_deref(), build.allow_functions);
            return kustomize.build(path).map_err(|error| anyhow::Error::from(error).into());
        }
        return manifests::manifests(path).map_err(|error| anyhow::Error::from(error).into());
    }
    let bytes = files::read(path, Limits::STREAM.bytes)?;
    let shown = if files::is_standard(path) {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    };
    let documents = yaml::read_all(&bytes, &Limits::STREAM).map_err(|error| unreadable(&shown, &bytes, &error))?;
    let documents = documents.into_iter().map(|document| document.value).collect();
    let list = ResourceList::parse(documents)
        .map_err(|error| Diagnostic::error(code::MALFORMED_INPUT, format!("{shown}: {error}")))?;
    Ok(list.items)
}
