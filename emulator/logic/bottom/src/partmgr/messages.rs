//! What the partition manager hears and says.

use std::collections::BTreeSet;

use base::{DiskId, Notice};
use volume::Table;

use crate::clusdisk::{DiskReport, Request};

/// What is known of a disk that this machine sees.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DiskLook {
    /// Its signature and partitions, once they could be read.
    pub table: Option<Table>,
    /// This node may use it: it owns it, or is registered beside the owner. Else the disk is kept
    /// offline, whatever is on it.
    pub online: bool,
}

/// What the partition manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm: the disks that belong to the cluster, all of them.
    Disks { disks: BTreeSet<DiskId> },
    /// From clusdisk.
    Disk { report: DiskReport },
}

/// What the partition manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To clusdisk.
    Disk { disk: DiskId, request: Request },
    /// To the facts.
    Publish { disk: DiskId, look: DiskLook },
    /// To the event log.
    Notice(Notice),
}
