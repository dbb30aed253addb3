//! Product generations and the table of their documented defaults: versions are data.
//!
//! Facts: `wsfc-semantics` sections 1.1, 1.5, 2.1, 3, 4.3, 6.1, 6.2 and 13 (which outranks the
//! others). Values that the reference calls unsourced are marked so here; they are settings and
//! never assertions.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A generation of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Generation {
    /// Windows Server 2003 (MSCS).
    V2003,
    /// Windows Server 2008.
    V2008,
    /// Windows Server 2008 R2.
    V2008R2,
    /// Windows Server 2012.
    V2012,
    /// Windows Server 2012 R2.
    V2012R2,
    /// Windows Server 2016.
    V2016,
    /// Windows Server 2019.
    V2019,
    /// Windows Server 2022.
    #[default]
    V2022,
}

/// A word that names no generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownGeneration(pub String);

impl fmt::Display for UnknownGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown generation `{}`", self.0)
    }
}

impl std::error::Error for UnknownGeneration {}

impl Generation {
    /// All, oldest first.
    pub const ALL: [Self; 8] = [
        Self::V2003,
        Self::V2008,
        Self::V2008R2,
        Self::V2012,
        Self::V2012R2,
        Self::V2016,
        Self::V2019,
        Self::V2022,
    ];

    /// The word that lab files use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::V2003 => "2003",
            Self::V2008 => "2008",
            Self::V2008R2 => "2008r2",
            Self::V2012 => "2012",
            Self::V2012R2 => "2012r2",
            Self::V2016 => "2016",
            Self::V2019 => "2019",
            Self::V2022 => "2022",
        }
    }

    /// The documented defaults of this generation.
    #[must_use]
    pub fn defaults(self) -> Defaults {
        let since_2016 = self >= Self::V2016;
        Defaults {
            same_subnet_delay: Duration::from_millis(self.heartbeat_millis()),
            same_subnet_threshold: if since_2016 {
                10
            } else {
                self.threshold_before_2016()
            },
            cross_subnet_delay: Duration::from_millis(self.heartbeat_millis()),
            cross_subnet_threshold: if since_2016 {
                20
            } else {
                self.threshold_before_2016()
            },
            cross_site_delay: Duration::from_secs(1),
            cross_site_threshold: if since_2016 {
                20
            } else {
                self.threshold_before_2016()
            },
            restart_threshold: if self == Self::V2003 { 3 } else { 1 },
            failover_threshold: if self == Self::V2003 { Some(10) } else { None },
            restart_delay: Duration::from_millis(if self >= Self::V2012 { 500 } else { 0 }),
            disk_fence: if self == Self::V2003 {
                DiskFence::ReserveRelease
            } else {
                DiskFence::PersistentReservation
            },
            disk_challenge_wait: Duration::from_secs(if self == Self::V2003 { 7 } else { 6 }),
            resiliency_level: if since_2016 { 2 } else { 0 },
            quarantine_threshold: if since_2016 { 3 } else { 0 },
            dynamic_quorum: self >= Self::V2012,
            dynamic_witness: self >= Self::V2012R2,
            quorum_arbitration_time_max: Duration::from_secs(if self <= Self::V2008 {
                60
            } else {
                20
            }),
            ..Defaults::COMMON
        }
    }

    fn heartbeat_millis(self) -> u64 {
        if self == Self::V2003 { 1_200 } else { 1_000 }
    }

    fn threshold_before_2016(self) -> u32 {
        if self == Self::V2003 { 6 } else { 5 }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for Generation {
    type Err = UnknownGeneration;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|generation| generation.label() == word)
            .ok_or_else(|| UnknownGeneration(word.to_owned()))
    }
}

/// How a clustered disk is fenced (reference sections 5.1 and 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFence {
    /// RESERVE(6), renewed periodically; a challenger resets the unit and waits (2003).
    ReserveRelease,
    /// A persistent reservation; a challenger registers, waits and preempts (2008 and later).
    PersistentReservation,
}

