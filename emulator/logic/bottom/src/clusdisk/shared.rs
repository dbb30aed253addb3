//! A disk under a cluster shared volume: members register beside the owner, and the owner marks
//! the volume as in use.
//!
//! Clauses: seed 001 (cluster disk driver and CSVFS). "Write exclusive, registrants only" lets
//! every registered node write, so a member that is no owner registers and does not reserve. Who
//! is no member any more is taken out by the owner, as any foreign registration is, and can write
//! nothing from then on. Which reservation the product takes for such a disk is unsourced.

use base::{DiskFence, NodeSet, Timestamp};
use scsi::pr::{InAction, Keys, Out};
use scsi::{Command, Outcome, ReservationKey};
use volume::{Root, SharedFile, mark_in_use};

use super::disk::{Disk, Phase, Purpose, read};
use super::{PAGE_BYTES, Report, node_of};

/// What is so of a disk because it carries a cluster shared volume.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Who may be registered beside the owner.
    with: NodeSet,
    /// As the owner: the boot sector of the volume as it is to be when the volume is left.
    boot: Option<Boot>,
    /// As another member: the registration stands, as far as is known.
    registered: bool,
    /// What was last reported of the way to the disk.
    told: Option<bool>,
}

#[derive(Debug)]
struct Boot {
    lba: u64,
    clean: Vec<u8>,
}

/// Why a command is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    /// Registering beside the owner.
    Attach,
    /// Looking whether the registration stands.
    Look,
    /// Reading the boot sector of the volume that begins at this block.
    Boot(u64),
    /// Marking the volume as in use.
    Mark,
    /// Marking it as left cleanly.
    Unmark,
}

impl Disk {
    /// Whether a registration is one that an owner takes out.
    pub(super) fn is_foreign(&self, key: ReservationKey) -> bool {
        let with = self.sharing.as_ref().map(|it| it.with);
        let spared = node_of(key).is_some_and(|node| with.unwrap_or_default().contains(node));
        key != self.key && !spared
    }

    pub(super) fn share(&mut self, with: NodeSet) {
        let sharing = self.sharing.get_or_insert_default();
        if sharing.with != with {
            sharing.with = with;
            // The next look is due at once, and looks at the registrations as well.
            self.generation = None;
            if self.phase == Phase::Held {
                self.defend_at = Timestamp::ZERO;
            }
        }
    }

    /// Registers beside the owner.
    pub(super) fn attach(&mut self) {
        let possible = self.timing.fence == DiskFence::PersistentReservation;
        match self.phase {
            Phase::Idle | Phase::Attached { .. } if possible => {
                self.phase = Phase::Attaching;
                self.sharing.get_or_insert_default().told = None;
                let register = Out::register_and_ignore(Some(self.key)).persistent();
                let purpose = Purpose::Shared(Shared::Attach);
                self.send(purpose, Command::PersistentReserveOut(register));
            }
            Phase::Idle => self.report(Report::Attached { ok: false }),
            _ => {}
        }
    }

    /// The periodic look of a node that is registered beside the owner.
    pub(super) fn look_attached(&mut self, now: Timestamp) {
        let until = now + self.timing.interval;
        self.phase = Phase::Attached { until };
        if self.sharing.as_ref().is_some_and(|it| it.registered) {
            self.send(Purpose::Shared(Shared::Look), read(InAction::ReadKeys));
        } else {
            self.attach();
        }
    }

    pub(super) fn shared_done(&mut self, now: Timestamp, purpose: Shared, end: &Outcome) {
        match (purpose, end.good()) {
            (Shared::Attach, good) => self.attached(now, good.is_some()),
            (Shared::Look, Some(data)) => match Keys::parse(data) {
                Ok(keys) if keys.keys.contains(&self.key) => self.attached(now, true),
                Ok(_) => self.fenced(),
                Err(_) => self.attached(now, false),
            },
            // A way that does not answer says nothing about the registration.
            (Shared::Look, None) => self.tell_attached(now, false),
            (Shared::Boot(lba), Some(data)) => self.mark(lba, data.to_vec()),
            (Shared::Mark, Some(_)) => self.report(Report::Checked { ok: true }),
            (Shared::Boot(_) | Shared::Mark, None) => {
                self.forget_volume();
                self.unreadable();
            }
            (Shared::Unmark, _) => self.unreserve(),
        }
    }

    fn attached(&mut self, now: Timestamp, ok: bool) {
        self.sharing.get_or_insert_default().registered = ok;
        self.tell_attached(now, ok);
    }

    fn tell_attached(&mut self, now: Timestamp, ok: bool) {
        let until = now + self.timing.interval;
        self.phase = Phase::Attached { until };
        let sharing = self.sharing.get_or_insert_default();
        if sharing.told != Some(ok) {
            sharing.told = Some(ok);
            self.report(Report::Attached { ok });
        }
    }

    fn fenced(&mut self) {
        self.phase = Phase::Idle;
        let sharing = self.sharing.get_or_insert_default();
        (sharing.registered, sharing.told) = (false, None);
        self.report(Report::Fenced);
    }

    /// The root of the volume was listed. The owner of a shared volume marks it first.
    pub(super) fn listed(&mut self, root: &Root) {
        let block_bytes = self.block_bytes.unwrap_or(PAGE_BYTES);
        let marked = self.sharing.as_ref().map(|it| it.boot.is_some());
        if marked.is_some()
            && let Some(file) = SharedFile::find(root, block_bytes)
        {
            self.report(Report::SharedFile(file));
        }
        if marked == Some(false) && self.phase == Phase::Held {
            let lba = root.boot_lba;
            let command = Command::Read {
                lba,
                blocks: 1,
                block_bytes,
            };
            self.send(Purpose::Shared(Shared::Boot(lba)), command);
        } else {
            self.report(Report::Checked { ok: true });
        }
    }

    fn mark(&mut self, lba: u64, mut boot: Vec<u8>) {
        mark_in_use(&mut boot, false);
        let clean = boot.clone();
        mark_in_use(&mut boot, true);
        self.sharing.get_or_insert_default().boot = Some(Boot { lba, clean });
        self.write_boot(Shared::Mark, lba, boot);
    }

    /// Marks the volume as left cleanly, if this node has marked it as in use.
    pub(super) fn leave_cleanly(&mut self) -> bool {
        let boot = self.sharing.as_mut().and_then(|it| it.boot.take());
        match boot {
            Some(Boot { lba, clean }) => {
                self.write_boot(Shared::Unmark, lba, clean);
                true
            }
            None => false,
        }
    }

    fn write_boot(&mut self, purpose: Shared, lba: u64, data: Vec<u8>) {
        let command = Command::Write {
            lba,
            blocks: 1,
            data,
            fua: true,
        };
        self.send(Purpose::Shared(purpose), command);
    }

    /// The disk is no longer this node's, so neither is what it knows of the volume.
    pub(super) fn forget_volume(&mut self) {
        if let Some(sharing) = &mut self.sharing {
            sharing.boot = None;
            sharing.registered = false;
            sharing.told = None;
        }
    }
}
