use accounts::store::{Guid, Store};
use base::Generation;
use directory::dns::{self, Rtype, client, name};
use file::model::Directory;
use top::restype::NameAccount;

use super::*;

const FS1: ResourceId = ResourceId(7);
const CLUSTER: ResourceId = ResourceId(1);
const DAY: u64 = 24 * 3_600_000;

pub(super) fn described() -> Directory {
    Directory::of_domain("corp.example")
}

/// A directory, the clock of a node, and what the cluster database keeps of two names.
struct Lab {
    names: Names,
    clocks: Clocks,
    kept: BTreeMap<ResourceId, NameAccount>,
    settings: NameSettings,
    reaches: bool,
}

impl Lab {
    fn of(generation: Generation) -> Self {
        let directory = described();
        let mut names = Names::with(&directory, "CLU1", generation, in_memory(&directory));
        names.labels = [(FS1, "FS1".to_owned()), (CLUSTER, "CLU1".to_owned())].into();
        Self {
            names,
            clocks: Clocks::right(Timestamp::ZERO),
            kept: BTreeMap::new(),
            settings: NameSettings::default(),
            reaches: true,
        }
    }

    fn parameters(&self, resource: ResourceId) -> ResourceParameters {
        let name = self.names.labels[&resource].clone();
        let account = self.kept.get(&resource).cloned().unwrap_or_default();
        ResourceParameters::NetworkName {
            name,
            addresses: vec!["10.0.0.9".to_owned()],
            settings: NameSettings {
                account,
                ..self.settings.clone()
            },
        }
    }

    fn asker(&self, resource: ResourceId) -> Asker {
        Asker {
            resource,
            address: Some("10.0.0.9".parse().unwrap()),
            reaches: self.reaches,
            clocks: self.clocks,
        }
    }

    fn keep(&mut self, resource: ResourceId, outcome: Outcome) -> Outcome {
        if let Some(account) = &outcome.report.account {
            self.kept.insert(resource, account.clone());
        }
        outcome
    }

    fn online(&mut self, resource: ResourceId) -> Outcome {
        let parameters = self.parameters(resource);
        let asker = self.asker(resource);
        let outcome = self.names.online(&asker, &parameters);
        self.keep(resource, outcome)
    }

    fn both_online(generation: Generation) -> Self {
        let mut lab = Self::of(generation);
        for resource in [CLUSTER, FS1] {
            let outcome = lab.online(resource);
            assert_eq!(outcome.refused, None, "{outcome:?}");
        }
        lab
    }

    fn fail(&mut self, fault: DirectoryFault) {
        let clocks = self.clocks;
        self.names.add_fault(FaultId(1), fault, clocks);
    }

    fn heal(&mut self) {
        let clocks = self.clocks;
        self.names.heal(FaultId(1), clocks);
    }

    fn account(&mut self, what: AccountFault) {
        self.fail(DirectoryFault::Account(FS1, what));
    }

    fn store<T>(&mut self, look: impl Fn(&Store) -> T) -> T {
        let mut seen = None;
        self.names
            .services
            .accounts(&mut |store, _| seen = Some(look(store)));
        seen.unwrap()
    }

    /// What the name server of NetBIOS has for a label.
    fn netbios(&mut self, label: &str) -> bool {
        let mut host = directory::netbios::Host::new(
            NodeType::PointToPoint(*self.names.services.wins().ip()),
            137,
            directory::netbios::Timing::WINDOWS,
            9,
        );
        let name = directory::netbios::NetbiosName::new(label, 0x20);
        let stranger: Ipv4Addr = "10.0.0.77".parse().unwrap();
        let (sent, _) = host.register(Timestamp::ZERO, name.clone(), false, stranger);
        let from = std::net::SocketAddrV4::new(stranger, 137);
        let answers = self
            .names
            .services
            .netbios(Timestamp::ZERO, from, &sent[0].bytes);
        // Whoever has it is challenged before a stranger gets it.
        answers.len() > 1
    }
}

