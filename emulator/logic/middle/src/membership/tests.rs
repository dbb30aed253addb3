//! Nodes that all reach each other end in one view; the same view never has two member sets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::{
    Incarnation, Manager, NodeId, NodeSet, Now, Outbox, QuorumState, Rng, Timestamp, ViewId,
};

use super::{Input, Membership, Message, Output, View};
use crate::settings::{NodeSettings, Settings};
use crate::test_context::blank_facts;
use crate::{Context, Facts};

struct Member {
    membership: Membership,
    facts: Facts,
    bottom: bottom::Facts,
    excluded: bool,
}

/// Several membership managers over links that can be cut; a view with a majority opens at once.
struct Mesh {
    members: BTreeMap<NodeId, Member>,
    letters: VecDeque<(NodeId, NodeId, Message)>,
    cut: Vec<(NodeId, NodeId)>,
    now: Timestamp,
    rng: Rng,
    loss: u32,
    seen: BTreeMap<ViewId, NodeSet>,
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

fn set(numbers: &[u8]) -> NodeSet {
    numbers.iter().map(|number| node(*number)).collect()
}

fn facts(me: NodeId, count: u8) -> Facts {
    let mut settings = Settings::blank(base::Generation::V2022);
    for other in 1..=count {
        let known = NodeSettings {
            name: format!("n{other}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::new(),
        };
        settings.nodes.insert(node(other), known);
    }
    Facts {
        settings: Arc::new(settings),
        ..blank_facts(me)
    }
}

impl Mesh {
    fn new(count: u8, seed: u64) -> Self {
        let member = |number: u8| {
            let me = node(number);
            let bottom = bottom::Facts {
                reachable: NodeSet::one(me),
                ..Default::default()
            };
            let facts = facts(me, count);
            (
                me,
                Member {
                    membership: Membership::default(),
                    facts,
                    bottom,
                    excluded: false,
                },
            )
        };
        let mut mesh = Self {
            members: (1..=count).map(member).collect(),
            letters: VecDeque::new(),
            cut: Vec::new(),
            now: Timestamp::ZERO,
            rng: Rng::new(seed, 0),
            loss: 0,
            seen: BTreeMap::new(),
        };
        for number in 1..=count {
            mesh.call(node(number), Some(Input::Start));
        }
        mesh.connect();
        mesh
    }

    /// Tells everybody which peers the uncut links let them reach.
    fn connect(&mut self) {
        let all: Vec<NodeId> = self.members.keys().copied().collect();
        for a in &all {
            for b in all.iter().filter(|b| *b != a) {
                let cut = self.cut.contains(&(*a, *b)) || self.cut.contains(&(*b, *a));
                let member = self.members.get_mut(a).expect("a member");
                let known = member.bottom.reachable.contains(*b);
                if cut && known {
                    member.bottom.reachable.remove(*b);
                    self.call(*a, Some(Input::PeerLost { peer: *b }));
                } else if !cut && !known {
                    member.bottom.reachable.insert(*b);
                    self.call(*a, Some(Input::PeerFound { peer: *b }));
                }
            }
        }
    }

    fn isolate(&mut self, inside: NodeSet) {
        let all: Vec<NodeId> = self.members.keys().copied().collect();
        self.cut.clear();
        for a in &all {
            for b in &all {
                if inside.contains(*a) != inside.contains(*b) {
                    self.cut.push((*a, *b));
                }
            }
        }
        self.connect();
    }

    fn call(&mut self, id: NodeId, input: Option<Input>) {
        let mut out = Outbox::default();
        let member = self.members.get_mut(&id).expect("a member");
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            bottom: &member.bottom,
            facts: &member.facts,
            rng: &mut self.rng,
        };
        match input {
            Some(input) => member.membership.handle(&mut cx, input, &mut out),
            None => member.membership.expire(&mut cx, &mut out),
        }
        for output in out.drain() {
            self.said(id, output);
        }
    }

    fn said(&mut self, id: NodeId, output: Output) {
        let member = self.members.get_mut(&id).expect("a member");
        match output {
            Output::Send { to, message } => {
                for other in to.intersection(member.bottom.reachable).without(id).iter() {
                    if !self.rng.chance(self.loss) {
                        self.letters.push_back((id, other, message.clone()));
                    }
                }
            }
            Output::Repair { next, .. } => self.call(id, Some(Input::Repaired { next })),
            Output::Promised => member.facts.ready = false,
            Output::Publish { view } => self.installed(id, view),
            Output::Excluded | Output::Superseded | Output::Evicted => member.excluded = true,
            Output::Undecided | Output::ClearQuarantine { .. } | Output::Notice(_) => {}
        }
    }

    fn installed(&mut self, id: NodeId, view: Arc<View>) {
        let known = *self.seen.entry(view.id).or_insert(view.members);
        assert_eq!(known, view.members, "one view id, two member sets");
        let member = self.members.get_mut(&id).expect("a member");
        let majority = view.members.len() as usize * 2 > member.facts.settings.nodes.len();
        member.facts.view = Some(view);
        member.facts.ready = majority;
        member.facts.quorum = if majority {
            QuorumState::Held
        } else {
            QuorumState::Absent
        };
        if majority {
            self.call(id, Some(Input::QuorumHeld { forced: None }));
            self.call(id, Some(Input::Opened));
        }
    }

    /// Delivers letters and lets time pass for `span`.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            while let Some((from, to, message)) = self.letters.pop_front() {
                self.call(to, Some(Input::Message { from, message }));
            }
            let due = self
                .members
                .values()
                .filter_map(|m| m.membership.deadline())
                .min();
            self.now = due
                .unwrap_or(end)
                .clamp(self.now + Duration::from_millis(1), end);
            for id in self.members.keys().copied().collect::<Vec<_>>() {
                self.call(id, None);
            }
        }
    }

    fn view_of(&self, number: u8) -> Option<NodeSet> {
        self.members[&node(number)]
            .facts
            .view
            .as_ref()
            .map(|view| view.members)
    }
}

