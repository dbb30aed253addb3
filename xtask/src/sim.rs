//! Chore: a sample of seeds, run twice in two processes, must leave equal traces and no failure but
//! those that are known.
//!
//! A known failure stands in `fixtures/known-seeds.toml` with the rule it breaks and why it is not
//! mended yet. A known seed that passes fails the chore too, so the list can only shrink honestly.

use crate::{flags, program};
use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// As fast as a release, with debug assertions.
pub(crate) const PROFILE: &str = "sim";

/// What `looksalive swarm --format json` prints; other keys are its own business.
#[derive(Debug, Deserialize)]
struct Swarm {
    seeds: u64,
    failures: Vec<Failure>,
    traces: Vec<Trace>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    seed: u64,
    failure: Reason,
}

#[derive(Debug, Deserialize)]
struct Reason {
    kind: String,
    invariant: Option<String>,
}

impl Failure {
    /// The rule that was broken, or the kind of the failure.
    fn rule(&self) -> &str {
        self.failure
            .invariant
            .as_deref()
            .unwrap_or(&self.failure.kind)
    }
}

/// The list of known failures.
#[derive(Debug, Deserialize)]
struct KnownSeeds {
    #[serde(default)]
    seed: Vec<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    number: u64,
    rule: String,
    why: String,
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
        &["build", "--profile", PROFILE, "--bin", "looksalive"],
        &[],
    )?;
    let mut line = vec![
        "run",
        "--profile",
        PROFILE,
        "--quiet",
        "--bin",
        "looksalive",
    ];
    line.extend(["--", "swarm", "--format", "json"]);
    line.extend(["--seeds", &seeds, "--first-seed", &first]);
    let runs = (swarm(&line)?, swarm(&line)?);
    let list = std::fs::read_to_string("fixtures/known-seeds.toml")
        .context("read fixtures/known-seeds.toml")?;
    let known: KnownSeeds = toml::from_str(&list).context("read fixtures/known-seeds.toml")?;
    println!("sim: {}", verdict(&runs.0, &runs.1, &known.seed)?);
    Ok(())
}

/// What a swarm prints; seeds that fail make it end with 1, which the list of known ones judges.
fn swarm(line: &[&str]) -> Result<String> {
    let output = std::process::Command::new("cargo").args(line).output()?;
    match output.status.code() {
        Some(0 | 1) => Ok(String::from_utf8(output.stdout)?),
        _ => bail!("the swarm ended with {}", output.status),
    }
}

/// Compares two runs of the same seeds; the answer is a sentence for the log.
fn verdict(one: &str, two: &str, known: &[Known]) -> Result<String> {
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
    if one.traces.len() != two.traces.len() {
        bail!("the two runs left different numbers of traces");
    }
    let listed = |seed: u64| known.iter().find(|known| known.number == seed);
    for failure in &one.failures {
        if listed(failure.seed).is_none_or(|known| known.rule != failure.rule()) {
            bail!("seed {} broke {}", failure.seed, failure.rule());
        }
    }
    let ran = |known: &&Known| one.traces.iter().any(|trace| trace.seed == known.number);
    let fails = |known: &&Known| one.failures.iter().any(|it| it.seed == known.number);
    if let Some(mended) = known.iter().filter(ran).find(|known| !fails(known)) {
        bail!(
            "seed {} passes now; take it out of fixtures/known-seeds.toml ({})",
            mended.number,
            mended.why
        );
    }
    Ok(format!(
        "{} seeds, run twice: equal traces, {} failed as known, none besides",
        one.seeds,
        one.failures.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::{Known, verdict};

    fn swarm(failures: &str, traces: [&str; 2]) -> String {
        let [one, two] = traces;
        format!(
            r#"{{"version":1,"seeds":2,"failed":0,"failures":[{failures}],
            "traces":[{{"seed":1,"trace":"{one}"}},{{"seed":2,"trace":"{two}"}}]}}"#
        )
    }

    const BROKEN: &str =
        r#"{"seed":2,"failure":{"kind":"safety","invariant":"single-owner","what":"x"}}"#;

    fn known(rule: &str) -> [Known; 1] {
        [Known {
            number: 2,
            rule: rule.to_owned(),
            why: "a reason".to_owned(),
        }]
    }

    #[test]
    fn equal_runs_without_failures_pass() {
        let run = swarm("", ["a", "b"]);
        assert!(verdict(&run, &run, &[]).is_ok());
    }

    #[test]
    fn a_trace_that_changes_between_runs_is_caught_with_its_seed() {
        let error = verdict(&swarm("", ["a", "b"]), &swarm("", ["a", "c"]), &[]).unwrap_err();
        assert!(error.to_string().contains("seed 2"), "{error}");
    }

    #[test]
    fn a_failed_seed_is_caught_unless_it_is_known_to_break_that_rule() {
        let run = swarm(BROKEN, ["a", "b"]);
        assert!(verdict(&run, &run, &[]).is_err());
        assert!(verdict(&run, &run, &known("one-primary")).is_err());
        assert!(verdict(&run, &run, &known("single-owner")).is_ok());
    }

    #[test]
    fn a_known_seed_that_passes_and_an_empty_sample_are_caught() {
        let run = swarm("", ["a", "b"]);
        assert!(verdict(&run, &run, &known("single-owner")).is_err());
        let empty = r#"{"seeds":2,"failures":[],"traces":[]}"#;
        assert!(verdict(empty, empty, &[]).is_err());
    }
}
