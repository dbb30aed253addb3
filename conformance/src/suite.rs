//! Choosing cases, running them, and judging each run.

use crate::case::{Case, Source, Stop, Verdict};
use crate::cases;
use crate::report::{Report, Row};
use crate::subject::{Factory, Simulator};
use crate::trial::Trial;
use base::Generation;
use libtest_mimic::{Arguments, Completion};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

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

/// A case as lists show it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its sentence.
    pub title: String,
    /// Clauses that it shows.
    pub clauses: &'static [&'static str],
    /// Rows of the reference that it rests on.
    pub source: &'static [Source],
    /// Generations that it applies to, in the lab file's words.
    pub generations: Vec<&'static str>,
}

/// The cases that the selection picks, in reading order.
#[must_use]
pub fn list(selection: &Selection) -> Vec<Listed> {
    let listed = |case: Case| {
        let wanted = case
            .generations
            .iter()
            .filter(|each| selection.takes(&case, **each));
        let generations: Vec<_> = wanted.map(|generation| generation.label()).collect();
        let Case {
            id,
            title,
            clauses,
            source,
            ..
        } = case;
        (!generations.is_empty()).then_some(Listed {
            id,
            title,
            clauses,
            source,
            generations,
        })
    };
    cases::all().into_iter().filter_map(listed).collect()
}

/// Runs one case for one generation on a fresh subject.
#[must_use]
pub fn judge(case: &Case, generation: Generation, factory: &dyn Factory) -> Row {
    let start = Instant::now();
    let stop = guarded(case, generation, factory);
    let (verdict, why) = match stop {
        Ok(()) => (Verdict::Passed, None),
        Err(Stop::Failed(why)) => (Verdict::Failed, Some(why)),
        Err(Stop::Inconclusive(why)) => (Verdict::Inconclusive, Some(why)),
        Err(Stop::NotApplicable(why)) => (Verdict::NotApplicable, Some(why)),
    };
    Row::new(case, generation, verdict, why, start.elapsed())
}

/// Runs a case; a panic, of the subject's own assertions for example, is a failure of the case.
fn guarded(case: &Case, generation: Generation, factory: &dyn Factory) -> Result<(), Stop> {
    let attempt = AssertUnwindSafe(|| attempt(case, generation, factory));
    catch_unwind(attempt).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Stop::Failed(format!(
            "panicked: {}",
            text.unwrap_or("without a word")
        )))
    })
}

fn attempt(case: &Case, generation: Generation, factory: &dyn Factory) -> Result<(), Stop> {
    if let Some(patience) = factory.patience() {
        check_time(case, generation, patience)?;
    }
    let mut subject = factory.make()?;
    let mut trial = Trial::new(subject.as_mut(), generation);
    (case.run)(&mut trial)?;
    if trial.assertions() == 0 {
        return Err(Stop::Inconclusive("the case asserted nothing".into()));
    }
    Ok(())
}

/// Whether a case is short enough: the simulator tells how long it takes without taking that long.
fn check_time(case: &Case, generation: Generation, patience: Duration) -> Result<(), Stop> {
    let mut subject = Simulator.make()?;
    let mut trial = Trial::new(subject.as_mut(), generation);
    // How it ends there says nothing about how it ends here.
    let _elsewhere = (case.run)(&mut trial);
    let takes = subject.elapsed();
    if takes <= patience {
        return Ok(());
    }
    Err(Stop::NotApplicable(format!(
        "it takes {} s on its clock, and a case is given {} s",
        takes.as_secs(),
        patience.as_secs()
    )))
}

/// Runs the selection without a word, so many cases at a time, for reports that machines read.
#[must_use]
pub fn run_silently(selection: &Selection, factory: &dyn Factory, jobs: usize) -> Report {
    let runs = Mutex::new(selection.runs().into_iter());
    let rows = Mutex::new(Vec::new());
    let next = || lock(&runs).next();
    let work = || {
        while let Some((case, generation)) = next() {
            let row = judge(&case, generation, factory);
            lock(&rows).push(row);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    in_order(factory.name(), &rows)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_order(subject: &str, rows: &Mutex<Vec<Row>>) -> Report {
    let mut rows = std::mem::take(&mut *lock(rows));
    rows.sort_by(|one, two| (&one.case, &one.generation).cmp(&(&two.case, &two.generation)));
    Report::new(subject, rows)
}

/// Runs the selection with libtest's progress lines on standard output. libtest knows fewer words
/// than we do, so print the report's table after it.
#[must_use]
pub fn run_with_progress(
    selection: &Selection,
    factory: Arc<dyn Factory>,
    arguments: &Arguments,
) -> Report {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let subject = factory.name();
    let trials = selection.runs().into_iter().map(|(case, generation)| {
        let (rows, factory) = (Arc::clone(&rows), Arc::clone(&factory));
        let name = format!("{} {generation}", case.id);
        libtest_mimic::Trial::ignorable_test(name, move || {
            let row = judge(&case, generation, factory.as_ref());
            let outcome = in_libtest_words(&row);
            lock(&rows).push(row);
            outcome
        })
    });
    let trials = trials.collect();
    let _counts_in_libtest_words = libtest_mimic::run(arguments, trials);
    in_order(subject, &rows)
}

pub(crate) fn in_libtest_words(row: &Row) -> Result<Completion, libtest_mimic::Failed> {
    let why = row.why.clone().unwrap_or_default();
    match row.verdict {
        Verdict::Passed => Ok(Completion::Completed),
        Verdict::Failed => Err(why.into()),
        Verdict::Inconclusive | Verdict::NotApplicable => {
            Ok(Completion::ignored_with(format!("{}: {why}", row.verdict)))
        }
    }
}
