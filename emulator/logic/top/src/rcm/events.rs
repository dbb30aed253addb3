//! What resources have to report to the event log beyond their states.
//!
//! Facts: reference sections 1.5 (1265), 2 (1077), 9 (1039 to 1045, 1205, 1563). Event 1049 is told
//! where its number is known.

use base::{Generation, GroupId, Notice, ResourceEvent, ResourceId};
use middle::settings::Witness;

use super::Rcm;
use super::control::OF_TYPES;
use super::resource::Entry;
use super::turn::Turn;
use crate::restype::ResourceKind;

/// ERROR_SERVICE_DOES_NOT_EXIST: there is no service of that name to open.
const NO_SUCH_SERVICE: u32 = 1_060;
/// ERROR_CLUSTER_IPADDR_IN_USE: another machine answers for the address.
const ADDRESS_IN_USE: u32 = 5_057;

impl Rcm {
    fn event(turn: &mut Turn<'_, '_>, resource: ResourceId, event: ResourceEvent) {
        turn.notice(Notice::OfResource { resource, event });
    }

    fn kind_of(&self, id: ResourceId) -> Option<ResourceKind> {
        self.model.resources.get(&id).map(|it| it.kind())
    }

    /// Online failed with this error.
    pub(super) fn tell_not_online(&self, turn: &mut Turn<'_, '_>, id: ResourceId, code: u32) {
        match self.kind_of(id) {
            _ if code == ADDRESS_IN_USE => turn.notice(Notice::AddressInUse { resource: id }),
            Some(ResourceKind::GenericApplication) => {
                Self::event(turn, id, ResourceEvent::ProgramNotStarted);
            }
            Some(ResourceKind::GenericService) if code == NO_SUCH_SERVICE => {
                Self::event(turn, id, ResourceEvent::ServiceNotOpened);
            }
            Some(ResourceKind::GenericService) => {
                Self::event(turn, id, ResourceEvent::ServiceNotStarted);
            }
            Some(ResourceKind::FileShare) => {
                turn.notice(Notice::ShareNotCreated { resource: id, code });
            }
            Some(ResourceKind::FileShareWitness)
                if turn.middle().settings.witness == Witness::Share =>
            {
                Self::event(turn, id, ResourceEvent::WitnessNotOnline);
            }
            _ => {}
        }
    }

    /// The health of a resource that was online is gone.
    pub(super) fn tell_unhealthy(&self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        match self.kind_of(id) {
            Some(ResourceKind::IpAddress | ResourceKind::Ipv6Address) => {
                Self::event(turn, id, ResourceEvent::AddressUnhealthy);
            }
            Some(ResourceKind::GenericService) => {
                Self::event(turn, id, ResourceEvent::ServiceFailed);
            }
            _ => {}
        }
    }

    /// A group came to this node: which of its addresses cannot run here.
    pub(super) fn tell_elsewhere(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        self.learn_networks(turn);
        let order = self.groups.get(&id).map(|group| group.order.as_slice());
        for resource in order.unwrap_or_default() {
            if self.is_elsewhere(*resource) {
                Self::event(turn, *resource, ResourceEvent::NoInterface);
            }
        }
    }

    /// A call did not return in time: whether it was a control code of the type.
    pub(super) fn tell_type_control(&self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(record) = self.resources.get(&id) else {
            return;
        };
        let controls = record.call.is_some_and(|call| call.entry == Entry::Control);
        let control = record.control.as_ref().filter(|_| controls);
        let of_type = control.is_some_and(|control| control.code >= OF_TYPES);
        if of_type && turn.middle().settings.generation >= Generation::V2016 {
            Self::event(turn, id, ResourceEvent::TypeControlTimedOut);
        }
    }

    /// A resource stays failed, and so its group is not wholly online.
    pub(super) fn tell_incomplete(turn: &mut Turn<'_, '_>, group: GroupId) {
        turn.notice(Notice::GroupIncomplete { group });
    }
}
