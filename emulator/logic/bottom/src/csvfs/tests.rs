//! Who reads and writes a volume, and by which way.

use base::{NodeSet, Now, Rng};
use volume::{PAGE_BYTES, SharedFile};

use super::*;
use crate::Facts;

const DISK: DiskId = DiskId(4);
const FILE: SharedFile = SharedFile {
    page: 300,
    pages: 64,
};

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

/// What the cluster makes of the volume when node `owner` coordinates it.
fn online(owner: u8) -> Role {
    Role {
        owner: Some(node(owner)),
        phase: Phase::Online,
        members: [1, 2, 3].map(node).into_iter().collect::<NodeSet>(),
        ..Role::default()
    }
}

struct Bench {
    me: NodeId,
    driver: Csvfs,
    now: Timestamp,
    said: Vec<Output>,
}

impl Bench {
    fn new(me: u8) -> Self {
        Self {
            me: node(me),
            driver: Csvfs::default(),
            now: Timestamp::ZERO,
            said: Vec::new(),
        }
    }

    /// The coordinator, which has listed the root.
    fn coordinator() -> Self {
        let mut bench = Self::new(1);
        bench.becomes(online(1));
        bench.disk(Report::SharedFile(FILE));
        bench.said.clear();
        bench
    }

    /// Another node, registered and with a way to the disk.
    fn member() -> Self {
        let mut bench = Self::new(2);
        bench.becomes(online(1));
        bench.disk(Report::Attached { ok: true });
        bench.said.clear();
        bench
    }

    fn call(&mut self, input: Option<Input>) {
        let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            me: self.me,
            facts: &facts,
            rng: &mut rng,
        };
        match input {
            Some(input) => self.driver.handle(&mut cx, input, &mut out),
            None => self.driver.expire(&mut cx, &mut out),
        }
        self.driver.check(&cx);
        self.said.extend(out.drain());
    }

    fn becomes(&mut self, role: Role) {
        let roles = BTreeMap::from([(DISK, role)]);
        self.call(Some(Input::Roles { roles }));
    }

    fn disk(&mut self, report: Report) {
        let report = DiskReport { disk: DISK, report };
        self.call(Some(Input::Disk { report }));
    }

    fn writes(&mut self, ticket: u64) {
        let data = vec![7; PAGE_BYTES as usize];
        let io = PageIo::Write { page: 3, data };
        self.call(Some(Input::Io {
            ticket,
            disk: DISK,
            io,
        }));
    }

    fn hears(&mut self, from: u8, message: Message) {
        let from = node(from);
        self.call(Some(Input::Message { from, message }));
    }

    fn replies(&mut self, id: u64, result: IoResult) {
        let disk = DISK;
        self.hears(1, Message::Reply { id, disk, result });
    }

    /// Sleeps until something is due.
    fn sleep(&mut self) {
        self.now = self.driver.deadline().expect("something is due");
        self.call(None);
    }

    fn state(&self) -> VolumeState {
        self.driver.volumes[&DISK].state
    }

    fn events(&mut self) -> Vec<Option<u16>> {
        let notices = self.said.drain(..).filter_map(|said| match said {
            Output::Notice(notice) => Some(notice.event_id()),
            _ => None,
        });
        notices.collect()
    }

    /// Requests to clusdisk other than registrations.
    fn at_disk(&self) -> Vec<&Request> {
        let requests = self.said.iter().filter_map(|said| match said {
            Output::Disk { request, .. } => Some(request),
            _ => None,
        });
        requests
            .filter(|it| !matches!(it, Request::Attach | Request::Share { .. }))
            .collect()
    }

    fn sent(&self) -> Vec<&Message> {
        let sent = self.said.iter().filter_map(|said| match said {
            Output::Send { message, .. } => Some(message),
            _ => None,
        });
        sent.collect()
    }

    fn done(&self) -> Vec<(u64, &IoResult)> {
        let done = self.said.iter().filter_map(|said| match said {
            Output::Done { ticket, result } => Some((*ticket, result)),
            _ => None,
        });
        done.collect()
    }
}

