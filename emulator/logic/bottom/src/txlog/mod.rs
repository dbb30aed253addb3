//! The transaction log under the cluster database (seed 001, Database Manager 5: CLFS).
//!
//! Duty: keep records durably and in order, replace them by a checkpoint, and after a crash give
//! back the checkpoint and every record that was acknowledged. Serves database; speaks to the
//! shell's disk. A torn tail is cut off before anything is appended behind it, and what was read is
//! synced before it counts: it may have been in the cache of a system that outlived the service.
//! The first refusal of the disk ends it: what is on the medium is unknown from there on.
//!
//! Deliberately not done here: knowing what a record means (database), more than one segment (a
//! checkpoint empties the log), group commit (database has few records under way at a time).

mod format;
mod messages;
#[cfg(any(test, feature = "disk-model"))]
pub mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use base::limits::LOG_RECORDS_MAX;
use base::{IoId, Manager, Outbox, Timestamp};

pub use messages::{DiskOutcome, DiskRequest, FileName, Input, Output};

use crate::Context;

/// The content of a CLUSDB file whose checkpoint is `content`, as setup leaves it on a node's disk
/// before the first start. There is no log file beside it yet.
#[must_use]
pub fn image(content: &[u8]) -> Vec<u8> {
    format::checkpoint(1, content)
}

/// What the log waits for.
#[derive(Clone, Debug, Default)]
enum State {
    /// For `Open`.
    #[default]
    Closed,
    /// For both files.
    ExpectFiles {
        hive: Option<Vec<u8>>,
        log: Option<Vec<u8>>,
    },
    /// For the torn or void log to be replaced, or for the whole one to be synced, then to say
    /// this.
    ExpectRepair(Output),
    /// For work.
    Ready,
    /// For the new checkpoint to be on disk, then for the log to be emptied. Appends wait.
    ExpectCheckpoint,
    /// For nothing: the disk has refused.
    Failed,
}

/// Why an operation is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    ReadHive,
    ReadLog,
    Repair,
    Append,
    Sync,
    ReplaceHive,
    EmptyLog,
}

/// The log's state.
#[derive(Debug, Default)]
pub struct Txlog {
    state: State,
    /// Serial of the checkpoint on disk or on its way there; 0 on a blank disk.
    serial: u64,
    next_io: u64,
    flights: BTreeMap<IoId, Purpose>,
    /// Inputs that came while a checkpoint was being taken.
    waiting: VecDeque<Input>,
}

impl Txlog {
    fn ask(&mut self, purpose: Purpose, request: DiskRequest, out: &mut Outbox<Output>) {
        self.next_io += 1;
        let io = IoId(self.next_io);
        self.flights.insert(io, purpose);
        out.push(Output::Disk { io, request });
    }

    fn open(&mut self, out: &mut Outbox<Output>) {
        self.state = State::ExpectFiles {
            hive: None,
            log: None,
        };
        let read = |file| DiskRequest::Read { file };
        self.ask(Purpose::ReadHive, read(FileName::Hive), out);
        self.ask(Purpose::ReadLog, read(FileName::Log), out);
    }

    fn append(&mut self, record: &[u8], out: &mut Outbox<Output>) {
        let file = FileName::Log;
        let bytes = format::record(record);
        self.ask(Purpose::Append, DiskRequest::Append { file, bytes }, out);
        self.ask(Purpose::Sync, DiskRequest::Sync { file }, out);
    }

    fn checkpoint(&mut self, content: &[u8], out: &mut Outbox<Output>) {
        self.serial += 1;
        self.state = State::ExpectCheckpoint;
        let request = DiskRequest::Replace {
            file: FileName::Hive,
            bytes: format::checkpoint(self.serial, content),
        };
        self.ask(Purpose::ReplaceHive, request, out);
    }

    fn replace_log(&mut self, purpose: Purpose, bytes: Vec<u8>, out: &mut Outbox<Output>) {
        let file = FileName::Log;
        self.ask(purpose, DiskRequest::Replace { file, bytes }, out);
    }

