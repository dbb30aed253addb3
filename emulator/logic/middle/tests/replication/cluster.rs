//! All nodes, the network between them, the witness disk, and the oracle that looks on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{DiskId, Incarnation, NodeId, NodeSet, Rng, Timestamp, ViewId};
use bottom::txlog::model::DiskModel;
use bottom::txlog::{DiskRequest, FileName};
use middle::database::{self, Hive, image};
use middle::gum::{Input, Message, Ticket};
use middle::membership::View;
use middle::messaging::Segment;

use crate::attack::Plan;
use crate::member::{Event, Member};
use crate::oracle::{Oracle, Proposal, Violation};
use crate::regroup::{Quorum, Regroup, quorum};
use crate::witness::WitnessDisk;

/// A segment on its way.
struct Flight {
    from: NodeId,
    to: NodeId,
    segment: Segment<Message>,
}

pub(crate) struct Cluster {
    pub(crate) plan: Plan,
    pub(crate) members: BTreeMap<NodeId, Member>,
    pub(crate) down: BTreeMap<NodeId, DiskModel>,
    pub(crate) witness: WitnessDisk,
    pub(crate) regroup: Option<Regroup>,
    pub(crate) rng: Rng,
    pub(crate) oracle: Oracle,
    /// How rough this history is: chance of a new view, and of a crash, in each step.
    pub(crate) faults_per_ten_thousand: u64,
    network: Vec<Flight>,
    now: Timestamp,
    views: u64,
    lives: u64,
    proposals: u16,
    /// Era of each view.
    eras: BTreeMap<ViewId, u64>,
}

