//! Cases under test: each runs on a cluster that is wrong in one place, and must not pass there.
//!
//! Most of all: no case passes on a cluster that nothing can be done to. What is wrong is put
//! between the simulator and the case; wrong nodes, which checkers must find, are planted by the
//! simulator's own test `sabotage`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::Generation;
use conformance::{
    Case, Database, Factory, Health, Observation, Of, Protection, Refusal, Simulator, Subject,
    Told, Verdict, all_cases, judge,
};

/// What is wrong.
#[derive(Clone, Copy)]
enum Wrong {
    /// Nothing happens when something is done, and nobody says so.
    Deaf,
    /// Properties have other values than they are told to have.
    OtherValues,
    /// Whatever is refused is said to be done.
    SaysYes,
    /// A node's disk never fails.
    GoodDisks,
    /// The cluster log has lines of another form.
    OtherLog,
    /// The second node has another database.
    OtherDatabase,
    /// This is not as it is shown.
    Shown(fn(&mut Observation)),
}

/// A cluster of the simulator, seen and handled through what is wrong.
struct Planted {
    inner: Box<dyn Subject>,
    wrong: Wrong,
    seen: Observation,
    /// Something was to be done that was not.
    withheld: Arc<AtomicBool>,
}

impl Planted {
    fn is_deaf(&self) -> bool {
        let deaf = matches!(self.wrong, Wrong::Deaf);
        if deaf {
            self.withheld.store(true, Ordering::Relaxed);
        }
        deaf
    }
}

impl Subject for Planted {
    fn form(&mut self, lab: &str) -> Result<(), Refusal> {
        self.inner.form(lab)
    }

    fn fault(&mut self, fault: &str) -> Result<(), Refusal> {
        if self.is_deaf() {
            return Ok(());
        }
        self.inner.fault(fault)
    }

    fn act(&mut self, action: &str) -> Result<(), Refusal> {
        if self.is_deaf() {
            return Ok(());
        }
        self.inner.act(action)
    }

    fn answer(&mut self, action: &str) -> Result<Told, Refusal> {
        if self.is_deaf() {
            return Ok(Told::Done);
        }
        match (self.inner.answer(action)?, self.wrong) {
            (Told::Refused(..), Wrong::SaysYes) => Ok(Told::Done),
            (told, _) => Ok(told),
        }
    }

    fn property(&mut self, through: Option<&str>, of: &Of, name: &str) -> Result<Told, Refusal> {
        match (self.inner.property(through, of, name)?, self.wrong) {
            (Told::Value(value), Wrong::OtherValues) => Ok(Told::Value(value + "1")),
            (Told::Refused(..), Wrong::SaysYes) => Ok(Told::Value("1".to_owned())),
            (told, _) => Ok(told),
        }
    }

    fn database(&mut self, node: &str) -> Result<Database, Refusal> {
        let mut database = self.inner.database(node)?;
        if matches!(self.wrong, Wrong::OtherDatabase) && node != "n1" {
            database.pop_last();
        }
        Ok(database)
    }

    fn cluster_log(&mut self, node: &str) -> Result<Vec<String>, Refusal> {
        let log = self.inner.cluster_log(node)?;
        if !matches!(self.wrong, Wrong::OtherLog) {
            return Ok(log);
        }
        Ok(log.iter().map(|line| line.replace("I", "i")).collect())
    }

    fn own_disk(&mut self, node: &str, fails: bool) -> Result<(), Refusal> {
        if self.is_deaf() || matches!(self.wrong, Wrong::GoodDisks) {
            return Ok(());
        }
        self.inner.own_disk(node, fails)
    }

    fn slow(&mut self, resource: &str, by: Duration) -> Result<(), Refusal> {
        if self.is_deaf() {
            return Ok(());
        }
        self.inner.slow(resource, by)
    }

    fn refuse(&mut self, resource: &str, code: u32) -> Result<(), Refusal> {
        if self.is_deaf() {
            return Ok(());
        }
        self.inner.refuse(resource, code)
    }

    fn health(&mut self, resource: &str, health: Health) -> Result<(), Refusal> {
        if self.is_deaf() {
            return Ok(());
        }
        self.inner.health(resource, health)
    }

    fn elapsed(&mut self) -> Duration {
        self.inner.elapsed()
    }

    fn observe(&mut self) -> &Observation {
        let Wrong::Shown(change) = self.wrong else {
            return self.inner.observe();
        };
        self.seen = self.inner.observe().clone();
        change(&mut self.seen);
        &self.seen
    }

    fn wait(&mut self, bound: Duration, until: &mut dyn FnMut(&Observation) -> bool) -> bool {
        let Wrong::Shown(change) = self.wrong else {
            return self.inner.wait(bound, until);
        };
        self.inner.wait(bound, &mut |seen| {
            let mut seen = seen.clone();
            change(&mut seen);
            until(&seen)
        })
    }
}

/// Makes planted clusters.
struct Planting {
    wrong: Wrong,
    withheld: Arc<AtomicBool>,
}

impl Factory for Planting {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        Ok(Box::new(Planted {
            inner: Simulator.make()?,
            wrong: self.wrong,
            seen: Observation::default(),
            withheld: Arc::clone(&self.withheld),
        }))
    }
}

