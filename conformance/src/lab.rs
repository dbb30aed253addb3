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

    /// Groups stay offline rather than share a node with one that they avoid.
    #[must_use]
    pub fn enforced_anti_affinity(mut self) -> Self {
        self.enforced_anti_affinity = true;
        self
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
        text.push_str("nodes:\n");
        for name in self.names() {
            writeln!(
                text,
                "  {name}: {{ networks: [{}] }}",
                self.networks.join(", ")
            )?;
        }
        self.write_storage(text)?;
        self.write_cluster(text, generation)
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
        let witness = match self.witness {
            Witness::None => "none",
            Witness::Disk | Witness::DiskOnly => "{ disk: san/witness }",
            Witness::Share => "{ share: share }",
            Witness::Cloud => "{ cloud: blob }",
        };
        writeln!(text, "  witness: {witness}")?;
        let mut quorum = Vec::new();
        if self.witness == Witness::DiskOnly {
            quorum.push("model: disk-only");
        }
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
