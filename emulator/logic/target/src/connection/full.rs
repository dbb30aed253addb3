//! A session that may send commands: from PDUs to the target and back.

use std::collections::BTreeSet;

use scsi::iscsi::target::{
    COMMANDS_MAX, Command, Ending, Manage, Managed, Session, Step, Task, Transfer,
};
use scsi::{Lun, NexusId, Sense, SenseKey, Status, asc};

use super::{Closed, Portal, Progress, Vault, targets};
use crate::response::{Obligation, Response};
use crate::store::Store;
use crate::target::{Request, Target};
use crate::task::{Function, TaskTag};

/// A session that may send commands.
pub(super) struct Full {
    pub session: Session,
    pub nexus: NexusId,
    /// See [`Target::session_number`].
    number: u32,
    /// Responses that wait for their unit's writes to be durable.
    pub unsynced: Vec<(Lun, Task, Ending)>,
    /// Sanitizes under way, and how many bytes of data they wanted.
    pub sanitizes: Vec<(Lun, Task, u64)>,
    pub reset: bool,
    /// The units that commands went to since this was last asked.
    pub touched: BTreeSet<Lun>,
}

/// How many bytes the initiator has for a command.
fn offered(task: &Task) -> u64 {
    if task.writes {
        u64::from(task.expected)
    } else {
        0
    }
}

