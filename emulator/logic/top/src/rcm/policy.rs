//! Counting failures: the restart ladder of a resource and the failover limit of a group.
//!
//! Facts: reference sections 1.1 (RestartThreshold, RestartPeriod), 1.2 (failure ladder), 3
//! (FailoverThreshold) and 13 (counters are compared at the next failure, no timer clears them).

use std::time::Duration;

use base::Timestamp;

use super::model::{ResourceSettings, RestartAction};

/// Events within a window that starts with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Window {
    start: Timestamp,
    count: u32,
}

impl Window {
    /// Counts one more event and answers how many there are in the window now; a window that is
    /// over starts anew.
    pub(super) fn add(&mut self, now: Timestamp, period: Duration) -> u32 {
        if self.count == 0 || now.since(self.start) > period {
            *self = Self {
                start: now,
                count: 0,
            };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// A window that began `age` before `now` with `count` events so far.
    pub(super) fn resumed(now: Timestamp, count: u32, age: Duration) -> Self {
        let start = now
            .0
            .saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
        Self {
            start: Timestamp(start),
            count,
        }
    }

    /// How long ago it began.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.start)
    }

    /// Events in the window at `now`.
    pub(super) fn count(&self, now: Timestamp, period: Duration) -> u32 {
        if now.since(self.start) > period {
            0
        } else {
            self.count
        }
    }
}

/// What follows a resource's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays failed.
    Stay,
    /// It is started again on this node.
    Restart { attempt: u32, delay: Duration },
    /// Its restarts are used up; nothing but the retry period follows.
    GiveUp,
    /// Its restarts are used up, and the group is to go elsewhere.
    FailOver,
}

/// Counts a failure and judges it: the (threshold + 1)-th failure inside the window escalates.
pub(super) fn judge(settings: &ResourceSettings, window: &mut Window, now: Timestamp) -> Verdict {
    if settings.restart_action == RestartAction::DontRestart {
        return Verdict::Stay;
    }
    let attempt = window.add(now, settings.restart_period);
    if attempt <= settings.restart_threshold {
        let delay = settings.restart_delay;
        return Verdict::Restart { attempt, delay };
    }
    match settings.restart_action {
        RestartAction::RestartNotify => Verdict::FailOver,
        RestartAction::DontRestart | RestartAction::RestartNoNotify => Verdict::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use base::{Generation, GroupId};

    use super::*;
    use crate::restype::ResourceParameters;

    fn settings(generation: Generation) -> ResourceSettings {
        let parameters = ResourceParameters::FileShareWitness;
        ResourceSettings::new("r", GroupId(1), parameters, &generation.defaults())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    fn is_restart(verdict: Verdict, number: u32) -> bool {
        matches!(verdict, Verdict::Restart { attempt, .. } if attempt == number)
    }

    #[test]
    fn the_failure_after_the_threshold_escalates() {
        let (settings, mut window) = (settings(Generation::V2022), Window::default());
        let first = judge(&settings, &mut window, at(0));
        let delay = Duration::from_millis(500);
        assert_eq!(first, Verdict::Restart { attempt: 1, delay });
        assert_eq!(judge(&settings, &mut window, at(1)), Verdict::FailOver);
    }

    #[test]
    fn the_2003_ladder_has_three_restarts_without_delay() {
        let (settings, mut window) = (settings(Generation::V2003), Window::default());
        for attempt in 1..=3 {
            let verdict = judge(&settings, &mut window, at(attempt.into()));
            let delay = Duration::ZERO;
            assert_eq!(verdict, Verdict::Restart { attempt, delay });
        }
        assert_eq!(judge(&settings, &mut window, at(4)), Verdict::FailOver);
    }

    #[test]
    fn with_threshold_zero_the_first_failure_fails_over() {
        let mut settings = settings(Generation::V2022);
        settings.restart_threshold = 0;
        let verdict = judge(&settings, &mut Window::default(), at(0));
        assert_eq!(verdict, Verdict::FailOver);
    }

    #[test]
    fn the_counter_restarts_after_the_window() {
        let (settings, mut window) = (settings(Generation::V2022), Window::default());
        assert!(is_restart(judge(&settings, &mut window, at(0)), 1));
        assert!(is_restart(judge(&settings, &mut window, at(901)), 1));
        assert_eq!(judge(&settings, &mut window, at(1_801)), Verdict::FailOver);
    }

    #[test]
    fn restart_no_notify_never_fails_over_and_dont_restart_does_nothing() {
        let mut settings = settings(Generation::V2022);
        settings.restart_threshold = 0;
        settings.restart_action = RestartAction::RestartNoNotify;
        let mut window = Window::default();
        assert_eq!(judge(&settings, &mut window, at(0)), Verdict::GiveUp);
        settings.restart_action = RestartAction::DontRestart;
        assert_eq!(judge(&settings, &mut window, at(0)), Verdict::Stay);
    }
}
