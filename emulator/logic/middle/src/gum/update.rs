//! One update: agreed to by everybody, then applied by everybody.

use std::sync::Arc;

use base::{NodeId, NodeSet, Outbox};

use super::{Gum, Message, Output, Phase, Ticket, Timer};
use crate::Context;
use crate::database::Update;
use crate::membership::UpdateKey;

/// The update that this node is sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) ticket: Ticket,
    pub(super) number: u64,
    /// Members that have agreed durably.
    pub(super) agreed: NodeSet,
}

impl Gum {
    /// Sends the next proposal; the lock is here.
    pub(super) fn begin(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(token) = &mut self.token else {
            return;
        };
        let Some((ticket, changes)) = self.proposals.pop_front() else {
            return;
        };
        let number = token.next;
        token.next += 1;
        let mine = self.wishes.get(&cx.facts.me).copied().unwrap_or_default();
        token.served.insert(cx.facts.me, mine);
        self.current = Some(Current {
            ticket,
            number,
            agreed: NodeSet::EMPTY,
        });
        self.arm(cx);
        let key = UpdateKey {
            number,
            epoch: cx.facts.synchronised.epoch,
            sender: cx.facts.me,
        };
        let update = Update {
            key,
            tag_epoch: cx.facts.tag.next_epoch,
            changes: Arc::new(changes),
        };
        Self::to_all(cx, Message::Prepare { update }, out);
    }

    /// The lock owner asks this member to agree.
    pub(super) fn prepare(&mut self, from: NodeId, update: Update, out: &mut Outbox<Output>) {
        self.asked.insert(update.key.number, from);
        if self.token.is_none() {
            out.push(Output::Publish {
                ready: true,
                lock_owner: Some(from),
            });
        }
        out.push(Output::Prepare { update });
    }

    /// A member has agreed.
    pub(super) fn agreed(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        number: u64,
        out: &mut Outbox<Output>,
    ) {
        let Some(current) = self
            .current
            .as_mut()
            .filter(|current| current.number == number)
        else {
            return;
        };
        current.agreed.insert(from);
        if Self::members(cx).is_subset(current.agreed) {
            self.timers.clear(Timer::Reply as usize);
            Self::to_all(cx, Message::Commit { number }, out);
        }
    }

    /// An update is applied here.
    pub(super) fn applied(&mut self, cx: &Context<'_>, update: &Update, out: &mut Outbox<Output>) {
        let number = update.key.number;
        if self.phase == (Phase::ExpectLast { number }) {
            self.opened(cx, out);
            return;
        }
        if let Some(current) = self.current.take_if(|current| current.number == number) {
            out.push(Output::Done {
                ticket: current.ticket,
                result: Ok(cx.facts.tag),
            });
            self.proceed(cx, out);
        }
    }
}
