//! Properties of objects: read, judged, set; and the list of all objects.
//!
//! Clauses: seed 001 (Object Manager; Topology Manager: network and interface requests; Security
//! Manager: the level can be changed). Facts: reference sections 1.3, 3, 4.2, 6.1 and 7.

use base::{
    Generation, InterfaceState, NetworkId, NetworkState, NodeId, NodeStanding, ResourceId,
    ResourceState,
};
use middle::database::{Change, Hive, HiveChange, Value};
use middle::settings::NetworkRole;
use middle::topology;

use super::Rcm;
use super::commands::Refusal;
use super::dependencies::EXPRESSION;
use super::isolated;
use super::model::{Model, ResourceSettings};
use super::owner::members;
use super::turn::Turn;
use crate::api::property::Property;
use crate::api::{Entry, Object, code, private};
use crate::restype::{ResourceKind, ResourceParameters};

impl Rcm {
    /// The value of a property, or why there is none.
    pub(super) fn property(
        &self,
        turn: &Turn<'_, '_>,
        object: &Object,
        name: &str,
    ) -> Result<Value, Refusal> {
        let generation = turn.middle().settings.generation;
        let (property, key) = self.known_property(turn, object, name)?;
        if let Some(value) = self.derived(turn, object, property.name) {
            return Ok(value);
        }
        match (property.name, object) {
            ("StatusInformation", Object::Group { group }) if self.is_unmonitored(turn, *group) => {
                return Ok(Value::Dword(isolated::UNMONITORED));
            }
            ("StatusInformation", Object::Node { node }) if *node != turn.me() => {
                let standing = turn.middle().objects.standing(*node);
                return Ok(Value::Dword(standing.status_bits()));
            }
            ("StatusInformation", Object::Group { group }) => {
                return Ok(Value::Dword(self.group_status(turn, *group)));
            }
            (EXPRESSION, Object::Resource { resource }) => {
                return Ok(self.expression_by_names(*resource));
            }
            ("StatusInformation", Object::Resource { resource }) => {
                return Ok(Value::Dword(self.resource_status(turn, *resource)));
            }
            ("StatusInformation", _) => return Ok(Value::Dword(self.drain.status_bits())),
            ("NodeDrainStatus", _) => return Ok(Value::Dword(self.drain.number())),
            ("DiskSignature" | "Signature", Object::Resource { resource }) => {
                return self.signature(turn, *resource, property.name);
            }
            ("State", Object::Network { network }) => {
                let state = network_state(turn, *network);
                return Ok(Value::Text(state.label().to_owned()));
            }
            (name, Object::Interface { node, network }) => {
                return Ok(Value::Text(of_interface(turn, *node, *network, name)));
            }
            _ => {}
        }
        Ok(property.value(&turn.middle().hive, &key, generation))
    }

    /// The signature that the partition manager has read.
    fn signature(
        &self,
        turn: &Turn<'_, '_>,
        resource: ResourceId,
        name: &str,
    ) -> Result<Value, Refusal> {
        let settings = self.model.resources.get(&resource);
        let looks = &turn.cx.bottom.looks;
        let look = settings.and_then(|settings| match settings.parameters {
            ResourceParameters::PhysicalDisk { disk, .. } => looks.get(&disk),
            _ => None,
        });
        let table = look.and_then(|look| look.table.as_ref());
        let reason = || format!("no {name} is known of resource {resource}");
        let unknown = || Refusal(code::NOT_FOUND, reason());
        let table = table.ok_or_else(unknown)?;
        Ok(Value::Dword(table.signature))
    }

    /// The property of this name, and the key that it stands under.
    fn known_property(
        &self,
        turn: &Turn<'_, '_>,
        object: &Object,
        name: &str,
    ) -> Result<(&'static Property, String), Refusal> {
        self.object_exists(turn, object)?;
        let generation = turn.middle().settings.generation;
        let common = object.property(name, generation);
        let common = common.map(|property| (property, object.key()));
        let own = || {
            let mut private = self.private_properties(object, generation);
            let found = private.find(|it| it.name.eq_ignore_ascii_case(name))?;
            Some((found, private_key(object)))
        };
        common.or_else(own).ok_or_else(|| {
            let reason = format!("there is no property `{name}` in generation {generation}");
            Refusal(code::NOT_FOUND, reason)
        })
    }

