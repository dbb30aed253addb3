//! Background clients and what they look at.

use std::time::Duration;

use crate::position::Position;

/// A client that looks at something all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub position: Position,
    /// The machine that it runs on; no member of the cluster.
    pub from: String,
    /// How it looks.
    pub kind: WorkloadKind,
    /// The address resource that it looks at: its group and its name.
    pub target: (String, String),
    /// Time between two looks, and how long an answer may take.
    pub every: Duration,
}

/// How a client looks at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// An echo request of ICMP.
    Ping,
    /// A new connection of TCP, and a byte there and back.
    Connect,
}

impl WorkloadKind {
    /// The word of the lab file.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Connect => "connect",
        }
    }
}