/// Documented defaults of one generation. Property names in the product's spelling are given with
/// each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// SameSubnetDelay: time between two heartbeats within one subnet.
    pub same_subnet_delay: Duration,
    /// SameSubnetThreshold: missed heartbeats until a route is down.
    pub same_subnet_threshold: u32,
    /// CrossSubnetDelay.
    pub cross_subnet_delay: Duration,
    /// CrossSubnetThreshold.
    pub cross_subnet_threshold: u32,
    /// CrossSiteDelay (2016 and later).
    pub cross_site_delay: Duration,
    /// CrossSiteThreshold (2016 and later).
    pub cross_site_threshold: u32,
    /// LooksAlivePollInterval of a resource type: 5 s.
    pub looks_alive_poll_interval: Duration,
    /// IsAlivePollInterval of a resource type: 60 s.
    pub is_alive_poll_interval: Duration,
    /// PendingTimeout: longest gap between two status reports of a pending resource, 3 min.
    pub pending_timeout: Duration,
    /// DeadlockTimeout: longest entry-point call, 5 min.
    pub deadlock_timeout: Duration,
    /// RestartThreshold: restarts on one node within the period (live default: 1 from 2008, 3 in
    /// 2003; section 13).
    pub restart_threshold: u32,
    /// RestartPeriod: 15 min.
    pub restart_period: Duration,
    /// RestartDelay: 500 ms (2012 and later).
    pub restart_delay: Duration,
    /// RetryPeriodOnFailure: 1 h.
    pub retry_period_on_failure: Duration,
    /// FailoverThreshold; `None` means the number of nodes less one (0xFFFFFFFF). The 10 of 2003
    /// is unsourced.
    pub failover_threshold: Option<u32>,
    /// FailoverPeriod: 6 h.
    pub failover_period: Duration,
    /// DynamicQuorum (2012 and later).
    pub dynamic_quorum: bool,
    /// WitnessDynamicWeight is adjusted (2012 R2 and later).
    pub dynamic_witness: bool,
    /// QuorumArbitrationTimeMax: 60 s up to 2008, then 20 s.
    pub quorum_arbitration_time_max: Duration,
    /// ArbitrationDelay of a file share witness: nodes that do not own the core group wait 6 s.
    pub share_arbitration_delay: Duration,
    /// DiskArbInterval: 3 s. The owner checks and renews its reservation in this interval.
    pub disk_arbitration_interval: Duration,
    /// How long a challenger leaves the owner to defend itself. 7 s after the reset in 2003; from
    /// 2008 on, before it preempts, unsourced: a setting, never asserted.
    pub disk_challenge_wait: Duration,
    /// How nodes fence clustered disks: by SPC-2 reservations in 2003, by persistent ones since.
    pub disk_fence: DiskFence,
    /// After a challenge by reset, how long the new reservation has to last until the disk is
    /// used: 3 s, so that the disk is online ten seconds after the reset (2003).
    pub disk_settle_wait: Duration,
    /// ClusSvcRegroupTickInMilliseconds: 300 ms.
    pub regroup_tick: Duration,
    /// ClusSvcRegroupOpeningTimeout: 5 s.
    pub regroup_opening_timeout: Duration,
    /// ClusSvcRegroupStageTimeout: 5 s.
    pub regroup_stage_timeout: Duration,
    /// ClusSvcRegroupPruningTimeout: 5 s.
    pub regroup_pruning_timeout: Duration,
    /// How long a cluster service that has decided to end may still be there. Unsourced: a setting
    /// (`regroup.halt`), never asserted.
    pub service_halt: Duration,
    /// How long the service control manager waits before it starts a halted cluster service
    /// again. Unsourced: a setting (`service-restart`), never asserted.
    pub service_restart: Duration,
    /// ResiliencyLevel: 2, always isolate, from 2016 on; 0, which no product has, before.
    /// The documented default is contradicted (conflict C6): a setting, never asserted.
    pub resiliency_level: u32,
    /// ResiliencyDefaultPeriod: 240 s.
    pub resiliency_period: Duration,
    /// QuarantineThreshold: 3 unplanned departures within an hour (conflict C7); 0 without
    /// quarantine, before 2016.
    pub quarantine_threshold: u32,
    /// QuarantineDuration: 7200 s; `None` (0xFFFFFFFF) until an administrator ends it.
    pub quarantine_duration: Option<Duration>,
    /// WitnessRestartInterval: a failed witness is tried again after 15 min.
    pub witness_restart_interval: Duration,
    /// ClusterGroupWaitDelay: wait for a group's preferred owner at cluster start, 120 s.
    pub group_wait_delay: Duration,
    /// How long a connection between nodes may take to be secured (event 1282). Unsourced: a
    /// setting, never asserted.
    pub handshake_timeout: Duration,
    /// Time after which an unanswered global update removes the silent node. The product's
    /// RequestReplyTimeout has a doubtful unit (conflict C17): a setting, never asserted.
    pub update_reply_timeout: Duration,
}

