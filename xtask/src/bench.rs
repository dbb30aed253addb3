//! Chore: the benchmarks of the program, in the profile that people get.

use crate::program;
use anyhow::Result;

/// Runs `looksalive bench`, passing on every argument.
pub(crate) fn command(args: &[String]) -> Result<()> {
    let mut line = vec![
        "run",
        "--release",
        "--quiet",
        "--bin",
        "looksalive",
        "--",
        "bench",
    ];
    line.extend(args.iter().map(String::as_str));
    program::run("cargo", &line, &[])
}
