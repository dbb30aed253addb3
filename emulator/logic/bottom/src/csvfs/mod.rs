//! CSVFS, the file system of cluster shared volumes: every member reads and writes, one of them
//! coordinates.
//!
//! Clauses: seed 001 (the bottom tier works with CSVFS). Facts: reference section 9, events 5120,
//! 5121, 5142, 5150 and 5157. The coordinator is the owner of the disk resource; it alone changes
//! the file system, and clusdisk marks the volume for it. Others write the content of the shared
//! file in place, by themselves as long as they are registered and have a way to the disk, else
//! through the coordinator. Without a coordinator reads and writes wait.
//!
//! Unsourced and therefore asserted nowhere: how long they wait ([`PAUSE_MAX`]), and that a lost
//! way to the disk redirects blocks rather than files. Deliberately not done here: who coordinates
//! (resource control), files other than the one that setup made.

mod jobs;
mod messages;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskId, Manager, NodeId, Notice, Outbox, Timestamp, VolumeState};

pub use messages::{Input, IoRefusal, IoResult, Message, Output, PageIo, Phase, Role, VolumeFact};

use crate::Context;
use crate::clusdisk::{DiskReport, Report, Request};
use jobs::Jobs;
use state::Known;

/// How long reads and writes wait for a coordinator.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How soon something that met no coordinator, or was fenced, is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// One volume.
#[derive(Debug)]
struct Volume {
    role: Role,
    state: VolumeState,
    is_coordinator: bool,
    last_owner: Option<NodeId>,
    /// This node's own way to the disk, as clusdisk last said.
    path: Option<bool>,
    /// clusdisk was asked to register.
    attaching: bool,
    /// When a pause becomes a loss.
    give_up_at: Timestamp,
    /// When what could not be done is tried again.
    retry_at: Timestamp,
    jobs: Jobs,
}

impl Volume {
    fn new() -> Self {
        Self {
            role: Role::default(),
            state: VolumeState::default(),
            is_coordinator: false,
            last_owner: None,
            path: None,
            attaching: false,
            give_up_at: Timestamp::NEVER,
            retry_at: Timestamp::NEVER,
            jobs: Jobs::default(),
        }
    }

    fn deadline(&self) -> Timestamp {
        self.give_up_at.min(self.retry_at).min(self.jobs.deadline())
    }
}

/// The file system's state.
#[derive(Debug, Default)]
pub struct Csvfs {
    volumes: BTreeMap<DiskId, Volume>,
    requests: u64,
}

impl Csvfs {
    fn roles(
        &mut self,
        cx: &Context<'_>,
        mut roles: BTreeMap<DiskId, Role>,
        out: &mut Outbox<Output>,
    ) {
        let known: Vec<DiskId> = self.volumes.keys().copied().collect();
        for disk in known {
            roles.entry(disk).or_default();
        }
        for (disk, role) in roles {
            let volume = self.volumes.entry(disk).or_insert_with(Volume::new);
            let before = std::mem::replace(&mut volume.role, role);
            if before.owner != role.owner {
                // What the disk driver said was said of another part in the play.
                volume.path = None;
                volume.attaching = false;
                volume.jobs.forget_file();
            }
            if before.members != role.members || before.owner != role.owner {
                let request = Request::Share { with: role.members };
                out.push(Output::Disk { disk, request });
            }
            self.settle(cx, disk, out);
        }
    }

    /// Registers beside the owner, works the state out, and carries out what may be.
    fn settle(&mut self, cx: &Context<'_>, disk: DiskId, out: &mut Outbox<Output>) {
        let Some(volume) = self.volumes.get_mut(&disk) else {
            return;
        };
        let others = volume.role.owner.is_some_and(|owner| owner != cx.me);
        let due = volume.retry_at <= cx.now.mono || volume.retry_at == Timestamp::NEVER;
        if others && !volume.attaching && due {
            volume.attaching = true;
            let request = Request::Attach;
            out.push(Output::Disk { disk, request });
        }
        let state = state::state(&Known {
            role: volume.role,
            me: cx.me,
            before: volume.state,
            last_owner: volume.last_owner,
            path: volume.path,
        });
        let online = volume.role.phase == Phase::Online;
        let is_coordinator = online && volume.role.owner == Some(cx.me);
        if online {
            volume.last_owner = volume.role.owner;
        }
        volume.enter(cx, disk, state, is_coordinator, out);
        volume.run(cx, disk, &mut self.requests, out);
    }

