//! A node as configured.

use std::collections::BTreeMap;

use base::{NetworkId, NodeId};

use crate::database::{Hive, Value};

/// A node as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// NodeName.
    pub name: String,
    /// NodeWeight: 0 or 1.
    pub weight: u32,
    /// DynamicWeight: 0 or 1.
    pub dynamic_weight: u32,
    /// Fault domain, empty where the lab has no sites.
    pub site: String,
    /// Cluster networks that the node is attached to, with its address there.
    pub interfaces: BTreeMap<NetworkId, String>,
}

impl NodeSettings {
    /// The key of a node.
    #[must_use]
    pub fn key(node: NodeId) -> String {
        format!("Nodes\\{node}")
    }

    /// Reads a node; what is missing has its default.
    #[must_use]
    pub fn read(hive: &Hive, node: NodeId) -> Self {
        let key = Self::key(node);
        let text = |name: &str| hive.text(&key, name).unwrap_or_default().to_owned();
        let address = |(network, address): (&str, &Value)| match address {
            Value::Text(address) => Some((NetworkId(network.parse().ok()?), address.clone())),
            _ => None,
        };
        let interfaces = format!("{key}\\Interfaces");
        Self {
            name: text("NodeName"),
            weight: hive.dword(&key, "NodeWeight").unwrap_or(1),
            dynamic_weight: hive.dword(&key, "DynamicWeight").unwrap_or(1),
            site: text("FaultDomain"),
            interfaces: hive.values(&interfaces).filter_map(address).collect(),
        }
    }

    /// Writes everything under the node's key.
    pub fn write(&self, hive: &mut Hive, node: NodeId) {
        let key = Self::key(node);
        hive.set(&key, "NodeName", Value::Text(self.name.clone()));
        hive.set(&key, "NodeWeight", Value::Dword(self.weight));
        hive.set(&key, "DynamicWeight", Value::Dword(self.dynamic_weight));
        hive.set(&key, "FaultDomain", Value::Text(self.site.clone()));
        let interfaces = format!("{key}\\Interfaces");
        hive.create(&interfaces);
        for (network, address) in &self.interfaces {
            let address = Value::Text(address.clone());
            hive.set(&interfaces, &network.to_string(), address);
        }
    }
}

wire::codec!(struct NodeSettings { name, weight, dynamic_weight, site, interfaces });
