//! Reads and writes on their way: waiting, at the disk, or with the coordinator.

use std::collections::{BTreeMap, VecDeque};

use base::{DiskId, NodeId, Outbox, Timestamp, VolumeState};
use volume::{PAGE_BYTES, SharedFile};

use super::{Done, IoRefusal, IoResult, Message, Output, PAUSE_MAX, PageIo, RETRY, Volume};
use crate::Context;
use crate::clusdisk::Request;

/// Reads and writes of one volume that are on their way at once.
const JOBS_MAX: usize = 64;

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// A program on this node.
    Here { ticket: u64 },
    /// Another node, to which this one is the coordinator.
    Peer { node: NodeId, id: u64 },
    /// This file system, which wants to know where the file is.
    Itself,
}

#[derive(Clone, Debug)]
struct Job {
    from: From,
    io: PageIo,
    /// Nobody waits any longer than this.
    until: Timestamp,
}

/// All of one volume.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    file: Option<SharedFile>,
    waiting: VecDeque<Job>,
    /// In the order in which the disk carries them out.
    at_disk: VecDeque<Job>,
    /// With the coordinator, by the number of the request.
    away: BTreeMap<u64, (NodeId, Job)>,
}

impl Jobs {
    pub(super) fn file_is(&mut self, file: SharedFile) {
        self.file = Some(file);
    }

    /// Another node coordinates: what was asked of the last one is asked again, and so is where
    /// the file is.
    pub(super) fn forget_file(&mut self) {
        self.file = None;
        for (_, job) in std::mem::take(&mut self.away).into_values() {
            self.again(job);
        }
    }

    fn again(&mut self, job: Job) {
        if job.from != From::Itself {
            self.waiting.push_front(job);
        }
    }

    pub(super) fn deadline(&self) -> Timestamp {
        let waiting = self.waiting.iter().map(|job| job.until);
        let away = self.away.values().map(|(_, job)| job.until);
        waiting.chain(away).min().unwrap_or(Timestamp::NEVER)
    }

    /// Ends what has waited for too long. What is at the disk ends by itself.
    pub(super) fn expire(&mut self, now: Timestamp, out: &mut Outbox<Output>) {
        let (late, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|job: &Job| job.until <= now);
        self.waiting = waiting;
        let gone = |(_, (_, job)): &(&u64, &(NodeId, Job))| job.until <= now;
        let gone: Vec<u64> = self.away.iter().filter(gone).map(|(id, _)| *id).collect();
        let mut late: VecDeque<Job> = late;
        late.extend(
            gone.iter()
                .filter_map(|id| self.away.remove(id))
                .map(|it| it.1),
        );
        for job in late {
            end(job.from, IoResult::Refused(IoRefusal::TimedOut), out);
        }
    }

    fn count(&self) -> usize {
        self.waiting.len() + self.at_disk.len() + self.away.len()
    }

    fn is_opening(&self) -> bool {
        self.away.values().any(|(_, job)| job.from == From::Itself)
    }

    pub(super) fn check(&self) {
        // Others' requests come on top of this node's own, each with a bound of its own node.
        assert!(
            self.waiting.len() <= 2 * JOBS_MAX,
            "waiting jobs are bounded"
        );
    }
}

/// Tells whoever wanted it. Another node's request is answered by `Volume::reply`.
fn end(from: From, result: IoResult, out: &mut Outbox<Output>) {
    if let From::Here { ticket } = from {
        out.push(Output::Done { ticket, result });
    }
}

fn reply(disk: DiskId, node: NodeId, id: u64, result: IoResult, out: &mut Outbox<Output>) {
    let message = Message::Reply { id, disk, result };
    out.push(Output::Send { to: node, message });
}

impl Volume {
    /// A program on this node wants something.
    pub(super) fn wanted(
        &mut self,
        cx: &Context<'_>,
        ticket: u64,
        io: PageIo,
        out: &mut Outbox<Output>,
    ) {
        let from = From::Here { ticket };
        if self.jobs.count() >= JOBS_MAX {
            end(from, IoResult::Refused(IoRefusal::TooMany), out);
            return;
        }
        let until = cx.now.mono + PAUSE_MAX;
        self.jobs.waiting.push_back(Job { from, io, until });
    }

    /// Another node asks this one, the coordinator.
    pub(super) fn asked(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        (node, id): (NodeId, u64),
        io: PageIo,
        out: &mut Outbox<Output>,
    ) {
        let until = cx.now.mono + PAUSE_MAX;
        let from = From::Peer { node, id };
        match (&io, self.jobs.file) {
            _ if self.state == VolumeState::Maintenance => {
                let result = IoResult::Refused(IoRefusal::Maintenance);
                reply(disk, node, id, result, out);
            }
            (PageIo::Open, Some(SharedFile { page, pages })) => {
                reply(disk, node, id, IoResult::Opened { page, pages }, out);
            }
            _ if self.jobs.waiting.len() >= JOBS_MAX => {
                reply(disk, node, id, IoResult::Refused(IoRefusal::TooMany), out);
            }
            (PageIo::Read { .. } | PageIo::Write { .. }, Some(_)) => {
                self.jobs.waiting.push_back(Job { from, io, until });
            }
            (_, None) => {
                let result = IoResult::Refused(IoRefusal::NoSuchPage);
                reply(disk, node, id, result, out);
            }
        }
    }

