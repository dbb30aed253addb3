//! Faults of the lab file as faults of the world.

use base::{DiskId, NetworkId, NodeId, NodeSet, ResourceId};
use file::model::{
    self, FaultKind, Impairment, LunFault, LunRef, NicSelector, NodeFault, ResourceFault, Selector,
    UpDown,
};
use plan::Names;

use super::{Open, Session, Unfit};
use crate::FaultId;
use crate::hosts::{Behaviour, DirectoryFault};
use crate::net::{Rule, Station, Stations};
use crate::stage::{Stage, Unable};
use crate::storage;
use crate::world::{Fault, MachineFault};

impl<W: Stage> Session<W> {
    /// Begins a fault; it heals by itself when the file says so.
    ///
    /// # Errors
    /// It picks nothing to break at the moment, or the backend has no way to break it; then
    /// nothing is broken.
    pub fn fault(&mut self, fault: &model::Fault) -> Result<(), Unfit> {
        self.set_mark();
        let stays_off = fault.heal_after.is_some();
        let faults = self.translate(&fault.kind, stays_off)?;
        let id = self.world.next_fault();
        for fault in faults {
            if let Err(unable) = self.make(id, fault) {
                self.world.heal(id);
                return Err(unable.into());
            }
        }
        let heals_at = fault.heal_after.map(|after| self.world.now() + after);
        self.open.push(Open { id, heals_at });
        Ok(())
    }

    fn make(&mut self, id: FaultId, made: Made) -> Result<(), Unable> {
        match made {
            Made::Fault(fault) => return self.world.make(id, fault),
            Made::Rules(rules) => self.world.make_rules(id, rules),
            Made::Lift(rules) => self.world.lift_network_rules(&rules),
        }
        Ok(())
    }

    fn translate(&mut self, kind: &FaultKind, stays_off: bool) -> Result<Vec<Made>, Unfit> {
        Ok(match kind {
            FaultKind::Node { nodes, fault } => self.node_faults(nodes, *fault, stays_off)?,
            FaultKind::Network { networks, to } => {
                let networks = self.networks(Some(networks))?;
                vec![down_or_up(
                    networks.into_iter().map(Rule::NetworkDown).collect(),
                    *to,
                )]
            }
            FaultKind::ImpairNetwork {
                networks,
                impairment,
            } => {
                let all = Stations::ALL;
                let networks = self.networks(Some(networks))?;
                vec![Made::Rules(impair(all, all, &networks, impairment))]
            }
            FaultKind::Nic { nics, to } => {
                let nics = self.nics(nics)?.into_iter();
                let rules = nics.map(|(station, network)| Rule::NicDown(station, network));
                vec![down_or_up(rules.collect(), *to)]
            }
            FaultKind::ImpairNic { nics, impairment } => {
                vec![Made::Rules(self.impair_nics(nics, impairment)?)]
            }
            FaultKind::Link {
                between,
                networks,
                to,
            } => {
                let ways = self.ways(between, networks.as_ref())?;
                let cut = |(from, to, network)| Rule::Cut {
                    from: Stations::one(from),
                    to: Stations::one(to),
                    network,
                };
                vec![down_or_up(ways.into_iter().map(cut).collect(), *to)]
            }
            FaultKind::ImpairLink {
                between,
                networks,
                impairment,
            } => {
                let ways = self.ways(between, networks.as_ref())?;
                vec![Made::Rules(impair_ways(&ways, impairment))]
            }
            FaultKind::Partition(partition) => vec![Made::Rules(self.partition(partition)?)],
            FaultKind::Lun { lun, fault } => vec![Made::Fault(self.lun_fault(lun, fault)?)],
            FaultKind::PathDrop(ends) => vec![Made::Fault(self.path_drop(ends)?)],
            FaultKind::Resource {
                group,
                resource,
                fault,
            } => {
                let resource = self.resource(group, resource)?;
                vec![Made::Fault(resource_fault(resource, *fault, stays_off))]
            }
            FaultKind::Directory(fault) => {
                vec![Made::Fault(Fault::Directory(self.directory(fault)?))]
            }
            FaultKind::WitnessUnreachable { from } => {
                let from = self.nodes(from)?.into_iter().collect();
                vec![Made::Fault(Fault::WitnessUnreachable(from))]
            }
        })
    }

