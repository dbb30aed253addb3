//! Labs made by program: what `swarm` and `bench` run when nobody gives them a file.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Generation, QuorumModel};
use file::model::{
    About, Adapter, Array, Backend, BlockSize, Checkpoints, Cluster, ColdStart, Endpoint,
    EndpointHost, EndpointKind, Failback, FailoverPolicy, Group, Heartbeat, Invariant, Invariants,
    Lab, Lun, LunRef, Network, NetworkRole, Node, Owners, Portal, Priority, Quorum, Report,
    ReservationSupport, Resiliency, Resource, ResourceKind, ResourcePolicy, Subnet, Witness,
};
use file::position::Position;

/// What votes beside the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessShape {
    /// Nothing.
    None,
    /// A disk.
    Disk,
    /// A share.
    Share,
    /// A disk, and no node votes.
    DiskOnly,
}

/// The outline of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many nodes, 1 to 64.
    pub nodes: u8,
    /// How many networks, 1 to 8.
    pub networks: u8,
    /// What votes beside the nodes.
    pub witness: WitnessShape,
    /// How many groups with an address, a name, a disk and a file server.
    pub fenced_groups: u8,
    /// How many groups with an address, a name and a program.
    pub unfenced_groups: u8,
    /// How many groups with nothing but a cluster shared volume (2008 R2 and later).
    pub shared_volumes: u8,
    /// The product version.
    pub generation: Generation,
    /// How soon a cluster service starts again.
    pub service_restart: Option<Duration>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            nodes: 3,
            networks: 1,
            witness: WitnessShape::Disk,
            fenced_groups: 1,
            unfenced_groups: 0,
            shared_volumes: 0,
            generation: Generation::default(),
            service_restart: None,
        }
    }
}

impl Shape {
    /// The lab of this outline.
    #[must_use]
    pub fn lab(&self) -> Lab {
        let groups = self.fenced_groups + self.unfenced_groups;
        let groups = (1..=groups).map(|it| self.group(it));
        let volumes = (1..=self.shared_volumes).map(volume_group);
        Lab {
            version: 1,
            name: "generated".to_owned(),
            about: About::default(),
            backend: Backend::default(),
            sites: Vec::new(),
            networks: (0..self.networks).map(network).collect(),
            routers: Vec::new(),
            nodes: (1..=self.nodes).map(|it| self.node(it)).collect(),
            storage: vec![self.array()],
            directory: None,
            endpoints: self.endpoint().into_iter().collect(),
            cluster: self.cluster(groups.chain(volumes).collect()),
            invariants: Invariants {
                rules: Invariant::STANDARD.to_vec(),
            },
            workloads: Vec::new(),
            scenario: Vec::new(),
            report: Report::default(),
        }
    }

    fn node(&self, number: u8) -> Node {
        let adapter = |on: u8| Adapter {
            network: network_name(on),
            address: Ipv4Addr::new(10, on, 0, number),
        };
        Node {
            name: node_name(number),
            position: Position::default(),
            site: None,
            rack: None,
            adapters: (0..self.networks).map(adapter).collect(),
            memory_bytes: None,
            services: Vec::new(),
            votes: 1,
            labels: Vec::new(),
        }
    }

    fn array(&self) -> Array {
        let witness = matches!(self.witness, WitnessShape::Disk | WitnessShape::DiskOnly);
        let disks = (1..=self.fenced_groups).map(disk_name);
        let luns = witness
            .then(|| "quorum".to_owned())
            .into_iter()
            .chain(disks)
            .chain((1..=self.shared_volumes).map(volume_name));
        let lun = |name| Lun {
            name,
            position: Position::default(),
            size_bytes: 1 << 30,
            block: BlockSize::B512e,
        };
        Array {
            name: "san".to_owned(),
            position: Position::default(),
            portals: Vec::<Portal>::new(),
            reservations: ReservationSupport::Scsi3,
            luns: luns.map(lun).collect(),
        }
    }

    fn endpoint(&self) -> Option<Endpoint> {
        (self.witness == WitnessShape::Share).then(|| Endpoint {
            name: "share".to_owned(),
            position: Position::default(),
            kind: EndpointKind::SmbShare {
                path: "witness".to_owned(),
            },
            host: EndpointHost::Address {
                network: network_name(0),
                address: Ipv4Addr::new(10, 0, 0, 250),
            },
        })
    }

