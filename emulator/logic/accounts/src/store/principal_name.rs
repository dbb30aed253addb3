//! Service principal names: their parts, and the classes that stand for HOST.

/// Classes whose tickets are those of HOST (sPNMappings of the configuration; reference, 4.5).
const HOST_CLASSES: &[&str] = &[
    "alerter",
    "appmgmt",
    "cifs",
    "cisvc",
    "clipsrv",
    "browser",
    "dcom",
    "dhcp",
    "dmserver",
    "dns",
    "dnscache",
    "eventlog",
    "eventsystem",
    "fax",
    "http",
    "ias",
    "iisadmin",
    "mcsvc",
    "messenger",
    "msiserver",
    "netdde",
    "netddedsm",
    "netlogon",
    "netman",
    "nmagent",
    "oakley",
    "plugplay",
    "policyagent",
    "protectedstorage",
    "rasman",
    "remoteaccess",
    "replicator",
    "rpc",
    "rpclocator",
    "rpcss",
    "rsvp",
    "samss",
    "scardsvr",
    "scesrv",
    "schedule",
    "scm",
    "seclogon",
    "snmp",
    "spooler",
    "tapisrv",
    "time",
    "trksvr",
    "trkwks",
    "ups",
    "w3svc",
    "wins",
    "www",
];

/// The parts of `class/host[:port][/name]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceName<'a> {
    /// Service class.
    pub class: &'a str,
    /// Host without port.
    pub host: &'a str,
    /// Third part, if there is one.
    pub name: Option<&'a str>,
}

impl<'a> ServiceName<'a> {
    /// Takes the text apart; none unless it has two or three parts that are not empty.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (class, instance, name) = match parts.as_slice() {
            [class, instance] => (*class, *instance, None),
            [class, instance, name] => (*class, *instance, Some(*name)),
            _ => return None,
        };
        let host = instance.split(':').next().unwrap_or(instance);
        let empty = [class, host].contains(&"") || name == Some("");
        (!empty).then_some(Self { class, host, name })
    }

    /// True when tickets for this class are tickets for HOST.
    #[must_use]
    pub fn is_host_class(&self) -> bool {
        HOST_CLASSES
            .iter()
            .any(|class| class.eq_ignore_ascii_case(self.class))
    }
}

/// The HOST name that stands for `text`, if its class is one of those.
#[must_use]
pub fn mapped_to_host(text: &str) -> Option<String> {
    let name = ServiceName::parse(text)?;
    let (_, rest) = text.split_once('/')?;
    name.is_host_class().then(|| format!("HOST/{rest}"))
}
