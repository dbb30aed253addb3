//! Ending the service gracefully: groups move away, or go offline where nobody can take them.
//!
//! Facts: reference section 3 (DrainOnShutdown, ShutdownTimeoutInMinutes) and section 1.3 (state
//! change reason shutdown).

use base::GroupId;

use super::deadlines::Due;
use super::turn::Turn;
use super::{Output, Rcm};

impl Rcm {
    /// The service is to stop.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        let limit = self.model.cluster.shutdown_timeout;
        let at = limit.map(|limit| turn.now() + limit);
        self.deadlines.arm(Due::Stop, &mut self.stop_armed, at);
        let mut groups: Vec<GroupId> = self.groups.keys().copied().collect();
        groups.sort_by_key(|id| self.model.start_order(*id));
        for group in groups {
            self.send_away(turn, group);
        }
        self.changed = true;
    }

    /// Says once that nothing runs here any more: every group is gone, or is offline and cannot be
    /// given to anybody.
    pub(super) fn stop_if_done(&mut self, turn: &mut Turn<'_, '_>) {
        if !self.stopping || self.stopped {
            return;
        }
        let done = self.groups.iter().all(|(id, group)| {
            let stays = group.leaving.is_none_or(|leaving| leaving.to.is_none());
            self.is_group_down(*id) && (stays || !self.open)
        });
        if done {
            self.end_stop(turn);
        }
    }

    fn end_stop(&mut self, turn: &mut Turn<'_, '_>) {
        self.stopped = true;
        self.deadlines.arm(Due::Stop, &mut self.stop_armed, None);
        self.give_witness_back(turn);
        turn.say(Output::Stopped);
    }

    /// The stop has lasted for as long as it may: what still runs ends with the service.
    pub(super) fn stop_anyway(&mut self, turn: &mut Turn<'_, '_>) {
        self.deadlines.arm(Due::Stop, &mut self.stop_armed, None);
        if !self.stopped {
            self.end_stop(turn);
        }
    }
}
