//! How long the stages of a regroup take (reference section 6.2), and how long a service that has
//! decided to end may still be there.

use std::time::Duration;

use base::Defaults;

use crate::database::{Hive, Value};

/// Times of a regroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regroup {
    /// ClusSvcRegroupTickInMilliseconds: what was said is said again.
    pub tick: Duration,
    /// ClusSvcRegroupOpeningTimeout: how long nodes wait to have heard each other.
    pub opening: Duration,
    /// ClusSvcRegroupStageTimeout: how long they wait for proposal, promises and view.
    pub stage: Duration,
    /// A service that has decided to end is gone after this, and its resources with it. The
    /// product documents no such time: a setting, never asserted.
    pub halt: Duration,
}

/// In the database, beside the product's own values.
const HALT: &str = "ServiceHaltInMilliseconds";

impl Regroup {
    /// The generation's times.
    #[must_use]
    pub(super) fn of(defaults: &Defaults) -> Self {
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

    /// What is missing in the hive stays as it is; what is out of the documented bounds counts as
    /// the nearest that is not.
    pub(super) fn read(&mut self, hive: &Hive) {
        let number = |(name, least, most): (&str, u32, u32)| {
            let set = hive.dword("", name);
            set.map(|it| u64::from(it.clamp(least, most)))
        };
        let millis = |what| number(what).map(Duration::from_millis);
        let seconds = |what| number(what).map(Duration::from_secs);
        let [tick, opening, stage] = PRODUCT;
        self.tick = millis(tick).unwrap_or(self.tick);
        self.opening = seconds(opening).unwrap_or(self.opening);
        self.stage = seconds(stage).unwrap_or(self.stage);
        self.halt = millis((HALT, 1, u32::MAX)).unwrap_or(self.halt);
    }

    /// Writes what differs from the generation's own times.
    pub(super) fn write(self, hive: &mut Hive, defaults: &Defaults) {
        let usual = Self::of(defaults);
        let number = |count: u128| Value::Dword(u32::try_from(count).unwrap_or(u32::MAX));
        let [(tick, ..), (opening, ..), (stage, ..)] = PRODUCT;
        let values = [
            (tick, self.tick != usual.tick, self.tick.as_millis()),
            (
                opening,
                self.opening != usual.opening,
                self.opening.as_secs().into(),
            ),
            (
                stage,
                self.stage != usual.stage,
                self.stage.as_secs().into(),
            ),
            (HALT, self.halt != usual.halt, self.halt.as_millis()),
        ];
        for (name, _, count) in values.into_iter().filter(|(_, differs, _)| *differs) {
            hive.set("", name, number(count));
        }
    }
}

/// The product's own values with their bounds (2008 and later; 2003 has what the generation's table
/// says).
const PRODUCT: [(&str, u32, u32); 3] = [
    ("ClusSvcRegroupTickInMilliseconds", 50, 1_000),
    ("ClusSvcRegroupOpeningTimeout", 1, 20),
    ("ClusSvcRegroupStageTimeout", 2, 30),
];

#[cfg(test)]
mod tests {
    use base::Generation;

    use super::*;

    #[test]
    fn what_was_configured_is_read_again_and_what_was_not_leaves_no_value() {
        let defaults = Generation::default().defaults();
        let usual = Regroup::of(&defaults);
        let mut hive = Hive::default();
        usual.write(&mut hive, &defaults);
        assert!(
            PRODUCT
                .iter()
                .all(|(name, ..)| hive.dword("", name).is_none())
        );
        let short = Regroup {
            tick: Duration::from_millis(50),
            opening: Duration::from_secs(1),
            halt: Duration::from_millis(200),
            ..usual
        };
        short.write(&mut hive, &defaults);
        let mut read = usual;
        read.read(&hive);
        assert_eq!(read, short);
    }

    #[test]
    fn the_slack_follows_the_tick_and_is_a_second_at_the_products() {
        let usual = Regroup::of(&Generation::default().defaults());
        assert_eq!(usual.undecided_slack(), Duration::from_secs(1));
        assert_eq!(usual.undecided_max(), Duration::from_secs(6));
    }
}
