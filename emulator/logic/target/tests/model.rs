//! Compares the target with a naive second implementation of the reservation rules.
//!
//! The model below was written from the fact sheet alone, with sets and no regard for speed. Each
//! planted fault breaks one rule of it; that every one is noticed shows that the comparison sees.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Lab;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const NEXUSES: [&str; 4] = ["n1", "n2", "n3", "n1@2"];
const TYPES: [(&str, u8); 6] = [
    ("we", 1),
    ("ea", 3),
    ("wero", 5),
    ("earo", 6),
    ("wear", 7),
    ("eaar", 8),
];

#[derive(Debug, Clone)]
enum Op {
    Register {
        old: u64,
        new: u64,
    },
    Ignore {
        new: u64,
    },
    Reserve {
        key: u64,
        kind: usize,
    },
    Release {
        key: u64,
        kind: usize,
    },
    Clear {
        key: u64,
    },
    Preempt {
        key: u64,
        victim: u64,
        kind: usize,
        abort: bool,
    },
    Move {
        key: u64,
        new: u64,
        to: usize,
        unregister: bool,
    },
    Read,
    Write,
}

impl Op {
    fn words(&self) -> String {
        let kind = |at: &usize| TYPES[*at].0;
        match self {
            Self::Register { old, new } => format!("register {old:x} {new:x}"),
            Self::Ignore { new } => format!("ignore {new:x}"),
            Self::Reserve { key, kind: at } => format!("reserve {key:x} {}", kind(at)),
            Self::Release { key, kind: at } => format!("release {key:x} {}", kind(at)),
            Self::Clear { key } => format!("clear {key:x}"),
            Self::Preempt {
                key,
                victim,
                kind: at,
                abort,
            } => {
                let verb = if *abort { "preempt-abort" } else { "preempt" };
                format!("{verb} {key:x} {victim:x} {}", kind(at))
            }
            Self::Move {
                key,
                new,
                to,
                unregister,
            } => {
                let flag = if *unregister { " unreg" } else { "" };
                format!("move {key:x} {new:x} {}{flag}", NEXUSES[*to])
            }
            Self::Read => "read".into(),
            Self::Write => "write".into(),
        }
    }
}

/// A rule that the model gets wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    None,
    ReleaseTellsNobody,
    ClearTellsTheSender,
    PreemptForgetsToTell,
    TypeChangeTellsNobody,
    ReserveCounts,
    UnregisterKeepsTheReservation,
    AllRegistrantsHaveAHolder,
    WriteExclusiveStopsReaders,
    RegistrantsMayNotWrite,
    SenderIsSparedAlways,
    MoveKeepsTheSender,
}

const PLANTS: [Plant; 11] = [
    Plant::ReleaseTellsNobody,
    Plant::ClearTellsTheSender,
    Plant::PreemptForgetsToTell,
    Plant::TypeChangeTellsNobody,
    Plant::ReserveCounts,
    Plant::UnregisterKeepsTheReservation,
    Plant::AllRegistrantsHaveAHolder,
    Plant::WriteExclusiveStopsReaders,
    Plant::RegistrantsMayNotWrite,
    Plant::SenderIsSparedAlways,
    Plant::MoveKeepsTheSender,
];

/// Generation, keys in any order, type and the holder's key.
type View = (u32, Vec<u64>, Option<(u8, Option<u64>)>);

struct Model {
    plant: Plant,
    generation: u32,
    keys: BTreeMap<usize, u64>,
    reservation: Option<(u8, usize)>,
    told: BTreeSet<(usize, &'static str)>,
}

const CONFLICT: &str = "conflict";
const INVALID: &str = "check 5/26/00";

impl Model {
    fn new(plant: Plant) -> Self {
        let (keys, told) = (BTreeMap::new(), BTreeSet::new());
        Self {
            plant,
            generation: 0,
            keys,
            reservation: None,
            told,
        }
    }

    fn holders(&self) -> BTreeSet<usize> {
        match self.reservation {
            None => BTreeSet::new(),
            Some((7 | 8, who)) if self.plant == Plant::AllRegistrantsHaveAHolder => [who].into(),
            Some((7 | 8, _)) => self.keys.keys().copied().collect(),
            Some((_, who)) => [who].into(),
        }
    }

    fn tell_all_but(&mut self, sender: usize, what: &'static str) {
        let others = self.keys.keys().filter(|it| **it != sender);
        self.told.extend(others.map(|it| (*it, what)));
    }

