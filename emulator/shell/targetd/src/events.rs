//! What the target tells whoever runs it.

use std::net::SocketAddr;
use std::sync::Arc;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The target listens.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// Someone has connected.
    Connected {
        /// From where.
        peer: SocketAddr,
    },
    /// An initiator has logged in.
    LoggedIn {
        /// From where.
        peer: SocketAddr,
        /// Its iSCSI name and session identifier.
        initiator: String,
    },
    /// A connection has ended.
    Closed {
        /// From where it was.
        peer: SocketAddr,
        /// Why.
        why: String,
    },
}

/// Who is told; called from the connections' threads.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;
