//! The lab as the stage of a scenario.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use base::{
    DiskId, IoId, NodeId, NodeSet, Notice, PaxosTag, RequestId, ResourceId, ResourceState,
    StartMode, Timestamp,
};
use bottom::share::{ShareOutcome, ShareRequest};
use middle::settings::Witness;
use node::Picture;
use plan::Plan;
use rhs::registry::Registry;
use runtime::control::{self, Answer, Request};
use runtime::fabric::FromFabric;
use runtime::telemetry::{Said, Saying, Sent};
use sim::checkers::{Change, Violation};
use sim::hosts::Outside;
use sim::log::{Log, What, WorldEvent};
use sim::net::{Networks, Rule};
use sim::share::{SHARE_TIMEOUT, Share};
use sim::tap::{FrameSeen, Tap};
use sim::workload::{Client, Look};
use sim::world::{Asked, Stop};
use sim::{Fault, FaultId, Life, Stage, Unable, words};
use top::api::AdminCommand;
use top::restype::CheckpointKey;

use super::Live;
use super::input::Input;
use super::targets::disk_file;
use super::time::Later;
use crate::machine::MachineId;
use crate::start::REGISTRY_FOLDER;

/// How long what happens on a machine in order may take until it is seen.
const COMPUTING: Duration = Duration::from_millis(50);
/// How long an administrator waits for a node's answer before the outcome counts as unknown.
const ANSWER_MAX: Duration = Duration::from_secs(600);

impl Stage for Live {
    fn backend(&self) -> &'static str {
        self.machines.backend()
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn now(&self) -> Timestamp {
        self.clock.mono()
    }

    fn lateness(&self) -> Duration {
        COMPUTING * self.clock.speed()
    }

    fn changes(&self) -> u64 {
        self.changes
    }

    fn run_to_change(&mut self, limit: Timestamp) -> Stop {
        self.run(limit)
    }

    fn life(&self, node: NodeId) -> Life {
        self.seat(node).map_or(Life::Off, super::Seat::life)
    }

    fn live(&self) -> NodeSet {
        let live = self.seats.iter().filter(|it| it.life() == Life::Running);
        live.map(|seat| seat.id).collect()
    }

    fn picture(&self, node: NodeId) -> Option<&Picture> {
        self.seat(node)?.picture.as_ref()
    }

    fn networks(&self) -> &Networks {
        &self.networks
    }

    fn outside(&self) -> &Outside {
        &self.outside
    }

    fn share(&self) -> Option<&Share> {
        self.share.as_ref()
    }

    fn holder(&self, disk: DiskId) -> Option<NodeId> {
        self.holders.get(&disk).copied().flatten()
    }

    fn serves(&self, node: NodeId, disk: DiskId) -> bool {
        self.condition(node, disk).is_none()
    }

    fn witness_tag(&self) -> Option<PaxosTag> {
        let Witness::Disk(disk) = self.plan.settings.witness else {
            return None;
        };
        let disk = self.plan.disks.iter().find(|it| it.id == disk)?;
        let array = &self.plan.arrays.get(disk.array)?.name;
        // What the target has written is in the system's cache of this file.
        let file = File::open(disk_file(&self.folder.array(array), disk.lun)).ok()?;
        middle::database::witness_tag(|offset, bytes| {
            let mut read = vec![0; bytes];
            file.read_exact_at(&mut read, offset).ok()?;
            Some(read)
        })
    }

