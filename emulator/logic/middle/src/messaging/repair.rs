//! The repair that ends a view: whoever goes along has delivered the same multicasts (seed 001,
//! Messaging: GEM Repair, reported to the membership manager).
//!
//! Duty: tell the others what was received in the view that ends, learn what they received, and
//! find out who has to send what to whom. Of several nodes that have a multicast the lowest sends
//! it. Deliberately not done here: judging who goes along (membership).

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{NodeId, NodeSet, Outbox, Timestamp, ViewId};

use super::messages::{Forward, Output, RepairReport, Segment};
use super::{Messaging, Timer};
use crate::Context;

/// One repair.
#[derive(Debug)]
pub(super) struct Repair {
    /// The view that will follow.
    pub(super) next: ViewId,
    /// Its members.
    pub(super) members: NodeSet,
    /// The members that may still be in this node's view: without their word it does not end.
    pub(super) awaited: NodeSet,
    /// What the others told.
    pub(super) reports: BTreeMap<NodeId, RepairReport>,
    /// All reports have come, and everybody was sent once what it lacks.
    pub(super) forwarded: bool,
    /// This node has everything.
    pub(super) done: bool,
}

impl Repair {
    /// Whose reports are here.
    pub(super) fn heard(&self) -> NodeSet {
        self.reports.keys().copied().collect()
    }

    /// Reports of those who are in the view that ends here, once all have come.
    fn peers(&self, view: ViewId) -> Option<impl Iterator<Item = (NodeId, &RepairReport)>> {
        let here = move |(_, report): &(&NodeId, &RepairReport)| report.view == Some(view);
        let peers = self.reports.iter().filter(here);
        let complete = self.awaited.is_subset(self.heard());
        complete.then(|| peers.map(|(node, report)| (*node, report)))
    }

    /// How many multicasts of each member all of them must have in the end.
    pub(super) fn target(
        &self,
        view: ViewId,
        own: &BTreeMap<NodeId, u64>,
    ) -> Option<BTreeMap<NodeId, u64>> {
        let mut target = own.clone();
        for (_, report) in self.peers(view)? {
            for (origin, count) in &report.received {
                let most = target.entry(*origin).or_default();
                *most = (*most).max(*count);
            }
        }
        Some(target)
    }

    /// What `me` has to send to `peer`: from each origin everything after the number.
    pub(super) fn owed(
        &self,
        view: ViewId,
        me: NodeId,
        own: &BTreeMap<NodeId, u64>,
        peer: NodeId,
    ) -> Vec<(NodeId, u64)> {
        let Some(report) = self.reports.get(&peer).filter(|it| it.view == Some(view)) else {
            return Vec::new();
        };
        let Some(target) = self.target(view, own) else {
            return Vec::new();
        };
        let has = |counts: &BTreeMap<NodeId, u64>, origin| counts.get(&origin).copied();
        let mut owed = Vec::new();
        for (origin, most) in target {
            let lacks = has(&report.received, origin).unwrap_or_default();
            let lower = self.reports.iter().any(|(node, other)| {
                *node < me && other.view == Some(view) && has(&other.received, origin) == Some(most)
            });
            if lacks < most && has(own, origin) == Some(most) && !lower {
                owed.push((origin, lacks));
            }
        }
        owed
    }
}

impl<P> Messaging<P> {
    /// Ends the view: nothing of it is sent or taken in any more but what the repair brings.
    pub(super) fn begin_repair(
        &mut self,
        cx: &Context<'_>,
        next: ViewId,
        members: NodeSet,
        out: &mut Outbox<Output<P>>,
    ) {
        if self.repair.is_none() {
            self.repair_rounds(cx, Timestamp::NEVER, out);
            self.gem.close();
            self.conversations.clear();
            self.timers = Default::default();
        }
        let me = cx.facts.me;
        let old = cx.facts.view.as_ref().map(|view| view.members);
        let heard = self.reports.iter().filter(|(_, (of, _))| *of == next);
        let heard = heard.filter(|(node, _)| members.contains(**node));
        self.repair = Some(Repair {
            next,
            members,
            awaited: members.intersection(old.unwrap_or_default()).without(me),
            reports: heard.map(|(node, (_, it))| (*node, it.clone())).collect(),
            forwarded: false,
            done: false,
        });
        self.tick_repair(cx, out);
        self.proceed_with_repair(cx, None, out);
    }

