//! What will happen, in order of time: a heap for the odd cases and one lane per steady stream.
//!
//! Entries are ordered by (time, tie). The tie is the order of insertion, or a seeded draw, which
//! explores orders that equal times hide. A lane is a plain queue for entries that are put in
//! with times that never go back (datagrams of an unimpaired network all take equally long), which
//! spares the heap on the heartbeat path.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use base::{Rng, Timestamp};

/// An entry with its place in the order.
#[derive(Debug)]
struct Entry<T> {
    at: u64,
    tie: u64,
    what: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (u64, u64) {
        (self.at, self.tie)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Where the earliest entry is.
#[derive(Clone, Copy)]
enum Place {
    Heap,
    Lane(usize),
}

/// The event queue of the world.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    lanes: Vec<VecDeque<Entry<T>>>,
    inserted: u64,
    shuffle: Option<Rng>,
}

impl<T> Queue<T> {
    /// An empty queue with so many lanes; `shuffle` draws the ties of equal times.
    pub(crate) fn new(lanes: usize, shuffle: Option<Rng>) -> Self {
        Self {
            heap: BinaryHeap::new(),
            lanes: (0..lanes).map(|_| VecDeque::new()).collect(),
            inserted: 0,
            shuffle,
        }
    }

    /// Puts an entry in.
    pub(crate) fn push(&mut self, at: Timestamp, what: T) {
        let entry = self.entry(at, what);
        self.heap.push(Reverse(entry));
    }

    /// Puts an entry in whose time is not before those put into the same lane earlier; if it is,
    /// or while ties are shuffled, it goes to the heap.
    pub(crate) fn push_lane(&mut self, lane: usize, at: Timestamp, what: T) {
        let entry = self.entry(at, what);
        let steady = self.shuffle.is_none();
        match self.lanes.get_mut(lane) {
            Some(queue) if steady && queue.back().is_none_or(|last| last.at <= entry.at) => {
                queue.push_back(entry);
            }
            _ => self.heap.push(Reverse(entry)),
        }
    }

    /// The time of the earliest entry.
    #[cfg(test)]
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.earliest().map(|(key, _)| Timestamp(key.0))
    }

    /// Takes the earliest entry out unless it is later than `limit`.
    pub(crate) fn pop_until(&mut self, limit: Timestamp) -> Option<(Timestamp, T)> {
        let (key, place) = self.earliest()?;
        if key.0 > limit.0 {
            return None;
        }
        let entry = match place {
            Place::Heap => self.heap.pop()?.0,
            Place::Lane(lane) => self.lanes[lane].pop_front()?,
        };
        Some((Timestamp(entry.at), entry.what))
    }

    /// How many entries wait.
    pub(crate) fn len(&self) -> usize {
        self.heap.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }

    fn earliest(&self) -> Option<((u64, u64), Place)> {
        let mut best = self.heap.peek().map(|top| (top.0.key(), Place::Heap));
        for (lane, queue) in self.lanes.iter().enumerate() {
            if let Some(front) = queue.front() {
                let key = front.key();
                if best.is_none_or(|(earliest, _)| key < earliest) {
                    best = Some((key, Place::Lane(lane)));
                }
            }
        }
        best
    }

    fn entry(&mut self, at: Timestamp, what: T) -> Entry<T> {
        let tie = match &mut self.shuffle {
            Some(rng) => rng.bits(),
            None => self.inserted,
        };
        self.inserted += 1;
        Entry {
            at: at.0,
            tie,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop_until(Timestamp::NEVER).map(|(_, what)| what)).collect()
    }

    #[test]
    fn entries_come_by_time_and_then_by_insertion_wherever_they_wait() {
        let mut queue = Queue::new(2, None);
        queue.push(Timestamp(5), 1);
        queue.push_lane(0, Timestamp(5), 2);
        queue.push_lane(1, Timestamp(3), 3);
        queue.push_lane(1, Timestamp(5), 4);
        queue.push(Timestamp(4), 5);
        assert_eq!(queue.next_at(), Some(Timestamp(3)));
        assert_eq!(drain(&mut queue), [3, 5, 1, 2, 4]);
    }

    #[test]
    fn an_entry_that_would_overtake_its_lane_still_comes_in_time() {
        let mut queue = Queue::new(1, None);
        queue.push_lane(0, Timestamp(9), 1);
        queue.push_lane(0, Timestamp(2), 2);
        assert_eq!(drain(&mut queue), [2, 1]);
    }

    #[test]
    fn nothing_comes_before_its_time() {
        let mut queue = Queue::new(0, None);
        queue.push(Timestamp(9), 1);
        assert!(queue.pop_until(Timestamp(8)).is_none());
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_seed_shuffles_equal_times_the_same_way_twice() {
        let order = |seed| {
            let mut queue = Queue::new(1, Some(Rng::new(seed, 0)));
            (0..16).for_each(|what| queue.push_lane(0, Timestamp(1), what));
            drain(&mut queue)
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
