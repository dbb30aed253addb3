//! The loop: one task owns the node, gives it events and lets the ports carry out its effects.
//!
//! The driving rule: after any call, drain the effects to the end, then sleep until the node's
//! deadline or the next event.

use std::collections::BTreeMap;
use std::future;
use std::io;

use base::{HaltReason, NetworkId, NodeSet, Notice, RequestId};
use bottom::netft::tunnel::is_tunnelled;
use node::{Effect, Event, Frame, Node, Picture};
use rhs::family;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;
use top::api::AdminReply;

use crate::between::{Between, Nothing};
use crate::clock::Clock;
use crate::control::{self, Answer, Request};
use crate::database::Database;
use crate::disks::Disks;
use crate::fabric::{Port, ToFabric};
use crate::hosts::{Hosts, Starter};
use crate::incarnation;
use crate::options::{Options, ServerOptions};
use crate::server::ServerService;
use crate::telemetry::{Saying, Sent, Voice};

/// How many events are taken in at a time.
const BATCH: usize = 256;
/// How many events may wait; whoever brings more waits with them.
const INBOX_MAX: usize = 4_096;

/// Folder of the node's own files, below that of its database.
const OWN_FILES: &str = "files";

/// What comes in.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something for the node.
    Event(Event),
    /// Bytes came in on a network.
    Bytes(NetworkId, Vec<u8>),
    /// The machine sends a packet through its virtual adapter.
    Packet(Vec<u8>),
    /// Somebody asks through the control socket.
    Asked(Request, oneshot::Sender<Answer>),
    /// The fabric has ended, and with it all networks.
    FabricGone,
}

/// Runs a node until it halts.
///
/// # Errors
/// When its machine lacks something that it needs: its folder, the fabric, a socket.
pub async fn run(options: Options) -> io::Result<HaltReason> {
    run_behind(options, Box::new(Nothing)).await
}

/// As [`run`], with something between the node and its machine.
///
/// # Errors
/// As [`run`].
pub async fn run_behind(options: Options, between: Box<dyn Between>) -> io::Result<HaltReason> {
    let mut stop = signal(SignalKind::terminate())?;
    family::adopt();
    let (sender, mut inbox) = mpsc::channel(INBOX_MAX);
    let mut driver = Driver::boot(options, between, sender).await?;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        driver.settle();
        if let Some(reason) = driver.halted {
            driver.end();
            return Ok(reason);
        }
        let due = driver.node.deadline().map(|at| driver.clock.instant(at));
        let sleep = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = inbox.recv_many(&mut batch, BATCH) => {}
            _ = stop.recv() => batch.push(Input::Event(Event::Stop)),
            () = sleep => {}
        }
        for input in batch.drain(..) {
            driver.take(input)?;
        }
        driver.advance();
    }
}

struct Driver {
    clock: Clock,
    node: Node,
    between: Box<dyn Between>,
    effects: Vec<Effect>,
    fabric: Port,
    database: Database,
    disks: Disks,
    hosts: Hosts,
    /// Serves as long as the node runs.
    _server: Option<ServerService>,
    voice: Voice,
    trace_frames: bool,
    mark: String,
    asked: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    requests_made: u64,
    shown: Option<Picture>,
    /// Something happened that may have changed the picture.
    touched: bool,
    halted: Option<HaltReason>,
}

impl Driver {
    async fn boot(
        options: Options,
        between: Box<dyn Between>,
        inbox: mpsc::Sender<Input>,
    ) -> io::Result<Self> {
        let me = options.config.me;
        let incarnation = incarnation::next(&options.folder)?;
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(io::Error::other)?;
        let fabric = Port::connect(&options.fabric, me, inbox.clone()).await?;
        control::listen(&options.control, inbox.clone())?;
        let starter = Starter {
            node: me,
            command: options.rhs,
            outside: options.outside,
            server_service: options.server.as_ref().map(|it| it.socket.clone()),
            mark: options.mark.clone(),
        };
        let clock = Clock::since(options.epoch_nanos).at_speed(options.speed);
        let disks = Disks::open(me, clock, options.disks, inbox.clone());
        let own_files = options.folder.join(OWN_FILES);
        let start = |server: &ServerOptions| ServerService::start(server, own_files, disks.ways());
        let server = options.server.as_ref().map(start).transpose()?;
        let node = Node::boot(options.config, incarnation, entropy, clock.now());
        fabric.send(ToFabric::Adapter(node.virtual_adapter()));
        Ok(Self {
            clock,
            node,
            between,
            effects: Vec::new(),
            fabric,
            database: Database::open(&options.folder, inbox.clone()),
            disks,
            _server: server,
            hosts: Hosts::new(starter, inbox),
            voice: Voice::new(),
            trace_frames: options.trace_frames,
            mark: options.mark,
            asked: BTreeMap::new(),
            requests_made: 0,
            shown: None,
            touched: true,
            halted: None,
        })
    }

