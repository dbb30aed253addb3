//! Choosing cases, running them, and judging each run.

use crate::case::{Case, Stop, Verdict};
use crate::cases;
use crate::report::{Report, Row};
use crate::subject::Factory;
use crate::trial::Trial;
use base::Generation;
use libtest_mimic::{Arguments, Completion};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Which runs are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Part of the id of a case, or a clause id; absent: everything.
    pub filter: Option<String>,
    /// Only this generation.
    pub generation: Option<Generation>,
}

impl Selection {
    fn takes(&self, case: &Case, generation: Generation) -> bool {
        let named = |filter: &String| {
            case.id.contains(filter.as_str()) || case.clauses.contains(&filter.as_str())
        };
        self.filter.as_ref().is_none_or(named)
            && self.generation.is_none_or(|wanted| wanted == generation)
    }

    /// The runs, in the order of the suite: each case once per generation.
    fn runs(&self) -> Vec<(Arc<Case>, Generation)> {
        let cases = cases::all().into_iter().map(Arc::new);
        let runs = cases.flat_map(|case| {
            case.generations
                .iter()
                .map(move |generation| (Arc::clone(&case), *generation))
        });
        runs.filter(|(case, generation)| self.takes(case, *generation))
            .collect()
    }
}

/// The cases that the selection picks.
#[must_use]
pub fn list(selection: &Selection) -> Vec<Case> {
    let wanted = |case: &Case| {
        case.generations
            .iter()
            .any(|each| selection.takes(case, *each))
    };
    cases::all().into_iter().filter(wanted).collect()
}

/// Runs one case for one generation on a fresh subject.
#[must_use]
pub fn judge(case: &Case, generation: Generation, factory: &dyn Factory) -> Row {
    let start = Instant::now();
    let stop = attempt(case, generation, factory);
    let (verdict, why) = match stop {
        Ok(()) => (Verdict::Passed, None),
        Err(Stop::Failed(why)) => (Verdict::Failed, Some(why)),
        Err(Stop::Inconclusive(why)) => (Verdict::Inconclusive, Some(why)),
        Err(Stop::NotApplicable(why)) => (Verdict::NotApplicable, Some(why)),
    };
    Row::new(case, generation, verdict, why, start.elapsed())
}

fn attempt(case: &Case, generation: Generation, factory: &dyn Factory) -> Result<(), Stop> {
    let mut subject = factory.make()?;
    let mut trial = Trial::new(subject.as_mut(), generation);
    (case.run)(&mut trial)?;
    if trial.assertions() == 0 {
        return Err(Stop::Inconclusive("the case asserted nothing".into()));
    }
    Ok(())
}

/// Runs the selection without a word, for reports that machines read.
#[must_use]
pub fn run_silently(selection: &Selection, factory: &dyn Factory) -> Report {
    let runs = selection.runs();
    let rows = runs
        .iter()
        .map(|(case, generation)| judge(case, *generation, factory));
    Report::new(factory.name(), rows.collect())
}

/// Runs the selection with libtest's progress lines on standard output. libtest knows fewer words
/// than we do, so print the report's table after it.
#[must_use]
pub fn run_with_progress(selection: &Selection, factory: Arc<dyn Factory>) -> Report {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let subject = factory.name();
    let trials = selection.runs().into_iter().map(|(case, generation)| {
        let (rows, factory) = (Arc::clone(&rows), Arc::clone(&factory));
        let name = format!("{} {generation}", case.id);
        libtest_mimic::Trial::ignorable_test(name, move || {
            let row = judge(&case, generation, factory.as_ref());
            let outcome = in_libtest_words(&row);
            rows.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(row);
            outcome
        })
    });
    let trials = trials.collect();
    let _counts_in_libtest_words = libtest_mimic::run(&Arguments::default(), trials);
    let mut rows = std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner));
    rows.sort_by(|one, two| (&one.case, &one.generation).cmp(&(&two.case, &two.generation)));
    Report::new(subject, rows)
}

fn in_libtest_words(row: &Row) -> Result<Completion, libtest_mimic::Failed> {
    let why = row.why.clone().unwrap_or_default();
    match row.verdict {
        Verdict::Passed => Ok(Completion::Completed),
        Verdict::Failed => Err(why.into()),
        Verdict::Inconclusive | Verdict::NotApplicable => {
            Ok(Completion::ignored_with(format!("{}: {why}", row.verdict)))
        }
    }
}
