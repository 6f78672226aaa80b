//! Programs we run: output bounded and whole, errors that say what to do.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

/// Standard output that is read before a program is stopped: the bound of a YAML stream.
const STDOUT_LIMIT: u64 = 256 << 20;

/// Standard error that is kept; a program may say more, which is read and dropped.
const STDERR_LIMIT: usize = 1 << 20;

/// A program to run: without a shell, without stdin.
#[derive(Clone, Debug)]
pub struct Program {
    path: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    advice: &'static str,
}

/// What a program that could be started left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether its exit status is 0.
    pub succeeded: bool,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// Standard error, at most 1 MiB of it.
    pub stderr: String,
}

/// Why a program gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It is not installed, or not where it was said to be.
    #[error("`{}` was not found; {advice}", program.display())]
    Missing {
        /// As it was called.
        program: PathBuf,
        /// Where to get it.
        advice: &'static str,
    },
    /// It could not be started or read.
    #[error("`{}` could not be run", program.display())]
    Broken {
        /// As it was called.
        program: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It printed more than we read.
    #[error("`{}` printed more than {} MiB and was stopped", program.display(), STDOUT_LIMIT >> 20)]
    TooMuch {
        /// As it was called.
        program: PathBuf,
    },
}

impl Program {
    /// A name to be found in `PATH`, or a path. `advice` says how to get it where it is missing.
    pub fn new(path: impl AsRef<OsStr>, advice: &'static str) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            advice,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// One more variable, beside all of ours.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs it to its end.
    pub fn run(&self) -> Result<Finished, ProcessError> {
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match child {
            Ok(child) => self.finish(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ProcessError::Missing {
                program: PathBuf::from(&self.path),
                advice: self.advice,
            }),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn finish(&self, mut child: Child) -> Result<Finished, ProcessError> {
        // both pipes at once: a program that fills one while we wait for the other would never end
        let mut stderr = child.stderr.take();
        let talk = thread::spawn(move || stderr.as_mut().map(drain));
        let mut stdout = Vec::new();
        let read = match child.stdout.take() {
            Some(pipe) => pipe.take(STDOUT_LIMIT + 1).read_to_end(&mut stdout),
            None => Ok(0),
        };
        let is_too_much = stdout.len() as u64 > STDOUT_LIMIT;
        if is_too_much || read.is_err() {
            // it may have ended by itself meanwhile
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| self.broken(error))?;
        read.map_err(|error| self.broken(error))?;
        if is_too_much {
            return Err(ProcessError::TooMuch {
                program: PathBuf::from(&self.path),
            });
        }
        Ok(Finished {
            succeeded: status.success(),
            stdout,
            stderr: talk.join().ok().flatten().unwrap_or_default(),
        })
    }

    fn broken(&self, source: std::io::Error) -> ProcessError {
        ProcessError::Broken {
            program: PathBuf::from(&self.path),
            source,
        }
    }
}

/// Everything a pipe gives, of which the first part is kept.
fn drain(pipe: &mut impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        let room = STDERR_LIMIT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new("sh", "install a shell").arg("-c").arg(script)
    }

    #[test]
    fn output_talk_status_and_variables_arrive() {
        let finished = shell("echo out; echo \"$GREETING\" >&2; exit 3")
            .env("GREETING", "hello")
            .run()
            .unwrap();
        assert_eq!(
            finished,
            Finished {
                succeeded: false,
                stdout: b"out\n".to_vec(),
                stderr: "hello\n".into(),
            }
        );
    }

    #[test]
    fn talk_beyond_the_bound_is_dropped_without_blocking_the_program() {
        let finished = shell("yes talk | head -c 3000000 >&2; echo done").run().unwrap();
        assert_eq!(finished.stdout, b"done\n");
        assert_eq!(finished.stderr.len(), STDERR_LIMIT);
    }

    #[test]
    fn an_endless_program_is_stopped() {
        let error = shell("exec yes").run().unwrap_err();
        assert_eq!(error.to_string(), "`sh` printed more than 256 MiB and was stopped");
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let error = Program::new("no-such-program", "install it").run().unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` was not found; install it");
    }
}
