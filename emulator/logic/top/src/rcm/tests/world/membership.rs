//! Nodes that die and views that follow in the small world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{Incarnation, NodeId, NodeSet, PaxosTag, ViewId};
use middle::membership::{MemberReport, Synchronised, View};

use super::{World, node, nodes, seconds};
use crate::rcm::Input;

impl World {
    /// Power off.
    pub(crate) fn kill(&mut self, number: u8) {
        let me = node(number);
        self.lives.remove(&me);
        self.checker.forget(me);
        for live in self.lives.values_mut() {
            live.facts.last_seen[me.index()] = self.now;
        }
    }

    /// A node dies, and the others agree on a view without it after detection and regroup.
    pub(crate) fn lose(&mut self, number: u8) {
        self.kill(number);
        // Without the lost node no update is agreed to any more.
        self.close();
        self.run(seconds(15));
        let rest: Vec<u8> = self.lives.keys().map(|node| node.number()).collect();
        self.install(&rest, false);
    }

    pub(crate) fn close(&mut self) {
        self.open = false;
        for me in self.lives.keys().copied().collect::<Vec<_>>() {
            self.tell(me, Input::Closed);
        }
    }

    /// Closes the old view and opens a new one.
    pub(crate) fn install(&mut self, members: &[u8], formed: bool) {
        self.close();
        self.epoch += 1;
        let members = nodes(members);
        let leader = members.first().expect("a view has members");
        let before = self
            .view
            .as_ref()
            .map_or(NodeSet::EMPTY, |view| view.members);
        let report = |member: NodeId| MemberReport {
            incarnation: Incarnation(1),
            active: !formed && before.contains(member),
            tag: PaxosTag::default(),
            applied: 0,
            prepared: None,
            synchronised: Synchronised::default(),
            holds_witness: false,
            forced: None,
            silent: self.silent(member, members),
        };
        self.view = Some(Arc::new(View {
            id: ViewId {
                epoch: self.epoch,
                coordinator: leader,
                incarnation: Incarnation(1),
            },
            members,
            reports: members
                .iter()
                .map(|member| (member, report(member)))
                .collect(),
        }));
        self.open = true;
        for live in self.lives.values_mut() {
            live.facts.view_at = self.now;
        }
        for me in members.iter() {
            self.tell(me, Input::Opened { formed });
        }
    }

    fn silent(&self, member: NodeId, members: NodeSet) -> BTreeMap<NodeId, Duration> {
        let seen = &self.lives[&member].facts.last_seen;
        let outside = self.settings.nodes.keys().copied();
        let outside = outside.filter(|node| !members.contains(*node));
        let since = |node: NodeId| (node, self.now.since(seen[node.index()]));
        outside.map(since).collect()
    }
}
