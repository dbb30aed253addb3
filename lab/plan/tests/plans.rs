//! What labs become as clusters.

use std::path::Path;
use std::time::Duration;

use base::{DiskId, GroupId, NetworkId, NodeId, QuorumModel, ResourceId};
use file::model::{BlockSize, Lab};
use middle::settings::{Settings, Witness};
use plan::{Plan, PlanError, ShareHost};
use top::rcm::model::{Model, RestartAction};
use top::rcm::{Dependencies, ResourceKind, ResourceParameters};

fn lab(text: &str) -> Lab {
    let checked = file::check("test.lab.yaml", text.as_bytes());
    let errors: Vec<&String> = checked.diagnostics.iter().map(|it| &it.message).collect();
    checked.lab.unwrap_or_else(|| panic!("{errors:?}"))
}

fn plan(text: &str) -> Plan {
    Plan::new(&lab(text)).unwrap()
}

const FULL: &str = "
lab: 1
name: full
networks:
  lan: { subnet: 10.1.0.0/24, role: cluster-and-client }
  hb:  { subnet: 10.2.0.0/24, role: cluster }
nodes:
  n[1-3]: { networks: [lan, hb] }
  files:  { networks: [lan] }
storage:
  san: { kind: iscsi, luns: { quorum: 1GiB, data: { size: 10GiB, block: 4kn } } }
cluster:
  name: CLU1
  members: [n1, n2, n3]
  address: 10.1.0.100
  witness: { disk: san/quorum }
  heartbeat: { same-subnet: { every: 500ms, missed: 4 } }
  service-restart: 30s
  groups:
    fs1:
      owners: { preferred: [n2, n1], possible: [n1, n2] }
      failover: { limit: 3, within: 2h }
      resources:
        srv:  { type: file-server, depends: name and disk }
        ip:   { type: ip-address, address: 10.1.0.101 }
        ip2:  { type: ip-address, address: 10.1.0.102 }
        name: { type: network-name, name: FS1, depends: (ip or ip2) }
        disk: { type: physical-disk, lun: san/data }
    app:
      start: false
      resources:
        work:
          type: generic-application
          command: worker
          policy:
            restart: { on-failure: restart, limit: 5, delay: 2s, retry-after: never }
            poll: { looks-alive: 1s, is-alive: 10s }
";

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

#[test]
fn everything_is_numbered_in_the_order_of_the_file() {
    let plan = plan(FULL);
    assert_eq!(plan.names.node("n3"), Some(node(3)));
    assert_eq!(plan.names.node("files"), None);
    assert_eq!(plan.names.network("hb"), Some(NetworkId(1)));
    assert_eq!(plan.names.group("fs1"), Some(GroupId(1)));
    assert_eq!(plan.names.resource("fs1", "ip"), Some(ResourceId(4)));
    assert_eq!(plan.names.of_disk(DiskId(1)), "san/data");
    assert_eq!(plan.members.len(), 3);
    assert_eq!(plan.others.len(), 1);
}

#[test]
fn the_core_group_has_the_clusters_address_name_and_witness() {
    let plan = plan(FULL);
    let core: Vec<_> = plan.model.of_group(GroupId(0)).collect();
    let names: Vec<&str> = core.iter().map(|(_, it)| it.name.as_str()).collect();
    let expected = ["Cluster IP Address", "Cluster Name", "Cluster Disk 1"];
    assert_eq!(names, expected);
    assert_eq!(plan.names.of_group(GroupId(0)), "Cluster Group");
    assert_eq!(plan.witness_resource, Some(ResourceId(2)));
    let disk = DiskId(0);
    assert_eq!(plan.settings.witness, Witness::Disk(disk));
    assert_eq!(
        core[2].1.parameters,
        ResourceParameters::PhysicalDisk {
            disk,
            shared: false
        }
    );
    assert_eq!(
        core[1].1.dependencies,
        Dependencies(vec![vec![ResourceId(0)]])
    );
}

