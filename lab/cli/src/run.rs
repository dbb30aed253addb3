//! `looksalive run`: plays the scenario of a lab file and judges its expectations.

mod junit;
mod text;

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use file::model::{Lab, Seed};
use sim::report::{RunReport, Step, Verdict};
use sim::{Options, Session, Stage, play};

use crate::backend::Backend;
use crate::exit::Exit;
use crate::format::Format;
use crate::local::Expose;
use crate::{check, local, output};

/// Seed of a run where neither the command line nor the lab file names one.
const DEFAULT_SEED: u64 = 1;
/// The files of a report.
const JSON_FILE: &str = "report.json";
const JUNIT_FILE: &str = "junit.xml";
const EVENTS_FILE: &str = "events.ndjson";
/// A run that takes longer than this says where it is, on a terminal.
const SILENCE: Duration = Duration::from_millis(500);

/// Build the lab, play its scenario, judge its expectations, take it down
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The lab file
    file: PathBuf,
    /// Where the lab runs; beats the lab file
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// How machines of backend `local` get adapters of their own; beats the lab file
    #[arg(long, value_enum)]
    expose: Option<Expose>,
    /// Decides every random draw; beats the lab file
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also write report.json, junit.xml and events.ndjson into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Run {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Some(lab) = check::load(&self.file) else {
            return Ok(Exit::Usage);
        };
        let folder = self.report.as_deref();
        let because = |folder: &Path| format!("cannot write the report to {}", folder.display());
        if let Some(folder) = folder {
            prepare(folder).with_context(|| because(folder))?;
        }
        let backend = Backend::of(&lab, self.backend, Backend::Sim);
        let report = match backend.machines() {
            None => play_lab(lab, self.seed)?,
            Some(machines) => {
                let machines = (machines, self.expose);
                play_for_real(lab, &self.file, self.seed, machines)?
            }
        };
        match self.format {
            Format::Json => output::print(&json(&report)?)?,
            Format::Text => output::print(&text::render(&report))?,
        }
        if let Some(folder) = folder {
            write(folder, &report).with_context(|| because(folder))?;
        }
        Ok(exit(report.verdict))
    }
}

fn play_for_real(
    lab: Lab,
    file: &Path,
    seed: Option<u64>,
    machines: (lab::Backend, Option<Expose>),
) -> anyhow::Result<RunReport> {
    let seed = self::seed(&lab, seed);
    let text = fs::read_to_string(file)?;
    let live = local::build(&lab, &text, seed, machines)?;
    Ok(play_session(Session::on(lab, live, seed), seed))
}

fn play_lab(lab: Lab, seed: Option<u64>) -> anyhow::Result<RunReport> {
    let seed = self::seed(&lab, seed);
    let session: Session = Session::new(lab, Options::new(seed))?;
    Ok(play_session(session, seed))
}

fn play_session<W: Stage>(session: Session<W>, seed: u64) -> RunReport {
    let start = Instant::now();
    let watched = io::stderr().is_terminal();
    let mut progress = |step: &Step| {
        if watched && start.elapsed() > SILENCE {
            let seconds = step.at.0 / 1_000.0;
            output::error_text(&format!(
                "at {seconds:.1} s, line {}: {}\n",
                step.line, step.text
            ));
        }
    };
    play::play_in(session, seed, &mut progress)
}

/// The seed of a run: of the command line, of the file, or the default.
pub(crate) fn seed(lab: &Lab, given: Option<u64>) -> u64 {
    match (given, lab.backend.seed) {
        (Some(seed), _) | (None, Some(Seed::Fixed(seed))) => seed,
        (None, Some(Seed::Random)) => random_seed(),
        (None, None) => DEFAULT_SEED,
    }
}

/// A seed that nobody chose; it is printed with the result.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

pub(crate) fn json(report: &RunReport) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// Makes sure before the run that its report will find room; what is there stays as it is.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!("it is not a folder");
    }
    fs::create_dir_all(folder)?;
    for name in [JSON_FILE, JUNIT_FILE, EVENTS_FILE] {
        let mut open = OpenOptions::new();
        let file = open.append(true).create(true).open(folder.join(name));
        file.with_context(|| name)?;
    }
    Ok(())
}

fn write(folder: &Path, report: &RunReport) -> anyhow::Result<()> {
    fs::write(folder.join(JSON_FILE), json(report)?)?;
    fs::write(folder.join(JUNIT_FILE), junit::document(report)?)?;
    let mut lines = String::new();
    for event in &report.events {
        lines.push_str(&serde_json::to_string(event)?);
        lines.push('\n');
    }
    fs::write(folder.join(EVENTS_FILE), lines)?;
    for (node, log) in &report.cluster_logs {
        fs::write(folder.join(format!("cluster-{node}.log")), log)?;
    }
    Ok(())
}

/// The exit code that a verdict asks for.
pub(crate) fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Passed => Exit::Good,
        Verdict::Failed => Exit::Failed,
        Verdict::Inconclusive | Verdict::NotApplicable => Exit::Inconclusive,
    }
}
