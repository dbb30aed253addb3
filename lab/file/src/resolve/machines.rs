//! Sites, networks and nodes: inheritance, adapters, addresses.

use std::net::Ipv4Addr;

use super::Scope;
use super::addresses::{AddressBook, check_inside};
use super::name_list;
use crate::diagnostic::Diagnostic;
use crate::model::{Adapter, Network, NetworkRole, Node, Site, Subnet};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{At, Decoder, Entry, LabFile, Name, NetworkSpec, NodeSpec, OneOrMany, Text};

/// Longest NetBIOS name in characters.
pub(crate) const NETBIOS_CHARACTERS_MAX: usize = 15;

pub(crate) fn sites(file: &LabFile, decoder: &mut Decoder<'_>) -> Vec<Site> {
    let entries = file.sites.iter().flat_map(|named| &named.entries);
    entries
        .map(|entry| Site {
            name: entry.name.clone(),
            position: decoder.position(entry.span),
            racks: entry
                .value
                .racks
                .iter()
                .flat_map(|racks| &racks.items)
                .map(|rack| rack.value.0.clone())
                .collect(),
            preferred: entry
                .value
                .preferred
                .as_ref()
                .is_some_and(|preferred| preferred.value),
        })
        .collect()
}

pub(crate) fn networks(file: &LabFile, scope: &Scope, decoder: &mut Decoder<'_>) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    let entries = file.networks.iter().flat_map(|named| &named.entries);
    for entry in entries {
        let Some(network) = network(entry, scope, decoder) else {
            decoder.networks_incomplete = true;
            continue;
        };
        check_overlap(&network, &networks, entry, decoder);
        networks.push(network);
    }
    if networks.len() > base::limits::NETWORKS_MAX {
        let message = format!("a lab has at most {} networks", base::limits::NETWORKS_MAX);
        decoder.sink.error(Rule::TooMany, file.span, message);
    }
    networks
}

fn network(
    entry: &Entry<NetworkSpec>,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Option<Network> {
    let spec = &entry.value;
    if let Some(site) = &spec.site {
        scope.sites.check(&site.value.0, site.span, decoder);
    }
    if let Some(mtu) = spec
        .mtu
        .as_ref()
        .filter(|mtu| !(576..=9216).contains(&mtu.value.0))
    {
        let message = format!("`{}` is not allowed here", mtu.value.0);
        decoder.sink.report(
            Diagnostic::error(Rule::BadNumber, mtu.span, message)
                .hint("packets have 576 to 9216 bytes"),
        );
    }
    Some(Network {
        name: entry.name.clone(),
        position: decoder.position(entry.span),
        subnet: spec.subnet.as_ref()?.value,
        role: spec
            .role
            .as_ref()
            .map_or(NetworkRole::ClusterAndClient, |role| role.value),
        metric: spec.metric.as_ref().map(|metric| metric.value.0),
        mtu: spec.mtu.as_ref().map(|mtu| mtu.value.0),
        site: spec.site.as_ref().map(|site| site.value.0.clone()),
    })
}

fn check_overlap(
    network: &Network,
    others: &[Network],
    entry: &Entry<NetworkSpec>,
    decoder: &mut Decoder<'_>,
) {
    let overlaps = |other: &&Network| {
        let (one, two): (Subnet, Subnet) = (network.subnet, other.subnet);
        one.contains(two.base) || two.contains(one.base)
    };
    if let (Some(other), Some(subnet)) = (others.iter().find(overlaps), &entry.value.subnet) {
        let message = format!("this subnet overlaps with that of network `{}`", other.name);
        decoder
            .sink
            .error(Rule::OverlappingSubnets, subnet.span, message);
    }
}

pub(crate) fn nodes(
    file: &LabFile,
    networks: &[Network],
    scope: &Scope,
    book: &mut AddressBook,
    decoder: &mut Decoder<'_>,
) -> Vec<Node> {
    let mut entries: Vec<&Entry<NodeSpec>> =
        file.nodes.iter().flat_map(|named| &named.entries).collect();
    if let Some(surplus) = entries.get(base::limits::NODES_MAX).copied() {
        let message = format!("a lab has at most {} nodes", base::limits::NODES_MAX);
        decoder.sink.error(Rule::TooMany, surplus.span, message);
        entries.truncate(base::limits::NODES_MAX);
    }
    if file.nodes.is_some() && entries.is_empty() && !file.broken {
        decoder
            .sink
            .error(Rule::MissingKey, file.span, "the lab has no node");
    }
    check_shared_settings(file, scope, decoder);
    check_kinds(file, decoder);
    let places = Places {
        file,
        networks,
        scope,
    };
    entries
        .into_iter()
        .map(|entry| places.node(entry, book, decoder))
        .collect()
}

/// Defaults and profiles may not give what only one machine can have.
fn check_shared_settings(file: &LabFile, scope: &Scope, decoder: &mut Decoder<'_>) {
    let profiles = file
        .profiles
        .iter()
        .flat_map(|named| named.entries.iter().map(|e| &e.value));
    let kinds = file.kinds.iter();
    let kinds = kinds.flat_map(|named| named.entries.iter().map(|e| &e.value));
    for spec in file.defaults.iter().chain(profiles).chain(kinds) {
        let given = spec
            .addresses
            .iter()
            .flat_map(|pairs| pairs.entries.iter().map(|e| &e.value));
        if let Some(address) = spec.address.iter().chain(given).next() {
            let message = "an address belongs to one node, not to defaults, a kind or a profile";
            decoder
                .sink
                .error(Rule::DuplicateAddress, address.span, message);
        }
        if let Some(profile) = &spec.profile {
            let message = "only a node names a profile";
            decoder.sink.error(Rule::NoEffect, profile.span, message);
        }
        check_references(spec, scope, decoder);
    }
}

fn check_references(spec: &NodeSpec, scope: &Scope, decoder: &mut Decoder<'_>) {
    if let Some(site) = &spec.site {
        scope.sites.check(&site.value.0, site.span, decoder);
    }
    for list in spec.networks.iter().chain(&spec.plus_networks) {
        name_list(&list.items, &scope.networks, decoder);
    }
}

struct Places<'a> {
    file: &'a LabFile,
    networks: &'a [Network],
    scope: &'a Scope,
}

