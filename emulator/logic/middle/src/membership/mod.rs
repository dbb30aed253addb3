//! The membership manager: gossip, regroup and join (seed 001, Membership Manager).
//!
//! Duty: bring all nodes that can all reach each other to one view, in stages. Opening gossips who
//! reaches whom; closing lets one coordinator propose a view that every member promises itself to;
//! members that do not answer are pruned by a new round. Promises name the state of each member's
//! replica, so that whoever opens the view knows what its members bring. Serves seed 001 Membership
//! Manager 1 to 3 and the join policy: a node outside a running cluster is taken in by the view's
//! leader once it reaches every member; an active node that the surviving view leaves out is told
//! and must rejoin. A node that was told not to form waits for a cluster to join; of two active
//! sides the one that descends from the later administrator's word stays, the other one ends
//! (reference section 4.3).
//!
//! Publishes the view. Deliberately not done here: votes (quorum), bringing replicas together
//! (gum), whom to quarantine (resilience).

mod clique;
mod join;
mod messages;
mod quarantine;
mod regroup;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Manager, NodeId, NodeSet, Notice, Outbox, RegroupStage, Timers, Timestamp, ViewId};

pub use messages::{Input, Message, Output};
pub use view::{MemberReport, Standing, Synchronised, UpdateKey, View};

use crate::Context;
use clique::Gossip;

/// What the manager waits for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum State {
    /// For the database to open.
    #[default]
    Dormant,
    /// In a view, or alone between two attempts to find others.
    Stable,
    /// For everybody's gossip of this epoch.
    ExpectGossip,
    /// For the coordinator's proposal.
    ExpectProposal,
    /// As coordinator: for everybody's promise.
    ExpectPromises {
        view: ViewId,
        members: NodeSet,
        promises: BTreeMap<NodeId, MemberReport>,
    },
    /// As a member of a proposed view: for the repair of the old view's multicasts.
    ExpectRepair { view: ViewId, members: NodeSet },
    /// For the view that this node has promised itself to.
    ExpectInstall { view: ViewId },
}

#[derive(Clone, Copy)]
enum Timer {
    /// Repeat what is unanswered.
    Tick,
    /// The opening stage has lasted long enough.
    Opening,
    /// The closing stage has lasted long enough.
    Stage,
    /// A node outside any cluster looks for one again.
    Join,
    /// Tell active nodes outside the view that they are out.
    Exclude,
    /// An active node has been without quorum for as long as the others wait for it to end.
    Undecided,
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Membership {
    state: State,
    /// The highest epoch seen.
    epoch: u64,
    /// Gossip of the current epoch, this node's included.
    gossip: BTreeMap<NodeId, Gossip>,
    /// The last view promised to.
    promised: Option<ViewId>,
    /// The nodes that were configured when this node last looked.
    configured: NodeSet,
    /// As coordinator: members that have not said that they installed the view.
    uninstalled: NodeSet,
    /// Nodes outside the view that were heard of and not known to be joining.
    strangers: NodeSet,
    /// Members that were lost since the last view, with the life that they had in it.
    lost: BTreeMap<NodeId, base::Incarnation>,
    /// Nodes taken out because they did not answer, with the life in which they were and when; see
    /// `keeps_out`.
    removed: BTreeMap<NodeId, (Option<base::Incarnation>, Timestamp)>,
    /// Quarantined nodes that were turned away, with the life in which they were.
    turned_away: BTreeMap<NodeId, base::Incarnation>,
    /// This node was turned away in this life.
    quarantined: bool,
    active: bool,
    /// The epoch of the last view that opened with this node; 0 before the first.
    opened: u64,
    /// When an active node began to look for a view with quorum.
    undecided_since: Timestamp,
    /// When this life began to look for others.
    started: Timestamp,
    holds_witness: bool,
    /// The administrator's word that the cluster this node is active in rests on.
    forced: Option<NodeSet>,
    timers: Timers<6>,
}

impl Membership {
    /// Whether this node has been in an open view in this life.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Whether this node wants to join and is kept out, because it is quarantined.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.quarantined && !self.active
    }

    fn arm(&mut self, cx: &Context<'_>, timer: Timer, span: std::time::Duration) {
        self.timers.set(timer as usize, cx.now.mono + span);
    }

    /// Members of the installed view, or nobody.
    fn members(cx: &Context<'_>) -> NodeSet {
        cx.facts
            .view
            .as_ref()
            .map_or(NodeSet::EMPTY, |view| view.members)
    }