    fn is_broken(&self, _node: NodeId, resource: ResourceId) -> bool {
        self.is_scripted_broken(resource)
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn frames(&self) -> Option<&[FrameSeen]> {
        self.tap.as_ref().map(Tap::frames)
    }

    fn note_step(&mut self, text: &str) {
        self.note(text);
    }

    fn keep_checkers(&mut self, keep: &dyn Fn(&str) -> bool) {
        self.jury.keep(keep);
    }

    fn violations(&self) -> &[Violation] {
        self.jury.violations()
    }

    /// Of what was said, without the times: runs on the wall clock are never the same twice, but
    /// those that go the same way say the same.
    fn trace_hash(&self) -> String {
        let entries = self
            .log
            .entries()
            .iter()
            .filter(|entry| !entry.is_routine());
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for entry in entries {
            for byte in words::event(entry, &self.plan.names).text.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }

    fn next_fault(&mut self) -> FaultId {
        self.faults_made += 1;
        FaultId(self.faults_made)
    }

    fn make(&mut self, id: FaultId, fault: Fault) -> Result<(), Unable> {
        self.say(WorldEvent::Fault(id, fault));
        self.break_it(id, fault)
    }

    fn make_rules(&mut self, id: FaultId, rules: Vec<Rule>) {
        for rule in &rules {
            self.say(WorldEvent::Fault(id, Fault::Network(*rule)));
        }
        self.break_networks(id, rules);
    }

    fn lift_network_rules(&mut self, rules: &[Rule]) {
        self.networks.retain(|_, rule| !rules.contains(rule));
        self.fabric.set(self.networks.clone());
        self.surroundings_changed();
    }

    fn heal(&mut self, id: FaultId) {
        self.say(WorldEvent::Healed(id));
        self.heal_it(id);
    }

    fn registry(&self, node: NodeId) -> Option<BTreeMap<CheckpointKey, Vec<u8>>> {
        let folder = self.folder.node(&self.seat(node)?.name);
        let registry = Registry::of(&folder.join(REGISTRY_FOLDER));
        let resources = self.plan.model.resources.values();
        let keys = resources.flat_map(|it| it.checkpoints.iter());
        let read = keys.filter_map(|key| Some((key.clone(), registry.read(key)?)));
        Some(read.collect())
    }

    fn write_registry(
        &mut self,
        node: NodeId,
        key: CheckpointKey,
        data: Vec<u8>,
    ) -> Result<(), Unable> {
        let seat = self.seat(node);
        let folder = seat.map(|seat| self.folder.node(&seat.name).join(REGISTRY_FOLDER));
        let written = folder.map(|folder| Registry::of(&folder).write(&key, &data));
        match written {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.unable(&format!("write `{}`: {error}", key.name))),
            None => Err(self.unable("write into the registry of a machine that is not there")),
        }
    }

    fn start_service(&mut self, node: NodeId, start: StartMode) -> Result<(), Unable> {
        self.start_with(node, start);
        Ok(())
    }

    fn stop_service(&mut self, node: NodeId) -> Result<(), Unable> {
        Self::stop_service(self, node);
        Ok(())
    }

    fn can_set_up(&self) -> Result<(), Unable> {
        Ok(())
    }

    fn look(&mut self, client: &Client) -> Vec<Look> {
        let now = self.now();
        self.seen_by(client)
            .unwrap_or_else(|| vec![(now, client.is_answered(self))])
    }

    fn ask(&mut self, node: NodeId, command: AdminCommand) -> RequestId {
        let request = RequestId(self.asked.len() as u64 + 1);
        self.say(WorldEvent::Asked(node, command.clone()));
        let asked = Asked {
            at: self.clock.mono(),
            node,
            command: command.clone(),
            reply: None,
        };
        self.asked.insert(request, asked);
        if let Some(seat) = self.seat(node) {
            let (path, sender) = (seat.control().to_owned(), self.sender.clone());
            thread::spawn(move || {
                let answer = control::ask(&path, &Request::Admin(command), ANSWER_MAX);
                // Without an answer the outcome stays unknown.
                if let Ok(Answer::Admin(reply)) = answer {
                    let _closing = sender.send(Input::Replied(request, reply));
                }
            });
        }
        request
    }

    fn asked(&self, request: RequestId) -> Option<&Asked> {
        self.asked.get(&request)
    }
}

impl Live {
    /// Takes in what has happened.
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Said { node, life, said } => self.said(node, life, *said),
            Input::Ended { node, life } => self.ended(node, life),
            Input::Share { node, io, request } => self.share_asked(node, io, request),
            Input::Connected(id, stream) => self.connected(id, stream),
            Input::Outside(id, message) => self.heard(id, message),
            Input::Gone(id) => self.gone(id),
            Input::Replied(request, reply) => {
                self.changes += 1;
                if let Some(asked) = self.asked.get_mut(&request) {
                    asked.reply = Some(reply.clone());
                    let (node, command) = (asked.node, asked.command.clone());
                    self.answered(node, &command, &reply);
                }
            }
            Input::Holder(disk, holder) => {
                self.changes += 1;
                self.holders.insert(disk, holder);
            }
            Input::Order(order) => {
                self.changes += 1;
                self.orders.push_back(order);
            }
            Input::Power(MachineId::Node(node), true) => self.power_on(node),
            Input::Power(MachineId::Node(node), false) => self.power_off(node),
            // Its target says so too.
            Input::Power(MachineId::Array(_), _) => {}
            Input::NicEnded { station, life } => self.nic_ended(station, life),
            Input::Looked { name, look } => self.looked(&name, look),
            Input::TargetEnded(place) => self.target_ended(place),
        }
    }

    fn said(&mut self, node: NodeId, life: u32, said: Said) {
        if self.seat(node).is_none_or(|seat| seat.life != life) {
            return;
        }
        match said.what {
            Saying::Notice(notice) => self.noticed(node, said.at, notice),
            Saying::Picture(picture) => {
                self.changes += 1;
                self.judge(&Change::Picture(&picture));
                if let Some(seat) = self.seats.get_mut(node.index()) {
                    seat.picture = Some(*picture);
                }
            }
            Saying::DiskRefused => self.changes += 1,
            Saying::Sent(sent) => self.sent(node, said.at, &sent),
        }
    }

    fn sent(&mut self, from: NodeId, at: Timestamp, sent: &Sent) {
        let Sent {
            network,
            to,
            frame,
            bytes,
        } = sent;
        if let Some(tap) = &mut self.tap {
            let name = self.plan.settings.node_name(from);
            tap.see(at, *network, (from, *to), frame, Some(bytes), &name);
        }
    }

    fn noticed(&mut self, node: NodeId, at: Timestamp, notice: Notice) {
        match &notice {
            Notice::Halted { reason } => {
                if let Some(seat) = self.seats.get_mut(node.index()) {
                    seat.halted = Some(*reason);
                }
            }
            Notice::ResourceState {
                resource,
                to: ResourceState::OnlinePending,
                ..
            } => self.repair(*resource),
            Notice::DiskHeld { disk }
            | Notice::DiskLost { disk }
            | Notice::DiskReleased { disk } => self.look_at(*disk),
            _ => {}
        }
        if !matches!(
            notice,
            Notice::LooksAliveAsked { .. } | Notice::IsAliveAsked { .. }
        ) {
            self.changes += 1;
        }
        if let Notice::ServiceStarted { incarnation } = notice {
            self.judge(&Change::Started { node, incarnation });
        }
        let said = Change::Notice {
            node,
            notice: &notice,
        };
        self.judge(&said);
        // Nodes are heard one after the other; the log goes forward all the same.
        let at = at.max(self.log.entries().last().map_or(at, |last| last.at));
        self.log.notice(at, node, notice);
        self.write_last(node);
    }

    /// What a node says about a disk is seen together with what its target says.
    fn look_at(&mut self, disk: DiskId) {
        let target = self.targets.iter().find(|it| it.lun(disk).is_some());
        if let Some(target) = target {
            target.look_now();
        }
        while let Ok(input) = self.inbox.try_recv() {
            match input {
                Input::Holder(disk, holder) => {
                    self.changes += 1;
                    self.holders.insert(disk, holder);
                }
                // In the order in which they came, after what is being taken in now.
                other => self.put_aside.push_back(other),
            }
        }
    }

    fn share_asked(&mut self, node: NodeId, io: IoId, request: ShareRequest) {
        let now = self.clock.mono();
        let networks = &self.networks;
        let outcome: Option<ShareOutcome> = self
            .share
            .as_mut()
            .filter(|share| share.reaches(node, networks))
            .map(|share| share.execute(now, node, request));
        self.changes += 1;
        match outcome {
            Some(outcome) => self.fabric.tell(node, &FromFabric::Share { io, outcome }),
            None => self.do_later(SHARE_TIMEOUT, Later::ShareSilent { node, io }),
        }
    }

    /// The lab says something about itself.
    pub(super) fn say(&mut self, event: WorldEvent) {
        self.changes += 1;
        self.log.world(self.clock.mono(), event);
    }

    pub(super) fn note(&mut self, text: &str) {
        self.say(WorldEvent::Step(text.to_owned()));
    }

    /// Writes the last entry of the log to its node's own.
    fn write_last(&self, node: NodeId) {
        let (Some(entry), Some(seat)) = (self.log.entries().last(), self.seat(node)) else {
            return;
        };
        if entry.is_routine() || !matches!(entry.what, What::Notice(..)) {
            return;
        }
        let event = words::event(entry, &self.plan.names);
        let line = format!("{:>12.3}  {}\n", event.at.0, event.text);
        let file = File::options()
            .append(true)
            .create(true)
            .open(self.folder.log(&seat.name));
        // A log that cannot be written is no reason to stop a lab.
        let _unwritten = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
