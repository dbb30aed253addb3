//! Chore: every planted fault must be caught by the checkers that stand for the rule it breaks.
//!
//! The faults are trials of the test `sabotage` of the simulator, all in one build; two more trials
//! show that every checker has a fault and that sound nodes are found innocent.

use crate::program;
use anyhow::{Context, Result, bail};

/// Runs all planted faults; the last line says how many were caught.
pub(crate) fn command(args: &[String]) -> Result<()> {
    if let Some(argument) = args.first() {
        bail!("sabotage takes no arguments, and `{argument}` is one");
    }
    let line = "test --quiet -p sim --test sabotage -- --format pretty";
    let line: Vec<&str> = line.split(' ').collect();
    let (output, good) = program::outcome("cargo", &line)?;
    let tally = count(&output)?;
    print!("{output}");
    if !good {
        bail!("{} of {} caught", tally.caught, tally.planted);
    }
    println!("{} of {} caught", tally.caught, tally.planted);
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Tally {
    caught: usize,
    planted: usize,
}

/// Counts the trials that are planted faults: their names say who must catch them.
fn count(output: &str) -> Result<Tally> {
    let trials = output.lines().filter_map(|line| {
        let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        name.contains(": ").then(|| verdict.trim() == "ok")
    });
    let verdicts: Vec<bool> = trials.collect();
    if verdicts.is_empty() {
        return Err(anyhow::anyhow!("no planted fault ran")).context("read the test's output");
    }
    let caught = verdicts.iter().filter(|caught| **caught).count();
    Ok(Tally {
        caught,
        planted: verdicts.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trials_that_name_a_checker_are_planted_faults() {
        let output = "running 3 tests\n\
                      test states: a step is skipped ... ok\n\
                      test votes: one too many      ... FAILED\n\
                      test every checker has one ... ok\n\
                      test result: FAILED. 2 passed; 1 failed\n";
        let tally = count(output).expect("trials");
        assert_eq!((tally.caught, tally.planted), (1, 2));
    }

    #[test]
    fn a_run_without_faults_proves_nothing() {
        assert!(count("running 0 tests\n").is_err());
    }
}
