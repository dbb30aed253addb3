//! From a seed to a plan: size, shape, which classes of faults are switched on, and when each
//! strikes.

use std::time::Duration;

use base::{DiskId, Generation, GroupId, NetworkId, NodeId, NodeSet, ResourceId, Rng};
use file::model::Lab;
use plan::Plan;

use super::{Act, Deed, SwarmPlan, requests};
use crate::hosts::Behaviour;
use crate::net::{Burst, Impairment, Rule, Stations};
use crate::shape::{Shape, WitnessShape};
use crate::storage;
use crate::world::{Fault, MachineFault, Options};

/// Random stream of plans.
const STREAM: u64 = 0x400;
/// Random stream of how datagrams travel.
const BYTES_STREAM: u64 = 0x401;
/// Random stream of whether there are shared volumes.
const VOLUME_STREAM: u64 = 0x402;
/// Nothing breaks before the cluster has had time to form.
pub(super) const QUIET: Duration = Duration::from_secs(30);

/// Classes of faults; each is on or off for a whole seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Power,
    Process,
    Freeze,
    OwnDisk,
    Partition,
    OneWay,
    Loss,
    Nic,
    Path,
    Unit,
    Reservation,
    Resource,
    Witness,
    Deeds,
    Clock,
    Clog,
    Monitors,
    Array,
}

const CLASSES: [Class; 18] = [
    Class::Power,
    Class::Process,
    Class::Freeze,
    Class::OwnDisk,
    Class::Partition,
    Class::OneWay,
    Class::Loss,
    Class::Nic,
    Class::Path,
    Class::Unit,
    Class::Reservation,
    Class::Resource,
    Class::Witness,
    Class::Deeds,
    Class::Clock,
    Class::Clog,
    Class::Monitors,
    Class::Array,
];

/// What a seed expands to. `lab` is attacked if it is given, a new outline otherwise.
#[must_use]
pub fn plan(seed: u64, lab: Option<&Lab>, length: Duration) -> SwarmPlan {
    let mut rng = Rng::new(seed, STREAM);
    let (plain, lab) = match lab {
        Some(lab) => (lab.clone(), lab.clone()),
        None => {
            let shape = draw_shape(&mut rng);
            let shared_volumes = u8::from(Rng::new(seed, VOLUME_STREAM).below(4) == 0);
            let plain = shape.lab();
            (
                plain,
                Shape {
                    shared_volumes,
                    ..shape
                }
                .lab(),
            )
        }
    };
    let options = Options {
        shuffle_ties: rng.chance(500_000),
        drift_ppm_max: if rng.chance(500_000) { 50 } else { 0 },
        keep: false,
        // A stream of its own, so that what travels how leaves everything else as it is.
        by_bytes: Rng::new(seed, BYTES_STREAM).below(8) == 0,
        ..Options::new(seed)
    };
    // `run` says why a lab cannot be built.
    let old = Plan::new(&plain).map(|cluster| Drawer::new(&cluster, &mut rng).acts(length));
    let new = Plan::new(&lab).map(|cluster| requests::acts(seed, &cluster, length));
    let acts = [old, new].into_iter().flatten().flatten().collect();
    SwarmPlan {
        seed,
        lab,
        options,
        length,
        acts,
    }
}

/// Most bugs need few nodes.
fn draw_shape(rng: &mut Rng) -> Shape {
    let nodes = match rng.below(100) {
        0..30 => 2,
        30..62 => 3,
        62..77 => 4,
        77..92 => 5,
        92..96 => 7,
        96..99 => 8,
        _ => 16,
    };
    let witness = match rng.below(10) {
        0..3 => WitnessShape::None,
        3..7 => WitnessShape::Disk,
        7..9 => WitnessShape::Share,
        _ => WitnessShape::DiskOnly,
    };
    let generation = match rng.below(4) {
        0 => Generation::V2008R2,
        1 => Generation::V2012R2,
        _ => Generation::V2022,
    };
    Shape {
        nodes,
        networks: if rng.chance(500_000) { 2 } else { 1 },
        witness,
        fenced_groups: small(rng, 3),
        unfenced_groups: small(rng, 3),
        shared_volumes: 0,
        generation,
        service_restart: None,
    }
}

