//! Commands that wait for their data, and the functions that abort them.
//!
//! Every command is carried out in one step once its data is there, so the only commands that can
//! be aborted are those that wait. A command that was aborted is carried out no more, whatever
//! data still comes: the property that fencing by PREEMPT AND ABORT rests on.

use std::collections::BTreeMap;

use scsi::{Lun, NexusId};

/// The tag that an initiator gave a command (SAM-5 4.8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskTag(pub u32);

/// A task management function (SAM-5 clause 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Abort one command of the sender.
    AbortTask(Lun, TaskTag),
    /// Abort the sender's commands at a unit.
    AbortTaskSet(Lun),
    /// Abort everyone's commands at a unit.
    ClearTaskSet(Lun),
    /// Reset a unit.
    LogicalUnitReset(Lun),
    /// Reset all units.
    TargetWarmReset,
    /// Reset all units; whoever drives the target closes all sessions then.
    TargetColdReset,
}

/// What becomes of a command whose data is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is carried out.
    Runs,
    /// It was aborted, and its sender is told so (TAS = 1).
    Told,
    /// It was aborted, and nothing is sent.
    Silent,
}

/// The commands that wait for data, by sender and tag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    /// Those that were aborted and whose senders are still to be told stay until then.
    waiting: BTreeMap<(NexusId, TaskTag), (Lun, bool)>,
}

impl Tasks {
    pub(crate) fn enter(&mut self, nexus: NexusId, tag: TaskTag, lun: Lun) {
        self.waiting.insert((nexus, tag), (lun, true));
    }

    /// Takes a command out whose data is complete.
    pub(crate) fn leave(&mut self, nexus: NexusId, tag: TaskTag) -> Fate {
        match self.waiting.remove(&(nexus, tag)) {
            Some((_, true)) => Fate::Runs,
            Some((_, false)) => Fate::Told,
            None => Fate::Silent,
        }
    }

    /// Aborts what `which` picks; returns who lost commands, each once. With `tell` the commands
    /// end with TASK ABORTED when their data is complete; without, they are gone.
    pub(crate) fn abort(
        &mut self,
        tell: bool,
        which: impl Fn(NexusId, Lun) -> bool,
    ) -> Vec<NexusId> {
        let mut losers = Vec::new();
        self.waiting.retain(|(nexus, _), (lun, runs)| {
            let goes = *runs && which(*nexus, *lun);
            if goes && losers.last() != Some(nexus) {
                losers.push(*nexus);
            }
            *runs &= !goes;
            !goes || tell
        });
        losers
    }

    /// How many wait for a nexus.
    pub(crate) fn count(&self, nexus: NexusId) -> usize {
        let range = (nexus, TaskTag(0))..=(nexus, TaskTag(u32::MAX));
        self.waiting.range(range).count()
    }
}
