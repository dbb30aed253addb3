//! The network adapters of one machine of a lab, and the agent that stands behind them.
//!
//! Duty: where a machine has a network namespace of its own, open one TAP device for each of its
//! lab networks and one TUN device for the virtual adapter, carry frames to the lab's fabric over
//! a Unix socket, carry the cluster service's datagrams on UDP port 3343, and put the addresses of
//! resources on the adapters, with a probe before and an announcement after. ARP, duplicate
//! addresses, broadcast and the failover of connections are thereby the kernel's own.
//!
//! The cluster service talks to the agent in the words it would say to the fabric, and resource
//! hosts in those that they say to the lab. Serves seed 001 (NetFT, Topology Manager 6, port 3343)
//! and the IP Address rows of reference sections 3 and 13. Deliberately not done here: choosing a
//! route, which is the network driver's affair, and breaking anything, which is the fabric's.

mod addresses;
mod agent;
mod arp;
mod datagrams;
mod device;
mod echo;
mod links;
mod namespace;
mod ndp;
mod node_side;
mod pieces;
pub mod router;
pub mod watch;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use base::{NetworkId, NodeId};

pub use agent::run;
pub use echo::PORT as ECHO_PORT;
pub use namespace::is_possible;

/// What an agent is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine's place among those of the lab, members of the cluster first.
    pub station: u8,
    /// Its adapters.
    pub adapters: Vec<Adapter>,
    /// Subnets that routers join with each network, where the machine has no adapter.
    pub routes: BTreeMap<NetworkId, Vec<(Ipv4Addr, u8)>>,
    /// Where members of the cluster are on each network, or beyond its routers.
    pub members: BTreeMap<NetworkId, BTreeMap<NodeId, Ipv4Addr>>,
    /// Make a network namespace, or take the one that this process is in.
    pub own_namespace: bool,
    /// The fabric's socket.
    pub fabric: PathBuf,
    /// Where to listen for the cluster service of this machine.
    pub node: PathBuf,
    /// Where to listen for its resource hosts.
    pub addresses: PathBuf,
    /// Time between two of the three probes for an address. RFC 5227 section 1.1 says one to two
    /// seconds; a lab's machines answer at once. What the product takes is not documented.
    pub probe_every: Duration,
}

/// One adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its network.
    pub network: NetworkId,
    /// What it is called: the network's name where the kernel takes it.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Bits of the subnet.
    pub prefix: u8,
}

/// The kernel's name for the adapter on a network of this name and number.
#[must_use]
pub fn adapter_name(network: NetworkId, name: &str) -> String {
    let taken = ["lo", VIRTUAL_ADAPTER, ".", "..", "all", "default"];
    let fits = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    if !name.is_empty()
        && name.len() <= NAME_MAX
        && name.chars().all(fits)
        && !taken.contains(&name)
    {
        return name.to_owned();
    }
    format!("net{}", network.0)
}

/// The kernel's name for the virtual adapter.
pub const VIRTUAL_ADAPTER: &str = "netft";
/// Longest name of an adapter, without the end that C puts there.
const NAME_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_called_like_its_network_where_the_kernel_allows_it() {
        let name = |it| adapter_name(NetworkId(3), it);
        assert_eq!(name("client-a"), "client-a");
        for refused in ["lo", "netft", "", "a-name-of-16-chars", "a b", "a/b", ".."] {
            assert_eq!(name(refused), "net3", "{refused}");
        }
    }
}
