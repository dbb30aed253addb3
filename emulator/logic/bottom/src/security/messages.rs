//! What the security manager hears, says and puts on the wire.

use std::collections::BTreeMap;
use std::fmt;

use base::{Incarnation, NodeId, NodeSet};

/// SecurityLevel of a cluster (reference section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SecurityLevel {
    /// 0: messages travel in the clear.
    Clear,
    /// 1: messages are signed. The default.
    #[default]
    Sign,
    /// 2: messages are encrypted, which signs them as well.
    Encrypt,
}

impl SecurityLevel {
    /// The number of the property.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Clear => 0,
            Self::Sign => 1,
            Self::Encrypt => 2,
        }
    }

    /// The level of this number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Clear, Self::Sign, Self::Encrypt]
            .into_iter()
            .find(|level| level.number() == number)
    }
}

/// What all nodes of a cluster share and nobody else knows. Made when the cluster is; travels in
/// the cluster database. No certificate is involved (seed 001, Security Manager 1).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// The secret of a lab that is made from words: repeatable, and no secret to whoever knows
    /// them. A cluster that is to keep one is made with 32 bytes of entropy instead.
    #[must_use]
    pub fn from_words(words: &str) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(words).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The two ends of a connection: who connects and who is connected to, each with its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The node that connects, and its life.
    pub connector: (NodeId, Incarnation),
    /// The node that accepts, and its life.
    pub acceptor: (NodeId, Incarnation),
}

impl Ends {
    /// The end that is not `me`.
    #[must_use]
    pub fn peer(&self, me: NodeId) -> (NodeId, Incarnation) {
        if self.connector.0 == me {
            self.acceptor
        } else {
            self.connector
        }
    }
}

/// The handshake of a connection. Proofs are keyed hashes over both ends, their node names and
/// both nonces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The acceptor asks for proof.
    Challenge { ends: Ends, nonce: [u8; 16] },
    /// The connector proves itself and asks back.
    Answer {
        ends: Ends,
        /// The connector's node name.
        name: String,
        nonce: [u8; 16],
        proof: [u8; 32],
    },
    /// The acceptor proves itself.
    Finish {
        ends: Ends,
        /// The acceptor's node name.
        name: String,
        proof: [u8; 32],
    },
}

/// Why a frame or a handshake was refused. It is dropped without an answer and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It is no frame of this version, or cut off.
    #[error("it is not a frame of this version")]
    Malformed,
    /// It comes from a node with which there is no secured connection.
    #[error("its sender has no secured connection")]
    NoSession,
    /// Its signature does not fit: it was changed on its way, or its sender does not know the key.
    #[error("its signature does not fit")]
    Tampered,
    /// It was here before, or is too old to tell.
    #[error("it is a repetition")]
    Replayed,
    /// It is protected less than this cluster demands.
    #[error("it is protected less than SecurityLevel demands")]
    TooWeak,
    /// The node name in it is not that of its sender.
    #[error("the node name in it is not its sender's")]
    WrongName,
}

/// What the security manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the router: the cluster's settings, at start and whenever they change.
    Configure {
        cluster: String,
        secret: Secret,
        level: SecurityLevel,
        names: BTreeMap<NodeId, String>,
    },
    /// From host: secure the connection between these ends. The acceptor speaks first.
    Secure { ends: Ends },
    /// From host: nothing is expected of this handshake any more.
    Abandon { peer: NodeId },
    /// From the wire.
    Message { from: NodeId, message: Message },
}

/// What the security manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the peer, over every route there is.
    Send { to: NodeId, message: Message },
    /// To host: this connection is secured.
    Secured { peer: NodeId, life: Incarnation },
    /// To host and the event log: the peer could not prove itself.
    Refused { peer: NodeId, refusal: Refusal },
    /// To the facts: nodes with a secured connection.
    Publish { secured: NodeSet },
}

wire::codec!(struct Ends { connector, acceptor });
wire::codec!(enum Message {
    0 = Challenge { ends, nonce },
    1 = Answer { ends, name, nonce, proof },
    2 = Finish { ends, name, proof },
});
