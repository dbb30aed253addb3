use base::{NetworkId, Timestamp};

use top::rcm::ResourceParameters;
use top::restype::{Checks, NameEvent, NameReport, NameSettings};

use super::*;
use crate::FaultId;
use crate::net::{Rule, Segment};

const HOST: HostId = HostId(1);
const IP: ResourceId = ResourceId(0);
const APP: ResourceId = ResourceId(1);
const LAN: NetworkId = NetworkId(0);

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

fn address() -> ResourceSpec {
    ResourceSpec {
        name: "ip".to_owned(),
        checks: Checks::default(),
        parameters: ResourceParameters::IpAddress {
            network: LAN,
            address: "10.0.0.9".to_owned(),
        },
    }
}

fn program() -> ResourceSpec {
    ResourceSpec {
        name: "app".to_owned(),
        checks: Checks::default(),
        parameters: ResourceParameters::GenericApplication {
            command_line: "app".to_owned(),
            current_directory: String::new(),
        },
    }
}

/// One node's hosts and what is around them; commands are carried out to their end at once.
struct Bench {
    hosts: [Hosts; 2],
    outside: Outside,
    networks: Networks,
    scripts: Scripts,
    rng: Rng,
    /// What resources need of the four units of memory that each node has.
    needs: BTreeMap<ResourceId, u64>,
    machine: Machine,
    calls: u64,
}

impl Bench {
    fn new() -> Self {
        let attached: NodeSet = [node(1), node(2)].into_iter().collect();
        let segment = Segment {
            attached: attached.into(),
            delay: Duration::ZERO,
        };
        Self {
            hosts: [Hosts::new(node(1)), Hosts::new(node(2))],
            outside: Outside::default(),
            networks: Networks::new(vec![segment], Rng::new(1, 0)),
            scripts: Scripts::default(),
            rng: Rng::new(1, 1),
            needs: BTreeMap::new(),
            machine: Machine::default(),
            calls: 0,
        }
    }

    fn around(&mut self, on: u8) -> (&mut Hosts, Surroundings<'_>) {
        let around = Surroundings {
            memory: (&self.needs, Some(4)),
            machine: &self.machine,
            outside: &mut self.outside,
            networks: &self.networks,
            scripts: &self.scripts,
            awake: [node(1), node(2)].into_iter().collect(),
            clocks: Clocks::right(Timestamp::ZERO),
            rng: &mut self.rng,
        };
        (&mut self.hosts[usize::from(on) - 1], around)
    }

    fn go_on(&mut self, on: u8) -> Vec<Later> {
        let (hosts, mut around) = self.around(on);
        let steps = hosts.go_on(&mut around).into_iter().flat_map(|it| it.1);
        steps.map(|(_, later)| later).collect()
    }

    fn command(&mut self, on: u8, command: HostCommand) -> Vec<HostReport> {
        let (hosts, mut around) = self.around(on);
        let mut steps = hosts.command(HOST, command, &mut around);
        let mut reports = Vec::new();
        while !steps.is_empty() {
            match steps.remove(0).1 {
                Later::Report(report) => reports.push(report),
                Later::Register { .. } => {}
                Later::Finish {
                    resource,
                    attempt,
                    call,
                } => steps.extend(hosts.finish(HOST, resource, attempt, call, &mut around)),
            }
        }
        reports
    }

    fn call(&mut self, on: u8, resource: ResourceId, entry: EntryPoint) -> Vec<EntryResult> {
        self.calls += 1;
        let command = HostCommand::Call {
            call: CallId(self.calls),
            resource,
            entry,
        };
        let result = |report| match report {
            HostReport::Returned { result, .. } => Some(result),
            HostReport::Status { result, .. } => result,
            _ => None,
        };
        self.command(on, command)
            .into_iter()
            .filter_map(result)
            .collect()
    }

    fn online(&mut self, on: u8, resource: ResourceId, spec: ResourceSpec) -> Vec<EntryResult> {
        self.command(on, HostCommand::Start);
        self.call(on, resource, EntryPoint::Open(spec.clone()));
        self.call(on, resource, EntryPoint::Online(spec))
    }

    fn alive(&mut self, on: u8, resource: ResourceId) -> (bool, bool) {
        let mut ask = |entry| self.call(on, resource, entry) == [EntryResult::Success];
        (ask(EntryPoint::LooksAlive), ask(EntryPoint::IsAlive))
    }
}