    /// The coordinator has answered.
    pub(super) fn answered(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        id: u64,
        result: IoResult,
        out: &mut Outbox<Output>,
    ) {
        let asked = self
            .jobs
            .away
            .get(&id)
            .is_some_and(|(node, _)| *node == from);
        let Some((_, job)) = self.jobs.away.remove(&id).filter(|_| asked) else {
            return;
        };
        match (job.from, result) {
            (_, IoResult::Refused(IoRefusal::NotCoordinator | IoRefusal::TooMany)) => {
                self.retry_at = cx.now.mono + RETRY;
                self.jobs.again(job);
            }
            (From::Itself, IoResult::Opened { page, pages }) => {
                self.jobs.file = Some(SharedFile { page, pages });
            }
            (From::Itself, _) => self.refuse_waiting(IoRefusal::NoSuchPage, out),
            (from, result) => end(from, result, out),
        }
    }

    fn refuse_waiting(&mut self, why: IoRefusal, out: &mut Outbox<Output>) {
        for job in std::mem::take(&mut self.jobs.waiting) {
            end(job.from, IoResult::Refused(why), out);
        }
    }

    /// Carries out whatever the state allows.
    pub(super) fn run(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        requests: &mut u64,
        out: &mut Outbox<Output>,
    ) {
        let directly = self.is_coordinator || self.state == VolumeState::Direct;
        let owner = self.role.owner.filter(|owner| *owner != cx.me);
        match self.state {
            VolumeState::Offline | VolumeState::Inaccessible | VolumeState::DiskFailed => {
                self.refuse_waiting(IoRefusal::NotOnline, out);
            }
            VolumeState::Paused { .. } => {}
            VolumeState::Maintenance if !self.is_coordinator => {
                self.refuse_waiting(IoRefusal::Maintenance, out);
            }
            _ if self.retry_at > cx.now.mono && self.retry_at != Timestamp::NEVER => {}
            _ if directly => self.carry_out(cx, disk, owner, requests, out),
            _ => {
                while let Some(job) = self.jobs.waiting.pop_front() {
                    self.send_on(disk, owner, job, requests, out);
                }
            }
        }
    }

    fn send_on(
        &mut self,
        disk: DiskId,
        owner: Option<NodeId>,
        job: Job,
        requests: &mut u64,
        out: &mut Outbox<Output>,
    ) {
        let Some(to) = owner else {
            return;
        };
        *requests += 1;
        let (id, io) = (*requests, job.io.clone());
        self.jobs.away.insert(id, (to, job));
        let message = Message::Request { id, disk, io };
        out.push(Output::Send { to, message });
    }

    fn carry_out(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        owner: Option<NodeId>,
        requests: &mut u64,
        out: &mut Outbox<Output>,
    ) {
        let Some(file) = self.jobs.file else {
            self.find_file(cx, disk, owner, requests, out);
            return;
        };
        while let Some(job) = self.jobs.waiting.pop_front() {
            let at = |page: u32| (page < file.pages).then(|| file.page + u64::from(page));
            let request = match &job.io {
                PageIo::Read { page } => at(*page).map(|page| Request::Read { page, pages: 1 }),
                PageIo::Write { page, data } => at(*page)
                    .filter(|_| data.len() == PAGE_BYTES as usize)
                    .map(|page| Request::Write {
                        page,
                        data: data.clone(),
                    }),
                PageIo::Open => None,
            };
            match (request, job.from) {
                (Some(request), _) => {
                    self.jobs.at_disk.push_back(job);
                    out.push(Output::Disk { disk, request });
                }
                (None, From::Peer { node, id }) => {
                    let result = IoResult::Refused(IoRefusal::NoSuchPage);
                    reply(disk, node, id, result, out);
                }
                (None, from) => end(from, IoResult::Refused(IoRefusal::NoSuchPage), out),
            }
        }
    }

    /// Where the file is, the coordinator knows; the coordinator itself knows it from its last
    /// look at the root.
    fn find_file(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        owner: Option<NodeId>,
        requests: &mut u64,
        out: &mut Outbox<Output>,
    ) {
        if self.jobs.waiting.is_empty() || self.jobs.is_opening() {
            return;
        }
        if owner.is_none() {
            self.refuse_waiting(IoRefusal::NoSuchPage, out);
            return;
        }
        let job = Job {
            from: From::Itself,
            io: PageIo::Open,
            until: cx.now.mono + PAUSE_MAX,
        };
        self.send_on(disk, owner, job, requests, out);
    }

    /// The disk has carried out the oldest of what was sent to it, or could not.
    pub(super) fn page_done(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        done: Option<Done>,
        out: &mut Outbox<Output>,
    ) {
        let Some(job) = self.jobs.at_disk.pop_front() else {
            return;
        };
        let result = match done {
            Some(Done::Read(data)) => IoResult::Read { data },
            Some(Done::Written) => IoResult::Written,
            None => {
                self.page_failed(cx, disk, job, out);
                return;
            }
        };
        match job.from {
            From::Peer { node, id } => reply(disk, node, id, result, out),
            from => end(from, result, out),
        }
    }

    /// The way to the disk is not what it was: what failed is tried again, by another way where
    /// there is one. A page is written whole and in place, so writing it twice does no harm.
    fn page_failed(&mut self, cx: &Context<'_>, disk: DiskId, job: Job, out: &mut Outbox<Output>) {
        if !self.is_coordinator {
            self.path = Some(false);
            let request = Request::Attach;
            out.push(Output::Disk { disk, request });
        }
        self.retry_at = cx.now.mono + RETRY;
        match job.from {
            From::Peer { node, id } => {
                let result = IoResult::Refused(IoRefusal::NotCoordinator);
                reply(disk, node, id, result, out);
            }
            _ => self.jobs.again(job),
        }
    }
}
