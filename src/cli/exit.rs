//! How a command ends.

use std::io::ErrorKind;
use std::process::ExitCode;

use super::console;
use crate::diag::Diagnostic;
use crate::io::files::FileError;

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: error, usage included.
    Error,
    /// 2: changes, only where asked for.
    Changes,
    /// 3: `check` found something stale, or a gate said no.
    Stale,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Stale => 3,
        })
    }
}

/// Why a command gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What the user can mend.
    #[error("the input can't be used")]
    Diagnostics(Vec<Diagnostic>),
    /// Something around us is broken.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl From<Diagnostic> for CliError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(vec![diagnostic])
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<FileError> for CliError {
    fn from(error: FileError) -> Self {
        Self::Other(error.into())
    }
}

/// Says what went wrong, once, and gives the exit code.
pub fn report(result: Result<Exit, CliError>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(CliError::Diagnostics(diagnostics)) => {
            console::report(&diagnostics);
            Exit::Error.into()
        }
        // whoever read us has seen enough; still not a success, as not all was said
        Err(CliError::Other(error)) if is_closed_pipe(&error) => Exit::Error.into(),
        Err(CliError::Other(error)) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            console::say(&format!("error: {}", causes.join(": ")));
            Exit::Error.into()
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
