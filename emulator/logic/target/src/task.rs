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

/// The commands that wait for data, by sender and tag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    waiting: BTreeMap<(NexusId, TaskTag), Lun>,
}

impl Tasks {
    /// Returns whether the tag was free.
    pub(crate) fn enter(&mut self, nexus: NexusId, tag: TaskTag, lun: Lun) -> bool {
        self.waiting.insert((nexus, tag), lun).is_none()
    }

    /// Takes a command out; `false` when it waits no more because it was aborted.
    pub(crate) fn leave(&mut self, nexus: NexusId, tag: TaskTag) -> bool {
        self.waiting.remove(&(nexus, tag)).is_some()
    }

    /// Aborts what `which` picks; returns who lost commands, each once.
    pub(crate) fn abort(&mut self, which: impl Fn(NexusId, Lun) -> bool) -> Vec<NexusId> {
        let mut losers = Vec::new();
        self.waiting.retain(|(nexus, _), lun| {
            let goes = which(*nexus, *lun);
            if goes && losers.last() != Some(nexus) {
                losers.push(*nexus);
            }
            !goes
        });
        losers
    }

    /// How many wait for a nexus.
    pub(crate) fn count(&self, nexus: NexusId) -> usize {
        let range = (nexus, TaskTag(0))..=(nexus, TaskTag(u32::MAX));
        self.waiting.range(range).count()
    }
}
