//! A run for people: what happened when, what was expected, how long each failover took.

use std::fmt::Write;

use sim::report::{Event, Failover, Millis, RunReport, Step, StepWord, WorkloadSeen};

/// The whole report.
pub(super) fn render(run: &RunReport) -> String {
    let mut text = format!(
        "{} (generation {}, seed {}, backend {})\n\n",
        run.lab, run.generation, run.seed, run.backend
    );
    let virtual_ = if run.backend == "sim" { "virtual " } else { "" };
    let _ = writeln!(text, "timeline, {virtual_}milliseconds");
    let width = run
        .events
        .iter()
        .filter_map(|event| event.node.as_ref())
        .map(String::len);
    let width = width.max().unwrap_or_default();
    run.events
        .iter()
        .for_each(|event| text.push_str(&timeline(event, width)));
    text.push_str("\nsteps\n");
    run.steps.iter().for_each(|step| text.push_str(&line(step)));
    if !run.failovers.is_empty() {
        text.push_str("\nfailovers, milliseconds by phase\n");
        run.failovers
            .iter()
            .for_each(|failover| text.push_str(&phases(failover)));
    }
    if !run.workloads.is_empty() {
        text.push_str("\nworkloads, seconds without an answer\n");
        let lines = run.workloads.iter().map(workload);
        lines.for_each(|line| text.push_str(&line));
    }
    for broken in &run.violations {
        let at = broken.at_us / 1_000;
        let _ = write!(
            text,
            "\ninvariant {} broken at {at} ms: {} ({})",
            broken.invariant, broken.what, broken.clause
        );
    }
    let _ = writeln!(
        text,
        "\nverdict: {} after {:.1} {virtual_}seconds, trace {}",
        run.verdict.label(),
        run.elapsed.0 / 1_000.0,
        run.trace
    );
    text
}

fn workload(seen: &WorkloadSeen) -> String {
    let WorkloadSeen {
        name,
        from,
        kind,
        target,
        ..
    } = seen;
    let mut text = format!("  {name}: {from} -> {target} ({kind})");
    if seen.answered {
        let (count, longest) = (seen.outages.len(), seen.longest_outage_s);
        let _ = writeln!(text, ", outages {count}, longest {longest:.3}");
    } else {
        text.push_str(", never answered\n");
    }
    text
}

fn timeline(event: &Event, width: usize) -> String {
    let who = event.node.as_deref().unwrap_or("-");
    let id = event.id.map(|id| format!(" [{id}]")).unwrap_or_default();
    format!("{:>12.3}  {who:<width$}  {}{id}\n", event.at.0, event.text)
}

fn line(step: &Step) -> String {
    let word = step.step.label();
    let took = match step.step {
        StepWord::Expect | StepWord::When => format!(" after {:.3} ms", step.until.0 - step.at.0),
        StepWord::Fault | StepWord::Do | StepWord::Run => String::new(),
    };
    let mut text = format!(
        "  {:<14} line {:<4} {word:<6} {}{took}\n",
        step.verdict.label(),
        step.line,
        step.text
    );
    if let Some(detail) = &step.detail {
        let _ = writeln!(text, "  {:<14} {detail}", "");
    }
    text
}

fn phases(failover: &Failover) -> String {
    let Failover {
        group,
        from,
        to,
        cause,
        at,
        phases,
        total,
    } = failover;
    let mut text = format!(
        "  {group}: {from} -> {to} ({cause}), begun at {:.3}\n",
        at.0
    );
    let rows = [
        ("detection", phases.detection),
        ("regroup", phases.regroup),
        ("quorum", phases.quorum),
        ("placement", phases.placement),
        ("arbitration", phases.arbitration),
        ("online", phases.online),
        ("total", *total),
    ];
    for (name, span) in rows {
        if let Some(Millis(span)) = span {
            let _ = writeln!(text, "    {name:<12} {span:>12.3}");
        }
    }
    text
}
