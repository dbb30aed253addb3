//! Chores of the workspace: `cargo xtask tidy | clauses | licences | sim | sabotage | bench | ci`.
//!
//! Each chore is also a stage of `ci`, which is the one command that decides whether a change is
//! fit to land. Not done here: anything a foreign tool already does well (formatting, lints).
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks on standard output"
)]

mod bench;
mod ci;
mod clauses;
mod flags;
mod licences;
mod program;
#[expect(
    unreachable_pub,
    dead_code,
    reason = "shared by path with the conformance package, which knows the cases"
)]
#[path = "../../conformance/src/reference.rs"]
mod reference;
#[expect(
    unreachable_pub,
    reason = "shared by path with the conformance package"
)]
#[path = "../../conformance/src/register.rs"]
mod register;
mod sabotage;
mod sim;
mod suites;
mod tidy;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask CHORE

  tidy                              house rules that rustfmt and clippy do not know
  clauses                           every clause of the register has its case; coverage table
  licences                          every crate's licence is one that deny.toml allows
  sim [--seeds N] [--first-seed K]  a sample of seeds, run twice, must leave equal traces
  sabotage                          every planted fault must be caught by its checkers
  bench [ARGS]                      the benchmarks of the program, release build
  suites                            what foreign tools say of the target; also part of ci
  ci                                every check that a change must pass, with a closing table
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match args.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("", [].as_slice()),
    };
    let outcome = match chore {
        "tidy" => tidy::command(rest),
        "clauses" => clauses::command(rest),
        "licences" => licences::command(rest),
        "sim" => sim::command(rest),
        "sabotage" => sabotage::command(rest),
        "bench" => bench::command(rest),
        "ci" => ci::command(rest),
        "suites" => ci::suites(rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask {chore}: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
