//! Real nodes with something wrong between them and the world, in one place each.

use std::sync::Arc;

use base::{
    DiskId, Incarnation, NodeId, Notice, Now, QuorumState, ResourceState, StateChangeCause,
    Timestamp,
};
use bottom::txlog::{DiskOutcome, DiskRequest};
use middle::database::{Hive, Value};
use node::{Effect, Event, Node, NodeConfig, Picture};
use scsi::pr::InAction;
use scsi::{Command, Outcome};
use sim::service::Service;
use top::api::{AdminCommand, AdminReply};
use top::rcm::{EntryPoint, EntryResult, HostCommand, HostReport};

use crate::DISK_RESOURCE;

/// Nothing is wrong.
pub(crate) const NONE: u8 = 0;
/// Whatever a host is told to end runs on, and the node is told that it has ended.
pub(crate) const HOSTS_GO_ON: u8 = 1;
/// The end of the service is not carried out.
pub(crate) const NEVER_HALTS: u8 = 2;
/// Looks at a reservation show what the first look showed.
pub(crate) const OLD_RESERVATION: u8 = 3;
/// Every view has the same name.
pub(crate) const ONE_VIEW_ID: u8 = 4;
/// The own disk says that it kept what it did not.
pub(crate) const FORGETFUL_DISK: u8 = 5;
/// A failing disk says that all is well, to the node only.
pub(crate) const DISK_FAILURE_HIDDEN: u8 = 6;
/// Resources say that they went from online to offline without a step between.
pub(crate) const SKIPS_STATES: u8 = 7;
/// One vote more is counted than there is.
pub(crate) const COUNTS_TOO_MANY: u8 = 8;
/// Node 2 says that it delivered nothing in the view that ended.
pub(crate) const DELIVERS_LESS: u8 = 9;
/// Causal multicasts say that they depend on what comes after them.
pub(crate) const EFFECT_FIRST: u8 = 10;

/// Node 3 goes on outside every quorum and says that it has one of its own.
pub(crate) const CLAIMS_QUORUM: u8 = 11;
/// Node 2 has other owners of groups after the same update.
pub(crate) const OTHER_OWNERS: u8 = 12;
/// Node 2 has another database under the same tag.
pub(crate) const OTHER_CONTENT: u8 = 13;
/// The witness is tried when two votes are missing.
pub(crate) const TRIES_TOO_EARLY: u8 = 14;
/// Whatever comes last in a group is online as soon as anything is on its way.
pub(crate) const STARTS_TOO_EARLY: u8 = 15;
/// The end of a host fails what another one runs.
pub(crate) const FAILS_OTHERS: u8 = 16;
/// A pause is acknowledged and not carried out.
pub(crate) const EMPTY_PROMISE: u8 = 17;
/// A node's first datagram is sent thirty thousand times.
pub(crate) const TALKS_TOO_MUCH: u8 = 18;

/// A node that is registered beside the coordinator of a shared volume marks the volume as well.
pub(crate) const WRITES_FILE_SYSTEM: u8 = 19;

/// Where the volume of a disk with blocks of 512 bytes begins.
const BOOT_LBA: u64 = 2_048;

/// How often the first datagram is sent by a node that talks too much.
const REPEATS: usize = 30_000;

/// A node with something wrong between it and the world.
#[derive(Debug)]
pub(crate) struct Cheated<const WHAT: u8> {
    node: Node,
    now: Now,
    effects: Vec<Effect>,
    /// The looks under way, and what the first one showed.
    looks: Vec<(base::IoId, DiskId)>,
    shown: Vec<(DiskId, Outcome)>,
    talked: bool,
}

impl<const WHAT: u8> Cheated<WHAT> {
    fn take(&mut self) {
        let mut effects: Vec<Effect> = self.node.effects().collect();
        while !effects.is_empty() {
            for effect in std::mem::take(&mut effects) {
                if let Some(effect) = self.cheat(effect) {
                    self.effects.push(effect);
                }
            }
            effects.extend(self.node.effects());
        }
    }

