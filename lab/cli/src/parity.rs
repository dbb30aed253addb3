//! `looksalive parity`: plays a scenario in the simulator and for real, and compares the order of
//! the main events.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use file::model::Lab;
use lab::parity::{Difference, Piece, differences, outline};
use serde_json::{Value, json};
use sim::report::{RunReport, Verdict};
use sim::{Options, Session, Stage, play};

use crate::backend::Backend;
use crate::exit::Exit;
use crate::format::Format;
use crate::{check, local, output, run};

/// Compare the order of main events between the simulator and real runs of a lab's scenario
#[derive(Debug, Args)]
pub(crate) struct Parity {
    /// The lab files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What to compare the simulator with; may be given several times
    #[arg(long, value_enum, default_values_t = [Real::Local])]
    backend: Vec<Real>,
    /// Decides every random draw; beats the lab file
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How to print the differences
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A backend on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Real {
    /// Processes of this machine
    Local,
    /// Containers of Docker or Podman
    Docker,
}

/// One lab on one backend.
struct Compared {
    lab: String,
    backend: &'static str,
    outcome: Outcome,
}

enum Outcome {
    /// Both runs were played; where they differ.
    Played(Vec<Difference>),
    /// A run did not pass, so its events say nothing.
    Unjudged(String),
    /// The backend is not there.
    NotApplicable(String),
}

impl Parity {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut all = Vec::new();
        for file in &self.files {
            let Some(lab) = check::load(file) else {
                return Ok(Exit::Usage);
            };
            all.extend(self.compare(&lab, file)?);
        }
        match self.format {
            Format::Json => output::print(&format!("{:#}\n", document(&all)))?,
            Format::Text => output::print(&all.iter().map(render).collect::<String>())?,
        }
        Ok(exit(&all))
    }

    fn compare(&self, lab: &Lab, file: &Path) -> anyhow::Result<Vec<Compared>> {
        let seed = run::seed(lab, self.seed);
        let session: Session = Session::new(lab.clone(), Options::new(seed))?;
        let expected = played(session, seed);
        let mut compared = Vec::new();
        for backend in &self.backend {
            let machines = backend.machines();
            let outcome = match lacking(machines) {
                Some(why) => Outcome::NotApplicable(why),
                None => {
                    let text = fs::read_to_string(file)?;
                    let live = local::build_silently(lab, &text, seed, machines)?;
                    judge(
                        &expected,
                        &played(Session::on(lab.clone(), live, seed), seed),
                    )
                }
            };
            compared.push(Compared {
                lab: lab.name.clone(),
                backend: machines.label(),
                outcome,
            });
        }
        Ok(compared)
    }
}

impl Real {
    fn machines(self) -> lab::Backend {
        let backend = match self {
            Self::Local => Backend::Local,
            Self::Docker => Backend::Docker,
        };
        backend.machines().unwrap_or(lab::Backend::Local)
    }
}

fn lacking(backend: lab::Backend) -> Option<String> {
    match backend {
        lab::Backend::Local => None,
        lab::Backend::Docker => lab::docker::missing_engine().err(),
    }
}

/// A run's report with its pieces.
fn played<W: Stage>(session: Session<W>, seed: u64) -> (RunReport, Vec<Piece>) {
    let (report, session) = play::play_watched(session, seed, &mut |_| {}, &mut |_| true);
    let world = session.world();
    let pieces = outline(world.log().entries(), world.plan());
    (report, pieces)
}

fn judge(first: &(RunReport, Vec<Piece>), second: &(RunReport, Vec<Piece>)) -> Outcome {
    for (report, _) in [first, second] {
        if report.verdict != Verdict::Passed {
            let (backend, verdict) = (report.backend, report.verdict.label());
            return Outcome::Unjudged(format!("the scenario is {verdict} on {backend}"));
        }
    }
    Outcome::Played(differences(&first.1, &second.1))
}

