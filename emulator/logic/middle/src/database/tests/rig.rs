//! A database on a real log, with models of the node's disk and of the witness disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::{
    DiskId, GroupId, IoId, Manager, NodeId, Outbox, PaxosTag, QuorumState, StateChangeCause,
    Timestamp,
};
use bottom::clusdisk::{PAGE_BYTES, Report, Request};
use bottom::txlog::model::DiskModel;
use bottom::txlog::{self, DiskRequest, FileName, Txlog};

use crate::database::{
    Change, Database, Hive, HiveChange, Input, Output, Snapshot, Update, Value, image,
};
use crate::membership::{Synchronised, UpdateKey};
use crate::object::StateChange;
use crate::test_context::{blank_facts, node, nodes, with_context};
use crate::{Context, Facts};

/// The tag of the seeded hive.
pub(super) const FIRST: PaxosTag = PaxosTag {
    next_epoch: 1,
    last_epoch: 1,
    sequence: 1,
};

/// The medium that all nodes see, in pages.
#[derive(Clone, Debug, Default)]
pub(super) struct WitnessDisk {
    pub pages: BTreeMap<u64, Vec<u8>>,
    pub refuses: bool,
    /// Pages that the next write puts on the medium before power fails.
    pub torn_after: Option<usize>,
}

impl WitnessDisk {
    const PAGE: usize = PAGE_BYTES as usize;

    fn perform(&mut self, request: Request) -> Report {
        match request {
            Request::Read { .. } if self.refuses => Report::Read { data: None },
            Request::Read { page, pages } => {
                let pages = (page..page + u64::from(pages)).map(|page| self.pages.get(&page));
                let blank = vec![0; Self::PAGE];
                let data = pages.flat_map(|page| page.unwrap_or(&blank).clone());
                let data = Some(data.collect());
                Report::Read { data }
            }
            Request::Write { .. } if self.refuses => Report::Written { ok: false },
            Request::Write { page, data } => {
                assert_eq!(data.len() % Self::PAGE, 0, "whole pages");
                let whole = self.torn_after.unwrap_or(usize::MAX);
                for (page, bytes) in (page..).zip(data.chunks(Self::PAGE)).take(whole) {
                    self.pages.insert(page, bytes.to_vec());
                }
                Report::Written { ok: true }
            }
            other => panic!("the database asked for {other:?}"),
        }
    }
}

/// One node's database with everything below it.
pub(super) struct Rig {
    pub database: Database,
    log: Txlog,
    pub disk: DiskModel,
    disk_queue: VecDeque<(IoId, DiskRequest)>,
    pub witness: WitnessDisk,
    pub witness_queue: VecDeque<Request>,
    pub facts: Facts,
    now: Timestamp,
    pub said: Vec<Output>,
}

impl Rig {
    /// A node whose disk was seeded with an empty hive, started.
    pub(super) fn seeded() -> Self {
        let mut disk = DiskModel::default();
        let content = image(&Hive::default(), FIRST);
        disk.perform(DiskRequest::Replace {
            file: FileName::Hive,
            bytes: content,
        });
        Self::boot(disk)
    }

    pub(super) fn boot(disk: DiskModel) -> Self {
        let mut rig = Self {
            database: Database::default(),
            log: Txlog::default(),
            disk,
            disk_queue: VecDeque::new(),
            witness: WitnessDisk::default(),
            witness_queue: VecDeque::new(),
            facts: Facts {
                quorum: QuorumState::Held,
                ..blank_facts(node(1))
            },
            now: Timestamp::ZERO,
            said: Vec::new(),
        };
        rig.tell(Input::Start);
        rig.run();
        rig
    }

    /// The node after a power failure.
    pub(super) fn crash(self, kept: usize, rot: u8) -> Self {
        Self::boot(self.disk.crash(kept, rot))
    }

    pub(super) fn tell(&mut self, input: Input) {
        self.call(|database, cx, out| database.handle(cx, input, out));
    }

    /// Lets the time of the database's deadline come.
    pub(super) fn expire(&mut self) {
        self.now = self.database.deadline().unwrap_or(self.now);
        self.call(Database::expire);
    }

