//! One member's machine: power, clock, disk, resource hosts, and the life that runs on it.

use std::time::Duration;

use base::{Incarnation, NetworkId, NodeId, Rng, StartMode, Timestamp};

use crate::clock::Clock;
use crate::disk::NodeDisk;
use crate::hosts::Hosts;
use crate::world::Happening;

/// Datagrams that a frozen machine's adapters keep.
pub(super) const FRAMES_HELD_MAX: usize = 1_024;

/// What runs on a member's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The machine is off.
    Off,
    /// The machine runs, the cluster service does not.
    Stopped,
    /// The cluster service runs.
    Running,
    /// The machine is frozen with the cluster service on it.
    Frozen,
}

/// One member's machine.
#[derive(Debug)]
pub(super) struct Seat<S> {
    pub(super) id: NodeId,
    pub(super) networks: Vec<NetworkId>,
    /// Adapters that the node believes to be without a link.
    pub(super) unlinked: Vec<NetworkId>,
    pub(super) service_restart: Duration,
    pub(super) powered: bool,
    pub(super) frozen: bool,
    /// Only the cluster service is frozen.
    pub(super) hung: bool,
    pub(super) service: Option<Box<S>>,
    pub(super) incarnation: Incarnation,
    /// Which life of the service this is; what belongs to an earlier one is dropped.
    pub(super) life: u32,
    /// Which order to start or stop is the last one; earlier ones are void.
    pub(super) order: u32,
    /// The service was asked to stop and has not ended yet.
    pub(super) stopping: bool,
    /// It was ordered to start meanwhile, which waits for the end.
    pub(super) start_after_stop: bool,
    /// The option of the next start.
    pub(super) start: StartMode,
    /// The next end of the service is followed by a restart of the machine after so long.
    pub(super) reboot: Option<Duration>,
    pub(super) clock: Clock,
    pub(super) disk: NodeDisk,
    pub(super) hosts: Hosts,
    pub(super) entropy: Rng,
    /// When the one live wake-up comes; `NEVER` without.
    pub(super) wake_at: Timestamp,
    pub(super) wake_generation: u32,
    /// What has come in while the machine is frozen.
    pub(super) held: Vec<Happening>,
    pub(super) frames_held: usize,
}

impl<S> Seat<S> {
    pub(super) fn life(&self) -> Life {
        match (self.powered, self.service.is_some(), self.frozen) {
            (false, _, _) => Life::Off,
            (true, _, true) => Life::Frozen,
            (true, false, false) => Life::Stopped,
            (true, true, false) => Life::Running,
        }
    }

    /// Whether the machine answers others.
    pub(super) fn is_awake(&self) -> bool {
        self.powered && (!self.frozen || self.hung)
    }

    pub(super) fn draw_entropy(&mut self) -> [u8; 32] {
        let mut entropy = [0; 32];
        for chunk in entropy.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.entropy.bits().to_le_bytes());
        }
        entropy
    }
}
