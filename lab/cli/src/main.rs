//! The `looksalive` program: reads the command line, runs one command, turns its outcome into an
//! exit code. Every command is a module of its own; nothing is decided here.

mod check;
mod exit;
mod output;
mod schema;
mod target;

use std::panic;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

/// Test lab and conformance emulator for Windows-style failover clusters.
#[derive(Debug, Parser)]
#[command(
    name = "looksalive",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Schema(schema::Schema),
    Target(target::Target),
}

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        output::error(&format!("internal error: {info}"))
    }));
    let outcome = panic::catch_unwind(run);
    let exit = outcome.unwrap_or_else(|_| {
        output::error(
            "this is a bug of looksalive, not of your lab. \
             Please report it with the message above and the lab file.",
        );
        Exit::Bug
    });
    exit.into()
}

fn run() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let outcome = match arguments.command {
        Command::Check(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Target(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        output::error(&format!("{error:#}"));
        Exit::NotBuilt
    })
}

/// Help and version are answers, everything else that the parser says is bad usage.
fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        output::error_text(&error.render().to_string());
        return Exit::Usage;
    }
    match output::print(&error.render().to_string()) {
        Ok(()) => Exit::Good,
        Err(_) => Exit::NotBuilt,
    }
}
