//! Who is let in, who is told that it is out, and who looks for a cluster again.

use std::cmp::Ordering;
use std::time::Duration;

use base::{NodeId, NodeSet, Notice, Outbox, Timestamp};

use super::clique::Gossip;
use super::{Membership, Message, Output, State, Timer, View};
use crate::Context;

/// How often a node outside any cluster looks for one. Unsourced: a setting of this emulator.
const JOIN_INTERVAL: Duration = Duration::from_secs(3);
/// How long a joiner that did not answer is left out. Unsourced: a setting of this emulator.
const REMOVED_FOR: Duration = Duration::from_secs(60);
/// How often an active node outside the view is told so.
pub(super) const EXCLUDE_INTERVAL: Duration = Duration::from_secs(1);

impl Membership {
    pub(super) fn peer_found(
        &mut self,
        cx: &mut Context<'_>,
        peer: NodeId,
        out: &mut Outbox<Output>,
    ) {
        if self.state == State::ExpectGossip {
            self.tick(cx, out);
            self.assess(cx, out);
        } else if self.is_settled(cx) {
            // A joiner will gossip and be taken in then; a node that believes to be a member of
            // this cluster although the view has gone on without it must hear of that.
            if !Self::members(cx).contains(peer) {
                self.strangers.insert(peer);
                self.timers
                    .set(Timer::Exclude as usize, cx.now.mono + EXCLUDE_INTERVAL);
            }
        } else if self.state == State::Stable {
            self.open(cx, self.epoch + 1, out);
        }
    }

    pub(super) fn peer_lost(
        &mut self,
        cx: &mut Context<'_>,
        peer: NodeId,
        out: &mut Outbox<Output>,
    ) {
        self.strangers.remove(peer);
        self.note_lost(cx, peer);
        let concerns = match &self.state {
            State::ExpectPromises { members, .. } => members.contains(peer),
            State::ExpectRepair { members, .. } => members.contains(peer),
            State::ExpectInstall { view } => view.coordinator == peer,
            State::Stable => Self::members(cx).contains(peer),
            State::ExpectGossip => {
                self.gossip.remove(&peer);
                self.tick(cx, out);
                self.assess(cx, out);
                return;
            }
            State::ExpectProposal => true,
            State::Dormant => false,
        };
        if concerns {
            self.open(cx, self.epoch + 1, out);
        }
    }

    /// Remembers a member that is lost, in case it comes back before it is taken out.
    fn note_lost(&mut self, cx: &Context<'_>, peer: NodeId) {
        let view = cx.facts.view.as_ref().filter(|_| self.active);
        if let Some(report) = view.and_then(|view| view.reports.get(&peer)) {
            self.lost.insert(peer, report.incarnation);
        }
    }

    /// Members that were lost and are in the next view in the same life: communication with them
    /// was broken and is back (event 1592).
    pub(super) fn tell_restored(&mut self, view: &View, out: &mut Outbox<Output>) {
        for (peer, life) in std::mem::take(&mut self.lost) {
            let report = view.reports.get(&peer);
            if report.is_some_and(|report| report.active && report.incarnation == life) {
                out.push(Output::Notice(Notice::ConnectionRestored { peer }));
            }
        }
    }

    pub(super) fn message(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        message: Message,
        out: &mut Outbox<Output>,
    ) {
        match message {
            Message::Gossip {
                epoch,
                incarnation,
                reachable,
                heard,
                active,
                authority,
                joins_only,
                clears_quarantine,
            } => {
                let gossip = Gossip {
                    incarnation,
                    reachable,
                    heard,
                    active,
                    authority,
                    joins_only,
                    clears_quarantine,
                };
                self.gossiped(cx, from, epoch, gossip, out);
            }
            Message::Propose { view, members } => self.proposed(cx, view, members, out),
            Message::Promise { view, report } => self.promised_by(cx, from, view, report, out),
            Message::Install { view } => self.installed(cx, from, &view, out),
            Message::Installed { view } => {
                if cx.facts.view.as_ref().is_some_and(|known| known.id == view) {
                    self.uninstalled.remove(from);
                }
            }
            Message::Excluded {
                view,
                members,
                authority,
            } if self.active => {
                // Views that this node has tried since without quorum say nothing.
                let left_out = self.opened < view.epoch && !members.contains(cx.facts.me);
                match authority.cmp(&cx.facts.tag.authority()) {
                    Ordering::Greater => out.push(Output::Superseded),
                    Ordering::Equal if left_out => out.push(Output::Excluded),
                    Ordering::Equal | Ordering::Less => {}
                }
            }
            Message::Excluded { .. } => {}
            Message::Quarantined => self.told_of_quarantine(out),
        }
    }

    /// Whether two active sides have met, of which one descends from a later administrator's word:
    /// that one stays, and nothing of the two is brought together.
    fn met_another_side(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        gossip: &Gossip,
        out: &mut Outbox<Output>,
    ) -> bool {
        if !self.active || !gossip.active {
            return false;
        }
        match gossip.authority.cmp(&cx.facts.tag.authority()) {
            Ordering::Greater => out.push(Output::Superseded),
            Ordering::Less => {
                self.strangers.insert(from);
                self.arm(cx, Timer::Exclude, EXCLUDE_INTERVAL);
            }
            Ordering::Equal => return false,
        }
        true
    }

