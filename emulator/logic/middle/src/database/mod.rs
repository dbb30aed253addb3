//! The database manager: the hive, its replicas and their Paxos tags (seed 001, Database Manager 1
//! to 7).
//!
//! Duty: keep this node's replica durably. An update is agreed to (`Prepare`) by a log record that
//! is on the disk before the answer, and applied (`Commit`) once a second record is; after a crash
//! checkpoint and records give the same replica again. While this node holds the witness disk, a
//! copy there goes along: agreement is answered only once the copy has it too, so that the next
//! holder finds whatever was acknowledged; a witness share remembers at least the tag that it leads
//! to. Without either, agreement is answered only while the view has quorum. A
//! local failure ends the service; a failure of the copy unloads it and fails the witness.
//!
//! Publishes hive, tag, applied and prepared. Deliberately not done here: order and agreement
//! (gum), volatile tables (object; their changes only pass through), registry and crypto
//! checkpoints of resources.

mod hive;
mod install;
mod messages;
mod reconcile;
mod replica;
#[cfg(test)]
mod tests;
mod update;
mod witness;

use std::collections::VecDeque;
use std::sync::Arc;

use base::limits::LOG_RECORDS_MAX;
use base::{Manager, Outbox, PaxosTag, Timestamp, ViewId};
use bottom::txlog;
use wire::Codec;

pub use hive::{Hive, HiveChange, Value};
pub(crate) use replica::promised_tag;

pub use messages::{Change, Input, Output, Snapshot, Update};
pub use witness::witness_tag;

use crate::Context;
use crate::membership::UpdateKey;
use install::{Installation, Request};
use reconcile::Reconcile;
use replica::{Record, Replica};
use witness::WitnessCopy;

/// The content of a node's CLUSDB file that holds `hive` with `tag`, as setup leaves it before the
/// first start. Use a tag above the default one, which a blank disk has.
#[must_use]
pub fn image(hive: &Hive, tag: PaxosTag) -> Vec<u8> {
    let replica = Replica {
        hive: Arc::new(hive.clone()),
        tag,
        ..Replica::default()
    };
    txlog::image(&replica.to_bytes())
}

/// What the manager waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    /// For `Start`.
    #[default]
    Closed,
    /// For the log to be read.
    ExpectRecovery,
    /// For work.
    Open,
    /// For nothing: the local replica cannot be kept.
    Failed,
}

/// Something that txlog has been asked for.
#[derive(Clone, Debug)]
enum Pending {
    /// The record of an agreement.
    Prepared { key: UpdateKey },
    /// The record of a commit.
    Committed { number: u64 },
    /// The record of a new epoch.
    Epoch { record: Record, installation: u64 },
    /// A checkpoint of a replica that replaces the local one, or the record that it is there.
    Replaced(Installation),
    /// A checkpoint of the local replica, to empty the log.
    Checkpoint,
}

/// An agreement that was not answered yet.
#[derive(Clone, Copy, Debug)]
struct Unanswered {
    key: UpdateKey,
    /// It is in the log, or need not be.
    logged: bool,
    /// Which version of the witness copy has it; 0 where none need have it.
    version: u64,
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Database {
    state: State,
    replica: Replica,
    /// The prepared update is committed, and the record of that is on its way.
    committing: bool,
    /// An update to agree to once the commit before it is done.
    next: Option<Update>,
    unanswered: Option<Unanswered>,
    /// What txlog owes, oldest first.
    pending: VecDeque<Pending>,
    /// Records since the last checkpoint.
    records: usize,
    /// What gum asked for last, until the replica that it is compared with is settled.
    request: Option<Request>,
    /// The view whose source's replica this node has taken over in this life.
    installed_in: Option<ViewId>,
    /// `Installed` is to be said once the witness copy has this version.
    unsaid: Option<u64>,
    /// Numbers requests of gum that end in `Installed`; only the newest is answered.
    installation: u64,
    witness: WitnessCopy,
    reconcile: Option<Reconcile>,
    /// What the witness share remembers while this node has it open.
    share: Option<PaxosTag>,
    /// When to look whether the view has quorum without the witness that this node has lost.
    recheck: Option<Timestamp>,
}

impl Database {
    /// Whether the copy on the witness disk is loaded here, as the hive `0.Cluster`.
    #[must_use]
    pub fn has_witness_hive(&self) -> bool {
        self.witness.written().is_some()
    }

    fn log(&mut self, record: &Record, pending: Pending, out: &mut Outbox<Output>) {
        self.records += 1;
        self.pending.push_back(pending);
        let record = record.to_bytes();
        out.push(Output::Log(txlog::Input::Append { record }));
    }

