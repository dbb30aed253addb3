//! Lines of the cluster log in the documented format.
//!
//! Facts: reference section 9, "Line format 08+":
//! `pppppppp.tttttttt::YYYY/MM/DD-HH:MM:SS.mmm LEVEL [COMP] text` with zero-padded hexadecimal ids,
//! times in GMT and the level padded to five. Tags of components: reference section 6.2.

use base::{Notice, ServiceEvent, WallTime};

/// The word between time and component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterLogLevel {
    /// DBG
    Debug,
    /// INFO
    Info,
    /// WARN
    Warning,
    /// ERR
    Error,
}

impl ClusterLogLevel {
    /// The word as the log has it, without padding.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Debug => "DBG",
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERR",
        }
    }
}

/// Who wrote a line, and when by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineStamp {
    /// Number of the process.
    pub process: u32,
    /// Number of the thread.
    pub thread: u32,
    /// Wall clock.
    pub at: WallTime,
}

/// One line, without its end.
#[must_use]
pub fn cluster_log_line(
    stamp: LineStamp,
    level: ClusterLogLevel,
    component: &str,
    text: &str,
) -> String {
    let (date, time) = date_and_time(stamp.at);
    let text = text.replace(['\r', '\n'], " ");
    format!(
        "{:08x}.{:08x}::{date}-{time} {:<5} [{component}] {text}",
        stamp.process,
        stamp.thread,
        level.label()
    )
}

/// The level of a notice.
#[must_use]
pub fn log_level(notice: &Notice) -> ClusterLogLevel {
    use super::Level;
    match notice.event_id().map(super::level) {
        Some(Level::Critical | Level::Error) => ClusterLogLevel::Error,
        Some(Level::Warning) => ClusterLogLevel::Warning,
        Some(Level::Information) => ClusterLogLevel::Info,
        None => match notice {
            Notice::LooksAliveAsked { .. } | Notice::IsAliveAsked { .. } => ClusterLogLevel::Debug,
            Notice::LooksAliveFailed { .. }
            | Notice::IsAliveFailed { .. }
            | Notice::RouteDown { .. }
            | Notice::PeerLost { .. }
            | Notice::NoOwnerAvailable { .. }
            | Notice::DiskArbitrationLost { .. }
            | Notice::Refused { .. } => ClusterLogLevel::Warning,
            _ => ClusterLogLevel::Info,
        },
    }
}

/// The tag of the component that a notice comes from.
#[must_use]
pub fn component(notice: &Notice) -> &'static str {
    match notice {
        Notice::ServiceStarted { .. } | Notice::Halted { .. } => "CORE",
        Notice::OfService { event } => of_service(*event),
        Notice::InterfaceChanged { .. } => "NM",
        Notice::RouteUp { .. } | Notice::RouteDown { .. } => "IM",
        Notice::PeerFound { .. } | Notice::PeerLost { .. } => "NDP",
        Notice::Regroup { .. } | Notice::ViewInstalled { .. } => "RGP",
        Notice::Joined { .. } | Notice::NodeAdded { .. } => "JPM",
        Notice::NodeRemoved { .. } | Notice::DrainEnded { .. } => "NODE",
        Notice::QuorumCounted { .. }
        | Notice::WitnessNeeded { .. }
        | Notice::WitnessArbitrated { .. }
        | Notice::WitnessFailed => "QUORUM",
        Notice::DiskChallenged { .. }
        | Notice::DiskHeld { .. }
        | Notice::DiskArbitrationLost { .. }
        | Notice::DiskLost { .. }
        | Notice::DiskReleased { .. } => "RES",
        Notice::LockOwner { .. } => "GUM",
        Notice::UpdateCommitted { .. } | Notice::Reconciled { .. } => "DM",
        Notice::CheckpointNotRestored { .. } => "CM",
        Notice::EntryPointTimedOut { .. } | Notice::HostExited { .. } => "RHS",
        _ => "RCM",
    }
}

/// The tag of the component that an event of the service comes from.
fn of_service(event: ServiceEvent) -> &'static str {
    match event {
        ServiceEvent::ConnectivityIncomplete => "CORE",
        ServiceEvent::JoinFailed
        | ServiceEvent::FormFailed
        | ServiceEvent::NotAllReached
        | ServiceEvent::NobodyReached => "JPM",
        ServiceEvent::DatabaseNotWritten | ServiceEvent::WitnessNotUpdated => "DM",
        ServiceEvent::NoConnectivity
        | ServiceEvent::ConnectivityLost
        | ServiceEvent::OnlyRestrictedNetwork => "NM",
        ServiceEvent::ConfigurationOutdated
        | ServiceEvent::WitnessUnhealthy
        | ServiceEvent::WitnessNotArbitrated
        | ServiceEvent::WitnessUnreachable => "QUORUM",
    }
}

/// `YYYY/MM/DD` and `HH:MM:SS.mmm` in GMT.
fn date_and_time(at: WallTime) -> (String, String) {
    let (year, month, day) = at.date();
    let (seconds, millis) = (at.0 / 1_000, at.0 % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    (
        format!("{year:04}/{month:02}/{day:02}"),
        format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_documented_format() {
        let stamp = LineStamp {
            process: 0x1a3c,
            thread: 0x9f0,
            at: WallTime(1_456_704_000_007),
        };
        let line = cluster_log_line(stamp, ClusterLogLevel::Error, "QUORUM", "lost\nquorum");
        assert_eq!(
            line,
            "00001a3c.000009f0::2016/02/29-00:00:00.007 ERR   [QUORUM] lost quorum"
        );
    }

    #[test]
    fn the_calendar_knows_leap_years_and_ends_of_months() {
        let date = |days: u64| date_and_time(WallTime(days * 86_400_000)).0;
        assert_eq!(date(0), "1970/01/01");
        assert_eq!(date(58), "1970/02/28");
        assert_eq!(date(59), "1970/03/01");
        assert_eq!(date(11_016), "2000/02/29");
        assert_eq!(date(20_088), "2024/12/31");
    }
}