    /// Whether this node is in a view that has quorum and is open.
    fn is_settled(&self, cx: &Context<'_>) -> bool {
        self.state == State::Stable && self.active && cx.facts.ready
    }

    /// Whether this node speaks for its open view towards those outside.
    fn leads(&self, cx: &Context<'_>) -> bool {
        self.is_settled(cx)
            && cx
                .facts
                .view
                .as_ref()
                .is_some_and(|view| view.leader() == cx.facts.me)
    }

    fn notice_stage(&self, stage: RegroupStage, out: &mut Outbox<Output>) {
        out.push(Output::Notice(Notice::Regroup {
            epoch: self.epoch,
            stage,
        }));
    }

    fn install(&mut self, cx: &mut Context<'_>, view: &Arc<View>, out: &mut Outbox<Output>) {
        let gone = Self::members(cx).difference(view.members);
        self.timers.clear(Timer::Stage as usize);
        self.timers.clear(Timer::Opening as usize);
        self.timers.clear(Timer::Tick as usize);
        self.state = State::Stable;
        // Former members that can still be reached may not have noticed that they are out.
        self.strangers = gone;
        if !gone.is_empty() {
            self.arm(cx, Timer::Exclude, join::EXCLUDE_INTERVAL);
        }
        out.push(Output::Notice(Notice::ViewInstalled {
            view: view.id,
            members: view.members,
        }));
        if self.active {
            for node in gone.iter() {
                out.push(Output::Notice(Notice::NodeRemoved { node }));
            }
        }
        self.tell_restored(view, out);
        out.push(Output::Publish {
            view: Arc::clone(view),
        });
        self.rearm_join(cx);
    }
}

impl Manager for Membership {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        if self.state == State::Dormant && input != Input::Start {
            return;
        }
        match input {
            Input::Start => {
                self.started = cx.now.mono;
                self.configured = cx.facts.settings.nodes.keys().copied().collect();
                self.open(cx, self.epoch + 1, out);
            }
            Input::PeerFound { peer } => self.peer_found(cx, peer, out),
            Input::PeerLost { peer } => self.peer_lost(cx, peer, out),
            Input::Message { from, message } => self.message(cx, from, message, out),
            Input::Remove { nodes } if nodes.contains(cx.facts.me) => out.push(Output::Excluded),
            Input::Remove { nodes } => self.remove(cx, nodes, out),
            Input::Arbitrating => self.allow_arbitration(cx),
            // Of a view that this node has left already, the word comes too late.
            Input::QuorumHeld { forced } if self.state == State::Stable => {
                self.timers.clear(Timer::Undecided as usize);
                self.forced = forced;
            }
            Input::QuorumHeld { .. } => {}
            Input::Repaired { next } => self.repaired(cx, next, out),
            Input::Opened => {
                self.active = true;
                self.opened = cx.facts.view.as_ref().map_or(0, |view| view.id.epoch);
                self.timers.clear(Timer::Join as usize);
            }
            Input::SettingsChanged => self.reconfigured(cx, out),
            Input::Witness { held } => self.holds_witness = held,
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        const TICK: usize = Timer::Tick as usize;
        const OPENING: usize = Timer::Opening as usize;
        const STAGE: usize = Timer::Stage as usize;
        const JOIN: usize = Timer::Join as usize;
        const EXCLUDE: usize = Timer::Exclude as usize;
        const UNDECIDED: usize = Timer::Undecided as usize;
        while let Some(timer) = self.timers.pop_due(cx.now.mono) {
            match timer {
                TICK => self.tick(cx, out),
                OPENING => self.close(cx, out),
                STAGE => {
                    self.notice_stage(RegroupStage::Pruning, out);
                    self.open(cx, self.epoch + 1, out);
                }
                JOIN => self.join_again(cx, out),
                EXCLUDE => self.exclude(cx, out),
                // The survivors may have gone on: what this node still runs must end with it.
                UNDECIDED => out.push(Output::Excluded),
                _ => {}
            }
        }
    }

    fn check(&self, cx: &Context<'_>) {
        if let State::ExpectPromises {
            members, promises, ..
        } = &self.state
        {
            assert!(promises.keys().all(|node| members.contains(*node)));
        }
        if let (Some(view), Some(promised)) = (&cx.facts.view, self.promised) {
            assert!(
                view.id.epoch <= promised.epoch,
                "a view was installed without a promise"
            );
        }
    }
}
