//! The cluster disk driver: reserve, defend, challenge, release (reference section 5.2, fact sheet
//! section 12; seed 000, ClusDisk under Physical Disk).
//!
//! Duty: hold the persistent reservation (write exclusive, registrants only) of the disks that rcm
//! asks for. The owner looks at its reservation every DiskArbInterval and takes foreign
//! registrations out; a challenger registers, leaves the owner time to do so, and preempts only if
//! its registration is still there. How long it waits is unsourced and therefore a setting.
//! In 2003 the reservation is that of SPC-2, and a challenger resets the unit (reference 5.1).
//! Under a cluster shared volume the other members are registered beside the owner, see `shared`.
//!
//! Publishes a [`DiskFact`] per disk; `healthy` is the flag that LooksAlive reads. Deliberately not
//! done here: deciding who should own a disk (rcm), what the blocks of a volume
//! mean (package `volume`), target and bus resets where a unit refuses its own.

mod defend;
mod disk;
mod messages;
mod reserve;
mod shared;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskFence, DiskId, Incarnation, IoId, Manager, NodeId, Outbox, Timestamp};
use scsi::ReservationKey;

pub use messages::{DiskFact, DiskReport, Input, Output, Report, Request};

use crate::Context;
use disk::{Disk, Order};

/// Bytes of a page, the unit in which others read and write a disk: blocks of 512 and of 4096 bytes
/// both fill it.
pub const PAGE_BYTES: u32 = 4096;

/// Low half of every key: marks a registration as one of a cluster's. The product's own constant
/// is unsourced; this one is ours.
const KEY_MARK: u64 = 0x4c41_4356;

/// Timing that all disks share.
#[derive(Clone, Copy, Debug)]
struct Timing {
    interval: Duration,
    challenge_wait: Duration,
    settle_wait: Duration,
    fence: DiskFence,
}

/// The driver's state.
#[derive(Debug)]
pub struct Clusdisk {
    key: ReservationKey,
    timing: Timing,
    next_io: u64,
    flights: BTreeMap<IoId, DiskId>,
    disks: BTreeMap<DiskId, Disk>,
}

impl Clusdisk {
    /// A driver for node `me` in its life `incarnation`.
    #[must_use]
    pub fn new(me: NodeId, incarnation: Incarnation) -> Self {
        Self {
            key: key_of(me, incarnation),
            timing: Timing {
                interval: Duration::from_secs(3),
                challenge_wait: Duration::from_secs(6),
                settle_wait: Duration::from_secs(3),
                fence: DiskFence::PersistentReservation,
            },
            next_io: 0,
            flights: BTreeMap::new(),
            disks: BTreeMap::new(),
        }
    }

    /// Disks whose reservation this node believes to hold.
    pub fn held(&self) -> impl Iterator<Item = DiskId> + '_ {
        self.disks
            .iter()
            .filter(|(_, disk)| disk.fact().held)
            .map(|(id, _)| *id)
    }

    /// Sends what the disk wants sent and publishes its fact when that changed.
    fn settle(&mut self, id: DiskId, before: DiskFact, out: &mut Outbox<Output>) {
        let Some(disk) = self.disks.get_mut(&id) else {
            return;
        };
        let fact = disk.fact();
        let (orders, words) = disk.take();
        if fact != before {
            out.push(Output::Publish { disk: id, fact });
        }
        for order in orders {
            self.next_io += 1;
            let io = IoId(self.next_io);
            self.flights.insert(io, id);
            out.push(match order {
                Order::Command(command) => Output::Scsi {
                    io,
                    disk: id,
                    command,
                },
                Order::Reset => Output::Reset { io, disk: id },
            });
        }
        for word in words {
            out.push(word);
        }
    }

    fn with_disk(&mut self, id: DiskId, out: &mut Outbox<Output>, act: impl FnOnce(&mut Disk)) {
        let (key, timing) = (self.key, self.timing);
        let disk = self
            .disks
            .entry(id)
            .or_insert_with(|| Disk::new(id, key, timing));
        let before = disk.fact();
        disk.timing = timing;
        act(disk);
        self.settle(id, before, out);
    }
}

/// The key of a node in one of its lives: unique per node, and a node recognises what an earlier
/// life of its own left behind.
fn key_of(me: NodeId, incarnation: Incarnation) -> ReservationKey {
    let life = incarnation.0 & 0x00ff_ffff;
    let value = u64::from(me.number()) << 56 | life << 32 | KEY_MARK;
    ReservationKey::new(value).unwrap_or(ReservationKey(std::num::NonZeroU64::MIN))
}

/// The node that a key belongs to, if it is one of a cluster's.
fn node_of(key: ReservationKey) -> Option<NodeId> {
    let number = u8::try_from(key.value() >> 56).ok();
    let marked = key.value() & 0xffff_ffff == KEY_MARK;
    number.filter(|_| marked).and_then(NodeId::new)
}

/// Whether `key` belongs to node `me`, in whichever life.
fn is_own(key: ReservationKey, mine: ReservationKey) -> bool {
    key.value() >> 56 == mine.value() >> 56 && key.value() & 0xffff_ffff == KEY_MARK
}

impl Manager for Clusdisk {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        let now = cx.now.mono;
        match input {
            Input::Configure {
                interval,
                challenge_wait,
                settle_wait,
                fence,
            } => {
                self.timing = Timing {
                    interval,
                    challenge_wait,
                    settle_wait,
                    fence,
                };
            }
            Input::Request { disk, request } => {
                self.with_disk(disk, out, |disk| disk.request(request));
            }
            Input::Done { io, outcome } => {
                if let Some(id) = self.flights.remove(&io) {
                    self.with_disk(id, out, |disk| disk.done(now, outcome));
                }
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.disks.values().filter_map(Disk::deadline).min()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let now = cx.now.mono;
        let due = |disk: &Disk| disk.deadline().is_some_and(|at| at <= now);
        while let Some(id) = self
            .disks
            .iter()
            .find(|(_, disk)| due(disk))
            .map(|(id, _)| *id)
        {
            self.with_disk(id, out, |disk| disk.expire(now));
        }
    }

    fn check(&self, _cx: &Context<'_>) {
        for disk in self.disks.values() {
            disk.check();
        }
    }
}
