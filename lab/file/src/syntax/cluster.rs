//! The cluster and its groups as the file has them.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::Generation;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::decode::{Decode, Decoder, to_schema};
use super::macros::{record, words};
use super::number::{Hour, Natural};
use super::plain::{LunName, Name, Text};
use super::words::{AccessPoint, ModelWord};
use super::{At, Named, OneOrMany, ResourceSpec};
use crate::model::{ColdStart, Priority};
use crate::yaml::{Node, Value};

record! {
    /// The cluster.
    ClusterSpec {
        /// Network name of the cluster, at most 15 characters. Windows: ClusterName.
        required name: At<Text>,
        /// The member nodes in order of joining; left out: all nodes in file order.
        optional members: OneOrMany<At<Name>>,
        /// Where the cluster name is published.
        optional access_point: At<AccessPoint>,
        /// Address of the cluster name.
        optional address: At<Ipv4Addr>,
        /// Addresses of the cluster name when any of several will do.
        optional addresses: AddressSet,
        /// The product version whose documented defaults hold; default 2022.
        optional generation: At<Generation>,
        /// What casts the extra vote; default none.
        optional witness: WitnessSpec,
        /// How quorum is counted.
        optional quorum: QuorumSpec,
        /// When a silent node counts as lost.
        optional heartbeat: HeartbeatSpec,
        /// How long a regroup takes, and with it the wait before what another node may still run.
        optional regroup: RegroupSpec,
        /// When the reservations of disks are looked at and challenged.
        optional disk_arbitration: DiskArbitrationSpec,
        /// How patient it is with nodes that it loses (2016 and later).
        optional resiliency: ResiliencySpec,
        /// How long after an unplanned halt the cluster service starts again; default 60s.
        optional service_restart: At<Duration>,
        /// A group stays offline rather than share a node with one that it avoids (2012 and later);
        /// default false. Windows: ClusterEnforcedAntiAffinity.
        optional enforced_anti_affinity: At<bool>,
        /// What moves together.
        optional groups: Named<GroupSpec>,
    }
    later { "security", "networks" }
}

record! {
    /// Addresses of which any will do.
    AddressSet {
        /// The addresses, one subnet each.
        required any_of: Vec<At<Ipv4Addr>>,
    }
    later {}
}

record! {
    /// A witness: one of disk, share and cloud.
    WitnessMap {
        /// A logical unit as `array/lun`, at least 512 MiB.
        optional disk: At<LunName>,
        /// A file share: the name of an endpoint.
        optional share: At<Name>,
        /// A blob in a cloud, 2016 and later: the name of an endpoint.
        optional cloud: At<Name>,
    }
    later {}
}

/// What casts the extra vote.
#[derive(Debug, Clone)]
pub(crate) enum WitnessSpec {
    None,
    Map(WitnessMap),
}

/// The word for no witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoWitness;

words! {
    /// No witness.
    NoWitness {
        "none" => Self, "No witness.";
    }
    later {}
}

impl Decode for WitnessSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match node.value {
            Value::Scalar { .. } if !node.is_null() => {
                At::<NoWitness>::decode(node, decoder).map(|_| Self::None)
            }
            _ => WitnessMap::decode(node, decoder).map(Self::Map),
        }
    }
}

impl JsonSchema for WitnessSpec {
    fn schema_name() -> Cow<'static, str> {
        "Witness".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let none = generator.subschema_for::<At<NoWitness>>();
        let map = generator.subschema_for::<WitnessMap>();
        to_schema(json!({ "anyOf": [none, map] }))
    }
}

record! {
    /// How quorum is counted.
    QuorumSpec {
        /// The model; left out: derived from the witness.
        optional model: At<ModelWord>,
        /// Votes follow the membership; default true from 2012. Windows: DynamicQuorum.
        optional dynamic: At<bool>,
        /// The witness vote follows the node votes; default true from 2012 R2. Windows:
        /// WitnessDynamicWeight.
        optional dynamic_witness: At<bool>,
        /// The node that loses its vote in an even split. Windows: LowerQuorumPriorityNodeID.
        optional lower_priority_node: At<Name>,
    }
    later {}
}

record! {
    /// When a silent node counts as lost, by where two nodes stand.
    HeartbeatSpec {
        /// Within one subnet; default 1s and 10 missed from 2016, 5 before. Windows:
        /// SameSubnetDelay, SameSubnetThreshold.
        optional same_subnet: HeartbeatPathSpec,
        /// Across subnets; default 1s and 20 missed from 2016, 5 before. Windows:
        /// CrossSubnetDelay, CrossSubnetThreshold.
        optional cross_subnet: HeartbeatPathSpec,
        /// Across sites, 2016 and later; default 1s and 20 missed. Windows: CrossSiteDelay,
        /// CrossSiteThreshold.
        optional cross_site: HeartbeatPathSpec,
    }
    later {}
}

/// Whether a node that is lost keeps its virtual machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResiliencyWord {
    SpecialHeartbeat,
    Always,
}

words! {
    /// Whether a node that is lost keeps its virtual machines. Windows: ResiliencyLevel.
    ResiliencyWord {
        "special-heartbeat" => Self::SpecialHeartbeat,
            "ResiliencyLevel 1: if it said beforehand that its network is in trouble, which no \
             node of this emulator does.";
        "always" => Self::Always, "ResiliencyLevel 2, the default here.";
    }
    later {}
}

record! {
    /// How patient the cluster is with nodes that it loses (2016 and later).
    ResiliencySpec {
        /// special-heartbeat or always.
        optional level: At<ResiliencyWord>,
        /// How long a lost node keeps its virtual machines, 1s to 24h; default 4m. Windows:
        /// ResiliencyDefaultPeriod.
        optional period: At<Duration>,
        /// When a node is kept out.
        optional quarantine: QuarantineSpec,
    }
    later {}
}

