//! What is always true of this manager between two calls.

use base::{ResourceState, Timestamp};

use super::Rcm;
use super::resource::{Resource, Timer};

impl Rcm {
    /// Asserts the invariants.
    ///
    /// # Panics
    /// When one of them does not hold: a bug of this manager.
    pub(super) fn assert_invariants(&self) {
        assert!(
            self.unsettled.is_empty(),
            "every changed group was looked at"
        );
        for (id, record) in &self.resources {
            assert!(
                self.groups
                    .get(&record.group)
                    .is_some_and(|group| group.order.contains(id)),
                "resource {id} has a record and is in no group of this node"
            );
            self.assert_timers(record);
        }
        let armed = self.resources.values().map(|record| record.armed);
        let groups = self.groups.values().map(|group| group.armed);
        let others = [
            self.placement_armed,
            self.limbo_armed,
            self.stop_armed,
            self.report.armed,
        ];
        let count = armed
            .chain(groups)
            .chain(others)
            .filter(|at| *at != Timestamp::NEVER)
            .count();
        assert_eq!(count, self.deadlines.len(), "one deadline per armed record");
    }

    fn assert_timers(&self, record: &Resource) {
        let is_set = |timer: Timer| record.timers.is_set(timer as usize);
        assert_eq!(
            record.armed,
            record.timers.deadline().unwrap_or(Timestamp::NEVER),
            "a resource's deadline is its earliest timer"
        );
        assert_eq!(
            is_set(Timer::Pending),
            record.state.is_pending(),
            "pending states, and only those, have a pending timeout"
        );
        if record.state != ResourceState::Online {
            let polls = is_set(Timer::LooksAlive) || is_set(Timer::IsAlive);
            assert!(!polls, "only an online resource is polled");
        }
        if record.state == ResourceState::Offline {
            assert!(
                !is_set(Timer::Restart),
                "nothing offline waits for a restart"
            );
        }
    }
}
