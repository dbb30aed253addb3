//! One order, all or nothing, one lock, whatever order the members' words arrive in.

use crate::settings::{NodeSettings, ReadWriteMode, Settings};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::{Incarnation, Manager, NodeId, NodeSet, Now, Outbox, PaxosTag, Rng, Timestamp, ViewId};

use super::{Failure, Gum, Input, Message, Output, Ticket};
use crate::database::{Change, HiveChange, Update, Value};
use crate::membership::{MemberReport, View};
use crate::{Context, Facts};

/// A member with a database that keeps everything at once.
struct Member {
    gum: Gum,
    facts: Facts,
    applied: Vec<Update>,
    done: BTreeMap<Ticket, Result<PaxosTag, Failure>>,
    opened: bool,
    removed: NodeSet,
}

/// Members that talk over lines which keep order per pair and nothing else.
struct Group {
    members: BTreeMap<NodeId, Member>,
    lines: BTreeMap<(NodeId, NodeId), VecDeque<Message>>,
    rng: Rng,
    now: Timestamp,
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

/// The view whose lock the member has.
fn lock_view(member: &Member) -> Option<ViewId> {
    member
        .gum
        .token
        .as_ref()
        .and(member.facts.view.as_ref())
        .map(|view| view.id)
}

fn change(text: &str) -> Vec<Change> {
    let value = Value::Text(text.to_owned());
    vec![Change::Hive(HiveChange::Set {
        key: String::new(),
        name: "Test".to_owned(),
        value,
    })]
}

impl Group {
    fn new(count: u8, seed: u64) -> Self {
        let member = |number: u8| {
            let facts = crate::test_context::blank_facts(node(number));
            let (applied, done) = (Vec::new(), BTreeMap::new());
            let gum = Gum::default();
            let removed = NodeSet::EMPTY;
            (
                node(number),
                Member {
                    gum,
                    facts,
                    applied,
                    done,
                    opened: false,
                    removed,
                },
            )
        };
        Self {
            members: (1..=count).map(member).collect(),
            lines: BTreeMap::new(),
            rng: Rng::new(seed, 0),
            now: Timestamp::ZERO,
        }
    }

    /// Brings `members` into a view and declares it quorate.
    fn view(&mut self, epoch: u64, members: NodeSet, active: bool) {
        let report = |node: NodeId| {
            let facts = &self.members[&node].facts;
            let report = MemberReport {
                incarnation: Incarnation(1),
                active,
                tag: facts.tag,
                applied: facts.applied,
                prepared: facts.prepared.as_ref().map(|update| update.key),
                synchronised: facts.synchronised,
                holds_witness: false,
                forced: None,
                silent: BTreeMap::new(),
            };
            (node, report)
        };
        let coordinator = members.first().expect("a member");
        let id = ViewId {
            epoch,
            coordinator,
            incarnation: Incarnation(1),
        };
        let reports = members.iter().map(report).collect();
        let view = Arc::new(View {
            id,
            members,
            reports,
        });
        self.lines.clear();
        for node in members.iter() {
            self.call(node, Some(Input::Promised));
            self.member(node).facts.view = Some(Arc::clone(&view));
            self.member(node).opened = false;
            self.call(node, Some(Input::ViewInstalled));
        }
        for node in members.iter() {
            self.call(
                node,
                Some(Input::QuorumHeld {
                    witness: None,
                    forced: false,
                }),
            );
        }
    }

    fn member(&mut self, node: NodeId) -> &mut Member {
        self.members.get_mut(&node).expect("a member")
    }

    fn call(&mut self, id: NodeId, input: Option<Input>) {
        let (mut out, bottom) = (Outbox::default(), bottom::Facts::default());
        let member = self.members.get_mut(&id).expect("a member");
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            bottom: &bottom,
            facts: &member.facts,
            rng: &mut self.rng,
        };
        match input {
            Some(input) => member.gum.handle(&mut cx, input, &mut out),
            None => member.gum.expire(&mut cx, &mut out),
        }
        member.gum.check(&cx);
        for output in out.drain().collect::<Vec<_>>() {
            self.said(id, output);
        }
    }

