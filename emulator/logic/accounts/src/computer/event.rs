//! Events of the system log about computer objects (reference, 8).

use super::status;
use std::fmt;

/// A documented event with the status that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number in the system log.
    pub number: u32,
    /// Win32 status; also what StatusKerberos becomes.
    pub status: u32,
}

impl Event {
    /// The object could not be created or taken over.
    pub(super) fn create(status: u32) -> Self {
        Self {
            number: 1_194,
            status,
        }
    }

    /// The object could not be found or brought up to date.
    pub(super) fn update(status: u32) -> Self {
        Self {
            number: 1_207,
            status,
        }
    }

    /// The cluster's own account (CNO, or the service's) cannot be used to make or mend the object.
    #[must_use]
    pub fn of_cluster_name(status: u32, has_object: bool) -> Self {
        if has_object {
            Self::update(status)
        } else {
            Self::create(status)
        }
    }

    /// No writable domain controller answers.
    pub(super) fn no_controller() -> Self {
        Self {
            number: 1_212,
            status: status::NO_SUCH_DOMAIN,
        }
    }

    /// The name could not log on.
    pub(super) fn log_on(status: u32) -> Self {
        Self {
            number: 1_231,
            status,
        }
    }

    /// The object could not be deleted; the resource is deleted all the same.
    pub(super) fn delete(status: u32) -> Self {
        Self {
            number: 1_192,
            status,
        }
    }

    /// The object could be neither deleted nor disabled.
    pub(super) fn disable(status: u32) -> Self {
        Self {
            number: 1_197,
            status,
        }
    }

    /// True for what only warns: what goes wrong when a resource is deleted.
    #[must_use]
    pub fn only_warns(self) -> bool {
        matches!(self.number, 1_192 | 1_197)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.number {
            1_194 => "the computer object could not be created",
            1_207 => "the computer object could not be brought up to date",
            1_212 => "no writable domain controller answers",
            1_231 => "the network name could not log on to the domain",
            1_192 => "the computer object could not be deleted",
            _ => "the computer object could not be disabled",
        };
        write!(f, "{what}: {}", reason(self.status))
    }
}

fn reason(status: u32) -> String {
    let text = match status {
        status::ACCESS_DENIED => "access is denied; give the cluster name object full control",
        status::LOGON_FAILURE => "the stored password is not the directory's; repair the object",
        status::ACCOUNT_DISABLED => "the account is disabled; enable it",
        status::NO_SUCH_DOMAIN => "there is no answer; check the domain controller",
        status::TIME_SKEW => "the clocks are more than five minutes apart; set them",
        status::ACCOUNT_EXISTS => "the account exists and is enabled; disable it to prestage it",
        status::QUOTA_EXCEEDED => {
            "the quota of computer objects is used up; give the right to create them"
        }
        status::NO_SUCH_OBJECT => "it is not in the directory; restore it or repair the name",
        other => return format!("status {other}"),
    };
    text.to_owned()
}
