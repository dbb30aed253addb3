//! Expectations as the file has them.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::decode::{Decode, Decoder, to_schema};
use super::macros::{record, words};
use super::number::Natural;
use super::plain::{LunName, Name, ResourceName, Text};
use super::scenario::NicWord;
use super::{At, OneOrMany, SelectorSpec};
use crate::model::ClusterState;
use crate::yaml::{Node, Value};

record! {
    /// Something that must be true. Without `within` it must be true now.
    ExpectationSpec {
        /// The cluster: quorate or not-quorate.
        optional cluster: At<ClusterState>,
        /// For `cluster`: only these nodes are asked.
        optional r#where as "where": SelectorSpec,
        /// Groups: their state, owner, site, number of owners.
        optional group: SelectorSpec,
        /// The state of the group, resource or node.
        optional is: At<StateWord>,
        /// With `group`: its owner, or changed, or unchanged (since the latest fault began). With
        /// `event` or `log`: where. Alone: the nodes that must be in the state.
        optional node: SelectorSpec,
        /// With `group`: the site of its owner.
        optional site: At<Name>,
        /// With `group`: how many nodes own it.
        optional owners: BoundsSpec,
        /// A resource as `group/resource`.
        optional resource: At<ResourceName>,
        /// A cluster shared volume by its disk as `group/resource`: how nodes reach it. With
        /// `node`: which nodes; left out: all live members.
        optional volume: At<ResourceName>,
        /// Networks: their state, as the cluster has it.
        optional network: SelectorSpec,
        /// Adapters as `node/network`: their state, as the cluster has it.
        optional nic: At<NicWord>,
        /// With `resource`: words in its status text.
        optional status_contains: At<Text>,
        /// The state of the witness: online, offline, failed.
        optional witness: At<StateWord>,
        /// The votes that the cluster counts.
        optional votes: VotesSpec,
        /// A logical unit as `array/lun`; with `holder`.
        optional lun: At<LunName>,
        /// With `lun`: the node that holds its reservation, or none.
        optional holder: HolderSpec,
        /// A name; with `resolves`.
        optional dns: At<Text>,
        /// With `dns`: every address that it resolves to, or none.
        optional resolves: ResolvesSpec,
        /// A background client; with `pause`.
        optional workload: At<Name>,
        /// With `workload`: the longest time without an answer since its target answered first.
        optional pause: PauseSpec,
        /// A number of the product's event log, seen since the latest fault began.
        optional event: At<Natural>,
        /// A text in the cluster log, seen since the latest fault began.
        optional log: At<Text>,
        /// Must first be true before so much time has passed.
        optional within: At<Duration>,
        /// Is true from here to the end of the scenario; does not block.
        optional always: At<bool>,
        /// Must be true so long without a break.
        optional r#for as "for": At<Duration>,
    }
    later { "workload", "pause", "exec", "exit" }
}

record! {
    /// How long something may last.
    PauseSpec {
        /// No longer than this.
        required at_most: At<Duration>,
    }
    later {}
}

words! {
    /// Whether the cluster has quorum.
    ClusterState {
        "quorate" => Self::Quorate, "It has quorum.";
        "not-quorate" => Self::NotQuorate, "It has no quorum.";
    }
    later { "mixed-version" }
}

/// A state of a group, resource, node, witness, volume, network or adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateWord {
    Online,
    Offline,
    Failed,
    PartialOnline,
    Pending,
    OnlinePending,
    OfflinePending,
    Up,
    Down,
    Paused,
    Joining,
    Isolated,
    Quarantined,
    Direct,
    FileSystemRedirected,
    BlockRedirected,
    InMaintenance,
    Inaccessible,
    DiskFailed,
    Unavailable,
    Partitioned,
    Unreachable,
}

