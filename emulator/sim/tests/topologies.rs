//! The labs of the repository, played.

use std::fs;
use std::path::{Path, PathBuf};

use file::model::Lab;
use sim::Options;
use sim::report::{RunReport, Verdict};

fn labs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut labs: Vec<PathBuf> = files
        .filter(|path| path.to_string_lossy().ends_with(".lab.yaml"))
        .collect();
    labs.sort();
    assert!(labs.len() >= 8, "{labs:?}");
    labs
}

fn lab(path: &Path) -> Lab {
    let checked = file::check_path(path).unwrap();
    checked.lab.unwrap_or_else(|| panic!("{}", path.display()))
}

fn show(report: &RunReport) -> String {
    let mut text = String::new();
    for event in &report.events {
        let node = event.node.as_deref().unwrap_or("");
        text += &format!("{:>12.3} {node:<4} {}\n", event.at.0, event.text);
    }
    for step in &report.steps {
        let detail = step.detail.as_deref().unwrap_or("");
        text += &format!(
            "line {:>3} {:?} {:>10.1} to {:>10.1} {} {detail}\n",
            step.line, step.verdict, step.at.0, step.until.0, step.text
        );
    }
    for broken in &report.violations {
        text += &format!("{broken:?}\n");
    }
    for failover in &report.failovers {
        text += &format!("{failover:?}\n");
    }
    text
}

#[test]
fn every_lab_of_the_repository_passes_with_several_seeds() {
    for path in labs() {
        let lab = lab(&path);
        for seed in 1..=3 {
            let report = sim::play::play(&lab, Options::new(seed)).unwrap();
            let text = show(&report);
            let name = path.display();
            assert_eq!(report.verdict, Verdict::Passed, "{name} {seed}\n{text}");
        }
    }
}

#[test]
fn a_run_repeats_to_the_byte() {
    let path = labs().remove(0);
    let lab = lab(&path);
    let run = |seed| {
        let report = sim::play::play(&lab, Options::new(seed)).unwrap();
        serde_json::to_string_pretty(&report).unwrap()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
