//! A world from a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskId, Incarnation, NetworkId, NodeSet, Rng, Timestamp};
use bottom::txlog::FileName;
use middle::settings::Witness;
use plan::{Member, Plan};
use scsi::Lun;
use target::{Array, Config, UnitConfig};
use volume::{RootReader, SharedFile, Step};

use super::machines::SETUP_TAG;
use super::seat::Seat;
use super::{Happening, World};
use crate::checkers::Jury;
use crate::clock::Clock;
use crate::disk::NodeDisk;
use crate::hosts::{Hosts, Names, Outside, Scripts};
use crate::log::Log;
use crate::net::{Networks, Router, Segment, Station, Stations};
use crate::queue::Queue;
use crate::service::Service;
use crate::share::Share;
use crate::storage::Storage;
use crate::tap::Tap;
use crate::trace::Trace;

/// How long a datagram takes on a network without faults.
const NETWORK_DELAY: Duration = Duration::from_micros(200);
/// The partition tables of disks carry this signature, and the disk's number on top.
const SIGNATURE: u32 = 0x4c41_0000;
/// Within so long of each other the machines of a lab start.
const START_STAGGER: Duration = Duration::from_millis(500);

/// Clocks that drift also start apart: up to so many nanoseconds for each part in a million, which
/// makes an hour at 50 ppm.
const OFFSET_PER_PPM: u64 = 72_000_000_000;

/// Random streams: one per concern, so that a new draw in one place leaves the others alone.
mod stream {
    pub(super) const NETWORK: u64 = 1;
    pub(super) const HOSTS: u64 = 2;
    pub(super) const TIES: u64 = 3;
    pub(super) const CLOCKS: u64 = 4;
    pub(super) const START: u64 = 5;
    pub(super) const ENTROPY: u64 = 0x100;
    pub(super) const DISK: u64 = 0x200;
}

/// What a world may differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Decides every draw.
    pub seed: u64,
    /// Entries of equal time come in a drawn order instead of that of their making.
    pub shuffle_ties: bool,
    /// Clocks run up to so many parts in a million too fast or too slow, and start apart.
    pub drift_ppm_max: u32,
    /// Remember every notice and state line, for reports; otherwise only what judging needs.
    pub keep: bool,
    /// Nodes note every health check.
    pub trace_polls: bool,
    /// Datagrams travel as bytes, signed or encrypted, where the cluster has at most eight nodes.
    pub by_bytes: bool,
    /// Remember every frame that is not a heartbeat, for cases about how nodes speak.
    pub record_frames: bool,
}

/// Up to so many nodes datagrams may travel as bytes.
const BY_BYTES_MAX: usize = 8;

impl Options {
    /// What `run` uses: clocks without drift, order of making, everything kept.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            shuffle_ties: false,
            drift_ppm_max: 0,
            keep: true,
            trace_polls: false,
            by_bytes: true,
            record_frames: false,
        }
    }
}

impl<S: Service> World<S> {
    /// Builds the world of a plan; every machine starts within the first half second.
    ///
    /// # Panics
    /// When the plan has a disk that no target can be made of; the lab file's rules exclude it.
    #[must_use]
    pub fn new(plan: Plan, options: Options) -> Self {
        let rng = |stream| Rng::new(options.seed, stream);
        let networks = networks(&plan, rng(stream::NETWORK));
        let ties = options.shuffle_ties.then(|| rng(stream::TIES));
        let mut clocks = rng(stream::CLOCKS);
        let storage = storage(&plan);
        let mut seat = |member: &Member| seat(member, &plan, options, &mut clocks);
        let mut world = Self {
            now: Timestamp::ZERO,
            queue: Queue::new(networks.count(), ties),
            seats: plan.members.iter().map(&mut seat).collect(),
            networks,
            shared_files: shared_files(&plan, &storage),
            storage,
            share: plan
                .witness_share
                .as_ref()
                .map(|share| Share::new(share.host.clone(), plan.members.len())),
            outside: Outside::with(Names::of(&plan)),
            scripts: Scripts::default(),
            hosts_rng: rng(stream::HOSTS),
            faults_made: 0,
            machine_faults: Vec::new(),
            repaired_by_restart: Vec::new(),
            asked: BTreeMap::new(),
            holders: BTreeMap::new(),
            share_holder: None,
            pictures: plan.members.iter().map(|_| None).collect(),
            touched: NodeSet::EMPTY,
            changes: 0,
            deliveries: 0,
            trace_polls: options.trace_polls,
            by_bytes: options.by_bytes && S::HAS_BYTES && plan.members.len() <= BY_BYTES_MAX,
            tap: options.record_frames.then(Tap::default),
            jury: Jury::standard(),
            review_at: Timestamp::ZERO,
            trace: Trace::new(options.keep),
            log: Log::new(options.keep),
            effects: Vec::new(),
            arrivals: Vec::new(),
            plan,
        };
        world.start_all(&mut rng(stream::START));
        world
    }

