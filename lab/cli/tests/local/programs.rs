//! Resources that are programs of the user's own: scripts, plug-ins, and the registry that they
//! keep things in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::bench::{Bench, kill, shown_group, wait};

const LAB: &str = r#"
lab: 1
name: programs
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-3]: { networks: [lan], services: { web: "HERE/service --port 80", Spooler: HERE/service } }
storage:
  san: { kind: iscsi, luns: { spool: 64MiB } }
cluster:
  name: CLU1
  address: 10.10.1.100
  heartbeat:
    same-subnet: { every: 100ms, missed: 5 }
  groups:
    app:
      resources:
        script:
          type: generic-script
          script: HERE/script
          policy:
            restart: { delay: 100ms }
            poll: { looks-alive: 200ms, is-alive: 1s }
    plug:
      resources:
        archive:
          type: plug-in
          program: HERE/plug-in
          policy:
            restart: { delay: 100ms }
            poll: { looks-alive: 200ms, is-alive: 1s }
            checkpoints: { registry: HKLM/Software/Demo }
    web:
      resources:
        web:
          type: generic-service
          service: web
          properties: { StartupParameters: --verbose }
          policy:
            restart: { delay: 100ms }
            poll: { looks-alive: 200ms, is-alive: 1s }
    print:
      resources:
        ip: { type: ip-address, address: 10.10.1.102 }
        name: { type: network-name, name: PRINT, depends: ip }
        disk: { type: physical-disk, lun: san/spool }
        spool: { type: print-spooler, path: 'D:\spool', depends: name and disk }
"#;

/// Notes what it is called with; ill while there is a file `sick` beside it.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$1" >>"$here/calls"
case $1 in
*Alive) [ ! -e "$here/sick" ] ;;
esac
"#;

/// Notes that it runs, and with what it was started.
const SERVICE: &str = r#"#!/bin/sh
echo "$$ $*" >>"$(dirname "$0")/started"
exec sleep 600
"#;

fn up() -> Bench {
    let bench = Bench::new("local");
    let here = bench.file("");
    let lab = LAB.replace("HERE/", &format!("{}/", here.display()).replace("//", "/"));
    fs::write(bench.file("small.lab.yaml"), lab).unwrap();
    program(&bench.file("script"), SCRIPT);
    program(&bench.file("plug-in"), &worked_example());
    program(&bench.file("service"), SERVICE);
    bench.up();
    bench
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The plug-in of the protocol's page.
fn worked_example() -> String {
    let page = "../../docs/protocol/resource-plug-in.md";
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_script_is_called_by_name_and_its_word_counts() {
    let bench = up();
    bench.online("app");
    let called = |word: &str| {
        let calls = fs::read_to_string(bench.file("calls")).unwrap();
        calls.lines().any(|line| line == word).then_some(())
    };
    for word in ["Open", "Online", "LooksAlive", "IsAlive"] {
        wait(word, || called(word));
    }
    fs::write(bench.file("sick"), "").unwrap();
    wait("it fails and is terminated", || called("Terminate"));
    fs::remove_file(bench.file("sick")).unwrap();
    bench.online("app");
    assert!(bench.run(&["cluster", "offline", "app"]).status.success());
    wait("it is taken offline", || called("Offline"));
}

#[test]
fn the_worked_example_of_the_plug_in_protocol_works_fails_and_is_started_again() {
    let bench = up();
    bench.online("plug");
    let there = || bench.file("up").exists();
    assert!(there(), "it has touched its file");
    fs::remove_file(bench.file("up")).unwrap();
    wait("its IsAlive says no and a restart mends it", || {
        there().then_some(())
    });
    bench.online("plug");
    assert!(bench.run(&["cluster", "offline", "plug"]).status.success());
    wait("offline removes its file", || (!there()).then_some(()));
}

#[test]
fn a_service_is_the_program_that_its_machine_has_under_its_name() {
    let bench = up();
    bench.online("web");
    bench.online("print");
    let started = || fs::read_to_string(bench.file("started")).unwrap();
    let with = |parameters: &str| -> Vec<i32> {
        let lines = started();
        let pids = lines.lines().filter_map(|line| line.split_once(' '));
        let pids = pids.filter(|(_, given)| given.trim() == parameters);
        pids.map(|(pid, _)| pid.parse().unwrap()).collect()
    };
    let web = "--port 80 --verbose";
    let first = with(web);
    assert_eq!((first.len(), with("").len()), (1, 1), "{}", started());
    kill(&first[0].into(), Signal::KILL);
    wait("it is started again", || {
        (with(web).len() == 2).then_some(())
    });
}

#[test]
fn a_registry_checkpoint_goes_where_its_resource_goes() {
    let bench = up();
    let owner = bench.online("plug");
    let shown = bench.json(&["inspect"]);
    let lab = PathBuf::from(shown["folder"].as_str().unwrap());
    let key = |node: &str| {
        let registry = lab.join("nodes").join(node).join("registry");
        registry.join("HKLM/Software/Demo.reg")
    };
    fs::create_dir_all(key(&owner).parent().unwrap()).unwrap();
    fs::write(key(&owner), "vault=main").unwrap();
    let other = if owner == "n3" { "n2" } else { "n3" };
    assert!(
        bench
            .run(&["cluster", "move", "plug", other])
            .status
            .success()
    );
    bench.wait("it is there", |shown| {
        let group = shown_group(shown, "plug");
        group["state"] == "Online" && group["owner"] == other
    });
    assert_eq!(fs::read_to_string(key(other)).unwrap(), "vault=main");
}
