//! Plays the scenario of a lab file and judges its expectations.
//!
//! Steps run in order. Faults return at once, actions when the cluster has answered; expectations
//! wait as their words say; what must always hold is judged at every change until the end.

mod claim;
mod failover;
mod objects;
mod task;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base::Timestamp;
use file::model::{Claim, Expectation, Invariant, Lab};
use file::position::Position;
use plan::PlanError;

use crate::observation::Observation;
use crate::report::{Broken, FailureKind, RunReport, Step, StepWord, VERSION, Verdict};
use crate::session::Session;
use crate::stage::Stage;
use crate::workload::{Client, Record};
use crate::world::{Options, Stop};
use crate::{cluster_log, words};

use task::Task;
pub(crate) use task::Watch;

/// How long a lab without a scenario is watched.
const WITHOUT_SCENARIO: Duration = Duration::from_secs(300);

/// Plays a lab with a seed.
///
/// # Errors
/// What the lab file may say and this version cannot build.
pub fn play(lab: &Lab, options: Options) -> Result<RunReport, PlanError> {
    let session: Session = Session::new(lab.clone(), options)?;
    Ok(play_in(session, options.seed, &mut |_| {}))
}

/// Plays the scenario of a session's lab; `progress` hears of each step as it begins.
#[must_use]
pub fn play_in<W: Stage>(
    session: Session<W>,
    seed: u64,
    progress: &mut dyn FnMut(&Step),
) -> RunReport {
    play_watched(session, seed, progress, &mut |_| true).0
}

/// As [`play_in`]; `watch` looks at the world after every change and says whether to go on. The
/// session is given back with the world as it was at the end.
#[must_use]
pub fn play_watched<W: Stage>(
    mut session: Session<W>,
    seed: u64,
    progress: &mut dyn FnMut(&Step),
    watch: &mut dyn FnMut(&W) -> bool,
) -> (RunReport, Session<W>) {
    let lab = session.lab().clone();
    let rules = lab.invariants.rules.clone();
    session
        .world_mut()
        .keep_checkers(&|name| is_wanted(name, &rules));
    let mut player = Player {
        session,
        rows: Vec::new(),
        always: Vec::new(),
        clients: Vec::new(),
        seen: None,
        progress,
        watch,
    };
    player.send_clients(&lab);
    player.play(&lab);
    let report = player.report(&lab, seed);
    (report, player.session)
}

/// Whether a checker judges when these rules are in force; checkers without a rule of their own
/// always do.
fn is_wanted(checker: &str, rules: &[Invariant]) -> bool {
    let rule = match checker {
        "single-owner" => Invariant::SingleOwner,
        "reservation" => Invariant::OneReservationHolder,
        "one-primary" | "stale-life" => Invariant::NoSplitBrain,
        "dependency-order" => Invariant::DependencyOrder,
        "replica-tags" | "durability" | "update-order" => Invariant::DbConverges,
        "epochs" => Invariant::EpochMonotonic,
        "address-unique" => Invariant::AddressUnique,
        "name-owned-once" => Invariant::NameOwnedOnce,
        "votes" => Invariant::VotesAddUp,
        "bounds" => Invariant::NoLeaks,
        _ => return true,
    };
    rules.contains(&rule)
}

/// Plays one scenario.
struct Player<'p, W: Stage> {
    session: Session<W>,
    rows: Vec<Step>,
    always: Vec<Watch>,
    clients: Vec<Record>,
    /// What could be seen after so many changes.
    seen: Option<(u64, Observation)>,
    progress: &'p mut dyn FnMut(&Step),
    watch: &'p mut dyn FnMut(&W) -> bool,
}

