//! The quorum manager: votes, models and the witness (seed 001, Quorum Manager).
//!
//! Duty: decide for each view whether it has quorum. One member decides, the one whose replica the
//! others will be brought to, because its settings are the newest; it counts by the model and, when
//! exactly one vote is missing, has the witness arbitrated for. A view without quorum ends the
//! cluster service on every active member; nodes that were not active keep looking for others.
//! After the view is open the leader adjusts the dynamic weights (reference section 4.2).
//!
//! Publishes the quorum state and the tally. Deliberately not done here: forced quorum, changes of
//! the model at run time (not yet).

mod messages;
#[cfg(test)]
mod tests;
mod votes;
mod weights;

use std::time::Duration;

use base::{
    HaltReason, Manager, NodeId, NodeSet, Notice, Outbox, PaxosTag, QuorumState, Timers, Timestamp,
    WitnessVerdict,
};

pub use messages::{Input, Message, Output};
pub use votes::{Tally, count};
pub use weights::adjust;

use crate::Context;
use crate::membership::View;

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
    tally: Option<Tally>,
    timers: Timers<3>,
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
        self.arbitrating = false;
        self.retrying = false;
        self.doubted = false;
        self.fresh = None;
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
        } else if votes::calls_for_witness(settings, certain, forming) && self.fresh.is_none() {
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
        let message = Message::Decision {
            tally,
            held,
            fresh: self.fresh,
        };
        out.push(Output::Send {
            to: view.members,
            message,
        });
    }

    fn message(
        &mut self,
        cx: &Context<'_>,
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
            Message::Decision { tally, held, fresh } => self.decided(cx, tally, held, fresh, out),
        }
    }

    fn holder_changed(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        held: bool,
        out: &mut Outbox<Output>,
    ) {
        if held {
            self.holders.insert(from);
            self.timers.clear(Timer::Vacancy as usize);
        } else {
            self.holders.remove(from);
        }
        self.doubt(cx, out);
    }

    /// The witness changed hands: tells whether the view may still rest on it.
    fn doubt(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let vacant = self.is_vacant(cx);
        if vacant != std::mem::replace(&mut self.doubted, vacant) {
            self.publish(cx, out);
        }
    }

    /// Whether the view rests on the witness's vote and nobody is known to hold it.
    fn is_vacant(&self, cx: &Context<'_>) -> bool {
        let held = self.witness_held || !self.holders.is_empty();
        self.state == State::Held && !held && self.needs_witness(cx)
    }

    /// As arbiter: have the witness brought here.
    fn need_witness(&mut self, tally: Tally, out: &mut Outbox<Output>) {
        let Tally { have, needed, .. } = tally;
        self.arbitrating = true;
        out.push(Output::Notice(Notice::WitnessNeeded { have, needed }));
        out.push(Output::WitnessNeeded);
    }

    /// As decider: the witness is not to be had.
    fn give_up(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if let Some(view) = Self::view(cx) {
            let tally = count(&cx.facts.settings, view.members, false);
            self.announce(view, tally, false, out);
        }
    }

    fn decided(
        &mut self,
        cx: &Context<'_>,
        tally: Tally,
        held: bool,
        fresh: Option<(NodeId, PaxosTag)>,
        out: &mut Outbox<Output>,
    ) {
        let Tally {
            have,
            needed,
            total,
        } = tally;
        self.tally = Some(tally);
        self.fresh = fresh;
        out.push(Output::Notice(Notice::QuorumCounted {
            have,
            needed,
            total,
            held,
        }));
        if held {
            self.state = State::Held;
            self.publish(cx, out);
            out.push(Output::QuorumHeld { witness: fresh });
            return;
        }
        self.state = State::Absent;
        self.publish(cx, out);
        if cx.facts.active {
            out.push(Output::Halt {
                reason: HaltReason::QuorumLost,
            });
            return;
        }
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

    /// This node's arbitration ended.
    fn arbitrated(&mut self, cx: &Context<'_>, verdict: WitnessVerdict, out: &mut Outbox<Output>) {
        if self.arbitrating {
            out.push(Output::Notice(Notice::WitnessArbitrated { verdict }));
        }
        self.hold(cx, verdict == WitnessVerdict::Won, out);
    }

    /// Whether the witness is this node's changed; the other members hear of it.
    fn hold(&mut self, cx: &Context<'_>, held: bool, out: &mut Outbox<Output>) {
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

    fn answer(&mut self, cx: &Context<'_>, message: Message, out: &mut Outbox<Output>) {
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

    /// A witness that voted is gone: the view may have lost its quorum.
    fn witness_failed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if !self.witness_held {
            return;
        }
        self.hold(cx, false, out);
        out.push(Output::Notice(Notice::WitnessFailed));
        if self.state == State::Held && self.needs_witness(cx) {
            self.retry(cx, out);
        }
        self.publish(cx, out);
    }

    /// The witness was given back. If the view needs it, another member has it soon, or this one
    /// takes it again.
    fn witness_released(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.hold(cx, false, out);
        if self.arbitrating || (self.state == State::Held && self.needs_witness(cx)) {
            self.timers
                .set(Timer::Vacancy as usize, cx.now.mono + VACANCY);
        }
        self.doubt(cx, out);
        self.publish(cx, out);
    }

    fn vacant(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
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
    fn needs_witness(&self, cx: &Context<'_>) -> bool {
        let tally = |view: &View| count(&cx.facts.settings, view.members, false);
        Self::view(cx).is_some_and(|view| !tally(view).has_quorum())
    }

    /// One more try at the witness, by this node, which knows it best.
    fn retry(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
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
                self.arbitrated(cx, verdict, out);
                self.answer(cx, Message::WitnessLost, out);
            }
            Input::WitnessFailed => self.witness_failed(cx, out),
            Input::WitnessReleased => self.witness_released(cx, out),
            Input::Opened => {
                let leads = Self::view(cx).is_some_and(|view| view.leader() == cx.facts.me);
                let changes = adjust(cx);
                if leads && !changes.is_empty() {
                    out.push(Output::Propose { changes });
                }
                self.publish(cx, out);
            }
            Input::SettingsChanged => {
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
            } else if timer == Timer::Retry as usize && self.state == State::Absent {
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
