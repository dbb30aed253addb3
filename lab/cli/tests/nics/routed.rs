//! Segments that a router joins: frames stay on theirs, packets go on to the other.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::Test;
use crate::bench::wait;
use crate::machine::{Lab, Machine};

pub(crate) const TESTS: &[Test] = &[(
    "an_address_is_reached_through_a_router_and_follows_its_owner",
    an_address_is_reached_through_a_router_and_follows_its_owner,
)];

/// Two sites with a segment each, and a client at the one where the address is not.
const LAB: &str = r#"
lab: 1
name: routed
backend: { local: { expose: tun } }
sites: { east: {}, west: {} }
networks:
  east-lan: { subnet: 10.10.1.0/24, site: east, role: cluster-and-client }
  west-lan: { subnet: 10.10.2.0/24, site: west, role: cluster-and-client }
routers:
  wan: { joins: [east-lan, west-lan], link: { delay: 5ms } }
nodes:
  n[1-2]: { site: east, networks: [east-lan] }
  n3: { site: west, networks: [west-lan] }
  cli: { site: west, networks: [west-lan], address: 10.10.2.9 }
cluster:
  name: CLU1
  members: ["n[1-3]"]
  address: 10.10.1.100
  heartbeat:
    same-subnet: { every: 100ms, missed: 5 }
    cross-site: { every: 100ms, missed: 5 }
  groups:
    app:
      owners: { preferred: [n1, n2], possible: [n1, n2] }
      resources:
        ip: { type: ip-address, address: 10.10.1.101 }
"#;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 10, 1, 101);

fn an_address_is_reached_through_a_router_and_follows_its_owner() {
    let lab = Lab::of(LAB);
    let owner = lab.bench.online("app");
    let cli = lab.machine("cli");
    wait("it answers beyond the router", || {
        answers(&cli).then_some(())
    });
    lab.does(&["fault", "{ node: owner-of(app), do: power-off }"]);
    let other = lab.moved("app", &owner);
    assert!(lab.machine(&other).has(ADDRESS));
    wait("it answers from its new owner", || {
        answers(&cli).then_some(())
    });
    lab.does(&["fault", "{ network: east-lan, do: down }"]);
    wait("nothing crosses to a dead segment", || {
        (!answers(&cli)).then_some(())
    });
}

fn answers(machine: &Machine) -> bool {
    machine.within(|| {
        let at = (ADDRESS, nic::ECHO_PORT).into();
        TcpStream::connect_timeout(&at, Duration::from_secs(1)).is_ok()
    })
}
