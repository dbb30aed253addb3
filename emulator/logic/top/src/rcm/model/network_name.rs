//! Private properties of a Network Name resource in the cluster database (directory fact sheet,
//! section 1.2): what its host is told, and what it reports back.

use middle::database::{Change, Hive, HiveChange, Value};

use crate::restype::{NameAccount, NameReport, NameSettings};

const HOST_RECORD_TTL: &str = "HostRecordTTL";
const PUBLISH_PTR: &str = "PublishPTRRecords";
const ALL_PROVIDERS: &str = "RegisterAllProvidersIP";
const REQUIRE_DNS: &str = "RequireDNS";
const REQUIRE_KERBEROS: &str = "RequireKerberos";
const OBJECT_GUID: &str = "ObjectGUID";
const CREATING_DC: &str = "CreatingDC";
const RESOURCE_DATA: &str = "ResourceData";

/// Milliseconds between the epoch of FILETIME (1601) and that of our wall clock (1970).
const FILETIME_EPOCH: u64 = 11_644_473_600_000;
/// FILETIME counts steps of 100 nanoseconds.
const STEPS_PER_MILLI: u64 = 10_000;

/// What stands below a resource's `Parameters` key; what is missing has its default.
pub(super) fn read(hive: &Hive, key: &str) -> NameSettings {
    let is_set = |name| hive.dword(key, name).is_some_and(|value| value != 0);
    NameSettings {
        host_record_ttl: hive
            .dword(key, HOST_RECORD_TTL)
            .unwrap_or(NameSettings::TTL_SECONDS),
        publish_ptr: is_set(PUBLISH_PTR),
        all_providers: is_set(ALL_PROVIDERS),
        require_dns: is_set(REQUIRE_DNS),
        require_kerberos: is_set(REQUIRE_KERBEROS),
        account: account(hive, key),
    }
}

fn account(hive: &Hive, key: &str) -> NameAccount {
    let text = |name| hive.text(key, name).unwrap_or_default().to_owned();
    let mut account = NameAccount {
        object_guid: text(OBJECT_GUID),
        creating_dc: text(CREATING_DC),
        ..NameAccount::default()
    };
    if let Some(Value::Binary(data)) = hive.value(key, RESOURCE_DATA) {
        account.read_resource_data(data);
    }
    account
}

/// The name, and what differs from the default.
pub(super) fn values(name: &str, settings: &NameSettings) -> Vec<(&'static str, Value)> {
    let usual = NameSettings::default();
    let dword = |name, is: bool| is.then_some((name, Value::Dword(1)));
    let ttl = settings.host_record_ttl;
    let ttl = (ttl != usual.host_record_ttl).then_some((HOST_RECORD_TTL, Value::Dword(ttl)));
    let values = [
        Some(("Name", Value::Text(name.to_owned()))),
        ttl,
        dword(PUBLISH_PTR, settings.publish_ptr),
        dword(ALL_PROVIDERS, settings.all_providers),
        dword(REQUIRE_DNS, settings.require_dns),
        dword(REQUIRE_KERBEROS, settings.require_kerberos),
    ];
    let known = (settings.account != usual.account).then(|| account_values(&settings.account));
    values
        .into_iter()
        .flatten()
        .chain(known.into_iter().flatten())
        .collect()
}

fn account_values(account: &NameAccount) -> [(&'static str, Value); 3] {
    [
        (OBJECT_GUID, Value::Text(account.object_guid.clone())),
        (CREATING_DC, Value::Text(account.creating_dc.clone())),
        (RESOURCE_DATA, Value::Binary(account.resource_data())),
    ]
}

/// What of a report the database does not show yet, below the resource's key.
pub(in crate::rcm) fn reported(hive: &Hive, key: &str, report: &NameReport) -> Vec<Change> {
    let key = format!("{key}\\Parameters");
    let status = |name, status: Option<u32>| Some((name, Value::Dword(status?)));
    let updated = report.updated.map(|at| {
        let steps = at.0.saturating_add(FILETIME_EPOCH) * STEPS_PER_MILLI;
        ("LastDNSUpdateTime", Value::Qword(steps))
    });
    let statuses = [
        status("StatusDNS", report.dns),
        status("StatusNetBIOS", report.netbios),
        status("StatusKerberos", report.kerberos),
        updated,
    ];
    let account = report.account.iter().flat_map(account_values);
    let values = statuses.into_iter().flatten().chain(account);
    let is_new = |(name, value): &(&str, Value)| hive.value(&key, name) != Some(value);
    let set = |(name, value): (&str, Value)| {
        let (key, name) = (key.clone(), name.to_owned());
        Change::Hive(HiveChange::Set { key, name, value })
    };
    values.filter(is_new).map(set).collect()
}
