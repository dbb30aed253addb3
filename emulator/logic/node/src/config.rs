//! What a node knows before it reads its database.

use base::{Defaults, Generation, NetworkId, NodeId, StartMode};

/// What a node knows from its own machine; everything cluster-wide comes from the hive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// This node's number in the cluster.
    pub me: NodeId,
    /// Cluster networks that this machine has an interface on, all links up.
    pub interfaces: Vec<NetworkId>,
    /// Generation of the product that this node runs, until the hive says so.
    pub generation: Generation,
    /// How an administrator starts the service.
    pub start: StartMode,
    /// Whether every health check is noted, for cases about their timing.
    pub trace_polls: bool,
    /// Documented timing of the node's generation, with what the lab file overrides.
    pub defaults: Defaults,
}
