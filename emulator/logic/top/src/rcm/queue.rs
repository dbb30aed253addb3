//! Moves that wait until their target can take the group (2012 and later).
//!
//! Facts: reference section 3.1 (move flag 4), section 3 (bit 4 of StatusInformation) and section 9
//! (error 5959, event 1155). What makes a target unfit is what keeps any group from it: it is down,
//! paused, or hosts a group that this one must not meet. A queued move ends when the group goes
//! elsewhere for another reason. All members know of it, so the next owner of a group whose node
//! was lost still carries it out; it is not known to the cluster database, so it ends when the
//! cluster does. That a lost node does not end it is unsourced.

use base::{Generation, GroupId, NodeId, Notice, StateChangeCause};
use middle::database::Change;
use middle::object::StateChange;

use super::Rcm;
use super::commands::Refusal;
use super::group::Group;
use super::placement::Reason;
use super::report::Then;
use super::turn::Turn;
use crate::api::code;

impl Rcm {
    /// A move that may wait is refused only for what time does not mend.
    pub(super) fn judge_queued_move(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        to: Option<NodeId>,
    ) -> Result<Vec<Change>, Refusal> {
        let settings = &turn.middle().settings;
        let generation = settings.generation;
        if generation < Generation::V2012 {
            let reason = format!("moves cannot be queued in generation {generation}");
            return Err(Refusal(code::INVALID_PARAMETER, reason));
        }
        let configured = to.is_none_or(|to| settings.nodes.contains_key(&to));
        let all = settings.nodes.keys().copied().collect();
        let possible = self.model.possible_owners(group, all);
        let refused = match self.judge_move(turn, group, to) {
            Ok(changes) => return Ok(changes),
            Err(refused) => refused,
        };
        let lasting = matches!(refused.0, code::LOCKED | code::NODE_NOT_FOUND);
        let never = lasting || !configured || to.is_some_and(|to| !possible.contains(to));
        if never {
            Err(refused)
        } else {
            Ok(vec![Change::State(StateChange::MoveQueued { group, to })])
        }
    }

    /// Moves a group, or has the move wait.
    pub(super) fn queue_move(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        to: Option<NodeId>,
    ) {
        if to == Some(turn.me()) {
            return;
        }
        if let Some(to) = self.target(turn, group, to) {
            self.leave(group, Some(to), StateChangeCause::Move);
        } else {
            turn.notice(Notice::MoveQueued { group, to });
            if queued(turn, group).is_none() {
                let change = Change::State(StateChange::MoveQueued { group, to });
                self.report.push(vec![change], Then::Nothing);
            }
        }
    }

    /// The node that a move can go to now.
    fn target(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        to: Option<NodeId>,
    ) -> Option<NodeId> {
        let owner = turn.me();
        match to {
            None => self.choose(turn, group, Reason::BestPossible { owner }),
            Some(to) => {
                let fits = self.available(turn, group).contains(to);
                let meets = self.model.cluster.enforced_anti_affinity
                    && self.avoided(turn, group).contains(to);
                (fits && !meets).then_some(to)
            }
        }
    }

    /// Something has changed that queued moves may have waited for.
    pub(super) fn try_queued_moves(&mut self, turn: &mut Turn<'_, '_>) {
        if !self.open {
            return;
        }
        let here = |group: &GroupId| self.groups.get(group).is_some_and(Group::runs);
        let queued = turn.middle().objects.queued.iter();
        let queued = queued.map(|(group, to)| (*group, *to));
        let queued: Vec<_> = queued.filter(|(group, _)| here(group)).collect();
        let me = Some(turn.me());
        for (group, to) in queued.into_iter().filter(|(_, to)| *to != me) {
            if let Some(to) = self.target(turn, group, to) {
                self.leave(group, Some(to), StateChangeCause::Move);
            }
        }
    }

    /// The owner gives a group away: what becomes of its queued move.
    pub(super) fn unqueue(
        &self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        owner: NodeId,
    ) -> Option<Change> {
        let wanted = queued(turn, group)?;
        if wanted.is_some_and(|to| to != owner) {
            turn.notice(Notice::QueuedMoveFailed { group });
        }
        Some(Change::State(StateChange::MoveUnqueued { group }))
    }

    /// The group of a lost node goes where it was to be moved to.
    pub(super) fn arrives(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        owner: NodeId,
    ) -> Option<Change> {
        let reached = queued(turn, group)?.is_none_or(|to| to == owner);
        reached.then_some(Change::State(StateChange::MoveUnqueued { group }))
    }
}

/// Where a group is to be moved as soon as that can be done.
pub(super) fn queued(turn: &Turn<'_, '_>, group: GroupId) -> Option<Option<NodeId>> {
    turn.middle().objects.queued.get(&group).copied()
}
