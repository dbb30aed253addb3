//! A whole disk array for the simulator: a target over sparse memory, with what survives it.
//!
//! Obligations are fulfilled at once, so a command is one call from [`Command`] to [`Outcome`].
//! Time is the caller's: a slow path delays the call or its outcome, a lost path makes neither.

use std::collections::BTreeMap;

use scsi::{
    Command, InitiatorPort, Lun, NexusId, Outcome, ReservationKey, ReservationType, Status,
};

use crate::config::{Config, ConfigError, PortId};
use crate::fault::Fault;
use crate::outsider::Intrusion;
use crate::response::{Obligation, Response};
use crate::store::{Fate, MemoryStore, Store, Unsynced};
use crate::target::{Request, Target};
use crate::task::Function;

/// A disk array: a target, its media, and the store for reservations that survive power loss.
#[derive(Debug, Clone)]
pub struct Array {
    target: Target<MemoryStore>,
    config: Config,
    saved: BTreeMap<Lun, Vec<u8>>,
    powered: bool,
}

/// Who is registered with and holds a unit, for checkers and reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// PRGENERATION.
    pub generation: u32,
    /// The reservation's type, if there is one.
    pub kind: Option<ReservationType>,
    /// Every registration, in order.
    pub registrations: Vec<Holding>,
    /// Who holds the unit by RESERVE of SPC-2.
    pub reserved_by: Option<InitiatorPort>,
}

/// One registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The nexus, as [`Array::attach`] numbered it.
    pub nexus: NexusId,
    /// The initiator's iSCSI name.
    pub initiator: String,
    /// Its key.
    pub key: ReservationKey,
    /// Whether it holds the reservation.
    pub is_holder: bool,
}

