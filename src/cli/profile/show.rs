//! `trimtab profile show` and `trimtab profile diff`: what profiles say, and what moved between two.

use std::path::Path;

use crate::cli::console;
use crate::cli::exit::{CliError, Exit};
use crate::diag::{Diagnostic, Place, code, near_miss};
use crate::history::owners::WorkloadKey;
use crate::io::{files, room};
use crate::profile::{Profile, finish};
use crate::report::{Compared, Moved, Recorded};
use crate::yaml;

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Tables.
    Table,
    /// JSON.
    Json,
}

/// Shows profiles, or one workload of them.
pub(super) fn show(file: &Path, workload: Option<&str>, format: Format) -> Result<Exit, CliError> {
    let profiles = read(file)?;
    let is_meant = |key: &WorkloadKey| workload.is_none_or(|word| key.name == word || key.to_string() == word);
    let recorded = Recorded::of(&profiles, &is_meant);
    if let (Some(word), true) = (workload, recorded.is_empty()) {
        return Err(unknown(word, file, &profiles).into());
    }
    console::print(&match format {
        Format::Table => recorded.text(),
        Format::Json => recorded.json(),
    })?;
    Ok(Exit::Done)
}

/// Shows profiles beside krr's report.
pub(super) fn compare(file: &Path, report: &Path, format: Format) -> Result<Exit, CliError> {
    let bytes = files::read(report, yaml::Limits::STREAM.bytes).map_err(anyhow::Error::from)?;
    let compared = Compared::of(&read(file)?, &bytes).map_err(|why| {
        let place = Place::Object {
            object: report.display().to_string(),
            pointer: String::new(),
        };
        Diagnostic::error(code::FORMAT_UNKNOWN, format!("is no report of krr: {why}"))
            .at(place)
            .help("make it with `krr simple -f json`")
    })?;
    console::print(&match format {
        Format::Table => compared.text(),
        Format::Json => compared.json(),
    })?;
    Ok(Exit::Done)
}

/// Shows what moved between two files.
pub(super) fn diff(old: &Path, new: &Path, format: Format) -> Result<Exit, CliError> {
    let moved = Moved::between(&read(old)?, &read(new)?);
    console::print(&match format {
        Format::Table => moved.text(),
        Format::Json => moved.json(),
    })?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Vec<Profile>, CliError> {
    let stream = room::profile_stream(path)?;
    let profiles = stream.read().map(|profiles| profiles.into_iter().map(finish).collect());
    profiles.map_err(|error| {
        let place = Place::Object {
            object: path.display().to_string(),
            pointer: String::new(),
        };
        Diagnostic::error(code::PROFILE_MALFORMED, error.to_string())
            .at(place)
            .help("write it again with `trimtab profile`")
            .into()
    })
}

fn unknown(word: &str, file: &Path, profiles: &[Profile]) -> Diagnostic {
    let keys = profiles.iter().flat_map(|profile| profile.workloads.keys());
    let known: Vec<String> = keys.flat_map(|key| [key.name.clone(), key.to_string()]).collect();
    let headline = format!("`{}` knows no workload `{word}`", file.display());
    let diagnostic = Diagnostic::error(code::MISSING_INPUT, headline);
    match near_miss(word, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("`trimtab profile show FILE` shows all of them"),
    }
}
