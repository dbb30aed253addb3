//! What the database manager hears and says.

use std::sync::Arc;

use base::{DiskId, PaxosTag};
use bottom::{clusdisk, txlog};

use crate::database::{Hive, HiveChange};
use crate::membership::{Synchronised, UpdateKey};
use crate::object::{ObjectTable, StateChange};

/// One change within a global update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of the persistent database: moves the Paxos tag.
    Hive(HiveChange),
    /// Of the volatile object tables.
    State(StateChange),
}

/// One global update: all of it or nothing, in one order on all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its place in the order.
    pub key: UpdateKey,
    /// The last epoch of the Paxos tag that it leads to: the next epoch when it was first sent. It
    /// stays the same if a later view completes the update, so there is one tag for one content.
    pub tag_epoch: u64,
    /// What it changes, in order.
    pub changes: Arc<Vec<Change>>,
}

/// A whole replica as it travels to a joiner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The committed hive.
    pub hive: Arc<Hive>,
    /// Its tag.
    pub tag: PaxosTag,
    /// The volatile tables.
    pub objects: Arc<ObjectTable>,
    /// Number of the last applied update.
    pub applied: u64,
    /// An update that must be committed before anything else.
    pub prepared: Option<Update>,
    /// The view that it brings its receivers to.
    pub synchronised: Synchronised,
}

/// What the database manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the node at boot: open the local replica.
    Start,
    /// From txlog.
    Log(txlog::Output),
    /// From gum: keep the update durably and answer `Prepared`. An earlier prepared update with
    /// the number before is committed by this.
    Prepare { update: Update },
    /// From gum: the prepared update with this number is committed: apply it, answer `Applied`.
    Commit { number: u64 },
    /// From gum: replace the local replica by this one durably; answer `Installed`.
    Install { snapshot: Snapshot },
    /// From gum on the node that forms the cluster: begin a new epoch durably; answer `Installed`.
    /// `forced` is an epoch by an administrator's word: this replica is of it from here on, so that
    /// it goes before every other one.
    BeginEpoch { forced: Option<u64> },
    /// From the router: this node holds the witness disk now: read its replica and answer
    /// `WitnessReplica`. From then on every commit is written there too, until `WitnessReleased`.
    WitnessHeld { disk: DiskId },
    /// From the router: the witness disk is no longer this node's.
    WitnessReleased,
    /// From the witness share's client: what the file remembers while this node has it open; none
    /// once it has not.
    ShareRemembers { tag: Option<PaxosTag> },
    /// From clusdisk: reads and writes of the witness replica on a disk, which may not be the
    /// witness any more.
    WitnessReport {
        disk: DiskId,
        report: clusdisk::Report,
    },
}

/// What the database manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To txlog.
    Log(txlog::Input),
    /// To the facts, before whatever output it makes true: the replica changed. `applied` is the
    /// last applied update, `prepared` one that was agreed to and not seen committed, and
    /// `synchronised` the view that the replica was last brought to.
    Publish {
        hive: Arc<Hive>,
        tag: PaxosTag,
        applied: u64,
        prepared: Option<Update>,
        synchronised: Synchronised,
    },
    /// To the node after `Start`: the local replica is open and published.
    Opened,
    /// To gum: the update is durable here.
    Prepared { number: u64 },
    /// To gum, object and rcm: the update is applied; facts are already written.
    Applied { update: Update },
    /// To object, right after the `Publish` of a snapshot: the volatile tables that belong to it.
    Replaced { objects: Arc<ObjectTable> },
    /// To gum: the snapshot or the new epoch that it asked for last is durable.
    Installed,
    /// To the node: the local replica cannot be written or read; the service must end.
    LocalFailed { readable: bool },
    /// To the node: the copy on the witness shows that others went on without this active member;
    /// the service must end and rejoin.
    LeftBehind,
    /// To quorum: the witness replica was read; this node's replica is now at least as new.
    /// `adopted` if the witness copy was newer and replaced the local one.
    WitnessReplica { tag: PaxosTag, adopted: bool },
    /// To quorum and rcm: the replica on the witness could not be read or written; it is unloaded.
    WitnessFailed,
    /// To clusdisk: reads and writes of the witness replica.
    WitnessRequest {
        disk: DiskId,
        request: clusdisk::Request,
    },
}

wire::codec!(enum Change { 0 = Hive(change), 1 = State(change) });
wire::codec!(struct Update { key, tag_epoch, changes });
wire::codec!(struct Snapshot { hive, tag, objects, applied, prepared, synchronised });