#[test]
fn an_address_is_pending_for_a_while_and_then_held_by_the_node() {
    let mut bench = Bench::new();
    let results = bench.online(1, IP, address());
    assert_eq!(results, [EntryResult::Pending, EntryResult::Success]);
    let thing = Thing::Address(LAN, "10.0.0.9".to_owned());
    assert_eq!(bench.outside.served(&thing), NodeSet::one(node(1)));
    assert_eq!(bench.alive(1, IP), (true, true));
    bench.call(1, IP, EntryPoint::Offline);
    assert!(bench.outside.served(&thing).is_empty());
}

#[test]
fn an_address_that_another_machine_answers_for_is_refused() {
    let mut bench = Bench::new();
    bench.online(1, IP, address());
    let results = bench.online(2, IP, address());
    assert_eq!(results.last(), Some(&EntryResult::Failure { code: 5_057 }));
}

#[test]
fn a_resource_that_finds_no_memory_left_says_so_by_its_error_number() {
    let mut bench = Bench::new();
    bench.needs = BTreeMap::from([(IP, 3), (APP, 2)]);
    bench.online(1, IP, address());
    let crowded = bench.online(1, APP, program());
    assert_eq!(crowded, [EntryResult::Failure { code: NO_ROOM }]);
    assert_eq!(bench.online(2, APP, program()), [EntryResult::Success]);
    bench.call(1, IP, EntryPoint::Offline);
    assert_eq!(bench.online(1, APP, program()), [EntryResult::Success]);
}

#[test]
fn a_service_that_its_machine_does_not_know_cannot_come_online() {
    let mut bench = Bench::new();
    let service = ResourceSpec {
        parameters: ResourceParameters::GenericService {
            service: "web".to_owned(),
            startup_parameters: String::new(),
        },
        ..program()
    };
    let refused = bench.online(1, APP, service.clone());
    let missing = EntryResult::Failure { code: NO_SERVICE };
    assert_eq!(refused.last(), Some(&missing));
    let known = ("web".to_owned(), "serve".to_owned());
    bench.machine.services.extend([known]);
    let started = bench.online(1, APP, service);
    assert_eq!(started.last(), Some(&EntryResult::Success));
}

#[test]
fn an_address_fails_its_checks_when_its_adapter_loses_the_link() {
    let mut bench = Bench::new();
    bench.online(1, IP, address());
    let rule = Rule::NicDown(node(1).into(), LAN);
    bench.networks.add(FaultId(1), rule);
    assert_eq!(bench.alive(1, IP), (false, false));
    bench.networks.heal(FaultId(1));
    assert_eq!(bench.alive(1, IP), (true, true));
}

#[test]
fn a_hung_resource_answers_nothing_until_its_host_is_killed() {
    let mut bench = Bench::new();
    bench.online(1, APP, program());
    bench.scripts.add(FaultId(1), APP, Behaviour::Hung);
    assert!(bench.call(1, APP, EntryPoint::IsAlive).is_empty());
    assert!(bench.call(1, APP, EntryPoint::Terminate).is_empty());
    assert_eq!(bench.outside.runs(APP), NodeSet::one(node(1)));
    assert_eq!(bench.command(1, HostCommand::Kill), [HostReport::Exited]);
    assert!(bench.outside.runs(APP).is_empty());
}

#[test]
fn what_hung_goes_on_when_the_script_is_gone() {
    let mut bench = Bench::new();
    bench.online(1, APP, program());
    bench.scripts.add(FaultId(1), APP, Behaviour::Hung);
    assert!(bench.call(1, APP, EntryPoint::IsAlive).is_empty());
    assert!(bench.call(1, APP, EntryPoint::Terminate).is_empty());
    assert!(bench.go_on(1).is_empty());
    bench.scripts.heal(FaultId(1));
    let [alive, ended] = bench.go_on(1).try_into().unwrap();
    assert!(matches!(alive, Later::Report(HostReport::Returned { .. })));
    assert!(matches!(ended, Later::Report(HostReport::Returned { .. })));
    assert!(bench.outside.runs(APP).is_empty());
    assert!(bench.go_on(1).is_empty());
}

#[test]
fn what_hangs_once_hangs_until_its_host_has_ended() {
    let mut bench = Bench::new();
    bench.online(1, APP, program());
    bench.hosts[0].hang_once(APP);
    assert!(bench.call(1, APP, EntryPoint::LooksAlive).is_empty());
    bench.command(1, HostCommand::Kill);
    let results = bench.online(1, APP, program());
    assert_eq!(results, [EntryResult::Success]);
}

