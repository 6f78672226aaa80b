//! `trimtab lint`: what stands against manifests, whoever wrote them.

use std::path::PathBuf;

use serde_json::json;

use super::console;
use super::exit::{CliError, Exit};
use super::load::BuildArguments;
use super::unreadable::unreadable;
use crate::diag::{self, Diagnostic, code};
use crate::io::{files, kustomization::Kustomization, kustomize::Kustomize, manifests};
use crate::krm::{Object, ResourceList};
use crate::lint;
use crate::yaml::{self, Limits};

/// Arguments of `trimtab lint`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, folders (built where they have a kustomization) or `-`
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How findings are shown
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  kustomize build apps/production | trimtab lint -
  trimtab lint apps/production --format json

Exit codes: 0 nothing of weight, 1 an error was found or an input can't be read.";

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Lints everything named.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let mut objects = Vec::new();
    for path in &arguments.paths {
        objects.extend(read(path, &arguments.build)?);
    }
    let found = lint::lint(&objects);
    match arguments.format {
        Format::Json => console::print(&format!("{:#}\n", json!({ "diagnostics": found })))?,
        Format::Human => {
            console::print(&diag::terminal::render_all(&found, false))?;
            console::say(&format!("{} objects, {} findings", objects.len(), found.len()));
        }
    }
    Ok(if diag::has_errors(&found) {
        Exit::Error
    } else {
        Exit::Done
    })
}

fn read(path: &std::path::Path, build: &BuildArguments) -> Result<Vec<Object>, CliError> {
    if path.is_dir() {
        if Kustomization::of(path).map_err(anyhow::Error::from)?.is_some() {
            let kustomize = Kustomize::find(build.kustomize.as_deref(), build.allow_functions);
            return kustomize.build(path).map_err(|error| anyhow::Error::from(error).into());
        }
        return manifests::manifests(path).map_err(|error| anyhow::Error::from(error).into());
    }
    let bytes = files::read(path, Limits::STREAM.bytes)?;
    let shown = path.display().to_string();
    let documents = yaml::read_all(&bytes, &Limits::STREAM).map_err(|error| unreadable(&shown, &bytes, &error))?;
    let documents = documents.into_iter().map(|document| document.value).collect();
    let list = ResourceList::parse(documents)
        .map_err(|error| Diagnostic::error(code::MALFORMED_INPUT, format!("{shown}: {error}")))?;
    Ok(list.items)
}
