//! What a resource is, out of its type and the keys that belong to it.

use std::net::IpAddr;

use base::Generation;

use super::Names;
use super::addresses::{check_inside, check_role, client_network};
use super::cluster::{check_reservations, lun, since};
use super::group::Users;
use super::machines::check_netbios;
use crate::diagnostic::Diagnostic;
use crate::model::{Lab, LunRef, Network, Owners, ResourceKind, ResourceType};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{At, Decoder, Entry, ResourceSpec};

/// Where a resource stands, for its own checks.
pub(super) struct Place<'a> {
    pub(super) user: String,
    pub(super) owners: &'a Owners,
    pub(super) lab: &'a Lab,
}

impl Place<'_> {
    pub(super) fn kind(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        match spec.r#type.as_ref()?.value {
            ResourceType::PhysicalDisk => {
                let lun = self.disk(entry, users, decoder)?;
                Some(ResourceKind::PhysicalDisk { lun })
            }
            ResourceType::ClusterSharedVolume => {
                let what = "a cluster shared volume";
                since(Generation::V2008R2, what, entry.span, self.lab, decoder);
                let lun = self.disk(entry, users, decoder)?;
                Some(ResourceKind::ClusterSharedVolume { lun })
            }
            ResourceType::IpAddress => self.address(entry, decoder),
            ResourceType::Ipv6Address => self.address_of_ipv6(entry, decoder),
            ResourceType::NetworkName => {
                let name = self.own_name(entry, users, decoder)?;
                Some(ResourceKind::NetworkName { name })
            }
            ResourceType::FileServer => Some(ResourceKind::FileServer),
            ResourceType::VirtualMachine => {
                let what = "a virtual machine";
                since(Generation::V2008, what, entry.span, self.lab, decoder);
                let machine = entry.name.clone();
                Some(ResourceKind::VirtualMachine { machine })
            }
            ResourceType::FileShare => {
                let path = needed(spec.path.as_ref(), "path", entry, decoder)?;
                let share = spec
                    .share
                    .as_ref()
                    .map_or(&entry.name, |share| &share.value.0);
                Some(ResourceKind::FileShare {
                    share: share.clone(),
                    path: path.value.0.clone(),
                })
            }
            _ => self.program(entry, users, decoder),
        }
    }

    /// A service that no member knows could run nowhere.
    fn check_service(&self, service: &str, span: Span, decoder: &mut Decoder<'_>) {
        let members = &self.lab.cluster.members;
        let members = self
            .lab
            .nodes
            .iter()
            .filter(|it| members.contains(&it.name));
        let known = members.flat_map(|it| it.services.iter().map(|(name, _)| name.clone()));
        Names::of("service", known).check(service, span, decoder);
    }

    /// Types that stand for a service, a script or a program, or for a name of every node.
    fn program(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        match spec.r#type.as_ref()?.value {
            ResourceType::DistributedNetworkName => {
                let name = self.own_name(entry, users, decoder)?;
                Some(ResourceKind::DistributedNetworkName { name })
            }
            ResourceType::GenericService => {
                let service = needed(spec.service.as_ref(), "service", entry, decoder)?;
                self.check_service(&service.value.0, service.span, decoder);
                let service = service.value.0.clone();
                Some(ResourceKind::GenericService { service })
            }
            ResourceType::GenericScript => {
                let script = needed(spec.script.as_ref(), "script", entry, decoder)?;
                let script = script.value.0.clone();
                Some(ResourceKind::GenericScript { script })
            }
            ResourceType::PlugIn => {
                let program = needed(spec.program.as_ref(), "program", entry, decoder)?;
                let program = program.value.0.clone();
                Some(ResourceKind::PlugIn { program })
            }
            ResourceType::DhcpService => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::DhcpService { path })
            }
            ResourceType::WinsService => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::WinsService { path })
            }
            ResourceType::PrintSpooler => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::PrintSpooler { path })
            }
            ResourceType::GenericApplication => {
                let command = needed(spec.command.as_ref(), "command", entry, decoder)?;
                let directory = spec.directory.as_ref().map(|one| one.value.0.clone());
                Some(ResourceKind::GenericApplication {
                    command: command.value.0.clone(),
                    directory,
                })
            }
            _ => None,
        }
    }

    fn disk(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<LunRef> {
        let name = needed(entry.value.lun.as_ref(), "lun", entry, decoder)?;
        let arrays = self.lab.storage.iter().map(|array| array.name.clone());
        let unit = lun(
            &name.value,
            name.span,
            self.lab,
            &Names::of("array", arrays),
            decoder,
        )?;
        check_reservations(&unit, name.span, self.lab, decoder);
        users.take_lun(&unit.to_string(), &self.user, name.span, decoder);
        Some(unit)
    }

    fn address(
        &self,
        entry: &Entry<ResourceSpec>,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        let given = needed(spec.address.as_ref(), "address", entry, decoder)?;
        let IpAddr::V4(value) = given.value else {
            wrong_family("IPv4", "ipv6-address", given, decoder);
            return None;
        };
        let address = &At {
            value,
            span: given.span,
        };
        let network = match &spec.network {
            None => client_network(address, &self.lab.networks, decoder)?,
            Some(name) => {
                let networks = self.lab.networks.iter().map(|network| network.name.clone());
                Names::of("network", networks).check(&name.value.0, name.span, decoder);
                let network = self.lab.network(&name.value.0)?;
                check_inside(address, network, decoder);
                check_role(network, name.span, decoder);
                network
            }
        };
        self.check_reachable(network, address.span, decoder);
        Some(ResourceKind::IpAddress {
            address: address.value,
            network: network.name.clone(),
        })
    }

    /// Subnets are of IPv4, so the network of an address of IPv6 has to be named.
    fn address_of_ipv6(
        &self,
        entry: &Entry<ResourceSpec>,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        since(
            Generation::V2008,
            "an IPv6 address",
            entry.span,
            self.lab,
            decoder,
        );
        let given = needed(spec.address.as_ref(), "address", entry, decoder)?;
        let name = needed(spec.network.as_ref(), "network", entry, decoder)?;
        let IpAddr::V6(address) = given.value else {
            wrong_family("IPv6", "ip-address", given, decoder);
            return None;
        };
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
            let message = format!("{address} cannot belong to one node alone");
            decoder.sink.error(Rule::BadAddress, given.span, message);
        }
        let networks = self.lab.networks.iter().map(|network| network.name.clone());
        Names::of("network", networks).check(&name.value.0, name.span, decoder);
        let network = self.lab.network(&name.value.0)?;
        check_role(network, name.span, decoder);
        self.check_reachable(network, given.span, decoder);
        Some(ResourceKind::Ipv6Address {
            address,
            network: network.name.clone(),
        })
    }

    fn check_reachable(&self, network: &Network, span: Span, decoder: &mut Decoder<'_>) {
        let owners = self
            .owners
            .possible
            .as_ref()
            .unwrap_or(&self.lab.cluster.members);
        let plugged = |name: &String| {
            self.lab
                .node(name)
                .is_some_and(|node| node.adapter(&network.name).is_some())
        };
        let placed = |name: &String| self.lab.node(name).is_some_and(|n| !n.adapters.is_empty());
        if owners.iter().any(placed) && !owners.iter().any(plugged) {
            let message = format!("no possible owner is on network `{}`", network.name);
            decoder.sink.error(Rule::UnreachableNetwork, span, message);
        }
    }

    fn own_name(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<String> {
        let name = needed(entry.value.name.as_ref(), "name", entry, decoder)?;
        check_netbios(&name.value.0, name.span, decoder);
        users.take_name(&name.value.0, &self.user, name.span, decoder);
        Some(name.value.0.clone())
    }
}

fn own_path(entry: &Entry<ResourceSpec>, decoder: &mut Decoder<'_>) -> Option<String> {
    let path = needed(entry.value.path.as_ref(), "path", entry, decoder)?;
    Some(path.value.0.clone())
}

fn needed<'s, T>(
    property: Option<&'s At<T>>,
    key: &str,
    entry: &Entry<ResourceSpec>,
    decoder: &mut Decoder<'_>,
) -> Option<&'s At<T>> {
    if property.is_none() && !entry.value.broken {
        let of_type = entry
            .value
            .r#type
            .as_ref()
            .map(|word| word.value.label())
            .unwrap_or_default();
        let message = format!("`{key}` is missing: {of_type} needs it");
        decoder
            .sink
            .error(Rule::MissingKey, entry.value.span, message);
    }
    property
}

fn wrong_family(family: &str, other: &str, given: &At<IpAddr>, decoder: &mut Decoder<'_>) {
    let message = format!("{} is no {family} address", given.value);
    decoder.sink.report(
        Diagnostic::error(Rule::BadAddress, given.span, message)
            .hint(format!("write `type: {other}` for an address of that kind")),
    );
}
