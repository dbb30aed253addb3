//! Faults of every kind, made and healed by number.

use std::time::Duration;

use base::{DiskFence, DiskId, NetworkId, NodeId, NodeSet, ResourceId};
use target::Intrusion;
use top::rcm::ResourceParameters;
use top::restype::Runner;

use super::{ForNode, World};
use crate::FaultId;
use crate::hosts::{Behaviour, DirectoryFault};
use crate::log::WorldEvent;
use crate::net::{self, Station};
use crate::service::Service;
use crate::storage;

/// What goes wrong with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineFault {
    /// The power goes; healing brings it back.
    PowerOff,
    /// The machine stops at once and boots again by itself.
    Crash,
    /// Nothing runs until healing.
    Freeze,
    /// The machine shuts down in order and boots again by itself.
    Reboot,
    /// The cluster service is stopped; healing starts it.
    StopService,
    /// The process of the cluster service dies; it is started again by itself.
    KillService,
    /// The processes of the resource hosts die.
    KillMonitors,
    /// The process of the cluster service hangs, until healing or until its watchdog has had
    /// enough (ClusSvcHangTimeout, HangRecoveryAction; reference section 1.5).
    ServiceHangs,
    /// The node's own disk refuses to write.
    DiskFails,
    /// Its clock runs faster (or slower) by so many parts in a million.
    ClockRuns(i32),
    /// Its wall clock is set forward (or back) by so many milliseconds.
    ClockJumps(i64),
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// With a member's machine.
    Machine(NodeId, MachineFault),
    /// With a network.
    Network(net::Rule),
    /// With the paths to an array, or a unit.
    Storage(storage::Rule),
    /// A node takes a disk's reservation away from its holder.
    Preempt(NodeId, DiskId),
    /// All registrations and the reservation of a disk disappear.
    ClearReservations(DiskId),
    /// The power of an array goes and comes back at once.
    ArrayPower(usize),
    /// With a resource, wherever it runs.
    Resource(ResourceId, Behaviour),
    /// What a resource stands for stops working where it runs; a restart repairs it.
    BreakOnce(ResourceId),
    /// Its entry points do not return where it runs; the end of its host repairs it.
    HangOnce(ResourceId),
    /// Somebody removes the share that a resource stands for; its next Online brings it back.
    ShareRemoved(ResourceId),
    /// These nodes do not reach the witness.
    WitnessUnreachable(NodeSet),
    /// With the directory.
    Directory(DirectoryFault),
}

impl<S: Service> World<S> {
    /// A number for a fault that is about to be made; one number may stand for many faults, which
    /// then heal together.
    pub fn next_fault(&mut self) -> FaultId {
        self.faults_made += 1;
        FaultId(self.faults_made)
    }

    /// Makes a fault.
    pub fn make(&mut self, id: FaultId, fault: Fault) {
        self.world_event(WorldEvent::Fault(id, fault));
        match fault {
            Fault::Machine(node, fault) => self.break_machine(id, node, fault),
            Fault::Network(rule) => self.break_network(id, rule),
            Fault::Storage(rule) => {
                self.storage.add(id, rule);
                self.surroundings_changed();
            }
            Fault::Preempt(by, disk) => {
                // A cluster of 2003 registers nothing: there the outsider has to do as it does.
                let takes = match self.plan.settings.generation.defaults().disk_fence {
                    DiskFence::PersistentReservation => Intrusion::Preempt,
                    DiskFence::ReserveRelease => Intrusion::Reserve,
                };
                self.storage.intrude(by, disk, takes);
                self.holder_seen(disk, self.storage.holder(disk), true);
            }
            Fault::ClearReservations(disk) => {
                if let Some(by) = self.plan.members.first().map(|member| member.id) {
                    self.storage.intrude(by, disk, Intrusion::Clear);
                }
                self.holder_seen(disk, self.storage.holder(disk), true);
            }
            Fault::ArrayPower(place) => {
                self.storage.power_cycle(place);
                let disks: Vec<DiskId> = self.storage.disks().collect();
                for disk in disks {
                    self.holder_seen(disk, self.storage.holder(disk), true);
                }
            }
            Fault::Resource(resource, behaviour) => self.script(id, resource, behaviour),
            Fault::BreakOnce(resource) => self.once(id, resource, Behaviour::BROKEN),
            Fault::HangOnce(resource) => self.once(id, resource, Behaviour::Hung),
            Fault::ShareRemoved(resource) => self.outside.remove_share(resource),
            Fault::WitnessUnreachable(from) => self.cut_witness(id, from),
            Fault::Directory(fault) => {
                let clocks = self.clocks();
                self.outside.names_mut().add_fault(id, fault, clocks);
            }
        }
    }

