//! The `looksalive` program: reads the command line, runs one command, turns its outcome into an
//! exit code. Every command is a module of its own; nothing is decided here.

mod backend;
mod bench;
mod check;
mod cluster;
mod completion;
mod conformance;
mod directory;
mod doctor;
mod down;
mod events;
mod exit;
mod fault;
mod format;
mod local;
mod machine;
mod nic;
mod node;
mod output;
mod parity;
mod replay;
mod rhs;
mod run;
mod schema;
mod shares;
mod show;
mod shrink;
mod swarm;
mod target;
mod units;
mod up;

use std::panic::{self, UnwindSafe};
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
    Completion(completion::Completion),
    Fault(fault::Fault),
    Heal(fault::Heal),
    Schema(schema::Schema),
    Run(run::Run),
    Swarm(swarm::Swarm),
    Replay(replay::Replay),
    Shrink(shrink::Shrink),
    Conformance(conformance::Conformance),
    Parity(parity::Parity),
    Bench(bench::Bench),
    Up(up::Up),
    Ps(show::Ps),
    Inspect(show::Inspect),
    Events(events::Events),
    Logs(events::Logs),
    Exec(events::Exec),
    Cluster(cluster::Cluster),
    Down(down::Down),
    Gc(down::Gc),
    Doctor(doctor::Doctor),
    Target(target::Target),
    Directory(directory::Directory),
    Shares(shares::Shares),
    Node(node::Node),
    Nic(nic::Nic),
    Rhs(rhs::Rhs),
    Machine(machine::Machine),
}

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        output::error(&format!("internal error: {info}"));
    }));
    guarded(run).into()
}

/// Runs a command; a panic in it is our bug and ends in an exit code of its own.
fn guarded(command: impl FnOnce() -> Exit + UnwindSafe) -> Exit {
    panic::catch_unwind(command).unwrap_or_else(|_| {
        output::error(
            "this is a bug of looksalive, not of your lab. \
             Please report it with the message above and the lab file.",
        );
        Exit::Bug
    })
}

fn run() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    arguments.command.end_on_interrupt();
    let outcome = match arguments.command {
        Command::Check(command) => command.run(),
        Command::Completion(command) => command.run(),
        Command::Fault(command) => command.run(),
        Command::Heal(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Swarm(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Shrink(command) => command.run(),
        Command::Conformance(command) => command.run(),
        Command::Parity(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Up(command) => command.run(),
        Command::Ps(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Events(command) => command.run(),
        Command::Logs(command) => command.run(),
        Command::Exec(command) => command.run(),
        Command::Cluster(command) => command.run(),
        Command::Down(command) => command.run(),
        Command::Gc(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Target(command) => command.run(),
        Command::Directory(command) => command.run(),
        Command::Shares(command) => command.run(),
        Command::Node(command) => command.run(),
        Command::Nic(command) => command.run(),
        Command::Rhs(command) => command.run(),
        Command::Machine(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        output::error(&format!("{error:#}"));
        Exit::NotBuilt
    })
}

impl Command {
    /// Ctrl-C takes down what the command has brought up and ends it, with the exit code of the
    /// contract. The others stop in order by themselves.
    fn end_on_interrupt(&self) {
        let ends = matches!(
            self,
            Self::Check(_)
                | Self::Run(_)
                | Self::Swarm(_)
                | Self::Replay(_)
                | Self::Shrink(_)
                | Self::Conformance(_)
                | Self::Parity(_)
                | Self::Bench(_)
        );
        if ends {
            // Without a handler the signal ends the program all the same.
            let _default = ctrlc::set_handler(local::end);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_exit_code_of_a_bug() {
        assert_eq!(guarded(|| panic!("planted")), Exit::Bug);
        assert_eq!(guarded(|| Exit::Good), Exit::Good);
    }
}
