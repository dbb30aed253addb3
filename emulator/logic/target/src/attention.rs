//! Unit attentions waiting for one nexus at one unit (fact sheet section 8).

use scsi::{Additional, asc};

/// Something that happened to a unit and that a nexus has to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attention {
    /// The target was switched on, or this nexus is new to it: 29/00.
    PowerOnOrReset,
    /// The unit was reset: 29/03.
    DeviceReset,
    /// The target was reset: 29/02.
    TargetReset,
    /// The nexus was lost and has come back: 29/07.
    NexusLoss,
    /// Another nexus cleared reservation and registrations: 2A/03.
    ReservationsPreempted,
    /// The reservation is gone or changed, the registration is not: 2A/04.
    ReservationsReleased,
    /// The registration was removed by another nexus: 2A/05.
    RegistrationsPreempted,
    /// Another nexus changed a mode page: 2A/01.
    ModeParametersChanged,
    /// A path's state changed: 2A/06.
    AsymmetricAccessChanged,
    /// Another nexus cleared the commands of this one: 2F/00.
    CommandsCleared,
    /// A medium was put in: 28/00.
    MediumChanged,
}

impl Attention {
    /// What the sense data says.
    pub const fn additional(self) -> Additional {
        match self {
            Self::PowerOnOrReset => asc::POWER_ON_OR_RESET,
            Self::DeviceReset => asc::DEVICE_RESET,
            Self::TargetReset => asc::BUS_RESET,
            Self::NexusLoss => asc::NEXUS_LOSS,
            Self::ReservationsPreempted => asc::RESERVATIONS_PREEMPTED,
            Self::ReservationsReleased => asc::RESERVATIONS_RELEASED,
            Self::RegistrationsPreempted => asc::REGISTRATIONS_PREEMPTED,
            Self::ModeParametersChanged => asc::MODE_PARAMETERS_CHANGED,
            Self::AsymmetricAccessChanged => asc::ASYMMETRIC_ACCESS_CHANGED,
            Self::CommandsCleared => asc::COMMANDS_CLEARED,
            Self::MediumChanged => asc::MEDIUM_MAY_HAVE_CHANGED,
        }
    }
}

/// One entry of each kind at most, so the queue cannot grow.
const KINDS: usize = 11;

/// What waits for one nexus at one unit, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attentions {
    queue: [Attention; KINDS],
    length: u8,
    /// Fault: so many more commands are answered with a unit attention.
    storm: u16,
}

impl Default for Attentions {
    fn default() -> Self {
        Self {
            queue: [Attention::PowerOnOrReset; KINDS],
            length: 0,
            storm: 0,
        }
    }
}

impl Attentions {
    /// Queues `attention` unless one of its kind waits already.
    pub(crate) fn push(&mut self, attention: Attention) {
        let length = usize::from(self.length);
        if !self.queue[..length].contains(&attention) {
            self.queue[length] = attention;
            self.length += 1;
        }
    }

    /// Forgets everything: what follows is a reset that says more.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
        self.storm = 0;
    }

    /// The next `commands` are answered with a unit attention although nothing happened.
    pub(crate) fn storm(&mut self, commands: u16) {
        self.storm = commands;
    }

    /// Takes the oldest.
    pub(crate) fn take(&mut self) -> Option<Attention> {
        if self.length == 0 {
            return self.take_storm();
        }
        let first = self.queue[0];
        self.queue.copy_within(1.., 0);
        self.length -= 1;
        Some(first)
    }

    fn take_storm(&mut self) -> Option<Attention> {
        self.storm = self.storm.checked_sub(1)?;
        Some(Attention::PowerOnOrReset)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0 && self.storm == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_comes_first_and_one_of_a_kind_is_enough() {
        let mut waiting = Attentions::default();
        waiting.push(Attention::RegistrationsPreempted);
        waiting.push(Attention::NexusLoss);
        waiting.push(Attention::RegistrationsPreempted);
        assert_eq!(waiting.take(), Some(Attention::RegistrationsPreempted));
        assert_eq!(waiting.take(), Some(Attention::NexusLoss));
        assert_eq!(waiting.take(), None);
    }

    #[test]
    fn a_storm_ends_after_so_many_commands() {
        let mut waiting = Attentions::default();
        waiting.storm(2);
        assert_eq!(
            [waiting.take().is_some(), waiting.take().is_some()],
            [true, true]
        );
        assert!(waiting.is_empty() && waiting.take().is_none());
    }
}
