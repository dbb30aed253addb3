//! Private properties of resources: their documented names by type (reference section 2.1).
//!
//! Not done here: what a property does. This version acts on few of them and says so of the others.

use crate::diagnostic::Diagnostic;
use crate::model::{Lab, ResourceType};
use crate::nearest::nearest;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{Decoder, Entry, ResourceSpec};

/// Documented for every generation, or from 2008 on.
const PHYSICAL_DISK: &[&str] = &[
    "DiskSignature",
    "DiskIdType",
    "DiskIdGuid",
    "DiskRunChkDsk",
    "DiskArbInterval",
    "DiskArbType",
    "DiskReload",
    "MaxIoLatency",
    "FastOnlineArbitrate",
    "DiskRecoveryAction",
];
const IP_ADDRESS: &[&str] = &[
    "SubnetMask",
    "EnableNetBIOS",
    "EnableDhcp",
    "OverrideAddressMatch",
    "ProbePort",
    "ProbeFailureThreshold",
];
const NETWORK_NAME: &[&str] = &[
    "DnsName",
    "DnsSuffix",
    "HostRecordTTL",
    "RegisterAllProvidersIP",
    "PublishPTRRecords",
    "Aliases",
    "RemapPipeNames",
    "ADAware",
    "TimerCallbackAdditionalThreshold",
    "DeleteVcoOnResCleanup",
    "VcoContainer",
];
const FILE_SHARE: &[&str] = &[
    "MaxUsers",
    "Remark",
    "Security",
    "Security Descriptor",
    "ShareSubDirs",
    "HideSubDirShares",
    "IsDfsRoot",
    "CSCCache",
];
const GENERIC_APPLICATION: &[&str] = &["InteractWithDesktop", "UseNetworkName"];

/// Properties that the lab file has a key of its own for.
const BY_KEY: &[(ResourceType, &str, &str)] = &[
    (ResourceType::IpAddress, "Address", "address"),
    (ResourceType::IpAddress, "Network", "network"),
    (ResourceType::Ipv6Address, "Address", "address"),
    (ResourceType::Ipv6Address, "Network", "network"),
    (ResourceType::NetworkName, "Name", "name"),
    (ResourceType::FileShare, "Path", "path"),
    (ResourceType::FileShare, "ShareName", "share"),
    (ResourceType::GenericApplication, "CommandLine", "command"),
    (
        ResourceType::GenericApplication,
        "CurrentDirectory",
        "directory",
    ),
    (ResourceType::DistributedNetworkName, "Name", "name"),
    (ResourceType::GenericService, "ServiceName", "service"),
    (ResourceType::GenericScript, "ScriptFilepath", "script"),
    (ResourceType::DhcpService, "DatabasePath", "path"),
    (ResourceType::WinsService, "DatabasePath", "path"),
    (ResourceType::PrintSpooler, "DefaultSpoolDirectory", "path"),
];

/// Properties that this version acts on.
const IN_EFFECT: &[(ResourceType, &str)] = &[
    (ResourceType::FileShare, "MaxUsers"),
    (ResourceType::NetworkName, "HostRecordTTL"),
    (ResourceType::NetworkName, "PublishPTRRecords"),
    (ResourceType::NetworkName, "RegisterAllProvidersIP"),
    (ResourceType::GenericService, "StartupParameters"),
    (ResourceType::DhcpService, "BackupPath"),
    (ResourceType::WinsService, "BackupPath"),
];

/// Those of 2003 that this version acts on.
const IN_EFFECT_2003: &[(ResourceType, &str)] = &[
    (ResourceType::NetworkName, "RequireDNS"),
    (ResourceType::NetworkName, "RequireKerberos"),
];

/// Properties that only the resources of 2003 have.
const ONLY_2003: &[(ResourceType, &str)] = &[
    (ResourceType::PhysicalDisk, "Signature"),
    (ResourceType::PhysicalDisk, "ConditionalMount"),
    (ResourceType::PhysicalDisk, "SkipChkdsk"),
    (ResourceType::NetworkName, "RequireDNS"),
    (ResourceType::NetworkName, "RequireKerberos"),
];

