//! The global update manager: one lock, one order, all or nothing (seed 001, Global Update
//! Manager).
//!
//! Duty: bring the members of a quorate view to one replica, then carry updates to all of them in
//! one order. Only the lock owner sends. An update is agreed to durably by every member before
//! anybody applies it; a member that does not answer is taken out of the membership. The lock is a
//! token: wishes go to everybody, the owner hands it on with the list of who waits (after Suzuki
//! and Kasami), so nobody waits for ever.
//!
//! Where DatabaseReadWriteMode says so, a majority is enough: of the members and by the votes of
//! the nodes, so that every later view with quorum has a member that agreed. A member that is
//! slower than that catches up in the order of the updates.
//!
//! Publishes `ready` and the lock owner. Deliberately not done here: keeping anything
//! (database).

mod lock;
mod messages;
mod synchronise;
#[cfg(test)]
mod tests;
mod update;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::limits::PROPOSALS_MAX;
use base::{Manager, NodeId, NodeSet, Outbox, QuorumState, Timers, Timestamp};

pub use messages::{Failure, Input, Message, Output, Ticket};

use crate::Context;
use crate::database::{Change, Snapshot, Update};
use crate::membership::{Standing, View};
use lock::Token;
use update::Current;

/// Messages that wait until this member's view is open.
const EARLY_MAX: usize = 4_096;

/// Where this member stands in the current view.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum Phase {
    /// No view, or no quorum in it.
    #[default]
    Closed,
    /// Promised to another view: whatever the old one still says is void, even that it has quorum,
    /// because the promise named the replica's state.
    Promised,
    /// Quorate; waiting for what the witness copy brought to one member.
    ExpectReconciled { node: NodeId },
    /// As source of a cluster about to form: waiting for the new epoch to be durable.
    ExpectEpoch,
    /// Waiting for the source's snapshot.
    ExpectSnapshot,
    /// Waiting for the snapshot to be durable.
    ExpectInstalled,
    /// Waiting for every other member to be as far.
    ExpectOpen,
    /// Waiting for the update that the snapshot carried as agreed to be applied.
    ExpectLast { number: u64 },
    /// Updates flow.
    Open,
}

