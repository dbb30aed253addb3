//! Named deadlines: one small table per manager instead of timer messages, so that a cancelled
//! timer can never fire.

use crate::Timestamp;

/// A fixed table of optional deadlines, indexed by a manager's own timer enum cast to `usize`.
///
/// Setting replaces, clearing forgets; a wake-up that comes early finds nothing due.
#[derive(Clone, Debug)]
pub struct Timers<const N: usize> {
    due: [Timestamp; N],
}

impl<const N: usize> Default for Timers<N> {
    fn default() -> Self {
        Self {
            due: [Timestamp::NEVER; N],
        }
    }
}

impl<const N: usize> Timers<N> {
    /// Arms timer `index` for `at`, replacing what was armed.
    pub fn set(&mut self, index: usize, at: Timestamp) {
        self.due[index] = at;
    }

    /// Disarms timer `index`.
    pub fn clear(&mut self, index: usize) {
        self.due[index] = Timestamp::NEVER;
    }

    /// Whether timer `index` is armed.
    #[must_use]
    pub fn is_set(&self, index: usize) -> bool {
        self.due[index] != Timestamp::NEVER
    }

    /// The earliest armed deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let (_, at) = self.earliest();
        (at != Timestamp::NEVER).then_some(at)
    }

    /// Disarms and names the earliest timer that is due at `now`; call until it answers `None`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<usize> {
        let (index, at) = self.earliest();
        if at > now || at == Timestamp::NEVER {
            return None;
        }
        self.due[index] = Timestamp::NEVER;
        Some(index)
    }

    /// A plain loop: this runs several times per poll of every resource, and with iterator adapters
    /// a whole poll took twice as long (measured).
    fn earliest(&self) -> (usize, Timestamp) {
        let mut earliest = (0, Timestamp::NEVER);
        for (index, at) in self.due.iter().enumerate() {
            if *at < earliest.1 {
                earliest = (index, *at);
            }
        }
        earliest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_timers_come_earliest_first_and_once() {
        let mut timers = Timers::<3>::default();
        timers.set(2, Timestamp(5));
        timers.set(0, Timestamp(7));
        assert_eq!(timers.deadline(), Some(Timestamp(5)));
        assert_eq!(timers.pop_due(Timestamp(4)), None);
        assert_eq!(timers.pop_due(Timestamp(9)), Some(2));
        assert_eq!(timers.pop_due(Timestamp(9)), Some(0));
        assert_eq!(timers.pop_due(Timestamp(9)), None);
    }

    #[test]
    fn a_cleared_timer_never_fires() {
        let mut timers = Timers::<1>::default();
        timers.set(0, Timestamp(1));
        timers.clear(0);
        assert_eq!(timers.pop_due(Timestamp::NEVER), None);
    }
}
