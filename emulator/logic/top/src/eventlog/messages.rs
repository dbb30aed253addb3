//! What the event-log replication manager hears, says and tells its peers.

use std::sync::Arc;

use base::{Incarnation, NodeId, NodeSet, Notice, WallTime};

/// How serious an event is (reference section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// C
    Critical,
    /// E
    Error,
    /// W
    Warning,
    /// I
    Information,
}

impl Level {
    /// The word for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Information => "Information",
        }
    }
}

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The node that noticed it.
    pub node: NodeId,
    /// The life of that node.
    pub incarnation: Incarnation,
    /// Its place among the events of that life.
    pub number: u64,
    /// The clock of that node; never compared with another's.
    pub at: WallTime,
    /// The product's number of the event.
    pub id: u16,
    /// How serious it is.
    pub level: Level,
    /// What happened, in words.
    pub text: String,
}

/// What travels between event-log replication managers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To all members: an event of the sender, for their logs.
    Offer { record: EventRecord },
}

/// What the manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the router: this node said something.
    Noticed(Notice),
    /// From another member.
    Message { from: NodeId, message: Message },
}

/// What the manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To messaging.
    Send { to: NodeSet, message: Message },
    /// To the facts.
    Publish { events: Arc<Vec<EventRecord>> },
}

wire::codec!(enum Level {
    0 = Critical,
    1 = Error,
    2 = Warning,
    3 = Information,
});
wire::codec!(struct EventRecord { node, incarnation, number, at, id, level, text });
wire::codec!(enum Message { 0 = Offer { record } });
