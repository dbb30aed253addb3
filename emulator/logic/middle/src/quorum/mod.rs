//! The quorum manager: votes, models and the witness (seed 001, Quorum Manager).
//!
//! Duty: decide for each view whether it has quorum. One member decides, the one whose replica the
//! others will be brought to, because its settings are the newest; it counts by the model and, when
//! exactly one vote is missing, has the witness arbitrated for. A view without quorum ends the
//! cluster service on every active member; nodes that were not active keep looking for others.
//! After the view is open the leader adjusts the dynamic weights (reference section 4.2).
//!
//! An administrator's word (ForceQuorum) stands for missing votes until there are enough; till then
//! no weight is adjusted (reference section 4.3).
//!
//! Publishes the quorum state and the tally. Deliberately not done here: what makes a node form a
//! cluster by force or not at all (membership), the database of such a cluster (gum, database).

mod failures;
mod forced;
mod leave;
mod messages;
#[cfg(test)]
mod tests;

mod weights;
mod witness;

use std::collections::BTreeSet;
use std::time::Duration;

use base::{
    Generation, HaltReason, Manager, NodeId, NodeSet, Notice, Outbox, PaxosTag, QuorumState,
    ServiceEvent, Timers, Timestamp, WitnessVerdict,
};

pub use crate::settings::votes::{Tally, calls_for_witness, count};
pub use messages::{Input, Message, Output};
pub use weights::adjust;

use crate::Context;
use crate::membership::View;
use forced::forced_count;
use weights::Basis;

/// How soon a witness that was given back and is needed must be with another member.
const VACANCY: Duration = Duration::from_secs(1);

/// Where the decision on the current view stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    /// No view, or a view without quorum.
    #[default]
    Absent,
    /// Waiting for the decider's word.
    ExpectDecision,
    /// As decider: waiting for the arbiter's word.
    ExpectWitness,
    /// The view has quorum.
    Held,
}

enum Timer {
    /// The arbitration has lasted QuorumArbitrationTimeMax, or a waiting node tries again.
    Arbitration,
    Retry,
    /// The witness that this node gave back must be with another member by now.
    Vacancy,
    /// A node that stops waits no longer for its vote to be with the others.
    Leave,
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Quorum {
    state: State,
    /// This node was asked to arbitrate and has not answered.
    arbitrating: bool,
    /// The witness that voted for the current view was lost and is tried once more.
    retrying: bool,
    /// The witness that voted for the current view was lost or given back, and nobody has said that
    /// it is with a member again.
    doubted: bool,
    /// The witness is this node's.
    witness_held: bool,
    /// Other members of the view that hold the witness, as far as they said.
    holders: NodeSet,
    fresh: Option<(NodeId, PaxosTag)>,
    /// The administrator's word that the view rests on.
    forced: Option<NodeSet>,
    tally: Option<Tally>,
    /// The count with which no cluster was formed, as last told.
    unformed: Option<Tally>,
    /// What the weights were last brought in line with.
    basis: Option<Basis>,
    /// Votes have changed since the weights were last looked at: two nodes that stop at the same
    /// time each hand their votes over as if the other one stayed.
    stale: bool,
    /// This node is stopping.
    leaving: bool,
    /// What was said in this life of forming that failed.
    failures: BTreeSet<ServiceEvent>,
    timers: Timers<4>,
}

impl Quorum {
    /// The last count.
    #[must_use]
    pub fn tally(&self) -> Option<Tally> {
        self.tally
    }

