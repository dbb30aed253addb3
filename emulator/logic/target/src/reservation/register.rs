//! REGISTER and REGISTER AND IGNORE EXISTING KEY.

use scsi::{NexusId, ReservationKey, asc};

use super::{Consequences, Held, REGISTRANTS_MAX, Refusal, Registration, Reservations};
use crate::attention::Attention;

/// A REGISTER with everything that it names resolved to nexus numbers.
#[derive(Debug, Clone)]
pub(crate) struct Registering<'a> {
    pub sender: NexusId,
    /// What the RESERVATION KEY field holds; not looked at when `ignore`.
    pub old: Option<ReservationKey>,
    pub new: Option<ReservationKey>,
    pub ignore: bool,
    pub persist: bool,
    pub all_ports: bool,
    /// The nexuses that SPEC_I_PT and ALL_TG_PT add to the sender.
    pub others: &'a [NexusId],
    /// Whether SPEC_I_PT was set.
    pub specified: bool,
}

impl Reservations {
    pub(crate) fn register(
        &mut self,
        ask: &Registering<'_>,
        consequences: &mut Consequences,
    ) -> Result<(), Refusal> {
        match self.registration(ask.sender).copied() {
            None if !ask.ignore && ask.old.is_some() => Err(Refusal::Conflict),
            None => self.register_new(ask),
            Some(own) if !ask.ignore && ask.old != Some(own.key) => Err(Refusal::Conflict),
            Some(_) if ask.specified => Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into()),
            Some(_) => self.register_again(ask, consequences),
        }
    }

    /// The sender is not registered. With no new key there is nothing to do, and nothing counts.
    fn register_new(&mut self, ask: &Registering<'_>) -> Result<(), Refusal> {
        let Some(key) = ask.new else { return Ok(()) };
        let new = |nexus: &NexusId| !self.is_registered(*nexus);
        let mut added: Vec<NexusId> = ask.others.iter().copied().filter(new).collect();
        added.push(ask.sender);
        added.sort_unstable();
        added.dedup();
        if self.registrations.len() + added.len() > REGISTRANTS_MAX {
            return Err(asc::INSUFFICIENT_REGISTRATION_RESOURCES.into());
        }
        let all_ports = ask.all_ports;
        let added = added.into_iter().map(|nexus| Registration {
            nexus,
            key,
            all_ports,
        });
        self.registrations.extend(added);
        self.registered(ask);
        Ok(())
    }

    fn register_again(
        &mut self,
        ask: &Registering<'_>,
        consequences: &mut Consequences,
    ) -> Result<(), Refusal> {
        let Some(key) = ask.new else {
            self.leave(ask.sender, consequences);
            self.registered(ask);
            return Ok(());
        };
        if ask.all_ports {
            self.add_ports(ask, key)?;
        }
        for own in self
            .registrations
            .iter_mut()
            .filter(|it| it.nexus == ask.sender)
        {
            own.key = key;
            own.all_ports |= ask.all_ports;
        }
        self.registered(ask);
        Ok(())
    }

    /// A change with ALL_TG_PT reaches the initiator port's nexuses at the other target ports too.
    fn add_ports(&mut self, ask: &Registering<'_>, key: ReservationKey) -> Result<(), Refusal> {
        let missing = ask
            .others
            .iter()
            .filter(|it| !self.is_registered(**it))
            .count();
        if self.registrations.len() + missing > REGISTRANTS_MAX {
            return Err(asc::INSUFFICIENT_REGISTRATION_RESOURCES.into());
        }
        for &nexus in ask.others {
            match self.registrations.iter_mut().find(|it| it.nexus == nexus) {
                Some(other) => (other.key, other.all_ports) = (key, true),
                None => self.registrations.push(Registration {
                    nexus,
                    key,
                    all_ports: true,
                }),
            }
        }
        Ok(())
    }

    fn registered(&mut self, ask: &Registering<'_>) {
        self.persist = ask.persist;
        self.count_generation();
    }

    /// `nexus` unregisters of its own will (fact sheet section 5, unregistering).
    fn leave(&mut self, nexus: NexusId, consequences: &mut Consequences) {
        self.unregister(nexus);
        let Some(held) = self.held else { return };
        if held.holder == Some(nexus) {
            self.held = None;
            if held.kind.admits_registrants() {
                self.tell_others(nexus, Attention::ReservationsReleased, consequences);
            }
        }
        self.drop_without_registrants();
    }

    /// Types 7 and 8 end with their last registrant.
    pub(super) fn drop_without_registrants(&mut self) {
        if self.registrations.is_empty() && matches!(self.held, Some(Held { holder: None, .. })) {
            self.held = None;
        }
    }
}