enum Timer {
    Reply,
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Gum {
    phase: Phase,
    source: Option<NodeId>,
    /// As source: number of the synchronisation.
    number: u64,
    formed: bool,
    /// The view has quorum by an administrator's word.
    forced: bool,
    /// As source: members that are not synchronised yet.
    awaiting: NodeSet,
    /// What came before this member was ready for it.
    early: VecDeque<(NodeId, Message)>,
    /// The lock, while it is here.
    token: Option<Token>,
    /// How many wishes for the lock each member has made in this view.
    wishes: BTreeMap<NodeId, u64>,
    /// This node has wished and not been served.
    wishing: bool,
    proposals: VecDeque<(Ticket, Vec<Change>)>,
    current: Option<Current>,
    /// Who waits for the local database to agree to which update.
    asked: BTreeMap<u64, NodeId>,
    /// Updates that came before the ones that go before them.
    ahead: BTreeMap<u64, (NodeId, Update)>,
    /// Everything up to this number is committed, as far as this member was told.
    committed: u64,
    /// Updates that the local database has agreed to while the view's quorum was in doubt.
    withheld: BTreeSet<u64>,
    timers: Timers<1>,
}

impl Gum {
    fn view<'a>(cx: &Context<'a>) -> Option<&'a View> {
        cx.facts.view.as_deref()
    }

    fn members(cx: &Context<'_>) -> NodeSet {
        Self::view(cx).map_or(NodeSet::EMPTY, |view| view.members)
    }

    fn to_all(cx: &Context<'_>, message: Message, out: &mut Outbox<Output>) {
        out.push(Output::Send {
            to: Self::members(cx),
            message,
        });
    }

    fn arm(&mut self, cx: &Context<'_>) {
        let patience = cx.facts.settings.generation.defaults().update_reply_timeout;
        self.timers
            .set(Timer::Reply as usize, cx.now.mono + patience);
    }

    /// Nothing of the old view is answered or sent from here on.
    fn close(&mut self, phase: Phase, out: &mut Outbox<Output>) {
        let current = self.current.take();
        let sent = current.map(|current| (current.ticket, Failure::ViewChanged));
        let unsent = self
            .proposals
            .drain(..)
            .map(|(ticket, _)| (ticket, Failure::NotReady));
        for (ticket, failure) in sent.into_iter().chain(unsent) {
            out.push(Output::Done {
                ticket,
                result: Err(failure),
            });
        }
        if !matches!(self.phase, Phase::Closed | Phase::Promised) {
            out.push(Output::Publish {
                ready: false,
                lock_owner: None,
            });
        }
        *self = Self {
            phase,
            ..Self::default()
        };
    }

    fn propose(
        &mut self,
        cx: &Context<'_>,
        ticket: Ticket,
        changes: Vec<Change>,
        out: &mut Outbox<Output>,
    ) {
        let failure = match self.phase {
            Phase::Open if self.proposals.len() < PROPOSALS_MAX => None,
            Phase::Open => Some(Failure::Busy),
            _ => Some(Failure::NotReady),
        };
        match failure {
            Some(failure) => out.push(Output::Done {
                ticket,
                result: Err(failure),
            }),
            None => {
                self.proposals.push_back((ticket, changes));
                self.proceed(cx, out);
            }
        }
    }

    /// Tells who asked that this member agrees, unless the view has just lost the witness that it
    /// rests on: whoever has got that may be going on without this view.
    fn agree(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if cx.facts.quorum == QuorumState::Arbitrating {
            return;
        }
        for number in std::mem::take(&mut self.withheld) {
            if let Some(sender) = self.asked.remove(&number) {
                out.push(Output::Send {
                    to: NodeSet::one(sender),
                    message: Message::Prepared { number },
                });
            }
        }
    }

    fn message(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        message: Message,
        out: &mut Outbox<Output>,
    ) {
        if self.phase == Phase::Promised {
            return;
        }
        if !self.is_ready_for(&message) {
            // Members that keep to the protocol stay far below the bound; others get no answer.
            if self.early.len() < EARLY_MAX {
                self.early.push_back((from, message));
            }
            return;
        }
        match message {
            Message::Reconciled { standing } => {
                self.choose_source(cx, Some((from, standing)), out);
                self.replay(cx, out);
            }
            Message::Synchronise { snapshot } => self.snapshot(from, snapshot, out),
            Message::Synchronised => self.synchronised(cx, from, out),
            Message::Open { next } => self.open(cx, next, out),
            Message::LockWanted { request } => self.wanted(cx, from, request, out),
            Message::Lock {
                served,
                waiting,
                next,
            } => {
                self.locked(
                    cx,
                    Token {
                        served,
                        waiting: waiting.into(),
                        next,
                    },
                    out,
                );
            }
            Message::Prepare { update } => self.prepare(cx, from, update, out),
            Message::Prepared { number } => self.agreed(cx, from, number, out),
            Message::Commit { number } => {
                self.committed = self.committed.max(number);
                out.push(Output::Commit { number });
            }
        }
    }

    /// Whether the phase has come for this message; what is too early waits.
    fn is_ready_for(&self, message: &Message) -> bool {
        match message {
            Message::Reconciled { .. } => matches!(self.phase, Phase::ExpectReconciled { .. }),
            // A second one makes an update that was agreed to one of this view.
            Message::Synchronise { .. } => {
                matches!(self.phase, Phase::ExpectSnapshot | Phase::ExpectOpen)
            }
            Message::Synchronised => !self.awaiting.is_empty(),
            Message::Open { .. } => self.phase == Phase::ExpectOpen,
            _ => self.phase == Phase::Open,
        }
    }

    /// Handles what waited and whose phase has come, in the order of arrival.
    fn replay(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        while let Some(place) = self.early.iter().position(|(_, m)| self.is_ready_for(m)) {
            if let Some((from, message)) = self.early.remove(place) {
                self.message(cx, from, message, out);
            }
        }
    }
}

impl Manager for Gum {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Propose { ticket, changes } => self.propose(cx, ticket, changes, out),
            Input::Message { from, message } => self.message(cx, from, message, out),
            Input::Promised => self.close(Phase::Promised, out),
            Input::ViewInstalled => self.close(Phase::Closed, out),
            Input::QuorumHeld { witness, forced } => {
                self.forced |= forced;
                self.quorate(cx, witness.map(|(node, _)| node), out);
            }
            Input::Prepared { number } => {
                self.withheld.insert(number);
                self.agree(cx, out);
                if number <= self.committed {
                    out.push(Output::Commit { number });
                }
                self.catch_up(cx, out);
            }
            Input::QuorumChanged => self.agree(cx, out),
            Input::Applied { update } => {
                self.applied(cx, &update, out);
                self.catch_up(cx, out);
            }
            Input::Installed => self.installed(cx, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        while self.timers.pop_due(cx.now.mono).is_some() {
            let agreed = self.current.as_ref().map(|current| current.agreed);
            let silent = agreed.map_or(self.awaiting, |nodes| Self::members(cx).difference(nodes));
            let nodes = silent.without(cx.facts.me);
            if !nodes.is_empty() {
                out.push(Output::Remove { nodes });
            }
            self.arm(cx);
        }
    }

    fn check(&self, cx: &Context<'_>) {
        assert!(
            self.current.is_none() || self.token.is_some(),
            "an update without the lock"
        );
        assert!(
            self.phase == Phase::Open || self.token.is_none(),
            "the lock in a closed view"
        );
        let closed = matches!(self.phase, Phase::Closed | Phase::Promised);
        assert!(closed || cx.facts.view.is_some());
    }
}
