//! stdout is data, stderr is talk.

use std::io::Write;

use crate::diag::{self, Diagnostic, terminal};

/// Data for stdout, whole.
pub fn print(text: &str) -> std::io::Result<()> {
    print_bytes(text.as_bytes())
}

/// Data for stdout, whole.
pub fn print_bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| of_stdout(&error))
}

/// The system's words do not say what was full or gone.
fn of_stdout(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("cannot write to stdout: {error}"))
}

/// Text for people on stdout; coloured where the terminal and the user allow it.
pub fn print_styled(text: &str) -> std::io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| of_stdout(&error))
}

/// A line for people.
pub fn say(text: &str) {
    // nobody reads: nothing to be done about it
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Diagnostics for people; coloured where the terminal and the user allow it.
pub fn report(diagnostics: &[Diagnostic]) {
    let gathered = diag::gathered(diagnostics);
    let _ = anstream::stderr()
        .lock()
        .write_all(terminal::render_all(&gathered, true).as_bytes());
}

/// Columns for text that people read: the terminal's, else a page's.
pub fn width() -> usize {
    crate::io::terminal_width().unwrap_or(120)
}