    fn view<'a>(cx: &Context<'a>) -> Option<&'a View> {
        cx.facts.view.as_deref()
    }

    fn publish(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let state = match self.state {
            State::Absent | State::ExpectDecision => QuorumState::Absent,
            State::ExpectWitness => QuorumState::Arbitrating,
            State::Held if self.doubted => QuorumState::Arbitrating,
            State::Held => QuorumState::Held,
        };
        if self.state == State::Held {
            self.tally = Self::view(cx).map(|view| {
                count(
                    &cx.facts.settings,
                    view.members,
                    self.witness_known_held(cx),
                )
            });
        }
        out.push(Output::Publish {
            state,
            tally: self.tally,
        });
    }

    /// Whether some member of the view holds the witness, as far as this node knows.
    fn witness_known_held(&self, cx: &Context<'_>) -> bool {
        self.witness_held
            || !self.holders.is_empty()
            || self.fresh.is_some_and(|(node, _)| node != cx.facts.me)
    }

    fn view_installed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.timers = Timers::default();
        self.left(out);
        self.arbitrating = false;
        self.retrying = false;
        self.doubted = false;
        self.fresh = None;
        self.forced = None;
        self.holders = Self::view(cx).map_or(NodeSet::EMPTY, |view| {
            let holds = view
                .reports
                .iter()
                .filter(|(_, report)| report.holds_witness);
            holds
                .map(|(node, _)| *node)
                .filter(|node| *node != cx.facts.me)
                .collect()
        });
        self.state = State::ExpectDecision;
        if Self::view(cx).is_some_and(|view| view.source(None) == cx.facts.me) {
            self.decide(cx, out);
        }
        self.publish(cx, out);
    }

    /// As decider: count, and try the witness when exactly one vote is missing.
    fn decide(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = Self::view(cx) else { return };
        let settings = &cx.facts.settings;
        let certain = count(settings, view.members, self.fresh.is_some());
        let forming = view.active().is_empty();
        if certain.has_quorum() {
            self.announce(view, certain, true, out);
        } else if let Some((tally, held)) = forced_count(settings, view, certain) {
            self.forced = view.forced();
            self.announce(view, tally, held, out);
        } else if calls_for_witness(settings, certain, forming) && self.fresh.is_none() {
            self.state = State::ExpectWitness;
            let limit = settings.generation.defaults().quorum_arbitration_time_max;
            self.timers
                .set(Timer::Arbitration as usize, cx.now.mono + limit);
            let arbiter = view.witness_holder().unwrap_or(cx.facts.me);
            let tally = certain;
            out.push(Output::Send {
                to: view.members,
                message: Message::Arbitrate { arbiter, tally },
            });
        } else {
            self.announce(view, certain, false, out);
        }
    }

    fn announce(&mut self, view: &View, tally: Tally, held: bool, out: &mut Outbox<Output>) {
        self.timers.clear(Timer::Arbitration as usize);
        self.state = State::ExpectDecision;
        let (to, message) = (view.members, self.decision(tally, held));
        out.push(Output::Send { to, message });
    }

    fn decision(&self, tally: Tally, held: bool) -> Message {
        let (fresh, forced) = (self.fresh, self.forced);
        Message::Decision {
            tally,
            held,
            fresh,
            forced,
        }
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        message: Message,
        out: &mut Outbox<Output>,
    ) {
        match message {
            Message::Arbitrate { arbiter, tally } => {
                out.push(Output::Arbitrating);
                if arbiter == cx.facts.me {
                    self.need_witness(tally, out);
                }
            }
            Message::WitnessWon { tag } if self.state == State::ExpectWitness => {
                self.fresh = Some((from, tag));
                self.decide(cx, out);
            }
            Message::WitnessLost if self.state == State::ExpectWitness => self.give_up(cx, out),
            Message::WitnessWon { .. } | Message::WitnessLost => {}
            Message::WitnessHolder { held } => {
                self.holder_changed(cx, from, held, out);
            }
            Message::Decision {
                tally,
                held,
                fresh,
                forced,
            } => {
                self.fresh = fresh;
                self.forced = forced;
                self.decided(cx, tally, held, out);
            }
        }
    }

    /// As decider: the witness is not to be had, or not needed any more. The votes may be others
    /// than when it was asked for: the last update of the view before may have come through since.
    fn give_up(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if let Some(view) = Self::view(cx) {
            let tally = count(&cx.facts.settings, view.members, false);
            self.announce(view, tally, tally.has_quorum(), out);
        }
    }

    fn decided(
        &mut self,
        cx: &mut Context<'_>,
        tally: Tally,
        held: bool,
        out: &mut Outbox<Output>,
    ) {
        self.tally = Some(tally);
        out.push(Output::Notice(self.counted(tally, held)));
        if held {
            self.state = State::Held;
            self.publish(cx, out);
            out.push(Output::QuorumHeld {
                witness: self.fresh,
                forced: self.forced,
            });
            return self.tend(cx, out);
        }
        self.state = State::Absent;
        self.publish(cx, out);
        if cx.facts.active {
            out.push(Output::Halt {
                reason: HaltReason::QuorumLost,
            });
            return;
        }
        self.tell_unformed(cx, tally, out);
        if self.witness_held {
            out.push(Output::WitnessUnneeded);
        }
        let pause = cx
            .facts
            .settings
            .generation
            .defaults()
            .quorum_arbitration_time_max;
        self.timers.set(Timer::Retry as usize, cx.now.mono + pause);
    }

    /// A cluster that does not form says why, once for each count (12 R2 and later).
    fn tell_unformed(&mut self, cx: &Context<'_>, tally: Tally, out: &mut Outbox<Output>) {
        let told = self.unformed.replace(tally) == Some(tally);
        if told || cx.facts.settings.generation < Generation::V2012R2 {
            return;
        }
        let Tally {
            have,
            needed,
            total,
        } = tally;
        out.push(Output::Notice(Notice::NewestConfigurationAbsent {
            have,
            needed,
            total,
        }));
    }

    /// What the decider's count is told as.
    fn counted(&self, tally: Tally, held: bool) -> Notice {
        let Tally {
            have,
            needed,
            total,
        } = tally;
        if held && self.forced.is_some() {
            return Notice::QuorumForced {
                have,
                needed,
                total,
            };
        }
        Notice::QuorumCounted {
            have,
            needed,
            total,
            held,
        }
    }

    /// As the lowest of those that stay in an open view: brings what the database says of votes in
    /// line with it. Votes are left alone while an administrator's word stands for them.
    fn tend(&self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let staying = Self::staying(cx);
        let active = Self::view(cx).map_or(NodeSet::EMPTY, View::active);
        let tends = active.intersection(staying).first().or(staying.first());
        if tends != Some(cx.facts.me) || !cx.facts.ready {
            return;
        }
        let settings = &cx.facts.settings;
        let mut changes = Vec::new();
        if self.forced.is_none() {
            changes = adjust(settings, staying, cx.rng);
        }
        if settings.fix_quorum != self.forced.is_some() {
            changes.push(weights::set(
                "",
                "FixQuorum",
                u32::from(!settings.fix_quorum),
            ));
        }
        if !changes.is_empty() {
            out.push(Output::Propose { changes });
        }
    }
}

