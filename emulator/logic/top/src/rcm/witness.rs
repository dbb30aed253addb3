//! The witness: got for the quorum manager when exactly one vote is missing, failed when its
//! replica cannot be written.
//!
//! Facts: seed 001 (Quorum Manager, Database Manager). The witness resource of the core group finds
//! the witness held when it comes online here; until then it is only lent to quorum.

use base::{GroupId, NodeSet, RequestId, ResourceId, ResourceState};
use bottom::{clusdisk, share};
use middle::settings::Witness;

use super::devices::owns_core_group;
use super::model::CORE_GROUP;
use super::owner::members;
use super::turn::Turn;
use super::{Message, Output, Rcm};
use crate::api::AdminCommand;
use crate::restype::{ResourceKind, ResourceParameters};

impl Rcm {
    /// Gets the witness for the quorum manager.
    pub(super) fn witness_needed(&mut self, turn: &mut Turn<'_, '_>) {
        self.witness_lent = true;
        self.lent_while_open = self.open;
        match turn.middle().settings.witness {
            Witness::None => {}
            Witness::Disk(disk) => {
                let request = clusdisk::Request::Arbitrate;
                turn.say(Output::Disk { disk, request });
            }
            Witness::Share | Witness::Cloud => {
                let owns_core_group = owns_core_group(turn);
                let request = share::Input::Arbitrate { owns_core_group };
                turn.say(Output::Share { request });
            }
        }
    }

    /// The replica on the witness disk failed: the witness resource fails, the node does not.
    pub(super) fn witness_failed(&mut self, turn: &mut Turn<'_, '_>) {
        let online = self
            .witness_resource(turn)
            .filter(|id| self.state_of(*id) == ResourceState::Online);
        if let Some(id) = online {
            self.fail(turn, id);
        }
    }

    /// The resource of the core group that stands for the witness.
    pub(super) fn witness_resource(&self, turn: &Turn<'_, '_>) -> Option<ResourceId> {
        let witness = turn.middle().settings.witness;
        let is_witness = |parameters: &ResourceParameters| match witness {
            Witness::None => false,
            Witness::Disk(witness) => match parameters {
                ResourceParameters::PhysicalDisk { disk, .. } => *disk == witness,
                _ => false,
            },
            Witness::Share => parameters.kind() == ResourceKind::FileShareWitness,
            Witness::Cloud => parameters.kind() == ResourceKind::CloudWitness,
        };
        self.model
            .of_group(CORE_GROUP)
            .find(|(_, settings)| is_witness(&settings.parameters))
            .map(|(id, _)| id)
    }

    /// The core group follows the witness (reference section 3.1): a node that got it for quorum
    /// while another member owns the core group has the group moved here.
    pub(super) fn call_core_group(&mut self, turn: &mut Turn<'_, '_>) {
        let row = turn.middle().objects.groups.get(&CORE_GROUP);
        let owner = row.map(|row| row.owner).filter(|owner| *owner != turn.me());
        let Some(owner) = owner.filter(|owner| members(turn).contains(*owner)) else {
            return;
        };
        if self.witness_lent && self.holds_witness(turn) {
            let command = AdminCommand::MoveGroup {
                group: CORE_GROUP,
                to: Some(turn.me()),
            };
            // Nobody waits for the answer: the next view asks again.
            let request = RequestId(u64::MAX);
            let to = NodeSet::one(owner);
            let message = Message::Command { request, command };
            turn.say(Output::Send { to, message });
        }
    }

    /// The witness was got. If the view that wanted it is gone and another has quorum without it,
    /// it is given back; if the open view wants it, the core group follows it.
    pub(super) fn witness_got(&mut self, turn: &mut Turn<'_, '_>) {
        let elsewhere = !owns_core_group(turn);
        if !self.witness_lent || !self.open || !elsewhere {
            return;
        }
        if self.lent_while_open {
            self.call_core_group(turn);
        } else {
            self.give_witness_back(turn);
        }
    }

    pub(super) fn holds_witness(&self, turn: &Turn<'_, '_>) -> bool {
        match turn.middle().settings.witness {
            Witness::None => false,
            Witness::Disk(disk) => {
                let fact = turn.cx.bottom.disks.get(&disk);
                fact.is_some_and(|fact| fact.held)
            }
            Witness::Share | Witness::Cloud => self.share_healthy,
        }
    }

    /// The core group got another owner: what was lent to quorum here is that node's to take.
    pub(super) fn lend_witness_out(&mut self, turn: &mut Turn<'_, '_>, group: GroupId) {
        if group == CORE_GROUP {
            self.give_witness_back(turn);
        }
    }

    /// Gives a witness back that was only got for quorum.
    pub(super) fn give_witness_back(&mut self, turn: &mut Turn<'_, '_>) {
        if !std::mem::take(&mut self.witness_lent) {
            return;
        }
        match turn.middle().settings.witness {
            Witness::None => {}
            Witness::Disk(disk) => {
                let request = clusdisk::Request::Release;
                turn.say(Output::Disk { disk, request });
            }
            Witness::Share | Witness::Cloud => {
                let request = share::Input::Release;
                turn.say(Output::Share { request });
            }
        }
    }
}
