//! The timers of a regroup, which administrators may change (reference section 6.2).

use std::time::Duration;

use base::Generation;

use crate::database::Hive;

/// How long the stages of a regroup take (2008 and later; 2003 has what the generation's table
/// says).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegroupTimers {
    /// ClusSvcRegroupTickInMilliseconds: what is unanswered is repeated so often. 300 ms.
    pub tick: Duration,
    /// ClusSvcRegroupOpeningTimeout: the longest opening stage. 5 s.
    pub opening: Duration,
    /// ClusSvcRegroupStageTimeout: the longest of the stages after it. 5 s.
    pub stage: Duration,
}

impl RegroupTimers {
    /// What holds where nothing was set.
    #[must_use]
    pub fn of(generation: Generation) -> Self {
        let defaults = generation.defaults();
        Self {
            tick: defaults.regroup_tick,
            opening: defaults.regroup_opening_timeout,
            stage: defaults.regroup_stage_timeout,
        }
    }

    /// Reads what the hive holds.
    #[must_use]
    pub(super) fn read(hive: &Hive, generation: Generation) -> Self {
        let usual = Self::of(generation);
        let number = |name, bounds: (u32, u32)| {
            let set = hive.dword("", name);
            set.map(|it| u64::from(it.clamp(bounds.0, bounds.1)))
        };
        let seconds = |name, bounds, usual| number(name, bounds).map_or(usual, Duration::from_secs);
        let tick = number("ClusSvcRegroupTickInMilliseconds", (50, 1_000));
        Self {
            tick: tick.map_or(usual.tick, Duration::from_millis),
            opening: seconds("ClusSvcRegroupOpeningTimeout", (1, 20), usual.opening),
            stage: seconds("ClusSvcRegroupStageTimeout", (2, 30), usual.stage),
        }
    }
}
