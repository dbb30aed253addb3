//! The timers of a regroup, which administrators may change (reference section 6.2), and how long a
//! service that has decided to end may still be there.

use std::time::Duration;

use base::Generation;

use crate::database::{Hive, Value};

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
    /// A service that has decided to end is gone after this, and its resources with it. The
    /// product documents no such time: a setting, never asserted.
    pub halt: Duration,
}

const TICK: &str = "ClusSvcRegroupTickInMilliseconds";
const OPENING: &str = "ClusSvcRegroupOpeningTimeout";
const STAGE: &str = "ClusSvcRegroupStageTimeout";
/// Our own, beside the product's.
const HALT: &str = "ServiceHaltInMilliseconds";

impl RegroupTimers {
    /// What holds where nothing was set.
    #[must_use]
    pub fn of(generation: Generation) -> Self {
        let defaults = generation.defaults();
        Self {
            tick: defaults.regroup_tick,
            opening: defaults.regroup_opening_timeout,
            stage: defaults.regroup_stage_timeout,
            halt: defaults.service_halt,
        }
    }

    /// How much longer than one opening stage an active node may be without quorum: a few ticks,
    /// so that proposal, promise, installation and decision may each be lost once or late; one
    /// second at the product's tick. The wait before unfenced groups start allows for it.
    #[must_use]
    pub fn undecided_slack(self) -> Duration {
        self.tick * 10 / 3
    }

    /// How long an active node may be without quorum where no witness can help.
    #[must_use]
    pub fn undecided_max(self) -> Duration {
        self.opening + self.undecided_slack()
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
        let millis =
            |name, bounds, usual| number(name, bounds).map_or(usual, Duration::from_millis);
        Self {
            tick: millis(TICK, (50, 1_000), usual.tick),
            opening: seconds(OPENING, (1, 20), usual.opening),
            stage: seconds(STAGE, (2, 30), usual.stage),
            halt: millis(HALT, (100, 10_000), usual.halt),
        }
    }

    /// Writes what setup gives the cluster and the generation has otherwise.
    pub(super) fn write(self, hive: &mut Hive, generation: Generation) {
        let usual = Self::of(generation);
        let values = [
            (TICK, self.tick, usual.tick, self.tick.as_millis()),
            (
                OPENING,
                self.opening,
                usual.opening,
                self.opening.as_secs().into(),
            ),
            (STAGE, self.stage, usual.stage, self.stage.as_secs().into()),
            (HALT, self.halt, usual.halt, self.halt.as_millis()),
        ];
        for (name, _, _, count) in values.into_iter().filter(|it| it.1 != it.2) {
            let number = u32::try_from(count).unwrap_or(u32::MAX);
            hive.set("", name, Value::Dword(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_configured_is_read_again_and_what_was_not_leaves_no_value() {
        let generation = Generation::default();
        let usual = RegroupTimers::of(generation);
        let mut hive = Hive::default();
        usual.write(&mut hive, generation);
        let names = [TICK, OPENING, STAGE, HALT];
        assert!(names.iter().all(|name| hive.dword("", name).is_none()));
        let short = RegroupTimers {
            tick: Duration::from_millis(50),
            opening: Duration::from_secs(1),
            halt: Duration::from_millis(200),
            ..usual
        };
        short.write(&mut hive, generation);
        assert_eq!(RegroupTimers::read(&hive, generation), short);
    }

    #[test]
    fn the_slack_follows_the_tick_and_is_a_second_at_the_products() {
        let usual = RegroupTimers::of(Generation::default());
        assert_eq!(usual.undecided_slack(), Duration::from_secs(1));
        assert_eq!(usual.undecided_max(), Duration::from_secs(6));
    }
}
