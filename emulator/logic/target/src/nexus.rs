//! Who has talked to the target: the numbered table of I_T nexuses (fact sheet sections 1 and 11).
//!
//! A nexus is an initiator port at a target port, whatever session or connection it uses, so an
//! initiator port that comes back gets its old number, and with it its registrations.

use scsi::{InitiatorPort, NexusId, TransportId};

use crate::config::PortId;

/// How many nexuses the target remembers, attached or registered.
pub const NEXUSES_MAX: usize = 4096;

/// One initiator port at one target port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nexus {
    /// The initiator port; the ISID is absent while only its name is known.
    pub initiator: TransportId,
    /// The target port.
    pub port: PortId,
    /// Whether a session stands now.
    pub attached: bool,
    /// Whether it has ever had a session since power on.
    pub known: bool,
    /// How many sessions it has had.
    pub sessions: u32,
}

/// All nexuses, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nexuses {
    table: Vec<Nexus>,
}

impl Nexuses {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn get(&self, id: NexusId) -> &Nexus {
        &self.table[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: NexusId) -> &mut Nexus {
        &mut self.table[id.0 as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NexusId, &Nexus)> {
        (0_u32..).map(NexusId).zip(&self.table)
    }

    /// The number of an initiator port at a port. A port that was registered by name alone
    /// belongs to the first session of that name.
    pub(crate) fn find(&self, initiator: &InitiatorPort, port: PortId) -> Option<NexusId> {
        let named = |nexus: &Nexus| nexus.port == port && nexus.initiator.name == initiator.name;
        let at = |isid| {
            self.iter()
                .find(|(_, nexus)| named(nexus) && nexus.initiator.isid == isid)
                .map(|(id, _)| id)
        };
        at(Some(initiator.isid)).or_else(|| at(None))
    }

    /// Every nexus that a TransportID stands for at a port: one, or by name alone all of it.
    pub(crate) fn matching(&self, id: &TransportId, port: PortId) -> Vec<NexusId> {
        let same = |nexus: &Nexus| {
            nexus.port == port
                && nexus.initiator.name == id.name
                && (id.isid.is_none() || nexus.initiator.isid == id.isid)
        };
        self.iter()
            .filter(|(_, nexus)| same(nexus))
            .map(|(id, _)| id)
            .collect()
    }

    /// Adds a nexus, in the place of one that is `free` when the table is full.
    pub(crate) fn add(
        &mut self,
        initiator: TransportId,
        port: PortId,
        free: impl Fn(NexusId) -> bool,
    ) -> Option<NexusId> {
        let nexus = Nexus {
            initiator,
            port,
            attached: false,
            known: false,
            sessions: 0,
        };
        if self.table.len() < NEXUSES_MAX {
            let id = NexusId(u32::try_from(self.table.len()).ok()?);
            self.table.push(nexus);
            return Some(id);
        }
        let id = self
            .iter()
            .find(|(id, old)| !old.attached && free(*id))
            .map(|(id, _)| id)?;
        let sessions = self.get(id).sessions;
        *self.get_mut(id) = Nexus { sessions, ..nexus };
        Some(id)
    }
}

impl Nexuses {
    /// The number of exactly this initiator port at this target port, new if need be.
    pub(crate) fn number(&mut self, id: &TransportId, port: PortId) -> Option<NexusId> {
        let same = |nexus: &Nexus| nexus.port == port && nexus.initiator == *id;
        let known = self.iter().find(|(_, nexus)| same(nexus)).map(|(id, _)| id);
        known.or_else(|| self.add(id.clone(), port, |_| false))
    }
}
