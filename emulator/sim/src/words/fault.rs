//! Faults in words with the lab's names.

use plan::Names;

use crate::hosts::{AccountFault, Behaviour, DirectoryFault};
use crate::net::{Rule, Station, Stations};
use crate::storage;
use crate::world::{Fault, MachineFault};

/// A fault as a person would tell it.
#[must_use]
pub fn fault_words(fault: &Fault, names: &Names) -> String {
    match fault {
        Fault::Machine(node, fault) => {
            let what = match fault {
                MachineFault::PowerOff => "power-off",
                MachineFault::Crash => "crash",
                MachineFault::Freeze => "pause",
                MachineFault::Reboot => "reboot",
                MachineFault::StopService => "stop-service",
                MachineFault::KillService => "service process dies",
                MachineFault::KillMonitors => "resource host processes die",
                MachineFault::ServiceHangs => "cluster service hangs",
                MachineFault::DiskFails => "own disk refuses to write",
                MachineFault::ClockRuns(_) => "clock runs at another rate",
                MachineFault::ClockJumps(_) => "wall clock jumps",
            };
            format!("{} {what}", names.of_node(*node))
        }
        Fault::Network(rule) => rule_words(rule, names),
        Fault::Storage(rule) => storage_words(rule, names),
        Fault::Preempt(by, disk) => {
            let (by, disk) = (names.of_node(*by), names.of_disk(*disk));
            format!("{by} takes the reservation of {disk} away")
        }
        Fault::ClearReservations(disk) => {
            format!("reservations of {} are cleared", names.of_disk(*disk))
        }
        Fault::ArrayPower(place) => {
            format!(
                "power of array {} goes and comes back",
                names.of_array(*place)
            )
        }
        Fault::Resource(resource, behaviour) => {
            let resource = names.of_resource(*resource);
            format!("{resource} {}", behaviour_words(*behaviour))
        }
        Fault::BreakOnce(resource) => format!("{} fails", names.of_resource(*resource)),
        Fault::HangOnce(resource) => format!("{} hangs", names.of_resource(*resource)),
        Fault::ShareRemoved(resource) => {
            format!("the share of {} is removed", names.of_resource(*resource))
        }
        Fault::Directory(fault) => directory_words(*fault, names),
        Fault::WitnessUnreachable(from) => {
            format!("witness unreachable from {}", names.of_nodes(*from))
        }
    }
}

fn directory_words(fault: DirectoryFault, names: &Names) -> String {
    use directory::dns::Fault;
    let account = |resource, what: &str| {
        format!(
            "the computer object of {} {what}",
            names.of_resource(resource)
        )
    };
    match fault {
        DirectoryFault::Dns(Fault::Down) => "the name server is down".to_owned(),
        DirectoryFault::Dns(Fault::RefuseUpdates) => "the name server refuses updates".to_owned(),
        DirectoryFault::Dns(Fault::LoseUpdates) => "the name server loses updates".to_owned(),
        DirectoryFault::DnsSlow(by) => {
            format!("the name server answers {} ms later", by.as_millis())
        }
        DirectoryFault::ControllerDown => "no domain controller answers".to_owned(),
        DirectoryFault::Skew(by) => {
            format!("the clock of the domain is {} s ahead", by.as_secs())
        }
        DirectoryFault::Quota(count) => format!("the quota of computer objects is {count}"),
        DirectoryFault::Account(resource, what) => account(
            resource,
            match what {
                AccountFault::Disabled => "is disabled",
                AccountFault::Deleted => "is deleted",
                AccountFault::WithoutRights => "is out of the cluster's hands",
                AccountFault::PasswordOutOfStep => "gets another password",
                AccountFault::Taken => "is somebody else's",
            },
        ),
        DirectoryFault::WinsDown => "the NetBIOS name server is down".to_owned(),
        DirectoryFault::NameTaken(resource) => format!(
            "another computer has the NetBIOS name of {}",
            names.of_resource(resource)
        ),
    }
}

fn storage_words(rule: &storage::Rule, names: &Names) -> String {
    use storage::Rule;
    match rule {
        Rule::PathDown {
            array,
            portal,
            from,
        } => {
            let (array, from) = (names.of_array(*array), names.of_nodes(*from));
            let portal = portal.map(|it| format!(" through portal {it}"));
            format!(
                "no path from {from} to array {array}{}",
                portal.unwrap_or_default()
            )
        }
        Rule::UnitUnreachable(disk, from) => {
            let (disk, from) = (names.of_disk(*disk), names.of_nodes(*from));
            format!("no path from {from} to {disk}")
        }
        Rule::Silent(disk) => format!("{} answers nothing", names.of_disk(*disk)),
        Rule::Slow(disk, by) => {
            format!(
                "{} answers {} ms late",
                names.of_disk(*disk),
                by.as_millis()
            )
        }
        Rule::Full(disk) => format!("{} has no room for what is written", names.of_disk(*disk)),
        Rule::Broken(disk) => {
            format!(
                "{} answers every command with an error",
                names.of_disk(*disk)
            )
        }
    }
}

fn behaviour_words(behaviour: Behaviour) -> String {
    let answer = |yes| if yes { "yes" } else { "no" };
    match behaviour {
        Behaviour::Slow(by) => format!("is slow by {} ms", by.as_millis()),
        Behaviour::Hung => "hangs wherever it runs".to_owned(),
        Behaviour::Refusing(code) => format!("does not come online, error {code}"),
        Behaviour::Crashing => "ends its host whenever it comes online".to_owned(),
        Behaviour::Flapping => "answers its checks with yes and no by turns".to_owned(),
        Behaviour::BROKEN => "is broken wherever it runs".to_owned(),
        Behaviour::Answers {
            looks_alive,
            is_alive,
        } => format!(
            "answers LooksAlive with {} and IsAlive with {}",
            answer(looks_alive),
            answer(is_alive)
        ),
    }
}

fn rule_words(rule: &Rule, names: &Names) -> String {
    match rule {
        Rule::NetworkDown(network) => format!("network {} is down", names.of_network(*network)),
        Rule::NicDown(station, network) => {
            let station = station_name(*station, names);
            format!("{station}/{} is down", names.of_network(*network))
        }
        Rule::Cut { from, to, network } => {
            let (from, to) = (stations_words(*from, names), stations_words(*to, names));
            format!(
                "{} carries nothing from {from} to {to}",
                names.of_network(*network)
            )
        }
        Rule::Impair {
            from,
            to,
            network,
            impairment,
        } => {
            let (from, to) = (stations_words(*from, names), stations_words(*to, names));
            let network = names.of_network(*network);
            format!("{network} is impaired from {from} to {to}: {impairment}")
        }
    }
}

fn stations_words(stations: Stations, names: &Names) -> String {
    if stations == Stations::ALL {
        return "all".to_owned();
    }
    let stations: Vec<String> = stations.iter().map(|it| station_name(it, names)).collect();
    stations.join(", ")
}

fn station_name(station: Station, names: &Names) -> String {
    names.of_machine(usize::from(station.0))
}
