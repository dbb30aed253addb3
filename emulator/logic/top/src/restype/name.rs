//! What a Network Name resource keeps and reports: its settings, its computer object, and what
//! became of it in the directory.
//!
//! Facts: directory fact sheet, sections 1.2 (private properties) and 8 (events). What ResourceData
//! holds is this project's own form: the product keeps the password encrypted.

use base::WallTime;

/// StatusDNS, StatusNetBIOS and StatusKerberos before anything was tried.
pub const NEVER_TRIED: u32 = u32::MAX;

/// How a network name is registered: its private properties by their documented names
/// (directory fact sheet, section 1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSettings {
    /// HostRecordTTL (seconds).
    pub host_record_ttl: u32,
    /// PublishPTRRecords: the addresses get the name as well.
    pub publish_ptr: bool,
    /// RegisterAllProvidersIP: the addresses of all providers are published, online or not.
    pub all_providers: bool,
    /// RequireDNS of 2003: without its registration the resource does not come online.
    pub require_dns: bool,
    /// RequireKerberos of 2003: the name has a computer object, without which it does not come
    /// online. Later generations always have one.
    pub require_kerberos: bool,
    /// The name's computer object, as far as there is one.
    pub account: NameAccount,
}

impl NameSettings {
    /// HostRecordTTL where nothing else is said.
    pub const TTL_SECONDS: u32 = 1200;
}

impl Default for NameSettings {
    fn default() -> Self {
        Self {
            host_record_ttl: Self::TTL_SECONDS,
            publish_ptr: false,
            all_providers: false,
            require_dns: false,
            require_kerberos: false,
            account: NameAccount::default(),
        }
    }
}

/// What the cluster database keeps of a name's computer object, so that every owner finds it and
/// can log on as it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAccount {
    /// ObjectGUID: 32 hexadecimal digits in storage order; empty without an object.
    pub object_guid: String,
    /// CreatingDC: the domain controller that made or supplied the object.
    pub creating_dc: String,
    /// The object's password (ResourceData).
    pub password: String,
    /// When the password was set (ResourceData).
    pub changed: WallTime,
}

impl NameAccount {
    /// ResourceData: eight octets of time, then the password.
    #[must_use]
    pub fn resource_data(&self) -> Vec<u8> {
        let mut data = self.changed.0.to_be_bytes().to_vec();
        data.extend_from_slice(self.password.as_bytes());
        data
    }

    /// Reads ResourceData; anything else leaves the name without a password.
    pub fn read_resource_data(&mut self, data: &[u8]) {
        let Some((changed, password)) = data.split_first_chunk() else {
            return;
        };
        self.changed = WallTime(u64::from_be_bytes(*changed));
        self.password = String::from_utf8_lossy(password).into_owned();
    }
}

/// A documented event of the system log about a network name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameEvent {
    /// Its number (directory fact sheet, section 8).
    pub number: u16,
    /// The Win32 status that it names.
    pub status: u32,
}

/// What became of a network name in the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameReport {
    /// StatusDNS, where a registration was tried.
    pub dns: Option<u32>,
    /// StatusNetBIOS, where a registration was tried.
    pub netbios: Option<u32>,
    /// StatusKerberos, where the computer object was looked for.
    pub kerberos: Option<u32>,
    /// LastDNSUpdateTime, where the registration succeeded.
    pub updated: Option<WallTime>,
    /// What is to be kept of the computer object from now on, where that has changed.
    pub account: Option<NameAccount>,
    /// What the event log is told.
    pub events: Vec<NameEvent>,
}

/// RES_NETNAME_NOT_REGISTERED: the name is no longer registered on its node.
const NOT_REGISTERED: u16 = 1215;

impl NameReport {
    /// The name is no longer registered on its node.
    #[must_use]
    pub fn lost_registration() -> Self {
        Self {
            events: vec![NameEvent {
                number: NOT_REGISTERED,
                status: 0,
            }],
            ..Self::default()
        }
    }

    /// Whether it says nothing that the cluster would have to know.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

wire::codec!(struct NameSettings {
    host_record_ttl, publish_ptr, all_providers, require_dns, require_kerberos, account
});
wire::codec!(struct NameAccount { object_guid, creating_dc, password, changed });
wire::codec!(struct NameEvent { number, status });
wire::codec!(struct NameReport { dns, netbios, kerberos, updated, account, events });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_data_gives_the_password_and_its_age_again() {
        let kept = NameAccount {
            password: "S3cret-pässword".into(),
            changed: WallTime(1_800_000_000_000),
            ..NameAccount::default()
        };
        let mut read = NameAccount::default();
        read.read_resource_data(&kept.resource_data());
        assert_eq!(read, kept);
        read.read_resource_data(b"short");
        assert_eq!(read, kept);
    }
}