fn events(outcome: &Outcome) -> Vec<u16> {
    outcome.report.events.iter().map(|it| it.number).collect()
}

#[test]
fn a_name_that_comes_online_has_a_computer_object_netbios_names_and_records() {
    let mut lab = Lab::of(Generation::V2012R2);
    let first = lab.online(FS1);
    let report = &first.report;
    assert_eq!(
        (first.refused, report.kerberos, report.netbios, report.dns),
        (None, Some(0), Some(0), Some(0))
    );
    assert_eq!(report.updated, Some(WALL_START));
    let kept = lab.kept[&FS1].clone();
    assert_eq!(kept.creating_dc, "dc1.corp.example");
    let guid = Guid::parse(&kept.object_guid).unwrap();
    let service = lab.store(|store| store.by_service("HOST/fs1").map(|it| it.guid));
    assert_eq!(service, Some(guid));
    let knows = lab.store(|store| {
        store
            .authenticate("FS1$", &kept.password, WALL_START)
            .is_ok()
    });
    assert!(knows);
    assert!(lab.netbios("FS1"));
    assert_eq!(lab.names.resolve("FS1"), ["10.0.0.9"]);
    let again = lab.online(FS1);
    assert_eq!(again.report.account, None, "nothing new is kept");
}

#[test]
fn netbios_is_gone_from_2016_on_and_computer_objects_of_2003_are_there_on_request() {
    let mut lab = Lab::of(Generation::V2022);
    assert_eq!(lab.online(FS1).report.netbios, None);
    let mut lab = Lab::of(Generation::V2003);
    assert_eq!(lab.online(FS1).report.kerberos, None);
    assert!(lab.store(|store| store.by_account("FS1$").is_none()));
    lab.settings.require_kerberos = true;
    assert_eq!(lab.online(FS1).report.kerberos, Some(0));
    assert!(lab.store(|store| store.by_account("FS1$").is_some()));
}

#[test]
fn a_name_that_goes_offline_gives_its_netbios_names_back_and_keeps_the_rest() {
    let mut lab = Lab::both_online(Generation::V2012);
    let parameters = lab.parameters(FS1);
    let asker = lab.asker(FS1);
    lab.names.offline(&asker, &parameters);
    assert!(!lab.netbios("FS1"));
    assert_eq!(lab.names.resolve("FS1"), ["10.0.0.9"]);
    assert!(lab.store(|store| store.by_account("FS1$").is_some()));
}

#[test]
fn each_trouble_of_the_domain_fails_the_name_with_its_event_and_heals() {
    let cases = [
        (DirectoryFault::ControllerDown, 1207, 1355),
        (DirectoryFault::Skew(Duration::from_secs(600)), 1231, 1398),
        (
            DirectoryFault::Account(FS1, AccountFault::Disabled),
            1207,
            1331,
        ),
        (DirectoryFault::NameTaken(FS1), 1214, 52),
    ];
    for (fault, number, status) in cases {
        let mut lab = Lab::both_online(Generation::V2012);
        let parameters = lab.parameters(FS1);
        let asker = lab.asker(FS1);
        lab.names.offline(&asker, &parameters);
        lab.fail(fault);
        let outcome = lab.online(FS1);
        assert_eq!(outcome.refused, Some(status), "{fault:?}");
        assert_eq!(events(&outcome), [number], "{fault:?}");
        lab.heal();
        assert_eq!(lab.online(FS1).refused, None, "{fault:?}");
    }
}

#[test]
fn a_deleted_object_is_made_anew_from_2012_on() {
    let mut lab = Lab::both_online(Generation::V2008R2);
    lab.account(AccountFault::Deleted);
    assert_eq!(events(&lab.online(FS1)), [1207]);
    let mut lab = Lab::both_online(Generation::V2012);
    let before = lab.kept[&FS1].object_guid.clone();
    lab.account(AccountFault::Deleted);
    assert_eq!(lab.online(FS1).refused, None);
    assert_ne!(lab.kept[&FS1].object_guid, before);
}

