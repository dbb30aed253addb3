//! `looksalive replay`: plays a scenario or a swarm seed once more to look into it: stops where
//! something is said or a rule breaks, goes on step by step, shows how two moments differ.
//!
//! A run is decided by its seed alone, so nothing has to be recorded to see it again.

mod stepper;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use base::Timestamp;
use clap::Args;
use file::model::Lab;
use sim::replay::Snapshot;
use sim::swarm::{plan, run_watched};
use sim::{Options, Session, World, play};

use crate::exit::Exit;
use crate::units::{self, Acts};
use crate::{check, output, run};
use stepper::{Stepper, Stop};

/// Virtual time of a swarm seed where the command line names none, as in `swarm`.
const SWARM_LENGTH: Duration = Duration::from_secs(3_600);

/// Play a scenario or a swarm seed again: break, step, compare two moments
#[derive(Debug, Args)]
#[command(after_help = stepper::HELP)]
pub(crate) struct Replay {
    /// The lab file; without one, or with `--for`, the seed is one of `swarm`
    file: Option<PathBuf>,
    /// The seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The seed is one of `swarm`, attacked for so long
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    length: Option<Duration>,
    /// Of a swarm plan only these acts, by number, as `shrink` prints them
    #[arg(long, value_name = "ACTS", value_parser = units::acts)]
    only: Option<Acts>,
    /// Stop when a line of the timeline contains the text; broken rules always stop
    #[arg(long = "break", value_name = "TEXT")]
    breaks: Vec<String>,
    /// Ask for commands on standard input after the first step and at every stop
    #[arg(long, conflicts_with = "diff")]
    step: bool,
    /// Show what differs between two moments of virtual time, for example 1900ms 30s
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = units::duration)]
    diff: Option<Vec<Duration>>,
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let lab = match &self.file {
            None => None,
            Some(path) => match check::load(path) {
                Some(lab) => Some(lab),
                None => return Ok(Exit::Usage),
            },
        };
        if let Some(moments) = &self.diff {
            return self.compare(lab, moments);
        }
        let mut stepper = Stepper::new(self.breaks.clone(), self.step);
        let failure = self.play(lab, &mut |world| stepper.look(world))?;
        if let Some(failure) = &failure {
            output::print(&format!("failed: {failure}\n"))?;
        }
        Ok(match (stepper.stop(), failure) {
            (Stop::Never, _) if !self.breaks.is_empty() => {
                output::print("nothing of that was said\n")?;
                Exit::Inconclusive
            }
            (Stop::Asked, _) | (_, None) => Exit::Good,
            (_, Some(_)) => Exit::Failed,
        })
    }

    /// What differs between two moments.
    fn compare(&self, lab: Option<Lab>, moments: &[Duration]) -> anyhow::Result<Exit> {
        let moments: Vec<Timestamp> = moments.iter().map(|it| Timestamp::ZERO + *it).collect();
        let mut taken: Vec<Snapshot> = Vec::new();
        let mut latest = Snapshot::default();
        self.play(lab, &mut |world| {
            while moments.get(taken.len()).is_some_and(|at| world.now() > *at) {
                taken.push(latest.clone());
            }
            latest = Snapshot::of(world);
            taken.len() < moments.len()
        })?;
        // A run that ended before has not changed since.
        taken.resize(moments.len(), latest);
        let [from, to] = taken.as_slice() else {
            return Err(anyhow!("two moments are compared"));
        };
        let changes = to.changes_since(from);
        for change in &changes {
            output::print(&format!("{change}\n"))?;
        }
        if changes.is_empty() {
            output::print("nothing differs\n")?;
        }
        Ok(Exit::Good)
    }

    /// Plays it; `watch` looks after every change. Returns why it failed.
    fn play(
        &self,
        lab: Option<Lab>,
        watch: &mut dyn FnMut(&World) -> bool,
    ) -> anyhow::Result<Option<String>> {
        if let (Some(lab), None) = (&lab, self.length) {
            let seed = run::seed(lab, self.seed);
            let session: Session = Session::new(lab.clone(), Options::new(seed))?;
            let (report, _) = play::play_watched(session, seed, &mut |_| {}, watch);
            return Ok(report.failure.map(|kind| kind.label().to_owned()));
        }
        let Some(seed) = self.seed else {
            return Err(anyhow!("name the seed of the swarm with --seed N"));
        };
        let mut plan = plan(seed, lab.as_ref(), self.length.unwrap_or(SWARM_LENGTH));
        plan.options.keep = true;
        if let Some(acts) = &self.only {
            plan = plan.only(&acts.0);
        }
        if self.diff.is_none() {
            output::print(&plan.to_string())?;
        }
        let (outcome, _) = run_watched(&plan, watch)?;
        let failure = outcome.failure.map(|failure| {
            let rule = failure.invariant.unwrap_or_default();
            let at = failure.at.0;
            let kind = failure.kind.label();
            format!("{kind}, {rule} at {at:.3} ms: {}", failure.what)
        });
        Ok(failure)
    }
}