impl Full {
    /// A session that has just been established.
    pub(super) fn new(session: Session, nexus: NexusId, number: u32) -> Self {
        Self {
            session,
            nexus,
            number,
            unsynced: Vec::new(),
            sanitizes: Vec::new(),
            reset: false,
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn is_current<S: Store>(&self, target: &Target<S>) -> bool {
        target.is_attached(self.nexus) && target.session_number(self.nexus) == self.number
    }

    pub(super) fn step<S: Store>(
        &mut self,
        target: &mut Target<S>,
        vault: &mut impl Vault,
        portal: &Portal,
        bytes: &[u8],
    ) -> (usize, Option<Progress>) {
        if !self.is_current(target) {
            return (0, Some(Progress::Close(Closed::Replaced)));
        }
        let (done, step) = self.session.step(bytes);
        let mut progress = None;
        match step {
            Step::Need(length) => progress = Some(Progress::Need(length)),
            Step::Handled => {}
            Step::Command(command) => self.command(target, vault, &command),
            Step::Garbled(transfer) => self.garbled(target, &transfer),
            Step::Gathered(transfer) => {
                self.gathered(target, vault, &transfer);
                self.session.recycle(transfer);
            }
            Step::Manage(request) => self.manage(target, &request),
            Step::SendTargets { tag, .. } => self.session.send_text(tag, &targets(portal)),
            Step::Close(reason) => progress = Some(Progress::Close(Closed::Session(reason))),
        }
        (done, progress)
    }

    fn command<S: Store>(
        &mut self,
        target: &mut Target<S>,
        vault: &mut impl Vault,
        command: &Command<'_>,
    ) {
        let lun = Lun::from_bytes(command.lun);
        let wanted = target.data_out_bytes(lun, &command.cdb);
        self.touched.extend(lun);
        let data_out = &command.data[..command.data.len().min(Session::available(command, wanted))];
        let offered = offered(&command.task);
        let request = Request {
            nexus: self.nexus,
            lun,
            cdb: &command.cdb,
            data_out,
            offered,
        };
        if !Session::is_complete(command, wanted) {
            let limit = COMMANDS_MAX as usize;
            match target.admit(request, TaskTag(command.task.tag), limit) {
                Ok(()) => self.session.gather(command, wanted),
                Err(response) => self.end_early(command, response, wanted),
            }
            return;
        }
        let at = self.session.begin();
        let response = target.execute(request, &mut self.session.output.bytes);
        self.end(target, vault, (command.task, at), response, wanted);
    }

    /// A command that is refused before its data has come.
    fn end_early(&mut self, command: &Command<'_>, response: Response, wanted: u64) {
        let at = self.session.begin();
        let ending = Ending {
            status: response.status,
            sense: response.sense_bytes(),
            wanted,
        };
        self.session.end(&command.task, at, &ending);
    }

    fn gathered<S: Store>(
        &mut self,
        target: &mut Target<S>,
        vault: &mut impl Vault,
        transfer: &Transfer,
    ) {
        let lun = Lun::from_bytes(transfer.lun);
        let wanted = target.data_out_bytes(lun, &transfer.cdb);
        let (cdb, data_out) = (&transfer.cdb, transfer.data());
        let offered = offered(&transfer.task);
        let request = Request {
            nexus: self.nexus,
            lun,
            cdb,
            data_out,
            offered,
        };
        let at = self.session.begin();
        let tag = TaskTag(transfer.task.tag);
        match target.resume(request, tag, &mut self.session.output.bytes) {
            Some(response) => self.end(target, vault, (transfer.task, at), response, wanted),
            // Aborted: nothing is sent.
            None => self.session.output.bytes.truncate(at),
        }
    }

    /// RFC 7143 11.4.7.2: data out of its sequence fails the command and nothing else.
    fn garbled<S: Store>(&mut self, target: &mut Target<S>, transfer: &Transfer) {
        target.end_task(self.nexus, TaskTag(transfer.task.tag));
        let sense = Sense::new(SenseKey::AbortedCommand, asc::INCORRECT_AMOUNT_OF_DATA);
        let sense = Response::check(sense).sense_bytes();
        let at = self.session.begin();
        let ending = Ending {
            status: Status::CheckCondition,
            sense,
            wanted: 0,
        };
        self.session.end(&transfer.task, at, &ending);
    }

    /// Answers the sanitizes that have ended.
    pub(super) fn answer_sanitizes<S: Store>(&mut self, target: &mut Target<S>) {
        for (lun, task, wanted) in std::mem::take(&mut self.sanitizes) {
            let Some(response) = target.sanitized(lun) else {
                self.sanitizes.push((lun, task, wanted));
                continue;
            };
            if target.end_task(self.nexus, TaskTag(task.tag)) {
                let at = self.session.begin();
                let (status, sense) = (response.status, response.sense_bytes());
                self.session.end(
                    &task,
                    at,
                    &Ending {
                        status,
                        sense,
                        wanted,
                    },
                );
            }
        }
    }

    /// Sends a response, or keeps it until what it promises is durable.
    fn end<S: Store>(
        &mut self,
        target: &mut Target<S>,
        vault: &mut impl Vault,
        (task, at): (Task, usize),
        mut response: Response,
        wanted: u64,
    ) {
        let obligation = std::mem::take(&mut response.obligation);
        if let Obligation::Save(lun, record) = &obligation {
            let broken = target.save_is_broken(*lun);
            if broken || vault.save(*lun, record).is_err() {
                response = target.save_failed(*lun);
            }
        }
        let ending = Ending {
            status: response.status,
            sense: response.sense_bytes(),
            wanted,
        };
        match obligation {
            Obligation::Sync(lun) => {
                self.session.output.bytes.truncate(at);
                self.unsynced.push((lun, task, ending));
            }
            Obligation::Sanitize(lun) => {
                self.session.output.bytes.truncate(at);
                target.start_task(self.nexus, lun, TaskTag(task.tag));
                self.sanitizes.push((lun, task, wanted));
            }
            Obligation::None | Obligation::Save(..) => self.session.end(&task, at, &ending),
        }
    }

    fn manage<S: Store>(&mut self, target: &mut Target<S>, request: &Manage) {
        let outcome = self.managed(target, request);
        self.session.managed(request, outcome);
    }

    fn managed<S: Store>(&mut self, target: &mut Target<S>, request: &Manage) -> Managed {
        let lun = Lun::from_bytes(request.lun).filter(|lun| target.luns().contains(lun));
        let function = match (request.function, lun) {
            (6, _) => Function::TargetWarmReset,
            (7, _) => Function::TargetColdReset,
            (1 | 2 | 4 | 5, None) => return Managed::NoSuchUnit,
            (1, Some(lun)) => Function::AbortTask(lun, TaskTag(request.referenced)),
            (2, Some(lun)) => Function::AbortTaskSet(lun),
            (4, Some(lun)) => Function::ClearTaskSet(lun),
            (5, Some(lun)) => Function::LogicalUnitReset(lun),
            _ => return Managed::NotSupported,
        };
        let found = target.manage(self.nexus, function);
        self.forget(function, request);
        self.reset |= function == Function::TargetColdReset;
        if found {
            Managed::Complete
        } else {
            Managed::NoSuchTask
        }
    }

    /// The sender's own commands that a function has aborted are not answered any more.
    fn forget(&mut self, function: Function, request: &Manage) {
        match function {
            Function::AbortTask(..) => {
                self.session.forget(request.referenced);
            }
            _ => {
                for tag in self.session.gathering(request.lun) {
                    self.session.forget(tag);
                }
            }
        }
    }
}