    fn cluster(&self, groups: Vec<Group>) -> Cluster {
        let model = match self.witness {
            WitnessShape::None => QuorumModel::NodeMajority,
            WitnessShape::Disk => QuorumModel::NodeAndDiskMajority,
            WitnessShape::Share => QuorumModel::NodeAndFileShareMajority,
            WitnessShape::DiskOnly => QuorumModel::DiskOnly,
        };
        let witness = match self.witness {
            WitnessShape::None => Witness::None,
            WitnessShape::Disk | WitnessShape::DiskOnly => Witness::Disk(lun("quorum")),
            WitnessShape::Share => Witness::Share("share".to_owned()),
        };
        Cluster {
            name: "CLU1".to_owned(),
            position: Position::default(),
            addresses: vec![Ipv4Addr::new(10, 0, 0, 100)],
            generation: self.generation,
            members: (1..=self.nodes).map(node_name).collect(),
            witness,
            quorum: Quorum {
                model,
                dynamic: None,
                dynamic_witness: None,
                lower_priority_node: None,
            },
            heartbeat: Heartbeat::default(),
            regroup: Default::default(),
            disk_arbitration: Default::default(),
            resiliency: Resiliency::default(),
            service_restart: self.service_restart,
            enforced_anti_affinity: false,
            groups,
        }
    }

    fn group(&self, number: u8) -> Group {
        let fenced = number <= self.fenced_groups;
        let address = ResourceKind::IpAddress {
            address: Ipv4Addr::new(10, 0, 0, 100 + number),
            network: network_name(0),
        };
        let name = ResourceKind::NetworkName {
            name: format!("FS{number}"),
        };
        let mut resources = vec![
            resource("ip", address, &[]),
            resource("name", name, &["ip"]),
        ];
        if fenced {
            let lun = lun(&disk_name(number));
            resources.push(resource("disk", ResourceKind::PhysicalDisk { lun }, &[]));
            let server = ResourceKind::FileServer;
            resources.push(resource("srv", server, &["name", "disk"]));
        } else {
            let program = ResourceKind::GenericApplication {
                command: "service.exe".to_owned(),
                directory: None,
            };
            resources.push(resource("app", program, &["name"]));
        }
        group(format!("g{number}"), resources)
    }
}

fn volume_group(number: u8) -> Group {
    let lun = lun(&volume_name(number));
    let volume = resource("csv", ResourceKind::ClusterSharedVolume { lun }, &[]);
    group(format!("v{number}"), vec![volume])
}

fn group(name: String, resources: Vec<Resource>) -> Group {
    Group {
        name,
        position: Position::default(),
        start: true,
        priority: Priority::Medium,
        owners: Owners::default(),
        anti_affinity: Vec::new(),
        after: Vec::new(),
        cold_start: ColdStart::default(),
        locked: false,
        failover: FailoverPolicy::default(),
        failback: Failback::Never,
        resources,
    }
}

fn resource(name: &str, kind: ResourceKind, depends: &[&str]) -> Resource {
    Resource {
        name: name.to_owned(),
        position: Position::default(),
        kind,
        depends: depends.iter().map(|it| vec![(*it).to_owned()]).collect(),
        properties: Vec::new(),
        memory_bytes: None,
        policy: ResourcePolicy::default(),
        checkpoints: Checkpoints::default(),
    }
}

fn network(number: u8) -> Network {
    Network {
        name: network_name(number),
        position: Position::default(),
        subnet: Subnet {
            base: Ipv4Addr::new(10, number, 0, 0),
            prefix_bits: 24,
        },
        role: if number == 0 {
            NetworkRole::ClusterAndClient
        } else {
            NetworkRole::Cluster
        },
        metric: None,
        mtu: None,
        site: None,
    }
}

fn network_name(number: u8) -> String {
    format!("net{number}")
}

fn node_name(number: u8) -> String {
    format!("n{number}")
}

fn disk_name(number: u8) -> String {
    format!("data{number}")
}

fn volume_name(number: u8) -> String {
    format!("volume{number}")
}

fn lun(name: &str) -> LunRef {
    LunRef {
        array: "san".to_owned(),
        lun: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use plan::Plan;

    use super::*;

    #[test]
    fn every_outline_can_be_planned() {
        for witness in [
            WitnessShape::None,
            WitnessShape::Disk,
            WitnessShape::Share,
            WitnessShape::DiskOnly,
        ] {
            for nodes in [1, 2, 5, 64] {
                let shape = Shape {
                    nodes,
                    networks: 2,
                    witness,
                    fenced_groups: 2,
                    unfenced_groups: 1,
                    shared_volumes: 1,
                    ..Shape::default()
                };
                let plan = Plan::new(&shape.lab()).unwrap();
                assert_eq!(plan.members.len(), usize::from(nodes));
                assert_eq!(plan.model.groups.len(), 5);
                let has_witness = witness != WitnessShape::None;
                assert_eq!(plan.witness_resource.is_some(), has_witness);
            }
        }
    }
}
