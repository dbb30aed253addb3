//! Departures are counted, and their consequences are the leader's to propose.

use std::sync::Arc;
use std::time::Duration;

use base::{Manager, NodeId, NodeStanding, Notice, Outbox, Timestamp};

use super::{Input, Output, Resilience};
use crate::Facts;
use crate::database::{Change, Value};
use crate::object::StateChange;
use crate::settings::{NodeSettings, Settings};
use crate::test_context::{blank_facts, node, nodes, view, with_context};

struct Rig {
    manager: Resilience,
    facts: Facts,
    now: Timestamp,
    epoch: u64,
}

impl Rig {
    /// Node 1 of so many, leading an open view of all.
    fn of(count: u8) -> Self {
        let mut facts = blank_facts(node(1));
        let mut settings = Settings::blank(base::Generation::V2022);
        for number in 1..=count {
            let known = NodeSettings {
                name: format!("n{number}"),
                weight: 1,
                dynamic_weight: 1,
                site: String::new(),
                interfaces: std::collections::BTreeMap::new(),
            };
            settings.nodes.insert(node(number), known);
        }
        facts.settings = Arc::new(settings);
        facts.active = true;
        facts.ready = true;
        let manager = Resilience::default();
        let now = Timestamp(1);
        let mut rig = Self {
            manager,
            facts,
            now,
            epoch: 0,
        };
        let all: Vec<u8> = (1..=count).collect();
        rig.views(&all);
        rig
    }

    fn call(&mut self, input: Option<Input>) -> Vec<Output> {
        let mut out = Outbox::default();
        let manager = &mut self.manager;
        with_context(&self.facts, self.now, |cx| {
            match input {
                Some(input) => manager.handle(cx, input, &mut out),
                None => manager.expire(cx, &mut out),
            }
            manager.check(cx);
        });
        let said: Vec<Output> = out.drain().collect();
        for output in &said {
            if let Output::Publish { isolated } = output {
                self.facts.isolated = isolated.clone();
            }
        }
        said
    }

    /// These members form the next view, which opens; the leader's proposals are carried out.
    /// Returns what was noticed.
    fn views(&mut self, members: &[u8]) -> Vec<Notice> {
        self.epoch += 1;
        let mut next = view(self.epoch, nodes(members));
        for report in next.reports.values_mut() {
            report.active = true;
        }
        self.facts.view = Some(Arc::new(next));
        self.call(Some(Input::ViewInstalled));
        let said = self.call(Some(Input::Opened));
        self.carry_out(said)
    }

    fn carry_out(&mut self, said: Vec<Output>) -> Vec<Notice> {
        let mut noticed = Vec::new();
        for output in said {
            match output {
                Output::Publish { .. } => {}
                Output::Notice(notice) => noticed.push(notice),
                Output::Propose { changes } => {
                    let objects = Arc::make_mut(&mut self.facts.objects);
                    for change in &changes {
                        let Change::State(change) = change else {
                            panic!("nothing persistent is proposed");
                        };
                        objects.apply(change);
                    }
                    let said = self.call(Some(Input::ObjectsChanged));
                    noticed.extend(self.carry_out(said));
                    let said = self.call(Some(Input::Done));
                    noticed.extend(self.carry_out(said));
                }
            }
        }
        noticed
    }

    /// Time passes; what was due by its end has been done.
    fn pass(&mut self, span: Duration) -> Vec<Notice> {
        let until = self.now + span;
        let mut noticed = Vec::new();
        while let Some(at) = self.manager.deadline().filter(|at| *at <= until) {
            self.now = at;
            let said = self.call(None);
            noticed.extend(self.carry_out(said));
        }
        self.now = until;
        noticed
    }

    /// Node `number` of `all` leaves, and comes back if it may.
    fn departs(&mut self, number: u8, all: &[u8]) -> Vec<Notice> {
        let rest: Vec<u8> = all.iter().copied().filter(|it| *it != number).collect();
        let noticed = self.views(&rest);
        if self.standing(number) != NodeStanding::Quarantined {
            self.views(all);
        }
        noticed
    }

    fn standing(&self, number: u8) -> NodeStanding {
        self.facts.objects.standing(node(number))
    }

    /// Node `owner` owns a group with a virtual machine.
    fn give_machine(&mut self, owner: NodeId) {
        let hive = Arc::make_mut(&mut self.facts.hive);
        hive.set(
            "Resources\\4",
            "Type",
            Value::Text("Virtual Machine".into()),
        );
        hive.set("Resources\\4", "Group", Value::Dword(2));
        let objects = Arc::make_mut(&mut self.facts.objects);
        objects.apply(&StateChange::GroupOwner {
            group: base::GroupId(2),
            owner,
            cause: base::StateChangeCause::Move,
        });
    }
}

