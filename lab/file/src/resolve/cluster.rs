//! The cluster: members, address, witness, quorum, heartbeats.

use std::time::Duration;

use base::{Generation, QuorumModel};

use super::addresses::client_network;
use super::machines::check_netbios;
use super::{Names, Scope, group, name_list};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Cluster, EndpointHost, Heartbeat, HeartbeatPath, Lab, LunRef, Quorum, ReservationSupport,
    Witness,
};
use crate::position::Position;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{
    ClusterSpec, Decoder, HeartbeatPathSpec, LabFile, LunName, QuorumSpec, WitnessSpec,
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
    lab.cluster.quorum = quorum(spec, lab, decoder);
    check_votes(spec, lab, decoder);
    lab.cluster.heartbeat = heartbeat(spec, lab, decoder);
    group::groups(spec, lab, decoder);
}

fn head(spec: &ClusterSpec, lab: &mut Lab, scope: &Scope, decoder: &mut Decoder<'_>) {
    lab.cluster.generation = spec
        .generation
        .as_ref()
        .map(|one| one.value)
        .unwrap_or_default();
    if let Some(generation) = spec
        .generation
        .as_ref()
        .filter(|one| one.value == Generation::V2003)
    {
        let message = "generation 2003 is not supported yet by this version";
        decoder
            .sink
            .error(Rule::NotSupported, generation.span, message);
    }
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
}

fn witness(spec: &ClusterSpec, lab: &Lab, scope: &Scope, decoder: &mut Decoder<'_>) -> Witness {
    let Some(WitnessSpec::Map(map)) = &spec.witness else {
        return Witness::None;
    };
    match (&map.disk, &map.share) {
        (Some(disk), None) => {
            let Some(lun) = lun(&disk.value, disk.span, lab, &scope.arrays, decoder) else {
                return Witness::None;
            };
            check_witness_disk(&lun, disk.span, lab, decoder);
            Witness::Disk(lun)
        }
        (None, Some(share)) => {
            scope.endpoints.check(&share.value.0, share.span, decoder);
            check_witness_host(&share.value.0, share.span, lab, decoder);
            Witness::Share(share.value.0.clone())
        }
        _ if map.broken => Witness::None,
        _ => {
            decoder.sink.report(
                Diagnostic::error(Rule::BadValue, map.span, "a witness is one thing")
                    .hint("write `none`, `{ disk: array/lun }` or `{ share: endpoint }`"),
            );
            Witness::None
        }
    }
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
        let message = format!("the witness share lives on member `{node}`");
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

fn quorum(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Quorum {
    let derived = match lab.cluster.witness {
        Witness::None | Witness::Cloud(_) => QuorumModel::NodeMajority,
        Witness::Disk(_) => QuorumModel::NodeAndDiskMajority,
        Witness::Share(_) => QuorumModel::NodeAndFileShareMajority,
    };
    let Some(given) = &spec.quorum else {
        return Quorum {
            model: derived,
            ..empty().quorum
        };
    };
    check_model(spec, given, derived, decoder);
    check_quorum_generation(given, lab, decoder);
    if let Some(node) = &given.lower_priority_node {
        let members = Names::of("member", lab.cluster.members.iter().cloned());
        members.check(&node.value.0, node.span, decoder);
    }
    Quorum {
        model: given.model.as_ref().map_or(derived, |model| model.value),
        dynamic: given.dynamic.as_ref().map(|dynamic| dynamic.value),
        dynamic_witness: given.dynamic_witness.as_ref().map(|dynamic| dynamic.value),
        lower_priority_node: given
            .lower_priority_node
            .as_ref()
            .map(|node| node.value.0.clone()),
    }
}

fn check_model(
    spec: &ClusterSpec,
    given: &QuorumSpec,
    derived: QuorumModel,
    decoder: &mut Decoder<'_>,
) {
    let Some(model) = &given.model else { return };
    let disk_only = model.value == QuorumModel::DiskOnly;
    let fits = model.value == derived || disk_only && derived == QuorumModel::NodeAndDiskMajority;
    // A witness that was refused above would only cause a second message here.
    let witness_refused = spec.witness.is_some() && derived == QuorumModel::NodeMajority;
    if fits || witness_refused && model.value != QuorumModel::NodeMajority && !is_none(spec) {
        return;
    }
    let needs = match model.value {
        QuorumModel::NodeMajority => "`witness: none`",
        QuorumModel::NodeAndDiskMajority | QuorumModel::DiskOnly => {
            "a disk witness: `witness: { disk: array/lun }`"
        }
        QuorumModel::NodeAndFileShareMajority => "a share witness: `witness: { share: endpoint }`",
    };
    let message = format!("{} does not go with this witness", model.value.label());
    decoder.sink.report(
        Diagnostic::error(Rule::QuorumModel, model.span, message)
            .hint(format!("it needs {needs}; or leave `model` out")),
    );
}

fn is_none(spec: &ClusterSpec) -> bool {
    matches!(spec.witness, None | Some(WitnessSpec::None))
}

fn check_quorum_generation(given: &QuorumSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    if let Some(dynamic) = &given.dynamic {
        since(
            Generation::V2012,
            "dynamic quorum",
            dynamic.span,
            lab,
            decoder,
        );
    }
    if let Some(dynamic) = &given.dynamic_witness {
        since(
            Generation::V2012R2,
            "the dynamic witness",
            dynamic.span,
            lab,
            decoder,
        );
    }
    if let Some(node) = &given.lower_priority_node {
        since(
            Generation::V2012R2,
            "`lower-priority-node`",
            node.span,
            lab,
            decoder,
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

fn check_votes(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    let votes: u32 = lab
        .cluster
        .members
        .iter()
        .filter_map(|member| lab.node(member))
        .map(|node| u32::from(node.votes))
        .sum();
    let span = spec.quorum.as_ref().map_or(spec.span, |quorum| quorum.span);
    let disk_only = lab.cluster.quorum.model == QuorumModel::DiskOnly;
    if votes == 0 && !disk_only && !lab.cluster.members.is_empty() {
        decoder
            .sink
            .error(Rule::NoVotes, span, "no member has a vote");
    } else if votes.is_multiple_of(2) && is_none(spec) && !disk_only && !decoder.sink.has_errors() {
        let message = format!("{votes} votes and no witness: an even split has no majority");
        decoder.sink.report(
            Diagnostic::warning(Rule::EvenVotes, span, message)
                .hint("add a witness, or take a vote away with `votes: 0`"),
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