record! {
    /// When a node that leaves too often is kept out.
    QuarantineSpec {
        /// So many unplanned departures within an hour; 0 turns quarantine off; default 3.
        /// Windows: QuarantineThreshold.
        optional after: At<Natural>,
        /// How long, at most 30d; default 2h. Windows: QuarantineDuration.
        optional r#for as "for": At<Duration>,
    }
    later { "within" }
}

record! {
    /// How long a regroup takes.
    RegroupSpec {
        /// What was said is said again, 50ms to 1s; default 300ms. Windows:
        /// ClusSvcRegroupTickInMilliseconds.
        optional tick: At<Duration>,
        /// Nodes wait to have heard each other, 1s to 20s; default 5s. Windows:
        /// ClusSvcRegroupOpeningTimeout.
        optional opening: At<Duration>,
        /// They wait for each next step, 2s to 30s; default 5s. Windows:
        /// ClusSvcRegroupStageTimeout.
        optional stage: At<Duration>,
        /// A service that has decided to end is gone after this, 100ms to 10s; default 1s. Not
        /// documented for the product: whoever shortens it answers for machines that fast.
        optional halt: At<Duration>,
    }
    later {}
}

record! {
    /// When the reservation of a disk is looked at and challenged.
    DiskArbitrationSpec {
        /// The owner looks at its reservation, 1s to 60s; default 3s. Windows: DiskArbInterval.
        optional every: At<Duration>,
        /// A challenger leaves the owner so long to defend itself, at least twice `every`, which is
        /// the default.
        optional challenge: At<Duration>,
    }
    later {}
}

record! {
    /// Interval and tolerance of heartbeats.
    HeartbeatPathSpec {
        /// Time between two heartbeats, 50ms to 60s; the product takes 250ms to 4s.
        optional every: At<Duration>,
        /// So many missed in a row end the route, 2 to 1000; the product takes 3 to 120.
        optional missed: At<Natural>,
    }
    later {}
}

record! {
    /// A group: what moves together.
    GroupSpec {
        /// Comes online with the cluster; default true. Windows: PersistentState.
        optional start: At<bool>,
        /// Order of starting and placing; default medium. Windows: Priority.
        optional priority: At<Priority>,
        /// Who may and who should own it.
        optional owners: OwnersSpec,
        /// Groups that share a word here avoid each other's nodes. Windows:
        /// AntiAffinityClassNames.
        optional anti_affinity: OneOrMany<At<Text>>,
        /// Groups that have to be online first (2016 and later).
        optional after: Vec<AfterSpec>,
        /// Whether it starts when the cluster forms (2016 and later); default always. Windows:
        /// ColdStartSetting.
        optional cold_start: At<ColdStart>,
        /// An administrator cannot move it; default false. Windows: LockedFromMoving.
        optional locked: At<bool>,
        /// How often it may fail over.
        optional failover: FailoverSpec,
        /// Whether it goes back to its preferred owner; default never. Windows: AutoFailbackType.
        optional failback: FailbackSpec,
        /// What it is made of.
        required resources: Named<ResourceSpec>,
    }
    later { "kind" }
}

record! {
    /// A group that has to be online first.
    AfterSpec {
        /// The group.
        required group: At<Name>,
        /// Pause between its being online and the start; default none.
        optional delay: At<Duration>,
    }
    later {}
}

words! {
    /// Whether a group starts when the cluster forms. Windows: ColdStartSetting.
    ColdStart {
        "always" => Self::Always, "ColdStartSetting 0, the default.";
        "do-not-start" => Self::DoNotStart,
            "ColdStartSetting 1: stays offline until an administrator brings it online.";
        "allowed" => Self::Allowed, "ColdStartSetting 2: as always until the next cold start.";
    }
    later {}
}

record! {
    /// Who may and who should own a group.
    OwnersSpec {
        /// Preferred owners, best first. Windows: PreferredOwners.
        optional preferred: OneOrMany<At<Name>>,
        /// Possible owners; left out: every member. Windows: PossibleOwners of its resources.
        optional possible: OneOrMany<At<Name>>,
    }
    later {}
}

record! {
    /// How often a group may fail over.
    FailoverSpec {
        /// So often within the window; default nodes minus one. Windows: FailoverThreshold.
        optional limit: At<Natural>,
        /// The window; default 6h. Windows: FailoverPeriod.
        optional within: At<Duration>,
    }
    later {}
}

/// Whether a group goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailbackWord {
    Never,
    Immediate,
    Window,
}

words! {
    /// Whether a group goes back to its preferred owner. Windows: AutoFailbackType.
    FailbackWord {
        "never" => Self::Never, "AutoFailbackType 0, the default: it stays where it is.";
        "immediate" => Self::Immediate,
            "AutoFailbackType 1 without a window: as soon as the preferred owner is up.";
        "window" => Self::Window,
            "AutoFailbackType 1, between FailbackWindowStart and FailbackWindowEnd.";
    }
    later {}
}

record! {
    /// Whether a group goes back to its preferred owner, and when.
    FailbackSpec {
        /// never, immediate or window.
        required mode: At<FailbackWord>,
        /// First hour of the window, 0 to 23. Windows: FailbackWindowStart.
        optional from: At<Hour>,
        /// Last hour of the window, 0 to 23; may be lower than `from`. Windows:
        /// FailbackWindowEnd.
        optional to: At<Hour>,
    }
    later {}
}
