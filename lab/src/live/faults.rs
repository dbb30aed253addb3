//! Faults of every kind, made and healed by number.

use std::time::Duration;

use base::{DiskId, NodeId, NodeSet, ResourceId};
use rhs::outside::FromLab;
use runtime::control::DiskCondition;
use scsi::Lun;
use sim::hosts::Behaviour;
use sim::net::{self, Station};
use sim::storage;
use sim::{Fault, FaultId, MachineFault, Unable};
use top::rcm::ResourceParameters;
use top::restype::Runner;

use super::Live;
use super::targets::Target;

impl Live {
    pub(super) fn break_it(&mut self, id: FaultId, fault: Fault) -> Result<(), Unable> {
        match fault {
            Fault::Machine(_, MachineFault::ClockRuns(_) | MachineFault::ClockJumps(_)) => {
                return Err(self.unable("set the clock of one node alone"));
            }
            Fault::Resource(_, Behaviour::Refusing(_)) => {
                return Err(self.unable("have Online fail with a given error"));
            }
            Fault::Machine(node, fault) => self.break_machine(id, node, fault)?,
            Fault::Network(rule) => self.break_networks(id, vec![rule]),
            Fault::Storage(rule) => self.break_storage(id, rule),
            Fault::Preempt(_, disk) => self.intrude(disk, "preempt-reservation")?,
            Fault::ClearReservations(disk) => self.intrude(disk, "clear-reservations")?,
            Fault::ArrayPower(place) => self.cut_array(place)?,
            Fault::Resource(resource, behaviour) => self.break_resource(id, resource, behaviour),
            Fault::BreakOnce(resource) => self.break_once(id, resource, Behaviour::BROKEN),
            Fault::HangOnce(resource) => self.break_once(id, resource, Behaviour::Hung),
            Fault::ShareRemoved(resource) => self.remove_share(resource),
            Fault::WitnessUnreachable(from) => self.cut_witness(id, from),
            Fault::Directory(fault) => {
                let clocks = self.clocks();
                self.outside.names_mut().add_fault(id, fault, clocks);
            }
        }
        Ok(())
    }

    pub(super) fn heal_it(&mut self, id: FaultId) {
        self.networks.heal(id);
        let clocks = self.clocks();
        self.outside.names_mut().heal(id, clocks);
        self.storage_rules.retain(|(owner, _)| *owner != id);
        let scripts = std::mem::take(&mut self.scripts);
        let (healed, kept): (Vec<_>, Vec<_>) = scripts.into_iter().partition(|it| it.0 == id);
        self.scripts = kept;
        healed
            .into_iter()
            .for_each(|(_, resource, _)| self.tell_script(resource));
        if let Some(share) = &mut self.share {
            share.heal(id);
        }
        let machines = std::mem::take(&mut self.machine_faults);
        let (healed, kept): (Vec<_>, Vec<_>) = machines.into_iter().partition(|it| it.0 == id);
        self.machine_faults = kept;
        self.fabric.set(self.networks.clone());
        self.surroundings_changed();
        for (_, fault, node) in healed {
            self.heal_machine(node, fault);
        }
    }

    pub(super) fn break_networks(&mut self, id: FaultId, rules: Vec<net::Rule>) {
        self.networks.add_all(id, rules);
        self.fabric.set(self.networks.clone());
        self.surroundings_changed();
    }

    fn break_machine(
        &mut self,
        id: FaultId,
        node: NodeId,
        fault: MachineFault,
    ) -> Result<(), Unable> {
        match fault {
            MachineFault::PowerOff => self.power_off(node),
            MachineFault::Crash => self.cycle(node),
            MachineFault::Freeze => {
                let frozen = self.set_frozen(node, true);
                frozen.map_err(|why| self.unable(&why.to_string()))?;
            }
            MachineFault::Reboot => self.reboot(node),
            MachineFault::StopService => self.stop_service(node),
            MachineFault::KillService => self.kill_service(node),
            MachineFault::KillMonitors => self.end_hosts(node),
            MachineFault::ServiceHangs => self.hang(node)?,
            MachineFault::DiskFails => self.tell_own_disk(node, true),
            // Refused before.
            MachineFault::ClockRuns(_) | MachineFault::ClockJumps(_) => {}
        }
        self.machine_faults.push((id, fault, node));
        Ok(())
    }

    fn heal_machine(&mut self, node: NodeId, fault: MachineFault) {
        let still = |it: &(FaultId, MachineFault, NodeId)| it.1 == fault && it.2 == node;
        if self.machine_faults.iter().any(still) {
            return;
        }
        match fault {
            MachineFault::PowerOff => self.power_on(node),
            MachineFault::Freeze | MachineFault::ServiceHangs => {
                if let Err(error) = self.set_frozen(node, false) {
                    self.complain(&error);
                }
            }
            MachineFault::StopService => self.order_start(node, Duration::ZERO),
            MachineFault::DiskFails => self.tell_own_disk(node, false),
            MachineFault::Crash
            | MachineFault::Reboot
            | MachineFault::KillService
            | MachineFault::KillMonitors
            | MachineFault::ClockRuns(_)
            | MachineFault::ClockJumps(_) => {}
        }
    }

