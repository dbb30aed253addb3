//! Who has which address: given ones first, then free ones for nodes that ask for none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::diagnostic::Diagnostic;
use crate::model::{Network, NetworkRole};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{At, Decoder, LabFile, NodeSpec};

/// The addresses that are taken.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    taken: BTreeMap<IpAddr, String>,
}

impl AddressBook {
    /// Takes an address; reports it when somebody has it already.
    fn take<A: Copy + Into<IpAddr>>(
        &mut self,
        address: &At<A>,
        user: String,
        decoder: &mut Decoder<'_>,
    ) {
        let wanted: IpAddr = address.value.into();
        if let Some(other) = self.taken.get(&wanted) {
            let message = format!("{wanted} belongs to {other} already");
            decoder.sink.report(
                Diagnostic::error(Rule::DuplicateAddress, address.span, message)
                    .hint(format!("give {user} an address of its own")),
            );
            return;
        }
        self.taken.insert(wanted, user);
    }

    /// The lowest free address of a network, taken at once.
    pub(crate) fn assign(&mut self, network: &Network, user: &str) -> Option<Ipv4Addr> {
        let first = network.subnet.base.to_bits().saturating_add(1);
        let last = network.subnet.broadcast().to_bits();
        let free = (first..last)
            .map(Ipv4Addr::from_bits)
            .find(|one| !self.taken.contains_key(&IpAddr::V4(*one)))?;
        self.taken.insert(free.into(), user.to_owned());
        Some(free)
    }
}

/// Takes every address that the file gives.
pub(crate) fn reserve_given(file: &LabFile, book: &mut AddressBook, decoder: &mut Decoder<'_>) {
    let entries = file.nodes.iter().flat_map(|named| &named.entries);
    for entry in entries {
        reserve_node(&entry.name, &entry.value, book, decoder);
    }
    for array in file.storage.iter().flat_map(|named| &named.entries) {
        for address in array
            .value
            .portals
            .iter()
            .flatten()
            .filter_map(|one| one.address.as_ref())
        {
            book.take(
                address,
                format!("a portal of array `{}`", array.name),
                decoder,
            );
        }
    }
    for endpoint in file.endpoints.iter().flat_map(|named| &named.entries) {
        if let Some(address) = &endpoint.value.address {
            book.take(address, format!("endpoint `{}`", endpoint.name), decoder);
        }
    }
    reserve_cluster(file, book, decoder);
}

fn reserve_node(name: &str, node: &NodeSpec, book: &mut AddressBook, decoder: &mut Decoder<'_>) {
    let by_network = node.addresses.iter().flat_map(|pairs| &pairs.entries);
    for address in node
        .address
        .iter()
        .chain(by_network.map(|entry| &entry.value))
    {
        book.take(address, format!("node `{name}`"), decoder);
    }
}

fn reserve_cluster(file: &LabFile, book: &mut AddressBook, decoder: &mut Decoder<'_>) {
    let Some(cluster) = &file.cluster else { return };
    let several = cluster
        .addresses
        .iter()
        .flat_map(|set| set.any_of.iter().flatten());
    for address in cluster.address.iter().chain(several) {
        book.take(address, "the cluster".to_owned(), decoder);
    }
    for group in cluster.groups.iter().flat_map(|named| &named.entries) {
        for resource in group
            .value
            .resources
            .iter()
            .flat_map(|named| &named.entries)
        {
            if let Some(address) = &resource.value.address {
                book.take(
                    address,
                    format!("resource `{}/{}`", group.name, resource.name),
                    decoder,
                );
            }
        }
    }
}

/// Whether the address is a host address of the network; reports it if not.
pub(crate) fn check_inside(
    address: &At<Ipv4Addr>,
    network: &Network,
    decoder: &mut Decoder<'_>,
) -> bool {
    if network.subnet.is_host(address.value) {
        return true;
    }
    let range = format!("{}/{}", network.subnet.base, network.subnet.prefix_bits);
    let why = if network.subnet.contains(address.value) {
        "is the network's own first or last address"
    } else {
        "does not lie in it"
    };
    let message = format!(
        "network `{}` is {range}, {} {why}",
        network.name, address.value
    );
    decoder
        .sink
        .error(Rule::ForeignAddress, address.span, message);
    false
}

/// The network that clients reach an address of the cluster on; reports when there is none.
pub(crate) fn client_network<'n>(
    address: &At<Ipv4Addr>,
    networks: &'n [Network],
    decoder: &mut Decoder<'_>,
) -> Option<&'n Network> {
    let Some(network) = networks
        .iter()
        .find(|network| network.subnet.contains(address.value))
    else {
        if decoder.networks_incomplete {
            return None;
        }
        let known: Vec<String> = networks
            .iter()
            .map(|one| {
                format!(
                    "{} ({}/{})",
                    one.name, one.subnet.base, one.subnet.prefix_bits
                )
            })
            .collect();
        let message = format!("{} lies in no network of the lab", address.value);
        decoder.sink.report(
            Diagnostic::error(Rule::ForeignAddress, address.span, message)
                .hint(format!("networks: {}", known.join(", "))),
        );
        return None;
    };
    let usable = check_inside(address, network, decoder);
    (check_role(network, address.span, decoder) && usable).then_some(network)
}

/// Whether clients may use the network; reports it if not.
pub(crate) fn check_role(network: &Network, span: Span, decoder: &mut Decoder<'_>) -> bool {
    if network.role == NetworkRole::ClusterAndClient {
        return true;
    }
    let message = format!("clients cannot reach network `{}`", network.name);
    decoder.sink.report(
        Diagnostic::error(Rule::NetworkRole, span, message)
            .hint("addresses for clients need a network with `role: cluster-and-client`"),
    );
    false
}
