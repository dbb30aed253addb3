//! Everything that was said: by nodes in notices, by the world about itself.

use base::{HaltReason, NodeId, Notice, Timestamp};

use top::api::AdminCommand;

use crate::FaultId;
use crate::world::Fault;

/// What the world says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldEvent {
    /// A machine went off.
    PowerOff(NodeId),
    /// A machine has power again and boots.
    PowerOn(NodeId),
    /// A cluster service began a life.
    ServiceStarted(NodeId),
    /// A cluster service ended by its own decision.
    ServiceEnded(NodeId, HaltReason),
    /// The process of a cluster service died.
    ServiceKilled(NodeId),
    /// A cluster service was asked to stop.
    StopAsked(NodeId),
    /// A machine froze.
    Frozen(NodeId),
    /// A machine goes on.
    Thawed(NodeId),
    /// A fault was made.
    Fault(FaultId, Fault),
    /// A fault was healed.
    Healed(FaultId),
    /// An administrator asked a node for something.
    Asked(NodeId, AdminCommand),
    /// The scenario did something; in its own words.
    Step(String),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node said this.
    Notice(NodeId, Notice),
    /// The world said this.
    World(WorldEvent),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in world time.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

impl Entry {
    /// Whether it is one of the many that say only that somebody looks, or one that only checkers
    /// read.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        matches!(
            self.what,
            What::Notice(
                _,
                Notice::LooksAliveAsked { .. }
                    | Notice::IsAliveAsked { .. }
                    | Notice::ViewClosed { .. }
                    | Notice::CausallyDelivered { .. }
            )
        )
    }
}

/// Entries kept when not everything is: enough to see what led to a failure.
const RECENT_MAX: usize = 4_096;

/// The log of a run.
#[derive(Clone, Debug)]
pub struct Log {
    keep: bool,
    entries: Vec<Entry>,
}

impl Log {
    /// An empty log that keeps everything, or only what is recent.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self {
            keep,
            entries: Vec::new(),
        }
    }

    /// A node said something.
    pub fn notice(&mut self, at: Timestamp, node: NodeId, notice: Notice) {
        self.add(at, What::Notice(node, notice));
    }

    /// The world did something.
    pub fn world(&mut self, at: Timestamp, event: WorldEvent) {
        self.add(at, What::World(event));
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The notices among the entries from a place on.
    pub fn notices(&self, from: usize) -> impl Iterator<Item = (Timestamp, NodeId, &Notice)> {
        self.entries
            .iter()
            .skip(from)
            .filter_map(|entry| match &entry.what {
                What::Notice(node, notice) => Some((entry.at, *node, notice)),
                What::World(_) => None,
            })
    }

    fn add(&mut self, at: Timestamp, what: What) {
        if !self.keep && self.entries.len() >= 2 * RECENT_MAX {
            self.entries.drain(..RECENT_MAX);
        }
        self.entries.push(Entry { at, what });
    }
}
