//! Finding owners: for groups that never had one, for those of lost nodes, and for moves.
//!
//! Facts: reference section 3.1, and section 3 for ClusterGroupWaitDelay and the core group. The
//! view's leader decides for groups without a living owner; an owner decides for its own.

use base::{Generation, GroupId, NodeId, NodeSet, Notice, StateChangeCause, Timestamp};
use middle::database::{Change, HiveChange, Value};
use middle::object::StateChange;

use super::Rcm;
use super::deadlines::Due;
use super::model::{CORE_GROUP, GroupSettings};
use super::owner::members;
use super::placement::{self, Question, Reason};
use super::report::Then;
use super::turn::Turn;

impl Rcm {
    /// As the leader: finds owners for groups that never had one and for those of lost nodes.
    pub(super) fn place_orphans(&mut self, turn: &mut Turn<'_, '_>) {
        let view = turn.middle().view.as_ref();
        let leads = view.is_some_and(|view| view.leader() == turn.me());
        if !self.open || !leads || self.report.is_placing() {
            return;
        }
        let mut groups: Vec<GroupId> = self.model.groups.keys().copied().collect();
        groups.sort_by_key(|id| self.model.start_order(*id));
        let mut changes = Vec::new();
        let mut wake = None;
        for group in groups {
            match self.orphan(turn, group) {
                Some(_) if self.waits_for_preferred(turn, group, &mut wake) => {}
                Some(_) if self.waits_for_isolated(turn, group, &mut wake) => {}
                Some((reason, cause)) => {
                    let change = self.place(turn, group, reason, cause);
                    changes.extend(change);
                    let owner = self.planned.get(&group).copied();
                    changes.extend(owner.and_then(|it| self.default_owner(turn, group, it)));
                    changes.extend(owner.and_then(|it| self.arrives(turn, group, it)));
                }
                None => {}
            }
        }
        self.planned.clear();
        let mut armed = self.placement_armed;
        self.deadlines.arm(Due::Placement, &mut armed, wake);
        self.placement_armed = armed;
        if !changes.is_empty() {
            self.report.push(changes, Then::Placed);
        }
    }

    /// Why a group needs an owner, if it does.
    fn orphan(&self, turn: &Turn<'_, '_>, group: GroupId) -> Option<(Reason, StateChangeCause)> {
        match turn.middle().objects.groups.get(&group) {
            None => {
                let leader = turn.me();
                Some((Reason::Start { leader }, StateChangeCause::Unknown))
            }
            Some(row) if !members(turn).contains(row.owner) => {
                let owner = row.owner;
                Some((Reason::NodeFailed { owner }, StateChangeCause::Failover))
            }
            Some(_) => None,
        }
    }

    fn place(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        reason: Reason,
        cause: StateChangeCause,
    ) -> Option<Change> {
        let owner = if group == CORE_GROUP {
            self.core_owner(turn)
        } else {
            self.choose(turn, group, reason)
        };
        let Some(owner) = owner else {
            if self.unplaceable.insert(group) {
                turn.notice(Notice::NoOwnerAvailable { group });
            }
            return None;
        };
        self.planned.insert(group, owner);
        Some(Change::State(StateChange::GroupOwner {
            group,
            owner,
            cause,
        }))
    }

    /// DefaultOwner follows every change of owner, where the generation keeps it.
    pub(super) fn default_owner(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        owner: NodeId,
    ) -> Option<Change> {
        let known = self.model.groups.get(&group)?.default_owner;
        let differs = keeps_default_owner(turn) && known != Some(owner);
        differs.then(|| {
            Change::Hive(HiveChange::Set {
                key: GroupSettings::key(group),
                name: "DefaultOwner".to_owned(),
                value: Value::Dword(owner.number().into()),
            })
        })
    }

    /// The core group follows the witness, else the leader, among its possible owners (reference
    /// section 3.1: it ignores the preferred list).
    fn core_owner(&mut self, turn: &mut Turn<'_, '_>) -> Option<NodeId> {
        let holder = turn
            .middle()
            .view
            .as_ref()
            .and_then(|view| view.witness_holder());
        let available = self.available(turn, CORE_GROUP);
        holder
            .filter(|node| available.contains(*node))
            .or(Some(turn.me()).filter(|node| available.contains(*node)))
            .or(available.first())
    }