#[test]
fn all_nodes_that_start_together_end_in_one_view() {
    let mut mesh = Mesh::new(5, 1);
    mesh.run(Duration::from_secs(2));
    for number in 1..=5 {
        assert_eq!(mesh.view_of(number), Some(set(&[1, 2, 3, 4, 5])));
    }
    assert!(mesh.seen.len() <= 5, "it took {} views", mesh.seen.len());
}

#[test]
fn a_node_alone_waits_out_the_opening_stage_for_others() {
    let mut mesh = Mesh::new(3, 1);
    mesh.isolate(set(&[1]));
    mesh.run(Duration::from_secs(4));
    let seen = mesh
        .seen
        .values()
        .filter(|members| **members == set(&[1]))
        .count();
    assert_eq!(seen, 0);
    mesh.run(Duration::from_secs(3));
    assert_eq!(mesh.view_of(1), Some(set(&[1])));
}

#[test]
fn survivors_agree_on_a_view_without_the_lost_node() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    mesh.isolate(set(&[2]));
    mesh.run(Duration::from_secs(2));
    assert_eq!(mesh.view_of(1), Some(set(&[1, 3])));
    assert_eq!(mesh.view_of(3), Some(set(&[1, 3])));
}

#[test]
fn a_missing_link_ends_in_one_view_in_which_everybody_reaches_everybody() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    mesh.cut = vec![(node(1), node(3))];
    mesh.connect();
    mesh.run(Duration::from_secs(30));
    assert_eq!(mesh.view_of(1), Some(set(&[1, 2])));
    assert_eq!(mesh.view_of(2), Some(set(&[1, 2])));
    assert!(
        mesh.members[&node(3)].excluded,
        "node 3 is told that it is out"
    );
}

#[test]
fn an_active_node_that_comes_back_into_reach_is_told_that_it_is_out() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    // Node 3 is frozen: the others lose it, it notices nothing.
    for number in [1, 2] {
        let member = mesh.members.get_mut(&node(number)).expect("a member");
        member.bottom.reachable.remove(node(3));
        mesh.call(node(number), Some(Input::PeerLost { peer: node(3) }));
    }
    mesh.run(Duration::from_secs(2));
    assert_eq!(mesh.view_of(1), Some(set(&[1, 2])));
    mesh.connect();
    mesh.run(Duration::from_secs(5));
    assert!(mesh.members[&node(3)].excluded);
}

#[test]
fn an_active_node_that_has_tried_views_of_its_own_hears_that_it_is_out_all_the_same() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    mesh.isolate(set(&[3]));
    mesh.run(Duration::from_secs(3));
    // Its own attempts have brought it to an epoch beyond that of the others' view.
    mesh.call(node(3), Some(Input::Remove { nodes: set(&[1]) }));
    mesh.isolate(NodeSet::EMPTY);
    mesh.run(Duration::from_secs(2));
    assert!(mesh.members[&node(3)].excluded);
}

