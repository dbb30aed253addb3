//! The witness: got for the quorum manager when exactly one vote is missing, failed when its
//! replica cannot be written.
//!
//! Facts: seed 001 (Quorum Manager, Database Manager). The witness resource of the core group finds
//! the witness held when it comes online here; until then it is only lent to quorum.

use base::{GroupId, ResourceId, ResourceState};
use bottom::{clusdisk, share};
use middle::settings::Witness;

use super::entry::owns_core_group;
use super::model::CORE_GROUP;
use super::turn::Turn;
use super::{Output, Rcm};
use crate::restype::{ResourceKind, ResourceParameters};

impl Rcm {
    /// Gets the witness for the quorum manager.
    pub(super) fn witness_needed(&mut self, turn: &mut Turn<'_, '_>) {
        self.witness_lent = true;
        match turn.middle().settings.witness {
            Witness::None => {}
            Witness::Disk(disk) => {
                let request = clusdisk::Request::Arbitrate;
                turn.say(Output::Disk { disk, request });
            }
            Witness::Share => {
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

    fn witness_resource(&self, turn: &Turn<'_, '_>) -> Option<ResourceId> {
        let witness = turn.middle().settings.witness;
        let is_witness = |parameters: &ResourceParameters| match witness {
            Witness::None => false,
            Witness::Disk(disk) => *parameters == ResourceParameters::PhysicalDisk { disk },
            Witness::Share => parameters.kind() == ResourceKind::FileShareWitness,
        };
        self.model
            .of_group(CORE_GROUP)
            .find(|(_, settings)| is_witness(&settings.parameters))
            .map(|(id, _)| id)
    }

    /// The core group got another owner: what was lent to quorum here is that node's to take.
    pub(super) fn lend_witness_out(&mut self, turn: &mut Turn<'_, '_>, group: GroupId) {
        if group == CORE_GROUP && !self.groups.contains_key(&CORE_GROUP) {
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
            Witness::Share => {
                let request = share::Input::Release;
                turn.say(Output::Share { request });
            }
        }
    }
}