    /// Chooses a node for a group (reference section 3.1).
    pub(super) fn choose(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        reason: Reason,
    ) -> Option<NodeId> {
        let available = self.available(turn, group);
        self.choose_among(turn, group, reason, available)
    }

    /// As [`Self::choose`], among these.
    pub(super) fn choose_among(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        reason: Reason,
        available: NodeSet,
    ) -> Option<NodeId> {
        let avoided = self.avoided(turn, group);
        let settings = self.model.groups.get(&group)?;
        let preferred = if group == CORE_GROUP {
            &[]
        } else {
            settings.preferred_owners.as_slice()
        };
        let question = Question {
            reason,
            preferred,
            available,
            avoided,
            enforced: self.model.cluster.enforced_anti_affinity,
            in_node_order: self.model.cluster.in_node_order,
            default_owner: settings.default_owner.filter(|_| keeps_default_owner(turn)),
        };
        placement::choose(&question, turn.cx.rng)
    }

    /// Possible owners of a group that are up and not paused.
    pub(super) fn available(&self, turn: &Turn<'_, '_>, group: GroupId) -> NodeSet {
        let mut up = members(turn).difference(turn.middle().objects.paused);
        if self.stopping {
            up.remove(turn.me());
        }
        self.model.possible_owners(group, up)
    }

    /// Whether a node is a member and a possible owner; an administrator may name a paused one.
    pub(super) fn can_host(&self, turn: &Turn<'_, '_>, group: GroupId, node: NodeId) -> bool {
        self.model
            .possible_owners(group, members(turn))
            .contains(node)
    }

    /// Nodes that own a group which shares an anti-affinity class with this one.
    pub(super) fn avoided(&self, turn: &Turn<'_, '_>, group: GroupId) -> NodeSet {
        let rows = turn
            .middle()
            .objects
            .groups
            .iter()
            .map(|(id, row)| (id, row.owner));
        let planned = self.planned.iter().map(|(id, owner)| (id, *owner));
        rows.chain(planned)
            .filter(|(id, _)| self.model.avoid_each_other(**id, group))
            .map(|(_, owner)| owner)
            .collect()
    }

    /// At cluster start a group waits a while for its most preferred owner to join (2008 R2 and
    /// later); `wake` becomes the time when the wait is over.
    fn waits_for_preferred(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        wake: &mut Option<Timestamp>,
    ) -> bool {
        let never_owned = !turn.middle().objects.groups.contains_key(&group);
        let waits = turn.middle().settings.generation >= Generation::V2008R2;
        let (Some(formed), true, true) = (self.formed_at, never_owned, waits) else {
            return false;
        };
        let wait = self.model.cluster.group_wait_delay;
        let until = formed + wait.unwrap_or(self.defaults.group_wait_delay);
        let missing = self
            .best_preferred(turn, group)
            .is_some_and(|best| group != CORE_GROUP && !members(turn).contains(best));
        if !missing || turn.now() >= until {
            return false;
        }
        *wake = Some(until);
        true
    }

    /// A lost node keeps its virtual machines for as long as it is isolated (reference section
    /// 6.3); `wake` becomes the time when that is over, if it comes before.
    fn waits_for_isolated(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        wake: &mut Option<Timestamp>,
    ) -> bool {
        let until = self.isolated_until(turn, group);
        let until = until.filter(|until| *until > turn.now());
        *wake = wake.iter().copied().chain(until).min();
        until.is_some()
    }

    /// The first preferred owner that is a possible owner, up or not.
    fn best_preferred(&self, turn: &Turn<'_, '_>, group: GroupId) -> Option<NodeId> {
        let configured: NodeSet = turn.middle().settings.nodes.keys().copied().collect();
        let possible = self.model.possible_owners(group, configured);
        let preferred = &self.model.groups.get(&group)?.preferred_owners;
        preferred
            .iter()
            .copied()
            .find(|node| possible.contains(*node))
    }
}

fn keeps_default_owner(turn: &Turn<'_, '_>) -> bool {
    turn.middle().settings.generation >= Generation::V2008R2
}