#[test]
fn an_active_node_without_quorum_ends_before_the_opening_stage_is_long_over() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    mesh.isolate(set(&[1]));
    mesh.run(Duration::from_secs(5));
    assert!(!mesh.members[&node(1)].excluded, "quorum may still decide");
    mesh.run(Duration::from_secs(2));
    assert!(mesh.members[&node(1)].excluded);
}

#[test]
fn an_active_node_whose_view_waits_for_the_witness_ends_when_that_takes_too_long() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    mesh.isolate(set(&[1]));
    mesh.run(Duration::from_secs(3));
    mesh.call(node(1), Some(Input::Arbitrating));
    mesh.run(Duration::from_secs(22));
    assert!(!mesh.members[&node(1)].excluded);
    mesh.run(Duration::from_secs(2));
    assert!(mesh.members[&node(1)].excluded);
}

#[test]
fn a_newcomer_that_once_had_to_do_without_the_members_tries_again_after_a_while() {
    let mut mesh = Mesh::new(3, 1);
    mesh.isolate(set(&[3]));
    mesh.run(Duration::from_secs(10));
    let nodes = set(&[1, 2]);
    mesh.call(node(3), Some(Input::Remove { nodes }));
    mesh.isolate(NodeSet::EMPTY);
    mesh.run(Duration::from_secs(50));
    assert_eq!(mesh.view_of(3), Some(set(&[3])), "not at once");
    mesh.run(Duration::from_secs(30));
    assert_eq!(mesh.view_of(3), Some(set(&[1, 2, 3])));
}

#[test]
fn a_view_knows_how_long_its_members_have_not_heard_a_lost_node() {
    let mut mesh = Mesh::new(3, 1);
    mesh.run(Duration::from_secs(2));
    for (number, seen) in [(1, 900), (3, 1_500)] {
        let seen = Timestamp::ZERO + Duration::from_millis(seen);
        let member = mesh.members.get_mut(&node(number)).expect("a member");
        member.facts.last_seen[node(2).index()] = seen;
    }
    mesh.isolate(set(&[2]));
    mesh.run(Duration::from_secs(2));
    let view = mesh.members[&node(1)].facts.view.clone().expect("a view");
    let silence = view.silence(node(2));
    assert!(silence >= Duration::from_millis(500), "{silence:?}");
    assert!(silence < Duration::from_millis(1_100), "{silence:?}");
    assert_eq!(view.silence(node(3)), Duration::ZERO, "a member is heard");
}

#[test]
fn cuts_and_losses_never_give_one_view_two_member_sets_and_calm_ends_in_one_view() {
    for seed in 0..60 {
        let mut mesh = Mesh::new(5, seed);
        mesh.loss = 100_000;
        for _ in 0..20 {
            let inside = NodeSet(mesh.rng.bits() & 0x1f);
            mesh.isolate(inside);
            let pause = mesh.rng.between(50, 4_000);
            mesh.run(Duration::from_millis(pause));
            // An excluded node starts a new life, as the service control manager sees to.
            for number in 1..=5 {
                mesh.restart_if_excluded(node(number));
            }
        }
        mesh.loss = 0;
        mesh.isolate(NodeSet::EMPTY);
        for _ in 0..10 {
            mesh.run(Duration::from_secs(5));
            for number in 1..=5 {
                mesh.restart_if_excluded(node(number));
            }
        }
        for number in 1..=5 {
            assert_eq!(
                mesh.view_of(number),
                Some(set(&[1, 2, 3, 4, 5])),
                "seed {seed}"
            );
        }
    }
}

impl Mesh {
    /// Starts a new life of a node that was left out, or that is active without a majority.
    fn restart_if_excluded(&mut self, id: NodeId) {
        let member = self.members.get_mut(&id).expect("a member");
        let stuck = member.membership.is_active() && !member.facts.ready;
        if !member.excluded && !stuck {
            return;
        }
        let life = Incarnation(member.facts.incarnation.0 + 1);
        let count = u8::try_from(member.facts.settings.nodes.len()).expect("few nodes");
        member.facts = Facts {
            incarnation: life,
            ..facts(id, count)
        };
        member.membership = Membership::default();
        member.excluded = false;
        self.call(id, Some(Input::Start));
        for other in self.members.keys().copied().collect::<Vec<_>>() {
            if self.members[&other].bottom.reachable.contains(id) && other != id {
                self.call(other, Some(Input::PeerLost { peer: id }));
                self.call(other, Some(Input::PeerFound { peer: id }));
            }
        }
    }
}
