//! What the transaction log hears and says, and the requests it makes of the node's own disk.

use base::IoId;

/// Files of the cluster database on the node's own disk (reference section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// CLUSDB: the last checkpoint of the hive.
    Hive,
    /// CLUSDB.1.container: the log since that checkpoint.
    Log,
}

impl FileName {
    /// The name on disk.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hive => "CLUSDB",
            Self::Log => "CLUSDB.1.container",
        }
    }
}

/// One operation on the node's own disk. The shell keeps order per file and answers each exactly
/// once; after a crash any subset of what was not synced may be missing or torn at a sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskRequest {
    /// Read the whole file; an absent file reads as empty.
    Read { file: FileName },
    /// Append bytes; durable only after a `Sync` of the same file.
    Append { file: FileName, bytes: Vec<u8> },
    /// Make everything appended so far durable.
    Sync { file: FileName },
    /// Replace the whole content atomically and durably (write beside, sync, rename, sync the
    /// folder): afterwards, even after a crash, the file is the old or the new content.
    Replace { file: FileName, bytes: Vec<u8> },
}

/// How a disk operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOutcome {
    /// The content read.
    Read(Vec<u8>),
    /// Done.
    Done,
    /// The disk refused: the file may hold any part of what was asked.
    Failed,
}

/// What the transaction log hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From database at start: read checkpoint and log.
    Open,
    /// From database: keep this record; `Durable` answers with its number.
    Append { record: Vec<u8> },
    /// From database: replace everything so far by this content.
    Checkpoint { content: Vec<u8> },
    /// From the shell: one of our operations ended.
    DiskDone { io: IoId, outcome: DiskOutcome },
}

/// What the transaction log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the shell.
    Disk { io: IoId, request: DiskRequest },
    /// To database, once after `Open`: the checkpoint (none on a blank disk) and every whole
    /// record after it, oldest first. A torn tail is cut off.
    Recovered {
        checkpoint: Option<Vec<u8>>,
        records: Vec<Vec<u8>>,
    },
    /// To database, once after `Open`: the checkpoint or the log is damaged beyond a torn tail, or
    /// the disk refuses to read. Nothing can be kept.
    Unreadable,
    /// To database: the next `Append`, in order, is on disk.
    Durable,
    /// To database: the next `Checkpoint`, in order, is on disk and the log before it is void.
    CheckpointDone,
    /// To database: the disk refused; nothing after this can be kept.
    Failed,
}