fn documented(of_type: ResourceType) -> &'static [&'static str] {
    match of_type {
        ResourceType::PhysicalDisk | ResourceType::ClusterSharedVolume => PHYSICAL_DISK,
        ResourceType::IpAddress => IP_ADDRESS,
        ResourceType::NetworkName => NETWORK_NAME,
        ResourceType::FileServer | ResourceType::Ipv6Address => &[],
        ResourceType::FileShare => FILE_SHARE,
        ResourceType::GenericApplication => GENERIC_APPLICATION,
        ResourceType::DistributedNetworkName => &["DnsName", "DnsSuffix", "HostRecordTTL"],
        ResourceType::GenericService => &["StartupParameters", "UseNetworkName"],
        ResourceType::GenericScript | ResourceType::PlugIn => &[],
        ResourceType::VirtualMachine => &["CheckHeartbeat"],
        ResourceType::DhcpService | ResourceType::WinsService => &["BackupPath"],
        ResourceType::PrintSpooler => &["JobCompletionTimeout"],
    }
}

/// Reports private properties that the type of a resource does not have or that do nothing.
pub(crate) fn check(entry: &Entry<ResourceSpec>, lab: &Lab, decoder: &mut Decoder<'_>) {
    let spec = &entry.value;
    let Some(of_type) = spec.r#type.as_ref().map(|word| word.value) else {
        return;
    };
    for pair in spec.properties.iter().flat_map(|pairs| &pairs.entries) {
        if !is_in_effect(&pair.name, of_type, lab) {
            let found = judge(&pair.name, pair.span, of_type, lab);
            decoder.sink.report(found);
        }
    }
}

/// Whether something follows from the property; a plug-in is told all that it is given.
fn is_in_effect(name: &str, of_type: ResourceType, lab: &Lab) -> bool {
    let known = |it: &(ResourceType, &str)| it.0 == of_type && it.1.eq_ignore_ascii_case(name);
    let in_2003 = is_of_2003(lab) && IN_EFFECT_2003.iter().any(known);
    of_type == ResourceType::PlugIn || IN_EFFECT.iter().any(known) || in_2003
}

fn is_of_2003(lab: &Lab) -> bool {
    lab.cluster.generation == base::Generation::V2003
}

fn judge(name: &str, span: Span, of_type: ResourceType, lab: &Lab) -> Diagnostic {
    let same = |known: &str| known.eq_ignore_ascii_case(name);
    let label = of_type.label();
    if let Some((.., key)) = BY_KEY.iter().find(|it| it.0 == of_type && same(it.1)) {
        let message = format!("`{name}` of {label} has a key of its own");
        return Diagnostic::error(Rule::WrongProperty, span, message)
            .hint(format!("write `{key}:` in the resource instead"));
    }
    let only_2003 = ONLY_2003.iter().any(|it| it.0 == of_type && same(it.1));
    if only_2003 && !is_of_2003(lab) {
        let message = format!("`{name}` belongs to generation 2003");
        return Diagnostic::error(Rule::Generation, span, message).hint(format!(
            "the cluster is of generation {}",
            lab.cluster.generation
        ));
    }
    if only_2003 || documented(of_type).iter().any(|known| same(known)) {
        let message = format!("this version does not act on `{name}`");
        return Diagnostic::warning(Rule::NoEffect, span, message)
            .hint("it is a documented property; nothing in this lab depends on it");
    }
    let message = format!("{label} has no property `{name}`");
    Diagnostic::error(Rule::WrongProperty, span, message).hint(hint(name, of_type))
}

fn hint(name: &str, of_type: ResourceType) -> String {
    let known = documented(of_type);
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("{} has none", of_type.label()),
        None => format!("it has {}", known.join(", ")),
    }
}
