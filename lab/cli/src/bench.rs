//! `looksalive bench`: how much virtual time passes per processor time, in one process, each
//! figure with the aim that it is held against. Never a verdict: figures belong to a machine.

mod failover;

use std::time::Duration;

use base::Timestamp;
use clap::{Args, Subcommand};
use plan::Plan;
use serde_json::json;
use sim::shape::{Shape, WitnessShape};
use sim::{Options, World};

use crate::exit::Exit;
use crate::format::Format;
use crate::output;

mod cost;

/// Version of the JSON that the command prints.
const FORMAT_VERSION: u32 = 1;
/// Virtual time in which a cluster forms and settles before it is measured.
const SETTLING: Duration = Duration::from_secs(120);
/// Each figure is the median of so many runs.
const RUNS: usize = 5;

/// Measure virtual time over processor time, or failovers for real
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How to print the figures
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Failover(failover::Failover),
}

/// One measured situation.
struct Situation {
    name: &'static str,
    nodes: u8,
    groups: u8,
    /// Virtual seconds measured.
    seconds: u64,
    /// Virtual seconds between two moves of a group, if anything is updated.
    move_every: Option<u64>,
    /// Virtual seconds per processor second that the project aims at.
    aim: f64,
}

const SITUATIONS: [Situation; 3] = [
    Situation {
        name: "two nodes with a disk witness, idle",
        nodes: 2,
        groups: 0,
        seconds: 50_000,
        move_every: None,
        aim: 100_000.0,
    },
    Situation {
        name: "two nodes, two groups polled, a group moved every minute",
        nodes: 2,
        groups: 2,
        seconds: 20_000,
        move_every: Some(60),
        aim: 10_000.0,
    },
    Situation {
        name: "64 nodes on one network, idle",
        nodes: 64,
        groups: 0,
        seconds: 600,
        move_every: None,
        aim: 1_500.0,
    },
];

/// What a situation came to.
struct Figure {
    name: &'static str,
    /// Virtual seconds per processor second, median.
    ratio: f64,
    /// Slowest and fastest run.
    spread: (f64, f64),
    aim: f64,
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if let Some(What::Failover(failover)) = &self.what {
            return failover.run(self.format);
        }
        // First of all: memory that an earlier world gave back would hide what this one takes.
        let memory = cost::memory()?;
        let mut figures = Vec::new();
        for situation in &SITUATIONS {
            output::error_text(&format!("measuring: {}\n", situation.name));
            figures.push(measure(situation)?);
        }
        output::error_text("measuring: what updates, regroups and nodes cost\n");
        let mut costs = cost::measure()?;
        costs.extend(memory);
        match self.format {
            Format::Json => {
                let row = |it: &Figure| {
                    json!({
                        "name": it.name, "ratio": it.ratio, "slowest": it.spread.0,
                        "fastest": it.spread.1, "aim": it.aim,
                    })
                };
                let rows: Vec<_> = figures.iter().map(row).collect();
                let document = json!({
                    "version": FORMAT_VERSION, "figures": rows, "costs": cost::rows(&costs),
                });
                output::print(&format!("{document:#}\n"))?;
            }
            Format::Text => {
                figures.iter().try_for_each(|it| output::print(&line(it)))?;
                costs.iter().try_for_each(|it| output::print(&it.line()))?;
            }
        }
        Ok(Exit::Good)
    }
}

fn line(figure: &Figure) -> String {
    let Figure {
        name,
        ratio,
        spread: (low, high),
        aim,
    } = figure;
    format!("{name:<58} {ratio:>10.0} x ({low:.0} to {high:.0}), aim {aim:.0} x\n")
}

fn measure(situation: &Situation) -> anyhow::Result<Figure> {
    let mut ratios = Vec::with_capacity(RUNS);
    for run in 1..=RUNS as u64 {
        ratios.push(once(situation, run)?);
    }
    ratios.sort_by(f64::total_cmp);
    Ok(Figure {
        name: situation.name,
        ratio: ratios[RUNS / 2],
        spread: (ratios[0], ratios[RUNS - 1]),
        aim: situation.aim,
    })
}

fn once(situation: &Situation, seed: u64) -> anyhow::Result<f64> {
    let shape = Shape {
        nodes: situation.nodes,
        witness: WitnessShape::Disk,
        fenced_groups: situation.groups,
        ..Shape::default()
    };
    let options = Options {
        keep: false,
        by_bytes: false,
        ..Options::new(seed)
    };
    let mut world: World = World::new(Plan::new(&shape.lab())?, options);
    world.run_to(Timestamp::ZERO + SETTLING);
    let start = processor_time();
    let end = world.now() + Duration::from_secs(situation.seconds);
    match situation.move_every {
        None => world.run_to(end),
        Some(pause) => {
            while world.now() < end {
                if let Some(node) = world.live().first() {
                    let group = base::GroupId(1);
                    world.ask(node, sim::AdminCommand::MoveGroup { group, to: None });
                }
                let next = world.now() + Duration::from_secs(pause);
                world.run_to(next.min(end));
            }
        }
    }
    let spent = processor_time().saturating_sub(start).as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a few thousand seconds")]
    let passed = situation.seconds as f64;
    Ok(passed / spent.max(1e-9))
}

/// Processor time of this process so far.
fn processor_time() -> Duration {
    cpu_time::ProcessTime::now().as_duration()
}
