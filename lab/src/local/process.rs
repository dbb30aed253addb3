//! Processes of a lab: none outlives the process that keeps the lab, not even a frozen one.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A command of our own program that is killed when the calling thread ends. It leads a process
/// group of its own, so that nothing typed at a terminal reaches it.
pub(crate) fn bound_to_this(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["rhs", "--execute", &std::process::id().to_string(), "--"])
        .arg(program)
        .process_group(0);
    command
}
