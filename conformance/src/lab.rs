//! The small labs that cases run in, as lab file text.

use base::Generation;
use std::fmt::Write;

/// What casts the extra vote of a case's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// Nothing: Node Majority.
    None,
    /// A disk: Node and Disk Majority.
    Disk,
    /// A file share: Node and File Share Majority.
    Share,
    /// A blob in a cloud.
    Cloud,
    /// A disk that counts alone: No Majority, Disk Only.
    DiskOnly,
}

/// A lab in the making. Nodes are `n1`, `n2`, …; the network is `lan`.
#[derive(Debug, Clone)]
pub struct Lab {
    nodes: u8,
    witness: Witness,
    networks: Vec<&'static str>,
    dynamic: bool,
    heartbeat: Option<&'static str>,
    groups: Vec<(String, String)>,
    disks: Vec<&'static str>,
    enforced_anti_affinity: bool,
    /// Nodes without a configured vote.
    voteless: Vec<&'static str>,
    /// Further words of the cluster's `quorum`, each as the lab file has it.
    quorum: Vec<&'static str>,
    two_sites: bool,
    memory: Option<&'static str>,
    /// Nodes have the service of [`Lab::service`].
    services: bool,
    domain: bool,
    /// The domain controller is a machine of its own, `dc`.
    controller: bool,
    restricted: bool,
}

impl Lab {
    /// A cluster of this many nodes without a witness, votes fixed.
    #[must_use]
    pub fn of(nodes: u8) -> Self {
        Self {
            nodes,
            witness: Witness::None,
            networks: vec!["lan"],
            dynamic: false,
            heartbeat: None,
            groups: Vec::new(),
            disks: Vec::new(),
            enforced_anti_affinity: false,
            voteless: Vec::new(),
            quorum: Vec::new(),
            two_sites: false,
            memory: None,
            services: false,
            domain: false,
            controller: false,
            restricted: false,
        }
    }

    /// With this witness.
    #[must_use]
    pub fn witness(mut self, witness: Witness) -> Self {
        self.witness = witness;
        self
    }

    /// With a second network, `heart`, for cluster traffic only.
    #[must_use]
    pub fn second_network(mut self) -> Self {
        self.networks.push("heart");
        self
    }

    /// With a further network, `aside`, that the cluster may not use.
    #[must_use]
    pub fn restricted_network(mut self) -> Self {
        self.restricted = true;
        self
    }

    /// Votes follow the membership where the generation knows that.
    #[must_use]
    pub fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// Heartbeat on one subnet, as the lab file words it: `{ every: 2s, missed: 4 }`.
    #[must_use]
    pub fn heartbeat(mut self, same_subnet: &'static str) -> Self {
        self.heartbeat = Some(same_subnet);
        self
    }

    /// This node has no configured vote.
    #[must_use]
    pub fn voteless(mut self, node: &'static str) -> Self {
        self.voteless.push(node);
        self
    }

    /// A further word of the cluster's `quorum`, as the lab file has it.
    #[must_use]
    pub fn quorum(mut self, word: &'static str) -> Self {
        self.quorum.push(word);
        self
    }

    /// The first half of the nodes stands in site `east`, the rest in `west`; each site has a
    /// subnet of its own, and a router joins them.
    #[must_use]
    pub fn two_sites(mut self) -> Self {
        self.two_sites = true;
        self
    }

    /// Groups stay offline rather than share a node with one that they avoid.
    #[must_use]
    pub fn enforced_anti_affinity(mut self) -> Self {
        self.enforced_anti_affinity = true;
        self
    }

    /// With so much memory on every node, as the lab file words it.
    #[must_use]
    pub fn memory(mut self, memory: &'static str) -> Self {
        self.memory = Some(memory);
        self
    }

    /// With the domain `corp.example`.
    #[must_use]
    pub fn domain(mut self) -> Self {
        self.domain = true;
        self
    }

    /// With a domain whose controller is a machine of its own, `dc`, on the first network.
    #[must_use]
    pub fn controller(mut self) -> Self {
        self.controller = true;
        self.domain()
    }

