//! Chore: everything a change must pass, stage by stage, with a closing table.
//!
//! Every stage runs even after a failure, so that one run shows all that is wrong.

use crate::suites::{self, Ended};
use crate::{clauses, flags, licences, program, sim, tidy};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// One check of the gate.
struct Stage {
    name: &'static str,
    run: fn() -> Result<Ended>,
}

/// What needs nothing but Rust.
const CHECKS: [Stage; 8] = [
    stage("format", || always(format())),
    stage("tidy", || always(tidy::command(&[]))),
    stage("clauses", || always(clauses::command(&[]))),
    stage("licences", || always(licences::command(&[]))),
    stage("clippy", || always(clippy())),
    stage("tests", || always(tests())),
    stage("documents", || always(documents())),
    stage("seeds", || always(sim::command(&[]))),
];

/// What judges from outside, with tools of others: target, labs on adapters and containers, and
/// directory.
const SUITES: [Stage; 13] = [
    stage("tools", suites::prepare),
    stage("reservations", suites::reservations),
    stage("iscsi-test-cu", suites::foreign_tests),
    stage("initiator", suites::initiator),
    stage("qemu-img", suites::images),
    stage("tshark", suites::captured),
    stage("adapters", suites::nics),
    stage("containers", suites::containers),
    stage("directory", suites::directory),
    stage("accounts", suites::accounts),
    stage("shares", suites::shares),
    stage("end-to-end", suites::end_to_end),
    stage("fuzz", suites::fuzz),
];

const fn stage(name: &'static str, run: fn() -> Result<Ended>) -> Stage {
    Stage { name, run }
}

/// For what applies to every machine.
fn always(outcome: Result<()>) -> Result<Ended> {
    outcome.map(|()| Ended::Passed)
}

const WARNINGS: [(&str, &str); 1] = [("RUSTDOCFLAGS", "-D warnings")];

fn format() -> Result<()> {
    program::run("cargo", &["fmt", "--all", "--check"], &[])
}

fn clippy() -> Result<()> {
    let line = "clippy --workspace --all-targets --locked -- -D warnings";
    cargo(line)
}

fn tests() -> Result<()> {
    cargo("test --workspace --locked --no-fail-fast")
}

fn documents() -> Result<()> {
    cargo("doc --workspace --locked --no-deps --document-private-items")
}

fn cargo(line: &str) -> Result<()> {
    program::run("cargo", &line.split(' ').collect::<Vec<_>>(), &WARNINGS)
}

/// Runs all stages; the last line counts what passed and what failed.
pub(crate) fn command(args: &[String]) -> Result<()> {
    flags::none(args)?;
    run(CHECKS.iter().chain(&SUITES))
}

/// Runs the suites around foreign tools alone.
pub(crate) fn suites(args: &[String]) -> Result<()> {
    flags::none(args)?;
    run(SUITES.iter())
}

fn run<'a>(stages: impl Iterator<Item = &'a Stage>) -> Result<()> {
    let start = Instant::now();
    let outcomes: Vec<Outcome> = stages.map(outcome).collect();
    println!("\nstage          seconds  verdict");
    for outcome in &outcomes {
        println!("{}", outcome.row());
    }
    println!("total          {:>7.1}", start.elapsed().as_secs_f64());
    let failed = outcomes.iter().filter(|it| it.ended.is_err()).count();
    let passed = outcomes
        .iter()
        .filter(|it| it.ended == Ok(Ended::Passed))
        .count();
    let rest = outcomes.len() - passed - failed;
    println!("{rest} not applicable");
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("{failed} of {} stages failed", outcomes.len());
    }
    Ok(())
}

struct Outcome {
    name: &'static str,
    took: Duration,
    ended: Result<Ended, String>,
}

impl Outcome {
    fn row(&self) -> String {
        let verdict = match &self.ended {
            Ok(Ended::Passed) => "passed".to_owned(),
            Ok(Ended::NotApplicable(why)) => format!("not applicable: {why}"),
            Err(why) => format!("failed: {why}"),
        };
        let (name, seconds) = (self.name, self.took.as_secs_f64());
        format!("{name:<14} {seconds:>7.1}  {verdict}")
    }
}

fn outcome(stage: &Stage) -> Outcome {
    println!("\n== {}", stage.name);
    let start = Instant::now();
    let ended = (stage.run)().map_err(|error| format!("{error:#}"));
    let outcome = Outcome {
        name: stage.name,
        took: start.elapsed(),
        ended,
    };
    println!("== {}", outcome.row());
    outcome
}
