//! What a good lab resolves to.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Generation, QuorumModel};
use file::check;
use file::model::{
    Action, Claim, EndpointHost, Failback, FaultKind, Invariant, Lab, NodeChange, ResourceKind,
    Selector, StepKind, Witness,
};

const EVERYTHING: &str = include_str!("../../../fixtures/labs/good/everything.lab.yaml");
const TWO_NODES: &str = include_str!("../../../topologies/two-node-disk-witness.lab.yaml");
const LADDER: &str = include_str!("../../../topologies/restart-ladder.lab.yaml");

fn lab(text: &str) -> Lab {
    let checked = check("x", text.as_bytes());
    assert!(checked.lab.is_some(), "{:?}", checked.diagnostics);
    checked.lab.expect("just asserted")
}

#[test]
fn ranges_expand_and_addresses_come_from_the_subnet_in_order() {
    let lab = lab(TWO_NODES);
    let names: Vec<&str> = lab.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n1", "n2"]);
    let addresses: Vec<Ipv4Addr> = lab
        .nodes
        .iter()
        .flat_map(|node| &node.adapters)
        .map(|one| one.address)
        .collect();
    assert_eq!(
        addresses,
        [Ipv4Addr::new(10, 10, 1, 1), Ipv4Addr::new(10, 10, 1, 2)]
    );
    assert_eq!(lab.cluster.members, ["n1", "n2"]);
    assert_eq!(lab.cluster.generation, Generation::V2022);
    assert_eq!(lab.cluster.quorum.model, QuorumModel::NodeAndDiskMajority);
    assert!(matches!(&lab.cluster.witness, Witness::Disk(lun) if lun.to_string() == "san/quorum"));
}

#[test]
fn assigned_addresses_avoid_given_ones() {
    let text = TWO_NODES.replace("address: 10.10.1.100", "address: 10.10.1.2");
    let addresses: Vec<Ipv4Addr> = lab(&text)
        .nodes
        .iter()
        .flat_map(|node| &node.adapters)
        .map(|one| one.address)
        .collect();
    assert_eq!(
        addresses,
        [Ipv4Addr::new(10, 10, 1, 1), Ipv4Addr::new(10, 10, 1, 3)]
    );
}

#[test]
fn a_node_takes_from_its_profile_and_the_defaults_what_it_does_not_say_itself() {
    let lab = lab(EVERYTHING);
    let a2 = lab.node("a2").expect("the range expands");
    assert_eq!(a2.rack.as_deref(), Some("r2"), "the node beats the profile");
    assert_eq!(a2.site.as_deref(), Some("east"), "from the profile");
    let networks: Vec<&str> = a2.adapters.iter().map(|one| one.network.as_str()).collect();
    assert_eq!(
        networks,
        ["lan", "hb", "san"],
        "the defaults' list and what the profile adds"
    );
    assert_eq!(a2.votes, 1, "from the defaults, by a variable");
    let b2 = lab.node("b2").expect("the range expands");
    assert_eq!(
        b2.adapter("hb").map(|one| one.address),
        Some(Ipv4Addr::new(10, 1, 10, 22))
    );
    let c1 = lab.node("c1").expect("a variable can end a range");
    assert_eq!(c1.votes, 0);
    let labels: Vec<(&str, &str)> = c1
        .labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(labels, [("tier", "spare"), ("index", "1"), ("env", "dev")]);
}

#[test]
fn times_of_a_regroup_are_read_and_a_challenge_lasts_two_looks_at_the_reservation() {
    let cluster = lab(EVERYTHING).cluster;
    assert_eq!(cluster.regroup.tick, Some(Duration::from_millis(100)));
    assert_eq!(cluster.regroup.opening, Some(Duration::from_secs(2)));
    assert_eq!(cluster.regroup.halt, Some(Duration::from_millis(500)));
    let challenge = cluster.disk_arbitration.challenge;
    assert_eq!(challenge, Some(Duration::from_secs(4)));
}

#[test]
fn a_service_of_the_defaults_is_known_to_every_machine() {
    let lab = lab(EVERYTHING);
    let web = ("web".to_owned(), "serve --all".to_owned());
    let known = |it: &file::model::Node| it.services == [web.clone()];
    assert!(lab.nodes.iter().all(known));
}