    fn said(&mut self, id: NodeId, output: Output) {
        match output {
            Output::Send { to, message } => {
                for other in to.iter() {
                    self.lines
                        .entry((id, other))
                        .or_default()
                        .push_back(message.clone());
                }
            }
            Output::Prepare { update } => {
                let number = update.key.number;
                if self.member(id).facts.prepared.is_some() {
                    self.commit(id, number - 1);
                }
                self.member(id).facts.prepared = Some(update);
                self.call(id, Some(Input::Prepared { number }));
            }
            Output::Commit { number } => self.commit(id, number),
            Output::Install { snapshot } => {
                let source = self
                    .member(id)
                    .facts
                    .view
                    .as_ref()
                    .map(|view| view.source(None));
                let log = self.members[&source.expect("a view")].applied.clone();
                let member = self.member(id);
                member.applied = log;
                member.facts.tag = snapshot.tag;
                member.facts.applied = snapshot.applied;
                member.facts.prepared = snapshot.prepared;
                member.facts.synchronised = snapshot.synchronised;
                self.call(id, Some(Input::Installed));
            }
            Output::BeginEpoch { .. } => self.call(id, Some(Input::Installed)),
            Output::Publish { ready, lock_owner } => {
                let facts = &mut self.member(id).facts;
                (facts.ready, facts.lock_owner) = (ready, lock_owner);
            }
            Output::Opened { .. } => self.member(id).opened = true,
            Output::Done { ticket, result } => {
                self.member(id).done.insert(ticket, result);
            }
            Output::Remove { nodes } => self.member(id).removed = nodes,
        }
    }

    fn commit(&mut self, id: NodeId, number: u64) {
        let member = self.member(id);
        let due = member
            .facts
            .prepared
            .as_ref()
            .is_some_and(|u| u.key.number == number);
        if let Some(update) = member.facts.prepared.take_if(|_| due) {
            member.facts.applied = number;
            member.facts.tag.sequence += 1;
            member.applied.push(update.clone());
            self.call(id, Some(Input::Applied { update }));
        }
    }

    /// Delivers messages in random order of the lines, at most `most`.
    fn deliver(&mut self, most: usize) {
        for _ in 0..most {
            let busy: Vec<_> = self
                .lines
                .iter()
                .filter(|(_, l)| !l.is_empty())
                .map(|(key, _)| *key)
                .collect();
            let Some((from, to)) = self.rng.pick(&busy).copied() else {
                return;
            };
            let line = self.lines.get_mut(&(from, to)).expect("a line");
            let message = line.pop_front().expect("a message");
            self.call(to, Some(Input::Message { from, message }));
            let mut owners: Vec<ViewId> = self.members.values().filter_map(lock_view).collect();
            let held = owners.len();
            owners.sort_by_key(|view| view.epoch);
            owners.dedup();
            assert_eq!(owners.len(), held, "the lock of one view is in two places");
        }
    }

    fn propose(&mut self, id: NodeId, ticket: u64, text: &str) {
        let input = Input::Propose {
            ticket: Ticket(ticket),
            changes: change(text),
        };
        self.call(id, Some(input));
    }

    fn logs(&self, nodes: NodeSet) -> Vec<Vec<Update>> {
        nodes
            .iter()
            .map(|node| self.members[&node].applied.clone())
            .collect()
    }
}

fn all(count: u8) -> NodeSet {
    (1..=count).map(node).collect()
}

#[test]
fn every_member_applies_every_update_in_one_order() {
    for seed in 0..30 {
        let mut group = Group::new(4, seed);
        group.view(1, all(4), false);
        group.deliver(10_000);
        assert!(
            group.members.values().all(|member| member.opened),
            "seed {seed}"
        );
        for round in 0..5 {
            for number in 1..=4 {
                group.propose(node(number), round, &format!("{number} {round}"));
            }
            group.deliver(7);
        }
        group.deliver(100_000);
        let logs = group.logs(all(4));
        assert_eq!(logs[0].len(), 20, "seed {seed}");
        assert!(logs.iter().all(|log| *log == logs[0]), "seed {seed}");
        for member in group.members.values() {
            assert_eq!(member.done.len(), 5);
            assert!(member.done.values().all(Result::is_ok));
        }
    }
}

#[test]
fn an_acknowledged_update_survives_the_loss_of_its_sender_at_any_moment() {
    for seed in 0..200 {
        let mut group = Group::new(3, seed);
        group.view(1, all(3), false);
        group.deliver(10_000);
        for round in 0..4 {
            group.propose(node(1), round, &format!("from 1, {round}"));
            group.propose(node(2), round, &format!("from 2, {round}"));
        }
        let steps = usize::try_from(group.rng.below(60)).expect("small");
        group.deliver(steps);
        let acknowledged: Vec<u64> = group.members[&node(1)]
            .applied
            .iter()
            .map(|update| update.key.number)
            .collect();
        let survivors = all(3).without(node(1));
        group.view(2, survivors, true);
        group.deliver(100_000);
        let logs = group.logs(survivors);
        assert_eq!(logs[0], logs[1], "seed {seed}");
        let numbers: Vec<u64> = logs[0].iter().map(|update| update.key.number).collect();
        assert!(
            acknowledged.iter().all(|number| numbers.contains(number)),
            "seed {seed}: {acknowledged:?} were applied by the lost node, {numbers:?} survive"
        );
    }
}

