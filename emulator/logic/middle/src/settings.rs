//! Cluster-wide settings in typed form, read from and written to the hive.
//!
//! Value names are the product's (reference section 7). Subkey names other than `Nodes` are
//! unsourced and carry no meaning outside this project.

mod mode;
mod node;
mod regroup;
mod resiliency;
#[cfg(test)]
mod tests;
pub mod votes;
mod witness;

use std::collections::BTreeMap;
use std::time::Duration;

use base::limits::{MESSAGES_UNACKNOWLEDGED_MAX, MULTICASTS_KEPT_MAX};
use base::{DiskId, Generation, NetworkId, NodeId, NodeSet, QuorumModel};

use bottom::security::{Secret, SecurityLevel};

pub use mode::ReadWriteMode;
pub use node::NodeSettings;
pub use regroup::Regroup;
pub use resiliency::Resiliency;
pub use witness::Witness;

use crate::database::{Hive, Value};

/// Role of a network (reference section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NetworkRole {
    /// 0: not used by the cluster.
    None,
    /// 1: cluster traffic only.
    Cluster,
    /// 3: cluster traffic and clients.
    #[default]
    ClusterAndClient,
}

impl NetworkRole {
    /// The number of the Role property.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Cluster => 1,
            Self::ClusterAndClient => 3,
        }
    }

    /// What the product calls an automatic metric: networks of the cluster alone are preferred over
    /// those that clients use (reference section 6.1). The numbers themselves are unsourced.
    #[must_use]
    pub fn automatic_metric(self, network: NetworkId) -> u32 {
        let base = match self {
            Self::None | Self::Cluster => 30_000,
            Self::ClusterAndClient => 70_000,
        };
        base + u32::from(network.0)
    }

    /// The role of this number.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Cluster,
            _ => Self::ClusterAndClient,
        }
    }
}

/// A network as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Name.
    pub name: String,
    /// Subnet in prefix notation, as text: equal text is the same subnet.
    pub subnet: String,
    /// Role.
    pub role: NetworkRole,
    /// Metric: the lowest sum wins.
    pub metric: u32,
    /// AutoMetric: the metric follows from the role.
    pub auto_metric: bool,
}

/// How often heartbeats go out and how many may be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two.
    pub delay: Duration,
    /// Missed ones until the route is down.
    pub threshold: u32,
}

impl Heartbeat {
    /// Delay times threshold.
    #[must_use]
    pub fn detection(self) -> Duration {
        self.delay * self.threshold
    }
}

/// Settings of the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// ClusterName.
    pub cluster_name: String,
    /// Which table of defaults applies.
    pub generation: Generation,
    /// Nodes by number.
    pub nodes: BTreeMap<NodeId, NodeSettings>,
    /// Networks by number.
    pub networks: BTreeMap<NetworkId, NetworkSettings>,
    /// SameSubnetDelay and SameSubnetThreshold.
    pub same_subnet: Heartbeat,
    /// CrossSubnetDelay and CrossSubnetThreshold.
    pub cross_subnet: Heartbeat,
    /// CrossSiteDelay and CrossSiteThreshold.
    pub cross_site: Heartbeat,
    /// The quorum model.
    pub model: QuorumModel,
    /// The witness.
    pub witness: Witness,
    /// WitnessDynamicWeight: 0 or 1.
    pub witness_dynamic_weight: u32,
    /// DynamicQuorum.
    pub dynamic_quorum: bool,
    /// Whether the witness's vote is toggled to keep the total odd (2012 R2 and later).
    pub dynamic_witness: bool,
    /// FixQuorum: the cluster has quorum by an administrator's word (reference section 4.3).
    pub fix_quorum: bool,
    /// LowerQuorumPriorityNodeID, if set.
    pub lower_priority_node: Option<NodeId>,
    /// PreferredSite (2016 and later): the site whose nodes are favoured; empty if there is none.
    pub preferred_site: String,
    /// MessageBufferLength: good-enough multicasts of one node that some member lacks, 1 to 1000.
    pub message_buffer_length: usize,
    /// DatabaseReadWriteMode.
    pub read_write_mode: ReadWriteMode,
    /// SecurityLevel.
    pub security_level: SecurityLevel,
    /// What only the nodes of this cluster know.
    pub secret: Secret,
    /// Times of a regroup.
    pub regroup: Regroup,
    /// DiskArbInterval of clustered disks.
    pub disk_arbitration_interval: Duration,
    /// Unsourced: how long a challenger waits before it preempts.
    pub disk_challenge_wait: Duration,
    /// Isolation and quarantine.
    pub resiliency: Resiliency,
}

