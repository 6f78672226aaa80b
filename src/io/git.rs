//! A revision of the user's repository as a folder of its own. The work tree, the index and the hooks stay untouched.

use std::path::{Path, PathBuf};

use super::files::FileError;
use super::process::{Finished, ProcessError, Program};

const ADVICE: &str = "install git, or compare folders";

/// Why a revision is not there.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Neither a path nor a revision.
    #[error("`{name}` is neither a file, a folder nor a git revision: {}", stderr.trim())]
    Unknown {
        /// As it was given.
        name: String,
        /// What git says.
        stderr: String,
    },
    /// git says no.
    #[error("git can't write out `{name}`: {}", stderr.trim())]
    Refused {
        /// As it was given.
        name: String,
        /// What git says.
        stderr: String,
    },
    /// git can't be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A temporary folder can't be made.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The files of a revision. They go when this is dropped.
#[derive(Debug)]
pub struct Revision {
    folder: tempfile::TempDir,
}

impl Revision {
    /// Writes out the whole tree: a kustomization may refer to any part of it.
    pub fn write_out(name: &str) -> Result<Self, GitError> {
        let commit = commit_of(name)?;
        let top = top()?;
        let folder = tempfile::tempdir().map_err(FileError::new("make", Path::new("a temporary folder")))?;
        let index = folder.path().join("index");
        let tree = folder.path().join("tree");
        let git = |arguments: &[&str]| {
            let program = git(&["-C", &top.to_string_lossy()]).env("GIT_INDEX_FILE", &index);
            refused(name, arguments.iter().fold(program, Program::arg).run()?)
        };
        git(&["read-tree", &commit])?;
        // the slash makes it a folder, not the start of every name
        git(&[
            "checkout-index",
            "--all",
            "--quiet",
            &format!("--prefix={}/", tree.display()),
        ])?;
        Ok(Self { folder })
    }

    /// A folder of the revision, by its path from the top of the repository.
    pub fn folder(&self, path: &Path) -> PathBuf {
        self.folder.path().join("tree").join(path)
    }
}

fn git(arguments: &[&str]) -> Program {
    arguments.iter().fold(Program::new("git", ADVICE), Program::arg)
}

/// The commit that a name stands for.
fn commit_of(name: &str) -> Result<String, GitError> {
    let finished = git(&[
        "rev-parse",
        "--verify",
        "--end-of-options",
        &format!("{name}^{{commit}}"),
    ])
    .run()?;
    if !finished.succeeded {
        return Err(GitError::Unknown {
            name: name.to_owned(),
            stderr: finished.stderr,
        });
    }
    Ok(text(&finished))
}

/// The top of the repository that we are in.
fn top() -> Result<PathBuf, GitError> {
    let finished = refused("the repository", git(&["rev-parse", "--show-toplevel"]).run()?)?;
    Ok(PathBuf::from(text(&finished)))
}

/// The way from the top of the repository to a folder of the work tree.
pub fn path_in_repository(folder: &Path) -> Result<PathBuf, GitError> {
    let shown = folder.display().to_string();
    let finished = git(&["-C", &shown, "rev-parse", "--show-prefix"]).run()?;
    Ok(PathBuf::from(text(&refused(&shown, finished)?)))
}

fn text(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout)
        .trim_end_matches(['\n', '\r'])
        .to_owned()
}

fn refused(name: &str, finished: Finished) -> Result<Finished, GitError> {
    if finished.succeeded {
        return Ok(finished);
    }
    Err(GitError::Refused {
        name: name.to_owned(),
        stderr: finished.stderr,
    })
}
