//! The bottom tier: where the cluster meets the operating system.
//!
//! `netft` watches routes, `clusdisk` holds reservations, `txlog` keeps the transaction log,
//! `csvfs` gives every node a way to cluster shared volumes, `share` locks the witness file and
//! `security` proves and protects what nodes say. The partition manager is part of `clusdisk`.

pub mod clusdisk;
pub mod csvfs;
pub mod netft;
pub mod security;
pub mod share;
pub mod txlog;

use std::collections::BTreeMap;

use base::{DiskId, NodeId, NodeSet, Now, Rng};

/// What the bottom tier knows and everybody may read. Written by the router alone.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// netft: nodes with at least one route up, this node included.
    pub reachable: NodeSet,
    /// security: nodes with a secured connection.
    pub secured: NodeSet,
    /// clusdisk: what it knows of each disk that this node holds or fights for.
    pub disks: BTreeMap<DiskId, clusdisk::DiskFact>,
    /// csvfs: how this node reaches each cluster shared volume.
    pub volumes: BTreeMap<DiskId, csvfs::VolumeFact>,
}

/// What a manager of this tier sees during one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of the call.
    pub now: Now,
    /// This node.
    pub me: NodeId,
    /// Facts of this tier.
    pub facts: &'a Facts,
    /// This node's randomness.
    pub rng: &'a mut Rng,
}
