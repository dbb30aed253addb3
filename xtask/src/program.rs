//! Running other programs from the workspace root.

use crate::tree;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(tree::root());
    command
}

/// Runs a program whose output goes to the user; a bad exit is an error.
pub(crate) fn run(program: &str, args: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let line = shown(program, args);
    let mut command = command(program, args);
    command.envs(environment.iter().copied());
    let status = command
        .status()
        .with_context(|| format!("start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a program and returns its standard output; errors of the program go to the user.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<String> {
    let line = shown(program, args);
    let mut command = command(program, args);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of `{line}`"))
}

/// Runs a program that may fail, and returns its standard output and whether it succeeded; errors
/// of the program go to the user.
pub(crate) fn outcome(program: &str, args: &[&str]) -> Result<(String, bool)> {
    let line = shown(program, args);
    let mut command = command(program, args);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("start `{line}`"))?;
    let text = String::from_utf8(output.stdout);
    let text = text.with_context(|| format!("read the output of `{line}`"))?;
    Ok((text, output.status.success()))
}

fn shown(program: &str, args: &[&str]) -> String {
    std::iter::once(program)
        .chain(args.iter().copied())
        .collect::<Vec<_>>()
        .join(" ")
}
