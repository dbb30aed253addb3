//! Facts of one node, for tests of managers.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{
    Generation, Incarnation, NodeId, NodeSet, Now, PaxosTag, QuorumState, Rng, StartMode,
    Timestamp, ViewId,
};

use crate::membership::{MemberReport, Synchronised, View};
use crate::settings::Settings;
use crate::{Context, Facts};

/// Node number `number`.
pub(crate) fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

/// The set of these node numbers.
pub(crate) fn nodes(numbers: &[u8]) -> NodeSet {
    numbers.iter().map(|number| node(*number)).collect()
}

/// Facts of a node that knows nothing yet.
pub(crate) fn blank_facts(me: NodeId) -> Facts {
    Facts {
        me,
        incarnation: Incarnation(1),
        start: StartMode::Normal,
        view: None,
        active: false,
        quorum: QuorumState::Absent,
        ready: false,
        lock_owner: None,
        hive: Arc::default(),
        tag: PaxosTag::default(),
        applied: 0,
        prepared: None,
        synchronised: Synchronised::default(),
        settings: Arc::new(Settings::blank(Generation::V2022)),
        objects: Arc::default(),
        last_seen: [Timestamp::ZERO; base::limits::NODES_MAX],
        isolated: BTreeMap::new(),
        view_at: Timestamp::ZERO,
    }
}

/// A report of a member that was not active and has nothing.
pub(crate) fn blank_report() -> MemberReport {
    MemberReport {
        incarnation: Incarnation(1),
        active: false,
        tag: PaxosTag::default(),
        applied: 0,
        prepared: None,
        synchronised: Synchronised::default(),
        holds_witness: false,
        forced: None,
        silent: BTreeMap::new(),
    }
}

/// A view whose members brought nothing.
pub(crate) fn view(epoch: u64, members: NodeSet) -> View {
    let reports: BTreeMap<_, _> = members.iter().map(|node| (node, blank_report())).collect();
    View {
        id: ViewId {
            epoch,
            coordinator: members.first().unwrap(),
            incarnation: Incarnation(1),
        },
        members,
        reports,
    }
}

/// Calls `call` with a context of these facts at `now`.
pub(crate) fn with_context<T>(
    facts: &Facts,
    now: Timestamp,
    call: impl FnOnce(&mut Context<'_>) -> T,
) -> T {
    let mut rng = Rng::new(0, 0);
    call(&mut Context {
        now: Now {
            mono: now,
            ..Now::default()
        },
        bottom: &bottom::Facts::default(),
        facts,
        rng: &mut rng,
    })
}
