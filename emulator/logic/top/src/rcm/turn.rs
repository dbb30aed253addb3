//! One call into the manager: what it sees and where its words go.

use base::{NodeId, Notice, Outbox, Timestamp};

use super::Output;
use crate::Context;

/// The context and the outbox of one call, handed through every step of it.
pub(super) struct Turn<'t, 'c> {
    /// What is seen.
    pub cx: &'t mut Context<'c>,
    out: &'t mut Outbox<Output>,
}

impl<'t, 'c> Turn<'t, 'c> {
    pub(super) fn new(cx: &'t mut Context<'c>, out: &'t mut Outbox<Output>) -> Self {
        Self { cx, out }
    }

    /// The monotonic time of the call.
    pub(super) fn now(&self) -> Timestamp {
        self.cx.now.mono
    }

    /// This node.
    pub(super) fn me(&self) -> NodeId {
        self.cx.me
    }

    /// Facts of the middle tier.
    pub(super) fn middle(&self) -> &'c middle::Facts {
        self.cx.middle
    }

    /// Says something.
    pub(super) fn say(&mut self, output: Output) {
        self.out.push(output);
    }

    /// Says something to the event log.
    pub(super) fn notice(&mut self, notice: Notice) {
        self.out.push(Output::Notice(notice));
    }
}