    fn checkpoint(&mut self, replica: &Replica, pending: Pending, out: &mut Outbox<Output>) {
        self.records = 0;
        self.pending.push_back(pending);
        let content = replica.durable().to_bytes();
        out.push(Output::Log(txlog::Input::Checkpoint { content }));
    }

    fn publish(&self, out: &mut Outbox<Output>) {
        out.push(Output::Publish {
            hive: Arc::clone(&self.replica.hive),
            tag: self.replica.tag,
            applied: self.replica.applied,
            prepared: self.replica.prepared.clone(),
            synchronised: self.replica.synchronised,
        });
    }

    fn log_said(&mut self, said: txlog::Output, out: &mut Outbox<Output>) {
        match said {
            txlog::Output::Recovered {
                checkpoint,
                records,
            } => self.recovered(checkpoint.as_deref(), &records, out),
            txlog::Output::Durable | txlog::Output::CheckpointDone => self.kept(out),
            txlog::Output::Unreadable => self.fail(false, out),
            txlog::Output::Failed => self.fail(true, out),
            // The router takes these to the shell.
            txlog::Output::Disk { .. } => {}
        }
    }

    fn recovered(
        &mut self,
        checkpoint: Option<&[u8]>,
        records: &[Vec<u8>],
        out: &mut Outbox<Output>,
    ) {
        let Ok(replica) = Replica::recover(checkpoint, records) else {
            return self.fail(false, out);
        };
        self.replica = replica;
        self.records = records.len();
        self.state = State::Open;
        self.publish(out);
        out.push(Output::Opened);
    }

    /// The oldest thing that txlog was asked for is on disk.
    fn kept(&mut self, out: &mut Outbox<Output>) {
        match self.pending.pop_front() {
            Some(Pending::Prepared { key }) => self.logged(key),
            Some(Pending::Committed { number }) => self.committed(number, out),
            Some(Pending::Epoch {
                record,
                installation,
            }) => self.epoch_begun(&record, installation, out),
            Some(Pending::Replaced(installation)) => self.installed(installation, out),
            Some(Pending::Checkpoint) | None => {}
        }
    }

    fn fail(&mut self, readable: bool, out: &mut Outbox<Output>) {
        self.state = State::Failed;
        out.push(Output::LocalFailed { readable });
    }

    /// Sends what the witness copy wants and says what has become true.
    fn settle(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if !self.is_being_replaced() {
            self.serve(cx, out);
            self.compare(cx, out);
        }
        self.reconciled(out);
        // Not over a copy that is newer, before the local replica is as new.
        let compared = matches!(self.reconcile, None | Some(Reconcile::Writing { .. }));
        if compared && !self.witness.write(&self.replica) {
            self.witness_failed(cx, out);
        }
        for (disk, request) in self.witness.take() {
            out.push(Output::WitnessRequest { disk, request });
        }
        self.answer(cx, out);
        self.say_installed(out);
    }
}

impl Manager for Database {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match (self.state, input) {
            (State::Closed, Input::Start) => {
                self.state = State::ExpectRecovery;
                out.push(Output::Log(txlog::Input::Open));
            }
            (State::ExpectRecovery | State::Open, Input::Log(said)) => self.log_said(said, out),
            (State::Open, Input::Prepare { update }) => self.prepare(update, out),
            (State::Open, Input::Commit { number }) => self.commit(number, out),
            (State::Open, Input::Install { snapshot }) => self.ask(Request::Install(snapshot)),
            (State::Open, Input::BeginEpoch { forced }) => {
                self.ask(Request::BeginEpoch { forced });
            }
            (State::Open, Input::WitnessHeld { disk }) => self.witness_held(disk),
            (State::Open, Input::WitnessReleased) => self.witness_released(cx),
            (_, Input::ShareRemembers { tag }) => self.share_remembers(cx, tag),
            (State::Open, Input::WitnessReport { disk, report }) => {
                self.witness_report(cx, disk, report, out);
            }
            (_, _) => {}
        }
        if self.state == State::Open {
            self.settle(cx, out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.recheck
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        if self.recheck.take_if(|at| *at <= cx.now.mono).is_some() && self.state == State::Open {
            self.settle(cx, out);
        }
    }

    fn check(&self, _cx: &Context<'_>) {
        let prepared = self.replica.prepared_number();
        assert!(prepared.is_none_or(|number| number == self.replica.applied + 1));
        assert!(!self.committing || prepared.is_some(), "committing nothing");
        assert!(
            self.next.is_none() || self.committing,
            "nothing to wait for"
        );
        assert!(
            self.unanswered
                .is_none_or(|unanswered| prepared == Some(unanswered.key.number)),
            "an answer for an update that is gone"
        );
        assert!(
            self.pending.len() <= LOG_RECORDS_MAX,
            "txlog does not answer"
        );
    }
}
