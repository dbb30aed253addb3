//! Addresses of resources: on the adapter, in others' tables, and gone with whoever held them.

use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::Test;
use crate::bench::{kill, shown_group, shown_node, wait};
use crate::machine::{ADDRESS, LAB, Lab, Machine};

const ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0, 0, 0, 0, 0, 0x101);

pub(crate) const TESTS: &[Test] = &[
    (
        "an_address_moves_and_the_client_learns_it_without_asking",
        an_address_moves_and_the_client_learns_it_without_asking,
    ),
    (
        "an_address_goes_with_its_resource_its_process_and_its_machine",
        an_address_goes_with_its_resource_its_process_and_its_machine,
    ),
    (
        "a_duplicate_address_keeps_its_resource_offline",
        a_duplicate_address_keeps_its_resource_offline,
    ),
    (
        "an_address_that_is_taken_from_the_adapter_fails",
        an_address_that_is_taken_from_the_adapter_fails,
    ),
    (
        "an_address_of_ipv6_moves_and_answers_where_it_is",
        an_address_of_ipv6_moves_and_answers_where_it_is,
    ),
];

/// The client has spoken to the address once. After the failover it says nothing, and has the new
/// owner's Ethernet address all the same.
fn an_address_moves_and_the_client_learns_it_without_asking() {
    let lab = Lab::up();
    let owner = lab.bench.online("app");
    let cli = lab.machine("cli");
    assert!(lab.machine(&owner).has(ADDRESS));
    speak_to(&cli);
    let before = wait("the client knows the owner", || cli.neighbour(ADDRESS));
    // The kernel takes no news about a neighbour for the first second.
    std::thread::sleep(Duration::from_millis(1_500));
    lab.does(&["fault", "{ node: owner-of(app), do: power-off }"]);
    let other = lab.moved("app", &owner);
    assert!(lab.machine(&other).has(ADDRESS) && !lab.machine(&owner).has(ADDRESS));
    let after = wait("the client knows the new owner", || {
        cli.neighbour(ADDRESS).filter(|it| *it != before)
    });
    assert_ne!(before, after);
}

fn an_address_goes_with_its_resource_its_process_and_its_machine() {
    let lab = Lab::up();
    let owner = lab.bench.online("app");
    let here = lab.machine(&owner);
    assert!(here.has(ADDRESS));
    lab.does(&["cluster", "offline", "app"]);
    wait("it goes with its resource", || {
        (!here.has(ADDRESS)).then_some(())
    });
    lab.does(&["cluster", "online", "app"]);
    wait("it comes with its resource", || {
        here.has(ADDRESS).then_some(())
    });
    let shown = lab.bench.json(&["inspect"]);
    kill(&shown_node(&shown, &owner)["process"], Signal::KILL);
    wait("it goes with the process", || {
        (!here.has(ADDRESS)).then_some(())
    });
    let other = lab.moved("app", &owner);
    assert!(lab.machine(&other).has(ADDRESS));
}

/// The client has taken the address before the resource comes online.
fn a_duplicate_address_keeps_its_resource_offline() {
    let lab = Lab::up();
    lab.bench.online("app");
    lab.does(&["cluster", "offline", "app"]);
    lab.bench.wait("it is offline", |shown| {
        shown_group(shown, "app")["state"] == "Offline"
    });
    let taken = format!("{ADDRESS}/24");
    lab.does(&[
        "exec", "cli", "--", "ip", "address", "add", &taken, "dev", "lan",
    ]);
    let _refused_later = lab.bench.run(&["cluster", "online", "app"]);
    let failed = |shown: &Value| {
        let group = shown_group(shown, "app");
        group["resources"][0]["state"] == "Failed"
    };
    lab.bench.wait("the address fails", failed);
    for node in ["n1", "n2", "n3"] {
        assert!(
            !lab.machine(node).has(ADDRESS),
            "{node} has it all the same"
        );
    }
    let events = lab.bench.run(&["events"]);
    let events = String::from_utf8_lossy(&events.stdout).into_owned();
    assert!(events.contains("[1049]"), "{events}");
}

/// Somebody takes the address away behind the cluster's back: LooksAlive and IsAlive see it, and
/// the restart puts it back.
fn an_address_that_is_taken_from_the_adapter_fails() {
    let lab = Lab::up();
    let owner = lab.bench.online("app");
    let there = format!("{ADDRESS}/24");
    lab.does(&[
        "exec", &owner, "--", "ip", "address", "del", &there, "dev", "lan",
    ]);
    let seen = |text: &str| {
        let events = lab.bench.run(&["events"]);
        String::from_utf8_lossy(&events.stdout)
            .contains(text)
            .then_some(())
    };
    wait("IsAlive says no", || seen("app/ip is Failed"));
    wait("it is there again", || {
        lab.machine(&owner).has(ADDRESS).then_some(())
    });
}

fn an_address_of_ipv6_moves_and_answers_where_it_is() {
    let v6 =
        format!("type: ipv6-address\n          network: lan\n          address: \"{ADDRESS_V6}\"");
    let v4 = format!("type: ip-address\n          address: {ADDRESS}");
    assert!(LAB.contains(&v4));
    let lab = Lab::of(&LAB.replace(&v4, &v6));
    let owner = lab.bench.online("app");
    lab.does(&[
        "exec",
        "cli",
        "--",
        "ip",
        "address",
        "add",
        "fd00:10::9/64",
        "dev",
        "lan",
        "nodad",
    ]);
    let address = ADDRESS_V6.to_string();
    let ping = [
        "exec", "cli", "--", "ping", "-6", "-c", "1", "-W", "1", &address,
    ];
    let answered = || lab.bench.run(&ping).status.success();
    wait("it answers", || answered().then_some(()));
    lab.does(&["fault", "{ node: owner-of(app), do: power-off }"]);
    let other = lab.moved("app", &owner);
    wait("it answers from its new owner", || answered().then_some(()));
    let shown = |node: &str| {
        let line = [
            "exec", node, "--", "ip", "-6", "address", "show", "dev", "lan",
        ];
        String::from_utf8_lossy(&lab.bench.run(&line).stdout).contains("fd00:10::101")
    };
    assert!(shown(&other) && !shown(&owner));
}

fn speak_to(machine: &Machine) {
    machine.within(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.send_to(b"?", (ADDRESS, 9)).unwrap();
    });
}
