//! One node: the managers under test, wired as in the node's router, and its disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::{
    Generation, Incarnation, IoId, Manager, NodeId, NodeSet, Now, Outbox, PaxosTag, QuorumState,
    Rng, Timestamp, ViewId,
};
use bottom::clusdisk::Request;
use bottom::txlog::model::DiskModel;
use bottom::txlog::{self, DiskRequest, Txlog};
use middle::database::{self, Database, Hive, Update};
use middle::gum::{self, Gum, Message, Ticket};
use middle::membership::{Synchronised, View};
use middle::messaging::{self, Messaging, Segment};
use middle::object::{self, Objects};
use middle::settings::Settings;
use middle::{Context, Facts};

/// What the world learns of a member.
#[derive(Debug)]
pub(crate) enum Event {
    Published {
        hive: Arc<Hive>,
        tag: PaxosTag,
    },
    Applied {
        update: Update,
    },
    Opened,
    Done {
        ticket: Ticket,
        result: Result<PaxosTag, gum::Failure>,
    },
    Remove {
        nodes: NodeSet,
    },
    Repaired {
        next: ViewId,
    },
    Closed {
        view: ViewId,
        next: ViewId,
        delivered: BTreeMap<NodeId, u64>,
    },
    Reconciled {
        tag: PaxosTag,
    },
    WitnessFailed,
    LeftBehind,
    Failed {
        readable: bool,
    },
}

enum Hop {
    Messaging(messaging::Output<Message>),
    Gum(gum::Output),
    Database(database::Output),
    Object(object::Output),
    Txlog(txlog::Output),
}

pub(crate) struct Member {
    pub(crate) facts: Facts,
    pub(crate) active: bool,
    /// The view has quorum only with the witness's vote.
    pub(crate) needs_witness: bool,
    /// Which forming of the cluster the volatile tables go back to.
    pub(crate) era: u64,
    pub(crate) disk: DiskModel,
    pub(crate) disk_queue: VecDeque<(IoId, DiskRequest)>,
    pub(crate) wire: Vec<(NodeId, Segment<Message>)>,
    pub(crate) witness_requests: VecDeque<Request>,
    pub(crate) events: Vec<Event>,
    bottom: bottom::Facts,
    rng: Rng,
    now: Now,
    messaging: Messaging<Message>,
    gum: Gum,
    database: Database,
    objects: Objects,
    txlog: Txlog,
    hops: VecDeque<Hop>,
}

/// Calls a manager and queues what it says.
macro_rules! call {
    ($self:ident, $manager:ident, $method:ident, $hop:ident $(, $input:expr)?) => {{
        let mut out = Outbox::default();
        let mut cx = Context {
            now: $self.now,
            bottom: &$self.bottom,
            facts: &$self.facts,
            rng: &mut $self.rng,
        };
        $self.$manager.$method(&mut cx, $($input,)? &mut out);
        $self.$manager.check(&cx);
        $self.hops.extend(out.drain().map(Hop::$hop));
    }};
}

impl Member {
    /// Starts the node's service on `disk`.
    pub(crate) fn start(me: NodeId, life: u64, disk: DiskModel) -> Self {
        let facts = Facts {
            me,
            start: base::StartMode::Normal,
            incarnation: Incarnation(life),
            view: None,
            active: false,
            quorum: QuorumState::Absent,
            ready: false,
            lock_owner: None,
            hive: Arc::default(),
            tag: PaxosTag::default(),
            applied: 0,
            prepared: None,
            synchronised: Synchronised::default(),
            settings: Arc::new(Settings::blank(Generation::V2022)),
            objects: Arc::default(),
            last_seen: [Timestamp::ZERO; base::limits::NODES_MAX],
            isolated: BTreeMap::new(),
            view_at: Timestamp::ZERO,
        };
        let mut member = Self {
            facts,
            active: false,
            needs_witness: false,
            era: 0,
            disk,
            disk_queue: VecDeque::new(),
            wire: Vec::new(),
            witness_requests: VecDeque::new(),
            events: Vec::new(),
            bottom: bottom::Facts::default(),
            rng: Rng::new(life, 1),
            now: Now::default(),
            messaging: Messaging::default(),
            gum: Gum::default(),
            database: Database::default(),
            objects: Objects::default(),
            txlog: Txlog::default(),
            hops: VecDeque::new(),
        };
        member.tell_database(database::Input::Start);
        while !member.disk_queue.is_empty() {
            member.step_disk();
        }
        member
    }