    fn end_hosts(&self, node: NodeId) {
        if let Some(seat) = self.seat(node) {
            seat.end_hosts();
        }
    }

    fn tell_own_disk(&self, node: NodeId, fails: bool) {
        if let Some(seat) = self.seat(node) {
            seat.tell_own_disk(fails);
        }
    }

    fn break_storage(&mut self, id: FaultId, rule: storage::Rule) {
        self.storage_rules.push((id, rule));
        self.surroundings_changed();
    }

    /// Faults of disks become faults of their units, those of the share cut it off; everything
    /// else is scripted at the hosts.
    fn break_resource(&mut self, id: FaultId, resource: ResourceId, behaviour: Behaviour) {
        match (self.disk_of(resource), behaviour) {
            (Some(disk), Behaviour::Hung) => self.break_storage(id, storage::Rule::Silent(disk)),
            (Some(disk), Behaviour::Slow(by)) => {
                self.break_storage(id, storage::Rule::Slow(disk, by));
            }
            (Some(disk), _) => self.break_storage(id, storage::Rule::Broken(disk)),
            (None, _) if self.is_share(resource) => self.cut_witness(id, self.plan.all()),
            (None, _) => {
                self.scripts.push((id, resource, behaviour));
                self.tell_script(resource);
            }
        }
    }

    /// Somebody removes a share, in the lab's model and from the server service of its machine.
    fn remove_share(&mut self, resource: ResourceId) {
        self.outside.remove_share(resource);
        self.tell_hosts(&FromLab::RemoveShare(resource));
    }

    /// Until its restart. A disk or a share has no host, so its restart is what the node says.
    fn break_once(&mut self, id: FaultId, resource: ResourceId, behaviour: Behaviour) {
        if self.disk_of(resource).is_some() || self.is_share(resource) {
            self.break_resource(id, resource, behaviour);
            self.repaired_by_restart.push((id, resource));
            return;
        }
        let message = match behaviour {
            Behaviour::Hung => FromLab::Hang(resource),
            _ => FromLab::Break(resource),
        };
        self.tell_hosts(&message);
    }

    /// A resource is started again, which repairs what was broken only once.
    pub(super) fn repair(&mut self, resource: ResourceId) {
        let faults = std::mem::take(&mut self.repaired_by_restart);
        let (repaired, kept): (Vec<_>, Vec<_>) =
            faults.into_iter().partition(|(_, it)| *it == resource);
        self.repaired_by_restart = kept;
        for (fault, _) in repaired {
            self.storage_rules.retain(|(owner, _)| *owner != fault);
            if let Some(share) = &mut self.share {
                share.heal(fault);
            }
            self.surroundings_changed();
        }
    }

    fn cut_witness(&mut self, id: FaultId, from: NodeSet) {
        match (&mut self.share, self.plan.settings.witness) {
            (Some(share), _) => share.cut_off(id, from),
            (None, middle::settings::Witness::Disk(disk)) => {
                let rule = storage::Rule::UnitUnreachable(disk, from);
                self.storage_rules.push((id, rule));
            }
            (None, _) => {}
        }
        self.surroundings_changed();
    }

    fn intrude(&mut self, disk: DiskId, how: &str) -> Result<(), Unable> {
        let lun = self.targets.iter().find_map(|it| Some((it, it.lun(disk)?)));
        let Some((target, lun)) = lun else {
            return Err(self.unable(&format!("there is no target for {disk}")));
        };
        let words = [("lun", lun.0.to_string()), ("do", how.to_owned())];
        let done = target
            .fault(&words)
            .map_err(|error| self.unable(&error.to_string()));
        target.look_now();
        done
    }

