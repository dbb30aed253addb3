//! What nodes say to each other: the union of all managers' messages.

use std::sync::Arc;

use bottom::netft::Heartbeat;
use bottom::{csvfs, security};
use middle::messaging::Segment;
use middle::{gum, host, membership, quorum};
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
    /// host's opening of a connection.
    Host(Arc<host::Message>),
    /// security's handshake.
    Security(Arc<security::Message>),
}

impl Frame {
    /// Whether it needs no secured connection: heartbeats, and what makes a connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Heartbeat(_) | Self::Host(_) | Self::Security(_) => true,
            Self::Membership(_) | Self::Segment(_) => false,
        }
    }
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
    /// Between file systems of shared volumes.
    Csvfs(csvfs::Message),
}