fn small(rng: &mut Rng, below: u64) -> u8 {
    u8::try_from(rng.below(below)).unwrap_or(0)
}

struct Drawer<'a> {
    rng: &'a mut Rng,
    nodes: Vec<NodeId>,
    networks: Vec<NetworkId>,
    /// Disks with the array that each is on.
    disks: Vec<(DiskId, usize)>,
    arrays: usize,
    groups: Vec<GroupId>,
    resources: Vec<ResourceId>,
    has_witness: bool,
    /// Whether a call that never returns is ever found.
    finds_deadlocks: bool,
}

impl<'a> Drawer<'a> {
    fn new(cluster: &Plan, rng: &'a mut Rng) -> Self {
        Self {
            rng,
            nodes: cluster.all().iter().collect(),
            networks: cluster.settings.networks.keys().copied().collect(),
            disks: cluster.disks.iter().map(|it| (it.id, it.array)).collect(),
            arrays: cluster.arrays.len(),
            groups: cluster.model.groups.keys().copied().collect(),
            resources: cluster.model.resources.keys().copied().collect(),
            has_witness: cluster.witness_resource.is_some(),
            finds_deadlocks: cluster.model.cluster.deadlock_detection,
        }
    }

    fn acts(mut self, length: Duration) -> Vec<(Duration, Act)> {
        let on: Vec<Class> = CLASSES
            .into_iter()
            .filter(|_| self.rng.chance(400_000))
            .collect();
        // Some seeds are busy, some leave time for everything to settle in between.
        let gap_max = self.pick(&[20, 60, 180, 600]).unwrap_or(60);
        let mut acts = Vec::new();
        let mut at = QUIET;
        loop {
            at += Duration::from_millis(self.rng.between(200, gap_max * 1_000));
            if at >= length {
                return acts;
            }
            let Some(class) = self.pick(&on) else {
                return acts;
            };
            if let Some(act) = self.act(class) {
                acts.push((at, act));
            }
        }
    }

    fn act(&mut self, class: Class) -> Option<Act> {
        if class == Class::Deeds {
            return self.deed().map(Act::Deed);
        }
        let faults = match class {
            Class::Power => vec![self.machine(&[
                MachineFault::PowerOff,
                MachineFault::PowerOff,
                MachineFault::Crash,
                MachineFault::Reboot,
            ])?],
            Class::Process => {
                vec![self.machine(&[MachineFault::KillService, MachineFault::StopService])?]
            }
            Class::Freeze => vec![self.machine(&[MachineFault::Freeze])?],
            Class::OwnDisk => vec![self.machine(&[MachineFault::DiskFails])?],
            Class::Partition => self.partition(),
            Class::OneWay => vec![self.one_way()?],
            Class::Loss => self.loss(),
            Class::Nic => {
                let node = self.pick_node()?;
                let network = self.pick_network()?;
                vec![Fault::Network(Rule::NicDown(node.into(), network))]
            }
            Class::Path => vec![self.path()?],
            Class::Unit => vec![self.unit()?],
            Class::Reservation => vec![self.reservation()?],
            Class::Resource => vec![self.resource()?],
            Class::Witness => {
                if !self.has_witness {
                    return None;
                }
                vec![Fault::WitnessUnreachable(self.some_nodes())]
            }
            Class::Deeds => return None,
            Class::Clock => vec![self.clock()?],
            Class::Clog => vec![self.clog()?],
            Class::Monitors => vec![self.machine(&[MachineFault::KillMonitors])?],
            Class::Array => self.array()?,
        };
        let lasts = Duration::from_millis(self.rng.between(500, 120_000));
        Some(Act::Break { faults, lasts })
    }

