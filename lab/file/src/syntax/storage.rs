//! Arrays, logical units and endpoints as the file has them.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::decode::{Decode, Decoder, to_schema};
use super::macros::{record, words};
use super::plain::{Name, Text};
use super::quantity::ByteSize;
use super::words::LunFormat;
use super::{At, Named};
use crate::model::{BlockSize, ReservationSupport};
use crate::yaml::{Node, Value};

/// How an array is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayKind {
    Iscsi,
}

words! {
    /// How an array is reached.
    ArrayKind {
        "iscsi" => Self::Iscsi, "iSCSI.";
    }
    later { "shared-disk", "nvme-tcp", "local" }
}

record! {
    /// A storage array that all nodes reach.
    ArraySpec {
        /// How it is reached.
        required kind: At<ArrayKind>,
        /// Addresses under which it is reached, one path each; left out: one path that crosses no
        /// network of the lab.
        optional portals: Vec<PortalSpec>,
        /// Which reservations it offers; default scsi3.
        optional reservations: At<ReservationSupport>,
        /// Its logical units: a size, or more about them.
        required luns: Named<LunSpec>,
    }
    later { "cache" }
}

record! {
    /// One way into an array.
    PortalSpec {
        /// The network that it is on.
        required network: At<Name>,
        /// Its address.
        required address: At<Ipv4Addr>,
    }
    later {}
}

record! {
    /// A logical unit.
    LunMap {
        /// Its size.
        required size: At<ByteSize>,
        /// Its sector sizes; default 512e.
        optional block: BlockWord,
        /// What it is formatted with.
        optional format: At<LunFormat>,
    }
    later { "replica-of", "mode", "lag" }
}

/// A block size, which YAML may take for a number.
#[derive(Debug, Clone)]
pub(crate) struct BlockWord(pub(crate) At<BlockSize>);

impl Decode for BlockWord {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        At::decode(node, decoder).map(Self)
    }
}

impl JsonSchema for BlockWord {
    fn schema_name() -> Cow<'static, str> {
        "BlockWord".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<At<BlockSize>>();
        to_schema(json!({ "anyOf": [word, { "const": 512 }] }))
    }
}

/// A logical unit: its size, or more about it.
#[derive(Debug, Clone)]
pub(crate) struct LunSpec {
    pub(crate) size: Option<At<ByteSize>>,
    pub(crate) block: Option<At<BlockSize>>,
}

impl Decode for LunSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        if let Value::Scalar { .. } = node.value {
            return Some(Self {
                size: At::decode(node, decoder),
                block: None,
            });
        }
        let map = LunMap::decode(node, decoder)?;
        Some(Self {
            size: map.size,
            block: map.block.map(|word| word.0),
        })
    }
}

impl JsonSchema for LunSpec {
    fn schema_name() -> Cow<'static, str> {
        "Lun".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let size = generator.subschema_for::<At<ByteSize>>();
        let map = generator.subschema_for::<LunMap>();
        to_schema(json!({ "anyOf": [size, map] }))
    }
}

/// What an endpoint offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointWord {
    SmbShare,
    CloudBlob,
}

words! {
    /// What an endpoint offers.
    EndpointWord {
        "smb-share" => Self::SmbShare, "A file share.";
        "cloud-blob" => Self::CloudBlob, "A blob in a storage account of a cloud.";
    }
    later {}
}

record! {
    /// Something outside the cluster that a witness lives on: on a node of the lab that is no
    /// member, or at an address of a network.
    EndpointSpec {
        /// What it offers.
        required kind: At<EndpointWord>,
        /// The machine that it lives on; it shares that machine's fate.
        optional node: At<Name>,
        /// The network that it is reached on, for a machine that the lab does not model.
        optional network: At<Name>,
        /// Its address on that network.
        optional address: At<Ipv4Addr>,
        /// For `smb-share`: name of the share. Windows: SharePath.
        optional path: At<Text>,
    }
    later { "via", "latency" }
}