    fn cut_array(&mut self, place: usize) -> Result<(), Unable> {
        let target = self.targets.get(place);
        let target = target.ok_or_else(|| self.unable(&format!("there is no array {place}")))?;
        let words = [
            ("target", "restart".to_owned()),
            ("power-loss", "true".to_owned()),
        ];
        target
            .fault(&words)
            .map_err(|error| self.unable(&error.to_string()))
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

    /// Power, processes or networks changed: paths to disks and the session of the witness share
    /// may come and go.
    pub(super) fn surroundings_changed(&mut self) {
        self.changes += 1;
        for place in 0..self.seats.len() {
            self.tell_disks(place);
        }
        self.tell_units();
        let (awake, networks, now) = (self.awake(), &self.networks, self.clock.mono());
        if let Some(share) = &mut self.share {
            let reached = awake.iter().filter(|it| share.reaches(*it, networks));
            let reached: NodeSet = reached.collect();
            share.refresh(now, |node| reached.contains(node));
        }
    }

    fn tell_disks(&mut self, place: usize) {
        let Some(seat) = self.seats.get(place) else {
            return;
        };
        let ids = self.plan.disks.iter().map(|disk| disk.id);
        let conditions = ids.filter_map(|disk| Some((disk, self.condition(seat.id, disk)?)));
        let conditions: Vec<(DiskId, DiskCondition)> = conditions.collect();
        let seat = &mut self.seats[place];
        if seat.runs() && seat.conditions != conditions {
            seat.conditions.clone_from(&conditions);
            seat.tell_disks(conditions);
        }
    }

    /// What is wrong with a disk as a node sees it.
    pub(super) fn condition(&self, node: NodeId, disk: DiskId) -> Option<DiskCondition> {
        let is = |wanted: storage::Rule| self.storage_rules.iter().any(|(_, it)| *it == wanted);
        if !self.has_path(node, disk) {
            Some(DiskCondition::Unreachable)
        } else if is(storage::Rule::Silent(disk)) {
            Some(DiskCondition::Silent)
        } else if is(storage::Rule::Broken(disk)) {
            Some(DiskCondition::Broken)
        } else {
            None
        }
    }

    fn has_path(&self, node: NodeId, disk: DiskId) -> bool {
        let Some(array) = self
            .plan
            .disks
            .iter()
            .find(|it| it.id == disk)
            .map(|it| it.array)
        else {
            return false;
        };
        let rules = || self.storage_rules.iter().map(|(_, rule)| rule);
        let cut = |rule: &storage::Rule| match rule {
            storage::Rule::UnitUnreachable(unit, from) => *unit == disk && from.contains(node),
            _ => false,
        };
        if rules().any(cut) {
            return false;
        }
        let dropped = |through: usize| {
            rules().any(|rule| match rule {
                storage::Rule::PathDown {
                    array: of,
                    portal,
                    from,
                } => {
                    *of == array
                        && from.contains(node)
                        && portal.is_none_or(|portal| portal == through)
                }
                _ => false,
            })
        };
        let portals = self
            .plan
            .arrays
            .get(array)
            .map_or(&[][..], |it| &it.portals);
        if portals.is_empty() {
            return !dropped(0);
        }
        let me = Station::from(node);
        let mut ways = portals.iter().enumerate();
        ways.any(|(at, on)| !dropped(at) && self.networks.gets_to(me, *on))
    }

    /// Tells the targets which units are slow, and which have no room left.
    fn tell_units(&mut self) {
        for disk in self.plan.disks.iter().map(|it| it.id).collect::<Vec<_>>() {
            let wanted = self.ailment(disk);
            let known = self.ailing.get(&disk).copied().unwrap_or_default();
            let target = self.targets.iter().find_map(|it| Some((it, it.lun(disk)?)));
            let Some((target, lun)) = target.filter(|_| wanted != known) else {
                continue;
            };
            // A target that is not there now is told again when it is back.
            if wanted.tell(target, lun).is_ok() {
                self.ailing.insert(disk, wanted);
            }
        }
    }

    fn ailment(&self, disk: DiskId) -> Ailment {
        let rules = || self.storage_rules.iter().map(|(_, rule)| *rule);
        let latency = rules().filter_map(|rule| match rule {
            storage::Rule::Slow(slow, latency) if slow == disk => Some(latency),
            _ => None,
        });
        Ailment {
            latency: self.clock.real(latency.sum()),
            full: rules().any(|rule| rule == storage::Rule::Full(disk)),
        }
    }

    /// What this backend cannot do, or did not manage to do.
    pub(super) fn unable(&self, what: &str) -> Unable {
        Unable {
            backend: self.machines.backend(),
            what: what.to_owned(),
        }
    }
}

/// What ails a unit that its target has to know of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ailment {
    /// Every command takes so much longer.
    latency: Duration,
    /// It has no room for what was never written.
    full: bool,
}

impl Ailment {
    /// Tells a target that a unit is like this, whatever it was before.
    fn tell(self, target: &Target, lun: Lun) -> std::io::Result<()> {
        let say = |what: &str, more: Option<(&'static str, String)>| {
            let mut words = vec![("lun", lun.0.to_string()), ("do", what.to_owned())];
            words.extend(more);
            target.fault(&words)
        };
        say("heal", None)?;
        if self.full {
            say("full", None)?;
        }
        if !self.latency.is_zero() {
            let latency = format!("{}ms", self.latency.as_millis());
            say("slow", Some(("latency", latency)))?;
        }
        Ok(())
    }
}
