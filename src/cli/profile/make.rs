//! One run over files: what they hold becomes profiles.

use super::output::{report, tell, write};
use super::{ProfileArgs, inputs};
use crate::cli::exit::{CliError, Exit};
use crate::diag::code;
use crate::history::note::Note;
use crate::history::owners::Owners;
use crate::history::spool::{Room, Stored};
use crate::history::{self, Input, Read};
use crate::io::files::Stamp;
use crate::io::room::{Spill, Still};
use crate::io::{clock, files};
use crate::profile::build::{Built, assemble};
use crate::units::Timestamp;
use anyhow::Context as _;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Files that stay open while their samples are in use; the samples of further ones are put aside. Most systems allow a
/// process a thousand.
const OPEN_MAX: usize = 256;

/// Makes profiles of files.
pub(super) fn make(args: &ProfileArgs) -> Result<Exit, CliError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .use_current_thread()
        .build()
        .context("cannot start threads")?;
    let can_again = can_read_again(args);
    let names: Vec<&str> = args.exports.iter().map(|export| file_of(export)).collect();
    let stamps = || -> Vec<Option<Stamp>> { names.iter().map(|name| Stamp::of(Path::new(name))).collect() };
    let before = stamps();
    let built = match pool.install(|| build(args, can_again))? {
        // perhaps just not in the usual form throughout: read with all care, it tells what is wrong
        Err(_) if can_again => pool.install(|| build(args, false))?,
        built => built,
    };
    let others = names.iter().zip(before.iter().zip(stamps()));
    let changed: Vec<Note> = others
        .filter(|(_, (before, now))| **before != *now)
        .map(|(name, _)| changed(name))
        .collect();
    if !changed.is_empty() {
        return Ok(tell(changed, Exit::Error));
    }
    let built = match built {
        Ok(built) => built,
        Err(notes) => return Ok(tell(notes, Exit::Error)),
    };
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let profiles = built.profiles;
    let empty = profiles.is_empty();
    let mut notes = built.notes;
    if empty {
        notes.push(Note::error(
            code::EXPORT_EMPTY,
            "no sample of any known workload: nothing to write",
        ));
        return Ok(tell(notes, Exit::Error));
    }
    write(output, &profiles)?;
    tell(notes, Exit::Done);
    report(&profiles, output);
    Ok(Exit::Done)
}

fn changed(name: &str) -> Note {
    Note::error(code::EXPORT_CHANGED, "was written while it was read")
        .in_file(name)
        .help("run again when nothing writes it any more; let exporters write another file and rename it at the end")
}

/// The file behind `SIGNAL=FILE`; a name may hold the mark itself.
fn file_of(export: &str) -> &str {
    match export.split_once('=') {
        Some((_, file)) if !Path::new(export).is_file() => file,
        _ => export,
    }
}

/// Whether all that is read can be read twice.
fn can_read_again(args: &ProfileArgs) -> bool {
    let exports = args.exports.iter().map(|export| Path::new(file_of(export)).is_file());
    let others = args.owners.iter().map(|path| path.is_file());
    let manifests = args.manifests.iter().map(|path| path.is_file() || path.is_dir());
    exports.chain(others).chain(manifests).all(|is| is)
}

/// With `again`, samples may stay in their files until they are needed.
fn build(args: &ProfileArgs, again: bool) -> anyhow::Result<Result<Built, Vec<Note>>> {
    // what does not fit in memory waits in one place: samples first, then lines
    let room = Room::new(Spill::default());
    let options = inputs::options(args, &room)?;
    let mut inputs = inputs::inputs(args, &room)?;
    for input in inputs.iter_mut().filter(|_| again).take(OPEN_MAX) {
        input.again = Still::open(Path::new(input.name)).map(|file| Arc::new(file) as Arc<dyn Stored>);
    }
    let mut owners = Owners::default();
    let (mut faults, mut remarks) = (Vec::new(), Vec::new());
    for path in &args.owners {
        let mut text = files::open(path)?;
        match owners.read(&path.display().to_string(), &mut text) {
            Ok(remark) => remarks.extend(remark),
            Err(found) => faults.extend(found),
        }
    }
    let (declared, mut notes) = inputs::declared(&args.manifests)?;
    notes.extend(remarks);
    let reads: Vec<Result<Read, Vec<Note>>> = inputs.par_iter().map(read).collect();
    let mut good = Vec::new();
    for read in reads {
        match read {
            Ok(read) => good.push(read),
            Err(notes) => faults.extend(notes),
        }
    }
    if !faults.is_empty() {
        notes.extend(faults);
        return Ok(Err(notes));
    }
    notes.extend(good.iter().filter_map(of_the_future));
    Ok(assemble(good, owners, declared, &options)
        .map(|built| Built {
            notes: notes.iter().cloned().chain(built.notes).collect(),
            ..built
        })
        .map_err(|faults| notes.into_iter().chain(faults).collect()))
}

fn read(input: &Input<'_>) -> Result<Read, Vec<Note>> {
    let unreadable = |error: files::FileError| vec![Note::error(code::EXPORT_UNREADABLE, error.to_string())];
    let raw = files::open(Path::new(input.name)).map_err(unreadable)?;
    history::read(input, raw)
}

/// A damaged time can lie years ahead; half a day is a clock in another zone.
fn of_the_future(read: &Read) -> Option<Note> {
    const AHEAD_S: i64 = 86_400;
    let (last_ms, row) = read.extent.last?;
    let (last, now) = (Timestamp::from_unix(last_ms.div_euclid(1000))?, clock::now());
    if last.unix() - now.unix() <= AHEAD_S {
        return None;
    }
    let message = format!("the latest sample is of {last}, which is yet to come by this machine's clock");
    let help = "compare it with the source: a plan takes the last sample for its now";
    let note = Note::warning(code::TIME_IN_FUTURE, message);
    Some(note.in_file(&read.name).at_row(row).help(help))
}
