//! What a scenario is played on: the virtual world, or the real processes of a lab.
//!
//! Sessions, plays and expectations see only this, so that every backend is driven with the same
//! words and judged by the same judge. A stage moves time and reports what is true in it; it
//! decides nothing about a lab file.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskId, NodeId, NodeSet, PaxosTag, RequestId, ResourceId, StartMode, Timestamp};
use middle::settings::Witness;
use node::Picture;
use plan::Plan;
use top::api::AdminCommand;
use top::restype::CheckpointKey;

use crate::FaultId;
use crate::checkers::Violation;
use crate::hosts::Outside;
use crate::log::Log;
use crate::net::{Networks, Rule};
use crate::service::Service;
use crate::share::Share;
use crate::tap::FrameSeen;
use crate::workload::{Client, Look};
use crate::world::{Asked, Fault, Life, Stop, World};

/// A fault that a backend has no way to make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("backend `{backend}` cannot do this: {what}")]
pub struct Unable {
    /// The backend's word.
    pub backend: &'static str,
    /// What is missing, in words.
    pub what: String,
}

/// Where a lab runs.
pub trait Stage {
    /// The backend's word in commands and reports.
    fn backend(&self) -> &'static str;
    /// What the lab was built from.
    fn plan(&self) -> &Plan;
    /// Time since the lab began.
    fn now(&self) -> Timestamp;
    /// How late, by its own time, whatever happens may be seen, because computing takes time.
    fn lateness(&self) -> Duration {
        Duration::ZERO
    }
    /// Grows with everything that could be seen from outside.
    fn changes(&self) -> u64;
    /// Lets time pass until something changes that could be seen, at most to `limit`.
    fn run_to_change(&mut self, limit: Timestamp) -> Stop;

    /// What runs on a member's machine.
    fn life(&self, node: NodeId) -> Life;
    /// Members whose cluster service runs on a machine that is not frozen.
    fn live(&self) -> NodeSet;
    /// What a node last showed; nothing while its service does not run.
    fn picture(&self, node: NodeId) -> Option<&Picture>;
    /// The networks and what is wrong with them.
    fn networks(&self) -> &Networks;
    /// What resources have put into the world.
    fn outside(&self) -> &Outside;
    /// The witness share, if the lab has one.
    fn share(&self) -> Option<&Share>;
    /// Who holds the reservation of a disk, by the target itself.
    fn holder(&self, disk: DiskId) -> Option<NodeId>;
    /// Whether commands of a node get to a disk and are answered as they should.
    fn serves(&self, node: NodeId, disk: DiskId) -> bool;
    /// The tag of the copy of the cluster database on the witness disk; none where no copy is kept.
    fn witness_tag(&self) -> Option<PaxosTag>;
    /// Whether what a resource stands for is broken where it runs on a node.
    fn is_broken(&self, node: NodeId, resource: ResourceId) -> bool;

    /// Everything that nodes and the lab have said.
    fn log(&self) -> &Log;
    /// The frames that nodes have sent, where the backend was told to record them and can.
    fn frames(&self) -> Option<&[FrameSeen]> {
        None
    }
    /// Notes what a scenario does, in its own words.
    fn note_step(&mut self, text: &str);
    /// Lets only those checkers judge that `keep` says yes to.
    fn keep_checkers(&mut self, keep: &dyn Fn(&str) -> bool);
    /// The rules that did not hold.
    fn violations(&self) -> &[Violation];
    /// Hash of everything that happened; equal for equal seeds where a backend has seeds.
    fn trace_hash(&self) -> String;

    /// A number for a fault that is about to be made; one number may stand for many faults, which
    /// then heal together.
    fn next_fault(&mut self) -> FaultId;
    /// Makes a fault.
    ///
    /// # Errors
    /// The backend has no way to make it.
    fn make(&mut self, id: FaultId, fault: Fault) -> Result<(), Unable>;
    /// Makes many network faults of one number at once.
    fn make_rules(&mut self, id: FaultId, rules: Vec<Rule>);
    /// Takes these network rules away, whatever fault made them.
    fn lift_network_rules(&mut self, rules: &[Rule]);
    /// Takes everything away that faults of this number did.
    fn heal(&mut self, id: FaultId);

    /// An administrator asks a node. Without a live service there, no answer ever comes.
    fn ask(&mut self, node: NodeId, command: AdminCommand) -> RequestId;
    /// An administrator's request and what became of it.
    fn asked(&self, request: RequestId) -> Option<&Asked>;

    /// What a background client has seen since it was last asked; here: what it would see now.
    fn look(&mut self, client: &Client) -> Vec<Look> {
        vec![(self.now(), client.is_answered(self))]
    }

    /// An administrator starts the cluster service of a node that is no active member.
    ///
    /// # Errors
    /// The backend has no way to do it.
    fn start_service(&mut self, _node: NodeId, _start: StartMode) -> Result<(), Unable> {
        let what = "start the cluster service of a node with an option".to_owned();
        let backend = self.backend();
        Err(Unable { backend, what })
    }

