//! Going home: a group returns to a better preferred owner that joins, at once or in its window.
//!
//! Facts: reference section 3 (AutoFailbackType, FailbackWindowStart and End, failback procedure).
//! An administrator's move away is respected until a preferred owner joins anew.

use std::time::Duration;

use base::{GroupId, NodeId, StateChangeCause, WallTime};

use super::Rcm;
use super::group::Timer;
use super::model::{CORE_GROUP, Failback};
use super::owner::members;
use super::placement;
use super::turn::Turn;

const HOUR_MILLIS: u64 = 3_600_000;
/// How soon a failback that fell into a regroup is looked at again.
const RECHECK: Duration = Duration::from_secs(1);

impl Rcm {
    /// A view opened: groups whose better preferred owner has just joined go home.
    pub(super) fn fail_back_on_join(&mut self, turn: &mut Turn<'_, '_>) {
        let joined = members(turn).difference(self.members);
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        for group in groups {
            let home = self.home(turn, group);
            if home.is_some_and(|node| joined.contains(node)) {
                self.fail_back(turn, group);
            }
        }
    }

    /// The best preferred owner that is up, if it is better than this node.
    fn home(&self, turn: &Turn<'_, '_>, group: GroupId) -> Option<NodeId> {
        let settings = self
            .model
            .groups
            .get(&group)
            .filter(|_| group != CORE_GROUP)?;
        let available = self.available(turn, group);
        placement::better(&settings.preferred_owners, turn.me(), available)
    }

    fn fail_back(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let failback = self.model.groups.get(&id).map(|settings| settings.failback);
        let wait = match failback {
            None | Some(Failback::Never) => return,
            Some(Failback::Immediate) => Duration::ZERO,
            Some(Failback::Window { from_hour, to_hour }) => {
                until_window(turn.cx.now.wall, from_hour, to_hour)
            }
        };
        if wait.is_zero() {
            self.go_home(turn, id);
        } else if let Some(group) = self.groups.get_mut(&id) {
            group.set(Timer::Failback, turn.now() + wait);
            self.arm_group(id);
        }
    }

    /// The failback window has opened.
    pub(super) fn failback_due(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        if self.open {
            self.fail_back(turn, id);
        } else if let Some(group) = self.groups.get_mut(&id) {
            group.set(Timer::Failback, turn.now() + RECHECK);
            self.arm_group(id);
        }
    }

    fn go_home(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let runs = self.groups.get(&id).is_some_and(super::group::Group::runs);
        if let Some(home) = self.home(turn, id).filter(|_| runs) {
            self.leave(id, Some(home), StateChangeCause::Move);
        }
    }
}

/// How long until the window opens; zero inside it. The window may wrap around midnight, and equal
/// hours are the whole day.
fn until_window(wall: WallTime, from_hour: u8, to_hour: u8) -> Duration {
    let hour = wall.hour_of_day();
    let inside = match from_hour.cmp(&to_hour) {
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Less => (from_hour..to_hour).contains(&hour),
        std::cmp::Ordering::Greater => hour >= from_hour || hour < to_hour,
    };
    if inside {
        return Duration::ZERO;
    }
    let day = 24 * HOUR_MILLIS;
    let opens = u64::from(from_hour) * HOUR_MILLIS;
    Duration::from_millis((opens + day - wall.0 % day) % day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hour: u64, from: u8, to: u8) -> u64 {
        until_window(WallTime(hour * HOUR_MILLIS), from, to).as_secs() / 3_600
    }

    #[test]
    fn a_window_may_wrap_around_midnight() {
        assert_eq!(hours(23, 22, 5), 0);
        assert_eq!(hours(4, 22, 5), 0);
        assert_eq!(hours(5, 22, 5), 17);
        assert_eq!(hours(12, 22, 5), 10);
    }

    #[test]
    fn a_window_of_today_or_tomorrow_is_waited_for() {
        assert_eq!(hours(1, 2, 4), 1);
        assert_eq!(hours(3, 2, 4), 0);
        assert_eq!(hours(4, 2, 4), 22);
    }

    #[test]
    fn the_wait_ends_on_the_full_hour() {
        let wall = WallTime(21 * HOUR_MILLIS + 1);
        assert_eq!(
            until_window(wall, 22, 5),
            Duration::from_millis(HOUR_MILLIS - 1)
        );
    }

    #[test]
    fn equal_hours_are_the_whole_day() {
        assert_eq!(hours(13, 9, 9), 0);
    }
}