    fn take(&mut self, input: Input) -> io::Result<()> {
        match input {
            Input::Event(event) => self.give(event),
            Input::Bytes(_, bytes) if is_tunnelled(&bytes) => {
                if let Some(packet) = self.node.untunnel(&bytes) {
                    self.fabric.send(ToFabric::Packet(packet.to_vec()));
                }
            }
            Input::Packet(packet) => {
                if let Some((network, to, bytes)) = self.node.tunnel(&packet) {
                    let to = NodeSet::one(to);
                    self.fabric.send(ToFabric::Send { network, to, bytes });
                }
            }
            // Bytes that the node refuses are dropped; it counts them.
            Input::Bytes(network, bytes) => {
                if let Some(event) = self.node.unseal(network, &bytes) {
                    self.give(event);
                }
            }
            Input::Asked(Request::Admin(command), answer) => {
                self.requests_made += 1;
                let request = RequestId(self.requests_made);
                self.asked.insert(request, answer);
                self.give(Event::Admin { request, command });
            }
            Input::Asked(Request::Disks(conditions), answer) => {
                self.disks.set_conditions(conditions);
                let _gone = answer.send(Answer::Done);
            }
            Input::Asked(Request::OwnDiskFails(fails), answer) => {
                self.database.set_failing(fails);
                let _gone = answer.send(Answer::Done);
            }
            Input::Asked(Request::EndHosts, answer) => {
                self.hosts.end_all();
                let _gone = answer.send(Answer::Done);
            }
            Input::FabricGone => {
                family::kill(family::NODE, &self.mark);
                return Err(io::Error::new(
                    io::ErrorKind::BrokenPipe,
                    "the lab's fabric has ended, and with it every network",
                ));
            }
        }
        Ok(())
    }

    fn give(&mut self, event: Event) {
        let heartbeat = matches!(
            event,
            Event::Frame {
                frame: Frame::Heartbeat(_),
                ..
            }
        );
        self.touched |= !heartbeat;
        if let Event::Disk {
            outcome: bottom::txlog::DiskOutcome::Failed,
            ..
        } = event
        {
            self.voice.say(self.clock.mono(), Saying::DiskRefused);
        }
        self.node.handle(self.clock.now(), event);
    }

    fn advance(&mut self) {
        self.node.advance(self.clock.now());
    }

    /// Carries out what the node wants, and shows what it has become.
    fn settle(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        self.node.swap_effects(&mut effects);
        for effect in effects.drain(..) {
            if self.halted.is_none()
                && let Some(effect) = self.between.effect(effect)
            {
                self.perform(effect);
            }
        }
        self.effects = effects;
        if std::mem::take(&mut self.touched) {
            self.show();
        }
    }

    fn perform(&mut self, effect: Effect) {
        self.touched |= !matches!(effect, Effect::Send { .. });
        match effect {
            Effect::Send { network, to, frame } => self.send(network, to, &frame),
            Effect::Disk { io, request } => self.database.submit(io, request),
            Effect::Scsi { io, disk, command } => self.disks.submit(io, disk, Some(command)),
            Effect::ScsiReset { io, disk } => self.disks.submit(io, disk, None),
            Effect::Share { io, request } => self.fabric.send(ToFabric::Share { io, request }),
            Effect::Host { host, command } => self.hosts.command(host, command),
            Effect::Reply { request, reply } => self.reply(request, reply),
            Effect::Notice(notice) => self.say(notice),
            Effect::Halt(reason) => self.halted = Some(reason),
        }
    }

    fn send(&mut self, network: NetworkId, receivers: NodeSet, frame: &Frame) {
        let told = self.trace_frames && !matches!(frame, Frame::Heartbeat(_));
        for to in receivers.iter() {
            let Some(bytes) = self.node.seal(to, frame) else {
                continue;
            };
            if told {
                let sent = Sent {
                    network,
                    to,
                    frame: frame.clone(),
                    bytes: bytes.clone(),
                };
                let saying = Saying::Sent(Box::new(sent));
                self.voice.say(self.clock.mono(), saying);
            }
            let to = NodeSet::one(to);
            self.fabric.send(ToFabric::Send { network, to, bytes });
        }
    }

    fn reply(&mut self, request: RequestId, reply: AdminReply) {
        if let Some(answer) = self.asked.remove(&request) {
            // Whoever asked may have gone away.
            let _gone = answer.send(Answer::Admin(reply));
        }
    }

    fn say(&self, notice: Notice) {
        self.voice.say(self.clock.mono(), Saying::Notice(notice));
    }

    fn show(&mut self) {
        let picture = self.between.picture(self.node.picture());
        if self.shown.as_ref() != Some(&picture) {
            let saying = Saying::Picture(Box::new(picture.clone()));
            self.voice.say(self.clock.mono(), saying);
            self.shown = Some(picture);
        }
    }

    /// The process ends, and with it everything that it has started.
    fn end(self) {
        drop(self.hosts);
        family::kill(family::NODE, &self.mark);
        self.voice.finish();
    }
}
