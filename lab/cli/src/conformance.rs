//! `looksalive conformance`: lists the cases of the suite, or runs them on a subject.

use std::io::{IsTerminal, stdout};
use std::sync::Arc;

use anyhow::bail;
use base::Generation;
use clap::{Args, Subcommand};
use conformance::{Factory, Report, Selection, Simulator, list, run_silently, run_with_progress};
use libtest_mimic::{Arguments, ColorSetting};
use serde_json::json;

use crate::exit::Exit;
use crate::format::Format;
use crate::output;

/// Version of the JSON that `list` prints.
const FORMAT_VERSION: u32 = 1;

/// The conformance suite: cases for every statement that the emulator is measured against
#[derive(Debug, Args)]
pub(crate) struct Conformance {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the cases
    List {
        #[command(flatten)]
        choice: Choice,
    },
    /// Run the cases on a subject
    Run {
        #[command(flatten)]
        choice: Choice,
        /// What to test; this version has `sim`
        #[arg(long, default_value = "sim")]
        subject: String,
    },
}

#[derive(Debug, Args)]
struct Choice {
    /// Part of a case's id, or the id of a clause
    filter: Option<String>,
    /// Only this generation of the product
    #[arg(long, value_name = "GENERATION")]
    generation: Option<Generation>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Choice {
    fn selection(&self) -> Selection {
        Selection {
            filter: self.filter.clone(),
            generation: self.generation,
        }
    }
}

impl Conformance {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::List { choice } => show(&choice),
            Verb::Run { choice, subject } => run(&choice, &subject),
        }
    }
}

fn show(choice: &Choice) -> anyhow::Result<Exit> {
    let cases = list(&choice.selection());
    if cases.is_empty() {
        return nothing(choice);
    }
    match choice.format {
        Format::Json => {
            let document = json!({ "version": FORMAT_VERSION, "cases": cases });
            output::print(&format!("{document:#}\n"))?;
        }
        Format::Text => {
            let line = |case: &conformance::Listed| {
                let (clauses, words) = (case.clauses.join(" "), case.generations.join(" "));
                format!("{}\n    {}\n    {clauses} | {words}\n", case.id, case.title)
            };
            let lines: String = cases.iter().map(line).collect();
            output::print(&format!("{lines}{} cases\n", cases.len()))?;
        }
    }
    Ok(Exit::Good)
}

fn run(choice: &Choice, subject: &str) -> anyhow::Result<Exit> {
    let factory = factory(subject)?;
    if list(&choice.selection()).is_empty() {
        return nothing(choice);
    }
    let report = match choice.format {
        Format::Json => {
            let report = run_silently(&choice.selection(), factory.as_ref());
            output::print(&format!("{}\n", report.json()?))?;
            report
        }
        Format::Text => {
            let plain = !stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some();
            let color = if plain {
                ColorSetting::Never
            } else {
                ColorSetting::Auto
            };
            let arguments = Arguments {
                color: Some(color),
                ..Arguments::default()
            };
            let report = run_with_progress(&choice.selection(), factory, &arguments);
            output::print(&format!("{report}\n"))?;
            report
        }
    };
    Ok(exit(&report))
}

fn factory(subject: &str) -> anyhow::Result<Arc<dyn Factory>> {
    match subject {
        "sim" => Ok(Arc::new(Simulator)),
        other => bail!("this version cannot test `{other}`; the subjects it has: sim"),
    }
}

fn nothing(choice: &Choice) -> anyhow::Result<Exit> {
    let filter = choice.filter.as_deref().unwrap_or("this selection");
    output::error(&format!(
        "no case matches {filter}; `conformance list` shows them all"
    ));
    Ok(Exit::Usage)
}

fn exit(report: &Report) -> Exit {
    match report.exit_code() {
        0 => Exit::Good,
        1 => Exit::Failed,
        _ => Exit::Inconclusive,
    }
}
