//! The reservation suite: what a disk array must do with SCSI-3 persistent reservations.
//!
//! Every row of the reservation fact sheet, driven through libiscsi against any iSCSI unit, ours
//! or others', with up to four initiators. Expectations are worked out here from the fact sheet
//! and share no code with the emulator's own reservation machine. A case that rests on a row which
//! nobody has read in a standard cannot fail an array: it is inconclusive then.
//!
//! Not done here: what needs hands on the array (power loss) or load (commands under way at a
//! PREEMPT AND ABORT); tests of our own target do both.

mod access;
mod action;
mod address;
mod answer;
mod attentions;
mod bench;
mod clustering;
mod conflicts;
mod expect;
mod initiator;
mod legacy;
mod matrix;
mod preempting;
mod registering;
mod relocating;
mod reports;
mod survival;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError};
pub use bench::Unreachable;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libiscsi::Library;
use libtest_mimic::Arguments;

use crate::case::{Source, Stop, Verdict};
use crate::report::{Report, Row};
use crate::suite::{Listed, in_libtest_words};
use bench::Bench;

/// What a case needs besides a unit that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Reads only.
    None,
    /// Clears reservations, and may overwrite blocks.
    Destructive,
}

/// How sure the rows are that a case rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// A standard, a manual, or several sources that agree.
    Sourced,
    /// General knowledge: a deviation is told, and judged by whoever reads the standard.
    Hearsay,
}

/// The steps and assertions of a case.
type Steps = Box<dyn Fn(&mut Bench<'_>) -> Result<(), Stop> + Send + Sync>;

/// One case of the suite.
struct Case {
    /// `storage/group/behaviour`.
    id: String,
    title: String,
    /// Section of the fact sheet.
    section: &'static [Source],
    harm: Harm,
    basis: Basis,
    run: Steps,
}

impl Case {
    /// A case that changes what it finds.
    fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        section: &'static [Source],
        run: impl Fn(&mut Bench<'_>) -> Result<(), Stop> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: format!("storage/{}", id.into()),
            title: sentence(&title.into()),
            section,
            harm: Harm::Destructive,
            basis: Basis::Sourced,
            run: Box::new(run),
        }
    }

    /// A case that only reads.
    fn harmless(mut self) -> Self {
        self.harm = Harm::None;
        self
    }

    /// A case on rows that nobody has read in a standard.
    fn hearsay(mut self) -> Self {
        self.basis = Basis::Hearsay;
        self
    }
}

/// With a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Every case, in reading order.
fn all() -> Vec<Case> {
    let groups = [
        reports::cases(),
        registering::cases(),
        matrix::cases(),
        preempting::cases(),
        relocating::cases(),
        access::cases(),
        conflicts::cases(),
        attentions::cases(),
        legacy::cases(),
        survival::cases(),
        clustering::cases(),
    ];
    groups.into_iter().flatten().collect()
}

fn chosen(filter: Option<&str>) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| filter.is_none_or(|filter| case.id.contains(filter)));
    cases
}

/// The cases whose id contains the filter, in reading order.
#[must_use]
pub fn list(filter: Option<&str>) -> Vec<Listed> {
    let listed = |case: Case| Listed {
        id: case.id,
        title: case.title,
        clauses: &[],
        source: case.section,
        generations: Vec::new(),
    };
    chosen(filter).into_iter().map(listed).collect()
}

/// A disk array that the suite runs on.
#[derive(Debug, Clone)]
pub struct Array {
    address: Address,
    /// Absent where libiscsi is not installed.
    library: Result<Library, String>,
    destructive: bool,
}

impl Array {
    /// An array at an address. Cases that clear reservations or overwrite blocks run only when
    /// `destructive` is set.
    #[must_use]
    pub fn new(address: Address, destructive: bool) -> Self {
        let library = Library::load().map_err(|error| error.to_string());
        Self {
            address,
            library,
            destructive,
        }
    }

    /// Logs in once. Without libiscsi nothing is tried: its absence is every case's verdict.
    ///
    /// # Errors
    /// When the unit cannot be reached.
    pub fn reach(&self) -> Result<(), Unreachable> {
        match &self.library {
            Ok(library) => bench::reach(library, &self.address),
            Err(_) => Ok(()),
        }
    }
}

/// Runs one case and judges it.
fn judge(case: &Case, array: &Array) -> Row {
    let start = Instant::now();
    let (verdict, why) = match attempt(case, array) {
        Ok(()) => (Verdict::Passed, None),
        Err(Stop::Failed(why)) if case.basis == Basis::Hearsay => {
            let why = format!("{why} (no standard text was read for this: judge it by yours)");
            (Verdict::Inconclusive, Some(why))
        }
        Err(Stop::Failed(why)) => (Verdict::Failed, Some(why)),
        Err(Stop::Inconclusive(why)) => (Verdict::Inconclusive, Some(why)),
        Err(Stop::NotApplicable(why)) => (Verdict::NotApplicable, Some(why)),
    };
    Row {
        case: case.id.clone(),
        title: case.title.clone(),
        generation: None,
        clauses: &[],
        source: case.section,
        verdict,
        why,
        took: start.elapsed(),
    }
}

fn attempt(case: &Case, array: &Array) -> Result<(), Stop> {
    let library = array.library.as_ref();
    let library = library.map_err(|why| Stop::NotApplicable(why.clone()))?;
    if case.harm == Harm::Destructive && !array.destructive {
        let why = "it clears reservations and overwrites blocks: allow that with --destructive";
        return Err(Stop::NotApplicable(why.to_owned()));
    }
    let mut bench = Bench::open(library, &array.address)?;
    if case.harm == Harm::Destructive {
        bench.clean()?;
    }
    (case.run)(&mut bench)?;
    if bench.assertions() == 0 {
        return Err(Stop::Inconclusive("the case asserted nothing".into()));
    }
    Ok(())
}

/// Runs the cases without a word, one after the other: they share the unit.
#[must_use]
pub fn run_silently(filter: Option<&str>, array: &Array) -> Report {
    let cases = chosen(filter);
    let rows = cases.iter().map(|case| judge(case, array)).collect();
    Report::new(array.address.to_string(), rows)
}

/// Runs the cases with libtest's progress lines on standard output, one after the other.
#[must_use]
pub fn run_with_progress(filter: Option<&str>, array: &Array, arguments: &Arguments) -> Report {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let trials = chosen(filter).into_iter().map(|case| {
        let (rows, array) = (Arc::clone(&rows), array.clone());
        libtest_mimic::Trial::ignorable_test(case.id.clone(), move || {
            let row = judge(&case, &array);
            let outcome = in_libtest_words(&row);
            rows.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(row);
            outcome
        })
    });
    let arguments = Arguments {
        test_threads: Some(1),
        ..arguments.clone()
    };
    let _counts_in_libtest_words = libtest_mimic::run(&arguments, trials.collect());
    let rows = std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner));
    Report::new(array.address.to_string(), rows)
}
