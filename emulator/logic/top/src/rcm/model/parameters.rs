//! Private properties of a resource, under the `Parameters` subkey of its key (reference section
//! 2.1; value names from the same rows).
//!
//! `Disk`, `Program` and the subkey `Parameters\\Properties` of plug-ins are our names.

use base::{DiskId, NetworkId};
use middle::database::{Hive, Value};

use super::network_name;
use super::resource::number;
use crate::restype::{ResourceKind, ResourceParameters, SharePlace};

/// MaxUsers without a limit.
const UNLIMITED: u32 = u32::MAX;
/// Whether a disk carries a cluster shared volume; where the product keeps that is unsourced.
const SHARED: &str = "IsClusterSharedVolume";

/// Reads the properties below a resource's key; what is missing is empty.
pub(super) fn read(hive: &Hive, key: &str, kind: ResourceKind) -> ResourceParameters {
    let key = format!("{key}\\Parameters");
    let text = |name| hive.text(&key, name).unwrap_or_default().to_owned();
    let network = || NetworkId(u8::try_from(number(hive, &key, "Network")).unwrap_or(u8::MAX));
    match kind {
        ResourceKind::PhysicalDisk => ResourceParameters::PhysicalDisk {
            disk: DiskId(number(hive, &key, "Disk")),
            shared: hive.dword(&key, SHARED).is_some_and(|it| it != 0),
        },
        ResourceKind::FileShareWitness => ResourceParameters::FileShareWitness,
        ResourceKind::CloudWitness => ResourceParameters::CloudWitness,
        ResourceKind::IpAddress => ResourceParameters::IpAddress {
            network: network(),
            address: text("Address"),
        },
        ResourceKind::Ipv6Address => ResourceParameters::Ipv6Address {
            network: network(),
            address: text("Address"),
        },
        ResourceKind::NetworkName => ResourceParameters::NetworkName {
            name: text("Name"),
            addresses: Vec::new(),
            settings: network_name::read(hive, &key),
        },
        ResourceKind::DistributedNetworkName => {
            ResourceParameters::DistributedNetworkName { name: text("Name") }
        }
        ResourceKind::FileServer => ResourceParameters::FileServer {
            name: String::new(),
        },
        ResourceKind::FileShare => ResourceParameters::FileShare {
            server: String::new(),
            share: text("ShareName"),
            path: text("Path"),
            max_users: hive
                .dword(&key, "MaxUsers")
                .filter(|count| *count != UNLIMITED),
            place: SharePlace::default(),
        },
        ResourceKind::PlugIn => ResourceParameters::PlugIn {
            program: text("Program"),
            properties: properties(hive, &key),
        },
        program => read_program(program, text, hive.dword(&key, "JobCompletionTimeout")),
    }
}

/// Types that stand for a service, a script or a program.
fn read_program(
    kind: ResourceKind,
    text: impl Fn(&'static str) -> String,
    timeout: Option<u32>,
) -> ResourceParameters {
    let (database, backup) = ("DatabasePath", "BackupPath");
    match kind {
        ResourceKind::GenericService => ResourceParameters::GenericService {
            service: text("ServiceName"),
            startup_parameters: text("StartupParameters"),
        },
        ResourceKind::GenericScript => ResourceParameters::GenericScript {
            script: text("ScriptFilepath"),
        },
        ResourceKind::DhcpService => ResourceParameters::DhcpService {
            database_path: text(database),
            backup_path: text(backup),
        },
        ResourceKind::WinsService => ResourceParameters::WinsService {
            database_path: text(database),
            backup_path: text(backup),
        },
        ResourceKind::PrintSpooler => ResourceParameters::PrintSpooler {
            spool_directory: text("DefaultSpoolDirectory"),
            job_completion_timeout: timeout.unwrap_or(0),
        },
        ResourceKind::VirtualMachine => ResourceParameters::VirtualMachine {
            machine: text("VmID"),
        },
        _ => ResourceParameters::GenericApplication {
            command_line: text("CommandLine"),
            current_directory: text("CurrentDirectory"),
        },
    }
}

fn properties(hive: &Hive, key: &str) -> Vec<(String, String)> {
    let text = |(name, value): (&str, &Value)| match value {
        Value::Text(text) => Some((name.to_owned(), text.clone())),
        _ => None,
    };
    hive.values(&format!("{key}\\Properties"))
        .filter_map(text)
        .collect()
}

/// Writes the properties below a resource's key.
pub(super) fn write(hive: &mut Hive, key: &str, parameters: &ResourceParameters) {
    let key = format!("{key}\\Parameters");
    hive.create(&key);
    for (name, value) in values(parameters) {
        hive.set(&key, name, value);
    }
    if let ResourceParameters::PlugIn { properties, .. } = parameters {
        for (name, value) in properties {
            let key = format!("{key}\\Properties");
            hive.set(&key, name, Value::Text(value.clone()));
        }
    }
}

fn values(parameters: &ResourceParameters) -> Vec<(&'static str, Value)> {
    let text = |text: &String| Value::Text(text.clone());
    match parameters {
        ResourceParameters::PhysicalDisk { disk, shared } => {
            let disk = ("Disk", Value::Dword(disk.0.into()));
            let shared = shared.then_some((SHARED, Value::Dword(1)));
            [disk].into_iter().chain(shared).collect()
        }
        ResourceParameters::FileShareWitness
        | ResourceParameters::CloudWitness
        | ResourceParameters::FileServer { .. } => Vec::new(),
        ResourceParameters::IpAddress { network, address }
        | ResourceParameters::Ipv6Address { network, address } => vec![
            ("Network", Value::Dword(network.0.into())),
            ("Address", text(address)),
        ],
        ResourceParameters::NetworkName { name, settings, .. } => {
            network_name::values(name, settings)
        }
        ResourceParameters::DistributedNetworkName { name } => vec![("Name", text(name))],
        ResourceParameters::FileShare {
            share,
            path,
            max_users,
            ..
        } => vec![
            ("ShareName", text(share)),
            ("Path", text(path)),
            ("MaxUsers", Value::Dword(max_users.unwrap_or(UNLIMITED))),
        ],
        ResourceParameters::GenericApplication {
            command_line,
            current_directory,
        } => vec![
            ("CommandLine", text(command_line)),
            ("CurrentDirectory", text(current_directory)),
        ],
        ResourceParameters::GenericService {
            service,
            startup_parameters,
        } => vec![
            ("ServiceName", text(service)),
            ("StartupParameters", text(startup_parameters)),
        ],
        ResourceParameters::GenericScript { script } => vec![("ScriptFilepath", text(script))],
        ResourceParameters::DhcpService {
            database_path,
            backup_path,
        }
        | ResourceParameters::WinsService {
            database_path,
            backup_path,
        } => vec![
            ("DatabasePath", text(database_path)),
            ("BackupPath", text(backup_path)),
        ],
        ResourceParameters::PrintSpooler {
            spool_directory,
            job_completion_timeout,
        } => vec![
            ("DefaultSpoolDirectory", text(spool_directory)),
            (
                "JobCompletionTimeout",
                Value::Dword(*job_completion_timeout),
            ),
        ],
        ResourceParameters::VirtualMachine { machine } => vec![("VmID", text(machine))],
        ResourceParameters::PlugIn { program, .. } => vec![("Program", text(program))],
    }
}
