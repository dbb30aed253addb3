//! Clustered disks: the node's own initiator, one path to each target, and what faults make of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{DiskId, IoId, NodeId};
use initiator::{Path, Patience, Settings};
use node::Event;
use scsi::iscsi::login::Identity;
use scsi::{Command, Outcome, Sense, SenseKey, asc};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::control::DiskCondition;
use crate::driver::Input;
use crate::options::{DiskPath, initiator_port};

/// How soon an initiator knows that it has no path; unsourced, as in the simulator.
const NO_PATH_AFTER: Duration = Duration::from_secs(1);
/// How long an initiator waits for an outcome; unsourced, as in the simulator.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// All clustered disks that the node knows.
#[derive(Debug)]
pub(crate) struct Disks {
    inbox: mpsc::Sender<Input>,
    ways: Ways,
}

impl Disks {
    /// Opens a path to every target; they connect in the background.
    pub(crate) fn open(
        node: NodeId,
        clock: Clock,
        disks: BTreeMap<DiskId, DiskPath>,
        inbox: mpsc::Sender<Input>,
    ) -> Self {
        let known = Known {
            node,
            clock,
            disks,
            paths: BTreeMap::new(),
            conditions: BTreeMap::new(),
        };
        let ways = Ways(Arc::new(Mutex::new(known)));
        ways.known().connect();
        Self { inbox, ways }
    }

    /// The ways to the disks, for whoever reads and writes what is on them.
    pub(crate) fn ways(&self) -> Ways {
        self.ways.clone()
    }

    /// From now on these disks are like this. The session of a target that has no reachable disk
    /// left ends.
    pub(crate) fn set_conditions(&mut self, conditions: Vec<(DiskId, DiskCondition)>) {
        let mut known = self.ways.known();
        known.conditions = conditions.into_iter().collect();
        known.connect();
    }

    /// Begins a command, or a reset of the unit where there is none; the outcome goes to the inbox.
    pub(crate) fn submit(&self, io: IoId, disk: DiskId, command: Option<Command>) {
        let outcome = self.ways.execute(disk, command);
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let outcome = outcome.await;
            let event = Event::Scsi { io, outcome };
            let _ended = inbox.send(Input::Event(event)).await;
        });
    }
}

/// The ways to the clustered disks, and what faults make of them at the moment.
#[derive(Clone, Debug)]
pub(crate) struct Ways(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    node: NodeId,
    clock: Clock,
    disks: BTreeMap<DiskId, DiskPath>,
    paths: BTreeMap<SocketAddr, Path>,
    conditions: BTreeMap<DiskId, DiskCondition>,
}

impl Ways {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a command, or a reset of the unit where there is none; its outcome.
    pub(crate) fn execute(
        &self,
        disk: DiskId,
        command: Option<Command>,
    ) -> impl Future<Output = Outcome> + Send + 'static {
        let (condition, path, clock) = {
            let known = self.known();
            let place = known.disks.get(&disk);
            let path = place.and_then(|it| Some((known.paths.get(&it.portal)?.clone(), it.lun)));
            (known.conditions.get(&disk).copied(), path, known.clock)
        };
        let deadline = clock.real(ANSWER_DEADLINE);
        let no_path = clock.real(NO_PATH_AFTER);
        async move {
            match (condition, path) {
                (Some(DiskCondition::Silent), _) => lost_after(deadline).await,
                (Some(DiskCondition::Broken), Some(_)) => Outcome::CheckCondition(Sense::new(
                    SenseKey::HardwareError,
                    asc::INTERNAL_TARGET_FAILURE,
                )),
                (Some(DiskCondition::Unreachable), _) | (_, None) => lost_after(no_path).await,
                (None, Some((path, lun))) => match command {
                    Some(command) => path.execute_within(lun, command, deadline).await,
                    None if path.reset(lun).await => Outcome::Good(Vec::new()),
                    None => Outcome::PathLost,
                },
            }
        }
    }
}

impl Known {
    /// Paths to all targets that have a disk with a way to it, and to no others.
    fn connect(&mut self) {
        let conditions = &self.conditions;
        let usable = |(disk, _): &(&DiskId, &DiskPath)| {
            conditions.get(disk) != Some(&DiskCondition::Unreachable)
        };
        let wanted: BTreeMap<SocketAddr, &str> = self
            .disks
            .iter()
            .filter(usable)
            .map(|(_, path)| (path.portal, path.target.as_str()))
            .collect();
        self.paths.retain(|portal, _| wanted.contains_key(portal));
        for (portal, target) in wanted {
            let node = self.node;
            let open = || Path::open(settings(node, portal, target));
            self.paths.entry(portal).or_insert_with(open);
        }
    }
}

async fn lost_after(time: Duration) -> Outcome {
    tokio::time::sleep(time).await;
    Outcome::PathLost
}

fn settings(node: NodeId, portal: SocketAddr, target: &str) -> Settings {
    Settings {
        portals: vec![portal],
        identity: Identity {
            initiator: initiator_port(node),
            target_name: Some(target.to_owned()),
            credentials: None,
            expected_of_target: None,
            parameters: Default::default(),
        },
        patience: Patience {
            command: ANSWER_DEADLINE,
            ..Patience::default()
        },
    }
}