    fn machine(&mut self, kinds: &[MachineFault]) -> Option<Fault> {
        let node = self.pick_node()?;
        Some(Fault::Machine(node, self.pick(kinds)?))
    }

    /// A clock that runs up to 200 ppm off its rate, or whose wall time is set up to a day away.
    fn clock(&mut self) -> Option<Fault> {
        let faults = if self.rng.chance(500_000) {
            let ppm = i32::try_from(self.rng.below(401)).unwrap_or(0) - 200;
            MachineFault::ClockRuns(ppm)
        } else {
            let day = 86_400_000;
            let millis = i64::try_from(self.rng.below(2 * day)).unwrap_or(0);
            MachineFault::ClockJumps(millis - i64::try_from(day).unwrap_or(0))
        };
        self.machine(&[faults])
    }

    /// Nothing that some nodes send is lost, but all of it comes much later, even after the fault.
    fn clog(&mut self) -> Option<Fault> {
        let impairment = Impairment {
            delay: Duration::from_millis(self.rng.between(1_000, 30_000)),
            ..Impairment::default()
        };
        Some(Fault::Network(Rule::Impair {
            from: self.some_nodes().into(),
            to: Stations::ALL,
            network: self.pick_network()?,
            impairment,
        }))
    }

    /// An array restarts: reservations that were made to persist do (APTPL), or it has forgotten
    /// them all.
    fn array(&mut self) -> Option<Vec<Fault>> {
        let arrays = u64::try_from(self.arrays).ok().filter(|count| *count > 0)?;
        let array = usize::try_from(self.rng.below(arrays)).ok()?;
        let mut faults = vec![Fault::ArrayPower(array)];
        if self.rng.chance(500_000) {
            let disks = self.disks.iter().filter(|(_, of)| *of == array);
            faults.extend(disks.map(|(disk, _)| Fault::ClearReservations(*disk)));
        }
        Some(faults)
    }

    /// Two parts that cannot reach each other, on all networks or on one.
    fn partition(&mut self) -> Vec<Fault> {
        let one = self.some_nodes();
        let all: NodeSet = self.nodes.iter().copied().collect();
        let other = all.difference(one);
        let networks = if self.rng.chance(750_000) {
            self.networks.clone()
        } else {
            self.pick_network().into_iter().collect()
        };
        let cut = |from: NodeSet, to: NodeSet, network| {
            Fault::Network(Rule::Cut {
                from: from.into(),
                to: to.into(),
                network,
            })
        };
        networks
            .into_iter()
            .flat_map(|network| [cut(one, other, network), cut(other, one, network)])
            .collect()
    }

    fn one_way(&mut self) -> Option<Fault> {
        let from = self.some_nodes();
        let all: NodeSet = self.nodes.iter().copied().collect();
        let others = all.difference(from);
        let to = if self.rng.chance(500_000) {
            others
        } else {
            let others: Vec<NodeId> = others.iter().collect();
            NodeSet::one(self.pick(&others)?)
        };
        let network = self.pick_network()?;
        Some(Fault::Network(Rule::Cut {
            from: from.into(),
            to: to.into(),
            network,
        }))
    }

    fn loss(&mut self) -> Vec<Fault> {
        let burst = self.rng.chance(300_000).then_some(Burst {
            begins: 5_000,
            ends: 50_000,
            loss: 900_000,
        });
        let impairment = Impairment {
            delay: Duration::from_millis(self.rng.below(100)),
            jitter: Duration::from_millis(self.rng.below(50)),
            loss: u32::try_from(self.rng.below(250_000)).unwrap_or(0),
            duplicate: u32::try_from(self.rng.below(100_000)).unwrap_or(0),
            reorder: u32::try_from(self.rng.below(100_000)).unwrap_or(0),
            burst,
        };
        let from = if self.rng.chance(500_000) {
            Stations::ALL
        } else {
            self.some_nodes().into()
        };
        let rule = |network: &NetworkId| {
            Fault::Network(Rule::Impair {
                from,
                to: Stations::ALL,
                network: *network,
                impairment,
            })
        };
        self.networks.iter().map(rule).collect()
    }