impl<W: Stage> Player<'_, W> {
    fn play(&mut self, lab: &Lab) {
        if lab.scenario.is_empty() {
            let until = self.now() + WITHOUT_SCENARIO;
            while self.session.run_to_change(until) == Stop::Changed && self.goes_on() {
                self.hear_clients();
            }
            return;
        }
        let mut task = Task::serial(&lab.scenario);
        loop {
            self.hear_clients();
            let done = task.poll(self);
            self.watch_always();
            if done || !self.goes_on() {
                break;
            }
            let deadline = [task.deadline(), self.always_deadline()];
            let deadline = deadline.into_iter().flatten().min();
            let limit = deadline.unwrap_or(Timestamp::NEVER).max(self.now());
            if self.session.run_to_change(limit) == Stop::Time && deadline.is_none() {
                break;
            }
        }
        self.close();
    }

    fn send_clients(&mut self, lab: &Lab) {
        let plan = self.session.world().plan();
        let clients = lab.workloads.iter().filter_map(|it| Client::of(it, plan));
        self.clients = clients.map(Record::new).collect();
    }

    fn hear_clients(&mut self) {
        for record in &mut self.clients {
            let looks = self.session.world_mut().look(&record.client);
            looks.into_iter().for_each(|look| record.see(look));
        }
    }

    fn goes_on(&mut self) -> bool {
        (self.watch)(self.session.world())
    }

    fn now(&self) -> Timestamp {
        self.session.world().now()
    }

    /// Begins a row of the report; it is inconclusive until something decides it.
    fn begin(
        &mut self,
        position: Position,
        name: Option<&String>,
        step: StepWord,
        text: &str,
    ) -> usize {
        let now = self.now().into();
        let row = Step {
            line: position.line,
            column: position.column,
            name: name.cloned(),
            step,
            text: text.to_owned(),
            verdict: Verdict::Inconclusive,
            at: now,
            until: now,
            detail: None,
        };
        (self.progress)(&row);
        let said = format!("{}: {text}", step.label());
        self.session.world_mut().note_step(&said);
        self.rows.push(row);
        self.rows.len() - 1
    }

    fn has_passed(&self, row: usize) -> bool {
        self.rows
            .get(row)
            .is_some_and(|it| it.verdict == Verdict::Passed)
    }

    fn decide(&mut self, row: usize, verdict: Verdict, detail: Option<String>) {
        let now = self.now().into();
        if let Some(row) = self.rows.get_mut(row) {
            row.verdict = verdict;
            row.until = now;
            row.detail = detail;
        }
    }

    /// Whether a claim holds now, and what was found instead.
    fn judge(&mut self, claim: &Claim) -> Result<(), String> {
        if let Claim::Workload { name, pause_max } = claim {
            return self.judge_client(name, *pause_max);
        }
        let changes = self.session.world().changes();
        let seen = match self.seen.take() {
            Some((at, seen)) if at == changes => seen,
            _ => self.session.observe(),
        };
        let verdict = claim::judge(claim, &seen, &mut self.session);
        self.seen = Some((changes, seen));
        verdict
    }

    fn judge_client(&self, name: &str, pause_max: Duration) -> Result<(), String> {
        let named = |it: &&Record| it.client.workload.name == name;
        let record = self.clients.iter().find(named);
        match record.and_then(Record::longest) {
            None => Err(format!("{name} has had no answer at all")),
            Some(pause) if pause > pause_max => {
                let (pause, max) = (pause.as_secs_f64(), pause_max.as_secs_f64());
                Err(format!(
                    "{name} was without an answer for {pause:.3} s, not {max:.3} s"
                ))
            }
            Some(_) => Ok(()),
        }
    }

    fn expect(&mut self, expectation: &Expectation, name: Option<&String>) -> Watch {
        let position = expectation.position;
        let row = self.begin(position, name, StepWord::Expect, &expectation.text);
        Watch::new(expectation.clone(), row, self.now())
    }

    fn watch_always(&mut self) {
        let mut watches = std::mem::take(&mut self.always);
        watches.retain_mut(|watch| !watch.poll(self));
        watches.append(&mut self.always);
        self.always = watches;
    }

    fn always_deadline(&self) -> Option<Timestamp> {
        self.always.iter().filter_map(Watch::deadline).min()
    }

    /// The scenario is over: what always held, held.
    fn close(&mut self) {
        for watch in std::mem::take(&mut self.always) {
            watch.close(self);
        }
    }

    fn report(&mut self, lab: &Lab, seed: u64) -> RunReport {
        let world = self.session.world();
        let broken: Vec<Broken> = world.violations().iter().map(broken).collect();
        let proved = self.rows.iter().any(|row| row.step == StepWord::Expect);
        let mut verdict = Verdict::of_run(self.rows.iter().map(|row| row.verdict));
        if verdict == Verdict::Passed && !proved {
            verdict = Verdict::Inconclusive;
        }
        let failure = match verdict {
            _ if !broken.is_empty() => Some(FailureKind::Safety),
            Verdict::Failed => Some(FailureKind::Expectation),
            _ => None,
        };
        if failure.is_some() {
            verdict = Verdict::Failed;
        }
        let names = &world.plan().names;
        let entries = world.log().entries();
        RunReport {
            version: VERSION,
            lab: lab.name.clone(),
            seed,
            generation: lab.cluster.generation,
            backend: world.backend(),
            verdict,
            failure,
            trace: world.trace_hash(),
            elapsed: world.now().into(),
            failovers: failover::breakdown(entries, world.plan()),
            workloads: self.clients.iter().map(Record::seen).collect(),
            violations: broken,
            events: entries
                .iter()
                .filter(|entry| !entry.is_routine())
                .map(|entry| words::event(entry, names))
                .collect(),
            cluster_logs: cluster_log::of_all(world.plan(), entries),
            steps: std::mem::take(&mut self.rows),
        }
    }
}

/// A violation as a row of a report.
pub(crate) fn broken(violation: &crate::checkers::Violation) -> Broken {
    Broken {
        invariant: violation.checker.to_owned(),
        clause: violation.clause.to_owned(),
        at_us: violation.at.0 / 1_000,
        what: violation.what.clone(),
    }
}