    fn impair_nics(
        &mut self,
        nics: &NicSelector,
        impairment: &Impairment,
    ) -> Result<Vec<Rule>, Unfit> {
        let mut rules = Vec::new();
        for (station, network) in self.nics(nics)? {
            let one = Stations::one(station);
            rules.extend(impair(one, Stations::ALL, &[network], impairment));
            rules.extend(impair(Stations::ALL, one, &[network], impairment));
        }
        Ok(rules)
    }

    fn node_faults(
        &mut self,
        nodes: &Selector,
        fault: NodeFault,
        stays_off: bool,
    ) -> Result<Vec<Made>, Unfit> {
        let share_machine = self.world.share().and_then(crate::share::Share::machine);
        let members = self.world.plan().members.len();
        let mut made = Vec::new();
        for station in self.stations(nodes)? {
            let place = usize::from(station.0);
            match self.world.plan().members.get(place) {
                Some(member) => {
                    let fault = machine_fault(fault, stays_off);
                    made.push(Made::Fault(Fault::Machine(member.id, fault)));
                }
                // All that a machine outside the cluster does is to serve the witness share.
                None if share_machine == place.checked_sub(members) => {
                    let from = self.world.plan().all();
                    made.push(Made::Fault(Fault::WitnessUnreachable(from)));
                }
                None if self.world.plan().controller == place.checked_sub(members) => {
                    let down = DirectoryFault::ControllerDown;
                    made.push(Made::Fault(Fault::Directory(down)));
                }
                None => {}
            }
        }
        Ok(made)
    }

    fn nics(&mut self, nics: &NicSelector) -> Result<Vec<(Station, NetworkId)>, Unfit> {
        let networks = self.networks(Some(&nics.network))?;
        let stations = self.stations(&nics.node)?;
        let mut picked = Vec::new();
        for station in stations {
            let of_station = self.world.networks().of(station);
            let wanted = of_station.filter(|network| networks.contains(network));
            picked.extend(wanted.map(|network| (station, network)));
        }
        if picked.is_empty() {
            let (node, network) = (&nics.node, &nics.network);
            return Err(Unfit::PicksNothing(format!("{node}/{network}")));
        }
        Ok(picked)
    }

    /// Every way between two sets of machines, in both directions.
    fn ways(
        &mut self,
        between: &(Selector, Selector),
        networks: Option<&Selector>,
    ) -> Result<Vec<(Station, Station, NetworkId)>, Unfit> {
        let sides = self.sides(&[between.0.clone(), between.1.clone()])?;
        let mut ways = Vec::new();
        for network in self.networks(networks)? {
            for one in &sides[0] {
                for other in &sides[1] {
                    ways.push((*one, *other, network));
                    ways.push((*other, *one, network));
                }
            }
        }
        Ok(ways)
    }

    fn partition(&mut self, partition: &model::Partition) -> Result<Vec<Rule>, Unfit> {
        let sides = self.sides(&partition.between)?;
        let parts = sides.into_iter().map(|side| side.into_iter().collect());
        let parts: Vec<Stations> = parts.collect();
        let mut rules = Vec::new();
        for network in self.networks(partition.networks.as_ref())? {
            for (one, from) in parts.iter().enumerate() {
                for (other, to) in parts.iter().enumerate() {
                    if one != other {
                        rules.push(Rule::Cut {
                            from: *from,
                            to: *to,
                            network,
                        });
                    }
                }
            }
        }
        Ok(rules)
    }

    fn lun_fault(&mut self, lun: &LunRef, fault: &LunFault) -> Result<Fault, Unfit> {
        let disk = self.disk(lun)?;
        Ok(match fault {
            LunFault::Full => Fault::Storage(storage::Rule::Full(disk)),
            LunFault::Offline => Fault::Storage(storage::Rule::Silent(disk)),
            LunFault::Slow { latency } => Fault::Storage(storage::Rule::Slow(disk, *latency)),
            LunFault::ClearReservations => Fault::ClearReservations(disk),
            LunFault::PreemptReservation { by } => {
                let nodes = self.nodes(by)?;
                let by: Option<&NodeId> = nodes.first();
                let by = by.ok_or_else(|| Unfit::PicksNothing(by_text(lun)))?;
                Fault::Preempt(*by, disk)
            }
        })
    }

