//! Chore: a sample of seeds, run twice in two processes, must leave equal traces and no failure.

use crate::{flags, program};
use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What `looksalive swarm --format json` prints; other keys are its own business.
#[derive(Debug, Deserialize)]
struct Swarm {
    seeds: u64,
    failed: u64,
    traces: Vec<Trace>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Trace {
    seed: u64,
    /// The trace hash, in whatever form the program prints it.
    trace: serde_json::Value,
}

/// Runs the sample twice and compares.
pub(crate) fn command(args: &[String]) -> Result<()> {
    let [seeds, first] = flags::numbers(args, [("--seeds", 200), ("--first-seed", 1)])?;
    let (seeds, first) = (seeds.to_string(), first.to_string());
    program::run(
        "cargo",
        &["build", "--profile", "sim", "--bin", "looksalive"],
        &[],
    )?;
    let line = "run --profile sim --quiet --bin looksalive -- swarm --format json";
    let mut line: Vec<&str> = line.split(' ').collect();
    line.extend(["--seeds", &seeds, "--first-seed", &first]);
    let runs = (
        program::output("cargo", &line)?,
        program::output("cargo", &line)?,
    );
    println!("sim: {}", verdict(&runs.0, &runs.1)?);
    Ok(())
}

/// Compares two runs of the same seeds; the answer is a sentence for the log.
fn verdict(one: &str, two: &str) -> Result<String> {
    let read = |text| serde_json::from_str::<Swarm>(text).context("read the output of swarm");
    let (one, two) = (read(one)?, read(two)?);
    if one.traces.is_empty() || one.traces.len() as u64 != one.seeds {
        bail!(
            "asked for {} seeds, got {} traces: nothing was proven",
            one.seeds,
            one.traces.len()
        );
    }
    let pairs = one.traces.iter().zip(&two.traces);
    if let Some((left, right)) = pairs.into_iter().find(|(left, right)| left != right) {
        let Trace { seed, trace } = left;
        bail!(
            "seed {seed} left trace {trace} and then {}; it is not reproducible",
            right.trace
        );
    }
    if one.traces.len() != two.traces.len() || one.failed + two.failed > 0 {
        bail!(
            "{} of {} seeds failed",
            one.failed.max(two.failed),
            one.seeds
        );
    }
    Ok(format!(
        "{} seeds, run twice: equal traces, none failed",
        one.seeds
    ))
}

#[cfg(test)]
mod tests {
    use super::verdict;

    fn swarm(failed: u64, traces: [&str; 2]) -> String {
        let [one, two] = traces;
        format!(
            r#"{{"version":1,"seeds":2,"failed":{failed},
            "traces":[{{"seed":1,"trace":"{one}"}},{{"seed":2,"trace":"{two}"}}]}}"#
        )
    }

    #[test]
    fn equal_runs_without_failures_pass() {
        assert!(verdict(&swarm(0, ["a", "b"]), &swarm(0, ["a", "b"])).is_ok());
    }

    #[test]
    fn a_trace_that_changes_between_runs_is_caught_with_its_seed() {
        let error = verdict(&swarm(0, ["a", "b"]), &swarm(0, ["a", "c"])).unwrap_err();
        assert!(error.to_string().contains("seed 2"), "{error}");
    }

    #[test]
    fn a_failed_seed_and_an_empty_sample_are_caught() {
        assert!(verdict(&swarm(1, ["a", "b"]), &swarm(1, ["a", "b"])).is_err());
        let empty = r#"{"seeds":2,"failed":0,"traces":[]}"#;
        assert!(verdict(empty, empty).is_err());
    }
}
