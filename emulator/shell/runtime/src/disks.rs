//! Clustered disks: the node's own initiator, one path to each target, and what faults make of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
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
    node: NodeId,
    clock: Clock,
    inbox: mpsc::Sender<Input>,
    disks: BTreeMap<DiskId, DiskPath>,
    paths: BTreeMap<SocketAddr, Path>,
    conditions: BTreeMap<DiskId, DiskCondition>,
}

impl Disks {
    /// Opens a path to every target; they connect in the background.
    pub(crate) fn open(
        node: NodeId,
        clock: Clock,
        disks: BTreeMap<DiskId, DiskPath>,
        inbox: mpsc::Sender<Input>,
    ) -> Self {
        let mut opened = Self {
            node,
            clock,
            inbox,
            disks,
            paths: BTreeMap::new(),
            conditions: BTreeMap::new(),
        };
        opened.connect();
        opened
    }

    /// From now on these disks are like this. The session of a target that has no reachable disk
    /// left ends.
    pub(crate) fn set_conditions(&mut self, conditions: Vec<(DiskId, DiskCondition)>) {
        self.conditions = conditions.into_iter().collect();
        self.connect();
    }

    /// Begins a command, or a reset of the unit where there is none; the outcome goes to the inbox.
    pub(crate) fn submit(&self, io: IoId, disk: DiskId, command: Option<Command>) {
        let condition = self.conditions.get(&disk).copied();
        let place = self.disks.get(&disk);
        let path = place.and_then(|it| Some((self.paths.get(&it.portal)?.clone(), it.lun)));
        let inbox = self.inbox.clone();
        let deadline = self.clock.real(ANSWER_DEADLINE);
        let no_path = self.clock.real(NO_PATH_AFTER);
        tokio::spawn(async move {
            let outcome = match (condition, path) {
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
            };
            let event = Event::Scsi { io, outcome };
            let _ended = inbox.send(Input::Event(event)).await;
        });
    }

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