    fn call(&mut self, call: impl FnOnce(&mut Database, &mut Context<'_>, &mut Outbox<Output>)) {
        let mut out = Outbox::default();
        with_context(&self.facts, self.now, |cx| {
            call(&mut self.database, cx, &mut out);
            self.database.check(cx);
        });
        for output in out.drain() {
            match output {
                Output::Log(input) => self.tell_log(input),
                Output::WitnessRequest { request, .. } => self.witness_queue.push_back(request),
                said => self.hear(said),
            }
        }
    }

    fn hear(&mut self, said: Output) {
        if let Output::Publish {
            hive,
            tag,
            applied,
            prepared,
            synchronised,
        } = said
        {
            assert!(tag >= self.facts.tag, "a tag went back");
            self.facts.hive = hive;
            self.facts.tag = tag;
            self.facts.applied = applied;
            self.facts.prepared = prepared;
            self.facts.synchronised = synchronised;
            return;
        }
        self.said.push(said);
    }

    fn tell_log(&mut self, input: txlog::Input) {
        let mut out = Outbox::default();
        let mut rng = base::Rng::new(0, 0);
        let mut cx = bottom::Context {
            now: base::Now::default(),
            me: self.facts.me,
            facts: &bottom::Facts::default(),
            rng: &mut rng,
        };
        self.log.handle(&mut cx, input, &mut out);
        for output in out.drain() {
            match output {
                txlog::Output::Disk { io, request } => self.disk_queue.push_back((io, request)),
                said => self.tell(Input::Log(said)),
            }
        }
    }

    /// Lets the node's disk work off one request. False when there is none.
    pub(super) fn step(&mut self) -> bool {
        let Some((io, request)) = self.disk_queue.pop_front() else {
            return false;
        };
        let outcome = self.disk.perform(request);
        self.tell_log(txlog::Input::DiskDone { io, outcome });
        true
    }

    /// Lets the node's disk work off everything.
    pub(super) fn run(&mut self) {
        while self.step() {}
    }

    /// Lets the witness disk work off one request. False when there is none.
    pub(super) fn step_witness(&mut self) -> bool {
        let Some(request) = self.witness_queue.pop_front() else {
            return false;
        };
        let report = self.witness.perform(request);
        self.tell(Input::WitnessReport {
            disk: DiskId(0),
            report,
        });
        true
    }

    /// Lets both disks work off everything.
    pub(super) fn run_all(&mut self) {
        while self.step() || self.step_witness() {}
    }

    pub(super) fn hold_witness(&mut self, witness: WitnessDisk) {
        self.witness = witness;
        self.tell(Input::WitnessHeld { disk: DiskId(0) });
    }

    pub(super) fn prepare(&mut self, update: &Update) {
        let update = update.clone();
        self.tell(Input::Prepare { update });
    }

    /// Agrees to the update and applies it.
    pub(super) fn carry_out(&mut self, update: &Update) {
        self.prepare(update);
        self.run_all();
        let number = update.key.number;
        self.tell(Input::Commit { number });
        self.run_all();
    }

    pub(super) fn said(&self, what: &Output) -> bool {
        self.said.contains(what)
    }

    pub(super) fn value(&self) -> Option<u32> {
        self.facts.hive.dword("Key", "Value")
    }
}

/// Update `number` of epoch `epoch` with these changes.
pub(super) fn update(number: u64, epoch: u64, changes: Vec<Change>) -> Update {
    let sender: NodeId = node(1);
    Update {
        key: UpdateKey {
            number,
            epoch,
            sender,
        },
        tag_epoch: epoch,
        changes: Arc::new(changes),
    }
}

/// An update that sets the one value that these tests look at.
pub(super) fn set(number: u64, value: u32) -> Update {
    let change = HiveChange::Set {
        key: "Key".into(),
        name: "Value".into(),
        value: Value::Dword(value),
    };
    update(number, 1, vec![Change::Hive(change)])
}

/// An update that moves group 1 to node 2.
pub(super) fn moved(number: u64) -> Update {
    let change = StateChange::GroupOwner {
        group: GroupId(1),
        owner: node(2),
        cause: StateChangeCause::Move,
    };
    update(number, 1, vec![Change::State(change)])
}

/// What a replica remembers of a view of these members.
pub(super) fn brought_to(epoch: u64, members: &[u8]) -> Synchronised {
    Synchronised {
        epoch,
        members: nodes(members),
    }
}

/// The rig's replica, as it would travel.
pub(super) fn snapshot_of(rig: &Rig) -> Snapshot {
    Snapshot {
        hive: Arc::clone(&rig.facts.hive),
        tag: rig.facts.tag,
        objects: Arc::default(),
        applied: rig.facts.applied,
        prepared: rig.facts.prepared.clone(),
        synchronised: rig.facts.synchronised,
    }
}

/// The first tag after `count` updates.
pub(super) fn tag_after(count: u64) -> PaxosTag {
    PaxosTag {
        sequence: FIRST.sequence + count,
        ..FIRST
    }
}