    /// Makes many network faults of one number at once.
    pub fn make_rules(&mut self, id: FaultId, rules: Vec<net::Rule>) {
        for rule in &rules {
            self.world_event(WorldEvent::Fault(id, Fault::Network(*rule)));
        }
        let before = self.links();
        self.networks.add_all(id, rules);
        self.tell_links(&before);
        self.surroundings_changed();
    }

    /// Takes everything away that faults of this number did.
    pub fn heal(&mut self, id: FaultId) {
        self.world_event(WorldEvent::Healed(id));
        let before = self.links();
        self.networks.heal(id);
        self.storage.heal(id);
        self.scripts.heal(id);
        let clocks = self.clocks();
        self.outside.names_mut().heal(id, clocks);
        self.hosts_go_on();
        if let Some(share) = &mut self.share {
            share.heal(id);
        }
        let machines = std::mem::take(&mut self.machine_faults);
        let (healed, kept) = machines.into_iter().partition(|(it, _, _)| *it == id);
        self.machine_faults = kept;
        self.tell_links(&before);
        self.surroundings_changed();
        for (_, fault, node) in healed {
            self.heal_machine(node, fault);
        }
    }

    /// Takes network rules away that `gone` says yes to, whatever fault made them.
    pub fn lift_network_rules(&mut self, gone: impl Fn(&net::Rule) -> bool) {
        let before = self.links();
        self.networks.retain(|_, rule| !gone(rule));
        self.trace.world(self.now, "network rules lifted");
        self.tell_links(&before);
        self.surroundings_changed();
        self.changes += 1;
    }

    fn break_machine(&mut self, id: FaultId, node: NodeId, fault: MachineFault) {
        match fault {
            MachineFault::PowerOff => self.power_off(node),
            MachineFault::Crash => self.crash(node),
            MachineFault::Freeze => self.freeze(node),
            MachineFault::Reboot => self.reboot(node),
            MachineFault::StopService => self.stop_service(node),
            MachineFault::KillService => self.kill_service(node),
            MachineFault::KillMonitors => self.kill_monitors(node),
            MachineFault::ServiceHangs => self.hang(node),
            MachineFault::DiskFails => self.set_disk_failing(node, true),
            MachineFault::ClockRuns(ppm) => self.set_clock_rate(node, ppm),
            MachineFault::ClockJumps(millis) => self.set_wall_clock(node, millis),
        }
        self.machine_faults.push((id, fault, node));
    }

    fn heal_machine(&mut self, node: NodeId, fault: MachineFault) {
        let still = |it: &(FaultId, MachineFault, NodeId)| it.1 == fault && it.2 == node;
        if self.machine_faults.iter().any(still) {
            return;
        }
        match fault {
            MachineFault::PowerOff => self.power_on(node),
            MachineFault::Freeze | MachineFault::ServiceHangs => self.thaw(node),
            MachineFault::StopService => self.start_service(node),
            MachineFault::DiskFails => self.set_disk_failing(node, false),
            MachineFault::ClockRuns(_) => self.set_clock_rate(node, 0),
            MachineFault::ClockJumps(_) => self.set_wall_clock(node, 0),
            MachineFault::Crash
            | MachineFault::Reboot
            | MachineFault::KillService
            | MachineFault::KillMonitors => {}
        }
    }

