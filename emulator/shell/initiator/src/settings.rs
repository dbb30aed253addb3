//! What a path is made of, and how long it waits for what.

use std::net::SocketAddr;
use std::time::Duration;

use scsi::iscsi::login::Identity;

/// What a path is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The portals of the target's portal group, tried in turn.
    pub portals: Vec<SocketAddr>,
    /// Who logs in, to which target, with which proof.
    pub identity: Identity,
    /// How long to wait for what.
    pub patience: Patience,
}

/// How long a path waits for what. Unsourced values, chosen to be well below the cluster's own
/// limits for a disk that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection and its login.
    pub connect: Duration,
    /// For the outcome of a command, the time until there is a connection included.
    pub command: Duration,
    /// For the answer to ABORT TASK, before the connection is given up.
    pub abort: Duration,
    /// A connection that is silent for so long is asked for a sign of life, and given up after
    /// as long again.
    pub silence: Duration,
    /// Between two attempts to connect, at first; doubled each time up to [`Self::retry_max`].
    pub retry: Duration,
    /// Between two attempts to connect, at most.
    pub retry_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            command: Duration::from_secs(10),
            abort: Duration::from_secs(2),
            silence: Duration::from_secs(5),
            retry: Duration::from_millis(50),
            retry_max: Duration::from_secs(2),
        }
    }
}