    pub(crate) fn tell_gum(&mut self, input: gum::Input) {
        call!(self, gum, handle, Gum, input);
        self.route();
    }

    pub(crate) fn tell_database(&mut self, input: database::Input) {
        call!(self, database, handle, Database, input);
        self.route();
    }

    pub(crate) fn receive(&mut self, from: NodeId, segment: Segment<Message>) {
        let input = messaging::Input::Segment { from, segment };
        call!(self, messaging, handle, Messaging, input);
        self.route();
    }

    /// The view is about to end.
    pub(crate) fn repair(&mut self, next: ViewId, members: NodeSet) {
        let input = messaging::Input::Repair { next, members };
        call!(self, messaging, handle, Messaging, input);
        self.route();
    }

    pub(crate) fn install(&mut self, view: Arc<View>) {
        self.facts.view = Some(view);
        self.facts.quorum = QuorumState::Absent;
        call!(
            self,
            messaging,
            handle,
            Messaging,
            messaging::Input::ViewInstalled
        );
        call!(self, gum, handle, Gum, gum::Input::ViewInstalled);
        self.route();
    }

    /// Lets the disk work off one request.
    pub(crate) fn step_disk(&mut self) {
        if let Some((io, request)) = self.disk_queue.pop_front() {
            let outcome = self.disk.perform(request);
            self.tell_log(txlog::Input::DiskDone { io, outcome });
            self.route();
        }
    }