    fn break_network(&mut self, id: FaultId, rule: net::Rule) {
        let before = self.links();
        self.networks.add(id, rule);
        self.tell_links(&before);
        self.surroundings_changed();
    }

    /// The adapters of members that have a link.
    fn links(&self) -> Vec<(NodeId, NetworkId)> {
        let mut links = Vec::new();
        for seat in &self.seats {
            let linked =
                |network: &&NetworkId| self.networks.is_linked(Station::from(seat.id), **network);
            let of_seat = seat.networks.iter().filter(linked);
            links.extend(of_seat.map(|network| (seat.id, *network)));
        }
        links
    }

    /// Nodes see the links of their own adapters come and go.
    fn tell_links(&mut self, before: &[(NodeId, NetworkId)]) {
        let after = self.links();
        let gone = before.iter().filter(|link| !after.contains(link));
        let come = after.iter().filter(|link| !before.contains(link));
        let changes: Vec<_> = gone.chain(come).copied().collect();
        for (node, network) in changes {
            self.send_to_node(node, Duration::ZERO, ForNode::Link { network });
        }
    }

    /// Faults of disks become faults of their units; everything else is scripted at the hosts.
    fn script(&mut self, id: FaultId, resource: ResourceId, behaviour: Behaviour) {
        match (self.disk_of(resource), behaviour) {
            (Some(disk), Behaviour::Hung) => self.storage.add(id, storage::Rule::Silent(disk)),
            (Some(disk), Behaviour::Slow(by)) => {
                self.storage.add(id, storage::Rule::Slow(disk, by))
            }
            (Some(disk), _) => self.storage.add(id, storage::Rule::Broken(disk)),
            (None, _) if self.is_share(resource) => self.cut_witness(id, self.plan.all()),
            (None, _) => self.scripts.add(id, resource, behaviour),
        }
    }

    /// Until its restart. A disk or a share has no host, so its restart is what the node says.
    fn once(&mut self, id: FaultId, resource: ResourceId, behaviour: Behaviour) {
        if self.disk_of(resource).is_some() || self.is_share(resource) {
            self.script(id, resource, behaviour);
            self.repaired_by_restart.push((id, resource));
            return;
        }
        for seat in &mut self.seats {
            match behaviour {
                Behaviour::Hung => seat.hosts.hang_once(resource),
                _ => seat.hosts.break_once(resource),
            }
        }
    }

    fn cut_witness(&mut self, id: FaultId, from: NodeSet) {
        match (&mut self.share, self.plan.settings.witness) {
            (Some(share), _) => share.cut_off(id, from),
            (None, middle::settings::Witness::Disk(disk)) => {
                self.storage
                    .add(id, storage::Rule::UnitUnreachable(disk, from));
            }
            (None, _) => {}
        }
        self.surroundings_changed();
    }

    fn disk_of(&self, resource: ResourceId) -> Option<DiskId> {
        match self.plan.model.resources.get(&resource)?.parameters {
            ResourceParameters::PhysicalDisk { disk, .. } => Some(disk),
            _ => None,
        }
    }

    fn is_share(&self, resource: ResourceId) -> bool {
        let settings = self.plan.model.resources.get(&resource);
        settings.is_some_and(|it| it.kind().runner() == Runner::Share)
    }

    /// Power, processes or networks changed: sessions of the shared disks and of the witness share
    /// may end.
    pub(super) fn surroundings_changed(&mut self) {
        self.storage.drop_sessions(&self.networks);
        let awake: NodeSet = self.awake();
        let (networks, now) = (&self.networks, self.now);
        if let Some(share) = &mut self.share {
            let reached: NodeSet = awake
                .iter()
                .filter(|it| share.reaches(*it, networks))
                .collect();
            share.refresh(now, |node| reached.contains(node));
        }
    }
}