    fn disk(&mut self, cx: &Context<'_>, report: DiskReport, out: &mut Outbox<Output>) {
        let disk = report.disk;
        let Some(volume) = self.volumes.get_mut(&disk) else {
            return;
        };
        match report.report {
            Report::Attached { ok } => volume.path = Some(ok),
            // Taken out by mistake, or because this node is no member any more: then it ends soon.
            Report::Fenced | Report::Released | Report::Lost | Report::ArbitrationLost { .. } => {
                volume.path = None;
                volume.attaching = false;
                volume.retry_at = cx.now.mono + RETRY;
            }
            Report::SharedFile(file) => volume.jobs.file_is(file),
            Report::Read { data } => volume.page_done(cx, disk, data.map(Done::Read), out),
            Report::Written { ok } => volume.page_done(cx, disk, ok.then_some(Done::Written), out),
            Report::Held | Report::Checked { .. } => {}
        }
        self.settle(cx, disk, out);
    }

    fn message(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        message: Message,
        out: &mut Outbox<Output>,
    ) {
        match message {
            Message::Request { id, disk, io } => {
                let volume = self.volumes.get_mut(&disk);
                match volume.filter(|it| it.is_coordinator) {
                    Some(volume) => volume.asked(cx, disk, (from, id), io, out),
                    None => {
                        let result = IoResult::Refused(IoRefusal::NotCoordinator);
                        let message = Message::Reply { id, disk, result };
                        out.push(Output::Send { to: from, message });
                    }
                }
                self.settle(cx, disk, out);
            }
            Message::Reply { id, disk, result } => {
                if let Some(volume) = self.volumes.get_mut(&disk) {
                    volume.answered(cx, from, id, result, out);
                    self.settle(cx, disk, out);
                }
            }
        }
    }

    fn io(
        &mut self,
        cx: &Context<'_>,
        ticket: u64,
        disk: DiskId,
        io: PageIo,
        out: &mut Outbox<Output>,
    ) {
        match self.volumes.get_mut(&disk) {
            Some(volume) => {
                volume.wanted(cx, ticket, io, out);
                self.settle(cx, disk, out);
            }
            None => {
                let result = IoResult::Refused(IoRefusal::NotOnline);
                out.push(Output::Done { ticket, result });
            }
        }
    }
}

/// What the disk has done.
#[derive(Debug)]
enum Done {
    Read(Vec<u8>),
    Written,
}

impl Volume {
    /// Takes a state over; whoever should know is told.
    fn enter(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        state: VolumeState,
        is_coordinator: bool,
        out: &mut Outbox<Output>,
    ) {
        if (self.state, self.is_coordinator) == (state, is_coordinator) {
            return;
        }
        if self.state != state {
            out.push(Output::Notice(Notice::SharedVolume { disk, state }));
            self.give_up_at = match state {
                VolumeState::Paused { .. } => cx.now.mono + PAUSE_MAX,
                _ => Timestamp::NEVER,
            };
        }
        (self.state, self.is_coordinator) = (state, is_coordinator);
        let fact = VolumeFact {
            state,
            is_coordinator,
        };
        out.push(Output::Publish { disk, fact });
    }

    /// The pause has lasted too long.
    fn give_up(&mut self, cx: &Context<'_>, disk: DiskId, out: &mut Outbox<Output>) {
        let state = match self.state {
            VolumeState::Paused { expected: true } => VolumeState::Offline,
            _ => VolumeState::Inaccessible,
        };
        self.enter(cx, disk, state, false, out);
    }
}

impl Manager for Csvfs {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Roles { roles } => self.roles(cx, roles, out),
            Input::Disk { report } => self.disk(cx, report, out),
            Input::Io { ticket, disk, io } => self.io(cx, ticket, disk, io, out),
            Input::Message { from, message } => self.message(cx, from, message, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let first = self.volumes.values().map(Volume::deadline).min()?;
        (first != Timestamp::NEVER).then_some(first)
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let now = cx.now.mono;
        let due = |(_, volume): &(&DiskId, &Volume)| volume.deadline() <= now;
        let due: Vec<DiskId> = self.volumes.iter().filter(due).map(|it| *it.0).collect();
        for disk in due {
            let Some(volume) = self.volumes.get_mut(&disk) else {
                continue;
            };
            if volume.give_up_at <= now {
                volume.give_up_at = Timestamp::NEVER;
                volume.give_up(cx, disk, out);
            }
            volume.jobs.expire(now, out);
            if volume.retry_at <= now {
                self.settle(cx, disk, out);
                if let Some(volume) = self.volumes.get_mut(&disk) {
                    volume.retry_at = Timestamp::NEVER;
                }
            }
        }
    }

    fn check(&self, cx: &Context<'_>) {
        for volume in self.volumes.values() {
            let owns = volume.role.owner == Some(cx.me);
            assert!(
                owns || !volume.is_coordinator,
                "a coordinator owns the disk"
            );
            volume.jobs.check();
        }
    }
}
