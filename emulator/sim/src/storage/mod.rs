//! Shared disks: the real reservation target behind a model of the paths to it.
//!
//! A command travels to the array, is carried out by the target, and its outcome travels back; a
//! path that is gone or a unit that does not answer ends in `PathLost` after the initiator's own
//! deadline, whether or not the command was carried out. Which deadline an initiator has is
//! unsourced, so both are constants of this model and nothing asserts them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskId, NetworkId, NodeId, NodeSet};
use scsi::{Command, InitiatorPort, Isid, Lun, NexusId, Outcome, Sense, SenseKey, asc};
use target::{Array, Intrusion, PortId};

use crate::FaultId;
use crate::net::Networks;

/// One way of a command or its outcome between node and array.
pub(crate) const PATH_DELAY: Duration = Duration::from_micros(150);
/// How soon an initiator knows that it has no path.
pub(crate) const NO_PATH_AFTER: Duration = Duration::from_secs(1);
/// How long an initiator waits for an outcome.
pub(crate) const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

fn is_persistent_reserve(command: &Command) -> bool {
    matches!(
        command,
        Command::PersistentReserveIn(_) | Command::PersistentReserveOut(_)
    )
}

const NODE_NAME: &str = "iqn.2026-01.example.looksalive:node-";

/// One thing that is wrong with the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// These nodes have no path to the array, through one portal or all.
    PathDown {
        /// The array, by its place.
        array: usize,
        /// The portal, by its place; absent: all.
        portal: Option<usize>,
        /// Who has lost it.
        from: NodeSet,
    },
    /// These nodes have no path to one unit.
    UnitUnreachable(DiskId, NodeSet),
    /// The unit answers nothing.
    Silent(DiskId),
    /// The unit answers late.
    Slow(DiskId, Duration),
    /// The unit answers every command with a hardware error.
    Broken(DiskId),
}

/// An array as the world holds it.
#[derive(Debug)]
struct Shelf {
    array: Array,
    /// The network of each portal; none at all: one path that crosses no network.
    portals: Vec<NetworkId>,
    sessions: BTreeMap<NodeId, NexusId>,
    /// Knows no persistent reservations at all.
    refuses_reservations: bool,
}

/// What became of a command at the array.
#[derive(Debug)]
pub(crate) struct Executed {
    /// What the node hears.
    pub(crate) outcome: Outcome,
    /// How long after the command's arrival.
    pub(crate) after: Duration,
    /// The holder of the disk's reservation, if the command may have changed it.
    pub(crate) holder: Option<Option<NodeId>>,
}

/// All arrays of the world.
#[derive(Debug, Default)]
pub struct Storage {
    shelves: Vec<Shelf>,
    disks: BTreeMap<DiskId, (usize, Lun)>,
    rules: Vec<(FaultId, Rule)>,
}

impl Storage {
    /// Adds an array. Its disks are numbered by the caller.
    pub fn add_array(
        &mut self,
        array: Array,
        portals: Vec<NetworkId>,
        disks: impl IntoIterator<Item = (DiskId, Lun)>,
    ) {
        let place = self.shelves.len();
        self.disks
            .extend(disks.into_iter().map(|(disk, lun)| (disk, (place, lun))));
        self.shelves.push(Shelf {
            array,
            portals,
            sessions: BTreeMap::new(),
            refuses_reservations: false,
        });
    }

    /// From now on the array added last knows neither PERSISTENT RESERVE IN nor OUT.
    pub fn refuse_reservations(&mut self) {
        if let Some(shelf) = self.shelves.last_mut() {
            shelf.refuses_reservations = true;
        }
    }

