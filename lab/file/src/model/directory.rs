//! The directory services that network names register with.

use std::time::Duration;

/// The directory of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The domain below which network names are registered.
    pub domain: String,
    /// Whether network names have computer objects there.
    pub has_accounts: bool,
    /// The machine of the lab that is the domain controller; without one every node reaches it.
    pub controller: Option<String>,
    /// Whether anybody may register names; otherwise nobody may.
    pub takes_updates: bool,
    /// How NetBIOS names are made known, where the generation has them.
    pub netbios: NetbiosMode,
    /// What is added to the ports of the services where people may connect to them; chosen by the
    /// lab if nothing is said.
    pub port_base: Option<u16>,
}

impl Directory {
    /// The domain's NetBIOS name: the first label of the other one, at most 15 characters long.
    #[must_use]
    pub fn netbios_domain(&self) -> String {
        let label = self.domain.split('.').next().unwrap_or_default();
        label.to_uppercase().chars().take(15).collect()
    }

    /// A domain of which nothing more is said.
    #[must_use]
    pub fn of_domain(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            has_accounts: true,
            controller: None,
            takes_updates: true,
            netbios: NetbiosMode::default(),
            port_base: None,
        }
    }

    /// What is before the domain in a name, in any case of its letters; a name that ends otherwise
    /// is left as it is.
    #[must_use]
    pub fn label<'a>(&self, name: &'a str) -> &'a str {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let domain = bare.len().checked_sub(self.domain.len());
        let parts = domain.and_then(|domain| bare.split_at_checked(domain));
        parts
            .filter(|(_, domain)| domain.eq_ignore_ascii_case(&self.domain))
            .and_then(|(label, _)| label.strip_suffix('.'))
            .unwrap_or(name)
    }
}

/// How NetBIOS names are made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetbiosMode {
    /// Not at all.
    None,
    /// By broadcast.
    Broadcast,
    /// At a name server on the domain controller.
    #[default]
    PointToPoint,
    /// At the name server; by broadcast while it is silent.
    Hybrid,
}

/// What goes wrong with the name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsFault {
    /// It answers nothing.
    Down,
    /// It refuses every update.
    RefuseUpdates,
    /// It acknowledges updates and forgets them.
    LoseUpdates,
    /// It answers so much later.
    Slow(Duration),
}

/// What goes wrong with the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryFault {
    /// With the name server.
    Dns(DnsFault),
    /// No domain controller answers.
    ControllerDown,
    /// The domain's clock is ahead by this.
    Skew(Duration),
    /// Who has no right to create computer objects may have so many.
    Quota(u32),
    /// With the computer object of a network name.
    Account {
        /// The network name.
        name: String,
        /// What.
        fault: AccountFault,
    },
    /// The NetBIOS name server answers nothing.
    NetbiosDown,
    /// A stranger takes the NetBIOS names of a network name.
    NetbiosTaken {
        /// The network name.
        name: String,
    },
}

/// What goes wrong with a computer object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountFault {
    /// It is disabled.
    Disabled,
    /// It is deleted.
    Deleted,
    /// Nobody but administrators has rights on it any more.
    WithoutRights,
    /// It gets a password that the cluster does not know.
    PasswordOutOfStep,
    /// Somebody else's object of that name is there first.
    Taken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_name_is_what_stands_before_the_domain() {
        let directory = Directory::of_domain("corp.example");
        for (name, label) in [
            ("FS1", "FS1"),
            ("fs1.corp.example", "fs1"),
            ("FS1.Corp.Example.", "FS1"),
            ("fs1.other.example", "fs1.other.example"),
            ("xcorp.example", "xcorp.example"),
            ("corp.example", "corp.example"),
            ("é", "é"),
        ] {
            assert_eq!(directory.label(name), label, "{name}");
        }
    }
}
