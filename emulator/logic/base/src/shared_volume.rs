//! The states of a cluster shared volume on one node.

use std::fmt;

/// How a node reaches a cluster shared volume (reference section 9, events 5120 to 5157). Which
/// state follows from which cause is unsourced beyond what those events say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum VolumeState {
    /// It is not online anywhere yet, or was taken offline.
    #[default]
    Offline,
    /// The node reads and writes the disk by itself.
    Direct,
    /// An administrator has everything go through the coordinator (event 5121).
    FileSystemRedirected,
    /// The node has no way to the disk, so its reads and writes go through the coordinator (event
    /// 5121).
    BlockRedirected,
    /// Reads and writes wait for a coordinator (event 5120; 5157 where that was to be `expected`).
    Paused { expected: bool },
    /// Maintenance mode: the coordinator alone uses it.
    Maintenance,
    /// It was paused for too long (event 5142).
    Inaccessible,
    /// Its disk failed on this node, the coordinator (event 5150).
    DiskFailed,
}

impl VolumeState {
    /// The state in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Offline => "Offline",
            Self::Direct => "Direct",
            Self::FileSystemRedirected => "File System Redirected",
            Self::BlockRedirected => "Block Redirected",
            Self::Paused { .. } => "Paused",
            Self::Maintenance => "In Maintenance",
            Self::Inaccessible => "Inaccessible",
            Self::DiskFailed => "Disk Failed",
        }
    }

    /// Whether reads and writes are carried out in it, at least on the coordinator.
    #[must_use]
    pub fn is_usable(self) -> bool {
        match self {
            Self::Direct
            | Self::FileSystemRedirected
            | Self::BlockRedirected
            | Self::Maintenance => true,
            Self::Offline | Self::Paused { .. } | Self::Inaccessible | Self::DiskFailed => false,
        }
    }

    /// The number of the event by which the product tells of it, if it has one.
    #[must_use]
    pub fn event_id(self) -> Option<u16> {
        match self {
            Self::Paused { expected: false } => Some(5120),
            Self::FileSystemRedirected | Self::BlockRedirected => Some(5121),
            Self::Inaccessible => Some(5142),
            Self::DiskFailed => Some(5150),
            Self::Paused { expected: true } => Some(5157),
            Self::Offline | Self::Direct | Self::Maintenance => None,
        }
    }
}

impl fmt::Display for VolumeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