    /// All disks.
    pub fn disks(&self) -> impl Iterator<Item = DiskId> + '_ {
        self.disks.keys().copied()
    }

    /// How many arrays there are.
    #[must_use]
    pub fn arrays(&self) -> usize {
        self.shelves.len()
    }

    /// Adds a rule of a fault. Sessions whose path is gone end by [`Self::drop_sessions`].
    pub fn add(&mut self, fault: FaultId, rule: Rule) {
        self.rules.push((fault, rule));
    }

    /// Takes all rules of a fault away.
    pub fn heal(&mut self, fault: FaultId) {
        self.rules.retain(|(owner, _)| *owner != fault);
    }

    /// Ends the sessions of nodes that have no path any more.
    pub fn drop_sessions(&mut self, networks: &Networks) {
        for place in 0..self.shelves.len() {
            let nodes: Vec<NodeId> = self.shelves[place].sessions.keys().copied().collect();
            for node in nodes {
                if !self.has_path(node, place, networks) {
                    self.logout(node, place);
                }
            }
        }
    }

    /// A node's power goes: its sessions end.
    pub fn lose_node(&mut self, node: NodeId) {
        (0..self.shelves.len()).for_each(|place| self.logout(node, place));
    }

    /// Whether a command of the node can get to the disk.
    #[must_use]
    pub fn reaches(&self, node: NodeId, disk: DiskId, networks: &Networks) -> bool {
        let cut = |(_, rule): &(_, Rule)| match rule {
            Rule::UnitUnreachable(unit, from) => *unit == disk && from.contains(node),
            _ => false,
        };
        let place = self.disks.get(&disk).map(|(place, _)| *place);
        place.is_some_and(|place| self.has_path(node, place, networks))
            && !self.rules.iter().any(cut)
    }

    /// Whether the unit answers commands as it should.
    #[must_use]
    pub fn is_healthy(&self, disk: DiskId) -> bool {
        !self.has_rule(Rule::Silent(disk)) && !self.has_rule(Rule::Broken(disk))
    }

    /// A command arrives at the array and is carried out; without one, a reset of the unit.
    pub(crate) fn execute(
        &mut self,
        node: NodeId,
        disk: DiskId,
        command: Option<&Command>,
    ) -> Executed {
        let lost = Executed {
            outcome: Outcome::PathLost,
            after: ANSWER_DEADLINE,
            holder: None,
        };
        let Some((place, lun)) = self.disks.get(&disk).copied() else {
            return lost;
        };
        let Some(nexus) = self.login(node, place) else {
            return lost;
        };
        if self.has_rule(Rule::Silent(disk)) {
            return lost;
        }
        let outcome = if self.has_rule(Rule::Broken(disk)) {
            Outcome::CheckCondition(Sense::new(
                SenseKey::HardwareError,
                asc::INTERNAL_TARGET_FAILURE,
            ))
        } else if self.shelves[place].refuses_reservations
            && command.is_some_and(is_persistent_reserve)
        {
            Outcome::CheckCondition(Sense::new(
                SenseKey::IllegalRequest,
                asc::INVALID_OPERATION_CODE,
            ))
        } else {
            match command {
                Some(command) => self.shelves[place].array.execute(nexus, lun, command),
                None => self.reset(place, nexus, lun),
            }
        };
        let changes = matches!(
            command,
            None | Some(Command::PersistentReserveOut(_) | Command::Reserve6 | Command::Release6)
        );
        let holder = changes.then(|| self.holder(disk));
        let after = self.latency(disk);
        if after >= ANSWER_DEADLINE {
            return Executed { holder, ..lost };
        }
        Executed {
            outcome,
            after,
            holder,
        }
    }

    fn reset(&mut self, place: usize, nexus: NexusId, lun: Lun) -> Outcome {
        let function = target::Function::LogicalUnitReset(lun);
        if self.shelves[place].array.manage(nexus, function) {
            Outcome::Good(Vec::new())
        } else {
            Outcome::PathLost
        }
    }

    /// Who holds the reservation of a disk, by the target itself.
    #[must_use]
    pub fn holder(&self, disk: DiskId) -> Option<NodeId> {
        let (place, lun) = self.disks.get(&disk)?;
        let picture = self.shelves[*place].array.picture(*lun);
        let reserved = picture.reserved_by.map(|port| port.name);
        let holder = picture.registrations.into_iter().find(|it| it.is_holder);
        reserved
            .or(holder.map(|it| it.initiator))
            .and_then(|name| node_of(&name))
    }

    /// The bytes of a disk at `offset`, without a word to anybody.
    #[must_use]
    pub fn peek(&self, disk: DiskId, offset: u64, bytes: usize) -> Option<Vec<u8>> {
        let (place, lun) = self.disks.get(&disk)?;
        self.shelves[*place].array.peek(*lun, offset, bytes)
    }

    /// A node's administrator takes the reservation away, or clears what is there, with a tool.
    pub fn intrude(&mut self, by: NodeId, disk: DiskId, what: Intrusion) {
        let Some((place, lun)) = self.disks.get(&disk).copied() else {
            return;
        };
        let tool = InitiatorPort::new(initiator_name(by), Isid([0x80, 0, 0, 0, 0, 2]));
        let array = &mut self.shelves[place].array;
        if let Some(nexus) = array.attach(&tool, PortId(0)) {
            let _outcome = array.intrude(nexus, lun, what);
        }
    }

    /// The power of an array goes and comes back at once: cached writes and reservations that
    /// were not saved are gone, and every node must log in again.
    pub fn power_cycle(&mut self, place: usize) {
        if let Some(shelf) = self.shelves.get_mut(place) {
            shelf.array.power_off(|_, _| target::Fate::Lost);
            shelf.array.power_on();
            shelf.sessions.clear();
        }
    }

    fn login(&mut self, node: NodeId, place: usize) -> Option<NexusId> {
        let shelf = self.shelves.get_mut(place)?;
        if let Some(nexus) = shelf.sessions.get(&node) {
            return Some(*nexus);
        }
        let port = InitiatorPort::new(initiator_name(node), Isid([0x80, 0, 0, 0, 0, 1]));
        let nexus = shelf.array.attach(&port, PortId(0))?;
        shelf.sessions.insert(node, nexus);
        Some(nexus)
    }

    fn logout(&mut self, node: NodeId, place: usize) {
        let shelf = &mut self.shelves[place];
        if let Some(nexus) = shelf.sessions.remove(&node) {
            shelf.array.detach(nexus);
        }
    }

    fn has_path(&self, node: NodeId, place: usize, networks: &Networks) -> bool {
        let dropped = |through: usize| {
            self.rules.iter().any(|(_, rule)| match rule {
                Rule::PathDown {
                    array,
                    portal,
                    from,
                } => {
                    *array == place
                        && from.contains(node)
                        && portal.is_none_or(|portal| portal == through)
                }
                _ => false,
            })
        };
        let portals = &self.shelves[place].portals;
        if portals.is_empty() {
            return !dropped(0);
        }
        let usable =
            |(at, on): (usize, &NetworkId)| !dropped(at) && networks.gets_to(node.into(), *on);
        portals.iter().enumerate().any(usable)
    }

    fn latency(&self, disk: DiskId) -> Duration {
        self.rules
            .iter()
            .filter_map(|(_, rule)| match rule {
                Rule::Slow(slow, latency) if *slow == disk => Some(*latency),
                _ => None,
            })
            .sum()
    }

    fn has_rule(&self, wanted: Rule) -> bool {
        self.rules.iter().any(|(_, rule)| *rule == wanted)
    }
}

fn initiator_name(node: NodeId) -> String {
    format!("{NODE_NAME}{node}")
}

fn node_of(initiator: &str) -> Option<NodeId> {
    NodeId::new(initiator.strip_prefix(NODE_NAME)?.parse().ok()?)
}
