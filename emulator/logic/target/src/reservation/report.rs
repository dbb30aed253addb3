//! What PERSISTENT RESERVE IN returns.

use scsi::ReservationKey;
use scsi::pr::{AllowCommands, Capabilities, TypeMask};

use super::{Held, Registration, Reservations};
use crate::config::PortId;
use crate::nexus::Nexuses;

impl Reservations {
    /// Appends the data of READ KEYS.
    pub(crate) fn read_keys(&self, out: &mut Vec<u8>) {
        self.header(self.registrations.len() * 8, out);
        for registration in &self.registrations {
            out.extend(registration.key.value().to_be_bytes());
        }
    }

    /// Appends the data of READ RESERVATION.
    pub(crate) fn read_reservation(&self, out: &mut Vec<u8>) {
        let Some(held) = self.held else {
            return self.header(0, out);
        };
        let holder = held.holder.and_then(|holder| self.registration(holder));
        self.header(16, out);
        out.extend(ReservationKey::wire(holder.map(|it| it.key)).to_be_bytes());
        out.extend([0, 0, 0, 0, 0, held.kind as u8, 0, 0]);
    }

    /// Appends the data of REPORT CAPABILITIES.
    pub(crate) fn report_capabilities(&self, out: &mut Vec<u8>) {
        let capabilities = Capabilities {
            replace_lost: false,
            compatible_reservation_handling: true,
            specify_initiator_ports: true,
            all_target_ports: true,
            persist_capable: true,
            persist_active: self.persist,
            allow_commands: AllowCommands::ALL_PASS,
            types: Some(TypeMask::ALL),
        };
        out.extend(capabilities.to_bytes());
    }

    /// Appends the data of READ FULL STATUS for a target with so many ports.
    pub(crate) fn read_full_status(&self, nexuses: &Nexuses, ports: usize, out: &mut Vec<u8>) {
        let start = out.len();
        self.header(0, out);
        for (at, registration) in self.registrations.iter().enumerate() {
            let whole = self.covers_all_ports(registration, nexuses, ports);
            let told_before = |it: &Registration| same_initiator(nexuses, it, registration);
            if whole && self.registrations[..at].iter().any(told_before) {
                continue;
            }
            self.descriptor(registration, whole, nexuses, out);
        }
        let length = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX);
        out[start + 4..start + 8].copy_from_slice(&length.to_be_bytes());
    }

    /// Whether one descriptor may stand for the initiator port at every target port: registered
    /// so, with one key, and all or none of them holders (SPC-4 6.14.5).
    fn covers_all_ports(&self, one: &Registration, nexuses: &Nexuses, ports: usize) -> bool {
        let like = |it: &&Registration| {
            it.all_ports
                && it.key == one.key
                && self.is_holder(it.nexus) == self.is_holder(one.nexus)
                && same_initiator(nexuses, it, one)
        };
        one.all_ports && self.registrations.iter().filter(like).count() == ports
    }

    fn descriptor(
        &self,
        registration: &Registration,
        all_ports: bool,
        nexuses: &Nexuses,
        out: &mut Vec<u8>,
    ) {
        let nexus = nexuses.get(registration.nexus);
        let holder = self.held.filter(|_| self.is_holder(registration.nexus));
        let flags = u8::from(all_ports) << 1 | u8::from(holder.is_some());
        let kind = holder.map_or(0, |held: Held| held.kind as u8);
        let port = if all_ports {
            0
        } else {
            PortId::relative(nexus.port)
        };
        let id = nexus.initiator.to_bytes();
        out.extend(registration.key.value().to_be_bytes());
        out.extend([0, 0, 0, 0, flags, kind, 0, 0, 0, 0]);
        out.extend(port.to_be_bytes());
        out.extend(u32::try_from(id.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(id);
    }

    fn header(&self, length: usize, out: &mut Vec<u8>) {
        out.extend(self.generation.to_be_bytes());
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

fn same_initiator(nexuses: &Nexuses, one: &Registration, other: &Registration) -> bool {
    nexuses.get(one.nexus).initiator == nexuses.get(other.nexus).initiator
}
