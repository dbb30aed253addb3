//! Agreeing to one update and applying it.

use base::Outbox;
use base::limits::LOG_RECORDS_MAX;

use super::replica::Record;
use super::{Database, Output, Pending, Unanswered};
use crate::database::Update;
use crate::membership::UpdateKey;

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
        self.replica.prepared = Some(update.clone());
        self.publish(out);
        if !update.is_persistent() {
            out.push(Output::Prepared { number: key.number });
            return;
        }
        self.unanswered = Some(Unanswered {
            key,
            logged: false,
            version: self.witness.changed(),
        });
        self.log(&Record::Prepared { update }, Pending::Prepared { key }, out);
    }

    /// The record of an agreement is on disk.
    pub(super) fn logged(&mut self, key: UpdateKey) {
        let unanswered = self.unanswered.as_mut();
        if let Some(unanswered) = unanswered.filter(|unanswered| unanswered.key == key) {
            unanswered.logged = true;
        }
    }

    /// Says that the update is agreed to, once log and witness copy have it.
    pub(super) fn answer(&mut self, out: &mut Outbox<Output>) {
        let witness = &self.witness;
        let kept =
            |unanswered: &mut Unanswered| unanswered.logged && witness.has(unanswered.version);
        if let Some(Unanswered { key, .. }) = self.unanswered.take_if(kept) {
            out.push(Output::Prepared { number: key.number });
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
