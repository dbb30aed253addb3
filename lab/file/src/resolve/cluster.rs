//! The cluster: members, address, witness, heartbeats.

use std::time::Duration;

use base::{Generation, QuorumModel};

use super::addresses::client_network;
use super::machines::check_netbios;
use super::{Names, Scope, group, name_list, quorum, resiliency, times};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Cluster, DiskArbitration, EndpointHost, EndpointKind, Heartbeat, HeartbeatPath, Lab, LunRef,
    Quorum, Regroup, ReservationSupport, Resiliency, Witness,
};
use crate::position::Position;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{
    At, ClusterSpec, Decoder, HeartbeatPathSpec, LabFile, LunName, Name, WitnessSpec,
};

/// Smallest disk witness (reference section 4.1, "Disk witness needs").
const WITNESS_DISK_BYTES_MIN: u64 = 512 << 20;

/// What stands in for a cluster that the file does not describe; never runs.
pub(crate) fn empty() -> Cluster {
    Cluster {
        name: String::new(),
        position: Position::default(),
        addresses: Vec::new(),
        generation: Generation::default(),
        members: Vec::new(),
        witness: Witness::None,
        quorum: Quorum {
            model: QuorumModel::NodeMajority,
            dynamic: None,
            dynamic_witness: None,
            lower_priority_node: None,
        },
        heartbeat: Heartbeat::default(),
        regroup: Regroup::default(),
        disk_arbitration: DiskArbitration::default(),
        resiliency: Resiliency::default(),
        service_restart: None,
        enforced_anti_affinity: false,
        groups: Vec::new(),
    }
}

pub(crate) fn resolve(file: &LabFile, lab: &mut Lab, scope: &mut Scope, decoder: &mut Decoder<'_>) {
    let Some(spec) = &file.cluster else { return };
    head(spec, lab, scope, decoder);
    check_sites(file, lab, decoder);
    check_networks(spec, lab, decoder);
    lab.cluster.witness = witness(spec, lab, scope, decoder);
    quorum::resolve(spec, lab, decoder);
    lab.cluster.heartbeat = heartbeat(spec, lab, decoder);
    times::resolve(spec, lab, decoder);
    lab.cluster.resiliency = resiliency::resolve(spec, lab, decoder);
    group::groups(spec, lab, decoder);
}

fn head(spec: &ClusterSpec, lab: &mut Lab, scope: &Scope, decoder: &mut Decoder<'_>) {
    lab.cluster.generation = spec
        .generation
        .as_ref()
        .map(|one| one.value)
        .unwrap_or_default();
    if let Some(name) = &spec.name {
        check_netbios(&name.value.0, name.span, decoder);
        lab.cluster.name.clone_from(&name.value.0);
        lab.cluster.position = decoder.position(name.span);
        if lab
            .nodes
            .iter()
            .any(|node| node.name.eq_ignore_ascii_case(&name.value.0))
        {
            let message = format!("`{}` is the name of a node already", name.value.0);
            decoder.sink.error(Rule::DuplicateName, name.span, message);
        }
    }
    lab.cluster.service_restart = spec.service_restart.as_ref().map(|restart| restart.value);
    lab.cluster.members = members(spec, lab, scope, decoder);
    addresses(spec, lab, decoder);
}

fn members(spec: &ClusterSpec, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) -> Vec<String> {
    match &spec.members {
        None => lab.nodes.iter().map(|node| node.name.clone()).collect(),
        Some(list) => {
            if list.items.is_empty() {
                decoder
                    .sink
                    .error(Rule::MissingKey, list.span, "the cluster has no member");
            }
            let names = name_list(&list.items, &scope.nodes, decoder);
            names.into_iter().map(|(name, _)| name).collect()
        }
    }
}

fn addresses(spec: &ClusterSpec, lab: &mut Lab, decoder: &mut Decoder<'_>) {
    let several: Vec<_> = spec
        .addresses
        .iter()
        .flat_map(|set| set.any_of.iter().flatten())
        .collect();
    if let (Some(_), Some(set)) = (&spec.address, &spec.addresses) {
        let message = "`address` and `addresses` exclude each other";
        decoder.sink.error(Rule::BadValue, set.span, message);
    }
    if spec.address.is_none() && several.is_empty() && !spec.broken {
        decoder.sink.report(
            Diagnostic::error(Rule::MissingKey, spec.span, "the cluster has no `address`")
                .hint("its name needs an address in a network for clients"),
        );
    }
    for address in spec.address.iter().chain(several) {
        if client_network(address, &lab.networks, decoder).is_some() {
            lab.cluster.addresses.push(address.value);
        }
    }
}

