//! Moves that wait until their target can take the group (2012 and later).
//!
//! Facts: reference section 3.1 (move flag 4), section 3 (bit 4 of StatusInformation) and section 9
//! (error 5959, event 1155). What makes a target unfit is what keeps any group from it: it is down,
//! paused, or hosts a group that this one must not meet. A queued move ends when the group goes
//! elsewhere for another reason; it is not known to the cluster database, so it ends with its owner
//! as well.

use base::{Generation, GroupId, NodeId, Notice, StateChangeCause};
use middle::database::Change;

use super::Rcm;
use super::commands::Refusal;
use super::placement::Reason;
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
        if never { Err(refused) } else { Ok(Vec::new()) }
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
        } else if let Some(record) = self.groups.get_mut(&group) {
            record.queued = Some(to);
            turn.notice(Notice::MoveQueued { group, to });
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
        let queued = self.groups.iter();
        let queued = queued.filter_map(|(id, group)| Some((*id, group.queued?, group.runs())));
        for (id, to, runs) in queued.collect::<Vec<_>>() {
            // The group is on its way for another reason.
            if !runs {
                self.drop_queued(turn, id);
            } else if let Some(to) = self.target(turn, id, to) {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.queued = None;
                }
                self.leave(id, Some(to), StateChangeCause::Move);
            }
        }
    }

    fn drop_queued(&mut self, turn: &mut Turn<'_, '_>, group: GroupId) {
        let record = self.groups.get_mut(&group);
        if record.and_then(|record| record.queued.take()).is_some() {
            turn.notice(Notice::QueuedMoveFailed { group });
        }
    }
}
