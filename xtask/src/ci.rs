//! Chore: everything a change must pass, stage by stage, with a closing table.
//!
//! Every stage runs even after a failure, so that one run shows all that is wrong.

use crate::{clauses, flags, licences, program, sim, tidy};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// One check of the gate.
struct Stage {
    name: &'static str,
    run: fn() -> Result<()>,
}

const STAGES: [Stage; 8] = [
    Stage {
        name: "format",
        run: format,
    },
    Stage {
        name: "tidy",
        run: || tidy::command(&[]),
    },
    Stage {
        name: "clauses",
        run: || clauses::command(&[]),
    },
    Stage {
        name: "licences",
        run: || licences::command(&[]),
    },
    Stage {
        name: "clippy",
        run: clippy,
    },
    Stage {
        name: "tests",
        run: tests,
    },
    Stage {
        name: "documents",
        run: documents,
    },
    Stage {
        name: "seeds",
        run: || sim::command(&[]),
    },
];

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
    let start = Instant::now();
    let outcomes: Vec<Outcome> = STAGES.iter().map(outcome).collect();
    println!("\nstage        seconds  verdict");
    for outcome in &outcomes {
        println!("{}", outcome.row());
    }
    println!("total        {:>7.1}", start.elapsed().as_secs_f64());
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        bail!("{failed} of {} stages failed", outcomes.len());
    }
    Ok(())
}

struct Outcome {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

impl Outcome {
    fn row(&self) -> String {
        let verdict = self
            .failure
            .as_deref()
            .map_or("passed".into(), |why| format!("failed: {why}"));
        format!(
            "{:<12} {:>7.1}  {verdict}",
            self.name,
            self.took.as_secs_f64()
        )
    }
}

fn outcome(stage: &Stage) -> Outcome {
    println!("\n== {}", stage.name);
    let start = Instant::now();
    let failure = (stage.run)().err().map(|error| format!("{error:#}"));
    let outcome = Outcome {
        name: stage.name,
        took: start.elapsed(),
        failure,
    };
    println!("== {}", outcome.row());
    outcome
}
