//! REGISTER AND MOVE: handing the reservation to another nexus.

use scsi::{NexusId, ReservationKey, asc};

use super::{Held, REGISTRANTS_MAX, Refusal, Registration, Reservations};

impl Reservations {
    /// Whether `sender` may move the reservation at all: looked at before the destination is.
    pub(crate) fn may_move(
        &self,
        sender: NexusId,
        key: Option<ReservationKey>,
    ) -> Result<(), Refusal> {
        self.own_key(sender, key)?;
        match self.held {
            Some(Held {
                holder: Some(holder),
                ..
            }) if holder == sender => Ok(()),
            _ => Err(Refusal::Conflict),
        }
    }

    /// Moves the reservation from `sender` to `destination`, after [`Self::may_move`].
    pub(crate) fn register_and_move(
        &mut self,
        sender: NexusId,
        destination: NexusId,
        key: Option<ReservationKey>,
        (unregister, persist): (bool, bool),
    ) -> Result<(), Refusal> {
        let Some(key) = key.filter(|_| destination != sender) else {
            return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
        };
        let full = self.registrations.len() >= REGISTRANTS_MAX;
        match self
            .registrations
            .iter_mut()
            .find(|it| it.nexus == destination)
        {
            Some(registration) => registration.key = key,
            None if full => {
                return Err(asc::INSUFFICIENT_REGISTRATION_RESOURCES.into());
            }
            None => {
                let new = Registration {
                    nexus: destination,
                    key,
                    all_ports: false,
                };
                self.registrations.push(new);
            }
        }
        self.held = self.held.map(|held| Held {
            holder: Some(destination),
            ..held
        });
        if unregister {
            self.unregister(sender);
        }
        self.persist = persist;
        self.count_generation();
        Ok(())
    }
}
