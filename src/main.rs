//! The `trimtab` binary.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "this is where arguments come in")]
fn main() -> ExitCode {
    trimtab::cli::announce_bugs();
    trimtab::cli::run(&std::env::args_os().collect::<Vec<_>>())
}
