//! Newtypes for everything that is numbered.

use std::fmt;

use crate::WallTime;

/// A node of the cluster, 1 to 64, in the order in which nodes joined the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u8);

impl NodeId {
    /// Node number `number`, if it is 1 to 64.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 64 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number, 1 to 64.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Position in a table of 64.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of nodes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeSet(pub u64);

impl NodeSet {
    /// No node.
    pub const EMPTY: Self = Self(0);

    /// Just `node`.
    #[must_use]
    pub const fn one(node: NodeId) -> Self {
        Self(1 << (node.0 - 1))
    }

    /// Whether `node` is in it.
    #[must_use]
    pub const fn contains(self, node: NodeId) -> bool {
        self.0 & (1 << (node.0 - 1)) != 0
    }

    /// With `node` as well.
    #[must_use]
    pub const fn with(self, node: NodeId) -> Self {
        Self(self.0 | (1 << (node.0 - 1)))
    }

    /// Without `node`.
    #[must_use]
    pub const fn without(self, node: NodeId) -> Self {
        Self(self.0 & !(1 << (node.0 - 1)))
    }

    /// Adds `node`.
    pub fn insert(&mut self, node: NodeId) {
        *self = self.with(node);
    }

    /// Takes `node` out.
    pub fn remove(&mut self, node: NodeId) {
        *self = self.without(node);
    }

    /// Nodes in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Nodes in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Nodes in this and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of this is in `other`.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// How many nodes.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest node.
    #[must_use]
    pub fn first(self) -> Option<NodeId> {
        self.iter().next()
    }

    /// The nodes in ascending order.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let low = u8::try_from(rest.trailing_zeros())
                .ok()
                .filter(|bit| *bit < 64)?;
            rest &= rest - 1;
            Some(NodeId(low + 1))
        })
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        nodes.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, node) in self.iter().enumerate() {
            write!(f, "{}{node}", if i == 0 { "" } else { " " })?;
        }
        f.write_str(")")
    }
}

macro_rules! number {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(/// A cluster network, by its place in the configuration.
    NetworkId(u8));
number!(/// A group, by its place in the configuration; the core group is 0.
    GroupId(u16));
number!(/// A resource, by its place in the configuration.
    ResourceId(u16));
number!(/// A clustered disk (a logical unit that every node sees).
    DiskId(u16));
number!(/// A resource host process of one node.
    HostId(u16));
number!(/// One entry-point call into a resource host.
    CallId(u64));
number!(/// One disk or SCSI operation in flight; unique in a node's life.
    IoId(u64));
number!(/// One administrator's request.
    RequestId(u64));
number!(/// Which life of a node this is: grows with every start of the service.
    Incarnation(u64));

/// Names one membership view. Unique: the epoch is above every epoch that its members had seen,
/// and one life of a coordinator uses an epoch once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId {
    /// Grows with every regroup.
    pub epoch: u64,
    /// The node that proposed the view.
    pub coordinator: NodeId,
    /// That node's life.
    pub incarnation: Incarnation,
}

impl fmt::Debug for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            self.epoch, self.coordinator, self.incarnation
        )
    }
}

/// The Paxos tag of a replica of the cluster database: NextEpoch:LastUpdateEpoch:Sequence
/// (reference section 4.3). Ordered by last update epoch, then sequence, then next epoch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PaxosTag {
    /// Epoch that the next update will carry.
    pub next_epoch: u64,
    /// Epoch of the last update.
    pub last_epoch: u64,
    /// Number of the last update within the database's life.
    pub sequence: u64,
}

impl PartialOrd for PaxosTag {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PaxosTag {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |tag: &Self| (tag.last_epoch, tag.sequence, tag.next_epoch);
        key(self).cmp(&key(other))
    }
}

/// Epochs from here on were begun by an administrator's word.
const FORCED_EPOCHS: u64 = 1 << 62;
/// Room below the time stamp of such an epoch, for the node and for the epochs that follow it.
const STAMP_SHIFT: u32 = 20;
/// Room below its node, for the epochs that follow it.
const NODE_SHIFT: u32 = 12;