    fn private_properties(
        &self,
        object: &Object,
        generation: Generation,
    ) -> impl Iterator<Item = &'static Property> {
        let kind = match object {
            Object::Resource { resource } => self.model.resources.get(resource),
            _ => None,
        };
        let kind = kind.map(ResourceSettings::kind);
        kind.into_iter()
            .flat_map(move |kind| private::properties(kind, generation))
    }

    fn object_exists(&self, turn: &Turn<'_, '_>, object: &Object) -> Result<(), Refusal> {
        match object {
            Object::Cluster => Ok(()),
            Object::Group { group } if self.model.groups.contains_key(group) => Ok(()),
            Object::Group { group } => {
                let reason = format!("there is no group {group}");
                Err(Refusal(code::GROUP_NOT_FOUND, reason))
            }
            Object::Resource { resource } => self.group_of(*resource).map(|_| ()),
            Object::Type { label } => match ResourceKind::from_label(label) {
                Some(_) => Ok(()),
                None => {
                    let reason = format!("there is no resource type `{label}`");
                    Err(Refusal(code::NOT_FOUND, reason))
                }
            },
            Object::Node { node } if turn.middle().settings.nodes.contains_key(node) => Ok(()),
            Object::Node { node } => {
                let reason = format!("there is no node {node}");
                Err(Refusal(code::NODE_NOT_FOUND, reason))
            }
            Object::Network { network } => {
                let known = turn.middle().settings.networks.contains_key(network);
                let reason = || format!("there is no network {network}");
                let refusal = || Refusal(code::NETWORK_NOT_FOUND, reason());
                known.then_some(()).ok_or_else(refusal)
            }
            Object::Interface { node, network } => {
                let known = turn.middle().settings.nodes.get(node);
                let attached = known.is_some_and(|it| it.interfaces.contains_key(network));
                let reason = || format!("node {node} has no interface on network {network}");
                let refusal = || Refusal(code::NETINTERFACE_NOT_FOUND, reason());
                attached.then_some(()).ok_or_else(refusal)
            }
        }
    }

    pub(super) fn judge_property(
        &self,
        turn: &Turn<'_, '_>,
        object: &Object,
        name: &str,
        value: &Value,
    ) -> Result<Vec<Change>, Refusal> {
        let (property, key) = self.known_property(turn, object, name)?;
        let refuse = |reason| Err(Refusal(code::INVALID_PARAMETER, reason));
        if let Some(objection) = property.objection(value) {
            return refuse(objection);
        }
        let hive = &turn.middle().hive;
        let name = property.name.to_owned();
        let value = match (name.as_str(), object, value) {
            (EXPRESSION, Object::Resource { resource }, Value::Text(text)) => {
                self.expression_by_ids(*resource, text)?
            }
            _ => value.clone(),
        };
        if hive.value(&key, &name) == Some(&value) {
            return Ok(Vec::new());
        }
        let change = HiveChange::Set { key, name, value };
        if let Some(reason) = contradiction(hive, &change, object) {
            return refuse(reason);
        }
        let mut changes = match object {
            Object::Network { network } => entailed(turn, *network, &change)?,
            _ => Vec::new(),
        };
        changes.insert(0, change);
        Ok(changes.into_iter().map(Change::Hive).collect())
    }

    /// All properties of an object with their values; what only another node knows as it was set.
    pub(super) fn properties_of(
        &self,
        turn: &Turn<'_, '_>,
        object: &Object,
    ) -> Vec<(String, Value)> {
        let facts = turn.middle();
        let generation = facts.settings.generation;
        let mut values = object.values(&facts.hive, generation);
        let key = private_key(object);
        let private = self.private_properties(object, generation).map(|property| {
            let value = property.value(&facts.hive, &key, generation);
            (property.name.to_owned(), value)
        });
        values.extend(private);
        if let Object::Network { .. } | Object::Interface { .. } = object {
            for (name, value) in &mut values {
                if let Ok(known) = self.property(turn, object, name) {
                    *value = known;
                }
            }
        }
        for (name, value) in &mut values {
            if let Some(known) = self.derived(turn, object, name) {
                *value = known;
            }
        }
        values
    }

    /// Everything that the object manager knows, kind by kind.
    pub(super) fn objects(&self, turn: &Turn<'_, '_>) -> Vec<Entry> {
        let facts = turn.middle();
        let settings = &facts.settings;
        let topology = topology::states(facts);
        let mut entries = Vec::new();
        for (node, known) in &settings.nodes {
            let state = match members(turn).contains(*node) {
                true if facts.objects.paused.contains(*node) => "Paused",
                true => "Up",
                false => match facts.objects.standing(*node) {
                    NodeStanding::Normal => "Down",
                    other => other.label(),
                },
            };
            entries.push(Entry {
                object: Object::Node { node: *node },
                name: known.name.clone(),
                owner: None,
                state: state.to_owned(),
            });
        }
        for (network, known) in &settings.networks {
            let state = network_state(turn, *network);
            entries.push(Entry {
                object: Object::Network { network: *network },
                name: known.name.clone(),
                owner: None,
                state: state.label().to_owned(),
            });
        }
        for (node, known) in &settings.nodes {
            for network in known.interfaces.keys() {
                let (node, network) = (*node, *network);
                let state = topology.interfaces.get(&(node, network)).copied();
                let of = settings.networks.get(&network);
                let of = of.map_or_else(|| network.to_string(), |it| it.name.clone());
                entries.push(Entry {
                    object: Object::Interface { node, network },
                    name: format!("{}/{of}", known.name),
                    owner: Some(node),
                    state: state.unwrap_or(InterfaceState::Up).label().to_owned(),
                });
            }
        }
        entries.extend(self.groups_and_resources(turn));
        let types = ResourceKind::ALL.into_iter().map(|kind| Entry {
            object: Object::Type {
                label: kind.label().to_owned(),
            },
            name: kind.label().to_owned(),
            owner: None,
            state: String::new(),
        });
        entries.extend(types);
        entries
    }

    fn groups_and_resources(&self, turn: &Turn<'_, '_>) -> Vec<Entry> {
        let objects = &turn.middle().objects;
        let state = |id| {
            let row = objects.resources.get(&id);
            row.map_or(ResourceState::Offline, |row| row.state)
        };
        let mut entries = Vec::new();
        for (group, settings) in &self.model.groups {
            let states = self.model.of_group(*group).map(|(id, _)| state(id));
            entries.push(Entry {
                object: Object::Group { group: *group },
                name: settings.name.clone(),
                owner: objects.groups.get(group).map(|row| row.owner),
                state: base::GroupState::derive(states).label().to_owned(),
            });
        }
        for (resource, settings) in &self.model.resources {
            let group = self.model.group_name(settings.group);
            entries.push(Entry {
                object: Object::Resource {
                    resource: *resource,
                },
                name: format!("{group}/{}", settings.name),
                owner: objects.groups.get(&settings.group).map(|row| row.owner),
                state: state(*resource).label().to_owned(),
            });
        }
        entries
    }
}