    /// Tells everybody who goes along where this node stands, until it is done.
    pub(super) fn tick_repair(&mut self, cx: &Context<'_>, out: &mut Outbox<Output<P>>) {
        let Some(repair) = self.repair.as_ref().filter(|repair| !repair.done) else {
            return;
        };
        let report = self.report(cx, repair);
        for to in repair.members.without(cx.facts.me).iter() {
            out.push(urgent(to, repair.next, report.clone()));
        }
        let tick = cx.facts.settings.regroup.tick;
        self.timers.set(Timer::Repair as usize, cx.now.mono + tick);
    }

    fn report(&self, cx: &Context<'_>, repair: &Repair) -> RepairReport {
        RepairReport {
            view: cx.facts.view.as_ref().map(|view| view.id),
            received: self.gem.received(),
            heard: repair.heard(),
        }
    }

    /// Another node tells where it stands. It may be ahead of the proposal that this node waits
    /// for, so its word is kept.
    pub(super) fn reported(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        next: ViewId,
        report: RepairReport,
        out: &mut Outbox<Output<P>>,
    ) {
        let known = self.reports.get(&from);
        if known.is_none_or(|(of, _)| of.epoch <= next.epoch) {
            self.reports.insert(from, (next, report.clone()));
        }
        let Some(mut repair) = self.repair.take() else {
            return;
        };
        let concerns = repair.next == next && repair.members.contains(from);
        if concerns {
            let answer = !report.heard.contains(cx.facts.me);
            repair.reports.insert(from, report);
            if answer {
                out.push(urgent(from, next, self.report(cx, &repair)));
            }
        }
        self.repair = Some(repair);
        if concerns {
            self.proceed_with_repair(cx, Some(from), out);
        }
    }

    /// Sends others what they lack, and ends the repair once this node lacks nothing.
    fn proceed_with_repair(
        &mut self,
        cx: &Context<'_>,
        news_of: Option<NodeId>,
        out: &mut Outbox<Output<P>>,
    ) {
        let Some(repair) = &mut self.repair else {
            return;
        };
        let own = self.gem.received();
        let view = cx.facts.view.as_ref().map(|view| view.id);
        let target = match view {
            Some(view) => repair.target(view, &own),
            None => Some(own.clone()),
        };
        let Some(target) = target else { return };
        let everybody = !std::mem::replace(&mut repair.forwarded, true);
        let done = !repair.done && own == target;
        repair.done |= done;
        let (next, peers) = (repair.next, repair.heard());
        for peer in peers.iter().filter(|it| everybody || news_of == Some(*it)) {
            self.forward(cx, view, peer, &own, out);
        }
        if done {
            self.timers.clear(Timer::Repair as usize);
            out.push(Output::Repaired { next });
        }
    }

    fn forward(
        &self,
        cx: &Context<'_>,
        view: Option<ViewId>,
        peer: NodeId,
        own: &BTreeMap<NodeId, u64>,
        out: &mut Outbox<Output<P>>,
    ) {
        let (Some(repair), Some(view)) = (&self.repair, view) else {
            return;
        };
        for (origin, after) in repair.owed(view, cx.facts.me, own, peer) {
            for multicast in self.gem.kept(origin, after) {
                let segment = Segment::Forward(Arc::new(Forward {
                    next: repair.next,
                    view,
                    origin,
                    multicast: Arc::clone(multicast),
                }));
                out.push(Output::Transmit {
                    to: peer,
                    segment,
                    every_route: true,
                });
            }
        }
    }

    /// Somebody who goes along sends what this node lacks.
    pub(super) fn forwarded(
        &mut self,
        cx: &Context<'_>,
        forward: &Forward<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let Forward {
            next,
            origin,
            multicast,
            ..
        } = forward;
        let (Some(repair), Some(view)) = (&self.repair, cx.facts.view.as_ref()) else {
            return;
        };
        let target = repair.target(view.id, &self.gem.received());
        let most = target.and_then(|target| target.get(origin).copied());
        let wanted = repair.next == *next && most >= Some(multicast.sequence);
        if wanted && self.gem.receive(*origin, multicast) {
            self.causal.offer(*origin, Arc::clone(multicast));
            self.deliver_multicasts(cx, out);
            self.proceed_with_repair(cx, None, out);
        }
    }
}

fn urgent<P>(to: NodeId, next: ViewId, report: RepairReport) -> Output<P> {
    Output::Transmit {
        to,
        segment: Segment::Repair {
            next,
            report: Arc::new(report),
        },
        every_route: true,
    }
}
