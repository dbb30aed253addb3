//! What the directory tells whoever runs it.

use std::net::SocketAddr;
use std::sync::Arc;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A zone was changed.
    Updated {
        /// Who asked.
        peer: SocketAddr,
        /// The zone.
        zone: String,
        /// Who has signed, if anybody.
        by: Option<String>,
    },
    /// A zone was not changed.
    Refused {
        /// Who asked.
        peer: SocketAddr,
        /// The zone.
        zone: String,
        /// Who has signed, if anybody.
        by: Option<String>,
        /// The code of the answer.
        code: String,
    },
    /// A client has proven who it is.
    Established {
        /// Who asked.
        peer: SocketAddr,
        /// Who it is.
        principal: String,
    },
    /// Something could not be kept; nobody was told that it was.
    Failed {
        /// What, and why.
        why: String,
    },
}

/// Who is told; called from any thread.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;
