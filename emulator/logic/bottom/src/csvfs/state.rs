//! How a node reaches a volume, from what the cluster makes of it and what the disk driver says.
//! Pure, so that every case can be tried.

use base::{NodeId, VolumeState};

use super::{Phase, Role};

/// What is known of a volume on one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// What the cluster makes of it.
    pub role: Role,
    /// This node.
    pub me: NodeId,
    /// The state so far.
    pub before: VolumeState,
    /// The owner while it was last online.
    pub last_owner: Option<NodeId>,
    /// This node's own way to the disk; nothing while that is being found out.
    pub path: Option<bool>,
}

/// The state that follows.
pub(super) fn state(known: &Known) -> VolumeState {
    let Known { role, before, .. } = *known;
    match (role.phase, role.owner) {
        (Phase::Failed, Some(owner)) if owner == known.me => VolumeState::DiskFailed,
        (Phase::Online, Some(owner)) => online(known, owner),
        _ if before.is_usable() => VolumeState::Paused {
            expected: is_expected(known),
        },
        _ => before,
    }
}

fn online(known: &Known, owner: NodeId) -> VolumeState {
    let Known { role, before, .. } = *known;
    match known.path {
        _ if role.maintenance => VolumeState::Maintenance,
        _ if role.redirected => VolumeState::FileSystemRedirected,
        _ if owner == known.me => VolumeState::Direct,
        Some(true) => VolumeState::Direct,
        Some(false) => VolumeState::BlockRedirected,
        // Just registering: nothing is told before the outcome is known.
        None => before,
    }
}

/// A pause is to be expected when the owner takes the disk offline, or gives it away, in order.
fn is_expected(known: &Known) -> bool {
    let role = known.role;
    let stays = role.owner.is_some() && role.owner == known.last_owner;
    match role.phase {
        Phase::Failed => false,
        Phase::Down | Phase::Online => stays || (role.owner.is_some() && role.planned),
    }
}
