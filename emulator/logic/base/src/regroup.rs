//! The stages of a regroup.

/// The stages of a regroup (seed 001, Membership Manager: a multi-stage algorithm; timers from
/// reference section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegroupStage {
    /// Connectivity is gossiped until it is known or the opening timer ends.
    Opening,
    /// The coordinator has proposed a view and waits for acknowledgements.
    Closing,
    /// Nodes that did not acknowledge are taken out and the round starts again.
    Pruning,
}

impl RegroupStage {
    /// The stage in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Closing => "closing",
            Self::Pruning => "pruning",
        }
    }
}