#[test]
fn the_owner_coordinates_and_the_others_register() {
    let mut owner = Bench::new(1);
    owner.becomes(online(1));
    assert_eq!(owner.state(), VolumeState::Direct);
    assert!(owner.driver.volumes[&DISK].is_coordinator);
    let mut other = Bench::new(2);
    other.becomes(online(1));
    assert!(
        other.said.contains(&Output::Disk {
            disk: DISK,
            request: Request::Attach
        }),
        "{:?}",
        other.said
    );
    assert_eq!(other.state(), VolumeState::Offline, "not known yet");
    other.disk(Report::Attached { ok: true });
    assert_eq!(other.state(), VolumeState::Direct);
    assert!(!other.driver.volumes[&DISK].is_coordinator);
}

#[test]
fn a_registered_node_writes_the_disk_once_it_knows_where_the_file_is() {
    let mut bench = Bench::member();
    bench.writes(1);
    assert!(bench.at_disk().is_empty());
    let [Message::Request { id, io, .. }] = bench.sent()[..] else {
        panic!(
            "the coordinator is asked where the file is: {:?}",
            bench.said
        );
    };
    assert_eq!(*io, PageIo::Open);
    let (page, pages) = (FILE.page, FILE.pages);
    bench.replies(*id, IoResult::Opened { page, pages });
    let written = bench.at_disk();
    assert!(
        matches!(written[..], [Request::Write { page: 303, .. }]),
        "{written:?}"
    );
    bench.disk(Report::Written { ok: true });
    assert_eq!(bench.done(), [(1, &IoResult::Written)]);
}

#[test]
fn a_node_without_a_way_to_the_disk_writes_through_the_coordinator() {
    let mut bench = Bench::member();
    bench.disk(Report::Attached { ok: false });
    assert_eq!(bench.state(), VolumeState::BlockRedirected);
    assert_eq!(bench.events(), [Some(5121)]);
    bench.writes(1);
    assert!(bench.at_disk().is_empty());
    let [Message::Request { id, io, .. }] = bench.sent()[..] else {
        panic!("the coordinator is asked to write: {:?}", bench.said);
    };
    assert!(matches!(io, PageIo::Write { page: 3, .. }));
    bench.replies(*id, IoResult::Written);
    assert_eq!(bench.done(), [(1, &IoResult::Written)]);
}

#[test]
fn the_coordinator_writes_for_others_and_answers_them() {
    let mut bench = Bench::coordinator();
    let data = vec![1; PAGE_BYTES as usize];
    let io = PageIo::Write { page: 0, data };
    bench.hears(
        3,
        Message::Request {
            id: 9,
            disk: DISK,
            io,
        },
    );
    assert_eq!(bench.at_disk().len(), 1);
    bench.disk(Report::Written { ok: true });
    let result = IoResult::Written;
    let reply = Message::Reply {
        id: 9,
        disk: DISK,
        result,
    };
    assert_eq!(bench.sent(), [&reply]);
}

#[test]
fn a_node_that_is_no_coordinator_says_so() {
    let mut bench = Bench::member();
    let io = PageIo::Open;
    bench.hears(
        3,
        Message::Request {
            id: 9,
            disk: DISK,
            io,
        },
    );
    let result = IoResult::Refused(IoRefusal::NotCoordinator);
    let reply = Message::Reply {
        id: 9,
        disk: DISK,
        result,
    };
    assert_eq!(bench.sent(), [&reply]);
}