    /// An administrator stops the cluster service of a node in order.
    ///
    /// # Errors
    /// The backend has no way to do it.
    fn stop_service(&mut self, _node: NodeId) -> Result<(), Unable> {
        let what = "stop the cluster service of a node".to_owned();
        let backend = self.backend();
        Err(Unable { backend, what })
    }

    /// Whether a machine can be set up anew as a node that an administrator adds.
    ///
    /// # Errors
    /// The backend has no way to do it.
    fn can_set_up(&self) -> Result<(), Unable> {
        let what = "set up a node that is added".to_owned();
        let backend = self.backend();
        Err(Unable { backend, what })
    }

    /// What the registry and the key store of a node's machine have, where they can be seen.
    fn registry(&self, _node: NodeId) -> Option<BTreeMap<CheckpointKey, Vec<u8>>> {
        None
    }

    /// A program on a node's machine writes into its registry.
    ///
    /// # Errors
    /// The backend has no registry that it could reach.
    fn write_registry(
        &mut self,
        _node: NodeId,
        _key: CheckpointKey,
        _data: Vec<u8>,
    ) -> Result<(), Unable> {
        let what = "write into a node's registry".to_owned();
        let backend = self.backend();
        Err(Unable { backend, what })
    }
}

impl<S: Service> Stage for World<S> {
    fn backend(&self) -> &'static str {
        "sim"
    }

    fn plan(&self) -> &Plan {
        self.plan()
    }

    fn now(&self) -> Timestamp {
        self.now()
    }

    fn changes(&self) -> u64 {
        self.changes()
    }

    fn run_to_change(&mut self, limit: Timestamp) -> Stop {
        self.run_to_change(limit)
    }

    fn life(&self, node: NodeId) -> Life {
        self.life(node)
    }

    fn live(&self) -> NodeSet {
        self.live()
    }

    fn picture(&self, node: NodeId) -> Option<&Picture> {
        self.picture(node)
    }

    fn networks(&self) -> &Networks {
        self.networks()
    }

    fn outside(&self) -> &Outside {
        self.outside()
    }

    fn share(&self) -> Option<&Share> {
        self.share()
    }

    fn holder(&self, disk: DiskId) -> Option<NodeId> {
        self.storage().holder(disk)
    }

    fn serves(&self, node: NodeId, disk: DiskId) -> bool {
        let storage = self.storage();
        storage.reaches(node, disk, self.networks()) && storage.is_healthy(disk)
    }

    fn witness_tag(&self) -> Option<PaxosTag> {
        match self.plan().settings.witness {
            Witness::Disk(disk) => {
                let storage = self.storage();
                middle::database::witness_tag(|offset, bytes| storage.peek(disk, offset, bytes))
            }
            Witness::Share | Witness::Cloud | Witness::None => None,
        }
    }

    fn is_broken(&self, node: NodeId, resource: ResourceId) -> bool {
        self.is_broken(node, resource)
    }

    fn log(&self) -> &Log {
        self.log()
    }

    fn frames(&self) -> Option<&[FrameSeen]> {
        Some(self.frames())
    }

    fn note_step(&mut self, text: &str) {
        self.note_step(text);
    }

    fn keep_checkers(&mut self, keep: &dyn Fn(&str) -> bool) {
        self.keep_checkers(keep);
    }

    fn violations(&self) -> &[Violation] {
        self.jury().violations()
    }

    fn trace_hash(&self) -> String {
        self.trace().hash()
    }

    fn next_fault(&mut self) -> FaultId {
        self.next_fault()
    }

    fn make(&mut self, id: FaultId, fault: Fault) -> Result<(), Unable> {
        self.make(id, fault);
        Ok(())
    }

    fn make_rules(&mut self, id: FaultId, rules: Vec<Rule>) {
        self.make_rules(id, rules);
    }

    fn lift_network_rules(&mut self, rules: &[Rule]) {
        self.lift_network_rules(|rule| rules.contains(rule));
    }

    fn heal(&mut self, id: FaultId) {
        self.heal(id);
    }

    fn ask(&mut self, node: NodeId, command: AdminCommand) -> RequestId {
        self.ask(node, command)
    }

    fn asked(&self, request: RequestId) -> Option<&Asked> {
        self.asked(request)
    }

    fn start_service(&mut self, node: NodeId, start: StartMode) -> Result<(), Unable> {
        self.start_service_with(node, start);
        Ok(())
    }

    fn stop_service(&mut self, node: NodeId) -> Result<(), Unable> {
        self.stop_service(node);
        Ok(())
    }

    fn can_set_up(&self) -> Result<(), Unable> {
        Ok(())
    }

    fn registry(&self, node: NodeId) -> Option<BTreeMap<CheckpointKey, Vec<u8>>> {
        Some(self.registry(node).clone())
    }

    fn write_registry(
        &mut self,
        node: NodeId,
        key: CheckpointKey,
        data: Vec<u8>,
    ) -> Result<(), Unable> {
        self.write_registry(node, key, data);
        Ok(())
    }
}