    fn play(&mut self, who: usize, op: &Op) -> &'static str {
        let outcome = match *op {
            Op::Register { old, new } => self.register(who, Some(old), new),
            Op::Ignore { new } => self.register(who, None, new),
            Op::Read => self.access(who, false),
            Op::Write => self.access(who, true),
            Op::Reserve { key, .. }
            | Op::Release { key, .. }
            | Op::Clear { key }
            | Op::Preempt { key, .. }
            | Op::Move { key, .. } => {
                if self.keys.get(&who) == Some(&key) {
                    self.act(who, op)
                } else {
                    CONFLICT
                }
            }
        };
        if self.keys.is_empty() {
            self.reservation = None;
        }
        outcome
    }

    fn access(&self, who: usize, writes: bool) -> &'static str {
        let Some((kind, _)) = self.reservation else {
            return "good";
        };
        let registrants = kind >= 5 && self.plant != Plant::RegistrantsMayNotWrite;
        let inside = self.holders().contains(&who) || (registrants && self.keys.contains_key(&who));
        let readable = [1, 5, 7].contains(&kind) && self.plant != Plant::WriteExclusiveStopsReaders;
        if inside || (!writes && readable) {
            "good"
        } else {
            CONFLICT
        }
    }

    fn register(&mut self, who: usize, old: Option<u64>, new: u64) -> &'static str {
        let own = self.keys.get(&who).copied();
        if old.is_some_and(|old| old != own.unwrap_or(0)) {
            return CONFLICT;
        }
        match (own, new) {
            (None, 0) => return "good",
            (_, 0) => self.unregister(who),
            _ => {
                self.keys.insert(who, new);
            }
        }
        self.generation += 1;
        "good"
    }

    fn unregister(&mut self, who: usize) {
        self.keys.remove(&who);
        match self.reservation {
            Some((kind, holder)) if kind < 7 && holder == who => {
                if self.plant != Plant::UnregisterKeepsTheReservation {
                    self.reservation = None;
                }
                if kind >= 5 {
                    self.tell_all_but(who, "2a/04");
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, who: usize, op: &Op) -> &'static str {
        match *op {
            Op::Reserve { kind, .. } => self.reserve(who, TYPES[kind].1),
            Op::Release { kind, .. } => self.release(who, TYPES[kind].1),
            Op::Clear { .. } => {
                self.tell_all_but(who, "2a/03");
                if self.plant == Plant::ClearTellsTheSender {
                    self.told.insert((who, "2a/03"));
                }
                self.keys.clear();
                self.generation += 1;
                "good"
            }
            Op::Preempt { victim, kind, .. } => self.preempt(who, victim, TYPES[kind].1),
            Op::Move {
                new,
                to,
                unregister,
                ..
            } => self.relocate(who, new, to, unregister),
            _ => unreachable!(),
        }
    }

    fn reserve(&mut self, who: usize, kind: u8) -> &'static str {
        let repeats = self.holders().contains(&who);
        match self.reservation {
            None => self.reservation = Some((kind, who)),
            Some((held, _)) if held == kind && repeats => {}
            Some(_) => return CONFLICT,
        }
        self.generation += u32::from(self.plant == Plant::ReserveCounts);
        "good"
    }

    fn release(&mut self, who: usize, kind: u8) -> &'static str {
        let Some((held, _)) = self.reservation.filter(|_| self.holders().contains(&who)) else {
            return "good";
        };
        if held != kind {
            return "check 5/26/04";
        }
        self.reservation = None;
        if kind >= 5 && self.plant != Plant::ReleaseTellsNobody {
            self.tell_all_but(who, "2a/04");
        }
        "good"
    }

    fn preempt(&mut self, who: usize, victim: u64, kind: u8) -> &'static str {
        let all_registrants = matches!(self.reservation, Some((7 | 8, _)));
        if victim == 0 && !all_registrants {
            return INVALID;
        }
        if victim != 0 && !self.keys.values().any(|key| *key == victim) {
            return CONFLICT;
        }
        let was_holder = self.holders().contains(&who);
        let holder_key = match self.reservation {
            Some((1..=6, holder)) => self.keys.get(&holder).copied(),
            _ => None,
        };
        let takes = victim == 0 || holder_key == Some(victim);
        let spared = takes || was_holder || self.plant == Plant::SenderIsSparedAlways;
        let gone: Vec<usize> = self
            .keys
            .iter()
            .filter(|it| victim == 0 || *it.1 == victim)
            .map(|it| *it.0)
            .filter(|it| *it != who || !spared)
            .collect();
        for loser in gone {
            self.keys.remove(&loser);
            if loser != who && self.plant != Plant::PreemptForgetsToTell {
                self.told.insert((loser, "2a/05"));
            }
        }
        if takes {
            let changes = self.reservation.is_some_and(|(held, _)| held != kind);
            if changes && self.plant != Plant::TypeChangeTellsNobody {
                self.tell_all_but(who, "2a/04");
            }
            self.reservation = Some((kind, who));
        }
        self.generation += 1;
        "good"
    }

    fn relocate(&mut self, who: usize, new: u64, to: usize, unregister: bool) -> &'static str {
        match self.reservation {
            Some((kind, holder)) if kind < 7 && holder == who => {
                if new == 0 || to == who {
                    return INVALID;
                }
                self.keys.insert(to, new);
                self.reservation = Some((kind, to));
            }
            _ => return CONFLICT,
        }
        if unregister && self.plant != Plant::MoveKeepsTheSender {
            self.keys.remove(&who);
        }
        self.generation += 1;
        "good"
    }

    /// What an outsider can ask for.
    fn picture(&self) -> View {
        let mut keys: Vec<u64> = self.keys.values().copied().collect();
        keys.sort_unstable();
        let held = self.reservation.map(|(kind, holder)| {
            (
                kind,
                if kind >= 7 {
                    None
                } else {
                    self.keys.get(&holder).copied()
                },
            )
        });
        (self.generation, keys, held)
    }
}

