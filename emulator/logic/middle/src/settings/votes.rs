//! Counting votes by the four models (seed 001, Quorum Manager 6; reference section 4.1).

use base::{NodeSet, QuorumModel};

use super::{NodeSettings, Settings, Witness};

/// The outcome of one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Votes present.
    pub have: u32,
    /// Votes needed: the majority of `total`.
    pub needed: u32,
    /// Votes configured.
    pub total: u32,
}

impl Tally {
    /// Whether the votes suffice.
    #[must_use]
    pub fn has_quorum(self) -> bool {
        self.total > 0 && self.have >= self.needed
    }

    /// Whether exactly one vote is missing: the only case in which the witness is tried.
    #[must_use]
    pub fn is_one_short(self) -> bool {
        self.have + 1 == self.needed
    }
}

/// Counts the votes of `members`, with the witness's if it is `witness_held`.
#[must_use]
pub fn count(settings: &Settings, members: NodeSet, witness_held: bool) -> Tally {
    if settings.model == QuorumModel::DiskOnly {
        // Whoever owns the disk has quorum; nodes have no votes.
        return Tally {
            have: u32::from(witness_held),
            needed: 1,
            total: 1,
        };
    }
    let nodes = |set: Option<NodeSet>| -> u32 {
        let counted = settings
            .nodes
            .iter()
            .filter(|(n, _)| set.is_none_or(|s| s.contains(**n)));
        counted.map(|(_, node)| weight(settings, node)).sum()
    };
    let witness = witness_weight(settings);
    let total = nodes(None) + witness;
    let have = nodes(Some(members)) + if witness_held { witness } else { 0 };
    Tally {
        have,
        needed: total / 2 + 1,
        total,
    }
}

/// Whether the witness is to be tried after this count: exactly one vote is missing, and the
/// witness can give it. One whose vote dynamic witness has taken away cannot. A disk may all the
/// same where nobody was active: its copy of the database may know newer weights than its node.
#[must_use]
pub fn calls_for_witness(settings: &Settings, tally: Tally, forming: bool) -> bool {
    let votes = settings.model == QuorumModel::DiskOnly || witness_weight(settings) > 0;
    let useful = match settings.witness {
        Witness::None => false,
        Witness::Share | Witness::Cloud => votes,
        Witness::Disk(_) => votes || forming,
    };
    useful && tally.is_one_short()
}

/// A node's vote now: its configured one, unless dynamic quorum has taken it away.
fn weight(settings: &Settings, node: &NodeSettings) -> u32 {
    let dynamic = if settings.dynamic_quorum {
        node.dynamic_weight
    } else {
        1
    };
    node.weight.min(1) * dynamic.min(1)
}

/// The witness's vote now.
fn witness_weight(settings: &Settings) -> u32 {
    match settings.witness {
        Witness::None => 0,
        _ if settings.dynamic_quorum && settings.dynamic_witness => {
            settings.witness_dynamic_weight.min(1)
        }
        _ => 1,
    }
}

wire::codec!(struct Tally { have, needed, total });
