//! Arrays, their logical units, and endpoints outside the cluster.

use std::fmt;
use std::net::Ipv4Addr;

use crate::position::Position;

/// A storage array that all nodes reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Name of the array.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// Network addresses under which it is reached, one path each; empty: one path that crosses
    /// no network of the lab.
    pub portals: Vec<Portal>,
    /// Which reservations it offers.
    pub reservations: ReservationSupport,
    /// Its logical units, in file order; the number of a unit is its place in this list.
    pub luns: Vec<Lun>,
}

/// One way into an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// The network that it is on.
    pub network: String,
    /// Its address.
    pub address: Ipv4Addr,
}

/// Which reservations an array offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationSupport {
    /// SCSI-3 persistent reservations.
    Scsi3,
    /// None at all, to see the refusal.
    None,
}

/// A logical unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lun {
    /// Name of the unit.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Its sector sizes.
    pub block: BlockSize,
}

/// Logical and physical sector sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockSize {
    /// 512 bytes logical and physical.
    B512,
    /// 512 bytes logical, 4096 physical.
    B512e,
    /// 4096 bytes logical and physical.
    B4kn,
}

impl BlockSize {
    /// Bytes per logical block.
    #[must_use]
    pub fn logical_bytes(self) -> u32 {
        match self {
            Self::B512 | Self::B512e => 512,
            Self::B4kn => 4096,
        }
    }
}

/// `array/lun`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LunRef {
    /// Name of the array.
    pub array: String,
    /// Name of the unit in it.
    pub lun: String,
}

impl fmt::Display for LunRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.array, self.lun)
    }
}

/// Something outside the cluster that a witness lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the endpoint.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// What it offers.
    pub kind: EndpointKind,
    /// Where it is reached.
    pub host: EndpointHost,
}

/// What an endpoint offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointKind {
    /// A file share with this path (`SharePath`).
    SmbShare {
        /// Name of the share, without the host.
        path: String,
    },
    /// A blob in a storage account of a cloud.
    CloudBlob,
}

/// Where an endpoint is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointHost {
    /// On a machine of the lab; it shares that machine's fate.
    Node(String),
    /// On a machine that the lab does not model, at this address.
    Address {
        /// The network that it is on.
        network: String,
        /// Its address.
        address: Ipv4Addr,
    },
}
