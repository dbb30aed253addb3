//! The lock: a token that names who was served and who waits.

use std::collections::{BTreeMap, VecDeque};

use base::{NodeId, NodeSet, Outbox};

use super::{Gum, Message, Output};
use crate::Context;

/// The lock itself. There is one per view.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Token {
    /// How many wishes of each member have been served.
    pub(super) served: BTreeMap<NodeId, u64>,
    /// Who is served next, in order.
    pub(super) waiting: VecDeque<NodeId>,
    /// Number of the next update.
    pub(super) next: u64,
}

impl Gum {
    /// A member wants the lock.
    pub(super) fn wanted(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        request: u64,
        out: &mut Outbox<Output>,
    ) {
        let wish = self.wishes.entry(from).or_default();
        *wish = (*wish).max(request);
        self.proceed(cx, out);
    }

    /// The lock is here.
    pub(super) fn locked(&mut self, cx: &Context<'_>, token: Token, out: &mut Outbox<Output>) {
        self.token = Some(token);
        self.wishing = false;
        out.push(Output::Publish {
            ready: true,
            lock_owner: Some(cx.facts.me),
        });
        self.proceed(cx, out);
    }

    /// Does what can be done next: send an update, ask for the lock, or hand it on.
    pub(super) fn proceed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if self.current.is_some() {
            return;
        }
        if self.token.is_none() {
            if !self.proposals.is_empty() && !self.wishing {
                self.wish(cx, out);
            }
        } else if !self.hand_on(cx, out) && !self.proposals.is_empty() {
            self.begin(cx, out);
        }
    }

    fn wish(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.wishing = true;
        let wish = self.wishes.entry(cx.facts.me).or_default();
        *wish += 1;
        let message = Message::LockWanted { request: *wish };
        out.push(Output::Send {
            to: Self::members(cx).without(cx.facts.me),
            message,
        });
    }

    /// Hands the lock to whoever waits longest, unless this node has just got it and has
    /// something to send. True when it is gone.
    fn hand_on(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) -> bool {
        let me = cx.facts.me;
        let Some(token) = &mut self.token else {
            return false;
        };
        let mine = self.wishes.get(&me).copied().unwrap_or_default();
        let due = token.served.get(&me).copied().unwrap_or_default() < mine;
        if due && !self.proposals.is_empty() {
            return false;
        }
        token.served.insert(me, mine);
        for (node, wish) in self.wishes.iter().filter(|(node, _)| **node != me) {
            let served = token.served.get(node).copied().unwrap_or_default();
            if *wish > served && !token.waiting.contains(node) {
                token.waiting.push_back(*node);
            }
        }
        let Some(heir) = token.waiting.pop_front() else {
            return false;
        };
        // The heir's wish counts as served from here on; it sends one update per wish.
        let Some(Token {
            served,
            waiting,
            next,
        }) = self.token.take()
        else {
            return false;
        };
        let message = Message::Lock {
            served,
            waiting: waiting.into(),
            next,
        };
        out.push(Output::Send {
            to: NodeSet::one(heir),
            message,
        });
        out.push(Output::Publish {
            ready: true,
            lock_owner: Some(heir),
        });
        if !self.proposals.is_empty() {
            self.wish(cx, out);
        }
        true
    }
}