#[test]
fn dependencies_may_point_forward_and_keep_their_or() {
    let plan = plan(FULL);
    let of = |name| &plan.model.resources[&plan.names.resource("fs1", name).unwrap()];
    let id = |name| plan.names.resource("fs1", name).unwrap();
    let server = Dependencies(vec![vec![id("name")], vec![id("disk")]]);
    assert_eq!(of("srv").dependencies, server);
    let name = Dependencies(vec![vec![id("ip"), id("ip2")]]);
    assert_eq!(of("name").dependencies, name);
    assert_eq!(of("srv").kind(), ResourceKind::FileServer);
}

#[test]
fn policies_of_the_file_beat_the_generations_defaults() {
    let plan = plan(FULL);
    let work = plan.names.resource("app", "work").unwrap();
    let settings = &plan.model.resources[&work];
    assert_eq!(settings.restart_action, RestartAction::RestartNoNotify);
    assert_eq!(settings.restart_threshold, 5);
    assert_eq!(settings.restart_delay, Duration::from_secs(2));
    assert_eq!(settings.retry_period, None);
    assert_eq!(settings.looks_alive_interval, Some(Duration::from_secs(1)));
    assert_eq!(settings.pending_timeout, plan.defaults.pending_timeout);
    let group = &plan.model.groups[&GroupId(1)];
    assert_eq!(group.preferred_owners, [node(2), node(1)]);
    assert_eq!(group.failover_threshold, Some(3));
    assert!(group.persistent_state);
    assert!(!plan.model.groups[&GroupId(2)].persistent_state);
    let possible = plan.model.possible_owners(GroupId(1), plan.all());
    assert_eq!(possible, [node(1), node(2)].into_iter().collect());
}

#[test]
fn heartbeats_and_restarts_reach_settings_and_defaults_alike() {
    let plan = plan(FULL);
    let detection = Duration::from_secs(2);
    assert_eq!(plan.settings.same_subnet.detection(), detection);
    assert_eq!(plan.defaults.same_subnet_threshold, 4);
    assert_eq!(plan.settings.cross_site.threshold, 20);
    assert_eq!(plan.members[0].service_restart, Duration::from_secs(30));
}

#[test]
fn the_database_holds_what_the_plan_says() {
    let plan = plan(FULL);
    assert_eq!(Settings::read(&plan.hive), plan.settings);
    assert_eq!(Model::read(&plan.hive).unwrap(), plan.model);
}

#[test]
fn disks_keep_their_place_and_block_size() {
    let plan = plan(FULL);
    let data = &plan.disks[1];
    assert_eq!((data.array, data.lun), (0, 1));
    assert_eq!(data.block_bytes, BlockSize::B4kn.logical_bytes());
    assert_eq!(data.blocks, 10 * (1 << 30) / 4096);
    assert_eq!(plan.disks[0].block_bytes, 512);
}

#[test]
fn a_witness_share_lives_on_a_machine_or_at_an_address() {
    let endpoint = |host: &str| {
        let text = FULL.replace("{ disk: san/quorum }", "{ share: votes }");
        let endpoints = format!("endpoints:\n  votes: {{ kind: smb-share, path: w, {host} }}\n");
        text.replace("cluster:\n", &format!("{endpoints}cluster:\n"))
    };
    let on_machine = plan(&endpoint("node: files"));
    let share = on_machine.witness_share.unwrap();
    assert_eq!(share.host, ShareHost::Machine(0));
    assert_eq!(
        on_machine.settings.model,
        QuorumModel::NodeAndFileShareMajority
    );
    let at_address = plan(&endpoint("network: lan, address: 10.1.0.9"));
    let share = at_address.witness_share.unwrap();
    assert_eq!(share.host, ShareHost::Network(NetworkId(0)));
}

#[test]
fn a_lab_that_refers_to_nothing_is_refused_in_words() {
    let mut lab = lab(FULL);
    lab.cluster.members.push("n9".to_owned());
    let error = Plan::new(&lab).unwrap_err();
    assert!(matches!(error, PlanError::Unknown { .. }));
    assert_eq!(
        error.to_string(),
        "the lab refers to the node `n9`, which does not exist"
    );
}

#[test]
fn every_lab_of_the_repository_can_be_planned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies");
    let mut planned = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().ends_with(".lab.yaml") {
            let checked = file::check_path(&path).unwrap();
            let plan = Plan::new(&checked.lab.unwrap()).unwrap();
            assert!(!plan.members.is_empty());
            planned += 1;
        }
    }
    assert!(planned >= 8);
}
