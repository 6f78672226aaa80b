//! `trimtab profile show` and `trimtab profile diff`: what profiles say, and what moved between two.

use std::path::{Path, PathBuf};

use super::inputs::profiles;
use crate::cli::console;
use crate::cli::exit::{CliError, Exit};
use crate::diag::{Diagnostic, Place, code, first_of, near_miss};
use crate::history::owners::WorkloadKey;
use crate::io::files;
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
pub(super) fn show(words: &[PathBuf], format: Format) -> Result<Exit, CliError> {
    let (files, workload) = apart(words);
    let profiles = read(files)?;
    let is_meant = |key: &WorkloadKey| workload.is_none_or(|word| key.name == word || key.to_string() == word);
    let recorded = Recorded::of(&profiles, &is_meant);
    if let (Some(word), true) = (workload, recorded.is_empty()) {
        return Err(unknown(word, files, &profiles).into());
    }
    console::print(&match format {
        Format::Table => recorded.text(),
        Format::Json => recorded.json(),
    })?;
    Ok(Exit::Done)
}

/// Files, and behind them a workload: a last word that is no file.
fn apart(words: &[PathBuf]) -> (&[PathBuf], Option<&str>) {
    match words.split_last() {
        Some((last, files)) if !files.is_empty() && !files::is_standard(last) && !last.exists() => {
            (files, last.to_str())
        }
        _ => (words, None),
    }
}

/// Shows profiles beside krr's report.
pub(super) fn compare(paths: &[PathBuf], report: &Path, format: Format) -> Result<Exit, CliError> {
    let bytes = files::read(report, yaml::Limits::STREAM.bytes).map_err(anyhow::Error::from)?;
    let compared = Compared::of(&read(paths)?, &bytes).map_err(|why| {
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
    let moved = Moved::between(&read(&[old.to_owned()])?, &read(&[new.to_owned()])?);
    console::print(&match format {
        Format::Table => moved.text(),
        Format::Json => moved.json(),
    })?;
    Ok(Exit::Done)
}

fn read(paths: &[PathBuf]) -> Result<Vec<Profile>, CliError> {
    let parts = profiles(paths)?;
    Ok(parts.into_iter().map(|part| finish(part.profile)).collect())
}

fn unknown(word: &str, files: &[PathBuf], profiles: &[Profile]) -> Diagnostic {
    let keys = profiles.iter().flat_map(|profile| profile.workloads.keys());
    let known: Vec<String> = keys.flat_map(|key| [key.name.clone(), key.to_string()]).collect();
    let shown: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    let headline = format!(
        "there is no workload `{word}` in {}, and no file of this name",
        first_of(&shown)
    );
    let diagnostic = Diagnostic::error(code::MISSING_INPUT, headline);
    match near_miss(word, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("`trimtab profile show FILE` shows all of them"),
    }
}
