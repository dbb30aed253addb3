use super::*;
use crate::rcm::Dependencies;
use crate::restype::{NameSettings, ResourceParameters, SharePlace};
use base::{DiskId, NetworkId};

fn defaults() -> Defaults {
    Generation::default().defaults()
}

fn ip(group: GroupId) -> ResourceSettings {
    let parameters = ResourceParameters::IpAddress {
        network: NetworkId(0),
        address: "10.0.0.9".into(),
    };
    ResourceSettings::new("ip", group, parameters, &defaults())
}

fn name(group: GroupId, on: &str) -> ResourceSettings {
    let parameters = ResourceParameters::NetworkName {
        name: "FS1".into(),
        addresses: vec![],
        settings: NameSettings::default(),
    };
    let mut settings = ResourceSettings::new("name", group, parameters, &defaults());
    settings.dependencies = Dependencies::parse(on).expect("a valid expression");
    settings
}

fn model() -> Model {
    let mut group = GroupSettings::new("fs1", &defaults());
    group.resources = vec![ResourceId(1), ResourceId(2)];
    Model {
        cluster: ClusterPolicy::default(),
        groups: BTreeMap::from([(GroupId(1), group)]),
        resources: BTreeMap::from([
            (ResourceId(1), ip(GroupId(1))),
            (ResourceId(2), name(GroupId(1), "[1]")),
        ]),
        types: BTreeMap::new(),
    }
}

fn round_trip(model: &Model) -> Result<Model, ModelError> {
    let mut hive = Hive::default();
    model.write(&mut hive);
    Model::read(&hive)
}

#[test]
fn an_empty_hive_has_no_groups() {
    assert_eq!(Model::read(&Hive::default()), Ok(Model::default()));
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    let mut model = model();
    let node = |n| NodeId::new(n).expect("1 to 64");
    if let Some(group) = model.groups.get_mut(&GroupId(1)) {
        group.preferred_owners = vec![node(2), node(1)];
        group.anti_affinity = vec!["file-servers".into()];
        group.priority = Priority::High;
        group.failover_threshold = Some(2);
        group.failover_period = Duration::from_secs(90);
        group.failback = Failback::Window {
            from_hour: 22,
            to_hour: 5,
        };
        group.persistent_state = false;
        group.cold_start = ColdStart::Allowed;
        group.default_owner = Some(node(2));
        group.locked = true;
        group.after = vec![GroupDependency {
            group: GroupId(0),
            delay: Duration::from_secs(20),
        }];
    }
    let first = GroupSettings::new("first", &defaults());
    model.groups.insert(GroupId(0), first);
    model.cluster.enforced_anti_affinity = true;
    model.cluster.group_wait_delay = Some(Duration::from_secs(7));
    model.cluster.verify_signalled_failures = false;
    if let Some(resource) = model.resources.get_mut(&ResourceId(1)) {
        resource.possible_owners = Some([node(1), node(2)].into_iter().collect());
        resource.restart_action = RestartAction::RestartNoNotify;
        resource.restart_threshold = 7;
        resource.retry_period = None;
        resource.looks_alive_interval = Some(Duration::from_secs(1));
        resource.separate_monitor = true;
        resource.persistent_state = Some(false);
    }
    let kind = ResourceKind::IpAddress;
    model.types.insert(
        kind,
        TypeSettings {
            looks_alive_interval: Duration::from_secs(2),
            is_alive_interval: Duration::from_secs(30),
            pending_timeout: Duration::from_secs(20),
            deadlock_timeout: Duration::from_secs(40),
        },
    );
    assert_eq!(round_trip(&model), Ok(model));
}

