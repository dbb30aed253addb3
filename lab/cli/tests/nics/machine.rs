//! Looking at the network of one machine from within.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::bench::{Bench, shown_group};

/// Three nodes on two networks, a client on the first of them, an address and a program.
pub(crate) const LAB: &str = r#"
lab: 1
name: adapters
backend: { local: { expose: tun } }
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
  heart: { subnet: 10.10.2.0/24, role: cluster }
nodes:
  n[1-3]: { networks: [lan, heart] }
  cli: { networks: [lan], address: 10.10.1.9 }
cluster:
  name: CLU1
  members: ["n[1-3]"]
  address: 10.10.1.100
  service-restart: 1s
  heartbeat:
    same-subnet: { every: 100ms, missed: 5 }
  groups:
    app:
      resources:
        ip:
          type: ip-address
          address: 10.10.1.101
          policy:
            restart: { delay: 100ms }
            poll: { looks-alive: 200ms, is-alive: 1s }
"#;

/// The address of group `app`.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 10, 1, 101);

/// A lab that is up.
pub(crate) struct Lab {
    pub(crate) bench: Bench,
    pub(crate) uid: String,
}

impl Lab {
    pub(crate) fn up() -> Self {
        Self::of(LAB)
    }

    pub(crate) fn of(text: &str) -> Self {
        let bench = Bench::new("local");
        fs::write(bench.file("small.lab.yaml"), text).unwrap();
        let uid = bench.up();
        Self { bench, uid }
    }

    /// Whether a command of the lab's goes well.
    pub(crate) fn does(&self, words: &[&str]) {
        let done = self.bench.run(words);
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {errors}");
    }

    /// Waits until the group is online somewhere else; where.
    pub(crate) fn moved(&self, group: &str, from: &str) -> String {
        let elsewhere = |shown: &Value| {
            let group = shown_group(shown, group);
            group["state"] == "Online" && group["owner"] != from
        };
        let shown = self.bench.wait("the group moves", elsewhere);
        shown_group(&shown, group)["owner"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn machine(&self, name: &str) -> Machine {
        let namespace = self.bench.root().join(&self.uid).join("networks");
        Machine(namespace.join(name))
    }
}

/// One machine's network.
pub(crate) struct Machine(PathBuf);

impl Machine {
    /// Does something in the machine's network.
    pub(crate) fn within<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> T {
        let namespace = self.0.clone();
        let inside = thread::spawn(move || {
            rhs::enter(&namespace).unwrap();
            act()
        });
        inside.join().unwrap()
    }

    /// Whether the machine has an address.
    pub(crate) fn has(&self, address: Ipv4Addr) -> bool {
        self.0.exists() && self.within(move || UdpSocket::bind((IpAddr::V4(address), 0)).is_ok())
    }

    /// The Ethernet address that the machine knows for an address.
    pub(crate) fn neighbour(&self, address: Ipv4Addr) -> Option<String> {
        let table = self.within(|| fs::read_to_string("/proc/thread-self/net/arp").unwrap());
        let address = address.to_string();
        let of = |line: &&str| line.split_whitespace().next() == Some(address.as_str());
        let line = table.lines().find(of)?;
        line.split_whitespace().nth(3).map(str::to_owned)
    }

    /// Bytes that an adapter has sent.
    pub(crate) fn sent(&self, adapter: &str) -> u64 {
        let table = self.within(|| fs::read_to_string("/proc/thread-self/net/dev").unwrap());
        let head = format!("{adapter}:");
        let line = table.lines().find(|line| line.trim().starts_with(&head));
        let field = line.unwrap().split_whitespace().nth(9);
        field.unwrap().parse().unwrap()
    }
}
