//! `looksalive bench failover`: how long failovers take for real, phase by phase, beside what the
//! parameters of the lab predict. The prediction is the simulator's: the same node with the same
//! parameters, in a world in which computing costs nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use file::model::Lab;
use serde_json::{Value, json};
use sim::report::{Failover as Found, Phases, RunReport, Verdict};
use sim::{Options, Session, play};

use crate::backend::Backend;
use crate::exit::Exit;
use crate::format::Format;
use crate::{check, local, output};

/// The aim: so much beyond the prediction at most, in milliseconds or as a part of it.
const AIM_MS: f64 = 200.0;
const AIM_PART: f64 = 0.05;

fn at_least_one(text: &str) -> Result<u64, String> {
    let runs = text.parse().ok().filter(|runs| *runs > 0);
    runs.ok_or_else(|| "write a number from 1 on".to_owned())
}

/// Measure failovers for real, by phase, beside what the lab's parameters predict
#[derive(Debug, Args)]
pub(crate) struct Failover {
    /// The lab file; every failover in its scenario is measured
    file: PathBuf,
    /// Where to measure
    #[arg(long, value_enum, default_value_t = Backend::Local)]
    backend: Backend,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = at_least_one)]
    runs: u64,
}

/// The phases, in their order, and the total.
const PHASES: [&str; 7] = [
    "detection",
    "regroup",
    "quorum",
    "placement",
    "arbitration",
    "online",
    "total",
];

/// Milliseconds of every run, by group and phase.
type Times = BTreeMap<String, BTreeMap<&'static str, Vec<f64>>>;

/// One row of the table.
struct Row<'a> {
    group: &'a str,
    phase: &'static str,
    predicted: Spread,
    measured: Spread,
}

/// Milliseconds of several runs.
#[derive(Clone, Copy)]
struct Spread {
    runs: usize,
    median: f64,
    /// Of a hundred runs ninety-five are not slower.
    p95: f64,
}

impl Failover {
    pub(super) fn run(&self, format: Format) -> anyhow::Result<Exit> {
        let Some(lab) = check::load(&self.file) else {
            return Ok(Exit::Usage);
        };
        let predicted = self.measure(&lab, Backend::Sim)?;
        let measured = self.measure(&lab, self.backend)?;
        let rows = rows(&predicted, &measured);
        if rows.is_empty() {
            bail!("no group of this lab fails over in its scenario");
        }
        match format {
            Format::Json => output::print(&format!("{:#}\n", self.document(&lab, &rows)))?,
            Format::Text => output::print(&self.render(&lab, &rows))?,
        }
        Ok(Exit::Good)
    }

    fn measure(&self, lab: &Lab, backend: Backend) -> anyhow::Result<Times> {
        let mut times = Times::new();
        for seed in 1..=self.runs {
            if backend != Backend::Sim {
                output::error_text(&format!("run {seed} of {}\n", self.runs));
            }
            let report = self.play(lab, backend, seed)?;
            if report.verdict != Verdict::Passed {
                let (verdict, on) = (report.verdict.label(), backend.label());
                bail!(
                    "the scenario is {verdict} on {on} with seed {seed}, so its times say nothing"
                );
            }
            report.failovers.iter().for_each(|it| note(&mut times, it));
        }
        Ok(times)
    }

    fn play(&self, lab: &Lab, backend: Backend, seed: u64) -> anyhow::Result<RunReport> {
        let mut silent = |_: &_| {};
        let Some(machines) = backend.machines() else {
            let session: Session = Session::new(lab.clone(), Options::new(seed))?;
            return Ok(play::play_in(session, seed, &mut silent));
        };
        let text = fs::read_to_string(&self.file).context("cannot read the lab file again")?;
        let live = local::build_silently(lab, &text, seed, machines)?;
        let session = Session::on(lab.clone(), live, seed);
        Ok(play::play_in(session, seed, &mut silent))
    }