#[test]
fn the_third_departure_within_an_hour_quarantines_for_two_hours() {
    let mut rig = Rig::of(3);
    assert_eq!(rig.departs(3, &[1, 2, 3]), []);
    rig.pass(Duration::from_secs(1_700));
    assert_eq!(rig.departs(3, &[1, 2, 3]), []);
    rig.pass(Duration::from_secs(1_700));
    let quarantined = Notice::NodeQuarantined { node: node(3) };
    assert_eq!(rig.departs(3, &[1, 2, 3]), [quarantined]);
    rig.pass(Duration::from_secs(7_199));
    assert_eq!(rig.standing(3), NodeStanding::Quarantined);
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.standing(3), NodeStanding::Normal);
    rig.views(&[1, 2, 3]);
    assert_eq!(rig.departs(3, &[1, 2, 3]), [], "it starts anew");
}

#[test]
fn departures_that_are_an_hour_apart_do_not_add_up() {
    let mut rig = Rig::of(3);
    for _ in 0..6 {
        assert_eq!(rig.departs(3, &[1, 2, 3]), []);
        rig.pass(Duration::from_secs(1_801));
    }
}

#[test]
fn who_says_that_it_leaves_is_not_counted() {
    let mut rig = Rig::of(3);
    for _ in 0..4 {
        let objects = Arc::make_mut(&mut rig.facts.objects);
        let life = base::Incarnation(1);
        objects.apply(&StateChange::NodeLeaving {
            node: node(3),
            life,
        });
        rig.call(Some(Input::ObjectsChanged));
        assert_eq!(rig.departs(3, &[1, 2, 3]), []);
    }
}

#[test]
fn a_quarter_of_the_nodes_may_be_quarantined_and_always_one() {
    for (count, most) in [(2, 1), (7, 1), (8, 2)] {
        let mut rig = Rig::of(count);
        let all: Vec<u8> = (1..=count).collect();
        let mut here = all.clone();
        for number in all.iter().copied().filter(|it| *it > 1) {
            for _ in 0..3 {
                rig.departs(number, &here);
            }
            if rig.standing(number) == NodeStanding::Quarantined {
                here.retain(|it| *it != number);
            }
        }
        assert_eq!(all.len() - here.len(), most, "of {count}");
    }
}

#[test]
fn an_administrator_ends_a_quarantine() {
    let mut rig = Rig::of(3);
    for _ in 0..3 {
        rig.departs(3, &[1, 2, 3]);
    }
    assert_eq!(rig.standing(3), NodeStanding::Quarantined);
    let said = rig.call(Some(Input::Clear { node: node(3) }));
    rig.carry_out(said);
    assert_eq!(rig.standing(3), NodeStanding::Normal);
}

#[test]
fn a_lost_node_with_virtual_machines_is_isolated_until_it_is_back_or_its_time_is_over() {
    let ended = Notice::NodeIsolationEnded { node: node(3) };
    for comes_back in [true, false] {
        let mut rig = Rig::of(3);
        rig.give_machine(node(3));
        let isolated = Notice::NodeIsolated { node: node(3) };
        assert_eq!(rig.views(&[1, 2]), [isolated]);
        assert!(rig.facts.isolated.contains_key(&node(3)));
        assert_eq!(rig.pass(Duration::from_secs(239)), []);
        let noticed = match comes_back {
            true => rig.views(&[1, 2, 3]),
            false => rig.pass(Duration::from_secs(2)),
        };
        assert_eq!(noticed, *std::slice::from_ref(&ended));
        assert_eq!(rig.facts.isolated.len(), 0);
    }
}

#[test]
fn a_node_without_virtual_machines_is_not_isolated() {
    let mut rig = Rig::of(3);
    rig.give_machine(node(2));
    assert_eq!(rig.views(&[1, 2]), []);
    assert_eq!(rig.facts.isolated.len(), 0);
}

#[test]
fn before_2016_nothing_of_this_happens() {
    let mut rig = Rig::of(3);
    let settings = Arc::make_mut(&mut rig.facts.settings);
    let defaults = base::Generation::V2012R2.defaults();
    settings.resiliency = crate::settings::Resiliency::of(&defaults);
    rig.give_machine(node(3));
    for _ in 0..5 {
        assert_eq!(rig.departs(3, &[1, 2, 3]), []);
    }
}