impl PaxosTag {
    /// The epoch that `node` begins at `wall` by an administrator's word: a time stamp and the
    /// node instead of a small number, so that it is above every epoch that counted up and above
    /// whatever this replica has seen (reference section 4.3).
    #[must_use]
    pub fn forced_epoch(self, wall: WallTime, node: NodeId) -> u64 {
        let stamp = |millis: u64| {
            let millis = millis & (FORCED_EPOCHS - 1) >> STAMP_SHIFT;
            FORCED_EPOCHS | millis << STAMP_SHIFT | u64::from(node.number()) << NODE_SHIFT
        };
        let known = self.next_epoch.max(self.last_epoch);
        stamp(wall.0).max(if known < FORCED_EPOCHS {
            0
        } else {
            stamp(stamped_millis(known) + 1)
        })
    }

    /// The time stamp and node of the administrator's word that this replica descends from; 0
    /// where there never was one. Of two replicas the one with the later word counts.
    #[must_use]
    pub fn authority(self) -> u64 {
        let epoch = self.next_epoch.max(self.last_epoch);
        if epoch < FORCED_EPOCHS {
            return 0;
        }
        epoch >> NODE_SHIFT
    }
}

/// The time stamp of a forced epoch, in milliseconds since 1970.
fn stamped_millis(epoch: u64) -> u64 {
    (epoch & !FORCED_EPOCHS) >> STAMP_SHIFT
}

/// One epoch of a tag: a number, or the time stamp and the node of an administrator's word with
/// the number of epochs since.
struct Epoch(u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < FORCED_EPOCHS {
            return write!(f, "{}", self.0);
        }
        let wall = WallTime(stamped_millis(self.0));
        let node = self.0 >> NODE_SHIFT & ((1 << (STAMP_SHIFT - NODE_SHIFT)) - 1);
        write!(f, "{}_{node}", wall.stamp())?;
        match self.0 & ((1 << NODE_SHIFT) - 1) {
            0 => Ok(()),
            since => write!(f, "+{since}"),
        }
    }
}

impl fmt::Display for PaxosTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (next, last) = (Epoch(self.next_epoch), Epoch(self.last_epoch));
        write!(f, "{next}:{last}:{}", self.sequence)
    }
}

impl fmt::Debug for PaxosTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_numbers_are_one_to_sixty_four() {
        assert_eq!(NodeId::new(0), None);
        assert_eq!(NodeId::new(65), None);
        assert_eq!(NodeId::new(64).map(NodeId::index), Some(63));
    }

    #[test]
    fn a_node_set_lists_its_nodes_in_order() {
        let nodes: NodeSet = [64, 1, 7].into_iter().filter_map(NodeId::new).collect();
        assert_eq!(nodes.to_string(), "(1 7 64)");
        assert_eq!(nodes.len(), 3);
        assert_eq!(nodes.first(), NodeId::new(1));
    }

    #[test]
    fn a_later_epoch_beats_a_longer_sequence() {
        let old = PaxosTag {
            next_epoch: 3,
            last_epoch: 3,
            sequence: 276,
        };
        let new = PaxosTag {
            next_epoch: 4,
            last_epoch: 4,
            sequence: 2,
        };
        assert!(new > old);
        assert_eq!(old.to_string(), "3:3:276");
    }

    #[test]
    fn an_epoch_by_an_administrators_word_is_a_time_stamp_and_a_node_and_always_wins() {
        let old = PaxosTag {
            next_epoch: 900,
            last_epoch: 900,
            sequence: 294,
        };
        let node = NodeId::new(4).unwrap();
        // 2007-12-31 15:35:55.889 UTC.
        let wall = WallTime(1_199_115_355_889);
        let epoch = old.forced_epoch(wall, node);
        let forced = PaxosTag {
            next_epoch: epoch,
            last_epoch: epoch,
            sequence: 294,
        };
        let stamp = "2007/12/31-15`35`55.889_4";
        assert_eq!(forced.to_string(), format!("{stamp}:{stamp}:294"));
        assert!(
            forced
                > PaxosTag {
                    sequence: 9_999,
                    ..old
                }
        );
        assert!(forced.authority() > old.authority());
        let next = PaxosTag {
            next_epoch: epoch + 1,
            ..forced
        };
        assert_eq!(next.authority(), forced.authority());
        assert_eq!(next.to_string(), format!("{stamp}+1:{stamp}:294"));
    }

    #[test]
    fn a_second_word_wins_even_if_the_clock_has_gone_back() {
        let node = NodeId::new(1).unwrap();
        let first = PaxosTag::default().forced_epoch(WallTime(9_000), node);
        let tag = PaxosTag {
            next_epoch: first + 3,
            last_epoch: first,
            sequence: 1,
        };
        assert!(tag.forced_epoch(WallTime(5), node) > tag.next_epoch);
    }
}
