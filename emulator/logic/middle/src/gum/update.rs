//! One update: agreed to by everybody, then applied by everybody.

use std::sync::Arc;

use base::{NodeId, NodeSet, Outbox};

use super::{Gum, Message, Output, Phase, Ticket, Timer};
use crate::Context;
use crate::database::Update;
use crate::membership::UpdateKey;
use crate::settings::ReadWriteMode;
use crate::settings::votes::count;

/// The update that this node is sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) ticket: Ticket,
    pub(super) number: u64,
    /// Members that have agreed durably.
    pub(super) agreed: NodeSet,
    /// Enough have.
    committed: bool,
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
            committed: false,
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
    pub(super) fn prepare(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        update: Update,
        out: &mut Outbox<Output>,
    ) {
        if update.key.number > due(cx) {
            // Others were faster with the ones before: their agreement was enough.
            if self.ahead.len() < super::EARLY_MAX {
                self.ahead.insert(update.key.number, (from, update));
            }
            return;
        }
        self.asked.insert(update.key.number, from);
        if self.token.is_none() {
            out.push(Output::Publish {
                ready: true,
                lock_owner: Some(from),
            });
        }
        out.push(Output::Prepare { update });
    }

    /// Takes up what had come too early, once it is due.
    pub(super) fn catch_up(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if let Some((from, update)) = self.ahead.remove(&due(cx)) {
            self.prepare(cx, from, update, out);
        }
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
        if !current.committed && is_enough(cx, current.agreed) {
            current.committed = true;
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

/// The number of the update that this member can agree to next.
fn due(cx: &Context<'_>) -> u64 {
    let agreed = cx.facts.prepared.as_ref().map(|update| update.key.number);
    agreed.unwrap_or(cx.facts.applied).max(cx.facts.applied) + 1
}

/// Whether these members' agreement lets an update be committed.
fn is_enough(cx: &Context<'_>, agreed: NodeSet) -> bool {
    let members = Gum::members(cx);
    if members.is_subset(agreed) {
        return true;
    }
    let agreed = members.intersection(agreed);
    cx.facts.settings.read_write_mode != ReadWriteMode::AllWrite
        && agreed.len() * 2 > members.len()
        && count(&cx.facts.settings, agreed, false).has_quorum()
}
