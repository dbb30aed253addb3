//! `looksalive conformance`: lists the cases of the suite, or runs them on a subject.

use std::io::{IsTerminal, stdout};
use std::sync::Arc;

use base::Generation;
use clap::{Args, Subcommand};
use conformance::storage::{self, Address, Array};
use conformance::{
    Factory, REFERENCE, Reference, Report, Selection, Simulator, Table, list, run_silently,
    run_with_progress,
};
use libtest_mimic::{Arguments, ColorSetting};
use serde_json::json;

use crate::exit::Exit;
use crate::format::Format;
use crate::{local, output};

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
        /// Instead of cases, the rows of the reference: what shows each, or why nothing does
        #[arg(long, conflicts_with_all = ["generation", "format"])]
        reference: bool,
    },
    /// Run the cases on a subject
    Run {
        #[command(flatten)]
        choice: Choice,
        /// What to test: `sim`, `local`, `docker`, or a unit of an array:
        /// `iscsi://HOST:PORT/TARGET-NAME/LUN`; several clusters are shown side by side
        #[arg(long = "subject", value_name = "SUBJECT", default_value = "sim")]
        subjects: Vec<String>,
        /// On a disk array, also run cases that clear all reservations and overwrite blocks
        #[arg(long)]
        destructive: bool,
        /// How many seconds of real time a case may take on `local` and `docker`
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        patience: u64,
        /// How many times faster than time the clocks of labs on `local` and `docker` run: every
        /// interval of the cluster is so much shorter, and what is left of it has to do for what
        /// computing takes
        #[arg(long, value_name = "N", default_value_t = 1)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
        speed: u32,
        /// How many cases run at a time; default: one for each processor in the simulator, and on
        /// `local` and `docker`, where a case mostly waits, eight for each
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        jobs: Option<u16>,
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
            Verb::List {
                choice,
                reference: true,
            } => show_reference(&choice),
            Verb::List { choice, .. } => show(&choice),
            Verb::Run {
                choice,
                subjects,
                destructive,
                patience,
                speed,
                jobs,
            } => match clusters(&subjects, patience, speed)?.as_slice() {
                [] => run_on_arrays(&choice, &subjects, destructive),
                [one] => run(&choice, one, jobs),
                several => run_all(&choice, several, jobs),
            },
        }
    }
}

fn show_reference(choice: &Choice) -> anyhow::Result<Exit> {
    let reference = Reference::parse(REFERENCE)?;
    let rows = reference.rows(choice.filter.as_deref());
    if rows.is_empty() {
        let filter = choice.filter.as_deref().unwrap_or_default();
        output::error(&format!(
            "no row of the reference matches {filter}; without a filter all are shown"
        ));
        return Ok(Exit::Usage);
    }
    output::print(&format!("{rows}\n{}", reference.table()))?;
    Ok(Exit::Good)
}

/// The clusters that are to be tested; none where the subject is a disk array.
fn clusters(
    subjects: &[String],
    patience: u64,
    speed: u32,
) -> anyhow::Result<Vec<Arc<dyn Factory>>> {
    let mut factories: Vec<Arc<dyn Factory>> = Vec::new();
    for subject in subjects {
        let real = |backend| local::Subjects::new(backend, patience, speed).map(Arc::new);
        match subject.as_str() {
            "sim" => factories.push(Arc::new(Simulator)),
            "local" => factories.push(real(lab::Backend::Local)?),
            "docker" => factories.push(real(lab::Backend::Docker)?),
            _ => return Ok(Vec::new()),
        }
    }
    Ok(factories)
}

fn show(choice: &Choice) -> anyhow::Result<Exit> {
    let mut cases = list(&choice.selection());
    if choice.generation.is_none() {
        // What disk arrays must do has no generation.
        cases.extend(storage::list(choice.filter.as_deref()));
    }
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
                let about = match case.generations.is_empty() {
                    true => "for disk arrays".to_owned(),
                    false => format!("{clauses} | {words}"),
                };
                format!("{}\n    {}\n    {about}\n", case.id, case.title)
            };
            let lines: String = cases.iter().map(line).collect();
            output::print(&format!("{lines}{} cases\n", cases.len()))?;
        }
    }
    Ok(Exit::Good)
}

fn run(choice: &Choice, factory: &Arc<dyn Factory>, jobs: Option<u16>) -> anyhow::Result<Exit> {
    if list(&choice.selection()).is_empty() {
        return nothing(choice);
    }
    print(choice, &report(choice, factory, jobs))
}

fn report(choice: &Choice, factory: &Arc<dyn Factory>, jobs: Option<u16>) -> Report {
    let selection = choice.selection();
    let jobs = jobs.map_or_else(|| factory.jobs(), usize::from);
    match choice.format {
        Format::Json => run_silently(&selection, factory.as_ref(), jobs),
        Format::Text => {
            let arguments = Arguments {
                test_threads: Some(jobs),
                ..progress()
            };
            run_with_progress(&selection, Arc::clone(factory), &arguments)
        }
    }
}

/// Runs the selection on one cluster after the other, and shows them side by side.
fn run_all(
    choice: &Choice,
    factories: &[Arc<dyn Factory>],
    jobs: Option<u16>,
) -> anyhow::Result<Exit> {
    if list(&choice.selection()).is_empty() {
        return nothing(choice);
    }
    let reports = factories.iter().map(|it| report(choice, it, jobs));
    let table = Table::of(reports.collect());
    match choice.format {
        Format::Json => output::print(&format!("{}\n", table.json()?))?,
        Format::Text => output::print(&format!("{table}\n"))?,
    }
    Ok(exit(table.exit_code()))
}

fn run_on_arrays(choice: &Choice, subjects: &[String], destructive: bool) -> anyhow::Result<Exit> {
    let [array] = subjects else {
        output::error("a disk array is tested alone; name one subject, or clusters only");
        return Ok(Exit::Usage);
    };
    run_on_array(choice, array, destructive)
}

/// Runs the reservation suite on a unit of a disk array.
fn run_on_array(choice: &Choice, subject: &str, destructive: bool) -> anyhow::Result<Exit> {
    let filter = choice.filter.as_deref();
    let address = match subject.parse::<Address>() {
        Ok(address) => address,
        Err(error) => {
            output::error(&format!(
                "{error}; the other subjects are `sim`, `local` and `docker`"
            ));
            return Ok(Exit::Usage);
        }
    };
    if storage::list(filter).is_empty() {
        return nothing(choice);
    }
    let array = Array::new(address, destructive);
    array.reach()?;
    let report = match choice.format {
        Format::Json => storage::run_silently(filter, &array),
        Format::Text => storage::run_with_progress(filter, &array, &progress()),
    };
    print(choice, &report)
}

/// How libtest's progress lines look.
fn progress() -> Arguments {
    let plain = !stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let color = if plain {
        ColorSetting::Never
    } else {
        ColorSetting::Auto
    };
    Arguments {
        color: Some(color),
        ..Arguments::default()
    }
}

fn print(choice: &Choice, report: &Report) -> anyhow::Result<Exit> {
    match choice.format {
        Format::Json => output::print(&format!("{}\n", report.json()?))?,
        Format::Text => output::print(&format!("{report}\n"))?,
    }
    Ok(exit(report.exit_code()))
}

fn nothing(choice: &Choice) -> anyhow::Result<Exit> {
    let filter = choice.filter.as_deref().unwrap_or("this selection");
    output::error(&format!(
        "no case matches {filter}; `conformance list` shows them all"
    ));
    Ok(Exit::Usage)
}

fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Good,
        1 => Exit::Failed,
        _ => Exit::Inconclusive,
    }
}