    fn path(&mut self) -> Option<Fault> {
        let arrays = u64::try_from(self.arrays).ok().filter(|count| *count > 0)?;
        let array = usize::try_from(self.rng.below(arrays)).ok()?;
        Some(Fault::Storage(storage::Rule::PathDown {
            array,
            portal: None,
            from: self.some_nodes(),
        }))
    }

    fn unit(&mut self) -> Option<Fault> {
        let disk = self.pick_disk()?;
        let latency = Duration::from_millis(self.rng.between(10, 8_000));
        let rules = [
            storage::Rule::Silent(disk),
            storage::Rule::Slow(disk, latency),
            storage::Rule::Broken(disk),
            storage::Rule::UnitUnreachable(disk, self.some_nodes()),
        ];
        self.pick(&rules).map(Fault::Storage)
    }

    fn reservation(&mut self) -> Option<Fault> {
        let disk = self.pick_disk()?;
        Some(match self.rng.below(3) {
            0 => Fault::Preempt(self.pick_node()?, disk),
            1 => Fault::ClearReservations(disk),
            _ => Fault::ArrayPower(0),
        })
    }

    fn resource(&mut self) -> Option<Fault> {
        let resources = self.resources.clone();
        let resource = self.pick(&resources)?;
        let slow = Behaviour::Slow(Duration::from_millis(self.rng.between(10, 60_000)));
        Some(match self.rng.below(8) {
            0 => Fault::BreakOnce(resource),
            // Where nobody looks for deadlocks it would hang for good, as on the product.
            1 if self.finds_deadlocks => Fault::HangOnce(resource),
            1 => Fault::Resource(resource, Behaviour::Hung),
            2 => Fault::Resource(resource, Behaviour::BROKEN),
            3 => Fault::Resource(resource, Behaviour::Hung),
            4 => Fault::Resource(resource, Behaviour::Crashing),
            5 => Fault::Resource(resource, Behaviour::Flapping),
            6 => Fault::Resource(resource, slow),
            _ => Fault::Resource(
                resource,
                Behaviour::Answers {
                    looks_alive: true,
                    is_alive: false,
                },
            ),
        })
    }

    fn deed(&mut self) -> Option<Deed> {
        let (groups, resources) = (self.groups.clone(), self.resources.clone());
        Some(match self.rng.below(5) {
            0 | 1 => Deed::MoveGroup(self.pick(&groups)?),
            2 => Deed::Pause(self.pick_node()?, self.rng.chance(500_000)),
            3 => Deed::Resume(self.pick_node()?),
            _ => Deed::FailResource(self.pick(&resources)?),
        })
    }

    /// One node, or some, at most all but one.
    fn some_nodes(&mut self) -> NodeSet {
        let most = u64::try_from(self.nodes.len()).unwrap_or(1).max(2) - 1;
        let count = if self.rng.chance(500_000) {
            1
        } else {
            self.rng.between(1, most)
        };
        let mut picked = NodeSet::EMPTY;
        for _ in 0..count {
            if let Some(node) = self.pick_node() {
                picked.insert(node);
            }
        }
        picked
    }

    fn pick_node(&mut self) -> Option<NodeId> {
        self.rng.pick(&self.nodes).copied()
    }

    fn pick_network(&mut self) -> Option<NetworkId> {
        self.rng.pick(&self.networks).copied()
    }

    fn pick_disk(&mut self) -> Option<DiskId> {
        self.rng.pick(&self.disks).map(|(disk, _)| *disk)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        self.rng.pick(items).copied()
    }
}