    fn start_all(&mut self, rng: &mut Rng) {
        let stagger = u64::try_from(START_STAGGER.as_micros()).unwrap_or(0);
        for seat in &mut self.seats {
            seat.powered = true;
            let at = Timestamp::ZERO + Duration::from_micros(rng.below(stagger));
            let start = Happening::Start {
                node: seat.id,
                order: seat.order,
            };
            self.queue.push(at, start);
        }
    }
}

fn networks(plan: &Plan, rng: Rng) -> Networks {
    let machines = plan.members.iter().map(|member| &member.machine);
    let machines: Vec<_> = machines.chain(&plan.others).collect();
    let on = |network: NetworkId| -> Stations {
        let attached = |(_, machine): &(u8, &&plan::Machine)| {
            machine.adapters.iter().any(|(it, _)| *it == network)
        };
        let stations = (0_u8..).zip(&machines).filter(attached);
        stations.map(|(station, _)| Station(station)).collect()
    };
    let segment = |network| Segment {
        attached: on(network),
        delay: NETWORK_DELAY,
    };
    let numbers = plan.settings.networks.keys().copied();
    Networks::routed(numbers.map(segment).collect(), routers(plan), rng)
}

/// Routers carry traffic between networks of one role.
#[must_use]
pub fn routers(plan: &Plan) -> Vec<Router> {
    let mut routers = Vec::new();
    for router in &plan.routers {
        let mut by_role: BTreeMap<u32, Vec<NetworkId>> = BTreeMap::new();
        for network in &router.joins {
            if let Some(known) = plan.settings.networks.get(network) {
                by_role
                    .entry(known.role.number())
                    .or_default()
                    .push(*network);
            }
        }
        routers.extend(by_role.into_values().map(|joins| Router {
            joins,
            link: (&router.link).into(),
        }));
    }
    routers
}

fn seat<S>(member: &Member, plan: &Plan, options: Options, clocks: &mut Rng) -> Seat<S> {
    let number = u64::from(member.id.number());
    let mut disk = NodeDisk::new(Rng::new(options.seed, stream::DISK + number));
    let image = middle::database::image(&plan.hive, SETUP_TAG);
    disk.install(FileName::Hive, image);
    let drift_max = u64::from(options.drift_ppm_max) * 1_000;
    let drift = i64::try_from(clocks.below(2 * drift_max + 1)).unwrap_or(0);
    let drift = drift - i64::try_from(drift_max).unwrap_or(0);
    Seat {
        id: member.id,
        networks: member.machine.adapters.iter().map(|it| it.0).collect(),
        unlinked: Vec::new(),
        service_restart: member.service_restart,
        powered: false,
        frozen: false,
        hung: false,
        service: None,
        incarnation: Incarnation(0),
        life: 0,
        order: 0,
        stopping: false,
        start_after_stop: false,
        start: base::StartMode::Normal,
        reboot: None,
        clock: Clock {
            offset_nanos: i64::try_from(
                clocks.below(u64::from(options.drift_ppm_max) * OFFSET_PER_PPM + 1),
            )
            .unwrap_or(0),
            drift_ppb: i32::try_from(drift).unwrap_or(0),
            jump_millis: 0,
        },
        disk,
        hosts: Hosts::new(member.id),
        entropy: Rng::new(options.seed, stream::ENTROPY + number),
        wake_at: Timestamp::NEVER,
        wake_generation: 0,
        held: Vec::new(),
        frames_held: 0,
    }
}

