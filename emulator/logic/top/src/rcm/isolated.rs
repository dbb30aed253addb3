//! Groups of virtual machines whose owner is lost and may come back (2016 and later).
//!
//! Facts: reference section 6.3 (an isolated node goes on running its virtual machines, which
//! nobody monitors; error numbers), section 3 (bit 0x100 of a group's StatusInformation), section 9
//! (events 1681 and 1682).

use base::{GroupId, NodeId, NodeStanding, Notice, Timestamp};

use super::Rcm;
use super::commands::Refusal;
use super::turn::Turn;
use crate::api::code;
use crate::restype::ResourceKind;

/// Bit of a group's StatusInformation: nobody monitors it.
pub(super) const UNMONITORED: u32 = 0x100;

impl Rcm {
    /// Until when a group of virtual machines is left to its lost owner, if it is.
    pub(super) fn isolated_until(&self, turn: &Turn<'_, '_>, group: GroupId) -> Option<Timestamp> {
        let facts = turn.middle();
        let owner = facts.objects.groups.get(&group)?.owner;
        let until = facts.isolated.get(&owner).copied()?;
        let quarantined = facts.objects.standing(owner) == NodeStanding::Quarantined;
        (!quarantined && self.is_of_machines(group)).then_some(until)
    }

    fn is_of_machines(&self, group: GroupId) -> bool {
        let mut resources = self.model.of_group(group);
        resources.any(|(_, settings)| settings.kind() == ResourceKind::VirtualMachine)
    }

    /// Whether a group's virtual machines run on an isolated node.
    pub(super) fn is_unmonitored(&self, turn: &Turn<'_, '_>, group: GroupId) -> bool {
        let objects = &turn.middle().objects;
        let owner = objects.groups.get(&group).map(|row| row.owner);
        let isolated = owner.is_some_and(|it| objects.standing(it) == NodeStanding::Isolated);
        isolated && self.is_of_machines(group)
    }

    /// Says which groups nobody monitors now, and which are monitored again or have failed over.
    pub(super) fn tell_unmonitored(&mut self, turn: &mut Turn<'_, '_>) {
        let groups = self.model.groups.keys().copied();
        let now = groups.filter(|id| self.is_unmonitored(turn, *id)).collect();
        let before = std::mem::replace(&mut self.unmonitored, now);
        for group in before.difference(&self.unmonitored) {
            turn.notice(Notice::GroupMonitored { group: *group });
        }
        for group in self.unmonitored.difference(&before) {
            turn.notice(Notice::GroupUnmonitored { group: *group });
        }
    }

    /// Why nothing can be asked of a group that nobody monitors.
    pub(super) fn unmonitored_refusal(&self, group: GroupId) -> Refusal {
        let group = self.model.group_name(group);
        let reason = format!("the node that runs group {group} is isolated; wait or move nothing");
        Refusal(code::RESOURCE_NOT_MONITORED, reason)
    }
}

/// Why a node that is no member cannot be asked.
pub(super) fn absent(turn: &Turn<'_, '_>, node: NodeId) -> Refusal {
    let facts = turn.middle();
    let name = facts.settings.node_name(node);
    match facts.objects.standing(node) {
        NodeStanding::Normal => Refusal(code::NODE_DOWN, format!("{name} is down")),
        NodeStanding::Isolated => {
            let reason =
                format!("{name} is isolated: lost, and its virtual machines are left to it");
            Refusal(code::NODE_ISOLATED, reason)
        }
        NodeStanding::Quarantined => {
            let reason = format!(
                "{name} is quarantined: start its service with clear-quarantine to let it in"
            );
            Refusal(code::NODE_QUARANTINED, reason)
        }
    }
}
