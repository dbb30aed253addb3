//! The state table of a resource: which of the five states may follow which, and why.
//!
//! Facts: seed 001 (resource states), reference sections 1.3 and 1.4.

use base::ResourceState;

/// What happened to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is to come online; its entry points follow.
    OnlineBegun,
    /// Online ended well.
    CameOnline,
    /// It is to go offline, gracefully or by Terminate.
    OfflineBegun,
    /// It is down: Offline ended, Terminate ended, or its host is gone.
    WentOffline,
    /// Online failed, IsAlive said no, its host died, or somebody called it inoperable.
    Broke,
}

/// The state that follows, if the table has that edge. A pair that is missing is a bug of the
/// caller.
pub(super) fn next(state: ResourceState, cause: Cause) -> Option<ResourceState> {
    use ResourceState::{Failed, Offline, OfflinePending, Online, OnlinePending};
    match (state, cause) {
        (Offline | Failed, Cause::OnlineBegun) => Some(OnlinePending),
        (OnlinePending, Cause::CameOnline) => Some(Online),
        (Online | OnlinePending, Cause::OfflineBegun) => Some(OfflinePending),
        (OfflinePending | Failed, Cause::WentOffline) => Some(Offline),
        (Online | OnlinePending, Cause::Broke) => Some(Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceState::{Failed, Offline, OfflinePending, Online, OnlinePending};

    #[test]
    fn a_resource_changes_state_only_along_these_edges() {
        let states = [Offline, OnlinePending, Online, OfflinePending, Failed];
        let causes = [
            Cause::OnlineBegun,
            Cause::CameOnline,
            Cause::OfflineBegun,
            Cause::WentOffline,
            Cause::Broke,
        ];
        let edges: Vec<_> = states
            .into_iter()
            .flat_map(|from| causes.map(|cause| (from, next(from, cause))))
            .filter_map(|(from, to)| Some((from, to?)))
            .collect();
        let expected = [
            (Offline, OnlinePending),
            (OnlinePending, Online),
            (OnlinePending, OfflinePending),
            (OnlinePending, Failed),
            (Online, OfflinePending),
            (Online, Failed),
            (OfflinePending, Offline),
            (Failed, OnlinePending),
            (Failed, Offline),
        ];
        assert_eq!(edges, expected);
    }

    #[test]
    fn only_a_pending_state_leads_to_online_and_never_directly_from_offline() {
        assert_eq!(next(Offline, Cause::CameOnline), None);
        assert_eq!(next(OfflinePending, Cause::OnlineBegun), None);
    }
}