fn check_sites(file: &LabFile, lab: &Lab, decoder: &mut Decoder<'_>) {
    let preferred = file
        .sites
        .iter()
        .flat_map(|named| &named.entries)
        .filter_map(|entry| {
            entry
                .value
                .preferred
                .as_ref()
                .filter(|preferred| preferred.value)
        });
    for (index, preferred) in preferred.enumerate() {
        if index > 0 {
            let message = "only one site can be preferred";
            decoder.sink.error(Rule::BadValue, preferred.span, message);
        }
        since(
            Generation::V2016,
            "a preferred site",
            preferred.span,
            lab,
            decoder,
        );
    }
}

/// Members must share a network that carries heartbeats; every pair by way of some network.
fn check_networks(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    let span = spec
        .members
        .as_ref()
        .map_or(spec.span, |members| members.span);
    for member in &lab.cluster.members {
        let Some(node) = lab.node(member) else {
            continue;
        };
        let carries = node.adapters.iter().any(|adapter| {
            let network = lab.network(&adapter.network);
            network.is_some_and(|network| network.role != crate::model::NetworkRole::None)
        });
        if !carries && !node.adapters.is_empty() && !decoder.networks_incomplete {
            let message = format!("member `{member}` is on no network that the cluster may use");
            decoder.sink.report(
                Diagnostic::error(Rule::NoClusterNetwork, span, message)
                    .hint("it needs a network with `role: cluster` or `cluster-and-client`"),
            );
        }
    }
    if !decoder.networks_incomplete && !decoder.sink.has_errors() {
        super::routers::check_pairs(lab, span, decoder);
    }
}

fn witness(spec: &ClusterSpec, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) -> Witness {
    match &spec.witness {
        Some(witness) => witness_of(witness, lab, scope, decoder),
        None => Witness::None,
    }
}