/// What a case makes of a cluster that is wrong; and whether something was to be done that was not.
fn judged(case: &Case, generation: Generation, wrong: Wrong) -> (Verdict, bool) {
    let withheld = Arc::new(AtomicBool::new(false));
    let planting = Planting {
        wrong,
        withheld: Arc::clone(&withheld),
    };
    let verdict = judge(case, generation, &planting).verdict;
    (verdict, withheld.load(Ordering::Relaxed))
}

/// Cases that say that something stays as it is, so that a cluster to which nothing happens passes
/// them; each has a sister that says what happens instead.
const QUIET: &[&str] = &["failover-timing/a-short-silence-is-forgiven"];

#[test]
fn no_case_passes_on_a_cluster_that_nothing_can_be_done_to() {
    let passed = |case: &Case| {
        let latest = case.generations.last().copied().unwrap_or_default();
        judged(case, latest, Wrong::Deaf) == (Verdict::Passed, true)
    };
    let passing: BTreeSet<String> = all_cases()
        .into_iter()
        .filter(passed)
        .map(|it| it.id)
        .collect();
    let quiet: BTreeSet<String> = QUIET.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(passing, quiet);
}

/// No case of these names may pass on its first and on its latest generation.
fn turns(wrong: Wrong, names: &[&str]) {
    for name in names {
        let mut seen = 0;
        for case in all_cases().iter().filter(|it| it.id.starts_with(name)) {
            seen += 1;
            let ends = [case.generations.first(), case.generations.last()];
            let mut ends = ends.into_iter().flatten();
            let turns = ends.any(|it| judged(case, *it, wrong).0 != Verdict::Passed);
            assert!(turns, "{} passes", case.id);
        }
        assert!(seen > 0, "no case {name}");
    }
}

#[test]
fn wrong_values_of_properties_are_noticed() {
    turns(
        Wrong::OtherValues,
        &[
            "properties/",
            "drain/a-drained-node-says-so",
            "dynamic-quorum/the-voter-of-two-must-stay",
            "database/an-answered-change-is-on-every-member",
            "database/an-answered-change-survives-the-loss-of-all-power",
            "database/every-member-answers-for-every-object",
            "placement/the-last-node-is-remembered",
        ],
    );
}

#[test]
fn refusals_that_do_not_come_are_noticed() {
    turns(
        Wrong::SaysYes,
        &[
            "placement/a-move-to-no-possible-owner-is-refused",
            "placement/a-move-to-a-node-that-is-down-is-refused",
            "drain/a-paused-node-takes-no-groups",
            "maintenance/a-disk-that-is-offline-has-none",
            "maintenance/only-disks-have-it",
            "properties/cluster-drain-on-shutdown",
        ],
    );
}

#[test]
fn a_node_that_stays_in_spite_of_its_disk_is_noticed() {
    turns(
        Wrong::GoodDisks,
        &[
            "database/a-node-that-cannot-write-its-disk-stops",
            "database/a-node-that-stopped-for-its-disk-joins-again",
        ],
    );
}

#[test]
fn lines_of_another_form_and_another_database_are_noticed() {
    turns(Wrong::OtherLog, &["events/the-cluster-log-"]);
    turns(
        Wrong::OtherDatabase,
        &["database/every-member-keeps-every-object"],
    );
}

#[test]
fn votes_that_are_not_counted_so_are_noticed() {
    let one_more = |seen: &mut Observation| {
        for votes in seen.nodes.values_mut().filter_map(|it| it.votes.as_mut()) {
            votes.total += 1;
        }
    };
    turns(
        Wrong::Shown(one_more),
        &[
            "dynamic-quorum/votes-of-",
            "quorum-arithmetic/node-majority-3-survives",
        ],
    );
}

#[test]
fn frames_that_should_not_be_are_noticed() {
    let open = |seen: &mut Observation| {
        for frame in seen.frames.iter_mut().flatten() {
            frame.protection = Some(Protection::Open);
        }
    };
    turns(Wrong::Shown(open), &["security/words-between-members"]);
    let certified = |seen: &mut Observation| {
        for frame in seen.frames.iter_mut().flatten().take(1) {
            frame.has_certificate = true;
        }
    };
    turns(Wrong::Shown(certified), &["security/nothing-between-nodes"]);
    let around = |seen: &mut Observation| {
        for frame in seen.frames.iter_mut().flatten() {
            frame.view = None;
        }
    };
    turns(Wrong::Shown(around), &["messaging/every-word-of-a-manager"]);
}

#[test]
fn hives_that_are_not_unloaded_and_hosts_that_do_not_end_are_noticed() {
    let loaded = |seen: &mut Observation| {
        for node in seen.nodes.values_mut() {
            node.has_witness_hive = true;
        }
    };
    turns(
        Wrong::Shown(loaded),
        &[
            "database/the-copy-is-loaded-by-the-owner",
            "database/a-copy-that-cannot-be-written",
        ],
    );
    let silent = |seen: &mut Observation| {
        seen.events
            .retain(|event| event.notice.event_id() != Some(1146));
    };
    turns(
        Wrong::Shown(silent),
        &["monitor/the-end-of-a-host", "events/1146"],
    );
}