#[test]
fn a_password_out_of_step_is_mended_unless_the_rights_for_it_are_gone() {
    let mut lab = Lab::both_online(Generation::V2019);
    lab.account(AccountFault::PasswordOutOfStep);
    let mended = lab.online(FS1);
    assert_eq!(mended.refused, None);
    assert!(mended.report.account.is_some());
    lab.account(AccountFault::WithoutRights);
    lab.account(AccountFault::PasswordOutOfStep);
    assert_eq!(events(&lab.online(FS1)), [1207]);
}

#[test]
fn the_quota_and_somebody_elses_object_keep_a_name_from_its_first_online() {
    let mut lab = Lab::of(Generation::V2016);
    lab.online(CLUSTER);
    lab.fail(DirectoryFault::Quota(0));
    let outcome = lab.online(FS1);
    assert_eq!(
        (outcome.refused, events(&outcome)),
        (Some(8557), vec![1194])
    );
    lab.heal();
    lab.account(AccountFault::Taken);
    let outcome = lab.online(FS1);
    assert_eq!(
        (outcome.refused, outcome.report.kerberos),
        (Some(5), Some(5))
    );
}

#[test]
fn trouble_of_the_name_servers_only_warns() {
    let cases = [
        (DirectoryFault::Dns(dns::Fault::Down), 1258),
        (DirectoryFault::Dns(dns::Fault::RefuseUpdates), 1257),
        (DirectoryFault::DnsSlow(Duration::from_secs(60)), 1258),
        (DirectoryFault::WinsDown, 1078),
    ];
    for (fault, number) in cases {
        let mut lab = Lab::of(Generation::V2012);
        lab.fail(fault);
        let outcome = lab.online(FS1);
        assert_eq!((outcome.refused, events(&outcome)), (None, vec![number]));
    }
    let mut lab = Lab::of(Generation::V2012);
    lab.fail(DirectoryFault::DnsSlow(Duration::from_secs(3)));
    let late = lab.online(FS1);
    assert_eq!(
        (late.report.dns, late.delay),
        (Some(0), Duration::from_secs(3))
    );
}

#[test]
fn a_node_that_is_cut_from_the_directory_cannot_bring_a_name_online_there() {
    let mut lab = Lab::both_online(Generation::V2012);
    lab.reaches = false;
    assert_eq!(events(&lab.online(FS1)), [1207]);
}

#[test]
fn a_password_is_renewed_when_it_is_thirty_days_old() {
    let mut lab = Lab::both_online(Generation::V2022);
    let before = lab.kept[&FS1].password.clone();
    for (days, renewed) in [(29, false), (30, true)] {
        lab.clocks.node = WallTime(WALL_START.0 + days * DAY);
        lab.clocks.directory = lab.clocks.node;
        let (asker, parameters) = (lab.asker(FS1), lab.parameters(FS1));
        let outcome = lab.names.again(&asker, &parameters);
        assert_eq!(events(&outcome).contains(&1636), renewed);
        lab.keep(FS1, outcome);
    }
    let kept = lab.kept[&FS1].clone();
    assert_ne!(kept.password, before);
    let now = lab.clocks.directory;
    assert!(lab.store(|store| store.authenticate("FS1$", &kept.password, now).is_ok()));
}

#[test]
fn a_look_at_a_name_tells_once_what_is_wrong_with_its_object() {
    for (fault, number) in [
        (DirectoryFault::Account(FS1, AccountFault::Deleted), 1684),
        (DirectoryFault::Account(FS1, AccountFault::Disabled), 1685),
        (DirectoryFault::ControllerDown, 1683),
    ] {
        let mut lab = Lab::both_online(Generation::V2016);
        let (asker, parameters) = (lab.asker(FS1), lab.parameters(FS1));
        assert!(lab.names.examine(&asker, &parameters).is_empty());
        lab.fail(fault);
        let told = lab.names.examine(&asker, &parameters).events;
        assert_eq!(
            told.iter().map(|it| it.number).collect::<Vec<_>>(),
            [number]
        );
        assert!(lab.names.examine(&asker, &parameters).is_empty());
    }
}