impl Places<'_> {
    fn node(
        &self,
        entry: &Entry<NodeSpec>,
        book: &mut AddressBook,
        decoder: &mut Decoder<'_>,
    ) -> Node {
        check_netbios(&entry.name, entry.span, decoder);
        check_references(&entry.value, self.scope, decoder);
        let layers = self.layers(&entry.value, decoder);
        let votes = layers.iter().find_map(|layer| layer.votes.as_ref());
        let node = Node {
            name: entry.name.clone(),
            position: decoder.position(entry.span),
            site: layers
                .iter()
                .find_map(|one| one.site.as_ref())
                .map(|site| site.value.0.clone()),
            rack: layers
                .iter()
                .find_map(|one| one.rack.as_ref())
                .map(|rack| rack.value.0.clone()),
            adapters: self.adapters(entry, &layers, book, decoder),
            memory_bytes: layers
                .iter()
                .find_map(|one| one.memory.as_ref())
                .map(|size| size.value.0),
            services: services(&layers),
            votes: votes.map_or(1, |votes| check_votes(votes, decoder)),
            labels: labels(&layers),
        };
        self.check_site(&node, entry.span, decoder);
        self.check_version(&layers, decoder);
        node
    }

    /// The node, its profile, the defaults: the first one that says something counts.
    fn layers<'s>(&'s self, node: &'s NodeSpec, decoder: &mut Decoder<'_>) -> Vec<&'s NodeSpec> {
        let mut layers = vec![node];
        if let Some(profile) = &node.profile
            && self
                .scope
                .profiles
                .check(&profile.value.0, profile.span, decoder)
        {
            let entries = self.file.profiles.iter().flat_map(|named| &named.entries);
            let found = entries.filter(|entry| entry.name == profile.value.0);
            layers.extend(found.map(|entry| &entry.value));
        }
        layers.extend(self.of_kind());
        layers.extend(&self.file.defaults);
        layers
    }

    /// What the file says of the kind that every machine is: a member.
    fn of_kind(&self) -> Option<&NodeSpec> {
        let kinds = self.file.kinds.iter().flat_map(|named| &named.entries);
        let member = kinds.filter(|entry| entry.name == MEMBER);
        member.map(|entry| &entry.value).next()
    }

    fn adapters(
        &self,
        entry: &Entry<NodeSpec>,
        layers: &[&NodeSpec],
        book: &mut AddressBook,
        decoder: &mut Decoder<'_>,
    ) -> Vec<Adapter> {
        let plugged = plugged_networks(layers);
        if plugged.is_empty() {
            let message = format!("node `{}` is on no network", entry.name);
            decoder.sink.report(
                Diagnostic::error(Rule::MissingKey, entry.span, message)
                    .hint("name its networks: `networks: [lan]`"),
            );
        }
        self.check_addresses(&entry.value, &plugged, decoder);
        let mut adapters = Vec::new();
        for name in plugged {
            let Some(network) = self.networks.iter().find(|one| one.name == name) else {
                continue;
            };
            let given = self.given_address(&entry.value, network, decoder);
            let address = given.or_else(|| book.assign(network, &format!("node `{}`", entry.name)));
            match address {
                Some(address) => adapters.push(Adapter {
                    network: name,
                    address,
                }),
                None => {
                    let message = format!("network `{name}` has no address left for this node");
                    decoder.sink.error(Rule::SubnetFull, entry.span, message);
                }
            }
        }
        adapters
    }

    fn check_addresses(&self, spec: &NodeSpec, plugged: &[String], decoder: &mut Decoder<'_>) {
        if let Some(address) = &spec.address
            && plugged.len() > 1
        {
            decoder.sink.report(
                Diagnostic::error(
                    Rule::ForeignAddress,
                    address.span,
                    "the node is on several networks, so its addresses need their names",
                )
                .hint("write `addresses: { lan: ..., storage: ... }`"),
            );
        }
        for entry in spec.addresses.iter().flat_map(|pairs| &pairs.entries) {
            let known = self.scope.networks.check(&entry.name, entry.span, decoder);
            if known && !plugged.contains(&entry.name) {
                let message = format!("the node is not on network `{}`", entry.name);
                decoder
                    .sink
                    .error(Rule::ForeignAddress, entry.span, message);
            }
        }
    }

    fn given_address(
        &self,
        spec: &NodeSpec,
        network: &Network,
        decoder: &mut Decoder<'_>,
    ) -> Option<Ipv4Addr> {
        let mut named = spec.addresses.iter().flat_map(|pairs| &pairs.entries);
        let by_name = named
            .find(|entry| entry.name == network.name)
            .map(|entry| &entry.value);
        let address: &At<Ipv4Addr> = by_name.or(spec.address.as_ref())?;
        check_inside(address, network, decoder).then_some(address.value)
    }

    fn check_site(&self, node: &Node, span: Span, decoder: &mut Decoder<'_>) {
        let Some(site) = &node.site else { return };
        let elsewhere = self.networks.iter().find(|network| {
            let plugged = node
                .adapters
                .iter()
                .any(|adapter| adapter.network == network.name);
            plugged && network.site.as_ref().is_some_and(|other| other != site)
        });
        if let Some(network) = elsewhere {
            let message = format!(
                "node `{}` stands in site `{site}`, network `{}` does not",
                node.name, network.name
            );
            decoder.sink.error(Rule::SiteMismatch, span, message);
        }
        self.check_rack(node, site, span, decoder);
    }

    fn check_rack(&self, node: &Node, site: &str, span: Span, decoder: &mut Decoder<'_>) {
        let Some(rack) = &node.rack else { return };
        let mut sites = self.file.sites.iter().flat_map(|named| &named.entries);
        let racks = sites
            .find(|entry| entry.name == site)
            .and_then(|one| one.value.racks.as_ref());
        if let Some(racks) = racks
            && racks.items.iter().all(|known| known.value.0 != *rack)
        {
            let message = format!("site `{site}` has no rack `{rack}`");
            decoder.sink.error(Rule::UnknownName, span, message);
        }
    }

    fn check_version(&self, layers: &[&NodeSpec], decoder: &mut Decoder<'_>) {
        let Some(version) = layers.iter().find_map(|layer| layer.version.as_ref()) else {
            return;
        };
        let cluster = self
            .file
            .cluster
            .as_ref()
            .and_then(|one| one.generation.as_ref());
        let generation = cluster.map(|one| one.value).unwrap_or_default();
        if version.value != generation {
            let message = "nodes of another version than the cluster are not supported yet";
            decoder
                .sink
                .error(Rule::NotSupported, version.span, message);
        }
    }
}