#[test]
fn what_broke_once_works_again_after_a_restart_and_what_is_broken_does_not() {
    let mut bench = Bench::new();
    bench.online(1, APP, program());
    bench.hosts[0].break_once(APP);
    assert_eq!(bench.alive(1, APP), (false, false));
    bench.call(1, APP, EntryPoint::Terminate);
    bench.call(1, APP, EntryPoint::Online(program()));
    assert_eq!(bench.alive(1, APP), (true, true));
    bench.scripts.add(FaultId(1), APP, Behaviour::BROKEN);
    bench.call(1, APP, EntryPoint::Online(program()));
    assert_eq!(bench.alive(1, APP), (false, false));
}

#[test]
fn a_lying_resource_says_yes_to_looks_alive_only() {
    let mut bench = Bench::new();
    bench.online(1, APP, program());
    let lying = Behaviour::Answers {
        looks_alive: true,
        is_alive: false,
    };
    bench.scripts.add(FaultId(1), APP, lying);
    assert_eq!(bench.alive(1, APP), (true, false));
}

#[test]
fn a_crashing_resource_takes_its_host_with_it() {
    let mut bench = Bench::new();
    bench.scripts.add(FaultId(1), APP, Behaviour::Crashing);
    bench.command(1, HostCommand::Start);
    bench.call(1, APP, EntryPoint::Open(program()));
    let reports = bench.command(
        1,
        HostCommand::Call {
            call: CallId(9),
            resource: APP,
            entry: EntryPoint::Online(program()),
        },
    );
    assert_eq!(reports, [HostReport::Exited]);
}

fn name(settings: NameSettings) -> ResourceSpec {
    ResourceSpec {
        checks: Checks::default(),
        name: "name".to_owned(),
        parameters: ResourceParameters::NetworkName {
            name: "FS1".to_owned(),
            addresses: vec!["10.0.0.9".to_owned()],
            settings,
        },
    }
}

#[test]
fn a_name_is_registered_again_once_a_day_while_it_is_online() {
    let mut bench = Bench::new();
    bench.outside = Outside::with(Names::declared());
    let lost = DirectoryFault::Dns(directory::dns::Fault::LoseUpdates);
    bench
        .outside
        .names_mut()
        .add_fault(FaultId(1), lost, Clocks::right(Timestamp::ZERO));
    bench.online(1, IP, name(NameSettings::default()));
    assert!(bench.outside.resolve("FS1").is_empty());
    bench
        .outside
        .names_mut()
        .heal(FaultId(1), Clocks::right(Timestamp::ZERO));
    let (hosts, mut around) = bench.around(1);
    let steps = hosts.register(HOST, IP, 1, &mut around);
    let again = Later::Register {
        resource: IP,
        attempt: 1,
    };
    assert_eq!(steps.last(), Some(&(REGISTRATION_INTERVAL, again)));
    assert_eq!(bench.outside.resolve("FS1"), ["10.0.0.9"]);
    bench.call(1, IP, EntryPoint::Offline);
    let (hosts, mut around) = bench.around(1);
    assert!(hosts.register(HOST, IP, 1, &mut around).is_empty());
}

#[test]
fn a_registration_that_fails_is_told_and_keeps_a_name_offline_only_if_it_is_required() {
    let refused = DirectoryFault::Dns(directory::dns::Fault::RefuseUpdates);
    let mut bench = Bench::new();
    bench
        .outside
        .names_mut()
        .add_fault(FaultId(1), refused, Clocks::right(Timestamp::ZERO));
    let required = NameSettings {
        require_dns: true,
        ..NameSettings::default()
    };
    let failed = EntryResult::Failure { code: 9005 };
    assert_eq!(bench.online(1, IP, name(required)).last(), Some(&failed));
    let spec = name(NameSettings::default());
    let command = HostCommand::Call {
        call: CallId(99),
        resource: IP,
        entry: EntryPoint::Online(spec),
    };
    let reports = bench.command(1, command);
    let status = 9005;
    let told = HostReport::Name {
        resource: IP,
        report: NameReport {
            dns: Some(status),
            events: vec![NameEvent {
                number: 1257,
                status,
            }],
            ..NameReport::default()
        },
    };
    assert_eq!(reports.last(), Some(&told));
    let online = HostReport::Status {
        resource: IP,
        result: Some(EntryResult::Success),
    };
    assert!(reports.contains(&online));
}

#[test]
fn a_name_keeps_its_record_when_it_goes_offline() {
    let mut bench = Bench::new();
    bench.online(1, IP, name(NameSettings::default()));
    bench.call(1, IP, EntryPoint::Offline);
    assert_eq!(bench.outside.resolve("fs1"), ["10.0.0.9"]);
    assert!(bench.outside.resolve("fs2").is_empty());
}
