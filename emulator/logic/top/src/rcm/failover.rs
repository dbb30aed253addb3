//! What follows a failure: restart here, failover, or giving up.
//!
//! Facts: reference sections 1.1, 1.2 (failure ladder) and 3 (FailoverThreshold, counting rule).

use std::time::Duration;

use base::{GroupId, Notice, ResourceId, ResourceState, StateChangeCause};

use super::Rcm;
use super::group::Group;
use super::placement::Reason;
use super::policy::{self, Verdict};
use super::resource::Timer;
use super::turn::Turn;

/// Even without a restart delay (before 2012) time passes between a failure and the restart, so
/// that a resource that fails at once cannot hold the clock.
const RESTART_DELAY_MIN: Duration = Duration::from_millis(1);

impl Rcm {
    /// Judges a failure that has just happened.
    pub(super) fn apply_policy(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let now = turn.now();
        let (Some(record), Some(settings)) =
            (self.resources.get_mut(&id), self.model.resources.get(&id))
        else {
            return;
        };
        let group = record.group;
        if !record.wanted || !self.groups.get(&group).is_some_and(Group::runs) {
            return;
        }
        // The one retry after giving up failed as well: it stays failed. A witness is tried again
        // and again.
        if std::mem::take(&mut record.last_try) {
            if self.witness_resource(turn) == Some(id) {
                self.give_up(turn, id);
            }
            Self::tell_incomplete(turn, group);
            return;
        }
        match policy::judge(settings, &mut record.failures, now) {
            Verdict::Stay => Self::tell_incomplete(turn, group),
            Verdict::Restart { attempt, delay } => {
                record.set(Timer::Restart, now + delay.max(RESTART_DELAY_MIN));
                turn.notice(Notice::RestartScheduled {
                    resource: id,
                    attempt,
                    delay,
                });
                self.arm_resource(id);
            }
            Verdict::GiveUp => {
                turn.notice(Notice::RestartsExhausted { resource: id });
                Self::tell_incomplete(turn, group);
                self.give_up(turn, id);
            }
            Verdict::FailOver => {
                turn.notice(Notice::RestartsExhausted { resource: id });
                if let Some(group) = self.groups.get_mut(&group) {
                    group.failover_wanted = true;
                }
                self.fail_over(turn, group);
            }
        }
    }

    /// Sends a group elsewhere because a resource of it failed for good, if its limit allows. While
    /// no view is open this waits for the next one.
    pub(super) fn fail_over(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let wanted = self
            .groups
            .get(&id)
            .is_some_and(|group| group.failover_wanted && group.runs());
        if !self.open || !wanted {
            return;
        }
        if self.failovers_used_up(turn, id) {
            turn.notice(Notice::FailoversExhausted { group: id });
            self.give_group_up(turn, id);
            return;
        }
        let owner = turn.me();
        match self.choose(turn, id, Reason::ResourceFailed { owner }) {
            Some(to) => self.leave(id, Some(to), StateChangeCause::Failover),
            None => {
                turn.notice(Notice::NoOwnerAvailable { group: id });
                self.give_group_up(turn, id);
            }
        }
    }

    fn failovers_used_up(&self, turn: &Turn<'_, '_>, id: GroupId) -> bool {
        let Some(settings) = self.model.groups.get(&id) else {
            return true;
        };
        let nodes = turn.middle().settings.nodes.len();
        let others = u32::try_from(nodes.saturating_sub(1)).unwrap_or(u32::MAX);
        let limit = settings.failover_threshold.unwrap_or(others);
        let used = self.failovers.get(&id).map_or(0, |window| {
            window.count(turn.now(), settings.failover_period)
        });
        used >= limit
    }

    /// The group stays where it is; what failed in it for good is retried once, later.
    fn give_group_up(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.failover_wanted = false;
        Self::tell_incomplete(turn, id);
        for resource in group.order.clone() {
            let given_up = self.resources.get(&resource).is_some_and(|record| {
                record.state == ResourceState::Failed
                    && record.held
                    && !record.timers.is_set(Timer::Restart as usize)
                    // One that was given up before keeps the time of its own retry.
                    && !record.timers.is_set(Timer::Retry as usize)
            });
            if given_up {
                self.give_up(turn, resource);
            }
        }
    }

    /// What is left is the retry period; a witness has WitnessRestartInterval instead (reference
    /// section 4.3).
    fn give_up(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let period = if self.witness_resource(turn) == Some(id) {
            Some(self.defaults.witness_restart_interval)
        } else {
            let settings = self.model.resources.get(&id);
            settings.and_then(|settings| settings.retry_period)
        };
        if let (Some(record), Some(period)) = (self.resources.get_mut(&id), period) {
            record.set(Timer::Retry, turn.now() + period);
            self.arm_resource(id);
        }
    }

    /// A restart delay or a retry period is over.
    pub(super) fn let_start(&mut self, id: ResourceId, last_try: bool) {
        if let Some(record) = self.resources.get_mut(&id) {
            record.held = false;
            record.last_try = last_try;
            self.unsettled.insert(record.group);
        }
    }
}