impl Defaults {
    /// What all generations share.
    const COMMON: Self = Self {
        same_subnet_delay: Duration::from_secs(1),
        same_subnet_threshold: 10,
        cross_subnet_delay: Duration::from_secs(1),
        cross_subnet_threshold: 20,
        cross_site_delay: Duration::from_secs(1),
        cross_site_threshold: 20,
        looks_alive_poll_interval: Duration::from_secs(5),
        is_alive_poll_interval: Duration::from_secs(60),
        pending_timeout: Duration::from_secs(180),
        deadlock_timeout: Duration::from_secs(300),
        restart_threshold: 1,
        restart_period: Duration::from_secs(900),
        restart_delay: Duration::from_millis(500),
        retry_period_on_failure: Duration::from_secs(3_600),
        failover_threshold: None,
        failover_period: Duration::from_secs(6 * 3_600),
        dynamic_quorum: true,
        dynamic_witness: true,
        quorum_arbitration_time_max: Duration::from_secs(20),
        share_arbitration_delay: Duration::from_secs(6),
        disk_arbitration_interval: Duration::from_secs(3),
        disk_challenge_wait: Duration::from_secs(6),
        disk_fence: DiskFence::PersistentReservation,
        disk_settle_wait: Duration::from_secs(3),
        regroup_tick: Duration::from_millis(300),
        regroup_opening_timeout: Duration::from_secs(5),
        regroup_stage_timeout: Duration::from_secs(5),
        regroup_pruning_timeout: Duration::from_secs(5),
        service_halt: Duration::from_secs(1),
        service_restart: Duration::from_secs(60),
        resiliency_level: 0,
        resiliency_period: Duration::from_secs(240),
        quarantine_threshold: 0,
        quarantine_duration: Some(Duration::from_secs(7_200)),
        witness_restart_interval: Duration::from_secs(900),
        group_wait_delay: Duration::from_secs(120),
        handshake_timeout: Duration::from_secs(15),
        update_reply_timeout: Duration::from_secs(60),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generation_is_found_by_its_word() {
        for generation in Generation::ALL {
            assert_eq!(generation.label().parse(), Ok(generation));
        }
        assert!("2000".parse::<Generation>().is_err());
    }

    #[test]
    fn detection_takes_five_seconds_before_2016_and_ten_after() {
        let detection = |generation: Generation| {
            let defaults = generation.defaults();
            defaults.same_subnet_delay * defaults.same_subnet_threshold
        };
        assert_eq!(detection(Generation::V2012R2), Duration::from_secs(5));
        assert_eq!(detection(Generation::V2016), Duration::from_secs(10));
        assert_eq!(detection(Generation::V2003), Duration::from_millis(7_200));
    }
}