impl Cluster {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        let mut cluster = Self {
            plan: plan.clone(),
            members: BTreeMap::new(),
            down: BTreeMap::new(),
            witness: WitnessDisk::new(plan.witness_forgets),
            regroup: None,
            rng: Rng::new(seed, 0),
            oracle: Oracle::default(),
            faults_per_ten_thousand: [3, 9, 25][usize::try_from(seed % 3).unwrap_or(0)],
            network: Vec::new(),
            now: Timestamp::ZERO,
            views: 0,
            lives: 0,
            proposals: 0,
            eras: BTreeMap::new(),
        };
        for node in cluster.nodes().iter() {
            cluster.down.insert(node, seeded_disk(plan));
            cluster.boot(node);
        }
        cluster
    }

    pub(crate) fn nodes(&self) -> NodeSet {
        (1..=self.plan.nodes).filter_map(NodeId::new).collect()
    }

    pub(crate) fn boot(&mut self, node: NodeId) {
        if let Some(disk) = self.down.remove(&node) {
            self.lives += 1;
            let mut member = Member::start(node, self.lives, disk);
            member.advance(self.now);
            self.members.insert(node, member);
        }
    }

    /// Power fails at one node.
    pub(crate) fn crash(&mut self, node: NodeId) {
        if let Some(member) = self.members.remove(&node) {
            // A promise dies with the life that gave it.
            self.regroup
                .take_if(|regroup| regroup.members().contains(node));
            let kept = usize::try_from(self.rng.below(300)).unwrap_or(0);
            let rot = u8::try_from(self.rng.below(2)).unwrap_or(0);
            self.down.insert(node, member.disk.crash(kept, rot));
            self.oracle.crashed(node);
        }
    }

    /// Whether no view is open or on its way.
    pub(crate) fn is_stuck(&self) -> bool {
        self.regroup.is_none() && !self.members.values().any(|member| member.facts.ready)
    }

    /// Starts a view of a random quorate set of nodes.
    pub(crate) fn start_regroup(&mut self) {
        let running: NodeSet = self.members.keys().copied().collect();
        let chosen = running.iter().filter(|_| self.rng.chance(850_000));
        let members: NodeSet = chosen.collect();
        if let Some(quorum) = quorum(&self.plan, members) {
            self.regroup_with(quorum);
        }
    }

    pub(crate) fn regroup_with(&mut self, quorum: Quorum) {
        self.views += 1;
        // Epochs start anew when nodes do, so nothing may rest on their order.
        let epoch = self.rng.between(1, 9);
        let coordinator = quorum.members.first();
        self.regroup = coordinator.map(|coordinator| {
            let id = ViewId {
                epoch,
                coordinator,
                incarnation: Incarnation(self.views),
            };
            Regroup::new(quorum, id)
        });
    }

    /// Takes the regroup one step further at `node`.
    pub(crate) fn step_regroup(&mut self, node: NodeId) {
        if let Some(mut regroup) = self.regroup.take() {
            if self.members.contains_key(&node) {
                regroup.step(self, node);
            }
            self.regroup = Some(regroup).filter(|regroup| !regroup.is_over());
        }
    }

    /// The era that members of the view are in once it opens.
    pub(crate) fn era_of(&mut self, view: &View) {
        let eras = view.active();
        let members = eras.iter().filter_map(|node| self.members.get(&node));
        let era = members.map(|member| member.era).max();
        let era = era.unwrap_or(view.id.incarnation.0);
        self.eras.entry(view.id).or_insert(era);
    }

    /// The reservation of the witness disk moves to `node`.
    pub(crate) fn take_witness(&mut self, node: NodeId) {
        let before = self.witness.holder.replace(node);
        let before = before.filter(|before| *before != node);
        if let Some(member) = before.and_then(|before| self.members.get_mut(&before)) {
            member.release_witness();
        }
        if let Some(member) = self.members.get_mut(&node) {
            member.tell_database(database::Input::WitnessHeld { disk: DiskId(0) });
        }
    }

    pub(crate) fn step_witness(&mut self, node: NodeId) {
        if let Some(member) = self.members.get_mut(&node)
            && let Some(request) = member.witness_requests.pop_front()
        {
            let report = self.witness.perform(node, request);
            let disk = DiskId(0);
            member.tell_database(database::Input::WitnessReport { disk, report });
        }
    }

    pub(crate) fn propose(&mut self, node: NodeId) -> Option<Ticket> {
        let member = self.members.get_mut(&node)?;
        self.proposals += 1;
        let kind = self.rng.below(4);
        let proposal = Proposal {
            id: self.proposals,
            persistent: kind != 0,
            volatile: kind < 2,
        };
        let ticket = Ticket(self.proposals.into());
        self.oracle.proposed(ticket, proposal);
        let changes = proposal.changes(node);
        member.tell_gum(Input::Propose { ticket, changes });
        Some(ticket)
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.now = self.now + span;
        for member in self.members.values_mut() {
            member.advance(self.now);
        }
    }

    /// Does something to one segment on its way: deliver, and maybe keep a copy; or lose it.
    pub(crate) fn step_network(&mut self, lossy: bool) -> bool {
        if self.network.is_empty() {
            return false;
        }
        let len = u64::try_from(self.network.len()).unwrap_or(u64::MAX);
        let at = usize::try_from(self.rng.below(len)).unwrap_or(0);
        let mixed = self.plan.views_are_mixed;
        // Where views are mixed up, words of ended views have to stay around for it to show.
        let repeated = lossy && self.rng.chance(if mixed { 500_000 } else { 80_000 });
        let lost = lossy && self.rng.chance(100_000);
        let Flight { from, to, segment } = if repeated {
            let flight = &self.network[at];
            Flight {
                segment: flight.segment.clone(),
                ..*flight
            }
        } else {
            self.network.swap_remove(at)
        };
        if let Some(member) = self.members.get_mut(&to).filter(|_| !lost) {
            let segment = if mixed {
                passed_off(segment, member)
            } else {
                segment
            };
            member.receive(from, segment);
        }
        true
    }

    /// Lets the world see what members did since the last look.
    pub(crate) fn look(&mut self) -> Result<(), Violation> {
        let mut removed = NodeSet::EMPTY;
        for (node, member) in &mut self.members {
            let view = member.facts.view.as_ref().map(|view| view.id);
            let era = view.and_then(|view| self.eras.get(&view).copied());
            let wire = member.wire.drain(..);
            self.network.extend(wire.map(|(to, segment)| Flight {
                from: *node,
                to,
                segment,
            }));
            for event in std::mem::take(&mut member.events) {
                let oracle = &mut self.oracle;
                match event {
                    Event::Published { hive, tag } => oracle.published(*node, tag, &hive)?,
                    Event::Applied { update } => {
                        oracle.applied(*node, era.unwrap_or_default(), &update)?;
                    }
                    Event::Opened => member.era = era.unwrap_or_default(),
                    Event::Done { ticket, result } => {
                        let view = member.facts.view.as_ref();
                        let members = view.map_or(NodeSet::EMPTY, |view| view.members);
                        let alive = members.difference(self.down.keys().copied().collect());
                        oracle.done(ticket, member.era, alive, result);
                    }
                    Event::Remove { nodes } => removed = removed.union(nodes),
                    Event::Repaired { next } => {
                        if let Some(regroup) = &mut self.regroup {
                            regroup.repaired(*node, next);
                        }
                    }
                    Event::Closed {
                        view,
                        next,
                        delivered,
                    } => oracle.closed(*node, view, next, delivered)?,
                    Event::Reconciled { tag } => {
                        let regroup = self.regroup.as_mut();
                        if let Some(regroup) = regroup.filter(|r| r.awaits(*node, view)) {
                            regroup.reconciled = Some((*node, tag));
                        }
                    }
                    Event::WitnessFailed => {}
                    Event::LeftBehind => removed.insert(*node),
                    Event::Failed { readable } => {
                        return Err(format!("{node:?} failed, readable: {readable}"));
                    }
                }
            }
        }
        removed.iter().for_each(|node| self.crash(node));
        self.oracle.locks(&self.lock_owners())
    }

    fn lock_owners(&self) -> Vec<(ViewId, NodeId)> {
        let members = self.members.values();
        let owners = members.filter(|member| {
            member.facts.ready && member.facts.lock_owner == Some(member.facts.me)
        });
        owners
            .filter_map(|member| Some((member.facts.view.as_ref()?.id, member.facts.me)))
            .collect()
    }
}

/// The segment as if it were of the receiver's view.
fn passed_off(mut segment: Segment<Message>, receiver: &Member) -> Segment<Message> {
    if let (
        Segment::Data { view, .. }
        | Segment::Request { view, .. }
        | Segment::Acknowledge { view, .. },
        Some(current),
    ) = (&mut segment, &receiver.facts.view)
    {
        *view = current.id;
    }
    segment
}

fn seeded_disk(plan: &Plan) -> DiskModel {
    let tag = base::PaxosTag {
        next_epoch: 1,
        last_epoch: 1,
        sequence: 1,
    };
    let mut disk = DiskModel::default();
    disk.perform(DiskRequest::Replace {
        file: FileName::Hive,
        bytes: image(&Arc::new(Hive::default()), tag),
    });
    disk.lies = plan.disks_lie;
    disk
}
