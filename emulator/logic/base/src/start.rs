//! How a cluster service is started (reference section 4.3).

use crate::NodeSet;

/// The option with which an administrator starts the cluster service of a node. It holds for one
/// start: a service that is started again by itself starts without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StartMode {
    /// Join a cluster, or else form one with enough votes.
    #[default]
    Normal,
    /// ForceQuorum: join a cluster, or else form one by the administrator's word; this node's
    /// database becomes the one that counts. `nodes` matters in 2003 only, whose `/forcequorum`
    /// names the nodes that the majority is counted among.
    ForceQuorum {
        /// The node list of 2003.
        nodes: NodeSet,
    },
    /// PreventQuorum: join a cluster and never form one.
    PreventQuorum,
    /// ClearQuarantine: start normally, and whoever lets this node in forgets that it was
    /// quarantined (2016 and later; reference section 6.3).
    ClearQuarantine,
}
