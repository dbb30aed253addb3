//! `looksalive swarm`: many seeds with random faults on all cores; a failure prints the one command
//! that plays it again.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use sim::swarm::{Outcome, Swarm as Seeds, plan, run_kept};
use sim::words;

use crate::exit::Exit;
use crate::format::Format;
use crate::{check, output, shrink, units};

/// Version of the JSON that the command prints.
const FORMAT_VERSION: u32 = 1;
/// Failures that the text shows in full.
const FAILURES_SHOWN: usize = 20;
/// Events before a failure that a single seed shows.
const EVENTS_SHOWN: usize = 200;

/// Attack clusters with many seeds of random faults, on all cores
#[derive(Debug, Args)]
pub(crate) struct Swarm {
    /// A lab whose cluster is attacked; without one every seed draws its own
    file: Option<PathBuf>,
    /// How many seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "K", default_value_t = 1)]
    first_seed: u64,
    /// Virtual time in which anything may fail, for example 1h
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = units::duration)]
    length: Duration,
    /// Only the i-th of every n seeds, written i/n
    #[arg(long, value_name = "I/N", value_parser = units::shard)]
    shard: Option<(u64, u64)>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Swarm {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let lab = match &self.file {
            None => None,
            Some(path) => match check::load(path) {
                Some(lab) => Some(lab),
                None => return Ok(Exit::Usage),
            },
        };
        let seeds = Seeds {
            lab,
            first_seed: self.first_seed,
            seeds: self.seeds,
            shard: self.shard,
            length: self.length,
            threads: None,
        };
        if self.first_seed.checked_add(self.seeds).is_none() {
            return Err(anyhow!(
                "there are not that many seeds after {}",
                self.first_seed
            ));
        }
        let outcomes = self.watched(&seeds);
        match self.format {
            Format::Json => output::print(&self.json(&outcomes))?,
            Format::Text => output::print(&self.text(&seeds, &outcomes))?,
        }
        Ok(verdict(&outcomes))
    }

    /// Runs the seeds; a terminal sees how far they are.
    fn watched(&self, seeds: &Seeds) -> Vec<Outcome> {
        let (done, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        let all = seeds.own_seeds().count();
        let watched = io::stderr().is_terminal();
        let start = Instant::now();
        let outcomes = seeds.run(|outcome| {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let bad = u64::from(outcome.failure.is_some());
            let failed = failed.fetch_add(bad, Ordering::Relaxed) + bad;
            if watched && (done.is_multiple_of(10) || bad > 0) {
                let seconds = start.elapsed().as_secs();
                output::error_text(&format!(
                    "\r{done}/{all} seeds, {failed} failed, {seconds} s "
                ));
            }
        });
        if watched {
            output::error_text("\n");
        }
        outcomes
    }

    fn json(&self, outcomes: &[Outcome]) -> String {
        let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some());
        let failures: Vec<_> = failed
            .map(|outcome| {
                json!({
                    "seed": outcome.seed,
                    "failure": outcome.failure,
                    "replay": self.replay(outcome.seed),
                })
            })
            .collect();
        let trace = |it: &Outcome| json!({ "seed": it.seed, "trace": it.trace });
        let document = json!({
            "version": FORMAT_VERSION,
            "seeds": outcomes.len(),
            "failed": failures.len(),
            "failures": failures,
            "traces": outcomes.iter().map(trace).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    }

    fn text(&self, seeds: &Seeds, outcomes: &[Outcome]) -> String {
        let mut text = String::new();
        if let [only] = outcomes {
            // One seed is somebody looking into it: show what it does.
            let _ = write!(text, "{}", plan(only.seed, seeds.lab.as_ref(), self.length));
            let _ = writeln!(text, "trace {}", only.trace);
            if only.failure.is_some() {
                text.push_str(&self.last_words(seeds, only.seed));
            }
        }
        let bad = || {
            outcomes
                .iter()
                .filter_map(|it| Some((it, it.failure.as_ref()?)))
        };
        for (outcome, failure) in bad().take(FAILURES_SHOWN) {
            let rule = failure.invariant.as_deref().unwrap_or("-");
            let _ = writeln!(
                text,
                "seed {} failed ({}, {rule}) at {:.3} ms with {} nodes: {}\n    {}",
                outcome.seed,
                failure.kind.label(),
                failure.at.0,
                outcome.nodes,
                failure.what,
                self.replay(outcome.seed)
            );
        }
        let virtual_hours = outcomes.iter().map(|it| it.elapsed.0).sum::<f64>() / 3_600_000.0;
        let failed = bad().count();
        let _ = writeln!(
            text,
            "{} seeds, {failed} failed, {virtual_hours:.1} virtual hours",
            outcomes.len()
        );
        text
    }

    /// What happened before a seed failed, played once more with everything kept.
    fn last_words(&self, seeds: &Seeds, seed: u64) -> String {
        let mut plan = plan(seed, seeds.lab.as_ref(), self.length);
        plan.options.keep = true;
        let Ok(Ok((_, world))) = std::panic::catch_unwind(|| run_kept(&plan)) else {
            return String::new();
        };
        let entries = world.log().entries();
        let last = &entries[entries.len().saturating_sub(EVENTS_SHOWN)..];
        let mut text = format!("the last {} events, virtual milliseconds:\n", last.len());
        for entry in last {
            let event = words::event(entry, &world.plan().names);
            let who = event.node.as_deref().unwrap_or("-");
            let _ = writeln!(text, "{:>14.3}  {who:<4}  {}", event.at.0, event.text);
        }
        text
    }

    /// The command that plays one seed again.
    fn replay(&self, seed: u64) -> String {
        shrink::command(self.file.as_ref(), seed, self.length)
    }
}

fn verdict(outcomes: &[Outcome]) -> Exit {
    if outcomes.is_empty() {
        Exit::Inconclusive
    } else if outcomes.iter().any(|outcome| outcome.failure.is_some()) {
        Exit::Failed
    } else {
        Exit::Good
    }
}