    fn document(&self, lab: &Lab, rows: &[Row<'_>]) -> Value {
        let spread = |it: Spread| json!({ "median_ms": it.median, "p95_ms": it.p95 });
        let row = |it: &Row<'_>| {
            json!({
                "group": it.group,
                "phase": it.phase,
                "runs": it.measured.runs,
                "predicted": spread(it.predicted),
                "measured": spread(it.measured),
            })
        };
        json!({
            "version": super::FORMAT_VERSION,
            "lab": lab.name,
            "backend": self.backend.label(),
            "runs": self.runs,
            "phases": rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    fn render(&self, lab: &Lab, rows: &[Row<'_>]) -> String {
        let (name, runs, backend) = (&lab.name, self.runs, self.backend.label());
        let mut text = format!(
            "{name}, {runs} runs on {backend}, milliseconds\n{:<16} {:<12} {:>10} {:>10} {:>10} \
             {:>10} {:>10}\n",
            "group", "phase", "predicted", "p95", "measured", "p95", "beyond"
        );
        for row in rows {
            let (predicted, measured) = (row.predicted, row.measured);
            let beyond = measured.median - predicted.median;
            let aim = match row.phase {
                "total" if meets_aim(row) => "  aim met",
                "total" => "  aim missed",
                _ => "",
            };
            text.push_str(&format!(
                "{:<16} {:<12} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {beyond:>10.1}{aim}\n",
                row.group,
                row.phase,
                predicted.median,
                predicted.p95,
                measured.median,
                measured.p95
            ));
        }
        text
    }
}

/// Whether a total is not further beyond its prediction than the aim.
fn meets_aim(row: &Row<'_>) -> bool {
    let beyond = row.measured.median - row.predicted.median;
    beyond <= AIM_MS.max(row.predicted.median * AIM_PART)
}

/// Only failovers count, and only those that came to an end.
fn note(times: &mut Times, found: &Found) {
    let Some(total) = found.total.filter(|_| found.cause == "failover") else {
        return;
    };
    let Phases {
        detection,
        regroup,
        quorum,
        placement,
        arbitration,
        online,
    } = &found.phases;
    let laps = [
        *detection,
        *regroup,
        *quorum,
        *placement,
        *arbitration,
        *online,
        Some(total),
    ];
    let of_group = times.entry(found.group.clone()).or_default();
    for (phase, lap) in PHASES.into_iter().zip(laps) {
        if let Some(lap) = lap {
            of_group.entry(phase).or_default().push(lap.0);
        }
    }
}

fn rows<'a>(predicted: &'a Times, measured: &'a Times) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (group, phases) in measured {
        for phase in PHASES {
            let expected = predicted.get(group).and_then(|it| it.get(phase));
            let (Some(expected), Some(found)) = (expected, phases.get(phase)) else {
                continue;
            };
            rows.push(Row {
                group,
                phase,
                predicted: spread(expected),
                measured: spread(found),
            });
        }
    }
    rows
}

fn spread(times: &[f64]) -> Spread {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(place).copied().unwrap_or_default()
    };
    Spread {
        runs: sorted.len(),
        median: at(50),
        p95: at(95),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(predicted: f64, measured: f64) -> Row<'static> {
        Row {
            group: "app",
            phase: "total",
            predicted: spread(&[predicted]),
            measured: spread(&[measured]),
        }
    }

    #[test]
    fn the_aim_is_the_wider_of_a_part_and_a_time() {
        assert!(meets_aim(&row(1_000.0, 1_190.0)));
        assert!(!meets_aim(&row(1_000.0, 1_210.0)));
        assert!(meets_aim(&row(10_000.0, 10_490.0)));
        assert!(!meets_aim(&row(10_000.0, 10_510.0)));
        assert!(meets_aim(&row(1_000.0, 900.0)));
    }

    #[test]
    fn a_median_and_a_p95_are_times_of_runs() {
        let times: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        let spread = spread(&times);
        assert_eq!((spread.runs, spread.median, spread.p95), (30, 15.0, 29.0));
    }
}
