//! A group for which there is no room waits for it (2012 and later).
//!
//! Facts: reference section 3 (bit 8 of StatusInformation, lacking resources: a state that lasts,
//! and not a failure). What is tried meanwhile is unsourced: here every node that may own the
//! group, in the order of a failover, which does not count as one; then the group waits where it is
//! until something has ended on one of them. Which nodes had no room is known to all members, so
//! the next owner goes on from there.

use std::time::Duration;

use base::{GroupId, NodeId, StateChangeCause};
use middle::database::Change;
use middle::object::StateChange;

use super::Rcm;
use super::placement::Reason;
use super::preempt::Lacking;
use super::report::Then;
use super::turn::Turn;

/// How long a group stays on a node, and waits there, before the next try: two groups that wait
/// would else chase each other. Unsourced: a setting of this emulator.
const PAUSE: Duration = Duration::from_secs(10);

impl Rcm {
    /// Tells all members that this node has no room for a group.
    pub(super) fn tell_no_room(&mut self, turn: &Turn<'_, '_>, group: GroupId) {
        let node = turn.me();
        let change = Change::State(StateChange::NoRoom { group, node });
        self.report.push(vec![change], Then::Nothing);
    }

    /// All members know it.
    pub(super) fn no_room(&mut self, turn: &Turn<'_, '_>, group: GroupId, node: NodeId) {
        let record = self.groups.get_mut(&group).filter(|_| node == turn.me());
        if let Some(lacking) = record.and_then(|record| record.lacking.as_mut()) {
            lacking.told = true;
        }
    }

    /// A view opened: whether the old one still heard of it shows in the object table.
    pub(super) fn try_for_room_again(&mut self) {
        let records = self.groups.values_mut();
        let lacking = records.filter_map(|record| record.lacking.as_mut());
        lacking.for_each(|lacking| lacking.told = true);
    }

    /// Something may have ended somewhere.
    pub(super) fn wake_waiting_for_room(&mut self) {
        let waits = |lacking: Lacking| lacking.from.is_none();
        let groups = self.groups.iter();
        let groups = groups.filter(|(_, record)| record.lacking.is_some_and(waits));
        let groups: Vec<GroupId> = groups.map(|(id, _)| *id).collect();
        self.unsettled.extend(groups);
    }

    /// Whether a group that waits may be tried here once more. Where it is another node's turn it
    /// goes there.
    pub(super) fn finds_room(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: GroupId,
        lacking: Lacking,
    ) -> bool {
        let full = turn.middle().objects.full.get(&id);
        let full = full.copied().unwrap_or_default();
        let (here, owner) = (!full.contains(turn.me()), turn.me());
        let others = self.available(turn, id).difference(full).without(owner);
        let came = self.groups.get(&id).map(|record| record.since);
        let began = if here { Some(lacking.since) } else { came };
        let Some(at) = began.filter(|_| self.open && lacking.told && (here || !others.is_empty()))
        else {
            return false;
        };
        if turn.now() < at + PAUSE {
            self.wake_at(id, at + PAUSE);
            return false;
        }
        if !here {
            let reason = Reason::ResourceFailed { owner };
            let to = self.choose_among(turn, id, reason, others);
            self.leave(id, to, StateChangeCause::Move);
        }
        here
    }
}
