//! What is done to the target rather than asked of it: task management, faults.

use scsi::{Lun, NexusId};

use super::Target;
use crate::attention::Attention;
use crate::fault::{Fault, Faults};
use crate::store::Store;
use crate::task::{Fate, Function, TaskTag};

impl<S: Store> Target<S> {
    /// Remembers a command that is under way without needing its sender, so that it can be
    /// aborted. [`Self::end_task`] says what became of it.
    pub fn start_task(&mut self, nexus: NexusId, lun: Lun, tag: TaskTag) {
        self.tasks.enter(nexus, tag, lun);
    }

    /// Whether a command that was under way is to be answered: it was not aborted.
    pub fn end_task(&mut self, nexus: NexusId, tag: TaskTag) -> bool {
        self.tasks.leave(nexus, tag) == Fate::Runs
    }

    /// Carries out a task management function. `false`: the task or unit does not exist.
    pub fn manage(&mut self, nexus: NexusId, function: Function) -> bool {
        match function {
            Function::AbortTask(_, tag) => return self.tasks.leave(nexus, tag) == Fate::Runs,
            Function::AbortTaskSet(lun) => {
                self.tasks
                    .abort(false, |owner, at| owner == nexus && at == lun);
            }
            Function::ClearTaskSet(lun) => self.clear_task_set(nexus, lun),
            Function::LogicalUnitReset(lun) => {
                self.tasks.abort(self.tells_aborted(lun), |_, at| at == lun);
                self.reset(lun, Attention::DeviceReset);
            }
            Function::TargetWarmReset | Function::TargetColdReset => {
                for lun in self.luns() {
                    self.tasks.abort(self.tells_aborted(lun), |_, at| at == lun);
                    self.reset(lun, Attention::TargetReset);
                }
            }
        }
        true
    }

    /// TAS: whether those whose commands others abort are told.
    pub(super) fn tells_aborted(&self, lun: Lun) -> bool {
        self.unit(Some(lun))
            .is_some_and(|unit| unit.modes.aborted_status)
    }

    /// The others learn that their commands were cleared (SAM-5 5.8.7).
    fn clear_task_set(&mut self, nexus: NexusId, lun: Lun) {
        let losers = self.tasks.abort(self.tells_aborted(lun), |_, at| at == lun);
        let Some(unit) = self.unit_mut(Some(lun)) else {
            return;
        };
        for loser in losers.into_iter().filter(|loser| *loser != nexus) {
            unit.tell(loser, Attention::CommandsCleared);
        }
    }

    /// Every attached nexus learns of a reset, the one that asked for it too (SAM-5 6.3.3).
    fn reset(&mut self, lun: Lun, attention: Attention) {
        let attached: Vec<NexusId> = self.attached().collect();
        let Some(unit) = self.unit_mut(Some(lun)) else {
            return;
        };
        unit.reset();
        attached
            .into_iter()
            .for_each(|nexus| unit.tell(nexus, attention));
    }

    /// Breaks something. Unknown units have nothing to break.
    pub fn fault(&mut self, fault: Fault) {
        let attached: Vec<NexusId> = self.attached().collect();
        let Some(unit) = self.unit_mut(Some(fault.lun())) else {
            return;
        };
        match fault {
            Fault::Offline(_) => unit.faults.offline = true,
            Fault::Full(_) => unit.faults.full = true,
            Fault::SaveFails(_) => unit.faults.save_fails = true,
            Fault::MediumError(_, range) => unit.faults.add_bad(range),
            Fault::AttentionStorm(_, commands) => {
                attached
                    .iter()
                    .for_each(|nexus| unit.attentions(*nexus).storm(commands));
            }
        }
    }

    /// Undoes every fault of a unit.
    pub fn heal(&mut self, lun: Lun) {
        if let Some(unit) = self.unit_mut(Some(lun)) {
            unit.faults = Faults::default();
        }
    }
}
