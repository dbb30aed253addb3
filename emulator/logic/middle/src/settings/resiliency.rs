//! How patient the cluster is with a node that it loses (2016 and later; reference section 6.3).

use std::time::Duration;

use base::Defaults;

use crate::database::{Hive, Value};

/// QuarantineDuration for "until an administrator ends it".
const FOREVER: u32 = u32::MAX;

/// The cluster properties of isolation and quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resiliency {
    /// ResiliencyLevel: 1 isolates a node that said beforehand that its network is in trouble,
    /// which no node of this emulator says; 2 isolates every node that is lost. 0 before 2016.
    pub level: u32,
    /// ResiliencyDefaultPeriod: how long an isolated node keeps its virtual machines; zero fails
    /// them over at once.
    pub period: Duration,
    /// QuarantineThreshold: so many unplanned departures within an hour quarantine a node; zero
    /// turns quarantine off.
    pub quarantine_threshold: u32,
    /// QuarantineDuration; `None` until an administrator ends it.
    pub quarantine_duration: Option<Duration>,
}

impl Resiliency {
    /// What holds where nobody has set anything.
    #[must_use]
    pub fn of(defaults: &Defaults) -> Self {
        Self {
            level: defaults.resiliency_level,
            period: defaults.resiliency_period,
            quarantine_threshold: defaults.quarantine_threshold,
            quarantine_duration: defaults.quarantine_duration,
        }
    }

    /// Whether a node that is lost keeps its virtual machines for a while.
    #[must_use]
    pub fn isolates(&self) -> bool {
        self.level >= 2 && !self.period.is_zero()
    }

    /// Reads what the hive holds over what is set already.
    pub(super) fn read(&mut self, hive: &Hive) {
        let seconds = |name| hive.dword("", name);
        let span = |seconds: u32| Duration::from_secs(seconds.into());
        self.level = seconds("ResiliencyLevel").unwrap_or(self.level);
        self.period = seconds("ResiliencyDefaultPeriod").map_or(self.period, span);
        self.quarantine_threshold =
            seconds("QuarantineThreshold").unwrap_or(self.quarantine_threshold);
        if let Some(duration) = seconds("QuarantineDuration") {
            self.quarantine_duration = (duration != FOREVER).then(|| span(duration));
        }
    }

    /// Writes what differs from the generation's defaults, as nobody else has set anything.
    pub(super) fn write(&self, hive: &mut Hive, defaults: &Defaults) {
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(FOREVER - 1);
        let usual = Self::of(defaults);
        let values = |it: &Self| {
            [
                ("ResiliencyLevel", it.level),
                ("ResiliencyDefaultPeriod", seconds(it.period)),
                ("QuarantineThreshold", it.quarantine_threshold),
                (
                    "QuarantineDuration",
                    it.quarantine_duration.map_or(FOREVER, seconds),
                ),
            ]
        };
        for ((name, number), (_, usual)) in values(self).into_iter().zip(values(&usual)) {
            if number != usual {
                hive.set("", name, Value::Dword(number));
            }
        }
    }
}