#[test]
fn a_majority_is_enough_where_the_mode_says_so_and_the_slow_member_catches_up() {
    for mode in [ReadWriteMode::MajorityWrite, ReadWriteMode::AllWrite] {
        let mut group = Group::new(3, 1);
        for member in group.members.values_mut() {
            member.facts.settings = three_voters(mode);
        }
        group.view(1, all(3), false);
        group.deliver(10_000);
        let (sender, slow) = (node(1), node(3));
        group.propose(sender, 1, "first");
        let held = |group: &mut Group| group.lines.remove(&(sender, slow)).unwrap_or_default();
        let mut late = held(&mut group);
        for _ in 0..100 {
            group.deliver(1);
            late.extend(held(&mut group));
        }
        let done = group.members[&sender].done.len();
        assert_eq!(done, usize::from(mode == ReadWriteMode::MajorityWrite));
        group.lines.insert((sender, slow), late);
        group.deliver(10_000);
        let logs = group.logs(all(3));
        assert_eq!(logs[0].len(), 1);
        assert!(logs.iter().all(|log| *log == logs[0]));
    }
}

#[test]
fn an_update_that_comes_before_the_one_before_it_waits() {
    let mut group = Group::new(3, 1);
    group.view(1, all(3), false);
    group.deliver(10_000);
    let update = |number: u64| Update {
        key: crate::membership::UpdateKey {
            number,
            epoch: 1,
            sender: node(1),
        },
        tag_epoch: 1,
        changes: Arc::new(change("in order")),
    };
    let (from, slow) = (node(1), node(3));
    let hear = |group: &mut Group, message: Message| {
        group.call(slow, Some(Input::Message { from, message }));
    };
    hear(&mut group, Message::Prepare { update: update(2) });
    hear(&mut group, Message::Commit { number: 2 });
    assert!(group.members[&slow].facts.prepared.is_none());
    hear(&mut group, Message::Prepare { update: update(1) });
    let numbers: Vec<u64> = group.members[&slow]
        .applied
        .iter()
        .map(|update| update.key.number)
        .collect();
    assert_eq!(numbers, [1, 2]);
}

/// Settings of three nodes with a vote each.
fn three_voters(mode: ReadWriteMode) -> Arc<Settings> {
    let mut settings = Settings::blank(base::Generation::V2022);
    settings.read_write_mode = mode;
    for member in all(3).iter() {
        let voter = NodeSettings {
            name: format!("n{member}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::new(),
        };
        settings.nodes.insert(member, voter);
    }
    Arc::new(settings)
}

#[test]
fn a_proposal_in_a_closed_view_is_refused_as_having_no_effect() {
    let mut group = Group::new(2, 1);
    group.propose(node(1), 9, "early");
    let done = &group.members[&node(1)].done;
    assert_eq!(done[&Ticket(9)], Err(Failure::NotReady));
}

#[test]
fn a_member_that_never_agrees_is_taken_out() {
    let mut group = Group::new(3, 1);
    group.view(1, all(3), false);
    group.deliver(10_000);
    let sender = node(1);
    group.propose(sender, 1, "stuck");
    while let Some(line) = group.lines.get_mut(&(sender, node(3))) {
        line.clear();
        let rest = group.lines.values().map(VecDeque::len).sum::<usize>();
        if rest == 0 {
            break;
        }
        group.deliver(1);
    }
    group.now = group.members[&sender]
        .gum
        .deadline()
        .expect("patience is armed");
    group.call(sender, None);
    assert_eq!(group.members[&sender].removed, NodeSet::one(node(3)));
    assert!(
        group.members[&sender].applied.is_empty(),
        "nothing is applied before all agreed"
    );
}

#[test]
fn a_node_promised_to_another_view_does_not_hear_that_the_old_one_has_quorum() {
    let mut group = Group::new(2, 1);
    group.view(1, all(2), false);
    group.deliver(10_000);
    group.call(node(1), Some(Input::Promised));
    group.lines.clear();
    group.call(
        node(1),
        Some(Input::QuorumHeld {
            witness: None,
            forced: false,
        }),
    );
    assert!(group.lines.is_empty(), "nothing is said in the old view");
    assert!(!group.members[&node(1)].facts.ready);
}

#[test]
fn an_update_completed_by_a_new_view_carries_the_number_of_its_synchronisation() {
    let mut group = Group::new(3, 1);
    group.view(1, all(3), false);
    group.deliver(10_000);
    group.propose(node(1), 1, "on its way");
    while group.members[&node(2)].facts.prepared.is_none() {
        group.deliver(1);
    }
    group.view(2, all(3).without(node(1)), true);
    group.deliver(10_000);
    let last = group.members[&node(3)].applied.last();
    assert_eq!(last.map(|update| update.key.epoch), Some(2));
}

#[test]
fn a_ghost_is_taken_out_before_anything_is_sent() {
    let mut group = Group::new(2, 1);
    group.member(node(1)).facts.synchronised = crate::membership::Synchronised {
        epoch: 9,
        members: NodeSet::one(node(1)),
    };
    group.view(1, all(2), true);
    for member in group.members.values() {
        assert_eq!(member.removed, NodeSet::one(node(2)));
    }
}
