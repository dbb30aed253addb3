//! Which commands a reservation stops (fact sheet section 7).

use scsi::NexusId;

use super::Reservations;

/// A row of the conflict table. Each command of the target is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Passes everything: INQUIRY, REPORT LUNS, READ CAPACITY and the like.
    Free,
    /// Passes persistent reservations, not another nexus' RESERVE: TEST UNIT READY, and the
    /// variable commands that ALLOW COMMANDS = 4 lets pass.
    Query,
    /// Reads the medium.
    Read,
    /// Writes the medium, or changes how the unit works.
    Write,
    /// RESERVE and RELEASE of SPC-2, and PERSISTENT RESERVE: their own rules decide.
    Reservation,
}

impl Reservations {
    /// Whether a persistent reservation stops a command of `nexus`.
    pub(crate) fn stops(&self, nexus: NexusId, guard: Guard) -> bool {
        let Some(held) = self.held else { return false };
        let stops_outsiders = match guard {
            Guard::Free | Guard::Query | Guard::Reservation => false,
            Guard::Read => !held.kind.admits_readers(),
            Guard::Write => true,
        };
        stops_outsiders && !self.admits(nexus)
    }

    /// Whether the reservation lets `nexus` do everything: it holds it, or is registered and the
    /// type admits registrants.
    pub(crate) fn admits(&self, nexus: NexusId) -> bool {
        let registrants = self.held.is_some_and(|held| held.kind.admits_registrants());
        self.is_holder(nexus) || (registrants && self.is_registered(nexus))
    }
}
