//! Arrays, logical units and endpoints.

use super::Scope;
use super::addresses::check_inside;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Array, BlockSize, Endpoint, EndpointHost, EndpointKind, Lab, Lun, Portal, ReservationSupport,
};
use crate::rule::Rule;
use crate::support::{Feature, require};
use crate::syntax::{ArraySpec, Decoder, EndpointSpec, EndpointWord, Entry, LabFile};

pub(crate) fn arrays(
    file: &LabFile,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Vec<Array> {
    let entries = file.storage.iter().flat_map(|named| &named.entries);
    entries
        .map(|entry| array(entry, lab, scope, decoder))
        .collect()
}

fn array(entry: &Entry<ArraySpec>, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) -> Array {
    let spec = &entry.value;
    let units = spec.luns.iter().flat_map(|named| &named.entries);
    let luns: Vec<Lun> = units
        .map(|unit| {
            // A size that was refused must not hide the name.
            let size = unit
                .value
                .size
                .as_ref()
                .map_or(u64::MAX, |size| size.value.0);
            Lun {
                name: unit.name.clone(),
                position: decoder.position(unit.span),
                size_bytes: size,
                block: unit
                    .value
                    .block
                    .as_ref()
                    .map_or(BlockSize::B512e, |block| block.value),
            }
        })
        .collect();
    if let Some(none) = spec
        .reservations
        .as_ref()
        .filter(|one| one.value == ReservationSupport::None)
    {
        require(Feature::ReservationsNone, none.span, decoder);
    }
    Array {
        name: entry.name.clone(),
        position: decoder.position(entry.span),
        luns,
        reservations: spec
            .reservations
            .as_ref()
            .map_or(ReservationSupport::Scsi3, |support| support.value),
        portals: portals(spec, lab, scope, decoder),
    }
}

fn portals(spec: &ArraySpec, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) -> Vec<Portal> {
    let mut portals = Vec::new();
    for portal in spec.portals.iter().flatten() {
        let (Some(network), Some(address)) = (&portal.network, &portal.address) else {
            continue;
        };
        scope
            .networks
            .check(&network.value.0, network.span, decoder);
        let Some(known) = lab.network(&network.value.0) else {
            continue;
        };
        check_inside(address, known, decoder);
        if lab
            .nodes
            .iter()
            .all(|node| node.adapter(&known.name).is_none())
        {
            let message = format!(
                "no node is on network `{}`, so none reaches this",
                known.name
            );
            decoder
                .sink
                .error(Rule::UnreachableNetwork, network.span, message);
        }
        portals.push(Portal {
            network: known.name.clone(),
            address: address.value,
        });
    }
    portals
}

pub(crate) fn endpoints(
    file: &LabFile,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Vec<Endpoint> {
    let entries = file.endpoints.iter().flat_map(|named| &named.entries);
    entries
        .filter_map(|entry| endpoint(entry, lab, scope, decoder))
        .collect()
}

fn endpoint(
    entry: &Entry<EndpointSpec>,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Option<Endpoint> {
    let host = endpoint_host(entry, lab, scope, decoder)?;
    let path = entry.value.path.as_ref();
    let word = entry.value.kind.as_ref().map(|kind| kind.value);
    let kind = match (word, path) {
        (Some(EndpointWord::CloudBlob), Some(path)) => {
            let message = "a blob has no `path`: the cluster names it";
            decoder.sink.error(Rule::BadValue, path.span, message);
            EndpointKind::CloudBlob
        }
        (Some(EndpointWord::CloudBlob), None) => EndpointKind::CloudBlob,
        (_, path) => EndpointKind::SmbShare {
            path: path.map_or(entry.name.clone(), |path| path.value.0.clone()),
        },
    };
    Some(Endpoint {
        name: entry.name.clone(),
        position: decoder.position(entry.span),
        kind,
        host,
    })
}

fn endpoint_host(
    entry: &Entry<EndpointSpec>,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Option<EndpointHost> {
    let spec = &entry.value;
    match (&spec.node, &spec.network, &spec.address) {
        (Some(node), None, None) => {
            let known = scope.nodes.check(&node.value.0, node.span, decoder);
            known.then(|| EndpointHost::Node(node.value.0.clone()))
        }
        (None, Some(network), Some(address)) => {
            scope
                .networks
                .check(&network.value.0, network.span, decoder);
            let known = lab.network(&network.value.0)?;
            check_inside(address, known, decoder);
            let network = known.name.clone();
            Some(EndpointHost::Address {
                network,
                address: address.value,
            })
        }
        _ => {
            decoder.sink.report(
                Diagnostic::error(
                    Rule::BadValue,
                    entry.span,
                    "an endpoint lives on a node, or at an address of a network",
                )
                .hint("give `node`, or `network` and `address`"),
            );
            None
        }
    }
}