#[test]
fn addresses_in_dns_that_are_not_the_names_own_are_told() {
    let mut lab = Lab::both_online(Generation::V2012);
    let stranger = ResourceParameters::NetworkName {
        name: "FS1".to_owned(),
        addresses: vec!["10.0.0.66".to_owned()],
        settings: NameSettings::default(),
    };
    let (asker, parameters) = (lab.asker(FS1), lab.parameters(FS1));
    let mut outcome = Outcome::default();
    let addresses = ["10.0.0.66".to_owned()];
    let settings = NameSettings::default();
    lab.names
        .publish(&asker, "FS1", &addresses, &settings, &mut outcome);
    let told = lab.names.examine(&asker, &parameters).events;
    assert_eq!(told.iter().map(|it| it.number).collect::<Vec<_>>(), [1589]);
    assert!(lab.names.examine(&asker, &stranger).is_empty());
}

fn fs1(addresses: &[&str], settings: NameSettings) -> ResourceParameters {
    ResourceParameters::NetworkName {
        name: "FS1".to_owned(),
        addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        settings,
    }
}

fn bare_asker() -> Asker {
    Asker {
        resource: FS1,
        address: None,
        reaches: true,
        clocks: Clocks::right(Timestamp::ZERO),
    }
}

#[test]
fn a_name_is_registered_with_its_addresses_and_with_their_names_if_it_is_told_to() {
    let mut names = Names::default();
    let usual = NameSettings::default();
    let online = |names: &mut Names, parameters| {
        let outcome = names.online(&bare_asker(), &parameters);
        assert_eq!(outcome, Outcome::default());
    };
    online(&mut names, fs1(&["10.0.0.5", "10.0.0.6"], usual.clone()));
    online(&mut names, fs1(&["10.0.0.7"], usual.clone()));
    assert_eq!(names.resolve("fs1"), ["10.0.0.7"]);
    let reverse = directory::dns::reverse("10.0.0.7".parse().unwrap());
    let pointer = |names: &Names| {
        let question = client::question(1, &reverse, Rtype::PTR);
        let answer = names.services.look_up(&question).unwrap();
        answer.windows(3).any(|it| it.eq_ignore_ascii_case(b"fs1"))
    };
    assert!(!pointer(&names));
    let publish_ptr = NameSettings {
        publish_ptr: true,
        ..usual
    };
    online(&mut names, fs1(&["10.0.0.7"], publish_ptr));
    assert!(pointer(&names));
    assert!(name("fs1").is_ok());
}

#[test]
fn a_server_that_is_down_or_refuses_is_told_apart_and_heals() {
    let mut names = Names::default();
    let clocks = bare_asker().clocks;
    let told = |names: &mut Names| {
        let parameters = fs1(&["10.0.0.5"], NameSettings::default());
        let outcome = names.online(&bare_asker(), &parameters);
        (outcome.report.dns, events(&outcome))
    };
    let refuse = DirectoryFault::Dns(dns::Fault::RefuseUpdates);
    names.add_fault(FaultId(1), refuse, clocks);
    names.add_fault(FaultId(2), DirectoryFault::Dns(dns::Fault::Down), clocks);
    assert_eq!(told(&mut names), (Some(1460), vec![1258]));
    names.heal(FaultId(2), clocks);
    assert_eq!(told(&mut names), (Some(9005), vec![1257]));
    names.heal(FaultId(1), clocks);
    assert_eq!(told(&mut names), (None, vec![]));
}
