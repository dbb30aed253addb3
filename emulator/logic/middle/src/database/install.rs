//! Replacing the local replica by another one.

use std::sync::Arc;

use base::Outbox;
use base::limits::LOG_RECORDS_MAX;

use super::replica::{Record, Replica};
use super::{Database, Output, Pending, Snapshot};
use crate::Context;
use crate::database::{Change, Update};
use crate::object::ObjectTable;

/// A replica that is to become the local one.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    pub replica: Replica,
    /// What to tell gum: the number of its request and the tables that came along. None for a copy
    /// from the witness.
    pub request: Option<(u64, Arc<ObjectTable>)>,
}

/// What gum asks for that ends in `Installed`. A later one takes the place of an earlier one.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// Take over this replica.
    Install(Snapshot),
    /// Begin a new epoch, by an administrator's word if there is one for that.
    BeginEpoch { forced: Option<u64> },
}

impl Database {
    /// Whether another replica is on its way to the disk. What this node holds is not known until
    /// it is there, so nothing is compared with it before.
    pub(super) fn is_being_replaced(&self) -> bool {
        let replaced = |pending: &Pending| matches!(pending, Pending::Replaced(_));
        self.pending.iter().any(replaced)
    }

    /// Remembers what gum asks for; nothing that was asked for before is answered any more.
    pub(super) fn ask(&mut self, request: Request) {
        self.installation += 1;
        self.unsaid = None;
        self.request = Some(request);
    }

    /// Takes on what gum asked for last.
    pub(super) fn serve(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        match self.request.take() {
            Some(Request::Install(snapshot)) => self.install(cx, snapshot, out),
            Some(Request::BeginEpoch { forced }) => self.begin_epoch(forced, out),
            None => {}
        }
    }

    fn begin_epoch(&mut self, forced: Option<u64>, out: &mut Outbox<Output>) {
        let next_epoch = self.replica.tag.next_epoch + 1;
        let record = match forced {
            Some(epoch) => Record::Forced { epoch },
            None => Record::Epoch { next_epoch },
        };
        let pending = Pending::Epoch {
            record: record.clone(),
            installation: self.installation,
        };
        self.log(&record, pending, out);
    }

    /// The record of the new epoch is on disk.
    pub(super) fn epoch_begun(
        &mut self,
        record: &Record,
        installation: u64,
        out: &mut Outbox<Output>,
    ) {
        self.replica.begin(record);
        self.witness.changed();
        self.publish(out);
        if installation == self.installation {
            out.push(Output::Installed);
        }
    }

    /// Takes over the view source's replica.
    fn install(&mut self, cx: &Context<'_>, snapshot: Snapshot, out: &mut Outbox<Output>) {
        self.installed_in = cx.facts.view.as_ref().map(|view| view.id);
        let (replica, objects) = self.target(snapshot);
        let request = Some((self.installation, objects));
        self.replace(Installation { replica, request }, out);
    }

    /// What the snapshot amounts to here: itself, or this node's own replica if that has applied
    /// already what the snapshot carries as agreed. Content never goes back.
    fn target(&self, snapshot: Snapshot) -> (Replica, Arc<ObjectTable>) {
        let ours = &self.replica;
        if let Some(update) = &snapshot.prepared {
            let after = update.tag_after(snapshot.tag);
            let same = (ours.tag.last_epoch, ours.tag.sequence);
            if ours.applied == update.key.number && same == (after.last_epoch, after.sequence) {
                let replica = Replica {
                    tag: after,
                    prepared: None,
                    synchronised: snapshot.synchronised,
                    ..ours.clone()
                };
                return (replica, with_states(snapshot.objects, update));
            }
        }
        let same = snapshot.hive == ours.hive;
        let hive = if same {
            Arc::clone(&ours.hive)
        } else {
            snapshot.hive
        };
        let replica = Replica {
            hive,
            tag: snapshot.tag,
            applied: snapshot.applied,
            prepared: snapshot.prepared,
            synchronised: snapshot.synchronised,
        };
        (replica, snapshot.objects)
    }

    /// Makes `installation` durable behind everything that is on its way; a commit among that no
    /// longer counts.
    pub(super) fn replace(&mut self, installation: Installation, out: &mut Outbox<Output>) {
        self.committing = false;
        self.next = None;
        self.unanswered = None;
        let (ours, theirs) = (&self.replica, &installation.replica);
        let view = theirs.synchronised;
        // What is on its way may still change the durable replica: then compare with nothing.
        if !self.pending.is_empty() || !theirs.is_durably(ours) || self.records >= LOG_RECORDS_MAX {
            let replica = theirs.clone();
            self.checkpoint(&replica, Pending::Replaced(installation), out);
        } else if view != ours.synchronised {
            let record = Record::Synchronised { view };
            self.log(&record, Pending::Replaced(installation), out);
        } else {
            self.installed(installation, out);
        }
    }

    pub(super) fn installed(&mut self, installation: Installation, out: &mut Outbox<Output>) {
        self.replica = installation.replica;
        self.publish(out);
        let version = self.witness.changed();
        // Tables and replica change together, even if gum has asked for something else since: the
        // next report tells of both.
        if let Some((number, objects)) = installation.request {
            out.push(Output::Replaced { objects });
            self.unsaid = Some(version).filter(|_| number == self.installation);
        }
    }

    /// Says that the snapshot is there, once the witness copy tells of the view too.
    pub(super) fn say_installed(&mut self, out: &mut Outbox<Output>) {
        let written = self.witness.written();
        let kept = |version: &mut u64| written.is_none_or(|written| written >= *version);
        if self.unsaid.take_if(kept).is_some() {
            out.push(Output::Installed);
        }
    }
}

fn with_states(mut objects: Arc<ObjectTable>, update: &Update) -> Arc<ObjectTable> {
    for change in update.changes.iter() {
        if let Change::State(change) = change {
            Arc::make_mut(&mut objects).apply(change);
        }
    }
    objects
}