fn picture(lab: &Lab) -> View {
    let it = lab.array.picture(common::LUN);
    let mut keys: Vec<u64> = it.registrations.iter().map(|it| it.key.value()).collect();
    keys.sort_unstable();
    let holder = it
        .registrations
        .iter()
        .find(|it| it.is_holder)
        .map(|it| it.key.value());
    let held = it
        .kind
        .map(|kind| (kind as u8, holder.filter(|_| (kind as u8) < 7)));
    (it.generation, keys, held)
}

/// Who is told what, asked of every nexus until nothing is left.
fn told(lab: &mut Lab) -> BTreeSet<(usize, String)> {
    let mut told = BTreeSet::new();
    for (at, name) in NEXUSES.iter().enumerate() {
        loop {
            let answer = lab.play(&format!("{name} tur"));
            let Some(what) = answer.strip_prefix("attention ") else {
                break;
            };
            told.insert((at, what.to_owned()));
        }
    }
    told
}

fn compare(steps: &[(usize, Op)], plant: Plant) -> Result<(), TestCaseError> {
    let (mut lab, mut model) = (Lab::new(), Model::new(plant));
    NEXUSES.iter().for_each(|name| {
        lab.nexus(name);
    });
    for (who, op) in steps {
        let actual = lab.play(&format!("{} {}", NEXUSES[*who], op.words()));
        let expected = model.play(*who, op);
        prop_assert_eq!(&actual, expected, "{} {:?}", NEXUSES[*who], op);
        prop_assert_eq!(
            picture(&lab),
            model.picture(),
            "after {} {:?}",
            NEXUSES[*who],
            op
        );
        let expected: BTreeSet<_> = std::mem::take(&mut model.told)
            .into_iter()
            .map(|(at, it)| (at, it.to_owned()))
            .collect();
        prop_assert_eq!(
            told(&mut lab),
            expected,
            "told after {} {:?}",
            NEXUSES[*who],
            op
        );
    }
    Ok(())
}

/// Keys are few, so that they match often; a sender's own key is most often that of its number.
fn op() -> impl Strategy<Value = Op> {
    let key = || 1_u64..4;
    let any_key = || 0_u64..4;
    let kind = || 0_usize..6;
    prop_oneof![
        4 => (any_key(), any_key()).prop_map(|(old, new)| Op::Register { old, new }),
        3 => any_key().prop_map(|new| Op::Ignore { new }),
        4 => (key(), kind()).prop_map(|(key, kind)| Op::Reserve { key, kind }),
        2 => (key(), kind()).prop_map(|(key, kind)| Op::Release { key, kind }),
        1 => key().prop_map(|key| Op::Clear { key }),
        4 => (key(), any_key(), kind(), any::<bool>())
            .prop_map(|(key, victim, kind, abort)| Op::Preempt { key, victim, kind, abort }),
        2 => (key(), any_key(), 0_usize..4, any::<bool>())
            .prop_map(|(key, new, to, unregister)| Op::Move { key, new, to, unregister }),
        1 => Just(Op::Read),
        1 => Just(Op::Write),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(usize, Op)>> {
    prop::collection::vec((0_usize..NEXUSES.len(), op()), 1..60)
}

proptest! {
    #![proptest_config(Config { cases: 400, ..Config::default() })]

    #[test]
    fn the_target_agrees_with_the_naive_model(steps in steps()) {
        compare(&steps, Plant::None)?;
    }
}

#[test]
fn every_planted_fault_is_noticed() {
    for plant in PLANTS {
        let config = Config {
            cases: 2000,
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Config::default()
        };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&steps(), |steps| compare(&steps, plant));
        assert!(outcome.is_err(), "{plant:?} went unnoticed");
    }
}
