//! Cluster-wide settings, members and other machines.

use base::{Defaults, NetworkId};
use bottom::security::Secret;
use file::model::{self, HeartbeatPath, Lab};
use middle::settings::{
    Heartbeat, NetworkRole, NetworkSettings, NodeSettings, Resiliency, Settings, Witness,
};

use crate::{Machine, Member, Names, PlanError, Router};

/// Everything that is set once for the whole cluster.
pub(crate) fn settings(lab: &Lab, names: &Names) -> Result<Settings, PlanError> {
    let cluster = &lab.cluster;
    let mut settings = Settings::blank(cluster.generation);
    settings.cluster_name.clone_from(&cluster.name);
    for (heartbeat, path) in [
        (&mut settings.same_subnet, cluster.heartbeat.same_subnet),
        (&mut settings.cross_subnet, cluster.heartbeat.cross_subnet),
        (&mut settings.cross_site, cluster.heartbeat.cross_site),
    ] {
        override_heartbeat(heartbeat, path);
    }
    set_times(&mut settings, cluster);
    override_resiliency(&mut settings.resiliency, cluster.resiliency);
    settings.secret = Secret::from_words(&cluster.name);
    settings.model = cluster.quorum.model;
    settings.witness = witness(lab, names)?;
    if let Some(dynamic) = cluster.quorum.dynamic {
        settings.dynamic_quorum = dynamic;
    }
    if let Some(dynamic) = cluster.quorum.dynamic_witness {
        settings.dynamic_witness = dynamic;
    }
    let lower = cluster.quorum.lower_priority_node.as_deref();
    settings.lower_priority_node = lower.and_then(|name| names.node(name));
    if let Some(site) = lab.sites.iter().find(|site| site.preferred) {
        settings.preferred_site.clone_from(&site.name);
    }
    for name in &cluster.members {
        let id = names.node(name).ok_or(PlanError::unknown("node", name))?;
        settings.nodes.insert(id, node(lab, names, name)?);
    }
    for (place, network) in (0_u8..).zip(&lab.networks) {
        let settings_of = self::network(place, network);
        settings.networks.insert(NetworkId(place), settings_of);
    }
    Ok(settings)
}

/// The generation's table with the lab's own values in it.
pub(crate) fn defaults(lab: &Lab, settings: &Settings) -> Defaults {
    let mut defaults = lab.cluster.generation.defaults();
    defaults.same_subnet_delay = settings.same_subnet.delay;
    defaults.same_subnet_threshold = settings.same_subnet.threshold;
    defaults.cross_subnet_delay = settings.cross_subnet.delay;
    defaults.cross_subnet_threshold = settings.cross_subnet.threshold;
    defaults.cross_site_delay = settings.cross_site.delay;
    defaults.cross_site_threshold = settings.cross_site.threshold;
    defaults.dynamic_quorum = settings.dynamic_quorum;
    defaults.dynamic_witness = settings.dynamic_witness;
    if let Some(restart) = lab.cluster.service_restart {
        defaults.service_restart = restart;
    }
    defaults
}

/// The members in the order of their numbers.
pub(crate) fn members(
    lab: &Lab,
    names: &Names,
    defaults: &Defaults,
) -> Result<Vec<Member>, PlanError> {
    let member = |name: &String| {
        Ok(Member {
            id: names.node(name).ok_or(PlanError::unknown("node", name))?,
            machine: machine(find(lab, name)?, names)?,
            service_restart: defaults.service_restart,
        })
    };
    lab.cluster.members.iter().map(member).collect()
}

/// Machines that are not members.
/// The place of a machine among those that are no members.
pub(crate) fn outsider(lab: &Lab, names: &Names, machine: &str) -> Result<usize, PlanError> {
    let mut others = lab.nodes.iter().filter(|it| names.node(&it.name).is_none());
    let place = others.position(|it| it.name == machine);
    place.ok_or_else(|| PlanError::unknown("machine outside the cluster", machine))
}

/// The machine that is the domain controller, if the lab has one.
pub(crate) fn controller(lab: &Lab, names: &Names) -> Result<Option<usize>, PlanError> {
    let named = lab.directory.as_ref().and_then(|it| it.controller.as_ref());
    named
        .map(|machine| outsider(lab, names, machine))
        .transpose()
}

pub(crate) fn others(lab: &Lab, names: &Names) -> Result<Vec<Machine>, PlanError> {
    let other = |node: &&model::Node| names.node(&node.name).is_none();
    let others = lab.nodes.iter().filter(other);
    others.map(|node| machine(node, names)).collect()
}

