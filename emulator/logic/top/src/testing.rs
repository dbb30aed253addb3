//! Facts for tests of this tier's managers.

use std::sync::Arc;

use base::limits::NODES_MAX;
use base::{Generation, Incarnation, NodeId, PaxosTag, QuorumState, Timestamp};
use middle::membership::Synchronised;
use middle::settings::Settings;

/// A member of a quorate view that nothing is known of yet.
pub(crate) fn facts(me: NodeId) -> middle::Facts {
    middle::Facts {
        me,
        active: true,
        start: base::StartMode::Normal,
        incarnation: Incarnation(1),
        view: None,
        quorum: QuorumState::Held,
        ready: true,
        lock_owner: None,
        hive: Arc::default(),
        tag: PaxosTag::default(),
        applied: 0,
        prepared: None,
        synchronised: Synchronised::default(),
        settings: Arc::new(Settings::blank(Generation::default())),
        objects: Arc::default(),
        last_seen: [Timestamp::ZERO; NODES_MAX],
        isolated: std::collections::BTreeMap::new(),
        view_at: Timestamp::ZERO,
    }
}
