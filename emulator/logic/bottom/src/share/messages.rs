//! What the witness share's client hears and says, and what it asks of the file server.

use base::{IoId, PaxosTag};

/// One operation on the witness share. The shell answers each exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareRequest {
    /// Open `witness.log` for this node alone. The server breaks the hold of a node whose session
    /// it has lost.
    Lock,
    /// Read the tag that was last written.
    Read,
    /// Write a tag; only while locked.
    Write(PaxosTag),
    /// Close the file.
    Unlock,
}

/// How an operation on the witness share ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareOutcome {
    /// Locked, written or unlocked.
    Done,
    /// The tag in the file; none in a new one.
    Read(Option<PaxosTag>),
    /// Another node has the file open.
    Held,
    /// The server did not answer, or the hold was broken.
    Unreachable,
}

/// What the client of the witness share hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm: get the lock, waiting ArbitrationDelay first unless this node owns the core
    /// group.
    Arbitrate { owns_core_group: bool },
    /// From rcm: give the lock back.
    Release,
    /// From database: remember this tag (no copy of the database is kept on a share). Answered by
    /// `Remembers` once the file has it.
    Remember(PaxosTag),
    /// From the shell.
    Done { io: IoId, outcome: ShareOutcome },
}

/// What the client of the witness share says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the shell.
    Share { io: IoId, request: ShareRequest },
    /// To quorum and rcm: locked; `tag` is what the file remembers.
    Held { tag: Option<PaxosTag> },
    /// To quorum and rcm: not to be had.
    Lost { unreachable: bool },
    /// To quorum and rcm: a lock that was held is gone.
    Failed,
    /// To database: what the file says from now on while this node has it open; none: this node has
    /// it open no longer.
    Remembers { tag: Option<PaxosTag> },
}

wire::codec!(enum ShareRequest { 0 = Lock, 1 = Read, 2 = Write(tag), 3 = Unlock });
wire::codec!(enum ShareOutcome { 0 = Done, 1 = Read(tag), 2 = Held, 3 = Unreachable });
