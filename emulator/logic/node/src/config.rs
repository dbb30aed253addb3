//! What a node knows before it reads its database.

use base::{Defaults, NetworkId, NodeId};

/// What a node knows from its own machine; everything cluster-wide comes from the hive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// This node's number in the cluster.
    pub me: NodeId,
    /// Cluster networks that this machine has an interface on, all links up.
    pub interfaces: Vec<NetworkId>,
    /// Documented timing of the node's generation, with what the lab file overrides.
    pub defaults: Defaults,
}