    fn disk_done(&mut self, io: IoId, outcome: DiskOutcome, out: &mut Outbox<Output>) {
        let Some(purpose) = self.flights.remove(&io) else {
            return;
        };
        if matches!(self.state, State::Failed) {
            return;
        }
        match (purpose, outcome) {
            (_, DiskOutcome::Failed) => self.fail(out),
            (Purpose::ReadHive | Purpose::ReadLog, DiskOutcome::Read(bytes)) => {
                self.read(purpose, bytes, out);
            }
            (Purpose::Repair, DiskOutcome::Done) => self.repaired(out),
            (Purpose::Sync, DiskOutcome::Done) => out.push(Output::Durable),
            (Purpose::ReplaceHive, DiskOutcome::Done) => {
                let header = format::log_header(self.serial);
                self.replace_log(Purpose::EmptyLog, header, out);
            }
            (Purpose::EmptyLog, DiskOutcome::Done) => {
                self.state = State::Ready;
                out.push(Output::CheckpointDone);
            }
            (Purpose::Append, DiskOutcome::Done) => {}
            // The shell answered something else than was asked.
            (_, DiskOutcome::Read(_) | DiskOutcome::Done) => self.fail(out),
        }
    }

    fn read(&mut self, purpose: Purpose, bytes: Vec<u8>, out: &mut Outbox<Output>) {
        let State::ExpectFiles { hive, log } = &mut self.state else {
            return;
        };
        match purpose {
            Purpose::ReadHive => *hive = Some(bytes),
            _ => *log = Some(bytes),
        }
        match std::mem::take(&mut self.state) {
            State::ExpectFiles {
                hive: Some(hive),
                log: Some(log),
            } => self.recover(&hive, &log, out),
            other => self.state = other,
        }
    }

    fn recover(&mut self, hive: &[u8], log: &[u8], out: &mut Outbox<Output>) {
        let Ok(checkpoint) = format::read_checkpoint(hive) else {
            return self.fail(out);
        };
        let (serial, checkpoint) = checkpoint.map_or((0, None), |(serial, c)| (serial, Some(c)));
        self.serial = serial;
        let Ok(scan) = format::read_log(log, serial) else {
            return self.fail(out);
        };
        let (kept, records) = match scan {
            Some(scan) => (log.iter().copied().take(scan.whole).collect(), scan.records),
            None => (format::log_header(serial), Vec::new()),
        };
        let recovered = Output::Recovered {
            checkpoint,
            records,
        };
        self.state = State::ExpectRepair(recovered);
        if kept == log {
            let sync = DiskRequest::Sync {
                file: FileName::Log,
            };
            self.ask(Purpose::Repair, sync, out);
        } else {
            self.replace_log(Purpose::Repair, kept, out);
        }
    }

    fn repaired(&mut self, out: &mut Outbox<Output>) {
        if let State::ExpectRepair(recovered) = std::mem::replace(&mut self.state, State::Ready) {
            out.push(recovered);
        }
    }

    fn fail(&mut self, out: &mut Outbox<Output>) {
        out.push(match self.state {
            State::Failed => return,
            State::Closed | State::ExpectFiles { .. } | State::ExpectRepair(_) => {
                Output::Unreadable
            }
            State::Ready | State::ExpectCheckpoint => Output::Failed,
        });
        self.state = State::Failed;
        self.waiting.clear();
    }

    /// Does what came in, unless a checkpoint is being taken.
    fn work(&mut self, out: &mut Outbox<Output>) {
        while matches!(self.state, State::Ready) {
            match self.waiting.pop_front() {
                Some(Input::Append { record }) => self.append(&record, out),
                Some(Input::Checkpoint { content }) => self.checkpoint(&content, out),
                Some(Input::Open | Input::DiskDone { .. }) | None => return,
            }
        }
    }
}

impl Manager for Txlog {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Open => self.open(out),
            Input::DiskDone { io, outcome } => self.disk_done(io, outcome, out),
            Input::Append { .. } | Input::Checkpoint { .. } => {
                if !matches!(self.state, State::Failed) {
                    self.waiting.push_back(input);
                }
            }
        }
        self.work(out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {
        assert!(
            self.waiting.len() <= LOG_RECORDS_MAX,
            "database waits for none of its records"
        );
        let idle = matches!(self.state, State::Ready | State::Failed);
        assert!(
            idle || matches!(self.state, State::Closed) || !self.flights.is_empty(),
            "{:?} without an operation under way",
            self.state
        );
    }
}
