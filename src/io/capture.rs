//! The one moment in which the function does more than read stdin and write stdout: our own CLI runs kustomize, and
//! wants to see what kustomize would hand to the function.
//!
//! The CLI puts a link to itself first in `PATH` and names a file in a private variable. Started so, the program echoes
//! its input unchanged and copies it to the file. A function further inside the tree does its work as always: only the
//! one listed by the environment itself captures.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use crate::yaml::Limits;

/// The capture file.
pub const FILE: &str = "TRIMTAB_CAPTURE";

/// The folder whose function captures: kustomize starts a function in the folder that lists it.
pub const ROOT: &str = "TRIMTAB_CAPTURE_ROOT";

/// The name of the client that kustomize runs containers with. Linked to us, it captures without a container.
pub const CONTAINER_CLIENT: &str = "docker";

/// Where to copy stdin, if this process was started to capture. `program` is the name it was started by.
pub fn requested(program: &Path) -> Option<PathBuf> {
    let file = std::env::var_os(FILE)?;
    let is_client = program.file_stem().is_some_and(|name| name == CONTAINER_CLIENT);
    (is_client || is_here(std::env::var_os(ROOT))).then(|| file.into())
}

fn is_here(root: Option<OsString>) -> bool {
    root.is_none_or(|root| {
        let here = std::env::current_dir().and_then(fs::canonicalize);
        here.is_ok_and(|here| here == Path::new(&root))
    })
}

/// Copies stdin to the capture file and to stdout.
pub fn run(file: &Path) -> Result<(), FileError> {
    let bytes = files::read(Path::new("-"), Limits::STREAM.bytes)?;
    // a second function of the same folder would overwrite what the first one saw
    let mut copy = fs::File::create_new(file).map_err(FileError::new("capture into", file))?;
    copy.write_all(&bytes).map_err(FileError::new("write", file))?;
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(&bytes)
        .and_then(|()| stdout.flush())
        .map_err(FileError::new("write", Path::new("-")))
}
