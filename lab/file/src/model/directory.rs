//! The directory services that network names register with.

/// The directory of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The domain below which network names are registered.
    pub domain: String,
    /// Whether anybody may register names; otherwise nobody may.
    pub takes_updates: bool,
}

/// What goes wrong with the name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsFault {
    /// It answers nothing.
    Down,
    /// It refuses every update.
    RefuseUpdates,
    /// It acknowledges updates and forgets them.
    LoseUpdates,
}
