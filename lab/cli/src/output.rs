//! Standard output and error. A reader that has gone away is no error: the outcome of the command
//! is in its exit code.

use std::io::{self, IsTerminal, Write};

/// Writes to standard output.
///
/// # Errors
/// When standard output cannot be written for another reason than a closed pipe.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// Writes text to standard error as it is.
pub(crate) fn error_text(text: &str) {
    // There is nobody left to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a message of the program to standard error.
pub(crate) fn error(message: &str) {
    error_text(&format!("looksalive: {message}\n"));
}

/// Whether standard error may be coloured: a terminal, and nobody asked for none (no-color.org).
pub(crate) fn colour_on_error() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stderr().is_terminal() && !no_color && !dumb
}

fn ignore_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
