//! The client of a witness share: locks, reads and writes `witness.log` (reference section 4.1).
//!
//! Duty: hold the file for this node while it is the witness holder, keep its tag current, and
//! notice when the hold is gone. Nodes that do not own the core group wait ArbitrationDelay before
//! they try (reference section 5.2). No copy of the database is kept on a share.

mod messages;
#[cfg(test)]
mod tests;

use base::{IoId, Manager, Outbox, PaxosTag, Timers, Timestamp};
use std::time::Duration;

pub use messages::{Input, Output, ShareOutcome, ShareRequest};

use crate::Context;

/// How often a held share is read to see that it is still there: LooksAlive of the witness.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What this node wants of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    /// Nothing.
    #[default]
    Idle,
    /// To lock it, after the core group's owner had its chance.
    Waiting,
    /// To lock it.
    ExpectLock,
    /// To read the tag of a file that is locked.
    ExpectTag,
    /// To keep it.
    Held,
}

enum Timer {
    Start,
    Check,
    Unlock,
}

/// The client's state.
#[derive(Debug)]
pub struct Share {
    state: State,
    arbitration_delay: Duration,
    flight: Option<(IoId, ShareRequest)>,
    next_io: u64,
    /// The server may hold the lock for this node.
    locked: bool,
    /// What the file says, while it is this node's.
    remembered: Option<PaxosTag>,
    /// What of that was told.
    told: Option<PaxosTag>,
    unwritten: Option<PaxosTag>,
    timers: Timers<3>,
}

impl Share {
    /// A client that leaves the core group's owner `arbitration_delay` to go first.
    #[must_use]
    pub fn new(arbitration_delay: Duration) -> Self {
        Self {
            state: State::default(),
            arbitration_delay,
            flight: None,
            next_io: 0,
            locked: false,
            remembered: None,
            told: None,
            unwritten: None,
            timers: Timers::default(),
        }
    }

    /// Whether the file is this node's.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state == State::Held
    }

    fn arbitrate(&mut self, cx: &Context<'_>, first: bool) {
        match self.state {
            // Asking again proves that the hold is still good.
            State::Held => self.state = State::ExpectLock,
            State::Waiting | State::ExpectLock | State::ExpectTag => {}
            State::Idle if first => self.state = State::ExpectLock,
            State::Idle => {
                self.state = State::Waiting;
                self.timers
                    .set(Timer::Start as usize, cx.now.mono + self.arbitration_delay);
            }
        }
    }

    fn release(&mut self) {
        self.state = State::Idle;
        self.timers = Timers::default();
        self.unwritten = None;
        self.remembered = None;
    }

    fn done(
        &mut self,
        cx: &Context<'_>,
        request: ShareRequest,
        outcome: ShareOutcome,
        out: &mut Outbox<Output>,
    ) {
        self.flight = None;
        match (request, outcome) {
            // Nobody said that the lock is gone: try again later, or nobody else ever gets it.
            (ShareRequest::Unlock, ShareOutcome::Unreachable) => self.unlock_later(cx),
            (ShareRequest::Unlock, _) => self.locked = false,
            (_, ShareOutcome::Held) => {
                self.locked = false;
                self.lose(false, out);
            }
            (_, ShareOutcome::Unreachable) => {
                self.locked = true;
                self.lose(true, out);
                self.unlock_later(cx);
            }
            (ShareRequest::Lock, _) => {
                self.locked = true;
                if self.state == State::ExpectLock {
                    self.state = State::ExpectTag;
                }
            }
            (ShareRequest::Read, ShareOutcome::Read(tag)) if self.state == State::ExpectTag => {
                self.state = State::Held;
                self.remembered = Some(tag.unwrap_or_default());
                out.push(Output::Held { tag });
            }
            (ShareRequest::Write(tag), _) if self.state == State::Held => {
                self.remembered = Some(tag);
            }
            (ShareRequest::Read | ShareRequest::Write(_), _) => {}
        }
        if self.state == State::Held {
            self.timers
                .set(Timer::Check as usize, cx.now.mono + CHECK_INTERVAL);
        }
    }

    fn unlock_later(&mut self, cx: &Context<'_>) {
        self.timers
            .set(Timer::Unlock as usize, cx.now.mono + CHECK_INTERVAL);
    }

    fn lose(&mut self, unreachable: bool, out: &mut Outbox<Output>) {
        match self.state {
            State::Idle | State::Waiting => return,
            State::Held => out.push(Output::Failed),
            State::ExpectLock | State::ExpectTag => out.push(Output::Lost { unreachable }),
        }
        self.release();
    }

    /// Asks for whatever the state wants next, one operation at a time.
    fn pump(&mut self, out: &mut Outbox<Output>) {
        if self.flight.is_some() {
            return;
        }
        let request = match self.state {
            State::Idle | State::Waiting => {
                if !self.locked || self.timers.is_set(Timer::Unlock as usize) {
                    return;
                }
                ShareRequest::Unlock
            }
            State::ExpectLock => ShareRequest::Lock,
            State::ExpectTag => ShareRequest::Read,
            State::Held => match self.unwritten.take() {
                Some(tag) => ShareRequest::Write(tag),
                None => return,
            },
        };
        self.ask(request, out);
    }

    /// Tells what the file says, if that is something else than before.
    fn tell(&mut self, out: &mut Outbox<Output>) {
        if self.told != self.remembered {
            self.told = self.remembered;
            out.push(Output::Remembers { tag: self.told });
        }
    }

    fn ask(&mut self, request: ShareRequest, out: &mut Outbox<Output>) {
        self.next_io += 1;
        let io = IoId(self.next_io);
        self.flight = Some((io, request));
        out.push(Output::Share { io, request });
    }
}

impl Manager for Share {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Arbitrate { owns_core_group } => self.arbitrate(cx, owns_core_group),
            Input::Release => self.release(),
            Input::Remember(tag) => self.unwritten = Some(tag),
            Input::Done { io, outcome } => match self.flight {
                Some((expected, request)) if expected == io => {
                    self.done(cx, request, outcome, out);
                }
                _ => {}
            },
        }
        self.pump(out);
        self.tell(out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        while let Some(timer) = self.timers.pop_due(cx.now.mono) {
            if timer == Timer::Start as usize && self.state == State::Waiting {
                self.state = State::ExpectLock;
            } else if timer == Timer::Check as usize
                && self.state == State::Held
                && self.flight.is_none()
            {
                // Reading proves nothing: only who still has the file open can open it again.
                self.ask(ShareRequest::Lock, out);
            }
        }
        self.pump(out);
    }

    fn check(&self, _cx: &Context<'_>) {
        let waits = matches!(self.state, State::ExpectLock | State::ExpectTag);
        assert!(
            !waits || self.flight.is_some(),
            "{:?} without an operation in flight",
            self.state
        );
    }
}