impl Manager for Quorum {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::ViewInstalled => self.view_installed(cx, out),
            Input::Message { from, message } => self.message(cx, from, message, out),
            Input::WitnessHeld => self.arbitrated(cx, WitnessVerdict::Won, out),
            Input::WitnessReconciled { tag } => {
                self.answer(cx, Message::WitnessWon { tag }, out);
                self.unforce(cx, out);
                self.doubt(cx, out);
                if self.state == State::Held {
                    self.publish(cx, out);
                }
            }
            Input::WitnessLost { unreachable } => {
                let lost = WitnessVerdict::Lost;
                let verdict = if unreachable {
                    WitnessVerdict::Unreachable
                } else {
                    lost
                };
                self.tell_not_arbitrated(cx, verdict, out);
                self.arbitrated(cx, verdict, out);
                self.answer(cx, Message::WitnessLost, out);
            }
            Input::ReservationLost => self.reservation_lost(cx, out),
            Input::WitnessFailed => self.witness_failed(cx, out),
            Input::WitnessReleased => self.witness_released(cx, out),
            Input::Opened => {
                self.tend(cx, out);
                self.publish(cx, out);
            }
            Input::Leave => self.leave(cx, out),
            Input::HandedOver => self.left(out),
            Input::Applied if self.stale => {
                self.stale = false;
                self.tend(cx, out);
            }
            Input::Applied => {}
            Input::SettingsChanged => {
                self.settings_changed(cx, out);
                self.unforce(cx, out);
                self.doubt(cx, out);
                if self.state == State::Held {
                    self.publish(cx, out);
                }
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        while let Some(timer) = self.timers.pop_due(cx.now.mono) {
            if timer == Timer::Arbitration as usize && self.state == State::ExpectWitness {
                self.arbitrating = false;
                self.give_up(cx, out);
            } else if timer == Timer::Vacancy as usize {
                self.vacant(cx, out);
            } else if timer == Timer::Leave as usize {
                self.left(out);
            } else if timer == Timer::Retry as usize && self.state == State::Absent {
                self.tell_not_formed(cx, out);
                self.view_installed(cx, out);
            }
        }
    }

    fn check(&self, cx: &Context<'_>) {
        if self.state == State::Held {
            assert!(cx.facts.view.is_some(), "quorum without a view");
        }
    }
}
