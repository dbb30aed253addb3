//! A run as JUnit: one test case for each step of the scenario and one for the invariants.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use sim::report::{RunReport, Step, Verdict};

/// The document.
pub(super) fn document(run: &RunReport) -> anyhow::Result<String> {
    let mut suite = TestSuite::new(run.lab.clone());
    for (key, value) in [
        ("seed", run.seed.to_string()),
        ("generation", run.generation.to_string()),
        ("backend", run.backend.to_owned()),
        ("trace", run.trace.clone()),
    ] {
        suite.add_property((key, value.as_str()));
    }
    suite.add_test_cases(run.steps.iter().map(case));
    suite.add_test_case(invariants(run));
    let mut report = Report::new("looksalive");
    report.add_test_suite(suite);
    Ok(report.to_string()? + "\n")
}

fn case(step: &Step) -> TestCase {
    let word = step.step.label();
    let name = format!("line {}: {word} {}", step.line, step.text);
    let mut case = TestCase::new(name, status(step.verdict, step.detail.as_deref()));
    let span = (step.until.0 - step.at.0).max(0.0) / 1_000.0;
    case.set_time(Duration::from_secs_f64(span));
    case
}

/// JUnit has no word for a run that proved nothing: that is an error there.
fn status(verdict: Verdict, detail: Option<&str>) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::NotApplicable => TestCaseStatus::skipped(),
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_type(verdict.label());
    status.set_message(detail.unwrap_or(verdict.label()));
    status
}

fn invariants(run: &RunReport) -> TestCase {
    let Some(first) = run.violations.first() else {
        return TestCase::new("invariants", TestCaseStatus::success());
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(first.invariant.clone());
    status.set_message(format!("{} ({})", first.what, first.clause));
    TestCase::new("invariants", status)
}
