//! What the resilience manager hears and says.

use std::collections::BTreeMap;

use base::{NodeId, Notice, Timestamp};

use crate::database::Change;

/// What the resilience manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From membership: the view fact is new.
    ViewInstalled,
    /// From gum: the view is open.
    Opened,
    /// From object: the object table fact is new.
    ObjectsChanged,
    /// From membership: an administrator started `node` so that its quarantine ends.
    Clear { node: NodeId },
    /// From gum: the proposal has ended, whether or not it was carried out.
    Done,
}

/// What the resilience manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the facts: nodes outside the view that keep their virtual machines, and until when.
    Publish {
        isolated: BTreeMap<NodeId, Timestamp>,
    },
    /// To gum: nodes are isolated or quarantined, or no longer.
    Propose { changes: Vec<Change> },
    /// To the event log.
    Notice(Notice),
}
