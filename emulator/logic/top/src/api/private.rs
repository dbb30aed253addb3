//! Private properties of resources that administrators know, by type.
//!
//! Facts: directory fact sheet, section 1.2 (Network Name). ResourceData, the password, is not
//! shown. Private properties of other types are set where the lab is described.

use base::Generation;

use super::property::{Form, NONE, Property, Unset};
use crate::restype::{NEVER_TRIED, NameSettings, ResourceKind};

/// The key below a resource's own where its private properties stand.
pub const SUBKEY: &str = "Parameters";

const NETWORK_NAME: &[Property] = &[
    Property::dword("HostRecordTTL", 0, NONE, NameSettings::TTL_SECONDS),
    Property::dword("RegisterAllProvidersIP", 0, 1, 0).since(Generation::V2008),
    Property::dword("PublishPTRRecords", 0, 1, 0).since(Generation::V2008),
    Property::dword("RequireDNS", 0, 1, 0).until(Generation::V2003),
    Property::dword("RequireKerberos", 0, 1, 0).until(Generation::V2003),
    Property::dword("StatusDNS", 0, NONE, NEVER_TRIED).read_only(),
    Property::dword("StatusNetBIOS", 0, NONE, NEVER_TRIED).read_only(),
    Property::dword("StatusKerberos", 0, NONE, NEVER_TRIED).read_only(),
    Property::dword("LastDNSUpdateTime", 0, NONE, 0).read_only(),
    Property::of("ObjectGUID", Form::Text, Unset::Empty).read_only(),
    Property::of("CreatingDC", Form::Text, Unset::Empty).read_only(),
];

/// The private properties of a type in a generation. One that has the name of a common property is
/// not among them, because the name means that one.
pub fn properties(
    kind: ResourceKind,
    generation: Generation,
) -> impl Iterator<Item = &'static Property> {
    let table = match kind {
        ResourceKind::NetworkName => NETWORK_NAME,
        _ => &[],
    };
    table
        .iter()
        .filter(move |it| (it.since..=it.until).contains(&generation))
}