    /// What becomes of an effect; none when it is swallowed.
    fn cheat(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Host { host, command } if WHAT == HOSTS_GO_ON => {
                let report = match &command {
                    HostCommand::Call {
                        call,
                        resource,
                        entry: EntryPoint::Offline | EntryPoint::Terminate | EntryPoint::Close,
                    } => HostReport::Returned {
                        call: *call,
                        resource: *resource,
                        result: EntryResult::Success,
                    },
                    _ => return Some(Effect::Host { host, command }),
                };
                self.node.handle(self.now, Event::Host { host, report });
                None
            }
            Effect::Halt(_) if WHAT == NEVER_HALTS || self.claims_quorum() => None,
            Effect::Send { network, to, frame } if WHAT == TALKS_TOO_MUCH && !self.talked => {
                self.talked = true;
                let again = Effect::Send { network, to, frame };
                self.effects.extend(std::iter::repeat_n(again, REPEATS));
                None
            }
            Effect::Notice(Notice::HostExited { host }) if WHAT == FAILS_OTHERS => {
                let exited = Notice::HostExited { host };
                self.effects.push(Effect::Notice(exited));
                Some(Effect::Notice(Notice::ResourceState {
                    resource: DISK_RESOURCE,
                    from: ResourceState::Online,
                    to: ResourceState::Failed,
                    cause: StateChangeCause::Failover,
                }))
            }
            Effect::Disk { io, request } if WHAT == FORGETFUL_DISK => {
                if matches!(request, DiskRequest::Read { .. }) {
                    return Some(Effect::Disk { io, request });
                }
                let outcome = DiskOutcome::Done;
                self.node.handle(self.now, Event::Disk { io, outcome });
                None
            }
            Effect::Scsi { io, disk, command } => {
                let command = self.command(io, disk, command);
                Some(Effect::Scsi { io, disk, command })
            }
            Effect::Notice(Notice::ViewClosed { view, next, .. })
                if WHAT == DELIVERS_LESS && self.is_second() =>
            {
                let delivered = Default::default();
                let notice = Notice::ViewClosed {
                    view,
                    next,
                    delivered,
                };
                Some(Effect::Notice(notice))
            }
            Effect::Notice(notice) => Some(Effect::Notice(lie::<WHAT>(notice))),
            other => Some(other),
        }
    }

    /// What is sent to a disk instead of a command.
    fn command(&mut self, io: base::IoId, disk: DiskId, command: Command) -> Command {
        let keys = Command::PersistentReserveIn(InAction::ReadKeys);
        let look = Command::PersistentReserveIn(InAction::ReadReservation);
        if WHAT == OLD_RESERVATION && command == look {
            self.looks.push((io, disk));
        }
        // The look of a node at its registration becomes a write to the boot sector.
        let beside = !self.node.picture().disks.contains(&disk);
        if WHAT == WRITES_FILE_SYSTEM && command == keys && beside {
            return Command::Write {
                lba: BOOT_LBA,
                blocks: 1,
                data: vec![0; 512],
                fua: true,
            };
        }
        command
    }

    fn is_second(&self) -> bool {
        Some(self.node.picture().node) == NodeId::new(2)
    }

    fn claims_quorum(&self) -> bool {
        WHAT == CLAIMS_QUORUM && Some(self.node.picture().node) == NodeId::new(3)
    }

    /// What the node shows, and is not so.
    fn painted(&self, mut picture: Picture) -> Picture {
        match WHAT {
            CLAIMS_QUORUM if self.claims_quorum() && picture.view.is_some() => {
                picture.quorum = QuorumState::Held;
                picture.ready = true;
            }
            OTHER_OWNERS if self.is_second() => picture.groups.clear(),
            OTHER_CONTENT if self.is_second() => {
                let mut hive = Hive::default();
                hive.set("", "ClusterName", Value::Text("another".into()));
                picture.hive = Arc::new(hive);
            }
            STARTS_TOO_EARLY => {
                let begun = |state: &ResourceState| *state == ResourceState::OnlinePending;
                if picture.running.values().any(begun)
                    && let Some(mut last) = picture.running.last_entry()
                {
                    last.insert(ResourceState::Online);
                }
            }
            _ => {}
        }
        picture
    }

    /// A holder is shown what it saw when it became one.
    fn old_reservation(&mut self, io: base::IoId, outcome: Outcome) -> Outcome {
        let Some(place) = self.looks.iter().position(|(it, _)| *it == io) else {
            return outcome;
        };
        let (_, disk) = self.looks.swap_remove(place);
        if !self.node.picture().disks.contains(&disk) {
            return outcome;
        }
        match self.shown.iter().find(|(it, _)| *it == disk) {
            Some((_, shown)) => shown.clone(),
            None => {
                self.shown.push((disk, outcome.clone()));
                outcome
            }
        }
    }
}