/// What joins networks.
pub(crate) fn routers(lab: &Lab, names: &Names) -> Result<Vec<Router>, PlanError> {
    let router = |router: &model::Router| {
        let network = |name: &String| {
            let network = names.network(name);
            network.ok_or_else(|| PlanError::unknown("network", name))
        };
        let joins: Result<_, PlanError> = router.joins.iter().map(network).collect();
        Ok(Router {
            joins: joins?,
            link: router.link,
        })
    };
    lab.routers.iter().map(router).collect()
}

fn machine(node: &model::Node, names: &Names) -> Result<Machine, PlanError> {
    let adapter = |adapter: &model::Adapter| {
        let network = names
            .network(&adapter.network)
            .ok_or(PlanError::unknown("network", &adapter.network))?;
        Ok::<_, PlanError>((network, adapter.address))
    };
    Ok(Machine {
        name: node.name.clone(),
        site: node.site.clone(),
        adapters: node
            .adapters
            .iter()
            .map(adapter)
            .collect::<Result<_, _>>()?,
        memory_bytes: node.memory_bytes,
        services: node.services.iter().cloned().collect(),
    })
}

fn node(lab: &Lab, names: &Names, name: &str) -> Result<NodeSettings, PlanError> {
    let node = find(lab, name)?;
    let machine = machine(node, names)?;
    let weight = u32::from(node.votes.min(1));
    Ok(NodeSettings {
        name: node.name.clone(),
        weight,
        dynamic_weight: weight,
        site: node.site.clone().unwrap_or_default(),
        interfaces: machine
            .adapters
            .into_iter()
            .map(|(network, address)| (network, address.to_string()))
            .collect(),
    })
}

fn find<'a>(lab: &'a Lab, name: &str) -> Result<&'a model::Node, PlanError> {
    lab.node(name)
        .ok_or_else(|| PlanError::unknown("node", name))
}

fn network(place: u8, network: &model::Network) -> NetworkSettings {
    let role = match network.role {
        model::NetworkRole::None => NetworkRole::None,
        model::NetworkRole::Cluster => NetworkRole::Cluster,
        model::NetworkRole::ClusterAndClient => NetworkRole::ClusterAndClient,
    };
    let automatic = role.automatic_metric(NetworkId(place));
    NetworkSettings {
        name: network.name.clone(),
        subnet: format!("{}/{}", network.subnet.base, network.subnet.prefix_bits),
        role,
        metric: network.metric.unwrap_or(automatic),
        auto_metric: network.metric.is_none(),
    }
}

fn set_times(settings: &mut Settings, cluster: &model::Cluster) {
    let (times, given) = (&mut settings.regroup, cluster.regroup);
    times.tick = given.tick.unwrap_or(times.tick);
    times.opening = given.opening.unwrap_or(times.opening);
    times.stage = given.stage.unwrap_or(times.stage);
    times.halt = given.halt.unwrap_or(times.halt);
    if let Some(every) = cluster.disk_arbitration.every {
        settings.disk_arbitration_interval = every;
    }
    if let Some(challenge) = cluster.disk_arbitration.challenge {
        settings.disk_challenge_wait = challenge;
    }
}

fn override_resiliency(resiliency: &mut Resiliency, given: model::Resiliency) {
    resiliency.level = given.level.unwrap_or(resiliency.level);
    resiliency.period = given.period.unwrap_or(resiliency.period);
    let threshold = &mut resiliency.quarantine_threshold;
    *threshold = given.quarantine_after.unwrap_or(*threshold);
    resiliency.quarantine_duration = given.quarantine_for.or(resiliency.quarantine_duration);
}

fn override_heartbeat(heartbeat: &mut Heartbeat, path: HeartbeatPath) {
    heartbeat.delay = path.every.unwrap_or(heartbeat.delay);
    heartbeat.threshold = path.missed.unwrap_or(heartbeat.threshold);
}

fn witness(lab: &Lab, names: &Names) -> Result<Witness, PlanError> {
    match &lab.cluster.witness {
        model::Witness::None => Ok(Witness::None),
        model::Witness::Disk(lun) => names
            .disk(lun)
            .map(Witness::Disk)
            .ok_or_else(|| PlanError::unknown("logical unit", &lun.to_string())),
        model::Witness::Share(_) => Ok(Witness::Share),
        model::Witness::Cloud(_) => Ok(Witness::Cloud),
    }
}
