//! What the topology manager hears and says.

use base::{NetworkId, NodeId, Notice};
use bottom::netft::{Network, Peer};

use crate::database::Change;

/// What the topology manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From database: the settings fact is new.
    SettingsChanged,
    /// From the shell: an interface of this node changed its link.
    Interface { network: NetworkId, up: bool },
    /// From netft: heartbeats of the peer are answered on the network, or no longer.
    Route {
        network: NetworkId,
        peer: NodeId,
        up: bool,
    },
    /// From gum: the view is open.
    Opened,
    /// From object: the object table fact is new.
    ObjectsChanged,
    /// From gum: the proposal has ended, whether or not it was carried out.
    Done,
}

/// What the topology manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To netft: whom to watch over what.
    Configure {
        peers: Vec<Peer>,
        networks: Vec<Network>,
    },
    /// To rcm: an interface of this node works, or no longer; the flag that IP Address resources
    /// read.
    Interface { network: NetworkId, up: bool },
    /// To gum: what this node sees of its interfaces.
    Propose { changes: Vec<Change> },
    /// To the event log.
    Notice(Notice),
}