#[test]
fn without_a_coordinator_writes_wait_for_the_next_one() {
    let mut bench = Bench::member();
    bench.disk(Report::Attached { ok: false });
    let mut gone = online(1);
    gone.owner = None;
    bench.becomes(gone);
    assert_eq!(bench.state(), VolumeState::Paused { expected: false });
    assert_eq!(bench.events(), [Some(5121), Some(5120)]);
    bench.writes(1);
    assert!(bench.sent().is_empty() && bench.done().is_empty());
    bench.becomes(online(3));
    bench.disk(Report::Attached { ok: false });
    assert_eq!(bench.state(), VolumeState::BlockRedirected);
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn a_pause_that_the_owner_begins_in_order_is_expected() {
    let mut bench = Bench::member();
    let mut offline = online(1);
    offline.phase = Phase::Down;
    bench.becomes(offline);
    assert_eq!(bench.state(), VolumeState::Paused { expected: true });
    assert_eq!(bench.events(), [Some(5157)]);
}

#[test]
fn a_pause_that_lasts_too_long_is_a_loss() {
    let mut bench = Bench::member();
    let mut gone = online(1);
    gone.owner = None;
    bench.becomes(gone);
    bench.writes(1);
    bench.events();
    while bench.now < Timestamp::ZERO + PAUSE_MAX {
        bench.sleep();
    }
    assert_eq!(bench.state(), VolumeState::Inaccessible);
    let refused = IoResult::Refused(IoRefusal::TimedOut);
    assert_eq!(bench.done(), [(1, &refused)]);
    assert_eq!(bench.events(), [Some(5142)]);
}

#[test]
fn a_write_that_the_disk_refuses_goes_round_by_the_coordinator() {
    let mut bench = Bench::member();
    bench.writes(1);
    let (page, pages) = (FILE.page, FILE.pages);
    bench.replies(1, IoResult::Opened { page, pages });
    bench.said.clear();
    bench.disk(Report::Written { ok: false });
    assert_eq!(bench.state(), VolumeState::BlockRedirected);
    bench.sleep();
    assert!(matches!(bench.sent()[..], [Message::Request { .. }]));
}

#[test]
fn what_was_asked_of_a_lost_coordinator_is_asked_again() {
    let mut bench = Bench::member();
    bench.disk(Report::Attached { ok: false });
    bench.writes(1);
    bench.becomes(online(3));
    bench.disk(Report::Attached { ok: false });
    let to = bench.said.iter().filter_map(|said| match said {
        Output::Send { to, .. } => Some(*to),
        _ => None,
    });
    assert_eq!(to.collect::<Vec<_>>(), [node(1), node(3)]);
}

#[test]
fn in_maintenance_mode_the_coordinator_alone_writes() {
    let mut role = online(1);
    role.maintenance = true;
    let mut other = Bench::member();
    other.becomes(role);
    assert_eq!(other.state(), VolumeState::Maintenance);
    other.writes(1);
    let refused = IoResult::Refused(IoRefusal::Maintenance);
    assert_eq!(other.done(), [(1, &refused)]);
    let mut owner = Bench::coordinator();
    owner.becomes(role);
    owner.writes(1);
    assert_eq!(owner.at_disk().len(), 1);
}

#[test]
fn an_administrator_may_send_everything_through_the_coordinator() {
    let mut role = online(1);
    role.redirected = true;
    let mut bench = Bench::member();
    bench.becomes(role);
    assert_eq!(bench.state(), VolumeState::FileSystemRedirected);
    bench.writes(1);
    assert!(bench.at_disk().is_empty());
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn a_failed_disk_is_told_apart_on_its_owner() {
    let mut failed = online(1);
    failed.phase = Phase::Failed;
    let mut owner = Bench::coordinator();
    owner.becomes(failed);
    assert_eq!(owner.state(), VolumeState::DiskFailed);
    assert_eq!(owner.events(), [Some(5150)]);
    let mut other = Bench::member();
    other.becomes(failed);
    assert_eq!(other.state(), VolumeState::Paused { expected: false });
}

#[test]
fn a_node_that_was_fenced_registers_again_as_long_as_it_is_a_member() {
    let mut bench = Bench::member();
    bench.disk(Report::Fenced);
    bench.said.clear();
    bench.sleep();
    let attach = Output::Disk {
        disk: DISK,
        request: Request::Attach,
    };
    assert!(bench.said.contains(&attach));
}

#[test]
fn more_than_so_many_jobs_are_refused() {
    let mut bench = Bench::member();
    let mut gone = online(1);
    gone.owner = None;
    bench.becomes(gone);
    (0..80).for_each(|ticket| bench.writes(ticket));
    let refused = IoResult::Refused(IoRefusal::TooMany);
    assert_eq!(bench.done().len(), 16);
    assert!(bench.done().iter().all(|(_, result)| **result == refused));
}

#[test]
fn a_page_that_the_file_does_not_have_is_refused() {
    let mut bench = Bench::coordinator();
    let io = PageIo::Read { page: 64 };
    bench.call(Some(Input::Io {
        ticket: 1,
        disk: DISK,
        io,
    }));
    let refused = IoResult::Refused(IoRefusal::NoSuchPage);
    assert_eq!(bench.done(), [(1, &refused)]);
}