impl Settings {
    /// Settings of `generation` with its defaults and nothing configured.
    #[must_use]
    pub fn blank(generation: Generation) -> Self {
        let defaults = generation.defaults();
        let beat = |delay, threshold| Heartbeat { delay, threshold };
        Self {
            cluster_name: String::new(),
            generation,
            nodes: BTreeMap::new(),
            networks: BTreeMap::new(),
            same_subnet: beat(defaults.same_subnet_delay, defaults.same_subnet_threshold),
            cross_subnet: beat(defaults.cross_subnet_delay, defaults.cross_subnet_threshold),
            cross_site: beat(defaults.cross_site_delay, defaults.cross_site_threshold),
            model: QuorumModel::NodeMajority,
            witness: Witness::None,
            witness_dynamic_weight: 1,
            dynamic_quorum: defaults.dynamic_quorum,
            dynamic_witness: defaults.dynamic_witness,
            fix_quorum: false,
            lower_priority_node: None,
            preferred_site: String::new(),
            message_buffer_length: MESSAGES_UNACKNOWLEDGED_MAX,
            read_write_mode: ReadWriteMode::default(),
            security_level: SecurityLevel::default(),
            secret: Secret::default(),
            regroup: Regroup::of(&defaults),
            disk_arbitration_interval: defaults.disk_arbitration_interval,
            disk_challenge_wait: defaults.disk_challenge_wait,
            resiliency: Resiliency::of(&defaults),
        }
    }

