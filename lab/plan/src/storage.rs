//! Arrays, disks and the share that votes.

use base::{DiskId, NetworkId};
use file::model::{self, BlockSize, EndpointHost, EndpointKind, Lab, ReservationSupport};

use crate::{Names, PlanError, cluster};

/// A storage array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Its name.
    pub name: String,
    /// The network of each of its portals; none at all: one path that crosses no network.
    pub portals: Vec<NetworkId>,
    /// Whether it offers persistent reservations.
    pub reservations: bool,
}

/// A logical unit that every member sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its number.
    pub id: DiskId,
    /// Its array, by place.
    pub array: usize,
    /// Its logical unit number there.
    pub lun: u16,
    /// How many blocks it has.
    pub blocks: u64,
    /// How long a block is, in bytes.
    pub block_bytes: u32,
    /// Logical blocks per physical block, as a power of two.
    pub physical_exponent: u8,
}

/// Where the file server of the witness share is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareHost {
    /// On a machine of the lab that is no member, by place among [`crate::Plan::others`].
    Machine(usize),
    /// At an address on a network, on a machine that the lab does not model.
    Network(NetworkId),
}

/// The share that votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessShare {
    /// Name of the endpoint.
    pub endpoint: String,
    /// Name of the share on its host.
    pub path: String,
    /// Where its server is.
    pub host: ShareHost,
}

pub(crate) fn arrays(lab: &Lab, names: &Names) -> Result<Vec<Array>, PlanError> {
    let portal = |portal: &model::Portal| {
        names
            .network(&portal.network)
            .ok_or_else(|| PlanError::unknown("network", &portal.network))
    };
    let array = |array: &model::Array| {
        Ok(Array {
            name: array.name.clone(),
            portals: array.portals.iter().map(portal).collect::<Result<_, _>>()?,
            reservations: array.reservations == ReservationSupport::Scsi3,
        })
    };
    lab.storage.iter().map(array).collect()
}

pub(crate) fn disks(lab: &Lab, names: &Names) -> Vec<Disk> {
    let mut disks = Vec::new();
    for (array, shelf) in lab.storage.iter().enumerate() {
        for (lun, unit) in (0_u16..).zip(&shelf.luns) {
            let reference = model::LunRef {
                array: shelf.name.clone(),
                lun: unit.name.clone(),
            };
            let block_bytes = unit.block.logical_bytes();
            if let Some(id) = names.disk(&reference) {
                disks.push(Disk {
                    id,
                    array,
                    lun,
                    blocks: (unit.size_bytes / u64::from(block_bytes)).max(1),
                    block_bytes,
                    physical_exponent: if unit.block == BlockSize::B512e { 3 } else { 0 },
                });
            }
        }
    }
    disks
}

/// The container in which a cloud witness has its blob (reference section 4.1).
const CLOUD_CONTAINER: &str = "msft-cloud-witness";

pub(crate) fn witness_share(lab: &Lab, names: &Names) -> Result<Option<WitnessShare>, PlanError> {
    let name = match &lab.cluster.witness {
        model::Witness::Share(name) | model::Witness::Cloud(name) => name,
        // An administrator may make the first endpoint the witness later.
        model::Witness::None | model::Witness::Disk(_) => match lab.endpoints.first() {
            Some(endpoint) => &endpoint.name,
            None => return Ok(None),
        },
    };
    let endpoint = lab
        .endpoint(name)
        .ok_or_else(|| PlanError::unknown("endpoint", name))?;
    let path = match &endpoint.kind {
        EndpointKind::SmbShare { path } => path,
        EndpointKind::CloudBlob => CLOUD_CONTAINER,
    };
    let host = match &endpoint.host {
        EndpointHost::Address { network, .. } => names
            .network(network)
            .map(ShareHost::Network)
            .ok_or_else(|| PlanError::unknown("network", network))?,
        EndpointHost::Node(node) => {
            let place = cluster::outsider(lab, names, node)?;
            ShareHost::Machine(place)
        }
    };
    Ok(Some(WitnessShare {
        endpoint: name.clone(),
        path: path.to_owned(),
        host,
    }))
}