fn render(compared: &Compared) -> String {
    let Compared { lab, backend, .. } = compared;
    let head = format!("{lab}: sim and {backend}: ");
    match &compared.outcome {
        Outcome::NotApplicable(why) => format!("{head}not applicable: {why}\n"),
        Outcome::Unjudged(why) => format!("{head}inconclusive: {why}\n"),
        Outcome::Played(found) if found.is_empty() => format!("{head}the same main events\n"),
        Outcome::Played(found) => {
            let lines: String = found.iter().map(|it| difference(it, backend)).collect();
            format!("{head}{} differences\n{lines}", found.len())
        }
    }
}

fn difference(found: &Difference, backend: &str) -> String {
    let side = |who: &str, chains: &[String]| -> String {
        let line = |it: &String| format!("    {who:<7} {it}\n");
        chains.iter().map(line).collect()
    };
    let (first, second) = (side("sim", &found.first), side(backend, &found.second));
    format!("  after {}\n{first}{second}", found.title)
}

fn document(all: &[Compared]) -> Value {
    let row = |it: &Compared| {
        let (verdict, why, found) = match &it.outcome {
            Outcome::NotApplicable(why) => ("not-applicable", Some(why), &[][..]),
            Outcome::Unjudged(why) => ("inconclusive", Some(why), &[][..]),
            Outcome::Played(found) if found.is_empty() => ("passed", None, &[][..]),
            Outcome::Played(found) => ("failed", None, found.as_slice()),
        };
        let found = found.iter().map(|difference| {
            json!({
                "after": difference.title,
                "sim": difference.first,
                it.backend: difference.second,
            })
        });
        json!({
            "lab": it.lab,
            "backend": it.backend,
            "verdict": verdict,
            "why": why,
            "differences": found.collect::<Vec<_>>(),
        })
    };
    json!({ "version": 1, "labs": all.iter().map(row).collect::<Vec<_>>() })
}

/// As bad as the worst; nothing but what does not apply has compared nothing.
fn exit(all: &[Compared]) -> Exit {
    let any = |fits: &dyn Fn(&Outcome) -> bool| all.iter().any(|it| fits(&it.outcome));
    if any(&|it| matches!(it, Outcome::Played(found) if !found.is_empty())) {
        Exit::Failed
    } else if any(&|it| matches!(it, Outcome::Unjudged(_)))
        || !any(&|it| matches!(it, Outcome::Played(_)))
    {
        Exit::Inconclusive
    } else {
        Exit::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(outcome: Outcome) -> Compared {
        Compared {
            lab: "small".to_owned(),
            backend: "local",
            outcome,
        }
    }

    fn planted() -> Difference {
        Difference {
            title: "a node: power-off".to_owned(),
            first: vec!["nodes, 2: regroup to 2, quorum held".to_owned()],
            second: vec!["nodes, 2: quorum held, regroup to 2".to_owned()],
        }
    }

    #[test]
    fn a_difference_is_shown_from_both_sides_and_fails() {
        let one = compared(Outcome::Played(vec![planted()]));
        let text = render(&one);
        assert!(text.contains("sim     nodes, 2: regroup to 2"), "{text}");
        assert!(text.contains("local   nodes, 2: quorum held"), "{text}");
        let same = compared(Outcome::Played(Vec::new()));
        assert_eq!(exit(&[same, one]), Exit::Failed);
    }

    #[test]
    fn what_was_not_compared_is_never_good() {
        let lacking = || compared(Outcome::NotApplicable("no engine".to_owned()));
        let unjudged = compared(Outcome::Unjudged("it failed".to_owned()));
        assert_eq!(exit(&[lacking()]), Exit::Inconclusive);
        assert_eq!(exit(&[unjudged]), Exit::Inconclusive);
        let same = compared(Outcome::Played(Vec::new()));
        assert_eq!(exit(&[lacking(), same]), Exit::Good);
    }
}