impl Array {
    /// An array just switched on, with empty disks.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let stores = config
            .units
            .iter()
            .map(|_| MemoryStore::default())
            .collect();
        let target = Target::new(config.clone(), stores)?;
        Ok(Self {
            target,
            config,
            saved: BTreeMap::new(),
            powered: true,
        })
    }

    /// A session of `initiator` starts at `port`; `None` while the power is off or when there is
    /// no such port. The first command then meets a unit attention, as with every target.
    pub fn attach(&mut self, initiator: &InitiatorPort, port: PortId) -> Option<NexusId> {
        if self.powered {
            self.target.attach(initiator, port)
        } else {
            None
        }
    }

    /// The nexus of `initiator` at `port` while its session stands.
    pub fn session(&self, initiator: &InitiatorPort, port: PortId) -> Option<NexusId> {
        self.target.session(initiator, port)
    }

    /// The session is gone: node power-off, logout or connection loss. Registrations stay.
    pub fn detach(&mut self, nexus: NexusId) {
        if self.target.is_attached(nexus) {
            self.target.detach(nexus);
        }
    }

    /// Carries out a command. A nexus without a session gets [`Outcome::PathLost`].
    pub fn execute(&mut self, nexus: NexusId, lun: Lun, command: &Command) -> Outcome {
        self.send(nexus, lun, command.cdb().as_bytes(), &command.data_out())
    }

    /// Carries out a command given as bytes.
    pub fn send(&mut self, nexus: NexusId, lun: Lun, cdb: &[u8], data_out: &[u8]) -> Outcome {
        if !self.powered || !self.target.is_attached(nexus) {
            return Outcome::PathLost;
        }
        let offered = data_out.len() as u64;
        let request = Request {
            nexus,
            lun: Some(lun),
            cdb,
            data_out,
            offered,
        };
        let mut data_in = Vec::new();
        let mut response = self.target.execute(request, &mut data_in);
        response = self.fulfil(response);
        debug_assert!(response.status == Status::Good || data_in.is_empty());
        response.outcome(data_in)
    }

    /// Does at once what a response promises.
    fn fulfil(&mut self, mut response: Response) -> Response {
        match std::mem::take(&mut response.obligation) {
            Obligation::None => {}
            Obligation::Sanitize(lun) => {
                while self.target.sanitize_slice() {}
                response = self.target.sanitized(lun).unwrap_or(response);
            }
            Obligation::Sync(lun) => {
                self.target
                    .store_mut(lun)
                    .into_iter()
                    .for_each(MemoryStore::sync);
            }
            Obligation::Save(lun, _) if self.target.save_is_broken(lun) => {
                response = self.target.save_failed(lun);
            }
            Obligation::Save(lun, record) => {
                self.saved.insert(lun, record);
            }
        }
        response
    }

    /// Carries out a task management function. `false`: no such task or unit, or no power.
    pub fn manage(&mut self, nexus: NexusId, function: Function) -> bool {
        self.powered && self.target.is_attached(nexus) && self.target.manage(nexus, function)
    }

    /// The power goes. For every write that no sync covered, `fate` says what became of it.
    pub fn power_off(&mut self, mut fate: impl FnMut(Lun, &Unsynced) -> Fate) {
        for lun in self.target.luns() {
            if let Some(store) = self.target.store_mut(lun) {
                store.power_loss(|write| fate(lun, write));
            }
        }
        self.powered = false;
    }

    /// The power is back: data is as the fate of each write left it, reservations are those that
    /// were saved, and every nexus must attach again. Faults of units are healed.
    pub fn power_on(&mut self) {
        let stores = self.target.take_stores();
        let target = Target::new(self.config.clone(), stores);
        self.target = target.expect("the configuration was good before");
        for (lun, record) in &self.saved {
            // A record that this array wrote itself reads back; a bad one fails its unit closed.
            let _restored = self.target.restore(*lun, record);
        }
        self.powered = true;
    }

    /// The controller restarts without power loss: sessions end, data and cache stay, and so do
    /// the reservations.
    pub fn restart(&mut self) {
        self.target.restart();
    }

    /// Whether the power is on.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// Breaks something.
    pub fn fault(&mut self, fault: Fault) {
        self.target.fault(fault);
    }

    /// Undoes every fault of a unit.
    pub fn heal(&mut self, lun: Lun) {
        self.target.heal(lun);
    }

    /// Who is registered with and holds a unit; empty for a unit that does not exist.
    pub fn picture(&self, lun: Lun) -> Picture {
        self.target.picture(lun)
    }

    /// The bytes at `offset` of a unit as its initiators would read them; nothing is said or
    /// changed. `None` for a unit that does not exist.
    pub fn peek(&self, lun: Lun, offset: u64, bytes: usize) -> Option<Vec<u8>> {
        let mut read = vec![0; bytes];
        self.target.store(lun)?.peek(offset, &mut read);
        Some(read)
    }

    /// Puts bytes on the medium, durably and without a word to anybody: what was on a unit before
    /// the lab began. False for a unit that does not exist, or bytes beyond its end.
    pub fn poke(&mut self, lun: Lun, offset: u64, bytes: &[u8]) -> bool {
        let Some(store) = self.target.store_mut(lun) else {
            return false;
        };
        let written = store.write(offset, bytes).is_ok();
        store.sync();
        written
    }

    /// An outsider, whose session stands, does its worst.
    pub fn intrude(&mut self, outsider: NexusId, lun: Lun, what: Intrusion) -> Outcome {
        if !self.powered || !self.target.is_attached(outsider) {
            return Outcome::PathLost;
        }
        let response = self.target.intrude(outsider, lun, what);
        self.fulfil(response).outcome(Vec::new())
    }
}

impl Target<MemoryStore> {
    /// The media alone, as they outlive the machine around them.
    fn take_stores(&mut self) -> Vec<MemoryStore> {
        let luns: Vec<Lun> = self.config.units.iter().map(|unit| unit.lun).collect();
        luns.into_iter()
            .filter_map(|lun| self.store_mut(lun).map(std::mem::take))
            .collect()
    }
}
