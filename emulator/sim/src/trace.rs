//! The trace: what two runs of one seed must have in common, and the short lines that people read.

use std::fmt::{self, Write};

use base::{NodeId, Notice, QuorumState, ResourceState, Timestamp};
use node::Picture;

/// FNV-1a over everything that happened: quick, stable, and good enough to tell runs apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hasher(u64);

impl Hasher {
    const START: Self = Self(0xcbf2_9ce4_8422_2325);

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

/// One line per state transition of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub String);

impl Line {
    /// Fixed width up to the groups: time, node, state, view, members, quorum, lock, tag.
    #[must_use]
    pub fn of(at: Timestamp, picture: &Picture) -> Self {
        let (view, members) = match picture.view {
            Some((id, members)) => (format!("{}.{}", id.epoch, id.coordinator), members.len()),
            None => ("-".to_owned(), 0),
        };
        let quorum = match picture.quorum {
            QuorumState::Absent => "none",
            QuorumState::Arbitrating => "arb",
            QuorumState::Held => "held",
        };
        let lock = picture
            .lock_owner
            .map_or("-".to_owned(), |node| node.to_string());
        let ready = if picture.ready { '+' } else { ' ' };
        let mut line = format!(
            "{:>13.3} {:>2} {:<7} {view:>7} {members:>2} {quorum:<4}{ready} {lock:>2} {:<10}",
            millis(at),
            picture.node,
            picture.state.label(),
            picture.tag.to_string(),
        );
        for (group, row) in &picture.groups {
            let _never_fails = write!(line, " {group}@{}", row.owner);
        }
        for (resource, state) in &picture.running {
            let _never_fails = write!(line, " {resource}{}", letter(*state));
        }
        Self(line)
    }
}

fn letter(state: ResourceState) -> char {
    match state {
        ResourceState::Offline => '-',
        ResourceState::OnlinePending => '^',
        ResourceState::Online => '+',
        ResourceState::OfflinePending => 'v',
        ResourceState::Failed => '!',
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people, to the microsecond")]
fn millis(at: Timestamp) -> f64 {
    at.0 as f64 / 1e6
}

/// The trace of a run.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: Hasher,
    keep: bool,
    lines: Vec<Line>,
}

impl Trace {
    /// An empty trace; `keep` remembers the lines, not only their hash.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self {
            hash: Hasher::START,
            keep,
            lines: Vec::new(),
        }
    }

    /// A node said something.
    pub fn notice(&mut self, at: Timestamp, node: NodeId, notice: &Notice) {
        self.hash.bytes(&at.0.to_le_bytes());
        self.hash.bytes(&[node.number()]);
        let _never_fails = write!(self.hash, "{notice:?}");
    }

    /// The world did something.
    pub fn world(&mut self, at: Timestamp, what: &str) {
        self.hash.bytes(&at.0.to_le_bytes());
        self.hash.bytes(what.as_bytes());
    }

    /// A node's state changed.
    pub fn state(&mut self, at: Timestamp, picture: &Picture) {
        let line = Line::of(at, picture);
        self.hash.bytes(line.0.as_bytes());
        if self.keep {
            self.lines.push(line);
        }
    }

    /// The hash so far, as 16 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{:016x}", self.hash.0)
    }

    /// The lines so far, if they are kept.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}