words! {
    /// A state of a group, resource, node, witness, volume, network or adapter.
    StateWord {
        "online" => Self::Online, "Group, resource, witness: running.";
        "offline" => Self::Offline, "Group, resource, witness: not running.";
        "failed" => Self::Failed, "Group, resource, witness, adapter: failed.";
        "partial-online" => Self::PartialOnline, "Group: some resources online, none pending.";
        "pending" => Self::Pending, "Group: a resource is pending, none failed.";
        "online-pending" => Self::OnlinePending, "Resource: coming online.";
        "offline-pending" => Self::OfflinePending, "Resource: going offline.";
        "up" => Self::Up, "Node: active member. Network, adapter: works.";
        "down" => Self::Down,
            "Node: no member at the moment. Network: nobody can communicate over it.";
        "paused" => Self::Paused,
            "Node: active, takes no groups. Volume: reads and writes wait for a coordinator.";
        "joining" => Self::Joining, "Node: on its way in.";
        "isolated" => Self::Isolated,
            "Node: lost, and its virtual machines are left to it (2016 and later).";
        "quarantined" => Self::Quarantined,
            "Node: left too often and may not join (2016 and later).";
        "direct" => Self::Direct, "Volume: the node reads and writes the disk by itself.";
        "file-system-redirected" => Self::FileSystemRedirected,
            "Volume: everything goes through the coordinator, as an administrator wants it.";
        "block-redirected" => Self::BlockRedirected,
            "Volume: the node has no way to the disk and goes through the coordinator.";
        "in-maintenance" => Self::InMaintenance, "Volume: the coordinator alone uses it.";
        "inaccessible" => Self::Inaccessible, "Volume: paused for too long.";
        "disk-failed" => Self::DiskFailed, "Volume: its disk failed on this node.";
        "unavailable" => Self::Unavailable, "Network, adapter: no member is attached.";
        "partitioned" => Self::Partitioned,
            "Network: some of its nodes cannot communicate with each other.";
        "unreachable" => Self::Unreachable, "Adapter: has a link and reaches nobody.";
    }
    later {}
}

record! {
    /// The votes that the cluster counts.
    VotesSpec {
        /// All votes there are.
        optional total: At<Natural>,
        /// The votes present.
        optional have: At<Natural>,
        /// The votes that quorum needs.
        optional need: At<Natural>,
    }
    later {}
}

record! {
    /// A number between two bounds.
    BoundsMap {
        /// Lowest.
        optional at_least: At<Natural>,
        /// Highest.
        optional at_most: At<Natural>,
    }
    later {}
}

/// A number, or bounds of one.
#[derive(Debug, Clone)]
pub(crate) enum BoundsSpec {
    Exactly(At<Natural>),
    Between(BoundsMap),
}

impl Decode for BoundsSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match node.value {
            Value::Scalar { .. } if !node.is_null() => At::decode(node, decoder).map(Self::Exactly),
            _ => BoundsMap::decode(node, decoder).map(Self::Between),
        }
    }
}

impl JsonSchema for BoundsSpec {
    fn schema_name() -> Cow<'static, str> {
        "Bounds".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let exactly = generator.subschema_for::<At<Natural>>();
        let between = generator.subschema_for::<BoundsMap>();
        to_schema(json!({ "anyOf": [exactly, between] }))
    }
}

/// The holder of a reservation: nodes, or none.
#[derive(Debug, Clone)]
pub(crate) enum HolderSpec {
    None,
    Node(SelectorSpec),
}

impl Decode for HolderSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        if is_word(node, "none") {
            return Some(Self::None);
        }
        SelectorSpec::decode(node, decoder).map(Self::Node)
    }
}

impl JsonSchema for HolderSpec {
    fn schema_name() -> Cow<'static, str> {
        "Holder".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<SelectorSpec>()
    }
}

/// What a name resolves to: addresses, or none.
#[derive(Debug, Clone)]
pub(crate) enum ResolvesSpec {
    None,
    To(OneOrMany<At<IpAddr>>),
}

impl Decode for ResolvesSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        if is_word(node, "none") {
            return Some(Self::None);
        }
        OneOrMany::decode(node, decoder).map(Self::To)
    }
}

impl JsonSchema for ResolvesSpec {
    fn schema_name() -> Cow<'static, str> {
        "Resolves".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let addresses = generator.subschema_for::<OneOrMany<At<IpAddr>>>();
        to_schema(json!({ "anyOf": [addresses, { "const": "none" }] }))
    }
}

fn is_word(node: &Node, word: &str) -> bool {
    matches!(&node.value, Value::Scalar { text, .. } if text == word)
}