/// The one kind of machine that there is so far.
const MEMBER: &str = "member";

/// Reports settings of kinds that no machine can be, and kinds inside of kinds.
fn check_kinds(file: &LabFile, decoder: &mut Decoder<'_>) {
    for entry in file.kinds.iter().flat_map(|named| &named.entries) {
        if entry.name != MEMBER {
            let message = format!("no machine can be of kind `{}` yet", entry.name);
            let report = Diagnostic::error(Rule::NotSupported, entry.span, message);
            decoder
                .sink
                .report(report.hint("settings of `member` are known"));
        }
        if let Some(kind) = &entry.value.kind {
            let message = "a kind is of no other kind";
            decoder.sink.error(Rule::NoEffect, kind.span, message);
        }
    }
}

/// The nearest list, and everything that nearer layers add to it.
fn plugged_networks(layers: &[&NodeSpec]) -> Vec<String> {
    let named = |list: &OneOrMany<At<Name>>| -> Vec<String> {
        let words = list.items.iter();
        words
            .flat_map(|word| crate::template::expand_word(&word.value.0).unwrap_or_default())
            .collect()
    };
    let mut added: Vec<String> = Vec::new();
    let mut networks: Vec<String> = Vec::new();
    for layer in layers {
        if let Some(list) = &layer.networks {
            networks = named(list);
        }
        added.extend(layer.plus_networks.iter().flat_map(named));
        if layer.networks.is_some() {
            break;
        }
    }
    for name in added {
        if !networks.contains(&name) {
            networks.push(name);
        }
    }
    networks
}

