//! The command line: arguments in, an exit code out. It decides nothing; every command calls the stages.
//!
//! Without arguments and with something on stdin the program is the function that kustomize and kpt start.

pub mod console;
pub mod exit;
pub mod function;
pub mod schema;
pub mod unreadable;
pub mod load;
pub mod store;
pub mod profile;
pub mod doctor;
pub mod plan;
pub mod render;
pub mod check;
pub mod explain;
pub mod lint;
pub mod diff;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::exit::{CliError, Exit};
use crate::io::capture;

/// Right-sized, autoscaled, disruption-safe Kubernetes manifests as a reviewed Git change.
///
/// trimtab reads what workloads really used and what their owners want, and turns both into manifests: requests, HPA,
/// KEDA, VPA, budgets, spread and spot placement, each value with its reason.
#[derive(Debug, Parser)]
#[command(name = "trimtab", version, arg_required_else_help = true, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kustomize build apps/production | trimtab fn --policy policy.yaml --plan plan.yaml
  # kustomize runs `trimtab` as a function:
  kustomize build --enable-alpha-plugins --enable-exec overlays/production

Exit codes: 0 done, 1 error, 2 changes (with --detailed-exitcode), 3 `check`: stale
or a gate said no.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply a plan to manifests from stdin (the KRM function)
    #[command(name = "fn")]
    Function(function::Arguments),
    /// Turn usage exports into a usage profile to commit
    Profile(Box<profile::ProfileArgs>),
    /// Say what a metrics store lacks for a profile, and how to mend it
    Doctor(doctor::Arguments),
    /// Decide what each workload needs, and show what would change and why
    Plan(plan::Arguments),
    /// Write the accepted plan as files to commit
    Render(render::Arguments),
    /// For CI: are the committed files current, and does nothing stand against them
    Check(check::Arguments),
    /// Say why a number is what it is, or what a code means
    Explain(explain::Arguments),
    /// Judge manifests, whoever wrote them
    Lint(lint::Arguments),
    /// Compare two states of manifests by what they mean
    Diff(diff::Arguments),
    /// Print the JSON Schema of one of our kinds
    Schema(schema::Arguments),
    /// Print the completion script of a shell
    #[command(after_help = "Examples:\n  trimtab completions bash > /etc/bash_completion.d/trimtab")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program that these arguments ask for; the first one is the program's own name.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let exit = match started_by_a_host(arguments) {
        Some(exit) => exit,
        None => match Arguments::try_parse_from(arguments) {
            Ok(arguments) => dispatch(arguments.command),
            Err(error) => return usage(&error),
        },
    };
    exit::report(exit)
}

/// What kustomize starts, with or without a container client's arguments in between, is no command line.
fn started_by_a_host(arguments: &[OsString]) -> Option<Result<Exit, CliError>> {
    let program = arguments.first().map_or(Path::new("trimtab"), Path::new);
    if let Some(file) = capture::requested(program) {
        return Some(capture::run(&file).map(|()| Exit::Done).map_err(CliError::from));
    }
    let is_function = arguments.len() <= 1 && !std::io::stdin().is_terminal();
    is_function.then(|| function::run(&function::Arguments::default()))
}

fn dispatch(command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Function(arguments) => function::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "trimtab", &mut script);
            console::print_bytes(&script)?;
            Ok(Exit::Done)
        }
    }
}

/// clap exits 2 on usage errors, which CI would read as "changes".
fn usage(error: &clap::Error) -> ExitCode {
    let is_asked_for = !error.use_stderr();
    // help into a closed pipe is nobody's problem
    let _ = error.print();
    if is_asked_for {
        Exit::Done.into()
    } else {
        Exit::Error.into()
    }
}

/// A panic is a bug of ours: says so, with what is needed to find it.
pub fn announce_bugs() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
        let what = info.payload_as_str().unwrap_or("no message");
        console::say(&format!(
            "trimtab {} has a bug: {what}{place}\nplease report it at {}/issues with the input that led to it",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terminals break longer lines, and an example that is broken can't be pasted.
    fn assert_fits(command: &clap::Command) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in text.lines() {
            assert!(line.chars().count() <= 88, "{}: {line}", command.get_name());
        }
        command.get_subcommands().for_each(assert_fits);
    }

    #[test]
    fn no_line_of_an_example_is_broken() {
        assert_fits(&Arguments::command());
    }
}
