//! `looksalive shrink`: reduces the plan of a failing swarm seed to what its failure needs.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use sim::swarm::{Shrunk, SwarmPlan, plan, shrink};

use crate::exit::Exit;
use crate::format::Format;
use crate::{check, output, units};

/// Version of the JSON that the command prints.
const FORMAT_VERSION: u32 = 1;

/// Reduce the plan of a failing swarm seed to what its failure needs
#[derive(Debug, Args)]
pub(crate) struct Shrink {
    /// The lab that the swarm attacked; without one the seed draws its own
    file: Option<PathBuf>,
    /// The seed that fails
    #[arg(long, value_name = "N")]
    seed: u64,
    /// Virtual time in which anything may fail, as the swarm had it
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = units::duration)]
    length: Duration,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Shrink {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let lab = match &self.file {
            None => None,
            Some(path) => match check::load(path) {
                Some(lab) => Some(lab),
                None => return Ok(Exit::Usage),
            },
        };
        let whole = plan(self.seed, lab.as_ref(), self.length);
        let watched = io::stderr().is_terminal();
        let shrunk = shrink(&whole, |acts| {
            if watched {
                output::error_text(&format!("\r{acts} of {} acts ", whole.acts.len()));
            }
        });
        if watched {
            output::error_text("\n");
        }
        match self.format {
            Format::Json => output::print(&self.json(&whole, shrunk.as_ref()))?,
            Format::Text => output::print(&self.text(&whole, shrunk.as_ref()))?,
        }
        // Asked to reduce a failure; without one nothing was shown.
        Ok(if shrunk.is_some() {
            Exit::Failed
        } else {
            Exit::Inconclusive
        })
    }

    fn text(&self, whole: &SwarmPlan, shrunk: Option<&Shrunk>) -> String {
        let Some(shrunk) = shrunk else {
            return format!("seed {} does not fail\n", self.seed);
        };
        let mut text = format!(
            "{} of {} acts are needed, found with {} runs\n",
            shrunk.acts.len(),
            whole.acts.len(),
            shrunk.trials
        );
        // The numbers are those of the whole plan, which `--only` takes.
        for (number, line) in whole.to_string().lines().enumerate() {
            if number == 0 || shrunk.acts.contains(&number) {
                text.push_str(line);
                text.push('\n');
            }
        }
        if let Some(failure) = &shrunk.outcome.failure {
            let rule = failure.invariant.as_deref().unwrap_or("-");
            let (kind, at) = (failure.kind.label(), failure.at.0);
            text += &format!("failed ({kind}, {rule}) at {at:.3} ms: {}\n", failure.what);
        }
        text + &format!("    {}\n", self.replay(shrunk))
    }

    fn json(&self, whole: &SwarmPlan, shrunk: Option<&Shrunk>) -> String {
        let document = json!({
            "version": FORMAT_VERSION,
            "seed": self.seed,
            "all_acts": whole.acts.len(),
            "acts": shrunk.map(|it| &it.acts),
            "trials": shrunk.map(|it| it.trials),
            "failure": shrunk.and_then(|it| it.outcome.failure.as_ref()),
            "replay": shrunk.map(|it| self.replay(it)),
        });
        format!("{document:#}\n")
    }

    fn replay(&self, shrunk: &Shrunk) -> String {
        let acts: Vec<String> = shrunk.acts.iter().map(ToString::to_string).collect();
        let command = command(self.file.as_ref(), self.seed, self.length);
        format!("{command} --only={}", acts.join(","))
    }
}

/// The command that plays a seed of the swarm again.
pub(crate) fn command(file: Option<&PathBuf>, seed: u64, length: Duration) -> String {
    let file = file.map(|file| format!("{} ", file.display()));
    let (file, length) = (file.unwrap_or_default(), file::span_words(length));
    format!("looksalive replay {file}--seed {seed} --for {length}")
}