/// The key of an object's private properties.
fn private_key(object: &Object) -> String {
    format!("{}\\{}", object.key(), private::SUBKEY)
}

fn network_state(turn: &Turn<'_, '_>, network: NetworkId) -> NetworkState {
    let facts = turn.middle();
    let used = facts.settings.networks.get(&network);
    if used.is_none_or(|known| known.role == NetworkRole::None) {
        return NetworkState::Unavailable;
    }
    let states = topology::states(facts).networks;
    states.get(&network).copied().unwrap_or(NetworkState::Up)
}

fn of_interface(turn: &Turn<'_, '_>, node: NodeId, network: NetworkId, name: &str) -> String {
    let facts = turn.middle();
    let settings = &facts.settings;
    match name {
        "Node" => settings.node_name(node),
        "Network" => {
            let known = settings.networks.get(&network);
            known.map(|known| known.name.clone()).unwrap_or_default()
        }
        "Address" => {
            let known = settings.nodes.get(&node);
            let address = known.and_then(|known| known.interfaces.get(&network));
            address.cloned().unwrap_or_default()
        }
        _ => {
            let states = topology::states(facts).interfaces;
            let state = states.get(&(node, network)).copied();
            state.unwrap_or(InterfaceState::Up).label().to_owned()
        }
    }
}

/// What else changes with a property of a network: a metric that somebody sets is no automatic one
/// any more, and an automatic one follows the role. The cluster's last network cannot be taken from
/// it (event 1569 is what the product has for that).
fn entailed(
    turn: &Turn<'_, '_>,
    network: NetworkId,
    change: &HiveChange,
) -> Result<Vec<HiveChange>, Refusal> {
    let networks = &turn.middle().settings.networks;
    let (Some(known), HiveChange::Set { key, name, value }) = (networks.get(&network), change)
    else {
        return Ok(Vec::new());
    };
    let set = |name: &str, number| HiveChange::Set {
        key: key.clone(),
        name: name.to_owned(),
        value: Value::Dword(number),
    };
    let taken = |other: &str| {
        networks
            .values()
            .any(|it| it.name.eq_ignore_ascii_case(other))
    };
    Ok(match (name.as_str(), value) {
        ("Metric", _) => vec![set("AutoMetric", 0)],
        ("AutoMetric", Value::Dword(1)) => {
            vec![set("Metric", known.role.automatic_metric(network))]
        }
        ("Role", Value::Dword(role)) => {
            let role = NetworkRole::from_number(*role);
            let mut others = networks.iter().filter(|(id, _)| **id != network);
            if role == NetworkRole::None && others.all(|(_, it)| it.role == NetworkRole::None) {
                let reason = "it is the last network that the cluster uses".to_owned();
                return Err(Refusal(code::INVALID_PARAMETER, reason));
            }
            let metric = set("Metric", role.automatic_metric(network));
            known.auto_metric.then_some(metric).into_iter().collect()
        }
        ("Name", Value::Text(name)) if name.is_empty() || taken(name) => {
            let reason = format!("`{name}` cannot be the name of a network, or is taken");
            return Err(Refusal(code::INVALID_PARAMETER, reason));
        }
        _ => Vec::new(),
    })
}

/// Why the cluster database would make no sense with a change, if so.
fn contradiction(hive: &Hive, change: &HiveChange, object: &Object) -> Option<String> {
    let mut hive = hive.clone();
    hive.apply(change);
    let model = match Model::read(&hive) {
        Ok(model) => model,
        Err(error) => return Some(error.to_string()),
    };
    let Object::Resource { resource } = object else {
        return None;
    };
    let settings = model.resources.get(resource)?;
    let retry = settings.retry_period?;
    (retry < settings.restart_period)
        .then(|| "RetryPeriodOnFailure is at least RestartPeriod".to_owned())
}
