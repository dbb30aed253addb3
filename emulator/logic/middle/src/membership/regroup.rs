//! The stages of a regroup: opening, closing, and pruning by a new round.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{NodeId, NodeSet, Outbox, RegroupStage, StartMode, ViewId};

use super::clique::{self, Gossip};
use super::join::is_over;
use super::{MemberReport, Membership, Message, Output, State, Timer, View};
use crate::Context;

impl Membership {
    /// Starts or joins the regroup numbered `epoch`.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, epoch: u64, out: &mut Outbox<Output>) {
        let times = cx.facts.settings.regroup;
        if self.active && !self.timers.is_set(Timer::Undecided as usize) {
            self.arm(cx, Timer::Undecided, times.undecided_max());
            self.undecided_since = cx.now.mono;
            out.push(Output::Undecided);
        }
        self.epoch = epoch;
        self.state = State::ExpectGossip;
        self.gossip.clear();
        self.timers.clear(Timer::Stage as usize);
        self.timers.clear(Timer::Join as usize);
        self.arm(cx, Timer::Opening, times.opening);
        self.notice_stage(RegroupStage::Opening, out);
        self.tick(cx, out);
        self.assess(cx, out);
    }

    /// The view needs the witness: QuorumArbitrationTimeMax comes on top, once.
    pub(super) fn allow_arbitration(&mut self, cx: &Context<'_>) {
        if self.timers.is_set(Timer::Undecided as usize) {
            let settings = &cx.facts.settings;
            let defaults = settings.generation.defaults();
            let regroup = settings.regroup.undecided_max();
            let until = self.undecided_since + regroup + defaults.quorum_arbitration_time_max;
            self.timers.set(Timer::Undecided as usize, until);
        }
    }

    /// Repeats what this stage has to say.
    pub(super) fn tick(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let me = cx.facts.me;
        match &self.state {
            State::ExpectGossip => {
                let message = self.own_gossip(cx);
                let to = self.welcome(cx, cx.bottom.reachable).without(me);
                out.push(Output::Send { to, message });
            }
            State::ExpectPromises {
                view,
                members,
                promises,
            } => {
                let silent = members
                    .iter()
                    .filter(|node| !promises.contains_key(node))
                    .collect();
                let message = Message::Propose {
                    view: *view,
                    members: *members,
                };
                out.push(Output::Send {
                    to: silent,
                    message,
                });
            }
            State::ExpectInstall { view } => {
                let message = Message::Promise {
                    view: *view,
                    report: self.report(cx),
                };
                out.push(Output::Send {
                    to: NodeSet::one(view.coordinator),
                    message,
                });
            }
            State::Stable if !self.uninstalled.is_empty() => {
                if let Some(view) = cx.facts.view.clone() {
                    let to = self.uninstalled.intersection(cx.bottom.reachable);
                    out.push(Output::Send {
                        to,
                        message: Message::Install { view },
                    });
                }
            }
            State::Dormant | State::Stable | State::ExpectProposal | State::ExpectRepair { .. } => {
                return;
            }
        }
        let tick = cx.facts.settings.regroup.tick;
        self.arm(cx, Timer::Tick, tick);
    }

    /// Those of `nodes` that were not taken out, or long enough ago by a node that is in no running
    /// cluster itself: it has to speak first, because it is the one that looks for others.
    fn welcome(&self, cx: &Context<'_>, nodes: NodeSet) -> NodeSet {
        let over = |at| !self.active && is_over(cx, at);
        let welcome = |node: &NodeId| self.removed.get(node).is_none_or(|(_, at)| over(*at));
        nodes.iter().filter(welcome).collect()
    }

    fn own_gossip(&mut self, cx: &Context<'_>) -> Message {
        let me = cx.facts.me;
        let reachable = self.welcome(cx, cx.bottom.reachable).with(me);
        let heard = self.gossip.keys().copied().collect::<NodeSet>().with(me);
        let (incarnation, active) = (cx.facts.incarnation, self.active);
        let authority = cx.facts.tag.authority();
        let joins_only = !active && cx.facts.start == StartMode::PreventQuorum;
        let clears_quarantine = !active && cx.facts.start == StartMode::ClearQuarantine;
        self.gossip.insert(
            me,
            Gossip {
                incarnation,
                reachable,
                heard,
                active,
                authority,
                joins_only,
                clears_quarantine,
            },
        );
        Message::Gossip {
            epoch: self.epoch,
            incarnation,
            reachable,
            heard,
            active,
            authority,
            joins_only,
            clears_quarantine,
        }
    }

    /// Takes in gossip of the current epoch.
    pub(super) fn hear(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        gossip: Gossip,
        out: &mut Outbox<Output>,
    ) {
        let news = self.gossip.get(&from).is_none_or(|known| *known != gossip);
        self.gossip.insert(from, gossip);
        if self.state != State::ExpectGossip || !news {
            return;
        }
        let knew = self.has_heard_all(cx);
        let message = self.own_gossip(cx);
        self.assess(cx, out);
        // The others wait for this very word, and the next tick is far away. Said once for each
        // growth of the component, so the messages of a regroup grow with the square as before.
        if self.state == State::ExpectGossip && !knew && self.has_heard_all(cx) {
            let to = clique::component(cx.facts.me, &self.gossip).without(cx.facts.me);
            out.push(Output::Send { to, message });
        }
    }

    /// Whether this node's own row says that it has heard everybody it may be connected to.
    fn has_heard_all(&self, cx: &Context<'_>) -> bool {
        let component = clique::component(cx.facts.me, &self.gossip);
        let own = self.gossip.get(&cx.facts.me);
        own.is_some_and(|row| component.is_subset(row.heard))
    }

    /// Ends the opening stage as soon as everybody has heard everybody.
    pub(super) fn assess(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let everybody = cx.facts.settings.nodes.keys().copied().collect::<NodeSet>();
        let component = clique::component(cx.facts.me, &self.gossip);
        if !clique::is_complete(component, &self.gossip) {
            return;
        }
        // Without an active member this is a cluster about to form: whoever else is configured
        // gets the whole opening stage to show up.
        let running = self.gossip.values().any(|row| row.active);
        if running || everybody.is_subset(component) {
            // Others may not yet know that this node has heard them all: say so before closing.
            let message = self.own_gossip(cx);
            let to = component.without(cx.facts.me);
            out.push(Output::Send { to, message });
            self.close(cx, out);
        }
    }

    /// The closing stage: propose, or wait for the proposal.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let me = cx.facts.me;
        self.own_gossip(cx);
        self.timers.clear(Timer::Opening as usize);
        let eligible = clique::eligible(&self.gossip);
        if !eligible.contains_key(&me) {
            // Nothing to join yet.
            self.state = State::Stable;
            self.timers.clear(Timer::Tick as usize);
            return self.rearm_join(cx);
        }
        let stage = cx.facts.settings.regroup.stage;
        self.arm(cx, Timer::Stage, stage);
        self.notice_stage(RegroupStage::Closing, out);
        let preferred = cx.facts.settings.preferred_nodes();
        if clique::coordinator(me, &eligible, preferred) != me {
            self.state = State::ExpectProposal;
            self.timers.clear(Timer::Tick as usize);
            return;
        }
        let members = clique::clique(me, &eligible, preferred);
        let view = ViewId {
            epoch: self.epoch,
            coordinator: me,
            incarnation: cx.facts.incarnation,
        };
        if self
            .promised
            .is_some_and(|promised| promised.epoch >= view.epoch)
        {
            self.open(cx, self.epoch + 1, out);
            return;
        }
        self.state = State::ExpectPromises {
            view,
            members,
            promises: BTreeMap::new(),
        };
        self.tick(cx, out);
        let next = view;
        out.push(Output::Repair { next, members });
    }

    /// The old view's multicasts are repaired: from here on this node is bound to the new one. The
    /// promise comes after the repair, because it names what the replica holds.
    pub(super) fn repaired(
        &mut self,
        cx: &mut Context<'_>,
        next: ViewId,
        out: &mut Outbox<Output>,
    ) {
        let report = self.report(cx);
        match &mut self.state {
            State::ExpectPromises { view, promises, .. } if *view == next => {
                promises.insert(cx.facts.me, report);
                self.promise(next, out);
                self.conclude(cx, out);
            }
            State::ExpectRepair { view, .. } if *view == next => {
                self.promise(next, out);
                self.state = State::ExpectInstall { view: next };
                self.tick(cx, out);
            }
            _ => {}
        }
    }

    fn promise(&mut self, view: ViewId, out: &mut Outbox<Output>) {
        self.promised = Some(view);
        out.push(Output::Promised);
    }

    /// A coordinator proposes.
    pub(super) fn proposed(
        &mut self,
        cx: &mut Context<'_>,
        view: ViewId,
        members: NodeSet,
        out: &mut Outbox<Output>,
    ) {
        let known = self.promised.is_some_and(|promised| promised == view);
        if known && self.state == (State::ExpectInstall { view }) {
            self.tick(cx, out);
            return;
        }
        let late = view.epoch < self.epoch;
        let bound = match &self.state {
            State::ExpectPromises { view: own, .. } | State::ExpectRepair { view: own, .. } => {
                own.epoch
            }
            _ => 0,
        };
        let promised = self.promised.map_or(0, |promised| promised.epoch);
        let taken = bound.max(promised) >= view.epoch;
        if late || taken || !members.contains(cx.facts.me) {
            return;
        }
        self.epoch = view.epoch;
        self.timers.clear(Timer::Opening as usize);
        let stage = cx.facts.settings.regroup.stage;
        self.arm(cx, Timer::Stage, stage);
        self.state = State::ExpectRepair { view, members };
        self.timers.clear(Timer::Tick as usize);
        let next = view;
        out.push(Output::Repair { next, members });
    }

    /// A member promised.
    pub(super) fn promised_by(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        id: ViewId,
        report: MemberReport,
        out: &mut Outbox<Output>,
    ) {
        match &mut self.state {
            State::ExpectPromises {
                view,
                members,
                promises,
            } if *view == id && members.contains(from) => {
                promises.insert(from, report);
                self.conclude(cx, out);
            }
            _ => self.install_again(cx, from, id, out),
        }
    }

    /// A member that still promises has not seen the view.
    fn install_again(&self, cx: &Context<'_>, to: NodeId, id: ViewId, out: &mut Outbox<Output>) {
        if let Some(view) = cx.facts.view.as_ref().filter(|view| view.id == id) {
            let message = Message::Install {
                view: Arc::clone(view),
            };
            out.push(Output::Send {
                to: NodeSet::one(to),
                message,
            });
        }
    }

    /// As coordinator: install once everybody has promised.
    fn conclude(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let State::ExpectPromises {
            view,
            members,
            promises,
        } = &self.state
        else {
            return;
        };
        if promises.len() != members.len() as usize {
            return;
        }
        let view = Arc::new(View {
            id: *view,
            members: *members,
            reports: promises.clone(),
        });
        self.uninstalled = view.members.without(cx.facts.me);
        let message = Message::Install {
            view: Arc::clone(&view),
        };
        out.push(Output::Send {
            to: self.uninstalled,
            message,
        });
        self.install(cx, &view, out);
        if !self.uninstalled.is_empty() {
            let tick = cx.facts.settings.regroup.tick;
            self.arm(cx, Timer::Tick, tick);
        }
    }

    /// The coordinator says that everybody has promised.
    pub(super) fn installed(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        view: &Arc<View>,
        out: &mut Outbox<Output>,
    ) {
        let current = cx
            .facts
            .view
            .as_ref()
            .is_some_and(|known| known.id == view.id);
        if self.state == (State::ExpectInstall { view: view.id }) {
            self.uninstalled = NodeSet::EMPTY;
            self.install(cx, view, out);
        } else if !current {
            return;
        }
        let message = Message::Installed { view: view.id };
        out.push(Output::Send {
            to: NodeSet::one(from),
            message,
        });
    }

    /// What this node brings into a view.
    fn report(&self, cx: &Context<'_>) -> MemberReport {
        MemberReport {
            incarnation: cx.facts.incarnation,
            active: self.active,
            tag: cx.facts.tag,
            applied: cx.facts.applied,
            prepared: cx.facts.prepared.as_ref().map(|update| update.key),
            synchronised: cx.facts.synchronised,
            holds_witness: self.holds_witness,
            forced: self.word(cx),
            silent: self.silent(cx),
        }
    }

    /// The administrator's word that this node brings along.
    fn word(&self, cx: &Context<'_>) -> Option<NodeSet> {
        match cx.facts.start {
            _ if self.active => self.forced,
            StartMode::ForceQuorum { nodes } => Some(nodes),
            StartMode::Normal | StartMode::PreventQuorum | StartMode::ClearQuarantine => None,
        }
    }

    fn silent(&self, cx: &Context<'_>) -> BTreeMap<NodeId, Duration> {
        let (now, facts) = (cx.now.mono, cx.facts);
        let lost = facts.settings.nodes.keys().copied();
        let lost = lost.filter(|node| !cx.bottom.reachable.contains(*node));
        let seen = |node: &NodeId| facts.last_seen[node.index()].max(self.started);
        lost.map(|node| (node, now.since(seen(&node)))).collect()
    }
}
