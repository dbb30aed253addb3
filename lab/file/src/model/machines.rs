//! Sites, network segments, and the machines on them.

use std::net::Ipv4Addr;

use crate::position::Position;

/// A fault domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Name of the site.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// Racks inside the site.
    pub racks: Vec<String>,
    /// Favoured in regroup and vote adjustment (`PreferredSite`, 2016 and later).
    pub preferred: bool,
}

/// A network segment: one broadcast domain with one subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Name of the network.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// Its address range.
    pub subnet: Subnet,
    /// What the cluster may use it for.
    pub role: NetworkRole,
    /// Route preference, lower is preferred (`Metric`); absent: chosen by the cluster.
    pub metric: Option<u32>,
    /// Largest packet in bytes; absent: 1500.
    pub mtu: Option<u32>,
    /// The site that it belongs to.
    pub site: Option<String>,
}

/// What the cluster may use a network for (`Role`: 0, 1, 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkRole {
    /// 0: not used by the cluster (storage traffic, for example).
    None,
    /// 1: heartbeats and cluster messages only.
    Cluster,
    /// 3: cluster messages and client access; addresses of groups live here.
    ClusterAndClient,
}

/// An IPv4 range in prefix notation, its host bits zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// The first address of the range.
    pub base: Ipv4Addr,
    /// Length of the prefix in bits, 8 to 30.
    pub prefix_bits: u8,
}

impl Subnet {
    /// The mask of the range as an address, as the product's `SubnetMask` has it.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        let host_bits = 32_u32.saturating_sub(u32::from(self.prefix_bits));
        Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    /// Whether the address lies in the range, network and broadcast address included.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask().to_bits() == self.base.to_bits()
    }

    /// The last address of the range.
    #[must_use]
    pub fn broadcast(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() | !self.mask().to_bits())
    }

    /// Whether a machine or a group may have the address.
    #[must_use]
    pub fn is_host(&self, address: Ipv4Addr) -> bool {
        self.contains(address) && address != self.base && address != self.broadcast()
    }
}

/// A router: machines on the segments that it joins reach each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Router {
    /// Name of the router.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// The networks that it joins, at least two.
    pub joins: Vec<String>,
    /// What happens to packets that cross it.
    pub link: super::Impairment,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Name of the machine, at most 15 characters.
    pub name: String,
    /// Where the file declares it (the range that it was expanded from).
    pub position: Position,
    /// Where it stands.
    pub site: Option<String>,
    /// Its rack inside the site.
    pub rack: Option<String>,
    /// Its network adapters, in file order, each with an address.
    pub adapters: Vec<Adapter>,
    /// Bytes of memory that its resources may use together; absent: no limit.
    pub memory_bytes: Option<u64>,
    /// Services that it knows: command lines by name.
    pub services: Vec<(String, String)>,
    /// Configured vote, 0 or 1 (`NodeWeight`).
    pub votes: u8,
    /// Free words for the reader.
    pub labels: Vec<(String, String)>,
}

impl Node {
    /// The adapter on this network.
    #[must_use]
    pub fn adapter(&self, network: &str) -> Option<&Adapter> {
        self.adapters
            .iter()
            .find(|adapter| adapter.network == network)
    }
}

/// A network adapter of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The network that it is plugged into.
    pub network: String,
    /// Its address, given or assigned from the subnet.
    pub address: Ipv4Addr,
}
