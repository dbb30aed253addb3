//! Properties that nobody sets: worked out from what there is when somebody asks.
//!
//! Facts: reference sections 1.1 (StatusInformation of a resource), 3 (GroupType) and 4.1
//! (QuorumType, QuorumTypeValue). Numbers are those of the product's metadata (source RS). Which
//! resource gives a group its type is unsourced: the first of these kinds that it has.

use base::{Generation, GroupId, QuorumModel, ResourceId};
use middle::database::Value;
use middle::settings::{Settings, Witness};

use super::Rcm;
use super::model::CORE_GROUP;
use super::turn::Turn;
use crate::api::Object;
use crate::restype::{ResourceKind, ResourceParameters};

/// Memory is missing for a resource.
const LACKS_MEMORY: u32 = 0x8;
/// The network of a resource does not work on its node (2012 R2 and later).
const NETWORK_FAILURE: u32 = 0x20;

/// The type of a group with a resource of this kind, the more telling ones first.
const GROUP_TYPES: &[(ResourceKind, u32)] = &[
    (ResourceKind::DistributedNetworkName, 114),
    (ResourceKind::FileServer, 100),
    (ResourceKind::FileShare, 100),
    (ResourceKind::PrintSpooler, 101),
    (ResourceKind::DhcpService, 102),
    (ResourceKind::WinsService, 105),
    (ResourceKind::GenericApplication, 107),
    (ResourceKind::GenericService, 108),
    (ResourceKind::GenericScript, 109),
];
const CORE: u32 = 1;
const AVAILABLE_STORAGE: u32 = 2;
const SHARED_VOLUME: u32 = 4;
const UNKNOWN: u32 = 9_999;

impl Rcm {
    /// The value of a property that every member works out alike, if it is one.
    pub(super) fn derived(
        &self,
        turn: &Turn<'_, '_>,
        object: &Object,
        name: &str,
    ) -> Option<Value> {
        let settings = &turn.middle().settings;
        Some(match (name, object) {
            ("QuorumType", Object::Cluster) => Value::Text(quorum_type(settings).to_owned()),
            ("QuorumTypeValue", Object::Cluster) => Value::Dword(quorum_type_value(settings)),
            ("GroupType", Object::Group { group }) => Value::Dword(self.group_type(*group)),
            _ => return None,
        })
    }

    fn group_type(&self, group: GroupId) -> u32 {
        if group == CORE_GROUP {
            return CORE;
        }
        let parameters = || self.model.of_group(group).map(|(_, it)| &it.parameters);
        let has = |kind| parameters().any(|it| it.kind() == kind);
        let known = GROUP_TYPES.iter().find(|(kind, _)| has(*kind));
        let is_shared = |it| matches!(it, &ResourceParameters::PhysicalDisk { shared: true, .. });
        let disks = parameters().all(|it| it.kind() == ResourceKind::PhysicalDisk);
        match known {
            Some((_, number)) => *number,
            None if disks && parameters().any(is_shared) => SHARED_VOLUME,
            None if disks && has(ResourceKind::PhysicalDisk) => AVAILABLE_STORAGE,
            None => UNKNOWN,
        }
    }

    /// StatusInformation of a resource of a group that this node owns.
    pub(super) fn resource_status(&self, turn: &Turn<'_, '_>, id: ResourceId) -> u32 {
        let group = self.resources.get(&id).map(|record| record.group);
        let group = group.and_then(|group| self.groups.get(&group));
        let lacking = group.and_then(|group| group.lacking);
        let lacks = lacking.is_some_and(|it| it.resource == id);
        let of_2012_r2 = turn.middle().settings.generation >= Generation::V2012R2;
        let unplugged = of_2012_r2 && self.interface_is_down(id);
        (u32::from(lacks) * LACKS_MEMORY) | (u32::from(unplugged) * NETWORK_FAILURE)
    }
}

fn quorum_type(settings: &Settings) -> &'static str {
    match settings.model {
        QuorumModel::DiskOnly => "No Majority",
        _ => "Majority",
    }
}

/// -1 unknown, 1 nodes, 2 file share witness, 3 storage, 4 none.
fn quorum_type_value(settings: &Settings) -> u32 {
    match (settings.model, settings.witness) {
        (QuorumModel::DiskOnly, _) => 4,
        (_, Witness::None) => 1,
        (_, Witness::Share) => 2,
        (_, Witness::Disk(_)) => 3,
        // The numbers are older than clouds.
        (_, Witness::Cloud) => u32::MAX,
    }
}