#[test]
fn every_type_keeps_its_private_properties() {
    let parameters = [
        ResourceParameters::PhysicalDisk {
            disk: DiskId(3),
            shared: false,
        },
        ResourceParameters::PhysicalDisk {
            disk: DiskId(4),
            shared: true,
        },
        ResourceParameters::FileShareWitness,
        ResourceParameters::FileServer {
            name: String::new(),
        },
        ResourceParameters::FileShare {
            server: String::new(),
            share: "data".into(),
            path: "D:\\data".into(),
            max_users: Some(10),
            place: SharePlace::default(),
        },
        ResourceParameters::GenericApplication {
            command_line: "app --run".into(),
            current_directory: "C:\\".into(),
        },
        ResourceParameters::Ipv6Address {
            network: NetworkId(1),
            address: "fd00::9".into(),
        },
        ResourceParameters::DistributedNetworkName {
            name: "SOFS".into(),
        },
        ResourceParameters::GenericService {
            service: "demo-svc".into(),
            startup_parameters: "-v".into(),
        },
        ResourceParameters::GenericScript {
            script: "check.sh".into(),
        },
        ResourceParameters::PlugIn {
            program: "own --resource".into(),
            properties: vec![("Colour".into(), "blue".into())],
        },
    ];
    for parameters in parameters {
        let mut model = model();
        let settings = ResourceSettings::new("r", GroupId(1), parameters, &defaults());
        model.resources.insert(ResourceId(1), settings);
        model.resources.remove(&ResourceId(2));
        model.groups.insert(GroupId(1), {
            let mut group = GroupSettings::new("g", &defaults());
            group.resources = vec![ResourceId(1)];
            group
        });
        assert_eq!(round_trip(&model), Ok(model));
    }
}

#[test]
fn possible_owners_of_a_group_are_those_of_all_its_resources() {
    let mut model = model();
    let set =
        |numbers: &[u8]| -> NodeSet { numbers.iter().copied().filter_map(NodeId::new).collect() };
    let all = set(&[1, 2, 3, 4]);
    assert_eq!(model.possible_owners(GroupId(1), all), all);
    model
        .resources
        .entry(ResourceId(1))
        .and_modify(|r| r.possible_owners = Some(set(&[1, 2, 3])));
    model
        .resources
        .entry(ResourceId(2))
        .and_modify(|r| r.possible_owners = Some(set(&[2, 3, 4])));
    assert_eq!(model.possible_owners(GroupId(1), all), set(&[2, 3]));
}

#[test]
fn a_resources_interval_beats_its_types_which_beats_the_generations() {
    let mut model = model();
    let seconds = |model: &Model| {
        let intervals = model.intervals(&model.resources[&ResourceId(1)], &defaults());
        (
            intervals.looks_alive_interval.as_secs(),
            intervals.is_alive_interval.as_secs(),
        )
    };
    assert_eq!(seconds(&model), (5, 60));
    let settings = TypeSettings {
        looks_alive_interval: Duration::from_secs(3),
        is_alive_interval: Duration::from_secs(30),
        ..TypeSettings::of(&defaults())
    };
    model.types.insert(ResourceKind::IpAddress, settings);
    assert_eq!(seconds(&model), (3, 30));
    let own = Some(Duration::from_secs(1));
    model
        .resources
        .entry(ResourceId(1))
        .and_modify(|r| r.looks_alive_interval = own);
    assert_eq!(seconds(&model), (1, 30));
}

#[test]
fn what_cannot_mean_anything_is_refused_in_words() {
    let mut cycle = model();
    cycle.resources.entry(ResourceId(1)).and_modify(|r| {
        r.dependencies = Dependencies(vec![vec![ResourceId(2)]]);
    });
    let mut foreign = model();
    foreign
        .resources
        .insert(ResourceId(2), name(GroupId(1), "[1] and [9]"));
    let mut nameless = model();
    nameless
        .resources
        .insert(ResourceId(2), name(GroupId(1), ""));
    let mut stray = model();
    stray
        .groups
        .entry(GroupId(1))
        .and_modify(|g| g.resources.push(ResourceId(7)));
    let cases = [
        (cycle, "group 1: dependency cycle among resources 1 2"),
        (
            foreign,
            "resource 2 depends on 9, which is not in its group",
        ),
        (
            nameless,
            "resource 2 needs a dependency on a resource of type `IP Address` or `IPv6 Address`",
        ),
        (
            stray,
            "group 1 and resource 7 disagree on whether it is in the group",
        ),
    ];
    for (model, expected) in cases {
        let error = round_trip(&model).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn an_unknown_type_is_refused_by_name() {
    let mut hive = Hive::default();
    hive.set("Resources\\4", "Type", Value::Text("Toaster".into()));
    let error = Model::read(&hive).expect_err("no such type");
    assert_eq!(
        error.to_string(),
        "resource 4 has the unknown type `Toaster`"
    );
}