/// What a witness is; reports what cannot be one.
pub(crate) fn witness_of(
    spec: &WitnessSpec,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Witness {
    let WitnessSpec::Map(map) = spec else {
        return Witness::None;
    };
    match (&map.disk, &map.share, &map.cloud) {
        (Some(disk), None, None) => {
            let Some(lun) = lun(&disk.value, disk.span, lab, &scope.arrays, decoder) else {
                return Witness::None;
            };
            check_witness_disk(&lun, disk.span, lab, decoder);
            Witness::Disk(lun)
        }
        (None, Some(share), None) => {
            endpoint(share, false, lab, scope, decoder);
            Witness::Share(share.value.0.clone())
        }
        (None, None, Some(cloud)) => {
            since(
                Generation::V2016,
                "a cloud witness",
                cloud.span,
                lab,
                decoder,
            );
            endpoint(cloud, true, lab, scope, decoder);
            Witness::Cloud(cloud.value.0.clone())
        }
        _ if map.broken => Witness::None,
        _ => {
            decoder.sink.report(
                Diagnostic::error(Rule::BadValue, map.span, "a witness is one thing").hint(
                    "write `none`, or `disk: array/lun`, `share: endpoint` or `cloud: endpoint`",
                ),
            );
            Witness::None
        }
    }
}

/// The endpoint that a witness lives on: it exists, is of the right kind and on no member.
fn endpoint(name: &At<Name>, cloud: bool, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) {
    scope.endpoints.check(&name.value.0, name.span, decoder);
    let Some(endpoint) = lab.endpoint(&name.value.0) else {
        return;
    };
    if cloud != (endpoint.kind == EndpointKind::CloudBlob) {
        let (is, wants) = if cloud {
            ("a share", "cloud-blob")
        } else {
            ("a blob in a cloud", "smb-share")
        };
        let message = format!("endpoint `{}` is {is}", endpoint.name);
        decoder.sink.report(
            Diagnostic::error(Rule::BadValue, name.span, message).hint(format!(
                "this witness needs an endpoint with `kind: {wants}`"
            )),
        );
    }
    check_witness_host(&endpoint.name, name.span, lab, decoder);
}

fn check_witness_disk(lun: &LunRef, span: Span, lab: &Lab, decoder: &mut Decoder<'_>) {
    if lab
        .lun(lun)
        .is_some_and(|unit| unit.size_bytes < WITNESS_DISK_BYTES_MIN)
    {
        let message = format!("`{lun}` is too small for a witness");
        decoder.sink.report(
            Diagnostic::error(Rule::SmallWitness, span, message)
                .hint("a disk witness has at least 512MiB"),
        );
    }
    check_reservations(lun, span, lab, decoder);
}

fn check_witness_host(endpoint: &str, span: Span, lab: &Lab, decoder: &mut Decoder<'_>) {
    if let Some(EndpointHost::Node(node)) = lab.endpoint(endpoint).map(|one| &one.host)
        && lab.cluster.members.contains(node)
    {
        let message = format!("the witness lives on member `{node}`");
        decoder.sink.report(
            Diagnostic::error(Rule::WitnessOnMember, span, message)
                .hint("it would be lost together with that node's vote; use another machine"),
        );
    }
}

/// The logical unit of this name; reports it when there is none.
pub(crate) fn lun(
    name: &LunName,
    span: Span,
    lab: &Lab,
    arrays: &Names,
    decoder: &mut Decoder<'_>,
) -> Option<LunRef> {
    if !arrays.check(&name.array, span, decoder) {
        return None;
    }
    let array = lab.array(&name.array)?;
    let units = array.luns.iter().map(|unit| unit.name.clone());
    let known = Names::of("logical unit", units).check(&name.lun, span, decoder);
    known.then(|| LunRef {
        array: name.array.clone(),
        lun: name.lun.clone(),
    })
}

/// A disk of the cluster needs persistent reservations; without them there is a refusal to see.
pub(crate) fn check_reservations(lun: &LunRef, span: Span, lab: &Lab, decoder: &mut Decoder<'_>) {
    let none = lab
        .array(&lun.array)
        .is_some_and(|one| one.reservations == ReservationSupport::None);
    if none {
        let message = format!("array `{}` offers no reservations", lun.array);
        decoder.sink.report(
            Diagnostic::warning(Rule::NoReservations, span, message)
                .hint("the disk will not come online; leave `reservations` out"),
        );
    }
}

/// Reports a setting that the cluster's generation does not know.
pub(crate) fn since(
    generation: Generation,
    what: &str,
    span: Span,
    lab: &Lab,
    decoder: &mut Decoder<'_>,
) {
    if lab.cluster.generation < generation {
        let message = format!(
            "{what} came with {generation}, the cluster is {}",
            lab.cluster.generation
        );
        decoder.sink.report(
            Diagnostic::error(Rule::Generation, span, message)
                .hint("remove the setting, or raise `cluster.generation`"),
        );
    }
}

fn heartbeat(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Heartbeat {
    let Some(given) = &spec.heartbeat else {
        return Heartbeat::default();
    };
    if let Some(site) = &given.cross_site {
        since(Generation::V2016, "`cross-site`", site.span, lab, decoder);
    }
    let mut path = |spec: &Option<HeartbeatPathSpec>| {
        spec.as_ref()
            .map(|one| heartbeat_path(one, decoder))
            .unwrap_or_default()
    };
    Heartbeat {
        same_subnet: path(&given.same_subnet),
        cross_subnet: path(&given.cross_subnet),
        cross_site: path(&given.cross_site),
    }
}

fn heartbeat_path(spec: &HeartbeatPathSpec, decoder: &mut Decoder<'_>) -> HeartbeatPath {
    let bounds = Duration::from_millis(50)..=Duration::from_secs(60);
    if let Some(every) = spec
        .every
        .as_ref()
        .filter(|every| !bounds.contains(&every.value))
    {
        let message = "heartbeats are 50ms to 60s apart";
        decoder.sink.error(Rule::BadNumber, every.span, message);
    }
    if let Some(missed) = spec
        .missed
        .as_ref()
        .filter(|one| !(2..=1_000).contains(&one.value.0))
    {
        let message = "2 to 1000 missed heartbeats end a route";
        decoder.sink.error(Rule::BadNumber, missed.span, message);
    }
    HeartbeatPath {
        every: spec.every.as_ref().map(|every| every.value),
        missed: spec.missed.as_ref().map(|missed| missed.value.0),
    }
}