    /// A group with its settings, as the lab file words them.
    #[must_use]
    pub fn group(mut self, name: &str, settings: &str) -> Self {
        self.groups.push((name.to_owned(), settings.to_owned()));
        self
    }

    /// A group `app` with one program `prog` that has this policy.
    #[must_use]
    pub fn program(self, policy: &str) -> Self {
        self.program_in_group("", policy)
    }

    /// As [`Self::program`], with further settings of the group, each ending in a comma.
    #[must_use]
    pub fn program_in_group(self, group: &str, policy: &str) -> Self {
        let program = "type: generic-application, command: sleep 86400";
        let program = format!("{{ {program}, policy: {{ {policy} }} }}");
        self.group(
            "app",
            &format!("{{ {group} resources: {{ prog: {program} }} }}"),
        )
    }

    /// A group `svc` with a service `spooler`.
    #[must_use]
    pub fn service(mut self) -> Self {
        self.services = true;
        let spooler = "{ type: generic-service, service: Spooler }";
        self.group("svc", &format!("{{ resources: {{ spooler: {spooler} }} }}"))
    }

    /// A group `fs` with a disk, an address and a name that depends on the address.
    #[must_use]
    pub fn file_group(mut self) -> Self {
        self.disks.push("data");
        let resources = "disk: { type: physical-disk, lun: san/data }, \
            ip: { type: ip-address, address: 10.10.1.101 }, \
            name: { type: network-name, name: FS1, depends: ip }, \
            srv: { type: file-server, depends: name and disk }";
        self.group("fs", &format!("{{ resources: {{ {resources} }} }}"))
    }

    /// A group `vol` with a cluster shared volume `csv` on the unit `san/csv`.
    #[must_use]
    pub fn shared_volume(mut self) -> Self {
        self.disks.push("csv");
        let csv = "{ type: cluster-shared-volume, lun: san/csv }";
        let owners = "owners: { preferred: [n1, n2, n3] }";
        self.group(
            "vol",
            &format!("{{ {owners}, resources: {{ csv: {csv} }} }}"),
        )
    }

