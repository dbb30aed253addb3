//! What is due next among many timers: one entry per group and resource, ordered by time, so that
//! a poll costs a few tree operations and never a scan.

use std::collections::BTreeSet;

use base::{GroupId, ResourceId, Timestamp};

/// Whose timer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The leader's placement of groups that wait for a preferred owner.
    Placement,
    /// The wait for quorum has lasted for as long as others wait for this node to stop.
    Limbo,
    /// A stop has lasted for as long as it may.
    Stop,
    /// A proposal that met a full queue is sent again.
    Proposal,
    /// A group's own timers.
    Group(GroupId),
    /// A resource's own timers.
    Resource(ResourceId),
}

/// The ordered index. Each record keeps the time it is entered under ([`Timestamp::NEVER`]: not at
/// all).
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    entries: BTreeSet<(Timestamp, Due)>,
}

impl Deadlines {
    /// Moves the entry of `due` from `armed` to `at`.
    pub(super) fn arm(&mut self, due: Due, armed: &mut Timestamp, at: Option<Timestamp>) {
        let at = at.unwrap_or(Timestamp::NEVER);
        if *armed == at {
            return;
        }
        if *armed != Timestamp::NEVER {
            self.entries.remove(&(*armed, due));
        }
        if at != Timestamp::NEVER {
            self.entries.insert((at, due));
        }
        *armed = at;
    }

    /// The earliest entry.
    pub(super) fn first(&self) -> Option<(Timestamp, Due)> {
        self.entries.first().copied()
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_an_entry_leaves_no_trace_of_its_old_time() {
        let (mut deadlines, mut a, mut b) =
            (Deadlines::default(), Timestamp::NEVER, Timestamp::NEVER);
        let (first, second) = (Due::Resource(ResourceId(1)), Due::Group(GroupId(0)));
        deadlines.arm(first, &mut a, Some(Timestamp(5)));
        deadlines.arm(second, &mut b, Some(Timestamp(7)));
        assert_eq!(deadlines.first(), Some((Timestamp(5), first)));
        deadlines.arm(first, &mut a, Some(Timestamp(9)));
        assert_eq!(deadlines.first(), Some((Timestamp(7), second)));
        deadlines.arm(second, &mut b, None);
        deadlines.arm(first, &mut a, None);
        assert_eq!((deadlines.first(), deadlines.len()), (None, 0));
    }
}