    fn path_drop(&mut self, ends: &model::PathEnds) -> Result<Fault, Unfit> {
        let arrays = &self.world.plan().arrays;
        let array = arrays.iter().position(|it| it.name == ends.array);
        let array = array.ok_or_else(|| Unfit::Unknown(format!("array `{}`", ends.array)))?;
        let from: NodeSet = match &ends.from {
            Some(from) => self.nodes(from)?.into_iter().collect(),
            None => self.world.plan().all(),
        };
        let portal = ends.portal.and_then(|portal| usize::try_from(portal).ok());
        Ok(Fault::Storage(storage::Rule::PathDown {
            array,
            portal,
            from,
        }))
    }

    fn disk(&self, lun: &LunRef) -> Result<DiskId, Unfit> {
        let disk = self.world.plan().names.disk(lun);
        disk.ok_or_else(|| Unfit::Unknown(format!("logical unit `{lun}`")))
    }

    pub(super) fn resource(&self, group: &str, resource: &str) -> Result<ResourceId, Unfit> {
        let names: &Names = &self.world.plan().names;
        let found = names.resource(group, resource);
        found.ok_or_else(|| Unfit::Unknown(format!("resource `{group}/{resource}`")))
    }
}

/// What a fault of the file amounts to.
enum Made {
    Fault(Fault),
    Rules(Vec<Rule>),
    /// Something comes up again before its fault heals.
    Lift(Vec<Rule>),
}

fn down_or_up(rules: Vec<Rule>, to: UpDown) -> Made {
    match to {
        UpDown::Down => Made::Rules(rules),
        UpDown::Up => Made::Lift(rules),
    }
}

fn impair_ways(ways: &[(Station, Station, NetworkId)], impairment: &Impairment) -> Vec<Rule> {
    let rules = ways.iter().flat_map(|(from, to, network)| {
        let (from, to) = (Stations::one(*from), Stations::one(*to));
        impair(from, to, &[*network], impairment)
    });
    rules.collect()
}

fn impair(
    from: Stations,
    to: Stations,
    networks: &[NetworkId],
    impairment: &Impairment,
) -> Vec<Rule> {
    let rule = |network: &NetworkId| Rule::Impair {
        from,
        to,
        network: *network,
        impairment: impairment.into(),
    };
    networks.iter().map(rule).collect()
}

/// A machine that crashes boots again at once; with `for` it stays down that long.
fn machine_fault(fault: NodeFault, stays_off: bool) -> MachineFault {
    match fault {
        NodeFault::Crash if stays_off => MachineFault::PowerOff,
        NodeFault::PowerOff => MachineFault::PowerOff,
        NodeFault::Crash => MachineFault::Crash,
        NodeFault::Pause => MachineFault::Freeze,
        NodeFault::Reboot => MachineFault::Reboot,
        NodeFault::StopService => MachineFault::StopService,
        NodeFault::KillService => MachineFault::KillService,
        NodeFault::KillMonitors => MachineFault::KillMonitors,
        NodeFault::ClockDrift { ppm } => MachineFault::ClockRuns(ppm),
        NodeFault::Hang => MachineFault::ServiceHangs,
        NodeFault::ClockJump { offset } => {
            MachineFault::ClockJumps(i64::try_from(offset.as_millis()).unwrap_or(i64::MAX))
        }
    }
}

/// A restart repairs a resource unless `for` keeps it broken.
fn resource_fault(resource: ResourceId, fault: ResourceFault, stays: bool) -> Fault {
    match (fault, stays) {
        (ResourceFault::Fail, true) => Fault::Resource(resource, Behaviour::BROKEN),
        (ResourceFault::Fail, false) => Fault::BreakOnce(resource),
        (ResourceFault::Hang, true) => Fault::Resource(resource, Behaviour::Hung),
        (ResourceFault::Hang, false) => Fault::HangOnce(resource),
        (ResourceFault::RemoveShare, _) => Fault::ShareRemoved(resource),
    }
}

fn by_text(lun: &LunRef) -> String {
    format!("the node that takes `{lun}` away")
}
