//! The replica: what one node keeps of the cluster database, its Paxos tag, and how both move.

use std::sync::Arc;

use base::PaxosTag;
use wire::{Codec, DecodeError};

use crate::database::{Change, Hive, Update};
use crate::membership::{Standing, Synchronised};

/// The hive with all that is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Replica {
    pub hive: Arc<Hive>,
    pub tag: PaxosTag,
    /// Number of the last applied update.
    pub applied: u64,
    /// An update that was agreed to and not seen committed.
    pub prepared: Option<Update>,
    /// The view that it was last brought to.
    pub synchronised: Synchronised,
}

/// One record of the transaction log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// This node has agreed to the update.
    Prepared { update: Update },
    /// The update that was agreed to last is committed.
    Committed { number: u64 },
    /// The replica is that of this view, unchanged.
    Synchronised { view: Synchronised },
    /// A cluster formed: updates carry this epoch from here on.
    Epoch { next_epoch: u64 },
    /// A cluster formed by an administrator's word: the replica as it is, and updates from here on,
    /// are of this epoch.
    Forced { epoch: u64 },
}

/// A record that cannot follow what is before it: the log is not one that this module wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl From<DecodeError> for Misfit {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl Update {
    /// Whether it changes the persistent database, hence moves the Paxos tag and is logged.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        let persistent = |change: &Change| matches!(change, Change::Hive(_));
        self.changes.iter().any(persistent)
    }

    /// The tag of a replica of `tag` after this update.
    #[must_use]
    pub fn tag_after(&self, tag: PaxosTag) -> PaxosTag {
        if !self.is_persistent() {
            return tag;
        }
        PaxosTag {
            next_epoch: tag.next_epoch,
            last_epoch: self.tag_epoch,
            sequence: tag.sequence + 1,
        }
    }
}

/// The tag of a replica once what it has agreed to is committed.
pub(crate) fn promised_tag(tag: PaxosTag, agreed: Option<&Update>) -> PaxosTag {
    agreed.map_or(tag, |update| update.tag_after(tag))
}

impl Replica {
    pub(super) fn standing(&self) -> Standing {
        Standing {
            tag: self.tag,
            applied: self.applied,
            prepared: self.prepared.as_ref().map(|update| update.key),
            synchronised: self.synchronised,
        }
    }

    /// Number of the update that was agreed to.
    pub(super) fn prepared_number(&self) -> Option<u64> {
        self.prepared.as_ref().map(|update| update.key.number)
    }

    /// Applies the update that was agreed to.
    pub(super) fn commit(&mut self) -> Option<Update> {
        let update = self.prepared.take()?;
        if update.is_persistent() {
            let hive = Arc::make_mut(&mut self.hive);
            for change in update.changes.iter() {
                if let Change::Hive(change) = change {
                    hive.apply(change);
                }
            }
        }
        self.tag = update.tag_after(self.tag);
        self.applied = update.key.number;
        Some(update)
    }

    /// The part that outlives the process: an update of volatile tables alone does not.
    pub(super) fn durable(&self) -> Self {
        let mut durable = self.clone();
        durable.prepared = durable.prepared.filter(Update::is_persistent);
        durable
    }

    /// Whether the durable parts of both are the same, but for the view.
    pub(super) fn is_durably(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.durable(), other.durable());
        ours.tag == theirs.tag && ours.hive == theirs.hive && ours.prepared == theirs.prepared
    }

    /// What a checkpoint with the records after it amounts to.
    pub(super) fn recover(checkpoint: Option<&[u8]>, records: &[Vec<u8>]) -> Result<Self, Misfit> {
        let mut replica = checkpoint.map_or(Ok(Self::default()), Self::from_bytes)?;
        for record in records {
            replica.replay(Record::from_bytes(record)?)?;
        }
        Ok(replica)
    }

    fn replay(&mut self, record: Record) -> Result<(), Misfit> {
        match record {
            Record::Prepared { update } => {
                // Updates of volatile tables may lie between; they are not logged.
                self.applied = update.key.number.checked_sub(1).ok_or(Misfit)?;
                self.prepared = Some(update);
            }
            Record::Committed { number } => {
                if self.prepared_number() != Some(number) {
                    return Err(Misfit);
                }
                self.commit();
            }
            Record::Synchronised { view } => self.synchronised = view,
            Record::Epoch { .. } | Record::Forced { .. } => self.begin(&record),
        }
        Ok(())
    }

    /// A cluster formed.
    pub(super) fn begin(&mut self, record: &Record) {
        match record {
            Record::Epoch { next_epoch } => self.tag.next_epoch = *next_epoch,
            Record::Forced { epoch } => {
                (self.tag.next_epoch, self.tag.last_epoch) = (*epoch, *epoch);
                if let Some(agreed) = &mut self.prepared {
                    agreed.tag_epoch = *epoch;
                }
            }
            Record::Prepared { .. } | Record::Committed { .. } | Record::Synchronised { .. } => {}
        }
    }
}

wire::codec!(struct Replica { hive, tag, applied, prepared, synchronised });
wire::codec!(enum Record {
    0 = Prepared { update },
    1 = Committed { number },
    2 = Epoch { next_epoch },
    3 = Synchronised { view },
    4 = Forced { epoch },
});