    /// Names of all nodes, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        (1..=self.nodes)
            .map(|number| format!("n{number}"))
            .collect()
    }

    /// The names of the groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|(name, _)| name.as_str())
    }

    /// The text of the lab file.
    #[must_use]
    pub fn text(&self, generation: Generation) -> String {
        let mut text = String::from("lab: 1\nname: case\nbackend: { default: sim, seed: 1 }\n");
        self.write(&mut text, generation).unwrap_or_default();
        text
    }

    fn write(&self, text: &mut String, generation: Generation) -> std::fmt::Result {
        if self.two_sites {
            self.write_sites(text)?;
        } else {
            self.write_network(text)?;
        }
        self.write_storage(text)?;
        self.write_cluster(text, generation)
    }

    fn write_sites(&self, text: &mut String) -> std::fmt::Result {
        text.push_str("sites: { east: {}, west: {} }\nnetworks:\n");
        let role = "role: cluster-and-client";
        for (site, third) in [("east", 1), ("west", 2)] {
            writeln!(
                text,
                "  {site}-lan: {{ subnet: 10.10.{third}.0/24, site: {site}, {role} }}"
            )?;
        }
        text.push_str("routers: { wan: { joins: [east-lan, west-lan] } }\nnodes:\n");
        for (index, name) in self.names().iter().enumerate() {
            let is_east = index < usize::from(self.nodes).div_ceil(2);
            let site = if is_east { "east" } else { "west" };
            writeln!(text, "  {name}: {{ site: {site}, networks: [{site}-lan] }}")?;
        }
        Ok(())
    }

    fn write_network(&self, text: &mut String) -> std::fmt::Result {
        text.push_str("networks:\n");
        for (index, network) in self.networks.iter().enumerate() {
            let role = if index == 0 {
                "cluster-and-client"
            } else {
                "cluster"
            };
            let third = index + 1;
            writeln!(
                text,
                "  {network}: {{ subnet: 10.10.{third}.0/24, role: {role} }}"
            )?;
        }
        let mut networks = self.networks.clone();
        if self.restricted {
            writeln!(text, "  aside: {{ subnet: 10.10.9.0/24, role: none }}")?;
            networks.push("aside");
        }
        text.push_str("nodes:\n");
        for name in self.names() {
            let votes = if self.voteless.contains(&name.as_str()) {
                ", votes: 0"
            } else {
                ""
            };
            let memory = self
                .memory
                .map_or(String::new(), |it| format!(", memory: {it}"));
            let services = match self.services {
                true => ", services: { Spooler: sleep 86400 }",
                false => "",
            };
            writeln!(
                text,
                "  {name}: {{ networks: [{}]{votes}{memory}{services} }}",
                networks.join(", ")
            )?;
        }
        if self.controller {
            writeln!(text, "  dc: {{ networks: [{}] }}", self.networks[0])?;
        }
        self.write_domain(text)
    }

    fn write_domain(&self, text: &mut String) -> std::fmt::Result {
        let controllers = match self.controller {
            true => ", controllers: [dc]",
            false => "",
        };
        match self.domain {
            true => writeln!(
                text,
                "directory:\n  ad: {{ domain: corp.example{controllers} }}"
            ),
            false => Ok(()),
        }
    }

    fn write_storage(&self, text: &mut String) -> std::fmt::Result {
        let witness =
            matches!(self.witness, Witness::Disk | Witness::DiskOnly).then_some("witness");
        let luns: Vec<String> = self
            .disks
            .iter()
            .copied()
            .chain(witness)
            .map(|lun| format!("{lun}: 1GiB"))
            .collect();
        if !luns.is_empty() {
            let luns = luns.join(", ");
            writeln!(
                text,
                "storage:\n  san: {{ kind: iscsi, luns: {{ {luns} }} }}"
            )?;
        }
        if self.witness == Witness::Cloud {
            let blob = "kind: cloud-blob, network: lan, address: 10.10.1.9";
            writeln!(text, "endpoints:\n  blob: {{ {blob} }}")?;
        }
        if self.witness == Witness::Share {
            let share = "kind: smb-share, network: lan, address: 10.10.1.9, path: witness";
            writeln!(text, "endpoints:\n  share: {{ {share} }}")?;
        }
        Ok(())
    }

    fn write_cluster(&self, text: &mut String, generation: Generation) -> std::fmt::Result {
        writeln!(text, "cluster:\n  name: CLU1\n  address: 10.10.1.100")?;
        writeln!(text, "  generation: {generation}")?;
        if self.controller {
            writeln!(text, "  members: [{}]", self.names().join(", "))?;
        }
        let witness = match self.witness {
            Witness::None => "none",
            Witness::Disk | Witness::DiskOnly => "{ disk: san/witness }",
            Witness::Share => "{ share: share }",
            Witness::Cloud => "{ cloud: blob }",
        };
        writeln!(text, "  witness: {witness}")?;
        let mut quorum = Vec::new();
        // The quorum disk of 2003 is a model of its own, and what its disk means by default.
        if self.witness == Witness::DiskOnly && generation > Generation::V2003 {
            quorum.push("model: disk-only");
        }
        quorum.extend(&self.quorum);
        if !self.dynamic && generation >= Generation::V2012 {
            quorum.push("dynamic: false");
        }
        if !self.dynamic && generation >= Generation::V2012R2 {
            quorum.push("dynamic-witness: false");
        }
        if !quorum.is_empty() {
            writeln!(text, "  quorum: {{ {} }}", quorum.join(", "))?;
        }
        if let Some(heartbeat) = self.heartbeat {
            writeln!(text, "  heartbeat: {{ same-subnet: {heartbeat} }}")?;
        }
        if self.enforced_anti_affinity {
            writeln!(text, "  enforced-anti-affinity: true")?;
        }
        if !self.groups.is_empty() {
            text.push_str("  groups:\n");
        }
        for (name, settings) in &self.groups {
            writeln!(text, "    {name}: {settings}")?;
        }
        Ok(())
    }
}