    fn gossiped(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        epoch: u64,
        gossip: Gossip,
        out: &mut Outbox<Output>,
    ) {
        let unwelcome = self.keeps_out(cx, from, &gossip);
        if unwelcome
            || self.quarantines(cx, from, &gossip, out)
            || self.met_another_side(cx, from, &gossip, out)
        {
            return;
        }
        let outsider = !Self::members(cx).contains(from) || self.is_new_life(cx, from, &gossip);
        if self.is_settled(cx) && outsider {
            self.knocked(cx, from, epoch, &gossip, out);
            return;
        }
        if epoch > self.epoch {
            self.open(cx, epoch, out);
        }
        if epoch == self.epoch {
            self.hear(cx, from, gossip, out);
        }
    }

    /// Whether `from` was taken out and this is still the life in which it was. A life that never
    /// was a member does not end by being left out; after a while it may try once more. Nor does a
    /// node that is no member keep those out for ever whom it once had to do without.
    fn keeps_out(&mut self, cx: &Context<'_>, from: NodeId, gossip: &Gossip) -> bool {
        let Some((life, at)) = self.removed.get(&from).copied() else {
            return false;
        };
        let another = life.is_some_and(|life| life != gossip.incarnation);
        let again = !(gossip.active && self.active) && is_over(cx, at);
        if another || again {
            self.removed.remove(&from);
        }
        !another && !again
    }

    /// Whether `from` is in the view with an earlier life.
    fn is_new_life(&self, cx: &Context<'_>, from: NodeId, gossip: &Gossip) -> bool {
        let report = cx
            .facts
            .view
            .as_ref()
            .and_then(|view| view.reports.get(&from));
        report.is_some_and(|report| report.incarnation != gossip.incarnation)
    }

    /// Takes members out of the view.
    pub(super) fn remove(
        &mut self,
        cx: &mut Context<'_>,
        nodes: NodeSet,
        out: &mut Outbox<Output>,
    ) {
        let view = cx.facts.view.clone();
        for node in nodes.iter() {
            let report = view.as_ref().and_then(|view| view.reports.get(&node));
            let life = report.map(|report| report.incarnation);
            self.removed.insert(node, (life, cx.now.mono));
        }
        self.open(cx, self.epoch + 1, out);
    }

    /// The set of configured nodes may have changed: an evicted member leaves the view, and this
    /// node ends if it is the one.
    pub(super) fn reconfigured(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let now: NodeSet = cx.facts.settings.nodes.keys().copied().collect();
        let evicted = std::mem::replace(&mut self.configured, now).difference(now);
        if !self.active || evicted.is_empty() {
            return;
        }
        for node in evicted.iter() {
            out.push(Output::Notice(Notice::NodeEvicted { node }));
        }
        if evicted.contains(cx.facts.me) {
            out.push(Output::Evicted);
        } else if !evicted.intersection(Self::members(cx)).is_empty() {
            self.remove(cx, evicted, out);
        }
    }

    /// Somebody outside the open view gossips.
    fn knocked(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        epoch: u64,
        gossip: &Gossip,
        out: &mut Outbox<Output>,
    ) {
        if gossip.active {
            self.strangers.insert(from);
            self.exclude(cx, out);
            return;
        }
        self.strangers.remove(from);
        let meshed = Self::members(cx).without(from).is_subset(gossip.reachable);
        if meshed && cx.bottom.reachable.contains(from) && self.leads(cx) {
            self.open(cx, self.epoch.max(epoch) + 1, out);
        }
    }

    /// Tells active nodes outside the view that the cluster goes on without them.
    pub(super) fn exclude(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let to = self.strangers.intersection(cx.bottom.reachable);
        let Some(view) = &cx.facts.view else { return };
        let to = to.difference(view.members);
        self.strangers = to;
        if to.is_empty() {
            return;
        }
        // An undecided view says nothing; the wish stays.
        self.arm(cx, Timer::Exclude, EXCLUDE_INTERVAL);
        if self.is_settled(cx) {
            out.push(Output::Send {
                to,
                message: Message::Excluded {
                    view: view.id,
                    members: view.members,
                    authority: cx.facts.tag.authority(),
                },
            });
        }
    }

    /// After a view: a node that is in no running cluster goes on looking for one.
    pub(super) fn rearm_join(&mut self, cx: &Context<'_>) {
        if !self.active {
            self.timers
                .set(Timer::Join as usize, cx.now.mono + JOIN_INTERVAL);
        }
    }

    pub(super) fn join_again(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let others: NodeSet = cx.bottom.reachable.difference(Self::members(cx));
        let waiting = cx.facts.quorum == base::QuorumState::Absent;
        if self.state == State::Stable && !self.active && waiting && !others.is_empty() {
            self.open(cx, self.epoch + 1, out);
        } else {
            self.rearm_join(cx);
        }
    }
}

/// Whether a node that was taken out then may be tried once more.
pub(super) fn is_over(cx: &Context<'_>, taken_out: Timestamp) -> bool {
    cx.now.mono.since(taken_out) >= REMOVED_FOR
}
