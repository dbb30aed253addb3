//! The checkers: one file each, with the clause it stands for.
//!
//! They look only when something has changed that could be seen and every ten seconds of virtual
//! time, never on the heartbeat path. Each
//! is proven by a history that breaks its rule. A checker that has found something falls silent,
//! because one broken rule tends to break again at every step.

mod address_unique;
mod bounds;
mod causal_order;
mod dependency_order;
mod durability;
mod epochs;
mod isolation;
mod local_commit;
mod name_owned_once;
mod one_primary;
mod replica_tags;
mod reply_truth;
mod reservation;
mod shared_volume;
mod single_owner;
mod stale_life;
mod states;
mod update_order;
mod view_agreement;
mod virtual_synchrony;
mod votes;
mod witness_rule;

mod grace;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::fmt;

use base::{
    DiskId, HaltReason, HostId, Incarnation, NodeId, NodeSet, Notice, QuorumState, RequestId,
    ResourceId, Timestamp,
};
use node::Picture;
use plan::Plan;
use top::api::AdminReply;

use crate::hosts::{Outside, RunChange};
use crate::world::Asked;

/// Why a life of a cluster service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By its own decision.
    Halted(HaltReason),
    /// Its process died.
    Killed,
    /// Its machine lost power.
    Power,
}

/// One change that could be seen.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Only time passed: some rules are broken by what does not happen.
    Time,
    /// A node shows another state; the scene still has the one before.
    Picture(&'a Picture),
    /// A node said something.
    Notice {
        /// Who.
        node: NodeId,
        /// What.
        notice: &'a Notice,
    },
    /// A life began.
    Started {
        /// Whose.
        node: NodeId,
        /// Which.
        incarnation: Incarnation,
    },
    /// A life ended.
    Ended {
        /// Whose.
        node: NodeId,
        /// How.
        why: Ended,
    },
    /// A machine froze.
    Frozen {
        /// Which.
        node: NodeId,
    },
    /// A machine goes on.
    Thawed {
        /// Which.
        node: NodeId,
    },
    /// A resource really runs somewhere, or no longer.
    Runs(RunChange),
    /// A resource was opened in a host.
    Opened {
        /// Where.
        node: NodeId,
        /// In which host.
        host: HostId,
        /// Which.
        resource: ResourceId,
    },
    /// The target has another holder for a disk.
    Holder {
        /// Which disk.
        disk: DiskId,
        /// Who.
        holder: Option<NodeId>,
        /// Not by a node's driver, but by a fault.
        outsider: bool,
    },
    /// A node wrote to the file system of a cluster shared volume, and the disk took it.
    FileSystemWritten {
        /// Which disk.
        disk: DiskId,
        /// Who.
        node: NodeId,
        /// Who holds the reservation of the disk.
        holder: Option<NodeId>,
    },
    /// The witness share has another holder.
    ShareHolder {
        /// Who.
        holder: Option<NodeId>,
    },
    /// A node's own disk refused an operation, and the node knows.
    LocalDiskFailed {
        /// Whose.
        node: NodeId,
    },
    /// An administrator got an answer.
    Replied {
        /// From where.
        node: NodeId,
        /// To what.
        request: RequestId,
        /// Which.
        reply: &'a AdminReply,
    },
}

/// The world as checkers see it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// World time.
    pub now: Timestamp,
    /// What the world was built from.
    pub plan: &'a Plan,
    /// What each running node last showed.
    pub pictures: &'a [Option<Picture>],
    /// What resources have put into the world.
    pub outside: &'a Outside,
    /// Administrators' requests.
    pub asked: &'a BTreeMap<RequestId, Asked>,
    /// Nodes whose service runs, frozen ones included.
    pub running: NodeSet,
    /// Nodes whose machine is frozen.
    pub frozen: NodeSet,
    /// How much waits in the world's queue.
    pub queued: usize,
}

impl<'a> Scene<'a> {
    /// A node's name.
    pub(crate) fn node(&self, node: NodeId) -> String {
        self.plan.names.of_node(node)
    }

    /// The names of nodes.
    pub(crate) fn nodes(&self, nodes: NodeSet) -> String {
        self.plan.names.of_nodes(nodes)
    }

    /// What each node shows once a change of one picture is taken into account.
    pub(crate) fn shown(
        &self,
        change: &'a Change<'a>,
    ) -> impl Iterator<Item = &'a Picture> + use<'a> {
        let new = match change {
            Change::Picture(picture) => Some(*picture),
            _ => None,
        };
        let old = self.pictures.iter().flatten();
        let old = old.filter(move |it| new.is_none_or(|new| new.node != it.node));
        old.chain(new)
    }
}

/// Whether a node claims to be an active member of a quorate view.
pub(crate) fn is_active(picture: &Picture) -> bool {
    picture.ready && picture.quorum == QuorumState::Held && picture.view.is_some()
}

/// One rule that must hold at all times.
pub trait Checker: fmt::Debug {
    /// Its name in reports and lab files.
    fn name(&self) -> &'static str;

    /// What it stands for: clauses of the register, or the section of the design.
    fn clause(&self) -> &'static str;

    /// Looks at a change; an error says in words what is broken.
    ///
    /// # Errors
    /// The rule does not hold.
    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String>;
}

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Timestamp,
    /// Which checker found it.
    pub checker: &'static str,
    /// What the checker stands for.
    pub clause: &'static str,
    /// In words.
    pub what: String,
}

/// All checkers, and what they have found.
#[derive(Debug)]
pub struct Jury {
    checkers: Vec<Box<dyn Checker>>,
    violations: Vec<Violation>,
}

impl Jury {
    /// Every checker there is.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            checkers: vec![
                Box::<view_agreement::ViewAgreement>::default(),
                Box::<one_primary::OnePrimary>::default(),
                Box::<stale_life::StaleLife>::default(),
                Box::<update_order::UpdateOrder>::default(),
                Box::<durability::Durability>::default(),
                Box::<replica_tags::ReplicaTags>::default(),
                Box::<witness_rule::WitnessRule>::default(),
                Box::<votes::Votes>::default(),
                Box::<epochs::Epochs>::default(),
                Box::<local_commit::LocalCommit>::default(),
                Box::<single_owner::SingleOwner>::default(),
                Box::<reservation::Reservation>::default(),
                Box::<shared_volume::SharedVolume>::default(),
                Box::<dependency_order::DependencyOrder>::default(),
                Box::<states::States>::default(),
                Box::<isolation::Isolation>::default(),
                Box::<address_unique::AddressUnique>::default(),
                Box::<name_owned_once::NameOwnedOnce>::default(),
                Box::<reply_truth::ReplyTruth>::default(),
                Box::<bounds::Bounds>::default(),
                Box::<virtual_synchrony::VirtualSynchrony>::default(),
                Box::<causal_order::CausalOrder>::default(),
            ],
            violations: Vec::new(),
        }
    }

    /// Names and clauses of the checkers that judge.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.checkers.iter().map(|it| (it.name(), it.clause()))
    }

    /// What was found so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Lets only those judge that `keep` says yes to.
    pub fn keep(&mut self, keep: impl Fn(&str) -> bool) {
        self.checkers.retain(|checker| keep(checker.name()));
    }

    /// Shows a change to everyone.
    pub fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) {
        let violations = &mut self.violations;
        self.checkers.retain_mut(|checker| {
            let Err(what) = checker.see(scene, change) else {
                return true;
            };
            violations.push(Violation {
                at: scene.now,
                checker: checker.name(),
                clause: checker.clause(),
                what,
            });
            false
        });
    }
}
