//! The witness as quorum sees it: who holds it, what follows when it is won, lost, given back or
//! fails (seed 001, Quorum Manager 3 to 5).

use base::{Generation, HaltReason, NodeId, NodeSet, Notice, Outbox, QuorumModel, WitnessVerdict};

use super::weights::Basis;
use super::{Message, Output, Quorum, State, Tally, Timer, VACANCY, count};
use crate::Context;
use crate::membership::View;
use crate::settings::Witness;

impl Quorum {
    /// The settings changed: votes, model or witness may be others.
    pub(super) fn settings_changed(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        self.stale = true;
        if self.state == State::ExpectWitness && !self.needs_witness(cx) {
            self.give_up(cx, out);
        }
        let now = Basis::of(&cx.facts.settings);
        let Some(before) = self.basis.replace(now.clone()) else {
            return;
        };
        if before == now {
            return;
        }
        if before.witness != now.witness {
            self.replace_witness(cx, before.witness, out);
        }
    }

    /// Nobody holds the new witness yet; whoever holds the old one lets it go.
    fn replace_witness(&mut self, cx: &Context<'_>, old: Witness, out: &mut Outbox<Output>) {
        self.hold(cx, false, out);
        self.holders = NodeSet::EMPTY;
        self.fresh = None;
        out.push(Output::WitnessReplaced { old });
    }

    pub(super) fn holder_changed(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        held: bool,
        out: &mut Outbox<Output>,
    ) {
        if held {
            self.holders.insert(from);
            self.unforce(cx, out);
            self.timers.clear(Timer::Vacancy as usize);
        } else {
            self.holders.remove(from);
        }
        self.doubt(cx, out);
        if self.state == State::Held {
            self.publish(cx, out);
        }
    }

    /// The witness changed hands: tells whether the view may still rest on it.
    pub(super) fn doubt(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let vacant = self.is_vacant(cx);
        if vacant != std::mem::replace(&mut self.doubted, vacant) {
            self.publish(cx, out);
        }
    }

    /// Whether the view rests on the witness's vote and nobody is known to hold it.
    pub(super) fn is_vacant(&self, cx: &Context<'_>) -> bool {
        let held = self.witness_held || !self.holders.is_empty();
        self.state == State::Held && !held && self.needs_witness(cx)
    }

    /// As arbiter: have the witness brought here.
    pub(super) fn need_witness(&mut self, tally: Tally, out: &mut Outbox<Output>) {
        let Tally { have, needed, .. } = tally;
        self.arbitrating = true;
        out.push(Output::Notice(Notice::WitnessNeeded { have, needed }));
        out.push(Output::WitnessNeeded);
    }

    /// This node's arbitration ended.
    pub(super) fn arbitrated(
        &mut self,
        cx: &Context<'_>,
        verdict: WitnessVerdict,
        out: &mut Outbox<Output>,
    ) {
        if self.arbitrating {
            out.push(Output::Notice(Notice::WitnessArbitrated { verdict }));
            if verdict == WitnessVerdict::Unreachable {
                cloud_unreachable(cx, out);
            }
        }
        self.hold(cx, verdict == WitnessVerdict::Won, out);
    }

    /// Whether the witness is this node's changed; the other members hear of it.
    pub(super) fn hold(&mut self, cx: &Context<'_>, held: bool, out: &mut Outbox<Output>) {
        if held == self.witness_held {
            return;
        }
        self.witness_held = held;
        out.push(Output::WitnessHeld { held });
        if let Some(view) = Self::view(cx) {
            let to = view.members.without(cx.facts.me);
            let message = Message::WitnessHolder { held };
            out.push(Output::Send { to, message });
        }
    }

    pub(super) fn answer(&mut self, cx: &Context<'_>, message: Message, out: &mut Outbox<Output>) {
        if !std::mem::take(&mut self.arbitrating) {
            return;
        }
        if std::mem::take(&mut self.retrying) {
            self.timers.clear(Timer::Arbitration as usize);
            match message {
                Message::WitnessWon { .. } => self.state = State::Held,
                _ => self.give_up(cx, out),
            }
            return self.publish(cx, out);
        }
        // The decider is the source of the view as reported; everybody knows it.
        if let Some(view) = Self::view(cx) {
            out.push(Output::Send {
                to: NodeSet::one(view.source(None)),
                message,
            });
        }
    }

    /// The reservation of the witness disk is gone. In 2003 the owner of the quorum disk is the
    /// cluster, and a defender that lost its reservation ends at once (reference section 5.1);
    /// later it is tried once more.
    pub(super) fn reservation_lost(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let settings = &cx.facts.settings;
        let is_cluster = settings.model == QuorumModel::DiskOnly && self.forced.is_none();
        let ends = settings.generation == Generation::V2003 && is_cluster && cx.facts.active;
        if !ends || !self.witness_held {
            return self.witness_failed(cx, out);
        }
        self.hold(cx, false, out);
        out.push(Output::Notice(Notice::WitnessFailed));
        let reason = HaltReason::QuorumLost;
        out.push(Output::Halt { reason });
    }

    /// A witness that voted is gone: the view may have lost its quorum.
    pub(super) fn witness_failed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if !self.witness_held {
            return;
        }
        self.hold(cx, false, out);
        Self::tell_unhealthy(cx, out);
        out.push(Output::Notice(Notice::WitnessFailed));
        cloud_unreachable(cx, out);
        if self.state == State::Held && self.needs_witness(cx) {
            self.retry(cx, out);
        }
        self.publish(cx, out);
    }

    /// The witness was given back. If the view needs it, another member has it soon, or this one
    /// takes it again.
    pub(super) fn witness_released(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.hold(cx, false, out);
        if self.arbitrating || (self.state == State::Held && self.needs_witness(cx)) {
            self.timers
                .set(Timer::Vacancy as usize, cx.now.mono + VACANCY);
        }
        self.doubt(cx, out);
        self.publish(cx, out);
    }

    pub(super) fn vacant(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = Self::view(cx) else { return };
        if self.arbitrating {
            let alone = count(&cx.facts.settings, view.members, false);
            if alone.is_one_short() {
                self.need_witness(alone, out);
            } else {
                self.answer(cx, Message::WitnessLost, out);
            }
        } else if self.is_vacant(cx) {
            self.retry(cx, out);
            self.publish(cx, out);
        }
    }

    /// Whether the view has no quorum by its nodes alone.
    pub(super) fn needs_witness(&self, cx: &Context<'_>) -> bool {
        let tally = |view: &View| count(&cx.facts.settings, view.members, false);
        self.forced.is_none() && Self::view(cx).is_some_and(|view| !tally(view).has_quorum())
    }

    /// One more try at the witness, by this node, which knows it best.
    pub(super) fn retry(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = Self::view(cx) else { return };
        let alone = count(&cx.facts.settings, view.members, false);
        let defaults = cx.facts.settings.generation.defaults();
        let limit = defaults.quorum_arbitration_time_max;
        self.state = State::ExpectWitness;
        self.timers
            .set(Timer::Arbitration as usize, cx.now.mono + limit);
        self.fresh = None;
        self.retrying = true;
        self.need_witness(alone, out);
    }
}

/// A cloud witness has a word of its own for not being reached (2016 and later; event 1568).
fn cloud_unreachable(cx: &Context<'_>, out: &mut Outbox<Output>) {
    if cx.facts.settings.witness == Witness::Cloud {
        out.push(Output::Notice(Notice::CloudWitnessUnreachable));
    }
}