    /// Lets the time come, with everything that is due.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now.mono = now;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if due(self.messaging.deadline()) {
            call!(self, messaging, expire, Messaging);
        }
        if due(self.gum.deadline()) {
            call!(self, gum, expire, Gum);
        }
        if due(self.database.deadline()) {
            call!(self, database, expire, Database);
        }
        self.route();
    }

    fn tell_log(&mut self, input: txlog::Input) {
        let mut out = Outbox::default();
        let mut cx = bottom::Context {
            now: self.now,
            me: self.facts.me,
            facts: &self.bottom,
            rng: &mut self.rng,
        };
        self.txlog.handle(&mut cx, input, &mut out);
        self.txlog.check(&cx);
        self.hops.extend(out.drain().map(Hop::Txlog));
    }

    fn route(&mut self) {
        while let Some(hop) = self.hops.pop_front() {
            match hop {
                Hop::Messaging(output) => self.messaging_said(output),
                Hop::Gum(output) => self.gum_said(output),
                Hop::Database(output) => self.database_said(output),
                Hop::Object(object::Output::Publish { objects }) => self.facts.objects = objects,
                Hop::Txlog(txlog::Output::Disk { io, request }) => {
                    self.disk_queue.push_back((io, request));
                }
                Hop::Txlog(said) => {
                    call!(self, database, handle, Database, database::Input::Log(said));
                }
            }
        }
    }

    fn messaging_said(&mut self, output: messaging::Output<Message>) {
        match output {
            messaging::Output::Transmit { to, segment, .. } => self.wire.push((to, segment)),
            messaging::Output::Deliver { from, payload } => {
                let message = (*payload).clone();
                call!(
                    self,
                    gum,
                    handle,
                    Gum,
                    gum::Input::Message { from, message }
                );
            }
            // Membership would open a regroup; the attack opens one often enough.
            messaging::Output::Unresponsive { .. } | messaging::Output::Causal { .. } => {}
            messaging::Output::Repaired { next } => self.events.push(Event::Repaired { next }),
            messaging::Output::Closed {
                view,
                next,
                delivered,
            } => self.events.push(Event::Closed {
                view,
                next,
                delivered,
            }),
        }
    }

    fn gum_said(&mut self, output: gum::Output) {
        use database::Input;
        let input = match output {
            gum::Output::Send { to, message } => {
                let input = messaging::Input::Send {
                    service: message.service(),
                    to,
                    payload: message,
                };
                call!(self, messaging, handle, Messaging, input);
                return;
            }
            gum::Output::Prepare { update } => Input::Prepare { update },
            gum::Output::Commit { number } => Input::Commit { number },
            gum::Output::Install { snapshot } => Input::Install { snapshot },
            gum::Output::BeginEpoch { forced } => Input::BeginEpoch { forced },
            gum::Output::Publish { ready, lock_owner } => {
                (self.facts.ready, self.facts.lock_owner) = (ready, lock_owner);
                return;
            }
            gum::Output::Opened { .. } => {
                self.active = true;
                self.events.push(Event::Opened);
                return;
            }
            gum::Output::Done { ticket, result } => {
                self.events.push(Event::Done { ticket, result });
                return;
            }
            gum::Output::Remove { nodes } => {
                self.events.push(Event::Remove { nodes });
                return;
            }
        };
        call!(self, database, handle, Database, input);
    }

    fn database_said(&mut self, output: database::Output) {
        match output {
            database::Output::Log(input) => self.tell_log(input),
            database::Output::Publish {
                hive,
                tag,
                applied,
                prepared,
                synchronised,
            } => {
                self.facts.hive = Arc::clone(&hive);
                (self.facts.tag, self.facts.applied) = (tag, applied);
                self.facts.prepared = prepared;
                self.facts.synchronised = synchronised;
                self.events.push(Event::Published { hive, tag });
            }
            database::Output::Opened => {}
            database::Output::Prepared { number } => {
                call!(self, gum, handle, Gum, gum::Input::Prepared { number });
            }
            database::Output::Applied { update } => self.applied(update),
            database::Output::Replaced { objects } => {
                self.tell_objects(object::Input::Replace { objects });
            }
            database::Output::Installed => {
                call!(self, gum, handle, Gum, gum::Input::Installed);
            }
            database::Output::LocalFailed { readable } => {
                self.events.push(Event::Failed { readable });
            }
            database::Output::LeftBehind => self.events.push(Event::LeftBehind),
            database::Output::WitnessReplica { tag, .. } => {
                self.events.push(Event::Reconciled { tag });
            }
            database::Output::WitnessFailed => {
                self.lose_witness();
                self.events.push(Event::WitnessFailed);
            }
            database::Output::WitnessRequest { request, .. } => {
                self.witness_requests.push_back(request);
            }
        }
    }

    /// What quorum does when the witness is gone.
    fn lose_witness(&mut self) {
        if self.needs_witness && self.facts.quorum == QuorumState::Held {
            self.facts.quorum = QuorumState::Arbitrating;
        }
    }

    /// Another node has taken the witness disk.
    pub(crate) fn release_witness(&mut self) {
        self.lose_witness();
        self.tell_database(database::Input::WitnessReleased);
    }

    fn applied(&mut self, update: Update) {
        let input = object::Input::Applied {
            update: update.clone(),
        };
        self.tell_objects(input);
        let input = gum::Input::Applied {
            update: update.clone(),
        };
        call!(self, gum, handle, Gum, input);
        self.events.push(Event::Applied { update });
    }

    /// Writes the tables before anybody else hears of the update.
    fn tell_objects(&mut self, input: object::Input) {
        let queued = self.hops.len();
        call!(self, objects, handle, Object, input);
        for hop in self.hops.split_off(queued) {
            if let Hop::Object(object::Output::Publish { objects }) = hop {
                self.facts.objects = objects;
            }
        }
    }
}
