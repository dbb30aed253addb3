//! What the checkpoint manager hears and says.

use base::{HostId, Notice, PaxosTag, ResourceId};
use middle::database::Change;
use middle::gum;

use crate::rcm::{HostCommand, HostReport};
use crate::restype::CheckpointKey;

/// Tickets of this manager's proposals start here; resource control's stay below.
pub const FIRST_TICKET: u64 = 1 << 62;

/// What the checkpoint manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm: bring a resource's checkpoints to the node, before it comes online in `host`.
    /// Answered by `Restored`.
    Restore {
        resource: ResourceId,
        host: HostId,
        keys: Vec<CheckpointKey>,
    },
    /// From a resource host: `Restored` or `Saved`; other reports are not for this manager.
    Host { host: HostId, report: HostReport },
    /// From gum: a proposal of ours ended.
    Done {
        ticket: gum::Ticket,
        result: Result<PaxosTag, gum::Failure>,
    },
    /// From gum: the view is open; what could not be agreed on before is proposed again.
    Opened,
}

/// What the checkpoint manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the shell.
    Host { host: HostId, command: HostCommand },
    /// To rcm: the resource may come online.
    Restored { resource: ResourceId },
    /// To gum.
    Propose {
        ticket: gum::Ticket,
        changes: Vec<Change>,
    },
    /// To the event log.
    Notice(Notice),
}
