//! Agreeing to one update and applying it.

use std::time::Duration;

use base::limits::LOG_RECORDS_MAX;
use base::{Outbox, QuorumState};

use super::replica::{Record, promised_tag};
use super::{Database, Output, Pending, Unanswered};
use crate::Context;
use crate::database::Update;
use crate::membership::UpdateKey;

/// How often a node without quorum looks whether it has it again, while an answer waits for that.
const RECHECK_INTERVAL: Duration = Duration::from_millis(250);

impl Database {
    /// Agrees to the update, after the commit that it implies.
    pub(super) fn prepare(&mut self, update: Update, out: &mut Outbox<Output>) {
        if let Some(before) = self.replica.prepared_number()
            && before + 1 == update.key.number
        {
            self.commit(before, out);
        }
        if self.committing {
            self.next = Some(update);
        } else {
            self.agree(update, out);
        }
    }

    /// An update out of its place is passed over: whoever sent it gets no answer.
    fn agree(&mut self, update: Update, out: &mut Outbox<Output>) {
        let due = self.replica.applied + 1;
        if update.key.number != due || self.replica.prepared.is_some() {
            return;
        }
        let key = update.key;
        let persistent = update.is_persistent();
        self.replica.prepared = Some(update.clone());
        self.publish(out);
        self.unanswered = Some(Unanswered {
            key,
            logged: !persistent,
            version: if persistent {
                self.witness.changed()
            } else {
                0
            },
        });
        if persistent {
            self.log(&Record::Prepared { update }, Pending::Prepared { key }, out);
        }
    }

    /// The record of an agreement is on disk.
    pub(super) fn logged(&mut self, key: UpdateKey) {
        let unanswered = self.unanswered.as_mut();
        if let Some(unanswered) = unanswered.filter(|unanswered| unanswered.key == key) {
            unanswered.logged = true;
        }
    }

    /// Says that the update is agreed to, once log and witness copy have it, or the witness share
    /// remembers its tag: whoever gets the share next without it must see that it is behind. A node
    /// that has lost the witness may have lost quorum with it: it answers once that is known to
    /// hold.
    pub(super) fn answer(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(unanswered) = self.unanswered.filter(|unanswered| unanswered.logged) else {
            return;
        };
        let safe = match (self.witness.written(), self.share) {
            (Some(written), _) => written >= unanswered.version,
            (None, Some(remembered)) => {
                remembered >= promised_tag(self.replica.tag, self.replica.prepared.as_ref())
            }
            (None, None) if self.recheck.is_some() => return,
            (None, None) => cx.facts.quorum == QuorumState::Held,
        };
        if safe {
            self.unanswered = None;
            let number = unanswered.key.number;
            out.push(Output::Prepared { number });
        } else if self.witness.written().is_none() && self.share.is_none() {
            self.recheck = Some(cx.now.mono + RECHECK_INTERVAL);
        }
    }

    /// The update with this number is committed; one that is applied already is passed over.
    pub(super) fn commit(&mut self, number: u64, out: &mut Outbox<Output>) {
        let prepared = self.replica.prepared.as_ref();
        let Some(update) = prepared.filter(|update| update.key.number == number) else {
            return;
        };
        if !update.is_persistent() {
            self.apply(out);
        } else if !self.committing {
            self.committing = true;
            let pending = Pending::Committed { number };
            self.log(&Record::Committed { number }, pending, out);
        }
    }

    /// The record of a commit is on disk. It counts unless the replica was replaced meanwhile.
    pub(super) fn committed(&mut self, number: u64, out: &mut Outbox<Output>) {
        if self.committing && self.replica.prepared_number() == Some(number) {
            self.committing = false;
            self.apply(out);
        }
    }

    fn apply(&mut self, out: &mut Outbox<Output>) {
        self.unanswered = None;
        let Some(update) = self.replica.commit() else {
            return;
        };
        if update.is_persistent() {
            self.witness.changed();
        }
        self.publish(out);
        out.push(Output::Applied { update });
        if self.records >= LOG_RECORDS_MAX && self.pending.is_empty() {
            let replica = self.replica.clone();
            self.checkpoint(&replica, Pending::Checkpoint, out);
        }
        if let Some(next) = self.next.take() {
            self.agree(next, out);
        }
    }
}
