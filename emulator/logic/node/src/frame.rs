//! What nodes say to each other: the union of all managers' messages.

use std::sync::Arc;

use bottom::netft::Heartbeat;
use middle::messaging::Segment;
use middle::{gum, membership, quorum};
use top::{eventlog, rcm};

/// One datagram between two nodes. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// netft's heartbeat or its reply.
    Heartbeat(Heartbeat),
    /// membership's gossip and regroup.
    Membership(Arc<membership::Message>),
    /// messaging's conversations within a view.
    Segment(Segment<Payload>),
}

/// What messaging carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Between global update managers.
    Gum(gum::Message),
    /// Between quorum managers.
    Quorum(quorum::Message),
    /// Between resource control managers.
    Rcm(rcm::Message),
    /// Between event-log replication managers.
    EventLog(eventlog::Message),
}