    /// Name of a node, or its number where it is not configured.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        self.nodes
            .get(&node)
            .map_or_else(|| format!("node {node}"), |known| known.name.clone())
    }

    /// The nodes of the preferred site; nobody without one.
    #[must_use]
    pub fn preferred_nodes(&self) -> NodeSet {
        let site = self.preferred_site.as_str();
        let of_site = self.nodes.iter().filter(|(_, it)| it.site == site);
        let nodes = of_site.map(|(node, _)| *node);
        nodes.filter(|_| !site.is_empty()).collect()
    }

    /// Heartbeat settings that apply between two nodes: cross-site when their sites differ (2016
    /// and later, before there are no sites), cross-subnet when they share no network, same-subnet
    /// otherwise.
    #[must_use]
    pub fn heartbeat(&self, a: NodeId, b: NodeId) -> Heartbeat {
        let site = |node| {
            self.nodes
                .get(&node)
                .map_or("", |known| known.site.as_str())
        };
        if site(a) != site(b) && self.generation >= Generation::V2016 {
            self.cross_site
        } else if self.share_network(a, b) {
            self.same_subnet
        } else {
            self.cross_subnet
        }
    }

    /// Whether two nodes have interfaces on one network that the cluster may use, as far as their
    /// interfaces are known.
    fn share_network(&self, a: NodeId, b: NodeId) -> bool {
        let interfaces = |node| self.nodes.get(&node).map(|known| &known.interfaces);
        let (Some(one), Some(other)) = (interfaces(a), interfaces(b)) else {
            return true;
        };
        if one.is_empty() || other.is_empty() {
            return true;
        }
        let used = |network: &&NetworkId| {
            let known = self.networks.get(network);
            known.is_some_and(|it| it.role != NetworkRole::None)
        };
        let mut shared = one.keys().filter(used);
        shared.any(|network| other.contains_key(network))
    }

    /// Peers that `me` tries over its interface on `network`: those attached to it, and those that
    /// share no network with it but have an interface on another one of the same role, which a
    /// router may join (cross-subnet routes are tried only where there is no other,
    /// PlumbAllCrossSubnetRoutes 0; reference section 6.1).
    #[must_use]
    pub fn peers_over(&self, me: NodeId, network: NetworkId) -> NodeSet {
        let role = |network: &NetworkId| self.networks.get(network).map(|known| known.role);
        let wanted = role(&network);
        let beyond = |(node, known): &(&NodeId, &NodeSettings)| {
            known.interfaces.keys().any(|it| role(it) == wanted) && !self.share_network(me, **node)
        };
        let beyond = self.nodes.iter().filter(beyond).map(|(node, _)| *node);
        self.attached(network).union(beyond.collect())
    }

    /// Nodes with an interface on `network`.
    #[must_use]
    pub fn attached(&self, network: NetworkId) -> NodeSet {
        let on = |node: &&NodeId| self.nodes[node].interfaces.contains_key(&network);
        self.nodes.keys().filter(on).copied().collect()
    }

    /// The longest time from a node's last heartbeat to the moment when others call it lost.
    #[must_use]
    pub fn detection_max(&self) -> Duration {
        let from = |one: &NodeId| {
            let beats = self.nodes.keys().map(|other| self.heartbeat(*one, *other));
            beats.map(Heartbeat::detection).max()
        };
        let longest = self.nodes.keys().filter_map(from).max();
        longest.unwrap_or_else(|| self.same_subnet.detection())
    }

    /// Reads what the hive holds; what is missing keeps the generation's default.
    #[must_use]
    pub fn read(hive: &Hive) -> Self {
        let generation = hive
            .text("", "Generation")
            .and_then(|word| word.parse().ok());
        let mut settings = Self::blank(generation.unwrap_or_default());
        settings.cluster_name = hive.text("", "ClusterName").unwrap_or_default().to_owned();
        settings.read_timing(hive);
        settings.resiliency.read(hive);
        settings.read_quorum(hive);
        settings.read_messages(hive);
        for key in hive.subkeys("Nodes") {
            if let Some(node) = key.parse().ok().and_then(NodeId::new) {
                settings.nodes.insert(node, NodeSettings::read(hive, node));
            }
        }
        for key in hive.subkeys("Networks") {
            if let Ok(network) = key.parse() {
                settings
                    .networks
                    .insert(NetworkId(network), read_network(hive, key));
            }
        }
        settings
    }

    fn read_timing(&mut self, hive: &Hive) {
        let beats = [
            ("SameSubnet", &mut self.same_subnet),
            ("CrossSubnet", &mut self.cross_subnet),
            ("CrossSite", &mut self.cross_site),
        ];
        for (prefix, beat) in beats {
            if let Some(delay) = hive.dword("", &format!("{prefix}Delay")) {
                beat.delay = Duration::from_millis(delay.into());
            }
            if let Some(threshold) = hive.dword("", &format!("{prefix}Threshold")) {
                beat.threshold = threshold;
            }
        }
        self.regroup.read(hive);
        if let Some(seconds) = hive.dword("", "DiskArbInterval") {
            self.disk_arbitration_interval = Duration::from_secs(seconds.into());
        }
        if let Some(millis) = hive.dword("", "DiskChallengeWait") {
            self.disk_challenge_wait = Duration::from_millis(millis.into());
        }
    }

    fn read_messages(&mut self, hive: &Hive) {
        let length = hive.dword("", "MessageBufferLength");
        if let Some(length) = length.and_then(|it| usize::try_from(it).ok()) {
            self.message_buffer_length = length.clamp(1, MULTICASTS_KEPT_MAX);
        }
        let mode = hive.dword("", "DatabaseReadWriteMode").unwrap_or_default();
        self.read_write_mode = ReadWriteMode::from_number(mode);
        let level = hive.dword("", "SecurityLevel");
        if let Some(level) = level.and_then(SecurityLevel::from_number) {
            self.security_level = level;
        }
        if let Some(Value::Binary(secret)) = hive.value("Security", "Secret") {
            self.secret = Secret(secret.as_slice().try_into().unwrap_or_default());
        }
    }

    fn read_quorum(&mut self, hive: &Hive) {
        if let Some(dynamic) = hive.dword("", "DynamicQuorum") {
            self.dynamic_quorum = dynamic != 0;
        }
        if let Some(weight) = hive.dword("", "WitnessDynamicWeight") {
            self.witness_dynamic_weight = weight;
        }
        self.fix_quorum = hive.dword("", "FixQuorum").is_some_and(|it| it != 0);
        self.lower_priority_node = hive
            .dword("", "LowerQuorumPriorityNodeID")
            .and_then(|number| u8::try_from(number).ok())
            .and_then(NodeId::new);
        if self.generation >= Generation::V2016 {
            let site = hive.text("", "PreferredSite").unwrap_or_default();
            site.clone_into(&mut self.preferred_site);
        }
        let value = |name| hive.dword("Quorum", name);
        self.witness = match (value("Disk"), value("Share"), value("Cloud")) {
            (Some(disk), ..) => {
                u16::try_from(disk).map_or(Witness::None, |d| Witness::Disk(DiskId(d)))
            }
            (None, Some(_), _) => Witness::Share,
            (None, None, Some(_)) => Witness::Cloud,
            (None, None, None) => Witness::None,
        };
        self.model = match (hive.text("Quorum", "Type"), self.witness) {
            (Some("No Majority"), _) => QuorumModel::DiskOnly,
            // The product has no word of its own for a majority of nodes and a cloud.
            (_, Witness::None | Witness::Cloud) => QuorumModel::NodeMajority,
            (_, Witness::Disk(_)) => QuorumModel::NodeAndDiskMajority,
            (_, Witness::Share) => QuorumModel::NodeAndFileShareMajority,
        };
    }

    /// Writes everything into the hive, as setup does when the cluster is made.
    pub fn write(&self, hive: &mut Hive) {
        let number = |value: bool| Value::Dword(u32::from(value));
        hive.set("", "ClusterName", Value::Text(self.cluster_name.clone()));
        hive.set(
            "",
            "Generation",
            Value::Text(self.generation.label().to_owned()),
        );
        hive.set("", "DynamicQuorum", number(self.dynamic_quorum));
        hive.set(
            "",
            "WitnessDynamicWeight",
            Value::Dword(self.witness_dynamic_weight),
        );
        let lower = self
            .lower_priority_node
            .map_or(0, |node| u32::from(node.number()));
        hive.set("", "LowerQuorumPriorityNodeID", Value::Dword(lower));
        if !self.preferred_site.is_empty() {
            hive.set(
                "",
                "PreferredSite",
                Value::Text(self.preferred_site.clone()),
            );
        }
        self.write_timing(hive);
        let defaults = self.generation.defaults();
        self.resiliency.write(hive, &defaults);
        let length = u32::try_from(self.message_buffer_length).unwrap_or(u32::MAX);
        hive.set("", "MessageBufferLength", Value::Dword(length));
        let level = self.security_level.number();
        hive.set("", "SecurityLevel", Value::Dword(level));
        let secret = self.secret.0.to_vec();
        hive.set("Security", "Secret", Value::Binary(secret));
        hive.create("Quorum");
        let kind = if self.model == QuorumModel::DiskOnly {
            "No Majority"
        } else {
            "Majority"
        };
        hive.set("Quorum", "Type", Value::Text(kind.to_owned()));
        if let Some((name, number)) = self.witness.value() {
            hive.set("Quorum", name, Value::Dword(number));
        }
        for (node, settings) in &self.nodes {
            settings.write(hive, *node);
        }
        for (network, settings) in &self.networks {
            write_network(hive, *network, settings);
        }
    }

    fn write_timing(&self, hive: &mut Hive) {
        let beats = [
            ("SameSubnet", self.same_subnet),
            ("CrossSubnet", self.cross_subnet),
            ("CrossSite", self.cross_site),
        ];
        for (prefix, beat) in beats {
            hive.set(
                "",
                &format!("{prefix}Delay"),
                Value::Dword(millis(beat.delay)),
            );
            hive.set(
                "",
                &format!("{prefix}Threshold"),
                Value::Dword(beat.threshold),
            );
        }
        self.regroup.write(hive, &self.generation.defaults());
        let seconds = u32::try_from(self.disk_arbitration_interval.as_secs()).unwrap_or(u32::MAX);
        hive.set("", "DiskArbInterval", Value::Dword(seconds));
        hive.set(
            "",
            "DiskChallengeWait",
            Value::Dword(millis(self.disk_challenge_wait)),
        );
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

fn read_network(hive: &Hive, number: &str) -> NetworkSettings {
    let key = format!("Networks\\{number}");
    NetworkSettings {
        name: hive.text(&key, "Name").unwrap_or_default().to_owned(),
        subnet: hive.text(&key, "Address").unwrap_or_default().to_owned(),
        role: NetworkRole::from_number(hive.dword(&key, "Role").unwrap_or(3)),
        metric: hive.dword(&key, "Metric").unwrap_or(0),
        auto_metric: hive.dword(&key, "AutoMetric") != Some(0),
    }
}

fn write_network(hive: &mut Hive, network: NetworkId, settings: &NetworkSettings) {
    let key = format!("Networks\\{network}");
    hive.set(&key, "Name", Value::Text(settings.name.clone()));
    hive.set(&key, "Address", Value::Text(settings.subnet.clone()));
    hive.set(&key, "Role", Value::Dword(settings.role.number()));
    hive.set(&key, "Metric", Value::Dword(settings.metric));
    let auto = u32::from(settings.auto_metric);
    hive.set(&key, "AutoMetric", Value::Dword(auto));
}