/// Gives a disk its partition table and an empty volume. One that is too small stays blank.
fn lay_out(array: &mut Array, plan: &Plan, disk: &plan::Disk) {
    for piece in volume_of(plan, disk) {
        array.poke(Lun(disk.lun), piece.offset, &piece.bytes);
    }
}

/// Whether a disk carries a cluster shared volume.
fn is_shared(plan: &Plan, disk: DiskId) -> bool {
    let mut resources = plan.model.resources.values();
    resources.any(|it| it.parameters.shared_disk() == Some(disk))
}

/// Where the shared file of a disk is, if it has one.
fn shared_file(storage: &Storage, disk: &plan::Disk) -> Option<SharedFile> {
    let block = u64::from(disk.block_bytes);
    let (mut reader, mut step) = RootReader::new(disk.block_bytes);
    while let Step::Read { lba, blocks } = step {
        let bytes = usize::try_from(u64::from(blocks) * block).ok()?;
        step = reader.take(&storage.peek(disk.id, lba * block, bytes)?);
    }
    match step {
        Step::Listed(root) => SharedFile::find(&root, disk.block_bytes),
        Step::Read { .. } | Step::Damaged(_) => None,
    }
}

/// The shared files of all cluster shared volumes, with the length of a block of their disks.
fn shared_files(plan: &Plan, storage: &Storage) -> BTreeMap<DiskId, (SharedFile, u32)> {
    let disks = plan.disks.iter().filter(|disk| is_shared(plan, disk.id));
    let file = |disk: &plan::Disk| {
        let file = shared_file(storage, disk)?;
        Some((disk.id, (file, disk.block_bytes)))
    };
    disks.filter_map(file).collect()
}

/// What setup writes to a disk: its partition table and an empty volume. Nothing for one that is
/// too small.
#[must_use]
pub fn volume_of(plan: &Plan, disk: &plan::Disk) -> Vec<volume::Piece> {
    let unit = volume::Disk {
        blocks: disk.blocks,
        block_bytes: disk.block_bytes,
        signature: SIGNATURE + u32::from(disk.id.0),
    };
    let reserve = if plan.settings.witness == Witness::Disk(disk.id) {
        volume::Reserve::Copy
    } else if is_shared(plan, disk.id) {
        volume::Reserve::SharedFile
    } else {
        volume::Reserve::Nothing
    };
    let name = plan.names.disks.get(usize::from(disk.id.0));
    let label = name.map_or("", |name| name.lun.as_str());
    volume::format(unit, label, reserve).unwrap_or_default()
}

fn storage(plan: &Plan) -> Storage {
    let mut storage = Storage::default();
    for (place, shelf) in plan.arrays.iter().enumerate() {
        let here = || plan.disks.iter().filter(move |disk| disk.array == place);
        let unit = |disk: &plan::Disk| UnitConfig {
            lun: Lun(disk.lun),
            blocks: disk.blocks,
            block_bytes: disk.block_bytes,
            physical_exponent: disk.physical_exponent,
            ..UnitConfig::disk(Lun(disk.lun), disk.blocks, format!("{place}-{}", disk.lun))
        };
        let config = Config {
            name: format!("iqn.2026-01.example.looksalive:{}", shelf.name),
            port_groups: vec![1],
            units: here().map(unit).collect(),
        };
        let mut array = Array::new(config).expect("the lab file's rules keep disks possible");
        here().for_each(|disk| lay_out(&mut array, plan, disk));
        let disks: Vec<(DiskId, Lun)> = here().map(|disk| (disk.id, Lun(disk.lun))).collect();
        storage.add_array(array, shelf.portals.clone(), disks);
        if !shelf.reservations {
            storage.refuse_reservations();
        }
    }
    storage
}