fn services(layers: &[&NodeSpec]) -> Vec<(String, String)> {
    let given = layers.iter().find_map(|layer| layer.services.as_ref());
    let entries = given.into_iter().flat_map(|pairs| &pairs.entries);
    let service = |entry: &Entry<At<Text>>| (entry.name.clone(), entry.value.value.0.clone());
    entries.map(service).collect()
}

fn labels(layers: &[&NodeSpec]) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for entry in layers
        .iter()
        .flat_map(|layer| &layer.labels)
        .flat_map(|pairs| &pairs.entries)
    {
        if labels.iter().all(|(name, _)| *name != entry.name) {
            labels.push((entry.name.clone(), entry.value.value.0.clone()));
        }
    }
    labels
}

fn check_votes(votes: &At<crate::syntax::Natural>, decoder: &mut Decoder<'_>) -> u8 {
    match votes.value.0 {
        0 => 0,
        1 => 1,
        other => {
            let message = format!("a node has 0 votes or 1, not {other}");
            decoder.sink.error(Rule::BadNumber, votes.span, message);
            1
        }
    }
}

/// A name that NetBIOS can carry: short, and letters, digits and hyphens only.
pub(crate) fn check_netbios(name: &str, span: Span, decoder: &mut Decoder<'_>) {
    let length = name.chars().count();
    if length > NETBIOS_CHARACTERS_MAX {
        let message = format!("`{name}` has {length} characters");
        decoder.sink.report(
            Diagnostic::error(Rule::LongName, span, message)
                .hint("names of nodes, clusters and network names have at most 15 characters"),
        );
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !name.chars().all(fits) || name.starts_with('-') || name.ends_with('-') {
        let message = format!("`{name}` cannot be a name on the network");
        decoder.sink.report(
            Diagnostic::error(Rule::BadName, span, message)
                .hint("letters, digits and `-` only, no `-` at either end"),
        );
    }
}