#[test]
fn groups_keep_the_order_of_the_file_and_their_templates_are_filled() {
    let lab = lab(EVERYTHING);
    let names: Vec<&str> = lab
        .cluster
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["fs1", "fs2", "app", "idle"]);
    let fs2 = lab.group("fs2").expect("the range expands");
    assert_eq!(
        fs2.failback,
        Failback::Window {
            from_hour: 22,
            to_hour: 5
        }
    );
    assert_eq!(fs2.owners.preferred, ["a1", "b1", "b2"]);
    let name = fs2.resource("name").expect("it has a name");
    assert_eq!(
        name.kind,
        ResourceKind::NetworkName {
            name: "FS2".to_owned()
        }
    );
    assert_eq!(
        name.depends,
        [vec!["ip1".to_owned(), "ip2".to_owned()]],
        "one item, two ways"
    );
    let ip = fs2.resource("ip2").expect("it has an address");
    assert_eq!(
        ip.kind,
        ResourceKind::IpAddress {
            address: Ipv4Addr::new(10, 1, 0, 122),
            network: "lan".to_owned()
        },
        "the network is found by the subnet"
    );
}

#[test]
fn what_the_file_leaves_out_stays_open_for_the_generation() {
    let lab = lab(TWO_NODES);
    let policy = lab.group("fs1").expect("it is there").resources[0].policy;
    assert_eq!(policy.restart.limit, None);
    assert_eq!(lab.cluster.heartbeat.same_subnet.every, None);
    assert_eq!(lab.cluster.service_restart, None);
    let given = lab_policy();
    assert_eq!(given.restart.limit, Some(2));
    assert_eq!(
        given.restart.retry_after,
        Some(Some(Duration::from_secs(3_600)))
    );
}

fn lab_policy() -> file::model::ResourcePolicy {
    let lab = lab(LADDER);
    let work = lab
        .group("app")
        .and_then(|group| group.resource("work").cloned());
    work.expect("the ladder has a worker").policy
}

#[test]
fn a_step_of_several_parts_becomes_a_list_in_their_order() {
    let lab = lab(TWO_NODES);
    let step = &lab.scenario[1];
    assert_eq!(step.name.as_deref(), Some("lose-the-owner"));
    let StepKind::Serial(parts) = &step.kind else {
        unreachable!("fault and expect")
    };
    let StepKind::Fault(fault) = &parts[0].kind else {
        unreachable!("the fault comes first")
    };
    let FaultKind::Node { nodes, .. } = &fault.kind else {
        unreachable!("a fault of nodes")
    };
    assert_eq!(*nodes, Selector::OwnerOf("fs1".to_owned()));
    let StepKind::Expect(claims) = &parts[1].kind else {
        unreachable!("then the expectations")
    };
    assert_eq!(claims.len(), 3);
    assert!(
        matches!(&claims[0].claim, Claim::Group(group) if group.node == Some(NodeChange::Changed))
    );
    assert_eq!(claims[0].timing.within, Some(Duration::from_secs(60)));
    assert!(claims[2].timing.always);
    let line = TWO_NODES
        .lines()
        .position(|line| line.contains("node: changed"))
        .map(|line| line + 1);
    assert_eq!(
        usize::try_from(claims[0].position.line).ok(),
        line,
        "reports show the line"
    );
    assert_eq!(
        claims[0].text,
        "{ group: fs1, is: online, node: changed, within: 60s }"
    );
}

#[test]
fn actions_endpoints_and_invariants_are_typed() {
    let lab = lab(EVERYTHING);
    let StepKind::Serial(steps) = &lab.scenario[5].kind else {
        unreachable!("a list of actions")
    };
    assert_eq!(
        steps[0].kind,
        StepKind::Do(Action::OnlineGroup("app".to_owned()))
    );
    assert_eq!(
        steps.last().map(|step| &step.kind),
        Some(&StepKind::Do(Action::Heal))
    );
    let host = lab.endpoint("share").map(|endpoint| &endpoint.host);
    assert_eq!(host, Some(&EndpointHost::Node("box".to_owned())));
    assert!(!lab.invariants.rules.contains(&Invariant::NoLeaks));
    assert_eq!(lab.invariants.rules.len(), Invariant::STANDARD.len() - 2);
}

#[test]
fn selectors_pick_from_the_file_what_the_file_can_tell() {
    let lab = lab(EVERYTHING);
    let pick = |selector: Selector| selector.fixed_nodes(&lab).map(|nodes| nodes.join(" "));
    assert_eq!(
        pick(Selector::Site("west".into())).as_deref(),
        Some("b1 b2")
    );
    assert_eq!(
        pick(Selector::Glob("?1".into())).as_deref(),
        Some("a1 b1 c1")
    );
    assert_eq!(
        pick(Selector::Glob("*".into())).as_deref(),
        Some("a1 a2 b1 b2 c1 c2 box")
    );
    assert_eq!(
        pick(Selector::Kind("member".into())).as_deref(),
        Some("a1 a2 b1 b2 c1 c2")
    );
    assert_eq!(
        pick(Selector::OwnerOf("fs1".into())),
        None,
        "only a run can tell"
    );
}
