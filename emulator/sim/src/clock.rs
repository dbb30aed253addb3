//! A node's own clock: where it stood at the start and how fast it runs.

use base::{Now, Timestamp, WallTime};

/// Wall time at the start of the world: 2026-01-01 00:00 UTC. Any fixed date would do.
pub const WALL_START: WallTime = WallTime(1_767_225_600_000);

/// Thousand million: rates are given in parts of it.
const UNIT: i128 = 1_000_000_000;

/// One node's clock against the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Clock {
    /// What it showed when the world began.
    pub offset_nanos: i64,
    /// How much faster (or slower) it runs, in parts per thousand million; 20 ppm is 20,000.
    pub drift_ppb: i32,
    /// How far its wall clock was set away, in milliseconds.
    pub jump_millis: i64,
}

impl Clock {
    /// From world time `at` on it runs at another rate; what it shows does not jump by that.
    pub fn set_rate(&mut self, at: Timestamp, drift_ppb: i32) {
        let before = self.scale(at.0);
        self.drift_ppb = drift_ppb;
        let gained = i128::from(before) - i128::from(self.scale(at.0));
        let gained = i64::try_from(gained).unwrap_or(0);
        self.offset_nanos = self.offset_nanos.saturating_add(gained);
    }

    /// What this clock shows at world time `at`.
    #[must_use]
    pub fn read(self, at: Timestamp) -> Now {
        let mono = Timestamp(self.scale(at.0).saturating_add_signed(self.offset_nanos));
        let wall = WALL_START.0 + mono.as_millis();
        let wall = WallTime(wall.saturating_add_signed(self.jump_millis));
        Now { mono, wall }
    }

    /// The first world time at which this clock shows `mono` or more.
    #[must_use]
    pub fn world_time(self, mono: Timestamp) -> Timestamp {
        let shown = mono.0.saturating_sub_signed(self.offset_nanos);
        if self.drift_ppb == 0 || mono == Timestamp::NEVER {
            return Timestamp(shown);
        }
        let rate = UNIT + i128::from(self.drift_ppb);
        let at = (i128::from(shown) * UNIT + rate - 1) / rate;
        Timestamp(u64::try_from(at).unwrap_or(u64::MAX))
    }

    fn scale(self, nanos: u64) -> u64 {
        if self.drift_ppb == 0 {
            return nanos;
        }
        let shown = i128::from(nanos) * (UNIT + i128::from(self.drift_ppb)) / UNIT;
        u64::try_from(shown).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_is_set_forward_moves_no_deadline() {
        let (at, clock) = (Timestamp(5_000_000), Clock::default());
        let ahead = Clock {
            jump_millis: 3_600_000,
            ..clock
        };
        assert_eq!(ahead.read(at).mono, clock.read(at).mono);
        assert_eq!(ahead.read(at).wall.0, clock.read(at).wall.0 + 3_600_000);
    }

    #[test]
    fn a_deadline_translated_to_world_time_is_never_early() {
        for drift_ppb in [-50_000, -1, 0, 1, 50_000] {
            let clock = Clock {
                offset_nanos: 17,
                drift_ppb,
                jump_millis: 0,
            };
            for mono in [17, 18, 1_000_000_007, 86_400_000_000_013] {
                let at = clock.world_time(Timestamp(mono));
                assert!(clock.read(at).mono >= Timestamp(mono), "{drift_ppb} {mono}");
            }
        }
    }

    #[test]
    fn a_clock_that_changes_its_rate_does_not_jump() {
        let mut clock = Clock {
            offset_nanos: 1_000_000_000,
            ..Clock::default()
        };
        let at = Timestamp(3_600_000_000_000);
        let before = clock.read(at).mono;
        clock.set_rate(at, 200_000);
        assert_eq!(clock.read(at).mono, before);
        clock.set_rate(at, -200_000);
        assert_eq!(clock.read(at).mono, before);
    }

    #[test]
    fn a_fast_clock_gains_on_the_world() {
        let clock = Clock {
            offset_nanos: 0,
            drift_ppb: 20_000,
            jump_millis: 0,
        };
        assert_eq!(
            clock.read(Timestamp(1_000_000_000)).mono,
            Timestamp(1_000_020_000)
        );
    }
}
