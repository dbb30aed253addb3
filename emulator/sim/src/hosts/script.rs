//! What resources do instead of behaving: the faults of hosts.

use std::time::Duration;

use base::ResourceId;

use crate::FaultId;

/// What a resource does instead of behaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Every entry point takes so much longer.
    Slow(Duration),
    /// No entry point returns until the script is gone.
    Hung,
    /// Online fails with this error.
    Refusing(u32),
    /// The process that runs it ends when it comes online.
    Crashing,
    /// Checks answer yes and no by turns.
    Flapping,
    /// The checks answer this, whatever is true. `Answers { looks_alive: true, is_alive: false }`
    /// is the lying resource, with both `false` it is broken.
    Answers {
        /// Answer of the quick check.
        looks_alive: bool,
        /// Answer of the thorough check.
        is_alive: bool,
    },
}

/// Scripts by the fault that made them.
#[derive(Debug, Default)]
pub struct Scripts {
    scripts: Vec<(FaultId, ResourceId, Behaviour)>,
}

impl Behaviour {
    /// Both checks say no, whoever runs it and however often it is started again.
    pub const BROKEN: Self = Self::Answers {
        looks_alive: false,
        is_alive: false,
    };
}

impl Scripts {
    /// Adds a script.
    pub fn add(&mut self, fault: FaultId, resource: ResourceId, behaviour: Behaviour) {
        self.scripts.push((fault, resource, behaviour));
    }

    /// Takes the scripts of a fault away.
    pub fn heal(&mut self, fault: FaultId) {
        self.scripts.retain(|(owner, _, _)| *owner != fault);
    }

    pub(super) fn has(&self, resource: ResourceId, behaviour: Behaviour) -> bool {
        self.scripts
            .iter()
            .any(|(_, it, does)| *it == resource && *does == behaviour)
    }

    /// The answers of the checks, where a script decides them; the latest counts.
    pub(super) fn answers(&self, resource: ResourceId) -> Option<(bool, bool)> {
        let scripted = |(_, it, behaviour): &(_, ResourceId, Behaviour)| match behaviour {
            Behaviour::Answers {
                looks_alive,
                is_alive,
            } if *it == resource => Some((*looks_alive, *is_alive)),
            _ => None,
        };
        self.scripts.iter().rev().find_map(scripted)
    }

    /// The error with which Online fails, where a script says so.
    pub(super) fn refusal(&self, resource: ResourceId) -> Option<u32> {
        let refuses = |(_, it, behaviour): &(_, ResourceId, Behaviour)| match behaviour {
            Behaviour::Refusing(code) if *it == resource => Some(*code),
            _ => None,
        };
        self.scripts.iter().find_map(refuses)
    }

    pub(super) fn slowness(&self, resource: ResourceId) -> Duration {
        let slow = |(_, it, behaviour): &(_, ResourceId, Behaviour)| match behaviour {
            Behaviour::Slow(by) if *it == resource => Some(*by),
            _ => None,
        };
        self.scripts.iter().filter_map(slow).sum()
    }
}
