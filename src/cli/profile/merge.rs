//! `trimtab profile merge`: profiles of parts in, one of the whole out.

use super::output::{report, tell, write};
use crate::cli::exit::{CliError, Exit};
use crate::diag::code;
use crate::history::note::Note;
use crate::io::room;
use crate::profile::merge;
use crate::profile::written::Written;
use std::path::{Path, PathBuf};

/// Merges files.
pub(super) fn run(paths: &[PathBuf], shard: bool, output: &Path) -> Result<Exit, CliError> {
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        let read = room::profile_stream(path)?.read();
        match read {
            Ok(profiles) => parts.extend(profiles),
            Err(error) => {
                let note =
                    Note::error(code::PROFILE_MALFORMED, error.what.clone()).in_file(&path.display().to_string());
                faults.push(match error.line {
                    Some(line) => note.at_row(line),
                    None => note,
                });
            }
        }
    }
    if !faults.is_empty() {
        return Ok(tell(faults, Exit::Error));
    }
    match merge::merge(parts, shard) {
        Ok(profiles) => {
            let profiles: Vec<_> = profiles.iter().map(Written::of).collect();
            write(output, &profiles)?;
            report(&profiles, output);
            Ok(Exit::Done)
        }
        Err(note) => Ok(tell(vec![note], Exit::Error)),
    }
}
