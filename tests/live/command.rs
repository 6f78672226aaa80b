//! The program, as a user starts it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `trimtab ARGS…` in an environment that names no proxy and no credentials.
pub(crate) fn trimtab(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.args(args).stdin(Stdio::null());
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    for name in ["TRIMTAB_BEARER_TOKEN", "TRIMTAB_PASSWORD", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// What a run gave.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn assert_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with room for a run: what is asked, what is written.
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `trimtab profile --prometheus STORE …` for two days that end at `END`, its answers in `work`.
    pub(crate) fn profile(&self, store: &str, end: &str, output: &str, more: &[&str]) -> Command {
        let (work, output) = (self.path("work"), self.path(output));
        let (work, output) = (shown(&work), shown(&output));
        let mut args = vec!["profile", "--prometheus", store, "--window", "2d", "--end", end];
        args.extend(["--environment", "production", "--work", work, "-o", output]);
        args.extend(more);
        trimtab(&args)
    }

    /// Names of the files below the working folder.
    pub(crate) fn working_files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for run in std::fs::read_dir(self.path("work")).into_iter().flatten() {
            for file in std::fs::read_dir(run.unwrap().path()).unwrap() {
                names.push(file.unwrap().file_name().into_string().unwrap());
            }
        }
        names.sort();
        names
    }
}

pub(crate) fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}
