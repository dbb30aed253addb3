//! Bounds of every queue, table and loop, in one place.

/// Most nodes of a cluster (Windows Server 2012 and later).
pub const NODES_MAX: usize = 64;
/// Most networks of a lab.
pub const NETWORKS_MAX: usize = 32;
/// Most outputs of one manager in one call.
pub const OUTBOX_MAX: usize = 16_384;
/// Most hops the router makes for one event before it calls itself broken.
pub const HOPS_MAX: usize = 65_536;
/// Most groups of a cluster.
pub const GROUPS_MAX: usize = 1_024;
/// Most resources of a cluster.
pub const RESOURCES_MAX: usize = 8_192;
/// Most changes that one global update carries.
pub const CHANGES_MAX: usize = 4_096;
/// Unacknowledged messages per peer, and the default of MessageBufferLength (reference section
/// 6.2).
pub const MESSAGES_UNACKNOWLEDGED_MAX: usize = 50;
/// Largest MessageBufferLength: good-enough multicasts of one node that some member lacks.
pub const MULTICASTS_KEPT_MAX: usize = 1_000;
/// Messages waiting behind the unacknowledged ones, per peer.
pub const MESSAGES_BACKLOG_MAX: usize = 16_384;
/// Global updates waiting for the lock on one node.
pub const PROPOSALS_MAX: usize = 4_096;
/// Log records between two checkpoints of the database.
pub const LOG_RECORDS_MAX: usize = 256;

const _: () = assert!(NODES_MAX <= 64, "NodeSet is a u64");
const _: () = assert!(OUTBOX_MAX <= HOPS_MAX, "one full outbox must be routable");