fn lie<const WHAT: u8>(notice: Notice) -> Notice {
    match notice {
        Notice::ViewInstalled { mut view, members } if WHAT == ONE_VIEW_ID => {
            view.epoch = 1;
            view.incarnation = Incarnation(1);
            view.coordinator = NodeId::new(1).unwrap_or(view.coordinator);
            Notice::ViewInstalled { view, members }
        }
        Notice::ResourceState {
            resource,
            to: ResourceState::OfflinePending,
            cause,
            ..
        } if WHAT == SKIPS_STATES => Notice::ResourceState {
            resource,
            from: ResourceState::Online,
            to: ResourceState::Offline,
            cause,
        },
        Notice::CausallyDelivered {
            view,
            from,
            sequence,
            mut after,
        } if WHAT == EFFECT_FIRST => {
            after.values_mut().for_each(|count| *count += 1_000);
            Notice::CausallyDelivered {
                view,
                from,
                sequence,
                after,
            }
        }
        Notice::WitnessNeeded { have, needed } if WHAT == TRIES_TOO_EARLY => {
            Notice::WitnessNeeded {
                have: have.saturating_sub(1),
                needed,
            }
        }
        Notice::QuorumCounted {
            have,
            needed,
            total,
            held,
        } if WHAT == COUNTS_TOO_MANY => Notice::QuorumCounted {
            have: have + total,
            needed,
            total,
            held,
        },
        other => other,
    }
}

impl<const WHAT: u8> Service for Cheated<WHAT> {
    fn boot(config: NodeConfig, incarnation: Incarnation, entropy: [u8; 32], now: Now) -> Self {
        Self {
            node: Node::boot(config, incarnation, entropy, now),
            now,
            effects: Vec::new(),
            looks: Vec::new(),
            shown: Vec::new(),
            talked: false,
        }
    }

    fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        if let Event::Admin {
            request,
            command: AdminCommand::PauseNode { .. },
        } = event
            && WHAT == EMPTY_PROMISE
        {
            let reply = AdminReply::Done;
            self.effects.push(Effect::Reply { request, reply });
            return;
        }
        let event = match event {
            Event::Scsi { io, outcome } => Event::Scsi {
                io,
                outcome: self.old_reservation(io, outcome),
            },
            Event::Disk {
                io,
                outcome: DiskOutcome::Failed,
            } if WHAT == DISK_FAILURE_HIDDEN => Event::Disk {
                io,
                outcome: DiskOutcome::Done,
            },
            other => other,
        };
        self.node.handle(now, event);
    }

    fn advance(&mut self, now: Now) {
        self.now = now;
        self.node.advance(now);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.node.deadline()
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.take();
        effects.append(&mut self.effects);
    }

    fn picture(&self) -> Picture {
        self.painted(self.node.picture())
    }
}
